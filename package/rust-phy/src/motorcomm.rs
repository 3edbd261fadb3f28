// SPDX-License-Identifier: GPL-2.0

//! The registers of Motorcomm's YT8511, YT8521 and YT8531, and what follows from their values, free
//! of the kernel.
//!
//! Names are those of the data sheets as the C driver quotes them.

/// Extended Register's Address Offset (0x1e): which extended register the next one shows.
pub(crate) const EXT_ADDRESS: u8 = 0x1e;
/// Extended Register's Data (0x1f).
pub(crate) const EXT_DATA: u8 = 0x1f;

/// Interrupt Enable (0x12).
pub(crate) mod interrupt_enable {
    pub(crate) const REG: u8 = 0x12;
    /// A magic packet came.
    pub(crate) const WOL: u16 = 1 << 6;
}

/// Specific Status (0x11).
pub(crate) mod specific_status {
    pub(crate) const REG: u8 = 0x11;
    const FULL_DUPLEX: u16 = 1 << 13;
    const LINK: u16 = 1 << 10;

    /// A link.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Link {
        /// In Mbit/s; [`None`] for a value that these chips do not have.
        pub(crate) speed: Option<u32>,
        pub(crate) full_duplex: bool,
    }

    impl Link {
        /// [`None`] without a link.
        pub(crate) fn from_register(status: u16) -> Option<Self> {
            // Speed in 15:14 and, for chips that do 2.5 Gbit/s, 9.
            let speed = match (status >> 14, status >> 9 & 1) {
                (0, 0) => Some(10),
                (1, 0) => Some(100),
                (2, 0) => Some(1000),
                _ => None,
            };
            (status & LINK != 0).then_some(Self {
                speed,
                full_duplex: status & FULL_DUPLEX != 0,
            })
        }
    }
}

/// The YT8511's extended registers.
pub(crate) mod yt8511 {
    /// CLK_GATE.
    pub(crate) const CLK_GATE: u16 = 0x0c;
    /// The clock output gives 125 MHz from the PLL.
    const CLK_GATE_125M: u16 = 0x3 << 1;
    /// The receive clock is 1.8 ns late at 1 Gbit/s, 8 ns below.
    const CLK_GATE_RX_DELAY: u16 = 1 << 0;
    const CLK_GATE_GE_TX_DELAY_SHIFT: u16 = 4;
    pub(crate) const CLK_GATE_MASK: u16 =
        CLK_GATE_RX_DELAY | CLK_GATE_125M | 0xf << CLK_GATE_GE_TX_DELAY_SHIFT;

    /// DELAY_DRIVE.
    pub(crate) const DELAY_DRIVE: u16 = 0x0d;
    const DELAY_DRIVE_FE_TX_DELAY_SHIFT: u16 = 12;
    pub(crate) const DELAY_DRIVE_MASK: u16 = 0xf << DELAY_DRIVE_FE_TX_DELAY_SHIFT;

    /// SLEEP_CTRL.
    pub(crate) const SLEEP_CTRL: u16 = 0x27;
    /// The PLL goes on while the PHY sleeps.
    pub(crate) const SLEEP_CTRL_PLL_ON: u16 = 1 << 14;

    /// The transmit delay is 150 ps times this less 250 ps: 2 ns or 50 ps.
    fn tx_delay(delay: bool) -> u16 {
        if delay {
            0xf
        } else {
            0x2
        }
    }

    /// CLK_GATE for these delays, with a clock output of 125 MHz.
    pub(crate) fn clk_gate(rx_delay: bool, tx: bool) -> u16 {
        let rx = if rx_delay { CLK_GATE_RX_DELAY } else { 0 };
        rx | CLK_GATE_125M | tx_delay(tx) << CLK_GATE_GE_TX_DELAY_SHIFT
    }

    /// DELAY_DRIVE for this delay.
    pub(crate) fn delay_drive(tx: bool) -> u16 {
        tx_delay(tx) << DELAY_DRIVE_FE_TX_DELAY_SHIFT
    }
}

/// Clock Gating (extended 0x0c).
pub(crate) mod clock_gating {
    pub(crate) const REG: u16 = 0x0c;
    /// The receive clock is gated while nothing is plugged in.
    pub(crate) const RX_CLK_EN: u16 = 1 << 12;
}

