// SPDX-License-Identifier: GPL-2.0

//! Driver for Microsemi's (now Microchip's) VSC8531 and VSC8541.
//!
//! C version of this driver:
//! [`drivers/net/phy/mscc/mscc_main.c`](srctree/drivers/net/phy/mscc/mscc_main.c), whose
//! device-tree properties it keeps. Wake-on-LAN with a password is not in here.

mod mscc;

use kernel::{
    irq::IrqReturn,
    net::phy::{
        reg::C22,
        wake,
        Device,
        DeviceId,
        Driver,
        InterfaceMode,
        LedRules,
        LockedDevice,
        Mdix,
        RgmiiClock,
        Tunable,
        TunableId,
        WolInfo, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};
use mscc::{
    actiphy_control,
    aux_control_status,
    bypass_control,
    ext_control_status,
    ext_mode_control,
    ext_phy_control_1,
    init_script,
    interrupt,
    led,
    page,
    rgmii_control,
    wol_mac_control, //
};

kernel::module_phy_driver! {
    drivers: [Vsc8531, Vsc8541],
    device_table: [
        DeviceId::new_with_driver::<Vsc8531>(),
        DeviceId::new_with_driver::<Vsc8541>()
    ],
    name: "rust_mscc",
    authors: ["The Ironroot authors"],
    description: "Microsemi VSC85xx PHY driver",
    license: "GPL",
}

const PAGE: C22 = C22::vendor_specific::<{ page::REG }>();
const BYPASS_CONTROL: C22 = C22::vendor_specific::<{ bypass_control::REG }>();
const EXT_CONTROL_STATUS: C22 = C22::vendor_specific::<{ ext_control_status::REG }>();
const EXT_PHY_CONTROL_1: C22 = C22::vendor_specific::<{ ext_phy_control_1::REG }>();
const INTERRUPT_MASK: C22 = C22::vendor_specific::<{ interrupt::MASK }>();
const INTERRUPT_STATUS: C22 = C22::vendor_specific::<{ interrupt::STATUS }>();
const AUX_CONTROL_STATUS: C22 = C22::vendor_specific::<{ aux_control_status::REG }>();
const WOL_MAC_CONTROL: C22 = C22::vendor_specific::<{ wol_mac_control::REG }>();
const LED_MODE_SELECT: C22 = C22::vendor_specific::<{ led::MODE_SELECT }>();
const LED_BEHAVIOR: C22 = C22::vendor_specific::<{ led::BEHAVIOR }>();
const TR_MSB: C22 = C22::vendor_specific::<{ init_script::TR_MSB }>();
const TR_LSB: C22 = C22::vendor_specific::<{ init_script::TR_LSB }>();
const TR_CONTROL: C22 = C22::vendor_specific::<{ init_script::TR_CONTROL }>();

const LEDS: usize = led::LEDS as usize;

const VDDMAC: &CStr = c"vsc8531,vddmac";
const EDGE_SLOWDOWN: &CStr = c"vsc8531,edge-slowdown";
const VDDMAC_DEFAULT_MV: u32 = 3300;

/// By default the PHY tries a gigabit this often before it shifts down.
const DOWNSHIFT_DEFAULT: u8 = 3;
/// What `ethtool` says for "the driver's default" (`DOWNSHIFT_DEV_DEFAULT_COUNT`).
const DOWNSHIFT_DEV_DEFAULT: u8 = u8::MAX;

/// What the device tree says about the board, and the device's state besides its registers.
struct Private {
    edge_rate: u16,
    led_modes: [led::Mode; LEDS],
    /// A magic packet is to raise the interrupt.
    wol: Atomic<bool>,
    /// The sums of [`mscc::COUNTERS`].
    sums: [Atomic<u64>; mscc::COUNTERS.len()],
}

fn probe(dev: &mut Device) -> Result {
    let edge_rate = edge_rate(dev)?;
    let led_modes = led_modes(dev)?;
    dev.set_private_data(Private {
        edge_rate,
        led_modes,
        wol: Atomic::new(false),
        sums: core::array::from_fn(|_| Atomic::new(0)),
    })
}

fn edge_rate(dev: &Device) -> Result<u16> {
    let dev = dev.as_ref();
    let node = dev.fwnode();
    let number = |name, default| match node {
        Some(node) => node.property_read::<u32>(name).or(default),
        None => default,
    };
    let vddmac = number(VDDMAC, VDDMAC_DEFAULT_MV);
    let slowdown = number(EDGE_SLOWDOWN, 0);
    wol_mac_control::edge_rate(vddmac, slowdown).ok_or_else(|| {
        dev_err!(
            dev,
            "{EDGE_SLOWDOWN:?}: the pins are not slower by {slowdown} % with {VDDMAC:?} {vddmac}\n"
        );
        EINVAL
    })
}

fn led_modes(dev: &Device) -> Result<[led::Mode; LEDS]> {
    let dev = dev.as_ref();
    let mut modes = [led::Mode::LINK_1000_ACTIVITY, led::Mode::LINK_100_ACTIVITY];
    // Where the tree describes LEDs for the kernel's LED class, that says what they show.
    let node = match dev.fwnode() {
        Some(node) if node.get_child_by_name(c"leds").is_none() => node,
        _ => return Ok(modes),
    };
    let names = [c"vsc8531,led-0-mode", c"vsc8531,led-1-mode"];
    for (mode, name) in modes.iter_mut().zip(names) {
        if let Some(number) = node.property_read::<u32>(name).optional() {
            *mode = led::Mode::new(number).ok_or_else(|| {
                dev_err!(dev, "{name:?}: there is no mode {number}\n");
                EINVAL
            })?;
        }
    }
    Ok(modes)
}

fn config_init(dev: &mut Device) -> Result {
    dev.set_mdix_ctrl(Mdix::Auto);
    config_delays(dev)?;
    config_interface(dev)?;
    let &Private {
        edge_rate,
        led_modes,
        ..
    } = dev.private_data()?;
    dev.modify_paged(
        page::EXTENDED_2,
        wol_mac_control::REG.into(),
        wol_mac_control::EDGE_RATE,
        edge_rate,
    )?;
    run_init_script(dev)?;

    let (mut mask, mut set) = (0, 0);
    for (index, mode) in (0..).zip(led_modes) {
        let (led_mask, led_set) = mode.select(index);
        mask |= led_mask;
        set |= led_set;
    }
    dev.modify(LED_MODE_SELECT, mask, set)?;
    Ok(())
}

fn config_delays(dev: &mut Device) -> Result {
    let mode = dev.interface();
    let (mut mask, mut set) = (rgmii_control::RX_CLK_DISABLE, 0);
    if mode.is_rgmii() {
        let value = |clock, name: &CStr, wanted| {
            if let Ok(value) = dev.internal_delay(clock, &rgmii_control::DELAYS_PS) {
                // CAST: An index of the eight delays.
                return value as u16;
            }
            let node = dev.as_ref().fwnode();
            if node.is_some_and(|node| node.property_present(name)) {
                // The kernel reported the number, but not whose it is.
                dev_err!(dev.as_ref(), "{name:?}: taking the default\n");
            }
            if wanted {
                rgmii_control::DELAY_2_NS
            } else {
                rgmii_control::DELAY_LEAST
            }
        };
        mask |= rgmii_control::DELAYS;
        set = rgmii_control::delays(
            value(RgmiiClock::Rx, c"rx-internal-delay-ps", mode.has_rx_delay()),
            value(RgmiiClock::Tx, c"tx-internal-delay-ps", mode.has_tx_delay()),
        );
    }
    dev.modify_paged(page::EXTENDED_2, rgmii_control::REG, mask, set)?;
    Ok(())
}

fn config_interface(dev: &mut Device) -> Result {
    let set = match dev.interface() {
        mode if mode.is_rgmii() => ext_phy_control_1::MAC_MODE_RGMII,
        InterfaceMode::RMII => ext_phy_control_1::MAC_MODE_RMII,
        InterfaceMode::MII | InterfaceMode::GMII => ext_phy_control_1::MAC_MODE_GMII,
        _ => {
            dev_err!(dev.as_ref(), "\"phy-mode\": not one that the chip has\n");
            return Err(EINVAL);
        }
    };
    dev.modify(EXT_PHY_CONTROL_1, ext_phy_control_1::MAC_MODE, set)?;
    dev.genphy_soft_reset()
}

fn run_init_script(dev: &mut Device) -> Result {
    let bit = ext_control_status::BROADCAST_WRITE;
    dev.modify(EXT_CONTROL_STATUS, bit, bit)?;
    dev.with_page(page::TEST, |dev| {
        for (reg, mask, set) in init_script::TEST {
            dev.modify(C22::new(reg)?, mask, set)?;
        }
        dev.write(PAGE, page::TR)?;
        for (address, value) in init_script::TR_VALUES {
            // CAST: One half after the other.
            dev.write(TR_MSB, (value >> 16) as u16)?;
            dev.write(TR_LSB, value as u16)?;
            dev.write(TR_CONTROL, init_script::TR_WRITE | address)?;
        }
        Ok(())
    })
}

/// Sets which pairs to transmit on; returns whether that changed.
fn config_crossover(dev: &mut Device) -> Result<bool> {
    let (bypass, force) = match dev.mdix_ctrl() {
        Mdix::Mdi => (
            bypass_control::NO_AUTO_MDIX,
            ext_mode_control::FORCE_MDI_STRAIGHT,
        ),
        Mdix::MdiX => (
            bypass_control::NO_AUTO_MDIX,
            ext_mode_control::FORCE_MDI_CROSSED,
        ),
        Mdix::Auto | Mdix::Invalid => (0, 0),
    };
    let auto_changed = dev.modify(BYPASS_CONTROL, bypass_control::NO_AUTO_MDIX, bypass)?;
    let changed = dev.modify_paged(
        page::EXTENDED_1,
        ext_mode_control::REG,
        ext_mode_control::FORCE_MDI,
        force,
    )?;
    Ok(auto_changed || changed)
}

fn config_aneg(dev: &mut Device) -> Result {
    if config_crossover(dev)? {
        // The link has to come up anew, a forced one too.
        dev.genphy_restart_aneg()?;
    }
    dev.genphy_config_aneg()
}

fn read_status(dev: &mut Device) -> Result<u16> {
    let crossed = dev.read(AUX_CONTROL_STATUS)? & aux_control_status::MDIX != 0;
    dev.set_mdix(if crossed { Mdix::MdiX } else { Mdix::Mdi });
    dev.genphy_read_status::<C22>()
}

/// Sets which events raise the interrupt: those of the link if `enable`, and that of WoL, which is
/// for a time when nobody listens to the others.
fn write_interrupt_mask(dev: &mut Device, enable: bool) -> Result {
    let events = if enable { interrupt::EVENTS } else { 0 };
    let wol = if dev.private_data::<Private>()?.wol.load(Relaxed) {
        interrupt::PIN | interrupt::WOL
    } else {
        0
    };
    dev.write(INTERRUPT_MASK, events | wol)
}

fn config_intr(dev: &mut Device, enable: bool) -> Result {
    if enable {
        dev.read(INTERRUPT_STATUS)?;
        write_interrupt_mask(dev, true)
    } else {
        write_interrupt_mask(dev, false)?;
        dev.read(INTERRUPT_STATUS)?;
        Ok(())
    }
}

fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
    if dev.read(INTERRUPT_STATUS)? & interrupt::EVENTS == 0 {
        return Ok(IrqReturn::None);
    }
    dev.trigger_machine();
    Ok(IrqReturn::Handled)
}

fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
    wol.set_supported(wake::MAGIC);
    let private = dev.private_data::<Private>();
    if private.is_ok_and(|private| private.wol.load(Relaxed)) {
        wol.set_wolopts(wake::MAGIC);
    }
}

fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
    let magic = wol.wolopts() & wake::MAGIC != 0;
    let address = if magic {
        wol_mac_control::address(dev.mac_address().ok_or(ENODEV)?)
    } else {
        [0; 3]
    };
    dev.with_page(page::EXTENDED_2, |dev| {
        for (reg, value) in wol_mac_control::ADDRESS.into_iter().zip(address) {
            dev.write(C22::new(reg)?, value)?;
        }
        dev.modify(WOL_MAC_CONTROL, wol_mac_control::SECURE_ON, 0)
    })?;
    dev.private_data::<Private>()?.wol.store(magic, Relaxed);
    let enable = dev.interrupts_enabled();
    write_interrupt_mask(dev, enable)?;
    // An event of before does not count.
    dev.read(INTERRUPT_STATUS)?;
    Ok(())
}

const STATISTICS: &[&CStr] = &[
    c"phy_receive_errors",
    c"phy_false_carrier",
    c"phy_cu_media_link_disconnect",
    c"phy_cu_media_crc_good_count",
    c"phy_cu_media_crc_error_count",
];

