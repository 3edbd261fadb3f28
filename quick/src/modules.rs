// SPDX-License-Identifier: MIT
//! Our out-of-tree module packages: every package/<name>/ with a src/Kbuild that a board selects.

use crate::board::Board;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::kernel::{self, Kernel};
use crate::step::{self, say};
use anyhow::{bail, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A package directory's Buildroot symbol.
pub fn symbol(name: &str) -> String {
    format!("BR2_PACKAGE_{}", name.to_uppercase().replace('-', "_"))
}

/// The directory of the package that `symbol` selects, where it is one of ours.
pub fn package(ctx: &Context, wanted: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(ctx.checkout.join("package")).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| {
        path.is_dir() && path.file_name().is_some_and(|n| symbol(&n.to_string_lossy()) == wanted)
    })
}

/// Builds each module package of the board; gives the directories to install from.
///
/// # Errors
///
/// Those of a module's build. A warning is an error: this is kernel code.
pub fn build(ctx: &Context, board: &Board, kernel: &Kernel) -> Result<Vec<PathBuf>> {
    let mut installs = Vec::new();
    for symbol in board.packages() {
        let Some(package) = package(ctx, symbol) else { continue };
        if package.join("src/Kbuild").exists() {
            installs.push(one(ctx, board, kernel, &package)?);
        }
    }
    Ok(installs)
}

fn one(ctx: &Context, board: &Board, kernel: &Kernel, package: &Path) -> Result<PathBuf> {
    let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = package.join("src");
    let mut key = Key::new("module-1");
    key.text(&kernel.key).path(&source)?;
    let dir = cache::entry(ctx, &format!("module/{name}-{}", key.finish()), |dir, _| {
        say(format!("building the module package {name}"));
        let log = ctx.cache.join("log").join(format!("module-{name}-{}.log", board.arch.name));
        // The log is this build's alone: warnings are looked for in it.
        let _ = fs::remove_file(&log);
        let make = |target: &str| {
            let mut command = kernel::make(ctx, &kernel.source, &kernel.build, board);
            command
                .arg(format!("M={}", source.display()))
                .arg(format!("MO={}", dir.join("build").display()))
                // Clippy with the kernel's own lints is the compiler here.
                .arg("CLIPPY=1")
                .arg(target);
            command
        };
        fs::create_dir_all(dir.join("build"))?;
        let step_name = format!("module {name}");
        step::run(ctx, &step_name, &log, &mut make("modules"))?;
        if let Some(warning) = first_warning(&fs::read_to_string(&log)?) {
            bail!(
                "{step_name}: {warning}\n  a warning stops the build of kernel code; log: {}",
                ctx.show(&log)
            );
        }
        step::run(
            ctx,
            &format!("{step_name}: install"),
            &log,
            make("modules_install")
                .arg(format!("INSTALL_MOD_PATH={}", dir.join("install").display()))
                .args(["INSTALL_MOD_STRIP=1", "INSTALL_MOD_DIR=updates", "DEPMOD=true"]),
        )
    })?;
    Ok(dir.join("install"))
}

/// The first warning in a build's log, with its place.
fn first_warning(log: &str) -> Option<String> {
    let mut lines = log
        .lines()
        .skip_while(|line| !(line.starts_with("warning") || line.contains(": warning:")));
    let warning = lines.next()?;
    let place =
        lines.next().filter(|line| line.trim_start().starts_with("-->")).unwrap_or_default();
    Some(format!("{} {}", warning.trim(), place.trim()).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_symbol() {
        assert_eq!(symbol("rust-hello"), "BR2_PACKAGE_RUST_HELLO");
    }

    #[test]
    fn finds_a_warning() {
        let log = "  CLIPPY [M]  x.o\nwarning: unused variable: `a`\n  --> x.rs:3:9\n";
        assert_eq!(first_warning(log).unwrap(), "warning: unused variable: `a` --> x.rs:3:9");
        assert_eq!(first_warning("  CC warning.o\n"), None);
    }
}
