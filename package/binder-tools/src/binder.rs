// SPDX-License-Identifier: MIT
//! An open Binder device with its mapping: send commands, take returns, call and serve.

use crate::parcel::{Parcel, Received};
use crate::stream::{returns, Commands, Return, TransactionData};
use crate::sys::{self, Errno, Mapping};
use crate::uapi;
use std::fs::File;
use std::io;
use std::path::Path;

/// What most sessions map; half of it is for one-way calls.
pub const MAP_SIZE: usize = 1 << 20;

/// How a call ended.
pub struct Outcome {
    /// The names of all returns up to the last, BR_NOOP left out.
    pub returns: Vec<String>,
    pub reply: Option<Received>,
    /// BINDER_GET_EXTENDED_ERROR's `param`: a negative errno, 0 where nothing failed.
    pub error: i32,
}

impl Outcome {
    /// The last return, with the error that belongs to it.
    pub fn text(&self) -> String {
        let last = self.returns.last().map_or("nothing", String::as_str);
        if self.error == 0 {
            last.to_owned()
        } else {
            format!("{last} {}", self.error)
        }
    }
}

/// What a service does with a transaction.
pub enum Answer {
    Reply(Parcel),
    /// Nothing: it was one-way, or the answer was given already.
    Done,
    /// Ends the service without an answer.
    Leave,
}

pub struct Binder {
    pub file: File,
    pub map: Option<Mapping>,
}

