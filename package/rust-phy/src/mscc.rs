// SPDX-License-Identifier: GPL-2.0

//! The registers of Microsemi's (now Microchip's) VSC8531 and VSC8541, and what follows from their
//! values, free of the kernel.
//!
//! The data sheets are VMDS-10514 and VMDS-10496; names are theirs as far as the C driver quotes
//! them. A register of another page than the standard one is called by its number and the page's:
//! 20E2 is register 20 on extended page 2.

/// Extended page access (31).
pub(crate) mod page {
    pub(crate) const REG: u8 = 31;
    pub(crate) const STANDARD: u16 = 0x0000;
    /// E1.
    pub(crate) const EXTENDED_1: u16 = 0x0001;
    /// E2.
    pub(crate) const EXTENDED_2: u16 = 0x0002;
    /// Test registers.
    pub(crate) const TEST: u16 = 0x2a30;
    /// Token ring: what tunes the receiver.
    pub(crate) const TR: u16 = 0x52b5;
}

/// Bypass control (18).
pub(crate) mod bypass_control {
    pub(crate) const REG: u8 = 18;
    const DISABLE_HP_AUTO_MDIX: u16 = 1 << 7;
    const DISABLE_PAIR_SWAP_CORRECTION: u16 = 1 << 5;
    const DISABLE_POLARITY_CORRECTION: u16 = 1 << 4;
    /// The pairs are as they are forced to be.
    pub(crate) const NO_AUTO_MDIX: u16 =
        DISABLE_HP_AUTO_MDIX | DISABLE_PAIR_SWAP_CORRECTION | DISABLE_POLARITY_CORRECTION;
}

/// Extended mode control (19E1).
pub(crate) mod ext_mode_control {
    pub(crate) const REG: u16 = 19;
    pub(crate) const FORCE_MDI: u16 = 0x3 << 2;
    pub(crate) const FORCE_MDI_STRAIGHT: u16 = 0x2 << 2;
    pub(crate) const FORCE_MDI_CROSSED: u16 = 0x3 << 2;
}

/// Extended control and status (22).
pub(crate) mod ext_control_status {
    pub(crate) const REG: u8 = 22;
    /// All PHYs of a package take what is written.
    pub(crate) const BROADCAST_WRITE: u16 = 1 << 0;
}

/// Extended PHY control 1 (23).
pub(crate) mod ext_phy_control_1 {
    pub(crate) const REG: u8 = 23;
    /// MAC interface mode, which takes effect with a reset.
    pub(crate) const MAC_MODE: u16 = 0x3 << 11;
    pub(crate) const MAC_MODE_GMII: u16 = 0x0 << 11;
    pub(crate) const MAC_MODE_RMII: u16 = 0x1 << 11;
    pub(crate) const MAC_MODE_RGMII: u16 = 0x2 << 11;
}

/// Interrupt mask (25) and interrupt status (26), which a read clears.
pub(crate) mod interrupt {
    pub(crate) const MASK: u8 = 25;
    pub(crate) const STATUS: u8 = 26;
    /// MDINT, the pin, works.
    pub(crate) const PIN: u16 = 1 << 15;
    const LINK_CHANGE: u16 = 1 << 13;
    pub(crate) const WOL: u16 = 1 << 6;
    const EXTENDED: u16 = 1 << 5;
    /// What the driver listens to: a link that changed, and what other registers tell of.
    pub(crate) const EVENTS: u16 = PIN | LINK_CHANGE | EXTENDED;
}

/// Device auxiliary control and status (28).
pub(crate) mod aux_control_status {
    pub(crate) const REG: u8 = 28;
    /// The pairs are crossed over.
    pub(crate) const MDIX: u16 = 1 << 13;
}

/// ActiPHY control (20E1), with the downshift.
pub(crate) mod actiphy_control {
    pub(crate) const REG: u16 = 20;
    const DOWNSHIFT_ENABLE: u16 = 1 << 4;
    const DOWNSHIFT_COUNT_SHIFT: u16 = 2;
    pub(crate) const DOWNSHIFT: u16 = DOWNSHIFT_ENABLE | 0x3 << DOWNSHIFT_COUNT_SHIFT;
    /// The fewest tries that the field can say.
    const DOWNSHIFT_MIN: u8 = 2;
    const DOWNSHIFT_MAX: u8 = 5;

