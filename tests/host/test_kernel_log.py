# SPDX-License-Identifier: MIT
"""The check that runs after every board test sees what it must see."""

import subprocess

import pytest
from ironroot import kernel_log


@pytest.mark.parametrize(
    "line",
    [
        "<4>[    1.0] something odd",
        "<3>[    1.0] an error",
        "<12>[    1.0] from user space, at warning",
        "<6>[    1.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1",
        "<6>[    1.0] BUG: KASAN: slab-use-after-free in f",
        "<6>[    1.0] WARNING: possible circular locking dependency detected",
        "[    1.0] Call Trace:",
    ],
)
def test_complains(line):
    assert len(kernel_log.complaints(["<6>[    0.9] fine", line])) == 1


@pytest.mark.parametrize("line", ["<6>[    1.0] eth0: up", "<5>[    1.0] notice", ""])
def test_accepts(line):
    assert kernel_log.complaints([line]) == []


def test_an_announced_line_is_accepted_and_no_other():
    lines = ["<3>[    1.0] foo: bad value 7", "<3>[    1.0] bar: bad value 7"]
    assert kernel_log.complaints(lines, [r"foo: bad value"]) == [lines[1][3:]]


def test_how_long_a_kunit_test_took_is_the_emulators_affair():
    line = "<4>[   40.1]     # test_kvec_retain: Test should be marked slow (runtime: 2.376203500s)"
    assert len(kernel_log.complaints([line])) == 1
    assert kernel_log.complaints([line], kernel_log.KUNIT_SAYS) == []


@pytest.mark.parametrize(
    ("marker", "log", "after"),
    [
        ("mark", ["<3>[    1.0] old", "<6>[    2.0] mark", "<3>[    3.0] new"], 2),
        ("nowhere", ["<3>[    1.0] old", "<6>[    2.0] mark"], 0),
        ("mark", ["<6>[    1.0] marked", "<6>[    2.0] mark", "<3>[    3.0] new"], 2),
        # An earlier run over the same serial port set it too.
        ("mark", ["<6>[    1.0] mark", "<3>[    2.0] old", "<6>[    3.0] mark", "<3> new"], 3),
        ("mark", ["<6>[    2.0] mark"], 1),
    ],
)
def test_looks_only_after_the_marker(tmp_path, marker, log, after):
    path = tmp_path / "log"
    path.write_text("".join(f"{line}\n" for line in log))
    command = f"dmesg() {{ cat {path}; }}; {kernel_log.since(marker)}"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == log[after:]
