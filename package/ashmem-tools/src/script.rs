// SPDX-License-Identifier: MIT
//! Commands, separated by commas; each prints one line: what the call gave, `ok`, or an error's name.
//!
//! Regions, mappings and sockets have names of one word. Sizes and offsets are bytes; `2p` is two
//! pages, `2p-1` a byte less. Access is `r`, `w`, `x` together, or `-`.
//!
//! | command | does |
//! |---|---|
//! | `open R [r\|w\|rw]` | opens the device; without the last word for both |
//! | `dup R FROM`, `reopen R FROM`, `close R` | another descriptor; one through /proc/self/fd |
//! | `inherit R NUMBER` | another of what whoever started this program has open under that number |
//! | `setname R TEXT`, `getname R` | `\n` in the text is a line's end |
//! | `size R N`, `getsize R`, `prot R ACCESS`, `getprot R` | |
//! | `pin\|unpin\|status R OFFSET LENGTH`, `purge R`, `id R` | |
//! | `ioctl R NUMBER ARGUMENT` | any request; `end-N` is N bytes before memory that is not there, `text-N` too, and full of letters |
//! | `every R PAGES STEP`, `everypin R PAGES STEP` | unpins each STEPth of so many pages; pins it |
//! | `map M R LENGTH ACCESS shared\|private [OFFSET]`, `unmap M` | |
//! | `shmem M LENGTH` | a mapping of shared memory that has no file |
//! | `peek M OFFSET`, `poke M OFFSET BYTE` | one byte |
//! | `fill M OFFSET LENGTH BYTE`, `holds M OFFSET LENGTH BYTE` | `holds`: `yes`, or what is elsewhere |
//! | `protect M ACCESS`, `remap M LENGTH`, `filepages M LENGTH`, `remove M OFFSET LENGTH` | mprotect, mremap, remap_file_pages, MADV_REMOVE |
//! | `trace M OFFSET BYTE` | writes a byte as a debugger does, to a child that it traces |
//! | `userfault M` | asks userfaultfd(2) for the mapping's missing pages |
//! | `write R BYTE`, `read R LENGTH [ARGUMENT]`, `seek R set\|cur\|end\|data\|hole OFFSET` | `read`: how many bytes, and the first; into an argument as of `ioctl`: how many |
//! | `maps M`, `mapfile R M r\|w\|rw\|r-trunc`, `truncate M LENGTH` | the name in /proc/self/maps; opens and cuts the file of /proc/self/map_files |
//! | `info R KEY` | a line of fdinfo |
//! | `socket S`, `send S R`, `receive R S` | a descriptor through a Unix socket |
//! | `fork` … `end` | what is between is done by a child, for which the parent waits |
//! | `user N`, `personality N`, `sleep MS` | setuid(2), personality(2) |
//! | `fail N COMMAND` | has the Nth thing fail that can, `spared` if there is none: CONFIG_FAULT_INJECTION |
//! | `drop`, `shrink N`, `pressure R` | drops the kernel's caches; has the driver's shrinker scan for N pages; fills memory until R loses pages |

use crate::ashmem;
use crate::number;
use crate::sys::{self, Errno, Mapping};
use crate::userfault;
use libc::c_int;
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

type Answer = Result<String, String>;

#[derive(Default)]
struct Script {
    files: BTreeMap<String, OwnedFd>,
    mappings: BTreeMap<String, Mapping>,
    sockets: BTreeMap<String, (OwnedFd, OwnedFd)>,
}

/// Runs commands; an answer that is an error's name is no error of ours.
pub fn run(commands: &[&str]) -> Result<(), String> {
    let mut script = Script::default();
    let mut at = 0;
    while at < commands.len() {
        match commands[at] {
            "fork" => {
                let end = commands[at..].iter().position(|word| *word == "end");
                let end = at + end.ok_or("fork without end")?;
                let between = &commands[at + 1..end];
                let ended = sys::in_child(|| script.child(between))?;
                if ended != sys::End::Status(0) {
                    return Err(format!("the child ended with {ended:?}"));
                }
                at = end;
            }
            command => script.say(command)?,
        }
        at += 1;
    }
    Ok(())
}