/// Sleep Control1 (extended 0x27).
pub(crate) mod sleep_control1 {
    pub(crate) const REG: u16 = 0x27;
    /// The PHY sleeps a while after the cable was pulled.
    pub(crate) const SLEEP_SW: u16 = 1 << 15;
}

/// SMI_SDS_PHY (extended 0xa000) of the YT8521: which registers 0 to 29 are, those for twisted
/// pairs or those for fiber.
pub(crate) mod smi_sds_phy {
    pub(crate) const REG: u16 = 0xa000;
    pub(crate) const UTP: u16 = 0;
}

/// Chip_Config (extended 0xa001).
pub(crate) mod chip_config {
    pub(crate) const REG: u16 = 0xa001;
    /// The receive clock is 1.9 ns late, besides what RGMII_Config1 says.
    pub(crate) const RXC_DLY_EN: u16 = 1 << 8;

    /// Whether the pins of a YT8521 chose twisted pairs alone: to RGMII, or to SGMII.
    pub(crate) fn is_utp(register: u16) -> bool {
        matches!(register & 0x7, 0 | 3)
    }

    /// The voltage of the YT8531's RGMII pins.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum RgmiiVoltage {
        V3_3,
        V1_8,
    }

    impl RgmiiVoltage {
        /// [`None`] for a value of which no drive strengths are known.
        pub(crate) fn from_register(register: u16) -> Option<Self> {
            match register >> 4 & 0x3 {
                0 => Some(Self::V3_3),
                1 => None,
                _ => Some(Self::V1_8),
            }
        }

        /// The value of the pins' drive strength, 0 to 7, that gives this current in µA.
        pub(crate) fn drive_strength(self, microamp: u32) -> Option<u16> {
            let currents = match self {
                Self::V3_3 => [3070, 4080, 4370, 4680, 5020, 5450, 5740, 6140],
                Self::V1_8 => [1200, 2100, 2700, 2910, 3110, 3600, 3970, 4350],
            };
            (0..)
                .zip(currents)
                .find(|&(_, current)| current == microamp)
                .map(|(value, _)| value)
        }
    }
}

/// RGMII_Config1 (extended 0xa003).
pub(crate) mod rgmii_config1 {
    use super::chip_config;

    pub(crate) const REG: u16 = 0xa003;
    /// The transmit clock is inverted.
    pub(crate) const TX_CLK_SEL_INVERTED: u16 = 1 << 14;
    const RX_DELAY_SHIFT: u16 = 10;
    const GE_TX_DELAY_SHIFT: u16 = 0;
    /// The delays of the receive clock, and of the transmit clock at 1 Gbit/s.
    pub(crate) const DELAYS: u16 = 0xf << RX_DELAY_SHIFT | 0xf << GE_TX_DELAY_SHIFT;

    const STEP_PS: u32 = 150;
    const STEPS_MAX: u32 = 15;
    const RXC_DLY_PS: u32 = 1900;

    /// A number of steps, 0 to 15.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Steps(u16);

    impl Steps {
        /// 1.95 ns, what both clocks get by default.
        pub(crate) const DEFAULT: Self = Self(13);
        pub(crate) const NONE: Self = Self(0);

        /// [`None`] for a delay that the chip cannot give.
        pub(crate) fn from_ps(ps: u32) -> Option<Self> {
            let steps = ps / STEP_PS;
            // CAST: At most 15.
            (ps % STEP_PS == 0 && steps <= STEPS_MAX).then_some(Self(steps as u16))
        }
    }

    /// The delay of the receive clock.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct RxDelay {
        steps: Steps,
        /// And [`chip_config::RXC_DLY_EN`].
        fixed: bool,
    }

    impl RxDelay {
        pub(crate) const DEFAULT: Self = Self {
            steps: Steps::DEFAULT,
            fixed: false,
        };
        pub(crate) const NONE: Self = Self {
            steps: Steps::NONE,
            fixed: false,
        };

        /// [`None`] for a delay that the chip cannot give.
        pub(crate) fn from_ps(ps: u32) -> Option<Self> {
            let with = |ps, fixed| Steps::from_ps(ps).map(|steps| Self { steps, fixed });
            with(ps, false).or_else(|| with(ps.checked_sub(RXC_DLY_PS)?, true))
        }

        /// The bits of Chip_Config.
        pub(crate) fn chip_config(self) -> u16 {
            if self.fixed {
                chip_config::RXC_DLY_EN
            } else {
                0
            }
        }
    }

    /// The bits for these delays.
    pub(crate) fn delays(rx: RxDelay, tx: Steps) -> u16 {
        rx.steps.0 << RX_DELAY_SHIFT | tx.0 << GE_TX_DELAY_SHIFT
    }
}

