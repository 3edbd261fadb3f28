// SPDX-License-Identifier: GPL-2.0

//! The border to the driver core: what the PCI bus and the NVMe core call.

use crate::bindings;
use crate::device::Device;
use crate::nvme::{Ctrl, State};
use crate::pci::Function;
use crate::quirks;
use core::ptr::NonNull;
use kernel::error::from_result;
use kernel::ffi::{c_char, c_int, c_uint, c_ulong};
use kernel::pci;
use kernel::prelude::*;
use kernel::types::Opaque;

kernel::pci_device_table!(
    IDS,
    (),
    [
        // Every NVM Express controller, whoever made it.
        (
            pci::DeviceId::from_class(bindings::PCI_CLASS_STORAGE_EXPRESS, 0x00ff_ffff,),
            ()
        ),
        // Apple's, whose class code is another; the one of these with entries of 128 bytes is not
        // among them.
        (pci::DeviceId::from_id(pci::Vendor::APPLE, 0x2001), ()),
        (pci::DeviceId::from_id(pci::Vendor::APPLE, 0x2003), ()),
    ]
);

/// The name of the driver, as in /sys/bus/pci/drivers.
const NAME: &CStr = c"rust_nvme";

/// A C structure of callbacks.
struct Table<T>(T);

// SAFETY: Tables are written by nobody.
unsafe impl<T> Sync for Table<T> {}

/// All callbacks null.
const fn zeroed<T>() -> T {
    // SAFETY: Used for the C structures below alone: pointers, numbers and optional functions,
    // whose zero is null, 0, `None`.
    unsafe { core::mem::zeroed() }
}

/// The attributes of the controller in sysfs: the core's own.
static GROUPS: Table<[*const bindings::attribute_group; 3]> = Table([
    &raw const bindings::nvme_dev_attrs_group,
    &raw const bindings::nvme_dev_diag_attrs_group,
    core::ptr::null(),
]);

/// What the core calls.
static CTRL_OPS: Table<bindings::nvme_ctrl_ops> = Table(bindings::nvme_ctrl_ops {
    name: kernel::str::as_char_ptr_in_const_context(c"pcie"),
    module: <crate::RustNvme as kernel::ModuleMetadata>::THIS_MODULE
        .as_ptr()
        .cast(),
    flags: bindings::NVME_F_METADATA_SUPPORTED,
    dev_attr_groups: (&raw const GROUPS.0).cast_mut().cast(),
    reg_read32: Some(reg_read32),
    reg_write32: Some(reg_write32),
    reg_read64: Some(reg_read64),
    free_ctrl: Some(free_ctrl),
    submit_async_event: Some(submit_async_event),
    subsystem_reset: Some(subsystem_reset),
    get_address: Some(get_address),
    print_device_info: Some(print_device_info),
    supports_pci_p2pdma: Some(supports_pci_p2pdma),
    get_virt_boundary: Some(get_virt_boundary),
    ..zeroed()
});

/// What power management calls.
static PM_OPS: Table<bindings::dev_pm_ops> = Table(bindings::dev_pm_ops {
    suspend: Some(suspend),
    resume: Some(resume),
    freeze: Some(simple_suspend),
    thaw: Some(simple_resume),
    poweroff: Some(simple_suspend),
    restore: Some(simple_resume),
    ..zeroed()
});

/// What PCI error recovery and function resets call.
static ERROR_HANDLERS: Table<bindings::pci_error_handlers> = Table(bindings::pci_error_handlers {
    error_detected: Some(error_detected),
    slot_reset: Some(slot_reset),
    resume: Some(error_resume),
    reset_prepare: Some(reset_prepare),
    reset_done: Some(reset_done),
    ..zeroed()
});

/// The driver, which the bus links into its lists.
struct Driver(Opaque<bindings::pci_driver>);

// SAFETY: Only the driver core changes it, under its own locks.
unsafe impl Sync for Driver {}

static DRIVER: Driver = Driver(Opaque::zeroed());

/// The driver is registered with the PCI bus as long as this lives.
pub(crate) struct Registration;

