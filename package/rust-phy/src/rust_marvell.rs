// SPDX-License-Identifier: GPL-2.0

//! Driver for Marvell's 88E1111.
//!
//! C version of this driver: [`drivers/net/phy/marvell.c`](srctree/drivers/net/phy/marvell.c),
//! whose device-tree property `marvell,reg-init` it keeps. What phylink asks for, in-band
//! signalling, is not in here.

mod marvell;

use kernel::{
    irq::IrqReturn,
    net::phy::{
        self,
        reg::C22,
        CablePair,
        CableResult,
        Device,
        DeviceId,
        Driver,
        DuplexMode,
        InterfaceMode,
        LinkMode,
        LockedDevice,
        Mdix,
        Tunable,
        TunableId, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    uapi, //
};
use marvell::{
    ext_control,
    ext_status,
    interrupt,
    led_control,
    page,
    phy_specific_control,
    phy_specific_status,
    vct, //
};

kernel::module_phy_driver! {
    drivers: [M88e1111],
    device_table: [DeviceId::new_with_driver::<M88e1111>()],
    name: "rust_marvell",
    authors: ["The Ironroot authors"],
    description: "Marvell PHY driver",
    license: "GPL",
}

const PHY_SPECIFIC_CONTROL: C22 = C22::vendor_specific::<{ phy_specific_control::REG }>();
const PHY_SPECIFIC_STATUS: C22 = C22::vendor_specific::<{ phy_specific_status::REG }>();
const INTERRUPT_ENABLE: C22 = C22::vendor_specific::<{ interrupt::ENABLE }>();
const INTERRUPT_STATUS: C22 = C22::vendor_specific::<{ interrupt::STATUS }>();
const EXT_CONTROL: C22 = C22::vendor_specific::<{ ext_control::REG }>();
const LED_CONTROL: C22 = C22::vendor_specific::<{ led_control::REG }>();
const EXT_STATUS: C22 = C22::vendor_specific::<{ ext_status::REG }>();
const EXT_ADDRESS: C22 = C22::vendor_specific::<{ page::REG }>();

const BMCR_ANENABLE: u16 = uapi::BMCR_ANENABLE as u16;
const BMSR_LSTATUS: u16 = uapi::BMSR_LSTATUS as u16;
const ADVERTISE_1000XFULL: u16 = uapi::ADVERTISE_1000XFULL as u16;
const ADVERTISE_1000XHALF: u16 = uapi::ADVERTISE_1000XHALF as u16;
const ADVERTISE_1000XPAUSE: u16 = uapi::ADVERTISE_1000XPAUSE as u16;
const ADVERTISE_1000XPSE_ASYM: u16 = uapi::ADVERTISE_1000XPSE_ASYM as u16;

/// How many registers clause 22 has.
const C22_REGISTERS: u32 = 32;

/// By default the PHY tries a gigabit this often before it shifts down.
const DOWNSHIFT_DEFAULT: u8 = 3;
/// A link is down this long after the PHY gave it up.
const LINK_DOWN_MS: i64 = 1500;

/// The sums of counters that a read clears.
struct Counters {
    receive_errors: Atomic<u64>,
    idle_errors: Atomic<u64>,
}

/// Sets how often the PHY tries a gigabit before it shifts down; 0 for ever.
fn set_downshift(dev: &mut Device, tries: u8) -> Result {
    if tries > ext_control::DOWNSHIFT_MAX {
        return Err(E2BIG);
    }
    let (mask, bits) = ext_control::downshift(tries);
    dev.modify(EXT_CONTROL, mask, bits)?;
    // It takes effect with a reset.
    dev.genphy_soft_reset()
}

fn config_delays(dev: &mut Device) -> Result {
    let mode = dev.interface();
    let delays = ext_control::rgmii(mode.has_rx_delay(), mode.has_tx_delay());
    dev.modify(EXT_CONTROL, ext_control::RGMII_DELAYS, delays)?;
    Ok(())
}

/// Sets HWCFG_MODE, for copper, and turns the detection of fiber off.
fn set_copper_mode(dev: &mut Device, mode: u16) -> Result {
    dev.modify(
        EXT_STATUS,
        ext_status::MODE | ext_status::FIBER_COPPER_AUTO_OFF | ext_status::FIBER,
        ext_status::FIBER_COPPER_AUTO_OFF | mode,
    )?;
    Ok(())
}

fn config_interface(dev: &mut Device) -> Result {
    match dev.interface() {
        mode if mode.is_rgmii() => {
            config_delays(dev)?;
            let status = dev.read(EXT_STATUS)?;
            let mode = if status & ext_status::FIBER != 0 {
                ext_status::MODE_FIBER_RGMII
            } else {
                ext_status::MODE_COPPER_RGMII
            };
            dev.write(EXT_STATUS, status & !ext_status::MODE | mode)
        }
        InterfaceMode::SGMII => {
            set_copper_mode(dev, ext_status::MODE_SGMII_NO_CLOCK)?;
            dev.write(EXT_ADDRESS, page::COPPER)
        }
        InterfaceMode::RTBI => {
            config_delays(dev)?;
            set_copper_mode(dev, ext_status::MODE_RTBI)?;
            // The reset that is needed brings another mode back.
            dev.genphy_soft_reset()?;
            set_copper_mode(dev, ext_status::MODE_RTBI)
        }
        InterfaceMode::BASEX_1000 => {
            let mode = dev.read(EXT_STATUS)? & ext_status::MODE;
            if mode == ext_status::MODE_COPPER_1000X_NOAN {
                dev.modify(
                    EXT_STATUS,
                    ext_status::MODE | ext_status::SERIAL_AN_BYPASS,
                    ext_status::MODE_COPPER_1000X_AN | ext_status::SERIAL_AN_BYPASS,
                )?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Sets the registers of `marvell,reg-init`: page, register, the bits to keep, the bits to set.
fn config_reg_init(dev: &mut Device) -> Result {
    const NAME: &CStr = c"marvell,reg-init";
    let words = match dev.as_ref().fwnode() {
        Some(node) if node.property_present(NAME) => {
            let count = node.property_count_elem::<u32>(NAME)?;
            node.property_read_array_vec::<u32>(NAME, count)?
                .required_by(dev.as_ref())?
        }
        _ => return Ok(()),
    };
    if let Some(set) = words.chunks_exact(4).find(|set| C22_REGISTERS <= set[1]) {
        dev_err!(dev.as_ref(), "{NAME:?}: there is no register {}\n", set[1]);
        return Err(EINVAL);
    }
    // CAST: As in C, the lower halves of the words count.
    let mut current = match words.get(..4) {
        Some(set) => set[0] as u16,
        None => return Ok(()),
    };
    dev.with_page(current, |dev| {
        for set in words.chunks_exact(4) {
            let (page, reg, keep, bits) = (set[0] as u16, set[1], set[2] as u16, set[3] as u16);
            if page != current {
                dev.write(EXT_ADDRESS, page)?;
                current = page;
            }
            let reg = C22::new(reg.try_into()?)?;
            let kept = if keep != 0 { dev.read(reg)? & keep } else { 0 };
            dev.write(reg, kept | bits)?;
        }
        Ok(())
    })
}

/// Sets which pairs to transmit on; returns whether that changed.
fn config_crossover(dev: &mut Device) -> Result<bool> {
    let bits = match dev.mdix_ctrl() {
        Mdix::Mdi => phy_specific_control::MDI_STRAIGHT,
        Mdix::MdiX => phy_specific_control::MDI_CROSSED,
        Mdix::Auto | Mdix::Invalid => phy_specific_control::MDI_AUTO,
    };
    dev.modify(PHY_SPECIFIC_CONTROL, phy_specific_control::MDI, bits)
}

fn config_aneg_copper(dev: &mut Device) -> Result {
    let changed = config_crossover(dev)?;
    dev.write(LED_CONTROL, led_control::DIRECT)?;
    dev.genphy_config_aneg()?;
    if changed || !dev.is_autoneg_enabled() {
        // What was written to these bits takes effect with a reset.
        dev.genphy_soft_reset()?;
    }
    Ok(())
}

/// Negotiates 1000BASE-X with the MAC.
fn config_aneg_fiber(dev: &mut Device) -> Result {
    if !dev.is_autoneg_enabled() {
        return dev.genphy_setup_forced();
    }
    let wants = |mode| dev.advertises(mode) && dev.supports(mode);
    let mut advertise = 0;
    if wants(LinkMode::BASE_T_1000_HALF) {
        advertise |= ADVERTISE_1000XHALF;
    }
    if wants(LinkMode::BASE_T_1000_FULL) {
        advertise |= ADVERTISE_1000XFULL;
    }
    match (wants(LinkMode::PAUSE), wants(LinkMode::ASYM_PAUSE)) {
        (true, true) => advertise |= ADVERTISE_1000XPSE_ASYM,
        (true, false) => advertise |= ADVERTISE_1000XPAUSE,
        _ => {}
    }
    let mask =
        ADVERTISE_1000XHALF | ADVERTISE_1000XFULL | ADVERTISE_1000XPAUSE | ADVERTISE_1000XPSE_ASYM;
    let changed = dev.modify(C22::ADVERTISE, mask, advertise)?;
    dev.genphy_check_and_restart_aneg(changed)
}

/// 88E1111.
struct M88e1111;

#[vtable]
impl Driver for M88e1111 {
    const FLAGS: u32 = phy::flags::POLL_CABLE_TEST;
    const NAME: &'static CStr = c"Marvell 88E1111";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x01410cc0);
    const STATISTICS: &'static [&'static CStr] =
        &[c"phy_receive_errors_copper", c"phy_idle_errors"];

    fn probe(dev: &mut Device) -> Result {
        dev.set_private_data(Counters {
            receive_errors: Atomic::new(0),
            idle_errors: Atomic::new(0),
        })
    }

    fn config_init(dev: &mut Device) -> Result {
        set_downshift(dev, DOWNSHIFT_DEFAULT)?;
        config_interface(dev)?;
        config_reg_init(dev)?;
        dev.genphy_soft_reset()?;
        if dev.interface() == InterfaceMode::SGMII {
            // With another HWCFG_MODE before the reset, the abilities were others.
            dev.genphy_read_abilities()?;
            dev.advertise_supported();
        }
        Ok(())
    }

    fn config_aneg(dev: &mut Device) -> Result {
        let sgmii = dev.interface() == InterfaceMode::SGMII;
        let mode = dev.read(EXT_STATUS)? & ext_status::MODE;
        if !sgmii && mode != ext_status::MODE_COPPER_1000X_AN {
            return config_aneg_copper(dev);
        }

        let negotiate = |dev: &mut Device| {
            dev.write(EXT_ADDRESS, page::COPPER)?;
            config_aneg_copper(dev)?;
            dev.write(EXT_ADDRESS, page::FIBER)?;
            if sgmii {
                // What is advertised to the MAC is not ours to say.
                dev.genphy_check_and_restart_aneg(false)
            } else {
                config_aneg_fiber(dev)
            }
        };
        let result = negotiate(dev);
        dev.write(EXT_ADDRESS, page::COPPER)?;
        result
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        let link = phy_specific_status::Link::from_register(dev.read(PHY_SPECIFIC_STATUS)?);
        dev.genphy_update_link()?;
        dev.clear_partner_advertising();
        dev.set_pause(false, false);
        dev.set_speed(uapi::SPEED_UNKNOWN as u32);
        dev.set_duplex(DuplexMode::Unknown);
        // Whether negotiated or forced.
        dev.set_mdix(match link {
            Some(link) if link.mdix => Mdix::MdiX,
            Some(_) => Mdix::Mdi,
            None => Mdix::Invalid,
        });
        if !dev.is_autoneg_enabled() {
            dev.genphy_read_status_fixed()?;
            return Ok(0);
        }
        let Some(link) = link else {
            dev.set_link(false);
            return Ok(0);
        };
        dev.set_speed(link.speed);
        dev.set_duplex(if link.full_duplex {
            DuplexMode::Full
        } else {
            DuplexMode::Half
        });
        dev.genphy_read_lpa()?;
        dev.resolve_aneg_pause();
        Ok(0)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        if enable {
            dev.read(INTERRUPT_STATUS)?;
            dev.write(INTERRUPT_ENABLE, interrupt::LINK_EVENTS)
        } else {
            dev.write(INTERRUPT_ENABLE, 0)?;
            dev.read(INTERRUPT_STATUS)?;
            Ok(())
        }
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        if dev.read(INTERRUPT_STATUS)? & interrupt::LINK_EVENTS == 0 {
            return Ok(IrqReturn::None);
        }
        dev.trigger_machine();
        Ok(IrqReturn::Handled)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }

    fn read_page(dev: &mut LockedDevice) -> Result<u16> {
        dev.read(EXT_ADDRESS)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        dev.write(EXT_ADDRESS, page)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        let (idle_reg, idle_mask) = marvell::IDLE_ERRORS;
        let receive_errors = dev.read_paged(page::COPPER, marvell::RECEIVE_ERROR_COUNTER);
        let idle_errors = dev.read_paged(page::COPPER, idle_reg);
        let Ok(counters) = dev.private_data::<Counters>() else {
            return;
        };
        // A read clears the counter; one that failed shows as all ones, as in C.
        let add = |sum: &Atomic<u64>, value: Result<u16>| match value {
            Ok(value) => {
                let value = u64::from(value);
                sum.fetch_add(value, Relaxed) + value
            }
            Err(_) => u64::MAX,
        };
        stats[0] = add(&counters.receive_errors, receive_errors);
        let idle_errors = idle_errors.map(|value| value & idle_mask);
        stats[1] = add(&counters.idle_errors, idle_errors);
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        match id {
            TunableId::Downshift => {
                let tries = ext_control::downshift_tries(dev.read(EXT_CONTROL)?);
                Ok(Tunable::Downshift(tries))
            }
            _ => Err(EOPNOTSUPP),
        }
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        match tunable {
            Tunable::Downshift(tries) => set_downshift(dev, tries),
            _ => Err(EOPNOTSUPP),
        }
    }

    fn cable_test_start(dev: &mut Device) -> Result {
        // Without a partner auto-negotiation would go on for ever, and the test wait for it.
        let aneg = dev.read(C22::BMCR)? & BMCR_ANENABLE != 0;
        let link = dev.read(C22::BMSR)? & BMSR_LSTATUS != 0;
        if aneg {
            dev.modify(C22::BMCR, BMCR_ANENABLE, 0)?;
            dev.genphy_soft_reset()?;
        }
        if link {
            fsleep(Delta::from_millis(LINK_DOWN_MS));
        }

        for (reg, value) in vct::BEFORE {
            dev.write(C22::new(reg)?, value)?;
        }
        dev.write_paged(page::COPPER, vct::REG, vct::ENABLE)?;
        for (reg, value) in vct::AFTER {
            dev.write(C22::new(reg)?, value)?;
        }
        Ok(())
    }

    fn cable_test_get_status(dev: &mut Device) -> Result<bool> {
        for pair in CablePair::ALL {
            let result = dev.read_paged(pair as u16, vct::REG)?;
            if pair == CablePair::A && result & vct::ENABLE != 0 {
                return Ok(false);
            }
            let distance = vct::distance_cm(result);
            let status = match vct::status(result) {
                vct::Status::Ok if distance.is_none() => CableResult::Ok,
                // Nothing is broken, and yet something was reflected.
                vct::Status::Ok => CableResult::ImpedanceMismatch,
                vct::Status::Short => CableResult::SameShort,
                vct::Status::Open => CableResult::Open,
                vct::Status::Failed => CableResult::Unspec,
            };
            dev.cable_test_result(pair, status)?;
            if let Some(cm) = distance {
                dev.cable_test_fault_length(pair, cm)?;
            }
        }
        Ok(true)
    }
}
