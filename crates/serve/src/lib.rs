//! The machines' sockets.
//!
//! ```text
//! packet ── DHCP on 67 and 4011, beside any other server of this host ──▶ owner.dhcp
//! dhcp6 ─── DHCPv6 on 547 ──────────────────────────────────────────────▶ owner.dhcp6
//! listen6 ── DHCPv6 servers, routers, and where we only listen, clients ─▶ owner.listen6
//! advertise ─ router advertisements, where they are to come from us
//! tftp ──── UDP 69, transfers on a few ports that they share ────────────▶ owner.file ─▶ bytes
//! http ──── the boot port ──────────────────────────────────────────────▶ owner.file ─▶ bytes
//! syslog ── logs of installers ──────────────────────────────────────────▶ owner.tell
//! dns ───── names on 53, out of a copy of owner.name_facts
//! conflict ─ asks whether an address that is about to be offered is in use
//! probe ─── asks a link who else gives addresses there
//! ```
//!
//! In: what machines send. Out: what the owner answers, and the bytes of files by their hash.
//! Never: a decision, a path of the file system, a reply to somebody the owner would not answer.
//! Whatever the network can make grow here has a limit in [`Limits`].
#![deny(unsafe_code)]

mod advertise;
mod bell;
mod board;
mod conflict;
mod count;
mod dhcp6;
mod dns;
mod faults;
mod gate;
pub mod holder;
mod http;
mod interfaces;
mod limits;
mod listen6;
mod meter;
mod neighbour;
pub mod owner;
mod packet;
mod part;
mod places;
pub mod probe;
mod shelf;
mod source;
mod start;
mod sys;
mod syslog;
mod tftp;

pub use count::Counts;
pub use dns::{ANSWERS_PER_SECOND, Dns, Publish, Refused, has_zone};
pub use http::tls::{Named, Tls, TlsKeys};
pub use interfaces::{Interface, interfaces};
pub use limits::{Limits, Rates};
pub use owner::{Blob, Bytes, Owner, Stretch};
pub use start::{Finding, Networks, Ports, Running, StartError, start, start_on, start_with};
pub use sys::clock_synchronised;

/// Where TFTP requests go (RFC 1350 §4).
pub(crate) const TFTP_PORT: u16 = 69;
