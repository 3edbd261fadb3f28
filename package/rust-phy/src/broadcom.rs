// SPDX-License-Identifier: GPL-2.0

//! The registers of Broadcom's BCM54210E and BCM54213PE, and what follows from their values, free
//! of the kernel.
//!
//! Broadcom gives its data sheets to customers only: names are those of
//! [`include/linux/brcmphy.h`](srctree/include/linux/brcmphy.h), without the prefixes.

/// ECR (0x10), extended control.
pub(crate) mod ecr {
    pub(crate) const REG: u8 = 0x10;
    /// IM: no interrupts at all.
    pub(crate) const INTERRUPT_MASK: u16 = 1 << 12;
}

/// ISR (0x1a), which a read clears, and IMR (0x1b), whose bits are of interrupts that are off.
pub(crate) mod interrupt {
    pub(crate) const ISR: u8 = 0x1a;
    pub(crate) const IMR: u8 = 0x1b;
    const DUPLEX: u16 = 1 << 3;
    const SPEED: u16 = 1 << 2;
    const LINK: u16 = 1 << 1;
    pub(crate) const LINK_EVENTS: u16 = DUPLEX | SPEED | LINK;
}

/// AUX_CTL (0x18), auxiliary control: several registers, by the lowest three bits of what is
/// written.
pub(crate) mod aux_ctl {
    pub(crate) const REG: u8 = 0x18;
    /// SHDWSEL_AUXCTL.
    const AUXCTL: u16 = 0;
    const ACTL_TX_6DB: u16 = 0x0400;
    const ACTL_SMDSP_ENA: u16 = 0x0800;
    /// AUXCTL with the clock of the signal processor on, and off again.
    pub(crate) const AUXCTL_SMDSP_ON: u16 = AUXCTL | ACTL_SMDSP_ENA | ACTL_TX_6DB;
    pub(crate) const AUXCTL_SMDSP_OFF: u16 = AUXCTL | ACTL_TX_6DB;

    /// SHDWSEL_MISC.
    const MISC: u16 = 7;
    /// To be written before MISC is read.
    pub(crate) const MISC_READ: u16 = MISC << 12 | 0x7;
    const MISC_WREN: u16 = 1 << 15;
    const MISC_RGMII_SKEW_EN: u16 = 1 << 8;

    /// What to write for MISC with a delay of RXC or not; without a wish it stays.
    pub(crate) fn misc(misc: u16, rx_delay: Option<bool>) -> u16 {
        MISC | MISC_WREN
            | match rx_delay {
                None => misc,
                Some(true) => misc | MISC_RGMII_SKEW_EN,
                Some(false) => misc & !MISC_RGMII_SKEW_EN,
            }
    }
}

/// SHD (0x1c): several registers of ten bits.
pub(crate) mod shadow {
    pub(crate) const REG: u8 = 0x1c;
    const WRITE: u16 = 1 << 15;
    const DATA: u16 = 0x03ff;

    /// CLK_CTL.
    pub(crate) const CLK_CTL: u16 = 0x03;
    /// GTXCLK is delayed.
    pub(crate) const CLK_CTL_GTXCLK_EN: u16 = 1 << 9;
    /// SCR3.
    pub(crate) const SCR3: u16 = 0x05;
    /// APD, auto power-down.
    pub(crate) const APD: u16 = 0x0a;
    /// LEDS1 and LEDS2, LED selectors.
    pub(crate) const LEDS1: u16 = 0x0d;
    pub(crate) const LEDS2: u16 = 0x0e;

    /// What to write before a register is read.
    pub(crate) fn select(register: u16) -> u16 {
        (register & 0x1f) << 10
    }

    /// What to write for a register to have this value.
    pub(crate) fn write(register: u16, value: u16) -> u16 {
        WRITE | select(register) | value & DATA
    }

    /// The value that was read.
    pub(crate) fn data(read: u16) -> u16 {
        read & DATA
    }
}

/// What the MAC wishes, `PHY_BRCM_*` in `phy_device.dev_flags`.
#[derive(Clone, Copy)]
pub(crate) struct Flags(pub(crate) u32);

impl Flags {
    pub(crate) fn auto_power_down(self) -> bool {
        self.0 & 1 << 0 != 0
    }