fn get_stats(dev: &mut Device, stats: &mut [u64]) {
    for (i, (stat, counter)) in stats.iter_mut().zip(mscc::COUNTERS).enumerate() {
        let count = dev.read_paged(counter.page, counter.reg);
        // A read clears the counter; one that failed shows as all ones, as in C.
        *stat = match (count, dev.private_data::<Private>()) {
            (Ok(count), Ok(private)) => {
                let count = u64::from(count & counter.mask);
                private.sums[i].fetch_add(count, Relaxed) + count
            }
            _ => u64::MAX,
        };
    }
}

fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
    match id {
        TunableId::Downshift => {
            let register = dev.read_paged(page::EXTENDED_1, actiphy_control::REG)?;
            Ok(Tunable::Downshift(actiphy_control::downshift_tries(
                register,
            )))
        }
        _ => Err(EINVAL),
    }
}

fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
    let tries = match tunable {
        Tunable::Downshift(DOWNSHIFT_DEV_DEFAULT) => DOWNSHIFT_DEFAULT,
        Tunable::Downshift(tries) => tries,
        _ => return Err(EINVAL),
    };
    let set = actiphy_control::downshift(tries).ok_or_else(|| {
        dev_err!(dev.as_ref(), "a downshift comes after 2, 3, 4 or 5 tries\n");
        ERANGE
    })?;
    let mask = actiphy_control::DOWNSHIFT;
    dev.modify_paged(page::EXTENDED_1, actiphy_control::REG, mask, set)?;
    Ok(())
}

