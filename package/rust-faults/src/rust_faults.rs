// SPDX-License-Identifier: GPL-2.0

//! Planted faults: what a debug kernel must report, one for each of its tools.
//!
//! The kernel's own `lkdtm` plants faults in C; this one goes through the Rust abstractions, so
//! that it also proves that Rust code is instrumented.

mod planted;

use kernel::prelude::*;

module! {
    type: RustFaults,
    name: "rust_faults",
    authors: ["The Ironroot authors"],
    description: "Planted faults that a debug kernel must report",
    license: "GPL",
    params: {
        fault: u8 {
            default: 0,
            description: "1 use after free, 2 lock inversion, 3 sleep under a spinlock, 4 leak",
        },
    },
}

struct RustFaults;

impl kernel::Module for RustFaults {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        match module_parameters::fault.value() {
            1 => planted::use_after_free()?,
            2 => planted::lock_inversion()?,
            3 => planted::sleep_under_spinlock()?,
            4 => planted::leak()?,
            other => {
                pr_err!("fault={other}: not in 1 to 4\n");
                return Err(EINVAL);
            }
        }
        Ok(Self)
    }
}
