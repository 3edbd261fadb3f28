# SPDX-License-Identifier: MIT
"""CPUS= is how many processors QEMU has, for `make run` and the tests alike."""

import os
import subprocess

import pytest
from ironroot.environment import environment, qemu_cpus, target
from ironroot.quick import CHECKOUT

BOARD = "qemu_riscv64"


def processors(directory):
    """The last word of QEMU's command line about them, which is the one that counts."""
    disk = directory / "disk.qcow2"
    disk.touch()
    found = target(environment(BOARD, directory, disk), BOARD, "qemu")
    args = found.get_driver("QEMUDriver", activate=False).get_qemu_base_args()
    return [args[place + 1] for place, arg in enumerate(args) if arg == "-smp"][-1]


def test_the_boards_own(monkeypatch, tmp_path):
    monkeypatch.delenv("CPUS", raising=False)
    assert processors(tmp_path) == "2" == str(qemu_cpus(BOARD))


def test_what_was_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("CPUS", "4")
    assert processors(tmp_path) == "4" == str(qemu_cpus(BOARD))


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"CPUS": "many"}, "CPUS=many: not a number"),
        ({"CPUS": "0"}, "CPUS=0: not a number"),
        ({"CPUS": "4", "SERIAL": "/dev/null"}, "CPUS= is for QEMU"),
    ],
)
def test_refuses(environ, message, tmp_path):
    # It says so before it makes anything of the build root.
    elsewhere = {"IRONROOT_CACHE": str(tmp_path)}
    ended = subprocess.run(
        [CHECKOUT / "quick/enter", "true"],
        env=os.environ | elsewhere | environ,
        capture_output=True,
        text=True,
    )
    assert ended.returncode != 0
    assert message in ended.stderr
    assert not list(tmp_path.iterdir())
