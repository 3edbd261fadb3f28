// SPDX-License-Identifier: GPL-2.0

//! The registers of Realtek's RTL8201 and RTL8211 PHYs, and what follows from their values, free
//! of the kernel.
//!
//! Names are those of the data sheets: RTL8201F/FL/FN 1.4, RTL8211E/EG 1.8, RTL8211F(I) 1.4. What
//! these leave out is named after the comment that says where it is from.

/// PAGSR (31): which page the registers 16 to 30 are of.
pub(crate) const PAGSR: u8 = 31;

/// The RTL8201F's.
pub(crate) mod rtl8201f {
    /// IER, on page 7.
    pub(crate) const IER_PAGE: u16 = 7;
    pub(crate) const IER: u16 = 19;
    /// int_linkchg, int_dupchg, int_anerr.
    pub(crate) const IER_LINK_EVENTS: u16 = 1 << 13 | 1 << 12 | 1 << 11;
    /// IISDR, the interrupts that are pending; a read clears them.
    pub(crate) const IISDR: u8 = 30;
    /// Auto-negotiation error, duplex change, link change.
    pub(crate) const IISDR_LINK_EVENTS: u16 = 1 << 15 | 1 << 13 | 1 << 11;
}

/// The RTL8211E's.
pub(crate) mod rtl8211e {
    /// INER, and INSR with the interrupts that are pending, which a read clears.
    pub(crate) const INER: u8 = 18;
    pub(crate) const INSR: u8 = 19;
    /// Link status change.
    pub(crate) const INER_LINK_STATUS: u16 = 1 << 10;

    /// On page 7 the register ExtPage (30) selects an extension page.
    pub(crate) const EXT_PAGE: u16 = 7;
    pub(crate) const EXT_PAGE_SELECT: u8 = 30;

    /// LACR and LCR, LED control, on extension page 44.
    pub(crate) const LED_EXT_PAGE: u16 = 44;
    pub(crate) const LACR: u8 = 26;
    pub(crate) const LCR: u8 = 28;

    /// On extension page 164: RGMII delays. Not in the data sheet; from a sample driver, by way of
    /// the C driver.
    pub(crate) const RGMII_EXT_PAGE: u16 = 164;
    pub(crate) const RGMII: u8 = 28;
    /// The bits below count, not the pins.
    const FORCE_DELAY: u16 = 1 << 13;
    const TX_DELAY: u16 = 1 << 12;
    const RX_DELAY: u16 = 1 << 11;
    pub(crate) const RGMII_MASK: u16 = FORCE_DELAY | TX_DELAY | RX_DELAY;

    /// The register for these delays.
    pub(crate) fn rgmii(rx_delay: bool, tx_delay: bool) -> u16 {
        let rx = if rx_delay { RX_DELAY } else { 0 };
        let tx = if tx_delay { TX_DELAY } else { 0 };
        FORCE_DELAY | rx | tx
    }
}

/// The RTL8211F's and the RTL8211F-VD's.
pub(crate) mod rtl8211f {
    /// INER, on page 0xa42, and INSR with the interrupts that are pending, which a read clears.
    pub(crate) const INER_PAGE: u16 = 0xa42;
    pub(crate) const INER: u16 = 18;
    pub(crate) const INSR: u8 = 29;
    /// Link status change.
    pub(crate) const INER_LINK_STATUS: u16 = 1 << 4;
    /// Power management event: what WoL waits for.
    pub(crate) const INER_PME: u16 = 1 << 7;

    /// PHYCR1.
    pub(crate) const PHYCR1: u8 = 24;
    /// ALDPS Enable, with the PLL and the crystal off meanwhile.
    pub(crate) const PHYCR1_ALDPS: u16 = 1 << 12 | 1 << 2 | 1 << 1;

