//! What we would have answered to what a capture shows, beside what was answered.
//!
//! ```text
//! packets ─ capture ─ datagrams, streams
//!         ─ replay ── in the order of the capture, at its times:
//!                     requests go to an engine ─▶ what we would have said, and why
//!                     replies are filed with their request
//!         ─ judge ─── each pair: the same, agrees, differs (in what), silent
//!         ─ say ───── as text for people, and for a file that a test compares with
//! report ──────────── of one machine: what was said, what was known; decided again by the same engine
//! ```
//!
//! The engine is the real one: made of the same settings and facts as the server's, asked by the same
//! functions. So what is said here is what the server would have said.
//!
//! In: an engine, and packets. Out: [`Replayed`]: every request with both answers. Never: a socket, a
//! clock (time is the capture's), a file, a change of anything that is kept; a secret: answer files are
//! not made.
#![forbid(unsafe_code)]

mod body;
pub mod deduce;
mod dhcp;
mod dhcp6;
mod http;
mod ours;
mod place;
pub mod report;
mod run;
mod say;
mod talk;
mod tftp;
mod verdict;

pub use report::Report;
pub use run::Replay;
pub use verdict::{Entry, Replayed, Theirs, Verdict};
