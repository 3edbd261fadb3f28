// SPDX-License-Identifier: MIT
//! A fuzzer that speaks an interface's grammar: /dev/ashmem's or Binder's.
//!
//! A program is a string of bytes; each call takes from it what it is and what its arguments are, so
//! that any string is a program, and a changed one does something near. Several processes run
//! programs at the same time, on what is their own and on what all of them have. A call's error must
//! be one that the interface states; what the kernel's log says is for the caller to look at. The
//! seed determines a process's programs. Where the kernel tells which code ran (kcov), programs that
//! reach new code are kept and changed further; a file of those is a corpus, one program a line.

mod ashmem;
mod binder;

use crate::kcov::Kcov;
use crate::random::Random;
use crate::sys::{self, Errno};
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const WORKERS: u64 = 4;
/// How long the same regions are shared: in time they all are mapped and read-only.
const GENERATION: Duration = Duration::from_secs(3);
const LONGEST: u64 = 120;

type Outcome = Result<(), String>;

/// An interface.
pub struct Grammar {
    /// Programs that are always run, by `fuzz` first and by `replay` alone.
    corpus: &'static str,
    /// Makes what all processes have.
    share: fn() -> Result<Shared, String>,
    /// Runs a program.
    execute: fn(&[u8], &Shared) -> Outcome,
}

/// What all processes have: descriptors, a device's path, which is removed at the end, and where a
/// shrinker is asked to scan.
struct Shared {
    fds: Vec<OwnedFd>,
    device: String,
    shrinker: Option<PathBuf>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !self.device.is_empty() {
            let _ = fs::remove_file(&self.device);
        }
    }
}

/// The grammar of that name.
pub fn grammar(name: &str) -> Result<&'static Grammar, String> {
    match name {
        "ashmem" => Ok(&ashmem::GRAMMAR),
        "binder" => Ok(&binder::GRAMMAR),
        _ => Err(format!("{name}: ashmem or binder")),
    }
}

/// Fuzzes for some seconds. The programs of the file `corpus` are run too, and new ones are added.
pub fn run(grammar: &Grammar, seed: u64, seconds: u64, corpus: Option<&str>) -> Outcome {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut generation = 0;
    while generation == 0 || Instant::now() < end {
        let shared = (grammar.share)()?;
        let until = end.min(Instant::now() + GENERATION);
        let mut workers = Vec::new();
        for worker in 0..WORKERS {
            let seed = seed ^ ((generation * WORKERS + worker) << 20);
            let shared = &shared;
            workers.push(sys::start(|| match work(grammar, seed, until, shared, corpus) {
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
    let kept = programs(grammar, corpus)?.len();
    println!("{generation} generations, {kept} programs in the corpus");
    Ok(())
}

/// Runs the programs of the corpus, and those of a file.
pub fn replay(grammar: &Grammar, corpus: Option<&str>) -> Outcome {
    let programs = programs(grammar, corpus)?;
    if programs.is_empty() {
        return Err("no program".into());
    }
    let shared = (grammar.share)()?;
    for program in &programs {
        run_one(grammar, program, &shared)?;
    }
    println!("{} programs", programs.len());
    Ok(())
}

fn run_one(grammar: &Grammar, program: &[u8], shared: &Shared) -> Outcome {
    (grammar.execute)(program, shared).map_err(|error| format!("{}: {error}", hex(program)))
}

fn hex(program: &[u8]) -> String {
    program.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The corpus, and a file's programs. A line's `#` begins a comment.
fn programs(grammar: &Grammar, file: Option<&str>) -> Result<Vec<Vec<u8>>, String> {
    let kept = file.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let byte = |at: usize, line: &str| u8::from_str_radix(line.get(at..at + 2)?, 16).ok();
    let lines = grammar.corpus.lines().chain(kept.lines());
    let texts = lines.map(|line| line.split('#').next().unwrap_or("").trim());
    texts
        .filter(|line| !line.is_empty())
        .map(|line| {
            let bytes: Option<Vec<u8>> =
                (0..line.len()).step_by(2).map(|at| byte(at, line)).collect();
            bytes.ok_or(format!("no program: {line}"))
        })
        .collect()
}

/// One process: runs programs until the time is over, and one in any case.
fn work(
    grammar: &Grammar,
    seed: u64,
    until: Instant,
    shared: &Shared,
    corpus: Option<&str>,
) -> Outcome {
    let mut random = Random::new(seed);
    let kcov = Kcov::start();
    let mut seen = BTreeSet::new();
    let mut kept = programs(grammar, corpus)?;
    let traced = |program: &[u8], seen: &mut BTreeSet<usize>| {
        kcov.iter().for_each(Kcov::reset);
        run_one(grammar, program, shared)?;
        Ok::<_, String>(kcov.as_ref().map_or(0, |kcov| kcov.collect(seen)))
    };
    for program in &kept {
        traced(program, &mut seen)?;
    }
    loop {
        let program = next(&mut random, &kept);
        let new = traced(&program, &mut seen)?;
        if let (true, Some(path)) = (new > 0, corpus) {
            let file = fs::OpenOptions::new().create(true).append(true).open(path);
            let line = format!("{}\n", hex(&program));
            file.and_then(|mut file| file.write_all(line.as_bytes()))
                .map_err(|error| format!("{path}: {error}"))?;
            kept.push(program);
        }
        if Instant::now() >= until {
            return Ok(());
        }
    }
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
    fn is_over(&self) -> bool {
        self.0.len() == 0
    }

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

fn allow<T>(what: &str, result: Result<T, Errno>, errors: &[i32]) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Errno(errno)) if errors.contains(&errno) => Ok(None),
        Err(errno) => Err(format!("{what}: {errno}")),
    }
}
