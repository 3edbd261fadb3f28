# SPDX-License-Identifier: MIT
"""The kernel's Rust samples at work: each shows an abstraction that drivers stand on.

A test device of QEMU's on the PCI bus, and a node in the device tree, make their probes run.
"""

import re
import subprocess

import pytest
from ironroot import kernel
from ironroot.module import Module

# Those that want the same device: the boot may have loaded any of them.
RIVALS = (
    "rust_driver_pci",
    "rust_dma",
    "rust_driver_auxiliary",
    "rust_driver_platform",
    "rust_soc",
    "rust_debugfs",
    "rust_i2c_client",
)


def with_test_node(command, scratch):
    """QEMU's own device tree and one node more."""
    dtb = scratch / "board.dtb"
    subprocess.run([*command, "-machine", f"dumpdtb={dtb}"], check=True, capture_output=True)
    node = "/rust-device"
    for edit in (
        ["-c", dtb, node],
        ["-t", "s", dtb, node, "compatible", "test,rust-device"],
        ["-t", "x", dtb, node, "test,u32-prop", "deadbeef"],
        ["-t", "x", dtb, node, "test,u32-required-prop", "1"],
        ["-t", "bx", dtb, node, "test,i16-array", "0", "1", "0", "2", "ff", "fd", "ff", "fc"],
    ):
        subprocess.run(["fdtput", *edit], check=True)
    return f"-dtb {dtb} -device pci-testdev"


QEMU_ARGS = with_test_node


@pytest.fixture
def sample(board, shell):
    """Loads a sample and gives what it logged; it is unloaded after the test."""
    if kernel.fragments().get("CONFIG_SAMPLES_RUST") != "y":
        pytest.skip("this kernel has no Rust samples")
    loaded = []

    def load(name):
        for other in RIVALS:
            if (module := Module(shell, other)).loaded():
                module.unload()
        board.mark_log(f"sample {name}")
        loaded.append(Module(shell, name))
        loaded[-1].load()
        return lambda: "\n".join(board.new_log())

    yield load
    for module in loaded:
        if module.loaded():
            module.unload()


def test_pci_reads_and_writes_the_devices_registers(sample):
    log = sample("rust_driver_pci")()
    assert "pci-testdev data-match count: 1" in log
    assert "read16 vendor ID: 1b36" in log


def test_dma_memory_keeps_what_the_driver_wrote(sample, shell):
    log = sample("rust_dma")
    shell.run_check("modprobe -r rust_dma")
    assert "Unload DMA test driver." in log()
    assert re.search(r"Entry\[0\]: DMA address: 0x[0-9a-f]+", log())


def test_auxiliary_devices_reach_their_parents_data(sample):
    log = sample("rust_driver_auxiliary")()
    assert "Connected to auxiliary device with index 0." in log
    assert "(via Mutex)" in log


def test_platform_driver_matches_the_device_tree(sample):
    log = sample("rust_driver_platform")()
    assert "Probed with info: '42'" in log
    assert "'test,u32-prop'='0xdeadbeef'" in log
    assert "'test,i16-array'='[1, 2, -3, -4]'" in log


@pytest.fixture
def i2c_bus(shell):
    """An I2C bus without hardware, with a chip at 0x50; the samples want the first bus there is."""
    stub = Module(shell, "i2c_stub")
    stub.load("chip_addr=0x50")
    assert shell.run_check("cat /sys/bus/i2c/devices/i2c-0/name") == ["SMBus stub driver"]
    yield "/sys/bus/i2c/devices/i2c-0"
    stub.unload()


def test_i2c_driver_binds_by_name(i2c_bus, sample, shell):
    log = sample("rust_driver_i2c")
    shell.run_check(f"echo rust_driver_i2c 0x50 > {i2c_bus}/new_device")
    assert "rust_driver_i2c 0-0050: Probed with info: '0'." in log()
    driver = shell.run_check("basename $(readlink /sys/bus/i2c/devices/0-0050/driver)")
    assert driver == ["rust_driver_i2c"]
    shell.run_check(f"echo 0x50 > {i2c_bus}/delete_device")
    assert "Unbind Rust I2C driver sample." in log()