impl Binder {
    /// Opens and maps a device.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut binder = Self::unmapped(path)?;
        binder.map = Some(Mapping::of_file(&binder.file, MAP_SIZE, libc::PROT_READ)?);
        Ok(binder)
    }

    /// Opens a device and does not map it: it can receive nothing.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn unmapped(path: &Path) -> io::Result<Self> {
        Ok(Self { file: sys::open(path)?, map: None })
    }

    /// Becomes the context's manager, with a node at pointer 0 that takes descriptors.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn become_manager(&self) -> Result<(), Errno> {
        let mut node = uapi::FlatBinderObject {
            kind: uapi::BINDER_TYPE_BINDER,
            flags: uapi::FLAT_BINDER_FLAG_ACCEPTS_FDS,
            binder: 0,
            cookie: 0,
        };
        sys::ioctl(&self.file, uapi::BINDER_SET_CONTEXT_MGR_EXT, &mut node)
    }

    /// One BINDER_WRITE_READ that only writes; gives how many bytes the driver took.
    ///
    /// # Errors
    ///
    /// The driver's, with what it took before.
    pub fn send(&self, commands: &Commands) -> Result<u64, (Errno, u64)> {
        let bytes = commands.bytes();
        let mut request = uapi::WriteRead {
            write_size: bytes.len() as u64,
            write_buffer: bytes.as_ptr() as u64,
            ..Default::default()
        };
        match sys::ioctl(&self.file, uapi::BINDER_WRITE_READ, &mut request) {
            Ok(()) => Ok(request.write_consumed),
            Err(errno) => Err((errno, request.write_consumed)),
        }
    }

    /// Sends commands that the driver must take.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn tell(&self, commands: &Commands) -> Result<(), Errno> {
        self.send(commands).map(drop).map_err(|(errno, _)| errno)
    }

    /// Waits for returns, BR_NOOP left out. Reference counts on our nodes are acknowledged.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn receive(&self) -> Result<Vec<Return>, Errno> {
        let mut buffer = vec![0u8; 512];
        let mut request = uapi::WriteRead {
            read_size: buffer.len() as u64,
            read_buffer: buffer.as_mut_ptr() as u64,
            ..Default::default()
        };
        // A process that was stopped for a while is told that it was interrupted.
        while let Err(errno) = sys::ioctl(&self.file, uapi::BINDER_WRITE_READ, &mut request) {
            if errno.0 != libc::EINTR {
                return Err(errno);
            }
        }
        let mut found = returns(&buffer[..request.read_consumed as usize]);
        found.retain(|one| one.code != uapi::BR_NOOP);
        let mut done = Commands::new();
        for one in &found {
            let (ptr, cookie) = one.ptr_cookie();
            match one.code {
                uapi::BR_INCREFS => done = done.ptr_cookie(uapi::BC_INCREFS_DONE, ptr, cookie),
                uapi::BR_ACQUIRE => done = done.ptr_cookie(uapi::BC_ACQUIRE_DONE, ptr, cookie),
                _ => {}
            }
        }
        if !done.bytes().is_empty() {
            self.tell(&done)?;
        }
        Ok(found)
    }

    /// Waits for a certain return and gives it; others on the way are dropped.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn await_return(&self, code: u32) -> Result<Return, Errno> {
        loop {
            if let Some(found) = self.receive()?.into_iter().find(|one| one.code == code) {
                return Ok(found);
            }
        }
    }

    /// Calls a handle and waits for the end of the call, whatever it is.
    ///
    /// # Errors
    ///
    /// The driver's, when it takes no command or gives no return.
    pub fn call(
        &self,
        handle: u32,
        code: u32,
        flags: u32,
        parcel: &Parcel,
    ) -> Result<Outcome, Errno> {
        self.transact(&parcel.to(handle, code, flags))
    }

    /// As [`Self::call`], with the transaction's every field the caller's.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn transact(&self, data: &TransactionData) -> Result<Outcome, Errno> {
        self.tell(&Commands::new().transaction(uapi::BC_TRANSACTION_SG, data))?;
        self.finish(data.flags & uapi::TF_ONE_WAY != 0)
    }

    /// Waits for the end of a call that was sent.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn finish(&self, one_way: bool) -> Result<Outcome, Errno> {
        let mut names = Vec::new();
        loop {
            for one in self.receive()? {
                names.push(one.name());
                let reply = match one.code {
                    uapi::BR_REPLY => Some(self.received(&one)),
                    uapi::BR_TRANSACTION_COMPLETE if one_way => None,
                    uapi::BR_DEAD_REPLY
                    | uapi::BR_FAILED_REPLY
                    | uapi::BR_FROZEN_REPLY
                    | uapi::BR_ONEWAY_SPAM_SUSPECT
                    | uapi::BR_TRANSACTION_PENDING_FROZEN => None,
                    _ => continue,
                };
                return Ok(Outcome { returns: names, reply, error: self.extended_error()?.param });
            }
        }
    }

    /// BINDER_GET_EXTENDED_ERROR.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn extended_error(&self) -> Result<uapi::ExtendedError, Errno> {
        let mut error = uapi::ExtendedError::default();
        sys::ioctl(&self.file, uapi::BINDER_GET_EXTENDED_ERROR, &mut error)?;
        Ok(error)
    }

    /// A copy of what a transaction or reply delivered.
    pub fn received(&self, one: &Return) -> Received {
        let transaction = one.transaction();
        let copy = |address, size: u64| {
            self.map.as_ref().and_then(|map| map.copy(address, size as usize)).unwrap_or_default()
        };
        let data = copy(transaction.buffer, transaction.data_size);
        let offsets = copy(transaction.offsets, transaction.offsets_size)
            .chunks_exact(8)
            .map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap_or_default()))
            .collect();
        Received { transaction, data, offsets }
    }

    /// Gives a delivered buffer back.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn free(&self, received: &Received) -> Result<(), Errno> {
        self.free_at(received.transaction.buffer)
    }

    /// BC_FREE_BUFFER for any address.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn free_at(&self, address: u64) -> Result<(), Errno> {
        self.tell(&Commands::new().pointer(uapi::BC_FREE_BUFFER, address))
    }

    /// Answers the transaction that this thread received last.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn reply(&self, parcel: &Parcel) -> Result<(), Errno> {
        let data = parcel.to(0, 0, uapi::TF_ACCEPT_FDS);
        self.tell(&Commands::new().transaction(uapi::BC_REPLY_SG, &data))
    }

    /// Registers this thread as one that takes the process's work.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn enter_looper(&self) -> Result<(), Errno> {
        self.tell(&Commands::new().plain(uapi::BC_ENTER_LOOPER))
    }

    /// Serves transactions until `handler` says that it was the last. Buffers are freed before the
    /// reply, as Android's libraries do.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn serve(
        &self,
        mut handler: impl FnMut(&Self, &Received) -> io::Result<Answer>,
    ) -> io::Result<()> {
        self.enter_looper()?;
        loop {
            for one in self.receive()? {
                if one.code != uapi::BR_TRANSACTION {
                    continue;
                }
                let received = self.received(&one);
                let answer = handler(self, &received)?;
                if matches!(answer, Answer::Leave) {
                    return Ok(());
                }
                self.free(&received)?;
                match answer {
                    Answer::Reply(parcel) => self.reply(&parcel)?,
                    Answer::Done | Answer::Leave => {}
                }
            }
        }
    }
}
