// SPDX-License-Identifier: MIT
//! The cache's rules: a key is everything that went in, a directory counts only once it is
//! complete, and one process at a time builds it.

use crate::context::Context;
use crate::step::say;
use anyhow::{Context as _, Result};
use rustix::fs::{flock, FlockOperation};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Collects what goes into a build.
pub struct Key(Sha256);

impl Key {
    /// Starts a key; `format` changes when the way of building does.
    pub fn new(format: &str) -> Self {
        let mut key = Self(Sha256::new());
        key.text(format);
        key
    }

    /// Adds a text. Lengths go in too, so that two texts never read as one.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
        self
    }

    /// Adds a file's contents and whether it is executable, or a directory's with its names.
    ///
    /// # Errors
    ///
    /// When something cannot be read.
    pub fn path(&mut self, path: &Path) -> Result<&mut Self> {
        use std::os::unix::fs::PermissionsExt;
        let meta = fs::symlink_metadata(path).with_context(|| format!("{}", path.display()))?;
        if meta.is_symlink() {
            self.text(&fs::read_link(path)?.to_string_lossy());
        } else if meta.is_dir() {
            let mut names: Vec<_> = fs::read_dir(path)?
                .map(|entry| entry.map(|e| e.file_name()))
                .collect::<std::io::Result<_>>()?;
            names.sort();
            for name in names {
                self.text(&name.to_string_lossy());
                self.path(&path.join(&name))?;
            }
        } else {
            let data = fs::read(path).with_context(|| format!("{}", path.display()))?;
            self.0.update((data.len() as u64).to_le_bytes());
            self.0.update(&data);
            self.0.update([u8::from(meta.permissions().mode() & 0o100 != 0)]);
        }
        Ok(self)
    }

    /// The key as 16 hexadecimal digits.
    pub fn finish(self) -> String {
        let digest = self.0.finalize();
        digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// What a step finds in its directory when it starts.
#[derive(PartialEq, Eq, Debug, Clone, Copy)]
pub enum Found {
    /// Nothing of use: the directory is new and empty.
    Nothing,
    /// An earlier run ended by its own will, after an error: its files are whole.
    Stopped,
}

/// Gives the complete directory `name` under the cache, building it with `build` where needed.
///
/// A build that ended with an error may go on where it stopped. One that was killed may have left
/// half a file with a fresh date, which make would believe: it is thrown away.
///
/// # Errors
///
/// Those of `build`, and of the file system.
pub fn entry(
    ctx: &Context,
    name: &str,
    build: impl FnOnce(&Path, Found) -> Result<()>,
) -> Result<PathBuf> {
    let dir = ctx.cache.join(name);
    let mark = |state: &str| with_suffix(&dir, state);
    if used(&completed(&dir)) {
        return Ok(dir);
    }
    fs::create_dir_all(dir.parent().context("a cache entry has a parent")?)?;
    let _lock = lock(ctx, &mark("lock"))?;
    if used(&completed(&dir)) {
        return Ok(dir);
    }
    let found = if mark("stopped").exists() && dir.exists() {
        Found::Stopped
    } else {
        if dir.exists() {
            fs::remove_dir_all(&dir).with_context(|| ctx.show(&dir))?;
        }
        fs::create_dir_all(&dir)?;
        Found::Nothing
    };
    remove_if_there(&mark("stopped"))?;
    match build(&dir, found) {
        Ok(()) => {
            File::create(completed(&dir))?;
            Ok(dir)
        }
        Err(error) => {
            File::create(mark("stopped"))?;
            Err(error)
        }
    }
}

/// The file that says that an entry is complete; its date is that of the last use.
pub fn completed(dir: &Path) -> PathBuf {
    with_suffix(dir, "complete")
}

/// Whether the mark is there; dates it now, for `make prune`.
fn used(mark: &Path) -> bool {
    let Ok(file) = File::open(mark) else {
        return false;
    };
    // Another user's cache can be used all the same.
    let _ = file.set_modified(SystemTime::now());
    true
}

/// Whether a directory of the cache is an entry, complete or not.
pub fn is_entry(dir: &Path) -> bool {
    ["complete", "stopped", "lock"].iter().any(|state| with_suffix(dir, state).exists())
}

/// Removes an entry, its mark first; false where somebody builds it now.
///
/// # Errors
///
/// Those of the file system.
pub fn remove(dir: &Path) -> Result<bool> {
    let lock = File::create(with_suffix(dir, "lock"))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    let _lock = Lock(lock);
    for mark in ["complete", "stopped"] {
        remove_if_there(&with_suffix(dir, mark))?;
    }
    // The lock's file stays: who waits for it finds nothing there, and builds anew.
    fs::remove_dir_all(dir)?;
    Ok(true)
}

/// A lock on a file, given back when this is dropped, or by the kernel when the process ends.
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it is not enough: a program that another thread starts at this moment has the
        // file too, until it executes. Where unlocking fails, closing it does it.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Takes a lock that the kernel frees when this process ends, however it ends.
///
/// # Errors
///
/// Those of the file system.
pub fn lock(ctx: &Context, path: &Path) -> Result<Lock> {
    let file = File::create(path).with_context(|| ctx.show(path))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        say(format!("waiting for another build that holds {}", ctx.show(path)));
        flock(&file, FlockOperation::LockExclusive)?;
    }
    Ok(Lock(file))
}

fn with_suffix(dir: &Path, suffix: &str) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs `entry` on the same name again and again; tells what each build found.
    #[test]
    fn an_entry_counts_once_it_is_complete() {
        let dir = std::env::temp_dir().join(format!("ironroot-cache-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let ctx = Context::in_dir(&dir);
        let step = |end: Result<()>| {
            let mut found = None;
            let result = entry(&ctx, "kind/name", |dir, state| {
                found = Some((state, dir.join("left").exists()));
                File::create(dir.join("left"))?;
                end
            });
            (found, result.is_ok())
        };
        assert_eq!(step(Err(anyhow::anyhow!("no"))), (Some((Found::Nothing, false)), false));
        // Ended by an error: goes on with what is there.
        assert_eq!(step(Err(anyhow::anyhow!("no"))), (Some((Found::Stopped, true)), false));
        // Killed: nothing says how far it came, so what is there goes away.
        fs::remove_file(dir.join("kind/name.stopped")).unwrap();
        assert_eq!(step(Ok(())), (Some((Found::Nothing, false)), true));
        // Complete: not built again.
        assert_eq!(step(Ok(())), (None, true));
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn texts_do_not_run_together() {
        let key = |parts: &[&str]| {
            let mut key = Key::new("1");
            for part in parts {
                key.text(part);
            }
            key.finish()
        };
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
    }
}
