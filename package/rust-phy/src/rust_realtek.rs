// SPDX-License-Identifier: GPL-2.0

//! Driver for Realtek's RTL8201 and RTL8211 PHYs.
//!
//! C version of this driver:
//! [`drivers/net/phy/realtek/realtek_main.c`](srctree/drivers/net/phy/realtek/realtek_main.c),
//! whose device-tree properties it keeps.

mod clock;
mod realtek;

use clock::Clock;
use kernel::{
    irq::IrqReturn,
    net::phy::{
        self,
        reg::C22,
        wake,
        Device,
        DeviceId,
        Driver,
        DuplexMode,
        LedRules,
        LockedDevice,
        MasterSlave,
        WolInfo, //
    },
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use realtek::{
    rtl8201f,
    rtl8211e,
    rtl8211f,
    Led,
    LedBits, //
};

kernel::module_phy_driver! {
    drivers: [Rtl8201cp, Rtl8201f, Rtl8211e, Rtl8211f, Rtl8211fVd],
    device_table: [
        DeviceId::new_with_driver::<Rtl8201cp>(),
        DeviceId::new_with_driver::<Rtl8201f>(),
        DeviceId::new_with_driver::<Rtl8211e>(),
        DeviceId::new_with_driver::<Rtl8211f>(),
        DeviceId::new_with_driver::<Rtl8211fVd>()
    ],
    name: "rust_realtek",
    authors: ["The Ironroot authors"],
    description: "Realtek PHY driver",
    license: "GPL",
}

const PAGSR: C22 = C22::vendor_specific::<{ realtek::PAGSR }>();

fn read_page(dev: &mut LockedDevice) -> Result<u16> {
    dev.read(PAGSR)
}

fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
    dev.write(PAGSR, page)
}

/// What all LEDs of these chips can show.
fn led_hw_is_supported(index: u8, rules: LedRules) -> Result {
    if index >= realtek::LEDS {
        return Err(EINVAL);
    }
    let all = LedRules::LINK
        | LedRules::LINK_10
        | LedRules::LINK_100
        | LedRules::LINK_1000
        | LedRules::RX
        | LedRules::TX;
    // The chips do not tell frames that come from those that go.
    if !all.contains(rules) || rules.intersects(LedRules::RX) != rules.intersects(LedRules::TX) {
        return Err(EOPNOTSUPP);
    }
    Ok(())
}

fn led_from_rules(rules: LedRules) -> Led {
    let link = |rule| rules.intersects(LedRules::LINK | rule);
    Led {
        link_10: link(LedRules::LINK_10),
        link_100: link(LedRules::LINK_100),
        link_1000: link(LedRules::LINK_1000),
        activity: rules.intersects(LedRules::RX | LedRules::TX),
    }
}

fn led_to_rules(led: Led) -> LedRules {
    let mut rules = LedRules::NONE;
    let all = led.link_10 && led.link_100 && led.link_1000;
    for (on, rule) in [
        (led.link_10, LedRules::LINK_10),
        (led.link_100, LedRules::LINK_100),
        (led.link_1000, LedRules::LINK_1000),
        (all, LedRules::LINK),
        (led.activity, LedRules::RX | LedRules::TX),
    ] {
        if on {
            rules |= rule;
        }
    }
    rules
}

/// RTL8201CP.
struct Rtl8201cp;

#[vtable]
impl Driver for Rtl8201cp {
    const NAME: &'static CStr = c"RTL8201CP Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x00008201);

    fn read_page(dev: &mut LockedDevice) -> Result<u16> {
        read_page(dev)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        write_page(dev, page)
    }
}

/// RTL8201F.
struct Rtl8201f;

#[vtable]
impl Driver for Rtl8201f {
    const NAME: &'static CStr = c"RTL8201F Fast Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x001cc816);

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        let iisdr = C22::vendor_specific::<{ rtl8201f::IISDR }>();
        if enable {
            dev.read(iisdr)?;
        }
        let ier = if enable { rtl8201f::IER_LINK_EVENTS } else { 0 };
        dev.write_paged(rtl8201f::IER_PAGE, rtl8201f::IER, ier)?;
        if !enable {
            dev.read(iisdr)?;
        }
        Ok(())
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        let pending = dev.read(C22::vendor_specific::<{ rtl8201f::IISDR }>())?;
        if pending & rtl8201f::IISDR_LINK_EVENTS == 0 {
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
        read_page(dev)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        write_page(dev, page)
    }
}

