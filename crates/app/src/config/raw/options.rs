//! `[network.options]`: DHCP options by name or number, each with a value natural for its type.
//!
//! In: the table. Out: options as they are sent, and a fault for each that is none. Never: what
//! they mean; that is [`model::option`].

use super::super::fault::{Fault, nearest};
use super::super::reader::{At, Section, with_article};
use model::DhcpOption;
use model::option::{self, Kind};
use std::ops::Range;
use toml::de::DeValue;

/// Reads the table.
pub(super) fn read(section: Section<'_>) -> At<Vec<At<DhcpOption>>> {
    let mut all: Vec<At<DhcpOption>> = Vec::new();
    for (key, value) in section.entries() {
        let code = match option::code(&key.value) {
            Ok(code) => code,
            Err(why) => {
                section.fault(no_such_option(&key, why));
                continue;
            }
        };
        let Some(option) = one(&section, code, &key, value) else { continue };
        if let Some(earlier) = all.iter().find(|earlier| earlier.value.code == code) {
            let shown = model::text::show(key.value.as_bytes());
            let fault = Fault::new(key.at, format!("`{shown}` is option {code} a second time"));
            section.fault(fault.other(earlier.at.clone(), "here it is first"));
            continue;
        }
        all.push(At { value: option, at: key.at });
    }
    At { value: all, at: section.at }
}

fn no_such_option(key: &At<String>, why: String) -> Fault {
    let fault = Fault::new(key.at.clone(), why);
    let known = option::registry().iter().any(|known| known.name == key.value);
    let number = key.value.bytes().all(|b| b.is_ascii_digit());
    let names = option::registry().iter().map(|known| known.name);
    match nearest(&key.value, names).filter(|_| !known && !number) {
        Some(near) if fault.what.contains("there is no") => {
            fault.label(format!("did you mean `{near}`?"))
        }
        _ => fault,
    }
}

/// A value, or `{ value = …, always = true }`.
fn one<'a>(
    section: &Section<'a>,
    code: u8,
    key: &At<String>,
    value: At<&'a DeValue<'a>>,
) -> Option<DhcpOption> {
    let (value, always) = match section.inner(&format!("`{}`", key.value), &value) {
        None => (value, false),
        Some(mut table) => {
            let always = table.flag("always").is_some_and(|at| at.value);
            let inner = table.any("value");
            if inner.is_none() {
                let what = format!("`{}` has no `value`", model::text::show(key.value.as_bytes()));
                table.fault(
                    Fault::new(key.at.clone(), what).hint("write { value = …, always = true }"),
                );
            }
            table.finish();
            (inner?, always)
        }
    };
    let refuse = |at: Range<usize>, what: String| section.fault(Fault::new(at, what));
    let items: Vec<At<String>> = match value.value.as_array() {
        None => vec![item(code, value.value, value.at.clone(), &refuse)?],
        Some(list) => {
            let items = list.iter().map(|v| item(code, v.get_ref(), v.span(), &refuse));
            items.collect::<Option<_>>()?
        }
    };
    let texts: Vec<&str> = items.iter().map(|item| item.value.as_str()).collect();
    match option::value(code, &texts) {
        Ok(option) => Some(DhcpOption { always: always || option.always, ..option }),
        Err(why) => {
            // Of a list the item itself is shown, where it is wrong by itself.
            let wrong = items.iter().find_map(|item| {
                let why = option::value(code, &[item.value.as_str()]).err()?;
                Some((item.at.clone(), why))
            });
            let (at, why) = wrong.filter(|_| items.len() > 1).unwrap_or((value.at, why));
            refuse(at, why);
            None
        }
    }
}

/// Text; a number or a truth where the type is of that sort.
fn item(
    code: u8,
    value: &DeValue<'_>,
    at: Range<usize>,
    refuse: &impl Fn(Range<usize>, String),
) -> Option<At<String>> {
    let kind = option::known(code).map(|known| known.kind);
    let number = || {
        let number = value.as_integer()?;
        i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n.to_string())
    };
    let text = match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(_) if kind.is_some_and(Kind::numeric) => number(),
        DeValue::Boolean(flag) if kind == Some(Kind::Flag) => Some(flag.to_string()),
        _ => None,
    };
    if text.is_none() {
        let takes = kind.map_or("text like `hex:0a:0b`", Kind::takes);
        let name = option::name(code).map_or_else(|| code.to_string(), str::to_owned);
        refuse(
            at.clone(),
            format!("`{name}` takes {takes}, not {}", with_article(value.type_str())),
        );
    }
    text.map(|value| At { value, at })
}
