// SPDX-License-Identifier: GPL-2.0

//! The border to phy_sim_shim.c: a bus, and the calls that come from it.

use crate::Model;
use core::ptr::NonNull;
use kernel::{
    error::to_result,
    ffi::{
        c_char,
        c_int,
        c_uint,
        c_ulong,
        c_void, //
    },
    prelude::*,
    str::CStrExt,
    sync::Arc, //
};

/// Opaque to Rust.
#[repr(C)]
struct PhySimBus {
    _opaque: [u8; 0],
}

// `unsafe` says that these are the declarations of `phy_sim_shim.h`.
unsafe extern "C" {
    fn phy_sim_bus_new(model: *mut c_void) -> *mut PhySimBus;
    fn phy_sim_bus_free(sim: *mut PhySimBus);
    fn phy_sim_bus_set_dt(sim: *mut PhySimBus, blob: *const c_void, len: usize) -> c_int;
    fn phy_sim_bus_wire_irq(sim: *mut PhySimBus, addr: c_int) -> c_int;
    fn phy_sim_bus_fire_irq(sim: *mut PhySimBus, addr: c_int) -> c_int;
    fn phy_sim_bus_fire_irq_later(sim: *mut PhySimBus, addr: c_int, ms: c_uint) -> c_int;
    fn phy_sim_bus_clock(
        sim: *mut PhySimBus,
        addr: c_int,
        name: *const c_char,
        rate: c_ulong,
    ) -> c_int;
    fn phy_sim_bus_settle(sim: *mut PhySimBus, addr: c_int) -> c_int;
    fn phy_sim_bus_start(sim: *mut PhySimBus) -> c_int;
    fn phy_sim_bus_stop(sim: *mut PhySimBus);
    fn phy_sim_bus_attach(
        sim: *mut PhySimBus,
        addr: c_int,
        mode: *const c_char,
        dev_flags: u32,
    ) -> c_int;
    fn phy_sim_bus_detach(sim: *mut PhySimBus, addr: c_int) -> c_int;
    fn phy_sim_bus_netdev(sim: *mut PhySimBus, addr: c_int) -> *const c_char;
    fn phy_sim_bus_support_eee(sim: *mut PhySimBus, addr: c_int) -> c_int;
    fn phy_sim_bus_loopback(sim: *mut PhySimBus, addr: c_int, enable: bool, speed: c_int) -> c_int;
}

/// An address on an MDIO bus.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Addr(u8);

impl Addr {
    /// [`None`] for what is not in 0 to 31.
    pub(crate) fn new(addr: u32) -> Option<Self> {
        (addr < 32).then_some(Self(addr as u8))
    }

    fn index(self) -> c_int {
        self.0.into()
    }
}

/// A bus whose PHYs a [`Model`] answers for.
///
/// # Invariants
///
/// `ptr` comes from `phy_sim_bus_new()` and was not freed. Its model is `model`.
pub(crate) struct Bus {
    ptr: NonNull<PhySimBus>,
    model: Arc<Model>,
}

// SAFETY: The shim's functions can be called from any thread.
unsafe impl Send for Bus {}

