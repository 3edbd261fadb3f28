// SPDX-License-Identifier: MIT
//! Buildroot's package rules, as far as they can be checked without Buildroot.
//!
//! `make check-buildroot` runs the real `utils/check-package`; this is for who has no Buildroot at
//! hand. The rules are those of its manual, chapters "Config.in files" and "The .mk file", and this
//! tree's own: the folder, the symbol and Config.in's line agree.

use crate::new_driver::sourced;
use anyhow::{bail, Context as _, Result};
use std::fs;
use std::path::Path;

/// Checks every folder of package/, the tree's Config.in and the boards' defconfigs.
///
/// # Errors
///
/// When a rule is broken; each break was printed as `file:line: what`.
pub fn run(checkout: &Path) -> Result<()> {
    let read = |path: &str| {
        fs::read_to_string(checkout.join(path)).with_context(|| format!("cannot read {path}"))
    };
    let mut wrong = Vec::new();
    let mut packages = Vec::new();
    for entry in fs::read_dir(checkout.join("package")).context("cannot read package")? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // A killed `make new-driver` leaves a hidden folder, which its next call deletes.
        if entry.file_type()?.is_dir() && !name.starts_with('.') {
            packages.push(name);
        }
    }
    packages.sort();
    let root = read("Config.in")?;
    for package in &packages {
        let config_in = format!("package/{package}/Config.in");
        let make = format!("package/{package}/{package}.mk");
        let hash = format!("package/{package}/{package}.hash");
        let rules = fs::read_to_string(checkout.join(&make));
        match fs::read_to_string(checkout.join(&config_in)) {
            Ok(text) => check_config_in(&config_in, package, &text, &mut wrong),
            // A package for the build host alone is chosen by what needs it, not in a menu.
            Err(_) if rules.as_ref().is_ok_and(|text| is_host_only(text)) => {}
            Err(error) => wrong.push(format!("{config_in}: {error}")),
        }
        match rules {
            Ok(text) => {
                check_make(&make, package, &text, &mut wrong);
                let local = text.contains("_SITE_METHOD = local");
                if !local && !checkout.join(&hash).is_file() {
                    wrong.push(format!("{hash}: missing; what is downloaded needs a hash"));
                }
            }
            Err(error) => wrong.push(format!("{make}: {error}")),
        }
    }
    check_sourced(&packages, &root, checkout, &mut wrong);
    for board in crate::board::names(checkout)? {
        let path = format!("configs/{board}_defconfig");
        check_defconfig(&path, &packages, &read(&path)?, &mut wrong);
    }
    for line in &wrong {
        eprintln!("{line}");
    }
    match wrong.len() {
        0 => Ok(()),
        count => bail!("{count} broken package rules"),
    }
}

fn symbol(package: &str) -> String {
    package.replace('-', "_").to_uppercase()
}

/// `savedefconfig` writes our symbols last and in Config.in's order; hashes are Buildroot's rule.
fn check_defconfig(path: &str, packages: &[String], text: &str, wrong: &mut Vec<String>) {
    if !text.lines().any(|line| line == "BR2_DOWNLOAD_FORCE_CHECK_HASHES=y") {
        wrong.push(format!("{path}: no BR2_DOWNLOAD_FORCE_CHECK_HASHES=y"));
    }
    let ours: Vec<_> =
        packages.iter().map(|package| format!("BR2_PACKAGE_{}=y", symbol(package))).collect();
    let places: Vec<_> = text
        .lines()
        .map(|line| ours.iter().position(|ours| ours == line))
        .skip_while(Option::is_none)
        .collect();
    if places.contains(&None) || !places.is_sorted() {
        wrong.push(format!("{path}: this tree's packages come last, in Config.in's order"));
    }
}

fn check_sourced(packages: &[String], root: &str, checkout: &Path, wrong: &mut Vec<String>) {
    let named = sourced(root);
    if !named.is_sorted() {
        wrong.push("Config.in: the packages are not sorted".to_owned());
    }
    for package in packages {
        let has_menu = checkout.join("package").join(package).join("Config.in").exists();
        if has_menu && !named.contains(package) {
            wrong.push(format!("Config.in: package/{package}/Config.in is not in it"));
        }
    }
    for name in named.iter().filter(|name| !packages.contains(name)) {
        wrong.push(format!("Config.in: there is no package/{name}"));
    }
}

