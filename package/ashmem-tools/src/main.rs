// SPDX-License-Identifier: MIT
//! ashmem-probe: a client of /dev/ashmem that says what each call answered.
//!
//! `ashmem-probe COMMAND,…` makes the calls and prints one line for each (see script.rs);
//! `ashmem-probe -f FILE` takes them from a file;
//! `ashmem-probe model SEED OPERATIONS`, `ashmem-probe race KIND SECONDS` and `ashmem-probe fuzz
//! ashmem|binder SEED SECONDS [CORPUS]` exercise the driver and end with a status other than 0 where
//! it does not do what it should; `ashmem-probe replay ashmem|binder [CORPUS]` runs again what the
//! fuzzer kept, and `distil` prints those of it that do not do what one before them did;
//! `ashmem-probe load KIND COUNT` works for the benchmark.

mod ashmem;
mod fuzz;
mod kcov;
mod load;
mod model;
mod race;
mod random;
mod script;
mod sys;
mod userfault;

use std::process::ExitCode;

const USAGE: &str = "usage: ashmem-probe COMMAND,… | -f FILE | model SEED OPERATIONS | \
    race KIND SECONDS | fuzz ashmem|binder SEED SECONDS [CORPUS] | \
    replay|distil ashmem|binder [CORPUS] | load KIND COUNT";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        [] => Err(USAGE.into()),
        ["model", seed, operations] => number(seed)
            .and_then(|seed| Ok((seed, number(operations)?)))
            .and_then(|(seed, operations)| model::run(seed, operations)),
        ["race", kind, seconds] => number(seconds).and_then(|seconds| race::run(kind, seconds)),
        ["fuzz", name, seed, seconds, ref corpus @ ..] => fuzz::grammar(name)
            .and_then(|grammar| Ok((grammar, number(seed)?, number(seconds)?)))
            .and_then(|(grammar, seed, seconds)| {
                fuzz::run(grammar, seed, seconds, corpus.first().copied())
            }),
        ["load", kind, count] => number(count).and_then(|count| load::run(kind, count)),
        [command @ ("replay" | "distil"), name, ref corpus @ ..] => {
            let again = if command == "replay" { fuzz::replay } else { fuzz::distil };
            fuzz::grammar(name).and_then(|grammar| again(grammar, corpus.first().copied()))
        }
        ["-f", path] => std::fs::read_to_string(path)
            .map_err(|error| format!("{path}: {error}"))
            .and_then(|text| commands(&text)),
        _ => commands(&words.join(",")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ashmem-probe: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the commands of a script.
fn commands(text: &str) -> Result<(), String> {
    script::run(&text.trim_end().split(',').collect::<Vec<_>>())
}

/// A number as C writes it.
fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| format!("{text}: {error}"))
}
