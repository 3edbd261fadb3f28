// SPDX-License-Identifier: GPL-2.0

//! TODO: one sentence on what this driver does.

mod logic;

use kernel::prelude::*;

module! {
    type: DriverTemplate,
    name: "driver_template",
    authors: ["TODO: your name"],
    description: "TODO: what this driver does",
    license: "GPL",
    params: {
        depth: u32 {
            default: 4,
            description: "Queue depth, 1 to 64; rounded up to a power of two",
        },
    },
}

struct DriverTemplate;

impl kernel::Module for DriverTemplate {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let asked = module_parameters::depth.value();
        let Some(depth) = logic::queue_depth(asked) else {
            pr_err!("depth={asked}: not in 1 to {}\n", logic::MAX_DEPTH);
            return Err(EINVAL);
        };
        pr_info!("loaded, depth {depth}\n");
        Ok(Self)
    }
}

impl Drop for DriverTemplate {
    fn drop(&mut self) {
        pr_info!("unloaded\n");
    }
}
