// SPDX-License-Identifier: MIT
//! The kernel: source, configuration, build. One for each architecture and variant.

use crate::board::Board;
use crate::cache::{self, Found, Key};
use crate::context::Context;
use crate::fragment;
use crate::kconfig::Tree;
use crate::step::{self, say};
use anyhow::{bail, ensure, Context as _, Error, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A built kernel in the cache.
pub struct Kernel {
    pub source: PathBuf,
    /// kbuild's output directory, which out-of-tree modules need.
    pub build: PathBuf,
    /// What goes into an image: boot/, lib/modules/.
    pub install: PathBuf,
    pub release: String,
    /// The key under which it stands in the cache.
    pub key: String,
}

/// The kernel's source with our patches: the tarball that `KERNEL_SOURCE` names, else the cache's
/// newest.
///
/// # Errors
///
/// When there is no tarball, with what to do; when a patch does not apply, with its name.
pub fn source(ctx: &Context) -> Result<PathBuf> {
    let tarball = match std::env::var_os("KERNEL_SOURCE").filter(|value| !value.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => newest_tarball(&ctx.cache.join("source"))?,
    };
    ensure!(
        tarball.is_file(),
        "KERNEL_SOURCE={}: no such file; it names a tarball such as linux-7.3.4.tar.xz",
        tarball.display()
    );
    let name = tarball.file_name().context("a tarball has a name")?.to_string_lossy();
    let meta = fs::metadata(&tarball)?;
    let patches = patches(&ctx.checkout.join("linux/patches"))?;
    let mut key = Key::new("source-2");
    key.text(&name).text(&meta.len().to_string());
    for patch in &patches {
        key.path(patch)?;
    }
    cache::entry(ctx, &format!("linux/{}", key.finish()), |dir, found| {
        if found == Found::Stopped {
            // Nothing says how many patches are in it.
            fs::remove_dir_all(dir)?;
            fs::create_dir(dir)?;
        }
        say(format!("unpacking {name}"));
        let log = ctx.cache.join("log/source.log");
        step::run(
            ctx,
            "kernel source",
            &log,
            Command::new("tar")
                .args(["--strip-components=1", "--no-same-owner", "-xf"])
                .arg(&tarball)
                .arg("-C")
                .arg(dir),
        )?;
        patches.iter().try_for_each(|patch| apply(ctx, patch, dir, &log))
    })
}

/// The patches in `dir`, in the order of their numbers.
fn patches(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut patches = fs::read_dir(dir)
        .with_context(|| dir.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    patches.retain(|path| path.extension().is_some_and(|e| e == "patch"));
    patches.sort();
    Ok(patches)
}

/// Applies a patch to the tree `dir`; its context must match, as in Buildroot.
fn apply(ctx: &Context, patch: &Path, dir: &Path, log: &Path) -> Result<()> {
    let name = patch.file_name().unwrap_or_default().to_string_lossy();
    step::run(
        ctx,
        &format!("kernel source: linux/patches/{name}"),
        log,
        Command::new("git")
            .args(["apply", "--whitespace=nowarn"])
            .arg(patch)
            .current_dir(dir)
            // The tree is no part of a repository that the cache may stand in.
            .env("GIT_CEILING_DIRECTORIES", dir.parent().unwrap_or(dir)),
    )
}

fn newest_tarball(dir: &Path) -> Result<PathBuf> {
    let mut tarballs: Vec<_> = fs::read_dir(dir)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    tarballs.retain(|path: &PathBuf| path.extension().is_some_and(|e| e == "xz"));
    tarballs.sort();
    tarballs.pop().context(
        "no kernel source: the package archive has no linux-source-7.3 any more (backports drop a \
         series when the next arrives). Give a tarball: KERNEL_SOURCE=/path/to/linux-7.3.4.tar.xz",
    )
}

/// What the compiler and its companions say of themselves: they go into the kernel's key, so that
/// a new build root with the same tools builds no kernel again.
pub fn toolchain() -> String {
    ["rustc", "clang", "ld.lld", "bindgen"]
        .iter()
        .map(|tool| match Command::new(tool).arg("--version").output() {
            Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
            Err(error) => format!("{tool}: {error}"),
        })
        .collect()
}

/// What kbuild is told that no configuration can say; a part of the kernel's key.
fn variables(board: &Board) -> &'static [&'static str] {
    match board.variant.as_str() {
        // This variant has kcov, and the fuzzer wants to see Binder's code.
        "debug" => &["KCOV_INSTRUMENT_rust_binder_main.o=y"],
        _ => &[],
    }
}

/// `make` in the kernel tree, with everything that makes a build repeatable.
pub fn make(ctx: &Context, source: &Path, build: &Path, board: &Board) -> Command {
    let mut command = Command::new("make");
    command
        .arg("-C")
        .arg(source)
        .arg(format!("O={}", build.display()))
        .arg(format!("ARCH={}", board.arch.kernel))
        // One toolchain for all architectures; on riscv Rust needs clang.
        .arg("LLVM=1")
        .args(variables(board))
        .arg(format!("-j{}", ctx.jobs))
        .env("KBUILD_BUILD_TIMESTAMP", "@0")
        .env("KBUILD_BUILD_USER", "ironroot")
        .env("KBUILD_BUILD_HOST", "ironroot")
        .env("KBUILD_BUILD_VERSION", "1");
    command
}

/// Gives the board's kernel, building it where the cache does not have it.
///
/// # Errors
///
/// Those of configuration and build.
pub fn build(ctx: &Context, board: &Board) -> Result<Kernel> {
    let source = source(ctx)?;
    let fragments = board.fragments()?;
    let mut key = Key::new("kernel-1");
    key.text(&source.to_string_lossy()).text(board.arch.name).text(&toolchain());
    for fragment in &fragments {
        key.path(fragment)?;
    }
    for variable in variables(board) {
        key.text(variable);
    }
    let mut name = board.arch.name.to_owned();
    if !board.variant.is_empty() {
        name.push('-');
        name.push_str(&board.variant);
    }
    let key = format!("{name}-{}", key.finish());
    let dir = cache::entry(ctx, &format!("kernel/{key}"), |dir, found| {
        let (build, install) = (dir.join("build"), dir.join("install"));
        if found == Found::Nothing {
            say(format!("building the {name} kernel, 8 to 20 minutes on 2 cores"));
        } else {
            say(format!("going on with the {name} kernel"));
        }
        let log = ctx.cache.join("log").join(format!("kernel-{key}.log"));
        configure(ctx, board, &source, &build, &fragments, &log)?;
        let name = format!("kernel {name}");
        step::run(
            ctx,
            &name,
            &log,
            make(ctx, &source, &build, board).args([board.arch.image, "modules"]),
        )?;
        step::run(
            ctx,
            &format!("{name}: install"),
            &log,
            make(ctx, &source, &build, board)
                .arg("modules_install")
                .arg(format!("INSTALL_MOD_PATH={}", install.display()))
                // The image's own step runs depmod, once all modules are there.
                .args(["INSTALL_MOD_STRIP=1", "DEPMOD=true"]),
        )?;
        fs::create_dir_all(install.join("boot"))?;
        let image = build.join("arch").join(board.arch.kernel).join("boot").join(board.arch.image);
        fs::copy(&image, install.join("boot").join(board.arch.image))?;
        Ok(())
    })?;
    let build = dir.join("build");
    let release = fs::read_to_string(build.join("include/config/kernel.release"))?;
    let stated = board.text("BR2_LINUX_KERNEL_CUSTOM_VERSION_VALUE")?;
    let rest = release.trim().strip_prefix(stated);
    if rest.is_none_or(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        say(format!(
            "note: the archive's kernel is {}, {}_defconfig names {stated} for Buildroot",
            release.trim(),
            board.name
        ));
    }
    Ok(Kernel {
        source,
        install: dir.join("install"),
        build,
        release: release.trim().to_owned(),
        key,
    })
}

/// Merges the fragments as Buildroot does, and proves that each line took effect.
///
/// # Errors
///
/// When Rust is not available, with the kernel's own reason; when a line did not take effect, with
/// the dependency that is missing.
pub fn configure(
    ctx: &Context,
    board: &Board,
    source: &Path,
    build: &Path,
    fragments: &[PathBuf],
    log: &Path,
) -> Result<()> {
    fs::create_dir_all(build)?;
    rust_available(ctx, board, source, build)?;
    step::run(
        ctx,
        "kernel configuration: merge",
        log,
        Command::new(source.join("scripts/kconfig/merge_config.sh"))
            .current_dir(source)
            .arg("-m")
            .arg("-O")
            .arg(build)
            .args(fragments),
    )?;
    step::run(
        ctx,
        "kernel configuration",
        log,
        make(ctx, source, build, board).arg("olddefconfig"),
    )?;
    let config = fragment::config(&build.join(".config")).map_err(Error::msg)?;
    fragment::check(fragments, &config, || Tree::read(source, board.arch.kernel))
        .map_err(Error::msg)
}

/// Asks the kernel whether it can use the Rust toolchain.
fn rust_available(ctx: &Context, board: &Board, source: &Path, build: &Path) -> Result<()> {
    let output = make(ctx, source, build, board)
        .arg("rustavailable")
        .stdin(Stdio::null())
        .output()
        .context("cannot start make")?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let reason: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("***"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if reason.is_empty() {
        bail!("Rust is not available to the kernel: {}", text.trim());
    }
    bail!("Rust is not available to the kernel: {}", reason.join(" "));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of its own with the file `tree/file`, and a patch that turns `from` into `to`.
    fn scratch(test: &str, content: &str) -> (Context, PathBuf) {
        let dir = std::env::temp_dir().join(format!("ironroot-{test}-{}", std::process::id()));
        fs::create_dir_all(dir.join("tree")).unwrap();
        fs::write(dir.join("tree/file"), content).unwrap();
        (Context::in_dir(&dir), dir)
    }

    fn patch(from: &str, to: &str) -> String {
        format!("--- a/file\n+++ b/file\n@@ -1 +1 @@\n-{from}\n+{to}\n")
    }

    #[test]
    fn patches_apply_in_the_order_of_their_numbers() {
        let (ctx, dir) = scratch("patches", "one\n");
        fs::write(dir.join("0002-b.patch"), patch("two", "three")).unwrap();
        fs::write(dir.join("0001-a.patch"), patch("one", "two")).unwrap();
        fs::write(dir.join("README.md"), "").unwrap();
        let found = patches(&dir).unwrap();
        assert_eq!(found, [dir.join("0001-a.patch"), dir.join("0002-b.patch")]);
        for patch in &found {
            apply(&ctx, patch, &dir.join("tree"), &dir.join("log")).unwrap();
        }
        assert_eq!(fs::read_to_string(dir.join("tree/file")).unwrap(), "three\n");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_patch_that_does_not_apply_is_named() {
        let (ctx, dir) = scratch("bad-patch", "other\n");
        let bad = dir.join("0001-bad.patch");
        fs::write(&bad, patch("one", "two")).unwrap();
        let error = apply(&ctx, &bad, &dir.join("tree"), &dir.join("log")).unwrap_err();
        assert!(format!("{error:#}").contains("0001-bad.patch"), "{error:#}");
        fs::remove_dir_all(dir).unwrap();
    }
}
