//! Which IPv6 address a machine would be given, and why that one.

use super::StageAnswer;
use crate::Engine;
use crate::lease6::{Asker, Planned, Source6};
use model::lease::ReservedFor6;
use model::plan::{Reason, Why};
use model::{Change, Client, Network6, Now, Uuid};
use wire::dhcp6::duid;

/// Associations of one machine that are told, the newest first.
const ASSOCIATIONS_TOLD: usize = 8;

impl Engine {
    /// The address that its firmware would be given, as far as anybody knows what it asks with; no
    /// stage where machines make their addresses themselves.
    pub(super) fn address_stage6(
        &self,
        now: Now,
        client: &Client,
        network: &Network6,
    ) -> Option<StageAnswer> {
        if !network.gives_addresses() {
            return None;
        }
        let found = match self.memory.association(&client.hardware) {
            Some((duid, iaid)) => {
                let who = self.would_ask(client, duid, iaid);
                self.would_give(now, network, &who).map(|(address, mut because)| {
                    because.push(note(format!("its firmware asks with {}", named(duid, iaid))));
                    (format!("{address} of {}", network.subnet), because)
                })
            }
            None => self.as_leases_say(now, client, network),
        };
        let (gets, silence, because) = match found {
            Ok((gets, because)) => (Some(gets), None, because),
            Err(why) => (None, Some(why), Vec::new()),
        };
        Some(StageAnswer { stage: "address-ipv6".into(), gets, text: None, silence, because })
    }

    /// The live decision for one association.
    fn would_give(
        &self,
        now: Now,
        network: &Network6,
        who: &Asker<'_>,
    ) -> Result<(std::net::Ipv6Addr, Vec<Reason>), Why> {
        let weighed = self.leases6.weigh(now, network, who, None, &Planned::default());
        let (address, from) = weighed.ok_or_else(|| self.exhausted6(now, network))?;
        let lease = self.leases6.bound(now, network, who, address);
        if !self.may_keep(&[Change::Lease6(lease)]) {
            return Err(Why::StoreFailed(crate::dhcp6::ONLY_RENEWS.into()));
        }
        Ok((address, vec![note(from.to_string())]))
    }

    fn would_ask<'a>(&self, client: &Client, duid: &'a [u8], iaid: u32) -> Asker<'a> {
        // A client is known by a UUID only where that is its identifier.
        let said = duid::uuid(duid);
        let of_duid = |uuid: &Uuid| {
            said.is_some_and(|said| [Uuid(said), Uuid::from_option_97(said)].contains(uuid))
        };
        let uuid = client.uuid.filter(|uuid| duid.is_empty() || of_duid(uuid));
        let known = self.is_known(&client.hardware);
        Asker { duid, iaid, hardware: Some(client.hardware), uuid, host_name: None, known }
    }

    /// Its firmware was not heard since the server began: what its leases and reservations say.
    fn as_leases_say(
        &self,
        now: Now,
        client: &Client,
        network: &Network6,
    ) -> Result<(String, Vec<Reason>), Why> {
        let machine = self.filed(&client.hardware);
        let leases = self.leases6.of_machine(network, |card| self.filed(card) == machine);
        // By card and UUID alone, as long as no identifier is known.
        let unnamed = self.would_ask(client, &[], 0);
        let weighed = self.leases6.weigh(now, network, &unnamed, None, &Planned::default());
        if let Some((address, Source6::Reserved)) = weighed {
            let because = vec![note(Source6::Reserved.to_string())];
            return Ok((format!("{address} of {}", network.subnet), because));
        }
        let mut told: Vec<String> = Vec::new();
        let mut because = Vec::new();
        for lease in leases.iter().take(ASSOCIATIONS_TOLD) {
            let who = self.would_ask(client, &lease.duid, lease.iaid);
            let (address, why) = self.would_give(now, network, &who)?;
            let whose = named(&lease.duid, lease.iaid);
            let why = why.iter().map(ToString::to_string).collect::<String>();
            because.push(note(format!("{whose} gets {address}: {why}")));
            if !told.contains(&address.to_string()) {
                told.push(address.to_string());
            }
        }
        if told.is_empty() {
            weighed.ok_or_else(|| self.exhausted6(now, network))?;
            let pools: Vec<String> = network.pools.iter().map(ToString::to_string).collect();
            let why = "which one follows from the identifier (DUID) and the association that it asks \
                       with, and neither was heard yet";
            return Ok((format!("one of {}", pools.join(", ")), vec![note(why.into())]));
        }
        Ok((format!("{} of {}", told.join(", "), network.subnet), because))
    }
}

fn named(duid: &[u8], iaid: u32) -> String {
    format!("association {iaid} of {}", ReservedFor6::Duid(duid.to_vec()))
}

fn note(text: String) -> Reason {
    Reason::Note(text.into())
}
