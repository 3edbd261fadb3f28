// SPDX-License-Identifier: MIT
//! Ordinary use: versions, mappings, calls, context managers, references, threads.

use super::{outcome, report};
use crate::binder::{Answer, Binder};
use crate::parcel::{Object, Parcel};
use crate::party::Scene;
use crate::stream::Commands;
use crate::sys::{self, Mapping};
use crate::uapi;
use std::io;
use std::thread;

pub fn version(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let binder = scene.open()?;
    let mut version = 0u32;
    sys::ioctl(&binder.file, uapi::BINDER_VERSION, &mut version)?;
    report("version", version);
    Ok(())
}

pub fn ioctl_errors(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let binder = scene.open()?;
    // The numbers that the interface does not know, in each direction.
    for (name, request) in [("none", 0x6263), ("write", 0x4004_6263), ("both", 0xc004_6263)] {
        let result = match request {
            0x6263 => sys::ioctl_null(&binder.file, request),
            _ => sys::ioctl(&binder.file, request, &mut 0u32),
        };
        report(&format!("unknown_{name}"), outcome(result));
    }
    report("null_write_read", outcome(sys::ioctl_null(&binder.file, uapi::BINDER_WRITE_READ)));
    report("null_version", outcome(sys::ioctl_null(&binder.file, uapi::BINDER_VERSION)));
    report(
        "null_max_threads",
        outcome(sys::ioctl_null(&binder.file, uapi::BINDER_SET_MAX_THREADS)),
    );
    let mut empty = uapi::WriteRead::default();
    report("empty", outcome(sys::ioctl(&binder.file, uapi::BINDER_WRITE_READ, &mut empty)));
    let mut nowhere = uapi::WriteRead { write_size: 4, ..Default::default() };
    report("write_null", outcome(sys::ioctl(&binder.file, uapi::BINDER_WRITE_READ, &mut nowhere)));
    let mut nowhere = uapi::WriteRead { read_size: 256, ..Default::default() };
    report("read_null", outcome(sys::ioctl(&binder.file, uapi::BINDER_WRITE_READ, &mut nowhere)));
    // More was consumed than there is: nothing is left to do.
    let mut beyond =
        uapi::WriteRead { write_size: 4, write_consumed: 1 << 40, ..Default::default() };
    report("write_beyond", outcome(sys::ioctl(&binder.file, uapi::BINDER_WRITE_READ, &mut beyond)));
    // A session belongs to the process that opened it.
    let mut child = crate::party::Process::start(|line| {
        let result = binder.send(&Commands::new().plain(uapi::BC_ENTER_LOOPER));
        line.say(result.err().map_or(0, |(errno, _)| errno.0 as u64))
    })?;
    report("other_process", format!("errno {}", child.line.hear()?));
    child.wait();
    report("alive", outcome(binder.enter_looper()));
    Ok(())
}

pub fn map_errors(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let binder = Binder::unmapped(&scene.device)?;
    let map = |protection| Mapping::of_file(&binder.file, 8192, protection);
    report("writable", outcome(map(libc::PROT_READ | libc::PROT_WRITE)));
    let mut child = crate::party::Process::start(|line| {
        line.say(map(libc::PROT_READ).err().map_or(0, |errno| errno.0 as u64))
    })?;
    report("other_process", format!("errno {}", child.line.hear()?));
    child.wait();
    report("first", outcome(map(libc::PROT_READ)));
    report("second", outcome(map(libc::PROT_READ)));
    Ok(())
}

pub fn echo(count: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let (euid, pid) = (0, std::process::id());
    let _service = scene.serve(move |_, received| {
        let from = &received.transaction;
        let right = from.sender_euid == euid && from.sender_pid as u32 == pid && from.target == 0;
        Ok(Answer::Reply(if right { Parcel::bytes(&received.data) } else { Parcel::new() }))
    })?;
    let client = scene.open()?;
    for size in [0, 1, 4096, 65536, 500_000] {
        let sent: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let mut same = 0;
        let mut last = String::new();
        for _ in 0..count {
            let done = client.call(0, 1, 0, &Parcel::bytes(&sent))?;
            last = done.returns.join(" ");
            if let Some(reply) = done.reply {
                same += u32::from(reply.data == sent);
                client.free(&reply)?;
            }
        }
        report(&format!("size_{size}"), format!("{same} {last}"));
    }
    Ok(())
}

const ADD: u32 = 1;
const FIND: u32 = 2;
const ASK: u32 = 3;

