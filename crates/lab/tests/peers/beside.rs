//! Beside another DHCP server: it owns the addresses, machines that boot get our answer as well,
//! and nobody else hears a word of ours.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lab::rig::Trouble;
use lab::rig::capture::Capture;
use lab::rig::dnsmasq::Dnsmasq;
use lab::rig::need::{self, need};
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use wire::dhcp4::{Message, MessageType, Op, Options, code};

use super::client::{Client, Kind};
use super::world::{
    PATIENCE, Ran, Tried, World, new_directory, prepared, proxy, ran, trouble, wait_until,
};

const MAC: &str = "52:54:00:77:03:01";
const PXE: [u8; 6] = [0x52, 0x54, 0x00, 0x77, 0x03, 0x02];
const PXE_MAC: &str = "52:54:00:77:03:02";
/// Long enough for both servers: dnsmasq looks for 3 s whether an address is taken.
const COLLECT: Duration = Duration::from_secs(5);

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn on_the_host_of_a_dnsmasq_that_was_there_before_us() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let peer = Dnsmasq::on_the_same_host(&link)?;
    let server = Server::start(&binary()?, &link, &proxy())?;
    dnsmasq_never_notices(World::new(link, server, Some(peer)))
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn on_the_host_of_a_dnsmasq_that_comes_after_us() -> Tried {
    let mut world = World::alone(&proxy())?;
    world.peer = Some(Dnsmasq::on_the_same_host(&world.link)?);
    dnsmasq_never_notices(world)
}

