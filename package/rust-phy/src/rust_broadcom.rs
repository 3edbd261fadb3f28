// SPDX-License-Identifier: GPL-2.0

//! Driver for Broadcom's BCM54210E and BCM54213PE.
//!
//! C version of this driver: [`drivers/net/phy/broadcom.c`](srctree/drivers/net/phy/broadcom.c),
//! which has both chips as the BCM54210E. Its clock for PTP, and a GPIO that wakes the system, are
//! not in here.

mod broadcom;
mod broadcom_ffi;
mod statistics;
mod wol_ffi;

use broadcom::{
    aux_ctl,
    counter,
    ecr,
    exp,
    interrupt,
    led,
    shadow,
    wol::{
        self,
        Event,
        Wishes, //
    },
    Flags, //
};
use kernel::{
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
        DeviceState,
        Driver,
        LockedDevice,
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
use statistics::Sum;
use wol_ffi::WAKE_MAGICSECURE;

kernel::module_phy_driver! {
    drivers: [Bcm54210e],
    device_table: [DeviceId::new_with_driver::<Bcm54210e>()],
    name: "rust_broadcom",
    authors: ["The Ironroot authors"],
    description: "Broadcom PHY driver",
    license: "GPL",
}

const ECR: C22 = C22::vendor_specific::<{ ecr::REG }>();
const ISR: C22 = C22::vendor_specific::<{ interrupt::ISR }>();
const IMR: C22 = C22::vendor_specific::<{ interrupt::IMR }>();
const AUX_CTL: C22 = C22::vendor_specific::<{ aux_ctl::REG }>();
const SHD: C22 = C22::vendor_specific::<{ shadow::REG }>();
const EXP_DATA: C22 = C22::vendor_specific::<{ exp::DATA }>();
const EXP_SEL: C22 = C22::vendor_specific::<{ exp::SEL }>();
const CORE_BASE12: C22 = C22::vendor_specific::<{ counter::CORE_BASE12 }>();
const CORE_BASE13: C22 = C22::vendor_specific::<{ counter::CORE_BASE13 }>();
const CORE_BASE14: C22 = C22::vendor_specific::<{ counter::CORE_BASE14 }>();

const BMCR_PDOWN: u16 = uapi::BMCR_PDOWN as u16;
const CTL1000_MASTER: u16 = uapi::CTL1000_ENABLE_MASTER as u16 | uapi::CTL1000_AS_MASTER as u16;

/// How long the chip resets itself after a power-down, in microseconds.
const WAKEUP_US: i64 = 40;

/// Calls `access` with the MDIO bus locked: the registers behind others take two accesses.
fn locked<T>(dev: &mut Device, access: impl FnOnce(&mut LockedDevice) -> Result<T>) -> Result<T> {
    dev.with_page(NO_PAGE, access)
}

/// The chip has no pages.
const NO_PAGE: u16 = 0;

fn read_shadow(dev: &mut Device, register: u16) -> Result<u16> {
    locked(dev, |dev| {
        dev.write(SHD, shadow::select(register))?;
        Ok(shadow::data(dev.read(SHD)?))
    })
}

fn write_shadow(dev: &mut Device, register: u16, value: u16) -> Result {
    dev.write(SHD, shadow::write(register, value))
}

/// Changes a shadow register; does not write what it has.
fn change_shadow(dev: &mut Device, register: u16, change: impl FnOnce(u16) -> u16) -> Result {
    let old = read_shadow(dev, register)?;
    let new = change(old);
    if new == old {
        return Ok(());
    }
    write_shadow(dev, register, new)
}

fn read_exp(dev: &mut Device, register: u16) -> Result<u16> {
    locked(dev, |dev| {
        dev.write(EXP_SEL, register)?;
        let value = dev.read(EXP_DATA);
        // As it was after a reset; nothing depends on it.
        let _ = dev.write(EXP_SEL, 0);
        value
    })
}

fn write_exp(dev: &mut Device, register: u16, value: u16) -> Result {
    locked(dev, |dev| {
        dev.write(EXP_SEL, register)?;
        dev.write(EXP_DATA, value)
    })
}

/// Delays the clocks of RGMII as the mode says; other modes leave them as they are.
fn config_delays(dev: &mut Device) -> Result {
    let mode = dev.interface();
    let wish = |delay| mode.is_rgmii().then_some(delay);
    let misc = locked(dev, |dev| {
        dev.write(AUX_CTL, aux_ctl::MISC_READ)?;
        dev.read(AUX_CTL)
    })?;
    dev.write(AUX_CTL, aux_ctl::misc(misc, wish(mode.has_rx_delay())))?;

    let clk_ctl = read_shadow(dev, shadow::CLK_CTL)?;
    let clk_ctl = match wish(mode.has_tx_delay()) {
        None => clk_ctl,
        Some(true) => clk_ctl | shadow::CLK_CTL_GTXCLK_EN,
        Some(false) => clk_ctl & !shadow::CLK_CTL_GTXCLK_EN,
    };
    write_shadow(dev, shadow::CLK_CTL, clk_ctl)
}

/// What can wake the system.
const WAKE_SUPPORTED: u32 =
    wake::UCAST | wake::MCAST | wake::BCAST | wake::MAGIC | WAKE_MAGICSECURE;

/// The device's state besides its registers.
#[derive(Default)]
struct Private {
    counters: Counters,
    /// The interrupt wakes the system.
    wakes: Wakes,
}

struct Wakes(Atomic<bool>);

impl Default for Wakes {
    fn default() -> Self {
        Self(Atomic::new(false))
    }
}

/// The sums of counters that a read clears.
#[derive(Default)]
struct Counters {
    receive_errors: Sum,
    serdes_ber_errors: Sum,
    false_carrier_sense_errors: Sum,
    local_rcvr_nok: Sum,
    remote_rcv_nok: Sum,
    lpi_count: Sum,
}

/// Reads the counters, which adds them up.
fn read_counters(dev: &mut Device) -> Result<[u64; Bcm54210e::STATISTICS.len()]> {
    let base12 = dev.read(CORE_BASE12);
    let base13 = dev.read(CORE_BASE13);
    let base14 = dev.read(CORE_BASE14);
    let lpi_count = dev.read(C45::new(Mmd::AN, counter::EEE_LPI_CNT));
    let high = |value: &Result<u16>| value.map(|value| value >> 8);
    let low = |value: &Result<u16>| value.map(|value| value & 0xff);
    let counters = &dev.private_data::<Private>()?.counters;
    Ok([
        counters.receive_errors.add(base12),
        counters.serdes_ber_errors.add(high(&base13)),
        counters.false_carrier_sense_errors.add(low(&base13)),
        counters.local_rcvr_nok.add(high(&base14)),
        counters.remote_rcv_nok.add(low(&base14)),
        counters.lpi_count.add(lpi_count),
    ])
}

/// Enters or leaves the mode with the least current, if the MAC allows that.
fn set_iddq(dev: &mut Device, enable: bool) -> Result {
    if !flags(dev).iddq_suspend() {
        return Ok(());
    }
    let control = read_exp(dev, exp::IDDQ_CTRL)? & !exp::IDDQ_SR_LP;
    let bits = if enable { exp::IDDQ_SR_LP } else { 0 };
    write_exp(dev, exp::IDDQ_CTRL, control | bits)
}

fn flags(dev: &Device) -> Flags {
    Flags(dev.dev_flags())
}

/// Lets the PHY's interrupt wake the system, or no longer.
fn arm(dev: &mut Device, on: bool) -> Result {
    if dev.private_data::<Private>()?.wakes.0.xchg(on, Relaxed) != on {
        // As in C: the PHY does its part, whatever the interrupt controller says to this.
        let _ = broadcom_ffi::set_irq_wake(dev, on);
    }
    Ok(())
}

/// BCM54210E and BCM54213PE.
struct Bcm54210e;

#[vtable]
impl Driver for Bcm54210e {
    const FLAGS: u32 = phy::flags::ALWAYS_CALL_SUSPEND;
    const NAME: &'static CStr = c"Broadcom BCM54210E";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x600d84a0);
    const STATISTICS: &'static [&'static CStr] = &[
        c"phy_receive_errors",
        c"phy_serdes_ber_errors",
        c"phy_false_carrier_sense_errors",
        c"phy_local_rcvr_nok",
        c"phy_remote_rcv_nok",
        c"phy_lpi_count",
    ];

    fn probe(dev: &mut Device) -> Result {
        for name in [c"wakeup-gpios", c"wakeup-gpio"] {
            let node = dev.as_ref().fwnode();
            if node.is_some_and(|node| node.property_present(name)) {
                dev_warn!(dev.as_ref(), "{name:?} is not supported\n");
            }
        }
        dev.set_private_data(Private::default())?;
        // Without an interrupt of its own the PHY wakes nobody.
        if dev.has_interrupt() {
            broadcom_ffi::set_wakeup_capable(dev, true);
            dev.set_wakeup_enable(true)?;
        }
        Ok(())
    }

    fn remove(dev: &mut Device) {
        if dev.has_interrupt() {
            // Disarming cannot fail where arming did not.
            let _ = arm(dev, false);
            let _ = dev.set_wakeup_enable(false);
            broadcom_ffi::set_wakeup_capable(dev, false);
        }
    }

    fn config_init(dev: &mut Device) -> Result {
        let control = dev.read(ECR)?;
        dev.write(ECR, control | ecr::INTERRUPT_MASK)?;
        dev.write(IMR, !interrupt::LINK_EVENTS)?;

        let flags = flags(dev);
        change_shadow(dev, shadow::SCR3, |scr3| flags.to_scr3(scr3))?;
        change_shadow(dev, shadow::APD, |apd| flags.to_apd(apd))?;
        config_delays(dev)?;
        if flags.master() {
            let control = dev.read(C22::MASTER_SLAVE_CONTROL)?;
            dev.write(C22::MASTER_SLAVE_CONTROL, control | CTL1000_MASTER)?;
        }
        dev.write(AUX_CTL, aux_ctl::AUXCTL_SMDSP_ON)?;
        dev.write(AUX_CTL, aux_ctl::AUXCTL_SMDSP_OFF)?;

        // An SFP module may have other things than LEDs on these pins.
        if !broadcom_ffi::is_on_sfp_module(dev) {
            write_shadow(dev, shadow::LEDS1, led::LEDS1_MULTICOLOR)?;
            write_exp(dev, exp::MULTICOLOR, exp::MULTICOLOR_LINK_ACT)?;
        }
        if read_exp(dev, wol::INT_STATUS)? != 0 {
            dev.wakeup_event();
        }
        Ok(())
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        let control = dev.read(ECR)?;
        if enable {
            dev.read(ISR)?;
            dev.write(ECR, control & !ecr::INTERRUPT_MASK)
        } else {
            dev.write(ECR, control | ecr::INTERRUPT_MASK)?;
            dev.read(ISR)?;
            Ok(())
        }
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        // ISR has flags for what IMR masks, too.
        let pending = dev.read(ISR)?;
        if pending & !dev.read(IMR)? == 0 {
            return Ok(IrqReturn::None);
        }
        dev.trigger_machine();
        Ok(IrqReturn::Handled)
    }

    fn link_change_notify(dev: &mut Device) {
        if dev.state() != DeviceState::Running || !flags(dev).auto_power_down() {
            return;
        }
        let Ok(exp08) = read_exp(dev, exp::EXP08) else {
            return;
        };
        let exp08 = if dev.speed() == 10 {
            exp08 | exp::EXP08_DAC_WAKE
        } else {
            exp08 & !exp::EXP08_DAC_WAKE
        };
        // There is nobody to tell.
        let _ = write_exp(dev, exp::EXP08, exp08);
    }

    fn suspend(dev: &mut Device) -> Result {
        read_counters(dev)?;
        // No event from before counts.
        read_exp(dev, wol::INT_STATUS)?;
        if dev.is_wol_enabled() {
            // In C this fails for a PHY without a GPIO that wakes the system.
            return Ok(());
        }
        // All of BMCR: with the other bits as they were the LEDs would go on to blink.
        dev.write(C22::BMCR, BMCR_PDOWN)?;
        set_iddq(dev, true)
    }

    fn resume(dev: &mut Device) -> Result {
        set_iddq(dev, false)?;
        // Until the power is on, all other registers ignore what is written.
        dev.genphy_resume()?;
        fsleep(Delta::from_micros(WAKEUP_US));
        if flags(dev).iddq_suspend() {
            dev.genphy_soft_reset()?;
        }
        Self::config_init(dev)?;
        if dev.interrupts_enabled() {
            // In C they stay masked, as `config_init` leaves them for whoever calls it but here.
            Self::config_intr(dev, true)?;
        }
        Ok(())
    }

    // These lock the bus for `locked()`.
    fn read_page(_dev: &mut LockedDevice) -> Result<u16> {
        Ok(NO_PAGE)
    }

    fn write_page(_dev: &mut LockedDevice, _page: u16) -> Result {
        Ok(())
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        if let Ok(counters) = read_counters(dev) {
            stats.copy_from_slice(&counters);
        }
    }

    fn get_wol(dev: &mut Device, wol: &mut WolInfo) {
        // Without an interrupt of the PHY's own the MAC may have its own WoL.
        if !dev.has_interrupt() {
            return;
        }
        wol.set_supported(WAKE_SUPPORTED);
        let Ok(main_ctl) = read_exp(dev, wol::MAIN_CTL) else {
            return;
        };
        if !wol::is_on(main_ctl) {
            return;
        }
        let mut data = [0; 3];
        for (slot, register) in data.iter_mut().zip(wol::data_registers()) {
            match read_exp(dev, register) {
                Ok(value) => *slot = value,
                Err(_) => return,
            }
        }
        let wolopts = match wol::event(main_ctl, data, dev.mac_address()) {
            None => 0,
            Some(Event::Unicast) => wake::UCAST,
            Some(Event::Multicast) => wake::MCAST,
            Some(Event::Broadcast) => wake::BCAST,
            Some(Event::Magic) => wake::MAGIC,
            Some(Event::Secure(password)) => {
                wol_ffi::set_password(wol, password);
                WAKE_MAGICSECURE
            }
        };
        wol.set_wolopts(wolopts);
    }

    fn set_wol(dev: &mut Device, wol: &WolInfo) -> Result {
        // The MAC may have its own.
        if !dev.has_interrupt() || wol.wolopts() & !WAKE_SUPPORTED != 0 {
            return Err(EOPNOTSUPP);
        }
        let wants = |option| wol.wolopts() & option != 0;
        let wishes = Wishes {
            multicast: wants(wake::MCAST),
            unicast: wants(wake::UCAST),
            broadcast: wants(wake::BCAST),
            secure: wants(WAKE_MAGICSECURE).then(|| wol_ffi::password(wol)),
            magic: wants(wake::MAGIC),
        };
        read_exp(dev, wol::INT_STATUS)?;
        let main_ctl = read_exp(dev, wol::MAIN_CTL)?;
        if !wishes.any() {
            arm(dev, false)?;
            write_exp(dev, wol::INT_MASK, wol::INT_MASK_ALL)?;
            return write_exp(dev, wol::MAIN_CTL, wishes.to_main_ctl(main_ctl));
        }
        let mac = dev.mac_address().ok_or(ENODEV)?;
        for (register, value) in wishes.registers(mac) {
            write_exp(dev, register, value)?;
        }
        write_exp(dev, wol::MAIN_CTL, wishes.to_main_ctl(main_ctl))?;
        let led_ctl = read_exp(dev, exp::LED_CTL)?;
        write_exp(dev, exp::LED_CTL, led_ctl | exp::LED4_SEL_INTR)?;
        write_exp(dev, wol::INT_MASK, 0)?;
        arm(dev, true)
    }

    fn led_brightness_set(dev: &mut Device, index: u8, on: bool) -> Result {
        if index >= led::LEDS {
            return Err(EINVAL);
        }
        let register = led::register(index);
        let leds = read_shadow(dev, register)?;
        write_shadow(dev, register, led::with_led(leds, index, on))
    }

    fn disable_autonomous_eee(dev: &mut Device) -> Result {
        locked(dev, |dev| {
            dev.write(EXP_SEL, exp::MII_BUF_CNTL0)?;
            dev.modify(EXP_DATA, exp::AUTOGREEEN_EN, 0)
        })?;
        Ok(())
    }
}