    /// CLK125 goes nowhere.
    fn refclk_unused(self) -> bool {
        self.0 & 1 << 1 != 0
    }

    /// TXC and RXC are to stop while there is no energy on the line.
    fn stop_clocks(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    pub(crate) fn master(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    /// IDDQ, the mode with the least current, is allowed in suspend.
    pub(crate) fn iddq_suspend(self) -> bool {
        self.0 & 1 << 5 != 0
    }

    /// Auto power-down is on, and may stop the delay-locked loop.
    fn power_down(self) -> bool {
        self.refclk_unused() || self.auto_power_down()
    }

    /// SCR3 as is wished.
    pub(crate) fn to_scr3(self, scr3: u16) -> u16 {
        const DEF_CLK125: u16 = 1 << 0;
        const DLLAPD_DIS: u16 = 1 << 1;
        const RXCTXC_DIS: u16 = 1 << 8;
        let mut scr3 = scr3;
        if self.refclk_unused() {
            scr3 &= !DEF_CLK125;
        }
        if self.power_down() {
            scr3 &= !DLLAPD_DIS;
        } else {
            scr3 |= DLLAPD_DIS;
        }
        if self.stop_clocks() {
            scr3 |= RXCTXC_DIS;
        }
        scr3
    }

    /// APD as is wished.
    pub(crate) fn to_apd(self, apd: u16) -> u16 {
        const APD_EN: u16 = 1 << 5;
        if self.power_down() {
            apd | APD_EN
        } else {
            apd & !APD_EN
        }
    }
}

/// What LEDs show: four bits each in LEDS1 and LEDS2.
pub(crate) mod led {
    use super::shadow;

    /// LED_SRC_MULTICOLOR1: what the expansion register MULTICOLOR says.
    const SRC_MULTICOLOR1: u16 = 0xa;
    const SRC_OFF: u16 = 0xe;
    const SRC_ON: u16 = 0xf;
    const SRC: u16 = 0xf;

    /// Both LEDs of LEDS1 for MULTICOLOR.
    pub(crate) const LEDS1_MULTICOLOR: u16 = SRC_MULTICOLOR1 << 4 | SRC_MULTICOLOR1;

    /// How many LEDs there are.
    pub(crate) const LEDS: u8 = 4;

    /// The register of a LED.
    pub(crate) fn register(index: u8) -> u16 {
        if index < 2 {
            shadow::LEDS1
        } else {
            shadow::LEDS2
        }
    }

    /// The register with this LED on or off.
    pub(crate) fn with_led(register: u16, index: u8, on: bool) -> u16 {
        let shift = 4 * (index % 2);
        register & !(SRC << shift) | if on { SRC_ON } else { SRC_OFF } << shift
    }
}

/// Expansion registers: EXP_SEL (0x17) selects which EXP_DATA (0x15) is.
pub(crate) mod exp {
    pub(crate) const DATA: u8 = 0x15;
    pub(crate) const SEL: u8 = 0x17;

    /// TOP_MISC_MII_BUF_CNTL0.
    pub(crate) const MII_BUF_CNTL0: u16 = 0x0d00;
    /// Autonomous energy-efficient Ethernet.
    pub(crate) const AUTOGREEEN_EN: u16 = 1 << 0;
    /// TOP_MISC_IDDQ_CTRL.
    pub(crate) const IDDQ_CTRL: u16 = 0x0d06;
    /// IDDQ_SR, soft recovery, and IDDQ_LP, low power.
    pub(crate) const IDDQ_SR_LP: u16 = 1 << 3 | 1 << 0;
    /// TOP_MISC_LED_CTL.
    pub(crate) const LED_CTL: u16 = 0x0d0c;
    /// LED4 is the interrupt's.
    pub(crate) const LED4_SEL_INTR: u16 = 1 << 1;
    /// MULTICOLOR.
    pub(crate) const MULTICOLOR: u16 = 0x0f04;
    /// Both LEDs show link and activity, in phase.
    pub(crate) const MULTICOLOR_LINK_ACT: u16 = 1 << 8;
    /// EXP08.
    pub(crate) const EXP08: u16 = 0x0f08;
    /// EARLY_DAC_WAKE and FORCE_DAC_WAKE, for 10 Mbit/s.
    pub(crate) const EXP08_DAC_WAKE: u16 = 1 << 9 | 1 << 8;
}

/// Wake-on-LAN, in expansion registers.
pub(crate) mod wol {
    pub(crate) const MAIN_CTL: u16 = 0x0e80;
    const MAIN_EN: u16 = 1 << 0;
    const MAIN_MODE: u16 = 0x3 << 1;
    const MAIN_MODE_SINGLE_MPD: u16 = 0 << 1;
    const MAIN_MODE_SINGLE_MPDSEC: u16 = 1 << 1;
    const MAIN_SECKEY_OPT: u16 = 0x3 << 4;
    const MAIN_SECKEY_OPT_6B: u16 = 1 << 4;
    const MAIN_CRC_CHK: u16 = 1 << 10;
    const MAIN_DIR_PKT_EN: u16 = 1 << 13;
    const MAIN_MASK_MODE: u16 = 0x3 << 14;
    const MAIN_MASK_MODE_DA_FF: u16 = 0 << 14;
    const MAIN_MASK_MODE_DA_ONLY: u16 = 2 << 14;
    /// Which of three registers stands for the first two of six bytes, and for the next ones.
    const FIRST_WORDS: [u16; 3] = [2, 1, 0];
    const MPD_DATA1: u16 = 0x0e84;
    const MPD_DATA2: u16 = 0x0e87;
    const MASK: u16 = 0x0e8b;
    pub(crate) const INT_MASK: u16 = 0x0e93;
    /// Packets 1 and 2, and a packet to the address.
    pub(crate) const INT_MASK_ALL: u16 = 0x0007;
    pub(crate) const INT_STATUS: u16 = 0x0e94;

    /// What is to wake the system; the first one that is true counts, but for magic packets, which
    /// decide the mode.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Wishes {
        pub(crate) multicast: bool,
        pub(crate) unicast: bool,
        pub(crate) broadcast: bool,
        /// A magic packet with this password.
        pub(crate) secure: Option<[u8; 6]>,
        pub(crate) magic: bool,
    }

    /// What wakes the system.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Event {
        Unicast,
        Multicast,
        Broadcast,
        Magic,
        /// With this password.
        Secure([u8; 6]),
    }

