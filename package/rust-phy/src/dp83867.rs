// SPDX-License-Identifier: GPL-2.0

//! The registers of Texas Instruments' DP83867, and what follows from their values, free of the
//! kernel.
//!
//! Names are those of the data sheet, SNLS484.

/// PHYCR (0x10), PHY Control.
pub(crate) mod phycr {
    pub(crate) const REG: u8 = 0x10;
    const TX_FIFO_DEPTH_SHIFT: u16 = 14;
    const RX_FIFO_DEPTH_SHIFT: u16 = 12;
    /// The largest depth that the fields hold.
    pub(crate) const FIFO_DEPTH_MAX: u32 = 3;
    /// What a FIFO has after a reset: four bytes, or nibbles.
    pub(crate) const FIFO_DEPTH_4_B_NIB: u16 = 1;
    const SGMII_EN: u16 = 1 << 11;
    pub(crate) const FORCE_LINK_GOOD: u16 = 1 << 10;
    pub(crate) const MDI_CROSSOVER: u16 = 0x3 << 5;
    pub(crate) const MDI_CROSSOVER_MDI: u16 = 0x0 << 5;
    pub(crate) const MDI_CROSSOVER_MDIX: u16 = 0x1 << 5;
    pub(crate) const MDI_CROSSOVER_AUTO: u16 = 0x3 << 5;

    /// The register with these depths of the FIFOs. Only SGMII has the one for reception.
    pub(crate) fn with_fifos(register: u16, tx_depth: u16, sgmii_rx_depth: Option<u16>) -> u16 {
        let register = register & !(0x3 << TX_FIFO_DEPTH_SHIFT) & !SGMII_EN;
        let register = register | tx_depth << TX_FIFO_DEPTH_SHIFT;
        match sgmii_rx_depth {
            None => register,
            Some(depth) => {
                register & !(0x3 << RX_FIFO_DEPTH_SHIFT) | depth << RX_FIFO_DEPTH_SHIFT | SGMII_EN
            }
        }
    }
}

/// PHYSTS (0x11), PHY Status.
pub(crate) mod physts {
    pub(crate) const REG: u8 = 0x11;
    const SPEED_1000: u16 = 1 << 15;
    const SPEED_100: u16 = 1 << 14;
    const DUPLEX: u16 = 1 << 13;
    const LINK_STATUS: u16 = 1 << 10;
    /// Pairs C and D, A and B are crossed over.
    const MDI_X: u16 = 0x3 << 8;

    /// What the register says of the link.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Link {
        /// In Mbit/s.
        pub(crate) speed: u32,
        pub(crate) full_duplex: bool,
        /// The pairs are crossed over; [`None`] without a link, and if only some of them are.
        pub(crate) mdix: Option<bool>,
    }

    impl Link {
        pub(crate) fn from_register(status: u16) -> Self {
            Self {
                speed: match status & (SPEED_1000 | SPEED_100) {
                    0 => 10,
                    SPEED_100 => 100,
                    // Both is reserved.
                    _ => 1000,
                },
                full_duplex: status & DUPLEX != 0,
                mdix: match (status & LINK_STATUS, status & MDI_X) {
                    (0, _) => None,
                    (_, 0) => Some(false),
                    (_, MDI_X) => Some(true),
                    _ => None,
                },
            }
        }
    }
}

/// MICR (0x12), MII Interrupt Control, and ISR (0x13), Interrupt Status, which a read clears.
pub(crate) mod interrupt {
    pub(crate) const MICR: u8 = 0x12;
    pub(crate) const ISR: u8 = 0x13;
    const AUTONEG_ERR: u16 = 1 << 15;
    const SPEED_CHNG: u16 = 1 << 14;
    const DUPLEX_MODE_CHNG: u16 = 1 << 13;
    const AUTONEG_COMP: u16 = 1 << 11;
    const LINK_STATUS_CHNG: u16 = 1 << 10;
    const SLEEP_MODE_CHNG: u16 = 1 << 4;
    pub(crate) const WOL: u16 = 1 << 3;
    /// After these the link may be another.
    pub(crate) const LINK_EVENTS: u16 = AUTONEG_ERR
        | SPEED_CHNG
        | DUPLEX_MODE_CHNG
        | AUTONEG_COMP
        | LINK_STATUS_CHNG
        | SLEEP_MODE_CHNG;
}

