// SPDX-License-Identifier: GPL-2.0

//! The clock that a board may give a PHY (`clocks` in the device tree).

use kernel::{
    clk::{
        Clk,
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
    /// Gets the clock of this name (`clock-names` in the device tree), or the first one, and leaves
    /// it to others whether it runs.
    ///
    /// Without a clock in the device tree this gives one that does nothing.
    ///
    /// # Errors
    ///
    /// `EPROBE_DEFER` if its provider is not there yet; those of the provider.
    pub(crate) fn get(dev: &Device, name: Option<&CStr>) -> Result<Self> {
        let clk = report(dev, OptionalClk::get(dev, name))?;
        Ok(Self {
            clk,
            running: Atomic::new(false),
        })
    }

    /// Gets the first clock and starts it, at `rate` where one is given.
    ///
    /// # Errors
    ///
    /// Those of [`Clock::get`].
    pub(crate) fn start(dev: &Device, rate: Option<Hertz>) -> Result<Self> {
        let clock = Self::get(dev, None)?;
        let rate_set = rate.map_or(Ok(()), |rate| clock.clk.set_rate(rate));
        report(dev, rate_set.and_then(|()| clock.run(true)))?;
        Ok(clock)
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

impl AsRef<Clk> for Clock {
    fn as_ref(&self) -> &Clk {
        &self.clk
    }
}

/// Tells of an error, but not of a provider that is yet to come.
fn report<T>(dev: &Device, result: Result<T>) -> Result<T> {
    result.inspect_err(|error| {
        if *error != EPROBE_DEFER {
            dev_err!(dev, "clocks: {error:?}\n");
        }
    })
}

impl Drop for Clock {
    fn drop(&mut self) {
        // Stopping cannot fail.
        let _ = self.run(false);
    }
}
