// SPDX-License-Identifier: MIT
//! The quick lane: a kernel, our modules and a disk image around ready-made binaries.
//!
//! `make` is its front door; `quick/enter` makes the build root that it runs in.

mod board;
mod cache;
mod check_package;
mod context;
mod crate_tests;
mod crates;
mod debian;
mod device_tree;
mod firmware;
mod flash;
mod fragment;
mod image;
mod interrupt;
mod kconfig;
mod kernel;
mod modules;
mod new_driver;
mod prune;
mod raspberry_pi;
mod rootfs;
mod step;
mod sysroot;

use anyhow::{bail, Result};
use board::Board;
use context::Context;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str =
    "usage: quick image BOARD | kernel BOARD | crates BOARD | static BOARD PACKAGE | \
                     crate-tests BOARD PACKAGE CRATE FEATURES | sysroot BOARD | \
                     source | device-tree BOARD NAME | configure BOARD | menuconfig BOARD | new-driver NAME | flash BOARD DEVICE | \
                     prune DAYS | check-package";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ironroot: error: {error:#}");
            interrupt::pass_on();
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[&str]) -> Result<()> {
    interrupt::leave_to_steps()?;
    let ctx = Context::new()?;
    match args {
        ["image", name] => image::build(&ctx, &board(&ctx, name)?),
        ["kernel", name] => {
            let kernel = kernel::build(&ctx, &board(&ctx, name)?)?;
            println!("{}", ctx.show(&kernel.build));
            Ok(())
        }
        ["crates", name] => {
            for install in crates::build(&ctx, &board(&ctx, name)?)? {
                println!("{}", ctx.show(&install));
            }
            Ok(())
        }
        ["static", name, package] => {
            let arch = board(&ctx, name)?.arch;
            println!("{}", crates::linked_statically(&ctx, arch, package)?.display());
            Ok(())
        }
        ["crate-tests", name, package, of, features] => {
            let arch = board(&ctx, name)?.arch;
            println!("{}", crate_tests::build(&ctx, arch, package, of, features)?.display());
            Ok(())
        }
        ["sysroot", name] => {
            let arch = board(&ctx, name)?.arch;
            println!("{} {}", arch.gnu, sysroot::get(&ctx, arch)?.display());
            Ok(())
        }
        ["source"] => {
            println!("{}", kernel::source(&ctx)?.display());
            Ok(())
        }
        ["device-tree", name, tree] => {
            let source = kernel::source(&ctx)?;
            let made = device_tree::one(&ctx, &board(&ctx, name)?, &source, tree)?;
            println!("{}", made.display());
            Ok(())
        }
        ["configure", name] => {
            println!("{}", configure(&ctx, &board(&ctx, name)?)?.display());
            Ok(())
        }
        ["menuconfig", name] => menuconfig(&ctx, &board(&ctx, name)?),
        ["new-driver", name] => new_driver::run(&ctx.checkout, name),
        ["flash", name, device] => {
            let board = board(&ctx, name)?;
            let image = match env::var_os("IMAGE").filter(|value| !value.is_empty()) {
                Some(image) => image.into(),
                None => ctx.output(&board).join("images/sdcard.img"),
            };
            let yes = env::var("YES").is_ok_and(|value| !value.is_empty());
            flash::run(&image, Path::new(device), yes)
        }
        ["prune", days] => prune::run(&ctx, days),
        ["check-package"] => check_package::run(&ctx.checkout),
        _ => bail!("{USAGE}"),
    }
}

/// The board `name` in the kernel variant that `VARIANT` names, its root file system on `ROOT`.
fn board(ctx: &Context, name: &str) -> Result<Board> {
    let variable = |name| env::var(name).unwrap_or_default();
    Board::read(&ctx.checkout, name, &variable("VARIANT"))?.with_root(&variable("ROOT"))
}

/// Configures the board's kernel in a directory of its own and proves its fragments.
fn configure(ctx: &Context, board: &Board) -> Result<PathBuf> {
    let source = kernel::source(ctx)?;
    let build = ctx.output(board).join("configure");
    let log = ctx.output(board).join("configure.log");
    kernel::configure(ctx, board, &source, &build, &board.fragments()?, &log)?;
    Ok(build)
}

/// The kernel's menu on the board's configuration; shows what a fragment would have to say.
fn menuconfig(ctx: &Context, board: &Board) -> Result<()> {
    let source = kernel::source(ctx)?;
    let build = configure(ctx, board)?;
    let before = build.join("config.before");
    std::fs::copy(build.join(".config"), &before)?;
    let status = kernel::make(ctx, &source, &build, board).arg("menuconfig").status()?;
    if !status.success() {
        bail!("menuconfig ended with {status}");
    }
    println!("What you changed; to keep it, put the lines into a file of linux/fragments/:");
    let status = Command::new(source.join("scripts/diffconfig"))
        .args(["-m"])
        .arg(&before)
        .arg(build.join(".config"))
        .status()?;
    if !status.success() {
        bail!("diffconfig ended with {status}");
    }
    Ok(())
}