/// CFG2 (0x14), Configuration 2.
pub(crate) mod cfg2 {
    pub(crate) const REG: u8 = 0x14;
    const SPEED_OPT_ATTEMPT_CNT_SHIFT: u16 = 10;
    const SPEED_OPT_ATTEMPT_CNT: u16 = 0x3 << SPEED_OPT_ATTEMPT_CNT_SHIFT;
    /// Speed optimization, and the enhanced mode in which 10BASE-Te is tried, too.
    pub(crate) const SPEED_OPT: u16 = 0x3 << 8;
    pub(crate) const SGMII_AUTONEG_EN: u16 = 1 << 7;

    /// The most attempts before a downshift.
    pub(crate) const DOWNSHIFT_MAX: u8 = 8;

    /// The mask and the bits for a downshift after so many attempts; 0 for none, which leaves the
    /// counter alone. [`None`] if the counter cannot have that value.
    pub(crate) fn downshift(attempts: u8) -> Option<(u16, u16)> {
        if attempts == 0 {
            return Some((SPEED_OPT, 0));
        }
        if !attempts.is_power_of_two() || attempts > DOWNSHIFT_MAX {
            return None;
        }
        // CAST: At most 3.
        let counter = attempts.trailing_zeros() as u16;
        Some((
            SPEED_OPT | SPEED_OPT_ATTEMPT_CNT,
            SPEED_OPT | counter << SPEED_OPT_ATTEMPT_CNT_SHIFT,
        ))
    }

    /// After how many attempts there is a downshift; 0 for none.
    pub(crate) fn downshift_attempts(register: u16) -> u8 {
        if register & SPEED_OPT == 0 {
            return 0;
        }
        1 << ((register & SPEED_OPT_ATTEMPT_CNT) >> SPEED_OPT_ATTEMPT_CNT_SHIFT)
    }
}

/// LEDCR1 (0x18), which says what each LED shows, and LEDCR2 (0x19), with which it is forced.
pub(crate) mod led {
    pub(crate) const LEDCR1: u8 = 0x18;
    pub(crate) const LEDCR2: u8 = 0x19;
    /// How many LEDs there are; each has four bits in either register.
    pub(crate) const LEDS: u8 = 4;

    /// LED_SEL: what a LED shows.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Select {
        Link = 0x0,
        RxTx = 0x1,
        Tx = 0x2,
        Rx = 0x3,
        Link1000 = 0x5,
        Link100 = 0x6,
        Link10 = 0x7,
        Link10Or100 = 0x8,
        Link100Or1000 = 0x9,
        FullDuplex = 0xa,
        /// Link, and blinks when frames come or go.
        LinkRxTx = 0xb,
    }

    impl Select {
        pub(crate) const ALL: [Self; 11] = [
            Self::Link,
            Self::RxTx,
            Self::Tx,
            Self::Rx,
            Self::Link1000,
            Self::Link100,
            Self::Link10,
            Self::Link10Or100,
            Self::Link100Or1000,
            Self::FullDuplex,
            Self::LinkRxTx,
        ];

        /// The mask and the bits in LEDCR1 for this LED.
        pub(crate) fn bits(self, index: u8) -> (u16, u16) {
            (0xf << (4 * index), (self as u16) << (4 * index))
        }

        /// What LEDCR1 says this LED shows; [`None`] for what is not in [`Select::ALL`].
        pub(crate) fn from_register(index: u8, register: u16) -> Option<Self> {
            let bits = register >> (4 * index) & 0xf;
            Self::ALL.into_iter().find(|select| *select as u16 == bits)
        }
    }

    /// LED_DRV_EN in LEDCR2: this LED shows LED_DRV_VAL.
    pub(crate) fn drv_en(index: u8) -> u16 {
        1 << (4 * index)
    }

    /// LED_DRV_VAL in LEDCR2.
    pub(crate) fn drv_val(index: u8) -> u16 {
        1 << (4 * index + 1)
    }

    /// LED_POLARITY in LEDCR2: this LED's pin is high when it is on.
    pub(crate) fn polarity(index: u8) -> u16 {
        1 << (4 * index + 2)
    }
}

