// SPDX-License-Identifier: MIT
//! Death notifications, and calls to and from who dies.

use super::report;
use crate::binder::{Answer, Binder};
use crate::parcel::{Object, Parcel};
use crate::party::Scene;
use crate::stream::{Commands, Return};
use crate::{sys, uapi};
use std::io;
use std::sync::mpsc;
use std::thread;

/// Gives this session a strong reference on the context manager, as handle 0.
fn acquire_manager(binder: &Binder) -> io::Result<()> {
    Ok(binder.tell(&Commands::new().handle(uapi::BC_ACQUIRE, 0))?)
}

fn request(binder: &Binder, handle: u32, cookie: u64) -> io::Result<()> {
    let code = uapi::BC_REQUEST_DEATH_NOTIFICATION;
    Ok(binder.tell(&Commands::new().handle_cookie(code, handle, cookie))?)
}

fn clear(binder: &Binder, handle: u32, cookie: u64) -> io::Result<()> {
    let code = uapi::BC_CLEAR_DEATH_NOTIFICATION;
    Ok(binder.tell(&Commands::new().handle_cookie(code, handle, cookie))?)
}

fn done(binder: &Binder, cookie: u64) -> io::Result<()> {
    Ok(binder.tell(&Commands::new().pointer(uapi::BC_DEAD_BINDER_DONE, cookie))?)
}

/// Names and cookies of returns.
fn text(returns: &[Return]) -> String {
    let each = returns.iter().map(|one| match uapi::payload(one.code) {
        0 => one.name(),
        _ => format!("{}:{:x}", one.name(), one.pointer()),
    });
    each.collect::<Vec<_>>().join(" ")
}

pub fn killed(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.echo()?;
    let client = scene.open()?;
    client.enter_looper()?;
    acquire_manager(&client)?;
    request(&client, 0, 0xdead)?;
    report("call", client.call(0, 1, 0, &Parcel::new())?.text());
    service.kill();
    report("killed", text(&client.receive()?));
    report("call_after", client.call(0, 1, 0, &Parcel::new())?.text());
    done(&client, 0xdead)?;
    clear(&client, 0, 0xdead)?;
    report("cleared", text(&client.receive()?));
    // Asked again, of one that is dead already.
    request(&client, 0, 0xbeef)?;
    report("dead_already", text(&client.receive()?));
    clear(&client, 0, 0xbeef)?;
    done(&client, 0xbeef)?;
    report("cleared_before_done", text(&client.receive()?));
    // Of one that lives on.
    let _next = scene.echo()?;
    client.tell(&Commands::new().handle(uapi::BC_RELEASE, 0))?;
    acquire_manager(&client)?;
    request(&client, 0, 0xabc)?;
    clear(&client, 0, 0xabc)?;
    report("cleared_alive", text(&client.receive()?));
    Ok(())
}

pub fn calls(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        binder.enter_looper()?;
        line.say(0)?;
        binder.await_return(uapi::BR_TRANSACTION)?;
        line.say(1)?;
        // Never answers.
        line.hear().map(drop)
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    let parcel = Parcel::new();
    client.tell(&Commands::new().transaction(uapi::BC_TRANSACTION_SG, &parcel.to(0, 1, 0)))?;
    service.line.hear()?;
    service.kill();
    report("during_call", client.finish(false)?.text());

    // A client that dies while its call is under way: the service goes on.
    let mut service = scene.start(|binder, line| {
        while binder.become_manager().is_err() {
            thread::yield_now();
        }
        binder.enter_looper()?;
        line.say(0)?;
        let call = binder.await_return(uapi::BR_TRANSACTION)?;
        line.say(1)?;
        line.hear()?;
        binder.free(&binder.received(&call))?;
        binder.reply(&Parcel::new())?;
        report("reply_to_dead", text(&binder.receive()?));
        line.say(2)?;
        binder.serve(|_, _| Ok(Answer::Reply(Parcel::new())))
    })?;
    service.line.hear()?;
    let mut caller = scene.start(|binder, _| {
        binder.call(0, 1, 0, &Parcel::new())?;
        Ok(())
    })?;
    service.line.hear()?;
    caller.kill();
    service.line.say(0)?;
    service.line.hear()?;
    report("next_call", client.call(0, 1, 0, &Parcel::new())?.text());
    Ok(())
}

