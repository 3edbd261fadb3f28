// SPDX-License-Identifier: GPL-2.0

//! Physical region pages: a transfer's two pointers and the lists behind the second.
//!
//! The base specification's section 4.3.1 gives the rules. The first pointer may start anywhere in
//! a page; all others start at one. The second is the second page where two pages are enough, else
//! the first list; a list's last slot points to the next list where entries are left over.

/// The controller's page: CC.MPS is zero, 4 KiB, whatever the host's page is.
pub(crate) const PAGE: u64 = 4096;
/// Entries in a list that fills a page.
pub(crate) const LIST_ENTRIES: usize = 512;
/// The longest transfer, in bytes.
pub(crate) const MAX_BYTES: u32 = 8 << 20;
/// Lists that the longest transfer needs: 2,049 pages but the first, 511 a list.
pub(crate) const MAX_LISTS: usize = 5;

const _: () = assert!(
    (MAX_BYTES as u64 / PAGE) as usize <= MAX_LISTS * (LIST_ENTRIES - 1),
    "the lists hold the longest transfer"
);

/// Why no pointers were made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault<E> {
    /// The segments are shorter than the transfer, or do not meet at page boundaries.
    Shape,
    /// A segment or a list could not be had.
    Source(E),
}

impl<E> From<E> for Fault<E> {
    fn from(error: E) -> Self {
        Self::Source(error)
    }
}

/// Where segments come from and lists stand.
pub(crate) trait Source {
    /// What can go wrong.
    type Error;
    /// A list that is being written, and its next slot.
    type List;

    /// The next segment's DMA address and length in bytes, or [`None`] where there are no more.
    fn segment(&mut self) -> Result<Option<(u64, u32)>, Self::Error>;

    /// Begins a list with room for `entries`, at most [`LIST_ENTRIES`]; gives its DMA address. One
    /// of [`LIST_ENTRIES`] begins at a page's begin (NVMe base specification, 'Physical Region Page
    /// Entry and List').
    fn begin_list(&mut self, entries: usize) -> Result<(u64, Self::List), Self::Error>;

    /// Writes the next slot of a list; what lies behind its last is not written.
    fn push(&mut self, list: &mut Self::List, entry: u64);
}

/// The two pointers of a transfer of `length` bytes that begins with the segment `first`; the
/// second is 0 where one page is enough.
///
/// # Errors
///
/// [`Fault::Source`] as the source has it, [`Fault::Shape`] for segments that PRPs cannot describe;
/// lists that were begun stay the source's to free.
#[inline]
pub(crate) fn build<S: Source>(
    source: &mut S,
    first: (u64, u32),
    length: u64,
) -> Result<(u64, u64), Fault<S::Error>> {
    let mut walk = Walk {
        source,
        address: first.0,
        rest: first.1.into(),
    };
    let room = PAGE - first.0 % PAGE;
    walk.take(room.min(length))?;
    let left = length.saturating_sub(room);
    if left == 0 {
        return Ok((first.0, 0));
    }
    let mut page = walk.page()?;
    if left <= PAGE {
        walk.take(left)?;
        return Ok((first.0, page));
    }
    let mut entries = left.div_ceil(PAGE) as usize;
    // Each entry but the last takes a whole page, so `left` need not be counted down.
    let last = (left - 1) % PAGE + 1;
    let (head, mut list) = walk.source.begin_list(entries.min(LIST_ENTRIES))?;
    loop {
        // The last slot holds the last entry of all, or the next list.
        let whole = entries.min(LIST_ENTRIES) - 1;
        for _ in 0..whole {
            walk.source.push(&mut list, page);
            walk.take(PAGE)?;
            page = walk.page()?;
        }
        entries -= whole;
        if entries == 1 {
            walk.source.push(&mut list, page);
            walk.take(last)?;
            return Ok((first.0, head));
        }
        // A whole one, however little of it is needed: those alone begin at a page.
        let (address, next) = walk.source.begin_list(LIST_ENTRIES)?;
        walk.source.push(&mut list, address);
        list = next;
    }
}