/// WOL MAC Address (extended 0xa007 to 0xa009), from its first two bytes to its last.
pub(crate) fn wol_address_registers(mac: [u8; 6]) -> [(u16, u16); 3] {
    core::array::from_fn(|i| {
        let word = u16::from_be_bytes([mac[2 * i], mac[2 * i + 1]]);
        (0xa007 + i as u16, word)
    })
}

/// WOL Config (extended 0xa00a).
pub(crate) mod wol_config {
    pub(crate) const REG: u16 = 0xa00a;
    /// The interrupt pin tells of WoL.
    const INTR_SEL: u16 = 1 << 6;
    pub(crate) const ENABLE: u16 = 1 << 3;
    /// How long a pulse is; 3 for 672 ms.
    const PULSE_WIDTH: u16 = 0x3 << 1;
    /// The pin pulses.
    const TYPE_PULSE: u16 = 1 << 0;

    /// The mask and the bits to switch it on, with pulses of 672 ms, or off.
    pub(crate) fn set(enable: bool) -> (u16, u16) {
        if enable {
            let all = INTR_SEL | ENABLE | PULSE_WIDTH | TYPE_PULSE;
            (all, all)
        } else {
            (INTR_SEL | ENABLE, 0)
        }
    }
}

/// LED0 Config (extended 0xa00c), and those of LED1 and LED2.
pub(crate) mod led_config {
    const REG: u16 = 0xa00c;
    /// How many LEDs there are.
    pub(crate) const LEDS: u8 = 3;

    const ACT_BLK_IND: u16 = 1 << 13;
    const FDX_ON_EN: u16 = 1 << 12;
    const HDX_ON_EN: u16 = 1 << 11;
    const TXACT_BLK_EN: u16 = 1 << 10;
    const RXACT_BLK_EN: u16 = 1 << 9;
    const ON_1000_EN: u16 = 1 << 6;
    const ON_100_EN: u16 = 1 << 5;
    const ON_10_EN: u16 = 1 << 4;

    /// What a LED shows.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Led {
        pub(crate) link_10: bool,
        pub(crate) link_100: bool,
        pub(crate) link_1000: bool,
        pub(crate) half_duplex: bool,
        pub(crate) full_duplex: bool,
        pub(crate) rx: bool,
        pub(crate) tx: bool,
    }

    /// A LED's register; [`None`] for one that there is not.
    pub(crate) fn reg(index: u8) -> Option<u16> {
        (index < LEDS).then_some(REG + u16::from(index))
    }

    impl Led {
        pub(crate) fn to_register(self) -> u16 {
            [
                (ON_10_EN, self.link_10),
                (ON_100_EN, self.link_100),
                (ON_1000_EN, self.link_1000),
                (HDX_ON_EN, self.half_duplex),
                (FDX_ON_EN, self.full_duplex),
                (RXACT_BLK_EN, self.rx),
                (TXACT_BLK_EN, self.tx),
                (ACT_BLK_IND, self.rx || self.tx),
            ]
            .iter()
            .fold(0, |all, &(bit, on)| if on { all | bit } else { all })
        }

        /// With ACT_BLK_IND a LED blinks both ways, whatever the other bits say.
        pub(crate) fn from_register(register: u16) -> Self {
            let has = |bits| register & bits != 0;
            Self {
                link_10: has(ON_10_EN),
                link_100: has(ON_100_EN),
                link_1000: has(ON_1000_EN),
                half_duplex: has(HDX_ON_EN),
                full_duplex: has(FDX_ON_EN),
                rx: has(RXACT_BLK_EN | ACT_BLK_IND),
                tx: has(TXACT_BLK_EN | ACT_BLK_IND),
            }
        }
    }
}

