//! Names that we publish, as BIND and Knot keep them and `dig` asks for them there.

use lab::rig::need::need;
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use lab::rig::{Process, Trouble};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::client::{Client, Kind};
use super::world::{
    Ran, Tried, World, json, list, new_directory, prepared, ran, there, trouble, wait_until, write,
};

const MAC: &str = "52:54:00:77:06:01";
const PACKAGES: &[&str] = &["bind9-dnsutils"];
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHgA=";
const BACK6: &str = "0.0.0.0.0.0.0.0.0.0.0.0.7.7.d.f.ip6.arpa";

/// Zones, with a printer that somebody wrote into one.
const ZONES: [(&str, &str); 3] = [
    ("lab.example", "ns A 10.77.0.2\nprinter A 10.77.0.9\n"),
    ("0.77.10.in-addr.arpa", "9 PTR printer.lab.example.\n"),
    (BACK6, ""),
];

#[derive(Clone, Copy)]
enum Make {
    Bind,
    Knot,
}

/// A primary server at 10.77.0.2.
struct Primary {
    make: Make,
    at: Namespace,
    /// By how many seconds its clock is ahead of ours.
    ahead_s: i64,
    process: Option<Process>,
    directory: tempfile::TempDir,
}

impl Primary {
    fn start(make: Make, at: Namespace) -> Result<Self, Trouble> {
        let directory = new_directory()?;
        let here = directory.path().display().to_string();
        for (zone, more) in ZONES {
            let text = format!(
                "$TTL 300\n@ SOA ns.lab.example. hostmaster.lab.example. 1 3600 600 86400 1\n\
                 @ NS ns.lab.example.\n{more}"
            );
            write(directory.path().join(format!("{zone}.zone")), &text)?;
        }
        let zone = |(zone, _): (&str, &str)| match make {
            Make::Bind => format!(
                "zone \"{zone}\" {{ type primary; file \"{here}/{zone}.zone\"; \
                 allow-update {{ key bootwright; }}; }};\n"
            ),
            Make::Knot => format!("  - domain: {zone}\n    acl: ours\n"),
        };
        let zones: String = ZONES.into_iter().map(zone).collect();
        let config = match make {
            Make::Bind => format!(
                "options {{ directory \"{here}\"; listen-on {{ 10.77.0.2; }}; listen-on-v6 {{ none; }}; \
                 pid-file none; session-keyfile \"{here}/session.key\"; recursion no; \
                 dnssec-validation no; }};\ncontrols {{ }};\n\
                 key \"bootwright\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n{zones}"
            ),
            Make::Knot => format!(
                "server:\n  rundir: {here}\n  listen: 10.77.0.2@53\ndatabase:\n  storage: {here}\n\
                 log:\n  - target: stderr\n    any: info\n\
                 key:\n  - id: bootwright\n    algorithm: hmac-sha256\n    secret: {SECRET}\n\
                 acl:\n  - id: ours\n    key: bootwright\n    action: update\n\
                 template:\n  - id: default\n    storage: {here}\n    file: \"%s.zone\"\n\
                 zone:\n{zones}"
            ),
        };
        write(directory.path().join("conf"), &config)?;
        let mut primary = Self { make, at, ahead_s: 0, process: None, directory };
        primary.run()?;
        Ok(primary)
    }

    fn run(&mut self) -> Tried {
        let config = self.directory.path().join("conf");
        let (mut command, ready) = match self.make {
            Make::Bind => {
                let mut command = self.at.command("named");
                if self.ahead_s != 0 {
                    command.env("LD_PRELOAD", clock(&self.at, &self.directory)?);
                    command.env("CLOCK_AHEAD_S", self.ahead_s.to_string());
                }
                command.args(["-g", "-u", "root", "-c"]).arg(config);
                (command, "running")
            }
            Make::Knot => {
                let mut command = self.at.command("knotd");
                command.arg("-c").arg(config);
                (command, "server started")
            }
        };
        command.current_dir(self.directory.path());
        let mut process = Process::start(command, self.directory.path().join("log"))?;
        process.wait_for(ready, Duration::from_secs(20))?;
        self.process = Some(process);
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            println!("--- the primary\n{}", process.log().tail());
            process.stop();
        }
    }

    /// What `dig` finds there.
    fn dig(&self, from: &Namespace, arguments: &[&str]) -> Result<String, Trouble> {
        let all = [&["@10.77.0.2", "+short", "+norec", "+tries=2", "+time=2"], arguments].concat();
        Ok(there(from, "dig", &all)?.out.trim().to_owned())
    }
}

