// SPDX-License-Identifier: MIT
//! What the probe can do.

mod calls;
mod death;
mod descriptors;
mod freeze;
mod load;
mod memory;
mod misuse;
mod spam;

use crate::sys::Errno;
use std::fmt::Display;
use std::io;

/// A scenario; the number is how often it is to do what it does.
type Scenario = fn(u32) -> io::Result<()>;

/// Name, what it does, how.
pub const ALL: [(&str, &str, Scenario); 36] = [
    ("version", "asks for the protocol version", calls::version),
    ("ioctl-errors", "ioctls that the driver must refuse", calls::ioctl_errors),
    ("map-errors", "mappings that the driver must refuse", calls::map_errors),
    ("echo", "calls a service of another process with data of several sizes", calls::echo),
    (
        "registry",
        "registers a service, finds it, calls it, each from another process",
        calls::registry,
    ),
    ("nested", "a service that calls its caller back", calls::nested),
    ("manager", "a second context manager, a new one, and one of another user", calls::manager),
    ("references", "reference counts, and what the driver tells of nodes", calls::references),
    ("loopers", "the driver asks for more threads", calls::loopers),
    ("thread-exit", "a thread leaves", calls::thread_exit),
    ("poll", "poll(2) sees a call", calls::poll),
    ("clear-buffer", "TF_CLEAR_BUF zeroes a freed buffer", memory::clear_buffer),
    ("fd", "a descriptor goes through a call and back", descriptors::one),
    ("fd-array", "an array of descriptors in a buffer", descriptors::array),
    ("fd-array-empty", "an array of no descriptors at a buffer's end", descriptors::empty_array),
    ("fd-refused", "a descriptor for who takes none", descriptors::refused),
    ("region", "a region of /dev/ashmem in another process", descriptors::region),
    ("death", "a service is killed: notification, done, clear", death::killed),
    ("death-calls", "calls to and from processes that die", death::calls),
    ("death-requests", "odd requests for death notifications", death::requests),
    ("death-elsewhere", "clear and done by a thread that takes no work", death::elsewhere),
    ("death-race", "notifications are cleared while the owner dies", death::race),
    ("freeze", "a frozen service", freeze::frozen),
    ("freeze-pending", "a freeze while a call is under way", freeze::pending),
    ("freeze-notify", "notifications of freezes", freeze::notifications),
    ("freeze-update", "TF_UPDATE_TXN replaces an outdated one-way call", freeze::update),
    ("spam", "too many one-way calls", spam::spam),
    ("bad-calls", "calls that no client should make", misuse::calls),
    ("bad-commands", "commands that no client should send", misuse::commands),
    ("foreign-memory", "other memory where the mapping was", memory::foreign),
    ("load-empty", "calls without data, for the benchmark", load::empty),
    ("load-4k", "calls with 4 KiB, for the benchmark", load::page),
    ("load-64k", "calls with 64 KiB, for the benchmark", load::large),
    ("load-oneway-4k", "one-way calls with 4 KiB, for the benchmark", load::one_way),
    ("load-fd", "calls with a descriptor, for the benchmark", load::descriptor),
    ("shrink", "a mapping whose unused pages are taken away", memory::shrink),
];

/// Prints what was seen.
fn report(name: &str, value: impl Display) {
    println!("{name}={value}");
}

/// A result for `report`: `ok`, or the error's number.
fn outcome<T>(result: Result<T, Errno>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(Errno(number)) => format!("errno {number}"),
    }
}
