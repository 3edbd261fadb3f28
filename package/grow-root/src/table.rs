// SPDX-License-Identifier: MIT
//! A GUID partition table whose last partition can grow: UEFI specification 2.10, section 5.3.
//!
//! Numbers are in the disk's logical blocks unless a name says otherwise.

use anyhow::{bail, ensure, Context as _, Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Where the primary header is.
const PRIMARY: u64 = 1;
const SIGNATURE: &[u8] = b"EFI PART";
/// Partitions begin and end on multiples of so many bytes, as genimage aligns them.
const ALIGN_BYTES: u64 = 1 << 20;
/// No table that anybody makes is larger; a wrong number must not take all memory.
const MAX_ENTRIES_BYTES: usize = 1 << 20;

/// Offsets in a header (table 5.5) and in an entry (table 5.6).
mod at {
    pub const HEADER_SIZE: usize = 12;
    pub const HEADER_CRC32: usize = 16;
    pub const MY_LBA: usize = 24;
    pub const ALTERNATE_LBA: usize = 32;
    pub const LAST_USABLE_LBA: usize = 48;
    pub const ENTRIES_LBA: usize = 72;
    pub const ENTRY_COUNT: usize = 80;
    pub const ENTRY_SIZE: usize = 84;
    pub const ENTRIES_CRC32: usize = 88;
    pub const HEADER_END: usize = 92;

    pub const ENTRY_FIRST_LBA: usize = 32;
    pub const ENTRY_LAST_LBA: usize = 40;
    pub const ENTRY_END: usize = 128;
}

/// A disk, or in tests something like it.
pub trait Disk: Read + Write + Seek {
    /// Returns when everything written so far is on the medium.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// The first and the last block of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// First block.
    pub first: u64,
    /// Last block, which belongs to the partition.
    pub last: u64,
}

impl Extent {
    /// How many blocks it has.
    pub fn blocks(self) -> u64 {
        self.last - self.first + 1
    }
}

/// A header that has been checked against its own sum.
struct Header(Vec<u8>);

impl Header {
    fn parse(block: Vec<u8>) -> Option<Self> {
        let header = Self(block);
        let size = usize::try_from(header.u32(at::HEADER_SIZE)).ok()?;
        let sized = (at::HEADER_END..=header.0.len()).contains(&size);
        (header.0.starts_with(SIGNATURE) && sized && header.sum() == header.u32(at::HEADER_CRC32))
            .then_some(header)
    }

    fn u32(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[at..at + 4]);
        u32::from_le_bytes(bytes)
    }

    fn u64(&self, at: usize) -> u64 {
        read_u64(&self.0, at)
    }

    fn set_u32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn set_u64(&mut self, at: usize, value: u64) {
        write_u64(&mut self.0, at, value);
    }

    /// The sum of the header, with zero in the sum's own place.
    fn sum(&self) -> u32 {
        let mut bytes = self.0[..self.u32(at::HEADER_SIZE) as usize].to_vec();
        bytes[at::HEADER_CRC32..at::HEADER_CRC32 + 4].fill(0);
        crc32fast::hash(&bytes)
    }

    /// How many bytes the entries have; an error for numbers that make no table.
    fn entries_bytes(&self) -> Result<usize> {
        let (count, size) = (self.u32(at::ENTRY_COUNT), self.u32(at::ENTRY_SIZE));
        ensure!(size as usize >= at::ENTRY_END, "entries of {size} bytes");
        let bytes = (count as usize).checked_mul(size as usize);
        bytes
            .filter(|bytes| *bytes <= MAX_ENTRIES_BYTES)
            .with_context(|| format!("{count} entries of {size} bytes"))
    }
}

/// A disk's partition table, and how the disk is now.
pub struct Table {
    block_bytes: u64,
    disk_blocks: u64,
    primary: Header,
    entries: Vec<u8>,
    /// Whether the primary copy on the disk is not what this table says.
    stale: bool,
}