    /// The bits for a downshift after 2 to 5 tries, or 0 for none; [`None`] for other numbers.
    pub(crate) fn downshift(tries: u8) -> Option<u16> {
        match tries {
            0 => Some(0),
            DOWNSHIFT_MIN..=DOWNSHIFT_MAX => {
                Some(DOWNSHIFT_ENABLE | u16::from(tries - DOWNSHIFT_MIN) << DOWNSHIFT_COUNT_SHIFT)
            }
            _ => None,
        }
    }

    /// After how many tries there is a downshift; 0 for none.
    pub(crate) fn downshift_tries(register: u16) -> u8 {
        if register & DOWNSHIFT_ENABLE == 0 {
            return 0;
        }
        // CAST: The field has two bits.
        (register >> DOWNSHIFT_COUNT_SHIFT & 0x3) as u8 + DOWNSHIFT_MIN
    }
}

/// RGMII control (20E2).
pub(crate) mod rgmii_control {
    pub(crate) const REG: u16 = 20;
    /// The receive clock stands still. Reserved on these chips, and 0.
    pub(crate) const RX_CLK_DISABLE: u16 = 1 << 11;
    const RX_DELAY_SHIFT: u16 = 4;
    const TX_DELAY_SHIFT: u16 = 0;
    pub(crate) const DELAYS: u16 = 0x7 << RX_DELAY_SHIFT | 0x7 << TX_DELAY_SHIFT;
    /// The delays of the fields' values, in ps.
    pub(crate) const DELAYS_PS: [i32; 8] = [200, 800, 1100, 1700, 2000, 2300, 2600, 3400];
    /// 0.2 ns, the least.
    pub(crate) const DELAY_LEAST: u16 = 0;
    /// 2 ns, a quarter of a gigabit's clock.
    pub(crate) const DELAY_2_NS: u16 = 4;

    /// The bits for these values, 0 to 7.
    pub(crate) fn delays(rx: u16, tx: u16) -> u16 {
        rx << RX_DELAY_SHIFT | tx << TX_DELAY_SHIFT
    }
}

/// Wake-on-LAN and MAC interface control (27E2), and the registers 21E2 to 23E2 with the MAC
/// address from its last two bytes to its first.
pub(crate) mod wol_mac_control {
    pub(crate) const REG: u8 = 27;
    /// A magic packet needs a password, which is in the registers 24E2 to 26E2.
    pub(crate) const SECURE_ON: u16 = 1 << 15;
    const EDGE_RATE_SHIFT: u16 = 5;
    pub(crate) const EDGE_RATE: u16 = 0x7 << EDGE_RATE_SHIFT;

    pub(crate) const ADDRESS: [u8; 3] = [21, 22, 23];

    /// The values of [`ADDRESS`] for a MAC address.
    pub(crate) fn address(mac: [u8; 6]) -> [u16; 3] {
        core::array::from_fn(|i| u16::from_be_bytes([mac[4 - 2 * i], mac[5 - 2 * i]]))
    }

    /// The bits for pins that are slower by `slowdown` percent at `vddmac` mV; [`None`] for what
    /// the chip cannot do.
    pub(crate) fn edge_rate(vddmac: u32, slowdown: u32) -> Option<u16> {
        let slowdowns = match vddmac {
            3300 => [0, 2, 4, 7, 10, 17, 29, 53],
            2500 => [0, 3, 6, 10, 14, 23, 37, 63],
            1800 => [0, 5, 9, 16, 23, 35, 52, 76],
            1500 => [0, 6, 14, 21, 29, 42, 58, 77],
            _ => return None,
        };
        // 7 is the fastest.
        let mut rates = (0..8).rev().zip(slowdowns);
        rates
            .find(|&(_, percent)| percent == slowdown)
            .map(|(rate, _)| rate << EDGE_RATE_SHIFT)
    }
}

/// LED mode select (29) and LED behavior (30).
pub(crate) mod led {
    pub(crate) const MODE_SELECT: u8 = 29;
    pub(crate) const BEHAVIOR: u8 = 30;
    /// How many LEDs there are.
    pub(crate) const LEDS: u8 = 2;

