//! Boots: who sees which, in which form.

use super::world::{Got, World, mac};
use hyper::Method;
use model::access::Role;
use model::client::Stage;
use model::event::{Carrier, Speaker};
use model::{Arch, Event, Firmware, Happening};
use serde_json::Value;
use std::time::Duration;

/// A machine's firmware asks and fetches a loader whose name is hostile.
fn boots(world: &World, room: u8) {
    let card = mac(room);
    let tell = |what: Happening, speaker: Option<Speaker>| {
        let mut event = Event::new(world.house.site.now(), Some(card), Some("lan".into()), what);
        event.speaker = speaker.map(Box::new);
        world.house.site.tell(event);
    };
    let speaker = Speaker {
        card,
        stage: Stage::Firmware,
        firmware: Firmware::Pxe,
        arch: Some(Arch::X64Uefi),
        vendor_class: None,
        relay: None,
        server: None,
        port: 67,
        exchange: 1,
        asking_s: 0,
        renews: false,
    };
    let answered = Happening::Answered {
        asked: "DISCOVER".into(),
        answer: "OFFER".into(),
        address: None,
        file: Some("loader/a.efi".into()),
        because: Vec::new(),
    };
    tell(answered, Some(speaker));
    world.later(Duration::from_secs(12));
    let (file, by) = ("loader/<script>alert(1)</script>.efi".to_owned(), Carrier::Tftp);
    let done = Happening::TransferDone { file, by, size: 4096, took_ms: 0, again: 0 };
    tell(done, None);
}

