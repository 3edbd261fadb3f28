// SPDX-License-Identifier: GPL-2.0

//! Devices that need a workaround, by PCI identifiers.
//!
//! The facts are those of the table in [`drivers/nvme/host/pci.c`](srctree/drivers/nvme/host/pci.c):
//! the devices that are sold as modules and drives, or emulated. Machines of one vendor, which
//! solder theirs down, are left out.

/// Bits of `enum nvme_quirks`; the border asserts that they are the core's.
pub(crate) mod quirk {
    /// Prefers I/O aligned to a stripe.
    pub(crate) const STRIPE_SIZE: u32 = 1 << 0;
    /// Handles only the oldest Identify requests.
    pub(crate) const IDENTIFY_CNS: u32 = 1 << 1;
    /// Reads zeroes where blocks were deallocated.
    pub(crate) const DEALLOCATE_ZEROES: u32 = 1 << 2;
    /// Must not be asked whether it is ready for a while.
    pub(crate) const DELAY_BEFORE_CHK_RDY: u32 = 1 << 3;
    /// Does not come back from its deepest power state.
    pub(crate) const NO_DEEPEST_PS: u32 = 1 << 5;
    /// Takes one command at a time.
    pub(crate) const QDEPTH_ONE: u32 = 1 << 6;
    /// Wants submission queues of medium priority.
    pub(crate) const MEDIUM_PRIO_SQ: u32 = 1 << 7;
    /// Reports a subsystem name that is not its own.
    pub(crate) const IGNORE_DEV_SUBNQN: u32 = 1 << 8;
    /// Writes zeroes wrongly.
    pub(crate) const DISABLE_WRITE_ZEROES: u32 = 1 << 9;
    /// Has one interrupt vector for all queues.
    pub(crate) const SINGLE_VECTOR: u32 = 1 << 11;
    /// Does not like its temperature threshold changed.
    pub(crate) const NO_TEMP_THRESH_CHANGE: u32 = 1 << 14;
    /// Lacks the namespace descriptor list.
    pub(crate) const NO_NS_DESC_LIST: u32 = 1 << 15;
    /// Addresses 48 bits only.
    pub(crate) const DMA_ADDRESS_BITS_48: u32 = 1 << 16;
    /// Reports namespace identifiers that are not unique.
    pub(crate) const BOGUS_NID: u32 = 1 << 18;
    /// Has no second temperature threshold.
    pub(crate) const NO_SECONDARY_TEMP_THRESH: u32 = 1 << 19;
    /// Has MSI that never fires; MSI-X does.
    pub(crate) const BROKEN_MSI: u32 = 1 << 21;
    /// Wants short lists aligned to 512 bytes.
    pub(crate) const DMAPOOL_ALIGN_512: u32 = 1 << 22;
}

use quirk::*;

