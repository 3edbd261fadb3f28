// SPDX-License-Identifier: MIT
//! A fuzzer that speaks the interface's grammar.
//!
//! A program is a string of bytes; each call takes from it what it is and what its arguments are, so
//! that any string is a program, and a changed one does something near. Several processes run
//! programs at the same time on regions of their own and on some that all of them have. A call's
//! error must be one that the interface states; what the kernel's log says is for the caller to look
//! at. Where the kernel tells which code ran (kcov), programs that reach new code are kept and
//! changed further; the file of those is the corpus, one program a line.

use crate::ashmem;
use crate::kcov::Kcov;
use crate::random::Random;
use crate::sys::{self, Errno, Mapping};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

const WORKERS: u64 = 4;
/// How long the same regions are shared: in time they all are mapped and read-only.
const GENERATION: Duration = Duration::from_secs(3);
const SHARED: usize = 3;
const LONGEST: u64 = 120;
/// No program has more of them at a time.
const MOST: usize = 8;

type Outcome = Result<(), String>;

/// Fuzzes for some seconds; new programs go to the end of the file.
pub fn run(seed: u64, seconds: u64, corpus: &str) -> Outcome {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut generation = 0;
    while Instant::now() < end {
        let shared = (0..SHARED).map(|_| ashmem::open()).collect::<Result<Vec<_>, _>>()?;
        let until = end.min(Instant::now() + GENERATION);
        let mut workers = Vec::new();
        for worker in 0..WORKERS {
            let seed = seed ^ ((generation * WORKERS + worker) << 20);
            let (shared, corpus) = (&shared, &corpus);
            workers.push(sys::start(|| match work(seed, until, shared, corpus) {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("ashmem-probe: seed {seed}: {error}");
                    1
                }
            })?);
        }
        for worker in workers {
            let ended = sys::wait(worker)?;
            if ended != sys::End::Status(0) {
                return Err(format!("a worker ended with {ended:?}"));
            }
        }
        generation += 1;
    }
    let kept = read(corpus)?.len();
    println!("{generation} generations, {kept} programs in the corpus");
    Ok(())
}

/// Runs the programs of a file.
pub fn replay(path: &str) -> Outcome {
    let programs = read(path)?;
    if programs.is_empty() {
        return Err(format!("{path}: no program"));
    }
    for program in &programs {
        execute(program, &[]).map_err(|error| format!("{}: {error}", hex(program)))?;
    }
    println!("{} programs", programs.len());
    Ok(())
}

fn hex(program: &[u8]) -> String {
    program.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn read(path: &str) -> Result<Vec<Vec<u8>>, String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let byte = |at: usize, line: &str| u8::from_str_radix(line.get(at..at + 2)?, 16).ok();
    text.lines()
        .map(|line| {
            let bytes: Option<Vec<u8>> =
                (0..line.len()).step_by(2).map(|at| byte(at, line)).collect();
            bytes.ok_or(format!("{path}: no program: {line}"))
        })
        .collect()
}

/// One process: runs programs until the time is over.
fn work(seed: u64, until: Instant, shared: &[OwnedFd], corpus: &str) -> Outcome {
    let mut random = Random::new(seed);
    let kcov = Kcov::start();
    let mut seen = BTreeSet::new();
    let mut kept = read(corpus)?;
    if let Some(kcov) = &kcov {
        for program in &kept {
            kcov.reset();
            execute(program, shared)?;
            kcov.collect(&mut seen);
        }
    }
    while Instant::now() < until {
        let program = next(&mut random, &kept);
        if let Some(kcov) = &kcov {
            kcov.reset();
        }
        execute(&program, shared).map_err(|error| format!("{}: {error}", hex(&program)))?;
        let new = kcov.as_ref().map_or(0, |kcov| kcov.collect(&mut seen));
        if new > 0 {
            let file = fs::OpenOptions::new().create(true).append(true).open(corpus);
            let line = format!("{}\n", hex(&program));
            file.and_then(|mut file| file.write_all(line.as_bytes()))
                .map_err(|error| format!("{corpus}: {error}"))?;
            kept.push(program);
        }
    }
    Ok(())
}

