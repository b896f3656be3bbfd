//! The certificates for HTTPS: there, private, strong enough, in time, and for the right addresses.

use super::Known;
use crate::clock;
use crate::config::Config;
use crate::serving::https;
use doctor::stock::Certificates;
use std::path::Path;
use tls::Store;

/// Looks at those in force, or at those that `serve` would take.
pub fn look(known: &Known) -> Certificates {
    let open = Store::new(&known.state).open_to_others();
    let seen = match (&known.told, &known.config) {
        (Some(told), _) => told.status.tls.as_ref().map_or_else(Certificates::default, |tls| {
            let odd = tls.findings.iter();
            Certificates {
                served: Some(format!(
                    "HTTPS on port {}: {} ({}) until {}",
                    tls.port, tls.certificate, tls.key, tls.not_after
                )),
                odd: odd.map(|f| (f.text.clone(), f.hint.clone(), f.grave)).collect(),
                ..Certificates::default()
            }
        }),
        (None, Some(config)) => to_be_served(&known.state, config),
        (None, None) => Certificates::default(),
    };
    Certificates { open, ..seen }
}

/// Before the start: what `serve` would do with them.
fn to_be_served(state: &Path, config: &Config) -> Certificates {
    let keys = match https::load(state, config) {
        Ok(None) => return Certificates::default(),
        Ok(Some(keys)) => keys,
        Err(failure) => {
            let said = failure.to_string();
            let (what, mend) =
                said.split_once("\nhint: ").unwrap_or((&said, "bootwright tls init"));
            let refused = Some((what.to_owned(), mend.to_owned()));
            return Certificates { refused, ..Certificates::default() };
        }
    };
    let wanted = https::wanted(&config.settings, config.given.is_none());
    let odd: Vec<(String, String, bool)> = keys
        .findings(&wanted, clock::now())
        .into_iter()
        .map(|f| (f.text, f.hint, f.grave))
        .collect();
    let served = odd.is_empty().then(|| https::in_a_line(&keys));
    Certificates { served, odd, ..Certificates::default() }
}