/// `2p-1` and its like.
fn bytes(text: &str) -> Result<usize, String> {
    let Some((pages, rest)) = text.split_once('p') else {
        return Ok(number(text)? as usize);
    };
    let bytes = number(pages)? as usize * sys::page_size();
    match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
        (Some(more), _) => Ok(bytes + number(more)? as usize),
        (_, Some(less)) => Ok(bytes - number(less)? as usize),
        _ if rest.is_empty() => Ok(bytes),
        _ => Err(format!("{text}: no size")),
    }
}

fn access(text: &str) -> c_int {
    let bit = |letter, bit| if text.contains(letter) { bit } else { 0 };
    bit('r', libc::PROT_READ) | bit('w', libc::PROT_WRITE) | bit('x', libc::PROT_EXEC)
}

fn mode(text: &str) -> Result<c_int, String> {
    Ok(match text {
        "r" => libc::O_RDONLY,
        "w" => libc::O_WRONLY,
        "rw" => libc::O_RDWR,
        "r-trunc" => libc::O_RDONLY | libc::O_TRUNC,
        _ => return Err(format!("{text}: no way to open")),
    })
}

/// What a call without a value of its own says.
fn said<T>(result: Result<T, Errno>) -> Answer {
    Ok(result.map_or_else(|errno| errno.to_string(), |_| "ok".into()))
}

fn value(result: Result<impl ToString, Errno>) -> Answer {
    Ok(result.map_or_else(|errno| errno.to_string(), |value| value.to_string()))
}

impl Script {
    fn child(&mut self, commands: &[&str]) -> c_int {
        for command in commands {
            if let Err(error) = self.say(command) {
                eprintln!("ashmem-probe: {error}");
                return 1;
            }
        }
        0
    }

    fn say(&mut self, command: &str) -> Result<(), String> {
        let words: Vec<&str> = command.split(' ').collect();
        let answer = self.answer(&words).map_err(|error| format!("{command}: {error}"))?;
        println!("{answer}");
        Ok(())
    }

    fn file(&self, name: &str) -> Result<&OwnedFd, String> {
        self.files.get(name).ok_or(format!("{name}: no such region"))
    }

    fn mapping(&mut self, name: &str) -> Result<&mut Mapping, String> {
        self.mappings.get_mut(name).ok_or(format!("{name}: no such mapping"))
    }

    fn keep(&mut self, name: &str, opened: Result<OwnedFd, Errno>) -> Answer {
        said(opened.map(|fd| self.files.insert(name.into(), fd)))
    }