/// CFG3 (0x1e), Configuration 3.
pub(crate) mod cfg3 {
    pub(crate) const REG: u8 = 0x1e;
    pub(crate) const ROBUST_AUTO_MDIX: u16 = 1 << 9;
    /// The pin INT/PWDN is the interrupt's.
    pub(crate) const INT_OE: u16 = 1 << 7;
}

/// CTRL (0x1f), Control.
pub(crate) mod ctrl {
    pub(crate) const REG: u8 = 0x1f;
    /// Resets the PHY and its registers.
    pub(crate) const SW_RESET: u16 = 1 << 15;
    /// Resets the PHY but for its registers.
    pub(crate) const SW_RESTART: u16 = 1 << 14;
}

/// Extended registers, which stand in the MMD 0x1f.
pub(crate) mod ext {
    /// FLD_THR_CFG, where ENERGY_LOST_FLD_THR is 2 if a strap enabled fast link drop, and has to
    /// be 1.
    pub(crate) const FLD_THR_CFG: u16 = 0x002e;
    pub(crate) const ENERGY_LOST_FLD_THR: u16 = 0x7;
    pub(crate) const ENERGY_LOST_FLD_THR_DEFAULT: u16 = 0x1;

    /// CFG4.
    pub(crate) const CFG4: u16 = 0x0031;
    /// To be set for SGMII, and the next one to be cleared, if RX_CTRL is strapped to mode 1 or 2.
    pub(crate) const CFG4_STRAP_QUIRK_SGMII: u16 = 1 << 8;
    pub(crate) const CFG4_STRAP_QUIRK: u16 = 1 << 7;
    /// How long auto-negotiation with the MAC may take; 0 for 16 ms.
    pub(crate) const CFG4_SGMII_AUTONEG_TIMER: u16 = 0x3 << 5;
    pub(crate) const CFG4_SGMII_AUTONEG_TIMER_16MS: u16 = 0;
    /// Mirrors the pairs: A is D, B is C.
    pub(crate) const CFG4_PORT_MIRROR_EN: u16 = 1 << 0;

    /// RGMIICTL.
    pub(crate) const RGMIICTL: u16 = 0x0032;
    pub(crate) const RGMII_EN: u16 = 1 << 7;
    pub(crate) const RGMII_TX_CLK_DELAY: u16 = 1 << 1;
    pub(crate) const RGMII_RX_CLK_DELAY: u16 = 1 << 0;

    /// STRAP_STS2.
    pub(crate) const STRAP_STS2: u16 = 0x006f;
    /// A strap enabled fast link drop.
    pub(crate) const STRAP_FLD: u16 = 1 << 10;

    /// RGMIIDCTL: how long the clocks are delayed, in steps of 0.25 ns above 0.25 ns.
    pub(crate) const RGMIIDCTL: u16 = 0x0086;
    pub(crate) const RGMII_DELAY_MAX: u32 = 0xf;
    /// 2 ns.
    pub(crate) const RGMII_DELAY_DEFAULT: u16 = 0x7;

    pub(crate) fn rgmiidctl(rx: u16, tx: u16) -> u16 {
        rx | tx << 4
    }

    /// SGMIICTL1.
    pub(crate) const SGMIICTL1: u16 = 0x00d3;
    /// Six wires, with the clock of what is received, not four.
    pub(crate) const SGMII_TYPE: u16 = 1 << 14;

    /// DSP_FFE_CFG, with the data sheet's value for cables of less than a metre.
    pub(crate) const DSP_FFE_CFG: u16 = 0x012c;
    pub(crate) const DSP_FFE_CFG_SHORT_CABLE: u16 = 0x0e81;

