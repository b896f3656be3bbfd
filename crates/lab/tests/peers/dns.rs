//! Names, as real clients of the DNS ask for them.

use lab::rig::Trouble;
use lab::rig::need::need;
use lab::rig::ns::{Link, Namespace};
use std::time::{Duration, Instant};

use super::client::{Client, Kind};
use super::world::{Tried, World, there, wait_until};

const MAC: &str = "52:54:00:77:05:01";
const PACKAGES: &[&str] = &["bind9-dnsutils"];

fn config() -> String {
    format!(
        "[server]\nname = \"boot\"\n\n[[network]]\ninterface = \"{}\"\nmode = \"dhcp\"\n\
         subnet = \"10.77.0.0/24\"\npool = [\"10.77.0.100-10.77.0.199\"]\nrouter = \"10.77.0.1\"\n\
         domain = \"lab.example\"\nlease = \"12h\"\n\n[dns]\nlisten = true\n",
        Link::INTERFACE
    )
}

/// What `dig` prints of an answer, `+short`.
fn dig(at: &Namespace, arguments: &[&str]) -> Result<String, Trouble> {
    let all = [&["@10.77.0.1", "+short", "+tries=1", "+time=2"], arguments].concat();
    let ran = there(at, "dig", &all)?;
    assert_eq!(ran.code, Some(0), "{}", ran.said());
    Ok(ran.out.trim().to_owned())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dig_finds_a_leased_machine_within_a_second_of_its_lease() -> Tried {
    need(PACKAGES)?;
    let mut world = World::alone(&config())?;
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    let given = client.bound(0)?;
    let since = Instant::now();
    assert_eq!(given.dns, "10.77.0.1", "a client is told of us: {given:?}");
    namespace.address(&format!("{}/24", given.address))?;
    let by_mac = "52-54-00-77-05-01.lab.example";
    let found = loop {
        let found = dig(&namespace, &[by_mac])?;
        if !found.is_empty() || since.elapsed() > Duration::from_secs(5) {
            break found;
        }
    };
    assert_eq!(found, given.address, "its name answers");
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    assert_eq!(dig(&namespace, &["-x", &given.address])?, format!("{by_mac}."));

    // A name by an operator takes its place, over TCP as well, and both are told why.
    world.server.cli(&["machine", "set", MAC, "--name", "lab-01"])?;
    wait_until("the machine answers by its name", || {
        Ok((dig(&namespace, &["+tcp", "lab-01.lab.example"])? == given.address).then_some(()))
    })?;
    assert_eq!(dig(&namespace, &["-x", &given.address])?, "lab-01.lab.example.");
    let why = world.json(&["dns", "explain", "lab-01.lab.example"])?;
    assert_eq!(why["ends"], "NOERROR", "{why:#}");
    assert!(why["because"].as_str().unwrap_or_default().contains("an operator named"), "{why:#}");

    // Records of operators; and what is not there is not there.
    world.server.cli(&[
        "dns",
        "record",
        "add",
        "_http._tcp.lab.example",
        "SRV",
        "0 5 80 boot.lab.example",
    ])?;
    wait_until("a record answers", || {
        let found = dig(&namespace, &["SRV", "_http._tcp.lab.example"])?;
        Ok((found == "0 5 80 boot.lab.example.").then_some(()))
    })?;
    let whole = there(&namespace, "dig", &["@10.77.0.1", "none.lab.example", "A"])?;
    assert!(whole.out.contains("status: NXDOMAIN") && whole.out.contains("SOA"), "{}", whole.out);
    let whole = there(&namespace, "dig", &["@10.77.0.1", "lab-01.lab.example", "AAAA"])?;
    assert!(whole.out.contains("status: NOERROR") && whole.out.contains("SOA"), "{}", whole.out);
    let whole = there(&namespace, "dig", &["@10.77.0.1", "www.example.org"])?;
    assert!(whole.out.contains("status: REFUSED"), "{}", whole.out);

    // delv reads answers as a validating resolver does; nothing here is signed.
    let arguments = ["@10.77.0.1", "-i", "+short", "lab-01.lab.example", "A"];
    let ran = there(&namespace, "delv", &arguments)?;
    assert!(ran.out.contains(&given.address), "{}", ran.said());
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn a_client_is_told_of_our_names_and_strangers_hear_nothing() -> Tried {
    need(PACKAGES)?;
    let mut world = World::alone(&config())?;
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    client.bound(0)?;
    drop(client);
    let status = world.json(&["dns", "status"])?;
    assert_eq!(status["zones"][0], "0.77.10.in-addr.arpa", "{status:#}");
    namespace.address("10.99.0.9/24")?;
    let arguments = ["-b", "10.99.0.9", "@10.77.0.1", "+tries=1", "+time=1", "boot.lab.example"];
    let ran = there(&namespace, "dig", &arguments)?;
    assert_ne!(ran.code, Some(0), "{}", ran.said());
    Ok(())
}
