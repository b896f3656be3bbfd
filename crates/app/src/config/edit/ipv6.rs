//! The same for a network of IPv6.
//!
//! In: a text, and a network as it is wished. Out: the text with it. Never: a network of IPv4 of the same interface
//! touched.

use super::{Family, put, table_of, texts};
use crate::links::Link;
use api::types::Network6Wish;
use model::network::Mode;
use model::network6::Subnet6;
use toml_edit::{DocumentMut, Table};

/// The text with this network as it is wished: changed where it stands, added at the end where it does not.
pub fn with_network(text: &str, wish: &Network6Wish, links: &[Link]) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|e| format!("the file is no TOML, so it cannot be changed here: {e}"))?;
    let table = table_of(&mut document, &wish.interface, Family::V6)?;
    // It is what is meant where nothing is said.
    if wish.mode != Mode::Dhcp || table.contains_key("mode") {
        put(table, "mode", wish.mode.name().into());
    }
    // What is switched off for a while keeps what was written.
    if wish.mode != Mode::Off {
        fill(table, wish);
    }
    // By its subnet it is known as one of IPv6.
    if !table.contains_key("subnet") {
        put(table, "subnet", subnet(&wish.interface, links)?.to_string().into());
    }
    Ok(document.to_string())
}

fn fill(table: &mut Table, wish: &Network6Wish) {
    if let Some(subnet) = wish.subnet {
        put(table, "subnet", subnet.to_string().into());
    }
    let mut list = |key: &str, all: Option<Vec<String>>| match all {
        None => {}
        Some(all) if all.is_empty() => drop(table.remove(key)),
        Some(all) => put(table, key, texts(all.into_iter())),
    };
    let pools = wish.pool.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
    let dns = wish.dns.as_ref().map(|all| all.iter().map(ToString::to_string).collect());
    list("pool", pools);
    list("dns", dns);
    if let Some(domain) = &wish.domain {
        match domain.is_empty() {
            true => drop(table.remove("domain")),
            false => put(table, "domain", domain.as_str().into()),
        }
    }
    if let Some(lease) = &wish.lease {
        put(table, "lease", lease.as_str().into());
    }
    // Where we only listen nothing is sent.
    let advertise = wish.advertise.filter(|_| wish.mode != Mode::Listen);
    if wish.mode == Mode::Listen {
        table.remove("advertise");
    }
    for (key, wanted) in [("advertise", advertise), ("rapid_commit", wish.rapid_commit)] {
        // Neither is, where nothing is said.
        match wanted {
            Some(false) if !table.contains_key(key) => {}
            Some(wanted) => put(table, key, wanted.into()),
            None => {}
        }
    }
}

/// That of the interface, where neither the file nor the wish says one.
fn subnet(interface: &str, links: &[Link]) -> Result<Subnet6, String> {
    let link = links.iter().find(|link| link.name == interface);
    let all = link.into_iter().flat_map(|link| &link.addresses6);
    let mut own = all.filter(|(address, _)| !address.is_unicast_link_local());
    let found = own.find_map(|(address, prefix)| Subnet6::new(*address, *prefix));
    found.ok_or_else(|| {
        format!(
            "{interface} has no IPv6 address but the one of its link: give it one, or say which subnet is \
             to be served"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::imagined;
    use std::net::Ipv4Addr;

    const FILE: &str = "[[network]]\ninterface = \"br0\"   # left\nmode = \"auto\"\n\n\
                        [[network]]\ninterface = \"br0\"\nsubnet    = \"fd77::/64\" # ours\n\
                        pool = [\"fd77::100-fd77::1ff\"]\nadvertise = true\n";

    fn wish(interface: &str, mode: Mode) -> Network6Wish {
        let interface = interface.to_owned();
        Network6Wish {
            interface,
            mode,
            subnet: None,
            pool: None,
            dns: None,
            domain: None,
            lease: None,
            advertise: None,
            rapid_commit: None,
        }
    }

    fn changed(text: &str, wish: &Network6Wish) -> Result<String, String> {
        let mut br1 = imagined("br1", &[(Ipv4Addr::new(10, 78, 0, 1), 24)]);
        br1.addresses6 = vec![("fe80::1".parse().unwrap(), 64), ("fd78::1".parse().unwrap(), 64)];
        with_network(text, wish, &[br1, imagined("eth2", &[])])
    }

    #[test]
    fn a_network_is_changed_where_it_stands_and_the_one_beside_it_is_not() {
        assert_eq!(changed(FILE, &wish("br0", Mode::Dhcp)).unwrap(), FILE, "nothing is asked for");
        let more = Network6Wish {
            pool: Some(Vec::new()),
            dns: Some(vec!["fd77::53".parse().unwrap()]),
            domain: Some("lab.example".to_owned()),
            advertise: Some(false),
            rapid_commit: Some(false),
            ..wish("br0", Mode::Dhcp)
        };
        let expected = FILE
            .replace("pool = [\"fd77::100-fd77::1ff\"]\nadvertise = true\n", "advertise = false\n")
            + "dns = [\"fd77::53\"]\ndomain = \"lab.example\"\n";
        assert_eq!(changed(FILE, &more).unwrap(), expected);
        let off = changed(FILE, &wish("br0", Mode::Off)).unwrap();
        assert_eq!(off, format!("{FILE}mode = \"off\"\n"), "and keeps what was written");
        assert_eq!(
            changed(&off, &wish("br0", Mode::Dhcp)).unwrap(),
            format!("{FILE}mode = \"dhcp\"\n")
        );
    }

    #[test]
    fn where_we_only_listen_nothing_is_advertised() {
        let listens = Network6Wish { advertise: Some(true), ..wish("br0", Mode::Listen) };
        let expected = FILE.replace("advertise = true\n", "mode = \"listen\"\n");
        assert_eq!(changed(FILE, &listens).unwrap(), expected);
    }

    #[test]
    fn the_network_of_ipv4_beside_it_can_still_be_changed() {
        let of_ipv4 = serde_json::json!({"interface": "br0", "mode": "proxy"});
        let of_ipv4 = serde_json::from_value(of_ipv4).unwrap();
        let text = super::super::with_network(FILE, &of_ipv4, &[]).unwrap();
        assert_eq!(text, FILE.replace("\"auto\"", "\"proxy\""));
    }

    #[test]
    fn a_network_that_is_not_there_is_added_with_the_subnet_of_its_interface() {
        let text = changed("", &wish("br1", Mode::Dhcp)).unwrap();
        assert_eq!(text, "[[network]]\ninterface = \"br1\"\nsubnet = \"fd78::/64\"\n");
        let why = changed(FILE, &wish("eth2", Mode::Dhcp)).unwrap_err();
        assert!(why.starts_with("eth2 has no IPv6 address but the one of its link"), "{why}");
    }
}
