// SPDX-License-Identifier: GPL-2.0

//! The registers of SMSC's (now Microchip's) 10/100 PHYs, and what follows from their values, free
//! of the kernel.
//!
//! Names are those of the LAN8720A/LAN8720AI and LAN8742A/LAN8742Ai data sheets (DS00002165B,
//! DS00001989A); those of MODE and SPECIAL_CONTROL for crossover are the LAN8700's.

/// MODE_CONTROL/STATUS (17).
pub(crate) mod mode_control_status {
    pub(crate) const REG: u8 = 17;
    /// Energy detect power-down.
    pub(crate) const EDPWRDOWN: u16 = 1 << 13;
    /// There is energy on the line.
    pub(crate) const ENERGYON: u16 = 1 << 1;
}

/// EDPD NLP/CROSSOVER TIME CONFIGURATION (16), where the chip has it.
pub(crate) mod edpd_config {
    pub(crate) const REG: u8 = 16;
    /// Wait longer between tries of auto-MDIX in manual mode.
    pub(crate) const EDPD_EXT_CROSSOVER: u16 = 1 << 0;
}

/// SPECIAL_MODES (18).
pub(crate) mod special_modes {
    pub(crate) const REG: u8 = 18;
    /// MODE\[2:0\].
    pub(crate) const MODE: u16 = 0x7 << 5;
    pub(crate) const MODE_POWER_DOWN: u16 = 0x6 << 5;
    pub(crate) const MODE_ALL_CAPABLE: u16 = 0x7 << 5;
}

/// SYMBOL ERROR COUNTER (26).
pub(crate) const SYMBOL_ERROR_COUNTER: u8 = 26;

/// SPECIAL_CONTROL/STATUS INDICATIONS (27).
pub(crate) mod special_control_status {
    pub(crate) const REG: u8 = 27;
    /// Override the AMDIX_EN strap.
    pub(crate) const OVRRD_AMDIX: u16 = 1 << 15;
    pub(crate) const AMDIX_ENABLE: u16 = 1 << 14;
    /// With auto-MDIX disabled: crossed over.
    pub(crate) const AMDIX_STATE: u16 = 1 << 13;
    pub(crate) const AMDIX: u16 = OVRRD_AMDIX | AMDIX_ENABLE | AMDIX_STATE;
}

/// INTERRUPT SOURCE FLAG (29), whose flags a read clears, and INTERRUPT MASK (30).
pub(crate) mod interrupt {
    pub(crate) const SOURCE_FLAG: u8 = 29;
    pub(crate) const MASK: u8 = 30;
    /// INT7: ENERGYON.
    const ENERGYON: u16 = 1 << 7;
    /// INT6: auto-negotiation complete.
    const ANEG_COMPLETE: u16 = 1 << 6;
    /// INT4: link down.
    const LINK_DOWN: u16 = 1 << 4;
    /// After these the link may be another.
    pub(crate) const LINK_EVENTS: u16 = ENERGYON | ANEG_COMPLETE | LINK_DOWN;
}

/// Wakeup registers of the LAN8740 and LAN8742, in the PCS's MMD.
pub(crate) mod wakeup {
    /// WUCSR, wakeup control and status.
    pub(crate) const WUCSR: u16 = 0x8010;
    /// LED2/nINT/nPME works as nPME.
    const WUCSR_LED2_NPME: u16 = 0x2 << 11;
    /// nPME is deasserted by itself after a while.
    const WUCSR_PME_SELF_CLEAR: u16 = 1 << 9;
    /// PFDA_EN: frames to our address.
    const WUCSR_PFDA_EN: u16 = 1 << 3;
    /// WUEN: the wakeup frame that the filter describes.
    const WUCSR_WUEN: u16 = 1 << 2;
    /// MPEN: magic packets.
    const WUCSR_MPEN: u16 = 1 << 1;
    /// BCST_EN: broadcasts.
    const WUCSR_BCST_EN: u16 = 1 << 0;
    /// What WUCSR starts with.
    pub(crate) const WUCSR_INIT: u16 = WUCSR_LED2_NPME | WUCSR_PME_SELF_CLEAR;