fn dnsmasq_never_notices(mut world: World) -> Tried {
    need(need::CAPTURE)?;
    let directory = new_directory()?;
    let capture = Capture::start(&world.link, directory.path())?;

    // A plain client is dnsmasq's alone, for its whole life.
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    let given = client.bound(0)?;
    assert_eq!(given.server, Link::SERVER, "{given:?}");
    let told = client.given().len();
    client.renew()?;
    assert_eq!(client.bound(told)?.address, given.address);
    client.release()?;

    // A machine that boots gets its address from dnsmasq and its boot file from us.
    let firmware = world.client_at(PXE_MAC, "10.77.0.51/24")?;
    let offers = ask(&firmware, &discover(), (Ipv4Addr::BROADCAST, 67))?;
    let [ours] = proxies(&offers)[..] else { panic!("one offer of a proxy: {offers:#?}") };
    is_a_boot_answer(ours, MessageType::Offer);
    assert_eq!(offers.len(), 2, "one offer of each: {offers:#?}");
    let acks = ask(&firmware, &request(), (Ipv4Addr::new(10, 77, 0, 1), 4011))?;
    let [ack] = &acks[..] else { panic!("one answer on 4011: {acks:#?}") };
    is_a_boot_answer(ack, MessageType::Ack);

    let file = capture.end()?;
    let Some(peer) = &world.peer else { panic!("there is a dnsmasq") };
    let log = peer.log().text();
    // Every reply to the plain client on the wire is one that dnsmasq tells of: none is ours.
    let replies = replies_to(MAC, &file)?;
    for (what, kind) in [("DHCPOFFER", "2"), ("DHCPACK", "5")] {
        let told = log.lines().filter(|line| line.contains(what) && line.contains(MAC)).count();
        let wire = replies.iter().filter(|reply| reply.starts_with(kind)).count();
        assert!(told > 0 && told == wire, "{what}: {told} told, {wire} sent\n{replies:?}\n{log}");
    }
    for reply in &replies {
        assert!(reply.contains(&given.address), "a reply without the address: {replies:?}");
    }
    assert!(log.contains("DHCPRELEASE"), "its client released the address:\n{log}");
    // It saw the firmware's DISCOVER, answered it, and has nothing to complain about.
    for trouble in ["DHCPNAK", "DHCPDECLINE", "error", "failed", "ignored", "not available"] {
        assert!(!log.contains(trouble), "dnsmasq says {trouble}:\n{log}");
    }
    let on_4011 = log.lines().filter(|line| line.contains(PXE_MAC)).collect::<Vec<_>>();
    assert!(!on_4011.iter().any(|line| line.contains("DHCPREQUEST")), "{on_4011:#?}");
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn auto_finds_the_other_server_and_only_boots() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let peer = Dnsmasq::start(&link)?;
    let server = Server::by_flags(&binary()?, &link, &["--interface", Link::INTERFACE])?;
    let mut world = World::new(link, server, Some(peer));
    wait_until("it says whom it found", || {
        let log = world.server.log().text();
        Ok(log.contains(&format!("addresses come from {}", Link::PEER)).then_some(()))
    })?;
    let status = world.json(&["status"])?;
    assert_eq!(status["networks"][0]["mode"], "auto", "{status}");

    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    assert_eq!(client.bound(0)?.server, Link::PEER);
    let firmware = world.client_at(PXE_MAC, "10.77.0.51/24")?;
    let offers = ask(&firmware, &discover(), (Ipv4Addr::BROADCAST, 67))?;
    let [ours] = proxies(&offers)[..] else { panic!("one offer of a proxy: {offers:#?}") };
    is_a_boot_answer(ours, MessageType::Offer);
    let leases = world.json(&["lease", "list"])?;
    assert_eq!(leases, serde_json::json!([]), "a proxy has no leases");
    drop(client);
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn auto_on_the_host_of_a_dnsmasq_finds_it() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let peer = Dnsmasq::on_the_same_host(&link)?;
    let server = Server::by_flags(&binary()?, &link, &["--interface", Link::INTERFACE])?;
    let mut world = World::new(link, server, Some(peer));
    let finding = wait_until("it says whom it found", || {
        let log = world.server.log().text();
        Ok(log.lines().find(|line| line.contains("addresses")).map(str::to_owned))
    })?;
    assert!(finding.contains("dnsmasq (process"), "{finding}");
    // Nor does the doctor take the link for one without addresses.
    let doctor = world.operator(&["doctor", "--json"])?;
    assert_eq!(doctor.code, Some(0), "{}", doctor.said());
    assert!(doctor.out.contains("eth0: dnsmasq (process"), "{}", doctor.out);

    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    client.bound(0)?;
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn auto_alone_gives_nothing_and_says_how_it_would() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let server = Server::by_flags(&binary()?, &link, &["--interface", Link::INTERFACE])?;
    let mut world = World::new(link, server, None);
    wait_until("it says how to give addresses", || {
        let log = world.server.log().text();
        Ok(log.contains("--interface eth0 --dhcp 10.77.0.0/24").then_some(()))
    })?;
    let namespace = world.link.client(MAC)?;
    let without = super::world::there(
        &namespace,
        "udhcpc",
        &["-f", "-n", "-q", "-t", "2", "-T", "1", "-i", "eth0", "-s", "/bin/true"],
    )?;
    assert_eq!(without.code, Some(1), "{}", without.said());
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dhcp_by_flag_gives_addresses_where_nobody_else_does() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let flags = ["--interface", Link::INTERFACE, "--dhcp", "10.77.0.0/24"];
    let server = Server::by_flags(&binary()?, &link, &flags)?;
    let mut world = World::new(link, server, None);
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    let given = client.bound(0)?;
    assert!(given.address.starts_with("10.77.0.1"), "of a pool chosen with sense: {given:?}");
    assert_eq!(given.mask, "255.255.255.0");
    assert_eq!(given.server, Link::SERVER);
    drop(client);
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dhcp_by_flag_is_refused_beside_another_server() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let _peer = Dnsmasq::start(&link)?;
    let (refused, left) = serve_dhcp(&link)?;
    assert_eq!(refused.code, Some(4), "{}", refused.said());
    assert!(refused.err.contains(Link::PEER) && refused.err.contains("hint:"), "{}", refused.err);
    assert!(!refused.out.contains("ready") && !left, "nothing was begun: {}", refused.said());
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn dhcp_by_flag_is_refused_on_the_host_of_another_server() -> Tried {
    prepared()?;
    let link = Link::new()?;
    let _peer = Dnsmasq::on_the_same_host(&link)?;
    let (refused, _) = serve_dhcp(&link)?;
    assert!(refused.err.contains("dnsmasq"), "{}", refused.said());
    assert_eq!(refused.code, Some(4), "{}", refused.said());
    Ok(())
}

/// Tries to give addresses by flag; how that ended, and whether it made a state directory.
fn serve_dhcp(link: &Link) -> Result<(Ran, bool), Trouble> {
    let directory = new_directory()?;
    let state = directory.path().join("state");
    let mut command = link.server().command(binary()?);
    command.args(["serve", "--interface", Link::INTERFACE, "--dhcp", "10.77.0.0/24", "--state"]);
    let refused = ran(command.arg(&state))?;
    assert!(refused.took < PATIENCE);
    Ok((refused, state.exists()))
}

/// What x64 UEFI firmware asks first.
pub fn discover() -> Message {
    let mut options = Options::new();
    options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
    options.push(code::MAX_MESSAGE_SIZE, 1472_u16.to_be_bytes());
    options.push(code::PARAMETER_LIST, [1, 2, 3, 4, 6, 12, 13, 43, 54, 60, 66, 67, 97]);
    options.push(code::CLIENT_MACHINE_ID, [&[0][..], &[0x77; 16]].concat());
    options.push(code::CLIENT_NDI, [1, 3, 16]);
    options.push(code::CLIENT_ARCH, [0, 7]);
    options.push(code::VENDOR_CLASS, *b"PXEClient:Arch:00007:UNDI:003016");
    Message { secs: 4, flags: 0x8000, options, ..Message::request(PXE, 0x7703_0201) }
}

/// What it asks the proxy on port 4011, once it has an address.
fn request() -> Message {
    let mut message = discover();
    message.options.remove(code::MESSAGE_TYPE);
    message.options.push(code::MESSAGE_TYPE, [MessageType::Request.number()]);
    message.ciaddr = Ipv4Addr::new(10, 77, 0, 51);
    message.flags = 0;
    message
}

/// Sends it from port 68, and collects every answer.
pub fn ask(
    namespace: &Namespace,
    message: &Message,
    to: (Ipv4Addr, u16),
) -> Result<Vec<Message>, Trouble> {
    let cannot = |e| trouble("asking as firmware does", e);
    let socket = namespace.inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 68)))?;
    let socket = socket.map_err(cannot)?;
    socket.set_broadcast(true).map_err(cannot)?;
    let bytes = message.encode(1472).unwrap_or_else(|e| panic!("{e}"));
    socket.send_to(&bytes, to).map_err(cannot)?;

    let end = Instant::now() + COLLECT;
    let mut answers = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(answers);
        }
        socket.set_read_timeout(Some(left)).map_err(cannot)?;
        let Ok((length, _)) = socket.recv_from(&mut buffer) else { continue };
        let answer = Message::parse(&buffer[..length]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((answer.op, answer.xid), (Op::Reply, message.xid), "{answer:?}");
        answers.push(answer);
    }
}

