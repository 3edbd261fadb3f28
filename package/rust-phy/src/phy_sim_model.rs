// SPDX-License-Identifier: GPL-2.0

//! The registers of a simulated PHY, free of the kernel.
//!
//! A model knows what all PHYs have in common: clause 22 registers, pages, and MMDs behind the
//! registers 13 and 14 (IEEE 802.3, Annex 22D). What a certain chip's registers hold, and how they
//! change over time, is for the script to say.

/// How many registers a PHY can have a value or a behaviour for.
pub(crate) const CAPACITY: usize = 160;

/// The registers through which clause 22 reaches MMDs.
const MMD_CONTROL: u8 = 13;
const MMD_DATA: u8 = 14;

/// What a register's bits do besides keeping what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Cleared when they are read.
    ReadClear,
    /// Zero again as soon as they were written.
    SelfClear,
    /// Not changed by writes.
    ReadOnly,
}

/// Where a register stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A clause 22 register. Those outside of the PHY's banks are on page 0.
    Paged { page: u32, reg: u8 },
    /// A register of an MMD.
    Mmd { devad: u8, reg: u16 },
}

#[derive(Clone, Copy)]
struct Register {
    place: Place,
    value: u16,
    read_clear: u16,
    self_clear: u16,
    read_only: u16,
}

/// Which register selects the page of which registers.
#[derive(Clone, Copy)]
struct Banks {
    select: u8,
    first: u8,
    last: u8,
}

/// A page whose registers a second register selects, as the RTL8211E has them.
#[derive(Clone, Copy)]
struct Window {
    page: u16,
    select: u8,
}

/// No room for another register.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A simulated PHY.
pub(crate) struct Phy {
    registers: [Option<Register>; CAPACITY],
    banks: Option<Banks>,
    window: Option<Window>,
    mmd_control: u16,
    mmd_address: u16,
}

impl Phy {
    /// A PHY all of whose registers read zero.
    pub(crate) fn new() -> Self {
        Self {
            registers: [None; CAPACITY],
            banks: None,
            window: None,
            mmd_control: 0,
            mmd_address: 0,
        }
    }

    /// The registers `first` to `last` are those of the page that the register `select` names.
    pub(crate) fn set_banks(&mut self, select: u8, first: u8, last: u8) {
        self.banks = Some(Banks {
            select,
            first,
            last,
        });
    }

    /// On `page` the register `select` names an extension page: page `0x10000` and its number.
    pub(crate) fn set_window(&mut self, page: u16, select: u8) {
        self.window = Some(Window { page, select });
    }

    /// Where an access to the clause 22 register `reg` goes now.
    fn place(&self, reg: u8) -> Place {
        let page = match self.banks {
            Some(banks) if reg != banks.select && (banks.first..=banks.last).contains(&reg) => {
                let page = self.peek(Place::Paged {
                    page: 0,
                    reg: banks.select,
                });
                match self.window {
                    Some(window) if window.page == page && reg != window.select => {
                        let select = Place::Paged {
                            page: u32::from(page),
                            reg: window.select,
                        };
                        0x10000 | u32::from(self.peek(select))
                    }
                    _ => u32::from(page),
                }
            }
            _ => 0,
        };
        Place::Paged { page, reg }
    }

    fn find(&mut self, place: Place) -> Result<&mut Register, Full> {
        let index = self
            .registers
            .iter()
            .position(|register| register.is_none_or(|register| register.place == place))
            .ok_or(Full)?;
        Ok(self.registers[index].get_or_insert(Register {
            place,
            value: 0,
            read_clear: 0,
            self_clear: 0,
            read_only: 0,
        }))
    }

    /// A register's value, without the effects of reading it.
    pub(crate) fn peek(&self, place: Place) -> u16 {
        self.registers
            .iter()
            .flatten()
            .find(|register| register.place == place)
            .map_or(0, |register| register.value)
    }

    /// Gives a register a value, whatever its behaviour.
    pub(crate) fn poke(&mut self, place: Place, value: u16) -> Result<(), Full> {
        self.find(place)?.value = value;
        Ok(())
    }

    /// Says what the bits in `mask` do.
    pub(crate) fn behave(
        &mut self,
        place: Place,
        behaviour: Behaviour,
        mask: u16,
    ) -> Result<(), Full> {
        let register = self.find(place)?;
        match behaviour {
            Behaviour::ReadClear => register.read_clear = mask,
            Behaviour::SelfClear => register.self_clear = mask,
            Behaviour::ReadOnly => register.read_only = mask,
        }
        Ok(())
    }

    fn read_place(&mut self, place: Place) -> u16 {
        let register = self
            .registers
            .iter_mut()
            .flatten()
            .find(|register| register.place == place);
        let Some(register) = register else { return 0 };
        let value = register.value;
        register.value &= !register.read_clear;
        value
    }

    fn write_place(&mut self, place: Place, value: u16) -> Result<(), Full> {
        let register = self.find(place)?;
        let writable = !register.read_only;
        register.value = (register.value & !writable) | (value & writable & !register.self_clear);
        Ok(())
    }