/// RTL8211E.
struct Rtl8211e;

impl Rtl8211e {
    const INER: C22 = C22::vendor_specific::<{ rtl8211e::INER }>();
    const INSR: C22 = C22::vendor_specific::<{ rtl8211e::INSR }>();
    const LACR: C22 = C22::vendor_specific::<{ rtl8211e::LACR }>();
    const LCR: C22 = C22::vendor_specific::<{ rtl8211e::LCR }>();

    /// Calls `access` with the registers of an extension page.
    fn with_ext_page<T>(
        dev: &mut Device,
        page: u16,
        access: impl FnOnce(&mut LockedDevice) -> Result<T>,
    ) -> Result<T> {
        dev.with_page(rtl8211e::EXT_PAGE, |dev| {
            let select = C22::vendor_specific::<{ rtl8211e::EXT_PAGE_SELECT }>();
            dev.write(select, page)?;
            access(dev)
        })
    }
}

#[vtable]
impl Driver for Rtl8211e {
    const NAME: &'static CStr = c"RTL8211E Gigabit Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x001cc915);

    fn config_init(dev: &mut Device) -> Result {
        let mode = dev.interface();
        if !mode.is_rgmii() {
            return Ok(());
        }
        let value = rtl8211e::rgmii(mode.has_rx_delay(), mode.has_tx_delay());
        Self::with_ext_page(dev, rtl8211e::RGMII_EXT_PAGE, |dev| {
            let rgmii = C22::vendor_specific::<{ rtl8211e::RGMII }>();
            dev.modify(rgmii, rtl8211e::RGMII_MASK, value)
        })?;
        Ok(())
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        if enable {
            dev.read(Self::INSR)?;
            dev.write(Self::INER, rtl8211e::INER_LINK_STATUS)
        } else {
            dev.write(Self::INER, 0)?;
            dev.read(Self::INSR)?;
            Ok(())
        }
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        // INSR has flags for what INER does not enable, too.
        let pending = dev.read(Self::INSR)?;
        if pending & dev.read(Self::INER)? == 0 {
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
        read_page(dev)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        write_page(dev, page)
    }

    fn led_hw_is_supported(_dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_hw_is_supported(index, rules)
    }

    fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        if index >= realtek::LEDS {
            return Err(EINVAL);
        }
        let (lacr, lcr) = Self::with_ext_page(dev, rtl8211e::LED_EXT_PAGE, |dev| {
            Ok((dev.read(Self::LACR)?, dev.read(Self::LCR)?))
        })?;
        let led = Led {
            activity: LedBits::RTL8211E_LACR.decode(index, lacr).activity,
            ..LedBits::RTL8211E_LCR.decode(index, lcr)
        };
        Ok(led_to_rules(led))
    }

    fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        if index >= realtek::LEDS {
            return Err(EINVAL);
        }
        let led = led_from_rules(rules);
        Self::with_ext_page(dev, rtl8211e::LED_EXT_PAGE, |dev| {
            for (reg, bits) in [
                (Self::LACR, LedBits::RTL8211E_LACR),
                (Self::LCR, LedBits::RTL8211E_LCR),
            ] {
                dev.modify(reg, bits.mask(index), bits.encode(index, led))?;
            }
            Ok(())
        })
    }
}

/// What the device tree says about an RTL8211F's board.
struct Board {
    /// Runs as long as the driver has the PHY: PHYLIB configures the chip before it resumes it.
    _clock: Clock,
    aldps: bool,
    disable_clkout: bool,
    clkout_ssc: bool,
    rxc_ssc: bool,
    sysclk_ssc: bool,
}

impl Board {
    fn new(dev: &Device) -> Result<Self> {
        let dev = dev.as_ref();
        let node = dev.fwnode();
        let says = |name: &CStr| node.is_some_and(|node| node.property_present(name));
        Ok(Self {
            _clock: Clock::start(dev, None)?,
            aldps: says(c"realtek,aldps-enable"),
            disable_clkout: says(c"realtek,clkout-disable"),
            clkout_ssc: says(c"realtek,clkout-ssc-enable"),
            rxc_ssc: says(c"realtek,rxc-ssc-enable"),
            sysclk_ssc: says(c"realtek,sysclk-ssc-enable"),
        })
    }
}

