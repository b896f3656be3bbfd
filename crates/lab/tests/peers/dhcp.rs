//! Addresses: three clients, and what may not be lost.

use lab::rig::Trouble;
use serde_json::Value;

use super::client::{Client, Given, Kind};
use super::world::{Tried, World, giving, list, there, wait_until};

const MAC: &str = "52:54:00:77:01:01";
const OTHER: &str = "52:54:00:77:01:02";
const POOL: &str = "10.77.0.100-10.77.0.199";

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn udhcpc_gets_renews_releases_and_gets_the_same_again() -> Tried {
    the_life_of_a_lease(Kind::Udhcpc)
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dhclient_gets_renews_releases_and_gets_the_same_again() -> Tried {
    the_life_of_a_lease(Kind::Dhclient)
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dhcpcd_gets_renews_releases_and_gets_the_same_again() -> Tried {
    the_life_of_a_lease(Kind::Dhcpcd)
}

fn the_life_of_a_lease(kind: Kind) -> Tried {
    let mut world = World::alone(&giving(POOL))?;
    // Somebody else has the first address, so that getting the same again is no accident.
    let other = world.link.client(OTHER)?;
    let mut other = Client::start(Kind::Udhcpc, &other)?;
    other.bound(0)?;
    let namespace = world.link.client(MAC)?;

    let mut client = Client::start(kind, &namespace)?;
    let first = client.bound(0)?;
    assert_eq!(first, as_configured(&first), "{}", client.said());
    let before = lease(&world, MAC)?;
    assert_eq!((text(&before, "state"), text(&before, "address")), ("bound", &*first.address));

    let told = client.given().len();
    // Times of leases are whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    client.renew()?;
    let renewed = client.bound(told)?;
    assert_eq!(renewed.address, first.address, "{}", client.said());
    wait_until("the lease is longer", || {
        let now = lease(&world, MAC)?;
        Ok((text(&now, "until") > text(&before, "until")).then_some(()))
    })?;
    assert_eq!(text(&lease(&world, MAC)?, "since"), text(&before, "since"));

    client.release()?;
    wait_until("the lease is released", || {
        Ok((text(&lease(&world, MAC)?, "state") == "released").then_some(()))
    })?;
    let after = lease(&world, OTHER)?;
    assert_eq!(text(&after, "state"), "bound", "the other's lease was not released");

    let mut client = Client::start(kind, &namespace)?;
    assert_eq!(client.bound(0)?.address, first.address, "{}", client.said());
    assert_eq!(text(&lease(&world, MAC)?, "state"), "bound");
    drop((client, other));
    world.leaves_nothing()
}

/// Firmware, loader, installer and system of one machine each send another client identifier.
#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn another_client_id_of_the_same_mac_keeps_its_address() -> Tried {
    let mut world = World::alone(&giving(POOL))?;
    let namespace = world.link.client(MAC)?;
    let mut addresses = Vec::new();
    for (kind, flags) in [
        (Kind::Udhcpc, ["-x", "0x3d:01525400770101"].as_slice()),
        (Kind::Udhcpc, &["-x", "0x3d:ff00112233"]),
        (Kind::Udhcpc, &["-C"]),
        (Kind::Dhclient, &[]),
        (Kind::Dhcpcd, &[]),
    ] {
        let mut client = Client::start_with(kind, &namespace, flags)?;
        addresses.push(client.bound(0)?.address);
        client.vanish()?;
    }
    assert!(addresses.iter().all(|address| *address == addresses[0]), "{addresses:?}");
    let leases = world.json(&["lease", "list"])?;
    assert_eq!(list(&leases).len(), 1, "{leases}");
    // dhcpcd was the last: type 255, then its DUID.
    assert!(text(&leases[0], "client_id").starts_with("ff"), "{leases}");
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn a_power_failure_loses_no_lease() -> Tried {
    // Two addresses: whoever is given a wrong one takes it from somebody.
    let mut world = World::alone(&giving("10.77.0.100-10.77.0.101"))?;
    let holder = world.link.client(MAC)?;
    let mut holder = Client::start(Kind::Udhcpc, &holder)?;
    let held = holder.bound(0)?;
    let before = lease(&world, MAC)?;

    world.server.kill();
    world.server.start_again()?;
    // Its end stands on a clock of the server's own, whose seconds may be cut elsewhere now.
    let (mut after, mut before) = (lease(&world, MAC)?, before);
    let ends = [&after, &before].map(|lease| second_of_the_day(&lease["until"]));
    assert!(ends[0].abs_diff(ends[1]) % 86_399 <= 1, "{after} instead of {before}");
    for lease in [&mut after, &mut before] {
        lease["until"].take();
    }
    assert_eq!(after, before, "the lease as it was promised");

    // Another one wishes for exactly this address.
    let other = world.link.client(OTHER)?;
    let mut other = Client::start_with(Kind::Udhcpc, &other, &["-r", &held.address])?;
    let given = other.bound(0)?;
    assert_ne!(given.address, held.address);

    // And a third finds nothing left, and is not answered at all.
    let third = world.link.client("52:54:00:77:01:03")?;
    let without = there(
        &third,
        "udhcpc",
        &["-f", "-n", "-q", "-t", "2", "-T", "1", "-i", "eth0", "-s", "/bin/true"],
    )?;
    assert_eq!(without.code, Some(1), "{}", without.said());
    assert!(without.said().contains("no lease"), "{}", without.said());
    let log = world.server.log().text();
    assert!(log.contains("leased"), "the server says why:\n{log}");

    let told = holder.given().len();
    holder.renew()?;
    let renewed = holder.bound(told)?;
    assert_eq!((renewed.event.as_str(), renewed.address), ("renew", held.address));

    // Killed again right after an answer: what was said was kept first.
    world.server.kill();
    world.server.start_again()?;
    let leases = world.json(&["lease", "list"])?;
    assert_eq!(list(&leases).len(), 2, "{leases}");
    assert!(list(&leases).iter().all(|lease| text(lease, "state") == "bound"), "{leases}");
    Ok(())
}

/// What the configuration says, with the address and the event as they were.
fn as_configured(given: &Given) -> Given {
    Given {
        event: given.event.clone(),
        address: given.address.clone(),
        mask: "255.255.255.0".to_owned(),
        router: "10.77.0.1".to_owned(),
        dns: "10.77.0.3".to_owned(),
        domain: "lab.example".to_owned(),
        server: "10.77.0.1".to_owned(),
    }
}

/// The one lease of this MAC, as operators see it.
fn lease(world: &World, mac: &str) -> Result<Value, Trouble> {
    let all = world.json(&["lease", "list"])?;
    let of_it: Vec<&Value> = list(&all).iter().filter(|lease| lease["mac"] == mac).collect();
    assert_eq!(of_it.len(), 1, "leases of {mac}: {all}");
    Ok(of_it[0].clone())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}"))
}

/// `2026-11-26T15:30:48Z` as 55,848.
fn second_of_the_day(moment: &serde_json::Value) -> u64 {
    let text = moment.as_str().and_then(|text| text.get(11..19)).unwrap_or_default();
    text.split(':').filter_map(|part| part.parse::<u64>().ok()).fold(0, |sum, part| sum * 60 + part)
}
