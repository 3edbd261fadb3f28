// SPDX-License-Identifier: GPL-2.0

//! Which pages of a region are unpinned, and which were purged since they were last pinned; free of
//! the kernel: `rustc --edition 2021 --test ranges.rs && ./ranges`.
//!
//! A page is in one of four states, which two sets of ranges hold:
//!
//! | reclaimable | purged | the page |
//! |---|---|---|
//! | no | no | is pinned |
//! | yes | no | is unpinned, its content is there |
//! | no | yes | is unpinned, its content is gone |
//! | yes | yes | was purged, and unpinned again: what was written since may be purged too |
//!
//! The ranges stand in sorted arrays. An array's memory comes from outside ([`Table::grow`]), before
//! an operation ([`Table::has_room`]), so that no operation fails half way: purging never needs
//! memory, because every reclaimable range has its slot among the purged ones from the start.

use core::ops::DerefMut;

/// More ranges than this are refused: an operation moves at most this many entries, and reclaim,
/// which waits for it, purges at most as many ranges of one region.
pub(crate) const MAX_RANGES: usize = 1 << 14;

/// Pages `start` to `end`, without `end`; never empty. A reclaimable one bears the time at which it
/// was unpinned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first page.
    pub(crate) start: usize,
    /// The page after the last.
    pub(crate) end: usize,
    /// When it was unpinned; 0 for a purged range.
    stamp: u64,
}

impl Range {
    /// How many pages it has.
    pub(crate) fn pages(&self) -> usize {
        self.end - self.start
    }
}

/// A reclaimable range's place in the order of age: its time, then its first page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age {
    stamp: u64,
    start: usize,
}

/// A sorted array in memory that is there already.
///
/// Purging takes entries off the front: that moves none, but leaves free slots before the first.
struct Array<B> {
    slots: B,
    /// The slot of the first entry.
    first: usize,
    len: usize,
}

impl<T: Copy, B: DerefMut<Target = [T]>> Array<B> {
    fn new(slots: B) -> Self {
        Self {
            slots,
            first: 0,
            len: 0,
        }
    }

    fn entries(&self) -> &[T] {
        &self.slots[self.first..self.first + self.len]
    }

    fn entries_mut(&mut self) -> &mut [T] {
        &mut self.slots[self.first..self.first + self.len]
    }

    /// Puts `new` in the place of the entries `from` to `to`, without `to`.
    fn splice(&mut self, from: usize, to: usize, new: &[T]) {
        let len = self.len - (to - from) + new.len();
        if from == 0 && new.is_empty() {
            self.first += to;
        } else {
            if self.first + len > self.slots.len() {
                self.slots.copy_within(self.first..self.first + self.len, 0);
                self.first = 0;
            }
            let first = self.first;
            self.slots
                .copy_within(first + to..first + self.len, first + from + new.len());
            self.slots[first + from..first + from + new.len()].copy_from_slice(new);
        }
        self.len = len;
    }

    /// Keeps the entries that `keep` says to, in their order.
    fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let entries = self.entries_mut();
        let mut kept = 0;
        for at in 0..entries.len() {
            let entry = entries[at];
            if keep(&entry) {
                entries[kept] = entry;
                kept += 1;
            }
        }
        self.len = kept;
    }

    /// Moves to larger memory; gives the old.
    fn grow(&mut self, mut slots: B) -> B {
        slots[..self.len].copy_from_slice(self.entries());
        self.first = 0;
        core::mem::replace(&mut self.slots, slots)
    }
}

/// What is left of ranges of which a part was taken out: at most a piece on each side.
struct Left {
    before: Option<Range>,
    after: Option<Range>,
}

impl<B: DerefMut<Target = [Range]>> Array<B> {
    /// The entries that share a page with `start` to `end`: from, and to without it.
    fn overlapping(&self, start: usize, end: usize) -> (usize, usize) {
        let from = self.entries().partition_point(|range| range.end <= start);
        let to = self.entries().partition_point(|range| range.start < end);
        (from, to)
    }

    fn overlaps(&self, start: usize, end: usize) -> bool {
        let (from, to) = self.overlapping(start, end);
        from < to
    }

