//! Documents and what is said of them.

use super::{Document, read};
use api::types::ApplyWish;

fn text(text: &str) -> Result<ApplyWish, String> {
    let folder = std::path::PathBuf::from("/nowhere");
    read(&[Document { file: "lab.toml".to_owned(), text: text.to_owned(), folder }])
}

/// The titles and places of all faults, one line each, in order.
fn faults(document: &str) -> Vec<String> {
    let shown = text(document).expect_err("there are faults");
    let lines: Vec<&str> = shown.lines().collect();
    let title = |pair: &[&str]| {
        let title = pair.first()?.strip_prefix("error: ")?;
        let place = pair.get(1)?.trim_start().strip_prefix("--> lab.toml:")?;
        Some(format!("{place} {title}"))
    };
    lines.windows(2).filter_map(title).collect()
}

/// Without the list of all architectures.
fn short(fault: &str) -> &str {
    fault.split_once(": write one of x86-bios").map_or(fault, |(short, _)| short)
}

const LAB: &str = r#"
[[profile]]
name  = "debian"
image = "debian-12-amd64"
args  = "console=ttyS0"

[[profile]]
name    = "pinned"
image   = "debian-12-amd64"
version = 2

[[rule]]
conditions = { arch = "x64-uefi", memory = 4096, label = { room = "3" } }
profile    = "debian"

[[rule]]
conditions = ["mac=52:54:00", "firmware=http"]
profile    = "pinned"

[[rule]]
profile = "debian"

[[machine]]
mac     = "52:54:00:77:00:01"
name    = "lab-01"
profile = "debian"
state   = "approved"
labels  = { room = "3", rack = "a" }

[[machine]]
mac = "52-54-00-77-00-02"
"#;

#[test]
fn a_document_is_read_with_the_place_of_everything() {
    let wish = text(LAB).unwrap();
    assert_eq!((wish.machines.len(), wish.profiles.len()), (2, 2));
    let first = &wish.machines[0];
    assert_eq!(first.at, "lab.toml:23:1");
    assert_eq!(first.labels.len(), 2);
    assert_eq!(first.state.unwrap().name(), "approved");
    assert_eq!(wish.profiles[1].version, Some(2));
    let rules = wish.rules.unwrap();
    let shown = |n: usize| {
        let mut all: Vec<String> = rules[n].conditions.iter().map(ToString::to_string).collect();
        all.sort();
        all.join(" ")
    };
    assert_eq!(shown(0), "arch=x64-uefi label:room=3 memory=4096");
    assert_eq!(shown(1), "firmware=http mac=52:54:00");
    assert_eq!((shown(2).as_str(), rules[2].at.as_str()), ("", "lab.toml:20:1"));
}

#[test]
fn a_document_without_rules_leaves_them_alone_and_an_empty_list_does_not() {
    assert_eq!(text("").unwrap(), ApplyWish::default());
    assert_eq!(text("rule = []").unwrap().rules.map(|rules| rules.len()), Some(0));
}

#[test]
fn the_rules_of_several_files_are_one_list() {
    let document = |file: &str, profile: &str| Document {
        file: file.to_owned(),
        text: format!("[[rule]]\nprofile = \"{profile}\"\n"),
        folder: std::path::PathBuf::new(),
    };
    let wish = read(&[document("a.toml", "x"), document("b.toml", "y")]).unwrap();
    let places: Vec<String> = wish.rules.unwrap().into_iter().map(|rule| rule.at).collect();
    assert_eq!(places, ["a.toml:1:1", "b.toml:1:1"]);
}

