// SPDX-License-Identifier: MIT
//! binder-probe: does what a Binder client or service may do, and what it must not do, straight on
//! the driver's ioctl interface, and reports what the driver answered.
//!
//! Each scenario prints what it saw as `name=value` lines; it judges nothing. The tests on the
//! board compare. A scenario makes a Binder device of its own, so it disturbs nobody.

mod binder;
mod parcel;
mod party;
mod scenarios;
mod stream;
mod sys;
mod uapi;

use std::io;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: binder-probe list
       binder-probe SCENARIO [COUNT]
       binder-probe add BINDERFS NAME";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["list"] => {
            for (name, what, _) in scenarios::ALL {
                println!("{name:<20} {what}");
            }
            Ok(())
        }
        ["add", binderfs, name] => add(binderfs, name),
        [name] => run(name, "1"),
        [name, count] => run(name, count),
        _ => Err(io::Error::other(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("binder-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn add(binderfs: &str, name: &str) -> io::Result<()> {
    let (major, minor) = party::add_device(Path::new(binderfs), name)?;
    println!("major={major}\nminor={minor}");
    Ok(())
}

fn run(name: &str, count: &str) -> io::Result<()> {
    let (_, _, scenario) = scenarios::ALL
        .iter()
        .find(|(known, _, _)| *known == name)
        .ok_or_else(|| io::Error::other(format!("no scenario {name}\n{USAGE}")))?;
    let count = count.parse().map_err(|_| io::Error::other(format!("{count}: not a number")))?;
    sys::watchdog(party::PATIENCE.saturating_mul(count).min(3600));
    scenario(count)
}
