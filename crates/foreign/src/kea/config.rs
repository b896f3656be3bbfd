//! Kea's configuration: `reservations` (global ones, those of subnets, and those of subnets in
//! shared networks), subnets and client classes.

use super::settings;
use crate::book::Book;
use crate::boot;
use crate::found::{Machine, Network};
use crate::json::{self, Value, What};
use crate::text::{ID_MAX, bytes, hardware, name, whole};
use model::Reservation;
use model::lease::ReservedFor;
use std::io::{self, BufRead};

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let text = whole(from)?;
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
    let mut all = Network::default();
    let interfaces = dhcp4.get("interfaces-config").and_then(|value| value.get("interfaces"));
    if let Some([one]) = interfaces.map(Value::list) {
        // `br0/10.77.0.1` names an address, `*` is every interface.
        let name = one.text().split('/').next().unwrap_or_default();
        all.interface = Some(name.to_owned()).filter(|name| !matches!(name.as_str(), "" | "*"));
    }
    for (key, value) in dhcp4.entries() {
        if matches!(key.as_str(), "option-data" | "valid-lifetime") {
            settings::take(book, &mut all, key, value);
        }
    }
    for (key, value) in dhcp4.entries() {
        match key.as_str() {
            "reservations" => reservations(book, value)?,
            "subnet4" => subnets(book, value, &all, None)?,
            "client-classes" => settings::classes(book, value),
            "option-data" | "valid-lifetime" => {}
            "interfaces-config" if all.interface.is_some() => {}
            "boot-file-name" => {
                boot::file(book, value.line, &shown(key, value), value.text(), Vec::new());
            }
            "shared-networks" => {
                for shared in value.list() {
                    shared_network(book, shared, &all)?;
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
        "max-valid-lifetime" | "min-valid-lifetime" | "renew-timer" | "rebind-timer" => {
            "not needed: every lease is as long as `lease` of its [[network]], or shorter if asked for"
        }
        "next-server" | "server-hostname" => "not needed: files come from this server",
        "interfaces-config" => "it does not name one: write `interface` of each [[network]]",
        "client-class" | "client-classes" | "require-client-classes" => {
            "not taken over: a network here is for everybody on it"
        }
        "authoritative" => "not taken over: write `authoritative = true` in the [[network]]",
        "dhcp-ddns" | "ddns-send-updates" | "ddns-qualifying-suffix" => {
            "not needed: this server updates no DNS"
        }
        _ => "not taken over: nothing here has this effect",
    }
}

fn shared_network(book: &mut Book, shared: &Value, all: &Network) -> io::Result<()> {
    let name = shared.get("name").map(|name| name.text().to_owned());
    let mut ours = Network::default();
    for (key, value) in shared.entries() {
        match key.as_str() {
            "subnet4" | "reservations" | "name" => {}
            key if settings::take(book, &mut ours, key, value) => {}
            key => book.leave(value.line, &shown(key, value), setting(key)),
        }
    }
    let relays = std::mem::take(&mut ours.relays);
    ours.fill(all);
    ours.relays = relays;
    for (key, value) in shared.entries() {
        match key.as_str() {
            "subnet4" => subnets(book, value, &ours, name.as_deref())?,
            "reservations" => reservations(book, value)?,
            _ => {}
        }
    }
    Ok(())
}

fn subnets(
    book: &mut Book,
    subnets: &Value,
    all: &Network,
    shared: Option<&str>,
) -> io::Result<()> {
    for subnet in subnets.list() {
        let named = subnet.get("subnet").map(Value::text).unwrap_or("without `subnet`");
        let mut network = Network::default();
        for (key, value) in subnet.entries() {
            match key.as_str() {
                "reservations" => reservations(book, value)?,
                "id" => {}
                "boot-file-name" => {
                    let what = format!("{} of subnet {named}", shown(key, value));
                    let why = match boot::is_loader(value.text()) {
                        true => boot::LOADER,
                        false => "a rule with `network` gives a whole network a profile",
                    };
                    book.leave(value.line, &what, why);
                }
                key if settings::take(book, &mut network, key, value) => {}
                key => {
                    let what = format!("{} of subnet {named}", shown(key, value));
                    book.leave(value.line, &what, setting(key));
                }
            }
        }
        network.shared = shared.map(str::to_owned);
        network.fill(all);
        if network.relays.is_empty() {
            network.relays.clone_from(&all.relays);
        }
        match network.subnet {
            Some(_) => book.network(subnet.line, network),
            None => book.leave(subnet.line, "a subnet", "it does not say which"),
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
    let mut machine = Machine::default();
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
                machine.name.clone_from(&host_name);
                continue;
            }
            "client-classes" => {
                let labels = value.list().iter().filter_map(|class| settings::label(class.text()));
                machine.labels.extend(labels);
                continue;
            }
            "boot-file-name" if !boot::is_loader(text) && !boot::is_script(text) => {
                machine.profile = (!text.is_empty()).then(|| boot::alone(book, value.line, text));
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
    let named = machine != Machine::default();
    if let (Some(ReservedFor::Mac(mac)), true) = (&holder, named) {
        book.machine(one.line, *mac, machine)?;
    }
    let is_machine = named && matches!(holder, Some(ReservedFor::Mac(_)));
    match (address, holder) {
        (None, _) if is_machine => Ok(()),
        (Some(address), Some(holder)) => {
            let since = book.now();
            book.reserve(one.line, Reservation { address, holder, host_name, since })
        }
        (None, _) => {
            let why = "it promises no address, and names no machine by its MAC";
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
        "boot-file-name" => boot::LOADER,
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
