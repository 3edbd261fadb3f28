// SPDX-License-Identifier: MIT
//! Proves that a kernel's configuration has every line of its fragments, for the Buildroot lane:
//! `check-fragments SOURCE SRCARCH CONFIG FRAGMENT...`
//!
//! linux/linux-ext-rust.mk compiles it with the rustc that the kernel is built with, and nothing
//! else: no crate, no cargo.

#[path = "../fragment.rs"]
mod fragment;
#[path = "../kconfig.rs"]
mod kconfig;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ironroot: error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Vec<String>) -> fragment::Result<()> {
    let [source, srcarch, config, fragments @ ..] = args.as_slice() else {
        return Err("usage: check-fragments SOURCE SRCARCH CONFIG FRAGMENT...".to_owned());
    };
    let config = fragment::config(Path::new(config))?;
    let fragments: Vec<_> = fragments.iter().map(PathBuf::from).collect();
    fragment::check(&fragments, &config, || kconfig::Tree::read(Path::new(source), srcarch))
}
