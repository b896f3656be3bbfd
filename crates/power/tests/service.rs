//! Redfish against a service of the test's own that keeps to the standard, and against the ways in
//! which makers do not.

mod support;

use power::redfish::{Account, Login, Nic, Policy, Processors, RedfishError, Trust, Which};
use power::{
    BootMode, BootOnce, BootTarget, Outcome, PowerState, Redfish, Secret, Turn, redfish::SecureBoot,
};
use serde_json::{Value, json};
use std::time::Duration;
use support::service::{
    Asked, End, PASSWORD, RESET, Reply, SESSIONS, SYSTEM, Service, TOKEN, USER, error, reply, root,
    session, system, system_with, text,
};

fn bmc_with(service: &Service, login: Login, policy: Policy) -> Redfish {
    let account = Account::new(USER.to_owned(), Secret::new(PASSWORD.to_owned()), login);
    Redfish::new(&service.url, Trust::Unencrypted, account, Which::Only, policy).unwrap()
}

fn bmc(service: &Service) -> Redfish {
    bmc_with(service, Login::Either, policy())
}

fn policy() -> Policy {
    Policy { poll_every: Duration::from_millis(5), ..Policy::default() }
}

fn gives(asked: &Asked, path: &str, body: &Value) -> Option<Reply> {
    asked.is("GET", path).then(|| reply(200, body).with("ETag", "\"one\""))
}

#[tokio::test]
async fn a_visit_logs_in_reads_everything_and_logs_out() {
    let service = Service::good();
    let facts = bmc(&service).facts().await.unwrap();
    assert_eq!((facts.id.as_str(), facts.power), ("1", PowerState::Off));
    assert_eq!(facts.model.as_deref(), Some("Box 1"));
    assert_eq!((facts.serial.as_deref(), facts.sku), (Some("S-1"), None));
    assert_eq!((facts.bios_version.as_deref(), facts.memory_mib), (Some("2.6.6"), Some(262_144)));
    let model = Some("Some CPU".to_owned());
    let both = Processors { count: Some(2), cores: Some(64), threads: Some(128), model };
    assert_eq!(facts.processors, both);
    let mode = Some("UserMode".to_owned());
    let secure = SecureBoot { enabled: Some(true), in_force: Some(true), mode };
    assert_eq!(facts.secure_boot, Some(secure));
    let card = Nic {
        id: "NIC.1".to_owned(),
        mac: Some("52:54:00:77:00:01".parse().unwrap()),
        permanent: Some("52:54:00:77:00:02".parse().unwrap()),
    };
    assert_eq!(facts.nics, [card]);
    assert_eq!(facts.missing, Vec::<String>::new());

    let asked = service.asked();
    // The password travels once, in the body that makes the session.
    let with_password = |one: &&Asked| format!("{one:?}").contains(PASSWORD);
    let told: Vec<&Asked> = asked.iter().filter(with_password).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].is("POST", SESSIONS));
    assert_eq!(told[0].json(), json!({ "UserName": USER, "Password": PASSWORD }));
    assert!(asked.iter().all(|one| one.field("authorization").is_none()));
    // The root is read without credentials, the rest with the token, and the last request is the
    // end of the session, at this BMC and by the path of its URL.
    assert_eq!(asked[0].field("x-auth-token"), None);
    assert!(asked[2..].iter().all(|one| one.field("x-auth-token") == Some(TOKEN)));
    assert!(asked.last().unwrap().is("DELETE", &format!("{SESSIONS}/7/")));
    // One connection for all that is read.
    let reading = asked.iter().filter(|one| one.method == "GET" && one.path != "/redfish/v1/");
    let mut lines: Vec<usize> = reading.map(|one| one.connection).collect();
    lines.dedup();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[tokio::test]
async fn what_changes_something_goes_out_on_a_connection_of_its_own() {
    let service = Service::good();
    assert_eq!(bmc(&service).turn(Turn::PowerCycle).await.unwrap(), Outcome::Done);
    let reset = service.asked_for("POST", RESET);
    assert_eq!(reset.len(), 1);
    assert_eq!(reset[0].json(), json!({ "ResetType": "PowerCycle" }));
    let before = service.asked_for("GET", SYSTEM);
    assert_ne!(reset[0].connection, before[0].connection);
}