    /// How many entries more there are when the pages `start` to `end` are taken out: 1 where that
    /// cuts one in two, less than 0 where it takes out whole ones.
    fn growth(&self, start: usize, end: usize) -> isize {
        let (from, to) = self.overlapping(start, end);
        let entries = &self.entries()[from..to];
        let before = entries.first().is_some_and(|first| first.start < start);
        let after = entries.last().is_some_and(|last| last.end > end);
        // CAST: An array has less than `isize::MAX` entries.
        isize::from(before) + isize::from(after) - entries.len() as isize
    }

    /// Takes the pages `start` to `end` out of the entries `from` to `to`, which overlap them.
    fn take_out(&mut self, from: usize, to: usize, start: usize, end: usize) -> Left {
        let (first, last) = (self.entries()[from], self.entries()[to - 1]);
        let before = (first.start < start).then_some(Range {
            end: start,
            ..first
        });
        let after = (last.end > end).then_some(Range { start: end, ..last });
        match (before, after) {
            (Some(before), Some(after)) => self.splice(from, to, &[before, after]),
            (Some(piece), None) | (None, Some(piece)) => self.splice(from, to, &[piece]),
            (None, None) => self.splice(from, to, &[]),
        }
        Left { before, after }
    }

    /// Adds pages to a set of ranges that do not touch each other.
    fn unite(&mut self, start: usize, end: usize) {
        let from = self.entries().partition_point(|range| range.end < start);
        let to = self.entries().partition_point(|range| range.start <= end);
        let mut united = Range {
            start,
            end,
            stamp: 0,
        };
        if let [first, ..] = self.entries()[from..to] {
            united.start = united.start.min(first.start);
        }
        if let [.., last] = self.entries()[from..to] {
            united.end = united.end.max(last.end);
        }
        self.splice(from, to, &[united]);
    }
}

/// The ranges of a region. `R` and `A` are the arrays' memory.
///
/// # Invariants
///
/// - `reclaimable` is sorted, its ranges share no page. `ages` has one entry for each, sorted.
/// - `purged` is sorted, its ranges share no page and do not touch.
/// - `pages` is the sum of the reclaimable ranges' pages.
/// - Each array has a slot for every range of both sets.
pub(crate) struct Table<R, A> {
    reclaimable: Array<R>,
    ages: Array<A>,
    purged: Array<R>,
    pages: usize,
}

impl<R: DerefMut<Target = [Range]>, A: DerefMut<Target = [Age]>> Table<R, A> {
    /// The most that [`Table::pin_room`] gives: a pin can cut a range of each set in two.
    pub(crate) const PIN_ROOM: usize = 2;
    /// The most that [`Table::unpin_room`] gives: an unpin can cut a range and put one between.
    pub(crate) const UNPIN_ROOM: usize = 2 + Self::PIN_ROOM;

    /// A table of a region that is pinned as a whole.
    pub(crate) fn new(reclaimable: R, ages: A, purged: R) -> Self {
        Self {
            reclaimable: Array::new(reclaimable),
            ages: Array::new(ages),
            purged: Array::new(purged),
            pages: 0,
        }
    }

    /// How many pages could be purged.
    pub(crate) fn reclaimable_pages(&self) -> usize {
        self.pages
    }

    /// How many pages were purged and not pinned since.
    pub(crate) fn purged_pages(&self) -> usize {
        self.purged.entries().iter().map(Range::pages).sum()
    }

