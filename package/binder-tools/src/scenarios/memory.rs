// SPDX-License-Identifier: MIT
//! The receiver's mapping: what the driver keeps in it, and what it must leave alone.

use super::report;
use crate::binder::{Answer, MAP_SIZE};
use crate::parcel::Parcel;
use crate::party::Scene;
use crate::{sys, uapi};
use std::fs;
use std::io;

/// TF_CLEAR_BUF: the receiver's buffer holds nothing once it was freed.
pub fn clear_buffer(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.serve(|binder, received| {
        let address = received.transaction.buffer;
        let zeroes = |binder: &crate::binder::Binder| {
            let bytes = binder.map.as_ref().and_then(|map| map.copy(address, 5000));
            bytes.unwrap_or_default().iter().filter(|byte| **byte == 0).count() as u32
        };
        let before = zeroes(binder);
        binder.free(received)?;
        Ok(Answer::Reply(Parcel::new().u32(before).u32(zeroes(binder))))
    })?;
    let client = scene.open()?;
    for (name, flags) in [("plain", 0), ("clear", uapi::TF_CLEAR_BUF)] {
        let reply = client.call(0, 1, flags, &Parcel::bytes(&[0x55; 5000]))?.reply;
        let reply = reply.ok_or_else(|| io::Error::other("no reply"))?;
        report(name, format!("{} {}", reply.u32_at(0), reply.u32_at(4)));
        client.free(&reply)?;
    }
    Ok(())
}

/// Lets the kernel shrink what it can, this driver's unused pages with it.
fn shrink_all() -> io::Result<()> {
    fs::write("/proc/sys/vm/drop_caches", "2")
}

/// CVE-2026-43434: memory of another kind where the mapping was. The driver must neither put its
/// pages there nor take the others away.
pub fn foreign(_: u32) -> io::Result<()> {
    const FILL: u8 = 0x77;
    let whole = |map: &sys::Mapping| {
        map.copy(map.address as u64, map.size).is_some_and(|bytes| bytes.iter().all(|b| *b == FILL))
    };
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        line.say(0)?;
        binder.enter_looper()?;
        // The first call is received as usual; its pages are unused afterwards.
        let call = binder.await_return(uapi::BR_TRANSACTION)?;
        binder.free(&binder.received(&call))?;
        binder.reply(&Parcel::new())?;
        let map = binder.map.as_ref().ok_or_else(|| io::Error::other("no mapping"))?;
        map.replace_by_memory(FILL)?;
        line.say(1)?;
        // The client has made the driver want pages.
        line.hear()?;
        report("after_call", whole(map));
        shrink_all()?;
        report("after_shrink", whole(map));
        // Another session's mapping at the same address is not ours either.
        let other = crate::binder::Binder::unmapped(&scene.device)?;
        map.replace_by_file(&other.file)?;
        line.say(2)?;
        line.hear()?;
        shrink_all()?;
        line.say(3)?;
        line.hear().map(drop)
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    report("before", client.call(0, 1, 0, &Parcel::bytes(&[1; 40_000]))?.text());
    service.line.hear()?;
    // Larger than the first, so that pages are missing.
    let large = Parcel::bytes(&vec![2; MAP_SIZE / 4]);
    report("call_memory", client.call(0, 1, 0, &large)?.text());
    service.line.say(0)?;
    service.line.hear()?;
    report("call_other_session", client.call(0, 1, 0, &large)?.text());
    service.line.say(0)?;
    service.line.hear()?;
    service.kill();
    let _next = scene.echo()?;
    report("alive", client.call(0, 1, 0, &large)?.text());
    Ok(())
}

/// Pages that no buffer needs go when memory is short, and come back.
pub fn shrink(count: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.echo()?;
    let client = scene.open()?;
    let mut right = 0;
    for round in 0..count {
        let sent = vec![round as u8; 300_000];
        // One reply stays unread while the pages beside it are taken away.
        let kept = client.call(0, 1, 0, &Parcel::bytes(&sent))?.reply;
        let kept = kept.ok_or_else(|| io::Error::other("no reply"))?;
        let freed = client.call(0, 1, 0, &Parcel::bytes(&sent))?.reply;
        client.free(&freed.ok_or_else(|| io::Error::other("no reply"))?)?;
        shrink_all()?;
        let copy = client.map.as_ref().and_then(|map| map.copy(kept.transaction.buffer, 300_000));
        right += u32::from(copy.as_ref() == Some(&sent));
        client.free(&kept)?;
    }
    report("rounds", count);
    report("right", right);
    Ok(())
}
