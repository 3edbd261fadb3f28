// SPDX-License-Identifier: GPL-2.0

//! Driver for SMSC's (now Microchip's) 10/100 PHYs.
//!
//! C version of this driver: [`drivers/net/phy/smsc.c`](srctree/drivers/net/phy/smsc.c), whose
//! device-tree properties and tunables it keeps.

mod clock;
mod smsc;

use clock::Clock;
use kernel::{
    clk::Hertz,
    irq::IrqReturn,
    net::phy::{
        self,
        reg::{
            Mmd,
            C22,
            C45, //
        },
        wake,
        Device,
        DeviceId,
        Driver,
        Mdix,
        Tunable,
        TunableId,
        WolInfo, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use smsc::{
    edpd_config,
    interrupt,
    mode_control_status,
    special_control_status,
    special_modes,
    wakeup,
    Edpd,
    EdpdError, //
};

kernel::module_phy_driver! {
    drivers: [Lan83c185, Lan8187, Lan8700, Lan911x, Lan8710, Lan8740, Lan8742],
    device_table: [
        DeviceId::new_with_driver::<Lan83c185>(),
        DeviceId::new_with_driver::<Lan8187>(),
        DeviceId::new_with_driver::<Lan8700>(),
        DeviceId::new_with_driver::<Lan911x>(),
        DeviceId::new_with_driver::<Lan8710>(),
        DeviceId::new_with_driver::<Lan8740>(),
        DeviceId::new_with_driver::<Lan8742>()
    ],
    name: "rust_smsc",
    authors: ["The Ironroot authors"],
    description: "SMSC PHY driver",
    license: "GPL",
}

const MODE_CONTROL_STATUS: C22 = C22::vendor_specific::<{ mode_control_status::REG }>();
const EDPD_CONFIG: C22 = C22::vendor_specific::<{ edpd_config::REG }>();
const SPECIAL_MODES: C22 = C22::vendor_specific::<{ special_modes::REG }>();
const SYMBOL_ERROR_COUNTER: C22 = C22::vendor_specific::<{ smsc::SYMBOL_ERROR_COUNTER }>();
const SPECIAL_CONTROL_STATUS: C22 = C22::vendor_specific::<{ special_control_status::REG }>();
const INTERRUPT_SOURCE_FLAG: C22 = C22::vendor_specific::<{ interrupt::SOURCE_FLAG }>();
const INTERRUPT_MASK: C22 = C22::vendor_specific::<{ interrupt::MASK }>();

/// The device's state besides its registers.
struct Private {
    /// [`Edpd`] in one word.
    edpd: Atomic<u32>,
    edpd_set_by_user: Atomic<bool>,
    /// The wakeup filter looks for ARP, not for multicasts.
    wol_arp: Atomic<bool>,
    _refclk: Clock,
}

impl Private {
    fn edpd(&self) -> Edpd {
        Edpd::from_bits(self.edpd.load(Relaxed))
    }

    fn wol_filter(&self) -> wakeup::Filter {
        if self.wol_arp.load(Relaxed) {
            wakeup::Filter::Arp
        } else {
            wakeup::Filter::Multicast
        }
    }
}

fn probe(dev: &mut Device) -> Result {
    let node = dev.as_ref().fwnode();
    let edpd = if node.is_some_and(|node| node.property_present(c"smsc,disable-energy-detect")) {
        Edpd::Disabled
    } else {
        Edpd::DEFAULT
    };
    // REF_CLK in, on boards where it does not come from a crystal.
    let refclk = Clock::start(dev.as_ref(), Some(Hertz::from_mhz(50)))?;
    dev.set_private_data(Private {
        edpd: Atomic::new(edpd.to_bits()),
        edpd_set_by_user: Atomic::new(false),
        wol_arp: Atomic::new(false),
        _refclk: refclk,
    })
}

/// Issues a software reset, after it woke up a PHY that is strapped to power-down.
fn soft_reset(dev: &mut Device) -> Result {
    let modes = dev.read(SPECIAL_MODES)?;
    if modes & special_modes::MODE == special_modes::MODE_POWER_DOWN {
        // The mode takes effect with the reset.
        dev.write(SPECIAL_MODES, modes | special_modes::MODE_ALL_CAPABLE)?;
    }
    dev.genphy_soft_reset()
}

/// Lets the PHY sleep or not, as is set.
fn apply_edpd(dev: &mut Device) -> Result {
    let set = match dev.private_data::<Private>()?.edpd() {
        Edpd::Disabled => 0,
        Edpd::Enabled { .. } => mode_control_status::EDPWRDOWN,
    };
    dev.modify(MODE_CONTROL_STATUS, mode_control_status::EDPWRDOWN, set)?;
    Ok(())
}

fn config_init(dev: &mut Device) -> Result {
    let polled = dev.is_polled();
    let private = dev.private_data::<Private>()?;
    // A PHY that sleeps may miss the cable, and then there is no interrupt; only the user can
    // want that.
    if !polled && !private.edpd_set_by_user.load(Relaxed) {
        private.edpd.store(Edpd::Disabled.to_bits(), Relaxed);
    }
    apply_edpd(dev)
}

/// Initializes a LAN87xx whatever its strap for auto-MDIX says, which cannot be read.
fn lan87xx_config_init(dev: &mut Device) -> Result {
    dev.modify(
        SPECIAL_CONTROL_STATUS,
        special_control_status::AMDIX,
        special_control_status::OVRRD_AMDIX | special_control_status::AMDIX_ENABLE,
    )?;
    dev.set_mdix_ctrl(Mdix::Auto);
    config_init(dev)
}

fn lan874x_config_init(dev: &mut Device) -> Result {
    dev.write(C45::new(Mmd::PCS, wakeup::WUCSR), wakeup::WUCSR_INIT)?;
    dev.write(C45::new(Mmd::PCS, wakeup::MCFGR), wakeup::MCFGR_DELAY)?;
    config_init(dev)
}

fn lan87xx_config_aneg(dev: &mut Device) -> Result {
    let mdix = match dev.mdix_ctrl() {
        // Auto-MDIX goes on to toggle the pairs where the partner's speed is not negotiated, and
        // the link would not get stable.
        Mdix::Auto if !dev.is_autoneg_enabled() => Mdix::Mdi,
        mdix => mdix,
    };
    let set = match mdix {
        Mdix::Mdi => 0,
        Mdix::MdiX => special_control_status::AMDIX_STATE,
        Mdix::Auto => special_control_status::AMDIX_ENABLE,
        Mdix::Invalid => return dev.genphy_config_aneg(),
    };
    dev.modify(
        SPECIAL_CONTROL_STATUS,
        special_control_status::AMDIX,
        special_control_status::OVRRD_AMDIX | set,
    )?;
    dev.set_mdix(mdix);
    dev.genphy_config_aneg()
}

fn lan8710_config_aneg(dev: &mut Device) -> Result {
    // Only the PHY in the LAN9500A and LAN9505A has the register.
    if dev.phy_id() == 0x0007c0f0 {
        let bit = edpd_config::EDPD_EXT_CROSSOVER;
        dev.modify(EDPD_CONFIG, bit, bit)?;
    }
    lan87xx_config_aneg(dev)
}

/// How often the driver looks for energy.
const ENERGY_POLL_MS: u16 = 10;

fn lan87xx_read_status(dev: &mut Device) -> Result<u16> {
    dev.genphy_read_status::<C22>()?;
    if dev.is_link_up() {
        return Ok(0);
    }
    let Edpd::Enabled { max_wait_ms } = dev.private_data::<Private>()?.edpd() else {
        return Ok(0);
    };
    if max_wait_ms == 0 {
        return Ok(0);
    }

    // Wake the PHY up to see what is on the line. That nothing is, is no error.
    dev.modify(MODE_CONTROL_STATUS, mode_control_status::EDPWRDOWN, 0)?;
    for _ in 0..max_wait_ms.div_ceil(ENERGY_POLL_MS) {
        fsleep(Delta::from_millis(ENERGY_POLL_MS.into()));
        if dev.read(MODE_CONTROL_STATUS)? & mode_control_status::ENERGYON != 0 {
            break;
        }
    }
    let bit = mode_control_status::EDPWRDOWN;
    dev.modify(MODE_CONTROL_STATUS, bit, bit)?;
    Ok(0)
}

fn config_intr(dev: &mut Device, enable: bool) -> Result {
    if enable {
        dev.read(INTERRUPT_SOURCE_FLAG)?;
        dev.write(INTERRUPT_MASK, interrupt::LINK_EVENTS)
    } else {
        dev.write(INTERRUPT_MASK, 0)?;
        dev.read(INTERRUPT_SOURCE_FLAG)?;
        Ok(())
    }
}

fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
    let flags = match dev.read(INTERRUPT_SOURCE_FLAG) {
        Ok(flags) => flags,
        // The PHY of a USB adapter that was pulled.
        Err(error) if error == ENODEV => return Ok(IrqReturn::None),
        Err(error) => return Err(error),
    };
    if flags & interrupt::LINK_EVENTS == 0 {
        return Ok(IrqReturn::None);
    }
    dev.trigger_machine();
    Ok(IrqReturn::Handled)
}

const STATISTICS: &[&CStr] = &[c"phy_symbol_errors"];

fn get_stats(dev: &mut Device, stats: &mut [u64]) {
    stats[0] = dev.read(SYMBOL_ERROR_COUNTER).map_or(u64::MAX, u64::from);
}

fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
    match id {
        TunableId::Edpd => Ok(Tunable::Edpd(
            dev.private_data::<Private>()?.edpd().tunable(),
        )),
        _ => Err(EOPNOTSUPP),
    }
}

fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
    let Tunable::Edpd(value) = tunable else {
        return Err(EOPNOTSUPP);
    };
    let edpd = Edpd::from_tunable(value, dev.is_polled()).map_err(|error| match error {
        EdpdError::NotPolled => EOPNOTSUPP,
        EdpdError::OutOfRange => EINVAL,
    })?;
    let private = dev.private_data::<Private>()?;
    private.edpd.store(edpd.to_bits(), Relaxed);
    private.edpd_set_by_user.store(true, Relaxed);
    apply_edpd(dev)
}

fn lan874x_get_wol(dev: &mut Device, wol: &mut WolInfo) {
    wol.set_supported(wake::UCAST | wake::BCAST | wake::MAGIC | wake::ARP | wake::MCAST);
    let Ok(wucsr) = dev.read(C45::new(Mmd::PCS, wakeup::WUCSR)) else {
        return;
    };
    let Ok(private) = dev.private_data::<Private>() else {
        return;
    };
    let events = wakeup::Events::from_wucsr(wucsr, private.wol_filter());
    let filter = match events.filter {
        Some(wakeup::Filter::Arp) => wake::ARP,
        Some(wakeup::Filter::Multicast) => wake::MCAST,
        None => 0,
    };
    let set = |option, on| if on { option } else { 0 };
    wol.set_wolopts(
        filter
            | set(wake::UCAST, events.unicast)
            | set(wake::BCAST, events.broadcast)
            | set(wake::MAGIC, events.magic),
    );
}

