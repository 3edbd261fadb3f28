# SPDX-License-Identifier: GPL-2.0
"""driver-template on a booted board: its parameter, its messages, its refusals."""

import pytest

MODULE = "driver_template"


def loaded(shell):
    return shell.run(f"test -d /sys/module/{MODULE}")[2] == 0


def last_message(shell):
    return shell.run_check(f"dmesg | grep '{MODULE}: ' | tail -n 1")[0]


@pytest.fixture(autouse=True)
def unloaded(shell):
    """Each test begins and ends without the module, also when it fails."""
    shell.run(f"rmmod {MODULE}")
    yield
    shell.run(f"rmmod {MODULE}")


def test_loads_and_unloads(shell):
    shell.run_check(f"modprobe {MODULE}")
    assert last_message(shell).endswith(f"{MODULE}: loaded, depth 4")
    shell.run_check(f"rmmod {MODULE}")
    assert last_message(shell).endswith(f"{MODULE}: unloaded")


def test_takes_its_parameter(shell):
    shell.run_check(f"modprobe {MODULE} depth=33")
    assert last_message(shell).endswith(f"{MODULE}: loaded, depth 64")


# The kernel refuses what is not a u32; the driver what it cannot serve.
@pytest.mark.expects(rf"{MODULE}: .*(invalid for parameter|not in )")
@pytest.mark.parametrize("value", ["0", "65", "-1", "4294967296", "deep", ""])
def test_refuses_a_bad_parameter(shell, value):
    stdout, stderr, code = shell.run(f"modprobe {MODULE} depth={value}")
    assert code != 0, stdout + stderr
    assert not loaded(shell)
