// SPDX-License-Identifier: GPL-2.0

//! The registers of Micrel's (now Microchip's) KSZ8081, KSZ9031 and KSZ9131, and what follows from
//! their values, free of the kernel.
//!
//! Names are those of the data sheets: KSZ8081MNX/RNB (DS00002202), KSZ9031RNX (DS00002117),
//! KSZ9131RNX (DS00002841).

use core::ffi::CStr;

/// RXER Counter (0x15), which a read clears.
pub(crate) const RXER_COUNTER: u8 = 0x15;
/// 1000BASE-T Status (0xa), whose low byte counts idle errors, and stops at its largest value.
pub(crate) const IDLE_ERRORS: u16 = 0x00ff;

/// Interrupt Control/Status (0x1b): enables above, flags below, which a read clears.
pub(crate) mod interrupt {
    pub(crate) const REG: u8 = 0x1b;
    /// Link-Down Interrupt Enable, Link-Up Interrupt Enable.
    pub(crate) const ENABLE_LINK: u16 = 1 << 10 | 1 << 8;
    /// Link-Down Interrupt, Link-Up Interrupt.
    pub(crate) const LINK: u16 = 1 << 2 | 1 << 0;
}

/// PHY Control (0x1f), on the KSZ8081 PHY Control 2.
pub(crate) mod phy_control {
    pub(crate) const REG: u8 = 0x1f;
}

/// The KSZ8081's.
pub(crate) mod ksz8081 {
    /// Operation Mode Strap Override (0x16).
    pub(crate) const OMSO: u8 = 0x16;
    /// A strap selected the mode for tests at the factory.
    pub(crate) const OMSO_FACTORY_MODE: u16 = 1 << 15;
    /// Address 0 is not the broadcast's.
    pub(crate) const OMSO_B_CAST_OFF: u16 = 1 << 9;
    pub(crate) const OMSO_NAND_TREE: u16 = 1 << 5;

    /// LinkMD Control/Status (0x1d).
    pub(crate) const LINKMD: u8 = 0x1d;

    /// PHY Control 1 (0x1e).
    pub(crate) const PHY_CONTROL_1: u8 = 0x1e;
    /// MDI/MDI-X State: the pairs are not crossed over.
    pub(crate) const PHY_CONTROL_1_MDI: u16 = 1 << 4;

    /// PHY Control 2: HP_MDIX.
    const HP_MDIX: u16 = 1 << 15;
    /// MDI/MDI-X Select: crossed over.
    const MDIX_SELECT: u16 = 1 << 14;
    /// Pair Swap Disable: no auto MDI/MDI-X.
    const PAIR_SWAP_DISABLE: u16 = 1 << 13;
    pub(crate) const CROSSOVER: u16 = HP_MDIX | MDIX_SELECT | PAIR_SWAP_DISABLE;
    /// Interrupt Level: active high.
    pub(crate) const INTERRUPT_LEVEL: u16 = 1 << 9;
    /// RMII Reference Clock Select: which rate is meant depends on the chip's version.
    pub(crate) const RMII_REF_CLK_SELECT: u16 = 1 << 7;
    const LED_MODE_SHIFT: u16 = 4;

    /// How the pairs are crossed over.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Crossover {
        Mdi,
        MdiX,
        Auto,
    }

    impl Crossover {
        /// The bits of PHY Control 2 in [`CROSSOVER`].
        pub(crate) fn bits(self) -> u16 {
            HP_MDIX
                | match self {
                    Self::Mdi => PAIR_SWAP_DISABLE,
                    Self::MdiX => PAIR_SWAP_DISABLE | MDIX_SELECT,
                    Self::Auto => 0,
                }
        }

        /// What PHY Control 2 says.
        pub(crate) fn from_register(register: u16) -> Self {
            match register & (PAIR_SWAP_DISABLE | MDIX_SELECT) {
                PAIR_SWAP_DISABLE => Self::Mdi,
                both if both & PAIR_SWAP_DISABLE != 0 => Self::MdiX,
                _ => Self::Auto,
            }
        }
    }

    /// PHY Control 2 with this LED mode, 0 to 3.
    pub(crate) fn with_led_mode(register: u16, mode: u16) -> u16 {
        register & !(0x3 << LED_MODE_SHIFT) | mode << LED_MODE_SHIFT
    }

    /// The largest LED mode.
    pub(crate) const LED_MODE_MAX: u32 = 3;

    /// Whether RMII Reference Clock Select is to be set for a clock of so many hertz; [`None`] for
    /// one that the chip cannot use. `select_25_mhz` says that the bit means 25 MHz.
    pub(crate) fn rmii_ref_clk_select(hertz: usize, select_25_mhz: bool) -> Option<bool> {
        match hertz {
            24_500_001..=25_499_999 => Some(select_25_mhz),
            49_500_001..=50_499_999 => Some(!select_25_mhz),
            _ => None,
        }
    }
}

