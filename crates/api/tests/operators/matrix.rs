//! Every route, asked by everybody. What they get stands in `routes.txt`, to be read; a changed line there
//! is a changed right. `BLESS=1` renews it.

use super::world::{World, mac, token};
use access::Policy;
use access::policy::On;
use api::{Route, table};
use engine::Command;
use hyper::Method;
use model::access::Role;
use std::fmt::Write;

/// Who asks: a name, and the headers that he sends.
type Who = (&'static str, Vec<(String, String)>);

fn bearer(text: &str) -> Vec<(String, String)> {
    vec![("authorization".to_owned(), format!("Bearer {text}"))]
}

fn is_unsafe(method: &Method) -> bool {
    *method != Method::GET
}

/// The route with its names filled in, so that nothing that is asked changes anything.
fn filled(route: &Route, room: u8) -> String {
    let machine = mac(room).to_string();
    let mut path = route.path.replace("{machine}", &machine);
    while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, "nobody");
    }
    let mut query = Vec::new();
    let about = matches!(route.policy, Policy::Needs(_, On::Machine));
    if about && !route.path.contains("{machine}") {
        query.push(format!("machine={machine}"));
    }
    if is_unsafe(&route.method) && !route.path.ends_with("/session") {
        query.push("dry_run=true".to_owned());
    }
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

async fn status(world: &World, route: &Route, room: u8, headers: &[(String, String)]) -> u16 {
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let (method, path) = (route.method.clone(), filled(route, room));
    // The wish itself is wrong, so that even who may changes nothing.
    let response = world.open(method, &path, &headers, "{\"no such field\":1}").await;
    let status = response.status().as_u16();
    assert!(status < 500, "{} {}: {status}", route.method, path);
    let csp = response.headers().get("content-security-policy").expect("headers of care");
    assert!(!csp.to_str().unwrap().contains("unsafe"));
    status
}

async fn people(world: &World) -> Vec<Who> {
    let viewer = world.token(1, "vera", Role::Viewer, "").await;
    let operator = world.token(2, "oscar", Role::Operator, "").await;
    let admin = world.token(3, "ada", Role::Admin, "").await;
    let scoped = world.token(4, "sam", Role::Operator, "room=3").await;
    let scoped_viewer = world.token(5, "sue", Role::Viewer, "").await;
    let revoked = world.token(6, "ada", Role::Admin, "").await;
    world.does(Command::RevokeToken(token(6).id)).await;
    let orphan = world.token(7, "vera", Role::Viewer, "").await;
    let (cookie, csrf) = world.login("ada").await;
    let with = |more: &[(&str, &str)]| {
        let all = [("cookie", cookie.as_str())].into_iter().chain(more.iter().copied());
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>()
    };
    drop(orphan);
    vec![
        ("nobody", Vec::new()),
        ("unknown token", bearer(&token(99).text)),
        ("revoked token", bearer(&revoked)),
        ("viewer", bearer(&viewer)),
        ("operator", bearer(&operator)),
        ("admin", bearer(&admin)),
        ("operator of room 3", bearer(&scoped)),
        ("viewer of room 3", bearer(&scoped_viewer)),
        ("admin's session", with(&[("x-csrf-token", &csrf)])),
        ("session, no CSRF token", with(&[])),
        ("session, wrong CSRF token", with(&[("x-csrf-token", &token(9).text)])),
    ]
}

/// What the policy of a route says somebody gets, written down once more and by hand.
fn expected(route: &Route, who: &str, room: u8) -> &'static str {
    let Policy::Needs(role, on) = route.policy else { return "yes" };
    let (has, limited) = match who {
        "nobody" | "unknown token" | "revoked token" => return "401",
        "session, no CSRF token" | "session, wrong CSRF token" if is_unsafe(&route.method) => {
            return "403";
        }
        "viewer" => (Role::Viewer, false),
        "operator" => (Role::Operator, false),
        "operator of room 3" => (Role::Operator, true),
        "viewer of room 3" => (Role::Viewer, true),
        _ => (Role::Admin, false),
    };
    match on {
        _ if has < role => "403",
        On::Fleet if limited => "403",
        On::Machine if limited && room != 3 => "404",
        _ => "yes",
    }
}

fn shown(status: u16, expected: &str) -> String {
    match status {
        401 | 403 => status.to_string(),
        // Of what is named `nobody` there is none for those who may either.
        404 if expected == "404" => "404".to_owned(),
        _ => "yes".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_does_what_its_policy_says_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let people = people(&world).await;
    // The end of a session is the end of it.
    let mut routes = table();
    routes.sort_by_key(|route| route.method == Method::DELETE && route.path.ends_with("/session"));
    let mut surprises = Vec::new();
    let mut text = String::new();
    let mut asked = 0;
    for route in &routes {
        let policy = match route.policy {
            Policy::Public => "everybody".to_owned(),
            Policy::Needs(role, on) => format!("{role} on {on:?}").trim_end_matches('_').to_owned(),
        };
        writeln!(text, "{} {} — {} ({policy})", route.method, route.path, route.says).unwrap();
        for room in [3, 4] {
            let about = matches!(route.policy, Policy::Needs(_, On::Machine));
            if room == 4 && !about {
                continue;
            }
            let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
            for (who, headers) in &people {
                // The one session of these three ends with its first logout.
                if route.method == Method::DELETE
                    && route.path.ends_with("/session")
                    && *who == "admin's session"
                {
                    continue;
                }
                let expected = expected(route, who, room);
                let got = shown(status(&world, route, room, headers).await, expected);
                asked += 1;
                if got != expected {
                    surprises.push(format!(
                        "{} {} by {who}: {got}, not {expected}",
                        route.method, route.path
                    ));
                }
                match lines.iter_mut().find(|(answer, _)| *answer == got) {
                    Some((_, all)) => all.push(who),
                    None => lines.push((got, vec![who])),
                }
            }
            let of = if about { format!(" in room {room}") } else { String::new() };
            for (answer, who) in lines {
                writeln!(text, "    {answer}{of}: {}", who.join(", ")).unwrap();
            }
        }
    }
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    assert!(asked > 700, "{asked}");

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/operators/routes.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert_eq!(written, text, "rights changed: look at the difference, then BLESS=1");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_over_or_whose_owner_is_gone_is_worth_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::peopled(folder.path()).await;
    let status = async |text: &str| {
        world.with_token(Method::GET, "/api/v1/machines", text, "").await.status.as_u16()
    };
    let of_ada = world.token(1, "ada", Role::Admin, "").await;
    let of_vera = world.token(2, "vera", Role::Viewer, "").await;
    assert_eq!((status(&of_ada).await, status(&of_vera).await), (200, 200));
    world.does(Command::RemoveUser("vera".to_owned())).await;
    assert_eq!(status(&of_vera).await, 401);
    world.later(super::world::DAY);
    assert_eq!(status(&of_ada).await, 401);
    world.stop().await;
}
