//! Captures: files of packets as tcpdump, Wireshark and dumpcap write them, and what travelled in them.
//!
//! ```text
//! bytes ─ file ──── pcap, pcapng ──▶ Packet: when, where, the frame
//!       ─ frame ─── Ethernet, Linux cooked, raw IP; VLANs ──▶ IPv4, IPv6, ARP
//!       ─ flow ──── fragments put together; UDP; TCP put in order ──▶ Heard
//! write ─────────── Packet ──▶ pcapng, with names of interfaces and comments
//! ```
//!
//! In: the bytes of a file, which nobody vouches for. Out: packets, datagrams and stretches of TCP
//! streams, in the order of the file, or what is wrong and where. Never: a socket, a file of its own
//! (a reader is brought along), more memory than the limits beside each part name, a panic.
//!
//! The format of the files is our own reading of the pcapng draft (draft-ietf-opsawg-pcapng) and the
//! pcap draft (draft-ietf-opsawg-pcap): a few blocks, read whole and bounded, which a library would
//! only wrap.
#![forbid(unsafe_code)]

mod cursor;
pub mod file;
pub mod flow;
pub mod frame;
mod write;

pub use file::{Fault, Interface, LinkType, Packet, Reader, Wrong};
pub use flow::{Dissector, Heard, Said, Transport};
pub use write::Writer;
