// SPDX-License-Identifier: MIT
//! A fuzzer that speaks an interface's grammar: /dev/ashmem's or Binder's.
//!
//! A program is a string of bytes; each call takes from it what it is and what its arguments are, so
//! that any string is a program, and a changed one does something near. Several processes run
//! programs at the same time, on what is their own and on what all of them have. A call's error must
//! be one that the interface states; what the kernel's log says is for the caller to look at. The
//! seed determines a process's programs.
//!
//! A program that does what none before it did is kept and changed further: it got an answer that
//! none had from that call, or, where the kernel tells which code ran (kcov), reached code that none
//! had. A file of those is a corpus: a program a line, and behind it what was new.

mod ashmem;
mod binder;

use crate::kcov::Kcov;
use crate::random::Random;
use crate::sys::{self, Errno, Mapping};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
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
    let most = Most::new()?;
    let mut generation = 0;
    while generation == 0 || Instant::now() < end {
        let shared = (grammar.share)()?;
        let until = end.min(Instant::now() + GENERATION);
        let mut workers = Vec::new();
        for worker in 0..WORKERS {
            let seed = seed ^ ((generation * WORKERS + worker) << 20);
            let (shared, most) = (&shared, &most);
            workers.push(sys::start(|| match work(grammar, seed, until, shared, corpus, most) {
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
    let kept = file(corpus)?.len();
    println!("{generation} generations, {} places of code, {kept} programs kept", most.get());
    Ok(())
}

/// Runs the programs of the corpus, and those of a file.
pub fn replay(grammar: &Grammar, corpus: Option<&str>) -> Outcome {
    let (programs, places) = again(grammar, corpus, |_, _| ())?;
    println!("{programs} programs, {places} places of code");
    Ok(())
}

/// Does the same, and prints the programs that do what none before them did.
pub fn distil(grammar: &Grammar, corpus: Option<&str>) -> Outcome {
    again(grammar, corpus, |program, news| {
        if let Some(what) = news.told() {
            println!("{} # {what}", hex(program));
        }
    })
    .map(drop)
}

/// Gives how many programs there are, and how many places of code they reach.
fn again(
    grammar: &Grammar,
    corpus: Option<&str>,
    look: impl Fn(&[u8], &News),
) -> Result<(usize, usize), String> {
    let programs = programs(grammar, corpus)?;
    if programs.is_empty() {
        return Err("no program".into());
    }
    let shared = (grammar.share)()?;
    let mut seen = Seen::new()?;
    for program in &programs {
        look(program, &seen.run(grammar, program, &shared)?);
    }
    Ok((programs.len(), seen.places.len()))
}

/// The most places of code that a process has seen; all processes have it.
struct Most(Mapping);

impl Most {
    fn new() -> Result<Self, String> {
        Ok(Self(Mapping::without_file(sys::page_size(), libc::MAP_SHARED)?))
    }

    fn number(&self) -> &AtomicUsize {
        // SAFETY: The mapping is there as long as we are, zeroed at first, and nothing else's.
        unsafe { &*(self.0.address as *const AtomicUsize) }
    }

    fn get(&self) -> usize {
        self.number().load(Ordering::Relaxed)
    }

    fn raise(&self, number: usize) {
        self.number().fetch_max(number, Ordering::Relaxed);
    }
}

/// What a process has seen so far.
struct Seen {
    kcov: Option<Kcov>,
    places: BTreeSet<usize>,
    answers: BTreeSet<String>,
}

/// What of a program was new.
struct News {
    places: usize,
    answers: Vec<String>,
}

impl News {
    /// The same in words, if there is any.
    fn told(&self) -> Option<String> {
        let places = (self.places > 0).then(|| format!("{} places of code", self.places));
        let all: Vec<_> = places.into_iter().chain(self.answers.iter().cloned()).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

impl Seen {
    fn new() -> Result<Self, String> {
        let kcov = Kcov::start()?;
        Ok(Self { kcov, places: BTreeSet::new(), answers: BTreeSet::new() })
    }

    /// Runs a program; an error names it.
    fn run(&mut self, grammar: &Grammar, program: &[u8], shared: &Shared) -> Result<News, String> {
        self.kcov.iter().for_each(Kcov::reset);
        (grammar.execute)(program, shared).map_err(|error| format!("{}: {error}", hex(program)))?;
        let places = self.kcov.as_ref().map_or(0, |kcov| kcov.collect(&mut self.places));
        let answers = ANSWERS.take().into_iter();
        let answers = answers.filter(|answer| self.answers.insert(answer.clone())).collect();
        Ok(News { places, answers })
    }
}

thread_local! {
    /// What the calls of the running program answered.
    static ANSWERS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

fn note(answer: String) {
    ANSWERS.with_borrow_mut(|answers| answers.insert(answer));
}

fn hex(program: &[u8]) -> String {
    program.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The corpus, and a file's programs.
fn programs(grammar: &Grammar, corpus: Option<&str>) -> Result<Vec<Vec<u8>>, String> {
    Ok([parsed(grammar.corpus)?, file(corpus)?].concat())
}

/// The programs of a file; it need not be there.
fn file(corpus: Option<&str>) -> Result<Vec<Vec<u8>>, String> {
    parsed(&corpus.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default())
}

/// A program a line; a line's `#` begins a comment.
fn parsed(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let byte = |at: usize, line: &str| u8::from_str_radix(line.get(at..at + 2)?, 16).ok();
    let texts = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
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
    most: &Most,
) -> Outcome {
    let mut random = Random::new(seed);
    let mut seen = Seen::new()?;
    let mut kept = programs(grammar, corpus)?;
    for program in &kept {
        seen.run(grammar, program, shared)?;
    }
    loop {
        let program = next(&mut random, &kept);
        let news = seen.run(grammar, &program, shared)?;
        if let (Some(what), Some(path)) = (news.told(), corpus) {
            let file = fs::OpenOptions::new().create(true).append(true).open(path);
            let line = format!("{} # {what}\n", hex(&program));
            file.and_then(|mut file| file.write_all(line.as_bytes()))
                .map_err(|error| format!("{path}: {error}"))?;
            kept.push(program);
        }
        if Instant::now() >= until {
            most.raise(seen.places.len());
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

/// Notes the answer; an error that the interface does not state is one of ours.
fn allow<T>(what: &str, result: Result<T, Errno>, errors: &[i32]) -> Result<Option<T>, String> {
    match result {
        Ok(value) => {
            note(what.into());
            Ok(Some(value))
        }
        Err(Errno(errno)) if errors.contains(&errno) => {
            note(format!("{what} {}", Errno(errno)));
            Ok(None)
        }
        Err(errno) => Err(format!("{what}: {errno}")),
    }
}
