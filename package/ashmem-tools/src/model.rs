// SPDX-License-Identifier: MIT
//! Random operations on regions beside a model that knows what each page must hold.
//!
//! Purging is asked for, by `PURGE_ALL_CACHES` and by dropping the kernel's caches, so that what is
//! purged is known: everything that is unpinned. There must be no memory pressure meanwhile.

use crate::ashmem;
use crate::random::Random;
use crate::sys::{self, Mapping};
use std::os::fd::OwnedFd;

const REGIONS: usize = 4;
const PAGES: usize = 48;

/// What the model knows of a page.
#[derive(Clone, Copy, Default)]
struct Page {
    /// What was written last; 0 where nothing was, or after it was purged.
    value: u8,
    /// Unpinned, and not purged since.
    reclaimable: bool,
    /// Purged since it was last pinned.
    purged: bool,
}

struct Region {
    fd: OwnedFd,
    memory: Mapping,
    pages: [Page; PAGES],
}

impl Region {
    fn new() -> Result<Self, String> {
        let fd = ashmem::open()?;
        let len = PAGES * sys::page_size();
        ashmem::set_size(&fd, len)?;
        let memory =
            Mapping::new(&fd, len, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, 0)?;
        Ok(Self { fd, memory, pages: [Page::default(); PAGES] })
    }

    fn request(&self, request: u32, start: usize, end: usize) -> Result<i32, String> {
        let page = sys::page_size();
        let to_the_end = end == PAGES && start % 2 == 0;
        let len = if to_the_end { 0 } else { (end - start) * page };
        Ok(ashmem::pin(&self.fd, request, (start * page) as u32, len as u32)?)
    }

    fn purge(&mut self) -> usize {
        let mut purged = 0;
        for page in self.pages.iter_mut().filter(|page| page.reclaimable) {
            *page = Page { value: 0, reclaimable: false, purged: true };
            purged += 1;
        }
        purged
    }

    /// Page by page: the first and the last byte, and the state by `GET_PIN_STATUS`.
    fn check(&mut self, start: usize, end: usize) -> Result<(), String> {
        let size = sys::page_size();
        for number in start..end {
            let page = self.pages[number];
            let bytes = &self.memory.bytes()[number * size..(number + 1) * size];
            for at in [0, size - 1] {
                if bytes[at] != page.value {
                    let (is, wanted) = (bytes[at], page.value);
                    return Err(format!("page {number} holds {is} at {at}, not {wanted}"));
                }
            }
        }
        let pinned = self.pages[start..end].iter().all(|page| !page.reclaimable && !page.purged);
        same("pin status", self.request(ashmem::GET_PIN_STATUS, start, end)?, i32::from(pinned))
    }
}

fn same<T: PartialEq + std::fmt::Display>(what: &str, is: T, wanted: T) -> Result<(), String> {
    if is == wanted {
        Ok(())
    } else {
        Err(format!("{what} is {is}, not {wanted}"))
    }
}

/// Runs `operations` random operations; an error names the operation that went wrong.
pub fn run(seed: u64, operations: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let mut regions = Vec::new();
    for _ in 0..REGIONS {
        regions.push(Region::new()?);
    }
    for number in 0..operations {
        step(&mut random, &mut regions)
            .map_err(|error| format!("seed {seed}, operation {number}: {error}"))?;
    }
    for region in &mut regions {
        region.check(0, PAGES)?;
    }
    println!("{operations} operations, all as the model has it");
    Ok(())
}

fn step(random: &mut Random, regions: &mut [Region]) -> Result<(), String> {
    let mut below = |bound: usize| random.below(bound as u64) as usize;
    let which = below(REGIONS);
    let start = below(PAGES);
    let end = start + 1 + below(PAGES - start);
    let value = 1 + below(255) as u8;
    let region = &mut regions[which];
    match below(256) {
        0..=79 => {
            same("unpin", region.request(ashmem::UNPIN, start, end)?, 0)?;
            for page in &mut region.pages[start..end] {
                page.reclaimable = true;
            }
        }
        80..=159 => {
            let purged = region.pages[start..end].iter().any(|page| page.purged);
            same("pin", region.request(ashmem::PIN, start, end)?, i32::from(purged))?;
            for page in &mut region.pages[start..end] {
                (page.reclaimable, page.purged) = (false, false);
            }
        }
        160..=223 => {
            // Writing does not pin: what is purged stays reported, and may be written.
            let size = sys::page_size();
            let end = end.min(start + 4);
            region.memory.bytes()[start * size..end * size].fill(value);
            for page in &mut region.pages[start..end] {
                page.value = value;
            }
        }
        224..=251 => region.check(start, end)?,
        252..=254 => {
            let wanted: usize = regions.iter_mut().map(Region::purge).sum();
            let purged = sys::ioctl(&regions[which].fd, ashmem::PURGE_ALL_CACHES, 0)?;
            same("purge all", purged as usize, wanted)?;
        }
        _ if value < 32 => {
            // The kernel puts off the last few pages until it has asked often enough.
            let mut times = 0;
            while regions.iter().any(|region| ashmem::info(&region.fd, "unpinned") != Some(0)) {
                times += 1;
                same("all unpinned pages dropped", times <= 20, true)?;
                sys::drop_caches()?;
            }
            for region in regions.iter_mut() {
                region.purge();
            }
        }
        _ => {
            // Closes the region, whatever of it is unpinned.
            *region = Region::new()?;
        }
    }
    Ok(())
}
