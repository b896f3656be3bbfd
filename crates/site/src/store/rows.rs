//! How a fact is written: leases in columns, everything else as a JSON document under its name.
//! Every row carries a checksum of itself.
//!
//! In: changes. Out: rows, and changes again. Never: the database.

use super::moments::{Shift, moment};
use model::lease::{Lease6, LeaseState, Reservation, Reservation6, ReservedFor, ReservedFor6};
use model::power::own_credential;
use model::rule::{Profile, Rule};
use model::{Change, Declarable, HardwareAddress, Image, Lease, Loader, Machine, Now};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The tables of documents: `key`, `body`, `sum`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(crate) enum Table {
    Machine,
    Hardware,
    Power,
    Profile,
    Rules,
    Menu,
    Image,
    Channel,
    Loader,
    Reservation,
    Lease6,
    Reservation6,
    Template,
    Secret,
    Deployment,
    Batch,
    User,
    Token,
    Audit,
    Webhook,
    Declared,
    Name,
    Published,
    Meta,
}

impl Table {
    /// Those that hold facts.
    pub(crate) const FACTS: [Self; 22] = [
        Self::Machine,
        // Both after the machines: without one they are nobody's.
        Self::Hardware,
        Self::Power,
        Self::Profile,
        Self::Rules,
        Self::Menu,
        Self::Image,
        Self::Channel,
        Self::Loader,
        Self::Reservation,
        Self::Lease6,
        Self::Reservation6,
        Self::Template,
        Self::Secret,
        Self::Deployment,
        Self::Batch,
        Self::User,
        Self::Token,
        Self::Webhook,
        Self::Declared,
        Self::Name,
        Self::Published,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Hardware => "hardware",
            Self::Power => "power",
            Self::Profile => "profile",
            Self::Rules => "rules",
            Self::Menu => "menu",
            Self::Image => "image",
            Self::Channel => "channel",
            Self::Loader => "loader",
            Self::Reservation => "reservation",
            Self::Lease6 => "lease6",
            Self::Reservation6 => "reservation6",
            Self::Template => "template",
            Self::Secret => "secret",
            Self::Deployment => "deployment",
            Self::Batch => "batch",
            Self::User => "user",
            Self::Token => "token",
            Self::Audit => "audit",
            Self::Webhook => "webhook",
            Self::Declared => "declared",
            Self::Name => "name",
            Self::Published => "published",
            Self::Meta => "meta",
        }
    }
}

/// A batch as rows: of everything that changed only its last state, none for what is gone.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) leases: BTreeMap<Ipv4Addr, Option<LeaseRow>>,
    /// What is past, by end, address and beginning.
    pub(crate) past: BTreeMap<(i64, i64, i64), LeaseRow>,
    /// What was past before this moment goes, before any of the above comes.
    pub(crate) past_gone: Option<i64>,
    pub(crate) documents: BTreeMap<Table, BTreeMap<String, Option<String>>>,
}

/// A lease as its columns hold it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct LeaseRow {
    /// As a number.
    pub(crate) address: i64,
    pub(crate) network: String,
    /// `htype`, then the address: no spelling can lose anything.
    pub(crate) hardware: Vec<u8>,
    pub(crate) client_id: Option<Vec<u8>>,
    pub(crate) host_name: Option<String>,
    pub(crate) since: i64,
    /// In lease time; of what is past, when it was.
    pub(crate) until: Option<i64>,
    pub(crate) state: i64,
}

/// The end of what is past and has none.
pub(crate) const NEVER: i64 = i64::MAX;

/// Documents of which there is one.
const ALL: &str = "all";

/// The row of `meta` that says when all of it was restored from a backup, in lease time.
pub(crate) const RESTORED: &str = "restored";

/// Keys of menus that belong to an interface begin so; no other key has a space.
const ON_LINK: &str = "link ";

impl Rows {
    /// The rows of a batch. `Err` names what cannot be written.
    pub(crate) fn of(changes: &[Change], shift: Shift) -> Result<Self, String> {
        let mut rows = Self::default();
        for change in changes {
            rows.take(change, shift)?;
        }
        Ok(rows)
    }

