//! What silences say would change them: commands that are commands, and settings that are read.

use super::read;
use crate::cli::Cli;
use clap::Parser as _;
use model::{Remedy, Why};

/// Words that the operator chooses, and a choice.
const CHOSEN: [(&str, &str); 9] = [
    ("MACHINE", "52:54:00:77:00:01"),
    ("PROFILE", "debian"),
    ("ADDRESS", "10.77.0.9"),
    ("ARCH", "x64-uefi"),
    ("FILE", "/tmp/loader.efi"),
    ("FIRST-LAST", "10.77.0.10-10.77.0.20"),
    ("PATH", "/srv/debian.iso"),
    ("SHORTER", "debian"),
    ("RELAY", "10.80.0.1"),
];

fn chosen(text: &str) -> String {
    CHOSEN.iter().fold(text.to_owned(), |text, (word, choice)| text.replace(word, choice))
}

fn typed(why: &Why, command: &str) {
    if let Err(error) = Cli::try_parse_from(chosen(command).split(' ')) {
        panic!("{}: `{command}` is no command: {error}", why.code());
    }
}

#[test]
fn every_remedy_is_understood() {
    let (mut commands, mut settings) = (0, 0);
    for why in Why::examples() {
        match why.remedy() {
            Some(Remedy::Command(text)) => {
                commands += 1;
                typed(&why, &text);
            }
            Some(Remedy::Setting(line)) => {
                settings += 1;
                alternatives(&line).iter().for_each(|line| taken(&why, line));
            }
            Some(Remedy::Elsewhere(text)) => {
                let inside = text.split('`').skip(1).step_by(2);
                inside.filter(|text| text.starts_with("bootwright ")).for_each(|t| typed(&why, t));
            }
            None => {}
        }
    }
    assert!(commands >= 6 && settings >= 5, "{commands} commands, {settings} settings");
}

/// `mode = "dhcp" or "proxy"` is either.
fn alternatives(line: &str) -> Vec<String> {
    match line.split_once(" = ") {
        Some((key, values)) => values.split(" or ").map(|v| format!("{key} = {v}")).collect(),
        None => vec![line.to_owned()],
    }
}

fn taken(why: &Why, line: &str) {
    let line = chosen(line).replace("eth0", "br0");
    let rest: String = [
        ("interface", "\"br0\""),
        ("mode", "\"dhcp\""),
        ("subnet", "\"10.77.0.0/24\""),
        ("pool", "[\"10.77.0.100-10.77.0.199\"]"),
    ]
    .iter()
    .filter(|(key, _)| !line.starts_with(key))
    .filter(|(key, _)| !line.contains("proxy") || *key == "interface")
    .map(|(key, value)| format!("{key} = {value}\n"))
    .collect();
    let text = format!("[[network]]\n{rest}{line}\n");
    if let Err(error) = read(&text) {
        panic!("{}: `{line}` is no setting: {error}", why.code());
    }
}