    /// What a LED shows: a value of its field in LED mode select.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Mode(u16);

    impl Mode {
        pub(crate) const LINK_ACTIVITY: Self = Self(0);
        pub(crate) const LINK_1000_ACTIVITY: Self = Self(1);
        pub(crate) const LINK_100_ACTIVITY: Self = Self(2);
        pub(crate) const FORCE_OFF: Self = Self(14);
        pub(crate) const FORCE_ON: Self = Self(15);
        const LINK_10_ACTIVITY: Self = Self(3);
        const LINK_100_1000_ACTIVITY: Self = Self(4);
        const LINK_10_1000_ACTIVITY: Self = Self(5);
        const LINK_10_100_ACTIVITY: Self = Self(6);
        const ACTIVITY: Self = Self(10);

        /// The mode with this number in the device tree; [`None`] if these chips do not have it.
        pub(crate) fn new(number: u32) -> Option<Self> {
            match number {
                // CAST: Not above 15. 7 and 11 are for fiber.
                0..=6 | 8..=10 | 12..=15 => Some(Self(number as u16)),
                _ => None,
            }
        }
    }

    /// For which links a LED is lit.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Link {
        pub(crate) any: bool,
        pub(crate) at_10: bool,
        pub(crate) at_100: bool,
        pub(crate) at_1000: bool,
    }

    impl Mode {
        /// The nearest mode, as the C driver picks it: of three speeds the highest does not count.
        pub(crate) fn from_link(link: Link) -> Self {
            match (link.at_10, link.at_100, link.at_1000) {
                (true, true, _) => Self::LINK_10_100_ACTIVITY,
                (true, false, true) => Self::LINK_10_1000_ACTIVITY,
                (false, true, true) => Self::LINK_100_1000_ACTIVITY,
                (true, false, false) => Self::LINK_10_ACTIVITY,
                (false, true, false) => Self::LINK_100_ACTIVITY,
                (false, false, true) => Self::LINK_1000_ACTIVITY,
                _ if link.any => Self::LINK_ACTIVITY,
                _ => Self::FORCE_ON,
            }
        }

        /// For which links a LED is lit in this mode; [`None`] if it shows something else.
        pub(crate) fn to_link(self) -> Option<Link> {
            let link = |at_10, at_100, at_1000| {
                Some(Link {
                    any: true,
                    at_10,
                    at_100,
                    at_1000,
                })
            };
            match self {
                Self::LINK_ACTIVITY | Self::ACTIVITY => link(false, false, false),
                Self::LINK_1000_ACTIVITY => link(false, false, true),
                Self::LINK_100_ACTIVITY => link(false, true, false),
                Self::LINK_10_ACTIVITY => link(true, false, false),
                Self::LINK_100_1000_ACTIVITY => link(false, true, true),
                Self::LINK_10_1000_ACTIVITY => link(true, false, true),
                Self::LINK_10_100_ACTIVITY => link(true, true, false),
                _ => None,
            }
        }

        /// LED mode select: the mask and the bits for a LED.
        pub(crate) fn select(self, index: u8) -> (u16, u16) {
            (0xf << (4 * index), self.0 << (4 * index))
        }

        /// A LED's mode, by LED mode select.
        pub(crate) fn selected(index: u8, register: u16) -> Self {
            Self(register >> (4 * index) & 0xf)
        }
    }

    /// LED behavior: the bit with which a LED shows its link alone, and no activity.
    pub(crate) fn combine_disable(index: u8) -> u16 {
        1 << index
    }
}

/// A counter, which a read clears.
pub(crate) struct Counter {
    pub(crate) page: u16,
    pub(crate) reg: u16,
    pub(crate) mask: u16,
}

/// Receive errors (19), false carriers (20), disconnects (21), good frames (18E1) and frames with a
/// wrong checksum (23E1).
pub(crate) const COUNTERS: [Counter; 5] = {
    const fn counter(page: u16, reg: u16, mask: u16) -> Counter {
        Counter { page, reg, mask }
    }
    [
        counter(page::STANDARD, 19, 0xff),
        counter(page::STANDARD, 20, 0xff),
        counter(page::STANDARD, 21, 0xff),
        counter(page::EXTENDED_1, 18, 0x3fff),
        counter(page::EXTENDED_1, 23, 0xff),
    ]
};