/// Vendor, device, and what they need; sorted.
const TABLE: &[(u16, u16, u32)] = &[
    // Solidigm P44 Pro
    (0x025e, 0xf1ac, NO_DEEPEST_PS),
    // ADATA SX6000LNP
    (0x10ec, 0x5762, IGNORE_DEV_SUBNQN | BOGUS_NID),
    // ADATA SX6000PNP, Teamgroup T-Force Cardea Zero Z330
    (0x10ec, 0x5763, BOGUS_NID),
    // Teamgroup MP33
    (0x10ec, 0x5765, BOGUS_NID),
    // O2 Micro, Steam Deck
    (0x1217, 0x8760, DMAPOOL_ALIGN_512),
    // Silicon Motion
    (0x126f, 0x1001, NO_DEEPEST_PS | IGNORE_DEV_SUBNQN),
    (0x126f, 0x2262, NO_DEEPEST_PS | BOGUS_NID),
    (0x126f, 0x2263, NO_NS_DESC_LIST | BOGUS_NID),
    // Micron
    (0x1344, 0x5407, IGNORE_DEV_SUBNQN),
    (0x1344, 0x6001, BOGUS_NID),
    (0x1344, 0x6004, DMAPOOL_ALIGN_512),
    // Samsung SM953, MZALQ256, PM9B1, PM1725, PM1725a
    (0x144d, 0xa802, BOGUS_NID),
    (0x144d, 0xa809, DISABLE_WRITE_ZEROES),
    (0x144d, 0xa80b, DISABLE_WRITE_ZEROES | BOGUS_NID),
    (0x144d, 0xa821, DELAY_BEFORE_CHK_RDY),
    (
        0x144d,
        0xa822,
        DELAY_BEFORE_CHK_RDY | DISABLE_WRITE_ZEROES | IGNORE_DEV_SUBNQN,
    ),
    // Sandisk Skyhawk, SN530, SN550
    (0x15b7, 0x2001, DISABLE_WRITE_ZEROES),
    (0x15b7, 0x5008, BROKEN_MSI),
    (0x15b7, 0x5009, BROKEN_MSI | NO_DEEPEST_PS),
    // Phison E12, E16, E19, E21
    (0x1987, 0x5012, BOGUS_NID),
    (0x1987, 0x5016, IGNORE_DEV_SUBNQN | BOGUS_NID),
    (0x1987, 0x5019, DISABLE_WRITE_ZEROES),
    (0x1987, 0x5021, DISABLE_WRITE_ZEROES),
    // QEMU's controller
    (0x1b36, 0x0010, BOGUS_NID),
    // Lexar 256 GB
    (0x1b4b, 0x1092, NO_NS_DESC_LIST | IGNORE_DEV_SUBNQN),
    // Seagate Nytro
    (0x1bb1, 0x0100, DELAY_BEFORE_CHK_RDY | NO_NS_DESC_LIST),
    // HGST, WDC SN200
    (0x1c58, 0x0003, DELAY_BEFORE_CHK_RDY),
    (0x1c58, 0x0023, DELAY_BEFORE_CHK_RDY),
    // SK Hynix PC400, P31, BC901
    (0x1c5c, 0x1504, DISABLE_WRITE_ZEROES),
    (0x1c5c, 0x174a, BOGUS_NID),
    (0x1c5c, 0x1d59, DISABLE_WRITE_ZEROES),
    // Memblaze PBlaze4, PBlaze5
    (0x1c5f, 0x0540, DELAY_BEFORE_CHK_RDY),
    (0x1c5f, 0x0555, NO_NS_DESC_LIST),
    // ADATA IM2P33F8ABR1, XPG Gammix S50, SX8200PNP
    (0x1cc1, 0x33f8, BOGUS_NID),
    (0x1cc1, 0x5350, BOGUS_NID),
    (0x1cc1, 0x8201, NO_DEEPEST_PS | IGNORE_DEV_SUBNQN),
    // UMIS RPJTJ256, RPJTJ512
    (0x1cc4, 0x6302, DISABLE_WRITE_ZEROES),
    (0x1cc4, 0x6303, DISABLE_WRITE_ZEROES),
    // Amazon's emulated controllers
    (0x1d0f, 0x0061, DMA_ADDRESS_BITS_48),
    (0x1d0f, 0x0065, DMA_ADDRESS_BITS_48),
    (0x1d0f, 0x8061, DMA_ADDRESS_BITS_48),
    (0x1d0f, 0xcd00, DMA_ADDRESS_BITS_48),
    (0x1d0f, 0xcd01, DMA_ADDRESS_BITS_48),
    (0x1d0f, 0xcd02, DMA_ADDRESS_BITS_48),
    // Lexar NM620, SPCC and Lexar NM610, Lexar NM760
    (0x1d97, 0x1d97, BOGUS_NID),
    (0x1d97, 0x2263, DISABLE_WRITE_ZEROES | BOGUS_NID),
    (0x1d97, 0x2269, BOGUS_NID | IGNORE_DEV_SUBNQN),
    // Innogrit, ADATA XPG Gammix S70
    (0x1dbe, 0x5216, BOGUS_NID),
    (0x1dbe, 0x5236, BOGUS_NID),
    // Zhitai TiPro5000, TiPro7000
    (0x1e49, 0x0021, NO_DEEPEST_PS),
    (0x1e49, 0x0041, NO_DEEPEST_PS),
    // Maxio MAP1001, MAP1002, MAP1202, MAP1602
    (0x1e4b, 0x1001, BOGUS_NID),
    (0x1e4b, 0x1002, BOGUS_NID),
    (0x1e4b, 0x1202, BOGUS_NID),
    (0x1e4b, 0x1602, BOGUS_NID),
    // Netac NV3000, NV7000
    (0x1f40, 0x1202, BOGUS_NID),
    (0x1f40, 0x5236, BOGUS_NID),
    // Wodposit WPBSNM8
    (0x1fa0, 0x2283, NO_SECONDARY_TEMP_THRESH),
    // Kingston SKC2000, A2000, KC3000, OM3PGP4, OM8SFP4, OM8PGP4, OM3SGP4
    (0x2646, 0x2262, NO_DEEPEST_PS),
    (0x2646, 0x2263, NO_DEEPEST_PS),
    (0x2646, 0x5013, NO_SECONDARY_TEMP_THRESH),
    (0x2646, 0x5016, DISABLE_WRITE_ZEROES),
    (0x2646, 0x5018, DISABLE_WRITE_ZEROES),
    (0x2646, 0x501a, DISABLE_WRITE_ZEROES),
    (0x2646, 0x501b, DISABLE_WRITE_ZEROES),
    (0x2646, 0x501e, DISABLE_WRITE_ZEROES),
    (0x2646, 0x502f, DISABLE_WRITE_ZEROES),
    // Intel 750 and P3700, P3520, P4500, P4600, QEMU's older controller, 600p, 760p
    (0x8086, 0x0953, STRIPE_SIZE | DEALLOCATE_ZEROES),
    (0x8086, 0x0a53, STRIPE_SIZE | DEALLOCATE_ZEROES),
    (0x8086, 0x0a54, STRIPE_SIZE | IGNORE_DEV_SUBNQN | BOGUS_NID),
    (0x8086, 0x0a55, STRIPE_SIZE),
    (
        0x8086,
        0x5845,
        IDENTIFY_CNS | DISABLE_WRITE_ZEROES | BOGUS_NID,
    ),
    (
        0x8086,
        0xf1a5,
        NO_DEEPEST_PS | MEDIUM_PRIO_SQ | NO_TEMP_THRESH_CHANGE | DISABLE_WRITE_ZEROES,
    ),
    (0x8086, 0xf1a6, IGNORE_DEV_SUBNQN),
    // Crucial P2
    (0xc0a9, 0x540a, BOGUS_NID),
];

/// What a device needs.
pub(crate) fn of(vendor: u16, device: u16) -> u32 {
    let key = |entry: &(u16, u16, u32)| (entry.0, entry.1);
    TABLE
        .binary_search_by_key(&(vendor, device), key)
        .map_or(0, |index| TABLE[index].2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_found_in() {
        assert!(TABLE
            .windows(2)
            .all(|pair| (pair[0].0, pair[0].1) < (pair[1].0, pair[1].1)));
        for &(vendor, device, quirks) in TABLE {
            assert_ne!(quirks, 0);
            assert_eq!(of(vendor, device), quirks);
        }
        assert_eq!(of(0x1b36, 0x0010), BOGUS_NID);
        assert_eq!(of(0x1b36, 0x0011), 0);
        assert_eq!(of(0, 0) | of(0xffff, 0xffff), 0);
    }

    #[test]
    fn no_quirk_has_two_meanings() {
        let all = [
            QDEPTH_ONE,
            SINGLE_VECTOR,
            NO_TEMP_THRESH_CHANGE,
            MEDIUM_PRIO_SQ,
        ];
        assert_eq!(all.iter().fold(0, |seen, bit| seen ^ bit).count_ones(), 4);
    }
}
