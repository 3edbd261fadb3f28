// SPDX-License-Identifier: GPL-2.0

//! A PCI Express transport under the kernel's NVMe core, in place of the C driver `nvme`.
//!
//! What knows nothing of the kernel, and is tested on the host: [`spec`], [`ring`], [`prp`],
//! [`plan`], [`custody`], [`quirks`]. What touches C: [`bindings`] and, one for each of its
//! interfaces, [`blk`], [`dma`], [`nvme`], [`once`], [`params`], [`pci`] and [`driver`]. Between
//! them stand [`iod`], a request's memory; [`queue`], a pair of rings; [`host_memory`]; and
//! [`device`], the controller's life.

mod bindings;
mod blk;
mod custody;
mod device;
mod dma;
mod driver;
mod host_memory;
mod iod;
mod nvme;
mod once;
mod params;
mod pci;
mod plan;
mod prp;
mod queue;
mod quirks;
mod ring;
mod spec;

use kernel::prelude::*;

module! {
    type: RustNvme,
    name: "rust_nvme",
    authors: ["The Ironroot authors"],
    description: "NVMe PCI Express transport",
    license: "GPL",
}

/// The module: a registered PCI driver.
struct RustNvme {
    _driver: driver::Registration,
}

impl kernel::Module for RustNvme {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _driver: driver::Registration::new(module)?,
        })
    }
}
