//! Names, as real clients of the DNS ask for them.

use lab::rig::need::need;
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use lab::rig::{Process, Trouble};
use std::time::{Duration, Instant};

use super::client::{Client, Kind};
use super::world::{
    Ran, Tried, World, json, list, new_directory, prepared, there, wait_until, write,
};

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
    dig_of(at, "10.77.0.1", arguments)
}

fn dig_of(at: &Namespace, server: &str, arguments: &[&str]) -> Result<String, Trouble> {
    let server = format!("@{server}");
    let all = [&[&*server, "+short", "+tries=1", "+time=4"], arguments].concat();
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

/// A dnsmasq that answers these names and knows nobody else.
fn dnsmasq(at: &Namespace, flags: &[&str]) -> Result<(Process, tempfile::TempDir), Trouble> {
    let directory = new_directory()?;
    let mut command = at.command("dnsmasq");
    command
        .args(["--no-daemon", "--conf-file=/dev/null", "--user=root", "--no-resolv", "--no-hosts"])
        .args(flags);
    let mut process = Process::start(command, directory.path().join("dnsmasq.log"))?;
    process.wait_for("started, version", Duration::from_secs(10))?;
    Ok((process, directory))
}

const UNBOUND: &str = r#"server:
  interface: 10.77.0.2
  port: 5353
  do-daemonize: no
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  access-control: 10.77.0.0/24 allow
  module-config: "iterator"
  local-zone: "example.org." static
  local-data: "www.example.org. 60 IN A 192.0.2.80"
  local-zone: "corp.example." static
  local-data: "intra.corp.example. 60 IN A 10.1.2.3"
remote-control:
  control-enable: no
"#;

fn unbound(at: &Namespace) -> Result<(Process, tempfile::TempDir), Trouble> {
    let directory = new_directory()?;
    let file = directory.path().join("unbound.conf");
    write(&file, UNBOUND)?;
    let mut command = at.command("unbound");
    command.args(["-d", "-c"]).arg(&file);
    let mut process = Process::start(command, directory.path().join("unbound.log"))?;
    process.wait_for("start of service", Duration::from_secs(10))?;
    Ok((process, directory))
}

/// Where the status of an answer stands in what `dig` prints.
fn has_status(ran: &Ran, status: &str) -> bool {
    ran.out.contains(&format!("status: {status}"))
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn names_of_others_come_from_dnsmasq_and_unbound() -> Tried {
    need(PACKAGES)?;
    need(&["unbound"])?;
    prepared()?;
    let link = Link::new()?;
    let text = |n: u8| format!("--txt-record=big.example.org,{}", format!("{n:02}").repeat(100));
    let texts: Vec<String> = (0..12).map(text).collect();
    let mut flags = vec![
        "--bind-interfaces",
        "--interface=eth0",
        "--host-record=www.example.org,192.0.2.80",
        "--host-record=rebind.example.org,10.77.0.9",
        "--cname=alias.example.org,www.example.org",
        "--local=/example.org/",
    ];
    flags.extend(texts.iter().map(String::as_str));
    let (mut first, _kept) = dnsmasq(&link.peer(), &flags)?;
    let (_second, _also) = unbound(&link.peer())?;
    let config = format!(
        "{}upstream = [\"10.77.0.2\", \"10.77.0.2:5353\"]\n\n\
         [[dns.split]]\ndomain = \"corp.example\"\nupstream = [\"10.77.0.2:5353\"]\n",
        config()
    );
    // Where only dnsmasq is asked, whatever is said comes from it.
    let alone = config.replace(", \"10.77.0.2:5353\"]\n\n", "]\n\n");
    let server = Server::start(&binary()?, &link, &alone)?;
    let mut world = World::new(link, server, None);
    let client = world.client_at(MAC, "10.77.0.5/24")?;
    wait_until("names are answered", || {
        Ok((dig(&client, &["boot.lab.example"])? == "10.77.0.1").then_some(()))
    })?;

    assert_eq!(dig(&client, &["www.example.org"])?, "192.0.2.80");
    assert_eq!(dig(&client, &["alias.example.org"])?, "www.example.org.\n192.0.2.80");
    assert_eq!(dig(&client, &["intra.corp.example"])?, "10.1.2.3", "by its own server");
    let rebind = there(&client, "dig", &["@10.77.0.1", "rebind.example.org"])?;
    assert!(has_status(&rebind, "NOERROR") && !rebind.out.contains("10.77.0.9"), "{}", rebind.out);
    let none = there(&client, "dig", &["@10.77.0.1", "none.example.org"])?;
    assert!(has_status(&none, "NXDOMAIN"), "{}", none.out);
    // Two thousand bytes: asked for again over TCP on both sides.
    let big = dig(&client, &["TXT", "big.example.org"])?;
    assert_eq!(big.lines().count(), 12, "{big}");
    let ignoring = there(&client, "dig", &["@10.77.0.1", "+ignore", "TXT", "big.example.org"])?;
    assert!(ignoring.out.contains("flags: qr tc"), "{}", ignoring.out);
    let status = world.json(&["dns", "status"])?;
    assert_eq!(list(&status["upstreams"]).len(), 2, "{status:#}");

    // With both, names are answered when the first is gone.
    write(world.server.config(), &config)?;
    world.server.cli(&["reload"])?;
    first.stop();
    wait_until("names are answered without the first", || {
        let ran = there(&client, "dig", &["@10.77.0.1", "+tries=1", "+time=5", "www.example.org"])?;
        Ok((has_status(&ran, "NOERROR") && ran.out.contains("192.0.2.80")).then_some(()))
    })?;
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dig_finds_a_machine_of_a_link_without_ipv4_within_a_second_of_its_lease() -> Tried {
    need(PACKAGES)?;
    prepared()?;
    let mut link = Link::new()?;
    link.without_ipv4()?;
    let config = format!(
        "[server]\nname = \"boot\"\n\n[[network]]\ninterface = \"{}\"\nsubnet = \"fd77::/64\"\n\
         pool = [\"fd77::100-fd77::1ff\"]\ndomain = \"lab.example\"\n\n[dns]\nlisten = true\n",
        Link::INTERFACE
    );
    let server = Server::start(&binary()?, &link, &config)?;
    let client = link.client(MAC)?;
    client.link_local("fe80::5054:ff:fe77:501")?;
    let world = World::new(link, server, None);

    let directory = new_directory()?;
    let at = |name: &str| directory.path().join(name).display().to_string();
    write(
        at("conf"),
        "send fqdn.fqdn \"node6.elsewhere.example\";\nsend fqdn.encoded on;\n\
                       also request dhcp6.name-servers, dhcp6.domain-search;\n",
    )?;
    write(at("leases"), "")?;
    let (conf, leases, pid) = (at("conf"), at("leases"), at("pid"));
    let files = ["-cf", &*conf, "-lf", &*leases, "-pf", &*pid, "-sf", "/bin/true"];
    let ran = there(
        &client,
        "dhclient",
        &[&["-6", "-1", "-v"], &files[..], &[Link::INTERFACE]].concat(),
    )?;
    let since = Instant::now();
    let kept = std::fs::read_to_string(&leases).unwrap_or_default();
    let words = |word: &str| {
        let line = kept.lines().find(|line| line.trim_start().starts_with(word))?;
        line.split_whitespace().nth(1).map(|word| word.trim_end_matches(';').to_owned())
    };
    let Some(address) = words("iaaddr") else { panic!("{}\n{kept}", ran.said()) };
    assert!(kept.contains("dhcp6.name-servers fd77::1"), "{kept}");
    assert!(kept.contains("dhcp6.domain-search \"lab.example"), "{kept}");
    let own = format!("{address}/64");
    let flags = ["-6", "addr", "add", &*own, "dev", Link::INTERFACE, "nodad"];
    assert_eq!(there(&client, "ip", &flags)?.code, Some(0));

    let found = loop {
        let found = dig_of(&client, "fd77::1", &["AAAA", "node6.lab.example"])?;
        if !found.is_empty() || since.elapsed() > Duration::from_secs(5) {
            break found;
        }
    };
    assert_eq!(found, address, "its name answers");
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let name = dig_of(&client, "fd77::1", &["+tcp", "-x", &address])?;
    assert_eq!(name, "node6.lab.example.");
    let by_mac = dig_of(&client, "fd77::1", &["AAAA", "52-54-00-77-05-01.lab.example"])?;
    assert_eq!(by_mac, address);
    let why = world.json(&["dns", "explain", "node6.lab.example", "--type", "AAAA"])?;
    assert!(why["because"].as_str().unwrap_or_default().contains("calls itself so"), "{why:#}");
    Ok(())
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn doctor_names_whoever_has_port_53_before_the_start() -> Tried {
    need(PACKAGES)?;
    prepared()?;
    let link = Link::new()?;
    let directory = new_directory()?;
    let file = directory.path().join("bootwright.toml");
    write(&file, &config())?;
    let (state, file) = (directory.path().join("state"), file.display().to_string());
    let doctor = || -> Result<Vec<serde_json::Value>, Trouble> {
        let (program, state) = (binary()?.display().to_string(), state.display().to_string());
        let arguments = ["--state", &*state, "doctor", "--json", "--config", &*file];
        let ran = there(&link.server(), &program, &arguments)?;
        let findings = list(&json(&ran.out)).to_vec();
        Ok(findings.into_iter().filter(|f| f["what"].to_string().contains("port 53")).collect())
    };
    let free = doctor()?;
    assert!(free.len() == 2 && free.iter().all(|f| f["grade"] == "good"), "{free:#?}");
    // One on loopback, as a resolver of this host is, harms nobody.
    let loopback = dnsmasq(&link.server(), &["--bind-interfaces", "--listen-address=127.0.0.53"])?;
    let beside = doctor()?;
    assert!(beside.iter().all(|f| f["grade"] == "good"), "{beside:#?}");
    drop(loopback);
    let (_all, _kept) = dnsmasq(&link.server(), &[])?;
    let taken = doctor()?;
    for finding in &taken {
        assert_eq!((&finding["code"], &finding["grade"]), (&"D-PORT-TAKEN".into(), &"bad".into()));
        let words = finding.to_string();
        assert!(words.contains("dnsmasq (process") && words.contains("take [dns] out"), "{words}");
    }
    assert_eq!(taken.len(), 2, "UDP and TCP: {taken:#?}");
    Ok(())
}
