# SPDX-License-Identifier: GPL-2.0
"""driver-template on a booted board: its parameter, its messages, its refusals."""

import pytest

MODULE = "driver_template"


def test_loads_and_unloads(module):
    module.load()
    assert module.last_message() == "loaded, depth 4"
    module.unload()
    assert module.last_message() == "unloaded"


def test_takes_its_parameter(module):
    module.load("depth=33")
    assert module.last_message() == "loaded, depth 64"


# The kernel refuses what is not a u32; the driver what it cannot serve.
@pytest.mark.expects(rf"{MODULE}: .*(invalid for parameter|not in )")
@pytest.mark.parametrize("value", ["0", "65", "-1", "4294967296", "deep", ""])
def test_refuses_a_bad_parameter(module, value):
    assert module.refuses(f"depth={value}")
    assert not module.loaded()