    impl Wishes {
        pub(crate) fn any(self) -> bool {
            self != Self::default()
        }

        /// The address, or password, that a packet is compared with, and which of its bits are not.
        fn filter(self, mac: [u8; 6]) -> ([u8; 6], [u8; 6]) {
            const ALL: [u8; 6] = [0xff; 6];
            const NONE: [u8; 6] = [0; 6];
            if self.multicast {
                return ([1, 0, 0, 0, 0, 0], [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff]);
            }
            match (self.unicast, self.broadcast, self.secure) {
                (true, ..) => (mac, NONE),
                (_, true, _) => (ALL, NONE),
                (.., Some(password)) => (password, NONE),
                _ => (NONE, ALL),
            }
        }

        /// The registers with what is compared: (register, value), in the order in which they are
        /// written.
        pub(crate) fn registers(self, mac: [u8; 6]) -> impl Iterator<Item = (u16, u16)> {
            let (address, mask) = self.filter(mac);
            let magic = self.magic || self.secure.is_some();
            FIRST_WORDS
                .into_iter()
                .enumerate()
                .flat_map(move |(i, word)| {
                    let pair =
                        |bytes: [u8; 6]| u16::from_be_bytes([bytes[2 * i], bytes[2 * i + 1]]);
                    let magic = magic.then(|| (MPD_DATA1 + word, pair(mac)));
                    let others = [(MPD_DATA2 + word, pair(address)), (MASK + word, pair(mask))];
                    magic.into_iter().chain(others)
                })
        }

        /// MAIN_CTL with these wishes; without any it is off, and else stays.
        pub(crate) fn to_main_ctl(self, main_ctl: u16) -> u16 {
            if !self.any() {
                return main_ctl & !MAIN_EN;
            }
            let kept = main_ctl & !(MAIN_MODE | MAIN_MASK_MODE | MAIN_DIR_PKT_EN | MAIN_SECKEY_OPT);
            let mode = if self.secure.is_some() {
                MAIN_SECKEY_OPT_6B | MAIN_MODE_SINGLE_MPDSEC | MAIN_MASK_MODE_DA_FF
            } else if self.magic {
                MAIN_MODE_SINGLE_MPD | MAIN_MASK_MODE_DA_ONLY
            } else {
                MAIN_DIR_PKT_EN | MAIN_MASK_MODE_DA_ONLY
            };
            kept | mode | MAIN_EN | MAIN_CRC_CHK
        }
    }

