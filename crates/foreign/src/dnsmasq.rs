//! dnsmasq: its lease file (`expiry mac ip hostname clientid`), `dhcp-host=` lines of its
//! configuration, the same lines without the word in a `dhcp-hostsfile`, and settings.

mod settings;
mod tags;

pub use settings::prefix;
pub use tags::{Late, finish};

use crate::book::Book;
use crate::found::Machine;
use crate::lines::{Line, Lines};
use crate::text::{ID_MAX, bytes, hardware, name};
use model::lease::{LeaseState, ReservedFor};
use model::{HardwareAddress, Lease, Now, Reservation};
use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::net::Ipv4Addr;
use std::time::Duration;

/// An expiry before this (in 2001) is none: dnsmasq built for hosts without a clock writes the
/// length of the lease there (`HAVE_BROKEN_RTC`).
const CLOCK_FROM: u64 = 1_000_000_000;

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let mut lines = Lines::new(from);
    while let Some(line) = lines.next()? {
        match line {
            Line::TooLong(line) => book.too_long(line),
            Line::Text(line, text) => one(book, line, text.trim())?,
        }
    }
    Ok(())
}

fn one(book: &mut Book, line: u32, text: &str) -> io::Result<()> {
    if text.is_empty() || text.starts_with('#') {
        return Ok(());
    }
    if text.starts_with("duid ") {
        book.leave(line, "duid", "DHCPv6: this server gives IPv4 addresses only");
        return Ok(());
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    if text.contains(' ') && first.bytes().all(|b| b.is_ascii_digit()) {
        return lease(book, line, text);
    }
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key.trim(), Some(value.trim())),
        None => (text, None),
    };
    match (key, value) {
        ("dhcp-host", Some(host)) => self::host(book, line, host),
        // In a `dhcp-hostsfile` the word is left away; every host there has at least two parts.
        (host, None) if host.contains(',') => self::host(book, line, host),
        (key, value) => {
            settings::setting(book, line, text, key, value.unwrap_or_default());
            Ok(())
        }
    }
}

fn lease(book: &mut Book, line: u32, text: &str) -> io::Result<()> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [expiry, mac, address, host_name, client_id] = fields.as_slice() else {
        let why = "a lease has five words: expiry, MAC, address, name, client id";
        book.leave(line, text, why);
        return Ok(());
    };
    if address.parse::<std::net::Ipv6Addr>().is_ok() {
        book.leave(line, text, "DHCPv6: this server gives IPv4 addresses only");
        return Ok(());
    }
    let read = (expiry.parse::<u64>(), typed_mac(mac), address.parse::<Ipv4Addr>());
    let (Ok(expiry), Some(hardware), Ok(address)) = read else {
        let wrong = match read {
            (Err(_), ..) => format!("`{}` is no time", model::text::show(expiry.as_bytes())),
            (_, None, _) => format!("`{}` is no MAC", model::text::show(mac.as_bytes())),
            _ => format!("`{}` is no address", model::text::show(address.as_bytes())),
        };
        book.leave(line, text, wrong);
        return Ok(());
    };
    let mut notes = Vec::new();
    let until = match expiry {
        0 => None,
        length if length < CLOCK_FROM => {
            let why = "its end is not known: this dnsmasq has no clock and wrote how long the \
                       lease lasts; it is taken to begin now";
            notes.push(book.out(line, &format!("the end of {address}"), why));
            Some(book.now() + Duration::from_secs(length))
        }
        end => Some(Now(end.saturating_mul(1000))),
    };
    let id = bytes(client_id).filter(|id| id.len() <= ID_MAX);
    if id.is_none() && *client_id != "*" {
        notes.push(book.out(line, client_id, "no client id; the lease is taken over without it"));
    }
    let lease = Lease {
        address,
        network: String::new(),
        hardware,
        client_id: id,
        host_name: name(host_name),
        since: until.map_or(book.now(), |until| until.min(book.now())),
        until,
        state: LeaseState::Bound,
    };
    let lease = book.at(line, lease);
    book.word(address, Some(lease), notes)
}

/// `52:54:00:12:34:56`, or `06-…` with the hardware kind in front.
fn typed_mac(text: &str) -> Option<HardwareAddress> {
    match text.split_once('-') {
        Some((kind, rest)) if kind.len() == 2 && !rest.contains('-') => {
            let kind = u8::from_str_radix(kind, 16).ok()?;
            match rest {
                "" => Some(HardwareAddress::new(kind, &[])),
                rest => hardware(kind, rest),
            }
        }
        _ => hardware(1, text),
    }
}

/// What one `dhcp-host` says.
#[derive(Default)]
struct Host {
    addresses: Vec<Ipv4Addr>,
    holders: Vec<ReservedFor>,
    host_name: Option<String>,
    labels: BTreeMap<String, String>,
    tags: Vec<String>,
}

