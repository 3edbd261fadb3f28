// SPDX-License-Identifier: MIT
//! The CPU's own clock, which starts at power-on and which user space may read.

/// Ticks since power-on, and how many of them make a second.
///
/// # Errors
///
/// Where the device tree does not name the frequency.
#[cfg(target_arch = "riscv64")]
pub fn ticks() -> std::io::Result<(u64, u64)> {
    let frequency = std::fs::read("/proc/device-tree/cpus/timebase-frequency")?;
    let frequency = frequency.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    let ticks;
    // SAFETY: rdtime reads the `time` CSR, which Linux lets user space read (RISC-V unprivileged
    // specification, Zicntr), and touches no memory.
    unsafe { core::arch::asm!("rdtime {}", out(reg) ticks, options(nomem, nostack)) };
    Ok((ticks, frequency))
}

/// Ticks since power-on, and how many of them make a second.
///
/// # Errors
///
/// None.
#[cfg(target_arch = "aarch64")]
pub fn ticks() -> std::io::Result<(u64, u64)> {
    let (ticks, frequency);
    // SAFETY: Linux lets user space read the virtual counter and its frequency (Arm ARM,
    // CNTKCTL_EL1.EL0VCTEN); neither touches memory.
    unsafe {
        core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack));
        core::arch::asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(nomem, nostack));
    }
    Ok((ticks, frequency))
}

/// This architecture's clock is not read yet.
///
/// # Errors
///
/// Always.
#[cfg(not(any(target_arch = "riscv64", target_arch = "aarch64")))]
pub fn ticks() -> std::io::Result<(u64, u64)> {
    Err(std::io::ErrorKind::Unsupported.into())
}
