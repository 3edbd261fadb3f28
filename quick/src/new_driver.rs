// SPDX-License-Identifier: MIT
//! `make new-driver NAME=foo`: an out-of-tree Rust driver package that builds, loads and has a test.
//!
//! The package is `quick/template/` with its names replaced. The template is itself a valid
//! package, so that `make lint` formats and tests it like the others.

use anyhow::{bail, ensure, Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The template's files and where they go; compiled in, so that none can be missing.
const TEMPLATE: [(&str, &str); 6] = [
    ("Config.in", include_str!("../template/Config.in")),
    ("driver-template.mk", include_str!("../template/driver-template.mk")),
    ("src/Kbuild", include_str!("../template/src/Kbuild")),
    ("src/driver_template.rs", include_str!("../template/src/driver_template.rs")),
    ("src/logic.rs", include_str!("../template/src/logic.rs")),
    ("tests/test_driver_template.py", include_str!("../template/tests/test_driver_template.py")),
];

/// Longer names break the line widths of Buildroot and rustfmt; the kernel's limit is 55.
const MAX_NAME: usize = 32;

/// Rust's keywords, strict and reserved.
const KEYWORDS: &str = "abstract as async await become box break const continue crate do dyn else \
     enum extern false final fn for gen if impl in let loop macro match mod move mut override priv \
     pub ref return self static struct super trait true try type typeof unsafe unsized use virtual \
     where while yield";

/// Crates that the kernel's Rust code links, and the module that the template brings.
const CRATES: &str = "alloc bindings build-error compiler-builtins core ffi kernel logic macros \
     pin-init proc-macro proc-macro2 quote std syn test uapi zerocopy";

/// Modules of the kernel that a driver writer is likely to name again. Not the whole list, which
/// depends on the configuration: modprobe would say 'File exists' for the others.
const IN_TREE: &str =
    "ashmem ax88796b ax88796b-rust binder brd btrfs dm-mod drm dummy e1000 e1000e \
     ext4 fuse hwmon loop mii nbd nova nova-core null-blk nvme nvme-core phylib pwm-th1520 qt2025 \
     rcpufreq-dt realtek rnull rnull-mod rust-configfs rust-debugfs rust-dma rust-driver-auxiliary \
     rust-driver-faux rust-driver-i2c rust-driver-pci rust-driver-platform rust-driver-usb \
     rust-minimal rust-misc-device rust-print rust-soc tun tyr usbcore vfat virtio virtio-blk \
     virtio-net xfs zram";

/// One driver's name in each world.
struct Names {
    package: String,
    module: String,
    symbol: String,
    type_name: String,
}

impl Names {
    /// Checks a name's form; whether it is taken is another question.
    fn parse(name: &str) -> Result<Self> {
        ensure!(
            !name.is_empty(),
            "NAME is empty; say what the driver is called: make new-driver NAME=my-driver"
        );
        ensure!(
            !name.contains(['/', '\\']) && !name.starts_with('.'),
            "NAME={name}: a name, not a path; the driver goes to package/NAME"
        );
        ensure!(
            !name.chars().any(char::is_uppercase),
            "NAME={name}: upper case; Buildroot's package names are lower case: NAME={}",
            name.to_lowercase()
        );
        ensure!(
            !name.contains('_'),
            "NAME={name}: underscores are for the module; the package is NAME={}",
            name.replace('_', "-")
        );
        ensure!(
            !name.starts_with(|c: char| c.is_ascii_digit()),
            "NAME={name}: starts with a digit; a Rust name cannot"
        );
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if let Some(bad) = name.chars().find(|c| !allowed(*c)) {
            bail!("NAME={name}: {bad:?} is not allowed; use a to z, 0 to 9 and hyphens");
        }
        ensure!(
            !name.starts_with('-') && name.split('-').all(|part| !part.is_empty()),
            "NAME={name}: hyphens stand singly between letters or digits"
        );
        ensure!(
            name.len() <= MAX_NAME,
            "NAME={name}: {} characters; at most {MAX_NAME}",
            name.len()
        );
        ensure!(!has(KEYWORDS, name), "NAME={name}: a Rust keyword; try NAME=rust-{name}");
        ensure!(
            !has(CRATES, name),
            "NAME={name}: a crate of the kernel's or the template's has this name; try NAME=rust-{name}"
        );
        let type_name =
            name.split('-').map(|part| part[..1].to_uppercase() + &part[1..]).collect::<String>();
        Ok(Self {
            package: name.to_owned(),
            module: name.replace('-', "_"),
            symbol: name.replace('-', "_").to_uppercase(),
            // `Result`, `Vec` or `ThisModule` would shadow what the driver imports.
            type_name: format!("{type_name}Driver"),
        })
    }

    fn fill(&self, template: &str) -> String {
        template
            .replace("driver-template", &self.package)
            .replace("driver_template", &self.module)
            .replace("DRIVER_TEMPLATE", &self.symbol)
            .replace("DriverTemplate", &self.type_name)
    }
}

fn has(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

/// Makes the package `name` and switches it on for every board.
///
/// # Errors
///
/// Says what is wrong with the name, or which file could not be written; then nothing is changed.
pub fn run(checkout: &Path, name: &str) -> Result<()> {
    let names = Names::parse(name)?;
    let package = checkout.join("package").join(&names.package);
    ensure!(
        !package.exists(),
        "NAME={name}: taken, package/{name} exists; choose another name or delete that folder"
    );
    ensure!(
        !has(IN_TREE, name),
        "NAME={name}: the kernel has a module of this name; try NAME=my-{name}"
    );
    if let Some(buildroot) = std::env::var_os("BUILDROOT").filter(|dir| !dir.is_empty()) {
        let theirs = Path::new(&buildroot).join("package").join(name);
        ensure!(
            !theirs.exists(),
            "NAME={name}: taken, Buildroot has a package {}",
            theirs.display()
        );
    }

    let changes = changes(checkout, &names)?;
    write_package(&package, &names)?;
    if let Err(error) = apply(&changes) {
        fs::remove_dir_all(&package).context("while undoing")?;
        return Err(error);
    }

    println!("package/{name} is a driver that builds, loads and has tests.");
    for change in &changes {
        let path = change.path.strip_prefix(checkout).unwrap_or(&change.path);
        println!("  {}: + {}", path.display(), change.line);
    }
    println!(
        "\nNext:\n  \
         make test BOARD=qemu_riscv64 K={module}\n  \
         write package/{name}/src/{module}.rs, its logic and host tests in src/logic.rs;\n  \
         each TODO in package/{name} is a text that only you know",
        module = names.module
    );
    Ok(())
}

/// One line more in a file.
struct Change {
    path: PathBuf,
    line: String,
    before: String,
    after: String,
}

/// Works out every change outside the package before anything is written.
fn changes(checkout: &Path, names: &Names) -> Result<Vec<Change>> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let config_in = checkout.join("Config.in");
    let before = read(&config_in)?;
    let mut packages = sourced(&before);
    ensure!(
        !packages.contains(&names.package),
        "NAME={}: taken, Config.in has a line for it",
        names.package
    );
    packages.push(names.package.clone());
    packages.sort();
    let line = source_line(&names.package);
    let after = insert(&before, &line, &packages, &source_line);
    let mut changes = vec![Change { path: config_in, line, before, after }];
    for board in crate::board::names(checkout)? {
        let path = checkout.join("configs").join(format!("{board}_defconfig"));
        let before = read(&path)?;
        let line = setting(&names.package);
        let after = insert(&before, &line, &packages, &setting);
        changes.push(Change { path, line, before, after });
    }
    Ok(changes)
}

/// The packages that Config.in names, in its order.
pub fn sourced(config_in: &str) -> Vec<String> {
    config_in
        .lines()
        .filter_map(|line| {
            line.strip_prefix("source \"$BR2_EXTERNAL_IRONROOT_PATH/package/")?
                .strip_suffix("/Config.in\"")
        })
        .map(str::to_owned)
        .collect()
}

fn source_line(package: &str) -> String {
    format!("source \"$BR2_EXTERNAL_IRONROOT_PATH/package/{package}/Config.in\"")
}

fn setting(package: &str) -> String {
    format!("BR2_PACKAGE_{}=y", package.replace('-', "_").to_uppercase())
}

/// Puts `line` before the first line of a later package, else at the end: `savedefconfig` writes an
/// external tree's symbols last and in the order of Config.in.
fn insert(text: &str, line: &str, packages: &[String], render: &dyn Fn(&str) -> String) -> String {
    let later: Vec<_> = packages
        .iter()
        .map(|package| render(package))
        .skip_while(|known| known != line)
        .skip(1)
        .collect();
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|known| later.iter().any(|later| later == known))
        .unwrap_or(lines.len());
    lines.insert(at, line);
    lines.join("\n") + "\n"
}

