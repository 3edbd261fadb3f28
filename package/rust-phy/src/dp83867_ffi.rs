// SPDX-License-Identifier: GPL-2.0

//! The border to what PHYLIB has and `rust/kernel/net/phy.rs` does not.

use kernel::{
    bindings,
    net::phy::Device, //
};

/// Disables energy-efficient Ethernet, and keeps user space from enabling it.
pub(crate) fn disable_eee(dev: &mut Device) {
    // CAST: `Device` is a `repr(transparent)` wrapper around `struct phy_device`.
    let phydev = core::ptr::from_mut(dev).cast::<bindings::phy_device>();
    // SAFETY: By the type invariants of `Device` it is valid, and we are where its fields may be
    // changed.
    unsafe { bindings::phy_disable_eee(phydev) };
}
