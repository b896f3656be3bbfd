//! Leases and reservations of both families: one list, one way to end and to promise them.

use super::world::{Got, World};
use engine::{Datagram6, Settings};
use hyper::Method;
use model::access::Role;
use model::{Network, Network6, network::Mode};
use serde_json::Value;
use std::net::{Ipv6Addr, SocketAddrV6};
use wire::dhcp6::{ALL_SERVERS, Association, Kind, Packet, duid};

const CARD: [u8; 6] = [0x52, 0x54, 0, 0, 0, 3];
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);

fn json(got: &Got) -> Value {
    serde_json::from_str(&got.text).unwrap()
}

/// Serves both families on `lan`.
async fn serve_both(world: &World) {
    let settings = world.house.site.ask(|engine, _| engine.settings().clone()).await.unwrap();
    let server = "10.77.0.1".parse().unwrap();
    let four = Network {
        pools: vec!["10.77.0.100-10.77.0.199".parse().unwrap()],
        ..Network::new("lan", Mode::Dhcp, server, "10.77.0.0/24".parse().unwrap())
    };
    let six = Network6 {
        pools: vec!["fd77::-fd77::ffff:ffff:ffff:ffff".parse().unwrap()],
        ..Network6::new("lan", "fd77::1".parse().unwrap(), "fd77::/64".parse().unwrap())
    };
    let settings = Settings { networks: vec![four], networks6: vec![six], ..settings };
    world.house.site.configure(settings).await.unwrap();
}

async fn said(world: &World, from: Ipv6Addr, packet: &Packet) -> Packet {
    let from = SocketAddrV6::new(from, 546, 0, 2);
    let bytes = packet.encode().unwrap();
    let datagram = Datagram6 { link: "lan".into(), from, to: ALL_SERVERS, bytes };
    let reply = world.house.site.dhcp6(datagram).await.expect("an answer");
    Packet::parse(&reply.bytes).unwrap()
}

