// SPDX-License-Identifier: MIT
//! Races: calls that must not disturb each other, made at the same time by several threads for some
//! seconds, and for as much longer as it takes to do [`LEAST`] rounds. What each call may answer is
//! checked; what the kernel says of its locks and its memory is for the caller to look at.

use crate::ashmem;
use crate::random::Random;
use crate::sys::{self, Call, Errno, Mapping};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;
const PAGES: usize = 16;
const THREADS: usize = 4;
/// However slow the machine is.
const LEAST: u64 = 20;

type Outcome = Result<(), String>;

/// Runs the race of that name.
pub fn run(kind: &str, seconds: u64) -> Outcome {
    let rounds = match kind {
        "size-mmap" => race(seconds, size_against_mmap),
        "close-shrink" => race(seconds, close_against_shrinker),
        "pin-purge" => pin_against_purge(seconds),
        "fork-unmap" => race(seconds, fork_against_unmap),
        "mask-map" => race(seconds, mask_against_map),
        _ => {
            return Err(format!(
                "{kind}: size-mmap, close-shrink, pin-purge, fork-unmap or mask-map"
            ))
        }
    }?;
    println!("{rounds} rounds");
    Ok(())
}

/// Has several threads do `round` until the time is over; gives the rounds of all.
fn race(seconds: u64, round: fn(&mut Random) -> Outcome) -> Result<u64, String> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let rounds = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let failure = Mutex::new(Ok(()));
    let goes_on = || {
        !failed.load(Ordering::Relaxed)
            && (Instant::now() < end || rounds.load(Ordering::Relaxed) < LEAST)
    };
    thread::scope(|scope| {
        for seed in 0..THREADS as u64 {
            let (rounds, failed, failure, goes_on) = (&rounds, &failed, &failure, &goes_on);
            scope.spawn(move || {
                let mut random = Random::new(seed);
                while goes_on() {
                    if let Err(error) = round(&mut random) {
                        *failure.lock().unwrap() = Err(error);
                        // The others need not go on.
                        failed.store(true, Ordering::Relaxed);
                        return;
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    failure.into_inner().unwrap()?;
    Ok(rounds.into_inner())
}

fn expect<T>(what: &str, result: Call<T>, allowed: &[i32]) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno(errno)) if allowed.contains(&errno) => Ok(None),
        Err(errno) => Err(format!("{what}: {errno}")),
    }
}

fn region(pages: usize) -> Result<(OwnedFd, Mapping), String> {
    let fd = ashmem::open()?;
    let len = pages * sys::page_size();
    ashmem::set_size(&fd, len)?;
    let memory = Mapping::new(&fd, len, READ_WRITE, libc::MAP_SHARED, 0)?;
    Ok((fd, memory))
}

/// Two threads set a region's size and map it: a mapping never is larger than its region.
fn size_against_mmap(random: &mut Random) -> Outcome {
    let fd = ashmem::open()?;
    let page = sys::page_size();
    let sizes = [1 + random.below(8) as usize, 1 + random.below(8) as usize];
    thread::scope(|scope| {
        let sizer = scope.spawn(|| -> Outcome {
            for pages in sizes {
                expect("size", ashmem::set_size(&fd, pages * page), &[libc::EINVAL])?;
            }
            Ok(())
        });
        let wanted = sizes[0] * page;
        for _ in 0..3 {
            let mapped = Mapping::new(&fd, wanted, READ_WRITE, libc::MAP_SHARED, 0);
            let Some(mut memory) = expect("mmap", mapped, &[libc::EINVAL])? else {
                continue;
            };
            // Beyond the region's end this would be a SIGBUS.
            memory.bytes()[wanted - 1] = 1;
        }
        sizer.join().unwrap()
    })
}

/// Regions with unpinned ranges are closed while the kernel's caches are dropped.
fn close_against_shrinker(random: &mut Random) -> Outcome {
    if random.below(8) == 0 {
        return sys::drop_caches();
    }
    let (fd, mut memory) = region(PAGES)?;
    memory.bytes().fill(1);
    for start in (0..PAGES).step_by(2) {
        let offset = (start * sys::page_size()) as u32;
        ashmem::pin(&fd, ashmem::UNPIN, offset, sys::page_size() as u32)?;
    }
    if random.below(2) == 0 {
        drop(memory);
        drop(fd);
    } else {
        drop(fd);
        drop(memory);
    }
    Ok(())
}

/// One thread purges all the time. Others unpin, and pin: what a pin says was not purged holds what
/// was written, and what it says was purged is zero or, where it was not touched by the purge, as it
/// was. Both happen [`LEAST`] times at least.
fn pin_against_purge(seconds: u64) -> Result<u64, String> {
    let stop = AtomicBool::new(false);
    let kept = AtomicU64::new(0);
    let lost = AtomicU64::new(0);
    let failed = &AtomicBool::new(false);
    let enough = || kept.load(Ordering::Relaxed).min(lost.load(Ordering::Relaxed)) >= LEAST;
    let result = thread::scope(|scope| {
        let purge = || -> Outcome {
            let (fd, _memory) = region(1)?;
            while !stop.load(Ordering::Relaxed) {
                sys::ioctl(&fd, ashmem::PURGE_ALL_CACHES, 0)?;
                thread::yield_now();
            }
            Ok(())
        };
        let purger =
            scope.spawn(move || purge().inspect_err(|_| failed.store(true, Ordering::Relaxed)));
        let end = Instant::now() + Duration::from_secs(seconds);
        let users: Vec<_> = (0..THREADS - 1)
            .map(|seed| {
                let (kept, lost, enough) = (&kept, &lost, &enough);
                let user = move || -> Outcome {
                    let mut random = Random::new(seed as u64);
                    let (fd, mut memory) = region(PAGES)?;
                    let size = sys::page_size();
                    while !failed.load(Ordering::Relaxed) && (Instant::now() < end || !enough()) {
                        let page = random.below(PAGES as u64) as usize;
                        let value = 1 + random.below(255) as u8;
                        let (offset, len) = ((page * size) as u32, size as u32);
                        let bytes = &mut memory.bytes()[page * size..(page + 1) * size];
                        bytes.fill(value);
                        ashmem::pin(&fd, ashmem::UNPIN, offset, len)?;
                        for _ in 0..random.below(200) {
                            std::hint::spin_loop();
                        }
                        let (count, wanted) = match ashmem::pin(&fd, ashmem::PIN, offset, len)? {
                            0 => (kept, value),
                            _ => (lost, 0),
                        };
                        if let Some(other) = bytes.iter().find(|byte| **byte != wanted) {
                            return Err(format!("page {page} holds {other}, not {wanted}"));
                        }
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                };
                scope.spawn(move || user().inspect_err(|_| failed.store(true, Ordering::Relaxed)))
            })
            .collect();
        let results: Vec<Outcome> = users.into_iter().map(|user| user.join().unwrap()).collect();
        stop.store(true, Ordering::Relaxed);
        purger.join().unwrap()?;
        results.into_iter().collect::<Outcome>()
    });
    result?;
    let (kept, lost) = (kept.into_inner(), lost.into_inner());
    println!("{kept} kept, {lost} purged");
    Ok(kept.min(lost))
}

/// A process forks while another thread unmaps what the child inherits.
fn fork_against_unmap(_random: &mut Random) -> Outcome {
    let (fd, mut memory) = region(PAGES)?;
    memory.bytes().fill(7);
    ashmem::pin(&fd, ashmem::UNPIN, 0, 0)?;
    thread::scope(|scope| {
        scope.spawn(move || drop(memory));
        // There are other threads (see `sys::start`): the child ends at once.
        let ended = sys::in_child(|| 0)?;
        if ended != sys::End::Status(0) {
            return Err(format!("the child ended with {ended:?}"));
        }
        Ok(())
    })
}

/// One thread takes write access from a region while others map it: once the mask has shrunk, no
/// new mapping is writable, and none that was not can become so.
fn mask_against_map(random: &mut Random) -> Outcome {
    let (fd, memory) = region(2)?;
    drop(memory);
    let page = sys::page_size();
    let shrunk = AtomicBool::new(false);
    let early = random.below(2) == 0;
    thread::scope(|scope| {
        let mapper = scope.spawn(|| -> Outcome {
            let reader = Mapping::new(&fd, page, libc::PROT_READ, libc::MAP_SHARED, 0)?;
            for _ in 0..20 {
                let before = shrunk.load(Ordering::SeqCst);
                let mapped = Mapping::new(&fd, page, READ_WRITE, libc::MAP_SHARED, 0);
                let writable = expect("mmap", mapped, &[libc::EPERM])?.is_some();
                if before && writable {
                    return Err("a new mapping is writable after the mask shrank".into());
                }
                let protected = reader.protect(0, page, READ_WRITE);
                let writable = expect("mprotect", protected, &[libc::EACCES])?.is_some();
                if before && writable {
                    return Err("a mapping became writable after the mask shrank".into());
                }
                reader.protect(0, page, libc::PROT_READ)?;
            }
            Ok(())
        });
        if early {
            thread::yield_now();
        }
        sys::ioctl(&fd, ashmem::SET_PROT_MASK, libc::PROT_READ as usize)?;
        shrunk.store(true, Ordering::SeqCst);
        mapper.join().unwrap()
    })
}