    /// PHYCR2.
    pub(crate) const PHYCR2: u8 = 25;
    /// CLKOUT SSC Capability, CLKOUT SSC Enable.
    pub(crate) const PHYCR2_CLKOUT_SSC: u16 = 0x3 << 12 | 1 << 7;
    /// PHY-mode EEE Enable.
    pub(crate) const PHYCR2_PHY_EEE: u16 = 1 << 5;
    /// RXC and system clock SSC Enable.
    pub(crate) const PHYCR2_SYSCLK_SSC: u16 = 1 << 3;
    /// CLKOUT Enable.
    pub(crate) const PHYCR2_CLKOUT: u16 = 1 << 0;

    /// PHYSR.
    pub(crate) const PHYSR: u8 = 26;

    /// LCR, LED control, on page 0xd04.
    pub(crate) const LCR_PAGE: u16 = 0xd04;
    pub(crate) const LCR: u16 = 16;

    /// On page 0xd05 of the RTL8211F-VD: CLKOUT. From the C driver.
    pub(crate) const VD_CLKOUT_PAGE: u16 = 0xd05;
    pub(crate) const VD_CLKOUT: u16 = 17;
    pub(crate) const VD_CLKOUT_ENABLE: u16 = 1 << 8;

    /// MIICR1 and MIICR2, on page 0xd08: delays of 2 ns.
    pub(crate) const RGMII_PAGE: u16 = 0xd08;
    pub(crate) const MIICR1: u16 = 17;
    pub(crate) const MIICR1_TX_DELAY: u16 = 1 << 8;
    pub(crate) const MIICR2: u16 = 21;
    pub(crate) const MIICR2_RX_DELAY: u16 = 1 << 3;

    /// Spread spectrum clocks, from the application note on EMI, 1.2: (page, register, value).
    pub(crate) const SSC_RXC: (u16, u16, u16) = (0xc44, 19, 0x5f00);
    pub(crate) const SSC_SYSCLK: (u16, u16, u16) = (0xc44, 23, 0x4f00);
    pub(crate) const SSC_CLKOUT: (u16, u16, u16) = (0xd09, 16, 0xcf00);

    /// On page 0xd8a: which events WoL waits for, and the longest packet.
    pub(crate) const WOL_PAGE: u16 = 0xd8a;
    pub(crate) const WOL_EVENTS: u8 = 16;
    pub(crate) const WOL_EVENTS_MAGIC: u16 = 1 << 12;
    pub(crate) const WOL_MAX_PACKET: u8 = 17;
    /// Zero resets WoL.
    pub(crate) const WOL_MAX_PACKET_RSTB: u16 = 1 << 15;
    /// The longest packet of all, and WoL in reset.
    pub(crate) const WOL_MAX_PACKET_LONGEST: u16 = 0x1fff;

    /// On page 0xd8c: the MAC address, in three registers.
    pub(crate) const MAC_PAGE: u16 = 0xd8c;
    pub(crate) const MAC: [u8; 3] = [16, 17, 18];

    /// A link's speed, from PHYSR.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Link {
        /// In Mbit/s; [`None`] for the reserved value.
        pub(crate) speed: Option<u32>,
        pub(crate) full_duplex: bool,
        /// We give the clock of a gigabit link.
        pub(crate) master: bool,
    }

    impl Link {
        pub(crate) fn from_physr(physr: u16) -> Self {
            Self {
                speed: match physr >> 4 & 0x3 {
                    0 => Some(10),
                    1 => Some(100),
                    2 => Some(1000),
                    _ => None,
                },
                full_duplex: physr & 1 << 3 != 0,
                master: physr & 1 << 11 != 0,
            }
        }
    }
}

/// What a LED shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Led {
    pub(crate) link_10: bool,
    pub(crate) link_100: bool,
    pub(crate) link_1000: bool,
    /// Blinks when frames come or go.
    pub(crate) activity: bool,
}

/// How many LEDs the RTL8211E and the RTL8211F have.
pub(crate) const LEDS: u8 = 3;

/// How a chip's registers say what a LED shows: a bit for each of it, and the distance from one
/// LED's bits to the next one's.
pub(crate) struct LedBits {
    link_10: u16,
    link_100: u16,
    link_1000: u16,
    activity: u16,
    /// All of a LED's bits, with those that are reserved and stay 0.
    mask: u16,
    distance: u8,
}

