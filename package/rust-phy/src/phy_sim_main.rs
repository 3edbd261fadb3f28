// SPDX-License-Identifier: GPL-2.0

//! phy_sim: an MDIO bus with simulated PHYs, for tests of PHY drivers.
//!
//! Writing to `/dev/phy-sim` runs commands, one a line; reading gives the answer to the last write.
//! Numbers are decimal, or hexadecimal with `0x`.
//!
//! | command | what it does |
//! |---|---|
//! | `reset` | begins anew: no bus, no PHYs |
//! | `phy ADDR` | puts a PHY on the bus, all of whose registers read zero |
//! | `reg ADDR PAGE REG VALUE` | gives a register a value |
//! | `mmd ADDR DEVAD REG VALUE` | gives a register of an MMD a value |
//! | `readclear\|selfclear\|readonly ADDR PAGE REG MASK` | says what bits of a register do |
//! | `banks ADDR SELECT FIRST LAST` | says which register selects the page of which |
//! | `window ADDR PAGE SELECT` | says that a page shows extension pages, `0x10000` and up |
//! | `fail ADDR ERRNO` | lets each access fail; 0 for no more |
//! | `dead ADDR 0\|1` | lets each read give all ones, and writes go nowhere; 0 for no more |
//! | `dt HEX` | appends to the device tree blob, where `mdio` is the bus, or `mac` its parent |
//! | `wire ADDR` | gives the PHY an interrupt, before `start` |
//! | `clock ADDR HZ [NAME]` | gives the PHY a clock, whatever its name without one; before `start` |
//! | `start`, `stop` | registers the bus with its PHYs, and takes it away |
//! | `attach ADDR MODE [FLAGS]` | makes a network device, whose name is the answer; it asks FLAGS of the PHY's driver |
//! | `detach ADDR` | takes it away |
//! | `eee ADDR` | says that the network device does low power idle itself |
//! | `loopback ADDR MBIT`, `unloop ADDR` | puts the PHY into loopback, and out of it |
//! | `irq ADDR [MS]` | fires the PHY's interrupt, or lets it fire after so many milliseconds |
//! | `settle ADDR` | waits until phylib is through with interrupt, state machine and what it has begun |
//! | `get ADDR PAGE REG`, `getmmd ADDR DEVAD REG` | answers with a value |
//! | `log` | answers with all accesses since the last time: `r\|w ADDR REG VALUE` |

mod phy_sim_ffi;
mod phy_sim_model;

use kernel::{
    error::Error,
    fmt,
    fs::{
        File,
        Kiocb, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    miscdevice::{
        MiscDevice,
        MiscDeviceOptions,
        MiscDeviceRegistration, //
    },
    new_mutex,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        Mutex, //
    },
};
use phy_sim_ffi::{
    Addr,
    Bus, //
};
use phy_sim_model::{
    Behaviour,
    Full,
    Phy,
    Place, //
};

module! {
    type: PhySim,
    name: "phy_sim",
    authors: ["The Ironroot authors"],
    description: "An MDIO bus with simulated PHYs",
    license: "GPL",
}

/// No script needs more; without a bound a forgotten file would fill the memory.
const LOG_CAPACITY: usize = 1 << 16;

/// An access to a register, as it is logged.
struct Access {
    write: bool,
    addr: u8,
    reg: u8,
    value: u16,
}

struct Slot {
    addr: u8,
    /// What every access fails with, as an errno; 0 for none.
    errno: i32,
    /// Nobody pulls the bus down when it is read.
    dead: bool,
    phy: Phy,
}

struct State {
    slots: KVec<Slot>,
    log: KVVec<Access>,
}

impl State {
    fn slot(&mut self, addr: u8) -> Result<&mut Slot> {
        self.slots
            .iter_mut()
            .find(|slot| slot.addr == addr)
            .ok_or(ENODEV)
    }
}

/// The PHYs of a bus.
#[pin_data]
pub(crate) struct Model {
    #[pin]
    state: Mutex<State>,
}

impl From<Full> for Error {
    fn from(_: Full) -> Self {
        ENOSPC
    }
}

impl Model {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            state <- new_mutex!(State {
                slots: KVec::new(),
                log: KVVec::new(),
            }, "phy_sim::Model"),
        })
    }

    fn access(
        &self,
        addr: u8,
        reg: u8,
        written: Option<u16>,
        access: impl FnOnce(&mut Phy) -> Result<u16>,
    ) -> Result<u16> {
        let mut state = self.state.lock();
        // Nobody pulls the bus down: an address without a PHY reads all ones.
        let value = match state.slot(addr) {
            Ok(slot) if slot.errno != 0 => return Err(Error::from_errno(-slot.errno)),
            Ok(slot) if slot.dead => 0xffff,
            Ok(slot) => access(&mut slot.phy)?,
            Err(_) => return Ok(0xffff),
        };
        if state.log.len() < LOG_CAPACITY {
            state.log.push(
                Access {
                    write: written.is_some(),
                    addr,
                    reg,
                    value: written.unwrap_or(value),
                },
                GFP_KERNEL,
            )?;
        }
        Ok(value)
    }

    fn read(&self, addr: u8, reg: u8) -> Result<u16> {
        self.access(addr, reg, None, |phy| Ok(phy.read(reg)))
    }

    fn write(&self, addr: u8, reg: u8, value: u16) -> Result {
        self.access(addr, reg, Some(value), |phy| {
            phy.write(reg, value)?;
            Ok(value)
        })?;
        Ok(())
    }
}

