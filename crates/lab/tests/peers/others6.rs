//! Others over IPv6: who is a rogue and who belongs there, and what we would have said beside the Kea that answers.

use lab::rig::capture::Capture;
use lab::rig::dnsmasq::Dnsmasq;
use lab::rig::kea::{Kea, Serves};
use lab::rig::need::{self, need};
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use lab::rig::{Process, Trouble};
use serde_json::{Value, json};
use std::path::Path;

use super::others::{everybody_hears, mac_of};
use super::world::{Tried, World, new_directory, prepared, ran, there, wait_until, write};

const SYSTEM: (&str, &str) = ("52:54:00:77:08:01", "fe80::5054:ff:fe77:801");
const FIRMWARE: (&str, &str) = ("52:54:00:77:08:02", "fe80::5054:ff:fe77:802");
/// The pool of both.
const POOL: &str = "fd77::100-fd77::1ff";
/// What Kea gives: as our configuration says, and a boot file that is not ours.
const OPTIONS: &[(&str, &str)] = &[
    ("dns-servers", "fd77::53"),
    ("domain-search", "lab.example"),
    ("bootfile-url", "tftp://[fd77::2]/old.efi"),
];
/// An operating system asks for these.
const ASKS: &str = "request dhcp6.name-servers, dhcp6.domain-search;\n";
/// Firmware says what it is, and asks for its boot file.
const BOOTS: &str = "send dhcp6.client-arch-type 7;\n\
                     request dhcp6.name-servers, dhcp6.domain-search, dhcp6.bootfile-url;\n";

fn listening() -> String {
    format!(
        "[[network]]\ninterface = \"{}\"\nmode = \"listen\"\nsubnet = \"fd77::/64\"\n\
         pool = [\"{POOL}\"]\ndns = [\"fd77::53\"]\ndomain = \"lab.example\"\nlease = \"1h\"\n",
        Link::INTERFACE
    )
}

/// The address of its link alone, which the kernel tries first.
fn link_local(at: &Namespace) -> Result<String, Trouble> {
    wait_until("the addresses of the interface are tried", || {
        let shown = there(at, "ip", &["-6", "-o", "addr", "show", "dev", Link::INTERFACE])?;
        let words = shown.out.split_whitespace();
        let own =
            words.filter_map(|word| word.strip_suffix("/64")).find(|a| a.starts_with("fe80:"));
        Ok(own.filter(|_| !shown.out.contains("tentative")).map(str::to_owned))
    })
}

/// The server there. It binds the address of its link.
fn kea(at: &Namespace, directory: &Path) -> Result<Kea, Trouble> {
    link_local(at)?;
    let serves = Serves { subnet: "fd77::/64", pool: "fd77::100 - fd77::1ff", lease_s: 3600 };
    Kea::start6_with(at, serves, OPTIONS, directory)
}

/// A client that asks until it is told to end.
fn dhclient(
    world: &mut World,
    (mac, link_local): (&str, &str),
    config: &str,
    directory: &Path,
) -> Result<Process, Trouble> {
    let client = world.link.client(mac)?;
    client.link_local(link_local)?;
    let (file, leases) = (directory.join("dhclient.conf"), directory.join("leases"));
    write(&file, config)?;
    write(&leases, "")?;
    let mut command = client.command("dhclient");
    command.args(["-6", "-d", "-D", "LL", "-sf", "/bin/true", "-cf"]).arg(file);
    command.arg("-lf").arg(leases).arg("-pf").arg(directory.join("pid")).arg(Link::INTERFACE);
    Process::start(command, directory.join("log"))
}

/// What was compared over IPv6 so far.
fn agreement(world: &World) -> Result<Value, Trouble> {
    Ok(world.json(&["link", "show"])?[0]["agreement_ipv6"].clone())
}

fn count(agreement: &Value, what: &str) -> u64 {
    agreement[what].as_u64().unwrap_or_default()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn listening_beside_a_kea_over_ipv6_agrees_and_tells_of_another_boot_file() -> Tried {
    need(need::CAPTURE)?;
    let world = world(|link| link.peer())?;
    everybody_hears(&world.0.link)?;
    let ours = mac_of(&world.0.link.server())?;
    let directory = new_directory()?;
    let capture = Capture::start(&world.0.link, directory.path())?;
    let world = compares(world)?;
    let file = capture.end()?;
    let said = |filter: &str| -> Result<String, Trouble> {
        let mut command = std::process::Command::new("tshark");
        command.arg("-r").arg(&file).args(["-Y", filter]);
        let shown = ran(&command)?;
        assert_eq!(shown.code, Some(0), "{}", shown.said());
        Ok(shown.out)
    };
    assert_ne!(said("dhcpv6.msgtype == 7")?, "", "what Kea said was captured");
    // Neither a reply of ours, nor an advertisement, nor anything else.
    assert_eq!(said(&format!("eth.src == {ours} && (udp || tcp || icmpv6.type == 134)"))?, "");
    world.leaves_nothing()
}

/// The usual move: the new server on the host of the old, which has port 547.
#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn listening_on_the_host_of_the_kea_over_ipv6_hears_what_it_says() -> Tried {
    compares(world(|link| link.server())?)?.leaves_nothing()
}

