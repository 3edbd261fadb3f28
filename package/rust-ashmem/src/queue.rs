// SPDX-License-Identifier: GPL-2.0

//! The regions that have unpinned pages, in the order in which they are purged.
//!
//! Lock order: a region's mutex, then the queue's spinlock. Reclaim may come in while a region's
//! mutex is held and takes it with `try_lock` only.

use crate::{
    counter::Counter,
    lru::{self, Queue},
    region::{Region, State},
};
use kernel::{
    new_spinlock,
    prelude::*,
    rbtree::{RBTree, RBTreeNodeReservation},
    sync::{Arc, SpinLock},
    time::{Instant, Monotonic},
};

/// A region's place: its time, and its address, because two regions may have the same time.
type Place = (u64, usize);

/// The memory of a region's entry in the queue: what a region sets aside before it needs one.
pub(crate) type Entry = RBTreeNodeReservation<Place, Arc<Region>>;

/// The queue of regions.
#[pin_data]
pub(crate) struct Regions {
    #[pin]
    queue: SpinLock<RBTree<Place, Arc<Region>>>,
    #[pin]
    pages: Counter,
    epoch: Instant<Monotonic>,
}

impl Regions {
    /// An empty queue. Sleeps; fails with [`ENOMEM`].
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            queue <- new_spinlock!(RBTree::new(), "ashmem_queue"),
            pages <- Counter::new(),
            epoch: Instant::now(),
        })
    }

    /// The time that an unpinned range bears: nanoseconds since the module was loaded.
    pub(crate) fn now(&self) -> u64 {
        // CAST: The clock is monotonic, so this is not negative.
        self.epoch.elapsed().as_nanos() as u64
    }

    /// Notes that the number of pages that could be purged changed.
    pub(crate) fn changed(&self, before: usize, after: usize) {
        if before != after {
            // CAST: Page counts are far below `i64::MAX`.
            self.pages.add(after as i64 - before as i64);
        }
    }

    /// How many pages could be purged.
    pub(crate) fn reclaimable_pages(&self) -> usize {
        usize::try_from(self.pages.sum()).unwrap_or(0)
    }

    /// Puts a region into the queue. Its mutex is held by the caller, it is not in the queue.
    pub(crate) fn insert(&self, region: Arc<Region>, stamp: u64, entry: Entry) {
        let node = entry.into_node((stamp, address(&region)), region);
        let replaced = self.queue.lock().insert(node);
        debug_assert!(replaced.is_none());
    }

    /// Takes a region out of its place in the queue; gives its entry's memory. Its mutex is held by
    /// the caller.
    pub(crate) fn remove(&self, region: &Region, stamp: u64) -> Option<Entry> {
        let node = self.queue.lock().remove_node(&(stamp, address(region)));
        node.map(|node| node.into_reservation())
    }

    /// Purges at least `target` pages for memory reclaim; gives how many it purged.
    ///
    /// Regions whose mutex is held are left out: the holder may be the one that reclaims.
    pub(crate) fn reclaim(&self, target: usize) -> usize {
        lru::purge(
            &mut Visit {
                regions: self,
                wait: false,
            },
            target,
            u64::MAX,
        )
    }

    /// Purges all that is unpinned when it begins, and waits for regions that are in use; gives how
    /// many pages. Sleeps; the caller holds no lock.
    pub(crate) fn purge_all(&self) -> usize {
        lru::purge(
            &mut Visit {
                regions: self,
                wait: true,
            },
            usize::MAX,
            self.now(),
        )
    }

    /// The first region behind `behind` whose time is no younger than `until`, and the time of the
    /// one after it.
    fn first(&self, behind: Option<Place>, until: u64) -> Option<(Place, Arc<Region>, u64)> {
        let queue = self.queue.lock();
        let cursor = match behind {
            None => queue.cursor_front(),
            Some((stamp, address)) => queue.cursor_lower_bound(&(stamp, address + 1)),
        }?;
        let (place, region) = cursor.current();
        if place.0 > until {
            return None;
        }
        let next = cursor.peek_next().map_or(u64::MAX, |(next, _)| next.0);
        Some((*place, region.clone(), next))
    }
}

fn address(region: &Region) -> usize {
    core::ptr::from_ref(region).addr()
}

/// How somebody who purges goes through the queue.
struct Visit<'a> {
    regions: &'a Regions,
    wait: bool,
}

impl Queue for Visit<'_> {
    type Place = Place;
    type Region = State;

    fn visit_first(
        &mut self,
        behind: Option<Place>,
        until: u64,
        visit: impl FnOnce(Option<&mut State>, u64),
    ) -> Option<Place> {
        let (place, region, next) = self.regions.first(behind, until)?;
        let state = if self.wait {
            Some(region.lock())
        } else {
            region.try_lock()
        };
        match state {
            None => visit(None, next),
            Some(mut state) => {
                let before = state.reclaimable_pages();
                visit(Some(&mut state), next);
                self.regions.changed(before, state.reclaimable_pages());
                region.requeue(&mut state);
            }
        }
        Some(place)
    }
}
