// SPDX-License-Identifier: MIT
//! File descriptors on their way through a call.

use super::report;
use crate::binder::Answer;
use crate::parcel::{Object, Parcel};
use crate::party::Scene;
use crate::sys::{Errno, Mapping};
use crate::{sys, uapi};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::path::Path;

/// The client's pipe goes to the service, which writes into it and sends another one back.
pub fn one(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.serve(|_, received| {
        let Object::Fd { fd, cookie } = received.object(0) else {
            return Ok(Answer::Reply(Parcel::new()));
        };
        let mut theirs = sys::owned(fd as i32);
        write!(theirs, "cookie {cookie}")?;
        let (reader, mut writer) = sys::pipe()?;
        writer.write_all(b"from the service")?;
        let parcel = Parcel::new().fd(reader.as_raw_fd() as u32, 8);
        // The driver takes its own reference while the call is answered; ours may stay open.
        std::mem::forget(reader);
        Ok(Answer::Reply(parcel))
    })?;
    let client = scene.open()?;
    let (mut reader, writer) = sys::pipe()?;
    let parcel = Parcel::new().fd(writer.as_raw_fd() as u32, 7);
    let done = client.call(0, 1, uapi::TF_ACCEPT_FDS, &parcel)?;
    drop(writer);
    report("returns", done.returns.join(" "));
    let mut said = [0; 64];
    let length = reader.read(&mut said)?;
    report("service_wrote", String::from_utf8_lossy(&said[..length]));
    let reply = done.reply.ok_or_else(|| io::Error::other("no reply"))?;
    let Object::Fd { fd, cookie } = reply.object(0) else {
        return Err(io::Error::other("no descriptor"));
    };
    let length = sys::owned(fd as i32).read(&mut said)?;
    report("client_read", String::from_utf8_lossy(&said[..length]));
    report("cookie", cookie);
    Ok(())
}

