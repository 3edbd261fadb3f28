// SPDX-License-Identifier: MIT
//! Reads or writes a block device at random or one after the other, past the page cache, and does
//! nothing else: `blkload DEVICE --requests N [--write] [--sequential] [--size 4096] [--depth 1]
//! [--poll] [--spin 0]`.
//!
//! fio is the better program; this one exists because fio's own work for a request is as large as
//! a null block device's, and a benchmark that counts instructions would measure fio.

use anyhow::{ensure, Context, Result};
use bench_tools::memory::scattered;
use bench_tools::offsets::Offsets;
use bench_tools::ring::{Operation, Ring};
use lexopt::{Arg, ValueExt};
use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

/// Alignment that every device takes.
const ALIGN: usize = 4096;

struct Options {
    device: PathBuf,
    requests: u64,
    write: bool,
    sequential: bool,
    size: usize,
    depth: u32,
    poll: bool,
    /// Iterations of a loop before each request: the benchmark's control.
    spin: u64,
}

fn main() -> Result<()> {
    let options = parse().context(
        "usage: blkload DEVICE --requests N [--write] [--sequential] [--size 4096] [--depth 1] \
         [--poll] [--spin 0]",
    )?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(options.write)
        .custom_flags(bench_tools::O_DIRECT)
        .open(&options.device)
        .with_context(|| options.device.display().to_string())?;
    let blocks = file.seek(SeekFrom::End(0))? / options.size as u64;
    ensure!(blocks > 0, "{}: smaller than one request", options.device.display());
    let offsets = Offsets::new(blocks, options.sequential).map(|block| block * options.size as u64);
    if options.depth == 1 && !options.poll {
        one_by_one(&file, &options, offsets)
    } else {
        in_flight(&file, &options, offsets)
    }
}

fn parse() -> Result<Options> {
    let mut device = None;
    let mut options = Options {
        device: PathBuf::new(),
        requests: 0,
        write: false,
        sequential: false,
        size: 4096,
        depth: 1,
        poll: false,
        spin: 0,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("requests") => options.requests = parser.value()?.parse()?,
            Arg::Long("write") => options.write = true,
            Arg::Long("sequential") => options.sequential = true,
            Arg::Long("size") => options.size = parser.value()?.parse()?,
            Arg::Long("depth") => options.depth = parser.value()?.parse()?,
            Arg::Long("poll") => options.poll = true,
            Arg::Long("spin") => options.spin = parser.value()?.parse()?,
            Arg::Value(value) if device.is_none() => device = Some(value),
            _ => return Err(arg.unexpected().into()),
        }
    }
    options.device = device.context("which device?")?.into();
    ensure!(options.requests > 0, "--requests: more than 0");
    ensure!(options.depth > 0, "--depth: more than 0");
    ensure!(options.size > 0 && options.size % 512 == 0, "--size: a multiple of 512");
    Ok(options)
}

fn spin(iterations: u64) {
    for iteration in 0..iterations {
        black_box(iteration);
    }
}

/// Depth 1: pread and pwrite, the shortest way to the device.
fn one_by_one(file: &File, options: &Options, offsets: impl Iterator<Item = u64>) -> Result<()> {
    let mut memory = scattered(options.size + ALIGN);
    let start = memory.as_ptr().align_offset(ALIGN);
    let buffer = &mut memory[start..start + options.size];
    for offset in offsets.take(usize::try_from(options.requests)?) {
        spin(options.spin);
        if options.write {
            file.write_all_at(buffer, offset)?;
        } else {
            file.read_exact_at(buffer, offset)?;
        }
    }
    Ok(())
}

/// Any depth: io_uring, refilled whenever something completed.
fn in_flight(file: &File, options: &Options, mut offsets: impl Iterator<Item = u64>) -> Result<()> {
    let operation = if options.write { Operation::Write } else { Operation::Read };
    let mut ring = Ring::new(file, options.depth, options.size, ALIGN, options.poll)?;
    let (mut begun, mut done) = (0, 0);
    while done < options.requests {
        while begun < options.requests && ring.has_room() {
            spin(options.spin);
            let offset = offsets.next().context("the offsets never end")?;
            ring.push(operation, offset)?;
            begun += 1;
        }
        done += ring.wait()?;
    }
    Ok(())
}
