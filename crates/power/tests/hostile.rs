//! Redfish against a service that means ill, or is broken: what it costs, and what is said.

mod support;

use power::redfish::{Account, Login, Policy, RedfishError, Trust, Which};
use power::{BootOnce, BootTarget, PowerState, Redfish, Secret, Turn};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use support::service::{
    Asked, End, PASSWORD, RESET, Reply, SESSIONS, SYSTEM, Service, TOKEN, USER, error, reply,
    session, system, system_with, text,
};

const SYSTEMS: &str = "/redfish/v1/Systems";

fn bmc_with(service: &Service, policy: Policy) -> Redfish {
    let account = Account::new(USER.to_owned(), Secret::new(PASSWORD.to_owned()), Login::Either);
    Redfish::new(&service.url, Trust::Unencrypted, account, Which::Only, policy).unwrap()
}

fn bmc(service: &Service) -> Redfish {
    bmc_with(service, Policy::default())
}

/// Waits for no request longer than a third of a second.
fn hasty() -> Policy {
    Policy { request_max: Duration::from_millis(300), ..Policy::default() }
}

/// Waits for no task longer than a third of a second.
fn hasty_with_tasks() -> Policy {
    let soon = Duration::from_millis(300);
    Policy { task_max: soon, poll_every: soon / 30, ..Policy::default() }
}

/// A service that answers one path otherwise.
fn at(
    method: &'static str,
    path: &'static str,
    answer: impl Fn() -> Reply + Send + Sync + 'static,
) -> Service {
    Service::start(move |asked| asked.is(method, path).then(&answer))
}

async fn state_with(answer: impl Fn() -> Reply + Send + Sync + 'static) -> RedfishError {
    bmc(&at("GET", SYSTEM, answer)).state().await.unwrap_err()
}

