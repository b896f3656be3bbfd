//! The vocabulary: what network booting is about, as types.
//!
//! In: words of the field, already read from bytes, files or flags. Out: the same meaning as
//! values that every other room shares. Never: bytes of a protocol (those are `wire`), a decision
//! (that is `engine`), a socket, a file, a clock, chance.
#![forbid(unsafe_code)]

pub mod access;
pub mod address;
pub mod client;
pub mod code;
pub mod declared;
pub mod deployment;
pub mod diagnosis;
pub mod dns;
pub mod event;
pub mod fault;
pub mod hardware;
pub mod image;
mod labels;
pub mod lease;
pub mod life;
pub mod listen;
pub mod machine;
pub mod menu;
pub mod nearest;
pub mod network;
pub mod network6;
pub mod option;
pub mod other;
pub mod plan;
pub mod power;
pub mod quirk;
pub mod rule;
mod schema;
pub mod setting;
pub mod severity;
pub mod story;
pub mod template;
pub mod text;
pub mod time;
pub mod transfer;
pub mod url;
pub mod webhook;

pub use access::{ApiToken, AuditRecord, By, User};
pub use address::{HardwareAddress, Uuid};
pub use client::{Arch, Client, Firmware, Stage};
pub use declared::Declarable;
pub use deployment::{Batch, Deployment};
pub use diagnosis::Diagnosis;
pub use event::{Change, Event, Happening};
pub use fault::{Fault, Remedy};
pub use hardware::Hardware;
pub use image::{Asset, Channel, Channels, Content, Hash, Image, Loader, LoaderKind};
pub use labels::Labels;
pub use lease::{Lease, Lease6, Reservation, Reservation6};
pub use life::Life;
pub use listen::Listening;
pub use machine::Machine;
pub use network::{Mode, Network};
pub use network6::Network6;
pub use option::DhcpOption;
pub use other::{Fit, OtherServer, TheirOffer};
pub use plan::{BootPlan, Decision, Does, Reason, Why};
pub use power::PowerSettings;
pub use quirk::{Fingerprint, Pin, Seen};
pub use severity::Severity;
pub use story::{BootId, Story};
pub use time::Now;
pub use transfer::{TransferNow, Transfers};
pub use webhook::Webhook;
