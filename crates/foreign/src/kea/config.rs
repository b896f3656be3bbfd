//! `reservations` of Kea's configuration: global ones, those of subnets, and those of subnets in
//! shared networks.

use super::json::{self, Value, What};
use crate::book::Book;
use crate::text::{ID_MAX, bytes, hardware, name};
use model::Reservation;
use model::lease::ReservedFor;
use std::io::{self, BufRead, Read};

/// A configuration is read whole; larger ones are refused.
const CONFIG_MAX: u64 = 64 << 20;

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let mut bytes = Vec::new();
    from.take(CONFIG_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > CONFIG_MAX {
        let most = CONFIG_MAX >> 20;
        return Err(io::Error::other(format!("a configuration of more than {most} MiB")));
    }
    let text = String::from_utf8_lossy(&bytes);
    let root = match json::parse(&text) {
        Ok(root) => root,
        Err((line, why)) => {
            book.leave(line, "the whole file", format!("it cannot be read as JSON: {why}"));
            return Ok(());
        }
    };
    for (key, value) in root.entries() {
        match key.as_str() {
            "Dhcp4" => dhcp4(book, value)?,
            "Dhcp6" => {
                book.leave(value.line, key, "DHCPv6: this server gives IPv4 addresses only");
            }
            _ => book.leave(value.line, key, "not taken over: only reservations of Dhcp4 are"),
        }
    }
    if root.get("Dhcp4").is_none() {
        book.leave(root.line, "the whole file", "it has no `Dhcp4`, where reservations stand");
    }
    Ok(())
}

fn dhcp4(book: &mut Book, dhcp4: &Value) -> io::Result<()> {
    for (key, value) in dhcp4.entries() {
        match key.as_str() {
            "reservations" => reservations(book, value)?,
            "subnet4" => subnets(book, value)?,
            "shared-networks" => {
                for shared in value.list() {
                    shared_network(book, shared)?;
                }
            }
            key => book.leave(value.line, &shown(key, value), setting(key)),
        }
    }
    Ok(())
}

/// A setting with its value, if that is short.
fn shown(key: &str, value: &Value) -> String {
    match &value.what {
        What::Text(text) | What::Word(text) => format!("{key}: {text}"),
        _ => key.to_owned(),
    }
}

/// Where a setting of Kea has its place here.
fn setting(key: &str) -> &'static str {
    match key {
        "lease-database" => "not followed: name its file too, as a PATH of its own",
        "hosts-database" | "hosts-databases" => {
            "not taken over: reservations in a database are not read; export them into `reservations`"
        }
        "option-data" => {
            "not taken over: write it in a [[network]], or `machine set --option` for one machine"
        }
        "pools" | "relay" | "valid-lifetime" | "max-valid-lifetime" | "min-valid-lifetime" => {
            "not taken over: write it in the [[network]]"
        }
        "client-classes" | "next-server" | "boot-file-name" | "server-hostname" => {
            "not taken over: images, profiles and rules take its place"
        }
        _ => "not taken over: only reservations are",
    }
}

fn shared_network(book: &mut Book, shared: &Value) -> io::Result<()> {
    for (key, value) in shared.entries() {
        match key.as_str() {
            "subnet4" => subnets(book, value)?,
            "reservations" => reservations(book, value)?,
            "name" => {
                let why =
                    "not taken over: `shared` of its [[network]]s says that they share a link";
                book.leave(value.line, &format!("shared network {}", value.text()), why);
            }
            key => book.leave(value.line, &shown(key, value), setting(key)),
        }
    }
    Ok(())
}

fn subnets(book: &mut Book, subnets: &Value) -> io::Result<()> {
    for subnet in subnets.list() {
        let named = subnet.get("subnet").map(Value::text).unwrap_or("without `subnet`");
        for (key, value) in subnet.entries() {
            match key.as_str() {
                "reservations" => reservations(book, value)?,
                "id" => {}
                "subnet" => {
                    let why = "not taken over: write it as a [[network]] with `subnet` and `pool`";
                    book.leave(value.line, &format!("subnet {named}"), why);
                }
                key => {
                    let what = format!("{} of subnet {named}", shown(key, value));
                    book.leave(value.line, &what, setting(key));
                }
            }
        }
    }
    Ok(())
}

fn reservations(book: &mut Book, all: &Value) -> io::Result<()> {
    for one in all.list() {
        reservation(book, one)?;
    }
    Ok(())
}

fn reservation(book: &mut Book, one: &Value) -> io::Result<()> {
    let mut holder: Option<ReservedFor> = None;
    let (mut address, mut host_name) = (None, None);
    let what = described(one);
    for (key, value) in one.entries() {
        let text = value.text();
        let identified = match key.as_str() {
            "hw-address" => hardware(1, text).map(ReservedFor::Mac),
            "client-id" => identifier(text).map(ReservedFor::ClientId),
            "circuit-id" => identifier(text).map(|id| ReservedFor::Circuit { relay: None, id }),
            "ip-address" => {
                address = text.parse().ok();
                if address.is_none() {
                    book.leave(value.line, &format!("{what}: {text}"), "it is no IPv4 address");
                }
                continue;
            }
            "hostname" => {
                host_name = name(text);
                continue;
            }
            key => {
                book.leave(value.line, &format!("{} of {what}", shown(key, value)), detail(key));
                continue;
            }
        };
        match (identified, &holder) {
            (None, _) => {
                book.leave(value.line, &format!("{key}: {text}"), "it cannot be read as bytes");
            }
            (Some(other), Some(first)) => {
                let why = format!("an address is promised to one client, here {first}");
                book.leave(value.line, &format!("{what} as {other}"), why);
            }
            (identified, None) => holder = identified,
        }
    }
    match (address, holder) {
        (Some(address), Some(holder)) => {
            let since = book.now();
            book.reserve(one.line, Reservation { address, holder, host_name, since })
        }
        (None, _) => {
            let why = "it promises no address; a name is given with `machine set MAC --name NAME`";
            book.leave(one.line, &what, why);
            Ok(())
        }
        (_, None) => {
            let why = "it does not say for whom in a way that this server knows: MAC, client id, \
                       circuit id";
            book.leave(one.line, &what, why);
            Ok(())
        }
    }
}

/// Why something of a reservation is left out.
fn detail(key: &str) -> &'static str {
    match key {
        "duid" => "a DUID of DHCPv6; write the whole client id, or the MAC",
        "flex-id" => "a client is known here by its MAC, client id, UUID or circuit id",
        "option-data" => "not taken over: `machine set --option` gives one machine an option",
        key => setting(key),
    }
}

fn described(one: &Value) -> String {
    let of = |key: &str| one.get(key).map(Value::text).filter(|text| !text.is_empty());
    let named = of("ip-address").or_else(|| of("hw-address")).or_else(|| of("hostname"));
    format!("reservation {}", named.unwrap_or("without address"))
}

/// Hexadecimal bytes, or a text in single quotes.
fn identifier(text: &str) -> Option<Vec<u8>> {
    let quoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let id = quoted.map(|text| text.as_bytes().to_vec()).or_else(|| bytes(digits))?;
    (!id.is_empty() && id.len() <= ID_MAX).then_some(id)
}
