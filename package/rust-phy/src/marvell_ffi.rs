// SPDX-License-Identifier: GPL-2.0

//! The border to what PHYLIB has and `rust/kernel/net/phy.rs` does not.

use kernel::{
    bindings,
    net::phy::Device, //
};

fn raw(dev: &mut Device) -> *mut bindings::phy_device {
    // CAST: `Device` is a `repr(transparent)` wrapper around `struct phy_device`.
    core::ptr::from_mut(dev).cast()
}

/// Reads which modes have energy-efficient Ethernet; none if that fails.
pub(crate) fn read_eee_abilities(dev: &mut Device) {
    // As PHYLIB does for a driver whose features are a constant, this ignores an error.
    // SAFETY: By the type invariants of `Device`.
    unsafe { bindings::genphy_c45_read_eee_abilities(raw(dev)) };
}

/// Sets whether the link is one of fiber, not of copper.
pub(crate) fn set_port_fiber(dev: &mut Device, fiber: bool) {
    let port = if fiber {
        bindings::PORT_FIBRE
    } else {
        bindings::PORT_TP
    };
    // CAST: Both are small.
    // SAFETY: By the type invariants of `Device` we are where its fields may be changed.
    unsafe { (*raw(dev)).port = port as i32 };
}
