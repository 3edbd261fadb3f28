// SPDX-License-Identifier: MIT
//! Memory for requests whose pages the kernel finds apart from each other.

/// Bytes of the smallest page.
const PAGE: usize = 4096;

/// Memory of `len` bytes, each 0x5a. Every other page is touched first: the kernel hands out
/// neighbours one after the other, and whether a request were one segment or many would be its
/// allocator's mood.
pub fn scattered(len: usize) -> Vec<u8> {
    // Zeroed memory of some size is not touched before it is written.
    let mut memory = vec![0_u8; len];
    let first = memory.as_ptr().align_offset(PAGE).min(len);
    for start in [first, (first + PAGE).min(len)] {
        for page in memory[start..].chunks_mut(2 * PAGE) {
            page[0] = 0x5a;
        }
    }
    memory.fill(0x5a);
    memory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_written() {
        for len in [0, 1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 5 * PAGE + 7] {
            assert_eq!(scattered(len), vec![0x5a; len]);
        }
    }
}
