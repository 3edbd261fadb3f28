// SPDX-License-Identifier: MIT
//! What no client should do. Each case gives the driver's answer; at the end an ordinary call shows
//! that it goes on working.

use super::report;
use crate::binder::{Answer, Binder, MAP_SIZE};
use crate::parcel::Parcel;
use crate::party::Scene;
use crate::stream::{Commands, TransactionData};
use crate::uapi;
use std::io;

/// An address where nothing is mapped, and one that no user can have.
const NOWHERE: u64 = 8;
const KERNEL: u64 = if size_of::<usize>() == 8 { 0xffff_ffff_0000_0000 } else { 0xf000_0000 };

pub fn calls(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.echo()?;
    let client = scene.open()?;
    let case = |name: &str, data: &TransactionData| -> io::Result<()> {
        let done = client.transact(data)?;
        report(name, done.text());
        if let Some(reply) = done.reply {
            client.free(&reply)?;
        }
        Ok(())
    };
    let to = |parcel: &Parcel| parcel.to(0, 1, 0);
    let plain = Parcel::bytes(&[0; 64]);

    // Offsets of objects.
    let offsets = |list: &[u64]| Parcel { offsets: list.to_vec(), ..plain.clone() };
    case("offset_beyond", &to(&offsets(&[4096])))?;
    case("offset_at_end", &to(&offsets(&[64])))?;
    case("offset_huge", &to(&offsets(&[u64::MAX - 7])))?;
    case("offset_unaligned", &to(&offsets(&[2])))?;
    case("offset_plain_data", &to(&offsets(&[0])))?;
    let object = Parcel::new().fd(0, 0);
    case("offset_twice", &to(&Parcel { offsets: vec![0, 0], ..object.clone() }))?;
    case("offset_overlapping", &to(&Parcel { offsets: vec![0, 8], ..object.clone() }))?;
    case("offset_backwards", &to(&Parcel { offsets: vec![24, 0], ..object.clone().fd(0, 0) }))?;
    let mut cut = object.clone();
    cut.data.truncate(16);
    case("object_cut_off", &to(&cut))?;
    case("object_unknown", &to(&Parcel::new().object(0x1234_5685, 0, &[0, 0])))?;

    // Sizes.
    let sized = |data_size, offsets_size, buffers_size| TransactionData {
        data_size,
        offsets_size,
        buffers_size,
        ..to(&plain)
    };
    case("data_huge", &sized(u64::MAX, 0, 0))?;
    case("data_larger_than_map", &sized(8 * MAP_SIZE as u64, 0, 0))?;
    case("offsets_unaligned", &sized(64, 4, 0))?;
    case("offsets_huge", &sized(64, u64::MAX - 7, 0))?;
    case("buffers_unaligned", &sized(64, 0, 4))?;
    case("buffers_huge", &sized(64, 0, u64::MAX - 7))?;
    case("sum_overflows", &sized(u64::MAX - 15, 8, 8))?;

    // Addresses.
    case("data_nowhere", &TransactionData { buffer: NOWHERE, ..to(&plain) })?;
    case("data_kernel", &TransactionData { buffer: KERNEL, ..to(&plain) })?;
    case("offsets_nowhere", &TransactionData { offsets: NOWHERE, offsets_size: 8, ..to(&plain) })?;
    case("offsets_kernel", &TransactionData { offsets: KERNEL, offsets_size: 8, ..to(&plain) })?;

    // Handles and descriptors.
    case("handle_unknown", &plain.to(77, 1, 0))?;
    case("handle_unknown_one_way", &plain.to(77, 1, uapi::TF_ONE_WAY))?;
    case("handle_largest", &plain.to(u32::MAX, 1, 0))?;
    case("object_handle_unknown", &to(&Parcel::new().handle(77)))?;
    case("descriptor_closed", &to(&Parcel::new().fd(999, 0)))?;
    case("descriptor_negative", &to(&Parcel::new().fd(u32::MAX, 0)))?;
    // One pointer, two cookies.
    let node = Parcel::new().binder(0x50, 1, 0);
    case("node_twice", &to(&node.clone().binder(0x50, 1, 0)))?;
    case("node_other_cookie", &to(&node.binder(0x50, 2, 0)))?;

    // Buffers beside the data.
    let (nowhere, huge) = (NOWHERE, u64::MAX - 7);
    let with = |parcel: Parcel, buffers_size| Parcel { buffers_size, ..parcel };
    case("buffer_nowhere", &to(&with(Parcel::new().pointer(nowhere, 16, None), 16)))?;
    case("buffer_without_space", &to(&with(Parcel::new().pointer(nowhere, 16, None), 8)))?;
    case("buffer_huge", &to(&with(Parcel::new().pointer(nowhere, huge, None), 16)))?;
    let buffer = || Parcel::new().buffer(vec![0; 32], None);
    case("buffer_in_buffer", &to(&buffer().buffer(vec![0; 8], Some((0, 8)))))?;
    case("parent_unknown", &to(&buffer().buffer(vec![0; 8], Some((9, 0)))))?;
    case("parent_offset_beyond", &to(&buffer().buffer(vec![0; 8], Some((0, 32)))))?;
    case("parent_offset_huge", &to(&buffer().buffer(vec![0; 8], Some((0, huge)))))?;
    let twice = buffer().buffer(vec![0; 8], Some((0, 16))).buffer(vec![0; 8], Some((0, 8)));
    case("parent_offset_backwards", &to(&twice))?;

    // Arrays of descriptors.
    case("array_parent_unknown", &to(&buffer().fd_array(1, 5, 0)))?;
    case("array_without_parent", &to(&Parcel::new().fd_array(0, 0, 0)))?;
    case("array_unaligned", &to(&buffer().fd_array(1, 0, 2)))?;
    case("array_beyond", &to(&buffer().fd_array(9, 0, 0)))?;
    case("array_huge", &to(&buffer().fd_array(u64::MAX / 2, 0, 0)))?;
    case("array_overflows", &to(&buffer().fd_array(1 << 62, 0, 0)))?;
    let closed = Parcel::new().buffer(999u32.to_ne_bytes().repeat(2), None);
    case("array_descriptor_closed", &to(&closed.fd_array(2, 0, 0)))?;

    // Answers where none is due.
    let commands = Commands::new().transaction(uapi::BC_REPLY_SG, &to(&plain));
    client.tell(&commands)?;
    report("reply_to_nobody", client.finish(false)?.text());

    // A receiver without a mapping has no room.
    let other = Scene::new()?;
    let _unmapped = {
        let device = other.device.clone();
        let mut process = crate::party::Process::start(move |line| {
            let binder = Binder::unmapped(&device)?;
            binder.become_manager()?;
            line.say(0)?;
            line.hear().map(drop)
        })?;
        process.line.hear()?;
        process
    };
    report("receiver_unmapped", other.open()?.call(0, 1, 0, &plain)?.text());

    // A manager that calls itself.
    let own = Scene::new()?;
    let manager = own.open()?;
    manager.become_manager()?;
    report("manager_to_itself", manager.call(0, 1, 0, &plain)?.text());

    // A service whose answer is bad: it is told that it answered, and the caller that it failed.
    let bad = Scene::new()?;
    let _bad_service = bad.serve(|binder, received| {
        if received.transaction.code == 2 {
            return Ok(Answer::Reply(Parcel::new()));
        }
        binder.free(received)?;
        let data = TransactionData { buffer: NOWHERE, data_size: 64, ..TransactionData::default() };
        binder.tell(&Commands::new().transaction(uapi::BC_REPLY_SG, &data))?;
        Ok(Answer::Done)
    })?;
    let caller = bad.open()?;
    report("reply_nowhere", caller.call(0, 1, 0, &plain)?.text());
    report("reply_after", caller.call(0, 2, 0, &plain)?.text());

    let alive = client.call(0, 1, 0, &Parcel::bytes(b"alive"))?;
    report("alive", alive.reply.is_some_and(|reply| reply.data == b"alive"));
    Ok(())
}

