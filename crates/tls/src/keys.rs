//! The certificates that are served.
//!
//! In: files of our own or given ones. Out: [`Keys`]. Never: a file written.

use crate::chain::{Bad, Chain, Facts};
use crate::expiry::Expiry;
use crate::judge::{self, Finding, Wanted};
use crate::{dhe, setting, store};
use model::Now;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use std::path::Path;
use std::sync::Arc;

/// Certificates with their keys, fit to be served.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The one that most machines get, then another kind if there is one.
    pub chains: Vec<Chain>,
    setting: Arc<ServerConfig>,
}

impl Keys {
    /// Those that `tls init` made in `state`.
    pub fn own(state: &Path) -> Result<Self, Bad> {
        let directory = store::directory(state);
        let provider = Arc::new(dhe::provider());
        let mut chains =
            vec![one(&directory.join(store::SERVER), &directory.join(store::KEY), &provider)?];
        let (ec, ec_key) = (directory.join(store::SERVER_EC), directory.join(store::KEY_EC));
        if ec.exists() {
            chains.push(one(&ec, &ec_key, &provider)?);
        }
        Self::of(chains, provider)
    }

    /// Given ones: a chain in PEM and its key.
    pub fn given(certificate: &Path, key: &Path) -> Result<Self, Bad> {
        let provider = Arc::new(dhe::provider());
        let chains = vec![one(certificate, key, &provider)?];
        Self::of(chains, provider)
    }

    fn of(chains: Vec<Chain>, provider: Arc<CryptoProvider>) -> Result<Self, Bad> {
        let setting = setting::of(&chains, provider).map_err(|e| {
            Bad::new(format!("these certificates cannot be served: {e}"), "bootwright tls init")
        })?;
        Ok(Self { chains, setting })
    }

    /// What the boot port serves with.
    pub fn setting(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.setting)
    }

    /// What the certificate says that most machines get.
    pub fn server(&self) -> Option<&Facts> {
        self.chains.first().and_then(Chain::server)
    }

    /// What machines will not like.
    pub fn findings(&self, wanted: &Wanted, now: Now) -> Vec<Finding> {
        judge::judge(&self.chains, wanted, now)
    }

    /// How the one in most need stands in time.
    pub fn expiry(&self, now: Now) -> Option<Expiry> {
        let all = self.chains.iter().flat_map(|chain| &chain.facts);
        let first = all.min_by_key(|facts| facts.not_after)?;
        Some(Expiry::at(now, first.not_before, first.not_after))
    }
}

fn one(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Chain, Bad> {
    let (pem, key_pem) = (store::read(certificate)?, store::read(key)?);
    let names = (certificate.display().to_string(), key.display().to_string());
    Chain::read((&names.0, &pem), (&names.1, &key_pem), provider)
}
