// SPDX-License-Identifier: GPL-2.0

//! The registers of Marvell's 88E1111, and what follows from their values, free of the kernel.
//!
//! Names are those of the data sheet, MV-S100649-00 Rev. F.

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
                    // 3 is reserved; 10 and 1000 have one bit each.
                    2 | 3 => 1000,
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

/// Extended PHY Specific Control (20).
pub(crate) mod ext_control {
    pub(crate) const REG: u8 = 20;
    /// Downshift counter: how many times to try, less one.
    const DOWNSHIFT_COUNTER_SHIFT: u16 = 9;
    const DOWNSHIFT_COUNTER: u16 = 0x7 << DOWNSHIFT_COUNTER_SHIFT;
    const DOWNSHIFT_ENABLE: u16 = 1 << 8;
    /// RGMII receive and transmit timing control: a delay of the clock.
    const RGMII_RX_DELAY: u16 = 1 << 7;
    const RGMII_TX_DELAY: u16 = 1 << 1;
    pub(crate) const RGMII_DELAYS: u16 = RGMII_RX_DELAY | RGMII_TX_DELAY;

    /// The most tries before a downshift.
    pub(crate) const DOWNSHIFT_MAX: u8 = 8;

    /// The mask and the bits for a downshift after `tries`, 0 to [`DOWNSHIFT_MAX`]; 0 for none,
    /// which leaves the counter alone.
    pub(crate) fn downshift(tries: u8) -> (u16, u16) {
        match tries.checked_sub(1) {
            None => (DOWNSHIFT_ENABLE, 0),
            Some(counter) => (
                DOWNSHIFT_ENABLE | DOWNSHIFT_COUNTER,
                DOWNSHIFT_ENABLE | u16::from(counter) << DOWNSHIFT_COUNTER_SHIFT,
            ),
        }
    }

    /// After how many tries there is a downshift; 0 for none.
    pub(crate) fn downshift_tries(register: u16) -> u8 {
        if register & DOWNSHIFT_ENABLE == 0 {
            return 0;
        }
        // CAST: The field has three bits.
        ((register & DOWNSHIFT_COUNTER) >> DOWNSHIFT_COUNTER_SHIFT) as u8 + 1
    }

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
    }

    #[test]
    fn downshifts_after_as_many_tries_as_set() {
        for tries in 1..=ext_control::DOWNSHIFT_MAX {
            let (mask, bits) = ext_control::downshift(tries);
            assert_eq!((mask, bits & !mask), (0x0f00, 0));
            assert_eq!(ext_control::downshift_tries(bits), tries);
        }
        assert_eq!(ext_control::downshift(0), (0x0100, 0));
        assert_eq!(ext_control::downshift_tries(0x0e00), 0);
    }

    #[test]
    fn delays_have_their_bits() {
        assert_eq!(ext_control::rgmii(true, true), 0x0082);
        assert_eq!(ext_control::rgmii(true, false), 0x0080);
        assert_eq!(ext_control::rgmii(false, true), 0x0002);
        assert_eq!(ext_control::RGMII_DELAYS, 0x0082);
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