    /// WUF_CFGA, wakeup filter configuration A.
    const WUF_CFGA: u16 = 0x8011;
    const WUF_CFGA_FILTER_EN: u16 = 1 << 15;
    /// Any multicast address will do.
    const WUF_CFGA_MCAST_EN: u16 = 1 << 9;
    /// The broadcast address will do.
    const WUF_CFGA_BCAST_EN: u16 = 1 << 8;
    /// WUF_CFGB: the CRC-16 of the bytes that the mask picks.
    const WUF_CFGB: u16 = 0x8012;
    /// WUF_MASK7 is for the first 16 bytes, WUF_MASK0 (0x8021) for the last.
    const WUF_MASK7: u16 = 0x8028;
    /// RX_ADDRC is for the first two bytes, RX_ADDRA (0x8061) for the last.
    const RX_ADDRC: u16 = 0x8063;
    /// MCFGR: after how long nPME is deasserted, in units of 20 µs.
    pub(crate) const MCFGR: u16 = 0x8064;
    /// 81 ms.
    pub(crate) const MCFGR_DELAY: u16 = 0x1000;

    /// What wakes the system.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Events {
        pub(crate) unicast: bool,
        pub(crate) broadcast: bool,
        pub(crate) magic: bool,
        pub(crate) filter: Option<Filter>,
    }

    /// What the chip's only wakeup filter looks for.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Filter {
        Arp,
        Multicast,
    }

    impl Events {
        /// WUCSR with these events, and otherwise as it was.
        pub(crate) fn to_wucsr(self, wucsr: u16) -> u16 {
            [
                (WUCSR_PFDA_EN, self.unicast),
                (WUCSR_BCST_EN, self.broadcast),
                (WUCSR_MPEN, self.magic),
                (WUCSR_WUEN, self.filter.is_some()),
            ]
            .iter()
            .fold(
                wucsr,
                |wucsr, &(bit, on)| {
                    if on {
                        wucsr | bit
                    } else {
                        wucsr & !bit
                    }
                },
            )
        }

        /// The events in WUCSR, where the filter looks for `filter`.
        pub(crate) fn from_wucsr(wucsr: u16, filter: Filter) -> Self {
            Self {
                unicast: wucsr & WUCSR_PFDA_EN != 0,
                broadcast: wucsr & WUCSR_BCST_EN != 0,
                magic: wucsr & WUCSR_MPEN != 0,
                filter: (wucsr & WUCSR_WUEN != 0).then_some(filter),
            }
        }
    }

    impl Filter {
        /// The registers that describe the filter, and their values.
        ///
        /// WUF_MASK0 is not among them: it keeps the 0 that it has after a reset.
        pub(crate) fn registers(self) -> [(u16, u16); 9] {
            let (cfga, crc, mask) = match self {
                // A broadcast with 08 06 at offset 12, the EtherType of ARP.
                Self::Arp => (WUF_CFGA_BCAST_EN | 12, crc16(&[0x08, 0x06]), 0x0003),
                // Any payload: no byte is compared.
                Self::Multicast => (WUF_CFGA_MCAST_EN, crc16(&[]), 0),
            };
            core::array::from_fn(|i| match i {
                0 => (WUF_CFGA, WUF_CFGA_FILTER_EN | cfga),
                1 => (WUF_CFGB, crc),
                2 => (WUF_MASK7, mask),
                _ => (WUF_MASK7 - (i as u16 - 2), 0),
            })
        }
    }

    /// The registers for the MAC address that frames are compared with.
    pub(crate) fn address_registers(mac: [u8; 6]) -> [(u16, u16); 3] {
        core::array::from_fn(|i| {
            let word = u16::from_le_bytes([mac[2 * i], mac[2 * i + 1]]);
            (RX_ADDRC - i as u16, word)
        })
    }

    /// The CRC-16 with which the filter compares: polynomial 0x8005, starting with all ones, each
    /// byte from its lowest bit.
    pub(super) fn crc16(data: &[u8]) -> u16 {
        data.iter()
            .flat_map(|byte| (0..8).map(move |i| u16::from(byte >> i & 1)))
            .fold(0xffff, |crc: u16, bit| {
                let feedback = if crc >> 15 == bit { 0 } else { 0x8005 };
                crc << 1 ^ feedback
            })
    }
}