impl Registration {
    /// Registers the driver; devices that it matches and that have none are probed.
    pub(crate) fn new(module: &'static ThisModule) -> Result<Self> {
        let driver = DRIVER.0.get();
        // SAFETY: Nobody knows the structure before it is registered, and the module's
        // initialisation runs once.
        unsafe {
            (*driver).name = NAME.as_char_ptr();
            (*driver).id_table = core::ptr::from_ref(&IDS).cast();
            (*driver).probe = Some(probe);
            (*driver).remove = Some(remove);
            (*driver).shutdown = Some(shutdown);
            #[cfg(CONFIG_PCI_IOV)]
            {
                (*driver).sriov_configure = Some(bindings::pci_sriov_configure_simple);
            }
            (*driver).err_handler = &raw const ERROR_HANDLERS.0;
            (*driver).driver.probe_type = bindings::probe_type_PROBE_PREFER_ASYNCHRONOUS;
            if cfg!(CONFIG_PM_SLEEP) {
                (*driver).driver.pm = &raw const PM_OPS.0;
            }
            kernel::error::to_result(bindings::__pci_register_driver(
                driver,
                module.as_ptr().cast(),
                NAME.as_char_ptr(),
            ))?;
        }
        Ok(Self)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: Registered by `new`; the work queue is the core's, which we depend on.
        unsafe {
            bindings::pci_unregister_driver(DRIVER.0.get());
            // The last references to controllers are put there.
            bindings::__flush_workqueue(bindings::nvme_wq);
        }
    }
}

/// The device of a function that has been probed.
///
/// # Safety
///
/// `pdev` is bound to this driver, and its probe has succeeded.
unsafe fn device_of<'a>(pdev: *mut bindings::pci_dev) -> Option<&'a Device> {
    // SAFETY: The function is valid.
    let ctrl = NonNull::new(unsafe { (*pdev).dev.driver_data })?;
    // SAFETY: `probe` put the controller there, and `remove` takes it away.
    Some(unsafe { Device::from_ctrl(ctrl.as_ptr().cast()) })
}

/// As above, for callbacks that get a device.
///
/// # Safety
///
/// `dev` is the device of a function for which [`device_of`] may be called.
unsafe fn device_in<'a>(dev: *mut bindings::device) -> Option<&'a Device> {
    // SAFETY: The device is the field of a PCI function.
    unsafe {
        let offset = core::mem::offset_of!(bindings::pci_dev, dev);
        device_of(dev.byte_sub(offset).cast())
    }
}

extern "C" fn probe(pdev: *mut bindings::pci_dev, _id: *const bindings::pci_device_id) -> c_int {
    from_result(|| {
        // SAFETY: The bus passes a valid function, bound to us while the device lives.
        let function = unsafe { Function::from_raw(NonNull::new(pdev).ok_or(ENODEV)?) };
        let (vendor, device) = function.ids();
        let quirks = quirks::of(vendor, device) | apple_quirks(vendor, device);
        let ctrl = Device::make(function, &CTRL_OPS.0, Some(reset_work), quirks)?;
        let result = introduce(ctrl, function);
        // The character device holds its own reference; on failure this one is the last.
        ctrl.put();
        result.map(|()| 0)
    })
}

fn introduce(ctrl: Ctrl, function: Function) -> Result {
    ctrl.add()?;
    let device = Device::of(ctrl);
    if let Err(error) = device.probe() {
        dev_err!(function.log(), "probe failed: {}\n", error.to_errno());
        ctrl.uninit();
        return Err(error);
    }
    // SAFETY: The function is valid, and probe is the one who sets its data.
    unsafe { (*function.as_raw()).dev.driver_data = ctrl.as_raw().cast() };
    ctrl.start();
    ctrl.flush_scan();
    Ok(())
}

/// Apple's controllers of 2015 lose data with more than one command at a time.
fn apple_quirks(vendor: u16, device: u16) -> u32 {
    match (vendor, device) {
        (0x106b, 0x2001) => quirks::quirk::SINGLE_VECTOR | quirks::quirk::QDEPTH_ONE,
        _ => 0,
    }
}

extern "C" fn remove(pdev: *mut bindings::pci_dev) {
    // SAFETY: The bus calls this after a probe that succeeded.
    if let Some(device) = unsafe { device_of(pdev) } {
        device.ctrl().change_state(State::Deleting);
        // SAFETY: As above. Nobody finds the device from here on.
        unsafe { (*pdev).dev.driver_data = core::ptr::null_mut() };
        device.remove();
    }
}

extern "C" fn shutdown(pdev: *mut bindings::pci_dev) {
    // SAFETY: The bus calls this after a probe that succeeded.
    if let Some(device) = unsafe { device_of(pdev) } {
        let _ = device.disable_for_reset(true);
    }
}

extern "C" fn reset_prepare(pdev: *mut bindings::pci_dev) {
    // SAFETY: The bus calls this under the device's lock, for a bound function.
    if let Some(device) = unsafe { device_of(pdev) } {
        // The device's lock keeps removal out: waiting cannot fail.
        let _ = device.disable_for_reset(false);
        device.ctrl().sync_queues();
    }
}

