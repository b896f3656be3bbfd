//! Which address a machine would be offered, and why that one.

use super::StageAnswer;
use crate::Engine;
use model::plan::Reason;
use model::{Client, Network, Now};
use std::net::{IpAddr, Ipv4Addr};

impl Engine {
    /// The address that its firmware would be offered; no stage where another server gives them.
    pub(super) fn address_stage(
        &self,
        now: Now,
        client: &Client,
        network: &Network,
    ) -> Option<(StageAnswer, Option<Ipv4Addr>)> {
        if !network.has_addresses() {
            return None;
        }
        let shares = |other: &&Network| {
            let same = network.shared.is_some() && other.shared == network.shared;
            same && other.interface == network.interface
                && other.mode == network.mode
                && other.subnet != network.subnet
        };
        let others = self.settings.networks.iter().filter(shares);
        let group: Vec<&Network> = std::iter::once(network).chain(others).collect();

        let (gets, silence, because, address) = match self.would_offer(now, client, &group) {
            Ok((of, choice)) => {
                let mut because = vec![note(choice.from.to_string())];
                if let Some(wait) = of.probe.filter(|_| choice.unproved) {
                    let ms = wait.as_millis();
                    because.push(note(format!("the link is asked first, {ms} ms, who uses it")));
                }
                (
                    Some(format!("{} of {}", choice.address, of.subnet)),
                    None,
                    because,
                    Some(choice.address),
                )
            }
            Err(why) => (None, Some(why), Vec::new(), None),
        };
        let stage = "address".to_owned();
        Some((StageAnswer { stage, gets, text: None, silence, because }, address))
    }

    /// Where the script of what this machine is armed with went already, if it would come from
    /// another address now: then it is taken for a stranger.
    pub(super) fn given_elsewhere(
        &self,
        now: Now,
        client: &Client,
        address: Option<Ipv4Addr>,
    ) -> Option<IpAddr> {
        let of = self.deployment_of(&client.hardware)?;
        let holder = of.holder().filter(|_| self.deployments.is_open(now, of))?;
        (holder != IpAddr::V4(address?)).then_some(holder)
    }
}

fn note(text: String) -> Reason {
    Reason::Note(text.into())
}