#[test]
fn every_fault_is_said_at_once_each_at_its_place() {
    let document = r#"
[[machine]]
name = "no-mac"

[[machine]]
mac = "52:54"
lables = { room = "3" }

[[machine]]
mac = "52:54:00:77:00:01"
state = "aproved"
labels = { room = 3 }
notes = "x"

[[profile]]
name = "a"
version = 0

[[profile]]
name = "b"
image = "i"
version = 1
channel = "test"
template = "t"

[[rule]]
conditions = ["arch=x64", 5]

[[rule]]
profile = "a"
conditions = { colour = "red" }

[[template]]
name = "t"

[[machines]]
mac = "52:54:00:77:00:02"
"#;
    assert_eq!(
        faults(document).iter().map(|fault| short(fault)).collect::<Vec<&str>>(),
        [
            "2:1 a [[machine]] without `mac`",
            "6:7 `52:54` is no MAC address: write it like 52:54:00:12:34:56",
            "7:1 unknown key `lables` in [[machine]]",
            "11:9 `aproved` is no value of `state`",
            "12:19 label `room` takes text in quotes, not an integer",
            "15:1 [[profile]] without `image`",
            "17:11 `version` takes a number from 1 to 4294967295",
            "23:11 a profile pins a version or follows a channel",
            "26:1 [[rule]] without `profile`",
            "27:15 `x64` is no architecture",
            "27:27 a condition takes text in quotes, like \"arch=x64-uefi\", not an integer",
            "31:25 `colour` is nothing a rule can demand: write one of mac, uuid, serial, arch, \
             firmware, vendor-class, network, circuit, memory, disk, cpu, label:KEY",
            "33:1 a [[template]] without `text` or `file`",
            "36:3 unknown key `machines`",
        ]
    );
    assert!(text(document).unwrap_err().contains("did you mean `labels`?"));
}

#[test]
fn many_faults_are_counted() {
    let document = "[[machine]]\nmac = \"x\"\n".repeat(1000);
    let said = text(&document).unwrap_err();
    assert!(
        said.starts_with("lab.toml has 1000 faults") && said.ends_with("and 950 more"),
        "{said}"
    );
}

#[test]
fn ten_thousand_machines_are_read() {
    let one = |n: u32| {
        let [_, a, b, c] = n.to_be_bytes();
        format!("[[machine]]\nmac = \"52:54:00:{a:02x}:{b:02x}:{c:02x}\"\nname = \"m-{n}\"\n\n")
    };
    let document: String = (0..10_000).map(one).collect();
    let wish = text(&document).unwrap();
    assert_eq!(wish.machines.len(), 10_000);
    assert_eq!(wish.machines[9_999].at, "lab.toml:39997:1");
}

/// What is written down of other servers' files is read by `apply` and by the configuration, and the
/// engine takes it once its images are there.
#[test]
fn what_was_taken_over_is_read_and_applied() {
    use foreign::{Book, Server};
    let samples: [(Server, &[(&str, &str)]); 7] = [
        (
            Server::Dnsmasq,
            &[("d", include_str!("../../../foreign/tests/samples/settings/dnsmasq.conf"))],
        ),
        (Server::Isc, &[("i", include_str!("../../../foreign/tests/samples/settings/dhcpd.conf"))]),
        (
            Server::Kea,
            &[("k", include_str!("../../../foreign/tests/samples/settings/kea-dhcp4.conf"))],
        ),
        (
            Server::Matchbox,
            &[
                ("g", include_str!("../../../foreign/tests/samples/settings/matchbox-group.json")),
                (
                    "p",
                    include_str!("../../../foreign/tests/samples/settings/matchbox-profile.json"),
                ),
            ],
        ),
        (
            Server::Cobbler,
            &[("c", include_str!("../../../foreign/tests/samples/settings/cobbler.json"))],
        ),
        (
            Server::Pxelinux,
            &[
                (
                    "default",
                    include_str!("../../../foreign/tests/samples/settings/pxelinux-default"),
                ),
                (
                    "01-52-54-00-77-0f-01",
                    include_str!("../../../foreign/tests/samples/settings/01-52-54-00-77-0f-01"),
                ),
            ],
        ),
        (Server::Fog, &[("f", include_str!("../../../foreign/tests/samples/settings/fog.sql"))]),
    ];
    for (server, files) in samples {
        let mut book = Book::new(model::Now(0));
        for (name, text) in files {
            book.read(server, name, &mut text.as_bytes()).unwrap();
        }
        let settings = book.done().settings;
        let written = settings.written();
        let wish = text(&written.document).unwrap_or_else(|faults| panic!("{server:?}: {faults}"));
        assert_eq!(wish.machines.len(), settings.machines.len(), "{server:?}");
        assert_eq!(wish.profiles.len(), settings.profiles.len(), "{server:?}");
        applied(wish, &settings);
        networks(server, &written.networks);
    }
}

