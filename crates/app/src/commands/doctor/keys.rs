//! The certificates for HTTPS: there, private, strong enough, in time, and for the right addresses.

use super::{Finding, Known};
use crate::clock;
use crate::config::{Config, DEFAULT_STATE};
use crate::serving::https;
use api::types::TlsFinding;
use std::path::{Path, PathBuf};
use tls::Store;

/// Looks at those in force, or at those that `serve` would take.
pub fn look(known: &Known, state: Option<&Path>) -> Vec<Finding> {
    let told = known.told.as_ref();
    let config = known.config.as_ref();
    let its_own = told.map(|told| told.status.state.clone());
    let state = its_own
        .or_else(|| state.map(Path::to_owned))
        .or_else(|| config?.state.clone())
        .unwrap_or_else(|| PathBuf::from(DEFAULT_STATE));
    let mut findings: Vec<Finding> = private(&state).into_iter().collect();
    if let Some(tls) = told.and_then(|told| told.status.tls.as_ref()) {
        findings.push(Finding::good(format!(
            "HTTPS on port {}: {} ({}) until {}",
            tls.port, tls.certificate, tls.key, tls.not_after
        )));
        findings.extend(tls.findings.iter().map(in_force));
    } else if let Some(config) = config.filter(|_| told.is_none()) {
        findings.extend(to_be_served(&state, config));
    }
    findings
}

fn in_force(TlsFinding { text, hint, grave }: &TlsFinding) -> Finding {
    let why = "machines that boot over HTTPS look at it before they take anything";
    match grave {
        true => Finding::bad(text, why, hint),
        false => Finding::note(text, why, hint),
    }
}

/// Before the start: what `serve` would do with them.
fn to_be_served(state: &Path, config: &Config) -> Vec<Finding> {
    let keys = match https::load(state, config) {
        Ok(None) => return Vec::new(),
        Ok(Some(keys)) => keys,
        Err(failure) => {
            let said = failure.to_string();
            let (what, mend) = said.split_once("\nhint: ").unwrap_or((&said, ""));
            return vec![Finding::bad(what, "the server does not start without", mend)];
        }
    };
    let wanted = https::wanted(&config.settings, config.given.is_none());
    let all = keys
        .findings(&wanted, clock::now())
        .into_iter()
        .map(|f| in_force(&TlsFinding { text: f.text, hint: f.hint, grave: f.grave }));
    let mut findings: Vec<Finding> = all.collect();
    if findings.is_empty() {
        findings.push(Finding::good(https::in_a_line(&keys)));
    }
    findings
}

/// Whoever has the key of our CA can be any server to our machines.
fn private(state: &Path) -> Option<Finding> {
    let open = Store::new(state).open_to_others();
    let first = open.first()?;
    let path = first.split(' ').next().unwrap_or(first);
    Some(Finding::bad(
        format!("others may read private keys: {}", open.join(", ")),
        "whoever has them can be this server to every machine that trusts it",
        format!("chmod 600 {path}; if somebody read it: bootwright tls init --new-ca"),
    ))
}
