# SPDX-License-Identifier: GPL-2.0
"""rust-hello on a booted board: its parameter, its messages, its refusals."""

import pytest

MODULE = "rust_hello"


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
    assert last_message(shell).endswith(f"{MODULE}: Hello from Rust (1 of 1)")
    shell.run_check(f"rmmod {MODULE}")
    assert last_message(shell).endswith(f"{MODULE}: Goodbye from Rust")


def test_takes_its_parameter(shell):
    shell.run_check(f"modprobe {MODULE} greetings=3")
    assert last_message(shell).endswith(f"{MODULE}: Hello from Rust (3 of 3)")


# The kernel refuses what is not a u8; the driver what it cannot serve.
@pytest.mark.expects(rf"{MODULE}: .*(invalid for parameter|not in )")
@pytest.mark.parametrize("value", ["0", "10", "-1", "256", "many", ""])
def test_refuses_a_bad_parameter(shell, value):
    stdout, stderr, code = shell.run(f"modprobe {MODULE} greetings={value}")
    assert code != 0, stdout + stderr
    assert not loaded(shell)