    fn answer(&mut self, words: &[&str]) -> Answer {
        match *words {
            ["open", region] => self.keep(region, ashmem::open()),
            ["open", region, way] => self.keep(region, sys::open_c(ashmem::PATH, mode(way)?)),
            ["dup", region, from] => {
                let fd = self.file(from)?.try_clone().map_err(|error| error.to_string())?;
                self.keep(region, Ok(fd))
            }
            ["inherit", region, fd] => {
                // SAFETY: `fcntl(2)` says so where the descriptor is not open.
                let fd = unsafe { BorrowedFd::borrow_raw(number(fd)? as c_int) };
                let fd = fd.try_clone_to_owned().map_err(|error| error.to_string())?;
                self.keep(region, Ok(fd))
            }
            ["reopen", region, from] => {
                let path = format!("/proc/self/fd/{}", self.file(from)?.as_raw_fd());
                self.keep(region, sys::open(&path, libc::O_RDWR))
            }
            ["close", region] => said(self.files.remove(region).ok_or(Errno(libc::EBADF))),
            ["setname", region, ..] => {
                let text = words[2..].join(" ").replace("\\n", "\n") + "\0";
                let argument = text.as_ptr() as usize;
                said(sys::ioctl(self.file(region)?, ashmem::SET_NAME, argument))
            }
            ["getname", region] => {
                let mut buffer = [0xffu8; 257];
                let argument = buffer.as_mut_ptr() as usize;
                let result = sys::ioctl(self.file(region)?, ashmem::GET_NAME, argument);
                let len = buffer.iter().position(|byte| *byte == 0).unwrap_or(257);
                value(result.map(|_| String::from_utf8_lossy(&buffer[..len]).replace('\n', "\\n")))
            }
            ["size", region, size] => said(ashmem::set_size(self.file(region)?, bytes(size)?)),
            ["getsize", region] => value(sys::ioctl(self.file(region)?, ashmem::GET_SIZE, 0)),
            ["prot", region, prot] => {
                let argument = access(prot) as usize;
                said(sys::ioctl(self.file(region)?, ashmem::SET_PROT_MASK, argument))
            }
            ["getprot", region] => value(sys::ioctl(self.file(region)?, ashmem::GET_PROT_MASK, 0)),
            [request @ ("pin" | "unpin" | "status"), region, offset, len] => {
                let request = match request {
                    "pin" => ashmem::PIN,
                    "unpin" => ashmem::UNPIN,
                    _ => ashmem::GET_PIN_STATUS,
                };
                let (offset, len) = (bytes(offset)? as u32, bytes(len)? as u32);
                value(ashmem::pin(self.file(region)?, request, offset, len))
            }
            [command @ ("every" | "everypin"), region, pages, step] => {
                let request = if command == "every" { ashmem::UNPIN } else { ashmem::PIN };
                let (fd, page) = (self.file(region)?, sys::page_size() as u32);
                let starts = (0..number(pages)? as u32).step_by(number(step)? as usize);
                for (done, start) in starts.enumerate() {
                    if let Err(errno) = ashmem::pin(fd, request, start * page, page) {
                        return Ok(format!("{errno} after {done}"));
                    }
                }
                Ok("ok".into())
            }
            ["purge", region] => value(sys::ioctl(self.file(region)?, ashmem::PURGE_ALL_CACHES, 0)),
            ["id", region] => {
                let mut id = usize::MAX;
                let argument = &raw mut id as usize;
                let result = sys::ioctl(self.file(region)?, ashmem::GET_FILE_ID, argument);
                value(result.map(|_| id))
            }
            ["ioctl", region, request, argument] => {
                let request = number(request)? as u32;
                let fence = Fence::new()?;
                value(sys::ioctl(self.file(region)?, request, fence.argument(argument)?))
            }
            ["map", mapping, region, len, prot, sharing] => {
                self.map(mapping, region, len, prot, sharing, "0")
            }
            ["map", mapping, region, len, prot, sharing, offset] => {
                self.map(mapping, region, len, prot, sharing, offset)
            }
            ["shmem", mapping, len] => {
                let new = Mapping::without_file(bytes(len)?, libc::MAP_SHARED);
                said(new.map(|new| self.mappings.insert(mapping.into(), new)))
            }
            ["unmap", mapping] => said(self.mappings.remove(mapping).ok_or(Errno(libc::EINVAL))),
            ["peek", mapping, offset] => {
                let mut byte = [0];
                let result = self.mapping(mapping)?.read(bytes(offset)?, &mut byte);
                value(result.map(|()| byte[0]))
            }
            ["poke", mapping, offset, byte] => {
                said(self.mapping(mapping)?.write(bytes(offset)?, &[number(byte)? as u8]))
            }
            ["fill", mapping, offset, len, byte] => {
                let data = vec![number(byte)? as u8; bytes(len)?];
                said(self.mapping(mapping)?.write(bytes(offset)?, &data))
            }
            ["holds", mapping, offset, len, byte] => {
                let mut data = vec![0; bytes(len)?];
                if let Err(errno) = self.mapping(mapping)?.read(bytes(offset)?, &mut data) {
                    return Ok(errno.to_string());
                }
                let wanted = number(byte)? as u8;
                Ok(match data.iter().position(|byte| *byte != wanted) {
                    None => "yes".into(),
                    Some(at) => format!("{} at {at}", data[at]),
                })
            }
            ["protect", mapping, prot] => {
                let mapping = self.mapping(mapping)?;
                said(mapping.protect(0, mapping.len, access(prot)))
            }
            ["remap", mapping, len] => said(self.mapping(mapping)?.remap(bytes(len)?)),
            ["filepages", mapping, len] => {
                said(self.mapping(mapping)?.remap_file_pages(bytes(len)?))
            }
            ["remove", mapping, offset, len] => {
                let (offset, len) = (bytes(offset)?, bytes(len)?);
                said(self.mapping(mapping)?.advise(offset, len, libc::MADV_REMOVE))
            }
            ["trace", mapping, offset, byte] => {
                let byte = number(byte)? as u8;
                said(self.mapping(mapping)?.write_traced(bytes(offset)?, byte))
            }
            ["userfault", mapping] => said(userfault::register(self.mapping(mapping)?)),
            ["read", region, len] => {
                let mut data = vec![0u8; bytes(len)?];
                let fd = self.file(region)?.as_raw_fd();
                // SAFETY: There is room for the bytes.
                let got = unsafe { libc::read(fd, data.as_mut_ptr().cast(), data.len()) };
                Ok(match got {
                    -1 => Errno::last().to_string(),
                    0 => "0".into(),
                    got => format!("{got} {}", data[0]),
                })
            }
            ["read", region, len, argument] => {
                let (fd, fence) = (self.file(region)?.as_raw_fd(), Fence::new()?);
                let (len, argument) = (bytes(len)?, fence.argument(argument)?);
                // SAFETY: Memory of nobody else's, or a bad address, which is the kernel's to refuse.
                let got = unsafe { libc::read(fd, argument as *mut _, len) };
                value(if got < 0 { Err(Errno::last()) } else { Ok(got) })
            }
            ["seek", region, whence, offset] => {
                let whence = match whence {
                    "set" => libc::SEEK_SET,
                    "cur" => libc::SEEK_CUR,
                    "end" => libc::SEEK_END,
                    "data" => libc::SEEK_DATA,
                    "hole" => libc::SEEK_HOLE,
                    _ => return Err(format!("{whence}: no way to seek")),
                };
                let offset = match offset.strip_prefix('-') {
                    Some(back) => -(bytes(back)? as i64),
                    None => bytes(offset)? as i64,
                };
                // SAFETY: Takes numbers only.
                let at = unsafe { libc::lseek64(self.file(region)?.as_raw_fd(), offset, whence) };
                value(if at < 0 { Err(Errno::last()) } else { Ok(at) })
            }
            ["maps", mapping] => {
                let line = self.maps_line(mapping)?;
                let name = line.splitn(6, ' ').nth(5).unwrap_or("").trim_start().to_owned();
                Ok(format!("{} {name}", line.split(' ').nth(1).unwrap_or("")))
            }
            ["mapfile", region, mapping, way] => {
                let path = self.map_file(mapping)?;
                self.keep(region, sys::open(&path, mode(way)?))
            }
            ["truncate", mapping, len] => {
                said(sys::truncate(&self.map_file(mapping)?, bytes(len)?))
            }
            ["info", region, key] => {
                let fd = self.file(region)?.as_raw_fd();
                let path = format!("/proc/self/fdinfo/{fd}");
                let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
                let found =
                    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(":\t"));
                Ok(found.unwrap_or("none").to_owned())
            }
            ["write", region, byte] => {
                let byte = [number(byte)? as u8];
                // SAFETY: The byte is there.
                let put =
                    unsafe { libc::write(self.file(region)?.as_raw_fd(), byte.as_ptr().cast(), 1) };
                value(if put < 0 { Err(Errno::last()) } else { Ok(put) })
            }
            ["socket", socket] => {
                said(sys::socket_pair().map(|pair| self.sockets.insert(socket.into(), pair)))
            }
            ["send", socket, region] => {
                let pair = self.sockets.get(socket).ok_or("no such socket")?;
                said(sys::send_fd(&pair.0, self.file(region)?))
            }
            ["receive", region, socket] => {
                let received =
                    sys::receive_fd(&self.sockets.get(socket).ok_or("no such socket")?.1);
                self.keep(region, received)
            }
            ["user", id] => {
                let id = number(id)? as u32;
                // SAFETY: Takes a number only.
                let result = unsafe { libc::setuid(id) };
                said(if result < 0 { Err(Errno::last()) } else { Ok(()) })
            }
            ["personality", bits] => {
                // SAFETY: Takes a number only.
                let result = unsafe { libc::personality(number(bits)? as _) };
                said(if result < 0 { Err(Errno::last()) } else { Ok(()) })
            }
            ["fail", count, ref command @ ..] => {
                // A thread's own, and opened before anything can fail.
                let path = "/proc/thread-self/fail-nth";
                let nth = fs::File::options().read(true).write(true).open(path);
                let nth = nth.map_err(|error| format!("{path}: {error}"))?;
                let set = |text: &str| nth.write_at(text.as_bytes(), 0);
                set(count).map_err(|error| format!("{path}: {error}"))?;
                let answer = self.answer(command)?;
                // Reading and writing the number can be the Nth thing, too.
                let mut left = [0];
                let failed = nth.read_at(&mut left, 0).is_ok() && left == *b"0";
                set("0").or_else(|_| set("0")).map_err(|error| format!("{path}: {error}"))?;
                Ok(if failed { answer } else { answer + " spared" })
            }
            ["drop"] => sys::drop_caches().map(|()| "ok".into()),
            ["shrink", pages] => {
                ashmem::shrink(&ashmem::shrinker()?, number(pages)?).map(|()| "ok".into())
            }
            ["pressure", region] => pressure(self.file(region)?),
            ["sleep", milliseconds] => {
                std::thread::sleep(std::time::Duration::from_millis(number(milliseconds)?));
                Ok("ok".into())
            }
            _ => Err("no such command".into()),
        }
    }

    fn map(
        &mut self,
        mapping: &str,
        region: &str,
        len: &str,
        prot: &str,
        sharing: &str,
        offset: &str,
    ) -> Answer {
        let flags = match sharing {
            "shared" => libc::MAP_SHARED,
            "private" => libc::MAP_PRIVATE,
            _ => return Err(format!("{sharing}: shared or private")),
        };
        let (len, offset) = (bytes(len)?, bytes(offset)? as i64);
        let mapped = Mapping::new(self.file(region)?, len, access(prot), flags, offset);
        said(mapped.map(|new| self.mappings.insert(mapping.into(), new)))
    }

    /// Where /proc has the mapping's file.
    fn map_file(&mut self, mapping: &str) -> Result<String, String> {
        let line = self.maps_line(mapping)?;
        Ok(format!("/proc/self/map_files/{}", line.split(' ').next().unwrap_or("")))
    }

    fn maps_line(&mut self, mapping: &str) -> Result<String, String> {
        let start = format!("{:08x}-", self.mapping(mapping)?.address);
        let maps = fs::read_to_string("/proc/self/maps").map_err(|error| error.to_string())?;
        let line = maps.lines().find(|line| line.starts_with(&start));
        Ok(line.ok_or("not in /proc/self/maps")?.to_owned())
    }
}

