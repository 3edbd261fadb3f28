// SPDX-License-Identifier: GPL-2.0

//! The registers of Marvell's 88E1111 and 88E1510, and what follows from their values, free of the
//! kernel.
//!
//! Names are those of the 88E1111's data sheet, MV-S100649-00 Rev. F, and in [`m88e1510`] those of
//! the 88E1510/88E1518/88E1512/88E1514's, MV-S107146.

/// PHY Specific Control (16).
pub(crate) mod phy_specific_control {
    pub(crate) const REG: u8 = 16;
    /// MDI crossover mode.
    pub(crate) const MDI: u16 = 0x3 << 5;
    pub(crate) const MDI_STRAIGHT: u16 = 0x0 << 5;
    pub(crate) const MDI_CROSSED: u16 = 0x1 << 5;
    pub(crate) const MDI_AUTO: u16 = 0x3 << 5;
}

/// PHY Specific Status (17).
pub(crate) mod phy_specific_status {
    pub(crate) const REG: u8 = 17;
    /// Speed and duplex are resolved: the fields below are valid.
    const RESOLVED: u16 = 1 << 11;
    /// The link is up; on the page for fiber, where the status register says nothing of it.
    pub(crate) const LINK: u16 = 1 << 10;
    const SPEED_SHIFT: u16 = 14;
    const FULL_DUPLEX: u16 = 1 << 13;
    const MDIX: u16 = 1 << 6;

    /// A link whose parameters are resolved.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Link {
        /// In Mbit/s.
        pub(crate) speed: u32,
        pub(crate) full_duplex: bool,
        /// The pairs are crossed over.
        pub(crate) mdix: bool,
    }

    impl Link {
        /// [`None`] while the parameters are not resolved.
        pub(crate) fn from_register(status: u16) -> Option<Self> {
            (status & RESOLVED != 0).then_some(Self {
                speed: match status >> SPEED_SHIFT {
                    1 => 100,
                    2 => 1000,
                    // 3 is reserved. As in C, it is what a PHY without power answers.
                    _ => 10,
                },
                full_duplex: status & FULL_DUPLEX != 0,
                mdix: status & MDIX != 0,
            })
        }
    }
}

/// Interrupt Enable (18) and Interrupt Status (19), which a read clears.
pub(crate) mod interrupt {
    pub(crate) const ENABLE: u8 = 18;
    pub(crate) const STATUS: u8 = 19;
    /// Speed changed, duplex changed, link changed.
    pub(crate) const LINK_EVENTS: u16 = 1 << 14 | 1 << 13 | 1 << 10;
}

/// Where a register says after how many tries the PHY shifts down to a lower speed.
pub(crate) struct Downshift {
    /// Of the three bits with the tries less one.
    counter_shift: u16,
    enable: u16,
}

impl Downshift {
    /// The most tries before a downshift.
    pub(crate) const MAX: u8 = 8;

    /// The mask and the bits for a downshift after `tries`, 0 to [`Downshift::MAX`]; 0 for none,
    /// which leaves the counter alone.
    pub(crate) fn bits(&self, tries: u8) -> (u16, u16) {
        match tries.checked_sub(1) {
            None => (self.enable, 0),
            Some(counter) => (
                self.enable | 0x7 << self.counter_shift,
                self.enable | u16::from(counter) << self.counter_shift,
            ),
        }
    }

    /// After how many tries there is a downshift; 0 for none.
    pub(crate) fn tries(&self, register: u16) -> u8 {
        if register & self.enable == 0 {
            return 0;
        }
        // CAST: The field has three bits.
        (register >> self.counter_shift & 0x7) as u8 + 1
    }
}

/// Extended PHY Specific Control (20).
pub(crate) mod ext_control {
    use super::Downshift;