    /// When the oldest reclaimable range was unpinned.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.ages.entries().first().map(|age| age.stamp)
    }

    /// The ranges of both sets.
    pub(crate) fn ranges(&self) -> usize {
        self.reclaimable.len + self.purged.len
    }

    /// Whether `room` more ranges fit.
    pub(crate) fn has_room(&self, room: usize) -> bool {
        let slots = self.reclaimable.slots.len().min(self.ages.slots.len());
        self.ranges() + room <= slots.min(self.purged.slots.len())
    }

    /// Slots that [`Table::pin`] needs for these pages: none where it takes out as many ranges as it
    /// leaves pieces, so that a region with [`MAX_RANGES`] can be pinned as a whole.
    pub(crate) fn pin_room(&self, start: usize, end: usize) -> usize {
        let growth = self.reclaimable.growth(start, end) + self.purged.growth(start, end);
        usize::try_from(growth).unwrap_or(0)
    }

    /// Slots that [`Table::unpin`] wants for these pages. Those that a pin may need are among them:
    /// they are set aside now, so that the pin that follows an unpin cannot fail.
    pub(crate) fn unpin_room(&self, start: usize, end: usize) -> usize {
        // CAST: It is 2.
        let growth = self.reclaimable.growth(start, end) + 1 + Self::PIN_ROOM as isize;
        usize::try_from(growth).unwrap_or(0)
    }

    /// Moves to larger memory; gives the old.
    pub(crate) fn grow(&mut self, reclaimable: R, ages: A, purged: R) -> (R, A, R) {
        (
            self.reclaimable.grow(reclaimable),
            self.ages.grow(ages),
            self.purged.grow(purged),
        )
    }

    /// Whether all pages `start` to `end` are pinned.
    pub(crate) fn is_pinned(&self, start: usize, end: usize) -> bool {
        !self.reclaimable.overlaps(start, end) && !self.purged.overlaps(start, end)
    }

    /// Pins pages; gives whether any of them was purged. Needs [`Table::pin_room`].
    pub(crate) fn pin(&mut self, start: usize, end: usize) -> bool {
        self.keep(start, end);
        let (from, to) = self.purged.overlapping(start, end);
        if from == to {
            return false;
        }
        self.purged.take_out(from, to, start, end);
        true
    }

    /// Unpins pages at time `stamp`, those that are unpinned already too: they are as young as the
    /// rest. What was purged stays known as purged. Needs [`Table::unpin_room`].
    pub(crate) fn unpin(&mut self, start: usize, end: usize, stamp: u64) {
        self.keep(start, end);
        let (from, _) = self.reclaimable.overlapping(start, end);
        self.reclaimable
            .splice(from, from, &[Range { start, end, stamp }]);
        self.add_age(Age { stamp, start });
        self.pages += end - start;
    }

    /// Makes the oldest reclaimable range a purged one where it is no younger than `limit`; gives it.
    pub(crate) fn purge_oldest(&mut self, limit: u64) -> Option<Range> {
        let age = *self
            .ages
            .entries()
            .first()
            .filter(|age| age.stamp <= limit)?;
        let at = self
            .reclaimable
            .entries()
            .partition_point(|range| range.start < age.start);
        let range = self.reclaimable.entries()[at];
        self.ages.splice(0, 1, &[]);
        self.reclaimable.splice(at, at + 1, &[]);
        self.pages -= range.pages();
        self.purged.unite(range.start, range.end);
        Some(range)
    }

    /// Makes pages not reclaimable.
    fn keep(&mut self, start: usize, end: usize) {
        let (from, to) = self.reclaimable.overlapping(start, end);
        if from == to {
            return;
        }
        let had: usize = self.reclaimable.entries()[from..to]
            .iter()
            .map(Range::pages)
            .sum();
        let (first, single) = (self.reclaimable.entries()[from], to - from == 1);
        let left = self.reclaimable.take_out(from, to, start, end);
        let pieces = [left.before, left.after];
        self.pages -= had - pieces.iter().flatten().map(Range::pages).sum::<usize>();

        // The piece before keeps its first page and so its age; the one after has a new one.
        if single && left.before.is_none() {
            let age = Age {
                stamp: first.stamp,
                start: first.start,
            };
            let at = self.ages.entries().partition_point(|other| *other < age);
            match left.after {
                // No other range of that time begins between the two.
                Some(after) => self.ages.entries_mut()[at].start = after.start,
                None => self.ages.splice(at, at + 1, &[]),
            }
        } else {
            if !single {
                self.ages
                    .retain(|age| age.start < start || age.start >= end);
            }
            if let Some(after) = left.after {
                self.add_age(Age {
                    stamp: after.stamp,
                    start: after.start,
                });
            }
        }
    }

    fn add_age(&mut self, age: Age) {
        let at = self.ages.entries().partition_point(|other| *other < age);
        self.ages.splice(at, at, &[age]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Tested = Table<Vec<Range>, Vec<Age>>;

    fn table(slots: usize) -> Tested {
        let ranges = || vec![Range::default(); slots];
        Table::new(ranges(), vec![Age::default(); slots], ranges())
    }

    /// Grows when the table asks, and by no more than it asks.
    fn make_room(table: &mut Tested, room: usize) {
        if !table.has_room(room) {
            let slots = table.ranges() + room;
            let ranges = || vec![Range::default(); slots];
            table.grow(ranges(), vec![Age::default(); slots], ranges());
        }
    }

    /// The model: what each page is, one by one.
    #[derive(Clone, Copy, Default, PartialEq, Debug)]
    struct Page {
        unpinned_at: Option<u64>,
        purged: bool,
    }

    struct Model(Vec<Page>);

    impl Model {
        fn pin(&mut self, start: usize, end: usize) -> bool {
            let was_purged = self.0[start..end].iter().any(|page| page.purged);
            self.0[start..end].fill(Page::default());
            was_purged
        }

        fn unpin(&mut self, start: usize, end: usize, stamp: u64) {
            for page in &mut self.0[start..end] {
                page.unpinned_at = Some(stamp);
            }
        }

        fn is_pinned(&self, start: usize, end: usize) -> bool {
            self.0[start..end]
                .iter()
                .all(|page| *page == Page::default())
        }

        fn oldest(&self) -> Option<u64> {
            self.0.iter().filter_map(|page| page.unpinned_at).min()
        }

        /// Purges what the table says it purged, having checked that it might.
        fn purge(&mut self, range: Range) {
            let oldest = self.oldest();
            for page in &mut self.0[range.start..range.end] {
                assert_eq!(page.unpinned_at, oldest, "not the oldest");
                *page = Page {
                    unpinned_at: None,
                    purged: true,
                };
            }
        }

        fn count(&self, what: impl Fn(&Page) -> bool) -> usize {
            self.0.iter().filter(|page| what(page)).count()
        }
    }

    /// The type's invariants, and page by page what the model has.
    fn check(table: &Tested, model: &Model) {
        let mut pages = vec![Page::default(); model.0.len()];
        let mut ages: Vec<_> = Vec::new();
        for range in table.reclaimable.entries() {
            assert!(range.start < range.end);
            for page in &mut pages[range.start..range.end] {
                assert_eq!(
                    page.unpinned_at.replace(range.stamp),
                    None,
                    "ranges share a page"
                );
            }
            ages.push(Age {
                stamp: range.stamp,
                start: range.start,
            });
        }
        assert!(table
            .reclaimable
            .entries()
            .is_sorted_by(|a, b| a.end <= b.start));
        ages.sort();
        assert_eq!(table.ages.entries(), ages);
        assert!(table.purged.entries().is_sorted_by(|a, b| a.end < b.start));
        for range in table.purged.entries() {
            for page in &mut pages[range.start..range.end] {
                page.purged = true;
            }
        }
        assert_eq!(pages, model.0);
        assert!(table.has_room(0));
    }

    /// xorshift64*: the same numbers on every machine.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
        }

        fn span(&mut self, pages: usize, most: usize) -> (usize, usize) {
            let start = self.below(pages);
            (start, start + 1 + self.below(most.min(pages - start)))
        }
    }

    fn run(seed: u64, pages: usize, most: usize, operations: usize) {
        let mut random = Random(seed);
        let mut model = Model(vec![Page::default(); pages]);
        let mut table = table(0);
        let mut now = 0;
        for _ in 0..operations {
            // Times repeat now and then, as a clock's may.
            now += random.below(4) as u64;
            let (start, end) = random.span(pages, most);
            match random.below(8) {
                0..=3 => {
                    let room = table.unpin_room(start, end);
                    assert!(room <= Tested::UNPIN_ROOM);
                    make_room(&mut table, room);
                    let wanted = table.ranges() + room;
                    table.unpin(start, end, now);
                    assert!(table.ranges() + Tested::PIN_ROOM <= wanted);
                    model.unpin(start, end, now);
                    // What a pin needs is there without asking.
                    assert!(table.has_room(Tested::PIN_ROOM));
                }
                4 | 5 => {
                    let (ranges, room) = (table.ranges(), table.pin_room(start, end));
                    assert!(room <= Tested::PIN_ROOM);
                    make_room(&mut table, room);
                    assert_eq!(table.pin(start, end), model.pin(start, end));
                    assert!(table.is_pinned(start, end));
                    // It asked for what it needed and for no more.
                    assert_eq!(table.ranges().saturating_sub(ranges), room);
                }
                6 => assert_eq!(table.is_pinned(start, end), model.is_pinned(start, end)),
                _ => {
                    let limit = now.saturating_sub(random.below(20) as u64);
                    let due = model.oldest().is_some_and(|oldest| oldest <= limit);
                    let purged = table.purge_oldest(limit);
                    assert_eq!(purged.is_some(), due);
                    if let Some(range) = purged {
                        model.purge(range);
                    }
                }
            }
            assert_eq!(table.oldest(), model.oldest());
            assert_eq!(
                table.reclaimable_pages(),
                model.count(|page| page.unpinned_at.is_some())
            );
            assert_eq!(table.purged_pages(), model.count(|page| page.purged));
            check(&table, &model);
        }
    }

    #[test]
    fn agrees_with_a_bitmap_on_a_hundred_thousand_operations() {
        run(1, 64, 16, 40_000);
        run(2, 1, 1, 1_000);
        run(3, 7, 7, 19_000);
        run(4, 200, 5, 30_000);
        run(5, 300, 300, 10_000);
    }

    #[test]
    fn purges_oldest_first_and_all() {
        let mut table = table(8);
        table.unpin(4, 6, 30);
        table.unpin(0, 2, 10);
        table.unpin(8, 9, 20);
        let mut order = Vec::new();
        while let Some(range) = table.purge_oldest(u64::MAX) {
            order.push(range.start);
        }
        assert_eq!(order, [0, 8, 4]);
        assert_eq!((table.reclaimable_pages(), table.purged_pages()), (0, 5));
        assert!(table.pin(0, 100));
        assert_eq!(table.ranges(), 0);
    }

    #[test]
    fn a_page_that_was_purged_and_unpinned_again_is_both() {
        let mut table = table(8);
        table.unpin(0, 2, 1);
        table.purge_oldest(1).unwrap();
        table.unpin(1, 3, 2);
        assert_eq!((table.reclaimable_pages(), table.purged_pages()), (2, 2));
        assert!(!table.pin(2, 3));
        assert!(table.pin(1, 2));
        assert!(table.pin(0, 3));
        assert!(!table.pin(0, 3));
    }

    #[test]
    fn a_pin_may_cut_a_range_of_each_set() {
        let mut table = table(2 + Tested::PIN_ROOM);
        table.unpin(0, 10, 1);
        table.purge_oldest(1).unwrap();
        table.unpin(0, 10, 2);
        assert!(table.has_room(Tested::PIN_ROOM));
        assert!(table.pin(4, 5));
        assert_eq!(table.ranges(), 4);
        assert!(table.has_room(0));
    }

    #[test]
    fn purging_needs_no_memory() {
        // Every second page, until the table is full to the last slot.
        let mut table = table(10);
        for page in 0..8 {
            assert!(table.has_room(2));
            table.unpin(page * 2, page * 2 + 1, page as u64);
        }
        while table.purge_oldest(u64::MAX).is_some() {}
        assert_eq!((table.ranges(), table.purged_pages()), (8, 8));
    }

    /// A table with [`MAX_RANGES`], whose every second page is pinned; and how many pages it has.
    fn full() -> (Tested, usize) {
        let (mut table, pages) = (table(MAX_RANGES), MAX_RANGES * 2 + 1);
        table.unpin(0, pages, 1);
        for page in (1..).step_by(2).take(MAX_RANGES - 1) {
            assert_eq!(table.pin_room(page, page + 1), 1);
            assert!(table.has_room(1));
            table.pin(page, page + 1);
        }
        assert_eq!(table.ranges(), MAX_RANGES);
        (table, pages)
    }

    #[test]
    fn a_full_table_refuses_no_pin_that_cuts_no_range() {
        for purged in [false, true] {
            let (mut table, pages) = full();
            while purged && table.purge_oldest(u64::MAX).is_some() {}
            assert_eq!(table.ranges(), MAX_RANGES);
            // The last range has three pages.
            assert_eq!(table.pin_room(pages - 2, pages - 1), 1);
            // A range's beginning, a whole range, all of them.
            for (start, end) in [(pages - 3, pages - 1), (0, 1), (0, pages)] {
                assert_eq!(table.pin_room(start, end), 0);
                assert_eq!(table.pin(start, end), purged);
            }
            assert_eq!(table.ranges(), 0);
        }
    }

    #[test]
    fn a_full_table_can_be_unpinned_as_a_whole() {
        let (mut table, pages) = full();
        // Another range, and what the next pin may need.
        assert_eq!(table.unpin_room(1, 2), 1 + Tested::PIN_ROOM);
        assert_eq!(table.unpin_room(0, pages), 0);
        table.unpin(0, pages, 2);
        assert_eq!((table.ranges(), table.reclaimable_pages()), (1, pages));
    }
}
