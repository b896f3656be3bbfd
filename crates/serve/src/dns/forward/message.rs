//! What others said, between their library's types and bytes.

use engine::names::Heard;
use hickory_resolver::proto::op::{
    Edns, Message, MessageType, OpCode, Query as Asked, ResponseCode,
};
use hickory_resolver::proto::rr::rdata::{CNAME, SOA};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use std::net::IpAddr;
use std::time::Duration;
use wire::dns::{Data, Query, UDP_BYTES_MAX, labels};

/// How asking somebody ended.
#[derive(Clone)]
pub(super) struct Outcome {
    code: ResponseCode,
    records: Vec<Record>,
    authority: Vec<Record>,
}

impl Outcome {
    /// Nobody said anything of use.
    pub(super) fn failed() -> Self {
        Self { code: ResponseCode::ServFail, records: Vec::new(), authority: Vec::new() }
    }

    /// These records, each of which holds no longer than this.
    pub(super) fn records(mut records: Vec<Record>, most: Duration) -> Self {
        let most = u32::try_from(most.as_secs()).unwrap_or(u32::MAX);
        records.iter_mut().for_each(|record| record.ttl = record.ttl.min(most));
        Self { code: ResponseCode::NoError, records, authority: Vec::new() }
    }

    /// There is no such name, or nothing of the type. Who says so counts only for a zone the name is in.
    pub(super) fn nothing(no_name: bool, soa: Option<Box<Record<SOA>>>, asked: &[u8]) -> Self {
        let code = if no_name { ResponseCode::NXDomain } else { ResponseCode::NoError };
        let soa = soa.map(|soa| soa.into_record_of_rdata());
        let ours = soa.filter(|soa| wire::dns::within(asked, &wire_of(&soa.name)));
        Self { code, records: Vec::new(), authority: ours.into_iter().collect() }
    }

    /// The same after a while: what is remembered holds for the rest of its time only.
    pub(super) fn aged(&self, age: Duration) -> Self {
        let mut aged = self.clone();
        let age = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        for record in aged.records.iter_mut().chain(&mut aged.authority) {
            record.ttl = record.ttl.saturating_sub(age);
        }
        aged
    }

    /// As bytes, behind aliases of ours; "ask over TCP" where that is longer than `room`.
    pub(super) fn write(
        self,
        query: &Query<'_>,
        aliases: &[wire::dns::Record],
        room: usize,
    ) -> Option<Vec<u8>> {
        let mut message = Message::new(query.id, MessageType::Response, OpCode::Query);
        message.metadata.recursion_desired = query.recursion_desired;
        message.metadata.recursion_available = true;
        message.metadata.checking_disabled = query.checking_disabled;
        message.metadata.response_code = self.code;
        message.add_query(Asked::query(name_of(query.name)?, RecordType::from(query.kind)));
        message.add_answers(aliases.iter().filter_map(theirs).chain(self.records));
        message.add_authorities(self.authority);
        if query.edns.is_some() {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_BYTES_MAX as u16);
            message.set_edns(edns);
        }
        let mut bytes = message.to_vec().ok()?;
        // Letter by letter as it was asked (0x20).
        let end = QUESTION.saturating_add(query.name.len());
        bytes.get_mut(QUESTION..end)?.copy_from_slice(query.name);
        Some(if bytes.len() > room { query.truncated() } else { bytes })
    }
}

/// For how long all of these records hold.
pub(super) fn lifetime(records: &[Record]) -> Duration {
    let least = records.iter().map(|record| record.ttl).min();
    Duration::from_secs(least.unwrap_or_default().into())
}

/// Where the question begins.
const QUESTION: usize = 12;

/// An alias of ours, as they have it.
fn theirs(alias: &wire::dns::Record) -> Option<Record> {
    let Data::Cname(target) = &alias.data else { return None };
    let data = RData::CNAME(CNAME(name_of(target.as_wire())?));
    Some(Record::from_rdata(name_of(alias.name.as_wire())?, alias.ttl_s, data))
}

/// The target of an alias.
pub(super) fn target(alias: &wire::dns::Record) -> Vec<u8> {
    match &alias.data {
        Data::Cname(target) => target.as_wire().to_vec(),
        _ => alias.name.as_wire().to_vec(),
    }
}

/// A name of theirs, whole.
pub(super) fn name_of(wire: &[u8]) -> Option<Name> {
    let mut name = Name::from_labels(labels(wire)).ok()?;
    name.set_fqdn(true);
    Some(name)
}

fn wire_of(name: &Name) -> Box<[u8]> {
    let mut bytes = Vec::new();
    for label in name.iter() {
        bytes.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        bytes.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    bytes.into()
}

/// A record as far as it matters whether it is taken.
pub(super) fn heard(record: &Record) -> Heard {
    let (target, address) = match &record.data {
        RData::CNAME(target) => (Some(wire_of(&target.0)), None),
        RData::A(address) => (None, Some(IpAddr::V4(address.0))),
        RData::AAAA(address) => (None, Some(IpAddr::V6(address.0))),
        _ => (None, None),
    };
    Heard { name: wire_of(&record.name), kind: u16::from(record.record_type()), target, address }
}