fn check_led(index: u8) -> Result {
    if index >= led::LEDS {
        return Err(EINVAL);
    }
    Ok(())
}

fn set_led_mode(dev: &mut Device, index: u8, mode: led::Mode) -> Result {
    let (mask, set) = mode.select(index);
    dev.modify(LED_MODE_SELECT, mask, set)?;
    Ok(())
}

fn led_brightness_set(dev: &mut Device, index: u8, on: bool) -> Result {
    check_led(index)?;
    let mode = if on {
        led::Mode::FORCE_ON
    } else {
        led::Mode::FORCE_OFF
    };
    set_led_mode(dev, index, mode)
}

fn led_hw_is_supported(index: u8, rules: LedRules) -> Result {
    check_led(index)?;
    let all = LedRules::LINK
        | LedRules::LINK_10
        | LedRules::LINK_100
        | LedRules::LINK_1000
        | LedRules::RX
        | LedRules::TX;
    if !all.contains(rules) {
        return Err(EOPNOTSUPP);
    }
    Ok(())
}

fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
    check_led(index)?;
    let mode = led::Mode::from_link(led::Link {
        any: rules.intersects(LedRules::LINK),
        at_10: rules.intersects(LedRules::LINK_10),
        at_100: rules.intersects(LedRules::LINK_100),
        at_1000: rules.intersects(LedRules::LINK_1000),
    });
    let bit = led::combine_disable(index);
    let activity = rules.intersects(LedRules::RX | LedRules::TX);
    dev.modify(LED_BEHAVIOR, bit, if activity { 0 } else { bit })?;
    set_led_mode(dev, index, mode)
}

fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
    check_led(index)?;
    let mode = led::Mode::selected(index, dev.read(LED_MODE_SELECT)?);
    let activity = dev.read(LED_BEHAVIOR)? & led::combine_disable(index) == 0;
    let Some(link) = mode.to_link() else {
        return Ok(LedRules::NONE);
    };
    let mut rules = LedRules::NONE;
    for (on, rule) in [
        (link.any, LedRules::LINK),
        (link.at_10, LedRules::LINK_10),
        (link.at_100, LedRules::LINK_100),
        (link.at_1000, LedRules::LINK_1000),
        (activity, LedRules::RX | LedRules::TX),
    ] {
        if on {
            rules |= rule;
        }
    }
    Ok(rules)
}

/// A driver by its name and identifier: as seen from here the chips are the same.
macro_rules! driver {
    ($(#[$doc:meta])* $type:ident, $name:literal, $id:literal) => {
        $(#[$doc])*
        struct $type;

        #[vtable]
        impl Driver for $type {
            const NAME: &'static CStr = $name;
            const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask($id);
            const STATISTICS: &'static [&'static CStr] = STATISTICS;

            fn probe(dev: &mut Device) -> Result {
                probe(dev)
            }

            fn soft_reset(dev: &mut Device) -> Result {
                dev.genphy_soft_reset()
            }

            fn config_init(dev: &mut Device) -> Result {
                config_init(dev)
            }

            fn config_aneg(dev: &mut Device) -> Result {
                config_aneg(dev)
            }

            fn read_status(dev: &mut Device) -> Result<u16> {
                read_status(dev)
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

            fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
                get_wol(dev, wol)
            }

            fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
                set_wol(dev, wol)
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

            fn read_page(dev: &mut LockedDevice) -> Result<u16> {
                dev.read(PAGE)
            }

            fn write_page(dev: &mut LockedDevice, page: u16) -> Result {
                dev.write(PAGE, page)
            }

            fn led_brightness_set(dev: &mut Device, index: u8, on: bool) -> Result {
                led_brightness_set(dev, index, on)
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
    };
}

driver! {
    /// VSC8531.
    Vsc8531, c"Microsemi VSC8531", 0x00070570
}
driver! {
    /// VSC8541.
    Vsc8541, c"Microsemi VSC8541 SyncE", 0x00070770
}
