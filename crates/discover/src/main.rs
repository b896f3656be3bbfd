//! `bootwright-discover`: what is in this machine, told to the server.
//!
//! Started by the kernel as the first program of a machine (`rdinit=/init`), it does what an
//! installer does before its first question, and then only reads:
//!
//! ```text
//! settings ── kernel arguments: where the server is, which card we booted from, what comes after
//! modules ─── drivers for what is there, from the initrd
//! network ─── the card comes up (netlink), gets an address (dhcp)
//! inventory ─ /sys, /proc, SMBIOS, EFI variables ─▶ model::Hardware
//! report ──── POST /inventory?mac=..., again until it is taken
//! ```
//!
//! In: the kernel's files below a root, the kernel's arguments, replies of a DHCP server and of ours.
//! Out: a report as JSON, words on the console, a restart. Never: a write to a disk, a mount of one, a
//! file system, another program.
#![forbid(unsafe_code)]

mod arguments;
mod dhcp;
mod init;
mod inventory;
mod modules;
mod netlink;
mod network;
mod report;
mod settings;

use arguments::Wanted;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::process::id() == 1 {
        init::run();
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    match arguments::read(&words) {
        Ok(Wanted::Print) => print(),
        Ok(Wanted::Send { server, mac }) => send(&server, mac.as_deref()),
        Ok(Wanted::Help) => {
            say(arguments::HELP);
            ExitCode::SUCCESS
        }
        Err(wrong) => {
            complain(&wrong);
            complain(arguments::HELP);
            ExitCode::from(2)
        }
    }
}

/// The inventory of this machine as JSON.
fn print() -> ExitCode {
    let hardware = inventory::read(Path::new("/"));
    match serde_json::to_string_pretty(&hardware) {
        Ok(text) => {
            say(&text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("the inventory cannot be written: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The inventory of this machine to a server, once: what an installer's hook runs.
fn send(server: &str, mac: Option<&str>) -> ExitCode {
    let hardware = inventory::read(Path::new("/"));
    let card = hardware.nics.iter().find(|nic| nic.link == Some(true)).or(hardware.nics.first());
    let own = card.and_then(|nic| nic.mac).map(|mac| mac.to_string());
    let Some(mac) = mac.map(str::to_owned).or(own) else {
        complain("this machine has no network card to be known by; say --mac");
        return ExitCode::FAILURE;
    };
    let sent = settings::Server::read(server)
        .and_then(|server| report::send(&server, &mac, &hardware).map(|()| server));
    match sent {
        Ok(server) => {
            say(&format!("sent to {server} as {mac}"));
            ExitCode::SUCCESS
        }
        Err(why) => {
            complain(&format!("the inventory was not taken: {why}"));
            ExitCode::FAILURE
        }
    }
}

/// A line for whoever reads. Without a console there is nobody to tell, which is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line about what is wrong.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
