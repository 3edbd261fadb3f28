// SPDX-License-Identifier: MIT
//! The unit tests that a crate was published with, as a program for the board: a library that one
//! of our packages uses is tested where it is used.

use crate::board::Arch;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::step::{self, say};
use crate::{crates, kernel, sysroot};
use anyhow::{ensure, Context as _, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Gives the test program of the crate `name` in the version that `package` locks, with
/// `features`, separated by commas.
///
/// # Errors
///
/// Those of cargo; when the package does not use the crate.
pub fn build(
    ctx: &Context,
    arch: &Arch,
    package: &str,
    name: &str,
    features: &str,
) -> Result<PathBuf> {
    let package = ctx.checkout.join("package").join(package);
    let lock = package.join("Cargo.lock");
    let lock = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
    let version = locked(&lock, name)
        .with_context(|| format!("{} does not use the crate {name}", package.display()))?;
    let sysroot = sysroot::get(ctx, arch)?;
    let mut key = Key::new("crate-tests-1");
    key.text(&sysroot.to_string_lossy()).text(&kernel::toolchain());
    key.text(name).text(version).text(features);
    let entry = format!("crate-tests/{name}-{}-{}", arch.name, key.finish());
    let dir = cache::entry(ctx, &entry, |dir, _| {
        say(format!("building the tests of the crate {name} {version} for {}", arch.name));
        let step_name = format!("tests of {name}");
        let log = ctx.cache.join("log").join(format!("crate-tests-{name}-{}.log", arch.name));
        let (source, target) = (dir.join("source"), dir.join("build"));
        if !source.exists() {
            let mut command = Command::new("cargo");
            command.args(["fetch", "--locked"]).current_dir(&package);
            step::run(ctx, &format!("{step_name}: fetch"), &log, &mut command)?;
            let mut command = Command::new("cp");
            command.arg("-r").arg(published(name, version)?).arg(&source);
            step::run(ctx, &format!("{step_name}: source"), &log, &mut command)?;
        }
        let mut command = crates::cargo(arch, &sysroot, "");
        command
            .current_dir(&source)
            .args(["test", "--no-run", "--lib", "--locked", "--features", features])
            .arg(format!("-j{}", ctx.jobs))
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        step::run(ctx, &step_name, &log, &mut command)?;
        let programs = crates::programs(&target.join(arch.rust).join("debug/deps"))?;
        ensure!(programs.len() == 1, "{step_name}: not one program: {programs:?}");
        let mut command = Command::new("llvm-strip");
        command.arg("-o").arg(dir.join("tests")).arg(&programs[0]);
        step::run(ctx, &format!("{step_name}: strip"), &log, &mut command)?;
        fs::remove_dir_all(source)?;
        fs::remove_dir_all(target)?;
        Ok(())
    })?;
    Ok(dir.join("tests"))
}

/// Where cargo unpacked a crate.
fn published(name: &str, version: &str) -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").context("CARGO_HOME is not set")?;
    let registries = Path::new(&home).join("registry/src");
    fs::read_dir(&registries)
        .with_context(|| registries.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path().join(format!("{name}-{version}"))))
        .find(|path| path.is_dir())
        .with_context(|| format!("cargo has not unpacked {name} {version}"))
}

/// The version of a crate in a Cargo.lock.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let package = format!("name = \"{name}\"\n");
    let (_, rest) = lock.split_once(&package)?;
    rest.lines().next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_locked_version() {
        let lock = "[[package]]\nname = \"a-b\"\nversion = \"1.2.3\"\n\n[[package]]\n\
                    name = \"b\"\nversion = \"0.1.0\"\nsource = \"x\"\n";
        assert_eq!(locked(lock, "b"), Some("0.1.0"));
        assert_eq!(locked(lock, "a-b"), Some("1.2.3"));
        assert_eq!(locked(lock, "c"), None);
    }
}