pub fn registry(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    // The manager keeps the last handle that it was given.
    let mut kept = None;
    let _manager = scene.serve(move |binder, received| {
        match received.transaction.code {
            ADD => {
                let Object::Handle(handle) = received.object(0) else {
                    return Ok(Answer::Reply(Parcel::new().u32(0)));
                };
                // The buffer's own reference ends with the buffer.
                binder.tell(&Commands::new().handle(uapi::BC_ACQUIRE, handle))?;
                kept = Some(handle);
                Ok(Answer::Reply(Parcel::new().u32(1)))
            }
            _ => Ok(Answer::Reply(match kept {
                Some(handle) => Parcel::new().handle(handle),
                None => Parcel::new().u32(0),
            })),
        }
    })?;
    let client = scene.open()?;
    let none = client.call(0, FIND, 0, &Parcel::new())?;
    report("found_before", none.reply.map_or(0, |reply| reply.offsets.len()));

    let mut service = scene.start(|binder, line| {
        let done = binder.call(0, ADD, 0, &Parcel::new().binder(0xb0b, 0xc0c, 0))?;
        line.say(done.reply.map_or(0, |reply| u64::from(reply.u32_at(0))))?;
        binder.serve(|_, received| {
            let right =
                received.transaction.target == 0xb0b && received.transaction.cookie == 0xc0c;
            let mut answer = received.data.clone();
            answer.reverse();
            Ok(Answer::Reply(Parcel::bytes(if right { &answer } else { b"wrong" })))
        })
    })?;
    report("registered", service.line.hear()?);

    let found = client.call(0, FIND, 0, &Parcel::new())?;
    let Some(Object::Handle(handle)) = found.reply.as_ref().map(|reply| reply.object(0)) else {
        return Err(io::Error::other("the manager gave no handle"));
    };
    report("handle", handle);
    let answer = client.call(handle, ASK, 0, &Parcel::bytes(b"what"))?;
    report("returns", answer.returns.join(" "));
    let answer = answer.reply.map(|reply| String::from_utf8_lossy(&reply.data).into_owned());
    report("answer", answer.unwrap_or_default());
    Ok(())
}

/// The client hands an object of its own to the service, which calls it before it answers.
pub fn nested(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.serve(|binder, received| {
        let Object::Handle(handle) = received.object(0) else {
            return Ok(Answer::Leave);
        };
        let done = binder.call(handle, 2, 0, &Parcel::new().u32(20))?;
        let value = done.reply.map_or(0, |reply| reply.u32_at(0));
        Ok(Answer::Reply(Parcel::new().u32(value + 1)))
    })?;
    let client = scene.open()?;
    let parcel = Parcel::new().binder(0x11, 0x22, 0);
    client.tell(&Commands::new().transaction(uapi::BC_TRANSACTION_SG, &parcel.to(0, 1, 0)))?;
    loop {
        for one in client.receive()? {
            if one.code == uapi::BR_TRANSACTION {
                let call = client.received(&one);
                report("callback", format!("{:x} {}", call.transaction.target, call.u32_at(0)));
                client.free(&call)?;
                client.reply(&Parcel::new().u32(2 * call.u32_at(0) + 1))?;
            } else if one.code == uapi::BR_REPLY {
                report("answer", client.received(&one).u32_at(0));
                return Ok(());
            } else if one.code == uapi::BR_FAILED_REPLY || one.code == uapi::BR_DEAD_REPLY {
                report("answer", one.name());
                return Ok(());
            }
        }
    }
}

pub fn manager(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let client = scene.open()?;
    report("call_without", client.call(0, 1, 0, &Parcel::new())?.text());
    let mut first = scene.echo()?;
    report("second", outcome(client.become_manager()));
    report(
        "second_plain",
        outcome(sys::ioctl(&client.file, uapi::BINDER_SET_CONTEXT_MGR, &mut 0u32)),
    );
    report("call", client.call(0, 1, 0, &Parcel::new())?.text());
    first.kill();
    // The driver takes a dead process down on its own time.
    let other = scene.start(|binder, line| {
        sys::become_user(12345)?;
        loop {
            match binder.become_manager() {
                Err(errno) if errno.0 == libc::EBUSY => thread::yield_now(),
                result => return line.say(result.err().map_or(0, |errno| errno.0 as u64)),
            }
        }
    })?;
    let mut other = other;
    report("other_user", format!("errno {}", other.line.hear()?));
    other.wait();
    report("next", outcome(client.become_manager()));
    Ok(())
}

