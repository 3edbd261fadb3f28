// SPDX-License-Identifier: MIT
//! Frozen processes: what reaches them, what the caller hears, who is told.

use super::{outcome, report};
use crate::binder::{Answer, Binder};
use crate::parcel::Parcel;
use crate::party::{Process, Scene};
use crate::stream::Commands;
use crate::sys::{self, Errno};
use crate::uapi;
use std::io;

/// The freezer, as Android's activity manager: it has a session, and freezes others by their pid.
fn freeze(freezer: &Binder, pid: i32, enable: u32, timeout_ms: u32) -> Result<(), Errno> {
    let mut info = uapi::FreezeInfo { pid: pid as u32, enable, timeout_ms };
    sys::ioctl(&freezer.file, uapi::BINDER_FREEZE, &mut info)
}

/// What came in since: bits of synchronous calls, and whether one-way ones.
fn came_in(freezer: &Binder, pid: i32) -> String {
    let mut info = uapi::FrozenStatusInfo { pid: pid as u32, ..Default::default() };
    match sys::ioctl(&freezer.file, uapi::BINDER_GET_FROZEN_INFO, &mut info) {
        Ok(()) => format!("{} {}", info.sync_recv, info.async_recv),
        Err(errno) => outcome::<()>(Err(errno)),
    }
}

/// A service that answers calls and tells of one-way ones on its line.
fn service(scene: &Scene) -> io::Result<Process> {
    let mut process = scene.start(|binder, line| {
        binder.become_manager()?;
        line.say(0)?;
        binder.serve(|_, received| {
            if received.transaction.flags & uapi::TF_ONE_WAY == 0 {
                return Ok(Answer::Reply(Parcel::new()));
            }
            line.say(u64::from(received.u32_at(0)))?;
            Ok(Answer::Done)
        })
    })?;
    process.line.hear()?;
    Ok(process)
}

pub fn frozen(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = service(&scene)?;
    let client = scene.open()?;
    let pid = service.pid;
    report("before", client.call(0, 1, 0, &Parcel::new())?.text());
    sys::stop(pid);
    report("freeze", outcome(freeze(&client, pid, 1, 1000)));
    report("nothing_came_in", came_in(&client, pid));
    report("call", client.call(0, 1, 0, &Parcel::new())?.text());
    report("one_way", client.call(0, 1, uapi::TF_ONE_WAY, &Parcel::new().u32(41))?.text());
    report("came_in", came_in(&client, pid));
    report("thaw", outcome(freeze(&client, pid, 0, 0)));
    sys::resume(pid);
    // The one-way call was kept.
    report("delivered", service.line.hear()?);
    report("after", client.call(0, 1, 0, &Parcel::new())?.text());
    report("unknown_pid", outcome(freeze(&client, i32::MAX, 1, 0)));
    report("unknown_pid_info", came_in(&client, i32::MAX));
    report("bad_pointer", outcome(sys::ioctl_null(&client.file, uapi::BINDER_FREEZE)));
    Ok(())
}

/// A process with a call to answer cannot be frozen.
pub fn pending(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        binder.enter_looper()?;
        line.say(0)?;
        let call = binder.await_return(uapi::BR_TRANSACTION)?;
        line.say(1)?;
        line.hear()?;
        binder.free(&binder.received(&call))?;
        binder.reply(&Parcel::new())?;
        binder.await_return(uapi::BR_TRANSACTION_COMPLETE)?;
        line.say(2)?;
        line.hear().map(drop)
    })?;
    service.line.hear()?;
    let mut caller = scene.start(|binder, _| {
        report("call", binder.call(0, 1, 0, &Parcel::new())?.text());
        Ok(())
    })?;
    service.line.hear()?;
    let freezer = scene.open()?;
    report("freeze", outcome(freeze(&freezer, service.pid, 1, 200)));
    report("pending", came_in(&freezer, service.pid));
    service.line.say(0)?;
    service.line.hear()?;
    caller.wait();
    report("freeze_after", outcome(freeze(&freezer, service.pid, 1, 200)));
    Ok(())
}

pub fn notifications(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let service = service(&scene)?;
    let client = scene.open()?;
    client.enter_looper()?;
    client.tell(&Commands::new().handle(uapi::BC_ACQUIRE, 0))?;
    let tell = |code, handle, cookie| {
        let commands = Commands::new().handle_cookie(code, handle, cookie);
        match client.send(&commands) {
            Ok(_) => outcome::<()>(Ok(())),
            Err((errno, _)) => outcome::<()>(Err(errno)),
        }
    };
    let next = || -> io::Result<String> {
        let found = client.receive()?;
        let each = found.iter().map(|one| match one.code {
            uapi::BR_FROZEN_BINDER => {
                let (cookie, is_frozen) = one.frozen();
                format!("{}:{cookie:x}:{is_frozen}", one.name())
            }
            _ => format!("{}:{:x}", one.name(), one.pointer()),
        });
        Ok(each.collect::<Vec<_>>().join(" "))
    };
    let done = |cookie| {
        let commands = Commands::new().pointer(uapi::BC_FREEZE_NOTIFICATION_DONE, cookie);
        outcome(client.tell(&commands))
    };
    let (request, clear) =
        (uapi::BC_REQUEST_FREEZE_NOTIFICATION, uapi::BC_CLEAR_FREEZE_NOTIFICATION);
    report("request", tell(request, 0, 0xf));
    report("state_now", next()?);
    report("done", done(0xf));
    report("freeze", outcome(freeze(&client, service.pid, 1, 1000)));
    report("frozen", next()?);
    // While one is not acknowledged, no other comes.
    report("thaw", outcome(freeze(&client, service.pid, 0, 0)));
    report("done_frozen", done(0xf));
    report("thawed", next()?);
    report("done_thawed", done(0xf));
    report("done_twice", done(0xf));
    report("done_unknown", done(0xbad));
    report("request_twice", tell(request, 0, 0x10));
    report("request_bad_handle", tell(request, 99, 0x11));
    report("clear_bad_cookie", tell(clear, 0, 0x12));
    report("clear_bad_handle", tell(clear, 99, 0xf));
    report("clear", tell(clear, 0, 0xf));
    report("cleared", next()?);
    report("clear_twice", tell(clear, 0, 0xf));
    report("alive", client.call(0, 1, 0, &Parcel::new())?.text());
    Ok(())
}

/// Of several one-way calls to a frozen process that replace each other, the last one is delivered
/// beside the first, which was under way.
pub fn update(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = service(&scene)?;
    let client = scene.open()?;
    sys::stop(service.pid);
    report("freeze", outcome(freeze(&client, service.pid, 1, 1000)));
    let flags = uapi::TF_ONE_WAY | uapi::TF_UPDATE_TXN;
    for number in [1, 2, 3, 4] {
        let done = client.call(0, 1, flags, &Parcel::new().u32(number))?;
        report(&format!("call_{number}"), done.text());
    }
    // Another code replaces none of them.
    client.call(0, 2, flags, &Parcel::new().u32(5))?;
    report("thaw", outcome(freeze(&client, service.pid, 0, 0)));
    sys::resume(service.pid);
    let mut delivered = Vec::new();
    while delivered.last() != Some(&5) {
        delivered.push(service.line.hear()?);
    }
    report("delivered", delivered.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
    Ok(())
}