fn lan874x_set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
    let wants = |option| wol.wolopts() & option != 0;
    let filter = match (wants(wake::ARP), wants(wake::MCAST)) {
        (true, true) => {
            dev_info!(dev.as_ref(), "WoL by one of ARP and multicast at a time\n");
            return Err(EOPNOTSUPP);
        }
        (true, false) => Some(wakeup::Filter::Arp),
        (false, true) => Some(wakeup::Filter::Multicast),
        (false, false) => None,
    };
    let events = wakeup::Events {
        unicast: wants(wake::UCAST),
        broadcast: wants(wake::BCAST),
        magic: wants(wake::MAGIC),
        filter,
    };

    let wucsr = dev.read(C45::new(Mmd::PCS, wakeup::WUCSR))?;
    if let Some(filter) = filter {
        for (reg, value) in filter.registers() {
            dev.write(C45::new(Mmd::PCS, reg), value)?;
        }
        let arp = filter == wakeup::Filter::Arp;
        dev.private_data::<Private>()?.wol_arp.store(arp, Relaxed);
    }
    if events.magic || events.unicast {
        let mac = dev.mac_address().ok_or(ENODEV)?;
        for (reg, value) in wakeup::address_registers(mac) {
            dev.write(C45::new(Mmd::PCS, reg), value)?;
        }
    }
    dev.write(C45::new(Mmd::PCS, wakeup::WUCSR), events.to_wucsr(wucsr))
}

