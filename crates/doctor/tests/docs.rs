//! The pages that are made of data: `UPDATE_DOCS=1 cargo test -p doctor --test docs` writes them.

use doctor::{Code, screen};
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Compares a page with what it should be, or writes it.
fn check(name: &str, wanted: &str) {
    let path = page(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let is = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        is == wanted,
        "docs/{name} is not what the data says: UPDATE_DOCS=1 cargo test -p doctor --test docs"
    );
}

const HEAD: &str = "\
# What stands on the screen

<!-- Made of crates/doctor/data/screen.toml: UPDATE_DOCS=1 cargo test -p doctor --test docs -->

Firmware and loaders write little when a boot fails. `bootwright error` leads from it to what to do, by a
code or by words, and needs no server:

```sh
bootwright error PXE-E53
bootwright error no configuration methods succeeded
bootwright error                      # the whole table
```

A code may mean two things: ROMs of BIOS machines and UEFI use the same numbers for different faults. Codes
that begin with `D-` are findings of [`bootwright doctor`](doctor.md) that belong to a message.
";

#[test]
fn the_page_of_messages_is_what_the_data_says() {
    let mut text = HEAD.to_owned();
    let angle = |text: &str| text.replace('<', "&lt;").replace('>', "&gt;");
    for message in screen::all().unwrap() {
        write!(text, "\n## {}\n\n", angle(&message.title())).unwrap();
        write!(text, "Written by {}.", message.by.join(", ")).unwrap();
        if let [_, others @ ..] = &message.says[..]
            && !others.is_empty()
        {
            let others: Vec<String> = others.iter().map(|text| format!("`{text}`")).collect();
            write!(text, " Also: {}.", others.join(", ")).unwrap();
        }
        write!(text, "\n\n{}\n\n", message.means).unwrap();
        for (number, act) in (1..).zip(&message.act) {
            writeln!(text, "{number}. {act}").unwrap();
        }
        if !message.findings.is_empty() {
            let codes: Vec<&str> = message.findings.iter().map(|code| code.word()).collect();
            writeln!(text, "\n`doctor`: {}.", codes.join(", ")).unwrap();
        }
    }
    check("screen-messages.md", &text);
}

const BEGIN: &str =
    "<!-- codes: made of crates/doctor/src/code.rs, see crates/doctor/tests/docs.rs -->\n";
const END: &str = "<!-- end of codes -->\n";

#[test]
fn the_page_of_doctor_lists_every_code() {
    let is = std::fs::read_to_string(page("doctor.md")).unwrap();
    let (before, rest) = is.split_once(BEGIN).expect("the page has its place for codes");
    let (_, after) = rest.split_once(END).expect("and its end");
    let mut table = "| Code | What it stands for |\n| --- | --- |\n".to_owned();
    for code in Code::ALL {
        writeln!(table, "| `{code}` | {} |", code.says()).unwrap();
    }
    check("doctor.md", &format!("{before}{BEGIN}{table}{END}{after}"));
}

/// Findings without a message are fine; a code that no room can give is not.
#[test]
fn every_code_is_given_by_a_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut text = String::new();
    let mut folders = vec![source];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "code.rs") {
                let source = std::fs::read_to_string(path).unwrap();
                text.push_str(source.split("#[cfg(test)]").next().unwrap());
            }
        }
    }
    for code in Code::ALL {
        assert!(text.contains(&format!("Code::{code:?}")), "nothing gives {code}");
    }
}
