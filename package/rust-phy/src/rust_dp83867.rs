// SPDX-License-Identifier: GPL-2.0

//! Driver for Texas Instruments' DP83867.
//!
//! C version of this driver: [`drivers/net/phy/dp83867.c`](srctree/drivers/net/phy/dp83867.c),
//! whose device-tree properties it keeps. An impedance from non-volatile memory
//! (`io_impedance_ctrl`), and what phylink asks for, in-band signalling, are not in here.

mod dp83867;
mod dp83867_ffi;
mod wol_ffi;

use dp83867::{
    cfg2,
    cfg3,
    ctrl,
    ext,
    interrupt,
    led,
    phycr,
    physts,
    WakeEvents, //
};
use kernel::{
    device::property::FwNode,
    irq::IrqReturn,
    net::phy::{
        reg::{
            Mmd,
            C22,
            C45, //
        },
        wake,
        Device,
        DeviceId,
        Driver,
        DuplexMode,
        InterfaceMode,
        LedPolarity,
        LedRules,
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
    },
    uapi, //
};
use wol_ffi::WAKE_MAGICSECURE;

kernel::module_phy_driver! {
    drivers: [Dp83867],
    device_table: [DeviceId::new_with_driver::<Dp83867>()],
    name: "rust_dp83867",
    authors: ["The Ironroot authors"],
    description: "Texas Instruments DP83867 PHY driver",
    license: "GPL",
}

const PHYCR: C22 = C22::vendor_specific::<{ phycr::REG }>();
const PHYSTS: C22 = C22::vendor_specific::<{ physts::REG }>();
const MICR: C22 = C22::vendor_specific::<{ interrupt::MICR }>();
const ISR: C22 = C22::vendor_specific::<{ interrupt::ISR }>();
const CFG2: C22 = C22::vendor_specific::<{ cfg2::REG }>();
const LEDCR1: C22 = C22::vendor_specific::<{ led::LEDCR1 }>();
const LEDCR2: C22 = C22::vendor_specific::<{ led::LEDCR2 }>();
const CFG3: C22 = C22::vendor_specific::<{ cfg3::REG }>();
const CTRL: C22 = C22::vendor_specific::<{ ctrl::REG }>();

/// How long a reset takes, in microseconds.
const RESET_US: i64 = 10;

/// An extended register.
fn extended(reg: u16) -> C45 {
    C45::new(Mmd::VEND2, reg)
}

/// What the driver knows of a PHY.
struct Data {
    board: Board,
    /// Between [`Driver::suspend`] and [`Driver::resume`], where phylib sets the PHY up again after
    /// a resume of the system: interrupts are to stay disabled.
    suspended: Atomic<bool>,
}

fn board_of(dev: &mut Device) -> Result<&Board> {
    Ok(&dev.private_data::<Data>()?.board)
}

/// What the device tree says about the board.
struct Board {
    clk_out: Option<ext::ClkOut>,
    io_impedance: Option<u16>,
    /// RX_CTRL is strapped to mode 1 or 2, which the PHY should not be.
    rxctrl_strap_quirk: bool,
    sgmii_ref_clk: bool,
    rx_delay: u16,
    tx_delay: u16,
    tx_fifo_depth: u16,
    rx_fifo_depth: u16,
    mirror_ports: Option<bool>,
}

