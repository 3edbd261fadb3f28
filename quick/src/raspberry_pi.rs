// SPDX-License-Identifier: MIT
//! What a Raspberry Pi starts with before U-Boot, out of Debian's package of it.

use crate::board::Board;
use crate::context::Context;
use crate::firmware;
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

/// Their licence, as Buildroot's package calls it.
const LICENCE: &str = "LICENCE.broadcom";

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
    let package = "raspi-firmware";
    let what = format!(
        "not free, and {} needs it: {} by Broadcom and Raspberry Pi Ltd, redistributable as they \
         are for use with a Raspberry Pi (LICENCE.broadcom); from Debian's {package} in \
         non-free-firmware",
        board.name,
        names.join(", ")
    );
    say(&what);
    let tree = firmware::unpacked(ctx, board, "main,non-free-firmware", package)
        .with_context(|| format!("{what}: it did not come from there"))?;
    // Whoever passes the files on passes on their licence.
    let licence = (format!("usr/share/doc/{package}/copyright"), LICENCE);
    let files_of_it = names.iter().map(|name| (format!("usr/lib/{package}/{name}"), *name));
    for (from, name) in files_of_it.chain([licence]) {
        let path = tree.join(&from);
        ensure!(path.exists(), "{what}, which has no {from}");
        files.push((path, format!("rpi-firmware/{name}")));
    }
    Ok(files)
}
