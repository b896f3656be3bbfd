//! The operators' interface: HTTP with JSON over a Unix socket, and over TCP (with TLS beyond this host).
//!
//! ```text
//! connection ─ server ─ gate: who, and may he ─ routes: what is asked ─▶ site (asks, commands, events)
//!                                                              └─▶ library (imports, checks)
//!    peer: who is on the socket
//! site: events ─ webhooks ─▶ receivers outside (by fetch)
//! CLI ──────── client ─ the same types, the other way round
//! ```
//!
//! In: requests of operators. Out: answers in the one schema of [`types`], and every refusal as a
//! [`Problem`] in words. Never: a decision about machines (the engine's), a machine's request
//! (`serve`), a word to anybody who is no operator, or a webhook that one added.
#![forbid(unsafe_code)]

pub mod asker;
mod body;
pub mod client;
pub mod contract;
pub mod doing;
pub mod elsewhere;
pub mod gate;
pub mod history;
pub mod net;
pub mod pages;
pub mod peer;
pub mod problem;
pub(crate) mod routes;
pub mod server;
pub mod socket;
mod streams;
mod tags;
pub mod types;
pub mod webhooks;

pub use client::Client;
pub use problem::Problem;
pub use routes::table::{Route, table};
pub use server::{House, Running, start};
pub use tags::Expects;