/// A bus and what its script said so far.
struct Session {
    bus: Bus,
    dt: KVVec<u8>,
    answer: KVVec<u8>,
}

/// What [`core::fmt`] writes to.
struct Answer<'a>(&'a mut KVVec<u8>);

impl fmt::Write for Answer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0
            .extend_from_slice(text.as_bytes(), GFP_KERNEL)
            .map_err(|_| fmt::Error)
    }
}

impl Session {
    fn new() -> Result<Self> {
        let model = Arc::pin_init(Model::new(), GFP_KERNEL)?;
        Ok(Self {
            bus: Bus::new(model)?,
            dt: KVVec::new(),
            answer: KVVec::new(),
        })
    }

    fn say(&mut self, args: fmt::Arguments<'_>) -> Result {
        fmt::Write::write_fmt(&mut Answer(&mut self.answer), args).map_err(|_| ENOMEM)
    }

    /// Runs one command.
    fn run(&mut self, line: &str) -> Result {
        let mut words = line.split_ascii_whitespace();
        let Some(command) = words.next() else {
            return Ok(());
        };
        let arguments = Arguments(words);
        match command {
            "start" => self.start(),
            "stop" => {
                self.bus.stop();
                Ok(())
            }
            "dt" => self.append_dt(arguments),
            "log" => self.log(),
            _ => self.run_on_phy(command, arguments),
        }
    }

    fn start(&mut self) -> Result {
        if !self.dt.is_empty() {
            self.bus.set_dt(&self.dt)?;
        }
        self.bus.start()
    }

    fn append_dt(&mut self, mut arguments: Arguments<'_>) -> Result {
        let hex = arguments.word()?.as_bytes();
        for digits in hex.chunks(2) {
            let digits = core::str::from_utf8(digits).map_err(|_| EINVAL)?;
            let byte = u8::from_str_radix(digits, 16).map_err(|_| EINVAL)?;
            self.dt.push(byte, GFP_KERNEL)?;
        }
        Ok(())
    }

    fn log(&mut self) -> Result {
        let log = core::mem::replace(&mut self.bus.model().state.lock().log, KVVec::new());
        for access in &log {
            self.say(fmt!(
                "{} {} {} {:#06x}\n",
                if access.write { 'w' } else { 'r' },
                access.addr,
                access.reg,
                access.value
            ))?;
        }
        Ok(())
    }

    /// Runs a command whose first argument is a PHY's address.
    fn run_on_phy(&mut self, command: &str, mut arguments: Arguments<'_>) -> Result {
        let number = arguments.number()?;
        let addr = Addr::new(number).ok_or(EINVAL)?;
        match command {
            "wire" => return self.bus.wire_irq(addr),
            "clock" => {
                let rate = arguments.number()?;
                let name = arguments.word().ok();
                let name = name.map(|name| CString::try_from_fmt(fmt!("{name}")));
                return self.bus.clock(addr, name.transpose()?.as_deref(), rate);
            }
            "irq" => {
                return match arguments.optional_number()? {
                    Some(ms) => self.bus.fire_irq_later(addr, ms),
                    None => self.bus.fire_irq(addr),
                }
            }
            "eee" => return self.bus.support_eee(addr),
            "loopback" => return self.bus.loopback(addr, true, arguments.narrow()?),
            "unloop" => return self.bus.loopback(addr, false, 0),
            "settle" => return self.bus.settle(addr),
            "detach" => return self.bus.detach(addr),
            "attach" => {
                let mode = CString::try_from_fmt(fmt!("{}", arguments.word()?))?;
                let dev_flags = arguments.optional_number()?.unwrap_or(0);
                self.bus.attach(addr, &mode, dev_flags)?;
                let name = self.bus.netdev(addr).ok_or(ENODEV)?;
                let name = CString::try_from_fmt(fmt!("{name}\n"))?;
                self.answer.extend_from_slice(name.to_bytes(), GFP_KERNEL)?;
                return Ok(());
            }
            _ => {}
        }

        let value = {
            let mut state = self.bus.model().state.lock();
            run_on_state(&mut state, command, number as u8, arguments)?
        };
        match value {
            Some(value) => self.say(fmt!("{value:#06x}\n")),
            None => Ok(()),
        }
    }
}

