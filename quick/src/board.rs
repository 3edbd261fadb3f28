// SPDX-License-Identifier: MIT
//! A board, as its `configs/<board>_defconfig` states it: the one place that both lanes read.

use anyhow::{anyhow, bail, ensure, Context as _, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What the architecture's name is in each world.
#[derive(Debug, PartialEq, Eq)]
pub struct Arch {
    /// Our own name, that of its kernel fragment.
    pub name: &'static str,
    /// Buildroot's symbol.
    symbol: &'static str,
    /// The kernel's `ARCH=`.
    pub kernel: &'static str,
    /// Debian's architecture.
    pub debian: &'static str,
    /// The GNU tuple that clang and Debian's library directories use.
    pub gnu: &'static str,
    /// Rust's target.
    pub rust: &'static str,
    /// The kernel image that boots, below arch/<kernel>/boot.
    pub image: &'static str,
}

const ARCHES: [Arch; 3] = [
    Arch {
        name: "riscv64",
        symbol: "BR2_riscv",
        kernel: "riscv",
        debian: "riscv64",
        gnu: "riscv64-linux-gnu",
        rust: "riscv64gc-unknown-linux-gnu",
        image: "Image",
    },
    Arch {
        name: "arm64",
        symbol: "BR2_aarch64",
        kernel: "arm64",
        debian: "arm64",
        gnu: "aarch64-linux-gnu",
        rust: "aarch64-unknown-linux-gnu",
        image: "Image",
    },
    Arch {
        name: "arm",
        symbol: "BR2_arm",
        kernel: "arm",
        debian: "armhf",
        gnu: "arm-linux-gnueabihf",
        rust: "armv7-unknown-linux-gnueabihf",
        image: "zImage",
    },
];

/// A parsed defconfig.
#[derive(Debug)]
pub struct Board {
    pub name: String,
    /// The kernel variant, empty for the release kernel.
    pub variant: String,
    /// Where the root file system is: `nvme`, or empty for the card.
    pub root: String,
    pub arch: &'static Arch,
    values: BTreeMap<String, String>,
    checkout: PathBuf,
}

impl Board {
    /// Reads the board `name` in a kernel variant; an empty `variant` is the release kernel.
    ///
    /// A variant is one fragment more, linux/fragments/variant/<variant>.config, and, where
    /// configs/variant/<variant>.config exists, Buildroot settings over the defconfig's.
    ///
    /// # Errors
    ///
    /// When there is no such board or variant, with those that there are, or the board's defconfig
    /// misses what the quick lane needs.
    pub fn read(checkout: &Path, name: &str, variant: &str) -> Result<Self> {
        let path = checkout.join("configs").join(format!("{name}_defconfig"));
        let text = fs::read_to_string(&path).map_err(|error| {
            let known = names(checkout).unwrap_or_default().join(", ");
            anyhow!("no board {name:?} ({}: {error}); boards: {known}", path.display())
        })?;
        let mut board =
            Self::parse(checkout, name, &text).with_context(|| path.display().to_string())?;
        if !variant.is_empty() {
            let known = variants(checkout)?;
            ensure!(
                known.iter().any(|known| known == variant),
                "VARIANT={variant}: no such kernel variant; variants: {}",
                known.join(", ")
            );
            let path = checkout.join("configs/variant").join(format!("{variant}.config"));
            if path.exists() {
                let text = fs::read_to_string(&path)?;
                board
                    .values
                    .append(&mut settings(&text).with_context(|| path.display().to_string())?);
            }
            variant.clone_into(&mut board.variant);
        }
        Ok(board)
    }

    /// The board with its root file system on the disk that `root` names; empty means the card.
    ///
    /// # Errors
    ///
    /// When there is no such choice, or the board's image has no driver for it.
    pub fn with_root(mut self, root: &str) -> Result<Self> {
        ensure!(
            matches!(root, "" | "nvme"),
            "ROOT={root}: nvme, or nothing for the card's own root file system"
        );
        ensure!(
            root.is_empty() || self.is_set("BR2_PACKAGE_RUST_NVME"),
            "ROOT={root}: {}_defconfig has no BR2_PACKAGE_RUST_NVME",
            self.name
        );
        root.clone_into(&mut self.root);
        Ok(self)
    }

    /// The name of what is built for the board: its own, the variant's, and its root's.
    pub fn output_name(&self) -> String {
        let mut name = self.name.clone();
        for part in [&self.variant, &self.root] {
            if !part.is_empty() {
                name.push('-');
                name.push_str(part);
            }
        }
        name
    }

    fn parse(checkout: &Path, name: &str, text: &str) -> Result<Self> {
        let values = settings(text)?;
        let arch = ARCHES
            .iter()
            .find(|arch| values.get(arch.symbol).is_some_and(|value| value == "y"))
            .context(
                "no architecture that the quick lane knows (BR2_riscv, BR2_aarch64, BR2_arm)",
            )?;
        Ok(Self {
            name: name.to_owned(),
            variant: String::new(),
            root: String::new(),
            arch,
            values,
            checkout: checkout.to_owned(),
        })
    }

    /// Whether a symbol is `y`.
    pub fn is_set(&self, symbol: &str) -> bool {
        self.values.get(symbol).is_some_and(|value| value == "y")
    }

    /// A symbol's text.
    ///
    /// # Errors
    ///
    /// When the defconfig does not have it.
    pub fn text(&self, symbol: &str) -> Result<&str> {
        self.values
            .get(symbol)
            .map(String::as_str)
            .with_context(|| format!("{}_defconfig does not set {symbol}", self.name))
    }

    /// A symbol's paths, with the external tree's variable resolved.
    ///
    /// # Errors
    ///
    /// When the defconfig does not have it, or a path names another tree.
    pub fn paths(&self, symbol: &str) -> Result<Vec<PathBuf>> {
        self.text(symbol)?
            .split_whitespace()
            .map(|path| match path.strip_prefix("$(BR2_EXTERNAL_IRONROOT_PATH)/") {
                Some(rest) => Ok(self.checkout.join(rest)),
                None => bail!("{symbol}: {path} is not below $(BR2_EXTERNAL_IRONROOT_PATH)"),
            })
            .collect()
    }

    /// The kernel's fragments, in the order in which they are merged.
    ///
    /// # Errors
    ///
    /// When the defconfig does not name them.
    pub fn fragments(&self) -> Result<Vec<PathBuf>> {
        let mut fragments = self.paths("BR2_LINUX_KERNEL_CUSTOM_CONFIG_FILE")?;
        fragments.extend(self.paths("BR2_LINUX_KERNEL_CONFIG_FRAGMENT_FILES")?);
        if !self.variant.is_empty() {
            fragments.push(variant_dir(&self.checkout).join(format!("{}.config", self.variant)));
        }
        Ok(fragments)
    }

    /// The symbols `BR2_PACKAGE_…=y`.
    pub fn packages(&self) -> impl Iterator<Item = &str> {
        self.values
            .iter()
            .filter(|(symbol, value)| symbol.starts_with("BR2_PACKAGE_") && *value == "y")
            .map(|(symbol, _)| symbol.as_str())
    }
}

/// The settings of a defconfig's lines.
fn settings(text: &str) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (symbol, value) = line
            .split_once('=')
            .filter(|(symbol, _)| symbol.starts_with("BR2_"))
            .with_context(|| format!("line {}: not a Buildroot setting: {line}", number + 1))?;
        values.insert(symbol.to_owned(), value.trim_matches('"').to_owned());
    }
    Ok(values)
}