impl Table {
    /// Reads the table of a disk with logical blocks of `block_bytes`.
    ///
    /// The primary header says where its entries are. Entries that do not fit their sum are what
    /// a write leaves that was cut: then the backup's, at the disk's end, are taken.
    ///
    /// # Errors
    ///
    /// When there is no table, or none that is whole.
    pub fn read(disk: &mut impl Disk, block_bytes: u64) -> Result<Self> {
        let disk_blocks = disk.seek(SeekFrom::End(0))? / block_bytes;
        let header = |disk: &mut _, lba: u64| -> Result<_> {
            let block = read(disk, lba * block_bytes, usize::try_from(block_bytes)?)?;
            Ok(Header::parse(block))
        };
        let entries = |disk: &mut _, header: &Header| -> Result<_> {
            let start = header.u64(at::ENTRIES_LBA).checked_mul(block_bytes);
            let entries =
                read(disk, start.context("the entries' place")?, header.entries_bytes()?)?;
            Ok(Some(entries)
                .filter(|entries| crc32fast::hash(entries) == header.u32(at::ENTRIES_CRC32)))
        };
        let primary = header(disk, PRIMARY)?.context("no GUID partition table")?;
        let (entries, stale) = match entries(disk, &primary)? {
            Some(whole) => (whole, false),
            None => {
                let backup = header(disk, disk_blocks - 1)?;
                let backup =
                    backup.context("entries do not fit their sum, and there is no backup")?;
                let whole = entries(disk, &backup)?;
                (whole.context("neither copy's entries fit their sum")?, true)
            }
        };
        ensure!(entries.len() == primary.entries_bytes()?, "the copies differ in size");
        Ok(Self { block_bytes, disk_blocks, primary, entries, stale })
    }

    /// The extent of partition `number`, which counts from 1 as the kernel does.
    ///
    /// # Errors
    ///
    /// When there is none of that number.
    pub fn extent(&self, number: usize) -> Result<Extent> {
        let found = self.used().find(|(at, _)| *at == number);
        found.map(|(_, extent)| extent).with_context(|| format!("no partition {number}"))
    }

    /// Lets partition `number` grow to the disk's end, as far as the alignment goes; whether the
    /// table has to be written.
    ///
    /// # Errors
    ///
    /// When another partition lies behind it.
    pub fn grow(&mut self, number: usize) -> Result<bool> {
        let extent = self.extent(number)?;
        if let Some((behind, _)) = self.used().find(|(_, other)| other.first > extent.last) {
            bail!("partition {behind} lies behind partition {number}");
        }
        let align = ALIGN_BYTES / self.block_bytes;
        let end = (self.last_usable()? + 1) / align * align;
        if end > extent.last + 1 {
            let entry = (number - 1) * self.entry_size();
            write_u64(&mut self.entries, entry + at::ENTRY_LAST_LBA, end - 1);
            self.stale = true;
        }
        Ok(self.stale)
    }

    /// Writes the table: the backup at the disk's end first, then the primary copy.
    ///
    /// One of the two is whole at every moment. A kernel with `gpt` on its command line takes the
    /// backup where the primary is not; U-Boot does so by itself.
    ///
    /// # Errors
    ///
    /// Those of the disk.
    pub fn write(&mut self, disk: &mut impl Disk) -> Result<()> {
        let (sum, backup_lba) = (crc32fast::hash(&self.entries), self.disk_blocks - 1);
        let (last_usable, primary_entries) =
            (self.last_usable()?, self.primary.u64(at::ENTRIES_LBA));
        self.primary.set_u64(at::LAST_USABLE_LBA, last_usable);
        self.primary.set_u32(at::ENTRIES_CRC32, sum);
        for (my, alternate, entries) in
            [(backup_lba, PRIMARY, last_usable + 1), (PRIMARY, backup_lba, primary_entries)]
        {
            self.primary.set_u64(at::MY_LBA, my);
            self.primary.set_u64(at::ALTERNATE_LBA, alternate);
            self.primary.set_u64(at::ENTRIES_LBA, entries);
            self.primary.set_u32(at::HEADER_CRC32, self.primary.sum());
            write(disk, entries * self.block_bytes, &self.entries)?;
            write(disk, my * self.block_bytes, &self.primary.0)?;
            disk.sync()?;
        }
        self.stale = false;
        Ok(())
    }

    fn entry_size(&self) -> usize {
        self.primary.u32(at::ENTRY_SIZE) as usize
    }

