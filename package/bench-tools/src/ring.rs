// SPDX-License-Identifier: MIT
//! io_uring on one file, with a buffer for each request in flight.

use crate::memory::scattered;
use anyhow::{bail, ensure, Context, Result};
use io_uring::{opcode, types, IoUring};
use std::fs::File;
use std::os::fd::AsRawFd;

/// What a request does.
#[derive(Clone, Copy)]
pub enum Operation {
    /// Reads into the request's buffer.
    Read,
    /// Writes the request's buffer.
    Write,
}

/// A ring whose requests all go to one file.
///
/// # Invariants
///
/// Every slot of `memory` belongs to at most one request in flight: its index is either in `free`
/// or the `user_data` of that request.
pub struct Ring<'a> {
    ring: IoUring,
    file: &'a File,
    memory: Vec<u8>,
    start: usize,
    size: usize,
    slot_size: usize,
    free: Vec<u32>,
    depth: usize,
}

impl<'a> Ring<'a> {
    /// A ring of `depth` requests of `size` bytes, whose buffers are aligned to `align`; `poll`
    /// asks the device instead of waiting for its interrupt.
    ///
    /// # Errors
    ///
    /// When the kernel has no io_uring, or refuses that depth.
    pub fn new(file: &'a File, depth: u32, size: usize, align: usize, poll: bool) -> Result<Self> {
        let mut builder = IoUring::builder();
        if poll {
            builder.setup_iopoll();
        }
        let ring = builder.build(depth).context("io_uring_setup")?;
        let slot_size = size.next_multiple_of(align);
        let free: Vec<_> = (0..depth).collect();
        let depth = free.len();
        let memory = scattered(depth * slot_size + align);
        let start = memory.as_ptr().align_offset(align);
        Ok(Self { ring, file, memory, start, size, slot_size, free, depth })
    }

    /// Whether another request can be pushed.
    pub fn has_room(&self) -> bool {
        !self.free.is_empty()
    }

    /// Puts a request at byte `offset` into the submission queue.
    ///
    /// # Errors
    ///
    /// When all requests are in flight.
    pub fn push(&mut self, operation: Operation, offset: u64) -> Result<()> {
        let slot = self.free.pop().context("all requests are in flight")?;
        let begin = self.start + slot as usize * self.slot_size;
        let buffer = &mut self.memory[begin..begin + self.size];
        let fd = types::Fd(self.file.as_raw_fd());
        let size = u32::try_from(self.size)?;
        let entry = match operation {
            Operation::Read => {
                opcode::Read::new(fd, buffer.as_mut_ptr(), size).offset(offset).build()
            }
            Operation::Write => {
                opcode::Write::new(fd, buffer.as_ptr(), size).offset(offset).build()
            }
        };
        // SAFETY: The buffer is a slot that no other request uses, by the type's invariant, and
        // `drop` waits for all requests while `memory` and `file` still live.
        unsafe { self.ring.submission().push(&entry.user_data(u64::from(slot))) }
            .context("the submission queue is full")
    }

    /// Submits what was pushed, waits for at least one completion, and gives their number.
    ///
    /// # Errors
    ///
    /// A request's own error, and a request that moved less than its size.
    pub fn wait(&mut self) -> Result<u64> {
        ensure!(self.in_flight() > 0, "nothing is in flight");
        self.ring.submit_and_wait(1).context("io_uring_enter")?;
        let mut done = 0;
        for completion in self.ring.completion() {
            self.free.push(u32::try_from(completion.user_data())?);
            let result = completion.result();
            if result < 0 {
                return Err(std::io::Error::from_raw_os_error(-result)).context("a request failed");
            }
            if usize::try_from(result)? != self.size {
                bail!("a request moved {result} of {} bytes", self.size);
            }
            done += 1;
        }
        Ok(done)
    }

    fn in_flight(&self) -> usize {
        self.depth - self.free.len()
    }
}

impl Drop for Ring<'_> {
    /// Waits for what is in flight: the kernel writes into `memory` until then.
    fn drop(&mut self) {
        while self.in_flight() > 0 {
            if self.ring.submit_and_wait(1).is_err() {
                std::process::abort();
            }
            let slots = self.ring.completion().map(|c| c.user_data());
            self.free.extend(slots.filter_map(|slot| u32::try_from(slot).ok()));
        }
    }
}
