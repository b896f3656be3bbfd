//! Brings the bytes of a URL to a local file, as far as the operator allows, and goes on where it was
//! interrupted. Beside that it carries a short message to a URL, by the same checked way.
//!
//! ```text
//! URL ─▶ place ─▶ connect (resolve, address: each is checked, the very one is dialled; TLS)
//!                    │
//!               exchange (one request, redirects as the policy says) ─┬─▶ small: text in memory
//!                    │ ▲                                              └─▶ download ─▶ file + partial
//!                    │ └──────── Range, If-Range ◀── partial: what is on disk, synced ◀──┘
//!               post (one request, no redirect) ─▶ status
//! ```
//!
//! In: a URL, a policy, a folder of the caller's, or a message. Out: a file whose bytes are on disk, and what
//! the server said of it; the status of who got the message; or why not, in words. Never: an address dialled
//! that was not checked, a certificate passed over, a redirect to a new host that was not allowed, more bytes
//! than allowed, a wait without an end, a proxy from the environment, content believed: what it is worth
//! `trust` says.
#![forbid(unsafe_code)]

mod address;
mod connect;
mod download;
mod error;
mod exchange;
mod partial;
mod place;
mod policy;
mod post;
mod siblings;
mod small;

pub use download::{Fetched, Progress, download};
pub use error::FetchError;
pub use partial::{Leftover, leftovers, remove_older};
pub use place::Place;
pub use policy::{Policy, Redirects, Roots};
pub use post::{PostError, Posted, post, refused_at_once};
pub use siblings::{SIGNATURES, Sibling, SiblingKind, siblings, siblings_of_file};
pub use small::{Small, small};
