// SPDX-License-Identifier: MIT
//! A plugin for QEMU that counts every instruction that a machine executes, on all CPUs and from
//! power-on: firmware, boot loader, kernel, user space. A CPU that waits for an interrupt executes
//! none.
//!
//! `-plugin libcount_instructions.so,count=FILE`: when QEMU is told to quit, FILE gets the number.

mod qemu;

use core::ffi::{c_char, c_int, c_void};
use qemu::{Block, Id, PerCpu};

struct Count {
    executed: PerCpu,
    file: String,
}

/// What QEMU calls when it loads the plugin; a value other than zero makes it refuse to start.
///
/// # Safety
///
/// QEMU's own: `argv` has `argc` strings.
#[no_mangle]
pub unsafe extern "C" fn qemu_plugin_install(
    id: Id,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: by the caller.
    let arguments = unsafe { qemu::arguments(argc, argv) };
    let [file] = &arguments[..] else {
        eprintln!("count-instructions: one argument, please: count=FILE");
        return 1;
    };
    let Some(file) = file.strip_prefix("count=") else {
        eprintln!("count-instructions: not count=FILE: {file}");
        return 1;
    };
    // SAFETY: QEMU allows it while it installs the plugin.
    let score = unsafe { qemu::qemu_plugin_scoreboard_new(size_of::<u64>()) };
    // QEMU has it until it ends.
    let count: &'static Count =
        Box::leak(Box::new(Count { executed: PerCpu { score, offset: 0 }, file: file.to_owned() }));
    let count = core::ptr::from_ref(count).cast_mut().cast();
    // SAFETY: as above; both take the `Count` that they are given here, and are there as long as
    // the plugin, which never asks to be uninstalled.
    unsafe {
        qemu::qemu_plugin_register_vcpu_tb_trans_cb(id, translated, count);
        qemu::qemu_plugin_register_atexit_cb(id, ended, count);
    }
    0
}

/// Has each instruction of a block counted when it is executed.
///
/// # Safety
///
/// `block` is QEMU's for the time of this call, `count` a [`Count`].
unsafe extern "C" fn translated(block: *mut Block, count: *mut c_void) {
    // SAFETY: by the caller; nobody writes to it.
    let count = unsafe { &*count.cast::<Count>() };
    // SAFETY: by the caller.
    for at in 0..unsafe { qemu::qemu_plugin_tb_n_insns(block) } {
        // SAFETY: an instruction that the block has; each by itself, because a block may be left
        // in its middle.
        unsafe {
            let instruction = qemu::qemu_plugin_tb_get_insn(block, at);
            qemu::qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
                instruction,
                qemu::INLINE_ADD_U64,
                count.executed,
                1,
            );
        }
    }
}

/// Writes the number down.
///
/// # Safety
///
/// `count` is a [`Count`].
unsafe extern "C" fn ended(count: *mut c_void) {
    // SAFETY: by the caller; nobody writes to it.
    let count = unsafe { &*count.cast::<Count>() };
    // SAFETY: the scoreboard is never freed.
    let executed = unsafe { qemu::qemu_plugin_u64_sum(count.executed) };
    if let Err(error) = std::fs::write(&count.file, format!("{executed}\n")) {
        eprintln!("count-instructions: {}: {error}", count.file);
    }
}