/// Those without an address.
fn proxies(answers: &[Message]) -> Vec<&Message> {
    answers.iter().filter(|answer| answer.yiaddr.is_unspecified()).collect()
}

fn is_a_boot_answer(answer: &Message, kind: MessageType) {
    assert_eq!(answer.options.message_type(), Some(Ok(kind)), "{answer:?}");
    let server: Ipv4Addr = [10, 77, 0, 1].into();
    assert_eq!(answer.options.ip(code::SERVER_ID), Some(server), "{answer:?}");
    assert_eq!(answer.options.get(code::VENDOR_CLASS).as_deref(), Some(&b"PXEClient"[..]));
    assert!(answer.file_name().starts_with(b"loader/"), "{answer:?}");
    for address in [code::SUBNET_MASK, code::ROUTER, code::LEASE_TIME] {
        assert!(!answer.options.contains(address), "a proxy gives no addresses: {answer:?}");
    }
}

/// Replies to this MAC in the capture: type, address, server.
fn replies_to(mac: &str, file: &Path) -> Result<Vec<String>, Trouble> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file);
    // An ICMP error quotes what it is about.
    let filter = format!("dhcp.type == 2 && dhcp.hw.mac_addr == {mac} && !icmp");
    command.args(["-Y", &filter, "-T", "fields"]);
    for field in ["dhcp.option.dhcp", "dhcp.ip.your", "dhcp.option.dhcp_server_id"] {
        command.args(["-e", field]);
    }
    let shown = ran(&command)?;
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    Ok(shown.out.lines().map(str::to_owned).collect())
}
