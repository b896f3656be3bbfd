//! Logins, sessions, tokens, the first admin; and that nothing of them leaks.

use super::world::{DAY, PASSWORD, World, hash, mac, machine, token};
use engine::Command;
use engine::command::UserWish;
use hyper::Method;
use model::access::{Outcome, Role, Via};
use model::menu::{Menu, PasswordHash};
use std::time::Duration;

fn login(name: &str, password: &str) -> String {
    serde_json::json!({ "name": name, "password": password }).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let attempt = async |name: &str, password: &str| {
        world.ask(Method::POST, "/api/v1/session", &[], &login(name, password)).await
    };
    let (wrong, unknown) = (attempt("ada", "guess").await, attempt("eve", "guess").await);
    assert_eq!((wrong.status.as_u16(), unknown.status.as_u16()), (401, 401));
    assert_eq!(wrong.text, unknown.text, "who is unknown hears the same");
    for n in 2..10 {
        assert_eq!(attempt("ada", &format!("guess {n}")).await.status, 401, "{n}");
    }
    assert_eq!(attempt("ada", PASSWORD).await.status, 429, "even the right one has to wait");
    assert_eq!(attempt("oscar", PASSWORD).await.status, 429, "the source has to");
    world.later(Duration::from_secs(61));
    assert_eq!(attempt("ada", PASSWORD).await.status, 200);

    let failed: Vec<_> = world.log().await.into_iter().filter(|r| r.what == "login").collect();
    assert_eq!(failed.iter().filter(|r| r.outcome == Outcome::Denied).count(), 10);
    assert!(failed.iter().all(|r| !r.says.contains("eve")), "a name may be a password");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_by_logout_by_a_new_password_and_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let seen = async |cookie: &str| {
        let got = world.ask(Method::GET, "/api/v1/session", &[("cookie", cookie)], "").await;
        got.status.as_u16()
    };
    let (first, csrf) = world.login("ada").await;
    let (second, _) = world.login("ada").await;
    assert_ne!(first, second);
    assert_eq!((seen(&first).await, seen(&second).await), (200, 200));
    let headers = [("cookie", first.as_str()), ("x-csrf-token", csrf.as_str())];
    assert_eq!(world.ask(Method::DELETE, "/api/v1/session", &headers, "").await.status, 204);
    assert_eq!((seen(&first).await, seen(&second).await), (401, 200));

    let password = Some(hash());
    let wish = UserWish { name: "ada".to_owned(), password, ..UserWish::default() };
    world.later(Duration::from_secs(1));
    world.does(Command::SetUser(wish)).await;
    assert_eq!(seen(&second).await, 401, "whoever has the old cookie is out");

    world.later(Duration::from_secs(1));
    let (third, _) = world.login("ada").await;
    assert_eq!(seen(&third).await, 200);
    world.does(Command::RevokeTokensOf("ada".to_owned())).await;
    assert_eq!(seen(&third).await, 401);

    world.later(Duration::from_secs(1));
    let (fourth, _) = world.login("ada").await;
    world.later(Duration::from_secs(3601));
    assert_eq!(seen(&fourth).await, 401, "idle for an hour");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_page_and_another_name_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let (cookie, csrf) = world.login("ada").await;
    let path = format!("/api/v1/machines/{}/state?dry_run=true", mac(3));
    let with = async |more: (&str, &str)| {
        let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str()), more];
        world.ask(Method::PUT, &path, &headers, "{\"state\":\"blocked\"}").await.status.as_u16()
    };
    assert_eq!(with(("origin", &format!("http://{}", world.at))).await, 200);
    assert_eq!(with(("origin", "http://evil.example")).await, 403);
    assert_eq!(with(("origin", "null")).await, 403);
    assert_eq!(with(("host", "evil.example")).await, 421);
    assert_eq!(with(("host", "lab")).await, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_limited_sees_and_changes_his_machines_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let sam = world.token(1, "sam", Role::Operator, "").await;
    let list = world.with_token(Method::GET, "/api/v1/machines", &sam, "").await.text;
    assert!(list.contains(&mac(3).to_string()) && !list.contains(&mac(4).to_string()), "{list}");

    let not_his = format!("/api/v1/machines/{}", mac(4));
    let not_there = format!("/api/v1/machines/{}", mac(9));
    let hidden = world.with_token(Method::GET, &not_his, &sam, "").await;
    let absent = world.with_token(Method::GET, &not_there, &sam, "").await;
    assert_eq!(hidden.status, 404);
    assert_eq!(hidden.text, absent.text.replace(&mac(9).to_string(), &mac(4).to_string()));

    let block = "{\"state\":\"blocked\"}";
    let his = format!("/api/v1/machines/{}/state", mac(3));
    assert_eq!(world.with_token(Method::PUT, &his, &sam, block).await.status, 200);
    let state = format!("{not_his}/state");
    assert_eq!(world.with_token(Method::PUT, &state, &sam, block).await.status, 404);
    assert_eq!(machine(&world, 4).await.unwrap().life(), model::Life::Pending);
    // He adds none, and gives none away.
    let named = "{\"name\":\"x\"}";
    assert_eq!(world.with_token(Method::PATCH, &not_there, &sam, named).await.status, 404);
    let give = format!("/api/v1/machines/{}", mac(3));
    let labels = "{\"labels\":{\"room\":\"4\"}}";
    assert_eq!(world.with_token(Method::PATCH, &give, &sam, labels).await.status, 403);

    let log = world.log().await;
    let last: Vec<_> = log.iter().rev().take(2).map(|r| (r.outcome, r.by.via)).collect();
    assert_eq!(last, [(Outcome::Denied, Via::Token); 2], "what was tried is in the log");
    let blocked = log.iter().find(|r| r.what == "set-life").unwrap();
    assert!(blocked.by.name.starts_with("sam (token ci, "), "{}", blocked.by.name);
    let of = |json: &Option<String>| json.clone().unwrap();
    assert!(of(&blocked.before).contains("\"life\":\"pending\""), "{:?}", blocked.before);
    assert!(of(&blocked.after).contains("\"life\":\"blocked\""), "{:?}", blocked.after);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_token_that_may_more_than_he_does() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let sam = world.token(1, "sam", Role::Operator, "").await;
    let make = async |body: &str| {
        let got = world.with_token(Method::POST, "/api/v1/tokens", &sam, body).await;
        (got.status.as_u16(), got.text)
    };
    assert_eq!(make("{\"name\":\"x\",\"role\":\"admin\"}").await.0, 403);
    assert_eq!(make("{\"name\":\"x\",\"scope\":[\"room=4\"]}").await.0, 403);
    assert_eq!(make("{\"name\":\"x\",\"expires_s\":864000}").await.0, 403, "a token outlives none");
    let (status, text) = make("{\"name\":\"x\"}").await;
    assert_eq!(status, 200, "{text}");
    let made: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = made["token"].as_str().unwrap();
    assert_eq!(world.with_token(Method::GET, "/api/v1/images", text, "").await.status, 403);
    assert_eq!(world.with_token(Method::GET, "/api/v1/machines", text, "").await.status, 200);
    // A token of somebody else is not there.
    let of_ada = world.token(2, "ada", Role::Admin, "").await;
    let path = format!("/api/v1/tokens/{}", token(2).id);
    assert_eq!(world.with_token(Method::DELETE, &path, text, "").await.status, 404);
    assert_eq!(world.with_token(Method::DELETE, &path, &of_ada, "").await.status, 200);
    assert_eq!(world.with_token(Method::GET, "/api/v1/machines", &of_ada, "").await.status, 401);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_makes_one_admin_once() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path()).await;
    let old = api::gate::first::link(&world.house).await.unwrap().unwrap();
    let link = api::gate::first::link(&world.house).await.unwrap().unwrap();
    assert_eq!(world.ask(Method::GET, &old, &[], "").await.status, 404, "a new one replaces it");
    let form = world.ask(Method::GET, &link, &[], "").await;
    assert!(form.text.contains("<form method=\"post\">") && !form.text.contains("<script"));
    let page = [("accept", "text/html,*/*;q=0.8")];
    let view = world.ask(Method::GET, &link, &page, "").await;
    assert_eq!((view.status.as_u16(), view.text.as_str()), (200, "<title>the UI</title>"));
    assert_eq!(world.ask(Method::GET, &old, &page, "").await.status, 404, "the UI says so too");
    let fill =
        |name: &str, again: &str| format!("name={name}&password=correct+horse%21&again={again}");
    let post = async |body: String| world.ask(Method::POST, &link, &[], &body).await;
    assert_eq!(post(fill("ada", "other")).await.status, 400);
    let wrong = fill("%3Cb%3E", "correct+horse%21");
    assert_eq!(post(wrong.clone()).await.status, 409, "a program hears the refusal itself");
    let again = world.ask(Method::POST, &link, &page, &wrong).await;
    assert_eq!(again.status, 400, "a browser without the UI gets the form again");
    assert!(again.text.contains("<form method=\"post\">") && !again.text.contains("<b>"));
    let (one, two) =
        tokio::join!(post(fill("ada", "correct+horse%21")), post(fill("eve", "correct+horse%21")));
    let made = [one, two].into_iter().filter(|got| got.status == 303).count();
    assert_eq!(made, 1, "of two that come at once one is made");
    let users = world.house.site.ask(|engine, _| engine.users().cloned().collect::<Vec<_>>()).await;
    let users = users.unwrap();
    assert_eq!((users.len(), users[0].role), (1, Role::Admin));
    assert_eq!(post(fill("mallory", "correct+horse%21")).await.status, 404);
    assert_eq!(api::gate::first::link(&world.house).await.unwrap(), None);
    let body = login(&users[0].name, "correct horse!");
    assert_eq!(world.ask(Method::POST, "/api/v1/session", &[], &body).await.status, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_is_over_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(folder.path()).await;
    let link = api::gate::first::link(&world.house).await.unwrap().unwrap();
    world.later(DAY);
    assert_eq!(world.ask(Method::GET, &link, &[], "").await.status, 404);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_found_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let admin = world.token(1, "ada", Role::Admin, "").await;
    let (cookie, csrf) = world.login("ada").await;
    let body = format!("{{\"name\":\"new\",\"role\":\"viewer\",\"password\":\"{PASSWORD}-2\"}}");
    assert_eq!(world.with_token(Method::POST, "/api/v1/users", &admin, &body).await.status, 200);
    let wrong = login("canary-password-as-a-name", "canary-password-wrong");
    assert_eq!(world.ask(Method::POST, "/api/v1/session", &[], &wrong).await.status, 401);
    let digits = "ab".repeat(64);
    let menu = format!("grub.pbkdf2.sha512.10000.{digits}.{digits}");
    let menu = Menu { password: Some(PasswordHash(menu)), ..Menu::default() };
    world.does(Command::SetMenu(None, menu)).await;
    world.sign().await;

    let mut all = String::new();
    for route in api::table().iter().filter(|r| r.method == Method::GET && !r.path.contains('{')) {
        if route.path.ends_with("/events") || route.path.ends_with("/session") {
            continue;
        }
        let got = world.with_token(Method::GET, route.path, &admin, "").await;
        all.push_str(&got.text);
    }
    all.push_str(&serde_json::to_string(&world.log().await).unwrap());
    for event in world.house.site.latest() {
        all.push_str(&serde_json::to_string(event.as_ref()).unwrap());
    }
    let cookie = cookie.split_once('=').unwrap().1.to_owned();
    let secrets = ["canary-password", "$argon2id$", &token(1).sha256.to_string(), &digits];
    for secret in secrets.into_iter().chain([admin.as_str(), &cookie, &csrf]) {
        assert!(!all.contains(secret), "{secret} was told");
    }
    let state = world.house.state.clone();
    world.stop().await;
    // On disk are hashes, and nothing that they were made of.
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["canary-password", admin.as_str(), &cookie, &csrf] {
            assert!(!text.contains(secret), "{secret} is in {}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knows_his_password_changes_it_and_his_other_sessions_end() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let (other, _) = world.login("vera").await;
    let (cookie, csrf) = world.login("vera").await;
    let change = async |old: &str, new: &str| {
        let body = serde_json::json!({ "old": old, "new": new }).to_string();
        let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
        world.ask(Method::PUT, "/api/v1/session/password", &headers, &body).await
    };
    let new = "canary-another-password";
    assert_eq!(change("a guess of mine", new).await.status, 403);
    assert_eq!(change(PASSWORD, "short").await.status, 400);
    let changed = change(PASSWORD, new).await;
    assert_eq!(changed.status, 200, "{}", changed.text);

    let seen = async |cookie: &str| {
        let got = world.ask(Method::GET, "/api/v1/session", &[("cookie", cookie)], "").await;
        got.status.as_u16()
    };
    let set = changed.headers.get("set-cookie").unwrap().to_str().unwrap();
    let fresh = set.split(';').next().unwrap();
    assert_eq!(seen(fresh).await, 200, "who changed it stays");
    assert_eq!((seen(&cookie).await, seen(&other).await), (401, 401), "all before are over");

    let login_as = async |password: &str| {
        let got = world.ask(Method::POST, "/api/v1/session", &[], &login("vera", password)).await;
        got.status.as_u16()
    };
    assert_eq!((login_as(PASSWORD).await, login_as(new).await), (401, 200));
    let log = world.log().await;
    let told = log.iter().find(|record| record.what == "set-user").unwrap();
    assert_eq!((told.by.name.as_str(), told.by.via), ("vera", Via::Session));
    assert!(!format!("{log:?}").contains("canary-"), "no password is told");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_guesses_the_old_password_faster_than_at_the_door() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let (cookie, csrf) = world.login("vera").await;
    let guess = async |n: usize| {
        let body = serde_json::json!({ "old": format!("guess {n}"), "new": "a good new one" });
        let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
        world
            .ask(Method::PUT, "/api/v1/session/password", &headers, &body.to_string())
            .await
            .status
            .as_u16()
    };
    let mut told = Vec::new();
    for n in 0..12 {
        told.push(guess(n).await);
    }
    assert_eq!(told.first(), Some(&403));
    assert_eq!(told.last(), Some(&429), "{told:?}");
    // A token never takes its owner's place.
    let bearer = format!("Bearer {}", token(1).text);
    let body = serde_json::json!({ "old": PASSWORD, "new": "a good new one" }).to_string();
    let got = world
        .ask(Method::PUT, "/api/v1/session/password", &[("authorization", &bearer)], &body)
        .await;
    assert!(matches!(got.status.as_u16(), 401 | 409), "{}", got.text);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_gets_in_by_nothing_until_he_is_enabled() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let (cookie, _) = world.login("oscar").await;
    let disable = async |disabled: bool| {
        let wish =
            UserWish { name: "oscar".to_owned(), disabled: Some(disabled), ..UserWish::default() };
        world.later(Duration::from_secs(1));
        world.does(Command::SetUser(wish)).await;
    };
    let door =
        async || world.ask(Method::POST, "/api/v1/session", &[], &login("oscar", PASSWORD)).await;
    disable(true).await;
    let got = world.ask(Method::GET, "/api/v1/session", &[("cookie", &cookie)], "").await;
    assert_eq!(got.status, 401, "his session is over");
    let refused = door().await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("oscar is disabled"), "{}", refused.text);
    let wrong = world.ask(Method::POST, "/api/v1/session", &[], &login("oscar", "guess")).await;
    assert!(!wrong.text.contains("disabled"), "a guess learns nothing");

    disable(false).await;
    world.later(Duration::from_secs(61));
    assert_eq!(door().await.status, 200);
    world.stop().await;
}