/// A page with nothing behind it.
struct Fence(Mapping);

impl Fence {
    fn new() -> Result<Self, String> {
        let page = sys::page_size();
        let memory = Mapping::anonymous(2 * page)?;
        memory.protect(page, page, libc::PROT_NONE)?;
        Ok(Self(memory))
    }

    fn end(&self) -> usize {
        self.0.address + sys::page_size()
    }

    /// `end-N`, `text-N` or a number.
    fn argument(&self, text: &str) -> Result<usize, String> {
        Ok(match text.split_once('-') {
            Some(("end", before)) => self.end() - number(before)? as usize,
            Some(("text", before)) => {
                let before = number(before)? as usize;
                self.0.write(sys::page_size() - before, &vec![b't'; before])?;
                self.end() - before
            }
            _ => number(text)? as usize,
        })
    }
}

/// Touches memory until the kernel takes pages of the region; gives how many it took. Where it
/// takes none it ends this process instead.
fn pressure(region: &OwnedFd) -> Answer {
    const STEP: usize = 4 << 20;
    let purged = || ashmem::info(region, "purged").ok_or("no fdinfo");
    let before = purged()?;
    let mut held = Vec::new();
    loop {
        let mut memory = Mapping::anonymous(STEP)?;
        memory.bytes().fill(1);
        held.push(memory);
        let taken = purged()? - before;
        if taken > 0 {
            return Ok(taken.to_string());
        }
    }
}
