// SPDX-License-Identifier: MIT
//! The firmware that a board's image or emulator starts with, out of Debian's packages.

use crate::board::Board;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::debian;
use crate::raspberry_pi;
use crate::step::say;
use anyhow::{ensure, Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Stands in quick/debian-firmware for the package of a U-Boot that Debian does not build.
const NO_PACKAGE: &str = "-";

/// The firmware that the defconfig asks for: each file, and its name in images/.
///
/// # Errors
///
/// When Debian has no such build.
pub fn get(ctx: &Context, board: &Board) -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    if board.is_set("BR2_TARGET_UBOOT") {
        if let Some(dir) = uboot_dir(ctx, board)? {
            for name in uboot_files(board)? {
                let path = dir.join(&name);
                ensure!(path.exists(), "Debian's U-Boot packages have no {}", path.display());
                files.push((path, name));
            }
        } else {
            say(format!(
                "{}: Debian has no U-Boot for this board, and its card has none; see its readme.md",
                board.name
            ));
        }
    }
    // Where U-Boot needs OpenSBI, it is in U-Boot's own file.
    if board.is_set("BR2_TARGET_OPENSBI") && !board.is_set("BR2_TARGET_UBOOT_NEEDS_OPENSBI") {
        let platform = board.text("BR2_TARGET_OPENSBI_PLAT")?;
        let dir = Path::new("/usr/lib/riscv64-linux-gnu/opensbi").join(platform);
        files.push((dir.join("fw_jump.bin"), "fw_jump.bin".to_owned()));
    }
    files.extend(raspberry_pi::boot_code(ctx, board)?);
    not_on_the_card(&ctx.checkout, &board.name)?.iter().for_each(say);
    Ok(files)
}

/// What the board needs besides its image, as board/<board>/not-on-the-card says it, a line each;
/// the post-image script says the same in Buildroot.
fn not_on_the_card(checkout: &Path, board: &str) -> Result<Vec<String>> {
    let path = checkout.join("board").join(board).join("not-on-the-card");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}

/// What Buildroot calls U-Boot in the defconfig's format, and its first stages; Debian keeps the
/// same names.
fn uboot_files(board: &Board) -> Result<Vec<String>> {
    let main = if board.is_set("BR2_TARGET_UBOOT_FORMAT_CUSTOM") {
        board.text("BR2_TARGET_UBOOT_FORMAT_CUSTOM_NAME")?
    } else if board.is_set("BR2_TARGET_UBOOT_FORMAT_DTB_IMX") {
        "u-boot-dtb.imx"
    } else {
        "u-boot.bin"
    };
    // Buildroot's own default.
    let spl = if board.is_set("BR2_TARGET_UBOOT_SPL") {
        board.text("BR2_TARGET_UBOOT_SPL_NAME").unwrap_or("spl/u-boot-spl.bin")
    } else {
        ""
    };
    // Both lanes leave a first stage beside U-Boot, without U-Boot's folder for it.
    let names = spl.split_whitespace().map(|path| path.rsplit('/').next().unwrap_or(path));
    Ok([main].into_iter().chain(names).map(str::to_owned).collect())
}

/// Where Debian's build of the board's U-Boot is: for emulated boards in the build root, for real
/// ones in a package of their own architecture, which quick/debian-firmware names; nowhere where
/// Debian does not build it.
fn uboot_dir(ctx: &Context, board: &Board) -> Result<Option<PathBuf>> {
    let below = Path::new("usr/lib/u-boot");
    let defconfig = board.text("BR2_TARGET_UBOOT_BOARD_DEFCONFIG")?;
    let path = ctx.checkout.join("quick/debian-firmware");
    let table = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let Some((package, folder)) = row(&table, defconfig) else {
        return Ok(Some(Path::new("/").join(below).join(defconfig)));
    };
    if package == NO_PACKAGE {
        return Ok(None);
    }
    Ok(Some(unpacked(ctx, board, "main", package)?.join(below).join(folder)))
}

/// A Debian package of the board's architecture, out of the archive's `components`, unpacked.
///
/// # Errors
///
/// When the archive does not have it.
pub fn unpacked(ctx: &Context, board: &Board, components: &str, package: &str) -> Result<PathBuf> {
    let arch = board.arch.debian;
    let mut key = Key::new("firmware-2");
    key.text(debian::SUITE).text(arch).text(components).text(package);
    let entry = cache::entry(ctx, &format!("firmware/{arch}-{}", key.finish()), |dir, _| {
        let name = format!("firmware {arch} {package}");
        let components = format!("--components={components}");
        let licences = "--dpkgopt=path-include=/usr/share/doc/*/copyright";
        debian::unpack_with(ctx, &name, arch, &[&components, licences], package, dir)
    })?;
    Ok(entry.join("tree"))
}

/// The package that has a U-Boot, by U-Boot's name of its configuration, and the folder there.
fn row<'a>(table: &'a str, defconfig: &str) -> Option<(&'a str, &'a str)> {
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(defconfig)).then_some(())?;
        Some((words.next()?, words.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_package_by_the_whole_name() {
        let table = "# orangepi is a comment's word\norangepi_pc u-boot-sunxi orangepi_pc_plus\n";
        assert_eq!(row(table, "orangepi_pc"), Some(("u-boot-sunxi", "orangepi_pc_plus")));
        assert_eq!(row(table, "orangepi"), None);
        assert_eq!(row("mpfs - -\n", "mpfs"), Some((NO_PACKAGE, "-")));
    }

    #[test]
    fn says_what_is_not_free_and_not_on_the_card() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let said = not_on_the_card(checkout, "nxp_imx8mp_evk").unwrap();
        assert!(said[0].starts_with("not free, and nxp_imx8mp_evk itself needs it"), "{said:?}");
        assert!(not_on_the_card(checkout, "qemu_arm").unwrap().is_empty());
    }

    #[test]
    fn takes_u_boot_in_the_boards_format_and_its_first_stage() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let files = |name| uboot_files(&Board::read(checkout, name, "").unwrap()).unwrap();
        assert_eq!(files("qemu_riscv64"), ["u-boot.bin"]);
        assert_eq!(files("boundary_sabrelite"), ["u-boot-dtb.imx"]);
        assert_eq!(files("sifive_unleashed"), ["u-boot.itb", "u-boot-spl.bin"]);
    }
}