impl Drop for Primary {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What gives a program another time of day; its timers stay as they are. (libfaketime does not start below
/// `named`: its allocator asks for the time before libfaketime is ready. So this asks the kernel itself.)
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
  const char *ahead = getenv("CLOCK_AHEAD_S");
  int failed = syscall(SYS_clock_gettime, clock, now);
  if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    now->tv_sec += atol(ahead);
  return failed;
}
int gettimeofday(struct timeval *now, void *zone) {
  struct timespec at;
  int failed = clock_gettime(CLOCK_REALTIME, &at);
  (void)zone;
  if (!failed) *now = (struct timeval){ .tv_sec = at.tv_sec, .tv_usec = at.tv_nsec / 1000 };
  return failed;
}
time_t time(time_t *into) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (into) *into = at.tv_sec;
  return at.tv_sec;
}
"#;

/// The same, as a library.
fn clock(at: &Namespace, directory: &tempfile::TempDir) -> Result<PathBuf, Trouble> {
    let (text, library) = (directory.path().join("clock.c"), directory.path().join("clock.so"));
    write(&text, CLOCK)?;
    let (from, to) = (text.display().to_string(), library.display().to_string());
    let ran = there(at, "cc", &["-shared", "-fPIC", "-o", &to, &from])?;
    assert_eq!(ran.code, Some(0), "{}", ran.said());
    Ok(library)
}

/// The file of the key, as its owner keeps it.
fn key(directory: &tempfile::TempDir, secret: &str) -> Result<PathBuf, Trouble> {
    let path = directory.path().join("tsig.key");
    write(
        &path,
        &format!("key \"bootwright\" {{\n\talgorithm hmac-sha256;\n\tsecret \"{secret}\";\n}};\n"),
    )?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))
        .map_err(|e| trouble("closing a key", e))?;
    Ok(path)
}

fn config(key: &std::path::Path) -> String {
    let link = Link::INTERFACE;
    let zones: Vec<String> = ZONES.iter().map(|(zone, _)| format!("\"{zone}\"")).collect();
    format!(
        "[server]\nname = \"boot\"\n\n\
         [[network]]\ninterface = \"{link}\"\nmode = \"dhcp\"\nsubnet = \"10.77.0.0/24\"\n\
         pool = [\"10.77.0.100-10.77.0.199\"]\ndomain = \"lab.example\"\nlease = \"12h\"\n\n\
         [[network]]\ninterface = \"{link}\"\nsubnet = \"fd77::/64\"\npool = [\"fd77::100-fd77::1ff\"]\n\
         domain = \"lab.example\"\n\n\
         [[dns.publish]]\nserver = \"10.77.0.2\"\nzones = [{}]\nkey = \"bootwright\"\n\
         secret_file = \"{}\"\n",
        zones.join(", "),
        key.display()
    )
}

/// All that a test needs.
struct Set {
    primary: Primary,
    world: World,
    client: Namespace,
    keys: tempfile::TempDir,
}

fn set(make: Make) -> Result<Set, Trouble> {
    need(PACKAGES)?;
    need(match make {
        Make::Bind => &["bind9"],
        Make::Knot => &["knot"],
    })?;
    prepared()?;
    let mut link = Link::new()?;
    link.with_ipv6()?;
    let primary = Primary::start(make, link.peer())?;
    let keys = new_directory()?;
    let config = config(&key(&keys, SECRET)?);
    let server = Server::start(&binary()?, &link, &config)?;
    let client = link.client(MAC)?;
    Ok(Set { primary, world: World::new(link, server, None), client, keys })
}

impl Set {
    /// Waits until `dig` finds this there; how long that took.
    fn until(&self, arguments: &[&str], wanted: &str) -> Result<Duration, Trouble> {
        let since = Instant::now();
        wait_until(&format!("{arguments:?} is {wanted:?} at the other server"), || {
            Ok((self.primary.dig(&self.client, arguments)? == wanted).then_some(()))
        })?;
        Ok(since.elapsed())
    }

