//! How far a transfer is, and how it ended, in figures and in words.
//!
//! In: what a transfer knows about itself. Out: sentences an operator reads as they stand. Never:
//! a decision.

use model::Now;
use model::event::Cut;
use model::text::show;
use std::fmt;
use wire::tftp::ErrorCode;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// The last block the client has confirmed, counted without wrapping.
    pub block: u64,
    /// The number of blocks, the short last one included.
    pub blocks: u64,
    /// Bytes the client has confirmed.
    pub bytes: u64,
    /// Bytes of the file.
    pub size: u64,
    /// DATA packets sent, repeated ones included.
    pub sent: u64,
    /// DATA packets that had been sent before.
    pub resent: u64,
    /// When the request came.
    pub started: Now,
    /// When the client last confirmed something new.
    pub last_progress: Now,
}

impl Progress {
    /// Confirmed bytes per second from the request to the last confirmation.
    #[must_use]
    pub fn bytes_per_s(&self) -> u64 {
        let ms = self.last_progress.since(self.started).as_millis().max(1);
        u64::try_from(u128::from(self.bytes) * 1000 / ms).unwrap_or(u64::MAX)
    }
}

/// A transfer that succeeded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Summary {
    /// The figures at the end.
    pub progress: Progress,
    /// Whether the last ACK came. Many loaders start what they got without sending it.
    pub confirmed: bool,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let p = &self.progress;
        write!(f, "{} bytes in {} blocks", p.size, p.blocks)?;
        if self.confirmed {
            write!(f, ", {} bytes/s", p.bytes_per_s())?;
        }
        if p.resent > 0 {
            write!(f, ", {} blocks sent again", p.resent)?;
        }
        if !self.confirmed {
            f.write_str(", all sent but the last not confirmed (many loaders never do)")?;
        }
        Ok(())
    }
}

/// Why a transfer ended without success. The operator reads it as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Why {
    /// The client only wanted to know whether the file is there, or how large it is, and said
    /// stop (EDK2 with error 8, older ROMs and Raspberry Pi with 0). No error: it asks again.
    ProbeEnded,
    /// Not one ACK came.
    NeverAnswered {
        /// What it was sent meanwhile.
        datagrams: u32,
    },
    /// The client confirmed blocks, and then no more.
    NoProgress {
        /// The last block it confirmed.
        block: u64,
        /// Of how many.
        blocks: u64,
        /// For how long nothing new came, in seconds.
        silent_s: u64,
        /// How often it was tried.
        tries: u32,
    },
    /// The client sent an ERROR.
    ClientStopped {
        /// Its code.
        code: ErrorCode,
        /// Its text, as bytes.
        text: Vec<u8>,
        /// The last block it had confirmed.
        block: u64,
        /// Of how many.
        blocks: u64,
    },
    /// The same client asked for something else from the same port.
    Replaced {
        /// The last block it had confirmed.
        block: u64,
        /// Of how many.
        blocks: u64,
    },
    /// The bytes of the file could not be read any more. Our fault.
    SourceFailed {
        /// The block that could not be read.
        block: u64,
        /// Of how many.
        blocks: u64,
    },
    /// The file was written to or cut while it was sent. Not by us.
    SourceChanged {
        /// The block that did not go out any more.
        block: u64,
        /// Of how many.
        blocks: u64,
    },
}

impl Why {
    /// Whether there is something for an operator to look into.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        !matches!(self, Self::ProbeEnded | Self::Replaced { .. })
    }

    /// Whether the bytes of the file are the cause.
    #[must_use]
    pub const fn is_of_the_source(&self) -> bool {
        matches!(self, Self::SourceFailed { .. } | Self::SourceChanged { .. })
    }

    /// The same as a value of an event.
    #[must_use]
    pub fn cut(&self) -> Cut {
        match self {
            Self::NeverAnswered { .. } => Cut::NeverAcknowledged,
            Self::NoProgress { block, .. } => Cut::Stalled { block: *block },
            Self::ClientStopped { code, block, .. } => {
                Cut::ClientStopped { code: (*code).into(), block: *block }
            }
            Self::SourceFailed { .. } | Self::SourceChanged { .. } => Cut::Source,
            Self::ProbeEnded | Self::Replaced { .. } => Cut::Other,
        }
    }

    /// The ERROR the client gets, if it gets one. An ERROR is not answered (RFC 1350 §7), and to
    /// somebody who never spoke nothing more is sent.
    #[must_use]
    pub fn farewell(&self) -> Option<Vec<u8>> {
        let text = match self {
            Self::NoProgress { .. } => "No acknowledgement for too long",
            Self::SourceFailed { .. } => "The server cannot read the file",
            Self::SourceChanged { .. } => "The file was changed while it was sent",
            Self::ProbeEnded
            | Self::NeverAnswered { .. }
            | Self::ClientStopped { .. }
            | Self::Replaced { .. } => return None,
        };
        Some(wire::tftp::error(ErrorCode::NotDefined, text))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProbeEnded => f.write_str("it only asked for the size and will ask again"),
            Self::NeverAnswered { datagrams } => write!(
                f,
                "no acknowledgement of {datagrams} datagrams: the client is gone, or a firewall \
                 drops what comes from a port other than 69"
            ),
            Self::NoProgress { block, blocks, silent_s, tries } => write!(
                f,
                "nothing after block {block} of {blocks} for {silent_s} s and {tries} tries: the \
                 client was switched off, hangs, or lost its link"
            ),
            Self::ClientStopped { code, text, block, blocks } => write!(
                f,
                "the client stopped after block {block} of {blocks} with error {} \"{}\"",
                u16::from(*code),
                show(text)
            ),
            Self::Replaced { block, blocks } => write!(
                f,
                "the client asked anew from the same port after block {block} of {blocks}"
            ),
            Self::SourceFailed { block, blocks } => {
                write!(f, "block {block} of {blocks} could not be read from the image store")
            }
            Self::SourceChanged { block, blocks } => write!(
                f,
                "the file was changed behind the server's back before block {block} of {blocks} \
                 was sent; check the disk, and import its image again"
            ),
        }
    }
}
