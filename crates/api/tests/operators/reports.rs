//! Reports of machines: what was recorded comes out, without secrets, and can be decided again.

use super::world::{World, mac};
use engine::{Datagram, Datagram6};
use hyper::Method;
use model::Network6;
use model::access::Role;
use model::network::{Mode, Network, Subnet};
use replay::{Report, Verdict};
use site::SiteHandle;
use std::net::SocketAddrV6;
use wire::dhcp4::{Message, MessageType, code};
use wire::dhcp6::{ALL_SERVERS, Association, Kind, Packet, duid};

/// A DISCOVER of PXE firmware.
fn discover(last: u8) -> Vec<u8> {
    let mut message = Message::request(mac(last).as_mac().unwrap(), 7);
    message.options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
    message.options.push(code::VENDOR_CLASS, b"PXEClient:Arch:00007:UNDI:003000".to_vec());
    message.options.push(code::CLIENT_ARCH, [0, 7]);
    message.encode(usize::MAX).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_to_a_machine_is_in_its_report_and_is_decided_the_same_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let site = &world.house.site;
    let mut settings = site.ask(|engine, _| engine.settings().clone()).await.unwrap();
    let server = [10, 0, 0, 1].into();
    let mut network = Network::new("lan", Mode::Dhcp, server, Subnet::new(server, 24).unwrap());
    network.pools = vec!["10.0.0.100-10.0.0.199".parse().unwrap()];
    settings.networks.push(network);
    site.configure(settings).await.unwrap();
    let link = "lan".to_owned();
    let (from, to) = ("0.0.0.0:68".parse().unwrap(), [255; 4].into());
    let datagram = Datagram { link, from, to, port: 67, bytes: discover(3) };
    assert!(site.dhcp(datagram).await.is_some());
    let token = world.token(1, "ada", Role::Admin, "").await;

    let path = format!("/api/v1/machines/{}/report", mac(3));
    let got = world.with_token(Method::GET, &path, &token, "").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let report = Report::read(&got.text).unwrap();
    let replayed = report.replay();
    assert_eq!(replayed.entries.len(), 1, "{replayed}");
    assert_eq!(replayed.entries[0].verdict, Verdict::Same, "{replayed}");
    assert!(got.text.contains(&mac(3).to_string()));
    assert!(!got.text.contains(&mac(4).to_string()), "another machine: {}", got.text);

    let got = world.with_token(Method::GET, &format!("{path}?mask=true"), &token, "").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let text = &got.text;
    assert!(!text.contains(&mac(3).to_string()) && !text.contains("10.0.0."), "{text}");
    let replayed = Report::read(&got.text).unwrap().replay();
    assert!(replayed.agrees(), "{replayed}");

    let got = world.with_token(Method::GET, "/api/v1/machines/nobody/report", &token, "").await;
    assert_eq!(got.status, 404, "{}", got.text);
    world.stop().await;
}

/// A message of PXE firmware over IPv6, and what it gets.
async fn over_ipv6(site: &SiteHandle, last: u8, kind: Kind, server: Option<Vec<u8>>) -> Packet {
    let card = mac(last).as_mac().unwrap();
    let mut packet = Packet::new(kind, [1, 2, last]);
    packet.client_id = Some(duid::of_mac(card));
    packet.server_id = server;
    packet.associations = vec![Association { iaid: 1, ..Association::default() }];
    packet.vendor_classes = vec![(343, vec![b"PXEClient:Arch:00007:UNDI:003000".to_vec()])];
    packet.archs = vec![7];
    let local = duid::address_of("fe80::".parse().unwrap(), card);
    let (link, from) = ("lan".to_owned(), SocketAddrV6::new(local, 546, 0, 2));
    let bytes = packet.encode().unwrap();
    let datagram = Datagram6 { link, from, to: ALL_SERVERS, bytes };
    Packet::parse(&site.dhcp6(datagram).await.unwrap().bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_over_ipv6_is_in_the_report_and_is_said_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let site = &world.house.site;
    let mut settings = site.ask(|engine, _| engine.settings().clone()).await.unwrap();
    let mut network =
        Network6::new("lan", "fd77::1".parse().unwrap(), "fd77::/64".parse().unwrap());
    // So few that who came first has what others would get.
    network.pools = vec!["fd77::100-fd77::102".parse().unwrap()];
    settings.networks6.push(network);
    site.configure(settings).await.unwrap();
    for last in [4, 3] {
        let server = over_ipv6(site, last, Kind::Solicit, None).await.server_id;
        for kind in [Kind::Request, Kind::Renew, Kind::Release] {
            let said = over_ipv6(site, last, kind, server.clone()).await;
            assert_eq!(said.kind, Kind::Reply);
            if last == 4 && kind == Kind::Renew {
                break;
            }
        }
    }
    let token = world.token(1, "ada", Role::Admin, "").await;
    let path = format!("/api/v1/machines/{}/report", mac(3));
    let got = world.with_token(Method::GET, &path, &token, "").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let replayed = Report::read(&got.text).unwrap().replay();
    assert_eq!(replayed.count(Verdict::Same), 4, "{replayed}");
    assert!(replayed.entries[0].asked == "DHCPv6 SOLICIT", "{replayed}");
    assert!(!got.text.contains(&mac(4).to_string()), "another machine: {}", got.text);

    let got = world.with_token(Method::GET, &format!("{path}?mask=true"), &token, "").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let own = model::address::hex_of(mac(3).bytes());
    for secret in [mac(3).to_string(), own, "fd77::".to_owned(), "fd770000".to_owned()] {
        assert!(!got.text.contains(&secret), "{secret}: {}", got.text);
    }
    let replayed = Report::read(&got.text).unwrap().replay();
    assert!(replayed.agrees() && replayed.entries.len() == 4, "{replayed}");
    world.stop().await;
}