/// Requests that a client should not make are ignored, and the right one still works.
pub fn requests(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.echo()?;
    let client = scene.open()?;
    client.enter_looper()?;
    request(&client, 99, 1)?;
    clear(&client, 99, 1)?;
    acquire_manager(&client)?;
    clear(&client, 0, 1)?;
    done(&client, 1)?;
    request(&client, 0, 1)?;
    request(&client, 0, 2)?;
    clear(&client, 0, 2)?;
    report("alive", client.call(0, 1, 0, &Parcel::new())?.text());
    service.kill();
    report("killed", text(&client.receive()?));
    done(&client, 2)?;
    done(&client, 1)?;
    done(&client, 1)?;
    clear(&client, 0, 1)?;
    report("cleared", text(&client.receive()?));
    // The last reference goes while a notification is set: it is forgotten.
    client.tell(&Commands::new().handle(uapi::BC_RELEASE, 0))?;
    let mut service = scene.echo()?;
    acquire_manager(&client)?;
    request(&client, 0, 3)?;
    client.tell(&Commands::new().handle(uapi::BC_RELEASE, 0))?;
    service.kill();
    let _service = scene.echo()?;
    let last = client.call(0, 1, 0, &Parcel::new())?;
    report("after_release", last.returns.join(" "));
    Ok(())
}

/// CVE-2026-23400: the notification is cleared and then acknowledged by a thread that takes no
/// work of its process, so the driver's answer must go to the process.
pub fn elsewhere(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let mut service = scene.echo()?;
    let client = scene.open()?;
    acquire_manager(&client)?;
    request(&client, 0, 0xe15e)?;
    let (send, returns) = mpsc::channel();
    thread::scope(|scope| {
        let client = &client;
        // The one that takes work.
        scope.spawn(move || -> io::Result<()> {
            client.enter_looper()?;
            let mut waiting = 2;
            while waiting > 0 {
                for one in client.receive()? {
                    waiting -= 1;
                    let _ = send.send(text(&[one]));
                }
            }
            Ok(())
        });
        service.kill();
        let hear = || returns.recv().map_err(io::Error::other);
        report("killed", hear()?);
        clear(client, 0, 0xe15e)?;
        done(client, 0xe15e)?;
        report("cleared", hear()?);
        Ok(())
    })
}

/// How many objects the owner in `race` has, and how many processes watch each.
const OBJECTS: usize = 16;
const WATCHERS: usize = 4;

/// CVE-2025-68260: the owner of watched objects dies while the notifications are being cleared.
/// Each watcher must hear of each object's death or of its notification's end, and nothing else.
pub fn race(count: u32) -> io::Result<()> {
    let (mut rounds, mut dead, mut cleared) = (0, 0, 0);
    for _ in 0..count {
        let scene = Scene::new()?;
        let mut owner = scene.serve(|_, _| {
            let parcel = (1..=OBJECTS as u64).fold(Parcel::new(), |p, i| p.binder(i << 8, i, 0));
            Ok(Answer::Reply(parcel))
        })?;
        let mut watchers = Vec::new();
        for _ in 0..WATCHERS {
            let mut watcher = scene.start(|binder, line| {
                let reply = binder.call(0, 1, 0, &Parcel::new())?.reply;
                let reply = reply.ok_or_else(|| io::Error::other("no reply"))?;
                binder.enter_looper()?;
                for index in 0..OBJECTS {
                    request(&binder, handle(reply.object(index))?, index as u64)?;
                }
                line.say(0)?;
                line.hear()?;
                for index in 0..OBJECTS {
                    clear(&binder, handle(reply.object(index))?, index as u64)?;
                }
                // For each: the end of the notification, where the owner died too late; else its
                // death, an acknowledgement, and the end.
                let (mut died, mut ended) = (0, [false; OBJECTS]);
                while ended.contains(&false) {
                    for one in binder.receive()? {
                        match one.code {
                            uapi::BR_DEAD_BINDER => {
                                died += 1;
                                done(&binder, one.pointer())?;
                            }
                            uapi::BR_CLEAR_DEATH_NOTIFICATION_DONE => {
                                let index = one.pointer() as usize;
                                if std::mem::replace(&mut ended[index], true) {
                                    return Err(io::Error::other("ended twice"));
                                }
                            }
                            _ => {}
                        }
                    }
                }
                line.say(died)
            })?;
            watcher.line.hear()?;
            watchers.push(watcher);
        }
        for watcher in &mut watchers {
            watcher.line.say(0)?;
        }
        sys::kill(owner.pid);
        for watcher in &mut watchers {
            let died = watcher.line.hear()?;
            dead += died;
            cleared += OBJECTS as u64 - died;
        }
        owner.wait();
        rounds += 1;
    }
    report("rounds", rounds);
    report("notifications", dead + cleared);
    report("expected", u64::from(count) * (OBJECTS * WATCHERS) as u64);
    report("died_first", dead);
    report("cleared_first", cleared);
    let scene = Scene::new()?;
    let _service = scene.echo()?;
    report("alive", scene.open()?.call(0, 1, 0, &Parcel::new())?.text());
    Ok(())
}

fn handle(object: Object) -> io::Result<u32> {
    match object {
        Object::Handle(handle) => Ok(handle),
        other => Err(io::Error::other(format!("no handle: {other:?}"))),
    }
}
