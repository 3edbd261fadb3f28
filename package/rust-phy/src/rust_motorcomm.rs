// SPDX-License-Identifier: GPL-2.0

//! Driver for Motorcomm's YT8511, YT8521 and YT8531.
//!
//! C version of this driver:
//! [`drivers/net/phy/motorcomm.c`](srctree/drivers/net/phy/motorcomm.c), whose device-tree
//! properties it keeps. A YT8521 that its pins tell to work with fiber is left to other drivers.

mod clock;
mod motorcomm;

use clock::Clock;
use kernel::{
    device,
    net::phy::{
        reg::C22,
        wake,
        Device,
        DeviceId,
        Driver,
        DuplexMode,
        InterfaceMode,
        LedRules,
        LinkMode,
        LockedDevice,
        WolInfo, //
    },
    prelude::*,
    uapi, //
};
use motorcomm::{
    chip_config::{
        self,
        RgmiiVoltage, //
    },
    clock_gating,
    interrupt_enable,
    led_config::{
        self,
        Led, //
    },
    pad_drive_strength,
    rgmii_config1::{
        self,
        RxDelay,
        Steps, //
    },
    sleep_control1,
    smi_sds_phy,
    specific_status,
    wol_config,
    yt8511,
    SynceConfig, //
};

kernel::module_phy_driver! {
    drivers: [Yt8511, Yt8521, Yt8531],
    device_table: [
        DeviceId::new_with_driver::<Yt8511>(),
        DeviceId::new_with_driver::<Yt8521>(),
        DeviceId::new_with_driver::<Yt8531>()
    ],
    name: "rust_motorcomm",
    authors: ["The Ironroot authors"],
    description: "Motorcomm PHY driver",
    license: "GPL",
}

const SPECIFIC_STATUS: C22 = C22::vendor_specific::<{ specific_status::REG }>();
const INTERRUPT_ENABLE: C22 = C22::vendor_specific::<{ interrupt_enable::REG }>();
const EXT_ADDRESS: C22 = C22::vendor_specific::<{ motorcomm::EXT_ADDRESS }>();

const BMSR_ANEGCAPABLE: u16 = uapi::BMSR_ANEGCAPABLE as u16;
const BMSR_100FULL: u16 = uapi::BMSR_100FULL as u16;
const BMSR_100HALF: u16 = uapi::BMSR_100HALF as u16;
const BMSR_10FULL: u16 = uapi::BMSR_10FULL as u16;
const BMSR_10HALF: u16 = uapi::BMSR_10HALF as u16;
const BMSR_ESTATEN: u16 = uapi::BMSR_ESTATEN as u16;
const ESTATUS_1000_TFULL: u16 = uapi::ESTATUS_1000_TFULL as u16;
const ESTATUS_1000_THALF: u16 = uapi::ESTATUS_1000_THALF as u16;

/// Extended registers, which PHYLIB takes for pages with one register each.
mod ext {
    use super::*;

    const DATA: u16 = motorcomm::EXT_DATA as u16;
    /// No page: nobody relies on the address that an access left behind, so that there is none to
    /// go back to. There is no extended register of this number.
    const ANY: u16 = 0xffff;

    pub(super) fn read_page() -> Result<u16> {
        Ok(ANY)
    }

    pub(super) fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        match page {
            ANY => Ok(()),
            reg => dev.write(EXT_ADDRESS, reg),
        }
    }

    pub(super) fn read(dev: &mut Device, reg: u16) -> Result<u16> {
        dev.read_paged(reg, DATA)
    }

    pub(super) fn write(dev: &mut Device, reg: u16, value: u16) -> Result {
        dev.write_paged(reg, DATA, value)
    }

    pub(super) fn modify(dev: &mut Device, reg: u16, mask: u16, set: u16) -> Result {
        dev.modify_paged(reg, DATA, mask, set)?;
        Ok(())
    }
}