fn host(book: &mut Book, line: u32, text: &str) -> io::Result<()> {
    let mut host = Host::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if let Err(why) = host.take(part) {
            let what = format!("`{part}` of dhcp-host={text}");
            book.leave(line, &what, why);
            if part == "ignore" {
                return Ok(());
            }
        }
    }
    let named = known(book, line, &host)?;
    let what = format!("dhcp-host={text}");
    let Some(address) = host.addresses.first().copied() else {
        if !named {
            book.leave(line, &what, "it names no IPv4 address, and no name for a MAC");
        }
        return Ok(());
    };
    let mut holders = host.holders.into_iter();
    let Some(holder) = holders.next() else {
        let why = "it knows its client by the name it says, which anybody can say: name a MAC";
        book.leave(line, &what, why);
        return Ok(());
    };
    for other in holders {
        let why = format!("an address is promised to one client, here {holder}");
        book.leave(line, &format!("{address} for {other}"), why);
    }
    for other in host.addresses.iter().skip(1) {
        book.leave(line, &other.to_string(), format!("dhcp-host has one address, here {address}"));
    }
    let (host_name, since) = (host.host_name, book.now());
    book.reserve(line, Reservation { address, holder, host_name, since })
}

/// The machine that a host names, with its tags as labels: whether there is one.
fn known(book: &mut Book, line: u32, host: &Host) -> io::Result<bool> {
    for tag in &host.tags {
        book.late.means(tag, tags::Meaning::Host);
    }
    if host.host_name.is_none() && host.labels.is_empty() {
        return Ok(false);
    }
    let macs = host.holders.iter().filter_map(|holder| match holder {
        ReservedFor::Mac(mac) => Some(*mac),
        _ => None,
    });
    // The first MAC is the machine; others are its other interfaces.
    let Some(mac) = macs.into_iter().next() else { return Ok(false) };
    let (name, labels) = (host.host_name.clone(), host.labels.clone());
    book.machine(line, mac, Machine { name, labels, ..Machine::default() })?;
    Ok(true)
}

impl Host {
    /// One part between commas, or why it is left out.
    fn take(&mut self, part: &str) -> Result<(), String> {
        if let Ok(address) = part.parse() {
            self.addresses.push(address);
        } else if let Some(id) = part.strip_prefix("id:") {
            self.identify(id)?;
        } else if let Some(tag) = tags::tag_of(part) {
            let (key, value) = tags::label(tag).ok_or("a label has a letter or digit in it")?;
            self.labels.insert(key, value);
            self.tags.push(tag.to_owned());
        } else if part.starts_with("tag:") {
            return Err("a host is known whatever other tags it has".to_owned());
        } else if part.starts_with('[') {
            return Err("DHCPv6: this server gives IPv4 addresses only".to_owned());
        } else if part == "ignore" {
            return Err("not taken over: nobody on a served network is left without an address; \
                        `machine block MAC` keeps a machine from booting"
                .to_owned());
        } else if is_time(part) {
            return Err(
                "lease times of one client are not taken over; `lease` of its [[network]] \
                        counts"
                    .to_owned(),
            );
        } else if part.contains(':') {
            if part.contains('*') {
                return Err("a reservation here is for one MAC, written out".to_owned());
            }
            let mac = typed_mac(part).ok_or("it is no MAC address")?;
            self.holders.push(ReservedFor::Mac(mac));
        } else if let Some(mac) = dashed_mac(part) {
            self.holders.push(ReservedFor::Mac(mac));
        } else {
            self.host_name = name(part);
        }
        Ok(())
    }

    fn identify(&mut self, id: &str) -> Result<(), String> {
        if id == "*" {
            return Err("a client's MAC goes before its client id here, always".to_owned());
        }
        // dnsmasq reads hexadecimal digits where it can, and text elsewhere.
        let id = bytes(id).unwrap_or_else(|| id.as_bytes().to_vec());
        if id.is_empty() || id.len() > ID_MAX {
            return Err("a client id has 1 to 255 bytes".to_owned());
        }
        self.holders.push(ReservedFor::ClientId(id));
        Ok(())
    }
}

/// `52-54-00-12-34-56`; six parts, or it is a name.
fn dashed_mac(part: &str) -> Option<HardwareAddress> {
    let six = part.bytes().filter(|b| *b == b'-').count() == 5;
    hardware(1, part).filter(|_| six)
}

/// `infinite`, `3600`, `45m`, `12h`, `7d`, `2w`.
fn is_time(part: &str) -> bool {
    let number = part.strip_suffix(['s', 'm', 'h', 'd', 'w']).unwrap_or(part);
    part == "infinite" || (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}
