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
    for limit in ["0", "1001"] {
        assert_eq!(get(&format!("/api/v1/boots?limit={limit}")).await.status, 400);
    }
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
