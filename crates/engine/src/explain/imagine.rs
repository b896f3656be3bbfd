//! Whom a question is about: the client that a machine's firmware would be, and where it would stand.

use super::{Question, class_of, unknown};
use crate::boot::FirstFile;
use crate::{Engine, Refusal};
use model::client::Stage;
use model::plan::{BootPlan, Why};
use model::{Client, Firmware, HardwareAddress, Network, Network6};
use std::net::{IpAddr, Ipv4Addr};

/// Whom a question is about, as it would speak.
#[derive(Clone, Debug)]
pub struct Imagined {
    /// The client.
    pub client: Client,
    /// Where it is.
    pub place: Place,
    /// What its operator calls it.
    pub name: Option<String>,
}

impl Imagined {
    /// `x64-uefi, pxe, on lan0`.
    pub fn taken_as(&self) -> String {
        crate::dhcp::describe(&self.client)
    }
}

/// A link as one machine meets it: at least one of the two.
#[derive(Clone, Debug)]
pub struct Place {
    /// What is served there over IPv4.
    pub ipv4: Option<Network>,
    /// What is served there over IPv6.
    pub ipv6: Option<Network6>,
}

impl Place {
    /// The interface.
    pub fn link(&self) -> &str {
        let six = self.ipv6.as_ref().map(|network| &network.interface);
        self.ipv4.as_ref().map(|network| &network.interface).or(six).map_or("", String::as_str)
    }

    /// Our address there: that of IPv4, where there is one.
    pub fn server(&self) -> IpAddr {
        match (&self.ipv4, &self.ipv6) {
            (Some(network), _) => network.server.into(),
            (None, Some(network)) => network.server.into(),
            (None, None) => Ipv4Addr::UNSPECIFIED.into(),
        }
    }

    /// Whether another server gives the addresses of IPv4.
    pub fn beside(&self) -> bool {
        self.ipv4.as_ref().is_some_and(|network| !network.has_addresses())
    }
}

impl Engine {
    /// The client that a question is about. `Err` says why there is none.
    pub fn imagine(&self, question: &Question) -> Result<Imagined, Refusal> {
        let known = self.machine(&question.machine);
        // Whoever names a machine by one of its cards asks how it boots by that card.
        let hardware = match (known, question.machine.parse()) {
            (_, Ok(hardware)) => hardware,
            (Some(machine), Err(_)) => machine.hardware,
            (None, Err(_)) => return Err(unknown(&question.machine)),
        };
        let place = self.place_for(hardware, question)?;
        let client = self.imagined(hardware, place.link(), question);
        Ok(Imagined { client, place, name: known.and_then(|m| m.name.clone()) })
    }

    /// The first file of a machine there.
    pub(crate) fn first_file_at(
        &self,
        client: &Client,
        plan: &BootPlan,
        place: &Place,
    ) -> Result<FirstFile, Why> {
        match place.ipv4 {
            Some(_) => self.first_file(client, plan, place.beside()),
            None => self.first_file_over_ipv6(client, plan),
        }
    }

    fn place_for(&self, hardware: HardwareAddress, question: &Question) -> Result<Place, Refusal> {
        let ipv6 = self.network6_for(hardware, question).cloned();
        let ipv4 = match (self.network_for(hardware, question), &ipv6) {
            (Ok(network), Some(six)) if network.interface != six.interface => None,
            (Ok(network), _) => Some(network.clone()),
            (Err(_), Some(_)) => None,
            (Err(refusal), None) => return Err(refusal),
        };
        Ok(Place { ipv4, ipv6 })
    }

    fn network_for(&self, hardware: HardwareAddress, q: &Question) -> Result<&Network, Refusal> {
        if let Some(name) = &q.network {
            return self.network(name).ok_or_else(|| Refusal {
                why: format!("no network is configured on {name}"),
                hint: self.settings.networks.first().map(|n| format!("try {}", n.interface)),
            });
        }
        let heard = self.machines.get(&hardware).and_then(|m| self.network(&m.link));
        heard.or_else(|| self.settings.networks.first()).ok_or_else(|| Refusal {
            why: "no network is configured".to_owned(),
            hint: Some("add a [[network]] to the configuration".to_owned()),
        })
    }

    /// The IPv6 network of the link that is asked about, or where the machine was last heard; of all,
    /// where there is no other network.
    fn network6_for(&self, hardware: HardwareAddress, q: &Question) -> Option<&Network6> {
        let heard = || self.machines.get(&hardware).map(|machine| &machine.link);
        let link = q.network.as_ref().or_else(heard);
        let mut all = self.networks6.iter();
        match link {
            Some(link) => all.find(|network| network.interface == *link),
            None if self.settings.networks.is_empty() => all.next(),
            None => None,
        }
    }

    /// The client as its firmware would speak: as it was last heard, or as the question says.
    fn imagined(&self, hardware: HardwareAddress, link: &str, q: &Question) -> Client {
        let mut client = self.remembered(link, hardware);
        let heard = (client.arch, client.firmware);
        client.link = link.to_owned();
        client.arch = q.arch.or(client.arch);
        let told = q.firmware.or(Some(client.firmware).filter(|f| *f != Firmware::None));
        // Who only names an architecture means its PXE.
        client.firmware = told.unwrap_or(match client.arch {
            Some(_) => Firmware::Pxe,
            None => Firmware::None,
        });
        client.stage = match client.firmware {
            Firmware::None => Stage::System,
            _ => Stage::Firmware,
        };
        // Another kind than was heard says another class.
        if q.arch.or(heard.0) != heard.0 || client.firmware != heard.1 {
            client.vendor_class = class_of(&client);
        }
        client
    }
}