#[tokio::test]
async fn what_is_so_already_is_not_asked_for() {
    let on = || system_with("/PowerState", json!("On"));
    let service = Service::start(move |asked| gives(asked, SYSTEM, &on()));
    assert_eq!(bmc(&service).turn(Turn::On).await.unwrap(), Outcome::Done);
    assert!(service.asked_for("POST", RESET).is_empty());
    assert_eq!(bmc(&service).turn(Turn::ForceOff).await.unwrap(), Outcome::Done);
    assert_eq!(service.asked_for("POST", RESET).len(), 1);
}

#[tokio::test]
async fn without_sessions_the_password_goes_along_if_that_is_allowed() {
    for status in [404, 405, 501] {
        let service = Service::start(move |asked| {
            asked.is("POST", SESSIONS).then(|| text(status, "no sessions here"))
        });
        assert_eq!(bmc(&service).state().await.unwrap(), PowerState::Off);
        let asked = service.asked_for("GET", SYSTEM);
        // printf 'root:correct-horse' | base64
        assert_eq!(asked[0].field("authorization"), Some("Basic cm9vdDpjb3JyZWN0LWhvcnNl"));
        let strict = bmc_with(&service, Login::Session, policy()).state().await.unwrap_err();
        assert!(matches!(strict, RedfishError::Refused { .. }), "{strict}");
    }
    // A root that knows of no sessions is not asked for one.
    let bare = json!({ "Systems": { "@odata.id": "/redfish/v1/Systems" } });
    let service = Service::start(move |asked| gives(asked, "/redfish/v1/", &bare));
    assert_eq!(bmc(&service).state().await.unwrap(), PowerState::Off);
    assert!(service.asked_for("POST", SESSIONS).is_empty());
    // Only basic.
    let service = Service::good();
    let only = bmc_with(&service, Login::Basic, policy());
    assert_eq!(only.state().await.unwrap(), PowerState::Off);
    assert!(service.asked().iter().all(|one| one.method == "GET"));
}

#[tokio::test]
async fn a_boot_is_set_once_with_the_etag_that_was_read() {
    let boot = json!({
        "BootSourceOverrideEnabled": "Once", "BootSourceOverrideTarget": "UefiHttp",
        "BootSourceOverrideMode": "UEFI", "HttpBootUri": "http://10.77.0.1/loader/ipxe.efi",
    });
    let after = system_with("/Boot", boot);
    let service = Service::start(move |asked| {
        (asked.is("GET", SYSTEM) && asked.before > 0).then(|| reply(200, &after))
    });
    let wanted = BootOnce {
        target: BootTarget::UefiHttp,
        mode: Some(BootMode::Uefi),
        uri: Some("http://10.77.0.1/loader/ipxe.efi".to_owned()),
    };
    let set = bmc(&service).boot_once(&wanted).await.unwrap();
    assert!(set.agrees, "{set:?}");
    let patch = service.asked_for("PATCH", SYSTEM);
    assert_eq!(patch.len(), 1);
    assert_eq!(patch[0].field("if-match"), Some("\"one\""));
    // The mode is as it is already, and is left alone.
    let expected = json!({ "Boot": {
        "BootSourceOverrideTarget": "UefiHttp", "BootSourceOverrideEnabled": "Once",
        "HttpBootUri": "http://10.77.0.1/loader/ipxe.efi",
    } });
    assert_eq!(patch[0].json(), expected);
}

/// What is sent for a boot to a service with this root and system.
async fn sent(root: Value, system: Value, boot: BootOnce) -> Result<Value, String> {
    let service = Service::start(move |asked| {
        gives(asked, "/redfish/v1/", &root).or_else(|| gives(asked, SYSTEM, &system))
    });
    bmc(&service).boot_once(&boot).await.map_err(|error| error.to_string())?;
    Ok(service.asked_for("PATCH", SYSTEM)[0].json()["Boot"].clone())
}

