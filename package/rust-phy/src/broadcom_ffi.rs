// SPDX-License-Identifier: GPL-2.0

//! The border to what PHYLIB, the driver core and the interrupt core have and the kernel crate does
//! not.

use kernel::{
    bindings,
    error::to_result,
    net::phy::Device,
    prelude::*, //
};

fn raw(dev: &mut Device) -> *mut bindings::phy_device {
    // CAST: `Device` is a `repr(transparent)` wrapper around `struct phy_device`.
    core::ptr::from_mut(dev).cast()
}

/// Returns true if the PHY is on an SFP module.
pub(crate) fn is_on_sfp_module(dev: &mut Device) -> bool {
    // SAFETY: By the type invariants of `Device`.
    unsafe { bindings::phy_device::is_on_sfp_module_raw(raw(dev)) != 0 }
}

/// Says whether the PHY can wake the system at all.
///
/// Other than with [`Device::set_wakeup_capable`] no interrupt is armed for it.
pub(crate) fn set_wakeup_capable(dev: &mut Device, capable: bool) {
    // SAFETY: By the type invariants of `Device`.
    unsafe { bindings::device_set_wakeup_capable(&raw mut (*raw(dev)).mdio.dev, capable) };
}

/// Says whether the PHY's interrupt wakes the system. Calls that arm it and calls that disarm it
/// have to balance.
///
/// # Errors
///
/// Those of the interrupt controller; `EINVAL` for a PHY without an interrupt.
pub(crate) fn set_irq_wake(dev: &mut Device, on: bool) -> Result {
    // SAFETY: By the type invariants of `Device`.
    let irq = unsafe { (*raw(dev)).irq };
    // SAFETY: The interrupt core refuses interrupts that there are not.
    to_result(unsafe { bindings::irq_set_irq_wake(irq.try_into()?, on.into()) })
}
