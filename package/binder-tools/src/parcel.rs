// SPDX-License-Identifier: MIT
//! What a transaction carries: plain data, objects that the driver translates, and buffers beside
//! it that objects point to.

use crate::stream::{Reader, TransactionData};
use crate::uapi;

/// The objects of the wire format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Object {
    Binder {
        ptr: u64,
        cookie: u64,
    },
    Handle(u32),
    Fd {
        fd: u32,
        cookie: u64,
    },
    /// A buffer, after translation: its address and length in the receiver.
    Ptr {
        address: u64,
        length: u64,
    },
    Fda {
        num_fds: u64,
        parent: u64,
        parent_offset: u64,
    },
    Other(u32),
}

impl Object {
    fn decode(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let (kind, _flags) = (reader.u32(), reader.u32());
        let (first, second, third) = (reader.u64(), reader.u64(), reader.u64());
        match kind {
            uapi::BINDER_TYPE_BINDER | uapi::BINDER_TYPE_WEAK_BINDER => {
                Self::Binder { ptr: first, cookie: second }
            }
            uapi::BINDER_TYPE_HANDLE => Self::Handle(first as u32),
            uapi::BINDER_TYPE_FD => Self::Fd { fd: first as u32, cookie: second },
            uapi::BINDER_TYPE_PTR => Self::Ptr { address: first, length: second },
            uapi::BINDER_TYPE_FDA => {
                Self::Fda { num_fds: first, parent: second, parent_offset: third }
            }
            other => Self::Other(other),
        }
    }
}

/// A transaction's payload under construction. Every field may be spoilt on purpose.
#[derive(Default, Clone)]
pub struct Parcel {
    pub data: Vec<u8>,
    pub offsets: Vec<u64>,
    pub buffers_size: u64,
    /// The buffers that `BINDER_TYPE_PTR` objects point to; alive as long as the parcel.
    pub buffers: Vec<Vec<u8>>,
}

impl Parcel {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn bytes(data: &[u8]) -> Self {
        Self { data: data.to_vec(), ..Self::default() }
    }

    pub fn u32(mut self, value: u32) -> Self {
        self.data.extend(value.to_ne_bytes());
        self
    }

    pub fn u64(mut self, value: u64) -> Self {
        self.data.extend(value.to_ne_bytes());
        self
    }

    /// An object of any type: `type`, `flags`, and three words, of which an object has two or three.
    pub fn object(mut self, kind: u32, flags: u32, words: &[u64]) -> Self {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        self.offsets.push(self.data.len() as u64);
        let mut parcel = self.u32(kind).u32(flags);
        for word in words {
            parcel = parcel.u64(*word);
        }
        parcel
    }

    /// A local object, with the flags of its node.
    pub fn binder(self, ptr: u64, cookie: u64, flags: u32) -> Self {
        self.object(uapi::BINDER_TYPE_BINDER, flags, &[ptr, cookie])
    }

    pub fn handle(self, handle: u32) -> Self {
        self.object(uapi::BINDER_TYPE_HANDLE, 0, &[u64::from(handle), 0])
    }

    pub fn fd(self, fd: u32, cookie: u64) -> Self {
        self.object(uapi::BINDER_TYPE_FD, 0, &[u64::from(fd), cookie])
    }

    /// A buffer beside the data; `parent` is the index of the object in whose buffer the driver
    /// puts this one's address, and the offset there.
    pub fn buffer(mut self, bytes: Vec<u8>, parent: Option<(u64, u64)>) -> Self {
        let (address, length) = (bytes.as_ptr() as u64, bytes.len() as u64);
        self.buffers_size += length.next_multiple_of(8);
        self.buffers.push(bytes);
        self.pointer(address, length, parent)
    }

    /// The object of a buffer alone.
    pub fn pointer(self, address: u64, length: u64, parent: Option<(u64, u64)>) -> Self {
        let flags = parent.map_or(0, |_| uapi::BINDER_BUFFER_FLAG_HAS_PARENT);
        let (parent, offset) = parent.unwrap_or_default();
        self.object(uapi::BINDER_TYPE_PTR, flags, &[address, length, parent, offset])
    }

    pub fn fd_array(self, num_fds: u64, parent: u64, parent_offset: u64) -> Self {
        self.object(uapi::BINDER_TYPE_FDA, 0, &[num_fds, parent, parent_offset])
    }

    /// The transaction that carries this payload. It points into the parcel.
    pub fn to(&self, handle: u32, code: u32, flags: u32) -> TransactionData {
        TransactionData {
            target: u64::from(handle),
            code,
            flags,
            data_size: self.data.len() as u64,
            offsets_size: 8 * self.offsets.len() as u64,
            buffer: self.data.as_ptr() as u64,
            offsets: self.offsets.as_ptr() as u64,
            buffers_size: self.buffers_size,
            ..TransactionData::default()
        }
    }
}

/// A payload that the driver delivered.
pub struct Received {
    pub transaction: TransactionData,
    pub data: Vec<u8>,
    pub offsets: Vec<u64>,
}

impl Received {
    /// The object at an index of the offsets.
    pub fn object(&self, index: usize) -> Object {
        let offset = self.offsets.get(index).map_or(self.data.len(), |&offset| offset as usize);
        Object::decode(self.data.get(offset..).unwrap_or_default())
    }

    pub fn u32_at(&self, offset: usize) -> u32 {
        Reader(self.data.get(offset..).unwrap_or_default()).u32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_back() {
        let parcel = Parcel::bytes(b"xyz").binder(1, 2, 0).fd(5, 6).fd_array(3, 1, 8);
        assert_eq!(parcel.offsets, [8, 32, 56]);
        let back = Received {
            transaction: TransactionData::default(),
            data: parcel.data,
            offsets: parcel.offsets,
        };
        assert_eq!(back.object(0), Object::Binder { ptr: 1, cookie: 2 });
        assert_eq!(back.object(1), Object::Fd { fd: 5, cookie: 6 });
        assert_eq!(back.object(2), Object::Fda { num_fds: 3, parent: 1, parent_offset: 8 });
        assert_eq!(back.object(3), Object::Other(0));
    }
}