/// What Microsemi wants in undocumented registers. The numbers are the C driver's.
pub(crate) mod init_script {
    /// On the test page: (register, mask, bits). The last one opens the token ring.
    pub(crate) const TEST: [(u8, u16, u16); 3] = [
        (24, 0x0400, 0x0400),
        (5, 0x0e00, 0x0e00),
        (8, 0x8000, 0x8000),
    ];

    /// Token ring access: the high and the low half of a value, then its address.
    pub(crate) const TR_MSB: u8 = 18;
    pub(crate) const TR_LSB: u8 = 17;
    pub(crate) const TR_CONTROL: u8 = 16;
    pub(crate) const TR_WRITE: u16 = 1 << 15;

    /// What the receiver and then EEE need: (address, value).
    pub(crate) const TR_VALUES: [(u16, u32); 22] = [
        (0x0f90, 0x0068_8980),
        (0x0696, 0x0000_0003),
        (0x07fa, 0x0050_100f),
        (0x1686, 0x0000_0004),
        (0x0f82, 0x0012_b00a),
        (0x1686, 0x0000_0004),
        (0x168c, 0x00d2_c46f),
        (0x17a2, 0x0000_0620),
        (0x16a0, 0x00ee_ffdd),
        (0x16a6, 0x0007_1448),
        (0x16a4, 0x0013_132f),
        (0x16a8, 0x0000_0000),
        (0x0ffc, 0x00c0_a028),
        (0x0fe8, 0x0091_b06c),
        (0x0fea, 0x0004_1600),
        (0x0f80, 0x0000_0af4),
        (0x0fec, 0x0090_1809),
        (0x0fee, 0x0000_a6a1),
        (0x0ffe, 0x00b0_1007),
        (0x16b0, 0x00ee_ff00),
        (0x16b2, 0x0000_7000),
        (0x16b4, 0x0000_0814),
    ];
}

#[cfg(test)]
mod tests {
    use super::led::{Link, Mode};
    use super::*;

    #[test]
    fn the_registers_hold_what_the_data_sheet_says() {
        assert_eq!((page::REG, page::TEST, page::TR), (31, 0x2a30, 0x52b5));
        assert_eq!(
            (page::STANDARD, page::EXTENDED_1, page::EXTENDED_2),
            (0, 1, 2)
        );
        assert_eq!(
            (bypass_control::REG, bypass_control::NO_AUTO_MDIX),
            (18, 0xb0)
        );
        assert_eq!(
            (ext_mode_control::REG, ext_mode_control::FORCE_MDI),
            (19, 0xc)
        );
        assert_eq!(ext_mode_control::FORCE_MDI_STRAIGHT, 0x8);
        assert_eq!(ext_mode_control::FORCE_MDI_CROSSED, 0xc);
        assert_eq!(
            (ext_control_status::REG, ext_control_status::BROADCAST_WRITE),
            (22, 1)
        );
        assert_eq!(
            (ext_phy_control_1::REG, ext_phy_control_1::MAC_MODE),
            (23, 0x1800)
        );
        assert_eq!(ext_phy_control_1::MAC_MODE_RGMII, 0x1000);
        assert_eq!(ext_phy_control_1::MAC_MODE_RMII, 0x0800);
        assert_eq!(ext_phy_control_1::MAC_MODE_GMII, 0);
        assert_eq!((interrupt::MASK, interrupt::STATUS), (25, 26));
        assert_eq!((interrupt::EVENTS, interrupt::PIN), (0xa020, 0x8000));
        assert_eq!(interrupt::WOL, 0x40);
        assert_eq!(
            (aux_control_status::REG, aux_control_status::MDIX),
            (28, 0x2000)
        );
        assert_eq!(
            (actiphy_control::REG, actiphy_control::DOWNSHIFT),
            (20, 0x1c)
        );
        assert_eq!((rgmii_control::REG, rgmii_control::DELAYS), (20, 0x77));
        assert_eq!(rgmii_control::RX_CLK_DISABLE, 0x800);
        assert_eq!(
            (wol_mac_control::REG, wol_mac_control::EDGE_RATE),
            (27, 0xe0)
        );
        assert_eq!(
            (wol_mac_control::SECURE_ON, wol_mac_control::ADDRESS),
            (0x8000, [21, 22, 23])
        );
        assert_eq!((led::MODE_SELECT, led::BEHAVIOR, led::LEDS), (29, 30, 2));
        let counters = COUNTERS.map(|Counter { page, reg, mask }| (page, reg, mask));
        assert_eq!(counters[0], (0, 19, 0xff));
        assert_eq!(counters[3..], [(1, 18, 0x3fff), (1, 23, 0xff)]);
        assert_eq!(init_script::TEST.map(|(reg, _, _)| reg), [24, 5, 8]);
        assert_eq!((init_script::TR_MSB, init_script::TR_LSB), (18, 17));
        assert_eq!(
            (init_script::TR_CONTROL, init_script::TR_WRITE),
            (16, 0x8000)
        );
        // Addresses are even and have 15 bits, values 24.
        assert!(init_script::TR_VALUES
            .iter()
            .all(|&(address, value)| address & 0x8001 == 0 && value >> 24 == 0));
    }

