// SPDX-License-Identifier: GPL-2.0

//! Who has a request, and what a completion must say to be believed.
//!
//! A controller names a command by the identifier that the host gave it. It may name one that it
//! does not have: never given out, answered before, given out again since, or another queue's.

/// A command identifier: the request's tag in the lower 12 bits, above it the request's generation,
/// so that a completion that comes twice names a request of the past
/// ([`drivers/nvme/host/nvme.h`](srctree/drivers/nvme/host/nvme.h), `nvme_cid`).
#[derive(Clone, Copy)]
pub(crate) struct CommandId(pub(crate) u16);

impl CommandId {
    /// The identifier of the request with this tag, 0 to 4,095, in this generation.
    pub(crate) fn new(tag: u16, generation: u8) -> Self {
        Self(u16::from(generation & 0xf) << 12 | tag & 0xfff)
    }

    /// The request's tag.
    #[inline(always)]
    pub(crate) fn tag(self) -> u16 {
        self.0 & 0xfff
    }
}

/// Who has a request: one byte, so that it is read whole while another CPU writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Custody(u8);

impl Custody {
    /// The host has it. Also what zeroed memory says.
    pub(crate) const HOST: Self = Self(0);

    /// The controller has it, in this generation; only the lower four bits travel.
    #[inline(always)]
    pub(crate) fn controller(generation: u8) -> Self {
        Self(0x80 | generation & 0xf)
    }

    /// Whether a completion with this identifier, whose tag is the request's, ends it.
    #[inline(always)]
    pub(crate) fn ends_by(self, id: CommandId) -> bool {
        self.0 == 0x80 | (id.0 >> 12) as u8
    }
}

/// The tag that a completion on queue `qid` names: [`None`] where it answers another queue's
/// command (SQID, Figure 97; a completion queue here has one submission queue, of its own number),
/// or where the queue has no such tag.
#[inline(always)]
pub(crate) fn named_tag(qid: u16, sq_id: u16, id: CommandId, tags: u32) -> Option<u16> {
    (sq_id == qid && u32::from(id.tag()) < tags).then_some(id.tag())
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn command_identifiers_round_trip() {
        for tag in 0..4096 {
            for generation in 0..=u8::MAX {
                let id = CommandId::new(tag, generation);
                assert_eq!(id.tag(), tag);
                assert!(Custody::controller(generation).ends_by(id));
                assert!(Custody::controller(generation.wrapping_add(16)).ends_by(id));
                assert!(!Custody::controller(generation.wrapping_add(1)).ends_by(id));
                assert!(!Custody::HOST.ends_by(id));
            }
        }
    }

    #[test]
    fn other_queues_and_unknown_tags_are_nobodys() {
        let id = CommandId::new(5, 3);
        assert_eq!(named_tag(1, 1, id, 6), Some(5));
        assert_eq!(named_tag(1, 1, id, 5), None);
        for sq_id in [0, 2, 257, u16::MAX] {
            assert_eq!(named_tag(1, sq_id, id, 6), None);
        }
    }

    /// A driver's requests, as the queue handles them.
    struct Host {
        qid: u16,
        custody: Vec<Custody>,
        generations: Vec<u8>,
    }

    impl Host {
        fn submit(&mut self, tag: usize) -> CommandId {
            self.custody[tag] = Custody::controller(self.generations[tag]);
            CommandId::new(tag as u16, self.generations[tag])
        }

        fn accept(&mut self, sq_id: u16, id: CommandId) -> Option<usize> {
            let tag = usize::from(named_tag(self.qid, sq_id, id, self.custody.len() as u32)?);
            if !self.custody[tag].ends_by(id) {
                return None;
            }
            self.custody[tag] = Custody::HOST;
            self.generations[tag] = self.generations[tag].wrapping_add(1);
            Some(tag)
        }
    }

    /// Against a controller that answers in any order and lies between: a command ends by its own
    /// identifier on its own queue alone, and once; every lie is refused.
    #[test]
    fn only_what_the_controller_has_is_believed() {
        let mut random = Random(4);
        for tags in [1usize, 2, 31, 64, 1023] {
            let mut host = Host {
                qid: 3,
                custody: vec![Custody::HOST; tags],
                generations: vec![0; tags],
            };
            // What the controller has, and what it answered last.
            let (mut held, mut stale) = (Vec::<CommandId>::new(), Vec::<CommandId>::new());
            let (mut ended, mut refused) = (0, 0);
            for _ in 0..20_000 {
                let free = random.below(tags as u64) as usize;
                if host.custody[free] == Custody::HOST {
                    held.push(host.submit(free));
                }
                let honest = held.iter().map(|id| id.0).collect::<Vec<_>>();
                let (sq_id, id) = match random.below(4) {
                    0 if !held.is_empty() => {
                        let id = held.swap_remove(random.below(held.len() as u64) as usize);
                        stale.push(id);
                        assert_eq!(host.accept(3, id), Some(id.tag().into()));
                        ended += 1;
                        continue;
                    }
                    // An answer of before, of up to fifteen generations ago.
                    1 if !stale.is_empty() => {
                        let last = stale.len().saturating_sub(15);
                        let back = last + random.below((stale.len() - last) as u64) as usize;
                        (3, stale[back])
                    }
                    // A command that it has, of another queue.
                    2 if !held.is_empty() => (random.below(3) as u16, held[0]),
                    _ => (3, CommandId(random.below(65_536) as u16)),
                };
                // Four bits of generation: a lie can be the truth.
                if sq_id == 3 && honest.contains(&id.0) {
                    continue;
                }
                let before = host.custody.clone();
                assert_eq!(host.accept(sq_id, id), None);
                assert_eq!(host.custody, before);
                refused += 1;
            }
            assert!(ended > 1_000 && refused > 5_000);
        }
    }
}
