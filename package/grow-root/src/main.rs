// SPDX-License-Identifier: MIT
//! Lets the root partition and its ext4 file system grow to the card's end: `grow-root [DIR]`.
//!
//! An image is as small as its contents, and a card is larger. Nothing is unmounted; what cannot
//! grow is left as it is, with one line that says why. Called at every boot: most find nothing to
//! do, and a boot that was cut short is made up for by the next.

mod superblock;
mod sys;
mod table;

use anyhow::{Context as _, Result};
use std::env;
use std::fs::{self, File, OpenOptions};
use std::os::linux::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use superblock::Superblock;
use table::Table;

/// What the kernel counts in, whatever the disk's own blocks are.
const SECTOR_BYTES: u64 = 512;
const MIB: u64 = 1 << 20;

fn main() -> ExitCode {
    let root = env::args_os().nth(1).map_or_else(|| PathBuf::from("/"), PathBuf::from);
    match grow(&root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("grow-root: {} stays as it is: {error:#}", root.display());
            ExitCode::FAILURE
        }
    }
}

fn grow(root: &Path) -> Result<()> {
    let device = BlockDevice::of(root)?;
    if let Some(number) = device.partition()? {
        let disk = device.disk().context("a partition without a disk")?;
        grow_partition(&disk, number).with_context(|| disk.node().display().to_string())?;
    }
    grow_file_system(root, &device)
}

/// Lets a disk's partition grow in its table, and tells the kernel.
fn grow_partition(disk: &BlockDevice, number: usize) -> Result<()> {
    let block_bytes = disk.number("queue/logical_block_size")?;
    let node = disk.node();
    let mut file = OpenOptions::new().read(true).write(true).open(&node)?;
    let mut table = Table::read(&mut file, block_bytes)?;
    if !table.grow(number)? {
        return Ok(());
    }
    table.write(&mut file)?;
    let extent = table.extent(number)?;
    let [start, length] = [extent.first, extent.blocks()].map(|blocks| blocks * block_bytes);
    sys::resize_partition(
        &file,
        i32::try_from(number)?,
        i64::try_from(start)?,
        i64::try_from(length)?,
    )
    .with_context(|| format!("the kernel keeps the old size of partition {number}"))
}

/// Lets the mounted file system have all of its device.
fn grow_file_system(root: &Path, device: &BlockDevice) -> Result<()> {
    let superblock = Superblock::read(&mut File::open(device.node())?)?;
    let blocks = device.bytes()? / superblock.block_bytes;
    if blocks <= superblock.blocks {
        return Ok(());
    }
    sys::resize_ext4(&File::open(root)?, blocks).context("ext4")?;
    let [before, after] =
        [superblock.blocks, blocks].map(|blocks| blocks * superblock.block_bytes / MIB);
    println!("grow-root: {} grew from {before} to {after} MiB", root.display());
    Ok(())
}

/// A block device as sysfs shows it.
struct BlockDevice(PathBuf);

impl BlockDevice {
    /// The device of the file system that `path` is on.
    fn of(path: &Path) -> Result<Self> {
        let device = fs::metadata(path)?.st_dev();
        let number = format!("{}:{}", libc::major(device), libc::minor(device));
        let link = Path::new("/sys/dev/block").join(&number);
        let found = fs::canonicalize(link);
        found.map(Self).with_context(|| format!("its file system is not on a disk ({number})"))
    }

    /// The number of this partition; none for a whole disk.
    fn partition(&self) -> Result<Option<usize>> {
        if !self.0.join("partition").exists() {
            return Ok(None);
        }
        Ok(Some(usize::try_from(self.number("partition")?)?))
    }

    /// The disk of a partition.
    fn disk(&self) -> Option<Self> {
        self.0.parent().map(|parent| Self(parent.to_owned()))
    }

    fn node(&self) -> PathBuf {
        Path::new("/dev").join(self.0.file_name().unwrap_or_default())
    }

    fn bytes(&self) -> Result<u64> {
        Ok(self.number("size")? * SECTOR_BYTES)
    }

    fn number(&self, name: &str) -> Result<u64> {
        let path = self.0.join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        text.trim().parse().with_context(|| path.display().to_string())
    }
}
