// SPDX-License-Identifier: MIT
//! What the benchmark runs on a board.

pub mod memory;
pub mod offsets;
pub mod ring;

/// Linux's `O_DIRECT`, which differs between architectures.
#[cfg(any(target_arch = "arm", target_arch = "aarch64"))]
pub const O_DIRECT: i32 = 0o200_000;
/// Linux's `O_DIRECT`, which differs between architectures.
#[cfg(not(any(target_arch = "arm", target_arch = "aarch64")))]
pub const O_DIRECT: i32 = 0o40_000;
