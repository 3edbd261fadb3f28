// SPDX-License-Identifier: MIT
//! One-way calls that fill the receiver's buffer.

use super::report;
use crate::binder::{Binder, MAP_SIZE};
use crate::parcel::Parcel;
use crate::party::Scene;
use crate::{sys, uapi};
use std::io;

/// The driver's own numbers: half of the mapping is for one-way calls; it looks at senders once
/// less than a tenth of the mapping is left of that half, and suspects who holds more than 50
/// buffers or more than a quarter of the mapping.
const ONE_WAY_SPACE: usize = MAP_SIZE / 2;

/// CVE-2026-43435: the call that crosses the line counts, with few large and with many small ones.
pub fn spam(_: u32) -> io::Result<()> {
    report("large", few_large(true)?);
    report("large_undetected", few_large(false)?);
    report("many_small", many_small()?);
    let (last, next) = full()?;
    report("full", last);
    report("call_when_full", next);
    Ok(())
}

/// A context manager that takes calls only when it is told to, so that buffers stay taken.
fn idle(scene: &Scene) -> io::Result<crate::party::Process> {
    let mut process = scene.start(|binder, line| {
        binder.become_manager()?;
        line.say(0)?;
        line.hear().map(drop)
    })?;
    process.line.hear()?;
    Ok(process)
}

fn detect(binder: &Binder, on: bool) -> io::Result<()> {
    let request = uapi::BINDER_ENABLE_ONEWAY_SPAM_DETECTION;
    Ok(sys::ioctl(&binder.file, request, &mut u32::from(on))?)
}

/// Sends one-way calls of a size; gives how many went until the answer was another than usual, and
/// that answer.
fn until_suspect(client: &Binder, size: usize, most: usize) -> io::Result<String> {
    for number in 1..=most {
        let done = client.call(0, 1, uapi::TF_ONE_WAY, &Parcel::bytes(&vec![0; size]))?;
        let text = done.text();
        if text != "BR_TRANSACTION_COMPLETE" {
            return Ok(format!("{number} {text}"));
        }
    }
    Ok("none".to_owned())
}

/// Four calls of 110,000 bytes leave less than a tenth; the fourth is the one that crosses it.
fn few_large(on: bool) -> io::Result<String> {
    let scene = Scene::new()?;
    let _service = idle(&scene)?;
    let client = scene.open()?;
    detect(&client, on)?;
    until_suspect(&client, 110_000, 4)
}

/// One process fills the space but for less than a tenth, another sends small calls: its fifty-first
/// is suspect.
fn many_small() -> io::Result<String> {
    let scene = Scene::new()?;
    let _service = idle(&scene)?;
    let mut other = scene.start(|binder, line| {
        let size = ONE_WAY_SPACE - MAP_SIZE / 10 + 64;
        binder.call(0, 1, uapi::TF_ONE_WAY, &Parcel::bytes(&vec![0; size]))?;
        line.say(0)
    })?;
    other.line.hear()?;
    other.wait();
    let client = scene.open()?;
    detect(&client, true)?;
    until_suspect(&client, 96, 100)
}

/// The space is used up; calls that wait for an answer have the other half.
fn full() -> io::Result<(String, String)> {
    let scene = Scene::new()?;
    let mut service = scene.start(|binder, line| {
        binder.become_manager()?;
        line.say(0)?;
        line.hear()?;
        binder.serve(|_, received| {
            if received.transaction.flags & uapi::TF_ONE_WAY != 0 {
                return Ok(crate::binder::Answer::Done);
            }
            Ok(crate::binder::Answer::Reply(Parcel::new()))
        })
    })?;
    service.line.hear()?;
    let client = scene.open()?;
    let last = until_suspect(&client, 100_000, 100)?;
    service.line.say(0)?;
    let next = client.call(0, 1, 0, &Parcel::bytes(&[0; 100_000]))?.text();
    Ok((last, next))
}
