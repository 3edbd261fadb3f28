// SPDX-License-Identifier: GPL-2.0

//! Purging oldest first over all regions, free of the kernel:
//! `rustc --edition 2021 --test lru.rs && ./lru`.
//!
//! A queue holds regions, each under a time that is no younger than its oldest unpinned range. It
//! may be older: a region stays where it is when its oldest range is pinned, so that pinning and
//! unpinning touch nothing that regions share. Who purges finds the truth and puts the region where
//! it belongs.

/// A region that its holder has locked.
pub(crate) trait Region {
    /// Purges the oldest range where it is no younger than `limit`; gives its pages.
    fn purge_oldest(&mut self, limit: u64) -> Option<usize>;
}

/// Regions in the order of their times.
pub(crate) trait Queue {
    /// A region's place; no two are the same.
    type Place: Copy;
    /// A region while it is visited.
    type Region: Region;

    /// Visits the first region behind `place` whose time is no younger than `until`; gives its place,
    /// or [`None`] where there is none.
    ///
    /// `visit` gets the locked region, or [`None`] where somebody else has it, and the time of the
    /// region behind it. Afterwards the region has the place that its oldest range asks for, or none.
    fn visit_first(
        &mut self,
        behind: Option<Self::Place>,
        until: u64,
        visit: impl FnOnce(Option<&mut Self::Region>, u64),
    ) -> Option<Self::Place>;
}