/// What both kinds of file must keep.
fn check_text(path: &str, text: &str, wrong: &mut Vec<String>) {
    for (number, line) in text.lines().enumerate() {
        if line.ends_with([' ', '\t']) {
            wrong.push(format!("{path}:{}: space at the end", number + 1));
        }
    }
    if text.contains("\n\n\n") {
        wrong.push(format!("{path}: consecutive empty lines"));
    }
    if !text.ends_with('\n') || text.ends_with("\n\n") {
        wrong.push(format!("{path}: must end with one newline"));
    }
}

fn check_config_in(path: &str, package: &str, text: &str, wrong: &mut Vec<String>) {
    check_text(path, text, wrong);
    let config = format!("config BR2_PACKAGE_{}", symbol(package));
    if !text.lines().any(|line| line == config || line == format!("menu{config}")) {
        wrong.push(format!("{path}: no line '{config}'"));
    }
    let (mut help, mut last) = (false, 0);
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        let word = line.split_whitespace().next().unwrap_or_default();
        match word {
            "" => continue,
            _ if line.starts_with('#') => continue,
            "config" | "menuconfig" | "choice" | "comment" | "if" | "endif" | "menu"
            | "endmenu" | "endchoice" | "source"
                if !line.starts_with("\t  ") =>
            {
                (help, last) = (false, 0);
                if line.starts_with([' ', '\t']) {
                    wrong.push(format!("{path}:{number}: '{word}' is not indented"));
                }
            }
            "help" if line == "\thelp" => help = true,
            _ if help => {
                let text = line.strip_prefix("\t  ");
                let is_url = ["http://", "https://"].iter().any(|url| line.trim().starts_with(url));
                if !is_url && text.is_none_or(|text| text.chars().count() > 62) {
                    wrong.push(format!(
                        "{path}:{number}: help text is a tab, two spaces and at most 62 characters"
                    ));
                }
            }
            _ => {
                let rank = match word {
                    "bool" | "prompt" | "string" => 1,
                    "default" => 2,
                    "depends" => 3,
                    "select" => 4,
                    _ => continue,
                };
                if !line.strip_prefix('\t').is_some_and(|rest| rest.starts_with(word)) {
                    wrong.push(format!("{path}:{number}: '{word}' is indented by one tab"));
                }
                if rank < last {
                    wrong.push(format!(
                        "{path}:{number}: order: type, default, depends on, select, help"
                    ));
                }
                last = rank;
            }
        }
    }
}

fn is_host_only(make: &str) -> bool {
    let mut evals = make.lines().filter(|line| line.starts_with("$(eval $(")).peekable();
    evals.peek().is_some() && evals.all(|line| line.starts_with("$(eval $(host-"))
}