/// What LinkMD, the test of the cable, says of a pair.
pub(crate) mod linkmd {
    /// Starts the test; 1 until it is done.
    pub(crate) const ENABLE: u16 = 1 << 15;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Status {
        Ok,
        /// How far away the fault is, in the register's unit.
        Open(u16),
        Short(u16),
        /// The test failed: something else was on the line.
        Failed,
    }

    fn status(code: u16, distance: u16) -> Status {
        match code & 0x3 {
            0 => Status::Ok,
            1 => Status::Open(distance),
            2 => Status::Short(distance),
            _ => Status::Failed,
        }
    }

    /// By the KSZ8081's LinkMD Control/Status.
    pub(crate) fn ksz8081(register: u16) -> Status {
        status(register >> 13, register & 0x01ff)
    }

    /// By the LinkMD Cable Diagnostic of the KSZ9031 and KSZ9131.
    pub(crate) fn ksz9x31(register: u16) -> Status {
        status(register >> 8, register & 0x00ff)
    }

    /// A distance in centimetres: 0.4 m each.
    pub(crate) fn distance_cm(distance: u16) -> u32 {
        u32::from(distance) * 40
    }
}

/// What the KSZ9031 and the KSZ9131 have in common.
pub(crate) mod ksz9x31 {
    use super::*;

    /// LinkMD Cable Diagnostic (0x12): which pair to test.
    pub(crate) const LINKMD: u8 = 0x12;
    pub(crate) fn linkmd_pair(pair: u16) -> u16 {
        pair << 12
    }

    /// Interrupt Level in PHY Control: active high.
    pub(crate) const INTERRUPT_LEVEL: u16 = 1 << 14;

    /// The pads whose skews a register in MMD 2 holds, the first one in its lowest bits.
    pub(crate) struct Pads {
        pub(crate) reg: u16,
        /// How many bits a pad has.
        pub(crate) bits: u16,
        /// What the device tree calls the skews.
        pub(crate) properties: &'static [&'static CStr],
    }

    /// The most pads in a register.
    pub(crate) const PADS: usize = 4;

    impl Pads {
        /// The register where some of the pads get other skews.
        pub(crate) fn with(&self, register: u16, skews: &[Option<u16>]) -> u16 {
            let mut register = register;
            for (shift, skew) in (0..).step_by(self.bits.into()).zip(skews) {
                if let Some(skew) = skew {
                    register = register & !(self.max() << shift) | skew << shift;
                }
            }
            register
        }

        /// The largest skew.
        pub(crate) fn max(&self) -> u16 {
            (1 << self.bits) - 1
        }
    }

    /// Control Signal Pad Skew, RGMII RX Data Pad Skew, RGMII TX Data Pad Skew, Clock Pad Skew.
    pub(crate) const CONTROL_PAD_SKEW: u16 = 4;
    pub(crate) const RX_DATA_PAD_SKEW: u16 = 5;
    pub(crate) const TX_DATA_PAD_SKEW: u16 = 6;
    pub(crate) const CLOCK_PAD_SKEW: u16 = 8;
}

/// The KSZ9031's.
pub(crate) mod ksz9031 {
    use super::ksz9x31::*;

    /// In MMD 0: AN FLP Burst Transmit, high and low, and the values for 16 ms.
    pub(crate) const FLP_BURST_TX_HI: (u16, u16) = (4, 0x0006);
    pub(crate) const FLP_BURST_TX_LO: (u16, u16) = (3, 0x1a80);

    /// In MMD 0x1c: Analog Control for energy detect power-down.
    pub(crate) const EDPD_CONTROL: u16 = 0x23;
    pub(crate) const EDPD_ENABLE: u16 = 1 << 0;

