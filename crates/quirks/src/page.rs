//! The page of the documentation, made of the data.

use crate::data::{Bearing, Quirk, all};
use std::fmt::Write as _;

const HEAD: &str = "\
# Quirks of firmware and loaders

Firmware does otherwise than the standards say, and so do loaders. This page lists what is known, and
what Bootwright does for it. It is made of `crates/quirks/data/quirks.toml`; a test compares the two.

    bootwright quirk list                  all of them
    bootwright quirk show ignores-option-43
    bootwright explain MACHINE             which of them this machine has, and how we know

Most of what we do hurts nobody, so it is done for everybody. The rest is done for who has the quirk:
who looks like it, or was seen to do it. Where that is not enough, say it:

    bootwright machine set lab-07 --quirk needs-broadcast=on
    bootwright machine set lab-07 --quirk ignores-option-43=off
    bootwright machine set lab-07 --quirk ignores-option-43=auto      back to what it looks like

In a document of `apply`: `quirks = { needs-broadcast = \"on\" }` in its `[[machine]]`.

Firmware that boots and looks like none we know is kept in memory, without names and with no more of
its address than the maker's part. `bootwright quirk export` prints it, ready for a report.
";

/// Markdown, in the order of numbers.
#[must_use]
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    let groups = [
        (Bearing::WhoHasIt, "For who has it", "These can be switched for a machine."),
        (Bearing::Everybody, "For everybody", "These cannot be switched off: they hurt nobody."),
        (Bearing::Advice, "For you", "Here no server can help; this is what you can do."),
    ];
    for (bearing, title, about) in groups {
        let _ = write!(text, "\n## {title}\n\n{about}\n");
        for quirk in all().iter().filter(|quirk| quirk.bearing == bearing) {
            entry(&mut text, quirk);
        }
    }
    text
}

fn entry(text: &mut String, quirk: &Quirk) {
    let _ = write!(text, "\n### {} {}\n\n", quirk.id(), quirk.name);
    let _ = writeln!(text, "{} {}", plain(&quirk.symptom), plain(&quirk.cause));
    let does = match quirk.bearing {
        Bearing::Advice => "What to do",
        _ => "What we do",
    };
    let _ = writeln!(text, "\n- {does}: {}", plain(&quirk.does));
    for when in &quirk.when {
        let _ = writeln!(text, "- Has it, because {}.", plain(&when.words()));
    }
    if quirk.when.is_empty() && quirk.bearing == Bearing::WhoHasIt {
        let _ = writeln!(text, "- Has it: who an operator says.");
    }
    let _ = writeln!(text, "- Known from: {}.", quirk.source.join(", "));
    let shown: Vec<&str> = quirk.scenarios.iter().chain(&quirk.tests).map(String::as_str).collect();
    if !shown.is_empty() {
        let _ = writeln!(text, "- Shown by: {}.", shown.join(", "));
    }
}

/// Angle brackets would be tags.
fn plain(text: &str) -> String {
    text.replace('<', "&lt;")
}
