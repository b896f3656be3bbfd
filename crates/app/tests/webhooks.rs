//! Webhooks as an operator and a receiver meet them: a server in a network namespace of its own, and a
//! receiver written in another language, which checks signatures as docs/webhooks.md says.

mod common;

use common::{Guard, Server, able};
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

const DOCS: &str = include_str!("../../../docs/webhooks.md");
const MAC: &str = "52:54:00:77:00:01";
/// How long anything may take to arrive on a busy host.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers by path, and writes down what it got, a line of JSON for each.
const RECEIVER: &str = r#"
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

folder, seen = sys.argv[1], {}

class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.strip("/")
        seen[name] = seen.get(name, 0) + 1
        # The first event may be here before the operator has passed the secret on.
        secret, until = os.path.join(folder, "secret-" + name), time.time() + 5
        while not os.path.exists(secret) and time.time() < until:
            time.sleep(0.02)
        genuine = os.path.exists(secret) and is_genuine(open(secret).read(), self.headers, body)
        got = {"path": self.path, "genuine": genuine, "headers": dict(self.headers), "body": body.decode()}
        with open(os.path.join(folder, "got"), "a") as log:
            log.write(json.dumps(got) + "\n")
        if name == "hangs":
            time.sleep(600)
        if name == "moves":
            self.send_response(307)
            self.send_header("Location", "/ok?token=x")
        else:
            fails = name == "flaky" and seen[name] == 1
            self.send_response(410 if name == "gone" else 500 if fails else 204)
        self.end_headers()

    def log_message(self, *args):
        pass

ThreadingHTTPServer(("127.0.0.1", 8098), Receiver).serve_forever()
"#;

/// The receiver, in the server's namespace.
struct Receiver<'a> {
    server: &'a Server,
    _child: Guard,
}

impl<'a> Receiver<'a> {
    fn start(server: &'a Server) -> Self {
        let check = DOCS.split("```python\n").nth(1).and_then(|rest| rest.split("\n```").next());
        let script = format!("{}\n{RECEIVER}", check.unwrap());
        let child = server
            .inside("python3")
            .args(["-c", &script])
            .arg(server.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { server, _child: Guard(child) }
    }

    /// Has a webhook added whose receiver answers by its name, and its secret known to the receiver.
    fn add(&self, name: &str, more: &[&str]) -> String {
        let url = format!("http://127.0.0.1:8098/{name}");
        let add = ["webhook", "add", name, "--url", &url, "--allow-private", "--json"];
        let added = json(&self.server.says(&[&add, more].concat()));
        let secret = added["secret"].as_str().unwrap().to_owned();
        assert_eq!((secret.len(), added["done"].as_bool()), (64, Some(true)));
        self.knows(name, &secret);
        secret
    }

    /// The receiver has this secret from now on, whole at once.
    fn knows(&self, name: &str, secret: &str) {
        let file = self.server.folder.path().join(format!("secret-{name}"));
        let half = file.with_extension("half");
        std::fs::write(&half, secret).unwrap();
        std::fs::rename(half, file).unwrap();
    }

    fn got(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.server.folder.path().join("got"));
        let text = text.unwrap_or_default();
        // The last line may still be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(json).filter(|got| got["path"] == format!("/{name}")).collect()
    }

