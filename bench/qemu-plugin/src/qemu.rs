// SPDX-License-Identifier: MIT
//! The part of QEMU's plugin interface that is used here: `include/plugins/qemu-plugin.h`.

use core::ffi::{c_char, c_int, c_void};

/// The version of the interface that these declarations follow. QEMU refuses a plugin of a version
/// that it no longer has.
#[no_mangle]
pub static qemu_plugin_version: c_int = 7;

/// `qemu_plugin_id_t`: names the plugin to QEMU.
pub type Id = u64;

/// `struct qemu_plugin_tb`: a block that is being translated.
#[repr(C)]
pub struct Block {
    _opaque: [u8; 0],
}

/// `struct qemu_plugin_insn`: an instruction of such a block.
#[repr(C)]
pub struct Instruction {
    _opaque: [u8; 0],
}

/// `struct qemu_plugin_scoreboard`: an entry for each CPU.
#[repr(C)]
pub struct Scoreboard {
    _opaque: [u8; 0],
}

/// `qemu_plugin_u64`: a number in each CPU's entry.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PerCpu {
    /// The scoreboard.
    pub score: *mut Scoreboard,
    /// Where in an entry the number is, in bytes.
    pub offset: usize,
}

/// `QEMU_PLUGIN_INLINE_ADD_U64` of `enum qemu_plugin_op`.
pub const INLINE_ADD_U64: c_int = 0;

extern "C" {
    /// A scoreboard whose entries have `element_size` bytes, zeroed; it lives until it is freed.
    pub fn qemu_plugin_scoreboard_new(element_size: usize) -> *mut Scoreboard;
    /// The sum over all CPUs.
    pub fn qemu_plugin_u64_sum(entry: PerCpu) -> u64;
    /// Calls `cb` for each block that is translated.
    pub fn qemu_plugin_register_vcpu_tb_trans_cb(
        id: Id,
        cb: unsafe extern "C" fn(*mut Block, *mut c_void),
        userdata: *mut c_void,
    );
    /// How many instructions a block has.
    pub fn qemu_plugin_tb_n_insns(tb: *const Block) -> usize;
    /// An instruction of a block, valid as long as the call back that got the block.
    pub fn qemu_plugin_tb_get_insn(tb: *const Block, idx: usize) -> *mut Instruction;
    /// Adds `imm` to the executing CPU's entry whenever the instruction is executed.
    pub fn qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
        insn: *mut Instruction,
        op: c_int,
        entry: PerCpu,
        imm: u64,
    );
    /// Calls `cb` when QEMU ends in an orderly way.
    pub fn qemu_plugin_register_atexit_cb(
        id: Id,
        cb: unsafe extern "C" fn(*mut c_void),
        userdata: *mut c_void,
    );
}

/// The plugin's arguments, `name=value` each, as text.
///
/// # Safety
///
/// `argv` has `argc` pointers to strings that end with a zero byte.
pub unsafe fn arguments(argc: c_int, argv: *const *const c_char) -> Vec<String> {
    (0..usize::try_from(argc).unwrap_or(0))
        // SAFETY: by the caller.
        .map(|at| unsafe { core::ffi::CStr::from_ptr(*argv.add(at)) })
        .map(|text| text.to_string_lossy().into_owned())
        .collect()
}
