//! Bytes ⇄ messages.
//!
//! In: datagrams and frames as byte slices, from anybody on the network. Out: typed messages,
//! and the exact bytes of our replies. Never: a decision, a socket, a clock, a panic.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod arp;
pub mod dhcp4;
pub mod dhcp6;
pub mod dns;
pub mod echo;
pub mod ip6;
pub mod ndp;
pub mod syslog;
pub mod tftp;
pub mod udp4;
