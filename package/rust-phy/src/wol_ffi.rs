// SPDX-License-Identifier: GPL-2.0

//! The border to what `rust/kernel/net/phy.rs` does not have of Wake-on-LAN: the magic packet with
//! a password, beside the events of [`kernel::net::phy::wake`].

use kernel::{
    bindings,
    net::phy::WolInfo, //
};

/// A magic packet with a password.
pub(crate) const WAKE_MAGICSECURE: u32 = bindings::WAKE_MAGICSECURE;

/// Gets the password.
pub(crate) fn password(wol: &WolInfo) -> [u8; 6] {
    let wol = core::ptr::from_ref(wol).cast::<bindings::ethtool_wolinfo>();
    // SAFETY: `WolInfo` is a `repr(transparent)` wrapper around `struct ethtool_wolinfo`.
    unsafe { (*wol).sopass }
}

/// Sets the password.
pub(crate) fn set_password(wol: &mut WolInfo, password: [u8; 6]) {
    let wol = core::ptr::from_mut(wol).cast::<bindings::ethtool_wolinfo>();
    // SAFETY: `WolInfo` is a `repr(transparent)` wrapper around `struct ethtool_wolinfo`.
    unsafe { (*wol).sopass = password };
}
