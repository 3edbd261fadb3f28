// SPDX-License-Identifier: MIT
//! Debian packages of a foreign architecture, unpacked without running any of their code.

use crate::context::Context;
use crate::step::{self, say};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Debian's release, as in quick/build-root/make.
pub const SUITE: &str = "trixie";

/// Adds the line of the backports to the new root's sources, as quick/build-root/make does.
const BACKPORTS: &str = "sed -n 's/ trixie main.*/ trixie-backports main/p' \
     \"$1/etc/apt/sources.list\" | head -n 1 >\"$1/etc/apt/sources.list.d/backports.list\"";

/// Unpacks `packages`, separated by commas, and what they depend on into `dir`/tree. A name may be
/// followed by `=version` or by `/trixie-backports`.
///
/// # Errors
///
/// Those of mmdebstrap, where the archive's main pocket alone does not do either.
pub fn unpack(ctx: &Context, name: &str, arch: &str, packages: &str, dir: &Path) -> Result<()> {
    unpack_with(ctx, name, arch, &[], packages, dir)
}

/// The same with more options for mmdebstrap.
///
/// # Errors
///
/// As above.
pub fn unpack_with(
    ctx: &Context,
    name: &str,
    arch: &str,
    options: &[&str],
    packages: &str,
    dir: &Path,
) -> Result<()> {
    say(format!("unpacking {arch} packages: {packages}"));
    let log = ctx.cache.join("log").join(format!("{}.log", name.replace(' ', "-")));
    let tar = dir.join("packages.tar");
    let unpack = |with_pockets: bool| {
        let mut command = Command::new("mmdebstrap");
        command
            .args([
                "--mode=root",
                "--variant=extract",
                "--format=tar",
                "--skip=cleanup/dev,output/dev,output/mknod",
            ])
            .arg(format!("--architectures={arch}"))
            .arg(format!("--include={packages}"))
            // Inside a user namespace there is no other user to become.
            .arg("--aptopt=APT::Sandbox::User \"root\"")
            .arg("--dpkgopt=path-exclude=/usr/share/doc/*")
            .args([
                "--dpkgopt=path-exclude=/usr/share/man/*",
                "--dpkgopt=path-exclude=/usr/share/locale/*",
            ])
            // Behind the rest: dpkg's last word on a path counts.
            .args(options);
        if !with_pockets {
            // Only the first line of the sources list that mmdebstrap wrote: the main pocket.
            command.arg("--setup-hook=sed -i 1q \"$1/etc/apt/sources.list\"");
        }
        if packages.contains(['/', '~']) {
            // A version with a tilde is a backport's.
            command.arg(format!("--setup-hook={BACKPORTS}"));
        }
        // Nor another owner to give a file to, as libpam's set-group-id program wants one.
        command.env("TAR_OPTIONS", "--no-same-owner").arg(SUITE).arg(&tar);
        step::run(ctx, name, &log, &mut command)
    };
    if let Err(error) = unpack(true) {
        say(format!("the archive's security and updates pockets failed for {arch}, going on without them ({error:#})"));
        let _ = fs::remove_file(&tar);
        unpack(false)?;
    }
    fs::create_dir_all(dir.join("tree"))?;
    let mut command = Command::new("tar");
    command
        .args([
            "--no-same-owner",
            "--exclude=./dev/*",
            "--exclude=./var/lib/apt",
            "--exclude=./var/cache/apt",
        ])
        .args(["--exclude=./etc/apt", "--exclude=./usr/lib/apt", "-xpf"])
        .arg(&tar)
        .arg("-C")
        .arg(dir.join("tree"));
    step::run(ctx, &format!("{name}: unpack"), &log, &mut command)?;
    fs::remove_file(&tar)?;
    Ok(())
}
