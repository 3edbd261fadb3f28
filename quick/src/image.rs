// SPDX-License-Identifier: MIT
//! The disk image: what Buildroot leaves in its images directory, and the board's own post-image
//! script on it, the same for both lanes.

use crate::board::Board;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::kernel::{self, Kernel};
use crate::step::{self, say};
use crate::{crates, device_tree, firmware, modules, rootfs};
use anyhow::{ensure, Context as _, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes `output/<board>/images/sdcard.img` and all that stands beside it, where anything changed.
///
/// # Errors
///
/// Those of the kernel, the modules, the root file system and genimage.
pub fn build(ctx: &Context, board: &Board) -> Result<()> {
    let output = ctx.output(board);
    fs::create_dir_all(&output)?;
    let _lock = cache::lock(ctx, &output.join(".lock"))?;
    // Before the kernel: what is missing is said at once.
    let firmware = firmware::get(ctx, board)?;
    let device_trees = device_tree::build(ctx, board)?;
    let kernel = kernel::build(ctx, board)?;
    let mut installs = modules::build(ctx, board, &kernel)?;
    installs.extend(crates::build(ctx, board)?);

    let mut key = Key::new("image-1");
    key.text(&kernel.key).text(&board.root);
    for install in &installs {
        key.text(&install.to_string_lossy());
    }
    for path in firmware.iter().map(|(path, _)| path).chain(&device_trees) {
        key.path(path)?;
    }
    let userland = rootfs::userland(ctx, board)?;
    rootfs::key(ctx, board, &userland, &mut key)?;
    for path in ["configs", "board/common", "quick/src/image.rs", "quick/src/rootfs.rs"] {
        key.path(&ctx.checkout.join(path))?;
    }
    key.path(&ctx.checkout.join("board").join(&board.name))?;
    let key = key.finish();
    let images = output.join("images");
    let stamp = output.join(".image-key");
    if fs::read_to_string(&stamp).is_ok_and(|old| old == key) && images.join("sdcard.img").exists()
    {
        return Ok(());
    }
    let _ = fs::remove_file(&stamp);

    say(format!("making the disk image of {}", board.output_name()));
    let target = output.join("target");
    rootfs::stage(ctx, board, &kernel, &userland, &installs, &target)?;
    if images.exists() {
        fs::remove_dir_all(&images)?;
    }
    fs::create_dir_all(&images)?;
    let log = output.join("image.log");
    ext4(ctx, board, &target, &images, &log)?;
    for (path, name) in &firmware {
        let copy = images.join(name);
        fs::create_dir_all(copy.parent().unwrap_or(&images))?;
        fs::copy(path, copy).with_context(|| path.display().to_string())?;
    }
    for path in &device_trees {
        fs::copy(path, images.join(path.file_name().unwrap_or_default()))?;
    }
    describe(board, &kernel, &images)?;
    post_image(ctx, board, &output, &target, &images, &log)?;
    fs::write(&stamp, key)?;
    Ok(())
}

/// The root file system's image, of the size that the defconfig names.
fn ext4(ctx: &Context, board: &Board, target: &Path, images: &Path, log: &Path) -> Result<()> {
    ensure!(
        board.is_set("BR2_TARGET_ROOTFS_EXT2_4"),
        "{}_defconfig: the quick lane makes ext4 only (BR2_TARGET_ROOTFS_EXT2_4)",
        board.name
    );
    let size = board.text("BR2_TARGET_ROOTFS_EXT2_SIZE")?;
    let mut command = Command::new("mke2fs");
    command
        .args(["-q", "-t", "ext4", "-L", "root", "-m", "0", "-E", "root_owner=0:0", "-d"])
        .arg(target)
        .arg(images.join("rootfs.ext4"))
        .arg(size);
    step::run(ctx, "root file system", log, &mut command)
        .with_context(|| format!("BR2_TARGET_ROOTFS_EXT2_SIZE={size} may be too small"))
}

/// The kernel, and what tests and people ask about it.
fn describe(board: &Board, kernel: &Kernel, images: &Path) -> Result<()> {
    let image = board.arch.image;
    fs::copy(kernel.install.join("boot").join(image), images.join(image))?;
    fs::copy(kernel.build.join(".config"), images.join("kernel.config"))?;
    fs::copy(kernel.build.join("System.map"), images.join("System.map"))?;
    fs::write(images.join("kernel.release"), format!("{}\n", kernel.release))?;
    let config = fs::read_to_string(kernel.build.join(".config"))?;
    let rustc = config
        .lines()
        .find_map(|line| line.strip_prefix("CONFIG_RUSTC_VERSION_TEXT="))
        // VARIANT=c.
        .unwrap_or("none");
    fs::write(images.join("rustc.version"), format!("{}\n", rustc.trim_matches('"')))?;
    let fragments: Vec<_> =
        board.fragments()?.iter().map(|path| format!("{}\n", path.display())).collect();
    fs::write(images.join("fragments"), fragments.concat())?;
    let packages: Vec<_> = board.packages().map(|symbol| format!("{symbol}\n")).collect();
    fs::write(images.join("packages"), packages.concat())?;
    Ok(())
}

/// Runs the board's post-image script as Buildroot does.
fn post_image(
    ctx: &Context,
    board: &Board,
    output: &Path,
    target: &Path,
    images: &Path,
    log: &Path,
) -> Result<()> {
    let build = output.join("build");
    fs::create_dir_all(&build)?;
    for script in board.paths("BR2_ROOTFS_POST_IMAGE_SCRIPT")? {
        let mut command = Command::new(&script);
        command
            .arg(images)
            .args(board.text("BR2_ROOTFS_POST_SCRIPT_ARGS")?.split_whitespace())
            .args(board.root.split_whitespace())
            .env("BINARIES_DIR", images)
            .env("TARGET_DIR", target)
            .env("BUILD_DIR", &build)
            .env("BR2_EXTERNAL_IRONROOT_PATH", &ctx.checkout);
        step::run(ctx, "disk image", log, &mut command)?;
    }
    Ok(())
}
