# SPDX-License-Identifier: GPL-2.0
"""Fixtures of the driver's board tests."""

import sys
from pathlib import Path

import pytest
from ironroot.module import Module

# For the tests too.
sys.path.insert(0, str(Path(__file__).parent))

from nvme_disk import MODULE, Disk  # noqa: E402, RUF100


@pytest.fixture(autouse=True)
def settled(shell):
    """Waits until nobody holds the driver: a scan at boot, or what the test before started."""
    count = f"cat /sys/module/{MODULE}/refcnt 2> /dev/null || echo 0"
    shell.run_check(
        f"n=0; while [ $({count}) != 0 ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.2; done",
        timeout=60,
    )


@pytest.fixture
def module(shell):
    """The driver, loaded without parameters or not at all: it stays where that is right.

    Loading it takes seconds on an emulated board, with all the controllers that it then has.
    """
    return Module(shell, MODULE)


@pytest.fixture
def unloaded(module):
    """The driver, not loaded."""
    if module.loaded():
        module.unload()
    return module


@pytest.fixture
def loaded(module, shell):
    """Loads the driver with parameters, for all controllers: the C driver must not have them."""
    asked = []
    c_driver = Module(shell, "nvme")

    def load(parameters=""):
        asked.append(parameters)
        # A boot loads both, and one of them has the controllers.
        if (parameters or c_driver.loaded()) and module.loaded():
            module.unload()
        if not module.loaded():
            shell.run("modprobe -r nvme", timeout=60)
            module.load(parameters)
        return lambda serial: Disk(shell, serial)

    yield load
    if any(asked) and module.loaded():
        module.unload()