    fn lease(&self) -> Result<(Client, String), Trouble> {
        let flags = ["-x", "hostname:node4"];
        let mut client = Client::start_with(Kind::Udhcpc, &self.client, &flags)?;
        let address = client.bound(0)?.address;
        self.readdress()?;
        Ok((client, address))
    }

    /// The client's script takes away everything that it did not put there.
    fn readdress(&self) -> Tried {
        self.client.link_local("fe80::5054:ff:fe77:601")?;
        self.client.address("10.77.0.5/24")
    }

    fn name(&self, name: &str) -> Tried {
        self.world.server.cli(&["machine", "set", MAC, "--name", name]).map(drop)
    }

    /// The zone of hosts in `dns status`.
    fn status(&self) -> Result<serde_json::Value, Trouble> {
        let status = self.world.json(&["dns", "status"])?;
        let all = list(&status["publish"]);
        assert_eq!(all.len(), 3, "{status:#}");
        Ok(all[0].clone())
    }

    fn told(&self, words: &str) -> Tried {
        wait_until(&format!("it is told: {words}"), || {
            Ok(self.world.server.log().text().contains(words).then_some(()))
        })
    }
}

/// An address over IPv6 by ISC's client, as `node6`; `-1` gets one, `-r` gives it back.
fn dhclient6(at: &Namespace, directory: &tempfile::TempDir, how: &str) -> Result<String, Trouble> {
    let path = |name: &str| directory.path().join(name).display().to_string();
    write(path("conf"), "send fqdn.fqdn \"node6.elsewhere.example\";\nsend fqdn.encoded on;\n")?;
    let (conf, leases, pid) = (path("conf"), path("leases"), path("pid"));
    if how == "-1" {
        write(&leases, "")?;
    }
    let files = ["-cf", &*conf, "-lf", &*leases, "-pf", &*pid, "-sf", "/bin/true"];
    let ran =
        there(at, "dhclient", &[&["-6", how, "-v"], &files[..], &[Link::INTERFACE]].concat())?;
    let kept = std::fs::read_to_string(&leases).unwrap_or_default();
    let line = kept.lines().find(|line| line.trim_start().starts_with("iaaddr"));
    let address = line.and_then(|line| line.split_whitespace().nth(1));
    let Some(address) = address else { panic!("{}\n{kept}", ran.said()) };
    Ok(address.to_owned())
}

