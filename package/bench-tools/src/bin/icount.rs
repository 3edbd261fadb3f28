// SPDX-License-Identifier: MIT
//! Counts the instructions of everything on CPU 0, kernel and idle loop included, while a command
//! runs there: `icount [--machine] COMMAND [ARGUMENT...]`.
//!
//! With more than one CPU it refuses: work on another one would not count. QEMU's `-icount` has one
//! count for all of a machine's CPUs, which CPU 0's counter shows; `--machine` says that this is
//! such a machine. Nothing here can tell: measure something on another CPU first.
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
    let machine = command.first().is_some_and(|word| word == "--machine");
    if machine {
        command.remove(0);
    }
    ensure!(!command.is_empty(), "usage: icount [--machine] COMMAND [ARGUMENT...]");
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    ensure!(
        machine || cpus == 1,
        "{cpus} CPUs are online: work on another one than CPU 0 would not count (--machine)"
    );
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