/// Purges at least `target` pages that were unpinned no later than `until`, oldest first; gives how
/// many it purged.
///
/// Less than `target` where no more could be purged. A region that somebody else has locked is left
/// out: it is in use right now. Each visit takes a range or moves a region on towards `until`: with
/// that in the past there is an end, however fast others unpin.
pub(crate) fn purge(queue: &mut impl Queue, target: usize, until: u64) -> usize {
    let mut purged = 0;
    let mut behind = None;
    while purged < target {
        let mut busy = false;
        let place = queue.visit_first(behind, until, |region, limit| {
            let Some(region) = region else {
                busy = true;
                return;
            };
            while purged < target {
                let Some(pages) = region.purge_oldest(limit.min(until)) else {
                    break;
                };
                purged += pages;
            }
        });
        match place {
            None => break,
            Some(_) if busy => behind = place,
            Some(_) => {}
        }
    }
    purged
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// A region: the times of its ranges, each of one page.
    #[derive(Default)]
    struct Model {
        unpinned: BTreeSet<u64>,
        queued: Option<u64>,
        busy: bool,
    }

    #[derive(Default)]
    struct World {
        regions: Vec<Model>,
        queue: BTreeMap<(u64, usize), ()>,
        purged: Vec<u64>,
        /// The time at which each region is unpinned again once it was visited, if it is.
        refill: Option<u64>,
    }

    impl World {
        fn unpin(&mut self, region: usize, stamp: u64) {
            let model = &mut self.regions[region];
            model.unpinned.insert(stamp);
            if model.queued.is_none() {
                model.queued = Some(stamp);
                self.queue.insert((stamp, region), ());
            }
        }

        fn check(&self) {
            for (number, region) in self.regions.iter().enumerate() {
                let queued = region
                    .queued
                    .is_some_and(|at| self.queue.contains_key(&(at, number)));
                assert_eq!(queued, region.queued.is_some());
                if let Some(oldest) = region.unpinned.first() {
                    assert!(region.queued.is_some_and(|at| at <= *oldest));
                }
            }
        }
    }

    /// A region that is being visited, and what was purged of it.
    struct Visited {
        model: Model,
        purged: Vec<u64>,
    }

    impl Region for Visited {
        fn purge_oldest(&mut self, limit: u64) -> Option<usize> {
            let oldest = *self
                .model
                .unpinned
                .first()
                .filter(|stamp| **stamp <= limit)?;
            self.model.unpinned.remove(&oldest);
            self.purged.push(oldest);
            Some(1)
        }
    }

    impl Queue for World {
        type Place = (u64, usize);
        type Region = Visited;

        fn visit_first(
            &mut self,
            behind: Option<(u64, usize)>,
            until: u64,
            visit: impl FnOnce(Option<&mut Visited>, u64),
        ) -> Option<(u64, usize)> {
            let mut from = self
                .queue
                .keys()
                .filter(|key| behind.is_none_or(|at| **key > at));
            let place = *from.next().filter(|place| place.0 <= until)?;
            let limit = from.next().map_or(u64::MAX, |next| next.0);
            if self.regions[place.1].busy {
                visit(None, limit);
                return Some(place);
            }
            let model = std::mem::take(&mut self.regions[place.1]);
            let mut visited = Visited {
                model,
                purged: Vec::new(),
            };
            visit(Some(&mut visited), limit);
            if let Some(now) = &mut self.refill {
                *now += 1;
                visited.model.unpinned.insert(*now);
            }
            self.queue.remove(&place);
            visited.model.queued = visited.model.unpinned.first().copied();
            if let Some(stamp) = visited.model.queued {
                self.queue.insert((stamp, place.1), ());
            }
            self.purged.append(&mut visited.purged);
            self.regions[place.1] = visited.model;
            Some(place)
        }
    }

    fn world(regions: usize) -> World {
        World {
            regions: (0..regions).map(|_| Model::default()).collect(),
            ..World::default()
        }
    }

    #[test]
    fn is_oldest_first_over_all_regions() {
        let mut random = 1u32;
        let mut below = |bound: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 16) % bound
        };
        let mut world = world(5);
        for now in 0..20_000 {
            let region = below(5) as usize;
            match below(4) {
                0 | 1 => world.unpin(region, now),
                // Pinning leaves the queue alone.
                2 => {
                    let oldest = world.regions[region].unpinned.first().copied();
                    world.regions[region].unpinned.remove(&oldest.unwrap_or(0));
                }
                _ => {
                    let all: BTreeSet<u64> = world
                        .regions
                        .iter()
                        .flat_map(|region| region.unpinned.clone())
                        .collect();
                    let target = below(7) as usize;
                    world.purged.clear();
                    let purged = purge(&mut world, target, u64::MAX);
                    assert_eq!(purged, target.min(all.len()));
                    assert!(world.purged.iter().eq(all.iter().take(purged)));
                }
            }
            world.check();
        }
    }

    #[test]
    fn leaves_out_who_is_busy() {
        let mut world = world(3);
        for (region, stamp) in [(0, 1), (1, 2), (2, 3), (0, 4), (2, 5)] {
            world.unpin(region, stamp);
        }
        world.regions[0].busy = true;
        assert_eq!(purge(&mut world, usize::MAX, u64::MAX), 3);
        assert_eq!(world.purged, [2, 3, 5]);
        world.regions[0].busy = false;
        assert_eq!(purge(&mut world, 1, u64::MAX), 1);
        assert_eq!(world.purged, [2, 3, 5, 1]);
        world.check();
    }

    #[test]
    fn ends_where_others_unpin_as_fast() {
        let mut world = world(2);
        for (region, stamp) in [(0, 1), (1, 2), (0, 3), (1, 4), (1, 6)] {
            world.unpin(region, stamp);
        }
        world.refill = Some(10);
        assert_eq!(purge(&mut world, usize::MAX, 4), 4);
        assert_eq!(world.purged, [1, 2, 3, 4]);
        world.check();
        // What is left is younger, and so is every region's place.
        assert_eq!(purge(&mut world, usize::MAX, 4), 0);
        assert!(world.queue.keys().all(|place| place.0 > 4));
    }

    #[test]
    fn ends_where_there_is_nothing() {
        assert_eq!(purge(&mut world(0), 1, u64::MAX), 0);
        let mut world = world(1);
        world.unpin(0, 1);
        assert_eq!(purge(&mut world, 0, u64::MAX), 0);
        world.regions[0].unpinned.clear();
        assert_eq!(purge(&mut world, 9, u64::MAX), 0);
        assert!(world.queue.is_empty());
    }
}
