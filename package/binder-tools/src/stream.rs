// SPDX-License-Identifier: MIT
//! The two streams of BINDER_WRITE_READ: commands that go in, returns that come out.

use crate::uapi;

/// Commands for the driver, one behind the other.
#[derive(Default, Clone)]
pub struct Commands(Vec<u8>);

impl Commands {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Only the first `size` bytes.
    pub fn cut(mut self, size: usize) -> Self {
        self.0.truncate(size);
        self
    }

    /// A command without a parameter.
    pub fn plain(mut self, code: u32) -> Self {
        self.0.extend(code.to_ne_bytes());
        self
    }

    /// A command with a handle.
    pub fn handle(self, code: u32, handle: u32) -> Self {
        self.with(code, &handle.to_ne_bytes())
    }

    /// A command with a pointer or a cookie.
    pub fn pointer(self, code: u32, pointer: u64) -> Self {
        self.with(code, &pointer.to_ne_bytes())
    }

    /// A command with `struct binder_handle_cookie`.
    pub fn handle_cookie(self, code: u32, handle: u32, cookie: u64) -> Self {
        self.with(code, &[&handle.to_ne_bytes()[..], &cookie.to_ne_bytes()].concat())
    }

    /// A command with `struct binder_ptr_cookie`.
    pub fn ptr_cookie(self, code: u32, ptr: u64, cookie: u64) -> Self {
        self.with(code, &[ptr.to_ne_bytes(), cookie.to_ne_bytes()].concat())
    }

    /// A transaction or a reply, with `buffers_size` where the code is one that has it.
    pub fn transaction(self, code: u32, data: &TransactionData) -> Self {
        self.with(code, &data.encode()[..uapi::payload(code)])
    }

    fn with(mut self, code: u32, parameter: &[u8]) -> Self {
        assert_eq!(uapi::payload(code), parameter.len(), "command {code:#x}");
        self.0.extend(code.to_ne_bytes());
        self.0.extend(parameter);
        self
    }
}

/// `struct binder_transaction_data_sg`.
#[derive(Default, Clone, Debug)]
pub struct TransactionData {
    /// The handle on the way in, the node's pointer on the way out.
    pub target: u64,
    pub cookie: u64,
    pub code: u32,
    pub flags: u32,
    pub sender_pid: i32,
    pub sender_euid: u32,
    pub data_size: u64,
    pub offsets_size: u64,
    pub buffer: u64,
    pub offsets: u64,
    pub buffers_size: u64,
}

impl TransactionData {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(uapi::TRANSACTION_DATA_SG);
        bytes.extend(self.target.to_ne_bytes());
        bytes.extend(self.cookie.to_ne_bytes());
        bytes.extend(self.code.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        bytes.extend(self.sender_pid.to_ne_bytes());
        bytes.extend(self.sender_euid.to_ne_bytes());
        for word in
            [self.data_size, self.offsets_size, self.buffer, self.offsets, self.buffers_size]
        {
            bytes.extend(word.to_ne_bytes());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        Self {
            target: reader.u64(),
            cookie: reader.u64(),
            code: reader.u32(),
            flags: reader.u32(),
            sender_pid: reader.u32() as i32,
            sender_euid: reader.u32(),
            data_size: reader.u64(),
            offsets_size: reader.u64(),
            buffer: reader.u64(),
            offsets: reader.u64(),
            buffers_size: 0,
        }
    }
}

/// Takes numbers off the front of a slice; what is missing reads as zero.
pub struct Reader<'a>(pub &'a [u8]);

impl Reader<'_> {
    pub fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.take())
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.take())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let have = N.min(self.0.len());
        bytes[..have].copy_from_slice(&self.0[..have]);
        self.0 = &self.0[have..];
        bytes
    }
}

/// One return of the driver.
#[derive(Clone, Debug)]
pub struct Return {
    pub code: u32,
    body: Vec<u8>,
}

impl Return {
    pub fn name(&self) -> String {
        match uapi::RETURNS.iter().find(|(code, _)| *code == self.code) {
            Some((_, name)) => (*name).to_owned(),
            None => format!("{:#x}", self.code),
        }
    }

    pub fn transaction(&self) -> TransactionData {
        TransactionData::decode(&self.body)
    }

    /// The cookie of a notification, or the pointer of a reference count.
    pub fn pointer(&self) -> u64 {
        Reader(&self.body).u64()
    }

    pub fn ptr_cookie(&self) -> (u64, u64) {
        let mut reader = Reader(&self.body);
        (reader.u64(), reader.u64())
    }

    /// Cookie and state of BR_FROZEN_BINDER.
    pub fn frozen(&self) -> (u64, u32) {
        let mut reader = Reader(&self.body);
        (reader.u64(), reader.u32())
    }
}

/// Takes the read buffer apart.
pub fn returns(mut bytes: &[u8]) -> Vec<Return> {
    let mut found = Vec::new();
    while bytes.len() >= 4 {
        let code = Reader(bytes).u32();
        let end = (4 + uapi::payload(code)).min(bytes.len());
        found.push(Return { code, body: bytes[4..end].to_vec() });
        bytes = &bytes[end..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_keeps_its_fields() {
        let data = TransactionData {
            target: 7,
            code: 3,
            flags: 1,
            data_size: 24,
            offsets: 9,
            ..Default::default()
        };
        let commands = Commands::new().transaction(uapi::BC_TRANSACTION, &data);
        assert_eq!(commands.bytes().len(), 4 + uapi::TRANSACTION_DATA);
        let back = TransactionData::decode(&commands.bytes()[4..]);
        assert_eq!(format!("{back:?}"), format!("{data:?}"));
    }

    #[test]
    fn takes_returns_apart() {
        let mut bytes = uapi::BR_NOOP.to_ne_bytes().to_vec();
        bytes.extend(uapi::BR_DEAD_BINDER.to_ne_bytes());
        bytes.extend(77u64.to_ne_bytes());
        bytes.extend(uapi::BR_TRANSACTION_COMPLETE.to_ne_bytes());
        let found = returns(&bytes);
        let names: Vec<_> = found.iter().map(Return::name).collect();
        assert_eq!(names, ["BR_NOOP", "BR_DEAD_BINDER", "BR_TRANSACTION_COMPLETE"]);
        assert_eq!(found[1].pointer(), 77);
    }
}