/// PHYLIB looks at the PHY once in this many milliseconds.
const STATE_MACHINE_MS: u16 = 1000;
/// By default the driver waits this long for energy.
const EDPD_MAX_WAIT_DEFAULT_MS: u16 = 640;

/// What `ethtool` says for "no pulses" and "the driver's default" (`ETHTOOL_PHY_EDPD_*`).
const EDPD_NO_TX: u16 = 0xfffe;
const EDPD_DEFAULT: u16 = 0xffff;

/// Energy detect power-down: the PHY sleeps while nothing comes in.
///
/// The data sheets call for a look once a second: a sleeping PHY may miss that a cable was plugged
/// in. The driver then wakes it up and waits for energy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edpd {
    /// The PHY does not sleep.
    Disabled,
    /// The PHY sleeps; after each look the driver waits for energy, at most so many milliseconds.
    Enabled { max_wait_ms: u16 },
}

/// Why a setting is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EdpdError {
    /// Only while PHYLIB polls the PHY.
    NotPolled,
    /// Not a time that a look once a second can give.
    OutOfRange,
}

impl Edpd {
    pub(crate) const DEFAULT: Self = Self::Enabled {
        max_wait_ms: EDPD_MAX_WAIT_DEFAULT_MS,
    };

    /// The value of `ethtool`'s tunable: the milliseconds between two pulses, or what it says for
    /// none.
    pub(crate) fn tunable(self) -> u16 {
        match self {
            Self::Disabled => 0,
            Self::Enabled { max_wait_ms: 0 } => EDPD_NO_TX,
            Self::Enabled { max_wait_ms } => STATE_MACHINE_MS + max_wait_ms,
        }
    }

    /// The setting that a value of the tunable asks for.
    pub(crate) fn from_tunable(value: u16, polled: bool) -> Result<Self, EdpdError> {
        match value {
            0 => return Ok(Self::Disabled),
            EDPD_NO_TX => return Ok(Self::Enabled { max_wait_ms: 0 }),
            _ if !polled => return Err(EdpdError::NotPolled),
            EDPD_DEFAULT => return Ok(Self::DEFAULT),
            _ => {}
        }
        if !(STATE_MACHINE_MS..=STATE_MACHINE_MS + 1000).contains(&value) {
            return Err(EdpdError::OutOfRange);
        }
        Ok(Self::Enabled {
            max_wait_ms: value - STATE_MACHINE_MS,
        })
    }

    /// The setting in one word, for an atomic.
    pub(crate) fn to_bits(self) -> u32 {
        match self {
            Self::Disabled => u32::MAX,
            Self::Enabled { max_wait_ms } => max_wait_ms.into(),
        }
    }

