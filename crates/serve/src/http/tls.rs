//! TLS on the boot port: the keys, which may be replaced while connections run.
//!
//! In: a finished `rustls::ServerConfig`. Out: the one in force. Never: a key or a certificate of
//! our own making.

pub(super) mod handshake;
mod hello;
pub(super) mod words;

use rustls::ServerConfig;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

/// HTTPS beside HTTP: on which port of each network's address, and with which keys.
#[derive(Clone, Debug)]
pub struct Tls {
    /// TCP port.
    pub port: u16,
    /// Certificate and key, as they are now.
    pub keys: Arc<TlsKeys>,
}

/// What a certificate says of itself: most firmware refuses one without a word, and then this tells
/// the reasons apart.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Named {
    /// DNS names.
    pub names: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
    /// The last second in which it is good, since 1970.
    pub until_s: u64,
    /// It is one of our own CA.
    pub own: bool,
}

/// The certificate and key in force. A connection keeps those it began with.
pub struct TlsKeys(RwLock<(Arc<ServerConfig>, Option<Arc<Named>>)>);

impl TlsKeys {
    /// These, until others take their place.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(RwLock::new((config, None)))
    }

    /// These, of which it is known what their certificate says.
    pub fn saying(config: Arc<ServerConfig>, named: Named) -> Self {
        Self(RwLock::new((config, Some(Arc::new(named)))))
    }

    /// From now on these.
    pub fn swap(&self, config: Arc<ServerConfig>) {
        self.put(config, None);
    }

    /// From now on these, of which it is known what their certificate says.
    pub fn swap_saying(&self, config: Arc<ServerConfig>, named: Named) {
        self.put(config, Some(Arc::new(named)));
    }

    fn put(&self, config: Arc<ServerConfig>, named: Option<Arc<Named>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (config, named);
    }

    /// Those of a connection that begins now.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// What their certificate says.
    pub(crate) fn named(&self) -> Option<Arc<Named>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

/// What a key is stays untold.
impl fmt::Debug for TlsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsKeys(***)")
    }
}
