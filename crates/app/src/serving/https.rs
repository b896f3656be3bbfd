//! The certificates that machines are served with: those in force, and what is to be said of them.
//!
//! In: the configuration and the state directory. Out: keys for the boot port, findings, an alarm
//! once a day while something is wrong. Never: a certificate made; that is `tls init`.

use crate::config::{Config, Given};
use crate::failure::Failure;
use crate::serving::sockets::Sockets;
use api::types::{TlsFinding, TlsStatus};
use engine::Settings;
use model::Now;
use model::network::{HttpBoot, Mode};
use serve::{Named, Tls, TlsKeys};
use site::SiteHandle;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tls::{Expiry, Keys, Wanted};

/// How often dates are looked at.
const AGAIN: Duration = Duration::from_secs(86_400);

/// Certificates in force.
#[derive(Clone, Debug)]
pub struct InForce {
    port: u16,
    keys: Keys,
    wanted: Wanted,
    /// What the listener asks at each handshake.
    served: Arc<TlsKeys>,
}

/// Reads the certificates that a configuration means; `None` where HTTPS is not served.
pub fn load(state: &Path, config: &Config) -> Result<Option<Keys>, Failure> {
    read(state, config.settings.tls_port, config.given.as_ref())
}

/// [`load`] of what a configuration says of it.
pub fn read(
    state: &Path,
    tls_port: Option<u16>,
    given: Option<&Given>,
) -> Result<Option<Keys>, Failure> {
    let Some(port) = tls_port else { return Ok(None) };
    if given.is_none() && !tls::Store::new(state).exists() {
        let what = format!("tls_port = {port}, but there is no certificate");
        return Err(Failure::failed(what).hint(
            "make one: bootwright tls init (with the same --config or --state); or name one that you \
             have: `certificate` and `key` in [http]",
        ));
    }
    let read = match given {
        Some(given) => Keys::given(&given.certificate, &given.key),
        None => Keys::own(state),
    };
    read.map(Some).map_err(|bad| Failure::failed(bad.what).hint(bad.hint))
}

/// What URLs name: the addresses of networks whose firmware is sent to HTTPS.
pub fn wanted(settings: &Settings, own: bool) -> Wanted {
    let sent = |n: &&model::Network| n.mode != Mode::Off && n.http_boot == HttpBoot::Https;
    let mut addresses: Vec<_> = settings.networks.iter().filter(sent).map(|n| n.server).collect();
    addresses.sort_unstable();
    addresses.dedup();
    Wanted { addresses, own }
}

impl InForce {
    /// These, for a new listener.
    pub fn new(keys: Keys, settings: &Settings, own: bool) -> Option<Self> {
        let port = settings.tls_port?;
        let served = Arc::new(TlsKeys::saying(keys.setting(), said_by(&keys, own)));
        Some(Self { port, keys, wanted: wanted(settings, own), served })
    }

    /// For the boot port.
    pub fn listener(&self) -> Tls {
        Tls { port: self.port, keys: Arc::clone(&self.served) }
    }

    /// From the next handshake on these; connections keep what they began with.
    pub fn replace(&mut self, keys: Keys, settings: &Settings, own: bool) {
        self.served.swap_saying(keys.setting(), said_by(&keys, own));
        self.keys = keys;
        self.wanted = wanted(settings, own);
    }

    /// Whether others would say something else.
    pub fn differs(&self, keys: &Keys) -> bool {
        let all = |keys: &Keys| -> Vec<String> {
            let facts = keys.chains.iter().flat_map(|chain| &chain.facts);
            facts.map(|facts| facts.fingerprint.clone()).collect()
        };
        all(&self.keys) != all(keys)
    }

    /// For `status`.
    pub fn status(&self, now: Now) -> Option<TlsStatus> {
        let server = self.keys.server()?;
        let finding = |f: tls::Finding| TlsFinding { text: f.text, hint: f.hint, grave: f.grave };
        Some(TlsStatus {
            port: self.port,
            certificate: server.subject.clone(),
            key: server.key.to_string(),
            not_after: moment(server.not_after),
            findings: self.keys.findings(&self.wanted, now).into_iter().map(finding).collect(),
        })
    }
}

/// What the certificate says that firmware gets.
fn said_by(keys: &Keys, own: bool) -> Named {
    let Some(server) = keys.server() else { return Named::default() };
    Named {
        names: server.names.clone(),
        addresses: server.addresses.clone(),
        until_s: u64::try_from(server.not_after).unwrap_or(0),
        own,
    }
}

/// `certificate: O=Bootwright, CN=lab (RSA-3072) until 2036-11-26T00:00:00Z`
pub fn in_a_line(keys: &Keys) -> String {
    match keys.server() {
        Some(server) => format!(
            "certificate: {} ({}) until {}",
            server.subject,
            server.key,
            moment(server.not_after)
        ),
        None => "certificate: none".to_owned(),
    }
}

/// A second since 1970 as people read it.
pub fn moment(second: i64) -> String {
    Now(u64::try_from(second).unwrap_or(0).saturating_mul(1000)).to_string()
}

/// `3650 days left`, `over since 3 days`.
pub fn left(expiry: Expiry) -> String {
    match expiry {
        Expiry::Fine(days) => format!("{days} days left"),
        Expiry::Soon(days) => format!("ONLY {days} days left"),
        Expiry::Over(days) => format!("OVER since {days} days"),
        Expiry::NotYet(days) => format!("begins in {days} days"),
    }
}

/// Looks at the dates once a day, for as long as the server runs, and raises an alarm.
pub async fn keep_looking(site: SiteHandle, sockets: Arc<Sockets>) {
    loop {
        alarm(&site, &sockets);
        tokio::time::sleep(AGAIN).await;
    }
}

/// Tells what is wrong with the certificates in force.
pub fn alarm(site: &SiteHandle, sockets: &Sockets) {
    let findings = sockets.tls().map(|status| status.findings).unwrap_or_default();
    for TlsFinding { text, hint, .. } in findings {
        site.alarm(format!("{text}; {hint}"));
    }
}