fn variant_dir(checkout: &Path) -> PathBuf {
    checkout.join("linux/fragments/variant")
}

/// All boards' names, sorted.
///
/// # Errors
///
/// When configs/ cannot be read.
pub fn names(checkout: &Path) -> Result<Vec<String>> {
    stems(&checkout.join("configs"), "_defconfig")
}

/// All kernel variants' names, sorted.
fn variants(checkout: &Path) -> Result<Vec<String>> {
    stems(&variant_dir(checkout), ".config")
}

/// The names in `dir` that end in `suffix`, without it, sorted.
fn stems(dir: &Path, suffix: &str) -> Result<Vec<String>> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .with_context(|| dir.display().to_string())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(suffix).map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_buildroots_format() {
        let text =
            "BR2_riscv=y\n# BR2_X is not set\nBR2_A=\"$(BR2_EXTERNAL_IRONROOT_PATH)/linux/a b\"\n";
        let error = Board::parse(Path::new("/c"), "b", text).unwrap().paths("BR2_A").unwrap_err();
        assert!(error.to_string().contains("b is not below"));
        let board = Board::parse(Path::new("/c"), "b", &text.replace(" b\"", "\"")).unwrap();
        assert_eq!(board.arch.debian, "riscv64");
        assert_eq!(board.paths("BR2_A").unwrap(), [Path::new("/c/linux/a")]);
        assert!(board.text("BR2_B").unwrap_err().to_string().contains("BR2_B"));
    }

    #[test]
    fn takes_its_root_from_a_disk_that_it_has_a_driver_for() {
        let read = |text: &str| Board::parse(Path::new("/c"), "b", text).unwrap();
        let plain = "BR2_riscv=y\n";
        assert_eq!(read(plain).with_root("").unwrap().output_name(), "b");
        let error = read(plain).with_root("nvme").unwrap_err().to_string();
        assert!(error.contains("b_defconfig has no BR2_PACKAGE_RUST_NVME"), "{error}");
        let with = "BR2_riscv=y\nBR2_PACKAGE_RUST_NVME=y\n";
        assert_eq!(read(with).with_root("nvme").unwrap().output_name(), "b-nvme");
        assert!(read(with).with_root("usb").is_err());
    }

    #[test]
    fn refuses_what_is_not_a_defconfig() {
        let error = Board::parse(Path::new("/c"), "b", "CONFIG_RUST=y\n").unwrap_err();
        assert!(error.to_string().contains("line 1"));
        assert!(Board::parse(Path::new("/c"), "b", "BR2_sparc=y\n").is_err());
    }
}