fn root_of(maker: &str) -> Value {
    let mut root = root();
    root["Vendor"] = json!(maker);
    root
}

#[tokio::test]
async fn the_mode_is_sent_as_each_maker_takes_it() {
    let pxe = |mode| BootOnce { mode, ..BootOnce::from(BootTarget::Pxe) };
    let plain = json!({ "BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once" });
    let with = |mode: &str| {
        let mut with = plain.clone();
        with["BootSourceOverrideMode"] = json!(mode);
        with
    };
    let (uefi, legacy) = (Some(BootMode::Uefi), Some(BootMode::Legacy));
    for (maker, mode, expected) in [
        ("Contoso", None, Ok(plain.clone())),
        ("Contoso", uefi, Ok(plain.clone())),
        ("Contoso", legacy, Ok(with("Legacy"))),
        ("Supermicro", None, Ok(with("UEFI"))),
        ("Supermicro", legacy, Ok(with("Legacy"))),
        ("HPE", None, Ok(plain.clone())),
        ("HPE", uefi, Ok(plain.clone())),
        ("HPE", legacy, Err("BootSourceOverrideMode cannot be written")),
    ] {
        let got = sent(root_of(maker), system(), pxe(mode)).await;
        match expected {
            Ok(body) => assert_eq!(got, Ok(body), "{maker} {mode:?}"),
            Err(words) => assert!(got.unwrap_err().contains(words), "{maker} {mode:?}"),
        }
    }
}

