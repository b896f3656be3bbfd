//! Why a keyring or a signature is not believed: whose fault it is, and what to do.
//!
//! In: what was found. Out: words. Never: a reason left out.

use thiserror::Error;

use crate::text::date;

/// Why a keyring cannot be read, or a signature is not believed.
#[derive(Debug, Error)]
pub enum TrustError {
    /// What was given as keyring or signature is something else, or damaged.
    #[error("the {what} cannot be read: {why}")]
    Unreadable {
        /// `keyring`, `signature` or `signed text`.
        what: &'static str,
        /// What was found, where, and what to do.
        why: String,
    },
    /// More than any file of this kind needs.
    #[error(
        "the {what} has more than {most} {limit}, which none in use has: it is damaged or made to do harm"
    )]
    TooMuch {
        /// `keyring`, `signature` or `signed text`.
        what: &'static str,
        /// What there is too much of.
        limit: &'static str,
        /// How much is allowed.
        most: usize,
    },
    /// None of the keys that signed is in the keyring.
    #[error(
        "it is signed by key {}, which is not in the keyring: if that is the publisher's key (compare it \
         with what the publisher says), add it to the keyring",
        keys.join(" and by key ")
    )]
    KeyMissing {
        /// The keys that signed: fingerprints where the signature says them, else key ids.
        keys: Vec<String>,
    },
    /// The content is not what was signed.
    #[error(
        "the content is not what {by} signed: it was changed, is damaged, or belongs to another version \
         than the signature; fetch both again from the publisher"
    )]
    ContentChanged {
        /// The key.
        by: String,
    },
    /// The signature uses what can be forged.
    #[error(
        "the signature of {by} uses {what}, which can be forged: ask the publisher for one with SHA-256 or better"
    )]
    Weak {
        /// The key.
        by: String,
        /// The algorithm.
        what: String,
    },
    /// The key is past its end.
    #[error(
        "the signature is good, but {by} expired on {}: publishers prolong their keys, so take the \
         publisher's newest keyring (and check the clock of this server, which says {})",
        date(*end_s), date(*now_s)
    )]
    KeyExpired {
        /// The key.
        by: String,
        /// When it ended, seconds since 1970.
        end_s: u64,
        /// The moment of the check.
        now_s: u64,
    },
    /// The signature is past its own end.
    #[error("the signature of {by} was good only until {}: fetch a newer version of the file and its signature", date(*end_s))]
    SignatureExpired {
        /// The key.
        by: String,
        /// When it ended, seconds since 1970.
        end_s: u64,
    },
    /// The signature was made later than now, or before its key.
    #[error("the signature of {by} says it was made on {}, {why}", date(*made_s))]
    WrongTime {
        /// The key.
        by: String,
        /// When it says it was made, seconds since 1970.
        made_s: u64,
        /// Why that cannot be, and what to do.
        why: String,
    },
    /// The key was revoked by its owner.
    #[error(
        "{by} was revoked by its owner on {} ({reason}): nothing it signed is believed; take the \
         publisher's newest keyring and a file signed by a key in it",
        date(*at_s)
    )]
    KeyRevoked {
        /// The key.
        by: String,
        /// When, seconds since 1970.
        at_s: u64,
        /// The owner's reason.
        reason: String,
    },
    /// The key is not one that may sign files.
    #[error("the content fits, but {by} may not sign files: {why}")]
    KeyUnfit {
        /// The key.
        by: String,
        /// What it lacks.
        why: String,
    },
    /// What was signed could not be read.
    #[error("what was signed could not be read: {0}")]
    Reading(#[from] std::io::Error),
}

impl TrustError {
    /// Of several signatures that are not believed, the one whose reason is worth telling has the highest
    /// rank: what is known of the content, then of the key, then that nobody knows the key.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Reading(_) => 5,
            Self::ContentChanged { .. } => 4,
            Self::KeyRevoked { .. } => 3,
            Self::KeyMissing { .. } | Self::Unreadable { .. } => 0,
            _ => 2,
        }
    }
}