/// What the device tree says about the board of a YT8521 or YT8531.
struct Board {
    rx_delay: RxDelay,
    tx_delay: Steps,
    clk_out_hz: u32,
    auto_sleep_disabled: bool,
    keep_pll_enabled: bool,
    rx_clk_drv_microamp: Option<u32>,
    rx_data_drv_microamp: Option<u32>,
    /// For 10, 100 and 1000 Mbit/s, if the transmit clock is to be adjusted at all.
    tx_clk_inverted: Option<[bool; 3]>,
    _clock: Clock,
}

const CLK_OUT: &CStr = c"motorcomm,clk-out-frequency-hz";
const RX_CLK_DRV: &CStr = c"motorcomm,rx-clk-drv-microamp";
const RX_DATA_DRV: &CStr = c"motorcomm,rx-data-drv-microamp";

impl Board {
    /// Reads the device tree, and starts the clock, without which no register answers.
    fn probe(dev: &mut Device) -> Result {
        let board = Self::new(dev.as_ref())?;
        dev.set_private_data(board)
    }

    fn new(dev: &device::Device) -> Result<Self> {
        let node = dev.fwnode();
        let says = |name: &CStr| node.is_some_and(|node| node.property_present(name));
        let number = |name: &CStr| node?.property_read::<u32>(name).optional();
        Ok(Self {
            rx_delay: delay(
                dev,
                c"rx-internal-delay-ps",
                RxDelay::from_ps,
                RxDelay::DEFAULT,
            ),
            tx_delay: delay(dev, c"tx-internal-delay-ps", Steps::from_ps, Steps::DEFAULT),
            clk_out_hz: number(CLK_OUT).unwrap_or(0),
            auto_sleep_disabled: says(c"motorcomm,auto-sleep-disabled"),
            keep_pll_enabled: says(c"motorcomm,keep-pll-enabled"),
            rx_clk_drv_microamp: number(RX_CLK_DRV),
            rx_data_drv_microamp: number(RX_DATA_DRV),
            tx_clk_inverted: says(c"motorcomm,tx-clk-adj-enabled").then(|| {
                [
                    says(c"motorcomm,tx-clk-10-inverted"),
                    says(c"motorcomm,tx-clk-100-inverted"),
                    says(c"motorcomm,tx-clk-1000-inverted"),
                ]
            }),
            _clock: Clock::start(dev, None)?,
        })
    }
}

/// The delay that a property asks for; as in C the default where the chip cannot give it.
fn delay<T>(
    dev: &device::Device,
    name: &CStr,
    from_ps: impl FnOnce(u32) -> Option<T>,
    default: T,
) -> T {
    let node = dev.fwnode();
    let Some(ps) = node.and_then(|node| node.property_read::<u32>(name).optional()) else {
        return default;
    };
    from_ps(ps).unwrap_or_else(|| {
        dev_warn!(
            dev,
            "{name:?}: {ps} ps is not supported, taking the default\n"
        );
        default
    })
}

/// Sets the clock output to what the device tree asks for.
fn config_clk_out(dev: &mut Device, synce: SynceConfig) -> Result {
    let hz = dev.private_data::<Board>()?.clk_out_hz;
    let Some((mask, set)) = synce.output(hz) else {
        dev_err!(dev.as_ref(), "{CLK_OUT:?}: {hz} is not supported\n");
        return Err(EINVAL);
    };
    ext::modify(dev, SynceConfig::REG, mask, set)
}

/// Says that the MAC's node asks for an interface that the chip does not have.
fn refuse_interface(dev: &Device) -> Error {
    dev_err!(dev.as_ref(), "\"phy-mode\": not one that the chip has\n");
    EOPNOTSUPP
}

fn config_delays(dev: &mut Device) -> Result {
    let mode = dev.interface();
    if !mode.is_rgmii() {
        return Err(refuse_interface(dev));
    }
    let &Board {
        rx_delay, tx_delay, ..
    } = dev.private_data()?;
    let rx = if mode.has_rx_delay() {
        rx_delay
    } else {
        RxDelay::NONE
    };
    let tx = if mode.has_tx_delay() {
        tx_delay
    } else {
        Steps::NONE
    };
    ext::modify(
        dev,
        chip_config::REG,
        chip_config::RXC_DLY_EN,
        rx.chip_config(),
    )?;
    let delays = rgmii_config1::delays(rx, tx);
    ext::modify(dev, rgmii_config1::REG, rgmii_config1::DELAYS, delays)
}