/// Writes the package beside its place and moves it there, so that it is there whole or not at all.
fn write_package(package: &Path, names: &Names) -> Result<()> {
    let part = package.with_file_name(format!(".{}.part", names.package));
    let write = || -> Result<()> {
        // What a killed call left.
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        for (name, text) in TEMPLATE {
            let path = part.join(names.fill(name));
            let dir = path.parent().context("a template file without a folder")?;
            fs::create_dir_all(dir)?;
            fs::write(&path, names.fill(text))?;
        }
        Ok(fs::rename(&part, package)?)
    };
    write().or_else(|error| {
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        Err(error.context(format!("cannot write {}", package.display())))
    })
}

/// Makes the changes, all or none.
fn apply(changes: &[Change]) -> Result<()> {
    for (done, change) in changes.iter().enumerate() {
        if let Err(error) = replace(&change.path, &change.after) {
            for change in &changes[..done] {
                replace(&change.path, &change.before).context("while undoing")?;
            }
            return Err(error);
        }
    }
    Ok(())
}

/// Replaces a file's text in one step.
fn replace(path: &Path, text: &str) -> Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process;

    /// A checkout with one board and one package, deleted at the end.
    struct Checkout(PathBuf);

    impl Checkout {
        fn new(test: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("new-driver-{test}-{}", process::id()));
            let this = Self(dir);
            fs::create_dir_all(this.0.join("package/mmm")).unwrap();
            fs::create_dir_all(this.0.join("configs")).unwrap();
            this.write("Config.in", &format!("# head\n{}\n", source_line("mmm")));
            this.write("configs/a_defconfig", "BR2_arm=y\nBR2_PACKAGE_MMM=y\n");
            this.write("configs/b_defconfig", "BR2_arm=y\n");
            this
        }

        fn write(&self, path: &str, text: &str) {
            fs::write(self.0.join(path), text).unwrap();
        }

        fn read(&self, path: &str) -> String {
            fs::read_to_string(self.0.join(path)).unwrap()
        }

        /// Every file with its text.
        fn state(&self) -> Vec<(PathBuf, Option<String>)> {
            fn walk(dir: &Path, found: &mut Vec<(PathBuf, Option<String>)>) {
                for entry in fs::read_dir(dir).unwrap() {
                    let path = entry.unwrap().path();
                    found.push((path.clone(), fs::read_to_string(&path).ok()));
                    if path.is_dir() {
                        walk(&path, found);
                    }
                }
            }
            let mut found = Vec::new();
            walk(&self.0, &mut found);
            found.sort();
            found
        }
    }

    impl Drop for Checkout {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn refuses_bad_names_and_leaves_nothing() {
        let checkout = Checkout::new("bad");
        let before = checkout.state();
        let long = "a".repeat(MAX_NAME + 1);
        for (name, word) in [
            ("", "empty"),
            ("Foo", "upper case"),
            ("a/b", "not a path"),
            ("../a", "not a path"),
            ("foo_bar", "NAME=foo-bar"),
            ("1a", "digit"),
            ("fn", "keyword"),
            ("try", "keyword"),
            ("core", "crate"),
            ("logic", "crate"),
            ("nvme", "kernel has a module"),
            ("mmm", "package/mmm exists"),
            ("a b", "not allowed"),
            ("ä", "not allowed"),
            ("a\n", "not allowed"),
            ("-a", "hyphens"),
            ("a-", "hyphens"),
            ("a--b", "hyphens"),
            (&long, "at most"),
        ] {
            let error = run(&checkout.0, name).expect_err(name).to_string();
            assert!(error.contains(word), "{name:?}: {error}");
        }
        assert_eq!(checkout.state(), before);
    }

    #[test]
    fn makes_a_package_in_order() {
        let checkout = Checkout::new("order");
        run(&checkout.0, "zz").unwrap();
        run(&checkout.0, "a-b").unwrap();
        assert_eq!(sourced(&checkout.read("Config.in")), ["a-b", "mmm", "zz"]);
        assert_eq!(
            checkout.read("configs/a_defconfig"),
            "BR2_arm=y\nBR2_PACKAGE_A_B=y\nBR2_PACKAGE_MMM=y\nBR2_PACKAGE_ZZ=y\n"
        );
        let rust = checkout.read("package/a-b/src/a_b.rs");
        assert!(rust.contains("name: \"a_b\"") && rust.contains("struct ABDriver"));
        for (path, text) in checkout.state() {
            let text = format!("{} {}", path.display(), text.unwrap_or_default());
            assert!(!text.to_lowercase().replace('_', "-").contains("driver-template"));
        }
    }

    #[test]
    fn undoes_what_it_did_when_a_file_cannot_be_written() {
        let checkout = Checkout::new("undo");
        // The last file's temporary name is a folder, so that only its write fails.
        fs::create_dir(checkout.0.join("configs/b_defconfig.part")).unwrap();
        let before = checkout.state();
        let error = run(&checkout.0, "foo").unwrap_err().to_string();
        assert!(error.contains("b_defconfig"), "{error}");
        assert_eq!(checkout.state(), before);
    }
}
