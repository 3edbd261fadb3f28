# SPDX-License-Identifier: MIT
"""buildroot/reproducible, with a build in the offline path's place that takes no time."""

import shutil
import subprocess

import pytest
from ironroot.quick import CHECKOUT

BUILD = """#!/bin/sh
echo build >> builds
out=output/offline/$1
mkdir -p $out/images $out/target/etc
%s
"""


@pytest.fixture
def check(tmp_path):
    """Runs the check on a build that does as told; what it said, and its exit status."""
    (tmp_path / "buildroot").mkdir()
    shutil.copy(CHECKOUT / "buildroot/reproducible", tmp_path / "buildroot")

    def run(commands):
        offline = tmp_path / "buildroot/offline"
        offline.write_text(BUILD % commands)
        offline.chmod(0o755)
        return subprocess.run(
            [tmp_path / "buildroot/reproducible", "a_board"],
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_two_equal_builds(check, tmp_path):
    result = check("echo same > $out/images/sdcard.img; ln -sfn /proc/mounts $out/target/etc/mtab")
    assert result.returncode == 0, result.stderr
    assert "are the same: 1 files" in result.stderr
    assert "images/sdcard.img" in result.stdout
    assert (tmp_path / "builds").read_text().split() == ["build"] * 2
    assert not (tmp_path / "output/offline/a_board.first").exists()


@pytest.mark.parametrize("name", ["images/sdcard.img", "target/etc/motd"])
def test_builds_that_differ_are_named_and_kept(check, tmp_path, name):
    result = check(f"touch $out/images/sdcard.img; wc -l < builds > $out/{name}")
    assert result.returncode == 1
    assert f"{name} differ" in result.stderr
    assert "error: two builds of a_board differ" in result.stderr
    for build in ("a_board.first", "a_board"):
        assert (tmp_path / "output/offline" / build / name).exists()


def test_a_build_that_fails_compares_nothing(check, tmp_path):
    result = check("[ $(wc -l < builds) = 1 ] || exit 3; touch $out/images/sdcard.img")
    assert result.returncode == 3
    assert "are the same" not in result.stderr
    assert (tmp_path / "output/offline/a_board.first/images/sdcard.img").exists()