/// A home router in the wrong socket: it advertises itself and gives addresses, of IPv6 alone.
fn home_router(at: &Namespace) -> Result<(Dnsmasq, String), Trouble> {
    let own = ["addr", "add", "fd99::1/64", "dev", Link::INTERFACE, "nodad"];
    let given = there(at, "ip", &own)?;
    assert_eq!(given.code, Some(0), "{}", given.said());
    let address = link_local(at)?;
    // It says that it is ready once it serves IPv4, which nobody here asks for.
    let ready = "--dhcp-range=10.77.0.100,static";
    let flags = [ready, "--enable-ra", "--dhcp-range=fd99::100,fd99::1ff,slaac,64,1h"];
    Ok((Dnsmasq::with(at, &flags)?, address))
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn a_home_router_is_a_rogue_over_ipv6_until_it_is_declared() -> Tried {
    prepared()?;
    let link = Link::new()?;
    link.without_ipv4()?;
    let (peer, address) = home_router(&link.peer())?;
    let named = format!("{address} ({})", mac_of(&link.peer())?);
    let isolated = format!("{}advertise = true\n", listening().replace("mode = \"listen\"\n", ""));
    let server = Server::start(&binary()?, &link, &isolated)?;
    let world = World::new(link, server, Some(peer));

    let other = wait_until("it was heard as a router and as a server", || {
        let other = world.json(&["link", "show"])?[0]["others"][0].clone();
        let does = |what: &str| other["does"][what] == true;
        Ok((does("router") && does("addresses")).then_some(other))
    })?;
    assert_eq!((&other["server"], &other["standing"]), (&json!(address), &json!("rogue")));
    let means = other["means"].as_str().unwrap_or_default();
    for part in
        ["TWO SERVERS GIVE ADDRESSES on fd77::/64", "some of fd99::/64, and we announce fd77::/64"]
    {
        assert!(means.contains(part), "{part}: {means}");
    }
    let log = world.server.log().text();
    let alarms: Vec<&str> = log.lines().filter(|line| line.contains("ALARM")).collect();
    assert!(alarms.len() == 1 && alarms[0].contains(&named), "{alarms:#?}");
    let status = world.operator(&["status"])?;
    assert!(status.out.contains(&format!("ALARM: {named} on eth0")), "{}", status.out);

    // Who belongs there is said so, and then it is quiet.
    write(world.server.config(), &format!("{isolated}others = [\"{address}\"]\n"))?;
    world.server.cli(&["reload"])?;
    let others = world.json(&["link", "show"])?[0]["others"].clone();
    assert_eq!(others[0]["standing"], "declared", "{others:#}");
    // Our own advertisements and answers are none of others.
    assert_eq!(others.as_array().map(Vec::len), Some(1), "{others:#}");
    let status = world.operator(&["status"])?;
    assert!(!status.out.contains("ALARM"), "{}", status.out);
    world.leaves_nothing()
}

type WithKea = (World, Kea, tempfile::TempDir);

fn world(kea_at: impl Fn(&Link) -> Namespace) -> Result<WithKea, Trouble> {
    prepared()?;
    need(&["kea-dhcp6-server"])?;
    let link = Link::new()?;
    link.without_ipv4()?;
    let directory = new_directory()?;
    let kea = kea(&kea_at(&link), directory.path())?;
    let server = Server::start(&binary()?, &link, &listening())?;
    Ok((World::new(link, server, None), kea, directory))
}

fn compares((mut world, kea, _directory): WithKea) -> Result<World, Trouble> {
    let (of_system, of_firmware) = (new_directory()?, new_directory()?);
    // SOLICIT and REQUEST of a system: the same each time.
    let system = dhclient(&mut world, SYSTEM, ASKS, of_system.path())?;
    let compared = wait_until("two exchanges were compared", || {
        let agreement = agreement(&world)?;
        let all = count(&agreement, "agreed") + count(&agreement, "differed");
        Ok((all >= 2).then_some(agreement))
    })?;
    assert_eq!(compared["differences"], json!([]), "{compared:#}");
    let report = world.operator(&["link", "agreement"])?;
    assert_eq!(report.code, Some(0), "{}", report.said());
    let line = format!("{} over IPv6: as dhcp, 2 of 2 exchanges agree (100 %)", Link::INTERFACE);
    assert!(report.out.contains(&line), "{}", report.out);

    // Firmware is sent for another file than ours.
    let firmware = dhclient(&mut world, FIRMWARE, BOOTS, of_firmware.path())?;
    let report = wait_until("the boot file is told", || {
        let report = world.operator(&["link", "agreement"])?;
        Ok(report.out.contains("2 times option 59 (boot file)").then_some(report))
    })?;
    assert_eq!(report.code, Some(1), "{}", report.said());
    let words = "they say tftp://[fd77::2]/old.efi";
    assert!(report.out.contains(words) && report.out.contains(FIRMWARE.0), "{}", report.out);
    assert_eq!(count(&agreement(&world)?, "agreed"), 2, "{}", report.out);

    // Its address is Kea's to give, and we kept nothing of it.
    assert_eq!(world.json(&["lease", "list"])?, json!([]));
    assert!(!world.server.log().text().contains("ALARM"), "{}", world.server.log().text());
    drop((system, firmware, kea));
    Ok(world)
}