/// A new program, or one that was kept with a change.
fn next(random: &mut Random, kept: &[Vec<u8>]) -> Vec<u8> {
    if kept.is_empty() || random.below(3) == 0 {
        return (0..8 + random.below(LONGEST)).map(|_| random.next() as u8).collect();
    }
    let mut program = kept[random.below(kept.len() as u64) as usize].clone();
    for _ in 0..1 + random.below(4) {
        let at = random.below(program.len() as u64 + 1) as usize;
        match random.below(4) {
            0 => program.insert(at, random.next() as u8),
            1 if at < program.len() => program[at] = random.next() as u8,
            2 if at < program.len() && program.len() > 8 => drop(program.remove(at)),
            _ => {
                let other = &kept[random.below(kept.len() as u64) as usize];
                program.truncate(at);
                program.extend(other.iter().skip(at).take(LONGEST as usize));
            }
        }
    }
    program
}

/// What a program's bytes say.
struct Source<'a>(std::slice::Iter<'a, u8>);

impl Source<'_> {
    fn byte(&mut self) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.byte() % bound
    }

    /// Bytes: whole pages most of the time, and what is near a limit.
    fn size(&mut self) -> usize {
        let page = sys::page_size();
        match self.below(16) {
            0 => 0,
            1 => 1,
            2 => page - 1,
            3 => page + 1,
            4 => usize::MAX,
            5 => usize::MAX - page + 1,
            6 => isize::MAX as usize,
            7 => u32::MAX as usize,
            8 => u32::MAX as usize - page + 1,
            pages => (pages - 8) * page,
        }
    }

    fn prot(&mut self) -> i32 {
        self.below(8) as i32
    }
}

/// The calls' errors that the interface states.
const PIN_ERRORS: &[i32] = &[libc::EFAULT, libc::EINVAL, libc::ENOMEM];
const UNPIN_ERRORS: &[i32] = &[libc::EFAULT, libc::EINVAL, libc::ENOMEM, libc::EBADF, libc::EPERM];
const MMAP_ERRORS: &[i32] =
    &[libc::EINVAL, libc::EPERM, libc::EACCES, libc::ENOMEM, libc::EOVERFLOW];

fn allow<T>(what: &str, result: Result<T, Errno>, errors: &[i32]) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno(errno)) if errors.contains(&errno) => Ok(None),
        Err(errno) => Err(format!("{what}: {errno}")),
    }
}

fn execute(program: &[u8], shared: &[OwnedFd]) -> Outcome {
    let mut source = Source(program.iter());
    let mut files = Vec::new();
    for fd in shared {
        files.push(fd.try_clone().map_err(|error| error.to_string())?);
    }
    let mut mappings: Vec<Mapping> = Vec::new();
    while source.0.len() > 0 {
        step(&mut source, &mut files, &mut mappings)?;
    }
    Ok(())
}

/// Memory that the kernel may write to: the longest argument.
fn argument(source: &mut Source<'_>, buffer: &mut [u8; 264]) -> usize {
    for byte in buffer.iter_mut().take(16) {
        *byte = source.byte() as u8;
    }
    match source.below(16) {
        0 => 0,
        1 => usize::MAX,
        2 => 1 << (usize::BITS - 1),
        _ => buffer.as_mut_ptr() as usize,
    }
}