fn json(got: &Got) -> Value {
    serde_json::from_str(&got.text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_is_shown_as_data_as_text_and_as_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let mut feed = world.house.site.events();
    boots(&world, 3);
    let told = [feed.recv().await.unwrap(), feed.recv().await.unwrap()];
    let viewer = world.token(1, "vera", Role::Viewer, "").await;
    let get = async |path: &str| world.with_token(Method::GET, path, &viewer, "").await;

    let of = json(&get(&format!("/api/v1/machines/{}/boots", mac(3))).await);
    let id = of[0]["story"]["id"].as_str().unwrap().to_owned();
    assert!(told.iter().all(|event| event.boot.unwrap().to_string() == id), "{told:?}");
    let list = json(&get("/api/v1/boots").await);
    assert_eq!((&list[0]["id"], list.as_array().unwrap().len()), (&of[0]["story"]["id"], 1));
    assert_eq!(list[0]["totals"]["bytes"], 4096);
    let one = json(&get(&format!("/api/v1/boots/{id}")).await);
    assert_eq!(one, of[0]);
    let gap = &one["story"]["gaps"][0];
    assert_eq!(gap["means"], "firmware waits for a second offer");
    assert_eq!(gap["usual"], false);

    let text = get(&format!("/api/v1/boots/{id}.txt")).await;
    assert!(text.text.contains("12 s silent: firmware waits for a second offer"), "{}", text.text);
    let svg = get(&format!("/api/v1/boots/{id}.svg")).await;
    assert_eq!(svg.headers["content-type"], "image/svg+xml");
    let policy = svg.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(svg.text.contains("loader/&lt;script&gt;alert(1)") && !svg.text.contains("<script"));
    let accepts = [("authorization", &*format!("Bearer {viewer}")), ("accept", "image/svg+xml")];
    let accepted = world.ask(Method::GET, &format!("/api/v1/boots/{id}"), &accepts, "").await;
    assert_eq!(accepted.text, svg.text);

    for wrong in ["b0000000z", "nobody", &format!("{id}.png"), "b0000000z.svg"] {
        let got = get(&format!("/api/v1/boots/{wrong}")).await;
        assert_eq!(got.status, 404, "{wrong}");
        assert!(got.text.contains("is remembered"), "{}", got.text);
    }
    for wrong in ["limit=0", "limit=1001", "ending=well", "furthest=moon", "since=then", "what=x"] {
        assert_eq!(get(&format!("/api/v1/boots?{wrong}")).await.status, 400, "{wrong}");
    }
    assert_eq!(told[1].furthest, Some(model::story::BootStage::Loader));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_boots_of_machines_that_are_not_his() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    for room in [3, 4, 99] {
        boots(&world, room);
    }
    let sue = world.token(1, "sue", Role::Viewer, "").await;
    let vera = world.token(2, "vera", Role::Viewer, "").await;
    let list = async |token: &str, query: &str| {
        json(&world.with_token(Method::GET, &format!("/api/v1/boots{query}"), token, "").await)
    };
    let all = list(&vera, "").await;
    let of = |list: &Value, room: u8| {
        let mut all = list.as_array().unwrap().iter();
        let boot = all.find(|boot| boot["machine"] == mac(room).to_string());
        boot.map(|boot| boot["id"].as_str().unwrap().to_owned())
    };
    assert_eq!(all.as_array().unwrap().len(), 3);
    // The limit counts what he sees.
    let hers = list(&sue, "?limit=1").await;
    assert_eq!((hers.as_array().unwrap().len(), of(&hers, 3)), (1, of(&all, 3)));
    for (room, status) in [(3, 200), (4, 404), (99, 404)] {
        for form in ["", ".svg", ".txt"] {
            let path = format!("/api/v1/boots/{}{form}", of(&all, room).unwrap());
            let got = world.with_token(Method::GET, &path, &sue, "").await;
            assert_eq!(got.status, status, "{path}");
            assert_eq!(world.with_token(Method::GET, &path, &vera, "").await.status, 200);
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_the_boots_that_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let began = world.house.site.now();
    boots(&world, 3);
    world.later(Duration::from_secs(3600));
    let later = world.house.site.now();
    boots(&world, 3);
    boots(&world, 4);
    let vera = world.token(1, "vera", Role::Viewer, "").await;
    let count = async |query: &str| {
        let path = format!("/api/v1/boots?{query}");
        let got = world.with_token(Method::GET, &path, &vera, "").await;
        assert_eq!(got.status, 200, "{query}: {}", got.text);
        json(&got).as_array().unwrap().len()
    };
    for (query, so_many) in [
        ("", 2),
        ("all=true", 3),
        ("all=true&limit=2", 2),
        (&format!("all=true&machine={}", mac(3)), 2),
        (&format!("machine={}", mac(3)), 1),
        (&format!("machine={}", mac(77)), 0),
        ("all=true&ending=goes-on", 2),
        ("all=true&ending=stopped", 1),
        ("furthest=loader", 2),
        ("furthest=kernel", 0),
        (&format!("all=true&before={began}"), 1),
        (&format!("all=true&since={later}"), 2),
        ("all=true&diagnosed=true", 0),
        ("all=true&diagnosed=false", 3),
    ] {
        assert_eq!(count(query).await, so_many, "{query}");
    }
    let all = json(&world.with_token(Method::GET, "/api/v1/boots?all=true", &vera, "").await);
    let all = all.as_array().unwrap();
    let of_3: Vec<&Value> = all.iter().filter(|b| b["machine"] == mac(3).to_string()).collect();
    assert!(of_3[0]["from"].as_u64() > of_3[1]["from"].as_u64(), "the newest first: {of_3:?}");
    assert_eq!(of_3[1]["outcome"], "stopped at loader");

    // Whoever sees a part of the fleet is not told which names there are in the rest of it.
    let sue = world.token(2, "sue", Role::Viewer, "").await;
    let of = async |named: &str| {
        let path = format!("/api/v1/boots?machine={named}");
        world.with_token(Method::GET, &path, &sue, "").await
    };
    assert_eq!(json(&of(&mac(4).to_string()).await).as_array().unwrap().len(), 0);
    assert_eq!(of("nobody").await.status, 404);
    world.stop().await;
}