    /// In the order in which they are written.
    pub(crate) const PADS: [Pads; 4] = [
        Pads {
            reg: CLOCK_PAD_SKEW,
            bits: 5,
            properties: &[c"rxc-skew-ps", c"txc-skew-ps"],
        },
        Pads {
            reg: CONTROL_PAD_SKEW,
            bits: 4,
            properties: &[c"txen-skew-ps", c"rxdv-skew-ps"],
        },
        Pads {
            reg: RX_DATA_PAD_SKEW,
            bits: 4,
            properties: &[
                c"rxd0-skew-ps",
                c"rxd1-skew-ps",
                c"rxd2-skew-ps",
                c"rxd3-skew-ps",
            ],
        },
        Pads {
            reg: TX_DATA_PAD_SKEW,
            bits: 4,
            properties: &[
                c"txd0-skew-ps",
                c"txd1-skew-ps",
                c"txd2-skew-ps",
                c"txd3-skew-ps",
            ],
        },
    ];

    /// A property's value, in picoseconds that start at the largest negative skew, as the register
    /// has it.
    pub(crate) fn skew(picoseconds: i32, pads: &Pads) -> u16 {
        // CAST: What does not fit is cut off, as in C.
        (picoseconds / 60) as u16 & pads.max()
    }

    /// The pad skews for these delays of the clocks: (register, value).
    ///
    /// The chip delays RXC by 1.2 ns, and TXC not at all. With no delay of RXC wanted, all else
    /// comes later and RXC earlier; with one, RXC comes 0.6 ns later. TXC is delayed by 1.38 ns:
    /// it comes 0.96 ns later, and all else 0.42 ns earlier.
    pub(crate) fn delays(rx_delay: bool, tx_delay: bool) -> [(u16, u16); 4] {
        let (rx, rxc) = if rx_delay { (0x7, 0x19) } else { (0xc, 0x00) };
        let (tx, txc) = if tx_delay { (0x0, 0x1f) } else { (0x7, 0x0f) };
        [
            (CONTROL_PAD_SKEW, rx << 4 | tx),
            (RX_DATA_PAD_SKEW, rx * 0x1111),
            (TX_DATA_PAD_SKEW, tx * 0x1111),
            (CLOCK_PAD_SKEW, txc << 5 | rxc),
        ]
    }
}

/// The KSZ9131's.
pub(crate) mod ksz9131 {
    use super::ksz9x31::*;

    /// Remote Loopback (0x11), with an undocumented bit: the preamble stays before the SFD.
    pub(crate) const REMOTE_LOOPBACK: u8 = 0x11;
    pub(crate) const KEEP_PREAMBLE: u16 = 1 << 2;

    /// Digital AX/AN Status (0x14).
    pub(crate) const DIGITAL_AXAN_STATUS: u8 = 0x14;
    pub(crate) const AXAN_LINK_DETECT: u16 = 1 << 14;
    /// The pairs are not crossed over.
    pub(crate) const AXAN_A_SELECT: u16 = 1 << 12;

    /// Auto MDI/MDI-X (0x1c).
    pub(crate) const AUTO_MDIX: u8 = 0x1c;
    /// MDI Set: not crossed over.
    pub(crate) const MDI_SET: u16 = 1 << 7;
    /// Swap-Off: no auto MDI/MDI-X.
    pub(crate) const SWAP_OFF: u16 = 1 << 6;

    /// Register 0x1e, with the bit that the errata sheet (DS80000693) wants to be set where each
    /// LED is on its own.
    pub(crate) const LED_ERRATA: u8 = 0x1e;
    pub(crate) const LED_ERRATA_BIT: u16 = 1 << 9;

    /// In MMD 2: Common Control.
    pub(crate) const COMMON_CONTROL: u16 = 0;
    /// Each LED is on its own.
    pub(crate) const LED_INDIVIDUAL: u16 = 1 << 4;
    /// In MMD 2: RXC DLL Control and TXC DLL Control, each of which delays a clock by 2 ns.
    pub(crate) const RXC_DLL_CONTROL: u16 = 76;
    pub(crate) const TXC_DLL_CONTROL: u16 = 77;
    /// Bypass: no delay.
    pub(crate) const DLL_BYPASS: u16 = 1 << 12;

    /// Undocumented registers in MMD 0x1c that keep RXC going in loopback: register, the value for
    /// that, and the one that was measured after a reset.
    pub(crate) const LOOPBACK: [(u16, u16, u16); 4] = [
        (0x15, 0xeeee, 0x6eff),
        (0x16, 0xeeee, 0xe6ff),
        (0x18, 0xeeee, 0x43ff),
        (0x1b, 0xeeee, 0x07ff),
    ];

    /// A reflection comes back this late without a cable.
    const LINKMD_OFFSET: u16 = 22;

