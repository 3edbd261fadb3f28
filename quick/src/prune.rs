// SPDX-License-Identifier: MIT
//! Takes out of the cache what no build has used for a while.

use crate::cache;
use crate::context::Context;
use crate::step::say;
use anyhow::{ensure, Context as _, Result};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Removes every entry of the cache that was last used more than `days` days ago, and says so.
///
/// # Errors
///
/// When `days` is no number of days from 1 on, or something cannot be removed.
pub fn run(ctx: &Context, days: &str) -> Result<()> {
    let days: u32 = days.parse().with_context(|| format!("DAYS={days}: not a number"))?;
    // What is in use now was used today.
    ensure!(days >= 1, "DAYS={days}: at least 1");
    let now = SystemTime::now();
    let mut freed = 0;
    for entry in entries(&ctx.cache)? {
        let age = now.duration_since(last_use(&entry)?).unwrap_or_default();
        if age <= DAY * days {
            continue;
        }
        let bytes = size(&entry)?;
        if cache::remove(&entry).with_context(|| ctx.show(&entry))? {
            say(format!("removed {}, {}, unused for {} days", ctx.show(&entry), mib(bytes), {
                age.as_secs() / DAY.as_secs()
            }));
            freed += bytes;
        }
    }
    say(format!("{} freed; what was used within {days} days stays", mib(freed)));
    Ok(())
}

/// The directories below the cache that are entries: those that [`cache::entry`] made, complete or
/// not, and the build roots.
fn entries(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for kind in fs::read_dir(root)? {
        let kind = kind?.path();
        if !kind.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&kind)? {
            let entry = entry?.path();
            let whole = kind.file_name().is_some_and(|name| name == "build-root");
            if entry.is_dir() && (whole || cache::is_entry(&entry)) {
                found.push(entry);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// When an entry was used last: a hit touches its mark, `quick/enter` its build root.
fn last_use(entry: &Path) -> Result<SystemTime> {
    let marked = cache::completed(entry);
    let path = if marked.exists() { &marked } else { entry };
    Ok(fs::metadata(path).with_context(|| path.display().to_string())?.modified()?)
}

/// The disk space of a file or a tree.
fn size(path: &Path) -> Result<u64> {
    let meta = fs::symlink_metadata(path).with_context(|| path.display().to_string())?;
    let mut bytes = meta.blocks() * 512;
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            bytes += size(&entry?.path())?;
        }
    }
    Ok(bytes)
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn what_was_used_stays() {
        let dir = std::env::temp_dir().join(format!("ironroot-prune-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let ctx = Context::in_dir(&dir);
        let entry = |name: &str| cache::entry(&ctx, name, |_, _| Ok(())).unwrap();
        let (old, new) = (entry("kernel/old"), entry("kernel/new"));
        let killed = dir.join("kernel/killed");
        fs::create_dir(&killed).unwrap();
        File::create(dir.join("kernel/killed.lock")).unwrap();
        let other = dir.join("log/old");
        fs::create_dir_all(&other).unwrap();
        let back = SystemTime::now() - DAY * 40;
        for path in [cache::completed(&old), cache::completed(&new), killed.clone(), other.clone()]
        {
            File::open(path).unwrap().set_modified(back).unwrap();
        }
        // A hit is a use.
        entry("kernel/new");
        let held = cache::lock(&ctx, &dir.join("kernel/killed.lock")).unwrap();
        run(&ctx, "30").unwrap();
        assert!(!old.exists() && !cache::completed(&old).exists());
        assert!(new.exists() && cache::completed(&new).exists());
        // Somebody builds it, and what is no entry is not ours.
        assert!(killed.exists() && other.exists());
        drop(held);
        run(&ctx, "41").unwrap();
        assert!(killed.exists());
        run(&ctx, "39").unwrap();
        assert!(!killed.exists());
        for bad in ["0", "-1", "many", ""] {
            assert!(run(&ctx, bad).is_err());
        }
        fs::remove_dir_all(&dir).unwrap();
    }
}
