// SPDX-License-Identifier: GPL-2.0

//! The arithmetic of a queue pair's two rings, free of memory and of the kernel.
//!
//! The base specification's section 3.3.1.2 gives the rules: head and tail wrap at the queue's
//! size, a full submission queue has one empty slot, the completion queue's phase tag turns over
//! each time around.

/// The submission side: where the next command goes, and what the controller was told last.
///
/// # Invariants
///
/// `entries` is 2 to 65,536; `tail` and `rung` are below it.
pub(crate) struct SqRing {
    entries: u32,
    tail: u32,
    rung: u32,
}

impl SqRing {
    /// An empty ring, [`None`] where the specification knows no queue of that size.
    pub(crate) fn new(entries: u32) -> Option<Self> {
        (2..=65_536).contains(&entries).then_some(Self {
            entries,
            tail: 0,
            rung: 0,
        })
    }

    /// How many entries the ring has.
    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    /// Takes the next slot; the command must stand in it before the doorbell rings.
    ///
    /// Whether the slot is free is the tag set's promise: it has fewer tags than the ring slots.
    #[inline(always)]
    pub(crate) fn push(&mut self) -> u32 {
        let slot = self.tail;
        self.tail = self.after(slot);
        slot
    }

    /// The value for the doorbell where it must ring now, and takes it as rung: when `last` says
    /// that nothing follows, or when one more command would make tail and the controller's copy of
    /// it equal, which reads as an empty queue.
    #[inline(always)]
    pub(crate) fn ring(&mut self, last: bool) -> Option<u32> {
        if self.tail == self.rung || !(last || self.after(self.tail) == self.rung) {
            return None;
        }
        self.rung = self.tail;
        Some(self.tail)
    }

    #[inline(always)]
    fn after(&self, slot: u32) -> u32 {
        // By the invariant nothing wraps; said so, the compiler has nothing to check.
        let next = slot.wrapping_add(1);
        if next == self.entries {
            0
        } else {
            next
        }
    }
}

/// The completion side: which entry comes next, and the phase tag that makes it new.
///
/// # Invariants
///
/// `head` is below `entries`.
pub(crate) struct CqRing {
    entries: u32,
    head: u32,
    phase: u16,
}

impl CqRing {
    /// A ring whose memory is all zeroes: the first time around new entries have phase one.
    pub(crate) fn new(entries: u32) -> Option<Self> {
        (2..=65_536).contains(&entries).then_some(Self {
            entries,
            head: 0,
            phase: 1,
        })
    }

    /// The index of the entry to look at; also the doorbell's value.
    #[inline(always)]
    pub(crate) fn head(&self) -> u32 {
        self.head
    }

    /// Whether an entry with this last word is new, by the phase tag in its bit 0.
    #[inline(always)]
    pub(crate) fn is_new(&self, status: u16) -> bool {
        status & 1 == self.phase
    }

    /// Goes on to the next entry.
    #[inline(always)]
    pub(crate) fn pop(&mut self) {
        self.head = self.head.wrapping_add(1);
        if self.head == self.entries {
            self.head = 0;
            self.phase ^= 1;
        }
    }
}

/// Whether a shadow doorbell that went from `old` to `new` must be followed by the real one: when
/// it passed the event index that the controller wrote (section 8.2.6, Doorbell Buffer Config).
/// All three wrap at 65,536.
pub(crate) fn event_needed(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Numbers that look random; the same in every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) % bound
        }
    }

    #[test]
    fn refuses_sizes_that_no_queue_has() {
        for entries in [0, 1, 65_537, u32::MAX] {
            assert!(SqRing::new(entries).is_none() && CqRing::new(entries).is_none());
        }
        assert!(SqRing::new(65_536).is_some() && CqRing::new(65_536).is_some());
    }

    /// Against a controller that fetches what the doorbell shows it: every command arrives once,
    /// in order, none before the doorbell, and none is left behind after `last`.
    #[test]
    fn commands_arrive_once_and_in_order() {
        let mut random = Random(1);
        for entries in [2u32, 3, 4, 5, 16, 33] {
            let mut ring = SqRing::new(entries).unwrap();
            assert_eq!(ring.entries(), entries);
            let mut memory = vec![u64::MAX; entries as usize];
            let (mut head, mut seen) = (0u32, 0u64);
            let (mut sent, mut in_flight) = (0u64, 0u32);
            for _ in 0..20_000 {
                // Tags: one fewer than slots, given back when the controller has fetched.
                if in_flight + 1 < entries {
                    memory[ring.push() as usize] = sent;
                    sent += 1;
                    in_flight += 1;
                }
                let last = random.below(3) == 0;
                if let Some(tail) = ring.ring(last) {
                    assert!(tail < entries);
                    assert_ne!(tail, head, "a doorbell that says: empty");
                    while head != tail {
                        assert_eq!(memory[head as usize], seen);
                        memory[head as usize] = u64::MAX;
                        seen += 1;
                        head = (head + 1) % entries;
                        in_flight -= 1;
                    }
                }
                if last {
                    assert_eq!(seen, sent);
                }
            }
            assert!(seen > 9_000);
        }
    }

    #[test]
    fn rings_only_for_something_new() {
        let mut ring = SqRing::new(8).unwrap();
        assert_eq!(ring.ring(true), None);
        ring.push();
        assert_eq!(ring.ring(false), None);
        assert_eq!(ring.ring(true), Some(1));
        assert_eq!(ring.ring(true), None);
    }

    /// Against a controller that posts with its own phase tag: every completion is seen once, in
    /// order, and what was seen already is not new.
    #[test]
    fn completions_are_seen_once_and_in_order() {
        let mut random = Random(2);
        for entries in [2u32, 3, 7, 64] {
            let mut ring = CqRing::new(entries).unwrap();
            let mut memory = vec![(0u64, 0u16); entries as usize];
            let mut posted = VecDeque::new();
            let (mut tail, mut phase, mut number) = (0u32, 1u16, 0u64);
            for _ in 0..20_000 {
                // The controller must not overrun what the host has not consumed.
                for _ in 0..random.below(u64::from(entries)) {
                    if posted.len() as u32 + 1 < entries {
                        memory[tail as usize] = (number, 0xabcc | phase);
                        posted.push_back(number);
                        number += 1;
                        tail += 1;
                        if tail == entries {
                            (tail, phase) = (0, phase ^ 1);
                        }
                    }
                }
                for _ in 0..random.below(u64::from(entries)) {
                    let (entry, status) = memory[ring.head() as usize];
                    assert_eq!(ring.is_new(status), !posted.is_empty());
                    if let Some(expected) = posted.pop_front() {
                        assert_eq!(entry, expected);
                        ring.pop();
                    }
                }
            }
            assert!(number > 5_000);
        }
    }

    /// Against the rule in words: the event index lies in the half-open interval (old, new] that
    /// the doorbell went through, counted from the slot after the event.
    #[test]
    fn event_rule_agrees_with_walking() {
        let mut random = Random(3);
        for _ in 0..200_000 {
            let old = random.below(65_536) as u16;
            let steps = random.below(200) as u16;
            let event = old.wrapping_add(random.below(400) as u16).wrapping_sub(200);
            let walked = (0..steps).any(|step| old.wrapping_add(step) == event);
            assert_eq!(event_needed(event, old.wrapping_add(steps), old), walked);
        }
    }
}