    /// RXFCFG: what wakes the system.
    pub(crate) const RXFCFG: u16 = 0x0134;
    /// RXFPMD1 to RXFPMD3: the MAC address.
    pub(crate) const RXFPMD1: u16 = 0x0136;
    /// RXFSOP1 to RXFSOP3: the password.
    pub(crate) const RXFSOP1: u16 = 0x0139;

    /// 10M_SGMII_CFG.
    pub(crate) const SGMII_10M_CFG: u16 = 0x016f;
    /// To be cleared for 10 Mbit/s.
    pub(crate) const SGMII_10M_RATE_ADAPT: u16 = 1 << 7;

    /// IO_MUX_CFG.
    pub(crate) const IO_MUX_CFG: u16 = 0x0170;
    const CLK_O_SEL_SHIFT: u16 = 8;
    const CLK_O_SEL: u16 = 0x1f << CLK_O_SEL_SHIFT;
    const CLK_O_DISABLE: u16 = 1 << 6;
    /// IO_IMPEDANCE_CTRL, from 0 for about 70 ohm to 0x1f for about 35.
    pub(crate) const IO_IMPEDANCE: u16 = 0x1f;
    pub(crate) const IO_IMPEDANCE_HIGHEST: u16 = 0x00;
    pub(crate) const IO_IMPEDANCE_LOWEST: u16 = 0x1f;

    /// What the pin CLK_OUT gives.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum ClkOut {
        Off,
        /// CLK_O_SEL.
        Source(u16),
    }

    impl ClkOut {
        /// What a value of `ti,clk-output-sel` asks for; [`None`] if there is no such clock.
        pub(crate) fn from_property(value: u32) -> Option<Self> {
            match value {
                u32::MAX => Some(Self::Off),
                // CAST: At most 12.
                0..=0xc => Some(Self::Source(value as u16)),
                _ => None,
            }
        }

        /// The mask and the bits in IO_MUX_CFG.
        pub(crate) fn bits(self) -> (u16, u16) {
            match self {
                Self::Off => (CLK_O_DISABLE, CLK_O_DISABLE),
                Self::Source(source) => (CLK_O_DISABLE | CLK_O_SEL, source << CLK_O_SEL_SHIFT),
            }
        }
    }
}

/// What wakes the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WakeEvents {
    pub(crate) unicast: bool,
    pub(crate) broadcast: bool,
    pub(crate) magic: bool,
    /// A magic packet with the password.
    pub(crate) secure: bool,
}

/// WAKE_ON_UCAST, WAKE_ON_BCAST, WAKE_ON_MAGIC and SCRON_EN in RXFCFG, and WOL_EN.
const RXFCFG_WOL_EN: u16 = 1 << 7;
const RXFCFG_SCRON_EN: u16 = 1 << 5;
const RXFCFG_UCAST: u16 = 1 << 4;
const RXFCFG_BCAST: u16 = 1 << 2;
const RXFCFG_MAGIC: u16 = 1 << 0;

impl WakeEvents {
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }

    /// Whether RXFCFG says that WoL is on.
    pub(crate) fn are_on(rxfcfg: u16) -> bool {
        rxfcfg & RXFCFG_WOL_EN != 0
    }

    /// RXFCFG with these events. Without any the register keeps them, but WoL is off.
    pub(crate) fn to_rxfcfg(self, rxfcfg: u16) -> u16 {
        if !self.any() {
            return rxfcfg & !RXFCFG_WOL_EN;
        }
        [
            (RXFCFG_SCRON_EN, self.secure),
            (RXFCFG_UCAST, self.unicast),
            (RXFCFG_BCAST, self.broadcast),
            (RXFCFG_MAGIC, self.magic),
        ]
        .iter()
        .fold(rxfcfg | RXFCFG_WOL_EN, |register, &(bit, on)| {
            if on {
                register | bit
            } else {
                register & !bit
            }
        })
    }

    /// The events of RXFCFG. They wake the system [while WoL is on](WakeEvents::are_on).
    pub(crate) fn from_rxfcfg(rxfcfg: u16) -> Self {
        Self {
            unicast: rxfcfg & RXFCFG_UCAST != 0,
            broadcast: rxfcfg & RXFCFG_BCAST != 0,
            magic: rxfcfg & RXFCFG_MAGIC != 0,
            secure: rxfcfg & RXFCFG_SCRON_EN != 0,
        }
    }
}

