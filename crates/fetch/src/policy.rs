//! What an operator allows when bytes are brought from outside.
//!
//! In: settings. Out: the same, with safe values for what is not said. Never: a way round certificates.

use std::time::Duration;

use rustls::pki_types::CertificateDer;

/// What is allowed, and how much.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether addresses of this host, its link and its organisation may be dialled. Off: what a URL
    /// leads to could be a service that only this host can reach.
    pub allow_private: bool,
    /// Where a server may send us on to.
    pub redirects: Redirects,
    /// Whose certificates count.
    pub roots: Roots,
    /// Most bytes of a file.
    pub size_max: u64,
    /// Longest wait for a connection, name and handshake included.
    pub connect_max: Duration,
    /// Longest wait without a byte.
    pub idle_max: Duration,
    /// After how many bytes what came is synced, and can be gone on from.
    pub sync_bytes: u64,
}

/// Where a server may send us on to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Redirects {
    /// Within the same host only: whom the operator named is whom we ask.
    SameHost,
    /// To any host that may be dialled, as redirectors to mirrors need it. Never from HTTPS to HTTP.
    AnyHost,
}

/// Whose certificates count.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those that this host trusts (`/etc/ssl/certs`, or `SSL_CERT_FILE`).
    Host,
    /// These alone.
    These(Vec<CertificateDer<'static>>),
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allow_private: false,
            redirects: Redirects::SameHost,
            roots: Roots::Host,
            // The largest image of a common system (a full Windows or RHEL disc) has about 12 GB.
            size_max: 64 << 30,
            connect_max: Duration::from_secs(20),
            idle_max: Duration::from_secs(60),
            sync_bytes: 64 << 20,
        }
    }
}