#[tokio::test]
async fn what_is_no_json_of_redfish_is_told_as_that() {
    let deep = "[".repeat(100_000);
    let wide = format!("[{}0]", "0,".repeat(30_000));
    for (body, words) in [
        ("<html>Please log in</html>", "no JSON"),
        ("", "no JSON"),
        ("{\"Id\": \"1\"", "no JSON"),
        ("[1, 2]", "no object"),
        ("\"text\"", "no object"),
        (&deep, "nested deeper than 32"),
        (&wide, "more than 20000 members"),
    ] {
        let body = body.to_owned();
        let refused = state_with(move || text(200, &body)).await;
        assert!(matches!(refused, RedfishError::Broken { .. }), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
        assert!(refused.to_string().contains(&format!("GET {SYSTEM}")), "{refused}");
    }
    // The wrong kind of everything.
    let odd = json!({ "Id": 7, "PowerState": ["On"], "UUID": {}, "SerialNumber": 1, "Boot": [],
                      "MemorySummary": 3, "SecureBoot": { "@odata.id": 5 },
                      "EthernetInterfaces": { "@odata.id": "https://elsewhere" }, "Actions": "no" });
    let service = at("GET", SYSTEM, move || reply(200, &odd));
    let facts = bmc(&service).facts().await.unwrap();
    assert_eq!((facts.id.as_str(), facts.power), ("1", PowerState::Unknown));
    assert_eq!((facts.uuid, facts.serial, facts.turns), (None, None, None));
    let none = bmc(&service).turn(Turn::On).await.unwrap_err().to_string();
    assert!(none.contains("no ComputerSystem.Reset"), "{none}");
    let none = bmc(&service).boot_once(&BootOnce::from(BootTarget::Pxe)).await.unwrap_err();
    assert!(none.to_string().contains("no Boot"), "{none}");
}

#[tokio::test]
async fn a_body_without_an_end_is_read_no_further_than_a_mebibyte() {
    let begin = Instant::now();
    let refused = state_with(|| text(200, "").then(End::Endless)).await;
    assert!(matches!(refused, RedfishError::TooLarge { .. }), "{refused}");
    let padded = format!("{{\"Id\": \"{}\"}}", "x".repeat(2 << 20));
    let refused = state_with(move || text(200, &padded)).await;
    assert!(matches!(refused, RedfishError::TooLarge { .. }), "{refused}");
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_bmc_that_hangs_is_not_waited_for() {
    for end in [End::Silent, End::Short] {
        let service = at("GET", SYSTEM, move || text(200, "{").then(end));
        let late = bmc_with(&service, hasty()).state().await.unwrap_err();
        assert!(matches!(late, RedfishError::Timeout { .. }), "{late}");
        assert!(late.to_string().contains("within 0.3 s"), "{late}");
    }
    // However many requests each is short: the visit has an end of its own.
    let service = Service::start(|asked| {
        let next = format!("{SYSTEMS}?{}", service_page(asked));
        asked.path.starts_with(SYSTEMS).then(|| {
            let link = json!({ "Members": [], "Members@odata.nextLink": next });
            reply(200, &link)
        })
    });
    let nobody = bmc(&service).state().await.unwrap_err();
    assert!(nobody.to_string().contains("no system behind it"), "{nobody}");
    assert!(service.asked().len() < 30, "{}", service.asked().len());
    let policy = Policy { visit_max: Duration::ZERO, ..Policy::default() };
    let late = bmc_with(&Service::good(), policy).state().await.unwrap_err();
    assert!(matches!(late, RedfishError::Timeout { .. }), "{late}");
}

fn service_page(asked: &Asked) -> usize {
    asked.path.len() + 1
}

#[tokio::test]
async fn nothing_is_sent_to_another_host() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let other = format!("http://{}/redfish/v1/Systems/1", elsewhere.local_addr().unwrap());
    for status in [301, 302, 303, 307, 308] {
        let to = other.clone();
        let refused = state_with(move || text(status, "").with("Location", &to)).await;
        assert!(matches!(refused, RedfishError::Redirected { .. }), "{refused}");
        assert!(refused.to_string().contains(&other), "{refused}");
    }
    // Links to it are no links.
    let link =
        json!({ "Members": [{ "@odata.id": format!("//{}/x", elsewhere.local_addr().unwrap()) }] });
    let nobody = bmc(&at("GET", SYSTEMS, move || reply(200, &link))).state().await.unwrap_err();
    assert!(nobody.to_string().contains("no system"), "{nobody}");
    // A whole URL is asked for at the BMC itself.
    let whole = json!({ "Members": [{ "@odata.id": other }] });
    assert_eq!(
        bmc(&at("GET", SYSTEMS, move || reply(200, &whole))).state().await.unwrap(),
        PowerState::Off
    );
    // A change is not sent on at all.
    let refused = bmc(&at("POST", RESET, || text(307, "").with("Location", "/redfish/v1/x")))
        .turn(Turn::On)
        .await;
    assert!(matches!(refused, Err(RedfishError::Redirected { .. })));
    assert!(elsewhere.accept().is_err(), "somebody was there");
}

#[tokio::test]
async fn a_broken_node_does_not_hide_the_others_and_facts_say_what_is_missing() {
    let broken = || error(500, "Base.1.8.InternalError", "Node failed.");
    let service = Service::start(move |asked| {
        let nodes = json!([{ "@odata.id": "/redfish/v1/Systems/0" }, { "@odata.id": SYSTEM }]);
        asked
            .is("GET", SYSTEMS)
            .then(|| reply(200, &json!({ "Members": nodes })))
            .or_else(|| asked.is("GET", "/redfish/v1/Systems/0").then(broken))
            .or_else(|| asked.is("GET", "/redfish/v1/Systems/1/SecureBoot").then(broken))
    });
    let by = |which| {
        let account =
            Account::new(USER.to_owned(), Secret::new(PASSWORD.to_owned()), Login::Either);
        Redfish::new(&service.url, Trust::Unencrypted, account, which, Policy::default()).unwrap()
    };
    let facts = by(Which::Serial("S-1".to_owned())).facts().await.unwrap();
    assert_eq!((facts.id.as_str(), facts.secure_boot, facts.nics.len()), ("1", None, 1));
    assert_eq!(facts.missing.len(), 1);
    assert!(
        facts.missing[0].contains("Secure Boot: ") && facts.missing[0].contains("Node failed.")
    );
    let nobody = by(Which::Serial("S-2".to_owned())).state().await.unwrap_err().to_string();
    assert!(nobody.contains("0 (not readable: 500: Node failed.); 1 (serial S-1"), "{nobody}");
}

#[tokio::test]
async fn a_redirect_within_the_bmc_is_followed_but_not_in_a_circle() {
    let service = Service::start(|asked| {
        asked
            .is("GET", "/redfish/v1/Systems/alias")
            .then(|| text(307, "").with("Location", SYSTEM))
            .or_else(|| {
                asked.is("GET", SYSTEMS).then(|| {
                    reply(
                        200,
                        &json!({ "Members": [{ "@odata.id": "/redfish/v1/Systems/alias" }] }),
                    )
                })
            })
    });
    assert_eq!(bmc(&service).state().await.unwrap(), PowerState::Off);
    // What is written goes to where it was read.
    bmc(&service).boot_once(&BootOnce::from(BootTarget::Pxe)).await.unwrap();
    assert_eq!(service.asked_for("PATCH", SYSTEM).len(), 1);
    let circle = state_with(|| text(302, "").with("Location", SYSTEM)).await;
    assert!(circle.to_string().contains("in a circle"), "{circle}");
}

#[tokio::test]
async fn a_busy_bmc_is_waited_for_as_long_as_was_said() {
    let busy = |after: &str| {
        error(503, "Base.1.8.ServiceTemporarilyUnavailable", "Busy.").with("Retry-After", after)
    };
    let begin = Instant::now();
    let refused = state_with(move || busy("3600")).await;
    assert!(matches!(refused, RedfishError::Busy { .. }), "{refused}");
    assert!(refused.to_string().contains("tried again in 3600 s"), "{refused}");
    let refused = state_with(|| text(503, "")).await;
    assert!(refused.to_string().contains("try again later"), "{refused}");
    // Short: read again, but not for ever.
    let service = at("GET", SYSTEM, move || busy("0"));
    assert!(matches!(bmc(&service).state().await, Err(RedfishError::Busy { .. })));
    assert_eq!(service.asked_for("GET", SYSTEM).len(), 3);
    let service = Service::start(move |asked| {
        (asked.is("GET", SYSTEM) && asked.before == 0).then(|| busy("0"))
    });
    assert_eq!(bmc(&service).state().await.unwrap(), PowerState::Off);
    // A change is not repeated by itself.
    let service = at("POST", RESET, move || busy("0"));
    assert!(matches!(bmc(&service).turn(Turn::On).await, Err(RedfishError::Busy { .. })));
    assert_eq!(service.asked_for("POST", RESET).len(), 1);
    // All sessions are taken.
    let full = at("POST", SESSIONS, || {
        error(503, "IDRAC.2.4.RAC0218", "The maximum number of user sessions is reached.")
    });
    let refused = bmc(&full).state().await.unwrap_err().to_string();
    assert!(refused.contains("maximum number of user sessions"), "{refused}");
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_task_that_never_ends_is_left_alone() {
    const TASK: &str = "/redfish/v1/TaskService/Tasks/9";
    let running = || reply(200, &json!({ "TaskState": "Running" })).with("Retry-After", "0");
    let service = Service::start(move |asked| {
        asked
            .is("POST", RESET)
            .then(|| text(202, "").with("Location", TASK))
            .or_else(|| asked.is("GET", TASK).then(running))
    });
    let endless = bmc_with(&service, hasty_with_tasks()).turn(Turn::On).await.unwrap_err();
    assert!(matches!(endless, RedfishError::TaskEndless { .. }), "{endless}");
    let words = endless.to_string();
    assert!(words.contains("it says: Running") && words.contains(TASK), "{words}");
    // A pause that a service wants is no longer than the whole.
    let service = Service::start(|asked| {
        asked
            .is("POST", RESET)
            .then(|| text(202, "").with("Location", TASK).with("Retry-After", "86400"))
    });
    let begin = Instant::now();
    drop(bmc_with(&service, hasty_with_tasks()).turn(Turn::On).await);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn an_etag_that_never_matches_ends_in_words() {
    let boot = BootOnce::from(BootTarget::Pxe);
    let changed = || error(412, "Base.1.8.PreconditionFailed", "The ETag did not match.");
    let service = at("PATCH", SYSTEM, changed);
    let refused = bmc(&service).boot_once(&boot).await.unwrap_err();
    assert!(matches!(refused, RedfishError::Precondition { tries: 3, .. }), "{refused}");
    assert_eq!(service.asked_for("PATCH", SYSTEM).len(), 3);

    // Changed once: read again, with the new one.
    let service = Service::start(move |asked| {
        let tag = format!("\"{}\"", asked.before);
        (asked.is("PATCH", SYSTEM) && asked.before == 0)
            .then(changed)
            .or_else(|| asked.is("GET", SYSTEM).then(|| reply(200, &system()).with("ETag", &tag)))
    });
    bmc(&service).boot_once(&boot).await.unwrap();
    let sent = |service: &Service| -> Vec<Option<String>> {
        service
            .asked_for("PATCH", SYSTEM)
            .iter()
            .map(|one| one.field("if-match").map(str::to_owned))
            .collect()
    };
    assert_eq!(sent(&service), [Some("\"0\"".to_owned()), Some("\"1\"".to_owned())]);

    // Given as weak, compared as strong.
    let service = Service::start(move |asked| {
        let strong = asked.field("if-match") == Some("\"7\"");
        (asked.is("PATCH", SYSTEM) && !strong).then(changed).or_else(|| {
            asked.is("GET", SYSTEM).then(|| reply(200, &system()).with("ETag", "W/\"7\""))
        })
    });
    bmc(&service).boot_once(&boot).await.unwrap();
    assert_eq!(sent(&service).last().unwrap().as_deref(), Some("\"7\""));

    // Demanded, but none was given: in the body, or not at all.
    let demands = |etag: Value| {
        Service::start(move |asked| {
            let missing = asked.is("PATCH", SYSTEM) && asked.field("if-match").is_none();
            missing
                .then(|| error(428, "Ami.1.0.PreconditionHeaderMissing", "If-Match is missing."))
                .or_else(|| {
                    asked
                        .is("GET", SYSTEM)
                        .then(|| reply(200, &system_with("/@odata.etag", etag.clone())))
                })
        })
    };
    let service = demands(json!("\"in-the-body\""));
    bmc(&service).boot_once(&boot).await.unwrap();
    assert_eq!(sent(&service), [Some("\"in-the-body\"".to_owned())]);
    let service = demands(Value::Null);
    bmc(&service).boot_once(&boot).await.unwrap();
    assert_eq!(sent(&service), [None, Some("*".to_owned())]);
    // One that cannot be sent back.
    let service = demands(json!("\"\u{e9}\r\nX: y\""));
    let refused = bmc(&service).boot_once(&boot).await.unwrap_err();
    assert!(refused.to_string().contains("its ETag has characters"), "{refused}");
}

#[tokio::test]
async fn a_password_or_token_that_a_bmc_repeats_is_not_repeated_again() {
    let repeats = |status| {
        move || {
            error(
                status,
                &format!("X.{PASSWORD}"),
                &format!("{PASSWORD} of {TOKEN} is \u{1b}[31mwrong"),
            )
        }
    };
    let mut words = String::new();
    let mut told = |error: RedfishError| words += &format!("{error}\n{error:?}\n");
    for status in [400, 401, 403, 422, 503] {
        // No token was given yet that could be repeated.
        let service = at("POST", SESSIONS, move || error(status, PASSWORD, PASSWORD));
        told(bmc(&service).state().await.unwrap_err());
        assert_eq!(service.asked_for("POST", SESSIONS).len(), 1, "a login is never tried twice");
        told(bmc(&at("GET", SYSTEM, repeats(status))).state().await.unwrap_err());
        told(bmc(&at("POST", RESET, repeats(status))).turn(Turn::On).await.unwrap_err());
    }
    let lists = json!([PASSWORD, TOKEN]);
    let place = "/Actions/#ComputerSystem.Reset/ResetType@Redfish.AllowableValues";
    let service = at("GET", SYSTEM, move || reply(200, &system_with(place, lists.clone())));
    told(bmc(&service).turn(Turn::On).await.unwrap_err());
    let many = json!({ "Members": [{ "@odata.id": format!("/{TOKEN}") }, { "@odata.id": format!("/{PASSWORD}") }] });
    told(bmc(&at("GET", SYSTEMS, move || reply(200, &many))).state().await.unwrap_err());
    let away = format!("https://elsewhere/{TOKEN}/{PASSWORD}/");
    told(state_with(move || text(302, "").with("Location", &away)).await);
    // The password with basic authentication, as it travels.
    let service = Service::start(|asked| {
        asked
            .is("POST", SESSIONS)
            .then(|| text(404, ""))
            .or_else(|| asked.field("authorization").map(|sent| error(500, "X.1", sent)))
    });
    told(bmc(&service).state().await.unwrap_err());

    const TASK: &str = "/redfish/v1/TaskService/Tasks/9";
    let failed = json!({ "TaskState": "Exception", "Messages": [{ "Message": PASSWORD }] });
    let service = Service::start(move |asked| {
        let failed = failed.clone();
        asked
            .is("POST", RESET)
            .then(|| text(202, "").with("Location", TASK))
            .or_else(|| asked.is("GET", TASK).then(|| reply(200, &failed)))
    });
    told(bmc_with(&service, hasty_with_tasks()).turn(Turn::On).await.unwrap_err());
    let machine = bmc(&service);
    words += &format!("{machine:?} {machine:#?}");
    assert!(!words.contains(PASSWORD) && !words.contains(TOKEN), "{words}");
    assert!(!words.contains("cm9vdDpjb3JyZWN0LWhvcnNl"), "{words}");
    assert!(!words.contains('\u{1b}') && words.contains("(secret)"), "{words}");
}

#[tokio::test]
async fn a_session_without_a_token_and_one_that_ends_early_are_told() {
    let refused = bmc(&at("POST", SESSIONS, || reply(201, &json!({})))).state().await.unwrap_err();
    assert!(refused.to_string().contains("gave no X-Auth-Token"), "{refused}");
    let odd = bmc(&at("POST", SESSIONS, || text(418, ""))).state().await.unwrap_err();
    assert!(matches!(odd, RedfishError::Refused { status: 418, .. }), "{odd}");
    let ended = state_with(|| error(401, "Base.1.8.NoValidSession", "Over.")).await;
    assert!(matches!(ended, RedfishError::Login { .. }), "{ended}");
    // Without a place to log out at there is none to ask.
    let service = at("POST", SESSIONS, || Reply {
        fields: vec![("X-Auth-Token", TOKEN.to_owned())],
        ..session()
    });
    assert_eq!(bmc(&service).state().await.unwrap(), PowerState::Off);
    assert!(service.asked().iter().all(|one| one.method != "DELETE"));
}

#[tokio::test]
async fn the_password_goes_nowhere_without_encryption_unless_that_was_said() {
    let service = Service::good();
    for trust in [Trust::Unconfirmed, Trust::Authorities(Vec::new())] {
        let account = Account::new(USER.to_owned(), Secret::new(PASSWORD.to_owned()), Login::Basic);
        let machine =
            Redfish::new(&service.url, trust, account, Which::Only, Policy::default()).unwrap();
        let refused = machine.state().await.unwrap_err();
        assert!(matches!(refused, RedfishError::Encryption { .. }), "{refused}");
    }
    assert!(service.asked().is_empty());
    // No TLS behind https.
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    let hears = std::thread::spawn(move || {
        let (mut socket, _) = plain.accept().unwrap();
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let mut heard = Vec::new();
        drop(socket.read_to_end(&mut heard));
        heard
    });
    let account = Account::new(USER.to_owned(), Secret::new(PASSWORD.to_owned()), Login::Basic);
    let machine =
        Redfish::new(&url, Trust::Unconfirmed, account, Which::Only, Policy::default()).unwrap();
    let refused = machine.state().await.unwrap_err();
    assert!(matches!(refused, RedfishError::Tls { .. }), "{refused}");
    let heard = hears.join().unwrap();
    // A ClientHello and perhaps an alert, nothing of HTTP.
    assert_eq!(heard.first(), Some(&22));
    assert!(!String::from_utf8_lossy(&heard).contains("redfish/v1"));
}

#[tokio::test]
async fn accounts_and_places_that_cannot_be_are_refused_before() {
    let new = |url: &str, user: &str| {
        let account =
            Account::new(user.to_owned(), Secret::new(PASSWORD.to_owned()), Login::Either);
        Redfish::new(url, Trust::Unconfirmed, account, Which::Only, hasty())
    };
    for user in ["", "a:b", "a\nb", &"x".repeat(257)] {
        assert!(matches!(new("https://bmc", user), Err(RedfishError::Account { .. })), "{user}");
    }
    // Nobody there.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = new(&format!("https://{free}"), USER).unwrap().state().await.unwrap_err();
    assert!(matches!(&nobody, RedfishError::Unreachable { .. }), "{nobody}");
    let first = Redfish::first_fingerprint(&format!("https://{free}"), hasty()).await.unwrap_err();
    assert!(matches!(first, RedfishError::Unreachable { .. }), "{first}");
}