/// Six bytes, a MAC address or a password, as three registers hold them.
pub(crate) fn words(bytes: [u8; 6]) -> [u16; 3] {
    core::array::from_fn(|i| u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]))
}

/// The six bytes that three registers hold.
pub(crate) fn bytes(words: [u16; 3]) -> [u8; 6] {
    core::array::from_fn(|i| words[i / 2].to_le_bytes()[i % 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registers_hold_what_the_data_sheet_says() {
        assert_eq!((phycr::REG, physts::REG, cfg2::REG), (16, 17, 20));
        assert_eq!((interrupt::MICR, interrupt::ISR), (18, 19));
        assert_eq!((interrupt::LINK_EVENTS, interrupt::WOL), (0xec10, 0x8));
        assert_eq!((led::LEDCR1, led::LEDCR2), (24, 25));
        assert_eq!((cfg3::REG, ctrl::REG), (30, 31));
        assert_eq!((cfg3::INT_OE, cfg3::ROBUST_AUTO_MDIX), (0x80, 0x200));
        assert_eq!((ctrl::SW_RESET, ctrl::SW_RESTART), (0x8000, 0x4000));
        assert_eq!((cfg2::SPEED_OPT, cfg2::SGMII_AUTONEG_EN), (0x300, 0x80));
        assert_eq!(
            (phycr::MDI_CROSSOVER, phycr::MDI_CROSSOVER_AUTO),
            (0x60, 0x60)
        );
        assert_eq!(
            (phycr::MDI_CROSSOVER_MDI, phycr::MDI_CROSSOVER_MDIX),
            (0, 0x20)
        );
        assert_eq!(
            (phycr::FORCE_LINK_GOOD, phycr::FIFO_DEPTH_4_B_NIB),
            (0x400, 1)
        );
        assert_eq!(phycr::FIFO_DEPTH_MAX, 3);
        assert_eq!(
            (ext::FLD_THR_CFG, ext::CFG4, ext::RGMIICTL),
            (0x2e, 0x31, 0x32)
        );
        assert_eq!(
            (ext::STRAP_STS2, ext::RGMIIDCTL, ext::SGMIICTL1),
            (0x6f, 0x86, 0xd3)
        );
        assert_eq!((ext::DSP_FFE_CFG, ext::RXFCFG), (0x12c, 0x134));
        assert_eq!((ext::RXFPMD1, ext::RXFSOP1), (0x136, 0x139));
        assert_eq!((ext::SGMII_10M_CFG, ext::IO_MUX_CFG), (0x16f, 0x170));
        assert_eq!(
            (ext::ENERGY_LOST_FLD_THR, ext::ENERGY_LOST_FLD_THR_DEFAULT),
            (7, 1)
        );
        assert_eq!(
            (ext::CFG4_STRAP_QUIRK_SGMII, ext::CFG4_STRAP_QUIRK),
            (0x100, 0x80)
        );
        assert_eq!(ext::CFG4_SGMII_AUTONEG_TIMER, 0x60);
        assert_eq!(ext::CFG4_SGMII_AUTONEG_TIMER_16MS, 0);
        assert_eq!((ext::CFG4_PORT_MIRROR_EN, ext::RGMII_EN), (1, 0x80));
        assert_eq!((ext::RGMII_TX_CLK_DELAY, ext::RGMII_RX_CLK_DELAY), (2, 1));
        assert_eq!((ext::STRAP_FLD, ext::SGMII_TYPE), (0x400, 0x4000));
        assert_eq!(
            (ext::DSP_FFE_CFG_SHORT_CABLE, ext::IO_IMPEDANCE),
            (0xe81, 0x1f)
        );
        assert_eq!(
            (ext::IO_IMPEDANCE_HIGHEST, ext::IO_IMPEDANCE_LOWEST),
            (0, 0x1f)
        );
        assert_eq!(
            (ext::SGMII_10M_RATE_ADAPT, ext::RGMII_DELAY_MAX),
            (0x80, 15)
        );
        assert_eq!(ext::rgmiidctl(3, ext::RGMII_DELAY_DEFAULT), 0x73);
    }

    #[test]
    fn fifos_have_their_fields() {
        assert_eq!(phycr::with_fifos(0xffff, 1, None), 0x77ff);
        assert_eq!(phycr::with_fifos(0x0000, 3, Some(2)), 0xe800);
        assert_eq!(phycr::with_fifos(0xffff, 0, Some(0)), 0x0fff);
    }

    #[test]
    fn the_status_gives_the_link() {
        use physts::Link;
        let link = |speed, full_duplex, mdix| Link {
            speed,
            full_duplex,
            mdix,
        };
        assert_eq!(Link::from_register(0xaf00), link(1000, true, Some(true)));
        assert_eq!(Link::from_register(0x4400), link(100, false, Some(false)));
        assert_eq!(Link::from_register(0x2500), link(10, true, None));
        assert_eq!(Link::from_register(0x0300), link(10, false, None));
    }

    #[test]
    fn downshifts_after_as_many_attempts_as_set() {
        for attempts in [1, 2, 4, 8] {
            let (mask, bits) = cfg2::downshift(attempts).unwrap();
            assert_eq!((mask, bits & !mask), (0x0f00, 0));
            assert_eq!(cfg2::downshift_attempts(bits), attempts);
        }
        assert_eq!(cfg2::downshift(0), Some((0x0300, 0)));
        assert_eq!(cfg2::downshift_attempts(0x0c00), 0);
        assert_eq!(cfg2::downshift(3), None);
        assert_eq!(cfg2::downshift(16), None);
        assert_eq!(cfg2::DOWNSHIFT_MAX, 8);
    }

    #[test]
    fn a_led_shows_what_was_set() {
        for select in led::Select::ALL {
            for index in 0..led::LEDS {
                let (mask, bits) = select.bits(index);
                assert_eq!(bits & !mask, 0);
                assert_eq!(led::Select::from_register(index, bits), Some(select));
            }
        }
        assert_eq!(led::Select::from_register(3, 0x4000), None);
        assert_eq!((led::drv_en(2), led::drv_val(2)), (0x100, 0x200));
        assert_eq!(led::polarity(2), 0x400);
    }

    #[test]
    fn a_clock_goes_out_or_none() {
        use ext::ClkOut;
        assert_eq!(ClkOut::from_property(12).unwrap().bits(), (0x1f40, 0x0c00));
        assert_eq!(
            ClkOut::from_property(u32::MAX).unwrap().bits(),
            (0x40, 0x40)
        );
        assert_eq!(ClkOut::from_property(13), None);
    }

    #[test]
    fn wakeup_events_have_their_bits() {
        let events = WakeEvents {
            unicast: true,
            secure: true,
            ..Default::default()
        };
        assert_eq!(events.to_rxfcfg(0x1005), 0x10b0);
        assert_eq!(WakeEvents::from_rxfcfg(0x10b0), events);
        assert_eq!(WakeEvents::default().to_rxfcfg(0x10b0), 0x1030);
        assert!(WakeEvents::are_on(0x10b0) && !WakeEvents::are_on(0x1030));
        let others = WakeEvents {
            broadcast: true,
            magic: true,
            ..Default::default()
        };
        assert_eq!(others.to_rxfcfg(0), 0x85);
    }

    #[test]
    fn six_bytes_are_three_words() {
        let mac = [2, 0x5e, 0x11, 0x22, 0x33, 0x44];
        assert_eq!(words(mac), [0x5e02, 0x2211, 0x4433]);
        assert_eq!(bytes(words(mac)), mac);
    }
}
