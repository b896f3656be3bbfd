//! Changes of the configuration file that leave the rest of it, comments too, as it is.
//!
//! In: a text, and a network as it is wished. Out: the text with it. Never: a file, or a judgement; whoever has the
//! text checks it as any other.

pub mod ipv6;

use super::meaning::sensible_pool;
use crate::links::Link;
use api::types::NetworkWish;
use model::network::{Mode, Subnet};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, Value, value};

/// Keys that mean something only where addresses are given, in the order in which they are written.
const FOR_ADDRESSES: [&str; 13] = [
    "subnet",
    "pool",
    "router",
    "dns",
    "domain",
    "lease",
    "authoritative",
    "shared",
    "lease_min",
    "rapid_commit",
    "probe",
    "routes",
    "options",
];

/// The text with this network as it is wished: changed where it stands, added at the end where it does not.
pub fn with_network(text: &str, wish: &NetworkWish, links: &[Link]) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|e| format!("the file is no TOML, so it cannot be changed here: {e}"))?;
    let table = table_of(&mut document, &wish.interface, Family::V4)?;
    fill(table, wish, links)?;
    Ok(document.to_string())
}

/// Of which family a network is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Family {
    V4,
    V6,
}

impl Family {
    /// By its subnet, as the file is read.
    fn of(table: &Table) -> Self {
        let subnet = table.get("subnet").and_then(Item::as_str);
        if subnet.is_some_and(|subnet| subnet.contains(':')) { Self::V6 } else { Self::V4 }
    }
}

/// The one network of this family on this interface; a new one at the end where there is none.
fn table_of<'a>(
    document: &'a mut DocumentMut,
    interface: &str,
    family: Family,
) -> Result<&'a mut Table, String> {
    let networks = document.entry("network").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let networks =
        networks.as_array_of_tables_mut().ok_or("`network` is not written [[network]]")?;
    let is = |table: &Table| {
        table.get("interface").and_then(Item::as_str) == Some(interface)
            && Family::of(table) == family
    };
    let places: Vec<usize> =
        (0..).zip(networks.iter()).filter(|(_, t)| is(t)).map(|(at, _)| at).collect();
    let table = match places.as_slice() {
        [] => {
            let mut table = Table::new();
            table.insert("interface", value(interface));
            networks.push(table);
            networks.iter_mut().last()
        }
        [one] => networks.get_mut(*one),
        several => {
            let count = several.len();
            return Err(format!(
                "{count} networks are on {interface}: change them in the file itself"
            ));
        }
    };
    table.ok_or_else(|| "a bug in the server: the network was not added".to_owned())
}

fn fill(table: &mut Table, wish: &NetworkWish, links: &[Link]) -> Result<(), String> {
    put(table, "mode", wish.mode.name().into());
    let listens_as_dhcp = table.get("listen_as").and_then(Item::as_str) == Some("dhcp");
    let weighs = wish.mode == Mode::Dhcp || (wish.mode == Mode::Listen && listens_as_dhcp);
    // What is switched off for a while keeps what was written.
    if !weighs && wish.mode != Mode::Off {
        for key in FOR_ADDRESSES {
            table.remove(key);
        }
        return Ok(());
    }
    if let Some(subnet) = wish.subnet {
        put(table, "subnet", subnet.to_string().into());
    }
    if let Some(pools) = &wish.pool {
        put(table, "pool", texts(pools.iter().map(ToString::to_string)));
    }
    if let Some(router) = wish.router {
        put(table, "router", router.to_string().into());
    }
    if let Some(dns) = &wish.dns {
        put(table, "dns", texts(dns.iter().map(ToString::to_string)));
    }
    if let Some(lease) = &wish.lease {
        put(table, "lease", lease.as_str().into());
    }
    if wish.mode == Mode::Dhcp {
        complete(table, wish, links)?;
    }
    Ok(())
}

