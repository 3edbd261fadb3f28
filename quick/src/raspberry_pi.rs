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
    boot_code_of(board, |components, package| firmware::unpacked(ctx, board, components, package))
}

/// The same out of what `unpack` makes of a package in the archive's components.
fn boot_code_of(
    board: &Board,
    unpack: impl FnOnce(&str, &str) -> Result<PathBuf>,
) -> Result<Vec<(PathBuf, String)>> {
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
    let tree = unpack("main,non-free-firmware", package)
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

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use std::fs;
    use std::path::Path;

    const BOARDS: [(&str, &[&str]); 2] = [
        ("raspberrypi_3b", &["bootcode.bin", "start.elf", "fixup.dat"]),
        ("raspberrypi_4b", &["start4.elf", "fixup4.dat"]),
    ];

    fn board(name: &str) -> Board {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        Board::read(checkout, name, "").unwrap()
    }

    /// What an error must say of what is not free: each file, from whom, under which licence.
    fn assert_says_all(error: &anyhow::Error, files: &[&str]) {
        let said = format!("{error:#}");
        let whose = ["not free", "by Broadcom and Raspberry Pi Ltd", "LICENCE.broadcom"];
        let from = ["raspi-firmware", "non-free-firmware"];
        for words in files.iter().chain(&whose).chain(&from) {
            assert!(said.contains(words), "{words:?} is not in {said:?}");
        }
    }

    #[test]
    fn an_archive_without_the_boot_code_stops_the_build() {
        for (name, files) in BOARDS {
            let error = boot_code_of(&board(name), |_, _| Err(anyhow!("no package"))).unwrap_err();
            assert_says_all(&error, files);
        }
    }

    /// With any file missing out of the package, its licence included; whole, it is taken.
    #[test]
    fn a_package_without_a_file_stops_the_build() {
        let dir = std::env::temp_dir().join(format!("ironroot-boot-code-{}", std::process::id()));
        for (name, files) in BOARDS {
            let mut paths: Vec<_> =
                files.iter().map(|file| format!("usr/lib/raspi-firmware/{file}")).collect();
            paths.push("usr/share/doc/raspi-firmware/copyright".to_owned());
            for path in &paths {
                fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
                fs::write(dir.join(path), "").unwrap();
            }
            for missing in &paths {
                fs::remove_file(dir.join(missing)).unwrap();
                let error = boot_code_of(&board(name), |_, _| Ok(dir.clone())).unwrap_err();
                assert_says_all(&error, files);
                assert!(format!("{error:#}").ends_with(&format!("which has no {missing}")));
                fs::write(dir.join(missing), "").unwrap();
            }
            let taken = boot_code_of(&board(name), |_, _| Ok(dir.clone())).unwrap();
            let names: Vec<_> = taken.iter().map(|(_, name)| name.as_str()).collect();
            for file in files.iter().chain(&["config.txt", LICENCE]) {
                assert!(names.contains(&format!("rpi-firmware/{file}").as_str()), "{names:?}");
            }
            fs::remove_dir_all(&dir).unwrap();
        }
    }

    #[test]
    fn other_boards_need_none() {
        let none = boot_code_of(&board("qemu_aarch64"), |_, _| Err(anyhow!("asked for"))).unwrap();
        assert!(none.is_empty());
    }
}
