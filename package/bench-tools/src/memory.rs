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
    let first = memory.as_ptr().align_offset(PAGE);
    for page in order(first, len) {
        memory[page] = 0x5a;
    }
    memory.fill(0x5a);
    memory
}

/// Where the pages begin of which the first does at `first`, every other one first.
fn order(first: usize, len: usize) -> impl Iterator<Item = usize> {
    let every_other = |start| (start..len).step_by(2 * PAGE);
    every_other(first).chain(every_other(first + PAGE))
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

    #[test]
    fn every_page_is_touched_once_and_none_after_its_neighbour() {
        for pages in 3..40 {
            let first = 4080;
            let touched: Vec<_> = order(first, first + pages * PAGE).collect();
            assert!(touched.windows(2).all(|pair| pair[1] != pair[0] + PAGE));
            let mut sorted = touched.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..pages).map(|page| first + page * PAGE).collect::<Vec<_>>());
        }
    }
}
