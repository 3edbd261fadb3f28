// SPDX-License-Identifier: GPL-2.0

//! What bindgen made of shim.h: the private header of the NVMe core, and what of blk-mq, PCI and
//! DMA this driver calls. The border modules use it, nothing else does.

// Older compilers do not know the lint of casts that bindgen writes.
#![cfg_attr(not(CONFIG_RUSTC_HAS_UNNECESSARY_TRANSMUTES), allow(unknown_lints))]
#![allow(
    clippy::all,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unnecessary_transmutes,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]

// bindgen leaves these three to us: the kernel wants Rust's own types for them.
type __kernel_size_t = usize;
type __kernel_ssize_t = isize;
type __kernel_ptrdiff_t = isize;

include!(env!("RUST_NVME_BINDINGS"));
