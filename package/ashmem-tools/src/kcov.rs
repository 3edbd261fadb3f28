// SPDX-License-Identifier: MIT
//! Which code of the kernel this thread ran, where the kernel tells: `Documentation/dev-tools/kcov.rst`.

use crate::sys::{self, Call, Errno, Mapping};
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

const WORDS: usize = 64 << 10;
const LONG: u32 = size_of::<usize>() as u32;
const INIT_TRACE: u32 = (2 << 30) | (LONG << 16) | ((b'c' as u32) << 8) | 1;
const ENABLE: u32 = ((b'c' as u32) << 8) | 100;
const TRACE_PC: usize = 0;

/// A trace of this thread.
pub struct Kcov {
    _fd: OwnedFd,
    trace: Mapping,
}

impl Kcov {
    /// Begins to trace; [`None`] where the kernel has no kcov, or not for us.
    pub fn start() -> Result<Option<Self>, String> {
        let fd = match sys::open("/sys/kernel/debug/kcov", libc::O_RDWR) {
            Err(Errno(libc::ENOENT | libc::EACCES)) => return Ok(None),
            fd => fd.map_err(|errno| format!("kcov: {errno}"))?,
        };
        let trace = || -> Call<Mapping> {
            sys::ioctl(&fd, INIT_TRACE, WORDS)?;
            let prot = libc::PROT_READ | libc::PROT_WRITE;
            let trace = Mapping::new(&fd, WORDS * size_of::<usize>(), prot, libc::MAP_SHARED, 0)?;
            sys::ioctl(&fd, ENABLE, TRACE_PC)?;
            Ok(trace)
        };
        let trace = trace().map_err(|errno| format!("kcov: {errno}"))?;
        Ok(Some(Self { _fd: fd, trace }))
    }

    fn words(&self) -> &[AtomicUsize] {
        // SAFETY: The mapping has so many words; the kernel writes them while we look.
        unsafe { std::slice::from_raw_parts(self.trace.address as *const AtomicUsize, WORDS) }
    }

    /// Forgets what was traced.
    pub fn reset(&self) {
        self.words()[0].store(0, Ordering::Relaxed);
    }

    /// Adds what was traced to `seen`; gives how much of it is new.
    pub fn collect(&self, seen: &mut BTreeSet<usize>) -> usize {
        let count = self.words()[0].load(Ordering::Relaxed).min(WORDS - 1);
        let new = |word: &&AtomicUsize| seen.insert(word.load(Ordering::Relaxed));
        self.words()[1..=count].iter().filter(new).count()
    }
}
