//! All names, for people.

use super::because::Source;
use super::{Held, Names};
use crate::Now;
use model::HardwareAddress;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use wire::dns::{Data, Name, kind};

/// A name and one thing it answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed<'a> {
    /// The name.
    pub name: &'a Name,
    /// `A`, ...
    pub kind: String,
    /// As zone files write it.
    pub data: String,
    /// Seconds.
    pub ttl_s: u32,
    /// Why it answers.
    pub source: &'a Source,
}

/// A name that somebody wants and another has.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Lost {
    /// The name.
    pub name: String,
    /// Who does not have it: his address.
    pub address: IpAddr,
    /// His hardware address.
    pub hardware: Option<HardwareAddress>,
    /// Why he wants it.
    pub wants: Source,
    /// Why another has it.
    pub to: Source,
}

impl Names {
    /// Everything our zones have at this moment, in the order of labels from the left, but for the zones'
    /// own begins and ends.
    pub fn list(&self, now: Now) -> impl Iterator<Item = Listed<'_>> {
        let nodes = self.nodes.values();
        nodes.flat_map(move |node| {
            let source = node.source.as_ref();
            let held = node.records.iter().filter(move |held| held.holds(now));
            held.filter_map(move |held| Some(listed(held, source?)))
        })
    }

    /// Who wants a name that another has.
    pub fn lost(&self) -> &[Lost] {
        &self.lost
    }

    /// The names of our zones.
    pub fn zones(&self) -> impl Iterator<Item = &Name> {
        self.zones.values().map(|zone| &zone.apex)
    }

    /// The serial number of the zones.
    pub fn serial(&self) -> u32 {
        self.serial
    }
}

fn listed<'a>(held: &'a Held, source: &'a Source) -> Listed<'a> {
    let record = &held.record;
    Listed {
        name: &record.name,
        kind: kind::name(record.data.kind()),
        data: shown(&record.data),
        ttl_s: record.ttl_s,
        source,
    }
}

/// As zone files write it (RFC 1035, 5.1).
pub(super) fn shown(data: &Data) -> String {
    match data {
        Data::A(address) => address.to_string(),
        Data::Aaaa(address) => address.to_string(),
        Data::Ns(name) | Data::Cname(name) | Data::Ptr(name) => name.to_string(),
        Data::Mx(preference, name) => format!("{preference} {name}"),
        Data::Txt(text) => format!("\"{}\"", model::text::show(text)),
        Data::Srv { priority, weight, port, target } => {
            format!("{priority} {weight} {port} {target}")
        }
        Data::Soa(soa) => format!("{} {} {}", soa.server, soa.mailbox, soa.serial),
        // RFC 3597, 5: as base64 it would tell people no more.
        Data::Dhcid(bytes) => format!("\\# {} {}", bytes.len(), model::address::hex_of(bytes)),
        Data::Hinfo(cpu, os) => format!("\"{cpu}\" \"{os}\""),
    }
}

/// As [`shown`], for whoever has an answer and no listing.
impl Names {
    /// What a record says, as zone files write it.
    pub fn data_in_words(data: &Data) -> String {
        shown(data)
    }
}
