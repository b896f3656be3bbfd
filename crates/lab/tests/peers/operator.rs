//! The command line, as scripts and people rely on it.

use std::process::Command;

use lab::rig::ns::Link;
use lab::rig::server::binary;
use lab::rig::{Process, Trouble};
use serde_json::Value;

use super::client::{Client, Kind};
use super::world::{
    Ran, Tried, World, giving, json, list, new_directory, prepared, ran, wait_until, write,
};

const MAC: &str = "52:54:00:77:04:01";
const POOL: &str = "10.77.0.100-10.77.0.199";

/// Every listing, in a world where each has something to show.
const LISTINGS: [&[&str]; 18] = [
    &["status"],
    &["image", "list"],
    &["image", "versions", "tools"],
    &["image", "show", "tools"],
    &["image", "verify"],
    &["bootloader", "list"],
    &["profile", "list"],
    &["profile", "show", "p"],
    &["rule", "list"],
    &["rule", "test", MAC],
    &["menu", "show"],
    &["machine", "list"],
    &["machine", "show", MAC],
    &["lease", "list"],
    &["lease", "show", MAC],
    &["lease", "show", MAC, "--history"],
    &["reservation", "list"],
    &["explain", MAC],
];

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn exit_codes_say_whose_fault_it_was() -> Tried {
    let world = World::alone(&giving(POOL))?;
    let nowhere = new_directory()?;
    let nowhere = nowhere.path().display().to_string();
    let cases: [(i32, &[&str], &str); 11] = [
        (0, &["status"], "lab"),
        (1, &["check", "--config", "/no/such/file"], "/no/such/file"),
        (2, &["frobnicate"], "frobnicate"),
        (2, &["rule", "add", "--profile", "p", "--arch", "x64"], "x64-uefi"),
        (2, &["machine", "set", MAC], "--name"),
        (3, &["status", "--state", &nowhere], "bootwright serve"),
        (3, &["lease", "list", "--json", "--state", &nowhere], "bootwright serve"),
        (4, &["image", "remove", "nothing", "--yes"], "nothing"),
        (4, &["profile", "add", "p", "--image", "nothing"], "nothing"),
        (4, &["machine", "show", "nobody"], "nobody"),
        (4, &["lease", "show", "10.77.0.100"], "10.77.0.100"),
    ];
    for (code, arguments, word) in cases {
        // The last `--state` counts: those who name their own must not be given another.
        let ran = match arguments.contains(&"--state") {
            true => ran(world.link.server().command(binary()?).args(arguments))?,
            false => world.operator(arguments)?,
        };
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.said());
        let (data, talk) = (&ran.out, &ran.err);
        let said = if code == 0 { data } else { talk };
        assert!(said.contains(word), "{arguments:?} names {word}: {}", ran.said());
        // Data on stdout, talk on stderr.
        assert!(code == 0 || data.is_empty(), "{arguments:?} prints data: {data}");
    }
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn every_listing_is_json_and_a_dry_run_changes_nothing() -> Tried {
    let (world, files) = furnished()?;
    let all = || -> Result<Vec<Value>, Trouble> {
        LISTINGS.iter().map(|listing| world.json(listing)).collect()
    };
    let before = all()?;
    for (listing, value) in LISTINGS.iter().zip(&before) {
        let empty = value.as_array().is_some_and(Vec::is_empty);
        assert!(!empty, "{listing:?} has something to show");
        let shown = world.operator(listing)?;
        assert_eq!(shown.code, Some(0), "{listing:?}: {}", shown.said());
        assert!(!shown.out.contains('\x1b') && json_or_none(&shown.out).is_none(), "{listing:?}");
    }

    let files = files.path().display().to_string();
    let loader = "/usr/lib/ipxe/ipxe.efi";
    let foreign = world.server.config().with_file_name("dnsmasq.leases");
    write(
        &foreign,
        "0 52:54:00:77:04:02 10.77.0.20 * *\ndhcp-host=52:54:00:77:04:03,10.77.0.21\n",
    )?;
    let foreign = foreign.display().to_string();
    let changes: [(i32, &[&str]); 22] = [
        (0, &["image", "import", &files, "--name", "other"]),
        (0, &["image", "import", &files, "--name", "tools"]),
        (0, &["bootloader", "import", loader]),
        (0, &["profile", "add", "q", "--image", "tools"]),
        (0, &["profile", "set", "p", "--args", "other"]),
        (0, &["rule", "add", "--profile", "p", "--arch", "x64-uefi"]),
        (0, &["rule", "remove", "1"]),
        (0, &["menu", "set", "--add", "disk", "--local-disk", "--title", "Disk"]),
        (0, &["machine", "set", MAC, "--name", "other"]),
        (0, &["machine", "approve", MAC]),
        (0, &["machine", "block", "label:room=3"]),
        (0, &["machine", "remove", MAC]),
        (0, &["machine", "set", MAC, "--option", "ntp-servers=10.77.0.1"]),
        (0, &["reservation", "add", "10.77.0.11", "--client-id", "text:x"]),
        (0, &["reservation", "remove", "10.77.0.10"]),
        (0, &["lease", "release", MAC]),
        (0, &["import-from", "dnsmasq", &foreign]),
        (0, &["reload"]),
        // What would be refused is refused in a dry run, too.
        (4, &["image", "remove", "tools"]),
        (4, &["profile", "remove", "p"]),
        (4, &["reservation", "add", "10.99.0.1", "--mac", MAC]),
        (4, &["lease", "release", "10.77.0.99"]),
    ];
    write(world.server.config(), &giving(POOL).replace("\"lab\"", "\"other\""))?;
    for (code, change) in changes {
        let change = [change, &["--dry-run"]].concat();
        let ran = world.operator(&change)?;
        assert_eq!(ran.code, Some(code), "{change:?}: {}", ran.said());
        assert!(!ran.said().trim().is_empty(), "{change:?} says what would be");
        let after = all()?;
        for ((listing, before), after) in LISTINGS.iter().zip(&before).zip(&after) {
            assert_eq!(steady(before), steady(after), "{change:?} changed {listing:?}");
        }
    }
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn check_shows_each_fault_where_it_stands() -> Tried {
    prepared()?;
    let directory = new_directory()?;
    let file = directory.path().join("lab.toml");
    let check = || ran(Command::new(binary()?).args(["check", "--config"]).arg(&file));
    write(
        &file,
        "[server]\nname = \"lab\"\n\n[[network]]\ninterfase = \"lo\"\nmode = \"dhpc\"\n\n\
         [boot]\nunknown = \"menue\"\nmenu_wait = 10\n",
    )?;
    let ran = check()?;
    assert_eq!((ran.code, &*ran.out), (Some(1), ""), "{}", ran.said());
    let places = [
        ("lab.toml:5:1", "`interface`"),
        ("lab.toml:6:8", "\"dhcp\""),
        ("lab.toml:9:11", "\"menu\""),
        ("lab.toml:10:13", "text in quotes"),
    ];
    for (place, name) in places {
        assert!(ran.err.contains(place), "{place} is named:\n{}", ran.err);
        assert!(ran.err.contains(name), "{name} is named:\n{}", ran.err);
    }

    write(&file, "[server\nname = 1\n")?;
    let broken = check()?;
    assert_eq!(broken.code, Some(1));
    assert!(broken.err.contains("lab.toml:1:"), "{}", broken.err);

    // What is no text at all, and what is no file.
    std::fs::write(&file, [0xff, 0xfe, 0x00]).map_err(|e| super::world::trouble("writing", e))?;
    assert_eq!(check()?.code, Some(1));
    std::fs::remove_file(&file).map_err(|e| super::world::trouble("removing", e))?;
    assert_eq!(check()?.code, Some(1));
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn a_reload_is_whole_or_not_at_all_while_clients_keep_their_leases() -> Tried {
    let mut world = World::alone(&giving(POOL))?;
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    let held = client.bound(0)?.address;
    let leases = world.json(&["lease", "list"])?;

    // Half of it is right: neither half may be taken.
    let half = giving("10.77.0.150-10.77.0.160").replace("router = \"10.77.0.1\"", "rooter = 1");
    write(world.server.config(), &half)?;
    let refused = world.operator(&["reload"])?;
    assert_eq!(refused.code, Some(4), "{}", refused.said());
    assert!(refused.err.contains("`router`") && refused.err.contains(":9:1"), "{}", refused.err);
    assert_eq!(pool(&world)?, POOL);

    // An interface that is not there: found before a socket is closed.
    write(world.server.config(), &giving(POOL).replace("eth0", "eth9"))?;
    assert_eq!(world.operator(&["reload"])?.code, Some(4));
    assert_eq!(pool(&world)?, POOL);

    // A port that somebody else has: the old one is open again.
    let holder = Process::start(
        {
            let mut command = world.link.server().command("busybox");
            command.args(["nc", "-l", "-p", "8080"]);
            command
        },
        world.server.config().with_file_name("nc.log"),
    )?;
    wait_until("the port is taken", || {
        let shown = ran(world.link.server().command("ss").args(["-ltn"]))?;
        Ok(shown.out.contains(":8080").then_some(()))
    })?;
    write(world.server.config(), &format!("{}\n[http]\nport = 8080\n", giving(POOL)))?;
    let refused = world.operator(&["reload"])?;
    assert_eq!(refused.code, Some(4), "{}", refused.said());
    assert!(refused.err.contains("8080"), "{}", refused.err);
    let told = client.given().len();
    client.renew()?;
    assert_eq!(client.bound(told)?.address, held);
    drop(holder);

    write(world.server.config(), &giving("10.77.0.100-10.77.0.160"))?;
    let done = world.operator(&["reload"])?;
    assert_eq!(done.code, Some(0), "{}", done.said());
    assert_eq!(pool(&world)?, "10.77.0.100-10.77.0.160");
    let told = client.given().len();
    client.renew()?;
    assert_eq!(client.bound(told)?.address, held);
    assert_eq!(list(&world.json(&["lease", "list"])?).len(), list(&leases).len());
    drop(client);
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn explain_tells_of_known_and_unknown_machines() -> Tried {
    let (world, _files) = furnished()?;
    // Nothing was heard of this one; the same decision is explained.
    let unknown = world.operator(&["explain", "5254.0077.0499", "--arch", "x64-uefi"])?;
    assert_eq!(unknown.code, Some(0), "{}", unknown.said());
    for word in ["52:54:00:77:04:99", "never heard", "x64-uefi", "The firmware gets"] {
        assert!(unknown.out.contains(word), "{word}: {}", unknown.out);
    }
    let told = world.json(&["explain", "52:54:00:77:04:99", "--arch", "x64-uefi"])?;
    let firmware = list(&told["stages"]).iter().find(|stage| stage["stage"] == "firmware");
    let file = firmware.and_then(|stage| stage["gets"].as_str()).unwrap_or_default();
    assert!(file.contains("loader/"), "{told}");

    let known = world.operator(&["explain", MAC, "--arch", "arm64-uefi"])?;
    assert_eq!(known.code, Some(0), "{}", known.said());
    for word in ["Last heard", "Lately", "10.77.0.1", "arm64-uefi"] {
        assert!(known.out.contains(word), "{word}: {}", known.out);
    }

    let nobody = world.operator(&["explain", "lab-99"])?;
    assert_eq!((nobody.code, &*nobody.out), (Some(4), ""), "{}", nobody.said());
    assert!(nobody.err.contains("lab-99") && nobody.err.contains("hint"), "{}", nobody.err);
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn doctor_finds_what_keeps_machines_from_booting() -> Tried {
    let world = World::alone(&giving(POOL))?;
    let doctor = world.operator(&["doctor", "--json"])?;
    let findings = json(&doctor.out);
    let bad = list(&findings).iter().any(|finding| finding["grade"] == "bad");
    assert_eq!(doctor.code, Some(i32::from(bad)), "{findings:#}");
    for finding in list(&findings) {
        assert!(finding["what"].is_string(), "{finding}");
        // Whatever is not good says why that matters and what mends it.
        if finding["grade"] != "good" {
            assert!(finding["why"].is_string() && finding["mend"].is_string(), "{finding}");
        }
    }
    assert!(!bad, "a fresh server is ready to boot machines: {findings:#}");

    // With another server on the link, two give addresses: that is bad, and named.
    let peer = lab::rig::dnsmasq::Dnsmasq::start(&world.link)?;
    let doctor = world.operator(&["doctor", "--json"])?;
    assert_eq!(doctor.code, Some(1), "{}", doctor.said());
    let findings = json(&doctor.out);
    let names_it =
        |finding: &Value| finding["grade"] == "bad" && finding.to_string().contains(Link::PEER);
    assert!(list(&findings).iter().any(names_it), "{findings:#}");
    drop(peer);
    world.leaves_nothing()
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn watch_shows_what_happens() -> Tried {
    let mut world = World::alone(&giving(POOL))?;
    let directory = new_directory()?;
    let log = directory.path().join("watch.log");
    let watch = Process::start(world.server.operator(&["watch", "--json"]), log)?;
    // It says nothing until something happens; connected it is when something is shown.
    wait_until("watch shows something", || {
        world.server.cli(&["machine", "set", "52:54:00:77:04:77", "--label", "room=1"])?;
        Ok((!watch.log().text().is_empty()).then_some(()))
    })?;

    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    let address = client.bound(0)?.address;
    client.release()?;
    let seen = wait_until("watch shows the release", || {
        let text = watch.log().text();
        let events: Vec<Value> = text.lines().filter_map(json_or_none).collect();
        let done = events.iter().any(|event| event.to_string().contains("RELEASE"));
        Ok(done.then_some((text, events)))
    })?;
    let (text, events) = seen;
    assert_eq!(text.lines().count(), events.len(), "each line is JSON: {text}");
    let answers = |asked: &str, answer: &str| {
        events.iter().any(|event| {
            event["event"] == "answered"
                && event["asked"] == asked
                && event["answer"] == answer
                && event["machine"] == MAC
                && event["link"] == Link::INTERFACE
                && event["address"] == *address
        })
    };
    assert!(answers("DISCOVER", "OFFER") && answers("REQUEST", "ACK"), "{text}");
    Ok(())
}

#[test]
#[ignore = "real clients in namespaces, as root: `./x test` runs it"]
fn a_second_server_on_the_same_state_is_refused() -> Tried {
    let world = World::alone(&giving(POOL))?;
    // In a namespace of its own nothing but the state is in its way.
    let mut command = world.link.peer().command(binary()?);
    command.args(["serve", "--interface", Link::INTERFACE, "--state"]);
    let second: Ran = ran(command.arg(world.server.state()))?;
    assert!(matches!(second.code, Some(1 | 4)), "{}", second.said());
    assert!(second.err.contains("in use by process") && second.err.contains("hint"));
    assert!(!second.out.contains("ready"), "{}", second.out);
    // The first is as well as before, its socket included.
    assert_eq!(world.json(&["status"])?["server_name"], "lab");
    world.leaves_nothing()
}

/// A server with an image, a profile, a rule, and a machine that has a lease and a label.
fn furnished() -> Result<(World, tempfile::TempDir), Trouble> {
    let mut world = World::alone(&giving(POOL))?;
    let files = new_directory()?;
    write(files.path().join("vmlinuz"), "not much of a kernel")?;
    let path = files.path().display().to_string();
    world.server.cli(&["image", "import", &path, "--name", "tools"])?;
    world.server.cli(&["profile", "add", "p", "--image", "tools", "--args", "quiet"])?;
    world.server.cli(&["rule", "add", "--profile", "p"])?;
    let namespace = world.link.client(MAC)?;
    let mut client = Client::start(Kind::Udhcpc, &namespace)?;
    client.bound(0)?;
    client.vanish()?;
    world.server.cli(&["machine", "set", MAC, "--name", "lab-01", "--label", "room=3"])?;
    world.server.cli(&["reservation", "add", "10.77.0.10", "--mac", "52:54:00:77:04:09"])?;
    Ok((world, files))
}

fn pool(world: &World) -> Result<String, Trouble> {
    let status = world.json(&["status"])?;
    Ok(status["networks"][0]["pool"][0].as_str().unwrap_or_default().to_owned())
}

fn json_or_none(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// Without what the passing of time changes by itself.
fn steady(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("now");
    }
    value
}
