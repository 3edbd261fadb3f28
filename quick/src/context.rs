// SPDX-License-Identifier: MIT
//! Where things are: the checkout, the cache, the build root's tools.

use crate::board::Board;
use anyhow::{Context as _, Result};
use std::env;
use std::path::{Path, PathBuf};

/// The cache's place inside the build root; the host's own path is for messages only.
const CACHE: &str = "/cache";

pub struct Context {
    /// The project's checkout, at the path that the user knows.
    pub checkout: PathBuf,
    pub cache: PathBuf,
    host_cache: PathBuf,
    /// Parallel jobs for make.
    pub jobs: usize,
}

impl Context {
    /// Reads the surroundings that `quick/enter` made.
    ///
    /// # Errors
    ///
    /// Outside the build root.
    pub fn new() -> Result<Self> {
        let host_cache = env::var_os("IRONROOT_HOST_CACHE")
            .context("not inside the build root: start this through `make`, or `quick/enter`")?;
        let jobs = match env::var("JOBS") {
            Ok(text) if !text.is_empty() => {
                text.parse().with_context(|| format!("JOBS={text}: not a number"))?
            }
            _ => std::thread::available_parallelism().map_or(1, usize::from) + 1,
        };
        Ok(Self {
            checkout: env::current_dir()?,
            cache: PathBuf::from(CACHE),
            host_cache: PathBuf::from(host_cache),
            jobs,
        })
    }

    /// Surroundings for a test: everything below `dir`.
    #[cfg(test)]
    pub fn in_dir(dir: &Path) -> Self {
        Self {
            checkout: dir.to_owned(),
            cache: dir.to_owned(),
            host_cache: dir.to_owned(),
            jobs: 1,
        }
    }

    /// A board's output directory, one for each kernel variant.
    pub fn output(&self, board: &Board) -> PathBuf {
        self.checkout.join("output").join(board.output_name())
    }

    /// A path as the user outside the build root finds it.
    pub fn show(&self, path: &Path) -> String {
        match path.strip_prefix(&self.cache) {
            Ok(rest) => self.host_cache.join(rest),
            Err(_) => path.to_owned(),
        }
        .display()
        .to_string()
    }
}
