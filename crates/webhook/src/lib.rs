//! What is sent to a webhook, when, and when again.
//!
//! ```text
//! event, as JSON ─▶ outbox: waits in order ─▶ message: headers, signature ─▶ (the caller sends it)
//!                      ▲                                                          │
//!                      └──────────── outcome: took it, refused it, not reached ◀──┘
//! ```
//!
//! In: events as text, moments, chance, what became of a delivery. Out: what is to be sent next and until
//! when to wait; what an operator should know. Never: a socket, a clock, a queue without an end.
#![forbid(unsafe_code)]

pub mod message;
pub mod outbox;
pub mod retry;

pub use message::{Message, sign};
pub use outbox::{Delivery, Outbox, Outcome, QUEUE_BYTES_MAX, QUEUE_MAX, Step, Trouble};
pub use retry::{TRIES_MAX, next_try};
