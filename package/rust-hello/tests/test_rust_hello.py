# SPDX-License-Identifier: GPL-2.0
"""rust-hello on a booted board: its parameter, its messages, its refusals."""

import pytest

MODULE = "rust_hello"


def test_loads_and_unloads(module):
    module.load()
    assert module.last_message() == "Hello from Rust (1 of 1)"
    module.unload()
    assert module.last_message() == "Goodbye from Rust"


def test_takes_its_parameter(module):
    module.load("greetings=3")
    assert module.last_message() == "Hello from Rust (3 of 3)"


# The kernel refuses what is not a u8; the driver what it cannot serve.
@pytest.mark.expects(rf"{MODULE}: .*(invalid for parameter|not in )")
@pytest.mark.parametrize("value", ["0", "10", "-1", "256", "many", ""])
def test_refuses_a_bad_parameter(module, value):
    assert module.refuses(f"greetings={value}")
    assert not module.loaded()
