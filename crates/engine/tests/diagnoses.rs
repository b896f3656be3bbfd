//! The list of diagnoses in `docs/diagnose.md` is the table of the code, in the same words.

#![expect(clippy::unwrap_used, reason = "tests may")]

use engine::diagnose::ROWS;
use model::diagnosis::Code;
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- written by UPDATE_DOCS=1 cargo test -p engine --test diagnoses -->\n";
const END: &str = "<!-- end -->\n";

/// Where a part of the list begins.
const PARTS: [(Code, &str); 6] = [
    (Code::NetworkNotServed, "It asks for an address and a boot file"),
    (Code::BootFileNotAsked, "It fetches its boot file"),
    (Code::LoaderRefused, "The bootloader starts"),
    (Code::ProfileCannotBoot, "It was told what to boot"),
    (Code::KernelSilent, "The kernel was started"),
    (Code::InstallerLoop, "It comes back again and again"),
];

/// The list, as it stands in the document.
fn list() -> String {
    let mut list = String::new();
    for row in ROWS {
        if let Some((_, part)) = PARTS.iter().find(|(first, _)| *first == row.code) {
            let _ = write!(
                list,
                "\n### {part}\n\n| What happens | Diagnosis | What to do |\n| --- | --- | --- |\n"
            );
        }
        let cell = |text: &str| text.replace('|', "\\|");
        let (means, to_do) = (cell(row.means), cell(row.to_do));
        let _ = writeln!(list, "| {means} | `{}` | {to_do} |", row.code);
    }
    list.push('\n');
    list
}

#[test]
fn the_document_lists_every_diagnosis() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnose.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let now = format!("{before}{BEGIN}{}{END}{after}", list());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &now).unwrap();
        return;
    }
    assert_eq!(text, now, "UPDATE_DOCS=1 cargo test -p engine --test diagnoses writes it anew");
}

#[test]
fn nobody_is_told_to_weaken_a_machine() {
    for row in ROWS {
        let words = row.to_do.to_lowercase();
        assert!(!words.contains("secure boot off"), "{}: {}", row.code, row.to_do);
    }
}