fn check_make(path: &str, package: &str, text: &str, wrong: &mut Vec<String>) {
    check_text(path, text, wrong);
    let rule = "#".repeat(80);
    let header = format!("{rule}\n#\n# {package}\n#\n{rule}\n\n");
    if !text.starts_with(&header) {
        wrong.push(format!(
            "{path}:1: the header is 80 hashes, #, # {package}, #, 80 hashes and an empty line"
        ));
    }
    let evals: Vec<_> = text.lines().filter(|line| line.starts_with("$(eval $(")).collect();
    if !evals.iter().any(|line| line.ends_with("-package))")) {
        wrong
            .push(format!("{path}: no package infrastructure, such as $(eval $(generic-package))"));
    }
    // kernel-module adds hooks that the package infrastructure collects.
    if evals.iter().skip(1).any(|line| *line == "$(eval $(kernel-module))") {
        wrong.push(format!("{path}: $(eval $(kernel-module)) comes before the package's eval"));
    }
    let symbol = symbol(package);
    for (number, line) in text.lines().enumerate() {
        let name = line.split([' ', '=', '+', ':', '?']).next().unwrap_or_default();
        let is_name = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && line[name.len()..].trim_start().starts_with(['=', '+', ':', '?']);
        let bare = name.trim_start_matches("HOST_");
        let ours = bare.strip_prefix(&symbol).is_some_and(|rest| rest.starts_with('_'));
        if is_name && !ours && !name.starts_with("LINUX_") {
            wrong.push(format!("{path}:{}: {name} does not start with {symbol}_", number + 1));
        }
        if line.starts_with(' ') {
            wrong.push(format!("{path}:{}: indent with a tab", number + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG_IN: &str = include_str!("../template/Config.in");
    const MAKE: &str = include_str!("../template/driver-template.mk");

    fn config_in(text: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        check_config_in("Config.in", "driver-template", text, &mut wrong);
        wrong
    }

    fn make(text: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        check_make("x.mk", "driver-template", text, &mut wrong);
        wrong
    }

    #[track_caller]
    fn one(wrong: &[String], word: &str) {
        assert!(wrong.len() == 1 && wrong[0].contains(word), "{wrong:?}");
    }

    #[test]
    fn lets_the_template_through() {
        assert_eq!(config_in(CONFIG_IN), [""; 0]);
        assert_eq!(make(MAKE), [""; 0]);
    }

    #[test]
    fn sees_a_broken_config_in() {
        let text = CONFIG_IN;
        one(&config_in(&text.replace("_TEMPLATE", "_OTHER")), "no line");
        one(&config_in(&text.replace("\t  TODO", "\tTODO")), ":9: help text");
        one(&config_in(&text.replace("TODO", &"a".repeat(50))), ":9: help text");
        one(&config_in(&text.replace("\tbool", "    bool")), "one tab");
        one(&config_in(&text.replace("RUST\n\thelp", "RUST \n\thelp")), "space at the end");
        one(&config_in(&(text.to_owned() + "\n")), "one newline");
        let order = "config BR2_PACKAGE_DRIVER_TEMPLATE\n\tselect BR2_A\n\tbool \"x\"\n";
        one(&config_in(order), ":3: order");
        one(&config_in(&text.replace("comment", "\tcomment")), "not indented");
    }

    #[test]
    fn sees_a_broken_mk() {
        one(&make(&MAKE.replacen('#', "", 1)), "80 hashes");
        one(&make(&MAKE.replace("TEMPLATE_VERSION", "TEMPLTE_VERSION")), "DRIVER_TEMPLTE_VERSION");
        one(&make(&MAKE.replace("$(eval $(generic-package))\n", "")), "generic-package");
        let (head, _) = MAKE.split_once("$(eval").unwrap();
        let swapped = head.to_owned() + "$(eval $(generic-package))\n$(eval $(kernel-module))\n";
        one(&make(&swapped), "comes before");
    }

    #[test]
    fn tells_a_package_for_the_build_host() {
        assert!(!is_host_only(MAKE));
        assert!(!is_host_only(""));
        assert!(is_host_only("$(eval $(host-generic-package))\n"));
        assert!(!is_host_only("$(eval $(generic-package))\n$(eval $(host-generic-package))\n"));
    }

    #[test]
    fn compares_config_in_with_the_folders() {
        let line =
            |name| format!("source \"$BR2_EXTERNAL_IRONROOT_PATH/package/{name}/Config.in\"\n");
        let mut wrong = Vec::new();
        check_sourced(&["a".to_owned()], &(line("b") + &line("a")), Path::new("/no"), &mut wrong);
        assert_eq!(
            wrong,
            ["Config.in: the packages are not sorted", "Config.in: there is no package/b"]
        );
    }

    #[test]
    fn sees_a_defconfig_out_of_order() {
        let check = |text: &str| {
            let mut wrong = Vec::new();
            let text = format!("BR2_DOWNLOAD_FORCE_CHECK_HASHES=y\n{text}");
            check_defconfig("x", &["a".to_owned(), "b".to_owned()], &text, &mut wrong);
            wrong
        };
        let (a, b, other) = ("BR2_PACKAGE_A=y\n", "BR2_PACKAGE_B=y\n", "BR2_PACKAGE_C=y\n");
        assert_eq!(check(&format!("{other}{a}{b}")), [""; 0]);
        assert_eq!(check(&format!("{other}{b}")), [""; 0]);
        one(&check(&format!("{b}{a}")), "come last");
        one(&check(&format!("{a}{other}")), "come last");
        let mut wrong = Vec::new();
        check_defconfig("x", &[], "BR2_arm=y\n", &mut wrong);
        one(&wrong, "HASHES");
    }
}
