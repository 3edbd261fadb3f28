# SPDX-License-Identifier: MIT
"""Each in-tree Rust driver that is a module is on the image, loads and unloads."""

import pytest
from ironroot import kernel
from ironroot.module import Module

# Kconfig's symbol and the module's name; the table of Linux 7.3's Rust modules.
MODULES = {
    "CONFIG_AMCC_QT2025_PHY": "qt2025",
    "CONFIG_BLK_DEV_RUST_NULL": "rnull_mod",
    "CONFIG_CPUFREQ_DT_RUST": "rcpufreq_dt",
    "CONFIG_DRM_NOVA": "nova_drm",
    "CONFIG_DRM_TYR": "tyr",
    "CONFIG_NOVA_CORE": "nova_core",
    "CONFIG_PWM_TH1520": "pwm_th1520",
    "CONFIG_SAMPLE_RUST_CONFIGFS": "rust_configfs",
    "CONFIG_SAMPLE_RUST_DEBUGFS": "rust_debugfs",
    "CONFIG_SAMPLE_RUST_DEBUGFS_SCOPED": "rust_debugfs_scoped",
    "CONFIG_SAMPLE_RUST_DMA": "rust_dma",
    "CONFIG_SAMPLE_RUST_DRIVER_AUXILIARY": "rust_driver_auxiliary",
    "CONFIG_SAMPLE_RUST_DRIVER_FAUX": "rust_driver_faux",
    "CONFIG_SAMPLE_RUST_DRIVER_I2C": "rust_driver_i2c",
    "CONFIG_SAMPLE_RUST_DRIVER_PCI": "rust_driver_pci",
    "CONFIG_SAMPLE_RUST_DRIVER_PLATFORM": "rust_driver_platform",
    "CONFIG_SAMPLE_RUST_DRIVER_SERDEV": "rust_driver_serdev",
    "CONFIG_SAMPLE_RUST_DRIVER_USB": "rust_driver_usb",
    "CONFIG_SAMPLE_RUST_I2C_CLIENT": "rust_i2c_client",
    "CONFIG_SAMPLE_RUST_MINIMAL": "rust_minimal",
    "CONFIG_SAMPLE_RUST_MISC_DEVICE": "rust_misc_device",
    "CONFIG_SAMPLE_RUST_PRINT": "rust_print",
    "CONFIG_SAMPLE_RUST_SOC": "rust_soc",
}

# Built-in Rust drivers and where the running kernel shows them.
BUILT_IN = {
    "CONFIG_ANDROID_BINDER_IPC_RUST": "grep -qw binder /proc/filesystems",
    "CONFIG_AX88796B_RUST_PHY": "test -d '/sys/bus/mdio_bus/drivers/Asix Electronics AX88772A'",
    "CONFIG_DRM_PANIC_SCREEN_QR_CODE": "grep -q qr_code /sys/module/drm/parameters/panic_screen",
}


# This sample prints at every level there is, emergencies on the console too, in the middle of what
# the shell prints.
PRINTS = pytest.mark.expects(r"rust_print: \w+ message \(level [0-4]\)")


def symbols():
    """All of MODULES; the one that complains on purpose says so."""
    for symbol in sorted(MODULES):
        marks = [PRINTS] if symbol == "CONFIG_SAMPLE_RUST_PRINT" else []
        yield pytest.param(symbol, marks=marks)


@pytest.mark.parametrize("symbol", list(symbols()))
def test_module_loads_and_unloads(shell, quiet_console, symbol):
    wanted = kernel.fragments().get(symbol)
    if wanted is None:
        pytest.skip(f"{symbol} is not in this board's fragments")
    assert wanted == "m"
    module = Module(shell, MODULES[symbol])
    was_loaded = module.loaded()
    module.load()
    assert module.loaded()
    module.unload()
    assert not module.loaded()
    if was_loaded:
        module.load()


@pytest.mark.parametrize("symbol", sorted(BUILT_IN))
def test_built_in_driver_is_there(shell, symbol):
    assert kernel.fragments()[symbol] == "y"
    shell.run_check(BUILT_IN[symbol])


def test_minimal_sample_says_hello_and_goodbye(shell):
    module = Module(shell, "rust_minimal")
    module.load()
    module.unload()
    lines = "\n".join(shell.run_check("dmesg | grep rust_minimal: | tail -n 8"))
    assert "Rust minimal sample (init)" in lines
    assert "Rust minimal sample (exit)" in lines


@PRINTS
def test_print_sample_reaches_the_log_at_its_levels(shell, quiet_console):
    module = Module(shell, "rust_print")
    module.load()
    module.unload()
    lines = shell.run_check("dmesg -r | grep 'rust_print: .*level [0-9]'")
    levels = {int(line[1]) for line in lines if line[2] == ">"}
    assert {0, 1, 2, 3, 4, 5, 6} <= levels


def test_a_module_that_is_not_there_is_refused(shell):
    assert Module(shell, "no_such_module").refuses("")
