// SPDX-License-Identifier: MIT
//! The root file system: Debian's packages of the target's architecture, unpacked without running
//! any of their code, on a skeleton that stands in for Buildroot's.

use crate::board::Board;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::debian;
use crate::kernel::Kernel;
use crate::modules;
use crate::step::say;
use anyhow::{bail, ensure, Context as _, Result};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Directories that no package brings; those of /etc/network are ifup's and ifdown's.
const TREE: &str = "dev proc sys run tmp root mnt usr/bin usr/sbin usr/lib var/log var/tmp \
    etc/network/if-pre-up.d etc/network/if-up.d etc/network/if-down.d etc/network/if-post-down.d";

/// Puts the whole tree of a board's root file system into `target`, which is made anew.
///
/// # Errors
///
/// Those of its parts.
pub fn stage(
    ctx: &Context,
    board: &Board,
    kernel: &Kernel,
    userland: &[PathBuf],
    installs: &[PathBuf],
    target: &Path,
) -> Result<()> {
    if target.exists() {
        fs::remove_dir_all(target).with_context(|| target.display().to_string())?;
    }
    fs::create_dir_all(target)?;
    for dir in TREE.split_whitespace() {
        fs::create_dir_all(target.join(dir))?;
    }
    for dir in ["bin", "sbin", "lib"] {
        symlink(format!("usr/{dir}"), target.join(dir))?;
    }
    for tree in userland {
        copy_tree(tree, target)?;
    }
    applets(target)?;
    copy_tree(&ctx.checkout.join("quick/skeleton"), target)?;
    copy_tree(&kernel.install.join("lib"), &target.join("usr/lib"))?;
    // modules_install's link into the tree that built it, which is nowhere on the board.
    let _ = fs::remove_file(target.join("usr/lib/modules").join(&kernel.release).join("build"));
    for install in installs {
        for part in ["bin", "lib"].map(|name| install.join(name)).iter().filter(|p| p.is_dir()) {
            copy_tree(part, &target.join("usr").join(part.file_name().unwrap_or_default()))?;
        }
    }
    for overlay in board.paths("BR2_ROOTFS_OVERLAY")? {
        copy_tree(&overlay, target)?;
    }
    settings(board, target)?;
    let status = Command::new("depmod").arg("-b").arg(target).arg(&kernel.release).status()?;
    ensure!(status.success(), "depmod ended with {status}");
    Ok(())
}

/// What the root file system of a board depends on, besides kernel and modules.
///
/// # Errors
///
/// When a part cannot be read.
pub fn key(ctx: &Context, board: &Board, userland: &[PathBuf], key: &mut Key) -> Result<()> {
    for tree in userland {
        key.text(&tree.to_string_lossy());
    }
    key.path(&ctx.checkout.join("quick/skeleton"))?;
    for overlay in board.paths("BR2_ROOTFS_OVERLAY")? {
        key.path(&overlay)?;
    }
    Ok(())
}

/// The board's Debian packages, unpacked in the cache: those that it needs, then the extras, which
/// are left out where the archive does not give them.
///
/// # Errors
///
/// When a package has no row, or the archive lacks one that is needed.
pub fn userland(ctx: &Context, board: &Board) -> Result<Vec<PathBuf>> {
    let (extras, needed): (BTreeSet<_>, BTreeSet<_>) =
        packages(ctx, board)?.into_iter().partition(|name| name.ends_with('?'));
    let mut trees = vec![unpacked(ctx, board, "userland", &joined(&needed))?];
    if !extras.is_empty() {
        let extras = joined(&extras);
        match unpacked(ctx, board, "extras", &extras) {
            Ok(tree) => trees.push(tree),
            Err(error) => say(format!(
                "{} goes without {extras}, which the archive does not give now: {error:#}",
                board.name
            )),
        }
    }
    Ok(trees)
}

/// Names as mmdebstrap takes them.
fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(|name| name.trim_end_matches('?')).collect::<Vec<_>>().join(",")
}

/// These packages for the board's architecture, unpacked in the cache.
fn unpacked(ctx: &Context, board: &Board, kind: &str, packages: &str) -> Result<PathBuf> {
    let arch = board.arch.debian;
    let mut key = Key::new("userland-1");
    key.text(debian::SUITE).text(arch).text(packages);
    let name = format!("userland/{arch}-{}", key.finish());
    cache::entry(ctx, &name, |dir, _| {
        debian::unpack(ctx, &format!("{kind} {arch}"), arch, packages, dir)
    })
    .map(|dir| dir.join("tree"))
}