fn config_sleep_and_clocks(dev: &mut Device) -> Result {
    let &Board {
        auto_sleep_disabled,
        keep_pll_enabled,
        ..
    } = dev.private_data()?;
    if auto_sleep_disabled {
        ext::modify(dev, sleep_control1::REG, sleep_control1::SLEEP_SW, 0)?;
    }
    if keep_pll_enabled {
        ext::modify(dev, clock_gating::REG, clock_gating::RX_CLK_EN, 0)?;
    }
    Ok(())
}

/// Sets how strongly the YT8531 drives the RGMII pins for what it received.
fn config_drive_strength(dev: &mut Device) -> Result {
    let &Board {
        rx_clk_drv_microamp,
        rx_data_drv_microamp,
        ..
    } = dev.private_data()?;
    let clock = drive_strength(dev, RX_CLK_DRV, rx_clk_drv_microamp)?;
    let data = drive_strength(dev, RX_DATA_DRV, rx_data_drv_microamp)?;
    let set = pad_drive_strength::rx(clock, data);
    ext::modify(dev, pad_drive_strength::REG, pad_drive_strength::RX, set)
}

fn drive_strength(dev: &mut Device, name: &CStr, microamp: Option<u32>) -> Result<u16> {
    let Some(microamp) = microamp else {
        return Ok(pad_drive_strength::DEFAULT);
    };
    let voltage = RgmiiVoltage::from_register(ext::read(dev, chip_config::REG)?);
    let strength = voltage.and_then(|voltage| voltage.drive_strength(microamp));
    strength.ok_or_else(|| {
        dev_err!(
            dev.as_ref(),
            "{name:?}: {microamp} uA is not one of the RGMII pins' currents at {}\n",
            match voltage {
                Some(RgmiiVoltage::V3_3) => "3.3 V",
                Some(RgmiiVoltage::V1_8) => "1.8 V",
                None => "an unknown voltage",
            }
        );
        EINVAL
    })
}

fn is_wol_on(dev: &mut Device) -> Result<bool> {
    Ok(ext::read(dev, wol_config::REG)? & wol_config::ENABLE != 0)
}

fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
    wol.set_supported(wake::MAGIC);
    if is_wol_on(dev).unwrap_or(false) {
        wol.set_wolopts(wake::MAGIC);
    }
}

fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
    let enable = wol.wolopts() & wake::MAGIC != 0;
    if enable {
        let mac = dev.mac_address().ok_or(ENODEV)?;
        for (reg, value) in motorcomm::wol_address_registers(mac) {
            ext::write(dev, reg, value)?;
        }
    }
    let (mask, set) = wol_config::set(enable);
    ext::modify(dev, wol_config::REG, mask, set)?;
    let bit = interrupt_enable::WOL;
    dev.modify(INTERRUPT_ENABLE, bit, if enable { bit } else { 0 })?;
    Ok(())
}

fn led_hw_is_supported(index: u8, rules: LedRules) -> Result {
    let all = LedRules::LINK
        | LedRules::LINK_10
        | LedRules::LINK_100
        | LedRules::LINK_1000
        | LedRules::HALF_DUPLEX
        | LedRules::FULL_DUPLEX
        | LedRules::RX
        | LedRules::TX;
    led_config::reg(index).ok_or(EINVAL)?;
    if !all.contains(rules) {
        return Err(EOPNOTSUPP);
    }
    Ok(())
}

fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
    let reg = led_config::reg(index).ok_or(EINVAL)?;
    let link = |rule| rules.intersects(LedRules::LINK | rule);
    let led = Led {
        link_10: link(LedRules::LINK_10),
        link_100: link(LedRules::LINK_100),
        link_1000: link(LedRules::LINK_1000),
        half_duplex: rules.intersects(LedRules::HALF_DUPLEX),
        full_duplex: rules.intersects(LedRules::FULL_DUPLEX),
        rx: rules.intersects(LedRules::RX),
        tx: rules.intersects(LedRules::TX),
    };
    ext::write(dev, reg, led.to_register())
}

fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
    let reg = led_config::reg(index).ok_or(EINVAL)?;
    let led = Led::from_register(ext::read(dev, reg)?);
    let mut rules = LedRules::NONE;
    for (on, rule) in [
        (led.link_10, LedRules::LINK_10),
        (led.link_100, LedRules::LINK_100),
        (led.link_1000, LedRules::LINK_1000),
        (led.half_duplex, LedRules::HALF_DUPLEX),
        (led.full_duplex, LedRules::FULL_DUPLEX),
        (led.rx, LedRules::RX),
        (led.tx, LedRules::TX),
    ] {
        if on {
            rules |= rule;
        }
    }
    Ok(rules)
}

/// YT8511.
struct Yt8511;

#[vtable]
impl Driver for Yt8511 {
    const NAME: &'static CStr = c"YT8511 Gigabit Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x0000010a);

    fn config_init(dev: &mut Device) -> Result {
        let mode = dev.interface();
        if !mode.is_rgmii() {
            return Err(refuse_interface(dev));
        }
        let (rx, tx) = (mode.has_rx_delay(), mode.has_tx_delay());
        ext::modify(
            dev,
            yt8511::CLK_GATE,
            yt8511::CLK_GATE_MASK,
            yt8511::clk_gate(rx, tx),
        )?;
        ext::modify(
            dev,
            yt8511::DELAY_DRIVE,
            yt8511::DELAY_DRIVE_MASK,
            yt8511::delay_drive(tx),
        )?;
        let bit = yt8511::SLEEP_CTRL_PLL_ON;
        ext::modify(dev, yt8511::SLEEP_CTRL, bit, bit)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }

    fn read_page(_dev: &mut LockedDevice) -> Result<u16> {
        ext::read_page()
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        ext::write_page(dev, page)
    }
}

/// YT8521, for twisted pairs.
///
/// It has another set of registers for fiber; that for twisted pairs stays selected.
struct Yt8521;

#[vtable]
impl Driver for Yt8521 {
    const NAME: &'static CStr = c"YT8521 Gigabit Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x0000011a);

    fn probe(dev: &mut Device) -> Result {
        Board::probe(dev)?;
        let config = ext::read(dev, chip_config::REG)?;
        if !chip_config::is_utp(config) {
            dev_err!(
                dev.as_ref(),
                "the pins ask for fiber, which is not supported\n"
            );
            return Err(EOPNOTSUPP);
        }
        ext::write(dev, smi_sds_phy::REG, smi_sds_phy::UTP)?;
        config_clk_out(dev, SynceConfig::YT8521)
    }

    fn get_features(dev: &mut Device) -> Result {
        let bmsr = dev.read(C22::BMSR)?;
        let estatus = match bmsr & BMSR_ESTATEN {
            0 => 0,
            _ => dev.read(C22::EXTENDED_STATUS)?,
        };
        for (mode, supported) in [
            (LinkMode::TP, true),
            (LinkMode::MII, true),
            (LinkMode::AUTONEG, bmsr & BMSR_ANEGCAPABLE != 0),
            (LinkMode::BASE_T_10_HALF, bmsr & BMSR_10HALF != 0),
            (LinkMode::BASE_T_10_FULL, bmsr & BMSR_10FULL != 0),
            (LinkMode::BASE_T_100_HALF, bmsr & BMSR_100HALF != 0),
            (LinkMode::BASE_T_100_FULL, bmsr & BMSR_100FULL != 0),
            (
                LinkMode::BASE_T_1000_HALF,
                estatus & ESTATUS_1000_THALF != 0,
            ),
            (
                LinkMode::BASE_T_1000_FULL,
                estatus & ESTATUS_1000_TFULL != 0,
            ),
        ] {
            dev.set_supported(mode, supported);
        }
        Ok(())
    }

    fn soft_reset(dev: &mut Device) -> Result {
        dev.genphy_soft_reset()
    }

