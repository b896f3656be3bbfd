//! Why no magic packet was sent: whose fault it is, and what to do.
//!
//! In: what was found. Out: words. Never: a SecureOn password.

use super::{TIMES_MAX, WAYS_MAX};
use model::HardwareAddress;
use std::io;

/// Why no magic packet was sent.
#[derive(Debug, thiserror::Error)]
pub enum WakeError {
    /// The operator's address.
    #[error("{machine} cannot be woken: {why}; give the MAC of the card that is plugged in")]
    Address {
        /// As given.
        machine: HardwareAddress,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The operator's password.
    #[error(
        "that is no SecureOn password: write 6 bytes like a MAC (00:11:22:33:44:55), or 4 like an \
         IPv4 address (192.168.1.1) or as 00:11:22:33"
    )]
    Password,
    /// The operator's settings: how many ways.
    #[error(
        "{}; name between 1 and {WAYS_MAX} interfaces or networks",
        if *count == 0 { "there is no way to send magic packets by".to_owned() }
        else { format!("{count} ways for one machine are too many") }
    )]
    Ways {
        /// How many.
        count: usize,
    },
    /// The operator's settings: how often.
    #[error(
        "magic packets are sent at most {TIMES_MAX} times, with at most 60 s between two \
         ({count} pauses were given)"
    )]
    Pauses {
        /// How many pauses.
        count: usize,
    },
    /// The operator's settings: where to.
    #[error("{to} is no broadcast address of a far network: {why}")]
    Broadcast {
        /// As given.
        to: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The surroundings: no such interface.
    #[error("there is no Ethernet interface `{interface}` here; `ip link` lists those there are")]
    NoInterface {
        /// Its name, shown.
        interface: String,
    },
    /// The surroundings: the system does not let us.
    #[error("cannot send a magic packet {way}: {cause}{hint}")]
    Send {
        /// Which way, in words.
        way: String,
        /// What the system said.
        #[source]
        cause: io::Error,
        /// What to do about it.
        hint: &'static str,
    },
    /// Not one way worked.
    #[error("nothing was sent to wake {machine}: {why}")]
    Nothing {
        /// Who was to wake.
        machine: HardwareAddress,
        /// The reason of each way.
        why: String,
    },
}

impl WakeError {
    /// With what can be done about the system's answer.
    pub(super) fn send(way: String, cause: io::Error) -> Self {
        let hint = match cause.raw_os_error().map(nix::errno::Errno::from_raw) {
            Some(nix::errno::Errno::EPERM | nix::errno::Errno::EACCES) => {
                "; raw frames need CAP_NET_RAW: send by UDP instead, or give the server that right"
            }
            Some(nix::errno::Errno::ENETUNREACH | nix::errno::Errno::EHOSTUNREACH) => {
                "; there is no route to that network: check `ip route get` with this address"
            }
            Some(nix::errno::Errno::ENETDOWN) => "; set the interface up first",
            Some(nix::errno::Errno::ENODEV) => "; `ip link` lists the interfaces there are",
            _ => "",
        };
        Self::Send { way, cause, hint }
    }
}
