//! What programs rely on: ETags, keys of what is done once, pages, and events that go on where they broke off.

use super::world::{Got, World, mac};
use engine::Command;
use http_body_util::BodyExt;
use hyper::Method;
use model::access::Role;
use serde_json::{Value, json};

/// An admin, and a way to ask as him.
struct Ada {
    world: World,
    bearer: String,
}

impl Ada {
    async fn new(folder: &std::path::Path) -> Self {
        let world = World::peopled(folder).await;
        let bearer = format!("Bearer {}", world.token(1, "ada", Role::Admin, "").await);
        Self { world, bearer }
    }

    async fn ask(&self, method: Method, path: &str, more: &[(&str, &str)], body: &str) -> Got {
        let mut headers = vec![("authorization", self.bearer.as_str())];
        headers.extend(more);
        self.world.ask(method, &format!("/api/v1{path}"), &headers, body).await
    }

    async fn tag(&self, path: &str) -> String {
        let got = self.ask(Method::GET, path, &[], "").await;
        assert_eq!(got.status, 200, "{path}: {}", got.text);
        got.headers.get("etag").expect(path).to_str().unwrap().to_owned()
    }
}

fn read(got: &Got) -> Value {
    serde_json::from_str(&got.text).unwrap_or_else(|e| panic!("{e}: {}", got.text))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_edit_the_same_thing_one_is_told_that_it_changed() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    let machine = format!("/machines/{}", mac(3));
    let notes = |text: &str| json!({ "notes": text }).to_string();
    let seen = ada.tag(&machine).await;
    let set = |tag: String, text: &'static str| {
        let (ada, machine) = (&ada, &machine);
        async move { ada.ask(Method::PATCH, machine, &[("if-match", &tag)], &notes(text)).await }
    };
    assert_eq!(set(seen.clone(), "first").await.status, 200);
    let late = set(seen.clone(), "second").await;
    assert_eq!(late.status, 412, "{}", late.text);
    let problem = read(&late);
    assert_eq!(problem["type"], "urn:bootwright:problem:stale");
    assert!(problem["hint"].is_string());
    let view = read(&ada.ask(Method::GET, &machine, &[], "").await);
    assert_eq!(view["notes"], "first");
    assert_eq!(set(ada.tag(&machine).await, "third").await.status, 200);
    assert_eq!(set(format!("\"x\", {}", ada.tag(&machine).await), "4").await.status, 200);
    let free = ada.ask(Method::PATCH, &machine, &[], &notes("as ever")).await;
    assert_eq!(free.status, 200, "without a tag nothing is compared");
    let dry = format!("{machine}?dry_run=true");
    let dry = ada.ask(Method::DELETE, &dry, &[("if-match", &seen)], "").await;
    assert_eq!(dry.status, 412, "a dry run says so, too");
    // What lies below a machine is about it as well.
    let state = format!("{machine}/state");
    let body = r#"{"state":"approved"}"#;
    assert_eq!(ada.ask(Method::PUT, &state, &[("if-match", &seen)], body).await.status, 412);

    let new = [("if-none-match", "*")];
    let user = ada.ask(Method::PATCH, "/users/sam", &new, r#"{"role":"viewer"}"#).await;
    assert_eq!(user.status, 412, "there is one");
    let path = "/templates/own.preseed";
    let text = json!({ "text": "d-i a/b string x\n" }).to_string();
    assert_eq!(ada.ask(Method::PUT, path, &new, &text).await.status, 200);
    assert_eq!(ada.ask(Method::PUT, path, &new, &text).await.status, 412);
    for path in [path, "/users/sam", "/menu"] {
        let tag = ada.tag(path).await;
        assert!(tag.len() == 66 && tag == ada.tag(path).await, "{path}: {tag}");
    }
    let nowhere = ada.ask(Method::POST, "/rules", &[("if-match", &seen)], "{}").await;
    assert_eq!(nowhere.status, 400, "what cannot be compared is not done");
}

