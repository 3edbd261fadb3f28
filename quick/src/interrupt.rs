// SPDX-License-Identifier: MIT
//! Ctrl-C: it goes to every program in the terminal's foreground. What a step runs ends itself,
//! and make deletes what is half made; this tool stays until then, so that the cache can say that
//! what is there is whole and the next build goes on with it.

use anyhow::{Context as _, Result};
use signal_hook::consts::SIGINT;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

static SEEN: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// Whether Ctrl-C ends this process at once: while no step runs.
static FATAL: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// From now on Ctrl-C is left to the step, while one runs. A handler is this process's alone: what
/// it starts ends by the signal as ever.
///
/// # Errors
///
/// When the system has no handler to give.
pub fn leave_to_steps() -> Result<()> {
    signal_hook::flag::register(SIGINT, Arc::clone(&SEEN))
        .and_then(|_| signal_hook::flag::register_conditional_default(SIGINT, Arc::clone(&FATAL)))
        .context("Ctrl-C's handler")?;
    Ok(())
}

/// A step runs until this is dropped.
pub struct InStep(());

impl InStep {
    pub fn begin() -> Self {
        FATAL.store(false, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for InStep {
    fn drop(&mut self) {
        // After a Ctrl-C this process is on its way out, and has the cache's mark to write.
        FATAL.store(!seen(), Ordering::SeqCst);
    }
}

/// There was a Ctrl-C: the step ended by it.
pub fn note() {
    SEEN.store(true, Ordering::SeqCst);
}

/// Whether there was a Ctrl-C.
pub fn seen() -> bool {
    SEEN.load(Ordering::SeqCst)
}

/// Ends this process by the signal, if it came: who called it shall know, and end too.
pub fn pass_on() {
    if seen() {
        // Where that fails, the caller ends with an error.
        let _ = signal_hook::low_level::emulate_default_handler(SIGINT);
    }
}