    /// What a webhook's receiver got, once that is enough.
    fn until(&self, name: &str, enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        wait(&format!("deliveries to {name}"), || {
            let got = self.got(name);
            enough(&got).then_some(got)
        })
    }
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn body(got: &Value) -> Value {
    json(got["body"].as_str().unwrap())
}

fn texts(all: &[Value]) -> Vec<String> {
    let text = |got: &Value| body(got)["text"].as_str().unwrap_or_default().to_owned();
    all.iter().map(text).collect()
}

/// A server and its receiver, which answers.
fn with_receiver(story: impl FnOnce(&Server, &Receiver<'_>)) {
    if !able(&["nsenter", "python3"]) {
        return;
    }
    let Some(server) = Server::start() else { return };
    let receiver = Receiver::start(&server);
    receiver.add("ok", &["--event", "*"]);
    wait("the receiver", || server.run(&["webhook", "test", "ok"]).status.success().then_some(()));
    story(&server, &receiver);
    drop(receiver);
    let began = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn an_approved_machine_is_told_signed_and_in_order() {
    with_receiver(|server, receiver| {
        server.says(&["machine", "set", MAC, "--name", "box"]);
        server.says(&["machine", "approve", "box"]);
        let approved = |got: &[Value]| texts(got).iter().any(|text| text.contains("approved"));
        let got = receiver.until("ok", approved);
        assert!(got.iter().all(|got| got["genuine"] == true), "{got:?}");

        let last = got.last().unwrap();
        let (headers, event) = (&last["headers"], body(last));
        assert_eq!(headers["bootwright-event"], "changed");
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["bootwright-attempt"], "1");
        assert_eq!((&event["event"], &event["machine"]), (&"changed".into(), &MAC.into()));
        let all = texts(&got);
        let at = |part: &str| all.iter().position(|text| text.contains(part)).unwrap();
        assert!(at("is set") < at("approved"), "{all:?}");
        let mut names: Vec<&Value> =
            got.iter().map(|got| &got["headers"]["bootwright-delivery"]).collect();
        names.sort_by_key(|name| name.to_string());
        names.dedup();
        assert_eq!(names.len(), got.len(), "each delivery has a name of its own");

        let log = json(&server.says(&["webhook", "deliveries", "ok", "--json"]));
        assert_eq!((&log[0]["status"], &log[0]["taken"]), (&204.into(), &true.into()));
        let show = json(&server.says(&["webhook", "show", "ok", "--json"]));
        assert_eq!((&show["waiting"], &show["secret"]), (&0.into(), &"set".into()));
    });
}

#[test]
fn receivers_that_fail_in_every_way_harm_nobody_but_themselves() {
    with_receiver(|server, receiver| {
        for name in ["hangs", "flaky", "gone"] {
            receiver.add(name, &["--event", "changed"]);
        }
        receiver.add("moves", &["--event", "alarm"]);
        server.says(&["machine", "set", MAC, "--name", "box"]);

        // 500, then again after five seconds under the same name, signed anew.
        let flaky = receiver.until("flaky", |got| got.len() >= 2);
        let field = |got: &Value, name: &str| got["headers"][name].as_str().unwrap().to_owned();
        assert_eq!(
            field(&flaky[0], "bootwright-delivery"),
            field(&flaky[1], "bootwright-delivery")
        );
        assert_eq!(field(&flaky[1], "bootwright-attempt"), "2");
        assert_ne!(
            field(&flaky[0], "bootwright-signature"),
            field(&flaky[1], "bootwright-signature")
        );
        assert!(flaky.iter().all(|got| got["genuine"] == true), "{flaky:?}");

        // 410: disabled, and everybody else hears why.
        let alarmed = |got: &[Value]| texts(got).iter().any(|text| text.contains("410 Gone"));
        receiver.until("ok", alarmed);
        let gone = json(&server.says(&["webhook", "show", "gone", "--json"]));
        assert_eq!((&gone["enabled"], &gone["waiting"]), (&false.into(), &0.into()));
        assert_eq!(receiver.got("gone").len(), 1, "it was asked once");

        // Who hangs waits for himself alone, and is given up after ten seconds.
        assert_eq!(receiver.got("hangs").len(), 1);
        server.says(&["machine", "approve", "box"]);
        receiver.until("ok", |got| texts(got).iter().any(|text| text.contains("approved")));
        let slow = wait("the end of a try", || {
            let log = json(&server.says(&["webhook", "deliveries", "hangs", "--json"]));
            log.get(0).cloned()
        });
        assert!(slow["error"].as_str().unwrap().contains("did not answer within 10 s"), "{slow}");
        assert!(slow["again"].is_string() && slow["status"].is_null(), "{slow}");

        // A redirect is told and not followed.
        let before = receiver.got("ok").len();
        let (code, why) = server.fails(&["webhook", "test", "moves"]);
        assert!(code == 1 && why.contains("307") && why.contains("not followed"), "{why}");
        assert!(!why.contains("token"), "{why}");
        assert_eq!(receiver.got("ok?token=x").len(), 0);
        assert_eq!(receiver.got("ok").len(), before);
    });
}

#[test]
fn what_an_operator_says_is_checked_and_the_secret_is_told_once() {
    with_receiver(|server, receiver| {
        let private = ["webhook", "add", "x", "--url", "http://127.0.0.1:8098/x"];
        let (code, why) = server.fails(&private);
        assert!(code == 4 && why.contains("--allow-private"), "{why}");
        let (code, why) =
            server.fails(&["webhook", "add", "x", "--url", "http://[::ffff:10.0.0.1]/"]);
        assert!(code == 4 && why.contains("private"), "{why}");
        // A spelling that only the system's resolver reads is found out when it is looked up.
        server.says(&["webhook", "add", "odd", "--url", "http://2130706433:8098/odd"]);
        let (code, why) = server.fails(&["webhook", "test", "odd"]);
        assert!(
            code == 1 && why.contains("127.0.0.1") && why.contains("this host itself"),
            "{why}"
        );
        let typed =
            ["webhook", "add", "x", "--url", "https://h.example/", "--event", "machine-apeared"];
        let (code, why) = server.fails(&typed);
        assert!(code == 4 && why.contains("did you mean `machine-appeared`?"), "{why}");
        let dry = ["webhook", "add", "x", "--url", "https://h.example/", "--dry-run", "--json"];
        assert!(json(&server.says(&dry))["secret"].is_null());
        assert_eq!(server.fails(&["webhook", "show", "x"]).0, 4);

        let first = receiver.add("chat", &["--event", "changed"]);
        let set = ["webhook", "set", "chat", "--new-secret", "--default-events", "--json"];
        let second = json(&server.says(&set))["secret"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        receiver.knows("chat", &second);
        server.says(&["webhook", "test", "chat"]);
        let pinged = receiver.until("chat", |got| body(got.last().unwrap())["event"] == "ping");
        assert_eq!(pinged.last().unwrap()["genuine"], true);

        let mut told = receiver.got("ok").iter().map(ToString::to_string).collect::<String>();
        for words in [
            ["webhook", "list", "--json"].as_slice(),
            &["webhook", "show", "chat"],
            &["webhook", "show", "chat", "--json"],
            &["webhook", "deliveries", "chat", "--json"],
            &["webhook", "set", "chat", "--disable"],
            &["status", "--json"],
        ] {
            told.push_str(&server.says(words));
        }
        assert!(!told.contains(&first) && !told.contains(&second));
        assert!(told.contains("signs with a new secret"), "the change itself is told");
        let urls =
            receiver.got("ok").iter().any(|got| got["body"].as_str().unwrap().contains("8098/"));
        assert!(!urls, "no event has a path of a URL");

        let (code, why) = server.fails(&["webhook", "remove", "chat"]);
        assert!(code == 4 && why.contains("--yes"), "{why}");
        server.says(&["webhook", "remove", "chat", "odd", "--yes"]);
        assert_eq!(json(&server.says(&["webhook", "list", "--json"])).as_array().unwrap().len(), 1);
    });
}
