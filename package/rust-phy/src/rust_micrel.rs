// SPDX-License-Identifier: GPL-2.0

//! Driver for Micrel's (now Microchip's) KSZ8081, KSZ9031 and KSZ9131.
//!
//! C version of this driver: [`drivers/net/phy/micrel.c`](srctree/drivers/net/phy/micrel.c),
//! whose device-tree properties it keeps.

#[expect(dead_code, reason = "PHYLIB's resume starts the clock, not the probe")]
mod clock;
mod micrel;
mod micrel_ffi;
mod statistics;

use clock::Clock;
use kernel::{
    bindings,
    irq::IrqReturn,
    net::phy::{
        self,
        reg::{
            Mmd,
            C22,
            C45, //
        },
        CablePair,
        CableResult,
        Device,
        DeviceId,
        Driver,
        DuplexMode,
        LinkMode,
        Mdix, //
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
use micrel::{
    interrupt,
    ksz8081,
    ksz9031,
    ksz9131,
    ksz9x31,
    linkmd,
    phy_control, //
};
use micrel_ffi::{
    board_node,
    VendorMmd, //
};
use statistics::Sum;

kernel::module_phy_driver! {
    drivers: [Ksz8081, Ksz9031, Ksz9131],
    device_table: [
        DeviceId::new_with_driver::<Ksz8081>(),
        DeviceId::new_with_driver::<Ksz9031>(),
        DeviceId::new_with_driver::<Ksz9131>()
    ],
    name: "rust_micrel",
    authors: ["The Ironroot authors"],
    description: "Micrel PHY driver",
    license: "GPL",
}

const RXER_COUNTER: C22 = C22::vendor_specific::<{ micrel::RXER_COUNTER }>();
const INTERRUPT: C22 = C22::vendor_specific::<{ interrupt::REG }>();
const PHY_CONTROL: C22 = C22::vendor_specific::<{ phy_control::REG }>();

const BMCR_ANENABLE: u16 = uapi::BMCR_ANENABLE as u16;
const BMCR_SPEED100: u16 = uapi::BMCR_SPEED100 as u16;
const BMCR_SPEED1000: u16 = uapi::BMCR_SPEED1000 as u16;
const BMCR_FULLDPLX: u16 = uapi::BMCR_FULLDPLX as u16;
const BMCR_LOOPBACK: u16 = uapi::BMCR_LOOPBACK as u16;
const BMSR_LSTATUS: u16 = uapi::BMSR_LSTATUS as u16;
const CTL1000_ENABLE_MASTER: u16 = uapi::CTL1000_ENABLE_MASTER as u16;
const CTL1000_AS_MASTER: u16 = uapi::CTL1000_AS_MASTER as u16;
const CTL1000_MASTER_SLAVE: u16 = CTL1000_ENABLE_MASTER | CTL1000_AS_MASTER;

/// How long the chip resets itself after a power-down.
const WAKEUP_MS: i64 = 1;

/// How often the cable is tested: a partner that negotiates sends pulses for 2 ms of 8.
const LINKMD_TRIES: usize = 20;
const LINKMD_PAUSE_MS: i64 = 2;
/// When to look whether a test is over, and how often.
const LINKMD_POLL_MS: i64 = 30;
const LINKMD_POLLS: usize = 4;

const STATISTICS: &[&CStr] = &[c"phy_receive_errors", c"phy_idle_errors"];

/// What the MAC asks of a KSZ8081 (`phy_device.dev_flags`): RMII with a clock of 50 MHz.
const FLAG_50MHZ_CLK: u32 = 1 << 0;
/// What the MAC asks of a KSZ9131: to keep the preamble before the SFD.
const FLAG_KEEP_PREAMBLE_BEFORE_SFD: u32 = bindings::PHY_F_KEEP_PREAMBLE_BEFORE_SFD;

/// The device's state besides its registers.
struct Private {
    clock: Clock,
    /// RMII Reference Clock Select, where it is ours to set.
    rmii_ref_clk_select: Option<bool>,
    led_mode: Option<u16>,
    receive_errors: Sum,
    idle_errors: Sum,
    /// The bits of [`CTL1000_MASTER_SLAVE`] before the cable was tested.
    master_slave: Atomic<u32>,
    /// Between [`Driver::suspend`] and [`Driver::resume`], where phylib sets the PHY up again after
    /// a resume of the system: interrupts are to stay disabled.
    suspended: Atomic<bool>,
}

impl Private {
    fn new(dev: &mut Device) -> Result<Self> {
        let wants_50mhz = dev.dev_flags() & FLAG_50MHZ_CLK != 0;
        let (clock, select) = rmii_ref_clk(dev)?;
        Ok(Self {
            clock,
            rmii_ref_clk_select: if wants_50mhz { Some(true) } else { select },
            led_mode: None,
            receive_errors: Sum::default(),
            idle_errors: Sum::default(),
            master_slave: Atomic::new(0),
            suspended: Atomic::new(false),
        })
    }
}

/// Gets the PHY's clock, stopped, and by its rate what RMII Reference Clock Select is to be.
fn rmii_ref_clk(dev: &Device) -> Result<(Clock, Option<bool>)> {
    let dev = dev.as_ref();
    let clock = Clock::get(dev, Some(c"rmii-ref"))?;
    if clock.as_ref().as_raw().is_null() {
        // The one of the binding for all PHYs has no name, and says nothing of RMII.
        return Ok((Clock::get(dev, None)?, None));
    }
    // It may have its rate only while it runs.
    clock.run(true)?;
    let hertz = clock.as_ref().rate().as_hz();
    clock.run(false)?;
    let select_25_mhz = dev
        .fwnode()
        .is_some_and(|node| node.property_present(c"micrel,rmii-reference-clock-select-25-mhz"));
    let select = ksz8081::rmii_ref_clk_select(hertz, select_25_mhz);
    if select.is_none() {
        dev_err!(dev, "\"rmii-ref\": Clock rate out of range: {hertz}\n");
        return Err(EINVAL);
    }
    Ok((clock, select))
}

/// The LED mode that the device tree asks for.
fn led_mode(dev: &Device) -> Option<u16> {
    const LED_MODE: &CStr = c"micrel,led-mode";
    let dev = dev.as_ref();
    let mode = dev.fwnode()?.property_read::<u32>(LED_MODE);
    match mode.optional()? {
        // CAST: At most 3.
        mode @ ..=ksz8081::LED_MODE_MAX => Some(mode as u16),
        mode => {
            dev_err!(dev, "{LED_MODE:?}: invalid led mode: {mode:#04x}\n");
            None
        }
    }
}

/// Probes a PHY for a gigabit, whose LED mode and RMII clock have no registers.
fn probe_gigabit(dev: &mut Device) -> Result {
    let private = Private::new(dev)?;
    dev.set_private_data(Private {
        rmii_ref_clk_select: None,
        ..private
    })
}

fn config_intr(dev: &mut Device, enable: bool, active_high: u16) -> Result {
    let control = dev.read(PHY_CONTROL)?;
    dev.write(PHY_CONTROL, control & !active_high)?;
    if enable && !dev.private_data::<Private>()?.suspended.load(Relaxed) {
        dev.read(INTERRUPT)?;
        dev.write(INTERRUPT, interrupt::ENABLE_LINK)
    } else {
        dev.write(INTERRUPT, 0)?;
        dev.read(INTERRUPT)?;
        Ok(())
    }
}

fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
    if dev.read(INTERRUPT)? & interrupt::LINK == 0 {
        return Ok(IrqReturn::None);
    }
    dev.trigger_machine();
    Ok(IrqReturn::Handled)
}

fn suspend<T: Driver>(dev: &mut Device) -> Result {
    if dev.has_interrupt() {
        dev.private_data::<Private>()?
            .suspended
            .store(true, Relaxed);
        // A bus that fails does so again with the next access.
        let _ = T::config_intr(dev, false);
    }
    dev.genphy_suspend()?;
    dev.private_data::<Private>()?.clock.run(false)
}

fn resume<T: Driver>(dev: &mut Device) -> Result {
    dev.private_data::<Private>()?.clock.run(true)?;
    dev.genphy_resume()?;
    fsleep(Delta::from_millis(WAKEUP_MS));
    config_reset(dev)?;
    if dev.has_interrupt() {
        dev.private_data::<Private>()?
            .suspended
            .store(false, Relaxed);
        // The power is on, which is what was asked for.
        let _ = T::config_intr(dev, true);
    }
    Ok(())
}

/// Sets again what a power-down resets.
fn config_reset(dev: &mut Device) -> Result {
    let private = dev.private_data::<Private>()?;
    let (select, led_mode) = (private.rmii_ref_clk_select, private.led_mode);
    if let Some(select) = select {
        let control = dev.read(PHY_CONTROL)? & !ksz8081::RMII_REF_CLK_SELECT;
        let bit = if select {
            ksz8081::RMII_REF_CLK_SELECT
        } else {
            0
        };
        dev.write(PHY_CONTROL, control | bit)?;
    }
    if let Some(mode) = led_mode {
        let control = dev.read(PHY_CONTROL)?;
        dev.write(PHY_CONTROL, ksz8081::with_led_mode(control, mode))?;
    }
    Ok(())
}

fn get_stats(dev: &mut Device, stats: &mut [u64]) {
    let receive_errors = dev.read(RXER_COUNTER);
    let idle_errors = dev
        .read(C22::MASTER_SLAVE_STATUS)
        .map(|value| value & micrel::IDLE_ERRORS);
    let Ok(private) = dev.private_data::<Private>() else {
        return;
    };
    stats[0] = private.receive_errors.add(receive_errors);
    stats[1] = private.idle_errors.add(idle_errors);
}

/// Waits until LinkMD is done, and gets what its register then says.
fn linkmd_result(dev: &mut Device, reg: C22) -> Result<u16> {
    for _ in 0..LINKMD_POLLS {
        fsleep(Delta::from_millis(LINKMD_POLL_MS));
        if dev.read(reg)? & linkmd::ENABLE == 0 {
            return dev.read(reg);
        }
    }
    Err(ETIMEDOUT)
}

/// Reports what LinkMD found on a pair; returns whether that was anything.
fn linkmd_report(dev: &mut Device, pair: CablePair, status: linkmd::Status) -> Result<bool> {
    let (result, distance) = match status {
        linkmd::Status::Ok => (CableResult::Ok, None),
        linkmd::Status::Open(distance) => (CableResult::Open, Some(distance)),
        linkmd::Status::Short(distance) => (CableResult::SameShort, Some(distance)),
        linkmd::Status::Failed => return Ok(false),
    };
    dev.cable_test_result(pair, result)?;
    if let Some(distance) = distance {
        dev.cable_test_fault_length(pair, linkmd::distance_cm(distance))?;
    }
    Ok(true)
}

/// Tests the pairs until each has a result; returns those that have none.
fn linkmd_pairs(
    dev: &mut Device,
    pairs: &[CablePair],
    test: impl Fn(&mut Device, CablePair) -> Result<bool>,
) -> Result<[Option<CablePair>; CablePair::ALL.len()]> {
    let mut left = [None; CablePair::ALL.len()];
    for (slot, pair) in left.iter_mut().zip(pairs) {
        *slot = Some(*pair);
    }
    for _ in 0..LINKMD_TRIES {
        for slot in &mut left {
            if let Some(pair) = *slot {
                if test(dev, pair)? {
                    *slot = None;
                }
            }
        }
        if left.iter().all(Option::is_none) {
            break;
        }
        fsleep(Delta::from_millis(LINKMD_PAUSE_MS));
    }
    Ok(left)
}

/// Sets a register's pads as the device tree says; returns whether it says anything.
fn config_pads(
    dev: &mut Device,
    pads: &ksz9x31::Pads,
    skew: fn(i32, &ksz9x31::Pads) -> u16,
) -> Result<bool> {
    let Some(node) = board_node(dev) else {
        return Ok(false);
    };
    let mut skews = [None; ksz9x31::PADS];
    for (slot, name) in skews.iter_mut().zip(pads.properties) {
        let picoseconds = node.property_read::<i32>(name).optional();
        *slot = picoseconds.map(|picoseconds| skew(picoseconds, pads));
    }
    let count = skews.iter().flatten().count();
    if count == 0 {
        return Ok(false);
    }
    let reg = || C45::new(Mmd::WIS, pads.reg);
    let register = if count == pads.properties.len() {
        0
    } else {
        dev.read(reg())?
    };
    dev.write(reg(), pads.with(register, &skews))?;
    Ok(true)
}

/// KSZ8081 and KSZ8091.
struct Ksz8081;

impl Ksz8081 {
    const OMSO: C22 = C22::vendor_specific::<{ ksz8081::OMSO }>();
    const LINKMD: C22 = C22::vendor_specific::<{ ksz8081::LINKMD }>();
    const PHY_CONTROL_1: C22 = C22::vendor_specific::<{ ksz8081::PHY_CONTROL_1 }>();

    fn config_crossover(dev: &mut Device, crossover: ksz8081::Crossover) -> Result {
        dev.modify(PHY_CONTROL, ksz8081::CROSSOVER, crossover.bits())?;
        Ok(())
    }

    fn test_pair(dev: &mut Device, pair: CablePair) -> Result<bool> {
        // The chip tests the pair that it sends on.
        let crossover = match pair {
            CablePair::A => ksz8081::Crossover::Mdi,
            _ => ksz8081::Crossover::MdiX,
        };
        Self::config_crossover(dev, crossover)?;
        dev.write(Self::LINKMD, linkmd::ENABLE)?;
        let result = linkmd_result(dev, Self::LINKMD)?;
        linkmd_report(dev, pair, linkmd::ksz8081(result))
    }
}

#[vtable]
impl Driver for Ksz8081 {
    const FLAGS: u32 = phy::flags::POLL_CABLE_TEST;
    const NAME: &'static CStr = c"Micrel KSZ8081 or KSZ8091";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x00221560);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        let private = Private::new(dev)?;
        let led_mode = led_mode(dev);
        dev.set_private_data(Private {
            led_mode,
            ..private
        })
    }

    fn soft_reset(dev: &mut Device) -> Result {
        dev.genphy_soft_reset()
    }

    fn config_init(dev: &mut Device) -> Result {
        // Straps without a pull-down bring odd modes.
        dev.modify(Self::OMSO, ksz8081::OMSO_FACTORY_MODE, 0)?;
        let omso = dev.read(Self::OMSO)?;
        dev.write(Self::OMSO, omso | ksz8081::OMSO_B_CAST_OFF)?;
        dev.modify(Self::OMSO, ksz8081::OMSO_NAND_TREE, 0)?;
        config_reset(dev)
    }

    fn config_aneg(dev: &mut Device) -> Result {
        dev.genphy_config_aneg()?;
        // Last: the chip changes it when auto-negotiation is turned on.
        let crossover = match dev.mdix_ctrl() {
            Mdix::Mdi => ksz8081::Crossover::Mdi,
            Mdix::MdiX => ksz8081::Crossover::MdiX,
            Mdix::Auto => ksz8081::Crossover::Auto,
            Mdix::Invalid => return Ok(()),
        };
        Self::config_crossover(dev, crossover)
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        let control = dev.read(PHY_CONTROL)?;
        dev.set_mdix_ctrl(match ksz8081::Crossover::from_register(control) {
            ksz8081::Crossover::Mdi => Mdix::Mdi,
            ksz8081::Crossover::MdiX => Mdix::MdiX,
            ksz8081::Crossover::Auto => Mdix::Auto,
        });
        let mdi = dev.read(Self::PHY_CONTROL_1)? & ksz8081::PHY_CONTROL_1_MDI != 0;
        dev.set_mdix(if mdi { Mdix::Mdi } else { Mdix::MdiX });
        dev.genphy_read_status::<C22>()
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable, ksz8081::INTERRUPT_LEVEL)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn suspend(dev: &mut Device) -> Result {
        suspend::<Self>(dev)
    }

    fn resume(dev: &mut Device) -> Result {
        resume::<Self>(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn cable_test_start(dev: &mut Device) -> Result {
        // A short between pairs would look like a partner's negotiation. At 10 Mbit/s nothing is
        // sent.
        dev.modify(C22::BMCR, BMCR_ANENABLE | BMCR_SPEED100, 0)?;
        Ok(())
    }

    fn cable_test_get_status(dev: &mut Device) -> Result<bool> {
        let left = linkmd_pairs(dev, &[CablePair::A, CablePair::B], Self::test_pair)?;
        if left.iter().any(Option::is_some) {
            return Err(EAGAIN);
        }
        Ok(true)
    }
}

/// What the KSZ9031 and the KSZ9131 do alike.
mod gigabit {
    use super::*;

    const LINKMD: C22 = C22::vendor_specific::<{ ksz9x31::LINKMD }>();

    /// How long a link in loopback may take to come up, and how often to look for it.
    const LOOPBACK_POLL_MS: i64 = 5;
    const LOOPBACK_POLLS: usize = 100;

    pub(super) fn set_loopback(dev: &mut Device, enable: bool, speed: i32) -> Result {
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
        dev.set_duplex(DuplexMode::Full);
        let speed = match dev.speed() {
            1000 => BMCR_SPEED1000,
            100 => BMCR_SPEED100,
            _ => 0,
        };
        dev.write(C22::BMCR, BMCR_LOOPBACK | BMCR_FULLDPLX | speed)?;
        for _ in 0..LOOPBACK_POLLS {
            fsleep(Delta::from_millis(LOOPBACK_POLL_MS));
            if dev.read(C22::BMSR)? & BMSR_LSTATUS != 0 {
                return Ok(());
            }
        }
        Err(ETIMEDOUT)
    }

    pub(super) fn cable_test_start(dev: &mut Device) -> Result {
        // LinkMD wants a forced gigabit, full duplex, as the slave.
        dev.modify(
            C22::BMCR,
            BMCR_SPEED1000 | BMCR_FULLDPLX | BMCR_ANENABLE | BMCR_SPEED100,
            BMCR_SPEED1000 | BMCR_FULLDPLX,
        )?;
        let control = dev.read(C22::MASTER_SLAVE_CONTROL)?;
        let before = control & CTL1000_MASTER_SLAVE;
        dev.private_data::<Private>()?
            .master_slave
            .store(before.into(), Relaxed);
        dev.write(
            C22::MASTER_SLAVE_CONTROL,
            control & !CTL1000_MASTER_SLAVE | CTL1000_ENABLE_MASTER,
        )
    }

    pub(super) fn cable_test_get_status(
        dev: &mut Device,
        distance: fn(u16) -> u16,
    ) -> Result<bool> {
        let gigabit =
            dev.supports(LinkMode::BASE_T_1000_FULL) || dev.supports(LinkMode::BASE_T_1000_HALF);
        let pairs = &CablePair::ALL[..if gigabit { 4 } else { 2 }];
        let left = linkmd_pairs(dev, pairs, |dev, pair| {
            dev.write(LINKMD, linkmd::ENABLE | ksz9x31::linkmd_pair(pair as u16))?;
            let status = match linkmd::ksz9x31(linkmd_result(dev, LINKMD)?) {
                linkmd::Status::Open(late) => linkmd::Status::Open(distance(late)),
                linkmd::Status::Short(late) => linkmd::Status::Short(distance(late)),
                status => status,
            };
            linkmd_report(dev, pair, status)
        })?;
        let mut result = Ok(true);
        for pair in left.into_iter().flatten() {
            result = result.and(
                dev.cable_test_result(pair, CableResult::Unspec)
                    .map(|()| true),
            );
        }
        // CAST: What was stored has 16 bits.
        let before = dev.private_data::<Private>()?.master_slave.load(Relaxed) as u16;
        dev.modify(C22::MASTER_SLAVE_CONTROL, CTL1000_MASTER_SLAVE, before)?;
        result
    }
}

/// KSZ9031.
struct Ksz9031;

impl Ksz9031 {
    /// A register in MMD 0.
    fn common(reg: u16) -> VendorMmd {
        VendorMmd { devad: 0, reg }
    }

    fn config_rgmii(dev: &mut Device) -> Result {
        let mode = dev.interface();
        if mode.is_rgmii() {
            for (reg, value) in ksz9031::delays(mode.has_rx_delay(), mode.has_tx_delay()) {
                dev.write(C45::new(Mmd::WIS, reg), value)?;
            }
        }
        let mut skewed = false;
        for pads in &ksz9031::PADS {
            skewed |= config_pads(dev, pads, ksz9031::skew)?;
        }
        if skewed && !mode.is_rgmii() {
            dev_warn!(
                dev.as_ref(),
                "*-skew-ps values should be used only with RGMII PHY modes\n"
            );
        }
        Ok(())
    }
}

#[vtable]
impl Driver for Ksz9031 {
    const FLAGS: u32 = phy::flags::POLL_CABLE_TEST;
    const NAME: &'static CStr = c"Micrel KSZ9031 Gigabit PHY";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x00221620);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        probe_gigabit(dev)
    }

    fn get_features(dev: &mut Device) -> Result {
        dev.genphy_read_abilities()?;
        // With asymmetric pause a second link may never come up (errata sheets DS80000691,
        // DS80000692). PHYLIB adds it, unless the driver says what there is.
        dev.set_supported(LinkMode::ASYM_PAUSE, false);
        dev.set_supported(LinkMode::PAUSE, true);
        Ok(())
    }

    fn soft_reset(dev: &mut Device) -> Result {
        dev.genphy_soft_reset()
    }

    fn config_init(dev: &mut Device) -> Result {
        let edpd = VendorMmd {
            devad: 0x1c,
            reg: ksz9031::EDPD_CONTROL,
        };
        let control = micrel_ffi::read_mmd(dev, edpd)?;
        micrel_ffi::write_mmd(dev, edpd, control | ksz9031::EDPD_ENABLE)?;
        // As in C the straps count where no device tree says how the board is wired.
        if board_node(dev).is_some() {
            Self::config_rgmii(dev)?;
        }
        if board_node(dev).is_some_and(|node| node.property_present(c"micrel,force-master")) {
            // As the slave the chip gives a bad clock on CLK125_NDO (same errata sheets).
            let control = dev.read(C22::MASTER_SLAVE_CONTROL)?;
            dev.write(C22::MASTER_SLAVE_CONTROL, control | CTL1000_MASTER_SLAVE)?;
        }
        // What the chip starts with is at the edge of what the standard allows.
        for (reg, value) in [ksz9031::FLP_BURST_TX_HI, ksz9031::FLP_BURST_TX_LO] {
            micrel_ffi::write_mmd(dev, Self::common(reg), value)?;
        }
        dev.genphy_restart_aneg()
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        let status = dev.genphy_read_status::<C22>()?;
        // A counter that stands at its end is a chip that hangs.
        let idle_errors = dev.read(C22::MASTER_SLAVE_STATUS)? & micrel::IDLE_ERRORS;
        if idle_errors == micrel::IDLE_ERRORS {
            // One that hangs still is tried again with the next poll.
            let _ = dev.init_hw();
            dev.set_link(false);
            if dev.has_interrupt() {
                let enable = dev.interrupts_enabled();
                let _ = Self::config_intr(dev, enable);
            }
            dev.genphy_config_aneg()?;
        }
        Ok(status)
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable, ksz9x31::INTERRUPT_LEVEL)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn suspend(dev: &mut Device) -> Result {
        suspend::<Self>(dev)
    }

    fn resume(dev: &mut Device) -> Result {
        resume::<Self>(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn cable_test_start(dev: &mut Device) -> Result {
        gigabit::cable_test_start(dev)
    }

    fn cable_test_get_status(dev: &mut Device) -> Result<bool> {
        gigabit::cable_test_get_status(dev, |distance| distance)
    }

    fn set_loopback(dev: &mut Device, enable: bool, speed: i32) -> Result {
        gigabit::set_loopback(dev, enable, speed)
    }
}

/// KSZ9131.
struct Ksz9131;

impl Ksz9131 {
    const REMOTE_LOOPBACK: C22 = C22::vendor_specific::<{ ksz9131::REMOTE_LOOPBACK }>();
    const DIGITAL_AXAN_STATUS: C22 = C22::vendor_specific::<{ ksz9131::DIGITAL_AXAN_STATUS }>();
    const AUTO_MDIX: C22 = C22::vendor_specific::<{ ksz9131::AUTO_MDIX }>();
    const LED_ERRATA: C22 = C22::vendor_specific::<{ ksz9131::LED_ERRATA }>();

    fn config_delays(dev: &mut Device) -> Result {
        let mode = dev.interface();
        for (reg, delay) in [
            (ksz9131::RXC_DLL_CONTROL, mode.has_rx_delay()),
            (ksz9131::TXC_DLL_CONTROL, mode.has_tx_delay()),
        ] {
            let bypass = if delay { 0 } else { ksz9131::DLL_BYPASS };
            dev.modify(C45::new(Mmd::WIS, reg), ksz9131::DLL_BYPASS, bypass)?;
        }
        Ok(())
    }

    /// A register in MMD 0x1c.
    fn analog(reg: u16) -> VendorMmd {
        VendorMmd { devad: 0x1c, reg }
    }
}

#[vtable]
impl Driver for Ksz9131 {
    const FLAGS: u32 = phy::flags::POLL_CABLE_TEST;
    const NAME: &'static CStr = c"Microchip KSZ9131 Gigabit PHY";
    const PHY_DEVICE_ID: DeviceId = DeviceId::new_with_model_mask(0x00221640);
    const STATISTICS: &'static [&'static CStr] = STATISTICS;

    fn probe(dev: &mut Device) -> Result {
        probe_gigabit(dev)
    }

    fn get_features(dev: &mut Device) -> Result {
        dev.genphy_read_abilities()?;
        // What the chip says of this depends on what it advertises.
        micrel_ffi::support_eee(dev);
        Ok(())
    }

    fn soft_reset(dev: &mut Device) -> Result {
        dev.genphy_soft_reset()
    }

    fn config_init(dev: &mut Device) -> Result {
        dev.set_mdix_ctrl(Mdix::Auto);
        if board_node(dev).is_none() {
            // As in C: the straps count.
            return Ok(());
        }
        if dev.interface().is_rgmii() {
            Self::config_delays(dev)?;
        }
        for pads in &ksz9131::PADS {
            config_pads(dev, pads, ksz9131::skew)?;
        }
        let common = dev.read(C45::new(Mmd::WIS, ksz9131::COMMON_CONTROL))?;
        if common & ksz9131::LED_INDIVIDUAL != 0 {
            let bit = ksz9131::LED_ERRATA_BIT;
            dev.modify(Self::LED_ERRATA, bit, bit)?;
        }
        if dev.dev_flags() & FLAG_KEEP_PREAMBLE_BEFORE_SFD != 0 {
            let bit = ksz9131::KEEP_PREAMBLE;
            dev.modify(Self::REMOTE_LOOPBACK, bit, bit)?;
        }
        Ok(())
    }

    fn config_aneg(dev: &mut Device) -> Result {
        let crossover = match dev.mdix_ctrl() {
            Mdix::Mdi => Some(ksz9131::SWAP_OFF | ksz9131::MDI_SET),
            Mdix::MdiX => Some(ksz9131::SWAP_OFF),
            Mdix::Auto => Some(0),
            Mdix::Invalid => None,
        };
        if let Some(bits) = crossover {
            dev.modify(Self::AUTO_MDIX, ksz9131::SWAP_OFF | ksz9131::MDI_SET, bits)?;
        }
        dev.genphy_config_aneg()
    }

    fn read_status(dev: &mut Device) -> Result<u16> {
        let mdix = match dev.mdix_ctrl() {
            Mdix::Auto => {
                let status = dev.read(Self::DIGITAL_AXAN_STATUS)?;
                if status & ksz9131::AXAN_LINK_DETECT == 0 {
                    Mdix::Invalid
                } else if status & ksz9131::AXAN_A_SELECT != 0 {
                    Mdix::Mdi
                } else {
                    Mdix::MdiX
                }
            }
            mdix => mdix,
        };
        dev.set_mdix(mdix);
        dev.genphy_read_status::<C22>()
    }

    fn config_intr(dev: &mut Device, enable: bool) -> Result {
        config_intr(dev, enable, ksz9x31::INTERRUPT_LEVEL)
    }

    fn handle_interrupt(dev: &mut Device) -> Result<IrqReturn> {
        handle_interrupt(dev)
    }

    fn suspend(dev: &mut Device) -> Result {
        suspend::<Self>(dev)
    }

    fn resume(dev: &mut Device) -> Result {
        // The power-down that this wakes it from resets them.
        if micrel_ffi::is_suspended(dev) && dev.interface().is_rgmii() {
            // A bus that fails does so again with the next access.
            let _ = Self::config_delays(dev);
        }
        resume::<Self>(dev)
    }

    fn get_stats(dev: &mut Device, stats: &mut [u64]) {
        get_stats(dev, stats)
    }

    fn cable_test_start(dev: &mut Device) -> Result {
        gigabit::cable_test_start(dev)
    }

    fn cable_test_get_status(dev: &mut Device) -> Result<bool> {
        gigabit::cable_test_get_status(dev, ksz9131::linkmd_distance)
    }

    fn set_loopback(dev: &mut Device, enable: bool, speed: i32) -> Result {
        if enable {
            for (reg, loopback, _) in ksz9131::LOOPBACK {
                micrel_ffi::write_mmd(dev, Self::analog(reg), loopback)?;
            }
        }
        let result = gigabit::set_loopback(dev, enable, speed);
        if result.is_err() || !enable {
            for (reg, _, normal) in ksz9131::LOOPBACK {
                // Without loopback they do no harm.
                let _ = micrel_ffi::write_mmd(dev, Self::analog(reg), normal);
            }
        }
        result
    }
}
