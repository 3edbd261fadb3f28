# SPDX-License-Identifier: GPL-2.0
"""Fixtures of the driver's board tests."""

import sys
from pathlib import Path

import pytest

# For the tests too.
sys.path.insert(0, str(Path(__file__).parent))

from nvme_disk import MODULE, Disk


@pytest.fixture(autouse=True)
def settled(shell):
    """Waits until nobody holds the driver: a scan at boot, or what the test before started."""
    count = f"cat /sys/module/{MODULE}/refcnt 2> /dev/null || echo 0"
    shell.run_check(
        f"n=0; while [ $({count}) != 0 ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.2; done",
        timeout=60,
    )


@pytest.fixture
def loaded(module, shell):
    """Loads the driver with parameters, for all controllers: the C driver must not have them."""

    def load(parameters=""):
        shell.run("modprobe -r nvme", timeout=60)
        module.load(parameters)
        return lambda serial: Disk(shell, serial)

    return load
