// SPDX-License-Identifier: GPL-2.0

//! The clock that a board may give a PHY (`clocks` in the device tree).

use kernel::{
    clk::{
        Hertz,
        OptionalClk, //
    },
    device::Device,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// A clock that runs, unless it was stopped.
pub(crate) struct Clock {
    clk: OptionalClk,
    running: Atomic<bool>,
}

impl Clock {
    /// Gets the clock and starts it, at `rate` where one is given.
    ///
    /// Without a clock in the device tree this gives one that does nothing.
    ///
    /// # Errors
    ///
    /// `EPROBE_DEFER` if its provider is not there yet; those of the provider.
    pub(crate) fn start(dev: &Device, rate: Option<Hertz>) -> Result<Self> {
        let start = || {
            let clk = OptionalClk::get(dev, None)?;
            if let Some(rate) = rate {
                clk.set_rate(rate)?;
            }
            let clock = Self {
                clk,
                running: Atomic::new(false),
            };
            clock.run(true)?;
            Ok(clock)
        };
        start().inspect_err(|error| {
            if *error != EPROBE_DEFER {
                dev_err!(dev, "clocks: {error:?}\n");
            }
        })
    }

    /// Starts or stops the clock; not for two callers at the same time.
    pub(crate) fn run(&self, run: bool) -> Result {
        match (self.running.load(Relaxed), run) {
            (false, true) => self.clk.prepare_enable()?,
            (true, false) => self.clk.disable_unprepare(),
            _ => {}
        }
        self.running.store(run, Relaxed);
        Ok(())
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        // Stopping cannot fail.
        let _ = self.run(false);
    }
}
