// SPDX-License-Identifier: GPL-2.0

//! The border to what PHYLIB and the driver core have and the kernel crate does not.

use kernel::{
    bindings,
    device::property::FwNode,
    error::to_result,
    net::phy::Device,
    prelude::*, //
};

/// A register of an MMD that has no name in [`kernel::net::phy::reg::Mmd`].
#[derive(Clone, Copy)]
pub(crate) struct VendorMmd {
    pub(crate) devad: i32,
    pub(crate) reg: u16,
}

fn raw(dev: &mut Device) -> *mut bindings::phy_device {
    // CAST: `Device` is a `repr(transparent)` wrapper around `struct phy_device`.
    core::ptr::from_mut(dev).cast()
}

/// Reads a register of an MMD.
pub(crate) fn read_mmd(dev: &mut Device, from: VendorMmd) -> Result<u16> {
    // SAFETY: By the type invariants of `Device`.
    let ret = unsafe { bindings::phy_read_mmd(raw(dev), from.devad, from.reg.into()) };
    to_result(ret)?;
    // CAST: No error: the register's 16 bits.
    Ok(ret as u16)
}

/// Writes a register of an MMD.
pub(crate) fn write_mmd(dev: &mut Device, to: VendorMmd, value: u16) -> Result {
    // SAFETY: By the type invariants of `Device`.
    to_result(unsafe { bindings::phy_write_mmd(raw(dev), to.devad, to.reg.into(), value) })
}

/// Gets the node of the device tree that says how the PHY is wired: its own, or without one that of
/// the next device above it which has one, as a rule its MAC.
pub(crate) fn board_node(dev: &Device) -> Option<&FwNode> {
    let mut dev: &kernel::device::Device = dev.as_ref();
    loop {
        if let Some(node) = dev.fwnode().filter(|node| node.is_of_node()) {
            return Some(node);
        }
        // CAST: `Device` is a `repr(transparent)` wrapper around `struct device`.
        let device = core::ptr::from_ref(dev).cast::<bindings::device>();
        // SAFETY: By the type invariants of `Device`; neither a PHY nor what is above it gets
        // another parent.
        let parent = unsafe { (*device).parent };
        if parent.is_null() {
            return None;
        }
        // SAFETY: A device holds a reference to its parent.
        dev = unsafe { kernel::device::Device::from_raw(parent) };
    }
}

/// Returns true from suspending the PHY until it was resumed.
pub(crate) fn is_suspended(dev: &mut Device) -> bool {
    // SAFETY: By the type invariants of `Device`.
    unsafe { bindings::phy_device::suspended_raw(raw(dev)) != 0 }
}

/// Says that the PHY has energy-efficient Ethernet at 100 and 1000 Mbit/s, as far as it has these.
pub(crate) fn support_eee(dev: &mut Device) {
    const MODES: usize = 1
        << bindings::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_100baseT_Full_BIT
        | 1 << bindings::ethtool_link_mode_bit_indices_ETHTOOL_LINK_MODE_1000baseT_Full_BIT;
    let phydev = raw(dev);
    // SAFETY: By the type invariants of `Device`; while a PHY is probed nobody else has it.
    let supported = unsafe { (*phydev).supported };
    let mut eee = supported.map(|_| 0);
    eee[0] = supported[0] & MODES;
    // SAFETY: As above.
    unsafe { (*phydev).supported_eee = eee };
}