/// Pad Drive Strength Config (extended 0xa010) of the YT8531.
pub(crate) mod pad_drive_strength {
    pub(crate) const REG: u16 = 0xa010;
    const RXC_SHIFT: u16 = 13;
    const RXD_HIGH_SHIFT: u16 = 12;
    const RXD_LOW_SHIFT: u16 = 4;
    /// The strengths of the receive clock and of the receive data.
    pub(crate) const RX: u16 = 0x7 << RXC_SHIFT | 1 << RXD_HIGH_SHIFT | 0x3 << RXD_LOW_SHIFT;
    pub(crate) const DEFAULT: u16 = 3;

    /// The bits for these strengths, 0 to 7.
    pub(crate) fn rx(clock: u16, data: u16) -> u16 {
        clock << RXC_SHIFT | data >> 2 << RXD_HIGH_SHIFT | (data & 0x3) << RXD_LOW_SHIFT
    }
}

/// SyncE Config (extended 0xa012): what the clock output gives.
pub(crate) struct SynceConfig {
    enable: u16,
    frequency_125m: u16,
    source: u16,
    source_ref_25m: u16,
}

impl SynceConfig {
    pub(crate) const REG: u16 = 0xa012;
    /// The source is the PLL's 125 MHz with a zero in all bits of the field.
    pub(crate) const YT8521: Self = Self {
        enable: 1 << 5,
        frequency_125m: 1 << 3,
        source: 0x3 << 1,
        source_ref_25m: 3 << 1,
    };
    pub(crate) const YT8531: Self = Self {
        enable: 1 << 6,
        frequency_125m: 1 << 4,
        source: 0x7 << 1,
        source_ref_25m: 4 << 1,
    };