/// Subnet and pool, where neither the file nor the wish says them: those of the interface.
fn complete(table: &mut Table, wish: &NetworkWish, links: &[Link]) -> Result<(), String> {
    let link = links.iter().find(|link| link.name == wish.interface);
    if !table.contains_key("subnet") {
        let first = link.and_then(|link| link.addresses.first());
        let subnet = first.and_then(|(address, prefix)| Subnet::new(*address, *prefix));
        let subnet = subnet.ok_or_else(|| {
            format!(
                "{} has no address of its own, so say which subnet is to be served",
                wish.interface
            )
        })?;
        put(table, "subnet", subnet.to_string().into());
    }
    if !table.contains_key("pool") {
        let subnet = table.get("subnet").and_then(Item::as_str).and_then(|text| text.parse().ok());
        if let Some(pool) = subnet.as_ref().and_then(sensible_pool) {
            put(table, "pool", texts([pool.to_string()].into_iter()));
        }
    }
    Ok(())
}

fn texts(all: impl Iterator<Item = String>) -> Value {
    Value::Array(all.collect::<Array>())
}

/// Sets a value where it stands, with the space and the comment around it.
fn put(table: &mut Table, key: &str, new: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, Item::Value(new));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::imagined;
    use std::net::Ipv4Addr;

    const FILE: &str = "# ours\n[server] # where\nstate = \"/var/lib/bootwright\"\n\n# the lab\n[[network]]\n\
                        interface = \"br0\"   # left\nmode      = \"auto\"  # for now\n\n[boot]\nunknown = \"menu\"\n";

    fn wish(interface: &str, mode: Mode) -> NetworkWish {
        let interface = interface.to_owned();
        NetworkWish {
            interface,
            mode,
            subnet: None,
            pool: None,
            router: None,
            dns: None,
            lease: None,
        }
    }

    fn changed(text: &str, wish: &NetworkWish) -> Result<String, String> {
        let br0 = imagined("br0", &[(Ipv4Addr::new(10, 77, 0, 1), 24)]);
        with_network(text, wish, &[br0, imagined("eth2", &[])])
    }

    #[test]
    fn a_network_is_changed_where_it_stands_and_comments_stay() {
        let text = changed(FILE, &wish("br0", Mode::Dhcp)).unwrap();
        let expected = FILE.replace(
            "mode      = \"auto\"  # for now\n",
            "mode      = \"dhcp\"  # for now\nsubnet = \"10.77.0.0/24\"\npool = [\"10.77.0.100-10.77.0.199\"]\n",
        );
        assert_eq!(text, expected);

        let more = NetworkWish {
            pool: Some(vec!["10.77.0.50-10.77.0.60".parse().unwrap()]),
            router: Some(Ipv4Addr::new(10, 77, 0, 254)),
            ..wish("br0", Mode::Dhcp)
        };
        let text = changed(&text, &more).unwrap();
        assert!(
            text.contains("pool = [\"10.77.0.50-10.77.0.60\"]\nrouter = \"10.77.0.254\"\n"),
            "{text}"
        );
        assert_eq!(changed(&text, &wish("br0", Mode::Auto)).unwrap(), FILE, "and back again");
        let off = changed(&text, &wish("br0", Mode::Off)).unwrap();
        assert_eq!(off, text.replace("\"dhcp\"", "\"off\""));
    }

    #[test]
    fn a_network_that_is_not_there_is_added() {
        let text = changed("", &wish("br0", Mode::Proxy)).unwrap();
        assert_eq!(text, "[[network]]\ninterface = \"br0\"\nmode = \"proxy\"\n");
        let why = changed(FILE, &wish("eth2", Mode::Dhcp)).unwrap_err();
        assert_eq!(why, "eth2 has no address of its own, so say which subnet is to be served");
        let two = FILE.replace("[boot]", "[[network]]\ninterface = \"br0\"\n\n[boot]");
        assert!(
            changed(&two, &wish("br0", Mode::Dhcp))
                .unwrap_err()
                .starts_with("2 networks are on br0")
        );
        assert!(changed("network = 1\n", &wish("br0", Mode::Dhcp)).is_err());
    }
}