    fn take(&mut self, change: &Change, shift: Shift) -> Result<(), String> {
        let (table, key, body) = match change {
            Change::Lease(lease) => {
                let until = lease.until.map(|until| shift.written(until));
                self.leases.insert(lease.address, Some(LeaseRow::of(lease, until)));
                return Ok(());
            }
            Change::LeaseGone(address) => {
                self.leases.insert(*address, None);
                return Ok(());
            }
            Change::LeasePast(lease) => {
                let row = LeaseRow::of(lease, lease.until.map(moment));
                self.past.insert((row.until.unwrap_or(NEVER), row.address, row.since), row);
                return Ok(());
            }
            Change::PastGone(before) => {
                let before = moment(*before);
                self.past.retain(|(until, ..), _| *until >= before);
                self.past_gone = self.past_gone.max(Some(before));
                return Ok(());
            }
            Change::Reservation(reservation) => {
                let key = reservation.address.to_string();
                (Table::Reservation, key, Some(json(reservation)?))
            }
            Change::ReservationGone(address) => (Table::Reservation, address.to_string(), None),
            Change::Lease6(lease) => {
                // As leases in columns: the end is in lease time.
                let until = lease.until.map(|until| written(shift, until));
                let body = json(&Lease6 { until, ..lease.clone() })?;
                (Table::Lease6, lease.address.to_string(), Some(body))
            }
            Change::Lease6Gone(address) => (Table::Lease6, address.to_string(), None),
            Change::Reservation6(reservation) => {
                let key = reservation.address.to_string();
                (Table::Reservation6, key, Some(json(reservation)?))
            }
            Change::Reservation6Gone(address) => (Table::Reservation6, address.to_string(), None),
            Change::Machine(m) => (Table::Machine, m.hardware.to_string(), Some(json(m)?)),
            Change::MachineGone(hardware) => {
                let with_it = [
                    (Table::Hardware, hardware.to_string()),
                    (Table::Power, hardware.to_string()),
                    (Table::Secret, own_credential(hardware)),
                ];
                for (table, key) in with_it {
                    self.documents.entry(table).or_default().insert(key, None);
                }
                (Table::Machine, hardware.to_string(), None)
            }
            Change::Hardware(of, parts) => (Table::Hardware, of.to_string(), Some(json(parts)?)),
            Change::Power(of, power) => (Table::Power, of.to_string(), Some(json(power)?)),
            Change::PowerGone(of) => (Table::Power, of.to_string(), None),
            Change::Profile(profile) => {
                (Table::Profile, profile.name.clone(), Some(json(profile)?))
            }
            Change::ProfileGone(name) => (Table::Profile, name.clone(), None),
            Change::Rules(rules) => (Table::Rules, ALL.to_owned(), Some(json(rules)?)),
            Change::Menu(link, menu) => (Table::Menu, menu_key(link.as_deref()), Some(json(menu)?)),
            Change::Image(i) => (Table::Image, image_key(&i.name, i.version), Some(json(i)?)),
            Change::ImageGone(name, version) => (Table::Image, image_key(name, *version), None),
            Change::Channels(name, at) => (Table::Channel, name.clone(), Some(json(at)?)),
            Change::Loader(loader) => (Table::Loader, loader.name.clone(), Some(json(loader)?)),
            Change::LoaderGone(name) => (Table::Loader, name.clone(), None),
            Change::Template(t) => (Table::Template, t.name.clone(), Some(json(t)?)),
            Change::TemplateGone(name) => (Table::Template, name.clone(), None),
            Change::Secret(name, sealed) => (Table::Secret, name.clone(), Some(sealed.clone())),
            Change::SecretGone(name) => (Table::Secret, name.clone(), None),
            Change::Deployment(d) => (Table::Deployment, d.id.to_string(), Some(json(d)?)),
            Change::DeploymentGone(id) => (Table::Deployment, id.to_string(), None),
            Change::Batch(batch) => (Table::Batch, batch.id.to_string(), Some(json(batch)?)),
            Change::BatchGone(id) => (Table::Batch, id.to_string(), None),
            Change::User(user) => (Table::User, user.name.clone(), Some(json(user)?)),
            Change::UserGone(name) => (Table::User, name.clone(), None),
            Change::ApiToken(token) => (Table::Token, token.id.clone(), Some(json(token)?)),
            Change::ApiTokenGone(id) => (Table::Token, id.clone(), None),
            Change::Audit(record) => (Table::Audit, audit_key(record.seq), Some(json(record)?)),
            // With its key: the store is a file of the server's own.
            Change::Webhook(hook) => (Table::Webhook, hook.name.clone(), Some(json(hook)?)),
            Change::WebhookGone(name) => (Table::Webhook, name.clone(), None),
            Change::Names(name, all) if all.is_empty() => (Table::Name, name.clone(), None),
            Change::Names(name, all) => (Table::Name, name.clone(), Some(json(all)?)),
            Change::Published(at, what) => {
                (Table::Published, at.to_string(), what.as_ref().map(json).transpose()?)
            }
            Change::Restored(at) => {
                (Table::Meta, RESTORED.to_owned(), Some(shift.written(*at).to_string()))
            }
            Change::Declared(what, said) => (Table::Declared, what.to_string(), Some(json(said)?)),
            Change::DeclaredGone(what) => (Table::Declared, what.to_string(), None),
        };
        self.documents.entry(table).or_default().insert(key, body);
        Ok(())
    }
}