    /// The distance, less what is not the cable's.
    pub(crate) fn linkmd_distance(distance: u16) -> u16 {
        distance.saturating_sub(LINKMD_OFFSET)
    }

    /// In the order in which they are written.
    pub(crate) const PADS: [Pads; 4] = [
        Pads {
            reg: CLOCK_PAD_SKEW,
            bits: 5,
            properties: &[c"rxc-skew-psec", c"txc-skew-psec"],
        },
        Pads {
            reg: CONTROL_PAD_SKEW,
            bits: 4,
            properties: &[c"txen-skew-psec", c"rxdv-skew-psec"],
        },
        Pads {
            reg: RX_DATA_PAD_SKEW,
            bits: 4,
            properties: &[
                c"rxd0-skew-psec",
                c"rxd1-skew-psec",
                c"rxd2-skew-psec",
                c"rxd3-skew-psec",
            ],
        },
        Pads {
            reg: TX_DATA_PAD_SKEW,
            bits: 4,
            properties: &[
                c"txd0-skew-psec",
                c"txd1-skew-psec",
                c"txd2-skew-psec",
                c"txd3-skew-psec",
            ],
        },
    ];

    /// A property's value in picoseconds as the register has it, where 0 is -0.7 ns, and one more
    /// is 0.1 ns. What the register cannot hold becomes what it can.
    pub(crate) fn skew(picoseconds: i32, pads: &Pads) -> u16 {
        let steps = (picoseconds.max(-700).saturating_add(700) / 100).min(pads.max().into());
        // CAST: Neither negative nor more than the register holds.
        steps as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registers_hold_what_the_data_sheets_say() {
        assert_eq!((RXER_COUNTER, IDLE_ERRORS), (21, 0xff));
        assert_eq!((interrupt::REG, phy_control::REG), (27, 31));
        assert_eq!((interrupt::ENABLE_LINK, interrupt::LINK), (0x0500, 0x0005));
        assert_eq!((ksz8081::OMSO, ksz8081::LINKMD), (22, 29));
        assert_eq!(ksz8081::PHY_CONTROL_1, 30);
        assert_eq!(ksz8081::PHY_CONTROL_1_MDI, 0x10);
        assert_eq!(ksz8081::OMSO_FACTORY_MODE, 0x8000);
        assert_eq!(
            (ksz8081::OMSO_B_CAST_OFF, ksz8081::OMSO_NAND_TREE),
            (0x200, 0x20)
        );
        assert_eq!((ksz8081::CROSSOVER, ksz8081::LED_MODE_MAX), (0xe000, 3));
        assert_eq!(
            (ksz8081::INTERRUPT_LEVEL, ksz8081::RMII_REF_CLK_SELECT),
            (0x200, 0x80)
        );
        assert_eq!((ksz9x31::LINKMD, ksz9x31::INTERRUPT_LEVEL), (18, 0x4000));
        assert_eq!((linkmd::ENABLE, ksz9x31::linkmd_pair(3)), (0x8000, 0x3000));
        assert_eq!(ksz9031::FLP_BURST_TX_HI, (4, 6));
        assert_eq!(ksz9031::FLP_BURST_TX_LO, (3, 0x1a80));
        assert_eq!((ksz9031::EDPD_CONTROL, ksz9031::EDPD_ENABLE), (0x23, 1));
        assert_eq!(
            (ksz9131::REMOTE_LOOPBACK, ksz9131::KEEP_PREAMBLE),
            (0x11, 4)
        );
        assert_eq!(
            (ksz9131::DIGITAL_AXAN_STATUS, ksz9131::AXAN_LINK_DETECT),
            (0x14, 0x4000)
        );
        assert_eq!((ksz9131::AXAN_A_SELECT, ksz9131::AUTO_MDIX), (0x1000, 0x1c));
        assert_eq!((ksz9131::MDI_SET, ksz9131::SWAP_OFF), (0x80, 0x40));
        assert_eq!(
            (ksz9131::LED_ERRATA, ksz9131::LED_ERRATA_BIT),
            (0x1e, 0x200)
        );
        assert_eq!(
            (ksz9131::COMMON_CONTROL, ksz9131::LED_INDIVIDUAL),
            (0, 0x10)
        );
        assert_eq!(
            (ksz9131::RXC_DLL_CONTROL, ksz9131::TXC_DLL_CONTROL),
            (0x4c, 0x4d)
        );
        assert_eq!(ksz9131::DLL_BYPASS, 0x1000);
        assert_eq!(ksz9131::LOOPBACK.len(), 4);
    }

    #[test]
    fn pairs_are_crossed_over_as_set() {
        use ksz8081::Crossover;
        for crossover in [Crossover::Mdi, Crossover::MdiX, Crossover::Auto] {
            let bits = crossover.bits();
            assert_eq!(bits & !ksz8081::CROSSOVER, 0);
            assert_eq!(Crossover::from_register(bits), crossover);
        }
        assert_eq!(Crossover::MdiX.bits(), 0xe000);
        assert_eq!(Crossover::from_register(0x4000), Crossover::Auto);
    }

    #[test]
    fn leds_have_their_mode() {
        assert_eq!(ksz8081::with_led_mode(0xffff, 1), 0xffdf);
        assert_eq!(ksz8081::with_led_mode(0x8100, 3), 0x8130);
    }

    #[test]
    fn knows_the_clocks_that_it_can_use() {
        use ksz8081::rmii_ref_clk_select as select;
        assert_eq!(select(25_000_000, true), Some(true));
        assert_eq!(select(25_000_000, false), Some(false));
        assert_eq!(select(50_000_000, true), Some(false));
        assert_eq!(select(50_000_000, false), Some(true));
        for hertz in [0, 24_500_000, 25_500_000, 49_500_000, 50_500_000] {
            assert_eq!(select(hertz, false), None);
        }
    }

    #[test]
    fn linkmd_says_what_is_wrong_and_where() {
        use linkmd::Status;
        assert_eq!(linkmd::ksz8081(0x1032), Status::Ok);
        assert_eq!(linkmd::ksz8081(0x2132), Status::Open(0x132));
        assert_eq!(linkmd::ksz8081(0x4001), Status::Short(1));
        assert_eq!(linkmd::ksz8081(0x6000), Status::Failed);
        assert_eq!(linkmd::ksz9x31(0x3080), Status::Ok);
        assert_eq!(linkmd::ksz9x31(0x3180), Status::Open(0x80));
        assert_eq!(linkmd::ksz9x31(0x0210), Status::Short(0x10));
        assert_eq!(linkmd::ksz9x31(0x0300), Status::Failed);
        assert_eq!(linkmd::distance_cm(100), 4000);
        assert_eq!(ksz9131::linkmd_distance(100), 78);
        assert_eq!(ksz9131::linkmd_distance(21), 0);
    }

    #[test]
    fn pads_are_as_skewed_as_told() {
        let [clock, control, rx_data, tx_data] = &ksz9031::PADS;
        assert_eq!((clock.reg, clock.max()), (8, 0x1f));
        assert_eq!((control.reg, rx_data.reg, tx_data.reg), (4, 5, 6));
        assert_eq!(clock.with(0x03ef, &[Some(0x10), Some(0x1f)]), 0x03f0);
        assert_eq!(clock.with(0xffff, &[None, Some(0)]), 0xfc1f);
        assert_eq!(
            rx_data.with(0x7777, &[Some(0), None, Some(0xf), None]),
            0x7f70
        );
        assert_eq!(ksz9031::skew(900, clock), 15);
        assert_eq!(ksz9031::skew(1860, clock), 31);
        assert_eq!(ksz9031::skew(960, control), 0);
        assert_eq!(ksz9031::skew(-60, control), 15);
        let [clock, control, ..] = &ksz9131::PADS;
        assert_eq!(ksz9131::skew(0, control), 7);
        assert_eq!(ksz9131::skew(-700, control), 0);
        assert_eq!(ksz9131::skew(i32::MIN, control), 0);
        assert_eq!(ksz9131::skew(800, control), 15);
        assert_eq!(ksz9131::skew(i32::MAX, control), 15);
        assert_eq!(ksz9131::skew(2400, clock), 31);
        for pads in ksz9031::PADS.iter().chain(&ksz9131::PADS) {
            assert!(pads.properties.len() <= ksz9x31::PADS);
            assert!(pads.properties.len() * usize::from(pads.bits) <= 16);
        }
    }

    #[test]
    fn the_ksz9031_delays_what_it_is_told() {
        let values = |rx, tx| ksz9031::delays(rx, tx).map(|(_, value)| value);
        assert_eq!(values(false, false), [0xc7, 0xcccc, 0x7777, 0x01e0]);
        assert_eq!(values(true, true), [0x70, 0x7777, 0x0000, 0x03f9]);
        assert_eq!(
            ksz9031::delays(true, false).map(|(reg, _)| reg),
            [4, 5, 6, 8]
        );
    }
}