def test_i2c_client_is_made_and_removed_by_a_driver(i2c_bus, sample, shell):
    sample("rust_driver_i2c")
    log = sample("rust_i2c_client")
    assert "rust_driver_i2c 0-0030: Probed with info: '0'." in log()
    shell.run_check("rmmod rust_i2c_client")
    assert "rust_driver_i2c 0-0030: Unbind Rust I2C driver sample." in log()
    shell.run_check("test ! -e /sys/bus/i2c/devices/0-0030")


def test_soc_driver_fills_sysfs(sample, shell):
    sample("rust_soc")
    path = shell.run_check("grep -l ACME /sys/bus/soc/devices/*/machine")[0]
    folder = path.rsplit("/", 1)[0]
    assert shell.run_check(f"cat {path}") == ["My cool ACME15 dev board"]
    assert shell.run_check(f"cat {folder}/soc_id {folder}/revision") == ["ACME15", "1.2"]


def test_debugfs_driver_shows_and_takes_values(sample, shell):
    """It has no device-tree match in 7.3: it is told which device it gets."""
    sample("rust_debugfs")
    device = shell.run_check("basename $(ls -d /sys/bus/platform/devices/*rust-device)")[0]
    folder = f"/sys/bus/platform/devices/{device}"
    shell.run_check(f"echo rust_debugfs > {folder}/driver_override")
    shell.run_check(f"echo {device} > /sys/bus/platform/drivers_probe")
    # Bound it stays; the next test's driver finds the device as it was.
    shell.run_check(f"echo > {folder}/driver_override")
    files = "/sys/kernel/debug/sample_debugfs"
    assert shell.run_check(f"cat {files}/compatible") == ['"test,rust-device"']
    assert shell.run_check(f"cat {files}/counter") == ["91"]
    shell.run_check(f"echo 7 > {files}/counter")
    assert shell.run_check(f"cat {files}/counter") == ["7"]
    assert shell.run(f"echo many > {files}/counter")[2] != 0
    assert shell.run_check(f"cat {files}/array_blob") == ["blob"]


def test_scoped_debugfs_makes_and_removes_files(sample, shell):
    sample("rust_debugfs_scoped")
    files = "/sys/kernel/debug/rust_scoped_debugfs"
    shell.run_check(f"echo 'shelf 3 14' > {files}/control/create")
    assert shell.run_check(f"cat {files}/dynamic/shelf/0 {files}/dynamic/shelf/1") == ["3", "14"]
    assert shell.run(f"echo 'shelf x' > {files}/control/create")[2] != 0
    shell.run_check(f"echo shelf > {files}/control/remove")
    assert shell.run_check(f"ls -1 {files}/dynamic") == []


def test_configfs_makes_groups_with_attributes(sample, shell):
    sample("rust_configfs")
    root = "/sys/kernel/config/rust_configfs"
    assert shell.run_check(f"cat {root}/message") == ["Hello World"]
    shell.run_check(f"echo kept > {root}/bar")
    assert shell.run_check(f"cat {root}/bar") == ["kept"]
    shell.run_check(f"mkdir {root}/child {root}/child/grandchild")
    assert "gc" in shell.run_check(f"ls -1 {root}/child/grandchild")
    shell.run_check(f"rmdir {root}/child/grandchild {root}/child")


def test_misc_device_reads_back_what_was_written(sample, shell):
    sample("rust_misc_device")
    script = "exec 3<>/dev/rust-misc-device; echo kept >&3; cat <&3; exec 3>&-"
    assert shell.run_check(script) == ["kept"]


def test_faux_device_is_registered(sample, shell):
    log = sample("rust_driver_faux")()
    assert "Hello from faux device!" in log
    shell.run_check("test -d /sys/devices/faux/rust-faux-sample-device")