/// Lease time as a document holds it. It began with the first server, so it is never below zero.
fn written(shift: Shift, until: Now) -> Now {
    Now(u64::try_from(shift.written(until)).unwrap_or(0))
}

/// A fact of a document as this run sees it: the end of a lease is no more in lease time.
pub(crate) fn seen(fact: Change, shift: Shift) -> Change {
    match fact {
        Change::Lease6(lease) => {
            let until = lease.until.map(|until| shift.seen(moment(until)));
            Change::Lease6(Lease6 { until, ..lease })
        }
        other => other,
    }
}

fn json<T: Serialize>(fact: &T) -> Result<String, String> {
    serde_json::to_string(fact).map_err(|e| e.to_string())
}

fn menu_key(link: Option<&str>) -> String {
    link.map_or(ALL.to_owned(), |link| format!("{ON_LINK}{link}"))
}

/// Digits in front, so that keys are in the order of their numbers.
pub(crate) fn audit_key(seq: u64) -> String {
    format!("{seq:020}")
}

fn image_key(name: &str, version: u32) -> String {
    format!("{name}/{version}")
}

/// Whether a fact that came from the wire can be read again once it is written: a hardware address
/// of an odd length has no spelling that is.
pub(crate) fn survives(change: &Change) -> bool {
    match change {
        Change::Machine(Machine { hardware, .. })
        | Change::MachineGone(hardware)
        | Change::Declared(Declarable::Machine(hardware), _)
        | Change::Hardware(hardware, _)
        | Change::Power(hardware, _)
        | Change::PowerGone(hardware) => has_a_spelling(hardware),
        Change::Reservation(Reservation { holder: ReservedFor::Mac(hardware), .. })
        | Change::Reservation6(Reservation6 { holder: ReservedFor6::Mac(hardware), .. })
        | Change::Lease6(Lease6 { hardware: Some(hardware), .. }) => has_a_spelling(hardware),
        _ => true,
    }
}

fn has_a_spelling(hardware: &HardwareAddress) -> bool {
    hardware.to_string().parse() == Ok(*hardware)
}

/// Reads a document back. `Err` says what is wrong with it.
pub(crate) fn read(table: Table, key: &str, body: &str) -> Result<Change, String> {
    let change = match table {
        Table::Machine => Change::Machine(parse(body)?),
        Table::Hardware => {
            let of = key.parse().map_err(|_| "its name is no hardware address".to_owned())?;
            Change::Hardware(of, parse(body)?)
        }
        Table::Power => {
            let of = key.parse().map_err(|_| "its name is no hardware address".to_owned())?;
            Change::Power(of, parse(body)?)
        }
        Table::Profile => Change::Profile(parse::<Profile>(body)?),
        Table::Rules => Change::Rules(parse::<Vec<Rule>>(body)?),
        Table::Menu => match key.strip_prefix(ON_LINK) {
            Some(link) => Change::Menu(Some(link.to_owned()), parse(body)?),
            None => Change::Menu(None, parse(body)?),
        },
        Table::Image => Change::Image(parse::<Image>(body)?),
        Table::Channel => Change::Channels(key.to_owned(), parse(body)?),
        Table::Loader => Change::Loader(parse::<Loader>(body)?),
        Table::Reservation => Change::Reservation(parse(body)?),
        Table::Lease6 => Change::Lease6(parse(body)?),
        Table::Reservation6 => Change::Reservation6(parse(body)?),
        Table::Template => Change::Template(parse(body)?),
        Table::Secret => Change::Secret(key.to_owned(), body.to_owned()),
        Table::Deployment => Change::Deployment(parse(body)?),
        Table::Batch => Change::Batch(parse(body)?),
        Table::User => Change::User(parse(body)?),
        Table::Token => Change::ApiToken(parse(body)?),
        Table::Audit => Change::Audit(parse(body)?),
        Table::Webhook => Change::Webhook(parse(body)?),
        Table::Declared => Change::Declared(key.parse()?, parse(body)?),
        Table::Name => Change::Names(key.to_owned(), parse(body)?),
        Table::Published => Change::Published(key.parse()?, Some(parse(body)?)),
        Table::Meta => return Err("no fact".to_owned()),
    };
    Ok(change)
}

