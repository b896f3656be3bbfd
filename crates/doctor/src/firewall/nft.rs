//! Chains as `nft -j list ruleset` prints them (libnftables-json(5)).

use super::{Chain, Firewall, Rule, Verdict};
use crate::ports::By;
use serde_json::Value;

/// More chains or rules are not read.
const ENTRIES_MAX: usize = 20_000;

/// Reads the whole listing.
#[must_use]
pub fn nft(json: &str) -> Firewall {
    let parsed: Value = match serde_json::from_str(json) {
        Ok(parsed) => parsed,
        Err(e) => return Firewall::Unread(format!("nft does not print JSON: {e}")),
    };
    let all = parsed.get("nftables").and_then(Value::as_array).map(Vec::as_slice);
    let mut chains: Vec<Chain> = Vec::new();
    for entry in all.unwrap_or_default().iter().take(ENTRIES_MAX) {
        if let Some(said) = entry.get("chain") {
            chains.extend(chain(said));
        } else if let Some(said) = entry.get("rule") {
            let (table, name) = (table(said), text(said, "chain"));
            let chain = chains.iter_mut().find(|c| c.table == table && c.name == name);
            let Some(chain) = chain else { continue };
            chain.rules.push(rule(said));
        }
    }
    match chains.iter().any(|chain| chain.input.is_some()) {
        true => Firewall::Chains(chains),
        false => Firewall::None,
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn table(value: &Value) -> String {
    format!("{} {}", text(value, "family"), text(value, "table"))
}

fn chain(said: &Value) -> Option<Chain> {
    // What concerns IPv6 alone, bridges or ARP is not in the way of IPv4.
    if !matches!(text(said, "family"), "ip" | "inet") {
        return None;
    }
    let input = text(said, "hook") == "input";
    let priority = said.get("prio").and_then(Value::as_i64).unwrap_or_default();
    Some(Chain {
        table: table(said),
        name: text(said, "name").to_owned(),
        input: input.then_some(priority),
        drops: text(said, "policy") == "drop",
        rules: Vec::new(),
    })
}

fn rule(said: &Value) -> Rule {
    let mut rule = Rule::default();
    let statements = said.get("expr").and_then(Value::as_array).map(Vec::as_slice);
    for statement in statements.unwrap_or_default() {
        let Some((kind, value)) = statement.as_object().and_then(|o| o.iter().next()) else {
            continue;
        };
        let target = || text(value, "target").to_owned();
        match kind.as_str() {
            "accept" => rule.verdict = Verdict::Accept,
            "drop" | "reject" => rule.verdict = Verdict::Drop,
            "return" => rule.verdict = Verdict::Return,
            "jump" => rule.verdict = Verdict::Jump(target()),
            "goto" => rule.verdict = Verdict::Goto(target()),
            "match" => condition(&mut rule, value),
            // They change nothing about what becomes of a packet.
            "counter" | "log" | "mangle" | "notrack" | "set" | "map" | "comment" => {}
            "vmap" => rule.verdict = Verdict::Unknown,
            _ => rule.perhaps = true,
        }
    }
    rule
}

fn condition(rule: &mut Rule, said: &Value) {
    let right = said.get("right").unwrap_or(&Value::Null);
    let left = said.get("left").unwrap_or(&Value::Null);
    if text(said, "op") == "!=" {
        rule.perhaps = true;
    } else if let Some(payload) = left.get("payload") {
        match (text(payload, "protocol"), text(payload, "field"), ports(right)) {
            (by @ ("udp" | "tcp" | "th"), "dport", Some(ports)) => {
                rule.ports = Some(ports);
                rule.by = rule.by.take().or_else(|| protocol(by).map(|by| vec![by]));
            }
            _ => rule.perhaps = true,
        }
    } else if let Some(meta) = left.get("meta") {
        match text(meta, "key") {
            "iifname" | "iif" if right.is_string() => {
                rule.interface = right.as_str().map(str::to_owned);
            }
            "l4proto" => rule.by = Some(protocols(right)),
            // Of IPv4 or IPv6: we ask about IPv4 alone.
            "nfproto" if right == "ipv4" => {}
            _ => rule.perhaps = true,
        }
    } else if left.get("ct").is_some_and(|ct| text(ct, "key") == "state") {
        let word = |state: &str| right == state || elements(right).any(|e| e == state);
        match word("new") || word("untracked") {
            true => {}
            false => rule.established = true,
        }
    } else {
        rule.perhaps = true;
    }
}

/// The members of a set or list, or the value itself.
fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.get("set").unwrap_or(value);
    let (many, one) = match list.as_array() {
        Some(many) => (many.as_slice(), None),
        None => (&[][..], Some(list)),
    };
    many.iter().chain(one)
}

fn protocol(word: &str) -> Option<By> {
    match word {
        "udp" => Some(By::Udp),
        "tcp" => Some(By::Tcp),
        _ => None,
    }
}

fn protocols(value: &Value) -> Vec<By> {
    elements(value).filter_map(|e| protocol(e.as_str()?)).collect()
}

/// None where it hangs on a named set or on a word that we do not know.
fn ports(value: &Value) -> Option<Vec<(u16, u16)>> {
    let number = |value: &Value| u16::try_from(value.as_u64()?).ok();
    elements(value)
        .map(|element| match element.get("range").and_then(Value::as_array).map(Vec::as_slice) {
            Some([first, last]) => Some((number(first)?, number(last)?)),
            Some(_) => None,
            None => number(element).map(|port| (port, port)),
        })
        .collect()
}
