//! Why something ended early, as a value: what a diagnosis rests on. The words beside it are for
//! people.

use crate::client::named;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a transfer ended early.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "cut", rename_all = "kebab-case")]
pub enum Cut {
    /// TFTP: a request came, and not one acknowledgement of what was sent.
    NeverAcknowledged,
    /// TFTP: confirmed up to a block, then nothing.
    Stalled {
        /// The last block that was confirmed, counted without wrapping. 0: the options alone, not
        /// one block of the file.
        block: u64,
    },
    /// TFTP: the client sent an ERROR.
    ClientStopped {
        /// Its code (RFC 1350 §5).
        code: u16,
        /// The last block it had confirmed.
        block: u64,
    },
    /// The request was refused: a mode or an option that is not served.
    Refused,
    /// There was no room for one more transfer.
    NoRoom,
    /// The bytes of the file are damaged, were changed, or cannot be read.
    Source,
    /// HTTP: the connection was closed before all was across.
    Closed,
    /// HTTP: the client read too slowly, or not at all.
    Slow,
    /// The server stopped, or made place for another request.
    Other,
}

named! {
    /// What stood in the way of TLS.
    TlsFault: "TLS fault" {
        /// The client does not trust our certificate authority: it says so, or nothing else is left.
        Untrusted = "untrusted",
        /// The certificate does not name what the client's URL names.
        Name = "name",
        /// The certificate is over or not yet valid, or the client's clock says so.
        Time = "time",
        /// No version of TLS in common.
        Version = "version",
        /// No kind of key, signature, curve or cipher in common.
        Key = "key",
        /// Plain HTTP came to the port for HTTPS.
        PlainHttp = "plain-http",
        /// Anything else.
        Other = "other",
    }
}