/// What every primary server has to do with us.
fn comes_and_goes(make: Make) -> Result<Set, Trouble> {
    let set = set(make)?;
    let (client, address) = set.lease()?;
    let took = set.until(&["node4.lab.example"], &address)?;
    assert!(took < Duration::from_secs(3), "{took:?}");
    set.until(&["-x", &address], "node4.lab.example.")?;
    let dhcid = set.primary.dig(&set.client, &["DHCID", "node4.lab.example"])?;
    assert!(dhcid.starts_with("AAAB"), "by hardware address, SHA-256: {dhcid}");

    let kept = new_directory()?;
    let six = dhclient6(&set.client, &kept, "-1")?;
    let took = set.until(&["AAAA", "node6.lab.example"], &six)?;
    assert!(took < Duration::from_secs(3), "{took:?}");
    set.until(&["-x", &six], "node6.lab.example.")?;
    let own = format!("{six}/64");
    let flags = ["-6", "addr", "add", &*own, "dev", Link::INTERFACE, "nodad"];
    assert_eq!(there(&set.client, "ip", &flags)?.code, Some(0));
    dhclient6(&set.client, &kept, "-r")?;
    set.until(&["AAAA", "node6.lab.example"], "")?;
    set.until(&["-x", &six], "")?;

    // One name for both families would be one machine; here it is named once for all.
    set.name("lab-01")?;
    set.until(&["lab-01.lab.example"], &address)?;
    set.until(&["node4.lab.example"], "")?;

    // Somebody wrote the printer into the zone: it stays, and that is said.
    set.name("printer")?;
    set.told("printer.lab.example is not published at 10.77.0.2:53")?;
    set.until(&["lab-01.lab.example"], "")?;
    assert_eq!(set.primary.dig(&set.client, &["printer.lab.example"])?, "10.77.0.9");
    assert_eq!(set.status()?["foreign"][0], "printer.lab.example");
    set.name("lab-02")?;
    set.until(&["lab-02.lab.example"], &address)?;
    assert_eq!(set.primary.dig(&set.client, &["printer.lab.example"])?, "10.77.0.9");
    assert_eq!(list(&set.status()?["foreign"]).len(), 0);

    client.release()?;
    set.readdress()?;
    set.until(&["lab-02.lab.example"], "")?;
    set.until(&["-x", &address], "")?;
    set.until(&["DHCID", "lab-02.lab.example"], "")?;
    let status = set.status()?;
    assert_eq!((&status["waiting"], &status["failing"]), (&0.into(), &serde_json::Value::Null));
    Ok(set)
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn leases_come_and_go_at_knot() -> Tried {
    comes_and_goes(Make::Knot).map(drop)
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn leases_come_and_go_at_bind_whatever_fails_between() -> Tried {
    let mut set = comes_and_goes(Make::Bind)?;
    let (_client, address) = set.lease()?;
    set.until(&["lab-02.lab.example"], &address)?;

    // Another secret: nothing is changed, and it is said what to do.
    key(&set.keys, OTHER)?;
    let said = set.world.server.cli(&["reload"])?;
    assert!(said.contains("another secret") && !said.contains("AAEC"), "{said}");
    set.told("it has another secret under the name of the key (BADSIG)")?;
    let failing = set.status()?["failing"].clone();
    assert!(failing["hint"].to_string().contains("secret_file"), "{failing:#}");
    assert!(!set.world.server.log().text().contains("AAEC"), "no secret is told");
    set.name("lab-03")?;
    key(&set.keys, SECRET)?;
    set.world.server.cli(&["reload"])?;
    set.until(&["lab-03.lab.example"], &address)?;
    set.until(&["lab-02.lab.example"], "")?;

    // The other server is away for a while.
    set.primary.stop();
    set.name("lab-04")?;
    set.told("names are not published in lab.example at 10.77.0.2:53: it does not answer")?;
    set.primary.run()?;
    set.until(&["lab-04.lab.example"], &address)?;
    set.until(&["lab-03.lab.example"], "")?;
    set.told("names are published in lab.example at 10.77.0.2:53 again")?;

    // We are killed while it is away, and it comes back before us: nothing stale stays.
    set.primary.stop();
    set.name("lab-05")?;
    std::thread::sleep(Duration::from_millis(1200));
    set.world.server.kill();
    set.primary.run()?;
    set.world.server.start_again()?;
    set.until(&["lab-05.lab.example"], &address)?;
    set.until(&["lab-04.lab.example"], "")?;
    set.until(&["DHCID", "lab-04.lab.example"], "")?;

    // Killed at once after a change.
    for n in 6..10 {
        set.name(&format!("lab-0{n}"))?;
        std::thread::sleep(Duration::from_millis(40 * n));
        set.world.server.kill();
        set.world.server.start_again()?;
    }
    set.until(&["lab-09.lab.example"], &address)?;
    for n in 5..9 {
        let name = format!("lab-0{n}.lab.example");
        set.until(&[&name], "")?;
        set.until(&["DHCID", &name], "")?;
    }
    set.until(&["-x", &address], "lab-09.lab.example.")?;
    Ok(())
}

/// What `doctor` says of publishing: codes (`D-FINE` for what is good) with sentences.
fn looked(ran: &Ran) -> Vec<(String, String)> {
    let findings = json(&ran.out);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let all = list(&findings).iter().map(|found| (text(&found["code"]), text(&found["what"])));
    all.filter(|(_, what)| what.contains("10.77.0.2:53")).collect()
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn doctor_says_what_keeps_names_from_another_server() -> Tried {
    let mut set = set(Make::Bind)?;
    let doctor = |set: &Set| set.world.operator(&["doctor", "--json"]).map(|ran| looked(&ran));
    let codes = |found: &[(String, String)]| -> Vec<String> {
        found.iter().map(|(code, _)| code.clone()).collect()
    };
    let good = doctor(&set)?;
    assert_eq!(codes(&good), ["D-FINE"; 3], "{good:?}");
    assert!(good[0].1.contains("lab.example published at 10.77.0.2:53"), "{good:?}");

    // What it would start with: another secret, and a file that everybody may read.
    let path = key(&set.keys, OTHER)?;
    let other = doctor(&set)?;
    assert_eq!(codes(&other), ["D-DNS-PUBLISH-KEY"; 3], "{other:?}");
    assert!(other[0].1.contains("BADSIG"), "{other:?}");
    key(&set.keys, SECRET)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o644))
        .map_err(|e| trouble("opening a key", e))?;
    let open = doctor(&set)?;
    assert_eq!(open[0].0, "D-DNS-PUBLISH-KEY", "{open:?}");
    assert!(open[0].1.contains("everybody may read the key"), "{open:?}");

    // Before the start it looks by itself. A zone that the server does not have is one of no network, too.
    key(&set.keys, SECRET)?;
    let directory = new_directory()?;
    let file = directory.path().join("lab.toml");
    write(&file, &config(&path).replace("[\"lab.example\"", "[\"lab.example\", \"else.example\""))?;
    let before = || -> Result<Ran, Trouble> {
        let mut command = set.world.link.server().command(binary()?);
        command.args(["--state".as_ref(), directory.path().join("state").as_os_str()]);
        command.args(["doctor", "--json", "--config"]).arg(&file);
        ran(&command)
    };
    let found = looked(&before()?);
    let zone = "D-DNS-PUBLISH-ZONE";
    assert_eq!(codes(&found), [zone, "D-FINE", zone, "D-FINE", "D-FINE"], "{found:?}");
    assert!(found[0].1.contains("no network has names in it"), "{found:?}");
    assert!(found[1].1.contains("has lab.example and takes the key"), "{found:?}");
    assert!(found[2].1.contains("it does not have the zone"), "{found:?}");
    std::fs::remove_file(&path).map_err(|e| trouble("removing a key", e))?;
    let gone = before()?;
    let found = looked(&gone);
    assert_eq!(found[0].0, "D-DNS-PUBLISH-KEY", "{found:?}");
    assert!(found[0].1.contains("cannot be read"), "{found:?}");
    assert_eq!(gone.code, Some(1), "the server would not start: {}", gone.said());

    key(&set.keys, SECRET)?;
    set.primary.stop();
    let silent = doctor(&set)?;
    assert_eq!(codes(&silent), ["D-DNS-PUBLISH-SILENT"; 3], "{silent:?}");
    Ok(())
}

#[test]
#[ignore = "real servers in namespaces, as root: `./x test` runs it"]
fn a_bind_whose_clock_differs_is_told_with_by_how_much_and_nothing_is_lost() -> Tried {
    need(&["gcc", "libc6-dev"])?;
    let mut set = set(Make::Bind)?;
    let (_client, address) = set.lease()?;
    set.until(&["node4.lab.example"], &address)?;
    // RFC 8945, 5.2.3: beyond the fudge of 300 s it says what its clock is, signed.
    for (ahead_s, direction, name) in [(1000, "ahead of", "lab-01"), (-1000, "behind", "lab-02")] {
        set.primary.stop();
        set.primary.ahead_s = ahead_s;
        set.primary.run()?;
        set.name(name)?;
        set.told(&format!("s {direction} ours (BADTIME)"))?;
        let failing = set.status()?["failing"].clone();
        let why = failing["why"].as_str().unwrap_or_default();
        let by = why.split_whitespace().find_map(|word| word.parse::<u32>().ok());
        assert!(by.is_some_and(|by| (990..=1010).contains(&by)), "{why}");
        assert!(failing["hint"].to_string().contains("NTP"), "{failing:#}");
        set.until(&[&format!("{name}.lab.example")], "")?;
        // Its clock is set: what waited comes.
        set.primary.stop();
        set.primary.ahead_s = 0;
        set.primary.run()?;
        set.until(&[&format!("{name}.lab.example")], &address)?;
    }
    set.until(&["node4.lab.example"], "")?;
    set.until(&["lab-01.lab.example"], "")?;
    Ok(())
}