impl Board {
    fn new(dev: &Device) -> Result<Self> {
        let dev = dev.as_ref();
        let node = dev.fwnode().ok_or(ENODEV)?;
        let says = |name: &CStr| node.property_present(name);

        let refuse = |name: &CStr, value: u32| {
            dev_err!(dev, "{name:?}: value {value} is out of range\n");
            EINVAL
        };
        // The first of these properties that there is; none of them is more than `max`.
        let number = |names: &[&CStr], max: u32, default: u16| {
            let Some((name, value)) = first(node, names) else {
                return Ok(default);
            };
            if value > max {
                return Err(refuse(name, value));
            }
            Ok(u16::try_from(value)?)
        };

        let clk_out = match first(node, &[c"ti,clk-output-sel"]) {
            None => None,
            Some((name, value)) => {
                let clk_out = ext::ClkOut::from_property(value);
                Some(clk_out.ok_or_else(|| refuse(name, value))?)
            }
        };
        // The cell has the last word, whatever the other two properties say.
        let cell = c"io_impedance_ctrl";
        let has_cell = node.property_match_string(c"nvmem-cell-names", cell);
        let io_impedance = if has_cell.is_ok() {
            dev_warn!(
                dev,
                "nvmem cell {cell:?} is not supported: impedance left alone\n"
            );
            None
        } else if says(c"ti,max-output-impedance") {
            Some(ext::IO_IMPEDANCE_HIGHEST)
        } else if says(c"ti,min-output-impedance") {
            Some(ext::IO_IMPEDANCE_LOWEST)
        } else {
            None
        };

        Ok(Self {
            clk_out,
            io_impedance,
            rxctrl_strap_quirk: says(c"ti,dp83867-rxctrl-strap-quirk"),
            sgmii_ref_clk: says(c"ti,sgmii-ref-clock-output-enable"),
            rx_delay: number(
                &[c"ti,rx-internal-delay"],
                ext::RGMII_DELAY_MAX,
                ext::RGMII_DELAY_DEFAULT,
            )?,
            tx_delay: number(
                &[c"ti,tx-internal-delay"],
                ext::RGMII_DELAY_MAX,
                ext::RGMII_DELAY_DEFAULT,
            )?,
            tx_fifo_depth: number(
                &[c"ti,fifo-depth", c"tx-fifo-depth"],
                phycr::FIFO_DEPTH_MAX,
                phycr::FIFO_DEPTH_4_B_NIB,
            )?,
            rx_fifo_depth: number(
                &[c"rx-fifo-depth"],
                phycr::FIFO_DEPTH_MAX,
                phycr::FIFO_DEPTH_4_B_NIB,
            )?,
            mirror_ports: if says(c"enet-phy-lane-no-swap") {
                Some(false)
            } else {
                says(c"enet-phy-lane-swap").then_some(true)
            },
        })
    }
}

/// The first of these properties that there is, and its value.
fn first<'a>(node: &FwNode, names: &[&'a CStr]) -> Option<(&'a CStr, u32)> {
    names.iter().find_map(|name| {
        let value = node.property_read::<u32>(name).optional()?;
        Some((*name, value))
    })
}

/// Modifies an extended register.
fn modify(dev: &mut Device, reg: u16, mask: u16, set: u16) -> Result {
    dev.modify(extended(reg), mask, set)?;
    Ok(())
}

fn config_rgmii(dev: &mut Device) -> Result {
    let mode = dev.interface();
    let rgmiictl = dev.read(extended(ext::RGMIICTL))?;
    if !mode.is_rgmii() {
        return dev.write(extended(ext::RGMIICTL), rgmiictl & !ext::RGMII_EN);
    }
    let delay = |bit, on| if on { bit } else { 0 };
    let delays = delay(ext::RGMII_RX_CLK_DELAY, mode.has_rx_delay())
        | delay(ext::RGMII_TX_CLK_DELAY, mode.has_tx_delay());
    let others = rgmiictl & !(ext::RGMII_RX_CLK_DELAY | ext::RGMII_TX_CLK_DELAY);
    dev.write(extended(ext::RGMIICTL), others | ext::RGMII_EN | delays)?;
    // How long, should they be on.
    let board = board_of(dev)?;
    let rgmiidctl = ext::rgmiidctl(board.rx_delay, board.tx_delay);
    dev.write(extended(ext::RGMIIDCTL), rgmiidctl)
}

fn config_sgmii(dev: &mut Device) -> Result {
    modify(dev, ext::SGMII_10M_CFG, ext::SGMII_10M_RATE_ADAPT, 0)?;
    // The 2 us after a reset are not enough for every MAC.
    modify(
        dev,
        ext::CFG4,
        ext::CFG4_SGMII_AUTONEG_TIMER,
        ext::CFG4_SGMII_AUTONEG_TIMER_16MS,
    )?;
    let board = board_of(dev)?;
    let (quirk, six_wires) = (board.rxctrl_strap_quirk, board.sgmii_ref_clk);
    let sgmiictl = dev.read(extended(ext::SGMIICTL1))? & !ext::SGMII_TYPE;
    let sgmii_type = if six_wires { ext::SGMII_TYPE } else { 0 };
    dev.write(extended(ext::SGMIICTL1), sgmiictl | sgmii_type)?;
    if quirk {
        let bit = ext::CFG4_STRAP_QUIRK_SGMII;
        modify(dev, ext::CFG4, bit, bit)?;
    }
    Ok(())
}