/// Three descriptors in a buffer, as Android's native handles have them; the driver closes them
/// again when the receiver frees the buffer.
pub fn array(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        line.say(0)?;
        binder.enter_looper()?;
        let call = binder.await_return(uapi::BR_TRANSACTION)?;
        let received = binder.received(&call);
        let (Object::Ptr { address, length }, Object::Fda { num_fds, parent, parent_offset }) =
            (received.object(0), received.object(1))
        else {
            return Err(io::Error::other("other objects"));
        };
        report("array", format!("{num_fds} {parent} {parent_offset} {length}"));
        let buffer = binder.map.as_ref().and_then(|map| map.copy(address, length as usize));
        let buffer = buffer.unwrap_or_default();
        report("before_and_after", format!("{:x} {:x}", buffer[0], buffer[buffer.len() - 1]));
        let fds: Vec<i32> = buffer[8..8 + 4 * num_fds as usize]
            .chunks_exact(4)
            .map(|bytes| i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
            .collect();
        // Each is the pipe that the client filled with the array's index.
        let mut read = String::new();
        for fd in &fds {
            let path = format!("/proc/self/fd/{fd}");
            let mut byte = [0];
            fs::File::open(path)?.read_exact(&mut byte)?;
            read.push(char::from(byte[0]));
        }
        report("read", read);
        let open = |fds: &[i32]| fds.iter().filter(|fd| sys::is_open(**fd)).count();
        report("open_before_free", open(&fds));
        binder.free(&received)?;
        report("open_after_free", open(&fds));
        Ok(binder.reply(&Parcel::new())?)
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    let mut pipes = Vec::new();
    let mut buffer = vec![0xaa; 8];
    for letter in *b"abc" {
        let (reader, mut writer) = sys::pipe()?;
        writer.write_all(&[letter])?;
        buffer.extend((reader.as_raw_fd() as u32).to_ne_bytes());
        pipes.push((reader, writer));
    }
    buffer.extend([0xbb; 4]);
    let parcel = Parcel::new().buffer(buffer, None).fd_array(3, 0, 8);
    report("call", client.call(0, 1, 0, &parcel)?.text());
    service.wait();
    Ok(())
}

/// CVE-2026-23194: an array of no descriptors, at the end of its buffer.
pub fn empty_array(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.serve(|binder, received| {
        let Object::Ptr { address, length } = received.object(0) else {
            return Ok(Answer::Reply(Parcel::bytes(b"no buffer")));
        };
        let buffer = binder.map.as_ref().and_then(|map| map.copy(address, length as usize));
        Ok(Answer::Reply(Parcel::bytes(&buffer.unwrap_or_default())))
    })?;
    let client = scene.open()?;
    for (name, size, offset) in [("at_end", 16, 16), ("inside", 16, 4), ("beyond", 16, 20)] {
        let buffer: Vec<u8> = (1..=size).collect();
        let parcel = Parcel::new().buffer(buffer.clone(), None).fd_array(0, 0, offset);
        let done = client.call(0, 1, 0, &parcel)?;
        report(name, done.text());
        report(&format!("{name}_arrived"), done.reply.is_some_and(|reply| reply.data == buffer));
    }
    Ok(())
}

/// Descriptors for an object, and for a caller, that did not say they take any.
pub fn refused(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        // A plain context manager's node has no flags.
        sys::ioctl(&binder.file, uapi::BINDER_SET_CONTEXT_MGR, &mut 0u32)?;
        line.say(0)?;
        binder.serve(|_, received| {
            let parcel = Parcel::new();
            Ok(Answer::Reply(if received.transaction.code == 2 { parcel.fd(1, 0) } else { parcel }))
        })
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    report("to_service", client.call(0, 1, 0, &Parcel::new().fd(0, 0))?.text());
    let array = Parcel::new().buffer(vec![0; 8], None).fd_array(1, 0, 0);
    report("array_to_service", client.call(0, 1, 0, &array)?.text());
    report("in_reply", client.call(0, 2, 0, &Parcel::new())?.text());
    report("in_reply_accepted", client.call(0, 2, uapi::TF_ACCEPT_FDS, &Parcel::new())?.text());
    Ok(())
}

/// A region of /dev/ashmem of four pages goes to the service, which reads and writes it, unpins and
/// pins. The client has unpinned page 1 before; the service unpins page 2 and purges both.
pub fn region(_: u32) -> io::Result<()> {
    const PAGES: usize = 4;
    let page = sys::page_size();
    let pages = move |file: &File, request: u32, first: usize| {
        sys::ioctl_words(file, request, [(first * page) as u32, page as u32])
    };
    let first_bytes = move |memory: &Mapping| {
        let bytes = memory.copy(memory.address as u64, PAGES * page).unwrap_or_default();
        bytes.iter().step_by(page).map(u8::to_string).collect::<Vec<_>>().join(" ")
    };
    let states = move |file: &File| {
        let state = |number| pages(file, uapi::ASHMEM_GET_PIN_STATUS, number);
        let states = (0..PAGES).map(state).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Errno>(states.iter().map(i32::to_string).collect::<Vec<_>>().join(" "))
    };

    let scene = Scene::new()?;
    let _service = scene.serve(move |_, received| {
        let Object::Fd { fd, .. } = received.object(0) else {
            return Ok(Answer::Reply(Parcel::new()));
        };
        let region = sys::owned(fd as i32);
        let memory = Mapping::shared(&region, PAGES * page)?;
        report("service_reads", first_bytes(&memory));
        report("service_states", states(&region)?);
        memory.put(0, 9);
        pages(&region, uapi::ASHMEM_UNPIN, 2)?;
        report("purged", sys::ioctl_number(&region, uapi::ASHMEM_PURGE_ALL_CACHES, 0)?);
        report("service_pins", pages(&region, uapi::ASHMEM_PIN, 1)?);
        Ok(Answer::Reply(Parcel::new()))
    })?;
    let region = sys::open(Path::new("/dev/ashmem"))?;
    sys::ioctl_number(&region, uapi::ASHMEM_SET_SIZE, PAGES * page)?;
    let memory = Mapping::shared(&region, PAGES * page)?;
    for number in 0..PAGES {
        memory.put(number * page, number as u8 + 1);
    }
    pages(&region, uapi::ASHMEM_UNPIN, 1)?;
    let client = scene.open()?;
    let parcel = Parcel::new().fd(region.as_raw_fd() as u32, 0);
    report("call", client.call(0, 1, 0, &parcel)?.text());
    report("client_reads", first_bytes(&memory));
    report("client_states", states(&region)?);
    report("client_pins", pages(&region, uapi::ASHMEM_PIN, 2)?);
    Ok(())
}
