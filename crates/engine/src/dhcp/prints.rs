//! Fingerprints of firmware that nobody has filed, kept to be told in a report.
//!
//! In: clients that boot. Out: [`Unfiled`], without names and with no more of an address than its
//! maker's part. Never: more of them than [`UNFILED_MAX`]; anything on disk.

use crate::Engine;
use model::client::Stage;
use model::{Client, Fingerprint, Seen};
use quirks::Facts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of unknown firmware that are remembered. A new one takes the place of the one longest
/// unheard.
pub const UNFILED_MAX: usize = 256;

/// Firmware that boots here and looks like none we know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unfiled {
    /// What its messages look like.
    pub fingerprint: Fingerprint,
    /// What machines with it were seen to do.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub seen: BTreeSet<Seen>,
    /// How many DISCOVERs had it.
    pub discovers: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Prints {
    unfiled: BTreeMap<Fingerprint, Heard>,
    /// Counts what was heard, so that the longest unheard is known.
    turn: u64,
}

#[derive(Clone, Debug, Default)]
struct Heard {
    turn: u64,
    discovers: u64,
    seen: BTreeSet<Seen>,
}

impl Prints {
    /// Remembers a client's DISCOVER, if it boots and nobody has filed what it looks like.
    pub(super) fn note(&mut self, client: &Client, seen: Option<&BTreeSet<Seen>>) {
        if client.stage != Stage::Firmware || quirks::kind(&Facts::of(client)).is_some() {
            return;
        }
        let print = client.fingerprint.masked();
        if self.unfiled.len() >= UNFILED_MAX && !self.unfiled.contains_key(&print) {
            let oldest = self.unfiled.iter().min_by_key(|(_, heard)| heard.turn);
            if let Some(oldest) = oldest.map(|(print, _)| print.clone()) {
                self.unfiled.remove(&oldest);
            }
        }
        self.turn = self.turn.saturating_add(1);
        let heard = self.unfiled.entry(print).or_default();
        heard.turn = self.turn;
        heard.discovers = heard.discovers.saturating_add(1);
        heard.seen.extend(seen.into_iter().flatten());
    }
}

impl Engine {
    /// Firmware that booted here since the server began and that nobody has filed.
    pub fn unfiled(&self) -> impl Iterator<Item = Unfiled> {
        self.prints.unfiled.iter().map(|(fingerprint, heard)| Unfiled {
            fingerprint: fingerprint.clone(),
            seen: heard.seen.clone(),
            discovers: heard.discovers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::HardwareAddress;

    fn client(n: u16) -> Client {
        let [a, b] = n.to_be_bytes();
        let mut client = Client::unknown("lan", HardwareAddress::mac([2, 0, 0, 0, a, b]));
        client.stage = Stage::Firmware;
        client.fingerprint.vendor_class = Some("PXEClient".to_owned());
        client
    }

    #[test]
    fn a_crowd_of_strange_clients_takes_no_more_than_its_place() {
        let mut prints = Prints::default();
        for n in 0..1000 {
            let mut one = client(n);
            one.fingerprint.parameters = n.to_be_bytes().to_vec();
            prints.note(&one, None);
        }
        assert_eq!(prints.unfiled.len(), UNFILED_MAX);
        let newest = prints.unfiled.keys().filter(|print| print.parameters == [3, 231]);
        assert_eq!(newest.count(), 1);
    }

    #[test]
    fn two_machines_of_a_kind_are_one_and_who_is_filed_is_none() {
        let mut prints = Prints::default();
        let seen = BTreeSet::from([Seen::UnheardOffers]);
        prints.note(&client(1), None);
        prints.note(&client(2), Some(&seen));
        let mut known = client(3);
        known.fingerprint.vendor_class = Some("U-Boot.armv8".to_owned());
        prints.note(&known, None);
        let mut system = client(4);
        system.stage = Stage::System;
        prints.note(&system, None);
        let heard: Vec<&Heard> = prints.unfiled.values().collect();
        assert_eq!(heard.len(), 1);
        assert_eq!((heard[0].discovers, &heard[0].seen), (2, &seen));
    }
}
