//! The page of the documentation, made of the data.

use crate::data::{Bearing, all};
use std::fmt::Write as _;

const HEAD: &str = include_str!("../data/page.md");

/// Markdown, in the order of numbers.
#[must_use]
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    let groups = [
        (Bearing::WhoHasIt, "For who has it", "These can be switched for a machine.", "What we do"),
        (
            Bearing::Everybody,
            "For everybody",
            "What we do hurts nobody else, so there is nothing to switch.",
            "What we do",
        ),
        (
            Bearing::Advice,
            "For you",
            "Here the server cannot help; this is what you can do.",
            "What to do",
        ),
    ];
    for (bearing, title, about, does) in groups {
        let _ = write!(text, "\n## {title}\n\n{about}\n\n");
        let _ = writeln!(text, "| Quirk | What is seen | {does} |\n| --- | --- | --- |");
        for quirk in all().iter().filter(|quirk| quirk.bearing == bearing) {
            let (number, name) = (quirk.number, &quirk.name);
            let (symptom, does) = (cell(&quirk.symptom), cell(&quirk.does));
            let _ = writeln!(text, "| {number:02} {name} | {symptom} | {does} |");
        }
    }
    text
}

/// Angle brackets would be tags, and bars would be other cells.
fn cell(text: &str) -> String {
    text.replace('<', "&lt;").replace('|', "\\|")
}
