// SPDX-License-Identifier: MIT
//! Many equal transactions and nothing else: what the benchmark counts.

use super::report;
use crate::binder::Answer;
use crate::parcel::{Object, Parcel};
use crate::party::Scene;
use crate::{sys, uapi};
use std::io;
use std::os::fd::AsRawFd;

pub fn empty(count: u32) -> io::Result<()> {
    round_trips(count, 0)
}

pub fn page(count: u32) -> io::Result<()> {
    round_trips(count, 4096)
}

pub fn large(count: u32) -> io::Result<()> {
    round_trips(count, 65536)
}

/// Calls with `size` bytes, answered with nothing; the client frees the answer's buffer.
fn round_trips(count: u32, size: usize) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.serve(|_, _| Ok(Answer::Reply(Parcel::new())))?;
    let client = scene.open()?;
    let parcel = Parcel::bytes(&vec![0x5a; size]);
    for _ in 0..count {
        let reply = client.call(0, 1, 0, &parcel)?.reply;
        client.free(&reply.ok_or_else(|| io::Error::other("no reply"))?)?;
    }
    report("done", count);
    Ok(())
}

/// One-way calls with 4 KiB; a call with an answer after every 32 waits until they were taken.
pub fn one_way(count: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.echo()?;
    let client = scene.open()?;
    let parcel = Parcel::bytes(&[0x5a; 4096]);
    for number in 1..=count {
        client.call(0, 1, uapi::TF_ONE_WAY, &parcel)?;
        if number % 32 == 0 {
            let reply = client.call(0, 1, 0, &Parcel::new())?.reply;
            client.free(&reply.ok_or_else(|| io::Error::other("no reply"))?)?;
        }
    }
    report("done", count);
    Ok(())
}

/// Calls with a descriptor, which the service closes.
pub fn descriptor(count: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.serve(|_, received| {
        let Object::Fd { fd, .. } = received.object(0) else {
            return Err(io::Error::other("no descriptor"));
        };
        drop(sys::owned(fd as i32));
        Ok(Answer::Reply(Parcel::new()))
    })?;
    let client = scene.open()?;
    let (_reader, writer) = sys::pipe()?;
    for _ in 0..count {
        let parcel = Parcel::new().fd(writer.as_raw_fd() as u32, 0);
        let reply = client.call(0, 1, 0, &parcel)?.reply;
        client.free(&reply.ok_or_else(|| io::Error::other("no reply"))?)?;
    }
    report("done", count);
    Ok(())
}