    /// The mask and the bits for this frequency in Hz, 0 for no clock; [`None`] for one that the
    /// chip cannot give.
    pub(crate) fn output(&self, hz: u32) -> Option<(u16, u16)> {
        let all = self.enable | self.frequency_125m | self.source;
        match hz {
            0 => Some((self.enable, 0)),
            25_000_000 => Some((all, self.enable | self.source_ref_25m)),
            125_000_000 => Some((all, self.enable | self.frequency_125m)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::chip_config::RgmiiVoltage;
    use super::led_config::Led;
    use super::rgmii_config1::{RxDelay, Steps};
    use super::specific_status::Link;
    use super::*;

    #[test]
    fn the_registers_hold_what_the_data_sheets_say() {
        assert_eq!((EXT_ADDRESS, EXT_DATA), (30, 31));
        assert_eq!((specific_status::REG, interrupt_enable::REG), (17, 18));
        assert_eq!(interrupt_enable::WOL, 0x40);
        assert_eq!((yt8511::CLK_GATE, yt8511::CLK_GATE_MASK), (0xc, 0xf7));
        assert_eq!(
            (yt8511::DELAY_DRIVE, yt8511::DELAY_DRIVE_MASK),
            (0xd, 0xf000)
        );
        assert_eq!(
            (yt8511::SLEEP_CTRL, yt8511::SLEEP_CTRL_PLL_ON),
            (0x27, 0x4000)
        );
        assert_eq!((clock_gating::REG, clock_gating::RX_CLK_EN), (0xc, 0x1000));
        assert_eq!(
            (sleep_control1::REG, sleep_control1::SLEEP_SW),
            (0x27, 0x8000)
        );
        assert_eq!((smi_sds_phy::REG, smi_sds_phy::UTP), (0xa000, 0));
        assert_eq!((chip_config::REG, chip_config::RXC_DLY_EN), (0xa001, 0x100));
        assert_eq!(
            (rgmii_config1::REG, rgmii_config1::DELAYS),
            (0xa003, 0x3c0f)
        );
        assert_eq!(rgmii_config1::TX_CLK_SEL_INVERTED, 0x4000);
        assert_eq!((wol_config::REG, wol_config::ENABLE), (0xa00a, 0x8));
        assert_eq!(
            (pad_drive_strength::REG, pad_drive_strength::RX),
            (0xa010, 0xf030)
        );
        assert_eq!((SynceConfig::REG, pad_drive_strength::DEFAULT), (0xa012, 3));
    }

    #[test]
    fn the_yt8511_delays_what_it_is_told() {
        assert_eq!(
            (yt8511::clk_gate(false, false), yt8511::delay_drive(false)),
            (0x26, 0x2000)
        );
        assert_eq!(
            (yt8511::clk_gate(true, true), yt8511::delay_drive(true)),
            (0xf7, 0xf000)
        );
    }

    #[test]
    fn the_status_gives_the_link() {
        let link = |speed, full_duplex| Some(Link { speed, full_duplex });
        assert_eq!(Link::from_register(0xa800), None);
        assert_eq!(Link::from_register(0xac00), link(Some(1000), true));
        assert_eq!(Link::from_register(0x4400), link(Some(100), false));
        assert_eq!(Link::from_register(0x2400), link(Some(10), true));
        assert_eq!(Link::from_register(0xc400), link(None, false));
        assert_eq!(Link::from_register(0x0600), link(None, false));
    }

    #[test]
    fn delays_have_their_steps() {
        assert_eq!(Steps::from_ps(1950), Some(Steps::DEFAULT));
        assert_eq!(
            Steps::from_ps(2250).map(|tx| rgmii_config1::delays(RxDelay::NONE, tx)),
            Some(0xf)
        );
        assert_eq!((Steps::from_ps(2400), Steps::from_ps(100)), (None, None));
        assert_eq!(RxDelay::from_ps(1950), Some(RxDelay::DEFAULT));
        assert_eq!(RxDelay::DEFAULT.chip_config(), 0);
        let late = RxDelay::from_ps(1900 + 300).unwrap();
        assert_eq!(
            (rgmii_config1::delays(late, Steps::NONE), late.chip_config()),
            (0x0800, 0x100)
        );
        assert!(RxDelay::from_ps(1900 + 2250).is_some());
        assert_eq!((RxDelay::from_ps(4300), RxDelay::from_ps(1)), (None, None));
    }

    #[test]
    fn currents_have_their_drive_strengths() {
        use RgmiiVoltage::{V1_8, V3_3};
        let voltages = [0x00, 0x10, 0x20, 0x30].map(RgmiiVoltage::from_register);
        assert_eq!(voltages, [Some(V3_3), None, Some(V1_8), Some(V1_8)]);
        assert_eq!(
            (V1_8.drive_strength(2910), V1_8.drive_strength(4680)),
            (Some(3), None)
        );
        assert_eq!(
            (V3_3.drive_strength(6140), V3_3.drive_strength(4680)),
            (Some(7), Some(3))
        );
        assert_eq!(pad_drive_strength::rx(3, 3), 0x6030);
        assert_eq!(pad_drive_strength::rx(7, 6), 0xf020);
    }

    #[test]
    fn the_clock_output_has_its_frequencies() {
        let outputs = [0, 25_000_000, 125_000_000, 1];
        assert_eq!(
            outputs.map(|hz| SynceConfig::YT8521.output(hz)),
            [
                Some((0x20, 0)),
                Some((0x2e, 0x26)),
                Some((0x2e, 0x28)),
                None
            ]
        );
        assert_eq!(
            outputs.map(|hz| SynceConfig::YT8531.output(hz)),
            [
                Some((0x40, 0)),
                Some((0x5e, 0x48)),
                Some((0x5e, 0x50)),
                None
            ]
        );
    }

    #[test]
    fn only_straps_for_twisted_pairs_are_utp() {
        let utp: Vec<u16> = (0x10..0x18)
            .filter(|&config| chip_config::is_utp(config))
            .collect();
        assert_eq!(utp, [0x10, 0x13]);
    }

    #[test]
    fn wol_has_its_bits() {
        assert_eq!(
            (wol_config::set(true), wol_config::set(false)),
            ((0x4f, 0x4f), (0x48, 0))
        );
        assert_eq!(
            wol_address_registers([2, 0x5e, 0x11, 0x22, 0x33, 0x44]),
            [(0xa007, 0x025e), (0xa008, 0x1122), (0xa009, 0x3344)]
        );
    }

    #[test]
    fn a_led_shows_what_was_set() {
        for value in 0..64_u8 {
            let has = |bit| value & bit != 0;
            let led = Led {
                link_10: has(1),
                link_100: has(2),
                link_1000: has(4),
                half_duplex: has(8),
                full_duplex: has(16),
                rx: has(32),
                tx: has(32),
            };
            assert_eq!(Led::from_register(led.to_register()), led);
        }
        let tx = Led {
            tx: true,
            link_1000: true,
            ..Led::default()
        };
        assert_eq!(tx.to_register(), 0x2440);
        assert_eq!(
            (led_config::reg(2), led_config::reg(3)),
            (Some(0xa00e), None)
        );
    }
}
