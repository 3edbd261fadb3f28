// SPDX-License-Identifier: MIT
//! Counts the instructions of everything on CPU 0, kernel and idle loop included, while a command
//! runs there: `icount COMMAND [ARGUMENT...]`.
//!
//! The last line is `instructions N`. Under QEMU's `-icount` the count repeats from run to run;
//! what a command needs to start and end cancels in the difference of two runs' counts.

use anyhow::{bail, ensure, Context, Result};
use perf_event::events::Hardware;
use perf_event::Builder;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match count(std::env::args().skip(1).collect()) {
        Ok(instructions) => {
            println!("instructions {instructions}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("icount: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn count(mut command: Vec<String>) -> Result<u64> {
    ensure!(!command.is_empty(), "usage: icount COMMAND [ARGUMENT...]");
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    ensure!(cpus == 1, "{cpus} CPUs are online: work on another one than CPU 0 would not count");
    let mut counter = Builder::new(Hardware::INSTRUCTIONS)
        .any_pid()
        .one_cpu(0)
        .include_kernel()
        .include_hv()
        .pinned(true)
        .build()
        .context("no instruction counter: the kernel needs CONFIG_PERF_EVENTS and the CPU's PMU")?;
    let arguments = command.split_off(1);
    let mut command = Command::new(&command[0]);
    command.args(arguments);
    counter.enable()?;
    let status = command.status();
    counter.disable()?;
    let status = status.with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("the command ended with {status}");
    }
    let full = counter.read_full()?;
    // A pinned counter that lost its hardware reads as zero time.
    match (full.time_enabled(), full.time_running()) {
        (Some(enabled), Some(running)) if enabled != running => {
            bail!("the counter ran {running:?} of {enabled:?}: something else uses the PMU")
        }
        _ => Ok(full.count()),
    }
}