/// The rules by which a LED shows what is selected.
fn led_rules(select: led::Select) -> LedRules {
    use led::Select;
    match select {
        Select::Link => LedRules::LINK,
        Select::RxTx => LedRules::RX | LedRules::TX,
        Select::Tx => LedRules::TX,
        Select::Rx => LedRules::RX,
        Select::Link1000 => LedRules::LINK_1000,
        Select::Link100 => LedRules::LINK_100,
        Select::Link10 => LedRules::LINK_10,
        Select::Link10Or100 => LedRules::LINK_10 | LedRules::LINK_100,
        Select::Link100Or1000 => LedRules::LINK_100 | LedRules::LINK_1000,
        Select::FullDuplex => LedRules::FULL_DUPLEX,
        Select::LinkRxTx => LedRules::LINK | LedRules::RX | LedRules::TX,
    }
}

fn led_select(index: u8, rules: LedRules) -> Result<led::Select> {
    if index >= led::LEDS {
        return Err(EINVAL);
    }
    let mut all = led::Select::ALL.into_iter();
    all.find(|select| led_rules(*select) == rules)
        .ok_or(EOPNOTSUPP)
}

/// DP83867.
struct Dp83867;

#[vtable]
impl Driver for Dp83867 {
    const NAME: &'static CStr = c"TI DP83867";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x2000a231);

    fn probe(dev: &mut Device) -> Result {
        dev.set_private_data(Data {
            board: Board::new(dev)?,
            suspended: Atomic::new(false),
        })
    }

    fn soft_reset(dev: &mut Device) -> Result {
        dev.write(CTRL, ctrl::SW_RESET)?;
        fsleep(Delta::from_micros(RESET_US));
        dev.modify(PHYCR, phycr::FORCE_LINK_GOOD, 0)?;
        dev.write(extended(ext::DSP_FFE_CFG), ext::DSP_FFE_CFG_SHORT_CABLE)?;
        dev.write(CTRL, ctrl::SW_RESTART)?;
        fsleep(Delta::from_micros(RESET_US));
        Ok(())
    }

    fn config_init(dev: &mut Device) -> Result {
        dev.set_mdix_ctrl(Mdix::Auto);
        // Whatever the straps say.
        dev.modify(CFG2, cfg2::SPEED_OPT, cfg2::SPEED_OPT)?;
        if board_of(dev)?.rxctrl_strap_quirk {
            modify(dev, ext::CFG4, ext::CFG4_STRAP_QUIRK, 0)?;
        }
        if dev.read(extended(ext::STRAP_STS2))? & ext::STRAP_FLD != 0 {
            // With the threshold that the strap brings the link is unstable.
            modify(
                dev,
                ext::FLD_THR_CFG,
                ext::ENERGY_LOST_FLD_THR,
                ext::ENERGY_LOST_FLD_THR_DEFAULT,
            )?;
        }
        // The PHY says that it can, but cannot.
        dp83867_ffi::disable_eee(dev);

        let sgmii = dev.interface() == InterfaceMode::SGMII;
        let phycr = dev.read(PHYCR)?;
        let board = board_of(dev)?;
        let rx_depth = sgmii.then_some(board.rx_fifo_depth);
        let phycr = phycr::with_fifos(phycr, board.tx_fifo_depth, rx_depth);
        dev.write(PHYCR, phycr)?;
        config_rgmii(dev)?;
        if let Some(impedance) = board_of(dev)?.io_impedance {
            modify(dev, ext::IO_MUX_CFG, ext::IO_IMPEDANCE, impedance)?;
        }
        if sgmii {
            config_sgmii(dev)?;
        }

        let int_oe = if dev.has_interrupt() { cfg3::INT_OE } else { 0 };
        let cfg3 = dev.read(CFG3)?;
        dev.write(CFG3, cfg3 | int_oe | cfg3::ROBUST_AUTO_MDIX)?;
        let board = board_of(dev)?;
        let (mirror, clk_out) = (board.mirror_ports, board.clk_out);
        if let Some(mirror) = mirror {
            let bit = ext::CFG4_PORT_MIRROR_EN;
            modify(dev, ext::CFG4, bit, if mirror { bit } else { 0 })?;
        }
        if let Some(clk_out) = clk_out {
            let (mask, bits) = clk_out.bits();
            modify(dev, ext::IO_MUX_CFG, mask, bits)?;
        }
        Ok(())
    }