fn step(source: &mut Source<'_>, files: &mut Vec<OwnedFd>, mappings: &mut Vec<Mapping>) -> Outcome {
    let call = source.below(24);
    if files.is_empty() || call == 0 && files.len() < MOST {
        let mode = [libc::O_RDWR, libc::O_RDWR, libc::O_RDONLY, libc::O_WRONLY][source.below(4)];
        files.push(sys::open(ashmem::PATH, mode)?);
        return Ok(());
    }
    let which = source.below(files.len());
    let fd = &files[which];
    let mut buffer = [b'f'; 264];
    match call {
        1 => drop(files.swap_remove(which)),
        2 => {
            allow("size", ashmem::set_size(fd, source.size()), &[libc::EINVAL])?;
        }
        3 => {
            let argument = argument(source, &mut buffer);
            let errors = &[libc::EFAULT, libc::EINVAL, libc::ENOMEM];
            allow("name", sys::ioctl(fd, ashmem::SET_NAME, argument), errors)?;
        }
        4 => {
            let argument = argument(source, &mut buffer);
            allow("get name", sys::ioctl(fd, ashmem::GET_NAME, argument), &[libc::EFAULT])?;
        }
        5 => {
            let mask = if source.below(2) == 0 { 7 } else { source.byte() };
            allow("mask", sys::ioctl(fd, ashmem::SET_PROT_MASK, mask), &[libc::EINVAL])?;
        }
        6..=8 => {
            let (name, request, errors, most) = [
                ("pin", ashmem::PIN, PIN_ERRORS, 1),
                ("unpin", ashmem::UNPIN, UNPIN_ERRORS, 0),
                ("status", ashmem::GET_PIN_STATUS, PIN_ERRORS, 1),
            ][call - 6];
            let (offset, len) = (source.size() as u32, source.size() as u32);
            let given = allow(name, ashmem::pin(fd, request, offset, len), errors)?;
            if given.is_some_and(|given| !(0..=most).contains(&given)) {
                return Err(format!("{name} gave {given:?}"));
            }
        }
        9 => {
            let argument = argument(source, &mut buffer);
            let request = [ashmem::PIN, ashmem::UNPIN, ashmem::GET_PIN_STATUS][source.below(3)];
            allow("pin at", sys::ioctl(fd, request, argument), UNPIN_ERRORS)?;
        }
        10 => {
            allow("purge", sys::ioctl(fd, ashmem::PURGE_ALL_CACHES, 0), &[])?;
        }
        11 => {
            let argument = argument(source, &mut buffer);
            let errors = &[libc::EFAULT, libc::EINVAL, libc::EOVERFLOW];
            allow("id", sys::ioctl(fd, ashmem::GET_FILE_ID, argument), errors)?;
        }
        12 => {
            // A number near the known ones: only those of this type, others are the kernel's.
            let request = ((source.byte() as u32) << 24)
                | ((source.byte() as u32) << 16)
                | 0x7700
                | source.below(16) as u32;
            let argument = argument(source, &mut buffer);
            let errors = [UNPIN_ERRORS, &[libc::ENOTTY, libc::EOVERFLOW]].concat();
            allow("any", sys::ioctl(fd, request, argument), &errors)?;
        }
        13 | 14 if mappings.len() < MOST => {
            let flags = [libc::MAP_SHARED, libc::MAP_SHARED, libc::MAP_PRIVATE][source.below(3)];
            let (len, prot) = (source.size(), source.prot());
            let offset = if source.below(2) == 0 { 0 } else { source.size() as i64 };
            let mapped = Mapping::new(fd, len, prot, flags, offset);
            mappings.extend(allow("mmap", mapped, MMAP_ERRORS)?);
        }
        15 => {
            let mut data = [0u8; 64];
            // SAFETY: There is room for so many bytes.
            unsafe { libc::read(fd.as_raw_fd(), data.as_mut_ptr().cast(), data.len()) };
        }
        16 => {
            // SAFETY: Takes numbers only.
            unsafe { libc::lseek64(fd.as_raw_fd(), source.size() as i64, source.below(6) as i32) };
        }
        17 => {
            let path = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
            // Names are bytes, not text.
            fs::read(path).map_err(|error| error.to_string())?;
        }
        18 if files.len() < MOST => {
            let (ours, theirs) = sys::socket_pair()?;
            sys::send_fd(&ours, fd)?;
            files.push(sys::receive_fd(&theirs)?);
        }
        _ if mappings.is_empty() => {}
        19..=23 => {
            let which = source.below(mappings.len());
            let mapping = &mut mappings[which];
            let page = sys::page_size();
            let pages = mapping.len.div_ceil(page).min(64);
            let offset = source.below(pages) * page;
            match (call, source.below(4)) {
                (19, _) => drop(mappings.swap_remove(which)),
                (20, 0 | 1) => {
                    let _ = mapping.write(offset, &[1, 2, 3]);
                }
                (20, _) => {
                    let _ = mapping.read(offset, &mut [0; 16]);
                }
                (21, _) => {
                    let _ = mapping.protect(offset, page, source.prot());
                }
                (22, _) => {
                    let advice = [
                        libc::MADV_REMOVE,
                        libc::MADV_DONTNEED,
                        libc::MADV_WILLNEED,
                        libc::MADV_DONTFORK,
                    ][source.below(4)];
                    let _ = mapping.advise(offset, page, advice);
                }
                (_, 0) => {
                    let _ = mapping.remap((1 + source.below(16)) * page);
                }
                (_, 1) => {
                    let mapping = &*mapping;
                    sys::in_child(|| i32::from(mapping.read(offset, &mut [0; 4]).is_ok()))?;
                }
                (_, 2) => {
                    fs::read("/proc/self/smaps").map_err(|error| error.to_string())?;
                }
                _ => {
                    let _ = mapping.remap_file_pages(page);
                }
            }
        }
        _ => {}
    }
    Ok(())
}
