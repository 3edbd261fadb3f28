// SPDX-License-Identifier: GPL-2.0

//! `/dev/ashmem`: regions of shared memory with a name, whose unpinned parts the kernel may take
//! back under memory pressure.
//!
//! The interface is that of the C driver that was in `drivers/staging/android` until Linux 5.18;
//! `docs/rust-ashmem.md` states it row by row. What is where:
//!
//! | free of the kernel, tested on the host | [`abi`], [`lru`], [`name`], [`prot`], [`ranges`], [`span`] |
//! |---|---|
//! | the driver's logic, without unsafe code | [`region`], [`queue`] |
//! | the border to C, one interface each | [`counter`], [`device`], [`shmem`], [`shrinker`] |

mod abi;
mod counter;
mod device;
mod lru;
mod name;
mod prot;
mod queue;
mod ranges;
mod region;
mod shmem;
mod shrinker;
mod span;

use kernel::prelude::*;
use kernel::sync::Arc;

module! {
    type: RustAshmem,
    name: "rust_ashmem",
    authors: ["The Ironroot authors"],
    description: "/dev/ashmem: shared memory that gives unpinned pages back",
    license: "GPL",
    params: {
        readers_may_unpin: bool {
            default: false,
            description: "Whether ASHMEM_UNPIN works without write access, as in the C driver",
        },
    },
}

/// The loaded module.
///
/// Its fields are dropped in this order: first nobody can open a region, then nobody can purge one.
#[pin_data]
struct RustAshmem {
    #[pin]
    _device: device::Registration,
    _shrinker: shrinker::Registration,
}

impl kernel::InPlaceModule for RustAshmem {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let rules = region::Rules {
            readers_may_unpin: *module_parameters::readers_may_unpin.value_ref(),
        };
        pin_init::pin_init_scope(move || {
            shmem::init()?;
            let queue = Arc::pin_init(queue::Regions::new(), GFP_KERNEL)?;
            Ok(try_pin_init!(Self {
                _shrinker: shrinker::Registration::new(queue.clone())?,
                _device <- device::Registration::new(queue, rules),
            }))
        })
    }
}
