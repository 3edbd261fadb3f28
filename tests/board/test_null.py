# SPDX-License-Identifier: MIT
"""The null block drivers, Rust's beside C's: every parameter, bad values, requests through fio."""

from dataclasses import dataclass

import pytest
from ironroot import kernel
from ironroot.module import Module

SECTORS_PER_MIB = 2048


@dataclass
class Driver:
    """One of the two drivers and its configfs directory."""

    shell: object
    group: str
    # What only one of them takes.
    options: str = ""

    @property
    def path(self):
        return f"/sys/kernel/config/{self.group}/test"

    def set(self, attribute, value):
        """Writes an attribute; gives the error's text, or nothing."""
        output, _, code = self.shell.run(f"echo '{value}' > {self.path}/{attribute}")
        assert (code == 0) == (not output), output
        return output[0].rsplit(": ", 1)[1] if output else ""

    def get(self, attribute):
        return self.shell.run_check(f"cat {self.path}/{attribute}")[0]

    def queue(self, name):
        """What the block layer shows of the disk."""
        return self.shell.run_check(f"cat /sys/block/test/{name}")[0]


# Each driver's module, its group in configfs and the module's parameters.
DRIVERS = {"rnull": ("rnull_mod", "rnull", ""), "null_blk": ("null_blk", "nullb", "nr_devices=0")}


@pytest.fixture(scope="module", autouse=True)
def unloaded_after(booted):
    """The drivers stay loaded from test to test, which saves a second of each, and then go."""
    yield
    for name, _, _ in DRIVERS.values():
        module = Module(booted.shell, name)
        if module.loaded():
            module.unload()


@pytest.fixture(params=DRIVERS)
def driver(request, shell):
    """A device that is not switched on yet, in the Rust driver and in the C one."""
    name, group, parameters = DRIVERS[request.param]
    if kernel.fragments().get("CONFIG_BLK_DEV_RUST_NULL") != "m":
        pytest.skip("this kernel has no rnull")
    Module(shell, name).load(parameters)
    driver = Driver(shell, group)
    shell.run_check(f"mkdir {driver.path}")
    yield driver
    shell.run_check(f"rmdir {driver.path}")


@pytest.mark.parametrize("blocksize", [512, 1024, 4096])
def test_block_size_reaches_the_queue(driver, blocksize):
    assert driver.set("blocksize", blocksize) == ""
    assert driver.set("power", 1) == ""
    assert driver.get("blocksize") == str(blocksize)
    assert driver.queue("queue/logical_block_size") == str(blocksize)
    assert driver.queue("queue/physical_block_size") == str(blocksize)


@pytest.mark.parametrize("mebibytes", [1, 100, 8192])
def test_size_reaches_the_disk(driver, mebibytes):
    assert driver.set("size", mebibytes) == ""
    assert driver.set("power", 1) == ""
    assert driver.queue("size") == str(mebibytes * SECTORS_PER_MIB)


@pytest.mark.parametrize("rotational", [0, 1])
def test_rotational_reaches_the_queue(driver, rotational):
    assert driver.set("rotational", rotational) == ""
    assert driver.set("power", 1) == ""
    assert driver.queue("queue/rotational") == str(rotational)


@pytest.mark.parametrize("irqmode", [0, 1])
@pytest.mark.parametrize("load", ["randrw --iodepth=1", "randrw --iodepth=32", "write --bs=1m"])
def test_requests_complete(driver, shell, irqmode, load):
    """rnull keeps no data, so there is nothing to verify: fio counts and checks every result."""
    assert driver.set("irqmode", irqmode) == ""
    assert driver.set("size", 64) == ""
    assert driver.set("power", 1) == ""
    lines = shell.run_check(
        "fio --name=t --filename=/dev/test --direct=1 --ioengine=io_uring --size=16m "
        f"--output-format=terse --terse-version=3 --rw={load}",
        timeout=120,
    )
    fields = lines[-1].split(";")
    error, read_kib, written_kib = fields[4], int(fields[5]), int(fields[46])
    assert (error, read_kib + written_kib) == ("0", 16 * 1024)


@pytest.mark.parametrize("driver", ["rnull"], indirect=True)
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("blocksize", "0"),
        ("blocksize", "256"),
        ("blocksize", "513"),
        ("blocksize", "8192"),
        ("blocksize", "-512"),
        ("blocksize", "4294967808"),
        ("blocksize", "big"),
        ("blocksize", ""),
        ("size", "-1"),
        ("size", "1.5"),
        ("size", ""),
        ("irqmode", "2"),
        ("irqmode", "256"),
        ("irqmode", "x"),
        ("rotational", "maybe"),
        ("power", "perhaps"),
    ],
)
def test_rust_refuses_bad_values_and_keeps_the_old_one(driver, attribute, value):
    before = driver.get(attribute)
    assert driver.set(attribute, value) == "Invalid argument"
    assert driver.get(attribute) == before
    assert driver.set("power", 1) == ""


@pytest.mark.parametrize("driver", ["rnull"], indirect=True)
@pytest.mark.parametrize("attribute", ["blocksize", "size", "irqmode", "rotational"])
def test_rust_refuses_changes_of_a_device_that_is_on(driver, attribute):
    assert driver.set("power", 1) == ""
    assert driver.set(attribute, driver.get(attribute)) == "Device or resource busy"


def test_switching_off_takes_the_disk_away(driver, shell):
    assert driver.set("power", 1) == ""
    shell.run_check("test -b /dev/test")
    assert driver.set("power", 0) == ""
    shell.run_check("! test -e /dev/test")
    assert driver.set("power", 1) == ""


@pytest.mark.parametrize("driver", ["rnull"], indirect=True)
def test_the_features_file_names_what_there_is(driver, shell):
    features = shell.run_check("cat /sys/kernel/config/rnull/features")[0].split(",")
    there = shell.run_check(f"ls -1 {driver.path}")
    assert set(features) | {"power"} == set(there)
