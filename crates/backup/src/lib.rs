//! The form of a backup: one stream of files, compressed and encrypted, that says by itself whether it
//! is whole.
//!
//! ```text
//! Writer ─ entries ─ pieces ─ (zstd) ─ seal: chunks of 64 KiB, AES-256-GCM ─▶ any Write
//! Reader ◀ entries ─ pieces ─ (zstd) ─ open: every chunk, then the end ◀──── any Read
//!                                       ▲
//!             passphrase ─ Argon2id ────┘  (head: form, work, salt)
//! ```
//!
//! In: names and bytes, a passphrase, a salt by chance. Out: a stream, and from one the same again; or a
//! [`Fault`] in words. Never: a file opened, chance or time asked for, a byte handed out that was not
//! authenticated, more memory than the named limits.
//!
//! ## The file
//!
//! Numbers are big-endian.
//!
//! ```text
//! head     "BWBACKUP"  form u16 = 1  memory u32 (KiB)  passes u32  lanes u32  salt [32]  tag [16]
//! chunks   up to 64 KiB each + tag [16]; all are full but the last
//! ```
//!
//! The key is Argon2id(passphrase, salt) with the work of the head. The head's tag seals nothing, with a
//! nonce of 0xff and the head before it as associated data: it tells a wrong passphrase from a damaged
//! file. A chunk's nonce is its number (88 bits) and a byte that is 1 in the last one alone, so chunks
//! cannot be moved, repeated or left out, nor the end cut off (the construction STREAM of Hoang,
//! Reyhanitabar, Rogaway and Vizár, 2015). In the chunks:
//!
//! ```text
//! about    1  length u32, JSON                                 first, once
//! file     2  name (u16 + UTF-8)  size u64  packing u8  body   packing: 0 as it is, 1 zstd
//! blob     3  sha-256 [32]  size u64  body
//! lost     4  sha-256 [32]  why (u16 + UTF-8)                  a blob that could not be read
//! end      0  entries u64                                      last, once
//! body     pieces: length u32, bytes; 0 ends it; 0xffffffff and why (u16 + UTF-8) break it off
//! ```
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

mod about;
mod fault;
mod head;
mod key;
mod pieces;
mod read;
mod seal;
mod write;

pub use about::About;
pub use fault::Fault;
pub use key::{Passphrase, SALT_BYTES, Salt, Work};
pub use read::{Body, Entry, Reader};
pub use write::{Sent, Writer};

/// A SHA-256, as a blob is named.
pub type Sha256 = [u8; 32];

/// The longest name of a file.
pub const NAME_MAX: usize = 512;

/// Whether a name can only mean a file below the folder it is restored to: parts of printable text
/// between `/`, none of them `.` or `..`.
pub fn is_safe(name: &str) -> bool {
    const PARTS_MAX: usize = 8;
    let good = |part: &str| !matches!(part, "" | "." | "..");
    name.len() <= NAME_MAX
        && name.split('/').count() <= PARTS_MAX
        && name.split('/').all(good)
        && !name.chars().any(|c| c.is_control() || c == '\\')
}
