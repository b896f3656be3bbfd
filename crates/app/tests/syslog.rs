//! An installer's log, from a machine's cable to an operator's screen.

mod common;

use common::{BINARY, Guard, LAB, Server, inside, root, run};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn log(from: u32, port: &str, text: &str) {
    let to = ["-d", "-n", "10.77.0.1", "-P", port, "--rfc3164", "-t", "anna"];
    run(inside(from, "logger").args(to).args(["-p", "user.err", text]));
}

/// `watch`, and the lines that it shows.
struct Watch {
    _process: Guard,
    lines: BufReader<std::process::ChildStdout>,
}

impl Watch {
    fn start(server: &Server, args: &[&str]) -> Self {
        let state = server.folder.path().join("state");
        let mut command = Command::new(BINARY);
        command.arg("watch").args(args).env("BOOTWRIGHT_STATE", state).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { _process: Guard(child), lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }
}

fn eventually<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < end, "it did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_installer_s_log_is_shown_with_its_machine() {
    if !root() {
        return;
    }
    let Some(server) = Server::start_with(&format!("{LAB}\n[syslog]\nport = 514\n")) else {
        return;
    };
    let machine = server.machine("52:54:00:77:00:01");
    let id = machine.0.id();

    // Nobody knows it yet: that is counted, and nothing else.
    log(id, "514", "a stranger");
    let socket = server.folder.path().join("state/bootwright.sock");
    let counted = |line: &str| {
        let url = ["-s", "--unix-socket", socket.to_str().unwrap(), "http://localhost/metrics"];
        let numbers = Command::new("curl").args(url).output().unwrap().stdout;
        String::from_utf8(numbers).unwrap().lines().any(|number| number == line).then_some(())
    };
    eventually(|| counted("bootwright_syslog_unknown_total 1"));
    server.says(&["machine", "set", "52:54:00:77:00:01", "--name", "m1"]);
    let (code, why) = server.fails(&["machine", "show", "m2", "--log"]);
    assert_eq!(code, 4, "{why}");
    let nothing = server.run(&["machine", "show", "m1", "--log"]);
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("hint: [syslog]"), "{nothing:?}");

    // It is asked again who has the address once that is not remembered any more.
    eventually(|| {
        log(id, "514", "no disk was found\u{1b}[2J");
        let log = server.says(&["machine", "show", "m1", "--log"]);
        log.contains("err     anna: no disk was found\\u{1b}[2J").then_some(())
    });
    let json = server.says(&["machine", "show", "m1", "--log", "--json"]);
    let lines: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(lines[0]["severity"], "err");
    assert_eq!(lines[0]["machine"], "52:54:00:77:00:01");
    let told = server.says(&["explain", "m1", "--arch", "x86-bios"]);
    assert!(!told.contains("no disk"), "{told}");

    // Who watches everything sees logs only when they are asked for.
    let mut all = Watch::start(&server, &[]);
    let mut logs = Watch::start(&server, &["--syslog"]);
    let mut one = Watch::start(&server, &["--machine", "m1"]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Again and again, since they may not be listening yet.
        scope.spawn(|| {
            for room in (0..1000).take_while(|_| !stop.load(Ordering::Relaxed)) {
                log(id, "514", "unpacking");
                server.says(&["machine", "set", "m1", "--label", &format!("room={room}")]);
            }
        });
        let seen: Vec<String> = (0..4).map(|_| all.line()).collect();
        let sees = |watch: &mut Watch| {
            (0..100).map(|_| watch.line()).any(|line| line.contains("log err anna: unpacking"))
        };
        let others = [sees(&mut logs), sees(&mut one)];
        stop.store(true, Ordering::Relaxed);
        assert!(seen.iter().all(|line| line.contains("is set")), "{seen:?}");
        assert_eq!(others, [true, true]);
    });
    drop([all, logs, one]);

    let other = std::fs::read_to_string(server.config()).unwrap().replace("514", "5514");
    std::fs::write(server.config(), other).unwrap();
    assert!(server.says(&["reload"]).contains("syslog.port: 514 → 5514"));
    eventually(|| {
        log(id, "5514", "by another port");
        let log = server.says(&["machine", "show", "m1", "--log"]);
        log.contains("anna: by another port").then_some(())
    });
    assert_eq!(server.stop(), Some(0));
}
