//! The operators' interface: HTTP with JSON over a Unix socket.
//!
//! ```text
//! connection ─ server ─ peer: who is it ─ routes: what is asked ─▶ site (asks, commands, events)
//!                                                              └─▶ library (imports, checks)
//! site: events ─ webhooks ─▶ receivers outside (by fetch)
//! CLI ──────── client ─ the same types, the other way round
//! ```
//!
//! In: requests of operators. Out: answers in the one schema of [`types`], and every refusal as a
//! [`Problem`] in words. Never: a decision about machines (the engine's), a machine's request
//! (`serve`), a word to anybody who is not an operator of this host, or a webhook that one added.
#![forbid(unsafe_code)]

mod body;
pub mod client;
pub mod doing;
pub mod peer;
pub mod problem;
pub(crate) mod routes;
pub mod server;
pub mod socket;
mod streams;
pub mod types;
pub mod webhooks;

pub use client::Client;
pub use problem::Problem;
pub use server::{House, Running, start};