/// The owner decides and compares in one step: of many at once with one tag, one is done.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_with_one_tag_at_the_same_time_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    let machine = format!("/machines/{}", mac(3));
    let tag = ada.tag(&machine).await;
    let tries = (0..50).map(|n| {
        let (ada, machine, tag) = (&ada, &machine, &tag);
        async move {
            let body = json!({ "notes": format!("by {n}") }).to_string();
            ada.ask(Method::PATCH, machine, &[("if-match", tag)], &body).await.status.as_u16()
        }
    });
    let mut got = futures_util::future::join_all(tries).await;
    got.sort_unstable();
    assert_eq!(got.first(), Some(&200));
    assert!(got.iter().skip(1).all(|status| *status == 412), "{got:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_under_one_key_is_done_once_and_its_secret_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    let key = [("idempotency-key", "one")];
    let body = r#"{"name":"ci"}"#;
    let first = ada.ask(Method::POST, "/tokens", &key, body).await;
    let again = ada.ask(Method::POST, "/tokens", &key, body).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (200, 200), "{}", again.text);
    let (first, says) = (read(&first), read(&again));
    assert!(first["token"].as_str().unwrap().starts_with("bwt_"));
    assert_eq!((&says["token"], &says["id"]), (&Value::Null, &first["id"]));
    assert!(says["says"].as_str().unwrap().contains("not shown again"), "{says}");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let all = read(&ada.ask(Method::GET, "/tokens", &[], "").await);
    let made = all.as_array().unwrap().iter().filter(|t| t["id"] == first["id"]).count();
    assert_eq!(made, 1);
    assert_eq!(all.as_array().unwrap().len(), 2, "hers, and the one that was made: {all}");

    let other = ada.ask(Method::POST, "/tokens", &key, r#"{"name":"cd"}"#).await;
    assert_eq!((other.status.as_u16(), read(&other)["hint"].is_string()), (422, true));
    let elsewhere = ada.ask(Method::POST, "/users", &key, body).await;
    assert_eq!(elsewhere.status, 422, "the same body at another address");
    // A refusal is an answer, too.
    let key = [("idempotency-key", "two")];
    let rule = r#"{"profile":"none"}"#;
    assert_eq!(ada.ask(Method::POST, "/rules", &key, rule).await.status, 409);
    let again = ada.ask(Method::POST, "/rules", &key, rule).await;
    assert_eq!(
        (again.status.as_u16(), again.headers.contains_key("idempotency-replayed")),
        (409, true)
    );
    ada.world.later(std::time::Duration::from_secs(24 * 3600));
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_come_in_pages_that_miss_none_and_repeat_none() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    for n in 10..45 {
        ada.world.machine(n).await;
    }
    let mut seen = Vec::new();
    let mut next = Some("/machines?limit=10".to_owned());
    let mut pages = 0;
    while let Some(path) = next.take() {
        let got = ada.ask(Method::GET, &path, &[], "").await;
        assert_eq!(got.status, 200, "{}", got.text);
        let page = read(&got);
        assert!(page.as_array().unwrap().len() <= 10);
        seen.extend(page.as_array().unwrap().iter().map(|m| m["mac"].as_str().unwrap().to_owned()));
        let link = got.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        next = link.map(|link| {
            let inside = link.strip_prefix("</api/v1").unwrap();
            inside.split_once(">; rel=\"next\"").unwrap().0.to_owned()
        });
        pages += 1;
    }
    let whole = read(&ada.ask(Method::GET, "/machines", &[], "").await);
    let whole: Vec<&str> =
        whole.as_array().unwrap().iter().map(|m| m["mac"].as_str().unwrap()).collect();
    assert_eq!((seen.len(), pages), (37, 4));
    assert_eq!(seen, whole);
    let room = read(&ada.ask(Method::GET, "/machines?label=room%3D3&limit=5", &[], "").await);
    assert_eq!(room.as_array().unwrap().len(), 1);
    let blocked = read(&ada.ask(Method::GET, "/machines?state=blocked", &[], "").await);
    assert_eq!(blocked, json!([]));
    for wrong in ["limit=0", "limit=1001", "after=x", "label=room", "state=sleepy"] {
        let got = ada.ask(Method::GET, &format!("/machines?{wrong}"), &[], "").await;
        assert_eq!(got.status, 400, "{wrong}");
    }
}

/// What a stream of events tells until this many messages have come: their ids, and their data.
async fn heard(ada: &Ada, query: &str, last: Option<&str>, count: usize) -> Vec<(String, Value)> {
    let mut headers = vec![("authorization", ada.bearer.as_str())];
    headers.extend(last.map(|id| ("last-event-id", id)));
    let path = format!("/api/v1/events{query}");
    let mut body = ada.world.open(Method::GET, &path, &headers, "").await.into_body();
    let mut text = String::new();
    while text.matches("\ndata: ").count() < count {
        let frame = tokio::time::timeout(std::time::Duration::from_secs(10), body.frame());
        let frame = frame.await.unwrap_or_else(|_| panic!("no more came after {text}"));
        text.push_str(&String::from_utf8_lossy(frame.unwrap().unwrap().data_ref().unwrap()));
    }
    let messages = text.split("\n\n").filter(|message| message.contains("data: "));
    let message = |message: &str| {
        let line =
            |of: &str| message.lines().find_map(|line| line.strip_prefix(of)).unwrap().to_owned();
        (line("id: "), serde_json::from_str(&line("data: ")).unwrap())
    };
    messages.map(message).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_on_where_the_connection_broke() {
    let folder = tempfile::tempdir().unwrap();
    let ada = Ada::new(folder.path()).await;
    let change = |n: u8| Command::SetMachine {
        machine: mac(3).to_string(),
        name: Some(format!("name-{n}")),
        profile: None,
        labels: Vec::new(),
        settings: Vec::new(),
        notes: None,
    };
    for n in 1..=3 {
        ada.world.does(change(n)).await;
    }
    let run = format!("{:x}", ada.world.house.started.0);
    let all = heard(&ada, "", Some(&format!("{run}-0")), 3).await;
    let ids: Vec<&str> = all.iter().map(|(id, _)| id.as_str()).collect();
    assert!(ids.iter().enumerate().all(|(n, id)| *id == format!("{run}-{}", n + 1)), "{ids:?}");
    let (last, text) = all.last().unwrap();
    // From the one before on, by the query as by the header: only what came after it.
    let (before, _) = &all[all.len() - 2];
    let again = heard(&ada, &format!("?after={before}"), None, 1).await;
    assert_eq!(again.first(), Some(&(last.clone(), text.clone())));
    assert_eq!(heard(&ada, "", Some(before), 1).await, again);

    let earlier = heard(&ada, "?after=1-17", None, 2).await;
    assert_eq!(earlier[0].1, json!({ "missed": 0 }), "of an earlier run of the server");
    assert_eq!(earlier[1], all[0]);
}