extern "C" fn reset_done(pdev: *mut bindings::pci_dev) {
    // SAFETY: As above.
    if let Some(device) = unsafe { device_of(pdev) } {
        if device.ctrl().try_schedule_reset().is_ok() {
            device.ctrl().flush_reset();
        }
    }
}

extern "C" fn error_detected(
    pdev: *mut bindings::pci_dev,
    state: bindings::pci_channel_state_t,
) -> bindings::pci_ers_result_t {
    // SAFETY: As above.
    let Some(device) = (unsafe { device_of(pdev) }) else {
        return bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT;
    };
    match state {
        bindings::RNVME_CHANNEL_NORMAL => bindings::pci_ers_result_PCI_ERS_RESULT_CAN_RECOVER,
        bindings::RNVME_CHANNEL_FROZEN => {
            dev_warn!(device.ctrl().log(), "cut off by a PCI error, resetting\n");
            if !device.ctrl().change_state(State::Resetting) {
                device.disable(true);
                return bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT;
            }
            device.disable(false);
            bindings::pci_ers_result_PCI_ERS_RESULT_NEED_RESET
        }
        _ => {
            dev_warn!(device.ctrl().log(), "lost to a PCI error\n");
            bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT
        }
    }
}

extern "C" fn slot_reset(pdev: *mut bindings::pci_dev) -> bindings::pci_ers_result_t {
    // SAFETY: As above.
    let Some(device) = (unsafe { device_of(pdev) }) else {
        return bindings::pci_ers_result_PCI_ERS_RESULT_DISCONNECT;
    };
    dev_info!(device.ctrl().log(), "restarting after a slot reset\n");
    device.function().restore_state();
    device.schedule_reset();
    bindings::pci_ers_result_PCI_ERS_RESULT_RECOVERED
}

extern "C" fn error_resume(pdev: *mut bindings::pci_dev) {
    // SAFETY: As above.
    if let Some(device) = unsafe { device_of(pdev) } {
        device.ctrl().flush_reset();
    }
}

extern "C" fn suspend(dev: *mut bindings::device) -> c_int {
    // SAFETY: Power management calls this for a bound function.
    from_result(|| match unsafe { device_in(dev) } {
        Some(device) => device.suspend().map(|()| 0),
        None => Ok(0),
    })
}

extern "C" fn resume(dev: *mut bindings::device) -> c_int {
    // SAFETY: As above.
    from_result(|| match unsafe { device_in(dev) } {
        Some(device) => device.resume().map(|()| 0),
        None => Ok(0),
    })
}

extern "C" fn simple_suspend(dev: *mut bindings::device) -> c_int {
    // SAFETY: As above.
    from_result(|| match unsafe { device_in(dev) } {
        Some(device) => device.disable_for_reset(true).map(|()| 0),
        None => Ok(0),
    })
}

extern "C" fn simple_resume(dev: *mut bindings::device) -> c_int {
    // SAFETY: As above.
    from_result(|| match unsafe { device_in(dev) } {
        Some(device) => device.ctrl().try_schedule_reset().map(|()| 0),
        None => Ok(0),
    })
}

/// The core's reset work.
extern "C" fn reset_work(work: *mut bindings::work_struct) {
    // SAFETY: The work is the field of the controller of a live device.
    let device = unsafe {
        let offset = core::mem::offset_of!(bindings::nvme_ctrl, reset_work);
        Device::from_ctrl(work.byte_sub(offset).cast())
    };
    device.reset();
}

extern "C" fn reg_read32(ctrl: *mut bindings::nvme_ctrl, offset: u32, value: *mut u32) -> c_int {
    // SAFETY: The core passes a controller of ours and a place for the value.
    unsafe { *value = Device::from_ctrl(ctrl).bar().read32(offset as usize) };
    0
}

extern "C" fn reg_write32(ctrl: *mut bindings::nvme_ctrl, offset: u32, value: u32) -> c_int {
    // SAFETY: As above.
    unsafe { Device::from_ctrl(ctrl) }
        .bar()
        .write32(offset as usize, value);
    0
}

extern "C" fn reg_read64(ctrl: *mut bindings::nvme_ctrl, offset: u32, value: *mut u64) -> c_int {
    // SAFETY: As above.
    unsafe { *value = Device::from_ctrl(ctrl).bar().read64(offset as usize) };
    0
}

extern "C" fn free_ctrl(ctrl: *mut bindings::nvme_ctrl) {
    // SAFETY: The core calls this once, with the last reference.
    unsafe { Device::free(Device::from_ctrl(ctrl).ctrl()) }
}

extern "C" fn submit_async_event(ctrl: *mut bindings::nvme_ctrl) {
    // SAFETY: The core passes a controller of ours.
    if let Some(queue) = unsafe { Device::from_ctrl(ctrl) }.queue(0) {
        queue.submit_event_request();
    }
}

