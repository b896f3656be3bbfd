//! TLS on the boot port: the keys, which may be replaced while connections run.
//!
//! In: a finished `rustls::ServerConfig`. Out: the one in force. Never: a key or a certificate of
//! our own making.

pub(super) mod handshake;
mod hello;
pub(super) mod words;

use rustls::ServerConfig;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// HTTPS beside HTTP: on which port of each network's address, and with which keys.
#[derive(Clone, Debug)]
pub struct Tls {
    /// TCP port.
    pub port: u16,
    /// Certificate and key, as they are now.
    pub keys: Arc<TlsKeys>,
}

/// The certificate and key in force. A connection keeps those it began with.
pub struct TlsKeys(RwLock<Arc<ServerConfig>>);

impl TlsKeys {
    /// These, until others take their place.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(RwLock::new(config))
    }

    /// From now on these.
    pub fn swap(&self, config: Arc<ServerConfig>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Those of a connection that begins now.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a key is stays untold.
impl fmt::Debug for TlsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsKeys(***)")
    }
}