/// Runs a command that concerns a PHY's registers; gives the value that it asks for.
fn run_on_state(
    state: &mut State,
    command: &str,
    addr: u8,
    mut arguments: Arguments<'_>,
) -> Result<Option<u16>> {
    if command == "phy" {
        if state.slot(addr).is_ok() {
            return Err(EEXIST);
        }
        state.slots.push(
            Slot {
                addr,
                errno: 0,
                dead: false,
                phy: Phy::new(),
            },
            GFP_KERNEL,
        )?;
        return Ok(None);
    }

    let slot = state.slot(addr)?;
    let phy = &mut slot.phy;
    match command {
        "reg" => phy.poke(arguments.paged()?, arguments.narrow()?)?,
        "mmd" => phy.poke(arguments.mmd()?, arguments.narrow()?)?,
        "readclear" => phy.behave(
            arguments.paged()?,
            Behaviour::ReadClear,
            arguments.narrow()?,
        )?,
        "selfclear" => phy.behave(
            arguments.paged()?,
            Behaviour::SelfClear,
            arguments.narrow()?,
        )?,
        "readonly" => phy.behave(arguments.paged()?, Behaviour::ReadOnly, arguments.narrow()?)?,
        "banks" => phy.set_banks(
            arguments.narrow()?,
            arguments.narrow()?,
            arguments.narrow()?,
        ),
        "window" => phy.set_window(arguments.narrow()?, arguments.narrow()?),
        "fail" => slot.errno = arguments.narrow::<u8>()?.into(),
        "dead" => slot.dead = arguments.number()? != 0,
        "get" => return Ok(Some(phy.peek(arguments.paged()?))),
        "getmmd" => return Ok(Some(phy.peek(arguments.mmd()?))),
        _ => return Err(EINVAL),
    }
    Ok(None)
}

/// The words of a line after the command.
struct Arguments<'a>(core::str::SplitAsciiWhitespace<'a>);

impl<'a> Arguments<'a> {
    fn word(&mut self) -> Result<&'a str> {
        self.0.next().ok_or(EINVAL)
    }

    fn number(&mut self) -> Result<u32> {
        self.optional_number()?.ok_or(EINVAL)
    }

    fn optional_number(&mut self) -> Result<Option<u32>> {
        let Some(word) = self.0.next() else {
            return Ok(None);
        };
        let number = match word.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => word.parse(),
        };
        Ok(Some(number.map_err(|_| EINVAL)?))
    }

    /// A number that must fit into `T`.
    fn narrow<T: TryFrom<u32>>(&mut self) -> Result<T> {
        T::try_from(self.number()?).map_err(|_| EINVAL)
    }

    fn paged(&mut self) -> Result<Place> {
        Ok(Place::Paged {
            page: self.number()?,
            reg: self.narrow()?,
        })
    }

    fn mmd(&mut self) -> Result<Place> {
        Ok(Place::Mmd {
            devad: self.narrow()?,
            reg: self.narrow()?,
        })
    }
}

kernel::sync::global_lock! {
    // SAFETY: Initialized in `PhySim::init`, before the device is there.
    unsafe(uninit) static SESSION: Mutex<Option<Session>> = None;
}

/// `/dev/phy-sim`: all open files are the same.
struct SimFile;

#[vtable]
impl MiscDevice for SimFile {
    type Ptr = KBox<Self>;

    fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>) -> Result<Self::Ptr> {
        Ok(KBox::new(Self, GFP_KERNEL)?)
    }

    fn read_iter(mut kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        let session = SESSION.lock();
        let answer = session.as_ref().map_or(&[][..], |session| &session.answer);
        iov.simple_read_from_buffer(kiocb.ki_pos_mut(), answer)
    }

    fn write_iter(_kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        let mut text = KVVec::new();
        let len = iov.copy_from_iter_vec(&mut text, GFP_KERNEL)?;
        let text = core::str::from_utf8(&text).map_err(|_| EINVAL)?;

        let mut session = SESSION.lock();
        if let Some(session) = session.as_mut() {
            session.answer.clear();
        }
        for line in text.lines() {
            if line == "reset" {
                *session = None;
                continue;
            }
            let session = match &mut *session {
                Some(session) => session,
                none => none.insert(Session::new()?),
            };
            session.run(line)?;
        }
        Ok(len)
    }
}

#[pin_data(PinnedDrop)]
struct PhySim {
    #[pin]
    _device: MiscDeviceRegistration<SimFile>,
}

impl kernel::InPlaceModule for PhySim {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: Called once, when the module is loaded.
        unsafe { SESSION.init() };
        let options = MiscDeviceOptions { name: c"phy-sim" };
        try_pin_init!(Self {
            _device <- MiscDeviceRegistration::register(options),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for PhySim {
    fn drop(self: Pin<&mut Self>) {
        // An open file would hold the module.
        *SESSION.lock() = None;
    }
}
