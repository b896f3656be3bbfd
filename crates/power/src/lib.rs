//! Machines switched on and off from afar, and told what to boot next.
//!
//! ```text
//! Driver ("wake-on-lan", "redfish") ─▶ Power ─┬─ WakeOnLan ── packet ─▶ interface, far link, frame
//!                                             └─ Redfish ─── visit ─▶ line (TLS, pinned) ─▶ BMC
//! ```
//!
//! In: addresses, names and passwords that an operator gave. Out: packets and requests that switch
//! a machine, what its BMC says of it, or why not, in words. Never: a program or a shell run, a
//! certificate passed over, a password in a message, a request to any host but the one named, a
//! decision about which machine.
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

mod driver;
pub mod redfish;
mod secret;
mod switch;
pub mod wake;

pub use driver::{Driver, NoDriver, Pending, Power, PowerError};
pub use redfish::Redfish;
pub use secret::Secret;
pub use switch::{BootMode, BootOnce, BootSet, BootTarget, Outcome, PowerState, Turn};
pub use wake::WakeOnLan;
