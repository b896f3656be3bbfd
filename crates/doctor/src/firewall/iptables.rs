//! Chains as `iptables-save` prints them, where there is no nft.

use super::{Chain, Rule, Verdict};
use crate::ports::By;

/// More lines are not read.
const LINES_MAX: usize = 20_000;

/// Reads the table `filter`.
#[must_use]
pub fn iptables(saved: &str) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut filter = false;
    for line in saved.lines().take(LINES_MAX) {
        if let Some(table) = line.strip_prefix('*') {
            filter = table.trim() == "filter";
        } else if !filter {
            continue;
        } else if let Some(head) = line.strip_prefix(':') {
            let mut words = head.split_ascii_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            chains.push(Chain {
                table: "iptables filter".to_owned(),
                input: (name == "INPUT").then_some(0),
                drops: words.next() == Some("DROP"),
                name,
                rules: Vec::new(),
            });
        } else if let Some(rest) = line.strip_prefix("-A ") {
            let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            if let Some(chain) = chains.iter_mut().find(|chain| chain.name == name) {
                chain.rules.push(rule(rest));
            }
        }
    }
    chains
}

fn rule(line: &str) -> Rule {
    let mut rule = Rule::default();
    let mut words = line.split_ascii_whitespace();
    while let Some(word) = words.next() {
        match word {
            "-i" => rule.interface = words.next().map(|name| name.replace('+', "*")),
            "-p" => rule.by = Some(protocol(words.next().unwrap_or_default())),
            "--dport" | "--dports" => match ports(words.next().unwrap_or_default()) {
                Some(ports) => rule.ports = Some(ports),
                None => rule.perhaps = true,
            },
            "--ctstate" | "--state" => {
                let states = words.next().unwrap_or_default();
                rule.established = !states.split(',').any(|s| matches!(s, "NEW" | "UNTRACKED"));
            }
            "-m" => match words.next().unwrap_or_default() {
                "udp" | "tcp" | "multiport" | "conntrack" | "state" | "comment" => {}
                _ => rule.perhaps = true,
            },
            "--comment" => skip_quoted(&mut words),
            "-j" => rule.verdict = verdict(words.next().unwrap_or_default(), Verdict::Jump),
            "-g" => rule.verdict = verdict(words.next().unwrap_or_default(), Verdict::Goto),
            "--reject-with" => {
                words.next();
            }
            // The opposite of what follows: all but that, so it may concern anybody.
            "!" => {
                words.next();
                words.next();
                rule.perhaps = true;
            }
            // Addresses, and whatever else there is.
            _ => rule.perhaps = true,
        }
    }
    rule
}

/// A comment with spaces stands between quotes.
fn skip_quoted<'a>(words: &mut impl Iterator<Item = &'a str>) {
    let first = words.next().unwrap_or_default();
    let mut open = first.starts_with('"') && (first.len() < 2 || !first.ends_with('"'));
    while open {
        open = words.next().is_some_and(|word| !word.ends_with('"'));
    }
}

fn verdict(target: &str, to: impl FnOnce(String) -> Verdict) -> Verdict {
    match target {
        "ACCEPT" => Verdict::Accept,
        "DROP" | "REJECT" => Verdict::Drop,
        "RETURN" => Verdict::Return,
        "LOG" | "NFLOG" | "MARK" | "CONNMARK" => Verdict::Nothing,
        other => to(other.to_owned()),
    }
}

fn protocol(word: &str) -> Vec<By> {
    match word {
        "udp" | "17" => vec![By::Udp],
        "tcp" | "6" => vec![By::Tcp],
        "all" => vec![By::Udp, By::Tcp],
        _ => Vec::new(),
    }
}

fn ports(list: &str) -> Option<Vec<(u16, u16)>> {
    list.split(',')
        .map(|part| match part.split_once(':') {
            Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
            None => part.parse().ok().map(|port| (port, port)),
        })
        .collect()
}