    /// What [`Edpd::to_bits`] gave.
    pub(crate) fn from_bits(bits: u32) -> Self {
        match u16::try_from(bits) {
            Ok(max_wait_ms) => Self::Enabled { max_wait_ms },
            Err(_) => Self::Disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::wakeup::Filter;
    use super::*;

    #[test]
    fn the_registers_hold_what_the_data_sheet_says() {
        assert_eq!(mode_control_status::REG, 17);
        assert_eq!(mode_control_status::EDPWRDOWN, 0x2000);
        assert_eq!(mode_control_status::ENERGYON, 0x0002);
        assert_eq!((edpd_config::REG, edpd_config::EDPD_EXT_CROSSOVER), (16, 1));
        assert_eq!(special_modes::REG, 18);
        assert_eq!(special_modes::MODE, 0x00e0);
        assert_eq!(special_modes::MODE_POWER_DOWN, 0x00c0);
        assert_eq!(special_modes::MODE_ALL_CAPABLE, 0x00e0);
        assert_eq!(SYMBOL_ERROR_COUNTER, 26);
        assert_eq!(special_control_status::REG, 27);
        assert_eq!(special_control_status::AMDIX, 0xe000);
        assert_eq!((interrupt::SOURCE_FLAG, interrupt::MASK), (29, 30));
        assert_eq!(interrupt::LINK_EVENTS, 0x00d0);
        assert_eq!((wakeup::WUCSR, wakeup::WUCSR_INIT), (0x8010, 0x1200));
        assert_eq!((wakeup::MCFGR, wakeup::MCFGR_DELAY), (0x8064, 0x1000));
    }

    #[test]
    fn the_tunable_says_what_was_set() {
        for value in [0, EDPD_NO_TX, 1001, 1640, 2000] {
            assert_eq!(Edpd::from_tunable(value, true).unwrap().tunable(), value);
        }
        assert_eq!(Edpd::from_tunable(EDPD_DEFAULT, true), Ok(Edpd::DEFAULT));
        assert_eq!(Edpd::DEFAULT.tunable(), 1640);
        // A second and no more is no wait at all.
        assert_eq!(
            Edpd::from_tunable(1000, true).unwrap().tunable(),
            EDPD_NO_TX
        );
    }

    #[test]
    fn refuses_times_that_it_cannot_keep() {
        for value in [1, 999, 2001, 65533] {
            assert_eq!(Edpd::from_tunable(value, true), Err(EdpdError::OutOfRange));
            assert_eq!(Edpd::from_tunable(value, false), Err(EdpdError::NotPolled));
        }
        assert_eq!(
            Edpd::from_tunable(EDPD_DEFAULT, false),
            Err(EdpdError::NotPolled)
        );
        assert_eq!(Edpd::from_tunable(0, false), Ok(Edpd::Disabled));
    }

    #[test]
    fn a_setting_fits_into_a_word() {
        for edpd in [
            Edpd::Disabled,
            Edpd::DEFAULT,
            Edpd::Enabled { max_wait_ms: 0 },
        ] {
            assert_eq!(Edpd::from_bits(edpd.to_bits()), edpd);
        }
    }

    #[test]
    fn the_crc_is_crc_16_usb_without_the_last_inversion() {
        // CRC-16/USB of "123456789" is 0xb4c8; it is reflected and inverted.
        assert_eq!(wakeup::crc16(b"123456789"), (!0xb4c8_u16).reverse_bits());
        assert_eq!(wakeup::crc16(&[]), 0xffff);
    }

    #[test]
    fn wakeup_events_have_their_bits() {
        let events = wakeup::Events {
            unicast: true,
            magic: true,
            ..Default::default()
        };
        assert_eq!(events.to_wucsr(0x1205), 0x120a);
        assert_eq!(wakeup::Events::from_wucsr(0x120a, Filter::Arp), events);
        let all = wakeup::Events::from_wucsr(0xf, Filter::Multicast);
        assert_eq!(all.filter, Some(Filter::Multicast));
        assert_eq!(all.to_wucsr(0), 0xf);
    }

    #[test]
    fn the_filter_is_described_whole() {
        let registers = Filter::Arp.registers();
        assert_eq!(registers[0], (0x8011, 0x810c));
        assert_eq!(registers[2], (0x8028, 0x0003));
        assert_eq!((registers[3], registers[8]), ((0x8027, 0), (0x8022, 0)));
        let registers = Filter::Multicast.registers();
        assert_eq!(
            registers[..3],
            [(0x8011, 0x8200), (0x8012, 0xffff), (0x8028, 0)]
        );
    }

    #[test]
    fn the_address_goes_into_three_registers() {
        assert_eq!(
            wakeup::address_registers([2, 0x5e, 0x11, 0x22, 0x33, 0x44]),
            [(0x8063, 0x5e02), (0x8062, 0x2211), (0x8061, 0x4433)]
        );
    }
}
