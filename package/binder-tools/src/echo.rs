// SPDX-License-Identifier: MIT
//! binder-echo: a service and its client by way of the service manager, on rsbinder's own API.
//!
//! The smallest complete example of a Binder service in Rust, and what the tests register, find
//! and call through rsb_hub.

use rsbinder::{
    hub, interface, BinderResult, DeathRecipient, Interface, ParcelFileDescriptor, ProcessState,
    Strong, WIBinder,
};
use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::mpsc::{channel, Sender};
use std::sync::{Arc, Mutex};

const USAGE: &str = "usage: binder-echo [-d DEVICE] serve NAME
       binder-echo [-d DEVICE] call NAME TEXT
       binder-echo [-d DEVICE] descriptor NAME TEXT
       binder-echo [-d DEVICE] watch NAME";

#[interface(descriptor = "ironroot.IEcho")]
pub trait IEcho {
    /// Gives the text back, with the pid of the service.
    fn echo(&self, text: &str) -> BinderResult<String>;
    /// Writes the text into a file that the caller opened.
    fn write(&self, file: &ParcelFileDescriptor, text: &str) -> BinderResult<()>;
}

struct Echo;

impl Interface for Echo {}

impl IEcho for Echo {
    fn echo(&self, text: &str) -> BinderResult<String> {
        Ok(format!("{text} from {}", std::process::id()))
    }

    fn write(&self, file: &ParcelFileDescriptor, text: &str) -> BinderResult<()> {
        let file = file.as_ref().try_clone().map_err(|_| rsbinder::StatusCode::BadValue)?;
        File::from(file)
            .write_all(text.as_bytes())
            .map_err(|_| rsbinder::StatusCode::Unknown.into())
    }
}

/// Says when the service has died.
struct Watcher(Mutex<Sender<()>>);

impl DeathRecipient for Watcher {
    fn binder_died(&self, _who: &WIBinder) {
        if let Ok(sender) = self.0.lock() {
            let _ = sender.send(());
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("binder-echo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut device = "binder";
    if let ["-d", name, ..] = arguments[..] {
        device = name;
        arguments.drain(..2);
    }
    let start = || -> Result<(), Box<dyn Error>> {
        ProcessState::init(&format!("/dev/binderfs/{device}"), 2)?;
        ProcessState::start_thread_pool();
        Ok(())
    };
    match arguments[..] {
        ["serve", name] => {
            start()?;
            hub::add_service(name, BnEcho::new_binder(Echo))?;
            println!("serving {name}");
            Ok(ProcessState::join_thread_pool()?)
        }
        ["call", name, text] => {
            start()?;
            println!("{}", find(name)?.echo(text)?);
            Ok(())
        }
        ["descriptor", name, text] => {
            start()?;
            let (mut reader, writer) = UnixStream::pair()?;
            let service = find(name)?;
            service.write(&ParcelFileDescriptor::new(OwnedFd::from(writer)), text)?;
            let mut said = String::new();
            // The service's end was closed with its call, ours above.
            reader.read_to_string(&mut said)?;
            println!("{said}");
            Ok(())
        }
        ["watch", name] => {
            start()?;
            let service = find(name)?;
            let (sender, receiver) = channel();
            let watcher = Arc::new(Watcher(Mutex::new(sender)));
            service.as_binder().link_to_death_arc(&watcher)?;
            println!("watching {name}");
            receiver.recv()?;
            println!("{name} died");
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

fn find(name: &str) -> Result<Strong<dyn IEcho>, Box<dyn Error>> {
    hub::check_interface(name).map_err(|error| format!("{name}: {error}").into())
}
