//! Other servers on the link: who is a rogue and who belongs there, and what we would have said beside
//! the server that answers.

use lab::rig::Trouble;
use lab::rig::capture::Capture;
use lab::rig::dnsmasq::Dnsmasq;
use lab::rig::need::{self, need};
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use serde_json::{Value, json};

use super::beside::{ask, discover};
use super::client::{Client, Kind};
use super::world::{Tried, World, giving, new_directory, prepared, ran, wait_until, write};
use std::net::Ipv4Addr;

const MAC: &str = "52:54:00:77:04:01";
const PXE_MAC: &str = "52:54:00:77:03:02";
const POOL: &str = "10.77.0.100-10.77.0.199";
/// What [`giving`] says, in the words of dnsmasq.
const AS_GIVING: &[&str] = &[
    "--dhcp-range=10.77.0.100,10.77.0.199,12h",
    "--dhcp-option=option:router,10.77.0.1",
    "--dhcp-option=option:dns-server,10.77.0.3",
    "--domain=lab.example",
];

/// A server that would give addresses, and listens.
fn listening() -> String {
    giving(POOL).replace("mode = \"dhcp\"", "mode = \"listen\"\nlisten_as = \"dhcp\"")
}

/// The only link, as the API shows it.
fn shown_link(world: &World) -> Result<Value, Trouble> {
    Ok(world.json(&["link", "show"])?[0].clone())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn listening_beside_a_dnsmasq_that_says_the_same_agrees() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let peer = Dnsmasq::with(&link.peer(), AS_GIVING)?;
    let server = Server::start(&binary()?, &link, &listening())?;
    everybody_hears(&link)?;
    agrees(World::new(link, server, Some(peer)), Link::PEER)
}

/// The usual move: the new server on the host of the old, which has TFTP as well.
#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn listening_on_the_host_of_the_dnsmasq_hears_what_it_says() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let root = new_directory()?;
    let tftp = format!("--tftp-root={}", root.path().display());
    let flags = [AS_GIVING, &["--enable-tftp", &tftp]].concat();
    let peer = Dnsmasq::with(&link.server(), &flags)?;
    let server = Server::start(&binary()?, &link, &listening())?;
    agrees(World::new(link, server, Some(peer)), Link::SERVER)
}