extern "C" fn subsystem_reset(ctrl: *mut bindings::nvme_ctrl) -> c_int {
    // SAFETY: As above.
    let device = unsafe { Device::from_ctrl(ctrl) };
    from_result(|| device.subsystem_reset().map(|()| 0))
}

extern "C" fn get_address(
    ctrl: *mut bindings::nvme_ctrl,
    buffer: *mut c_char,
    size: c_int,
) -> c_int {
    // SAFETY: As above; the buffer has `size` bytes.
    unsafe {
        let device = Device::from_ctrl(ctrl).function().device();
        bindings::rnvme_print_address(device.as_ptr(), buffer, size)
    }
}

extern "C" fn print_device_info(ctrl: *mut bindings::nvme_ctrl) {
    // SAFETY: As above.
    unsafe {
        let (vendor, device) = Device::from_ctrl(ctrl).function().ids();
        bindings::rnvme_print_device_info(ctrl, vendor, device);
    }
}

extern "C" fn supports_pci_p2pdma(ctrl: *mut bindings::nvme_ctrl) -> bool {
    // SAFETY: As above; the function's device is valid.
    unsafe {
        let device = Device::from_ctrl(ctrl).function().device();
        bindings::dma_pci_p2pdma_supported(device.as_ptr())
    }
}

/// PRPs cannot describe gaps; SGLs can, and only I/O queues use them.
extern "C" fn get_virt_boundary(ctrl: *mut bindings::nvme_ctrl, is_admin: bool) -> c_ulong {
    // SAFETY: As above.
    if is_admin || !unsafe { Device::from_ctrl(ctrl) }.ctrl().takes_sgls() {
        return crate::prp::PAGE as c_ulong - 1;
    }
    0
}

const _: () = {
    // The table of quirks states the core's bits as numbers, to be testable without the kernel.
    use quirks::quirk::*;
    const fn same(ours: u32, theirs: c_uint) {
        assert!(ours == theirs);
    }
    same(STRIPE_SIZE, bindings::nvme_quirks_NVME_QUIRK_STRIPE_SIZE);
    same(IDENTIFY_CNS, bindings::nvme_quirks_NVME_QUIRK_IDENTIFY_CNS);
    same(
        DEALLOCATE_ZEROES,
        bindings::nvme_quirks_NVME_QUIRK_DEALLOCATE_ZEROES,
    );
    same(
        DELAY_BEFORE_CHK_RDY,
        bindings::nvme_quirks_NVME_QUIRK_DELAY_BEFORE_CHK_RDY,
    );
    same(
        NO_DEEPEST_PS,
        bindings::nvme_quirks_NVME_QUIRK_NO_DEEPEST_PS,
    );
    same(QDEPTH_ONE, bindings::nvme_quirks_NVME_QUIRK_QDEPTH_ONE);
    same(
        MEDIUM_PRIO_SQ,
        bindings::nvme_quirks_NVME_QUIRK_MEDIUM_PRIO_SQ,
    );
    same(
        IGNORE_DEV_SUBNQN,
        bindings::nvme_quirks_NVME_QUIRK_IGNORE_DEV_SUBNQN,
    );
    same(
        DISABLE_WRITE_ZEROES,
        bindings::nvme_quirks_NVME_QUIRK_DISABLE_WRITE_ZEROES,
    );
    same(
        SINGLE_VECTOR,
        bindings::nvme_quirks_NVME_QUIRK_SINGLE_VECTOR,
    );
    same(
        NO_TEMP_THRESH_CHANGE,
        bindings::nvme_quirks_NVME_QUIRK_NO_TEMP_THRESH_CHANGE,
    );
    same(
        NO_NS_DESC_LIST,
        bindings::nvme_quirks_NVME_QUIRK_NO_NS_DESC_LIST,
    );
    same(
        DMA_ADDRESS_BITS_48,
        bindings::nvme_quirks_NVME_QUIRK_DMA_ADDRESS_BITS_48,
    );
    same(BOGUS_NID, bindings::nvme_quirks_NVME_QUIRK_BOGUS_NID);
    same(
        NO_SECONDARY_TEMP_THRESH,
        bindings::nvme_quirks_NVME_QUIRK_NO_SECONDARY_TEMP_THRESH,
    );
    same(BROKEN_MSI, bindings::nvme_quirks_NVME_QUIRK_BROKEN_MSI);
    same(
        DMAPOOL_ALIGN_512,
        bindings::nvme_quirks_NVME_QUIRK_DMAPOOL_ALIGN_512,
    );
};