pub fn references(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    // The manager counts the references that others hold on the object it gives out.
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        line.say(0)?;
        binder.enter_looper()?;
        let mut seen = Vec::new();
        loop {
            for one in binder.receive()? {
                match one.code {
                    uapi::BR_TRANSACTION => {
                        let call = binder.received(&one);
                        binder.free(&call)?;
                        if call.transaction.code == 9 {
                            report("owner_saw", seen.join(" "));
                            let mut info = uapi::NodeDebugInfo::default();
                            sys::ioctl(&binder.file, uapi::BINDER_GET_NODE_DEBUG_INFO, &mut info)?;
                            report("last_node", format!("{:x}", info.ptr));
                            return Ok(binder.reply(&Parcel::new())?);
                        }
                        let mut info = uapi::NodeDebugInfo::default();
                        binder.reply(&Parcel::new().binder(0xabc, 0xdef, 0))?;
                        sys::ioctl(&binder.file, uapi::BINDER_GET_NODE_DEBUG_INFO, &mut info)?;
                        report(
                            "node",
                            format!(
                                "{:x} {:x} {} {}",
                                info.ptr, info.cookie, info.has_strong_ref, info.has_weak_ref
                            ),
                        );
                    }
                    uapi::BR_INCREFS | uapi::BR_ACQUIRE | uapi::BR_RELEASE | uapi::BR_DECREFS => {
                        let (ptr, cookie) = one.ptr_cookie();
                        seen.push(format!("{}:{ptr:x}:{cookie:x}", one.name()));
                        // The client drops its references only when the owner knows of them.
                        if matches!(one.code, uapi::BR_ACQUIRE | uapi::BR_DECREFS) {
                            line.say(0)?;
                        }
                    }
                    _ => {}
                }
            }
        }
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    let reply = client.call(0, 1, 0, &Parcel::new())?.reply;
    let reply = reply.ok_or_else(|| io::Error::other("no reply"))?;
    let Object::Handle(handle) = reply.object(0) else {
        return Err(io::Error::other("no handle"));
    };
    service.line.hear()?;
    let count = |code| client.send(&Commands::new().handle(code, handle)).is_ok();
    report("acquired", count(uapi::BC_INCREFS) && count(uapi::BC_ACQUIRE));
    client.free(&reply)?;
    // Only a context manager may ask.
    let mut info = uapi::NodeInfoForRef { handle, ..Default::default() };
    let asked = sys::ioctl(&client.file, uapi::BINDER_GET_NODE_INFO_FOR_REF, &mut info);
    report("info_by_client", outcome(asked));
    report("released", count(uapi::BC_RELEASE) && count(uapi::BC_DECREFS));
    service.line.hear()?;
    let gone = client.call(handle, 1, 0, &Parcel::new())?;
    report("call_released", gone.text());
    client.call(0, 9, 0, &Parcel::new())?;
    service.wait();
    Ok(())
}

pub fn loopers(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        sys::ioctl(&binder.file, uapi::BINDER_SET_MAX_THREADS, &mut 1u32)?;
        binder.enter_looper()?;
        line.say(0)?;
        let mut seen = Vec::new();
        while !seen.iter().any(|name| name == "BR_TRANSACTION") {
            seen.extend(binder.receive()?.iter().map(crate::stream::Return::name));
        }
        report("service_saw", seen.join(" "));
        Ok(binder.reply(&Parcel::new())?)
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    report("call", client.call(0, 1, 0, &Parcel::new())?.text());
    service.wait();
    Ok(())
}

/// A thread with a call to answer leaves: the caller must not wait for ever.
pub fn thread_exit(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.serve(|binder, received| {
        if received.transaction.code == 2 {
            return Ok(Answer::Reply(Parcel::new()));
        }
        sys::ioctl(&binder.file, uapi::BINDER_THREAD_EXIT, &mut 0u32)?;
        binder.enter_looper()?;
        Ok(Answer::Done)
    })?;
    let client = scene.open()?;
    report("call", client.call(0, 1, 0, &Parcel::new())?.text());
    report("next_call", client.call(0, 2, 0, &Parcel::new())?.text());
    Ok(())
}

pub fn poll(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        binder.enter_looper()?;
        report("before", sys::poll(&binder.file, 0));
        line.say(0)?;
        report("call", sys::poll(&binder.file, 20_000));
        let call = binder.await_return(uapi::BR_TRANSACTION)?;
        binder.free(&binder.received(&call))?;
        binder.reply(&Parcel::new())?;
        binder.await_return(uapi::BR_TRANSACTION_COMPLETE)?;
        report("after", sys::poll(&binder.file, 0));
        Ok(())
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    report("answer", client.call(0, 1, 0, &Parcel::new())?.text());
    service.wait();
    Ok(())
}
