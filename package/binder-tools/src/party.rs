// SPDX-License-Identifier: MIT
//! Who takes part in a scenario: a Binder device of its own, processes, and a line between them.

use crate::binder::{Answer, Binder};
use crate::parcel::{Parcel, Received};
use crate::{sys, uapi};
use std::cell::Cell;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

const BINDERFS: &str = "/dev/binderfs";
/// No wait of a scenario may last longer, on the slowest board.
pub const PATIENCE: u32 = 60;

/// Adds a device to a mounted binderfs; gives its major and minor number.
///
/// # Errors
///
/// The driver's.
pub fn add_device(binderfs: &Path, name: &str) -> io::Result<(u32, u32)> {
    let mut device = uapi::BinderfsDevice { name: [0; 256], major: 0, minor: 0 };
    // Too long a name is cut by the driver, which takes 255 bytes.
    for (to, from) in device.name.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    let control = sys::open(&binderfs.join("binder-control"))?;
    sys::ioctl(&control, uapi::BINDER_CTL_ADD, &mut device)?;
    Ok((device.major, device.minor))
}

/// A Binder device that nobody else uses; removed at the end.
pub struct Scene {
    pub device: PathBuf,
    owner: u32,
}

impl Scene {
    /// # Errors
    ///
    /// The driver's.
    pub fn new() -> io::Result<Self> {
        thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
        let owner = std::process::id();
        let name = format!("probe-{owner}-{}", COUNT.replace(COUNT.get() + 1));
        add_device(Path::new(BINDERFS), &name)?;
        Ok(Self { device: Path::new(BINDERFS).join(name), owner })
    }

    /// A session of this process.
    ///
    /// # Errors
    ///
    /// The driver's.
    pub fn open(&self) -> io::Result<Binder> {
        Binder::open(&self.device)
    }

    /// Starts a process with a session of its own.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn start(
        &self,
        work: impl FnOnce(Binder, &mut Line) -> io::Result<()>,
    ) -> io::Result<Process> {
        let device = self.device.clone();
        Process::start(move |line| work(Binder::open(&device)?, line))
    }

    /// Starts the context's manager, which serves with `handler`, and waits until it does.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn serve(
        &self,
        handler: impl FnMut(&Binder, &Received) -> io::Result<Answer>,
    ) -> io::Result<Process> {
        let mut process = self.start(move |binder, line| {
            // The driver takes a manager that died down on its own time.
            while let Err(errno) = binder.become_manager() {
                if errno.0 != libc::EBUSY {
                    return Err(errno.into());
                }
                thread::yield_now();
            }
            line.say(1)?;
            binder.serve(handler)
        })?;
        process.line.hear()?;
        Ok(process)
    }

    /// Starts a manager that answers every call with its own data.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn echo(&self) -> io::Result<Process> {
        self.serve(|_, received| {
            Ok(if received.transaction.flags & uapi::TF_ONE_WAY == 0 {
                Answer::Reply(Parcel::bytes(&received.data))
            } else {
                Answer::Done
            })
        })
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // A child that ends drops its copy too.
        if std::process::id() == self.owner {
            let _ = fs::remove_file(&self.device);
        }
    }
}

/// One end of a line on which two processes tell each other numbers.
pub struct Line(UnixStream);

impl Line {
    /// # Errors
    ///
    /// When the other process has ended.
    pub fn say(&mut self, number: u64) -> io::Result<()> {
        self.0.write_all(&number.to_ne_bytes())
    }

    /// Waits for a number.
    ///
    /// # Errors
    ///
    /// When the other process has ended.
    pub fn hear(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }
}

/// Another process; it is killed when this is dropped.
pub struct Process {
    pub pid: i32,
    pub line: Line,
    over: bool,
}

impl Process {
    /// # Errors
    ///
    /// The kernel's.
    pub fn start(work: impl FnOnce(&mut Line) -> io::Result<()>) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let pid = sys::fork(move || match work(&mut Line(theirs)) {
            Ok(()) => 0,
            Err(error) => {
                println!("other_process={error}");
                1
            }
        })?;
        Ok(Self { pid, line: Line(ours), over: false })
    }

    /// kill -9, and the wait for its end.
    pub fn kill(&mut self) {
        if !self.over {
            sys::kill(self.pid);
            self.wait();
        }
    }

    /// Waits until it has ended; gives wait(2)'s status.
    pub fn wait(&mut self) -> i32 {
        self.over = true;
        sys::wait(self.pid)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