    pub(crate) const REG: u8 = 20;
    /// After how many tries the PHY shifts down.
    pub(crate) const DOWNSHIFT: Downshift = Downshift {
        counter_shift: 9,
        enable: 1 << 8,
    };
    /// RGMII receive and transmit timing control: a delay of the clock.
    const RGMII_RX_DELAY: u16 = 1 << 7;
    const RGMII_TX_DELAY: u16 = 1 << 1;
    pub(crate) const RGMII_DELAYS: u16 = RGMII_RX_DELAY | RGMII_TX_DELAY;

    /// The bits for these delays.
    pub(crate) fn rgmii(rx_delay: bool, tx_delay: bool) -> u16 {
        let rx = if rx_delay { RGMII_RX_DELAY } else { 0 };
        let tx = if tx_delay { RGMII_TX_DELAY } else { 0 };
        rx | tx
    }
}

/// LED Control (24).
pub(crate) mod led_control {
    pub(crate) const REG: u8 = 24;
    /// LEDs stretched, and direct drive for those of the link.
    pub(crate) const DIRECT: u16 = 0x4100;
}

/// Extended PHY Specific Status (27).
pub(crate) mod ext_status {
    pub(crate) const REG: u8 = 27;
    /// Fiber and copper are not detected automatically.
    pub(crate) const FIBER_COPPER_AUTO_OFF: u16 = 1 << 15;
    /// Fiber is selected.
    pub(crate) const FIBER: u16 = 1 << 13;
    /// Serial interface auto-negotiation bypass.
    pub(crate) const SERIAL_AN_BYPASS: u16 = 1 << 12;
    /// HWCFG_MODE.
    pub(crate) const MODE: u16 = 0xf;
    pub(crate) const MODE_FIBER_RGMII: u16 = 0x3;
    pub(crate) const MODE_SGMII_NO_CLOCK: u16 = 0x4;
    pub(crate) const MODE_RTBI: u16 = 0x7;
    pub(crate) const MODE_COPPER_1000X_AN: u16 = 0x8;
    pub(crate) const MODE_COPPER_RGMII: u16 = 0xb;
    pub(crate) const MODE_COPPER_1000X_NOAN: u16 = 0xc;
}

/// What the 88E1510 has elsewhere than the 88E1111, or alone.
pub(crate) mod m88e1510 {
    use super::Downshift;

    /// After how many tries the PHY shifts down, in Copper Specific Control 1 (16), which otherwise
    /// is [`super::phy_specific_control`].
    pub(crate) const DOWNSHIFT: Downshift = Downshift {
        counter_shift: 12,
        enable: 1 << 11,
    };

    /// WOL Event Interrupt Enable, in Copper Specific Interrupt Enable (18).
    pub(crate) const INTERRUPT_WOL: u16 = 1 << 7;

    /// Page 2: MAC Specific Control 1 (16).
    pub(crate) const MAC_PAGE: u16 = 2;
    pub(crate) const MAC_CONTROL_1: u16 = 16;
    /// Pass Odd Nibble Preambles.
    pub(crate) const MAC_CONTROL_1_ODD_NIBBLE: u16 = 1 << 6;
    /// Page 2: MAC Specific Control 2 (21).
    pub(crate) const MAC_CONTROL_2: u16 = 21;
    /// Default MAC interface speed, in the bits that BMCR has for it.
    pub(crate) const MAC_CONTROL_2_SPEED: u16 = 1 << 13 | 1 << 6;
    /// RGMII Receive and Transmit Timing Control: a delay of the clock.
    const RGMII_RX_DELAY: u16 = 1 << 5;
    const RGMII_TX_DELAY: u16 = 1 << 4;
    pub(crate) const RGMII_DELAYS: u16 = RGMII_RX_DELAY | RGMII_TX_DELAY;

    /// The bits of MAC Specific Control 2 for these delays.
    pub(crate) fn rgmii(rx_delay: bool, tx_delay: bool) -> u16 {
        let rx = if rx_delay { RGMII_RX_DELAY } else { 0 };
        let tx = if tx_delay { RGMII_TX_DELAY } else { 0 };
        rx | tx
    }

