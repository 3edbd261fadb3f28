// SPDX-License-Identifier: MIT
//! What a Raspberry Pi starts with before U-Boot, out of Debian's package of it.

use crate::board::Board;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::debian;
use crate::step::say;
use anyhow::{ensure, Context as _, Result};
use std::path::PathBuf;

/// The files of Buildroot's package rpi-firmware, which start a Raspberry Pi's GPU, by the symbols
/// that select them.
const BOOT_CODE: [(&str, &str); 3] = [
    ("BR2_PACKAGE_RPI_FIRMWARE_BOOTCODE_BIN", "bootcode.bin"),
    ("BR2_PACKAGE_RPI_FIRMWARE_VARIANT_PI", "start.elf fixup.dat"),
    ("BR2_PACKAGE_RPI_FIRMWARE_VARIANT_PI4", "start4.elf fixup4.dat"),
];

/// What starts a Raspberry Pi before U-Boot runs: the boot code of its GPU, which is not free, and
/// config.txt, which it reads. Each file, and its name in images/; none for other boards.
///
/// # Errors
///
/// When the package archive does not have them: says which, from whom, under which licence.
pub fn boot_code(ctx: &Context, board: &Board) -> Result<Vec<(PathBuf, String)>> {
    if !board.is_set("BR2_PACKAGE_RPI_FIRMWARE") {
        return Ok(Vec::new());
    }
    let mut files: Vec<(PathBuf, String)> = board
        .paths("BR2_PACKAGE_RPI_FIRMWARE_CONFIG_FILE")?
        .into_iter()
        .map(|path| (path, "rpi-firmware/config.txt".to_owned()))
        .collect();
    let names: Vec<_> = BOOT_CODE
        .iter()
        .filter(|(symbol, _)| board.is_set(symbol))
        .flat_map(|(_, names)| names.split(' '))
        .collect();
    let (arch, package) = (board.arch.debian, "raspi-firmware");
    let what = format!(
        "not free, and {} needs it: {} by Broadcom and Raspberry Pi Ltd, redistributable as they \
         are for use with a Raspberry Pi (LICENCE.broadcom); from Debian's {package} in \
         non-free-firmware",
        board.name,
        names.join(", ")
    );
    let mut key = Key::new("firmware-1");
    key.text(debian::SUITE).text(arch).text(package);
    let entry = cache::entry(ctx, &format!("firmware/{arch}-{}", key.finish()), |dir, _| {
        say(&what);
        let components = "main,non-free-firmware";
        let name = format!("firmware {arch} {package}");
        debian::unpack_from(ctx, &name, arch, components, package, dir)
            .with_context(|| format!("{what}: it did not come from there"))
    })?;
    let dir = entry.join("tree/usr/lib").join(package);
    for name in names {
        let path = dir.join(name);
        ensure!(path.exists(), "{what}, which has no {name}");
        files.push((path, format!("rpi-firmware/{name}")));
    }
    Ok(files)
}