/// Debian's names of the packages that the defconfig selects, by quick/debian-packages; an extra's
/// ends with a question mark.
fn packages(ctx: &Context, board: &Board) -> Result<BTreeSet<String>> {
    let path = ctx.checkout.join("quick/debian-packages");
    let table = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut names: BTreeSet<String> = BTreeSet::from(["busybox-static".to_owned()]);
    for symbol in board.packages() {
        if symbol.starts_with("BR2_PACKAGE_HOST_") {
            continue;
        }
        let Some(row) = table.lines().find(|line| line.split_whitespace().next() == Some(symbol))
        else {
            // One of our own has a row where it needs something of Debian's beside it.
            if modules::package(ctx, symbol).is_some() {
                continue;
            }
            bail!(
                "{} has no Debian package for {symbol} of {}_defconfig: add a line",
                path.display(),
                board.name
            );
        };
        names.extend(on(row, board.arch.debian));
    }
    Ok(names)
}

/// The packages of a row that an architecture has: `name`, or `name[arch,arch]` where some lack it.
/// The question mark of an extra stays at its end.
fn on<'a>(row: &'a str, arch: &'a str) -> impl Iterator<Item = String> + 'a {
    row.split_whitespace().skip(1).filter_map(move |word| {
        let (name, extra) = word.strip_suffix('?').map_or((word, ""), |name| (name, "?"));
        let name = match name.split_once('[') {
            None => Some(name),
            Some((name, arches)) => {
                arches.trim_end_matches(']').split(',').any(|a| a == arch).then_some(name)
            }
        };
        name.map(|name| format!("{name}{extra}"))
    })
}

/// Links for every applet of the target's busybox. Its list comes from the build root's busybox,
/// the same version and configuration: nothing of the target's code runs here.
fn applets(target: &Path) -> Result<()> {
    let output = Command::new("/usr/bin/busybox")
        .arg("--list-full")
        .output()
        .context("busybox --list-full")?;
    ensure!(output.status.success(), "busybox --list-full ended with {}", output.status);
    for applet in String::from_utf8(output.stdout)?.lines() {
        // /bin and /sbin are links into /usr.
        let name = applet.trim_start_matches("usr/");
        let link = target.join("usr").join(name);
        // A program of a package of its own goes before the applet.
        let own = link.file_name().is_some_and(|n| {
            ["usr/bin", "usr/sbin"]
                .iter()
                .any(|dir| target.join(dir).join(n).symlink_metadata().is_ok())
        });
        if !own && link.parent().is_some_and(Path::is_dir) {
            symlink("/usr/bin/busybox", &link).with_context(|| link.display().to_string())?;
        }
    }
    Ok(())
}

/// What Buildroot's own `system/` settings put into the tree.
fn settings(board: &Board, target: &Path) -> Result<()> {
    let hostname = board.text("BR2_TARGET_GENERIC_HOSTNAME")?;
    fs::write(target.join("etc/hostname"), format!("{hostname}\n"))?;
    let port = board.text("BR2_TARGET_GENERIC_GETTY_PORT")?;
    let inittab = target.join("etc/inittab");
    let text = fs::read_to_string(&inittab)?;
    fs::write(inittab, text.replace("@GETTY_PORT@", port))?;
    let dhcp = board.text("BR2_SYSTEM_DHCP")?;
    let interfaces = target.join("etc/network/interfaces");
    let text = fs::read_to_string(&interfaces)?;
    fs::write(interfaces, text.replace("@DHCP@", dhcp))?;
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    // --keep-directory-symlink is tar's: /lib in a package must not replace our link.
    let status = Command::new("sh")
        .args([
            "-c",
            "tar -C \"$1\" -c . | tar -C \"$2\" -x -p --no-same-owner --keep-directory-symlink",
            "sh",
        ])
        .arg(from)
        .arg(to)
        .status()?;
    ensure!(status.success(), "copying {} to {} ended with {status}", from.display(), to.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_an_architecture_lacks() {
        let row = "BR2_PACKAGE_A a b/trixie-backports[arm64,armhf] c[riscv64]";
        let names = |arch| on(row, arch).collect::<Vec<_>>();
        assert_eq!(names("armhf"), ["a", "b/trixie-backports"]);
        assert_eq!(names("riscv64"), ["a", "c"]);
    }

    #[test]
    fn an_extra_stays_one() {
        let row = "BR2_PACKAGE_A a b/trixie-backports[arm64]? c?";
        let names = |arch| on(row, arch).collect::<Vec<_>>();
        assert_eq!(names("arm64"), ["a", "b/trixie-backports?", "c?"]);
        assert_eq!(names("riscv64"), ["a", "c?"]);
        let extras = names("arm64").into_iter().skip(1).collect();
        assert_eq!(joined(&extras), "b/trixie-backports,c");
    }
}