/// A system takes the address that it is offered.
async fn bind(world: &World, from: Ipv6Addr, identifier: &[u8]) -> String {
    let solicit = Packet {
        client_id: Some(identifier.to_vec()),
        associations: vec![Association { iaid: 7, ..Association::default() }],
        ..Packet::new(Kind::Solicit, [1, 2, 3])
    };
    let offer = said(world, from, &solicit).await;
    let request = Packet {
        kind: Kind::Request,
        server_id: offer.server_id,
        associations: offer.associations,
        ..solicit
    };
    let reply = said(world, from, &request).await;
    reply.associations[0].addresses[0].address.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_of_both_families_are_listed_shown_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    serve_both(&world).await;
    let token = world.token(1, "oscar", Role::Operator, "").await;
    let ask = async |method: Method, path: &str| world.with_token(method, path, &token, "").await;

    let near = duid::address_of(LINK_LOCAL, CARD);
    let known = bind(&world, near, &duid::of_mac(CARD)).await;
    // Its card can be told by nothing.
    let hidden = bind(&world, "fe80::1234".parse().unwrap(), &[0, 2, 0, 0, 9, 9, 1]).await;
    let list = json(&ask(Method::GET, "/api/v1/leases").await);
    let of = |address: &str| list.as_array().unwrap().iter().find(|l| l["address"] == address);
    let one = of(&known).unwrap();
    assert_eq!((&one["mac"], &one["state"]), (&"52:54:00:00:00:03".into(), &"bound".into()));
    assert_eq!((&one["duid"], &one["iaid"]), (&"00030001525400000003".into(), &7.into()));
    let other = of(&hidden).unwrap();
    assert_eq!((&other["mac"], &other["duid"]), (&Value::Null, &"00020000090901".into()));

    let shown = json(&ask(Method::GET, &format!("/api/v1/leases/{known}")).await);
    assert_eq!(&shown, one);
    let machine = json(&ask(Method::GET, "/api/v1/machines/52:54:00:00:00:03").await);
    assert_eq!((&machine["ipv6"][0], &machine["address"]), (&known.as_str().into(), &Value::Null));
    let machines = json(&ask(Method::GET, "/api/v1/machines").await);
    let listed = machines.as_array().unwrap().iter().find(|m| m["mac"] == "52:54:00:00:00:03");
    assert_eq!(listed.unwrap()["ipv6"][0], known.as_str());
    let status = json(&ask(Method::GET, "/api/v1/status").await);
    assert_eq!((&status["leases"], &status["leases_ipv6"]), (&0.into(), &2.into()));
    assert_eq!(status["networks"][1]["subnet"], "fd77::/64");
    let networks = json(&ask(Method::GET, "/api/v1/networks").await);
    let [four, six] = &networks.as_array().unwrap()[..] else { panic!("{networks:#}") };
    assert_eq!((&four["family"], &four["advertise"]), (&"ipv4".into(), &Value::Null));
    assert_eq!((&six["family"], &six["mode"]), (&"ipv6".into(), &"dhcp".into()));
    assert_eq!(six["numbers"]["leased"], 2, "{six:#}");
    assert!(six["because"].as_str().unwrap().contains("has to say that addresses come by DHCPv6"));
    let numbers = ask(Method::GET, "/metrics").await.text;
    let pool = |what: &str| format!("bootwright_pool_{what}{{link=\"lan\",subnet=\"fd77::/64\"}} ");
    assert!(numbers.contains(&format!("{}2\n", pool("leased"))), "{numbers}");
    assert!(numbers.contains(&format!("{}18446744073709551615\n", pool("addresses"))));

    // By its machine, then by its address; a dry run ends nothing.
    let dry = ask(Method::DELETE, &format!("/api/v1/leases/{hidden}?dry_run=true")).await;
    assert_eq!(json(&dry)["done"], false);
    let by_machine = ask(Method::DELETE, "/api/v1/leases/52:54:00:00:00:03").await;
    assert!(
        by_machine.text.contains(&format!("the lease of {known} ended")),
        "{}",
        by_machine.text
    );
    assert_eq!(ask(Method::DELETE, &format!("/api/v1/leases/{hidden}")).await.status, 200);
    let again = ask(Method::DELETE, &format!("/api/v1/leases/{hidden}")).await;
    assert!(again.status == 409 && again.text.contains("nobody holds"), "{}", again.text);
    let history = json(&ask(Method::GET, &format!("/api/v1/leases/{known}/history")).await);
    assert_eq!(history["now"][0]["state"], "released");
    let log = world.log().await;
    assert!(log.iter().any(|r| r.target.as_deref() == Some(&format!("lease {known}"))));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_of_both_families_are_reserved_alike() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    serve_both(&world).await;
    let token = world.token(1, "oscar", Role::Operator, "").await;
    let add = async |body: &str| {
        world.with_token(Method::POST, "/api/v1/reservations", &token, body).await
    };
    for (body, status) in [
        (r#"{"address":"10.77.0.7","holder":{"mac":"52:54:00:00:00:03"}}"#, 200),
        (r#"{"address":"fd77::7","holder":{"mac":"52:54:00:00:00:03"},"host_name":"web"}"#, 200),
        (r#"{"address":"fd77::8","holder":{"duid":"00030001525400000004"}}"#, 200),
        (r#"{"address":"fd77::9","holder":{"uuid":"00112233-4455-6677-8899-aabbccddeeff"}}"#, 200),
        (r#"{"address":"fd77::7","holder":{"mac":"52:54:00:00:00:04"}}"#, 409),
        (r#"{"address":"fd99::7","holder":{"mac":"52:54:00:00:00:04"}}"#, 409),
        (r#"{"address":"fd77::a","holder":{"duid":"not hexadecimal"}}"#, 400),
        (r#"{"address":"fd77::a","holder":{"client-id":"0102"}}"#, 400),
        (r#"{"address":"10.77.0.8","holder":{"duid":"00030001525400000004"}}"#, 400),
    ] {
        let got = add(body).await;
        assert_eq!(got.status, status, "{body}: {}", got.text);
    }
    let near = duid::address_of(LINK_LOCAL, CARD);
    assert_eq!(bind(&world, near, &duid::of_mac(CARD)).await, "fd77::7");
    let list = world.with_token(Method::GET, "/api/v1/reservations", &token, "").await;
    let list = json(&list);
    let shown: Vec<&str> =
        list.as_array().unwrap().iter().flat_map(|r| r["address"].as_str()).collect();
    assert_eq!(shown, ["10.77.0.7", "fd77::7", "fd77::8", "fd77::9"]);
    let (leased, network) = (&list[1]["leased"], &list[1]["network"]);
    assert_eq!((leased, network), (&true.into(), &"lan".into()));
    assert_eq!(list[2]["holder"], serde_json::json!({ "duid": "00030001525400000004" }));
    assert_eq!(list[2]["holder_shown"], "DUID 00030001525400000004");
    let path = "/api/v1/machines/52:54:00:00:00:03";
    let machine = json(&world.with_token(Method::GET, path, &token, "").await);
    assert_eq!(machine["reservations"], serde_json::json!(["10.77.0.7", "fd77::7"]));

    let path = "/api/v1/reservations/fd77::7";
    let gone = world.with_token(Method::DELETE, path, &token, "").await;
    assert!(gone.status == 200 && gone.text.contains("no longer reserved"), "{}", gone.text);
    let log = world.log().await;
    let about = log.iter().filter(|r| r.target.as_deref() == Some("reservation fd77::7"));
    let did: Vec<&str> = about.map(|record| record.what.as_str()).collect();
    assert!(did.contains(&"add-reservation") && did.contains(&"remove-reservation"), "{did:?}");
    world.stop().await;
}
