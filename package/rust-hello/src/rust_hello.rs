// SPDX-License-Identifier: GPL-2.0

//! The smallest Rust kernel module: it greets on load and on unload.
//!
//! Modelled on [`samples/rust/rust_minimal.rs`](srctree/samples/rust/rust_minimal.rs), which the
//! kernel's Rust documentation points newcomers to.

mod logic;

use kernel::prelude::*;

module! {
    type: RustHello,
    name: "rust_hello",
    authors: ["The Ironroot authors"],
    description: "The smallest Rust kernel module",
    license: "GPL",
    params: {
        greetings: u8 {
            default: 1,
            description: "How many times to greet on load, 1 to 9",
        },
    },
}

struct RustHello;

impl kernel::Module for RustHello {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let asked = module_parameters::greetings.value();
        let Some(greetings) = logic::greetings(asked) else {
            pr_err!("greetings={asked}: not in 1 to {}\n", logic::MAX_GREETINGS);
            return Err(EINVAL);
        };
        for number in 1..=greetings {
            pr_info!("Hello from Rust ({number} of {greetings})\n");
        }
        Ok(Self)
    }
}

impl Drop for RustHello {
    fn drop(&mut self) {
        pr_info!("Goodbye from Rust\n");
    }
}
