// SPDX-License-Identifier: MIT
//! Kernel configuration: its lines, and the proof that every fragment's line took effect.
//!
//! Kconfig drops what it cannot satisfy without a word, `CONFIG_RUST=y` first.
//!
//! The standard library only: the Buildroot lane compiles this with the kernel's own rustc.

use crate::kconfig::Tree;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// An error is the text that the user reads.
pub type Result<T> = std::result::Result<T, String>;

/// Symbols and values as .config writes them; a symbol that is not set is absent.
pub type Config = BTreeMap<String, String>;

/// One line of a fragment: what it asks for, `n` where it says "is not set".
#[derive(Debug, PartialEq, Eq)]
pub struct Wish {
    pub symbol: String,
    pub value: String,
    pub line: usize,
}

/// Reads the lines of a fragment or of a .config.
///
/// # Errors
///
/// Names the line that is neither a setting nor a comment: Kconfig would pass over it in silence.
pub fn parse(text: &str) -> Result<Vec<Wish>> {
    let mut wishes = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_end();
        let (symbol, value) = if let Some(symbol) = unset(line) {
            (symbol, "n")
        } else if line.is_empty() || line.starts_with('#') {
            continue;
        } else {
            match line.split_once('=') {
                Some((symbol, value)) if symbol.starts_with("CONFIG_") => (symbol, value),
                _ => {
                    return Err(format!(
                        "line {}: neither a setting nor a comment: {line}",
                        number + 1
                    ))
                }
            }
        };
        wishes.push(Wish { symbol: symbol.to_owned(), value: value.to_owned(), line: number + 1 });
    }
    Ok(wishes)
}

/// The symbol of a line `# CONFIG_X is not set`.
fn unset(line: &str) -> Option<&str> {
    let symbol = line.strip_prefix("# ")?.strip_suffix(" is not set")?;
    (symbol.starts_with("CONFIG_") && !symbol.contains(' ')).then_some(symbol)
}

/// Reads a file's lines; its name goes before what is wrong with it.
fn read(path: &Path) -> Result<Vec<Wish>> {
    fs::read_to_string(path)
        .map_err(|error| error.to_string())
        .and_then(|text| parse(&text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Reads a .config.
///
/// # Errors
///
/// When it cannot be read.
pub fn config(path: &Path) -> Result<Config> {
    Ok(read(path)?
        .into_iter()
        .filter(|wish| wish.value != "n")
        .map(|wish| (wish.symbol, wish.value))
        .collect())
}

/// Checks each line of `fragments` against the configuration that Kconfig made.
///
/// A later fragment overrides an earlier one, as in the merge. `tree` is only read where a line
/// failed, to say which dependency is missing.
///
/// # Errors
///
/// One line for each that did not take effect.
pub fn check(
    fragments: &[PathBuf],
    config: &Config,
    tree: impl FnOnce() -> Result<Tree>,
) -> Result<()> {
    let mut wanted: BTreeMap<String, (String, String)> = BTreeMap::new();
    for path in fragments {
        for wish in read(path)? {
            let place = format!("{}:{}", path.display(), wish.line);
            wanted.insert(wish.symbol, (wish.value, place));
        }
    }
    let failed: Vec<_> = wanted
        .iter()
        .filter_map(|(symbol, (value, place))| {
            let got = config.get(symbol).map_or("n", String::as_str);
            (got != value).then_some((symbol, value, got, place))
        })
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let tree = tree()?;
    let mut report =
        format!("the kernel's configuration lost {} of its fragments' lines:", failed.len());
    for (symbol, value, got, place) in failed {
        report.push_str(&format!("\n  {place}: {symbol}={value} became {got}: "));
        report.push_str(&tree.explain(symbol, value, config));
    }
    Err(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_kinds_of_line() {
        let wishes = parse("# CONFIG_A is not set\nCONFIG_B=\"x=y\"\n# CONFIG_C is what we want\n");
        let wishes = wishes.unwrap();
        assert_eq!((wishes[0].symbol.as_str(), wishes[0].value.as_str()), ("CONFIG_A", "n"));
        assert_eq!((wishes[1].value.as_str(), wishes[1].line), ("\"x=y\"", 2));
        assert_eq!(wishes.len(), 2);
    }

    #[test]
    fn refuses_what_kconfig_passes_over() {
        assert!(parse("CONFIG_A\n").unwrap_err().contains("line 1"));
        assert!(parse("A=y\n").is_err());
    }
}
