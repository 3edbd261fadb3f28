// SPDX-License-Identifier: MIT
//! The board's device trees, compiled from the kernel's source by the kernel's own rules.

use crate::board::Board;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::kernel;
use crate::step;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The device trees that the defconfig names; none where the firmware hands one over.
///
/// # Errors
///
/// When the kernel has no such tree.
pub fn build(ctx: &Context, board: &Board) -> Result<Vec<PathBuf>> {
    if !board.is_set("BR2_LINUX_KERNEL_DTS_SUPPORT") {
        return Ok(Vec::new());
    }
    let names = board.text("BR2_LINUX_KERNEL_INTREE_DTS_NAME")?;
    let source = kernel::source(ctx)?;
    names.split_whitespace().map(|name| one(ctx, board, &source, name)).collect()
}

/// One tree, by its name below the architecture's boot/dts, without the suffix.
///
/// In a build directory of its own: the kernel's is one that modules are being built with, and a
/// device tree depends on nothing of the kernel's configuration.
///
/// # Errors
///
/// When the kernel has no such tree.
pub fn one(ctx: &Context, board: &Board, source: &Path, name: &str) -> Result<PathBuf> {
    let base = name.rsplit('/').next().unwrap_or(name);
    let mut key = Key::new("device-tree-1");
    key.text(&source.to_string_lossy()).text(board.arch.name).text(name);
    let entry = cache::entry(ctx, &format!("device-tree/{base}-{}", key.finish()), |dir, _| {
        let build = dir.join("build");
        fs::create_dir_all(&build)?;
        let log = ctx.cache.join("log").join(format!("device-tree-{base}.log"));
        for target in ["allnoconfig", &format!("{name}.dtb")] {
            step::run(
                ctx,
                &format!("device tree {base}"),
                &log,
                kernel::make(ctx, source, &build, board).arg(target),
            )?;
        }
        let made = build.join("arch").join(board.arch.kernel).join("boot/dts");
        let file = made.join(format!("{name}.dtb"));
        fs::copy(&file, dir.join(format!("{base}.dtb")))
            .with_context(|| file.display().to_string())?;
        fs::remove_dir_all(&build)?;
        Ok(())
    })?;
    Ok(entry.join(format!("{base}.dtb")))
}