#[tokio::test]
async fn a_boot_url_is_set_where_that_works_and_an_old_one_taken_away() {
    let http = |uri: Option<&str>| BootOnce {
        uri: uri.map(str::to_owned),
        ..BootOnce::from(BootTarget::UefiHttp)
    };
    let url = Some("http://10.77.0.1/x");
    let none = system_with("/Boot/HttpBootUri", Value::Null);
    for (maker, system, words) in [
        ("Contoso", none, "no HttpBootUri"),
        ("Dell", system(), "HttpDev1Uri"),
        ("HPE", system(), "UrlBootFile"),
    ] {
        let refused = sent(root_of(maker), system, http(url)).await.unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    let old = || system_with("/Boot/HttpBootUri", json!("http://old/"));
    let cleared = sent(root(), old(), http(None)).await.unwrap();
    assert_eq!(cleared.get("HttpBootUri"), Some(&Value::Null));
    let pxe = sent(root(), old(), BootOnce::from(BootTarget::Pxe)).await.unwrap();
    assert_eq!(pxe.get("HttpBootUri"), None);
    for wrong in ["ftp://x/", "http://a b/", "x", &format!("http://{}", "a".repeat(249))] {
        let refused = sent(root(), system(), http(Some(wrong))).await.unwrap_err();
        assert!(refused.contains("firmware takes http://"), "{refused}");
    }
    let other = BootOnce { uri: url.map(str::to_owned), ..BootOnce::from(BootTarget::Pxe) };
    assert!(sent(root(), system(), other).await.unwrap_err().contains("only UefiHttp"));
}

#[tokio::test]
async fn an_override_is_taken_back() {
    let back = sent(root(), system(), BootOnce::from(BootTarget::None)).await.unwrap();
    assert_eq!(back, json!({ "BootSourceOverrideEnabled": "Disabled" }));
}

#[tokio::test]
async fn the_override_is_set_at_the_settings_where_they_take_it() {
    const SETTINGS: &str = "/redfish/v1/Systems/1/Settings";
    let linked = json!({ "SettingsObject": { "@odata.id": SETTINGS } });
    for (shown, at) in [
        // iDRAC 10.
        (json!({ "BootSourceOverrideTarget": "None", "BootSourceOverrideMode": "UEFI" }), SETTINGS),
        // iDRAC 9.
        (json!({ "BootSourceOverrideMode": "UEFI" }), SYSTEM),
    ] {
        let linked = linked.clone();
        let service = Service::start(move |asked| {
            let system = system_with("/@Redfish.Settings", linked.clone());
            let settings = reply(200, &json!({ "Boot": shown })).with("ETag", "\"two\"");
            gives(asked, SYSTEM, &system)
                .or_else(|| asked.is("GET", SETTINGS).then_some(settings))
                .or_else(|| asked.is("PATCH", SETTINGS).then(|| text(200, "")))
        });
        bmc(&service).boot_once(&BootOnce::from(BootTarget::Pxe)).await.unwrap();
        let patches: Vec<Asked> =
            service.asked().into_iter().filter(|one| one.method == "PATCH").collect();
        assert_eq!(patches.len(), 1);
        assert_eq!(patches[0].path, at);
        let etag = if at == SETTINGS { "\"two\"" } else { "\"one\"" };
        assert_eq!(patches[0].field("if-match"), Some(etag));
    }
}

#[tokio::test]
async fn ami_is_asked_at_its_future_state_when_it_says_so() {
    const SD: &str = "/redfish/v1/Systems/1/SD";
    let future = || error(400, "Ami.1.0.OperationSupportedInFutureStateURI", "Moved to SD.");
    let answers = move |asked: &Asked, maker: &str| {
        gives(asked, "/redfish/v1/", &root_of(maker))
            .or_else(|| asked.is("PATCH", SYSTEM).then(future))
            .or_else(|| gives(asked, SD, &json!({ "Boot": {} })))
            .or_else(|| asked.is("PATCH", SD).then(|| text(204, "")))
    };
    let service = Service::start(move |asked| answers(asked, "AMI"));
    bmc(&service).boot_once(&BootOnce::from(BootTarget::Pxe)).await.unwrap();
    assert_eq!(service.asked_for("PATCH", SD).len(), 1);
    let service = Service::start(move |asked| answers(asked, "Contoso"));
    let refused = bmc(&service).boot_once(&BootOnce::from(BootTarget::Pxe)).await.unwrap_err();
    assert!(refused.to_string().contains("Moved to SD."), "{refused}");
}

#[tokio::test]
async fn what_is_not_listed_is_not_tried_unless_that_was_said() {
    let reset = "/Actions/#ComputerSystem.Reset/ResetType@Redfish.AllowableValues";
    let target = "/Boot/BootSourceOverrideTarget@Redfish.AllowableValues";
    // Listed, but not this.
    let service = Service::start(move |asked| {
        gives(asked, SYSTEM, &system_with(target, json!(["None", "Hdd"])))
    });
    let boot = BootOnce::from(BootTarget::Pxe);
    let refused = bmc(&service).boot_once(&boot).await.unwrap_err().to_string();
    assert!(refused.contains("booting from Pxe: it lists None, Hdd"), "{refused}");

    // No lists at all.
    let service = Service::start(move |asked| {
        let mut bare = system_with(reset, Value::Null);
        bare["Boot"] = json!({ "BootSourceOverrideTarget": "None" });
        gives(asked, SYSTEM, &bare)
    });
    let refused = bmc(&service).turn(Turn::On).await.unwrap_err();
    assert!(matches!(&refused, RedfishError::NotOffered { .. }), "{refused}");
    assert!(refused.to_string().contains("does not list what it allows"), "{refused}");
    let refused = bmc(&service).boot_once(&boot).await.unwrap_err().to_string();
    assert!(refused.contains("does not list what it allows"), "{refused}");
    assert!(service.asked_for("POST", RESET).is_empty());
    assert!(service.asked_for("PATCH", SYSTEM).is_empty());

    let daring = bmc_with(&service, Login::Either, Policy { try_unlisted: true, ..policy() });
    assert_eq!(daring.turn(Turn::On).await.unwrap(), Outcome::Done);
    daring.boot_once(&boot).await.unwrap();

    // The list stands by itself (OpenBMC).
    const INFO: &str = "/redfish/v1/Systems/1/ResetActionInfo";
    let service = Service::start(move |asked| {
        let action = json!({ "target": RESET, "@Redfish.ActionInfo": INFO });
        let parameters = json!([{ "Name": "ResetType", "AllowableValues": ["On", "PowerCycle"] }]);
        gives(asked, SYSTEM, &system_with("/Actions/#ComputerSystem.Reset", action))
            .or_else(|| gives(asked, INFO, &json!({ "Parameters": parameters })))
    });
    assert_eq!(bmc(&service).turn(Turn::On).await.unwrap(), Outcome::Done);
    let refused = bmc(&service).turn(Turn::ForceRestart).await.unwrap_err().to_string();
    assert!(refused.contains("it lists On, PowerCycle"), "{refused}");
}

#[tokio::test]
async fn a_task_is_watched_to_its_end() {
    const TASK: &str = "/redfish/v1/TaskService/Tasks/9";
    let state =
        |state: &str| json!({ "TaskState": state, "Messages": [{ "Message": "no power supply" }] });
    // 202 until the answer of what was asked; or the task itself, which always answers 200.
    for (looks, expected) in [
        (vec![text(202, ""), text(202, ""), text(204, "")], Ok(Outcome::Done)),
        (vec![reply(202, &state("Running")), reply(200, &state("Completed"))], Ok(Outcome::Done)),
        (vec![reply(200, &state("New")), reply(200, &state("Completed"))], Ok(Outcome::Done)),
        (vec![text(503, ""), text(204, "")], Ok(Outcome::Done)),
        (vec![text(202, ""), text(404, "")], Ok(Outcome::Accepted)),
        (vec![reply(200, &state("Exception"))], Err("but it failed: Exception: no power supply")),
        (
            vec![error(500, "Base.1.8.InternalError", "it broke")],
            Err("but it failed: 500: it broke"),
        ),
    ] {
        let service = Service::start(move |asked| {
            let look = || looks.get(asked.before).cloned().unwrap_or_else(|| text(204, ""));
            asked
                .is("POST", RESET)
                .then(|| text(202, "").with("Location", TASK))
                .or_else(|| asked.is("GET", TASK).then(look))
        });
        match (bmc(&service).turn(Turn::On).await, expected) {
            (Ok(outcome), Ok(expected)) => assert_eq!(outcome, expected),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (got, expected) => panic!("{got:?} instead of {expected:?}"),
        }
    }
    // Nowhere to look.
    let service = Service::start(|asked| asked.is("POST", RESET).then(|| text(202, "")));
    assert_eq!(bmc(&service).turn(Turn::On).await.unwrap(), Outcome::Accepted);
}

#[tokio::test]
async fn a_reading_is_repeated_on_a_new_connection_and_a_change_never() {
    let service = Service::start(|asked| {
        let first = asked.is("GET", SYSTEM) && asked.before == 0;
        (first || asked.is("POST", RESET)).then(|| text(200, "").then(End::Deaf))
    });
    let unclear = bmc(&service).turn(Turn::On).await.unwrap_err();
    assert!(matches!(unclear, RedfishError::Broken { .. }), "{unclear}");
    let read = service.asked_for("GET", SYSTEM);
    assert_eq!(read.len(), 2);
    assert_ne!(read[0].connection, read[1].connection);
    assert_eq!(service.asked_for("POST", RESET).len(), 1);
    // Hung up after an answer.
    let service =
        Service::start(|asked| asked.is("POST", SESSIONS).then(|| session().then(End::HangUp)));
    assert_eq!(bmc(&service).state().await.unwrap(), PowerState::Off);
}

#[tokio::test]
async fn whoever_stops_waiting_has_logged_out_all_the_same() {
    let (told, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let service = Service::start(move |asked| {
        told.send((asked.method.clone(), asked.path.clone())).unwrap();
        asked.is("GET", SYSTEM).then(|| text(200, "").then(End::Silent))
    });
    let machine = bmc(&service);
    let waiting = tokio::spawn(async move { machine.state().await });
    while hears.recv().await.unwrap().1 != SYSTEM {}
    waiting.abort();
    let left = tokio::time::timeout(Duration::from_secs(30), hears.recv()).await.unwrap().unwrap();
    assert_eq!(left, ("DELETE".to_owned(), format!("{SESSIONS}/7/")));
}
