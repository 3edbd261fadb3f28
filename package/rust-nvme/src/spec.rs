// SPDX-License-Identifier: GPL-2.0

//! Registers and wire structures, each declared once.
//!
//! Figure numbers are those of the NVM Express Base Specification, revision 2.1 (August 2024), and
//! where it says so of the NVMe over PCIe Transport Specification, revision 1.1. What is built or
//! parsed by the kernel's NVMe core stands in [`include/linux/nvme.h`](srctree/include/linux/nvme.h)
//! and is not repeated here.

/// Offsets of the controller's registers in BAR 0, in bytes (Figure 33).
pub(crate) mod reg {
    /// Version (Figure 37).
    pub(crate) const VS: usize = 0x08;
    /// Controller status (Figure 42).
    pub(crate) const CSTS: usize = 0x1c;
    /// NVM subsystem reset (Figure 43).
    pub(crate) const NSSR: usize = 0x20;
    /// Admin queue attributes (Figure 44).
    pub(crate) const AQA: usize = 0x24;
    /// Admin submission queue base address (Figure 45).
    pub(crate) const ASQ: usize = 0x28;
    /// Admin completion queue base address (Figure 46).
    pub(crate) const ACQ: usize = 0x30;
    /// The first doorbell (PCIe Transport 1.1, section 3.1.2).
    pub(crate) const DOORBELLS: usize = 0x1000;
}

/// What [`reg::NSSR`] takes to reset the subsystem: "NVMe" (Figure 43).
pub(crate) const NSSR_RESET: u32 = 0x4e56_4d65;
/// The version from which CAP.NSSRS counts: 1.1 (Figure 38).
pub(crate) const VERSION_1_1: u32 = 0x0001_0100;

/// Controller capabilities (Figure 36).
#[derive(Clone, Copy)]
pub(crate) struct Cap(pub(crate) u64);

impl Cap {
    /// MQES: the most entries that an I/O queue may have, 1 to 65,536. The field is 0's based.
    pub(crate) fn max_entries(self) -> u32 {
        (self.0 & 0xffff) as u32 + 1
    }

    /// DSTRD: bytes from one doorbell to the next, 4 to 131,072.
    pub(crate) fn doorbell_stride(self) -> usize {
        4 << (self.0 >> 32 & 0xf)
    }

    /// NSSRS: whether the subsystem can be reset.
    pub(crate) fn subsystem_reset(self) -> bool {
        self.0 >> 36 & 1 != 0
    }
}

/// Controller status (Figure 42).
#[derive(Clone, Copy)]
pub(crate) struct Csts(pub(crate) u32);

impl Csts {
    /// NSSRO, which a one clears.
    pub(crate) const NSSRO: u32 = 1 << 4;

    /// The bus answers all ones for a device that is gone.
    pub(crate) fn gone(self) -> bool {
        self.0 == u32::MAX
    }

    /// RDY: the controller takes commands.
    pub(crate) fn ready(self) -> bool {
        self.0 & 1 != 0
    }

    /// CFS: the controller has failed and needs a reset.
    pub(crate) fn fatal(self) -> bool {
        self.0 & 1 << 1 != 0
    }

    /// NSSRO: a subsystem reset happened.
    pub(crate) fn subsystem_was_reset(self) -> bool {
        self.0 & Self::NSSRO != 0
    }
}

/// The admin queues' sizes as [`reg::AQA`] takes them (Figure 44); both are 0's based.
pub(crate) fn admin_queue_attributes(entries: u16) -> u32 {
    let size = u32::from(entries) - 1;
    size << 16 | size
}

/// Offset in BAR 0 of a queue's submission tail doorbell; its completion head doorbell follows one
/// stride later (PCIe Transport 1.1, section 3.1.2).
pub(crate) fn doorbell(qid: u16, stride: usize) -> usize {
    reg::DOORBELLS + 2 * usize::from(qid) * stride
}

/// A submission queue entry, opaque here: the core fills it (section 4.1.1).
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(crate) struct SqEntry(pub(crate) [u64; 8]);

/// A completion queue entry (Figure 96); little endian on the wire.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub(crate) struct CqEntry {
    /// Dwords 0 and 1, what the command returns.
    pub(crate) result: u64,
    /// SQHD, how far the controller has read the submission queue (Figure 97).
    pub(crate) sq_head: u16,
    /// SQID (Figure 97).
    pub(crate) sq_id: u16,
    /// CID (Figure 98).
    pub(crate) command_id: u16,
    /// The phase tag in bit 0, the status field above it (Figures 98 and 100).
    pub(crate) status: u16,
}

/// An SGL descriptor: data block or last segment (Figures 117 and 120); little endian.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SglDescriptor {
    address: u64,
    length: u32,
    reserved: [u8; 3],
    identifier: u8,
}

impl SglDescriptor {
    /// Describes `length` bytes of data at `address` (Figure 117, type 0h).
    pub(crate) fn data(address: u64, length: u32) -> Self {
        Self {
            address: address.to_le(),
            length: length.to_le(),
            reserved: [0; 3],
            identifier: 0,
        }
    }

    /// Describes the last segment: `entries` descriptors at `address` (Figure 120, type 3h).
    pub(crate) fn last_segment(address: u64, entries: usize) -> Self {
        let length = (entries * size_of::<Self>()) as u32;
        Self {
            identifier: 3 << 4,
            ..Self::data(address, length)
        }
    }

    /// The two words that stand in a command's data pointer.
    pub(crate) fn words(self) -> [u64; 2] {
        let mut tail = [0; 8];
        tail[..4].copy_from_slice(&self.length.to_ne_bytes());
        tail[7] = self.identifier;
        [self.address, u64::from_ne_bytes(tail)]
    }
}

