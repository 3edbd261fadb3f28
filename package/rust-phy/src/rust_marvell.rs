// SPDX-License-Identifier: GPL-2.0

//! Driver for Marvell's 88E1111 and 88E1510, which is also the 88E1512, 88E1514 and 88E1518.
//!
//! C version of this driver: [`drivers/net/phy/marvell.c`](srctree/drivers/net/phy/marvell.c),
//! whose device-tree property `marvell,reg-init` it keeps. What phylink asks for, in-band
//! signalling, is not in here, nor are the 88E1510's thermometer, the raw data of its cable tester,
//! and SFP modules behind it.

mod marvell;
mod marvell_ffi;
mod statistics;

use kernel::{
    irq::IrqReturn,
    net::phy::{
        self,
        reg::C22,
        wake,
        CablePair,
        CableResult,
        Device,
        DeviceId,
        Driver,
        DuplexMode,
        InterfaceMode,
        LedRules,
        LinkMode,
        LockedDevice,
        Mdix,
        Tunable,
        TunableId,
        WolInfo, //
    },
    prelude::*,
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
    m88e1510,
    page,
    phy_specific_control,
    phy_specific_status,
    vct,
    Downshift, //
};
use statistics::Sum;

kernel::module_phy_driver! {
    drivers: [M88e1111, M88e1510],
    device_table: [
        DeviceId::new_with_driver::<M88e1111>(),
        DeviceId::new_with_driver::<M88e1510>()
    ],
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
const BMCR_SPEED100: u16 = uapi::BMCR_SPEED100 as u16;
const BMCR_SPEED1000: u16 = uapi::BMCR_SPEED1000 as u16;
const BMCR_FULLDPLX: u16 = uapi::BMCR_FULLDPLX as u16;
const BMCR_LOOPBACK: u16 = uapi::BMCR_LOOPBACK as u16;
const BMSR_LSTATUS: u16 = uapi::BMSR_LSTATUS as u16;
const ADVERTISE_1000XFULL: u16 = uapi::ADVERTISE_1000XFULL as u16;
const ADVERTISE_1000XHALF: u16 = uapi::ADVERTISE_1000XHALF as u16;
const ADVERTISE_1000XPAUSE: u16 = uapi::ADVERTISE_1000XPAUSE as u16;
const ADVERTISE_1000XPSE_ASYM: u16 = uapi::ADVERTISE_1000XPSE_ASYM as u16;
const LPA_1000XFULL: u16 = uapi::LPA_1000XFULL as u16;
const LPA_1000XHALF: u16 = uapi::LPA_1000XHALF as u16;
/// Pause and asymmetric pause of 1000BASE-X, as Marvell's chips have them.
const LPA_1000XPAUSE: u16 = 0x0180;
const LPA_1000XPAUSE_ASYM: u16 = 0x0100;

/// How many registers clause 22 has.
const C22_REGISTERS: u32 = 32;

/// By default the PHY tries a gigabit this often before it shifts down.
const DOWNSHIFT_DEFAULT: u8 = 3;
/// A link is down this long after the PHY gave it up.
const LINK_DOWN_MS: i64 = 1500;

/// The sums of counters that a read clears.
#[derive(Default)]
struct Counters {
    receive_errors: Sum,
    idle_errors: Sum,
    fiber_receive_errors: Sum,
}

/// Gets the counters of copper.
fn copper_stats(dev: &mut Device) -> Result<[u64; 2]> {
    let (idle_reg, idle_mask) = marvell::IDLE_ERRORS;
    let receive_errors = dev.read_paged(page::COPPER, marvell::RECEIVE_ERROR_COUNTER);
    let idle_errors = dev.read_paged(page::COPPER, idle_reg);
    let counters = dev.private_data::<Counters>()?;
    Ok([
        counters.receive_errors.add(receive_errors),
        counters
            .idle_errors
            .add(idle_errors.map(|value| value & idle_mask)),
    ])
}

/// Sets how often the PHY tries a gigabit before it shifts down; 0 for ever.
fn set_downshift(dev: &mut Device, reg: C22, field: &Downshift, tries: u8) -> Result {
    if tries > Downshift::MAX {
        return Err(E2BIG);
    }
    let (mask, bits) = field.bits(tries);
    dev.modify(reg, mask, bits)?;
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

/// Reads the state of the link on the page that is selected: copper, or fiber.
fn read_status_page(dev: &mut Device, fiber: bool) -> Result {
    let status = dev.read(PHY_SPECIFIC_STATUS)?;
    let link = phy_specific_status::Link::from_register(status);
    if fiber {
        dev.set_link(status & phy_specific_status::LINK != 0);
    } else {
        dev.genphy_update_link()?;
    }
    dev.clear_partner_advertising();
    dev.set_pause(false, false);
    dev.set_speed(uapi::SPEED_UNKNOWN as u32);
    dev.set_duplex(DuplexMode::Unknown);
    marvell_ffi::set_port_fiber(dev, fiber);
    // Whether negotiated or forced.
    dev.set_mdix(match link {
        _ if fiber => Mdix::Invalid,
        Some(link) if link.mdix => Mdix::MdiX,
        Some(_) => Mdix::Mdi,
        None => Mdix::Invalid,
    });
    if !dev.is_autoneg_enabled() {
        return dev.genphy_read_status_fixed();
    }
    let Some(link) = link else {
        dev.set_link(false);
        return Ok(());
    };
    dev.set_speed(link.speed);
    dev.set_duplex(if link.full_duplex {
        DuplexMode::Full
    } else {
        DuplexMode::Half
    });
    if !fiber {
        dev.genphy_read_lpa()?;
        dev.resolve_aneg_pause();
        return Ok(());
    }
    let lpa = dev.read(C22::LPA)?;
    dev.set_partner_advertising(LinkMode::BASE_T_1000_HALF, lpa & LPA_1000XHALF != 0);
    dev.set_partner_advertising(LinkMode::BASE_T_1000_FULL, lpa & LPA_1000XFULL != 0);
    if link.full_duplex {
        let pause = lpa & LPA_1000XPAUSE != 0;
        dev.set_pause(pause, pause && lpa & LPA_1000XPAUSE_ASYM != 0);
    }
    Ok(())
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

/// Makes the PHY ready for a test of the cable.
fn stop_aneg(dev: &mut Device) -> Result {
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
    Ok(())
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
        dev.set_private_data(Counters::default())
    }

    fn config_init(dev: &mut Device) -> Result {
        set_downshift(dev, EXT_CONTROL, &ext_control::DOWNSHIFT, DOWNSHIFT_DEFAULT)?;
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
        read_status_page(dev, false)?;
        Ok(0)
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

    fn read_page(dev: &mut LockedDevice) -> Result<u16> {
        dev.read(EXT_ADDRESS)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        dev.write(EXT_ADDRESS, page)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        if let Ok(copper) = copper_stats(dev) {
            stats.copy_from_slice(&copper);
        }
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        match id {
            TunableId::Downshift => {
                let tries = ext_control::DOWNSHIFT.tries(dev.read(EXT_CONTROL)?);
                Ok(Tunable::Downshift(tries))
            }
            _ => Err(EOPNOTSUPP),
        }
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        match tunable {
            Tunable::Downshift(tries) => {
                set_downshift(dev, EXT_CONTROL, &ext_control::DOWNSHIFT, tries)
            }
            _ => Err(EOPNOTSUPP),
        }
    }

    fn cable_test_start(dev: &mut Device) -> Result {
        stop_aneg(dev)?;
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

/// 88E1510, 88E1512, 88E1514 and 88E1518, which have copper and fiber, a page each.
struct M88e1510;

impl M88e1510 {
    const DOWNSHIFT: &'static Downshift = &m88e1510::DOWNSHIFT;
    const LED_TIMER: C22 = C22::vendor_specific::<{ m88e1510::LED_TIMER }>();
    const GENERAL_CONTROL_1: C22 = C22::vendor_specific::<{ m88e1510::GENERAL_CONTROL_1 }>();
    const WOL_CONTROL: C22 = C22::vendor_specific::<{ m88e1510::WOL_CONTROL }>();

    /// How long the PHY takes to get into loopback.
    const LOOPBACK_MS: i64 = 1000;

    fn set_downshift(dev: &mut Device, tries: u8) -> Result {
        set_downshift(dev, PHY_SPECIFIC_CONTROL, Self::DOWNSHIFT, tries)
    }

    /// Writes what the errata sheet asks for.
    fn config_errata(dev: &mut Device) -> Result {
        dev.write(EXT_ADDRESS, m88e1510::ERRATA_PAGE)?;
        for (status, control) in m88e1510::ERRATA {
            dev.write(PHY_SPECIFIC_STATUS, status)?;
            dev.write(PHY_SPECIFIC_CONTROL, control)?;
        }
        let (page, reg, value) = m88e1510::ERRATA_LAST;
        dev.write(EXT_ADDRESS, page)?;
        dev.write(C22::new(reg)?, value)?;
        dev.write(EXT_ADDRESS, page::COPPER)
    }

    fn config_sgmii(dev: &mut Device) -> Result {
        dev.write(EXT_ADDRESS, m88e1510::MODE_PAGE)?;
        let (mode, reset) = (m88e1510::MODE, m88e1510::MODE_RESET);
        dev.modify(Self::GENERAL_CONTROL_1, mode, m88e1510::MODE_SGMII_COPPER)?;
        dev.modify(Self::GENERAL_CONTROL_1, reset, reset)?;
        dev.write(EXT_ADDRESS, page::COPPER)
    }

    fn config_aneg_copper(dev: &mut Device) -> Result {
        let mode = dev.interface();
        let bit = m88e1510::MAC_CONTROL_1_ODD_NIBBLE;
        dev.modify_paged(m88e1510::MAC_PAGE, m88e1510::MAC_CONTROL_1, bit, bit)?;
        let mut changed = false;
        if mode.is_rgmii() {
            changed = dev.modify_paged(
                m88e1510::MAC_PAGE,
                m88e1510::MAC_CONTROL_2,
                m88e1510::RGMII_DELAYS,
                m88e1510::rgmii(mode.has_rx_delay(), mode.has_tx_delay()),
            )?;
        }
        changed |= config_crossover(dev)?;
        dev.genphy_config_aneg()?;
        if changed || !dev.is_autoneg_enabled() {
            // What was written takes effect with a reset.
            dev.genphy_soft_reset()?;
        }
        Ok(())
    }

    /// Calls `access` with the page for fiber, and leaves that for copper.
    fn with_fiber_page(dev: &mut Device, access: impl FnOnce(&mut Device) -> Result) -> Result {
        let result = dev
            .write(EXT_ADDRESS, page::FIBER)
            .and_then(|()| access(dev));
        let restored = dev.write(EXT_ADDRESS, page::COPPER);
        result.and(restored)
    }

    /// The rules by which a LED has a function; [`None`] for one without rules.
    fn led_rules(index: u8, function: u16) -> Option<LedRules> {
        let activity = LedRules::RX | LedRules::TX;
        Some(match (index, function) {
            (0 | 2, 0) | (0, 6) => LedRules::LINK,
            (0..=2, 1) => LedRules::LINK | activity,
            (1, 2) => LedRules::LINK | LedRules::RX,
            (0..=2, 3 | 4) => activity,
            (0 | 2, 5) => LedRules::TX,
            (0, 7) => LedRules::LINK_1000,
            (1, 6) => LedRules::LINK_100 | LedRules::LINK_1000,
            (1, 7) => LedRules::LINK_100,
            (2, 6) => LedRules::LINK_10 | LedRules::LINK_1000,
            (2, 7) => LedRules::LINK_10,
            (0..=2, m88e1510::LED_OFF) => LedRules::NONE,
            _ => return None,
        })
    }

    /// The function by which a LED follows the rules.
    fn led_function(index: u8, rules: LedRules) -> Result<u16> {
        if index >= m88e1510::LEDS {
            return Err(EINVAL);
        }
        (0..=m88e1510::LED_OFF)
            .find(|function| Self::led_rules(index, *function) == Some(rules))
            .ok_or(EOPNOTSUPP)
    }

    fn set_led(dev: &mut Device, index: u8, function: u16) -> Result {
        if index >= m88e1510::LEDS {
            return Err(EINVAL);
        }
        let (page, reg) = (m88e1510::LED_PAGE, m88e1510::LED_FUNCTION);
        let register = dev.read_paged(page, reg)?;
        dev.write_paged(page, reg, m88e1510::with_led(register, index, function))
    }
}

#[vtable]
impl Driver for M88e1510 {
    const FLAGS: u32 = phy::flags::POLL_CABLE_TEST;
    const NAME: &'static CStr = c"Marvell 88E1510";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x01410dd0);
    const STATISTICS: &'static [&'static CStr] = &[
        c"phy_receive_errors_copper",
        c"phy_idle_errors",
        c"phy_receive_errors_fiber",
    ];

    fn probe(dev: &mut Device) -> Result {
        dev.set_private_data(Counters::default())
    }

    fn get_features(dev: &mut Device) -> Result {
        // The status register has those of one page only.
        for mode in [
            LinkMode::AUTONEG,
            LinkMode::TP,
            LinkMode::MII,
            LinkMode::FIBRE,
            LinkMode::BASE_T_10_HALF,
            LinkMode::BASE_T_10_FULL,
            LinkMode::BASE_T_100_HALF,
            LinkMode::BASE_T_100_FULL,
            LinkMode::BASE_T_1000_HALF,
            LinkMode::BASE_T_1000_FULL,
        ] {
            dev.set_supported(mode, true);
        }
        marvell_ffi::read_eee_abilities(dev);
        Ok(())
    }

    fn config_init(dev: &mut Device) -> Result {
        Self::config_errata(dev)?;
        if dev.interface() == InterfaceMode::SGMII {
            Self::config_sgmii(dev)?;
        }
        Self::set_downshift(dev, DOWNSHIFT_DEFAULT)?;
        if dev.has_interrupt() {
            let (mask, bits) = m88e1510::LED_TIMER_INTERRUPT;
            dev.modify_paged(m88e1510::LED_PAGE, m88e1510::LED_TIMER.into(), mask, bits)?;
        }
        let leds = if dev.dev_flags() & m88e1510::FLAG_LED0_LINK_LED1_ACTIVE != 0 {
            m88e1510::LED_FUNCTION_LINK_ACTIVITY
        } else {
            m88e1510::LED_FUNCTION_DEFAULT
        };
        dev.write_paged(m88e1510::LED_PAGE, m88e1510::LED_FUNCTION, leds)?;
        config_reg_init(dev)
    }

    fn config_aneg(dev: &mut Device) -> Result {
        dev.write(EXT_ADDRESS, page::COPPER)?;
        if let Err(error) = Self::config_aneg_copper(dev) {
            // There is already an error to tell.
            let _ = dev.write(EXT_ADDRESS, page::COPPER);
            return Err(error);
        }
        if dev.interface() == InterfaceMode::SGMII {
            // The page for fiber is the MAC's.
            return Ok(());
        }
        Self::with_fiber_page(dev, config_aneg_fiber)
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        if dev.supports(LinkMode::FIBRE) && dev.interface() != InterfaceMode::SGMII {
            let fiber = dev
                .write(EXT_ADDRESS, page::FIBER)
                .and_then(|()| read_status_page(dev, true));
            // With a link of fiber its page stays: its registers are those that count.
            if fiber.is_ok() && dev.is_link_up() {
                return Ok(0);
            }
            let restored = dev.write(EXT_ADDRESS, page::COPPER);
            fiber.and(restored)?;
        }
        read_status_page(dev, false)?;
        Ok(0)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn suspend(dev: &mut Device) -> Result {
        if dev.supports(LinkMode::FIBRE) {
            Self::with_fiber_page(dev, |dev| dev.genphy_suspend())?;
        }
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        if dev.supports(LinkMode::FIBRE) {
            Self::with_fiber_page(dev, |dev| dev.genphy_resume())?;
        }
        dev.genphy_resume()?;
        // A power-down does not clear the counter of tries, but this does.
        let tries = Self::DOWNSHIFT.tries(dev.read(PHY_SPECIFIC_CONTROL)?);
        if tries != 0 {
            Self::set_downshift(dev, 0)?;
            Self::set_downshift(dev, tries)?;
        }
        Ok(())
    }

    fn read_page(dev: &mut LockedDevice) -> Result<u16> {
        dev.read(EXT_ADDRESS)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        dev.write(EXT_ADDRESS, page)
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        wol.set_supported(wake::MAGIC | wake::PHY);
        let Ok(control) = dev.read_paged(m88e1510::WOL_PAGE, m88e1510::WOL_CONTROL.into()) else {
            return;
        };
        let set = |option, bit| if control & bit != 0 { option } else { 0 };
        wol.set_wolopts(
            set(wake::MAGIC, m88e1510::WOL_MAGIC) | set(wake::PHY, m88e1510::WOL_LINK_UP),
        );
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        let magic = wol.wolopts() & wake::MAGIC != 0;
        let link_up = wol.wolopts() & wake::PHY != 0;
        let mac = if magic {
            Some(dev.mac_address().ok_or(ENODEV)?)
        } else {
            None
        };
        if magic || link_up {
            let has_interrupt = dev.has_interrupt();
            dev.with_page(page::COPPER, |dev| {
                if !has_interrupt {
                    // Nobody else clears what is pending, and the pin would stay as it is.
                    dev.read(INTERRUPT_STATUS)?;
                }
                let bit = m88e1510::INTERRUPT_WOL;
                dev.modify(INTERRUPT_ENABLE, bit, bit)?;
                dev.write(EXT_ADDRESS, m88e1510::LED_PAGE)?;
                let (mask, bits) = m88e1510::LED_TIMER_INTERRUPT;
                dev.modify(Self::LED_TIMER, mask, bits)
            })?;
        }
        dev.with_page(m88e1510::WOL_PAGE, |dev| {
            if let Some(mac) = mac {
                let words = m88e1510::wol_address(mac);
                for (reg, word) in m88e1510::WOL_ADDRESS.into_iter().zip(words) {
                    dev.write(C22::new(reg)?, word)?;
                }
            }
            let set = |bit, on| if on { bit } else { 0 };
            dev.modify(
                Self::WOL_CONTROL,
                m88e1510::WOL_CLEAR | m88e1510::WOL_MAGIC | m88e1510::WOL_LINK_UP,
                m88e1510::WOL_CLEAR
                    | set(m88e1510::WOL_MAGIC, magic)
                    | set(m88e1510::WOL_LINK_UP, link_up),
            )
        })?;
        Ok(())
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        let Ok([receive_errors, idle_errors]) = copper_stats(dev) else {
            return;
        };
        let fiber = dev.read_paged(page::FIBER, marvell::RECEIVE_ERROR_COUNTER);
        let Ok(counters) = dev.private_data::<Counters>() else {
            return;
        };
        let fiber = counters.fiber_receive_errors.add(fiber);
        stats.copy_from_slice(&[receive_errors, idle_errors, fiber]);
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        match id {
            TunableId::Downshift => {
                let tries = Self::DOWNSHIFT.tries(dev.read(PHY_SPECIFIC_CONTROL)?);
                Ok(Tunable::Downshift(tries))
            }
            _ => Err(EOPNOTSUPP),
        }
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        match tunable {
            Tunable::Downshift(tries) => Self::set_downshift(dev, tries),
            _ => Err(EOPNOTSUPP),
        }
    }

    fn set_loopback(dev: &mut Device, enable: bool, speed: i32) -> Result {
        if !enable {
            return dev.genphy_loopback(false, 0);
        }
        match speed {
            0 => {}
            10 => dev.set_speed(10),
            100 => dev.set_speed(100),
            1000 => dev.set_speed(1000),
            _ => return Err(EINVAL),
        }
        let speed = match dev.speed() {
            1000 => BMCR_SPEED1000,
            100 => BMCR_SPEED100,
            _ => 0,
        };
        let duplex = if dev.duplex() == DuplexMode::Full {
            BMCR_FULLDPLX
        } else {
            0
        };
        dev.write(C22::BMCR, speed | duplex)?;
        dev.modify_paged(
            m88e1510::MAC_PAGE,
            m88e1510::MAC_CONTROL_2,
            m88e1510::MAC_CONTROL_2_SPEED,
            speed,
        )?;
        dev.genphy_soft_reset()?;
        dev.modify(C22::BMCR, BMCR_LOOPBACK, BMCR_LOOPBACK)?;
        fsleep(Delta::from_millis(Self::LOOPBACK_MS));
        Ok(())
    }

    fn cable_test_start(dev: &mut Device) -> Result {
        stop_aneg(dev)?;
        for (reg, value) in m88e1510::vct::PULSE {
            dev.write_paged(m88e1510::vct::PULSE_PAGE, reg, value)?;
        }
        dev.write_paged(
            m88e1510::vct::PAGE,
            m88e1510::vct::CONTROL,
            m88e1510::vct::CONTROL_RUN,
        )
    }

    fn cable_test_get_status(dev: &mut Device) -> Result<bool> {
        use m88e1510::vct;

        let control = dev.read_paged(vct::PAGE, vct::CONTROL)?;
        if control & vct::CONTROL_IN_PROGRESS != 0 {
            return Ok(false);
        }
        let results = dev.read_paged(vct::PAGE, vct::RESULTS)?;
        let status = |pair| vct::Status::from_results(results, pair as u8);
        for pair in CablePair::ALL {
            let result = match status(pair) {
                vct::Status::Ok => CableResult::Ok,
                vct::Status::Open => CableResult::Open,
                vct::Status::SameShort => CableResult::SameShort,
                vct::Status::CrossShort => CableResult::CrossShort,
                vct::Status::Invalid => CableResult::Unspec,
            };
            dev.cable_test_result(pair, result)?;
        }
        for pair in CablePair::ALL {
            if status(pair).is_fault() {
                let distance = dev.read_paged(vct::PAGE, vct::DISTANCE + pair as u16)?;
                dev.cable_test_fault_length(pair, vct::distance_cm(distance, control))?;
            }
        }
        Ok(true)
    }

    fn led_brightness_set(dev: &mut Device, index: u8, on: bool) -> Result {
        let function = if on {
            m88e1510::LED_ON
        } else {
            m88e1510::LED_OFF
        };
        Self::set_led(dev, index, function)
    }

    fn led_blink_set(
        dev: &mut Device,
        index: u8,
        delay_on: &mut usize,
        delay_off: &mut usize,
    ) -> Result {
        Self::set_led(dev, index, m88e1510::LED_BLINK)?;
        *delay_on = m88e1510::LED_BLINK_MS;
        *delay_off = m88e1510::LED_BLINK_MS;
        Ok(())
    }

    fn led_hw_is_supported(_dev: &mut Device, index: u8, rules: LedRules) -> Result {
        Self::led_function(index, rules)?;
        Ok(())
    }

    fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        let function = Self::led_function(index, rules)?;
        Self::set_led(dev, index, function)
    }

    fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        if index >= m88e1510::LEDS {
            return Err(EINVAL);
        }
        let register = dev.read_paged(m88e1510::LED_PAGE, m88e1510::LED_FUNCTION)?;
        let function = m88e1510::led_function(register, index);
        Self::led_rules(index, function).ok_or(EOPNOTSUPP)
    }
}
