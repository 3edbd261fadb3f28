// SPDX-License-Identifier: MIT
//! How large an ext4 file system says it is: Documentation/filesystems/ext4/super.rst.

use anyhow::{ensure, Context as _, Result};
use std::io::{Read, Seek, SeekFrom};

const OFFSET: u64 = 1024;
const BYTES: usize = 1024;
const MAGIC: u32 = 0xef53;
/// `INCOMPAT_64BIT`: block numbers have an upper half.
const WIDE: u32 = 0x80;

/// What of the superblock matters here.
#[derive(PartialEq, Eq, Debug)]
pub struct Superblock {
    /// Bytes of a block.
    pub block_bytes: u64,
    /// Blocks of the whole file system, its own data included.
    pub blocks: u64,
}

impl Superblock {
    /// Reads it from a device, which may be mounted.
    ///
    /// # Errors
    ///
    /// Those of the device; when there is no ext4 file system on it.
    pub fn read(device: &mut (impl Read + Seek)) -> Result<Self> {
        let mut bytes = [0; BYTES];
        device.seek(SeekFrom::Start(OFFSET))?;
        device.read_exact(&mut bytes).context("superblock")?;
        let u32_at = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        ensure!(u32_at(0x38) & 0xffff == MAGIC, "its file system is not ext4");
        let (low, shift, incompat) = (u32_at(0x4), u32_at(0x18), u32_at(0x60));
        ensure!(shift <= 6, "blocks of 2^{shift} KiB");
        let high = if incompat & WIDE == 0 { 0 } else { u32_at(0x150) };
        Ok(Self { block_bytes: 1024 << shift, blocks: (u64::from(high) << 32) | u64::from(low) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn device(fields: &[(usize, u32)]) -> Cursor<Vec<u8>> {
        let mut bytes = vec![0; 4096];
        for (at, value) in fields {
            bytes[1024 + at..1024 + at + 4].copy_from_slice(&value.to_le_bytes());
        }
        Cursor::new(bytes)
    }

    #[test]
    fn reads_narrow_and_wide_block_counts() {
        let narrow = [(0x4, 7000), (0x38, MAGIC), (0x18, 0), (0x150, 9)];
        let found = Superblock::read(&mut device(&narrow)).unwrap();
        assert_eq!(found, Superblock { block_bytes: 1024, blocks: 7000 });
        let wide = [(0x4, 7000), (0x38, MAGIC), (0x18, 2), (0x60, WIDE), (0x150, 1)];
        let found = Superblock::read(&mut device(&wide)).unwrap();
        assert_eq!(found, Superblock { block_bytes: 4096, blocks: (1 << 32) + 7000 });
    }

    #[test]
    fn refuses_what_is_not_ext4() {
        assert!(Superblock::read(&mut device(&[])).is_err());
        assert!(Superblock::read(&mut device(&[(0x38, MAGIC), (0x18, 60)])).is_err());
        assert!(Superblock::read(&mut Cursor::new(vec![0; 100])).is_err());
    }
}