pub fn commands(_: u32) -> io::Result<()> {
    let scene = Scene::new()?;
    let _service = scene.echo()?;
    let client = scene.open()?;
    let case = |name: &str, commands: &Commands| match client.send(commands) {
        Ok(consumed) => report(name, format!("ok {consumed}")),
        Err((errno, consumed)) => report(name, format!("errno {} {consumed}", errno.0)),
    };
    let one = Commands::new;
    case("unknown", &one().plain(0x6363));
    case("unknown_after_good", &one().plain(uapi::BC_ENTER_LOOPER).plain(0x6363));
    case("zero", &one().plain(0));
    case("return_code", &one().plain(uapi::BR_NOOP));
    case("attempt_acquire", &one().pointer(uapi::BC_ATTEMPT_ACQUIRE, 0));
    case("cut_off", &one().pointer(uapi::BC_FREE_BUFFER, 0).cut(8));
    case("cut_off_in_code", &one().plain(uapi::BC_ENTER_LOOPER).cut(3));
    let data = Parcel::new().to(0, 1, 0);
    case("transaction_cut_off", &one().transaction(uapi::BC_TRANSACTION, &data).cut(40));

    for (name, code) in [
        ("increfs", uapi::BC_INCREFS),
        ("acquire", uapi::BC_ACQUIRE),
        ("release", uapi::BC_RELEASE),
        ("decrefs", uapi::BC_DECREFS),
    ] {
        case(&format!("{name}_unknown"), &one().handle(code, 77));
    }
    case(
        "release_too_often",
        &one().handle(uapi::BC_ACQUIRE, 0).handle(uapi::BC_RELEASE, 0).handle(uapi::BC_RELEASE, 0),
    );
    case("increfs_done_unknown", &one().ptr_cookie(uapi::BC_INCREFS_DONE, 1, 2));
    case("acquire_done_unknown", &one().ptr_cookie(uapi::BC_ACQUIRE_DONE, 1, 2));
    case("register_unasked", &one().plain(uapi::BC_REGISTER_LOOPER));

    // Buffers: freed twice, never given, inside another, outside of everything.
    let reply = client.call(0, 1, 0, &Parcel::bytes(&[3; 100]))?.reply;
    let reply = reply.ok_or_else(|| io::Error::other("no reply"))?;
    let address = reply.transaction.buffer;
    let free = |address| one().pointer(uapi::BC_FREE_BUFFER, address);
    case("free_inside", &free(address + 8));
    case("free", &free(address));
    case("free_twice", &free(address));
    case("free_never_given", &free(address + 4096));
    case("free_null", &free(0));
    case("free_highest", &free(u64::MAX));
    // Where it was freed twice, two calls must not share one buffer.
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let reply = client.call(0, 1, 0, &Parcel::bytes(&[4; 100]))?.reply;
        addresses.extend(reply.map(|reply| reply.transaction.buffer));
    }
    report("buffers_apart", addresses.len() == 2 && addresses[0] != addresses[1]);

    // A buffer of a session without a mapping.
    let unmapped = Binder::unmapped(&scene.device)?;
    report(
        "free_unmapped",
        match unmapped.send(&free(4096)) {
            Ok(consumed) => format!("ok {consumed}"),
            Err((errno, _)) => format!("errno {}", errno.0),
        },
    );
    let alive = client.call(0, 1, 0, &Parcel::bytes(b"alive"))?;
    report("alive", alive.reply.is_some_and(|reply| reply.data == b"alive"));
    Ok(())
}