impl Bus {
    pub(crate) fn new(model: Arc<Model>) -> Result<Self> {
        // SAFETY: The model lives as long as the bus: `Self` holds a reference.
        let ptr = unsafe { phy_sim_bus_new(Arc::as_ptr(&model).cast_mut().cast()) };
        // INVARIANT: As stated.
        Ok(Self {
            ptr: NonNull::new(ptr).ok_or(ENOMEM)?,
            model,
        })
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    /// Sets the device tree, as a blob. Its node `mdio` is the bus, and `mac` the MAC that the bus
    /// belongs to; without `mdio` no PHY has a node.
    pub(crate) fn set_dt(&mut self, blob: &[u8]) -> Result {
        // SAFETY: By the type invariants; `blob` is as long as we say.
        to_result(unsafe {
            phy_sim_bus_set_dt(self.ptr.as_ptr(), blob.as_ptr().cast(), blob.len())
        })
    }

    /// Gives a PHY an interrupt, before the bus starts.
    pub(crate) fn wire_irq(&mut self, addr: Addr) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe { phy_sim_bus_wire_irq(self.ptr.as_ptr(), addr.index()) })
    }

    pub(crate) fn fire_irq(&mut self, addr: Addr) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe { phy_sim_bus_fire_irq(self.ptr.as_ptr(), addr.index()) })
    }

    /// Fires a PHY's interrupt after so many milliseconds; one interrupt at a time.
    pub(crate) fn fire_irq_later(&mut self, addr: Addr, ms: u32) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe { phy_sim_bus_fire_irq_later(self.ptr.as_ptr(), addr.index(), ms) })
    }

    /// Gives a PHY its clock, of so many hertz; [`None`] for one whatever its name in the device
    /// tree.
    pub(crate) fn clock(&mut self, addr: Addr, name: Option<&CStr>, rate: u32) -> Result {
        let name = name.map_or(core::ptr::null(), CStr::as_char_ptr);
        // SAFETY: By the type invariants, and those of `Addr`; a name is copied.
        to_result(unsafe {
            phy_sim_bus_clock(self.ptr.as_ptr(), addr.index(), name, rate as c_ulong)
        })
    }

    /// Waits until phylib is through with what a PHY has for it now.
    pub(crate) fn settle(&mut self, addr: Addr) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe { phy_sim_bus_settle(self.ptr.as_ptr(), addr.index()) })
    }

    /// Registers the bus, which probes its PHYs.
    pub(crate) fn start(&mut self) -> Result {
        // SAFETY: By the type invariants.
        to_result(unsafe { phy_sim_bus_start(self.ptr.as_ptr()) })
    }

    pub(crate) fn stop(&mut self) {
        // SAFETY: By the type invariants.
        unsafe { phy_sim_bus_stop(self.ptr.as_ptr()) };
    }

    /// Attaches a network device to a PHY. `mode` is as in the device tree: `rgmii-id`; `dev_flags`
    /// is what the MAC asks of the PHY's driver.
    pub(crate) fn attach(&mut self, addr: Addr, mode: &CStr, dev_flags: u32) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe {
            phy_sim_bus_attach(
                self.ptr.as_ptr(),
                addr.index(),
                mode.as_char_ptr(),
                dev_flags,
            )
        })
    }

    /// The MAC does energy efficient Ethernet's low power idle itself.
    pub(crate) fn support_eee(&mut self, addr: Addr) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe { phy_sim_bus_support_eee(self.ptr.as_ptr(), addr.index()) })
    }

    /// Puts a PHY into loopback at so many Mbit/s, 0 for any, or out of it.
    pub(crate) fn loopback(&mut self, addr: Addr, enable: bool, speed: i32) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe { phy_sim_bus_loopback(self.ptr.as_ptr(), addr.index(), enable, speed) })
    }

    pub(crate) fn detach(&mut self, addr: Addr) -> Result {
        // SAFETY: By the type invariants, and those of `Addr`.
        to_result(unsafe { phy_sim_bus_detach(self.ptr.as_ptr(), addr.index()) })
    }

    /// The name of the network device that is attached to a PHY.
    pub(crate) fn netdev(&mut self, addr: Addr) -> Option<&CStr> {
        // SAFETY: By the type invariants, and those of `Addr`.
        let name = unsafe { phy_sim_bus_netdev(self.ptr.as_ptr(), addr.index()) };
        // SAFETY: A name of a network device ends with NUL, and lives until it is detached, for
        // which `&mut self` is needed.
        (!name.is_null()).then(|| unsafe { CStr::from_char_ptr(name) })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // SAFETY: By the type invariants; nothing uses the pointer after this.
        unsafe { phy_sim_bus_free(self.ptr.as_ptr()) };
    }
}

/// # Safety
///
/// `model` must be the one of the [`Bus`] whose access this is.
#[no_mangle]
unsafe extern "C" fn phy_sim_read(model: *mut c_void, addr: c_int, regnum: c_int) -> c_int {
    // SAFETY: By the function requirements.
    let model = unsafe { &*model.cast::<Model>() };
    // CAST: The MDIO core checked the address; clause 22 has no register above 31.
    match model.read(addr as u8, regnum as u8) {
        Ok(value) => value.into(),
        Err(error) => error.to_errno(),
    }
}

/// # Safety
///
/// `model` must be the one of the [`Bus`] whose access this is.
#[no_mangle]
unsafe extern "C" fn phy_sim_write(
    model: *mut c_void,
    addr: c_int,
    regnum: c_int,
    val: u16,
) -> c_int {
    // SAFETY: By the function requirements.
    let model = unsafe { &*model.cast::<Model>() };
    // CAST: The MDIO core checked the address; clause 22 has no register above 31.
    match model.write(addr as u8, regnum as u8, val) {
        Ok(()) => 0,
        Err(error) => error.to_errno(),
    }
}
