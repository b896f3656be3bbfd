//! Drafts, as the UI sends them while somebody writes: what is wrong is said in its place, nothing is changed, and
//! whoever saves over somebody else's rules is told.

use super::world::{Got, World, mac};
use engine::Command;
use hyper::Method;
use model::access::Role;
use serde_json::{Value, json};

struct Ada {
    world: World,
    bearer: String,
}

impl Ada {
    async fn new(folder: &std::path::Path) -> Self {
        let world = World::peopled(folder).await;
        let image = model::Image::new("debian", "/srv", model::Now(0));
        world.does(Command::PublishImage(image)).await;
        let bearer = format!("Bearer {}", world.token(1, "ada", Role::Admin, "").await);
        let ada = Self { world, bearer };
        for name in ["live", "kiosk"] {
            let (path, body) = (format!("/profiles/{name}"), json!({"image": "debian"}));
            assert_eq!(ada.ask(Method::PUT, &path, &body).await.status, 200);
        }
        ada
    }

    async fn tagged(&self, method: Method, path: &str, tag: Option<&str>, body: &Value) -> Got {
        let mut headers = vec![("authorization", self.bearer.as_str())];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.world.ask(method, &format!("/api/v1{path}"), &headers, &body).await
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> Got {
        self.tagged(method, path, None, body).await
    }

    async fn read(&self, method: Method, path: &str, body: &Value) -> Value {
        let got = self.ask(method, path, body).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        serde_json::from_str(&got.text).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_written_rules_are_looked_at_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    let draft = json!({ "rules": [
        { "conditions": ["label:room=3"], "profile": "kiosk" },
        { "conditions": ["memory=lots", "label:room=4"], "profile": "nobody" },
    ]});
    let seen = ada.read(Method::POST, "/rules/preview", &draft).await;
    let faults = seen["rules"][1]["faults"].as_array().unwrap();
    let places: Vec<&Value> = faults.iter().map(|fault| &fault["condition"]).collect();
    assert_eq!(places, [&Value::Null, &json!(0)], "{faults:?}");
    assert!(seen["changes"].is_null() && seen["says"].is_null());

    let draft = json!({ "rules": [
        { "conditions": ["label:room=3"], "profile": "kiosk" },
        { "conditions": ["label:room=3", "arch=x64-uefi"], "profile": "live" },
    ]});
    let seen = ada.read(Method::POST, "/rules/preview", &draft).await;
    assert_eq!((&seen["changes"]["looked"], &seen["changes"]["count"]), (&json!(2), &json!(1)));
    assert_eq!(seen["changes"]["whole"], true);
    let shift = &seen["changes"]["machines"][0];
    assert_eq!((&shift["mac"], &shift["from"]), (&json!(mac(3).to_string()), &Value::Null));
    assert_eq!(shift["to"], json!({ "rule": 1, "profile": "kiosk" }));
    assert!(seen["rules"][1]["unreached"].as_str().unwrap().contains("is never reached"));
    assert!(seen["rules"][0]["unreached"].is_null());
    assert_eq!(ada.read(Method::GET, "/rules", &Value::Null).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_write_the_rules_the_second_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    let got = ada.ask(Method::GET, "/rules", &Value::Null).await;
    let tag = got.headers.get("etag").unwrap().to_str().unwrap().to_owned();
    let rules = |profile: &str| json!({ "rules": [{ "conditions": [], "profile": profile }] });
    let first = ada.tagged(Method::PUT, "/rules", Some(&tag), &rules("live")).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let late = ada.tagged(Method::PUT, "/rules", Some(&tag), &rules("kiosk")).await;
    assert_eq!(late.status, 412, "{}", late.text);
    let kept = ada.read(Method::GET, "/rules", &Value::Null).await;
    assert_eq!((&kept[0]["id"], &kept[0]["profile"]), (&json!(1), &json!("live")));
    // The same rule, changed, keeps its number.
    let changed =
        json!({ "rules": [{ "id": 1, "conditions": ["arch=x64-uefi"], "profile": "kiosk" }] });
    let dry = ada.read(Method::PUT, "/rules?dry_run=true", &changed).await;
    assert_eq!(dry["says"], "rule 1 (everybody → live) becomes rule 1 (arch=x64-uefi → kiosk)");
    assert_eq!(ada.read(Method::GET, "/rules", &Value::Null).await[0]["profile"], "live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_wrong_at_its_line_and_a_menu_of_a_network_is_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    let wrong = json!({ "text": "one\n{% if %}\n" });
    let seen = ada.read(Method::POST, "/templates/own.preseed/preview", &wrong).await;
    assert_eq!(seen["wrong"]["line"], 2, "{seen}");
    let machine = mac(3).to_string();
    let right = json!({ "text": "d-i a/b string {{ machine.mac }}\n", "machine": machine });
    let seen = ada.read(Method::POST, "/templates/own.preseed/preview", &right).await;
    assert_eq!(seen["rendered"]["text"], format!("d-i a/b string {machine}\n"), "{seen}");
    assert_eq!(seen["says"], "template own.preseed is added");
    let got = ada.ask(Method::GET, "/templates/own.preseed", &Value::Null).await;
    assert_eq!(got.status, 404, "nothing was kept");

    // What `If-Match` compares is the menu of the address.
    let body = json!({ "network": "lan", "entries": [] });
    let other = ada.ask(Method::PUT, "/menu?network=other", &body).await;
    assert_eq!(other.status, 400, "{}", other.text);

    let draft = json!({ "profile": { "image": "nothing" } });
    let seen = ada.read(Method::POST, "/profiles/live/preview", &draft).await;
    assert_eq!(seen["refused"]["detail"], "there is no image nothing");
    assert_eq!(ada.read(Method::GET, "/profiles/live", &Value::Null).await["image"], "debian");
}