/// SMSC LAN83C185.
struct Lan83c185;

#[vtable]
impl Driver for Lan83c185 {
    const NAME: &'static CStr = c"SMSC LAN83C185";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x0007c0a0);

    fn probe(dev: &mut Device) -> Result {
        probe(dev)
    }

    fn soft_reset(dev: &mut Device) -> Result {
        soft_reset(dev)
    }

    fn config_init(dev: &mut Device) -> Result {
        config_init(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }
}

/// SMSC LAN8187.
struct Lan8187;

#[vtable]
impl Driver for Lan8187 {
    const NAME: &'static CStr = c"SMSC LAN8187";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x0007c0b0);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        probe(dev)
    }

    fn soft_reset(dev: &mut Device) -> Result {
        soft_reset(dev)
    }

    fn config_init(dev: &mut Device) -> Result {
        config_init(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }
}

/// SMSC LAN8700.
///
/// Also the internal PHY of the LAN9500, LAN9505 and LAN9514.
struct Lan8700;

#[vtable]
impl Driver for Lan8700 {
    const NAME: &'static CStr = c"SMSC LAN8700";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x0007c0c0);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        probe(dev)
    }

    fn soft_reset(dev: &mut Device) -> Result {
        soft_reset(dev)
    }

    fn config_init(dev: &mut Device) -> Result {
        lan87xx_config_init(dev)
    }

    fn config_aneg(dev: &mut Device) -> Result {
        lan87xx_config_aneg(dev)
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        lan87xx_read_status(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        get_tunable(dev, id)
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        set_tunable(dev, tunable)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }
}

/// SMSC LAN911x Internal PHY.
struct Lan911x;

#[vtable]
impl Driver for Lan911x {
    const NAME: &'static CStr = c"SMSC LAN911x Internal PHY";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x0007c0d0);

    fn probe(dev: &mut Device) -> Result {
        probe(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }
}

/// SMSC LAN8710/LAN8720.
///
/// Also the internal PHY of the LAN9500A and LAN9505A.
struct Lan8710;

#[vtable]
impl Driver for Lan8710 {
    const FLAGS: u32 = phy::flags::RST_AFTER_CLK_EN;
    const NAME: &'static CStr = c"SMSC LAN8710/LAN8720";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x0007c0f0);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        probe(dev)
    }

    fn soft_reset(dev: &mut Device) -> Result {
        soft_reset(dev)
    }

    fn config_init(dev: &mut Device) -> Result {
        config_init(dev)
    }

    fn config_aneg(dev: &mut Device) -> Result {
        lan8710_config_aneg(dev)
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        lan87xx_read_status(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        get_tunable(dev, id)
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        set_tunable(dev, tunable)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }
}

/// SMSC LAN8740.
struct Lan8740;

#[vtable]
impl Driver for Lan8740 {
    const FLAGS: u32 = phy::flags::RST_AFTER_CLK_EN;
    const NAME: &'static CStr = c"SMSC LAN8740";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x0007c110);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        probe(dev)
    }

    fn soft_reset(dev: &mut Device) -> Result {
        soft_reset(dev)
    }

    fn config_init(dev: &mut Device) -> Result {
        lan874x_config_init(dev)
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        lan87xx_read_status(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        get_tunable(dev, id)
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        set_tunable(dev, tunable)
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        lan874x_get_wol(dev, wol)
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        lan874x_set_wol(dev, wol)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }
}

/// Microchip LAN8742.
///
/// The mask tells it from the LAN88xx, 0007c132, and lets in later revisions.
struct Lan8742;

#[vtable]
impl Driver for Lan8742 {
    const FLAGS: u32 = phy::flags::RST_AFTER_CLK_EN;
    const NAME: &'static CStr = c"Microchip LAN8742";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_custom_mask(0x0007c130, 0xfffffff2);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        probe(dev)
    }

    fn soft_reset(dev: &mut Device) -> Result {
        soft_reset(dev)
    }

    fn config_init(dev: &mut Device) -> Result {
        lan874x_config_init(dev)
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        lan87xx_read_status(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        get_tunable(dev, id)
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        set_tunable(dev, tunable)
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        lan874x_get_wol(dev, wol)
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        lan874x_set_wol(dev, wol)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }
}