/// How far a transfer is described: the rest of the current segment.
struct Walk<'a, S> {
    source: &'a mut S,
    address: u64,
    rest: u64,
}

impl<S: Source> Walk<'_, S> {
    /// The page that begins here, fetching the next segment where the current one is used up; what
    /// begins inside a page is no entry.
    #[inline(always)]
    fn page(&mut self) -> Result<u64, Fault<S::Error>> {
        if self.rest == 0 {
            let (address, length) = self.source.segment()?.ok_or(Fault::Shape)?;
            (self.address, self.rest) = (address, length.into());
        }
        if self.address % PAGE != 0 {
            return Err(Fault::Shape);
        }
        Ok(self.address)
    }

    /// Goes on by one entry of `bytes`. They must be contiguous.
    #[inline(always)]
    fn take(&mut self, bytes: u64) -> Result<(), Fault<S::Error>> {
        self.rest = self.rest.checked_sub(bytes).ok_or(Fault::Shape)?;
        // Bounded by the segment: nothing wraps.
        self.address = self.address.wrapping_add(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Memory that holds the lists, and the segments to describe.
    #[derive(Default)]
    struct Memory {
        segments: Vec<(u64, u64)>,
        next: usize,
        lists: Vec<(u64, Vec<u64>)>,
        room: Vec<usize>,
        limit: usize,
    }

    impl Memory {
        fn build(&mut self, length: u64) -> Result<(u64, u64), Fault<&'static str>> {
            let (address, bytes) = self.segments[0];
            build(self, (address, bytes as u32), length)
        }
    }

    impl Source for Memory {
        type Error = &'static str;
        type List = usize;

        fn segment(&mut self) -> Result<Option<(u64, u32)>, Self::Error> {
            self.next += 1;
            Ok(self
                .segments
                .get(self.next)
                .map(|&(address, length)| (address, length as u32)))
        }

        fn begin_list(&mut self, entries: usize) -> Result<(u64, usize), Self::Error> {
            assert!((1..=LIST_ENTRIES).contains(&entries));
            if self.lists.len() == self.limit {
                return Err("no list left");
            }
            // A short one is not at the begin of its page.
            let within = if entries <= 32 { 256 } else { 0 };
            let address = 0xffff_0000_0000 + self.lists.len() as u64 * PAGE + within;
            self.lists.push((address, Vec::new()));
            self.room.push(entries);
            Ok((address, self.lists.len() - 1))
        }

        fn push(&mut self, list: &mut usize, entry: u64) {
            let slots = &mut self.lists[*list].1;
            assert!(slots.len() < self.room[*list], "more entries than room");
            slots.push(entry);
        }
    }

    /// The bytes that a controller would touch, by the specification's words: address to length.
    fn follow(memory: &Memory, length: u64, first: u64, second: u64) -> Vec<(u64, u64)> {
        let lists: BTreeMap<_, _> = memory.lists.iter().cloned().collect();
        let mut touched = vec![(first, length.min(PAGE - first % PAGE))];
        let mut left = length - touched[0].1;
        if left == 0 {
            assert_eq!(second, 0);
            return touched;
        }
        if left <= PAGE {
            touched.push((second, left));
            return touched;
        }
        let (mut list, mut slot) = (&lists[&second], 0);
        while left > 0 {
            if slot == LIST_ENTRIES - 1 && left > PAGE {
                assert_eq!(list[slot] % PAGE, 0, "a chained list begins at a page");
                (list, slot) = (&lists[&list[slot]], 0);
            }
            assert_eq!(list[slot] % PAGE, 0);
            touched.push((list[slot], left.min(PAGE)));
            left -= left.min(PAGE);
            slot += 1;
        }
        touched
    }

    /// Adjacent pieces joined, so that two descriptions of the same bytes compare equal.
    fn joined(pieces: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let mut out: Vec<(u64, u64)> = Vec::new();
        for &(address, length) in pieces {
            match out.last_mut() {
                Some(last) if last.0 + last.1 == address => last.1 += length,
                _ => out.push((address, length)),
            }
        }
        out
    }

    fn check(segments: Vec<(u64, u64)>) {
        let length = segments.iter().map(|segment| segment.1).sum();
        let mut memory = Memory {
            segments,
            limit: MAX_LISTS,
            ..Memory::default()
        };
        let (first, second) = memory.build(length).unwrap();
        let touched = follow(&memory, length, first, second);
        assert_eq!(joined(&touched), joined(&memory.segments));
        // A chained list is a whole page: the last may have room behind its last entry.
        for (at, (_, list)) in memory.lists.iter().enumerate() {
            let whole = at == 0 || at + 1 < memory.lists.len();
            assert!(!whole || list.len() == memory.room[at], "a slot left empty");
        }
    }

    #[test]
    fn one_two_and_more_pages() {
        check(vec![(0x1000, 512)]);
        check(vec![(0x1e00, 512)]);
        check(vec![(0x1e00, 513)]);
        check(vec![(0x1000, 8192)]);
        check(vec![(0x1001, 8191)]);
        check(vec![(0x1001, 8192)]);
        check(vec![(0x1000, 4096), (0x9000, 4096)]);
        check(vec![(0x1f00, 0x100), (0x9000, 4096), (0x3000, 7)]);
    }

    /// Every number of entries around a list's end, and the longest transfer at its worst offset.
    #[test]
    fn lists_chain_at_their_last_slot() {
        for pages in (1..1540).chain([2040, 2047, 2048]) {
            check(vec![(0x10_0000, pages * PAGE)]);
        }
        check(vec![(0x10_0fff, u64::from(MAX_BYTES))]);
    }

    #[test]
    fn segments_of_any_shape_that_prps_allow() {
        let mut state = 7u64;
        let mut below = |bound: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % bound
        };
        for _ in 0..2_000 {
            let offset = below(PAGE);
            let mut segments = vec![(0x1_0000_0000 + offset, PAGE - offset + below(3) * PAGE)];
            for number in 1..below(40) {
                let address = 0x1_0000_0000 * (number + 1) + below(1000) * PAGE;
                segments.push((address, (1 + below(20)) * PAGE));
            }
            // The last may end anywhere.
            let last = segments.last_mut().unwrap();
            last.1 -= below(last.1.min(PAGE));
            check(segments);
        }
    }

    #[test]
    fn refuses_what_prps_cannot_say() {
        let refused = |segments: Vec<(u64, u64)>, length| {
            let mut memory = Memory {
                segments,
                limit: MAX_LISTS,
                ..Memory::default()
            };
            memory.build(length)
        };
        // A gap inside a page, a segment that begins inside one, too few bytes.
        assert_eq!(
            refused(vec![(0x1000, 100), (0x2000, 4096)], 4196),
            Err(Fault::Shape)
        );
        assert_eq!(
            refused(vec![(0x1000, 4096), (0x2200, 4096)], 8192),
            Err(Fault::Shape)
        );
        assert_eq!(refused(vec![(0x1000, 4096)], 8192), Err(Fault::Shape));
        let short_at_the_end = vec![(0x1000, 4096), (0x9000, 4096), (0x3000, 4000)];
        assert_eq!(refused(short_at_the_end, 12288), Err(Fault::Shape));
    }

    #[test]
    fn passes_the_sources_errors_on() {
        let mut memory = Memory {
            segments: vec![(0, 2 << 20)],
            limit: 0,
            ..Memory::default()
        };
        assert_eq!(memory.build(2 << 20), Err(Fault::Source("no list left")));
        let mut memory = Memory {
            segments: vec![(0, 8 << 20)],
            limit: 1,
            ..Memory::default()
        };
        assert_eq!(memory.build(8 << 20), Err(Fault::Source("no list left")));
    }
}
