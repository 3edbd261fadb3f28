// SPDX-License-Identifier: GPL-2.0

//! How many queues, how deep, and which interrupt serves which: decided on numbers alone.

/// The smallest and the largest `io_queue_depth`; the core's command identifiers have 12 bits.
pub(crate) const MIN_DEPTH: u32 = 2;
/// See [`MIN_DEPTH`].
pub(crate) const MAX_DEPTH: u32 = 4095;

/// Entries of an I/O queue: what the parameter asks for, within what the controller and this
/// driver can do. A controller that claims fewer than two gets two, the least that works at all.
pub(crate) fn queue_entries(asked: u32, controller: u32) -> u32 {
    asked
        .clamp(MIN_DEPTH, MAX_DEPTH)
        .min(controller)
        .max(MIN_DEPTH)
}

/// Queues of each kind, in blk-mq's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queues {
    /// For what has no queue of its own; writes where `read` is not 0.
    pub(crate) default: u32,
    /// For reads.
    pub(crate) read: u32,
    /// For polled requests; they have no interrupt.
    pub(crate) poll: u32,
}

impl Queues {
    /// All I/O queues.
    pub(crate) fn total(self) -> u32 {
        self.default + self.read + self.poll
    }

    /// How many of blk-mq's maps the tag set needs.
    pub(crate) fn maps(self) -> u32 {
        match (self.read, self.poll) {
            (_, 1..) => 3,
            (1.., _) => 2,
            _ => 1,
        }
    }
}

/// Poll queues out of `granted`: at least one queue must be left that has an interrupt.
pub(crate) fn poll_queues(asked: u32, granted: u32) -> u32 {
    asked.min(granted.saturating_sub(1))
}

/// Divides `vectors` interrupt vectors, the admin queue's not counted, between default and read
/// queues. With none at all one queue shares the admin queue's vector.
pub(crate) fn divide(vectors: u32, writes_asked: u32) -> Queues {
    let all = vectors.max(1);
    let default = match writes_asked {
        0 => all,
        _ if all == 1 => 1,
        writes => writes.min(all - 1),
    };
    Queues {
        default,
        read: all - default,
        poll: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_keeps_both_sides_limits() {
        assert_eq!(queue_entries(1024, 2048), 1024);
        assert_eq!(queue_entries(1024, 64), 64);
        assert_eq!(queue_entries(0, 2048), 2);
        assert_eq!(queue_entries(u32::MAX, 65_536), 4095);
        // Absurd controllers.
        assert_eq!(queue_entries(1024, 0), 2);
        assert_eq!(queue_entries(1024, 1), 2);
    }

    #[test]
    fn every_division_uses_each_vector_once() {
        for vectors in 0..40 {
            for writes in 0..40 {
                let queues = divide(vectors, writes);
                assert_eq!(queues.total(), vectors.max(1));
                assert!(queues.default >= 1);
                assert_eq!(queues.read > 0, writes > 0 && vectors > 1);
                if queues.read > 0 {
                    assert!(queues.default == writes || queues.read == 1);
                }
            }
        }
    }

    #[test]
    fn polling_leaves_an_interrupt() {
        for granted in 0..20 {
            for asked in 0..20 {
                let poll = poll_queues(asked, granted);
                assert!(poll <= asked);
                assert!(granted == 0 || poll < granted);
            }
        }
        let queues = Queues {
            default: 2,
            read: 0,
            poll: 1,
        };
        assert_eq!((queues.maps(), queues.total()), (3, 3));
        assert_eq!(
            Queues {
                default: 1,
                read: 1,
                poll: 0
            }
            .maps(),
            2
        );
        assert_eq!(divide(3, 0).maps(), 1);
    }
}