/// What the RTL8211F and the RTL8211F-VD have in common.
mod gigabit {
    use super::*;

    const PHYCR1: C22 = C22::vendor_specific::<{ rtl8211f::PHYCR1 }>();
    const PHYCR2: C22 = C22::vendor_specific::<{ rtl8211f::PHYCR2 }>();
    const PHYSR: C22 = C22::vendor_specific::<{ rtl8211f::PHYSR }>();
    pub(super) const INSR: C22 = C22::vendor_specific::<{ rtl8211f::INSR }>();

    pub(super) fn probe(dev: &mut Device) -> Result {
        let board = Board::new(dev)?;
        dev.set_private_data(board)
    }

    /// Sets up what both chips have. What the device tree does not mention stays as the pins or
    /// the firmware set it.
    pub(super) fn config_init(dev: &mut Device) -> Result {
        if dev.private_data::<Board>()?.aldps {
            let aldps = rtl8211f::PHYCR1_ALDPS;
            dev.modify(PHYCR1, aldps, aldps)?;
        }
        let mode = dev.interface();
        if mode.is_rgmii() {
            for (reg, bit, delay) in [
                (
                    rtl8211f::MIICR1,
                    rtl8211f::MIICR1_TX_DELAY,
                    mode.has_tx_delay(),
                ),
                (
                    rtl8211f::MIICR2,
                    rtl8211f::MIICR2_RX_DELAY,
                    mode.has_rx_delay(),
                ),
            ] {
                let set = if delay { bit } else { 0 };
                dev.modify_paged(rtl8211f::RGMII_PAGE, reg, bit, set)?;
            }
        }
        Ok(())
    }

    /// Spreads the spectrum of the clocks for which the device tree asks.
    pub(super) fn config_ssc(dev: &mut Device) -> Result {
        let board = dev.private_data::<Board>()?;
        for (wanted, (page, reg, value), enable) in [
            (board.rxc_ssc, rtl8211f::SSC_RXC, 0),
            (
                board.sysclk_ssc,
                rtl8211f::SSC_SYSCLK,
                rtl8211f::PHYCR2_SYSCLK_SSC,
            ),
            (
                board.clkout_ssc,
                rtl8211f::SSC_CLKOUT,
                rtl8211f::PHYCR2_CLKOUT_SSC,
            ),
        ] {
            if wanted {
                dev.write_paged(page, reg, value)?;
                if enable != 0 {
                    dev.modify(PHYCR2, enable, enable)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn disable_clkout(dev: &mut Device) -> Result {
        dev.modify(PHYCR2, rtl8211f::PHYCR2_CLKOUT, 0)?;
        Ok(())
    }

    pub(super) fn disable_autonomous_eee(dev: &mut Device) -> Result {
        dev.modify(PHYCR2, rtl8211f::PHYCR2_PHY_EEE, 0)?;
        Ok(())
    }

    pub(super) fn read_status(dev: &mut Device) -> Result<u16> {
        dev.genphy_read_status::<C22>()?;
        if !dev.is_link_up() {
            return Ok(0);
        }
        // What auto-negotiation agreed on is not yet the speed: the chip shifts down by itself.
        let link = rtl8211f::Link::from_physr(dev.read(PHYSR)?);
        dev.set_duplex(if link.full_duplex {
            DuplexMode::Full
        } else {
            DuplexMode::Half
        });
        if let Some(speed) = link.speed {
            dev.set_speed(speed);
        }
        dev.set_master_slave(match (dev.speed(), link.master) {
            (..1000, _) => MasterSlave::Unsupported,
            (_, true) => MasterSlave::Master,
            (_, false) => MasterSlave::Slave,
        });
        Ok(0)
    }

    pub(super) fn write_iner(dev: &mut Device, iner: u16) -> Result {
        dev.write_paged(rtl8211f::INER_PAGE, rtl8211f::INER, iner)
    }

    pub(super) fn config_intr(dev: &mut Device, enable: bool) -> Result {
        if enable {
            dev.read(INSR)?;
            write_iner(dev, rtl8211f::INER_LINK_STATUS)
        } else {
            write_iner(dev, 0)?;
            dev.read(INSR)?;
            Ok(())
        }
    }

    pub(super) fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        let pending = dev.read(INSR)?;
        if pending & rtl8211f::INER_LINK_STATUS != 0 {
            dev.trigger_machine();
        } else if pending & rtl8211f::INER_PME != 0 {
            dev.wakeup_event();
        } else {
            return Ok(IrqReturn::None);
        }
        Ok(IrqReturn::Handled)
    }

    pub(super) fn suspend(dev: &mut Device) -> Result {
        if dev.is_wol_enabled() {
            return Ok(());
        }
        dev.genphy_suspend()
    }

    pub(super) fn resume(dev: &mut Device) -> Result {
        dev.genphy_resume()?;
        // The registers are there again after 20 ms.
        fsleep(Delta::from_millis(20));
        Ok(())
    }

    pub(super) fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        if index >= realtek::LEDS {
            return Err(EINVAL);
        }
        let lcr = dev.read_paged(rtl8211f::LCR_PAGE, rtl8211f::LCR)?;
        Ok(led_to_rules(LedBits::RTL8211F_LCR.decode(index, lcr)))
    }

    pub(super) fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        if index >= realtek::LEDS {
            return Err(EINVAL);
        }
        let bits = LedBits::RTL8211F_LCR;
        dev.modify_paged(
            rtl8211f::LCR_PAGE,
            rtl8211f::LCR,
            bits.mask(index) | LedBits::RTL8211F_LCR_MODE_B,
            bits.encode(index, led_from_rules(rules)) | LedBits::RTL8211F_LCR_MODE_B,
        )?;
        Ok(())
    }
}

/// RTL8211F.
struct Rtl8211f;

impl Rtl8211f {
    const WOL_EVENTS: C22 = C22::vendor_specific::<{ rtl8211f::WOL_EVENTS }>();
    const WOL_MAX_PACKET: C22 = C22::vendor_specific::<{ rtl8211f::WOL_MAX_PACKET }>();
    const MAC: [C22; 3] = [
        C22::vendor_specific::<{ rtl8211f::MAC[0] }>(),
        C22::vendor_specific::<{ rtl8211f::MAC[1] }>(),
        C22::vendor_specific::<{ rtl8211f::MAC[2] }>(),
    ];
}

#[vtable]
impl Driver for Rtl8211f {
    const FLAGS: u32 = phy::flags::ALWAYS_CALL_SUSPEND;
    const NAME: &'static CStr = c"RTL8211F Gigabit Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x001cc916);