    fn config_init(dev: &mut Device) -> Result {
        if dev.interface() != InterfaceMode::SGMII {
            config_delays(dev)?;
        }
        config_sleep_and_clocks(dev)
    }

    fn config_aneg(dev: &mut Device) -> Result {
        dev.genphy_config_aneg()
    }

    fn aneg_done(dev: &mut Device) -> Result<bool> {
        let status = dev.read(SPECIFIC_STATUS)?;
        Ok(specific_status::Link::from_register(status).is_some())
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        // For whether auto-negotiation is complete; the link is what the next register says.
        dev.genphy_update_link()?;
        let link = specific_status::Link::from_register(dev.read(SPECIFIC_STATUS)?);
        dev.set_link(link.is_some());
        dev.clear_partner_advertising();
        dev.set_pause(false, false);
        let Some(link) = link else {
            if !dev.is_autoneg_enabled() {
                // What is asked for stands in the same fields as what is.
                dev.genphy_read_status_fixed()?;
                return Ok(0);
            }
            dev.set_speed(uapi::SPEED_UNKNOWN as u32);
            dev.set_duplex(DuplexMode::Unknown);
            return Ok(0);
        };
        dev.set_speed(link.speed.unwrap_or(uapi::SPEED_UNKNOWN as u32));
        dev.set_duplex(if link.full_duplex {
            DuplexMode::Full
        } else {
            DuplexMode::Half
        });
        // A master and slave that do not agree, which the next poll may find mended: no failure.
        if dev.genphy_read_lpa().is_ok() {
            dev.resolve_aneg_pause();
        }
        Ok(0)
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        get_wol(dev, wol)
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        set_wol(dev, wol)
    }

    fn suspend(dev: &mut Device) -> Result {
        if is_wol_on(dev)? {
            return Ok(());
        }
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        // As in C, whatever the device tree says.
        ext::modify(dev, sleep_control1::REG, sleep_control1::SLEEP_SW, 0)?;
        if is_wol_on(dev)? {
            return Ok(());
        }
        dev.genphy_resume()
    }

    fn read_page(_dev: &mut LockedDevice) -> Result<u16> {
        ext::read_page()
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        ext::write_page(dev, page)
    }

    fn led_hw_is_supported(_dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_hw_is_supported(index, rules)
    }

    fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_hw_control_set(dev, index, rules)
    }

    fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        led_hw_control_get(dev, index)
    }
}

/// YT8531.
struct Yt8531;

#[vtable]
impl Driver for Yt8531 {
    const NAME: &'static CStr = c"YT8531 Gigabit Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x4f51e91b);

    fn probe(dev: &mut Device) -> Result {
        Board::probe(dev)?;
        config_clk_out(dev, SynceConfig::YT8531)
    }

    fn config_init(dev: &mut Device) -> Result {
        config_delays(dev)?;
        config_sleep_and_clocks(dev)?;
        config_drive_strength(dev)
    }

    fn link_change_notify(dev: &mut Device) {
        let inverted = match dev.private_data::<Board>() {
            Ok(&Board {
                tx_clk_inverted: Some(inverted),
                ..
            }) => inverted,
            _ => return,
        };
        let [at_10, at_100, at_1000] = inverted;
        let invert = match dev.speed() {
            10 => at_10,
            100 => at_100,
            1000 => at_1000,
            _ => return,
        };
        let bit = rgmii_config1::TX_CLK_SEL_INVERTED;
        let set = if invert { bit } else { 0 };
        if let Err(error) = ext::modify(dev, rgmii_config1::REG, bit, set) {
            dev_warn!(
                dev.as_ref(),
                "cannot adjust the transmit clock: {error:?}\n"
            );
        }
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        get_wol(dev, wol)
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        set_wol(dev, wol)
    }

    fn suspend(dev: &mut Device) -> Result {
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()
    }

    fn read_page(_dev: &mut LockedDevice) -> Result<u16> {
        ext::read_page()
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        ext::write_page(dev, page)
    }

    fn led_hw_is_supported(_dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_hw_is_supported(index, rules)
    }

    fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_hw_control_set(dev, index, rules)
    }

    fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        led_hw_control_get(dev, index)
    }
}