/// A Read or Write command of the NVM Command Set (revision 1.1, sections 3.3.4 and 3.3.6) without
/// metadata; the data pointer follows later.
pub(crate) struct Transfer {
    /// 2 reads, 1 writes.
    pub(crate) opcode: u8,
    /// See [`crate::custody::CommandId`].
    pub(crate) command_id: u16,
    /// The namespace.
    pub(crate) nsid: u32,
    /// The first logical block.
    pub(crate) lba: u64,
    /// How many blocks, 1 to 65,536; 0's based on the wire.
    pub(crate) blocks: u32,
    /// The upper half of dword 12.
    pub(crate) control: u16,
    /// Dword 13, the access hint.
    pub(crate) hint: u32,
}

impl Transfer {
    /// FUA: the data is on the medium before the command completes.
    pub(crate) const FUA: u16 = 1 << 14;
    /// LR: the controller tries less hard.
    pub(crate) const LIMITED_RETRY: u16 = 1 << 15;
    /// DSM: a speculative read.
    pub(crate) const PREFETCH: u32 = 7;

    /// The command as the wire has it.
    #[inline(always)]
    pub(crate) fn entry(self) -> SqEntry {
        let head = u64::from(self.opcode) | u64::from(self.command_id) << 16;
        let length = u64::from(self.blocks.wrapping_sub(1) as u16);
        let mut words = [0; 8];
        words[0] = (head | u64::from(self.nsid) << 32).to_le();
        words[5] = self.lba.to_le();
        words[6] = (length | u64::from(self.control) << 16 | u64::from(self.hint) << 32).to_le();
        SqEntry(words)
    }
}

const _: () = {
    assert!(size_of::<SqEntry>() == 64);
    assert!(size_of::<CqEntry>() == 16);
    assert!(size_of::<SglDescriptor>() == 16);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_capabilities() {
        // What QEMU's controller says: MQES 2047, DSTRD 0, NSSRS 0.
        let qemu = Cap(0x4018_200f_0107_ff);
        assert_eq!(qemu.max_entries(), 0x800);
        assert_eq!(Cap(u64::MAX).max_entries(), 65_536);
        assert_eq!(Cap(0).max_entries(), 1);
        assert_eq!(Cap(0).doorbell_stride(), 4);
        assert_eq!(Cap(0xf << 32).doorbell_stride(), 131_072);
        assert!(Cap(1 << 36).subsystem_reset());
        assert!(!Cap(!(1 << 36)).subsystem_reset());
    }

    #[test]
    fn decodes_status() {
        assert!(Csts(u32::MAX).gone());
        assert!(Csts(1).ready() && !Csts(1).fatal() && !Csts(1).gone());
        assert!(Csts(2).fatal() && !Csts(2).ready());
        assert!(Csts(Csts::NSSRO).subsystem_was_reset());
    }

    #[test]
    fn places_doorbells() {
        assert_eq!(doorbell(0, 4), 0x1000);
        assert_eq!(doorbell(1, 4), 0x1008);
        assert_eq!(doorbell(3, 16), 0x1060);
        assert_eq!(admin_queue_attributes(32), 0x001f_001f);
        assert_eq!(
            [reg::VS, reg::CSTS, reg::NSSR, reg::AQA],
            [8, 0x1c, 0x20, 0x24]
        );
        assert_eq!([reg::ASQ, reg::ACQ], [0x28, 0x30]);
        assert_eq!((NSSR_RESET.to_be_bytes(), VERSION_1_1), (*b"NVMe", 0x10100));
    }

    #[test]
    fn sgl_descriptors_look_as_the_wire_wants() {
        let words = SglDescriptor::data(0x1234_5678_9abc, 0x200).words();
        assert_eq!(words[0].to_ne_bytes(), 0x1234_5678_9abcu64.to_le_bytes());
        assert_eq!(words[1].to_ne_bytes(), [0, 2, 0, 0, 0, 0, 0, 0]);
        let words = SglDescriptor::last_segment(0x1000, 3).words();
        assert_eq!(words[1].to_ne_bytes(), [48, 0, 0, 0, 0, 0, 0, 0x30]);
    }

    #[test]
    fn completion_entries_have_the_wires_layout() {
        let entry = CqEntry {
            result: 1,
            sq_head: 2,
            sq_id: 3,
            command_id: 4,
            status: 5,
        };
        let fields = (
            entry.result,
            entry.sq_head,
            entry.sq_id,
            entry.command_id,
            entry.status,
        );
        assert_eq!(fields, (1, 2, 3, 4, 5));
        assert_eq!(core::mem::offset_of!(CqEntry, status), 14);
        assert_eq!(SqEntry([0; 8]).0.len(), 8);
    }

    /// Byte offsets are the command set's.
    #[test]
    fn transfers_look_as_the_wire_wants() {
        let entry = Transfer {
            opcode: 1,
            command_id: 0x5123,
            nsid: 0x0a0b_0c0d,
            lba: 0x1122_3344_5566,
            blocks: 65_536,
            control: Transfer::FUA | Transfer::LIMITED_RETRY,
            hint: Transfer::PREFETCH,
        };
        let bytes: Vec<u8> = entry
            .entry()
            .0
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect();
        assert_eq!(bytes[..8], [1, 0, 0x23, 0x51, 0x0d, 0x0c, 0x0b, 0x0a]);
        assert_eq!(bytes[8..40], [0; 32]);
        assert_eq!(bytes[40..48], 0x1122_3344_5566u64.to_le_bytes());
        assert_eq!(bytes[48..52], [0xff, 0xff, 0x00, 0xc0]);
        assert_eq!(bytes[52..56], [7, 0, 0, 0]);
        assert_eq!(bytes[56..], [0; 8]);
    }
}