    /// The last block that is neither the backup's header nor its entries.
    fn last_usable(&self) -> Result<u64> {
        let entries = (self.entries.len() as u64).div_ceil(self.block_bytes);
        (self.disk_blocks).checked_sub(entries + 2).context("the disk is smaller than its table")
    }

    /// Every partition's number and extent.
    fn used(&self) -> impl Iterator<Item = (usize, Extent)> + '_ {
        self.entries.chunks_exact(self.entry_size()).enumerate().filter_map(|(index, entry)| {
            // Without a type it is unused.
            let used = entry[..16].iter().any(|byte| *byte != 0);
            let (first, last) =
                (read_u64(entry, at::ENTRY_FIRST_LBA), read_u64(entry, at::ENTRY_LAST_LBA));
            (used && first <= last).then_some((index + 1, Extent { first, last }))
        })
    }
}

fn read_u64(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

fn write_u64(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn read(disk: &mut impl Disk, offset: u64, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    disk.seek(SeekFrom::Start(offset))?;
    disk.read_exact(&mut bytes).with_context(|| format!("read at {offset}"))?;
    Ok(bytes)
}

fn write(disk: &mut impl Disk, offset: u64, bytes: &[u8]) -> Result<()> {
    disk.seek(SeekFrom::Start(offset))?;
    disk.write_all(bytes).with_context(|| format!("write at {offset}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const BLOCK: u64 = 512;
    const MIB: u64 = (1 << 20) / BLOCK;
    /// The image: boot at 1 MiB, root from 3 MiB to 4 MiB, of 5 MiB.
    const IMAGE: u64 = 5 * MIB;
    const ROOT: Extent = Extent { first: 3 * MIB, last: 4 * MIB - 1 };

    /// A disk in memory that notes what is written, block by block.
    struct Card {
        bytes: Cursor<Vec<u8>>,
        writes: Vec<(u64, Vec<u8>)>,
    }

    impl Card {
        fn new(bytes: Vec<u8>) -> Self {
            Self { bytes: Cursor::new(bytes), writes: Vec::new() }
        }
    }

    impl Read for Card {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.bytes.read(buffer)
        }
    }

    impl Seek for Card {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.bytes.seek(to)
        }
    }

    impl Write for Card {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            // A medium writes whole blocks, one after the other.
            let block = &buffer[..buffer.len().min(BLOCK as usize)];
            self.writes.push((self.bytes.position(), block.to_vec()));
            self.bytes.write(block)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk for Card {
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An image with a table whose entries begin at block `entries`.
    fn image(entries: u64) -> Vec<u8> {
        let mut header = Header(vec![0; BLOCK as usize]);
        header.0[..8].copy_from_slice(SIGNATURE);
        header.set_u32(at::HEADER_SIZE, 92);
        header.set_u64(at::ENTRIES_LBA, entries);
        header.set_u32(at::ENTRY_COUNT, 128);
        header.set_u32(at::ENTRY_SIZE, 128);
        let mut table = Table {
            block_bytes: BLOCK,
            disk_blocks: IMAGE,
            primary: header,
            entries: vec![0; 128 * 128],
            stale: true,
        };
        for (number, extent) in [(0, Extent { first: MIB, last: 3 * MIB - 1 }), (1, ROOT)] {
            let entry = number * 128;
            table.entries[entry..entry + 16].fill(7);
            write_u64(&mut table.entries, entry + at::ENTRY_FIRST_LBA, extent.first);
            write_u64(&mut table.entries, entry + at::ENTRY_LAST_LBA, extent.last);
        }
        let mut card = Card::new(vec![0; (IMAGE * BLOCK) as usize]);
        table.write(&mut card).unwrap();
        card.bytes.into_inner()
    }

    /// The image on a card of so many blocks.
    fn card(blocks: u64) -> Card {
        let mut bytes = image(2);
        bytes.resize((blocks * BLOCK) as usize, 0);
        Card::new(bytes)
    }

    fn root(card: &mut Card) -> Extent {
        Table::read(card, BLOCK).unwrap().extent(2).unwrap()
    }

    #[test]
    fn grows_to_the_cards_end_and_no_further() {
        let mut card = card(8 * MIB);
        let mut table = Table::read(&mut card, BLOCK).unwrap();
        assert_eq!(table.extent(2).unwrap(), ROOT);
        assert!(table.grow(2).unwrap());
        table.write(&mut card).unwrap();
        // The backup takes 33 blocks of the last MiB.
        assert_eq!(root(&mut card), Extent { first: ROOT.first, last: 7 * MIB - 1 });
        assert!(!Table::read(&mut card, BLOCK).unwrap().grow(2).unwrap());
        // The backup is where the primary says, and says the same.
        let backup = Header::parse(read(&mut card, (8 * MIB - 1) * BLOCK, 512).unwrap()).unwrap();
        assert_eq!(backup.u64(at::ALTERNATE_LBA), PRIMARY);
        assert_eq!(backup.u64(at::LAST_USABLE_LBA), 8 * MIB - 34);
    }

    #[test]
    fn a_card_of_the_images_size_is_left_alone() {
        assert!(!Table::read(&mut card(IMAGE), BLOCK).unwrap().grow(2).unwrap());
    }

    #[test]
    fn only_the_last_partition_grows() {
        let mut table = Table::read(&mut card(8 * MIB), BLOCK).unwrap();
        let error = table.grow(1).unwrap_err().to_string();
        assert_eq!(error, "partition 2 lies behind partition 1");
        assert_eq!(table.grow(3).unwrap_err().to_string(), "no partition 3");
    }

    #[test]
    fn entries_stay_where_the_board_has_them() {
        let mut bytes = image(100);
        bytes[(2 * BLOCK) as usize..(34 * BLOCK) as usize].fill(0xb0);
        bytes.resize((8 * MIB * BLOCK) as usize, 0);
        let mut card = Card::new(bytes);
        let mut table = Table::read(&mut card, BLOCK).unwrap();
        assert!(table.grow(2).unwrap());
        table.write(&mut card).unwrap();
        assert_eq!(root(&mut card).last, 7 * MIB - 1);
        let boot_loader = read(&mut card, 2 * BLOCK, 32 * 512).unwrap();
        assert!(boot_loader.iter().all(|byte| *byte == 0xb0));
    }

    #[test]
    fn a_plug_pulled_after_any_block_leaves_a_table() {
        let before = card(8 * MIB).bytes.into_inner();
        let mut card = Card::new(before.clone());
        let mut table = Table::read(&mut card, BLOCK).unwrap();
        table.grow(2).unwrap();
        table.write(&mut card).unwrap();
        assert_eq!(card.writes.len(), 2 * (32 + 1));
        let mut cut = before;
        for (offset, block) in card.writes {
            let mut card = Card::new(cut.clone());
            assert_eq!(root(&mut card).first, ROOT.first, "before the write at {offset}");
            // The next boot ends what this one began.
            let mut table = Table::read(&mut card, BLOCK).unwrap();
            assert!(table.grow(2).unwrap());
            table.write(&mut card).unwrap();
            assert_eq!(root(&mut card).last, 7 * MIB - 1);
            let at = usize::try_from(offset).unwrap();
            cut[at..at + block.len()].copy_from_slice(&block);
        }
        assert_eq!(root(&mut Card::new(cut)).last, 7 * MIB - 1);
    }

    #[test]
    fn refuses_what_is_no_table() {
        let refused = |change: fn(&mut Vec<u8>)| {
            let mut bytes = image(2);
            change(&mut bytes);
            Table::read(&mut Card::new(bytes), BLOCK).err().map(|error| error.to_string())
        };
        assert!(refused(|_| ()).is_none());
        let none = Some("no GUID partition table".to_owned());
        assert_eq!(refused(|bytes| bytes[512] = b'e'), none);
        assert_eq!(refused(|bytes| bytes[512 + at::MY_LBA] = 9), none);
        let both = refused(|bytes| {
            bytes[1024] = 1;
            let backup = bytes.len() - 33 * 512;
            bytes[backup] = 1;
        });
        assert_eq!(both.unwrap(), "neither copy's entries fit their sum");
        assert!(Table::read(&mut Card::new(vec![0; 4096]), BLOCK).is_err());
        assert!(Table::read(&mut Card::new(vec![]), BLOCK).is_err());
    }
}
