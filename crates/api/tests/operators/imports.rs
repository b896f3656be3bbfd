//! Imports that go on by themselves: how far they are, who may stop them, how many there may be; and what
//! differs between two versions.

use super::world::World;
use api::doing::imports::{ENDED_MAX, RUNNING_MAX};
use hyper::Method;
use model::access::Role;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

const IMPORTS: &str = "/api/v1/imports";

async fn begin(world: &World, token: &str, wish: &Value) -> Value {
    let got = world.with_token(Method::POST, IMPORTS, token, &wish.to_string()).await;
    assert_eq!(got.status, 200, "{}", got.text);
    serde_json::from_str(&got.text).unwrap()
}

/// How it stands when it has ended.
async fn ended(world: &World, token: &str, begun: &Value) -> Value {
    let path = format!("{IMPORTS}/{}", begun["id"].as_str().unwrap());
    loop {
        let got = world.with_token(Method::GET, &path, token, "").await;
        let import: Value = serde_json::from_str(&got.text).unwrap();
        if import["ended"].is_string() {
            return import;
        }
        tokio::task::yield_now().await;
    }
}

fn folder(at: &Path, files: &[(&str, &str)]) -> PathBuf {
    for (path, content) in files {
        let file = at.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
    at.to_owned()
}

/// A publisher that takes every request and never says a word; gives what its URLs begin with.
async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    format!("http://{at}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_by_itself_and_what_differs_is_told() {
    let temp = tempfile::tempdir().unwrap();
    let world = World::peopled(temp.path()).await;
    let admin = world.token(1, "ada", Role::Admin, "").await;
    let viewer = world.token(2, "vera", Role::Viewer, "").await;
    let old = folder(&temp.path().join("old"), &[("a", "same"), ("b", "old"), ("c", "gone")]);
    let new = folder(&temp.path().join("new"), &[("a", "same"), ("b", "new"), ("d/e", "came")]);
    let dry = world
        .with_token(
            Method::POST,
            &format!("{IMPORTS}?dry_run=true"),
            &admin,
            &json!({ "name": "shelf", "path": old }).to_string(),
        )
        .await;
    let dry = ended(&world, &viewer, &serde_json::from_str(&dry.text).unwrap()).await;
    assert_eq!((&dry["state"], &dry["dry_run"]), (&json!("done"), &json!(true)), "{dry}");
    let missing = world.with_token(Method::GET, "/api/v1/images/shelf", &viewer, "").await;
    assert_eq!(missing.status, 404, "a dry run published something");

    for (path, title, version) in [(old, "first", 1), (new, "second", 2)] {
        let wish = json!({ "name": "shelf", "path": path, "title": title });
        let begun = begin(&world, &admin, &wish).await;
        assert_eq!(begun["source"], path.to_str().unwrap());
        let done = ended(&world, &viewer, &begun).await;
        assert_eq!((&done["state"], &done["version"]), (&json!("done"), &json!(version)), "{done}");
        assert!(done["by"].as_str().unwrap().starts_with("ada (token ci, "), "{done}");
    }
    let path = "/api/v1/images/shelf/compare?from=1";
    let got = world.with_token(Method::GET, path, &viewer, "").await;
    assert_eq!(got.status, 200, "{}", got.text);
    let differs: Value = serde_json::from_str(&got.text).unwrap();
    let counts =
        ["to", "added", "removed", "changed", "same", "alike", "more"].map(|of| &differs[of]);
    assert_eq!(counts, [2, 1, 1, 1, 1, 0, 0].map(|count| json!(count)).each_ref(), "{differs}");
    let title = json!({ "what": "title", "from": ["first"], "to": ["second"] });
    assert!(differs["facts"].as_array().unwrap().contains(&title), "{differs}");
    assert_eq!(differs["files"][0], json!({ "path": "b", "what": "changed", "from": 3, "to": 3 }));
    let none = "/api/v1/images/shelf/compare?from=7";
    assert_eq!(world.with_token(Method::GET, none, &viewer, "").await.status, 404);

    // What has ended is listed, the newest first, until somebody has seen it.
    let list = world.with_token(Method::GET, IMPORTS, &viewer, "").await;
    let list: Vec<Value> = serde_json::from_str(&list.text).unwrap();
    assert_eq!(list.len(), 3, "{list:?}");
    assert_eq!(list[0]["version"], 2);
    let path = format!("{IMPORTS}/{}", list[0]["id"].as_str().unwrap());
    assert_eq!(world.with_token(Method::DELETE, &path, &viewer, "").await.status, 403);
    assert_eq!(world.with_token(Method::DELETE, &path, &admin, "").await.status, 200);
    assert_eq!(world.with_token(Method::GET, &path, &viewer, "").await.status, 404);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_be_stopped_by_anybody_who_could_have_begun_it_and_there_is_a_most() {
    let temp = tempfile::tempdir().unwrap();
    let world = World::peopled(temp.path()).await;
    let operator = world.token(1, "oscar", Role::Operator, "").await;
    let publisher = silent().await;
    // Each has a file of its own: the same is not fetched twice at a time.
    let wish = |name: &str| {
        let trust = json!({ "accept_unsigned": true, "allow_private": true });
        json!({ "name": name, "url": format!("{publisher}/{name}.img"), "trust": trust })
    };
    // A path of this host is the admin's alone, here as for who listens.
    let path = json!({ "name": "etc", "path": "/etc" }).to_string();
    assert_eq!(world.with_token(Method::POST, IMPORTS, &operator, &path).await.status, 403);

    let mut running = Vec::new();
    for at in 0..RUNNING_MAX {
        running.push(begin(&world, &operator, &wish(&format!("disk-{at}"))).await);
    }
    let one_more = wish("one-more").to_string();
    let refused = world.with_token(Method::POST, IMPORTS, &operator, &one_more).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("16 imports run"), "{}", refused.text);

    let at = |import: &Value| format!("{IMPORTS}/{}", import["id"].as_str().unwrap());
    let dry = format!("{}?dry_run=true", at(&running[0]));
    let said = world.with_token(Method::DELETE, &dry, &operator, "").await;
    assert!(said.text.contains("the import of disk-0 stops"), "{}", said.text);
    let still = world.with_token(Method::GET, &at(&running[0]), &operator, "").await;
    assert!(still.text.contains("\"running\""), "a dry run stopped it: {}", still.text);
    for import in &running {
        let stopped = world.with_token(Method::DELETE, &at(import), &operator, "").await;
        assert_eq!(stopped.status, 200, "{}", stopped.text);
    }
    for import in &running {
        let ended = ended(&world, &operator, import).await;
        assert_eq!(ended["state"], "cancelled", "{ended}");
        assert!(ended["problem"]["detail"].as_str().unwrap().contains("nothing was published"));
    }
    // There is room again; and of what ended not all is kept.
    let temp = folder(&temp.path().join("kept"), &[("a", "a")]);
    let admin = world.token(2, "ada", Role::Admin, "").await;
    for _ in 0..ENDED_MAX {
        let begun = begin(&world, &admin, &json!({ "name": "kept", "path": temp })).await;
        assert_eq!(ended(&world, &operator, &begun).await["state"], "done");
    }
    let list = world.with_token(Method::GET, IMPORTS, &operator, "").await;
    let list: Vec<Value> = serde_json::from_str(&list.text).unwrap();
    assert_eq!(list.len(), ENDED_MAX);
    world.stop().await;
}
