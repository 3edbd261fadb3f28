// SPDX-License-Identifier: GPL-2.0

//! A region's name, free of the kernel: `rustc --edition 2021 --test name.rs && ./name`.
//!
//! A name is the bytes up to its NUL, at most 255 of them, and may be any bytes. The empty name
//! stands for the default.

use core::{ffi::CStr, fmt};

/// What `ASHMEM_GET_NAME` gives for a region without a name (`ASHMEM_NAME_DEF`).
pub(crate) const DEFAULT: &[u8] = DEFAULT_PATH.to_bytes();
/// What the backing file of a region without a name is called.
pub(crate) const DEFAULT_PATH: &CStr = c"dev/ashmem";
/// What `/proc/<pid>/maps` shows before a name, without its first slash (`ASHMEM_NAME_PREFIX`).
const PREFIX: &[u8] = b"dev/ashmem/";
/// The longest name without its NUL.
pub(crate) const MAX: usize = 255;
/// The longest path of a backing file with its NUL.
pub(crate) const PATH_LEN: usize = PREFIX.len() + MAX + 1;

/// The name as `ASHMEM_GET_NAME` gives it.
pub(crate) fn shown(name: &[u8]) -> &[u8] {
    if name.is_empty() {
        DEFAULT
    } else {
        name
    }
}

/// Writes what the backing file of a region with that name is called, and its NUL; gives what was
/// written.
///
/// `name` beyond [`MAX`] bytes is left out.
pub(crate) fn path<'a>(name: &[u8], buffer: &'a mut [u8; PATH_LEN]) -> &'a [u8] {
    let name = &name[..name.len().min(MAX)];
    let len = PREFIX.len() + name.len();
    buffer[..PREFIX.len()].copy_from_slice(PREFIX);
    buffer[PREFIX.len()..len].copy_from_slice(name);
    buffer[len] = 0;
    &buffer[..=len]
}

/// A name on one line of text: whatever is no printable ASCII is written as a backslash and three
/// octal digits, as `/proc` does, so that no name can forge a line of fdinfo.
pub(crate) struct Line<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            if byte.is_ascii_graphic() && byte != b'\\' || byte == b' ' {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "\\{byte:03o}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_the_default() {
        assert_eq!(shown(b""), DEFAULT);
        assert_eq!(shown(b"x"), b"x");
    }

    #[test]
    fn path_is_what_maps_shows() {
        let mut buffer = [0xff; PATH_LEN];
        assert_eq!(path(b"a b", &mut buffer), b"dev/ashmem/a b\0");
        let long = [b'n'; MAX + 9];
        let path = path(&long, &mut buffer);
        assert_eq!(path.len(), PATH_LEN);
        assert_eq!(path.iter().position(|&byte| byte == 0), Some(PATH_LEN - 1));
    }

    #[test]
    fn a_line_is_one_line() {
        let line = Line(b"a b\n\\x\xff\t~").to_string();
        assert_eq!(line, "a b\\012\\134x\\377\\011~");
    }
}
