// SPDX-License-Identifier: MIT
//! Prints the nanoseconds since power-on: `powered`. Under QEMU's `-icount shift=0` these are
//! instructions, idle time aside.

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let (ticks, frequency) = bench_tools::clock::ticks().context("this CPU's clock")?;
    println!("{}", u128::from(ticks) * 1_000_000_000 / u128::from(frequency.max(1)));
    Ok(())
}
