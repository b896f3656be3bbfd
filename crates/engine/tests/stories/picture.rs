//! A boot drawn: as SVG that is well-formed whatever came from the wire, and as lines.

use crate::events::*;
use engine::story::picture::{svg, text};
use engine::story::{Limits, Stories};
use model::event::Carrier::{Http, Tftp};
use model::story::Story;
use model::{Event, Happening};
use std::path::Path;

fn told(now: u64, events: impl IntoIterator<Item = Event>) -> Story {
    let mut stories = Stories::new(Limits::default());
    for event in events {
        stories.note(&event);
    }
    stories.of(at(now), &mac(1)).pop().unwrap()
}

/// A boot with everything that a picture shows: waits, a retry, a file that ended early, an installer.
fn eventful() -> Story {
    let reports = [("claimed", 17_000), ("begun", 52_000), ("progress", 90_000), ("done", 400_000)];
    let deployment = reports.map(|(step, ms)| {
        let (deployment, says) = ("d17".to_owned(), format!("d17 of pc-1: {step}"));
        event(ms, 1, Happening::Deployment { deployment, step: step.to_owned(), says })
    });
    let events = [
        vec![said(0, 1, 1, "uefi", "DISCOVER", "")],
        four(4000, 1, 1, "uefi", 4000),
        vec![
            started(8050, 1, Tftp, "loader/snponly-x64.efi", 1_000_000),
            failed(9000, 1, Tftp, "loader/snponly-x64.efi", 400_000, "no ACK for 3 s"),
        ],
        file(12_100, 1, Tftp, "loader/snponly-x64.efi", 1_000_000, 1200),
        four(15_000, 1, 1, "ipxe", 1010),
        vec![script(16_900, 1, "boot Debian 12 (version 1)")],
        deployment.get(..1).unwrap().to_vec(),
        file(17_200, 1, Http, "/image/debian/1/linux", 8_000_000, 700),
        file(18_000, 1, Http, "/image/debian/1/initrd.gz", 40_000_000, 3600),
        deployment.get(1..).unwrap().to_vec(),
    ];
    told(410_000, events.concat())
}

/// Whether it is XML: tags that match, attributes in quotes, no naked `<` or `&`, nothing that XML 1.0
/// does not take. Gives the text between the tags.
pub fn well_formed(xml: &str) -> String {
    let allowed =
        |c: char| matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(allowed), "{xml:?}");
    let mut open: Vec<&str> = Vec::new();
    let mut shown = String::new();
    let mut rest = xml;
    while let Some((before, after)) = rest.split_once('<') {
        entities(before);
        shown.push_str(before);
        let (tag, after) = after.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{xml}");
            continue;
        }
        let (tag, alone) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "<{tag}>");
        entities(attributes);
        // Names and values in turn.
        let quoted: Vec<&str> = attributes.split('"').collect();
        assert_eq!(quoted.len() % 2, 1, "<{tag}>");
        for name in quoted.iter().step_by(2).filter(|name| !name.is_empty()) {
            let name = name.trim_start().strip_suffix('=').unwrap_or_else(|| panic!("<{tag}>"));
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ':')));
        }
        if !alone {
            open.push(name);
        }
    }
    assert_eq!((open, rest.trim()), (vec![], ""), "{xml}");
    shown
}

fn entities(text: &str) {
    for piece in text.split('&').skip(1) {
        let entity = piece.split(';').next();
        assert!(matches!(entity, Some("amp" | "lt" | "gt" | "quot" | "#39")), "&{piece}");
    }
}

#[test]
fn a_boot_is_drawn_as_it_stands_in_the_documentation() {
    let drawn = svg(&eventful(), Some("pc-1"));
    well_formed(&drawn);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/boot.svg");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == drawn, "docs/boot.svg is not what is drawn; BLESS=1 draws it anew");
}

#[test]
fn a_picture_says_what_the_story_says() {
    let story = eventful();
    let shown = well_formed(&svg(&story, Some("pc-1")));
    for step in &story.steps {
        let says = step.says.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        assert!(shown.contains(&says.replace('\'', "&#39;")), "{says}");
    }
    for gap in &story.gaps {
        assert!(shown.contains(&gap.means), "{}", gap.means);
    }
    assert!(shown.contains("(pc-1): installed"), "{shown}");

    let lines = text(&story, Some("pc-1"));
    assert_eq!(lines.len(), 4 + story.steps.len() + story.gaps.len());
    let marked = |words: &str| lines.iter().any(|l| l.contains("|!") && l.contains(words));
    assert!(marked("DISCOVER → silence") && marked("ended at"), "{lines:#?}");
    assert!(!marked("iPXE: REQUEST"), "{lines:#?}");
}

#[test]
fn names_from_the_wire_are_only_text() {
    let evil = "</text><script>alert(1)</script>\"'&amp;\u{202e}\u{0}\u{7f}\u{1b}[2J\u{fffe}]]>";
    let started = started(5000, 1, Tftp, evil, 90);
    let says = Happening::Deployment {
        deployment: evil.to_owned(),
        step: "begun".to_owned(),
        says: evil.to_owned(),
    };
    let log = Happening::Syslog {
        severity: model::Severity::Err,
        app: Some(evil.to_owned()),
        text: evil.to_owned(),
    };
    let events = [
        four(0, 1, 1, "uefi", 4000),
        vec![started, script(6000, 1, evil), event(6001, 1, says), event(6002, 1, log)],
    ];
    let drawn = svg(&told(9000, events.concat()), Some(evil));
    well_formed(&drawn);
    for never in ["<script", "href", "onload", "\u{202e}", "]]>"] {
        assert!(!drawn.contains(never), "{never}");
    }
}

#[test]
fn a_long_boot_and_a_long_silence_fit() {
    let hours = (0..40).flat_map(|n| {
        let log =
            Happening::Syslog { severity: model::Severity::Info, app: None, text: n.to_string() };
        vec![
            script(5000 + n * 700_000, 1, &"wait for approval ".repeat(20)),
            event(6000 + n * 700_000, 1, log),
        ]
    });
    let story = told(40_000_000, four(0, 1, 1, "uefi", 4000).into_iter().chain(hours));
    let drawn = svg(&story, None);
    well_formed(&drawn);
    for (_, after) in drawn.match_indices(" x=\"").map(|(n, it)| drawn.split_at(n + it.len())) {
        let x: f64 = after.split('"').next().unwrap().parse().unwrap();
        assert!((0.0..=1280.0).contains(&x), "{x}");
    }
    assert!(text(&story, None).iter().all(|line| !line.contains('\u{1b}')));
}