fn agrees(mut world: World, their_address: &str) -> Tried {
    need(need::CAPTURE)?;
    let directory = new_directory()?;
    let capture = Capture::start(&world.link, directory.path())?;
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    let given = client.bound(0)?;
    assert_eq!(given.server, their_address, "{given:?}");

    // DISCOVER and REQUEST: the same each time.
    let link = wait_until("two exchanges were compared", || {
        let link = shown_link(&world)?;
        let compared = link["agreement"]["agreed"].as_u64().unwrap_or_default()
            + link["agreement"]["differed"].as_u64().unwrap_or_default();
        Ok((compared >= 2).then_some(link))
    })?;
    assert_eq!(link["agreement"]["differences"], json!([]), "{link:#}");
    assert_eq!(link["agreement"]["listen_as"], "dhcp", "{link:#}");
    let [other] = link["others"].as_array().map(Vec::as_slice).unwrap_or_default() else {
        panic!("one other server: {link:#}")
    };
    assert_eq!((&other["server"], &other["standing"]), (&json!(their_address), &json!("expected")));
    let report = world.operator(&["link", "agreement"])?;
    assert_eq!(report.code, Some(0), "{}", report.said());
    assert!(report.out.contains("(100 %)"), "{}", report.out);

    // A machine that boots would get a file from us, and gets none there.
    let firmware = world.client_at(PXE_MAC, "10.77.0.51/24")?;
    let offers = ask(&firmware, &discover(), (Ipv4Addr::BROADCAST, 67))?;
    assert_eq!(offers.len(), 1, "of the other server alone: {offers:#?}");
    let report = wait_until("the boot file is told", || {
        let report = world.operator(&["link", "agreement"])?;
        Ok(report.out.contains("boot file: we say").then_some(report))
    })?;
    assert_eq!(report.code, Some(1), "{}", report.said());
    assert!(report.out.contains(PXE_MAC), "{}", report.out);

    // We said nothing on the wire, and kept nothing.
    let file = capture.end()?;
    if their_address != Link::SERVER {
        let ours = format!("dhcp.type == 2 && ip.src == {}", Link::SERVER);
        let mut command = std::process::Command::new("tshark");
        command.arg("-r").arg(&file).args(["-Y", &ours]);
        let shown = ran(&command)?;
        assert_eq!((shown.code, shown.out.as_str()), (Some(0), ""), "{}", shown.said());
    }
    assert_eq!(world.json(&["lease", "list"])?, json!([]));
    assert!(!world.server.log().text().contains("ALARM"), "{}", world.server.log().text());
    drop(client);
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn a_second_dnsmasq_is_a_rogue_until_it_is_declared() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let peer = Dnsmasq::start(&link)?;
    let server = Server::start(&binary()?, &link, &giving(POOL))?;
    let mut world = World::new(link, server, Some(peer));
    let namespace = world.link.client(MAC)?;
    let client = Client::start(Kind::Udhcpc, &namespace)?;

    let alarm = wait_until("the alarm", || {
        let log = world.server.log().text();
        Ok(log.lines().find(|line| line.contains("ALARM")).map(str::to_owned))
    })?;
    let mac = mac_of(&world.link.peer())?;
    let named = format!("{} ({mac})", Link::PEER);
    assert!(alarm.contains(&named) && alarm.contains("TWO SERVERS GIVE ADDRESSES"), "{alarm}");
    let shown = shown_link(&world)?;
    assert_eq!(shown["others"][0]["standing"], "rogue", "{shown:#}");
    assert_eq!(shown["others"][0]["mac"], mac.as_str(), "{shown:#}");
    let status = world.operator(&["status"])?;
    assert!(status.out.contains(&format!("ALARM: {named} on eth0")), "{}", status.out);

    // Who belongs there is said so, and then it is quiet.
    let declared = format!("{}others = [\"{}\"]\n", giving(POOL), Link::PEER);
    write(world.server.config(), &declared)?;
    world.server.cli(&["reload"])?;
    let shown = shown_link(&world)?;
    assert_eq!(shown["others"][0]["standing"], "declared", "{shown:#}");
    let status = world.operator(&["status"])?;
    assert!(!status.out.contains("ALARM"), "{}", status.out);
    drop(client);
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn a_declared_dnsmasq_never_raises_an_alarm() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let peer = Dnsmasq::start(&link)?;
    let declared = format!("{}others = [\"{}\"]\n", giving(POOL), Link::PEER);
    let server = Server::start(&binary()?, &link, &declared)?;
    let mut world = World::new(link, server, Some(peer));
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    client.bound(0)?;
    wait_until("the other server was heard", || {
        let heard = shown_link(&world)?["others"][0]["standing"] == "declared";
        Ok(heard.then_some(()))
    })?;
    assert!(!world.server.log().text().contains("ALARM"), "{}", world.server.log().text());
    drop(client);
    world.leaves_nothing()
}

/// Makes the bridge forget at once where it heard whom: all it carries comes to all, as at a mirroring
/// port of a switch.
pub(super) fn everybody_hears(link: &Link) -> Tried {
    let mut command = link.bridge().command("ip");
    command.args(["link", "set", "br0", "type", "bridge", "ageing_time", "0"]);
    let set = ran(&command)?;
    assert_eq!(set.code, Some(0), "{}", set.said());
    Ok(())
}

pub(super) fn mac_of(namespace: &Namespace) -> Result<String, Trouble> {
    // `ip netns exec` mounts the /sys of the namespace.
    let mut command = namespace.command("cat");
    command.arg(format!("/sys/class/net/{}/address", Link::INTERFACE));
    Ok(ran(&command)?.out.trim().to_owned())
}