fn parse<T: DeserializeOwned>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|e| e.to_string())
}

impl LeaseRow {
    /// The row of a lease that ends then.
    pub(crate) fn of(lease: &Lease, until: Option<i64>) -> Self {
        let hardware =
            std::iter::once(lease.hardware.kind()).chain(lease.hardware.bytes().iter().copied());
        Self {
            address: i64::from(u32::from(lease.address)),
            network: lease.network.clone(),
            hardware: hardware.collect(),
            client_id: lease.client_id.clone(),
            host_name: lease.host_name.clone(),
            since: moment(lease.since),
            until,
            state: state_number(lease.state),
        }
    }

    /// The lease, with its end as it is now called. `Err` says what is wrong with the row.
    pub(crate) fn lease(self, until: impl FnOnce(i64) -> Now) -> Result<Lease, String> {
        let (kind, address) = self.hardware.split_first().ok_or("no hardware address")?;
        let since = u64::try_from(self.since).map_err(|_| "a moment before 1970".to_owned())?;
        Ok(Lease {
            address: ipv4(self.address).ok_or_else(|| "no IPv4 address".to_owned())?,
            network: self.network,
            hardware: HardwareAddress::new(*kind, address),
            client_id: self.client_id,
            host_name: self.host_name,
            since: Now(since),
            until: self.until.map(until),
            state: STATES
                .into_iter()
                .find(|state| state_number(*state) == self.state)
                .ok_or_else(|| format!("no state of a lease: `{}`", self.state))?,
        })
    }

    /// The checksum of the row.
    pub(crate) fn sum(&self) -> i64 {
        let mut sum = Sum::new();
        sum.number(self.address);
        sum.field(Some(self.network.as_bytes()));
        sum.field(Some(&self.hardware));
        sum.field(self.client_id.as_deref());
        sum.field(self.host_name.as_ref().map(String::as_bytes));
        sum.number(self.since);
        sum.field(self.until.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        sum.number(self.state);
        sum.end()
    }
}

/// An address from its number.
pub(crate) fn ipv4(number: i64) -> Option<Ipv4Addr> {
    u32::try_from(number).ok().map(Ipv4Addr::from)
}

const STATES: [LeaseState; 4] =
    [LeaseState::Bound, LeaseState::Released, LeaseState::Declined, LeaseState::Conflict];

/// Written in files: a number once given stays.
fn state_number(state: LeaseState) -> i64 {
    match state {
        LeaseState::Bound => 0,
        LeaseState::Released => 1,
        LeaseState::Declined => 2,
        LeaseState::Conflict => 3,
    }
}

/// The checksum of a document.
pub(crate) fn sum(key: &str, body: &str) -> i64 {
    let mut sum = Sum::new();
    sum.field(Some(key.as_bytes()));
    sum.field(Some(body.as_bytes()));
    sum.end()
}

/// FNV-1a, 64 bit. It has to notice a disk that forgets, not an attacker: any single changed byte
/// changes it, because each of its steps can be undone.
pub(crate) struct Sum(u64);

impl Sum {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// A field with its length in front, so that no byte can move from one field to the next.
    pub(crate) fn field(&mut self, bytes: Option<&[u8]>) {
        let length = bytes.map_or(u64::MAX, |b| b.len() as u64);
        for byte in length.to_be_bytes().iter().chain(bytes.unwrap_or_default()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: i64) {
        self.field(Some(&number.to_be_bytes()));
    }

    pub(crate) fn end(self) -> i64 {
        self.0.cast_signed()
    }
}