impl LedBits {
    /// LCR of the RTL8211F.
    pub(crate) const RTL8211F_LCR: Self = Self {
        link_10: 1 << 0,
        link_100: 1 << 1,
        link_1000: 1 << 3,
        activity: 1 << 4,
        mask: 0x1f,
        distance: 5,
    };
    /// LCR of the RTL8211E.
    pub(crate) const RTL8211E_LCR: Self = Self {
        link_10: 1 << 0,
        link_100: 1 << 1,
        link_1000: 1 << 2,
        activity: 0,
        mask: 0x7,
        distance: 4,
    };
    /// LACR of the RTL8211E.
    pub(crate) const RTL8211E_LACR: Self = Self {
        link_10: 0,
        link_100: 0,
        link_1000: 0,
        activity: 1 << 4,
        mask: 1 << 4,
        distance: 1,
    };
    /// LCR of the RTL8211F: activity blinks at all speeds, not at those of the LED alone.
    pub(crate) const RTL8211F_LCR_MODE_B: u16 = 1 << 15;

    /// The bits of a LED.
    pub(crate) fn mask(&self, index: u8) -> u16 {
        self.mask << (self.distance * index)
    }

    /// The register's bits for a LED.
    pub(crate) fn encode(&self, index: u8, led: Led) -> u16 {
        let bit = |bit, on| if on { bit } else { 0 };
        let bits = bit(self.link_10, led.link_10)
            | bit(self.link_100, led.link_100)
            | bit(self.link_1000, led.link_1000)
            | bit(self.activity, led.activity);
        bits << (self.distance * index)
    }