    /// Page 3: LED\[2:0\] Function Control (16), with four bits a LED.
    pub(crate) const LED_PAGE: u16 = 3;
    pub(crate) const LED_FUNCTION: u16 = 16;
    /// How many LEDs there are.
    pub(crate) const LEDS: u8 = 3;
    /// What the MAC may ask for (`phy_device.dev_flags`): LED 0 shows the link, and LED 1 activity.
    pub(crate) const FLAG_LED0_LINK_LED1_ACTIVE: u32 = 1 << 2;
    /// LED 0: a gigabit, LED 1: 100 Mbit/s, LED 2: activity.
    pub(crate) const LED_FUNCTION_DEFAULT: u16 = 0x1177;
    /// LED 0: link, LED 1: activity.
    pub(crate) const LED_FUNCTION_LINK_ACTIVITY: u16 = 0x1040;
    pub(crate) const LED_OFF: u16 = 0x8;
    pub(crate) const LED_ON: u16 = 0x9;
    pub(crate) const LED_BLINK: u16 = 0xb;
    /// A LED that blinks is on for so many milliseconds, and off for as many.
    pub(crate) const LED_BLINK_MS: usize = 42;

    /// LED Function Control where a LED has this function.
    pub(crate) fn with_led(register: u16, index: u8, function: u16) -> u16 {
        register & !(0xf << (4 * index)) | function << (4 * index)
    }

    /// The function of a LED.
    pub(crate) fn led_function(register: u16, index: u8) -> u16 {
        register >> (4 * index) & 0xf
    }

    /// Page 3: LED Timer Control (18).
    pub(crate) const LED_TIMER: u8 = 18;
    /// Force INTn.
    const LED_TIMER_FORCE: u16 = 1 << 15;
    /// Interrupt Polarity: active low.
    const LED_TIMER_ACTIVE_LOW: u16 = 1 << 11;
    /// LED\[2\] is INTn.
    const LED_TIMER_INTN: u16 = 1 << 7;
    /// The mask and the bits for an interrupt on LED\[2\].
    pub(crate) const LED_TIMER_INTERRUPT: (u16, u16) = (
        LED_TIMER_FORCE | LED_TIMER_ACTIVE_LOW | LED_TIMER_INTN,
        LED_TIMER_ACTIVE_LOW | LED_TIMER_INTN,
    );

    /// Page 17: WOL Control (16), and Magic Packet Destination Address (23 to 25), the last two
    /// bytes first.
    pub(crate) const WOL_PAGE: u16 = 17;
    pub(crate) const WOL_CONTROL: u8 = 16;
    pub(crate) const WOL_MAGIC: u16 = 1 << 14;
    pub(crate) const WOL_LINK_UP: u16 = 1 << 13;
    /// Clear WOL Status.
    pub(crate) const WOL_CLEAR: u16 = 1 << 12;
    pub(crate) const WOL_ADDRESS: [u8; 3] = [23, 24, 25];

    /// The values of [`WOL_ADDRESS`].
    pub(crate) fn wol_address(mac: [u8; 6]) -> [u16; 3] {
        core::array::from_fn(|i| u16::from_le_bytes([mac[4 - 2 * i], mac[5 - 2 * i]]))
    }

    /// Page 18: General Control 1 (20).
    pub(crate) const MODE_PAGE: u16 = 18;
    pub(crate) const GENERAL_CONTROL_1: u8 = 20;
    /// MODE\[2:0\]; the reset lets it take effect.
    pub(crate) const MODE: u16 = 0x7;
    pub(crate) const MODE_SGMII_COPPER: u16 = 0x1;
    pub(crate) const MODE_RESET: u16 = 1 << 15;

    /// For energy-efficient Ethernet, from the release notes of revision A0, 5.1: on page 0xff the
    /// registers 17 and 16, so many times; on page 0xfb register 7.
    pub(crate) const ERRATA_PAGE: u16 = 0xff;
    pub(crate) const ERRATA: [(u16, u16); 4] = [
        (0x214b, 0x2144),
        (0x0c28, 0x2146),
        (0xb233, 0x214d),
        (0xcc0c, 0x2159),
    ];
    pub(crate) const ERRATA_LAST: (u16, u8, u16) = (0xfb, 7, 0xc00d);

