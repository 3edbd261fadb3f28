// SPDX-License-Identifier: MIT
//! Our user-space packages in Rust: every package/<name>/ with a Cargo.toml that a board selects,
//! which Buildroot builds through its cargo-package infrastructure.

use crate::board::{Arch, Board};
use crate::cache::{self, Key};
use crate::context::Context;
use crate::step::{self, say};
use crate::{kernel, modules, sysroot};
use anyhow::{ensure, Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The parts of a package that make its programs.
const SOURCE: [&str; 3] = ["Cargo.toml", "Cargo.lock", "src"];

/// Builds each cargo package of the board; gives the directories to install from.
///
/// # Errors
///
/// Those of cargo, and of the sysroot.
pub fn build(ctx: &Context, board: &Board) -> Result<Vec<PathBuf>> {
    let mut installs = Vec::new();
    for symbol in board.packages() {
        let Some(package) = modules::package(ctx, symbol) else { continue };
        if package.join("Cargo.toml").exists() {
            installs.push(one(ctx, board.arch, symbol, &package, Linking::Dynamic)?);
        }
    }
    Ok(installs)
}

/// Builds a package's programs so that they need no library: they run where another architecture's
/// image has none for them. Gives the directory that they are in.
///
/// # Errors
///
/// As [`build`]; when there is no such package.
pub fn linked_statically(ctx: &Context, arch: &Arch, name: &str) -> Result<PathBuf> {
    let symbol = format!("BR2_PACKAGE_{}", name.to_uppercase().replace('-', "_"));
    let package = modules::package(ctx, &symbol).with_context(|| format!("no package {name}"))?;
    Ok(one(ctx, arch, &symbol, &package, Linking::Static)?.join("bin"))
}

/// Whether a program takes its libraries from the image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Linking {
    Dynamic,
    Static,
}

fn one(
    ctx: &Context,
    arch: &Arch,
    symbol: &str,
    package: &Path,
    linking: Linking,
) -> Result<PathBuf> {
    let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let make = package.join(format!("{name}.mk"));
    let make = fs::read_to_string(&make).with_context(|| make.display().to_string())?;
    let options = build_options(symbol, &make);
    let sysroot = sysroot::get(ctx, arch)?;
    let mut key = Key::new("crate-2");
    key.text(&sysroot.to_string_lossy()).text(&kernel::toolchain()).text(options);
    for part in SOURCE {
        key.path(&package.join(part))?;
    }
    let (suffix, flags) = match linking {
        Linking::Dynamic => ("", ""),
        Linking::Static => ("-static", " -Ctarget-feature=+crt-static"),
    };
    let entry = format!("crate/{name}{suffix}-{}-{}", arch.name, key.finish());
    let dir = cache::entry(ctx, &entry, |dir, _| {
        say(format!("building the package {name} for {}", arch.name));
        let step_name = format!("crate {name}");
        let log = ctx.cache.join("log").join(format!("crate-{name}-{}.log", arch.name));
        // cargo's own directory stays, so that the next build compiles only what changed.
        let target = ctx.cache.join("crate-build").join(format!("{name}{suffix}"));
        fs::create_dir_all(&target)?;
        let _lock = cache::lock(ctx, &target.join(".lock"))?;
        let built = target.join(arch.rust).join("release");
        // What an earlier source called its programs must not be installed.
        for program in programs(&built)? {
            fs::remove_file(program)?;
        }
        // cargo tells sources by their dates: what another checkout built last would pass for ours.
        // A copy is always newer than what is there.
        let source = target.join("source");
        if source.exists() {
            fs::remove_dir_all(&source)?;
        }
        fs::create_dir(&source)?;
        let mut command = Command::new("cp");
        command.arg("-r").args(SOURCE.map(|part| package.join(part))).arg(&source);
        step::run(ctx, &format!("{step_name}: source"), &log, &mut command)?;
        let mut command = cargo(arch, &sysroot, flags);
        command
            .current_dir(&source)
            .args(["build", "--release", "--locked"])
            .args(options.split_whitespace())
            .arg(format!("-j{}", ctx.jobs))
            .env("CARGO_TARGET_DIR", &target);
        step::run(ctx, &step_name, &log, &mut command)?;
        let bin = dir.join("install/bin");
        fs::create_dir_all(&bin)?;
        let programs = programs(&built)?;
        ensure!(!programs.is_empty(), "{step_name} made no program");
        for program in programs {
            let mut command = Command::new("llvm-strip");
            command.arg("-o").arg(bin.join(program.file_name().unwrap_or_default())).arg(&program);
            step::run(ctx, &format!("{step_name}: strip"), &log, &mut command)?;
        }
        Ok(())
    })?;
    Ok(dir.join("install"))
}

/// cargo for an architecture's programs, with `flags` for rustc; build scripts and macros stay the
/// host's.
pub fn cargo(arch: &Arch, sysroot: &Path, flags: &str) -> Command {
    let variable = arch.rust.to_uppercase().replace('-', "_");
    let root = sysroot.display();
    let mut command = Command::new("cargo");
    command
        .env("CARGO_BUILD_TARGET", arch.rust)
        .env(format!("CARGO_TARGET_{variable}_LINKER"), "clang")
        .env(
            format!("CARGO_TARGET_{variable}_RUSTFLAGS"),
            format!(
                "--sysroot={root}/usr -Clink-arg=--target={} -Clink-arg=--sysroot={root} \
                 -Clink-arg=-fuse-ld=lld{flags}",
                arch.gnu
            ),
        );
    command
}

/// What the package's .mk hands to cargo besides Buildroot's own options.
fn build_options<'a>(symbol: &str, make: &'a str) -> &'a str {
    let variable = format!("{}_CARGO_BUILD_OPTS", symbol.trim_start_matches("BR2_PACKAGE_"));
    make.lines()
        .find_map(|line| line.strip_prefix(&variable)?.trim_start().strip_prefix('='))
        .map_or("", str::trim)
}

/// The programs that cargo left in its directory: files without an extension, but its own lock.
///
/// # Errors
///
/// When the directory cannot be read; none at all is no error.
pub fn programs(built: &Path) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(built) else { return Ok(Vec::new()) };
    let mut programs = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && !name.contains('.') {
            programs.push(path);
        }
    }
    programs.sort();
    Ok(programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_options_for_cargo() {
        let make = "A_B_VERSION = 1\nA_B_CARGO_BUILD_OPTS = -p a-b -p c\n";
        assert_eq!(build_options("BR2_PACKAGE_A_B", make), "-p a-b -p c");
        assert_eq!(build_options("BR2_PACKAGE_B", make), "");
    }

    #[test]
    fn finds_programs_and_nothing_else() {
        let dir = std::env::temp_dir().join(format!("ironroot-crates-{}", std::process::id()));
        fs::create_dir_all(dir.join("deps")).unwrap();
        for name in ["rsb_hub", "rsb_hub.d", "libx.rlib", ".cargo-lock"] {
            fs::write(dir.join(name), "").unwrap();
        }
        assert_eq!(programs(&dir).unwrap(), [dir.join("rsb_hub")]);
        assert!(programs(&dir.join("none")).unwrap().is_empty());
        fs::remove_dir_all(&dir).unwrap();
    }
}
