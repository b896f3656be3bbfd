//! The configuration file, looked at and changed through the API of a server that runs.

mod common;

use common::{LAB, Server, run};
use serde_json::{Value, json};

/// Asks by the Unix socket, as root of this host does.
fn ask(server: &Server, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let socket = server.folder.path().join("state/bootwright.sock");
    let mut curl = server.inside("curl");
    curl.args(["-s", "-X", method, "-w", "\n%{http_code}", "--unix-socket"]).arg(socket);
    if let Some(body) = body {
        curl.args(["-H", "content-type: application/json", "--data-binary", &body.to_string()]);
    }
    let told = run(curl.arg(format!("http://host/api/v1{path}")));
    let (text, status) = told.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(text).unwrap_or(Value::Null))
}

#[test]
fn the_file_is_checked_written_and_in_force_or_stays_as_it_is() {
    let Some(server) = Server::start_with(&format!("# the lab of floor 3\n{LAB}")) else { return };
    let file = server.folder.path().join("lab.toml");
    let (status, seen) = ask(&server, "GET", "/config", None);
    assert_eq!((status, seen["writable"].as_bool()), (200, Some(true)), "{seen}");
    let text = seen["text"].as_str().unwrap().to_owned();
    assert_eq!(text, std::fs::read_to_string(&file).unwrap());

    // A dry run says where each fault stands, and writes nothing.
    let bad = json!({ "text": format!("{text}\n[boot]\nunknwon = \"menu\"\n") });
    let (status, checked) = ask(&server, "PUT", "/config?dry_run=true", Some(&bad));
    let line = text.lines().count() + 3;
    let fault = &checked["faults"][0];
    assert_eq!((status, fault["line"].as_u64()), (200, Some(line as u64)), "{checked}");
    assert_eq!((fault["column"].as_u64(), fault["end_column"].as_u64()), (Some(1), Some(8)));
    assert_eq!(fault["label"], "did you mean `unknown`?");
    assert_eq!(ask(&server, "PUT", "/config", Some(&bad)).0, 422);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);

    // What is good is written, comments and all, and in force.
    let good = format!(
        "{text}\n[boot]\nmenu_wait = \"20s\" # time to read\n\n[admin]\nhosts = [\"boot\"]\n"
    );
    let wish = json!({ "text": good, "seen": seen["seen"] });
    let (status, checked) = ask(&server, "PUT", "/config?dry_run=true", Some(&wish));
    assert_eq!((status, checked["done"].as_bool()), (200, Some(false)));
    assert!(checked["changes"][0].as_str().unwrap().contains("menu_wait 20 s"), "{checked}");
    assert_eq!(checked["later"][0], "admin.hosts:  → boot");
    let (status, done) = ask(&server, "PUT", "/config", Some(&wish));
    assert_eq!((status, done["done"].as_bool()), (200, Some(true)), "{done}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), good);
    assert_eq!(ask(&server, "PUT", "/config", Some(&wish)).0, 412, "it is another file by now");

    // What can be read but not put in force is taken back: another program has that port.
    let busy = server
        .inside("sh")
        .args(["-c", "exec python3 -m http.server --bind 10.77.0.1 8099 >/dev/null 2>&1"])
        .spawn();
    let _busy = common::Guard(busy.unwrap());
    server.says(&["status"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !server
        .inside("curl")
        .args(["-so", "/dev/null", "http://10.77.0.1:8099/"])
        .status()
        .unwrap()
        .success()
    {
        assert!(std::time::Instant::now() < until, "the other program did not start");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let taken = good.replace("port = 80", "port = 8099");
    let taken = if taken == good { format!("{good}\n[http]\nport = 8099\n") } else { taken };
    let (status, refused) = ask(&server, "PUT", "/config", Some(&json!({ "text": taken })));
    assert!(matches!(status, 409 | 500), "{status} {refused}");
    assert_eq!(refused["hint"], "the file is as it was before");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), good);
    assert!(server.says(&["status"]).contains("lab"), "the old one is in force");

    let log = server.says(&["audit", "list", "--json"]);
    assert_eq!(log.matches("set-config").count(), 1, "{log}");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_network_is_written_into_the_file_as_it_is_wished() {
    let Some(server) = Server::start() else { return };
    let (status, networks) = ask(&server, "GET", "/networks", None);
    let network = &networks[0];
    assert_eq!((status, network["interface"].as_str()), (200, Some("br0")), "{networks}");
    assert!(network["because"].as_str().unwrap().contains("br0"), "{network}");
    let to = json!({ "interface": "br0", "mode": "proxy" });
    let (status, proposed) = ask(&server, "POST", "/config/network", Some(&to));
    assert_eq!((status, proposed["faults"].as_array().map(Vec::len)), (200, Some(0)), "{proposed}");
    let wish = json!({ "text": proposed["text"], "seen": proposed["seen"] });
    assert_eq!(ask(&server, "PUT", "/config", Some(&wish)).0, 200);
    let (_, networks) = ask(&server, "GET", "/networks", None);
    assert_eq!(networks[0]["mode"], "proxy", "{networks}");
    let wrong = json!({ "interface": "br0", "mode": "dhcp", "subnet": "10.77.0.0/24", "pool": ["10.78.0.1-10.78.0.9"] });
    let (status, proposed) = ask(&server, "POST", "/config/network", Some(&wrong));
    assert_eq!(status, 200);
    assert!(
        proposed["faults"][0]["says"].as_str().unwrap().contains("leaves the subnet"),
        "{proposed}"
    );
    assert_eq!(server.stop(), Some(0));
}
