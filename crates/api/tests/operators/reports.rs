//! Reports of machines: what was recorded comes out, without secrets, and can be decided again.

use super::world::{World, mac};
use engine::Datagram;
use hyper::Method;
use model::access::Role;
use model::network::{Mode, Network, Subnet};
use replay::{Report, Verdict};
use wire::dhcp4::{Message, MessageType, code};

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
