// SPDX-License-Identifier: GPL-2.0

//! The border to the module's parameters, which params.c holds.

use crate::bindings;

/// Reads a parameter as it is now: root may change it at any time.
macro_rules! parameter {
    ($(#[$doc:meta])* $name:ident: $type:ty) => {
        $(#[$doc])*
        pub(crate) fn $name() -> $type {
            // SAFETY: A word of a static; sysfs writes it whole.
            unsafe { (&raw const bindings::rnvme_parameters.$name).read_volatile() }
        }
    };
}

parameter! {
    /// Entries of an I/O queue.
    io_queue_depth: u32
}
parameter! {
    /// Queues for writes alone.
    write_queues: u32
}
parameter! {
    /// Queues for polled requests.
    poll_queues: u32
}
parameter! {
    /// Average segment size in bytes from which SGLs are used.
    sgl_threshold: u32
}
parameter! {
    /// Whether the core builds and ends plain reads and writes too.
    core_commands: bool
}
parameter! {
    /// Most MiB of host memory that a controller may borrow.
    max_host_mem_size_mb: u32
}
