//! Why bytes could not be brought: whose fault it is, and what to do.
//!
//! In: what was found. Out: words. Never: a password of a URL, a control character of a server's.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

/// Longest piece of somebody else's text that a message shows, in bytes.
const SHOWN_MAX: usize = 200;

/// Why bytes could not be brought. What came so far is kept where [`FetchError::can_go_on`] says so.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The operator's URL.
    #[error("`{url}` is no URL that can be fetched: {why}")]
    Url {
        /// As it was given, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The name has no address.
    #[error(
        "the name {host} has no address: {why}; check the spelling and this server's name server"
    )]
    NoAddress {
        /// The host.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// The name leads inside.
    #[error(
        "{host} has the address {address}, which is {kind}: not fetched, because a URL must not lead this \
         server to services that only it can reach{hint}"
    )]
    NotPublic {
        /// The host.
        host: String,
        /// Its address.
        address: String,
        /// What that address is for.
        kind: &'static str,
        /// What allows it, if something does.
        hint: &'static str,
    },
    /// Nobody answers there.
    #[error("{host} cannot be reached: {why}; check the URL, the way out and any firewall between")]
    Unreachable {
        /// The host and port.
        host: String,
        /// What happened at each address.
        why: String,
    },
    /// The certificate is not believed, or TLS fails otherwise.
    #[error(
        "{host} did not prove that it is {host}: {why}; check this server's clock and its CA certificates \
         (package ca-certificates; an own CA belongs there too), or who stands between"
    )]
    Tls {
        /// The host.
        host: String,
        /// What was wrong.
        why: String,
    },
    /// This host has no CA certificates.
    #[error(
        "this server has no CA certificates to check {host} by: install the package ca-certificates ({why})"
    )]
    NoRoots {
        /// The host.
        host: String,
        /// Where was looked.
        why: String,
    },
    /// The server sends us to a host that was not allowed.
    #[error(
        "{from} sends on to {to}, which is another host: not followed; allow redirects to other hosts, or \
         give that URL if you trust it"
    )]
    NewHost {
        /// Who sends on.
        from: String,
        /// Where to.
        to: String,
    },
    /// A redirect that is never followed.
    #[error("{from} sends on {why}; ask whoever runs that server")]
    BadRedirect {
        /// Who sends on.
        from: String,
        /// What is wrong with it.
        why: String,
    },
    /// The server's answer is no file.
    #[error("{url} answers {status}: {hint}")]
    Status {
        /// Who was asked.
        url: String,
        /// Status code and its words.
        status: String,
        /// What it means.
        hint: &'static str,
    },
    /// The server breaks HTTP.
    #[error("the server of {url} does not keep to HTTP: {why}")]
    Broken {
        /// Who was asked.
        url: String,
        /// What it did.
        why: String,
    },
    /// More than allowed.
    #[error(
        "{url} has {size}, more than the {most} bytes that are allowed; allow more if that is right"
    )]
    TooLarge {
        /// Who was asked.
        url: String,
        /// How many bytes, in words.
        size: String,
        /// How many are allowed.
        most: u64,
    },
    /// Nothing came for too long.
    #[error("no byte came from {url} for {} s; {kept} bytes are kept: try again, it goes on from there", after.as_secs())]
    Idle {
        /// Who was asked.
        url: String,
        /// How long was waited.
        after: Duration,
        /// How many bytes are on disk.
        kept: u64,
    },
    /// It comes, but too slowly.
    #[error("{url} was not here after {} s; try again later or use another mirror", after.as_secs())]
    Slow {
        /// Who was asked.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// The connection ended too early.
    #[error(
        "the connection to {url} ended early ({why}); {kept} bytes are kept: try again, it goes on from there"
    )]
    CutShort {
        /// Who was asked.
        url: String,
        /// What happened.
        why: String,
        /// How many bytes are on disk.
        kept: u64,
    },
    /// The caller wanted no more.
    #[error("stopped on request; {kept} bytes are kept: started again, it goes on from there")]
    Stopped {
        /// How many bytes are on disk.
        kept: u64,
    },
    /// Somebody fetches the same.
    #[error("{url} is being fetched already: wait for that to end")]
    Busy {
        /// What.
        url: String,
    },
    /// The disk.
    #[error(
        "cannot write {path}: {cause}; free some space or mend the disk, what came is kept where it could be"
    )]
    Disk {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl FetchError {
    /// Whether the same call again goes on where this one ended.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        matches!(
            self,
            Self::Idle { .. } | Self::CutShort { .. } | Self::Stopped { .. } | Self::Disk { .. }
        )
    }

    /// The same, saying how many bytes are on disk.
    pub(crate) fn with_kept(mut self, bytes: u64) -> Self {
        if let Self::Idle { kept, .. } | Self::CutShort { kept, .. } | Self::Stopped { kept } =
            &mut self
        {
            *kept = bytes;
        }
        self
    }

    pub(crate) fn disk(path: &Path, cause: io::Error) -> Self {
        Self::Disk { path: path.to_owned(), cause }
    }
}

/// Text from outside, fit to be shown; of a URL without what stands before an `@`.
pub(crate) fn shown(text: &str) -> String {
    let bare = match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, after))) if rest.contains('@') => {
            format!("{scheme}://…@{after}")
        }
        _ => text.to_owned(),
    };
    let mut shown = String::new();
    for c in bare.chars() {
        if shown.len() >= SHOWN_MAX {
            shown.push('…');
            break;
        }
        let turns =
            ('\u{2028}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
        if c.is_control() || turns {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}
