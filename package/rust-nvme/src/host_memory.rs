// SPDX-License-Identifier: GPL-2.0

//! The host memory buffer: memory that the host lends to controllers without their own
//! (section 8.2.3).

use crate::dma::{Coherent, DmaDevice, Lent};
use crate::nvme::{AdminCommand, Ctrl};
use crate::params;
use kernel::prelude::*;

/// The controller's unit, in bytes.
const UNIT: u64 = 4096;
/// The largest piece to ask for, in bytes.
const LARGEST_PIECE: u64 = 4 << 20;
/// Set Features, bit 0: the buffer is there.
const ENABLE: u32 = 1 << 0;
/// Set Features, bit 1: it holds what it held before.
const RETURN: u32 = 1 << 1;

/// Memory that a controller has, or had before it slept.
pub(crate) struct HostMemory {
    /// Address and size in [`UNIT`]s of each piece, as the controller reads them.
    descriptors: Coherent<u64>,
    /// What the descriptors point to, in the order of the list.
    pieces: KVec<Lent>,
    bytes: u64,
    /// The controller has taken it once: what it holds is the controller's.
    taken: bool,
}

impl HostMemory {
    /// Offers the controller what it asks for, within the limit of the module's parameter: what it
    /// had before, in `place`, where that is still enough, else new memory; false where it refuses.
    ///
    /// Without memory to lend the controller works without, more slowly. What was offered is in
    /// `place` afterwards, refused or not.
    ///
    /// # Errors
    ///
    /// Those of the command.
    pub(crate) fn offer(ctrl: Ctrl, device: DmaDevice, place: &mut Option<Self>) -> Result<bool> {
        let (preferred, least, most_pieces, least_piece) = ctrl.host_memory_wishes();
        if preferred == 0 {
            return Ok(true);
        }
        let limit = u64::from(params::max_host_mem_size_mb()) << 20;
        let least = u64::from(least) * UNIT;
        let preferred = (u64::from(preferred) * UNIT).min(limit);
        if least > limit || preferred == 0 {
            dev_warn!(
                ctrl.log(),
                "wants {} MiB of host memory at least\n",
                least >> 20
            );
            *place = None;
            return Ok(true);
        }
        let bits = match place {
            Some(memory) if memory.bytes >= least && memory.taken => ENABLE | RETURN,
            Some(memory) if memory.bytes >= least => ENABLE,
            // What it asks for and the limit change with a reset alone: it does not use the old.
            _ => {
                let least_piece = (u64::from(least_piece) * UNIT).max(2 * UNIT);
                // The old one first, of which the new one may be made.
                *place = None;
                *place = Self::find(device, preferred, least, most_pieces, least_piece);
                ENABLE
            }
        };
        let Some(memory) = place else {
            dev_warn!(ctrl.log(), "no host memory to lend\n");
            return Ok(true);
        };
        if !ctrl.submit_sync(memory.command(bits))? {
            dev_warn!(ctrl.log(), "refuses host memory\n");
            return Ok(false);
        }
        memory.taken = true;
        let count = memory.pieces.len();
        dev_info!(
            ctrl.log(),
            "lent {} MiB of host memory in {count}\n",
            memory.bytes >> 20
        );
        Ok(true)
    }

    /// Tells the controller not to use the memory until it is offered again.
    pub(crate) fn take_back(&mut self, ctrl: Ctrl) -> Result {
        // A controller that refuses goes on as it is: that keeps no system awake.
        ctrl.submit_sync(AdminCommand::host_memory(0, 0, 0, 0))
            .map(drop)
    }

    fn command(&self, bits: u32) -> AdminCommand {
        let pages = (self.bytes / UNIT) as u32;
        let count = self.pieces.len() as u32;
        AdminCommand::host_memory(bits, pages, self.descriptors.address(), count)
    }

    /// Tries pieces that get smaller until they add up to enough.
    fn find(
        device: DmaDevice,
        preferred: u64,
        least: u64,
        most_pieces: u16,
        least_piece: u64,
    ) -> Option<Self> {
        let mut piece = preferred.min(LARGEST_PIECE).next_power_of_two();
        while piece >= least_piece {
            match Self::collect(device, preferred, most_pieces, piece) {
                Ok(memory) if memory.bytes > 0 && memory.bytes >= least => return Some(memory),
                _ => piece /= 2,
            }
        }
        None
    }

    fn collect(device: DmaDevice, preferred: u64, most: u16, piece: u64) -> Result<Self> {
        // A power of two: 32-bit kernels have no 64-bit division.
        let wanted = (preferred + piece - 1) >> piece.trailing_zeros();
        let most = if most == 0 {
            wanted
        } else {
            wanted.min(u64::from(most))
        } as usize;
        let mut memory = Self {
            descriptors: Coherent::new(device, 2 * most)?,
            pieces: KVec::with_capacity(most, GFP_KERNEL)?,
            bytes: 0,
            taken: false,
        };
        for index in 0..most {
            let bytes = piece.min(preferred - memory.bytes);
            let Some(found) = Lent::new(device, bytes as usize) else {
                break;
            };
            memory
                .descriptors
                .write(2 * index, &found.address().to_le());
            memory
                .descriptors
                .write(2 * index + 1, &(bytes / UNIT).to_le());
            memory.pieces.push(found, GFP_KERNEL)?;
            memory.bytes += bytes;
        }
        Ok(memory)
    }
}