    /// Where MMD_DATA leads: to the address register, or to a register of an MMD.
    fn mmd_place(&mut self) -> Option<Place> {
        // Bits 15:14 of MMD_CONTROL: 0 address, 1 data, 2 and 3 data with the address going up.
        let function = self.mmd_control >> 14;
        let place = Place::Mmd {
            devad: (self.mmd_control & 0x1f) as u8,
            reg: self.mmd_address,
        };
        if function >= 2 {
            self.mmd_address = self.mmd_address.wrapping_add(1);
        }
        (function != 0).then_some(place)
    }

    /// Answers a read on the bus.
    pub(crate) fn read(&mut self, reg: u8) -> u16 {
        match reg {
            MMD_CONTROL => self.mmd_control,
            MMD_DATA => match self.mmd_place() {
                Some(place) => self.read_place(place),
                None => self.mmd_address,
            },
            _ => self.read_place(self.place(reg)),
        }
    }

    /// Answers a write on the bus.
    pub(crate) fn write(&mut self, reg: u8, value: u16) -> Result<(), Full> {
        match reg {
            MMD_CONTROL => self.mmd_control = value,
            MMD_DATA => match self.mmd_place() {
                Some(place) => self.write_place(place, value)?,
                None => self.mmd_address = value,
            },
            _ => self.write_place(self.place(reg), value)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(page: u32, reg: u8) -> Place {
        Place::Paged { page, reg }
    }

    #[test]
    fn keeps_what_was_written() {
        let mut phy = Phy::new();
        assert_eq!(phy.read(4), 0);
        phy.write(4, 0x1e1).unwrap();
        assert_eq!(phy.read(4), 0x1e1);
        assert_eq!(phy.read(5), 0);
    }

    #[test]
    fn bits_behave() {
        let mut phy = Phy::new();
        phy.behave(at(0, 0), Behaviour::SelfClear, 0x8200).unwrap();
        phy.write(0, 0x9200).unwrap();
        assert_eq!(phy.read(0), 0x1000);
        phy.behave(at(0, 1), Behaviour::ReadOnly, 0xfff0).unwrap();
        phy.poke(at(0, 1), 0x7809).unwrap();
        phy.write(1, 0xfff6).unwrap();
        assert_eq!(phy.read(1), 0x7806);
        phy.behave(at(0, 29), Behaviour::ReadClear, 0x00ff).unwrap();
        phy.poke(at(0, 29), 0x0110).unwrap();
        assert_eq!(phy.peek(at(0, 29)), 0x0110);
        assert_eq!(phy.read(29), 0x0110);
        assert_eq!(phy.read(29), 0x0100);
    }

    #[test]
    fn pages_hold_their_own_registers() {
        let mut phy = Phy::new();
        phy.set_banks(31, 16, 31);
        phy.write(31, 0xd08).unwrap();
        phy.write(17, 0x100).unwrap();
        phy.write(0, 0x1140).unwrap();
        phy.write(31, 0).unwrap();
        assert_eq!(phy.read(17), 0);
        assert_eq!(phy.read(0), 0x1140);
        assert_eq!(phy.peek(at(0xd08, 17)), 0x100);
    }

    #[test]
    fn a_window_shows_extension_pages() {
        let mut phy = Phy::new();
        phy.set_banks(31, 16, 31);
        phy.set_window(7, 30);
        phy.poke(at(0x100a4, 28), 0x1234).unwrap();
        phy.write(31, 7).unwrap();
        assert_eq!(phy.read(28), 0);
        phy.write(30, 0xa4).unwrap();
        assert_eq!(phy.read(28), 0x1234);
        assert_eq!(phy.read(30), 0xa4);
        phy.write(31, 0).unwrap();
        assert_eq!(phy.read(28), 0);
    }

    #[test]
    fn mmds_are_reached_through_two_registers() {
        let mut phy = Phy::new();
        phy.poke(Place::Mmd { devad: 3, reg: 20 }, 6).unwrap();
        for (reg, value) in [(13, 3), (14, 20), (13, 0x4003)] {
            phy.write(reg, value).unwrap();
        }
        assert_eq!(phy.read(14), 6);
        phy.write(14, 7).unwrap();
        assert_eq!(phy.peek(Place::Mmd { devad: 3, reg: 20 }), 7);
        // With the address going up, the next access is the next register's.
        phy.write(13, 0x8003).unwrap();
        assert_eq!(phy.read(14), 7);
        phy.write(14, 9).unwrap();
        assert_eq!(phy.peek(Place::Mmd { devad: 3, reg: 21 }), 9);
    }

    #[test]
    fn says_when_it_is_full() {
        let mut phy = Phy::new();
        for reg in 0..CAPACITY as u16 {
            phy.poke(Place::Mmd { devad: 1, reg }, 1).unwrap();
        }
        assert_eq!(phy.write(0, 1), Err(Full));
    }
}