    fn config_aneg(dev: &mut Device) -> Result {
        let crossover = match dev.mdix_ctrl() {
            Mdix::Mdi => phycr::MDI_CROSSOVER_MDI,
            Mdix::MdiX => phycr::MDI_CROSSOVER_MDIX,
            Mdix::Auto => phycr::MDI_CROSSOVER_AUTO,
            Mdix::Invalid => return Err(EINVAL),
        };
        dev.modify(PHYCR, phycr::MDI_CROSSOVER, crossover)?;
        dev.genphy_config_aneg()
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        let link = physts::Link::from_register(dev.read(PHYSTS)?);
        dev.genphy_read_status::<C22>()?;
        // What auto-negotiation agreed on is not yet the speed: the chip shifts down by itself.
        dev.set_duplex(if link.full_duplex {
            DuplexMode::Full
        } else {
            DuplexMode::Half
        });
        dev.set_speed(link.speed);
        dev.set_mdix(match link.mdix {
            Some(true) => Mdix::MdiX,
            Some(false) => Mdix::Mdi,
            None => Mdix::Invalid,
        });
        Ok(0)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        if enable && !dev.private_data::<Data>()?.suspended.load(Relaxed) {
            dev.read(ISR)?;
            let micr = dev.read(MICR)?;
            dev.write(MICR, micr | interrupt::LINK_EVENTS)
        } else {
            dev.write(MICR, 0)?;
            dev.read(ISR)?;
            Ok(())
        }
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        let pending = dev.read(ISR)?;
        if pending & dev.read(MICR)? == 0 {
            return Ok(IrqReturn::None);
        }
        dev.trigger_machine();
        Ok(IrqReturn::Handled)
    }

    fn suspend(dev: &mut Device) -> Result {
        if dev.has_interrupt() {
            dev.private_data::<Data>()?.suspended.store(true, Relaxed);
            // A bus that fails does so again with the next access, here and below.
            let _ = Self::config_intr(dev, false);
        }
        dev.genphy_suspend()
    }

    fn resume(dev: &mut Device) -> Result {
        if dev.has_interrupt() {
            dev.private_data::<Data>()?.suspended.store(false, Relaxed);
            let _ = Self::config_intr(dev, true);
        }
        let _ = dev.genphy_resume();
        Ok(())
    }

    fn link_change_notify(dev: &mut Device) {
        if dev.interface() != InterfaceMode::SGMII {
            return;
        }
        // The PHY negotiates with the MAC but once, and the MAC may have come later. What can go
        // wrong here shows at the next access.
        let bit = cfg2::SGMII_AUTONEG_EN;
        if dev.modify(CFG2, bit, 0) == Ok(true) {
            let _ = dev.modify(CFG2, bit, bit);
        }
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        wol.set_supported(wake::UCAST | wake::BCAST | wake::MAGIC | WAKE_MAGICSECURE);
        let Ok(rxfcfg) = dev.read(extended(ext::RXFCFG)) else {
            return;
        };
        let events = WakeEvents::from_rxfcfg(rxfcfg);
        if events.secure {
            let mut words = [0; 3];
            for (reg, word) in (ext::RXFSOP1..).zip(&mut words) {
                match dev.read(extended(reg)) {
                    Ok(value) => *word = value,
                    Err(_) => return,
                }
            }
            wol_ffi::set_password(wol, dp83867::bytes(words));
        }
        if !WakeEvents::are_on(rxfcfg) {
            return;
        }
        let set = |option, on| if on { option } else { 0 };
        wol.set_wolopts(
            set(wake::UCAST, events.unicast)
                | set(wake::BCAST, events.broadcast)
                | set(wake::MAGIC, events.magic)
                | set(WAKE_MAGICSECURE, events.secure),
        );
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        let wants = |option| wol.wolopts() & option != 0;
        let events = WakeEvents {
            unicast: wants(wake::UCAST),
            broadcast: wants(wake::BCAST),
            magic: wants(wake::MAGIC),
            secure: wants(WAKE_MAGICSECURE),
        };
        let rxfcfg = dev.read(extended(ext::RXFCFG))?;
        let micr = dev.read(MICR)?;
        if events.magic {
            let mac = dev.mac_address().ok_or(ENODEV)?;
            if mac[0] & 1 != 0 || mac == [0; 6] {
                return Err(EINVAL);
            }
            for (reg, word) in (ext::RXFPMD1..).zip(dp83867::words(mac)) {
                dev.write(extended(reg), word)?;
            }
        }
        if events.secure {
            let password = wol_ffi::password(wol);
            for (reg, word) in (ext::RXFSOP1..).zip(dp83867::words(password)) {
                dev.write(extended(reg), word)?;
            }
        }
        dev.write(extended(ext::RXFCFG), events.to_rxfcfg(rxfcfg))?;
        let wol = if events.any() { interrupt::WOL } else { 0 };
        dev.write(MICR, micr & !interrupt::WOL | wol)
    }

