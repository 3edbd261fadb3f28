// SPDX-License-Identifier: MIT
//! What programs for a board are compiled and linked against: Rust's standard library, the C
//! library and the compiler's runtime, all Debian's own for that architecture.

use crate::board::Arch;
use crate::cache::{self, Key};
use crate::context::Context;
use crate::debian;
use anyhow::{ensure, Context as _, Result};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

/// Gives the sysroot of an architecture, a tree in the cache.
///
/// # Errors
///
/// When the archive has not the standard library that fits the build root's compiler.
pub fn get(ctx: &Context, arch: &Arch) -> Result<PathBuf> {
    // The compiler takes no standard library but its own version's. Other architectures may have
    // been rebuilt another number of times, which Debian appends as +bN.
    let output = Command::new("dpkg-query")
        .args(["-W", "-f", "${Version}", "libstd-rust-dev"])
        .output()
        .context("dpkg-query")?;
    ensure!(output.status.success(), "dpkg-query libstd-rust-dev ended with {}", output.status);
    let version = String::from_utf8(output.stdout)?;
    let packages = format!("libstd-rust-dev={}*,libc6-dev,libgcc-14-dev", base(&version));
    let mut key = Key::new("sysroot-1");
    key.text(debian::SUITE).text(arch.debian).text(&packages);
    let name = format!("sysroot/{}-{}", arch.debian, key.finish());
    cache::entry(ctx, &name, |dir, _| {
        let name = format!("sysroot {}", arch.debian);
        debian::unpack(ctx, &name, arch.debian, &packages, dir)?;
        // The C library's linker script names its parts below /lib.
        symlink("usr/lib", dir.join("tree/lib"))?;
        Ok(())
    })
    .map(|dir| dir.join("tree"))
}

/// A package's version without the number of its rebuild.
fn base(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((base, rebuild)) if rebuild.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_a_rebuild() {
        assert_eq!(base("1.85.1+dfsg1-1+deb13u1"), "1.85.1+dfsg1-1+deb13u1");
        assert_eq!(base("1.85.0+dfsg3-1+b12"), "1.85.0+dfsg3-1");
        assert_eq!(base("1.96.1+dfsg1-2~bpo13+1"), "1.96.1+dfsg1-2~bpo13+1");
    }
}
