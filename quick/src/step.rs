// SPDX-License-Identifier: MIT
//! Long commands: their log, their progress, and the one line that matters when they fail.

use crate::context::Context;
use crate::interrupt;
use anyhow::{anyhow, Context as _, Result};
use rustix::pipe::PipeFlags;
use signal_hook::consts::SIGINT;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How often progress moves on a terminal, and how often it is a line where there is none.
const TICK: Duration = Duration::from_millis(500);
const PLAIN: Duration = Duration::from_secs(30);

/// Says what happens now, in one line.
pub fn say(text: impl AsRef<str>) {
    eprintln!("ironroot: {}", text.as_ref());
}

/// Runs `command` as the step `name`: output to `log`, progress to the terminal.
///
/// # Errors
///
/// Names the step, the first line of its output that reads like an error, and the log.
pub fn run(ctx: &Context, name: &str, log: &Path, command: &mut Command) -> Result<()> {
    // Who does without a step that failed goes on to the next.
    interrupted(name)?;
    if let Some(parent) = log.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut out = File::options().create(true).append(true).open(log)?;
    writeln!(out, "+ {command:?}")?;
    let start = Instant::now();
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let in_step = interrupt::InStep::begin();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::from(writer.try_clone()?))
        .stderr(Stdio::from(writer))
        .spawn()
        .with_context(|| format!("{name}: cannot start {:?}", command.get_program()))?;
    // The command holds the pipe's writing end until it is dropped or replaced.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let (send, lines) = mpsc::channel::<String>();
    let pump = thread::spawn(move || {
        for line in BufReader::new(File::from(reader)).split(b'\n') {
            let Ok(line) = line else { break };
            if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });

    let mut progress = Progress::new(name);
    let mut reason: Option<String> = None;
    let mut last = String::new();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => {
                writeln!(out, "{line}")?;
                if reason.is_none() && reads_like_an_error(&line) {
                    reason = Some(line.trim().to_owned());
                }
                if !line.trim().is_empty() {
                    line.trim().clone_into(&mut last);
                }
                progress.line(&last);
            }
            Err(RecvTimeoutError::Timeout) => progress.tick(&last),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    pump.join().map_err(|_| anyhow!("{name}: the reader of its output died"))?;
    let status = child.wait()?;
    if status.signal() == Some(SIGINT) {
        // The same Ctrl-C can reach this process later than the command.
        interrupt::note();
    }
    drop(in_step);
    progress.clear();
    interrupted(name)?;
    if status.success() {
        let took = start.elapsed();
        if took > Duration::from_secs(2) {
            say(format!("{name}: done in {}", clock(took)));
        }
        return Ok(());
    }
    Err(anyhow!("{name} failed ({status}): {}\n  log: {}", reason.unwrap_or(last), ctx.show(log)))
}

fn interrupted(name: &str) -> Result<()> {
    if interrupt::seen() {
        return Err(anyhow!("{name}: interrupted; the next run goes on from here"));
    }
    Ok(())
}

/// Minutes and seconds.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{seconds} s")
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// Whether a compiler, make or a shell tool means this line as its complaint.
fn reads_like_an_error(line: &str) -> bool {
    let lower = line.to_lowercase();
    lower.contains("error:")
        || lower.starts_with("error[")
        || lower.starts_with("e: ")
        || (lower.contains("***") && !lower.contains("waiting for unfinished"))
        || lower.contains("no space left on device")
}

struct Progress {
    name: String,
    start: Instant,
    shown: Instant,
    steps: usize,
    terminal: bool,
}

impl Progress {
    fn new(name: &str) -> Self {
        let now = Instant::now();
        Self {
            name: name.to_owned(),
            start: now,
            shown: now,
            steps: 0,
            terminal: std::io::stderr().is_terminal(),
        }
    }

    fn line(&mut self, last: &str) {
        self.steps += 1;
        self.tick(last);
    }

    fn tick(&mut self, last: &str) {
        let due = if self.terminal { TICK } else { PLAIN };
        if self.shown.elapsed() < due {
            return;
        }
        self.shown = Instant::now();
        let last: String = last.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = format!(
            "ironroot: {}: {}, {} lines: {last}",
            self.name,
            clock(self.start.elapsed()),
            self.steps,
        );
        if self.terminal {
            let short: String = text.chars().take(100).collect();
            eprint!("\r\x1b[K{short}");
        } else {
            eprintln!("{text}");
        }
    }

    fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_line_that_matters() {
        assert!(reads_like_an_error("make[2]: *** [Makefile:12: all] Error 1"));
        assert!(reads_like_an_error("foo.rs:1:1: error: expected item"));
        assert!(reads_like_an_error("error[E0425]: cannot find value `x`"));
        assert!(reads_like_an_error("E: Unable to locate package nothing"));
        assert!(!reads_like_an_error("make: *** Waiting for unfinished jobs...."));
        assert!(!reads_like_an_error("  CC      lib/errname.o"));
    }

    /// A signal's handler and SEEN are the whole process's, and other tests run steps too: this one
    /// starts itself again, in a process of its own.
    #[test]
    fn an_interrupt_ends_the_step_and_leaves_the_tool() {
        const ALONE: &str = "IRONROOT_TEST_INTERRUPT";
        if std::env::var_os(ALONE).is_some() {
            return interrupts_itself();
        }
        let name = "step::tests::an_interrupt_ends_the_step_and_leaves_the_tool";
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
    }

    fn interrupts_itself() {
        let ctx = Context::in_dir(&std::env::temp_dir());
        let log = ctx.cache.join(format!("ironroot-step-{}", std::process::id()));
        interrupt::leave_to_steps().unwrap();
        let mut sleep = Command::new("sh");
        sleep.args(["-c", "kill -INT $PPID $$; sleep 60"]);
        let began = Instant::now();
        let error = run(&ctx, "sleep", &log, &mut sleep).unwrap_err();
        assert!(error.to_string().contains("interrupted"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(30), "the step's program went on");
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn tells_time() {
        assert_eq!(clock(Duration::from_secs(59)), "59 s");
        assert_eq!(clock(Duration::from_secs(61)), "1 min 01 s");
    }
}