    fn get_tunable(dev: &mut Device, id: TunableId) -> Result<Tunable> {
        match id {
            TunableId::Downshift => {
                let attempts = cfg2::downshift_attempts(dev.read(CFG2)?);
                Ok(Tunable::Downshift(attempts))
            }
            _ => Err(EOPNOTSUPP),
        }
    }

    fn set_tunable(dev: &mut Device, tunable: Tunable) -> Result {
        let Tunable::Downshift(attempts) = tunable else {
            return Err(EOPNOTSUPP);
        };
        if attempts > cfg2::DOWNSHIFT_MAX {
            return Err(E2BIG);
        }
        let Some((mask, bits)) = cfg2::downshift(attempts) else {
            dev_err!(dev.as_ref(), "Downshift count must be 1, 2, 4 or 8\n");
            return Err(EINVAL);
        };
        dev.modify(CFG2, mask, bits)?;
        Ok(())
    }

    fn set_loopback(dev: &mut Device, enable: bool, speed: i32) -> Result {
        if enable && speed != 0 {
            return Err(EOPNOTSUPP);
        }
        let bit = uapi::BMCR_LOOPBACK as u16;
        dev.modify(C22::BMCR, bit, if enable { bit } else { 0 })?;
        Ok(())
    }

    fn led_brightness_set(dev: &mut Device, index: u8, on: bool) -> Result {
        if index >= led::LEDS {
            return Err(EINVAL);
        }
        let (enable, value) = (led::drv_en(index), led::drv_val(index));
        let set = enable | if on { value } else { 0 };
        dev.modify(LEDCR2, enable | value, set)?;
        Ok(())
    }

    fn led_hw_is_supported(_dev: &mut Device, index: u8, rules: LedRules) -> Result {
        led_select(index, rules)?;
        Ok(())
    }

    fn led_hw_control_set(dev: &mut Device, index: u8, rules: LedRules) -> Result {
        let (mask, bits) = led_select(index, rules)?.bits(index);
        dev.modify(LEDCR1, mask, bits)?;
        dev.modify(LEDCR2, led::drv_en(index), 0)?;
        Ok(())
    }

    fn led_hw_control_get(dev: &mut Device, index: u8) -> Result<LedRules> {
        if index >= led::LEDS {
            return Err(EINVAL);
        }
        let select = led::Select::from_register(index, dev.read(LEDCR1)?);
        Ok(select.map_or(LedRules::NONE, led_rules))
    }

    fn led_polarity_set(dev: &mut Device, index: u8, polarity: LedPolarity) -> Result {
        if index >= led::LEDS || polarity.contains(LedPolarity::INACTIVE_HIGH_IMPEDANCE) {
            return Err(EINVAL);
        }
        let active_high = led::polarity(index);
        let low = polarity.contains(LedPolarity::ACTIVE_LOW);
        dev.modify(LEDCR2, active_high, if low { 0 } else { active_high })?;
        Ok(())
    }
}