    /// The registers that hold what is compared, first to last.
    pub(crate) fn data_registers() -> [u16; 3] {
        FIRST_WORDS.map(|word| MPD_DATA2 + word)
    }

    /// Whether MAIN_CTL says that WoL is on.
    pub(crate) fn is_on(main_ctl: u16) -> bool {
        main_ctl & MAIN_EN != 0
    }

    /// What wakes the system, by MAIN_CTL and [`data_registers`].
    pub(crate) fn event(main_ctl: u16, data: [u16; 3], mac: Option<[u8; 6]>) -> Option<Event> {
        let bytes: [u8; 6] = core::array::from_fn(|i| data[i / 2].to_be_bytes()[i % 2]);
        if !is_on(main_ctl) {
            return None;
        }
        if main_ctl & MAIN_DIR_PKT_EN == 0 {
            return match main_ctl & MAIN_MODE {
                MAIN_MODE_SINGLE_MPD => Some(Event::Magic),
                MAIN_MODE_SINGLE_MPDSEC => Some(Event::Secure(bytes)),
                _ => None,
            };
        }
        match bytes {
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => Some(Event::Broadcast),
            [first, ..] if first & 1 != 0 => Some(Event::Multicast),
            _ => (mac == Some(bytes)).then_some(Event::Unicast),
        }
    }
}

/// Counters.
pub(crate) mod counter {
    /// CORE_BASE12: receive errors.
    pub(crate) const CORE_BASE12: u8 = 0x12;
    /// CORE_BASE13: bit errors of the SerDes above, false carriers below.
    pub(crate) const CORE_BASE13: u8 = 0x13;
    /// CORE_BASE14: how often the local and the remote receiver were not OK.
    pub(crate) const CORE_BASE14: u8 = 0x14;
    /// In the MMD for auto-negotiation: how often low power idle was entered.
    pub(crate) const EEE_LPI_CNT: u16 = 0x803f;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registers_are_those_of_brcmphy_h() {
        assert_eq!((ecr::REG, ecr::INTERRUPT_MASK), (0x10, 0x1000));
        assert_eq!((interrupt::ISR, interrupt::IMR), (0x1a, 0x1b));
        assert_eq!(interrupt::LINK_EVENTS, 0xe);
        assert_eq!((aux_ctl::REG, shadow::REG), (0x18, 0x1c));
        assert_eq!(aux_ctl::AUXCTL_SMDSP_ON, 0x0c00);
        assert_eq!(aux_ctl::AUXCTL_SMDSP_OFF, 0x0400);
        assert_eq!(aux_ctl::MISC_READ, 0x7007);
        assert_eq!((shadow::CLK_CTL, shadow::CLK_CTL_GTXCLK_EN), (3, 0x200));
        assert_eq!((shadow::SCR3, shadow::APD), (5, 10));
        assert_eq!((shadow::LEDS1, shadow::LEDS2), (13, 14));
        assert_eq!((exp::DATA, exp::SEL), (0x15, 0x17));
        assert_eq!((exp::MII_BUF_CNTL0, exp::AUTOGREEEN_EN), (0xd00, 1));
        assert_eq!((exp::IDDQ_CTRL, exp::IDDQ_SR_LP), (0xd06, 9));
        assert_eq!((exp::LED_CTL, exp::LED4_SEL_INTR), (0xd0c, 2));
        assert_eq!((exp::MULTICOLOR, exp::MULTICOLOR_LINK_ACT), (0xf04, 0x100));
        assert_eq!((exp::EXP08, exp::EXP08_DAC_WAKE), (0xf08, 0x300));
        assert_eq!((wol::MAIN_CTL, wol::INT_MASK), (0xe80, 0xe93));
        assert_eq!((wol::INT_MASK_ALL, wol::INT_STATUS), (7, 0xe94));
        assert_eq!(
            (
                counter::CORE_BASE12,
                counter::CORE_BASE13,
                counter::CORE_BASE14
            ),
            (18, 19, 20)
        );
        assert_eq!(counter::EEE_LPI_CNT, 0x803f);
    }