    #[test]
    fn delays_have_their_values() {
        let ps = |value: u16| rgmii_control::DELAYS_PS[usize::from(value)];
        assert_eq!(ps(rgmii_control::DELAY_LEAST), 200);
        assert_eq!(ps(rgmii_control::DELAY_2_NS), 2000);
        assert_eq!(rgmii_control::delays(7, 4), 0x74);
        assert!(rgmii_control::DELAYS_PS.is_sorted());
    }

    #[test]
    fn downshifts_after_as_many_tries_as_set() {
        for tries in [0, 2, 3, 4, 5] {
            let bits = actiphy_control::downshift(tries).unwrap();
            assert_eq!(bits & !actiphy_control::DOWNSHIFT, 0);
            assert_eq!(actiphy_control::downshift_tries(bits), tries);
        }
        assert_eq!(actiphy_control::downshift(3), Some(0x14));
        assert_eq!(actiphy_control::downshift_tries(0x000c), 0);
        assert_eq!([1, 6, 254].map(actiphy_control::downshift), [None; 3]);
    }

    #[test]
    fn edges_are_as_slow_as_the_supply_allows() {
        assert_eq!(wol_mac_control::edge_rate(3300, 0), Some(0xe0));
        assert_eq!(wol_mac_control::edge_rate(1800, 76), Some(0));
        assert_eq!(wol_mac_control::edge_rate(2500, 14), Some(3 << 5));
        assert_eq!(wol_mac_control::edge_rate(1500, 77), Some(0));
        assert_eq!(wol_mac_control::edge_rate(3300, 76), None);
        assert_eq!(wol_mac_control::edge_rate(1200, 0), None);
    }

    #[test]
    fn the_address_goes_into_three_registers() {
        assert_eq!(
            wol_mac_control::address([2, 0x5e, 0x11, 0x22, 0x33, 0x44]),
            [0x3344, 0x1122, 0x025e]
        );
    }

    #[test]
    fn a_led_has_its_mode() {
        let modes: Vec<u32> = (0..20)
            .filter(|&number| Mode::new(number).is_some())
            .collect();
        assert_eq!(modes, [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15]);
        assert_eq!(Mode::LINK_100_ACTIVITY.select(1), (0xf0, 0x20));
        assert_eq!(Mode::selected(1, 0x00f3), Mode::FORCE_ON);
        assert_eq!((led::combine_disable(0), led::combine_disable(1)), (1, 2));
        for mode in (0..7).filter_map(Mode::new) {
            assert_eq!(Mode::from_link(mode.to_link().unwrap()), mode);
        }
        assert_eq!(Mode::FORCE_OFF.to_link(), None);
        assert_eq!(Mode::from_link(Link::default()), Mode::FORCE_ON);
        let all = Link {
            any: true,
            at_10: true,
            at_100: true,
            at_1000: true,
        };
        assert_eq!(Mode::from_link(all), Mode::new(6).unwrap());
    }
}