    fn probe(dev: &mut Device) -> Result {
        gigabit::probe(dev)?;
        // The firmware may have left WoL on.
        dev.write_paged(rtl8211f::WOL_PAGE, rtl8211f::WOL_EVENTS.into(), 0)?;
        let node = dev.as_ref().fwnode();
        let wakes = node.is_some_and(|node| node.property_present(c"wakeup-source"));
        if !wakes {
            return Ok(());
        }
        match dev.set_wakeup_capable() {
            // Without an interrupt of its own the PHY wakes nobody.
            Err(error) if error == ENXIO => Ok(()),
            result => result,
        }
    }

    fn config_init(dev: &mut Device) -> Result {
        gigabit::config_init(dev)?;
        gigabit::config_ssc(dev)?;
        if dev.private_data::<Board>()?.disable_clkout {
            gigabit::disable_clkout(dev)?;
            // It takes effect with a reset.
            dev.genphy_soft_reset()?;
        }
        Ok(())
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        gigabit::read_status(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        gigabit::config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        gigabit::handle_interrupt(dev)
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        if !dev.can_wakeup() {
            return;
        }
        wol.set_supported(wake::MAGIC);
        let events = dev.read_paged(rtl8211f::WOL_PAGE, rtl8211f::WOL_EVENTS.into());
        if events.is_ok_and(|events| events & rtl8211f::WOL_EVENTS_MAGIC != 0) {
            wol.set_wolopts(wake::MAGIC);
        }
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        if !dev.can_wakeup() {
            return Err(EOPNOTSUPP);
        }
        let magic = wol.wolopts() & wake::MAGIC != 0;
        if magic {
            let mac = dev.mac_address().ok_or(ENODEV)?;
            dev.with_page(rtl8211f::MAC_PAGE, |dev| {
                for (reg, bytes) in Self::MAC.into_iter().zip(mac.chunks_exact(2)) {
                    dev.write(reg, u16::from_le_bytes([bytes[0], bytes[1]]))?;
                }
                write_page(dev, rtl8211f::WOL_PAGE)?;
                dev.write(Self::WOL_EVENTS, rtl8211f::WOL_EVENTS_MAGIC)?;
                dev.write(Self::WOL_MAX_PACKET, rtl8211f::WOL_MAX_PACKET_LONGEST)
            })?;
        } else {
            dev.with_page(rtl8211f::WOL_PAGE, |dev| {
                dev.write(Self::WOL_EVENTS, 0)?;
                dev.modify(Self::WOL_MAX_PACKET, rtl8211f::WOL_MAX_PACKET_RSTB, 0)
            })?;
        }
        dev.set_wakeup_enable(magic)
    }

    fn suspend(dev: &mut Device) -> Result {
        gigabit::suspend(dev)?;
        if !dev.may_wakeup() {
            return Ok(());
        }
        // Only an event of WoL is to raise the interrupt now, and none that is pending.
        gigabit::write_iner(dev, rtl8211f::INER_PME)?;
        dev.read(gigabit::INSR)?;
        // After an event there is no second one without a reset of WoL.
        dev.with_page(rtl8211f::WOL_PAGE, |dev| {
            let reset = dev.read(Self::WOL_MAX_PACKET)? & !rtl8211f::WOL_MAX_PACKET_RSTB;
            dev.write(Self::WOL_MAX_PACKET, reset)?;
            dev.write(Self::WOL_MAX_PACKET, reset | rtl8211f::WOL_MAX_PACKET_RSTB)
        })
    }

    fn resume(dev: &mut Device) -> Result {
        gigabit::resume(dev)?;
        if !dev.may_wakeup() {
            return Ok(());
        }
        let iner = if dev.interrupts_enabled() {
            rtl8211f::INER_LINK_STATUS
        } else {
            0
        };
        gigabit::write_iner(dev, iner)
    }

    fn read_page(dev: &mut LockedDevice) -> Result<u16> {
        read_page(dev)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        write_page(dev, page)
    }

    fn led_hw_is_supported(_dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_hw_is_supported(index, rules)
    }

    fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        gigabit::led_hw_control_get(dev, index)
    }

    fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        gigabit::led_hw_control_set(dev, index, rules)
    }

    fn disable_autonomous_eee(dev: &mut Device) -> Result {
        gigabit::disable_autonomous_eee(dev)
    }
}

/// RTL8211F-VD, whose clock output has another register, and whose SSC bits are others.
struct Rtl8211fVd;

#[vtable]
impl Driver for Rtl8211fVd {
    const FLAGS: u32 = phy::flags::ALWAYS_CALL_SUSPEND;
    const NAME: &'static CStr = c"RTL8211F-VD Gigabit Ethernet";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_exact_mask(0x001cc878);

    fn probe(dev: &mut Device) -> Result {
        gigabit::probe(dev)
    }

    fn config_init(dev: &mut Device) -> Result {
        gigabit::config_init(dev)?;
        if dev.private_data::<Board>()?.disable_clkout {
            dev.modify_paged(
                rtl8211f::VD_CLKOUT_PAGE,
                rtl8211f::VD_CLKOUT,
                rtl8211f::VD_CLKOUT_ENABLE,
                0,
            )?;
            dev.genphy_soft_reset()?;
        }
        Ok(())
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        gigabit::read_status(dev)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        gigabit::config_intr(dev, enable)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        gigabit::handle_interrupt(dev)
    }

    fn suspend(dev: &mut Device) -> Result {
        gigabit::suspend(dev)
    }

    fn resume(dev: &mut Device) -> Result {
        gigabit::resume(dev)
    }

    fn read_page(dev: &mut LockedDevice) -> Result<u16> {
        read_page(dev)
    }

    fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
        write_page(dev, page)
    }

    fn led_hw_is_supported(_dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_hw_is_supported(index, rules)
    }

    fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        gigabit::led_hw_control_get(dev, index)
    }

    fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        gigabit::led_hw_control_set(dev, index, rules)
    }

    fn disable_autonomous_eee(dev: &mut Device) -> Result {
        gigabit::disable_autonomous_eee(dev)
    }
}