    /// What a LED shows, by this register.
    pub(crate) fn decode(&self, index: u8, register: u16) -> Led {
        let bits = register >> (self.distance * index);
        Led {
            link_10: bits & self.link_10 != 0,
            link_100: bits & self.link_100 != 0,
            link_1000: bits & self.link_1000 != 0,
            activity: bits & self.activity != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registers_hold_what_the_data_sheets_say() {
        assert_eq!((PAGSR, LEDS), (31, 3));
        assert_eq!((rtl8201f::IER_PAGE, rtl8201f::IER), (7, 19));
        assert_eq!(rtl8201f::IER_LINK_EVENTS, 0x3800);
        assert_eq!((rtl8201f::IISDR, rtl8201f::IISDR_LINK_EVENTS), (30, 0xa800));
        assert_eq!((rtl8211e::INER, rtl8211e::INSR), (18, 19));
        assert_eq!(rtl8211e::INER_LINK_STATUS, 0x0400);
        assert_eq!((rtl8211e::EXT_PAGE, rtl8211e::EXT_PAGE_SELECT), (7, 30));
        assert_eq!(
            (rtl8211e::LED_EXT_PAGE, rtl8211e::LACR, rtl8211e::LCR),
            (0x2c, 26, 28)
        );
        assert_eq!((rtl8211e::RGMII_EXT_PAGE, rtl8211e::RGMII), (0xa4, 28));
        assert_eq!(rtl8211e::RGMII_MASK, 0x3800);
        assert_eq!(
            (rtl8211f::INER_PAGE, rtl8211f::INER, rtl8211f::INSR),
            (0xa42, 18, 29)
        );
        assert_eq!(
            (rtl8211f::INER_LINK_STATUS, rtl8211f::INER_PME),
            (0x10, 0x80)
        );
        assert_eq!((rtl8211f::PHYCR1, rtl8211f::PHYCR1_ALDPS), (24, 0x1006));
        assert_eq!((rtl8211f::PHYCR2, rtl8211f::PHYSR), (25, 26));
        assert_eq!(
            (rtl8211f::PHYCR2_CLKOUT, rtl8211f::PHYCR2_CLKOUT_SSC),
            (1, 0x3080)
        );
        assert_eq!(
            (rtl8211f::PHYCR2_PHY_EEE, rtl8211f::PHYCR2_SYSCLK_SSC),
            (0x20, 0x8)
        );
        assert_eq!((rtl8211f::LCR_PAGE, rtl8211f::LCR), (0xd04, 16));
        assert_eq!((rtl8211f::VD_CLKOUT_PAGE, rtl8211f::VD_CLKOUT), (0xd05, 17));
        assert_eq!(rtl8211f::VD_CLKOUT_ENABLE, 0x100);
        assert_eq!(
            (rtl8211f::RGMII_PAGE, rtl8211f::MIICR1, rtl8211f::MIICR2),
            (0xd08, 17, 21)
        );
        assert_eq!(
            (rtl8211f::MIICR1_TX_DELAY, rtl8211f::MIICR2_RX_DELAY),
            (0x100, 0x8)
        );
        assert_eq!(rtl8211f::SSC_RXC, (0xc44, 0x13, 0x5f00));
        assert_eq!(rtl8211f::SSC_SYSCLK, (0xc44, 0x17, 0x4f00));
        assert_eq!(rtl8211f::SSC_CLKOUT, (0xd09, 0x10, 0xcf00));
        assert_eq!((rtl8211f::WOL_PAGE, rtl8211f::WOL_EVENTS), (0xd8a, 16));
        assert_eq!(
            (rtl8211f::WOL_MAX_PACKET, rtl8211f::WOL_EVENTS_MAGIC),
            (17, 0x1000)
        );
        assert_eq!(
            rtl8211f::WOL_MAX_PACKET_RSTB | rtl8211f::WOL_MAX_PACKET_LONGEST,
            0x9fff
        );
        assert_eq!((rtl8211f::MAC_PAGE, rtl8211f::MAC), (0xd8c, [16, 17, 18]));
    }

    #[test]
    fn the_rtl8211e_delays_what_it_is_told() {
        assert_eq!(rtl8211e::rgmii(false, false), 0x2000);
        assert_eq!(rtl8211e::rgmii(true, false), 0x2800);
        assert_eq!(rtl8211e::rgmii(false, true), 0x3000);
        assert_eq!(rtl8211e::rgmii(true, true), 0x3800);
    }

    #[test]
    fn physr_gives_the_link() {
        let link = rtl8211f::Link::from_physr(0x082c);
        assert_eq!(
            (link.speed, link.full_duplex, link.master),
            (Some(1000), true, true)
        );
        let link = rtl8211f::Link::from_physr(0x0014);
        assert_eq!(
            (link.speed, link.full_duplex, link.master),
            (Some(100), false, false)
        );
        assert_eq!(rtl8211f::Link::from_physr(0x0004).speed, Some(10));
        assert_eq!(rtl8211f::Link::from_physr(0x003c).speed, None);
    }

    #[test]
    fn a_led_shows_what_was_set() {
        for value in 0..16_u8 {
            let led = Led {
                link_10: value & 1 != 0,
                link_100: value & 2 != 0,
                link_1000: value & 4 != 0,
                activity: value & 8 != 0,
            };
            for index in 0..LEDS {
                let bits = LedBits::RTL8211F_LCR.encode(index, led);
                assert_eq!(bits & !LedBits::RTL8211F_LCR.mask(index), 0);
                assert_eq!(LedBits::RTL8211F_LCR.decode(index, bits), led);
                let mut both =
                    LedBits::RTL8211E_LCR.decode(index, LedBits::RTL8211E_LCR.encode(index, led));
                both.activity = LedBits::RTL8211E_LACR
                    .decode(index, LedBits::RTL8211E_LACR.encode(index, led))
                    .activity;
                assert_eq!(both, led);
            }
        }
        assert_eq!(LedBits::RTL8211F_LCR.mask(2), 0x7c00);
        assert_eq!(LedBits::RTL8211E_LCR.mask(1), 0x0070);
        assert_eq!(LedBits::RTL8211E_LACR.mask(2), 0x0040);
        assert_eq!(LedBits::RTL8211F_LCR_MODE_B, 0x8000);
    }
}