    #[test]
    fn several_registers_are_behind_one() {
        assert_eq!(shadow::select(0x0d), 0x3400);
        assert_eq!(shadow::write(0x0d, 0x00aa), 0xb4aa);
        assert_eq!(shadow::write(0x03, 0xfe00), 0x8e00);
        assert_eq!(shadow::data(0xb4aa), 0x00aa);
        assert_eq!(aux_ctl::misc(0x71e7, Some(false)), 0xf0e7);
        assert_eq!(aux_ctl::misc(0x0000, Some(true)), 0x8107);
        assert_eq!(aux_ctl::misc(0x0100, None), 0x8107);
    }

    #[test]
    fn flags_ask_for_power_down() {
        let flags = |bits| Flags(bits);
        assert_eq!(
            (flags(0).to_scr3(0x001), flags(0).to_apd(0x3ff)),
            (0x003, 0x3df)
        );
        assert_eq!(
            (flags(1).to_scr3(0x003), flags(1).to_apd(0x001)),
            (0x001, 0x021)
        );
        assert_eq!(
            (flags(2).to_scr3(0x003), flags(2).to_apd(0)),
            (0x000, 0x020)
        );
        assert_eq!(flags(8).to_scr3(0), 0x102);
        assert!(flags(1).auto_power_down() && !flags(2).auto_power_down());
        assert!(flags(0x10).master() && flags(0x20).iddq_suspend());
        assert!(!flags(0x2f).master() && !flags(0x1f).iddq_suspend());
    }

    #[test]
    fn leds_go_on_and_off() {
        assert_eq!(led::LEDS1_MULTICOLOR, 0xaa);
        assert_eq!((led::register(1), led::register(2)), (13, 14));
        assert_eq!(led::with_led(0x3aa, 0, true), 0x3af);
        assert_eq!(led::with_led(0x3aa, 3, false), 0x3ea);
        assert_eq!(led::LEDS, 4);
    }

    #[test]
    fn what_wakes_the_system_is_what_was_wished() {
        use wol::{Event, Wishes};
        const MAC: [u8; 6] = [2, 0x5e, 0x11, 0x22, 0x33, 0x44];
        const PASSWORD: [u8; 6] = [1, 2, 3, 4, 5, 6];
        let wish = Wishes::default;
        for (wishes, event, main_ctl) in [
            (
                Wishes {
                    unicast: true,
                    ..wish()
                },
                Event::Unicast,
                0xa401,
            ),
            (
                Wishes {
                    multicast: true,
                    ..wish()
                },
                Event::Multicast,
                0xa401,
            ),
            (
                Wishes {
                    broadcast: true,
                    ..wish()
                },
                Event::Broadcast,
                0xa401,
            ),
            (
                Wishes {
                    magic: true,
                    ..wish()
                },
                Event::Magic,
                0x8401,
            ),
            (
                Wishes {
                    secure: Some(PASSWORD),
                    ..wish()
                },
                Event::Secure(PASSWORD),
                0x0413,
            ),
        ] {
            let mut data = [0; 3];
            let mut count = 0;
            for (register, value) in wishes.registers(MAC) {
                count += 1;
                for (slot, place) in data.iter_mut().zip(wol::data_registers()) {
                    if place == register {
                        *slot = value;
                    }
                }
            }
            let magic = wishes.magic || wishes.secure.is_some();
            assert_eq!(count, if magic { 9 } else { 6 });
            assert_eq!(wishes.to_main_ctl(0xe036), main_ctl);
            assert_eq!(wol::event(main_ctl, data, Some(MAC)), Some(event));
        }
        assert_eq!(wish().to_main_ctl(0xa401), 0xa400);
        assert_eq!(wol::event(0xa400, [0; 3], Some(MAC)), None);
        assert_eq!(wol::event(0x8405, [0; 3], Some(MAC)), None);
        let magic = Wishes {
            magic: true,
            ..wish()
        };
        let first: Vec<_> = magic.registers(MAC).take(3).collect();
        assert_eq!(first, [(0xe86, 0x025e), (0xe89, 0), (0xe8d, 0xffff)]);
    }
}
