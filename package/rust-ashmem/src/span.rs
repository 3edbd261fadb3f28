// SPDX-License-Identifier: GPL-2.0

//! From bytes that user space names to pages of a region, free of the kernel:
//! `rustc --edition 2021 --test span.rs && ./span`.
//!
//! Every offset and length is checked before any arithmetic that could wrap.

/// Pages of a region: `start` is the first, `end` the one after the last; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first page's number.
    pub(crate) start: usize,
    /// The number of the page after the last.
    pub(crate) end: usize,
}

/// How many pages of `1 << shift` bytes a region of `size` bytes has.
///
/// [`None`] where its end, rounded up to a page, is beyond what a file can have: `isize::MAX`.
pub(crate) fn pages(size: usize, shift: u32) -> Option<usize> {
    let page = 1usize << shift;
    let end = size.checked_add(page - 1)? >> shift << shift;
    isize::try_from(end).ok()?;
    Some(end >> shift)
}

/// Whether a 32-bit program on a 64-bit kernel can have a region of `size` bytes: its end, rounded up
/// to a page, is a positive number of 32 bits, as on a 32-bit kernel.
#[cfg(any(CONFIG_COMPAT, test))]
pub(crate) fn fits_compat(size: usize, shift: u32) -> bool {
    // CAST: `usize` has 32 bits at least.
    pages(size, shift).is_some_and(|pages| pages << shift <= i32::MAX as usize)
}

/// The pages that `offset` and `len` of `struct ashmem_pin` name in a region of `pages` pages.
///
/// A `len` of 0 means up to the end. [`None`] where either is not page aligned, where the range
/// does not lie in the region, and where it is empty.
pub(crate) fn pin(offset: u32, len: u32, pages: usize, shift: u32) -> Option<Span> {
    // In 64 bits two u32 cannot wrap, and a region's end is below 2 to the 63rd.
    let (offset, len) = (u64::from(offset), u64::from(len));
    let whole = (pages as u64) << shift;
    if (offset | len) & ((1 << shift) - 1) != 0 || offset >= whole {
        return None;
    }
    let end = if len == 0 { whole } else { offset + len };
    if end > whole {
        return None;
    }
    // CAST: both are at most `pages`.
    Some(Span {
        start: (offset >> shift) as usize,
        end: (end >> shift) as usize,
    })
}

/// Whether a mapping of `len` pages at page `pgoff` lies in a region of `pages` pages.
pub(crate) fn maps(pgoff: usize, len: usize, pages: usize) -> bool {
    pgoff.checked_add(len).is_some_and(|end| end <= pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: u32 = 12;
    const PAGE: usize = 1 << SHIFT;

    #[test]
    fn counts_pages() {
        for (size, count) in [(0, 0), (1, 1), (PAGE - 1, 1), (PAGE, 1), (PAGE + 1, 2)] {
            assert_eq!(pages(size, SHIFT), Some(count));
        }
        let largest = isize::MAX as usize + 1 - PAGE;
        assert_eq!(pages(largest, SHIFT), Some(largest >> SHIFT));
        for size in [largest + 1, isize::MAX as usize, usize::MAX - 1, usize::MAX] {
            assert_eq!(pages(size, SHIFT), None, "{size:#x}");
        }
    }

    #[test]
    fn knows_what_fits_a_32_bit_program() {
        for size in [0, 1, PAGE, 0x7fff_efff, 0x7fff_f000] {
            assert!(fits_compat(size, SHIFT), "{size:#x}");
        }
        for size in [
            0x7fff_f001,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_f000,
            0xffff_ffff,
        ] {
            assert!(!fits_compat(size, SHIFT), "{size:#x}");
        }
        assert!(!fits_compat(usize::MAX, SHIFT));
        assert!(fits_compat(0x7fff_0000, 16));
        assert!(!fits_compat(0x7fff_0001, 16));
    }

    #[test]
    fn finds_the_pages_of_a_pin() {
        let page = PAGE as u32;
        let span = |start, end| Some(Span { start, end });
        assert_eq!(pin(0, 0, 4, SHIFT), span(0, 4));
        assert_eq!(pin(page, 0, 4, SHIFT), span(1, 4));
        assert_eq!(pin(page, 2 * page, 4, SHIFT), span(1, 3));
        assert_eq!(pin(3 * page, page, 4, SHIFT), span(3, 4));
        // Regions larger than the fields: to the end is to the very end.
        let huge = 1 << 21;
        assert_eq!(pin(0, 0, huge, SHIFT), span(0, huge));
        assert_eq!(
            pin(u32::MAX - page + 1, page, huge, SHIFT),
            span((1 << 20) - 1, 1 << 20)
        );
        assert_eq!(
            pin(u32::MAX - page + 1, 2 * page, huge, SHIFT),
            span((1 << 20) - 1, (1 << 20) + 1)
        );
    }

    #[test]
    fn refuses_what_is_no_part_of_the_region() {
        let page = PAGE as u32;
        let top = u32::MAX - page + 1;
        for (offset, len) in [
            (4 * page, 0),
            (4 * page, page),
            (5 * page, 0),
            (0, 5 * page),
            (3 * page, 2 * page),
            (1, page),
            (0, 1),
            (page - 1, 0),
            (0, page + 1),
            (top, 0),
            (top, page),
            (top, top),
            (0, top),
            (u32::MAX, u32::MAX),
        ] {
            assert_eq!(pin(offset, len, 4, SHIFT), None, "{offset:#x} {len:#x}");
        }
        assert_eq!(pin(0, 0, 0, SHIFT), None);
    }

    /// Against the definition, page by page.
    #[test]
    fn agrees_with_the_definition() {
        for pages in 0..6u32 {
            for offset in 0..8 {
                for len in 0..8 {
                    let end = if len == 0 { pages } else { offset + len };
                    let inside = offset < pages && end <= pages;
                    let wanted = inside.then_some(Span {
                        start: offset as usize,
                        end: end as usize,
                    });
                    let page = PAGE as u32;
                    assert_eq!(
                        pin(offset * page, len * page, pages as usize, SHIFT),
                        wanted
                    );
                }
            }
        }
    }

    #[test]
    fn fits_a_mapping() {
        assert!(maps(0, 4, 4));
        assert!(maps(3, 1, 4));
        assert!(!maps(0, 5, 4));
        assert!(!maps(3, 2, 4));
        assert!(!maps(4, 1, 4));
        assert!(!maps(usize::MAX, 1, 4));
        assert!(!maps(usize::MAX, usize::MAX, usize::MAX));
    }
}