    /// The cable tester, on page 7; what page 5 says of its pulses has to be as after a reset.
    pub(crate) mod vct {
        pub(crate) const PULSE_PAGE: u16 = 5;
        /// (register, value): 128 samples, the highest peak, hysteresis 3; no distance.
        pub(crate) const PULSE: [(u16, u16); 2] = [(23, 0x0603), (24, 0x0000)];
        pub(crate) const PAGE: u16 = 7;
        /// The distance to the fault, for the first pair.
        pub(crate) const DISTANCE: u16 = 16;
        pub(crate) const RESULTS: u16 = 20;
        pub(crate) const CONTROL: u16 = 21;
        /// Starts the test, with distances in centimetres.
        pub(crate) const CONTROL_RUN: u16 = 1 << 15;
        pub(crate) const CONTROL_IN_PROGRESS: u16 = 1 << 11;
        const CONTROL_METERS: u16 = 1 << 10;

        /// What the test says of a pair.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Status {
            Ok,
            Open,
            SameShort,
            CrossShort,
            /// The test failed.
            Invalid,
        }

        impl Status {
            pub(crate) fn from_results(results: u16, pair: u8) -> Self {
                match results >> (4 * pair) & 0xf {
                    1 => Self::Ok,
                    2 => Self::Open,
                    3 => Self::SameShort,
                    4 => Self::CrossShort,
                    _ => Self::Invalid,
                }
            }

            /// Whether there is a distance.
            pub(crate) fn is_fault(self) -> bool {
                matches!(self, Self::Open | Self::SameShort | Self::CrossShort)
            }
        }

        /// A distance in centimetres, by the register and by that of the test.
        pub(crate) fn distance_cm(distance: u16, control: u16) -> u32 {
            let metres = control & CONTROL_METERS != 0;
            u32::from(distance) * if metres { 100 } else { 1 }
        }
    }
}

/// The registers that have pages: Extended Address (22) selects that of the registers 0 to 28.
pub(crate) mod page {
    pub(crate) const REG: u8 = 22;
    pub(crate) const COPPER: u16 = 0;
    pub(crate) const FIBER: u16 = 1;
}

/// Receive Error Counter (21).
pub(crate) const RECEIVE_ERROR_COUNTER: u16 = 21;
/// 1000BASE-T Status (10), whose low byte counts idle errors.
pub(crate) const IDLE_ERRORS: (u16, u16) = (10, 0x00ff);

/// VCT, the virtual cable tester, in register 28: a page for each pair.
pub(crate) mod vct {
    pub(crate) const REG: u16 = 28;
    /// Starts the test; 1 until it is done.
    pub(crate) const ENABLE: u16 = 1 << 15;
    /// Before the test, and after it was started: (register, value), from the VCT manual.
    pub(crate) const BEFORE: [(u8, u16); 4] =
        [(29, 0x0018), (30, 0x00c2), (30, 0x00ca), (30, 0x00c2)];
    pub(crate) const AFTER: [(u8, u16); 2] = [(29, 0x0018), (30, 0x0042)];