/// The engine takes it, and the second time nothing differs.
fn applied(wish: ApplyWish, settings: &foreign::Settings) {
    use engine::{Command, Engine, Now};
    let config = crate::config::flags::read(&[], None, 80, &[]).unwrap();
    let mut engine = Engine::new(config.settings);
    let apply = |engine: &mut Engine, command: Command| {
        let decided = engine.command(Now(0), command).unwrap();
        decided.changes.iter().for_each(|change| engine.apply(change));
        decided.changes.len()
    };
    for (name, _) in &settings.images {
        let mut image = model::Image::new(name.clone(), name.clone(), Now(0));
        image.recipe.kernel = Some("k".to_owned());
        apply(&mut engine, Command::PublishImage(image));
    }
    let declared = engine::command::Declared::from(wish);
    assert!(apply(&mut engine, Command::Apply(declared.clone(), false)) > 0);
    assert_eq!(apply(&mut engine, Command::Apply(declared, true)), 0);
}

/// The configuration takes the networks, once their interface is named and has an address there.
fn networks(server: foreign::Server, text: &str) {
    use std::net::Ipv4Addr;
    if !text.contains("[[network]]") {
        return;
    }
    let text = text.replace("CHANGE-ME", "br1");
    let addresses = [(Ipv4Addr::new(10, 77, 0, 9), 24), (Ipv4Addr::new(10, 78, 0, 9), 28)];
    let links = ["br0", "br1"].map(|name| crate::links::imagined(name, &addresses));
    if let Err(faults) = crate::config::read_text("networks.toml", &text, &links, "here") {
        panic!("{server:?}: {faults}\n{text}");
    }
}

#[test]
fn templates_come_from_files_beside_the_document_and_settings_keep_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.preseed"), "d-i a/b string x\n").unwrap();
    let document = |text: &str| {
        read(&[Document {
            file: "lab.toml".to_owned(),
            text: text.to_owned(),
            folder: folder.path().to_owned(),
        }])
    };
    let wish = document(
        r#"
[[template]]
name = "a.preseed"
file = "a.preseed"

[[template]]
name = "b.sh"
format = "shell"
text = "true"

[[profile]]
name = "p"
image = "i"
template = "a"
settings = { disk = "serial:S1", size = 4, quiet = true, users = ["a", "b"] }

[[machine]]
mac = "52:54:00:77:00:01"
notes = "under the desk"
settings = { disk = "serial:S2" }
"#,
    )
    .unwrap();
    assert_eq!(wish.templates[0].text, "d-i a/b string x\n");
    assert_eq!(wish.templates[0].at, "lab.toml:2:1");
    assert_eq!(wish.templates[1].format.as_deref(), Some("shell"));
    assert_eq!(wish.profiles[0].template.as_deref(), Some("a"));
    let settings = serde_json::to_value(&wish.profiles[0].settings).unwrap();
    let meant = r#"{"disk":"serial:S1","quiet":true,"size":4,"users":["a","b"]}"#;
    assert_eq!(settings.to_string(), meant);
    assert_eq!(wish.machines[0].notes.as_deref(), Some("under the desk"));
    assert_eq!(wish.machines[0].settings.len(), 1);

    let said = document("[[template]]\nname = \"a\"\nfile = \"gone\"\n").unwrap_err();
    assert!(said.contains("lab.toml:3:8") && said.contains("cannot read"), "{said}");
    let said = document("[[template]]\nname = \"a\"\nfile = \"a\"\ntext = \"b\"\n").unwrap_err();
    assert!(said.contains("not both"), "{said}");
}
