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


def test_an_announced_report_is_accepted_whole_and_no_other():
    def report(of):
        return [
            "<4>[    1.0] ------------[ cut here ]------------",
            f"<4>[    1.0] WARNING: {of} at f+0x1/0x2, CPU#0: sh/1",
            "<4>[    1.0] CPU: 0 UID: 0 PID: 1",
            "<4>[    1.0] ---[ end trace 0000000000000000 ]---",
        ]

    odd = "<4>[    1.1] something odd"
    lines = [*report("a.c:1"), odd, *report("b.c:1")]
    assert kernel_log.complaints(lines, [r"WARNING: a\.c:"]) == [s[3:] for s in lines[4:]]
    assert kernel_log.complaints(lines, [r"WARNING: [ab]\.c:"]) == [odd[3:]]
    # What a report says besides is no announcement of it.
    assert len(kernel_log.complaints(lines, ["CPU: 0"])) == len(lines) - 2
    # One without an end is not accepted whole, nor one with something else in its middle.
    cut = [report("a.c:1")[0], *report("b.c:1")]
    assert kernel_log.complaints([*report("a.c:1")[:2], *report("b.c:1")], [r"a\.c"]) == [
        s[3:] for s in cut
    ]
    bug = "<6>[    1.0] BUG: KASAN: slab-use-after-free in f"
    mixed = [*report("a.c:1")[:2], bug, *report("a.c:1")[2:]]
    assert bug[3:] in kernel_log.complaints(mixed, [r"WARNING: a\.c"])


@pytest.mark.parametrize("trace", ["Call Trace:", "Call trace:"])
def test_an_announced_cycle_of_locks_is_accepted_and_no_other(trace):
    def cycle(wanted, held):
        return [
            "<4>[    1.0] ",
            "<4>[    1.0] ======================================================",
            "<4>[    1.0] WARNING: possible circular locking dependency detected",
            "<4>[    1.0] sh/1 is trying to acquire lock:",
            f"<4>[    1.0] ff60 ({wanted}){{+.+.}}-{{4:4}}, at: f+0x1/0x2",
            "<4>[    1.0] but task is already holding lock:",
            f"<4>[    1.0] ff60 ({held}){{+.+.}}-{{4:4}}, at: g+0x1/0x2",
            f"<4>[    1.0] {trace}",
            "<4>[    1.0] [<ffffffff8002f1b8>] show_stack+0x28/0x34",
            "<4>[    1.0] [<ffffffff80023116>] dump_stack_lvl+0x2e/0x82",
        ]

    announced = [r"(?s)circular locking.*\(a\).*holding.*\(b\)"]
    odd = "<4>[    1.1] something odd"
    assert kernel_log.complaints([*cycle("a", "b"), odd], announced) == [odd[3:]]
    [report] = kernel_log.complaints([*cycle("a", "c")], announced)
    assert report.splitlines() == [line[3:] for line in cycle("a", "c")[1:]]
    # One in whose middle another stands, and one without an end.
    bug = "<6>[    1.0] BUG: KASAN: slab-use-after-free in f"
    mixed = [*cycle("a", "b")[:5], bug, *cycle("a", "b")[5:]]
    assert bug[3:] in kernel_log.complaints(mixed, announced)
    assert len(kernel_log.complaints(cycle("a", "b")[:5], announced)) == 4


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