    /// What the test says of a pair.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Status {
        Ok,
        Short,
        Open,
        /// The test failed: no reflection came back, or something else was on the line.
        Failed,
    }

    pub(crate) fn status(register: u16) -> Status {
        match register >> 13 & 0x3 {
            0 => Status::Ok,
            1 => Status::Short,
            2 => Status::Open,
            _ => Status::Failed,
        }
    }

    /// How far away the fault is, in centimetres; [`None`] if nothing was reflected.
    pub(crate) fn distance_cm(register: u16) -> Option<u32> {
        match register & 0xff {
            0xff => None,
            // In metres, 0.8018 times the register less 28.751; nearer than zero is here.
            reflection => Some((u32::from(reflection) * 8018).saturating_sub(287_510) / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registers_hold_what_the_data_sheet_says() {
        use phy_specific_control as control;
        assert_eq!(
            (control::REG, control::MDI, control::MDI_AUTO),
            (16, 0x60, 0x60)
        );
        assert_eq!((control::MDI_STRAIGHT, control::MDI_CROSSED), (0, 0x20));
        assert_eq!((interrupt::ENABLE, interrupt::STATUS), (18, 19));
        assert_eq!(interrupt::LINK_EVENTS, 0x6400);
        assert_eq!((led_control::REG, led_control::DIRECT), (24, 0x4100));
        assert_eq!((ext_status::REG, ext_status::MODE), (27, 0xf));
        assert_eq!(
            (ext_status::MODE_FIBER_RGMII, ext_status::MODE_COPPER_RGMII),
            (3, 11)
        );
        assert_eq!(
            (ext_status::MODE_SGMII_NO_CLOCK, ext_status::MODE_RTBI),
            (4, 7)
        );
        assert_eq!(ext_status::MODE_COPPER_1000X_AN, 8);
        assert_eq!(ext_status::MODE_COPPER_1000X_NOAN, 12);
        assert_eq!(ext_status::SERIAL_AN_BYPASS, 0x1000);
        assert_eq!(
            (ext_status::FIBER_COPPER_AUTO_OFF, ext_status::FIBER),
            (0x8000, 0x2000)
        );
        assert_eq!((page::REG, page::COPPER, page::FIBER), (22, 0, 1));
        assert_eq!((RECEIVE_ERROR_COUNTER, IDLE_ERRORS), (21, (10, 0xff)));
        assert_eq!((vct::REG, vct::ENABLE), (28, 0x8000));
        assert_eq!((vct::BEFORE.len(), vct::AFTER.len()), (4, 2));
        assert_eq!((phy_specific_status::REG, ext_control::REG), (17, 20));
        assert_eq!(phy_specific_status::LINK, 0x0400);
    }

    #[test]
    fn the_status_gives_the_link() {
        use phy_specific_status::Link;
        assert_eq!(Link::from_register(0xf000), None);
        let link = |speed, full_duplex, mdix| {
            Some(Link {
                speed,
                full_duplex,
                mdix,
            })
        };
        assert_eq!(Link::from_register(0xac40), link(1000, true, true));
        assert_eq!(Link::from_register(0x4c00), link(100, false, false));
        assert_eq!(Link::from_register(0x2c00), link(10, true, false));
        assert_eq!(Link::from_register(0xffff), link(10, true, true));
    }

    #[test]
    fn downshifts_after_as_many_tries_as_set() {
        for tries in 1..=Downshift::MAX {
            let (mask, bits) = ext_control::DOWNSHIFT.bits(tries);
            assert_eq!((mask, bits & !mask), (0x0f00, 0));
            assert_eq!(ext_control::DOWNSHIFT.tries(bits), tries);
            let (mask, bits) = m88e1510::DOWNSHIFT.bits(tries);
            assert_eq!((mask, bits & !mask), (0x7800, 0));
            assert_eq!(m88e1510::DOWNSHIFT.tries(bits), tries);
        }
        assert_eq!(ext_control::DOWNSHIFT.bits(0), (0x0100, 0));
        assert_eq!(ext_control::DOWNSHIFT.tries(0x0e00), 0);
        assert_eq!(m88e1510::DOWNSHIFT.bits(0), (0x0800, 0));
    }

    #[test]
    fn delays_have_their_bits() {
        assert_eq!(ext_control::rgmii(true, true), 0x0082);
        assert_eq!(ext_control::rgmii(true, false), 0x0080);
        assert_eq!(ext_control::rgmii(false, true), 0x0002);
        assert_eq!(ext_control::RGMII_DELAYS, 0x0082);
    }

    #[test]
    fn the_88e1510s_registers_hold_what_its_data_sheet_says() {
        use m88e1510::*;
        assert_eq!((INTERRUPT_WOL, MAC_PAGE), (0x80, 2));
        assert_eq!((MAC_CONTROL_1, MAC_CONTROL_1_ODD_NIBBLE), (16, 0x40));
        assert_eq!((MAC_CONTROL_2, MAC_CONTROL_2_SPEED), (21, 0x2040));
        assert_eq!((LED_PAGE, LED_FUNCTION, LEDS), (3, 16, 3));
        assert_eq!(FLAG_LED0_LINK_LED1_ACTIVE, 4);
        assert_eq!(
            (LED_FUNCTION_DEFAULT, LED_FUNCTION_LINK_ACTIVITY),
            (0x1177, 0x1040)
        );
        assert_eq!((LED_OFF, LED_ON, LED_BLINK, LED_BLINK_MS), (8, 9, 11, 42));
        assert_eq!((LED_TIMER, LED_TIMER_INTERRUPT), (18, (0x8880, 0x0880)));
        assert_eq!((WOL_PAGE, WOL_CONTROL), (17, 16));
        assert_eq!(
            (WOL_MAGIC, WOL_LINK_UP, WOL_CLEAR),
            (0x4000, 0x2000, 0x1000)
        );
        assert_eq!(WOL_ADDRESS, [23, 24, 25]);
        assert_eq!((MODE_PAGE, GENERAL_CONTROL_1, MODE), (18, 20, 7));
        assert_eq!((MODE_SGMII_COPPER, MODE_RESET), (1, 0x8000));
        assert_eq!(
            (ERRATA_PAGE, ERRATA.len(), ERRATA_LAST),
            (0xff, 4, (0xfb, 7, 0xc00d))
        );
        assert_eq!((vct::PULSE_PAGE, vct::PULSE), (5, [(23, 0x603), (24, 0)]));
        assert_eq!(
            (vct::PAGE, vct::DISTANCE, vct::RESULTS, vct::CONTROL),
            (7, 16, 20, 21)
        );
        assert_eq!(
            (vct::CONTROL_RUN, vct::CONTROL_IN_PROGRESS),
            (0x8000, 0x0800)
        );
    }

    #[test]
    fn the_88e1510_does_what_it_is_told() {
        use m88e1510::*;
        assert_eq!((rgmii(true, true), RGMII_DELAYS), (0x30, 0x30));
        assert_eq!((rgmii(true, false), rgmii(false, true)), (0x20, 0x10));
        assert_eq!(with_led(0x1177, 1, LED_OFF), 0x1187);
        assert_eq!(led_function(0x1187, 1), LED_OFF);
        let mac = [2, 0x5e, 0x11, 0x22, 0x33, 0x44];
        assert_eq!(wol_address(mac), [0x4433, 0x2211, 0x5e02]);
        let statuses = [0, 1, 2, 3].map(|pair| vct::Status::from_results(0x4321, pair));
        use m88e1510::vct::Status::*;
        assert_eq!(statuses, [Ok, Open, SameShort, CrossShort]);
        assert_eq!(
            statuses.map(vct::Status::is_fault),
            [false, true, true, true]
        );
        assert_eq!(vct::Status::from_results(0x9000, 3), Invalid);
        assert_eq!(vct::distance_cm(1234, 0), 1234);
        assert_eq!(vct::distance_cm(12, 0x0400), 1200);
    }

    #[test]
    fn the_cable_tester_gives_metres() {
        assert_eq!(vct::distance_cm(0x00ff), None);
        assert_eq!(vct::distance_cm(0x0010), Some(0));
        // 0.8018 × 100 - 28.751 = 51.429 m.
        assert_eq!(vct::distance_cm(0x1f64), Some(5142));
        assert_eq!(vct::status(0x1f64), vct::Status::Ok);
        assert_eq!(vct::status(0x2000), vct::Status::Short);
        assert_eq!(vct::status(0x4000), vct::Status::Open);
        assert_eq!(vct::status(0x6000), vct::Status::Failed);
    }
}
