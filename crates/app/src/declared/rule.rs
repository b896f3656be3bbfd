//! `[[rule]]`: conditions as a list of texts, as the command line takes them, or as a table.

use super::place::Source;
use super::profile::needed;
use crate::config::fault::Fault;
use crate::config::reader::{At, Section, with_article};
use api::types::{ConditionText, RuleDeclared};
use toml::Spanned;
use toml::de::DeValue;

/// One rule; none where a fault was noted.
pub fn read(mut section: Section<'_>, source: &Source<'_>) -> Option<RuleDeclared> {
    let at = source.place(&section.at);
    let profile = needed(&mut section, "profile", "profile = \"debian\"");
    let conditions = match section.any("conditions") {
        None => Vec::new(),
        Some(found) => conditions(&section, &found),
    };
    section.finish();
    Some(RuleDeclared { conditions, profile: profile?, at })
}

fn conditions(section: &Section<'_>, found: &At<&DeValue<'_>>) -> Vec<ConditionText> {
    let mut texts: Vec<At<String>> = Vec::new();
    match found.value {
        DeValue::Array(list) => {
            for one in list.iter() {
                match one.get_ref().as_str() {
                    Some(text) => texts.push(At { value: text.to_owned(), at: one.span() }),
                    None => wrong_kind(section, one, "text in quotes, like \"arch=x64-uefi\""),
                }
            }
        }
        DeValue::Table(table) => {
            for (key, value) in table.iter() {
                let name = key.get_ref();
                match (value.get_ref(), name.as_ref()) {
                    (DeValue::Table(labels), "label") => {
                        for (label, value) in labels.iter() {
                            let key = format!("label:{}", label.get_ref());
                            texts.extend(pair(section, &key, value));
                        }
                    }
                    _ => texts.extend(pair(section, name, value)),
                }
            }
        }
        other => {
            let kind = with_article(other.type_str());
            let what = format!("`conditions` takes a list or a table, not {kind}");
            let hint = "write [\"arch=x64-uefi\", \"label:room=3\"] or { arch = \"x64-uefi\" }";
            section.fault(Fault::new(found.at.clone(), what).hint(hint));
        }
    }
    texts.into_iter().filter_map(|text| meant(section, text)).collect()
}

/// `arch = "x64-uefi"`, `memory = 4096`.
fn pair(section: &Section<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<At<String>> {
    let text = match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        _ => {
            wrong_kind(section, value, "text in quotes");
            return None;
        }
    };
    Some(At { value: format!("{key}={text}"), at: value.span() })
}

fn wrong_kind(section: &Section<'_>, value: &Spanned<DeValue<'_>>, wanted: &str) {
    let kind = with_article(value.get_ref().type_str());
    section.fault(Fault::new(value.span(), format!("a condition takes {wanted}, not {kind}")));
}

fn meant(section: &Section<'_>, text: At<String>) -> Option<ConditionText> {
    let shown = model::text::show(text.value.as_bytes());
    let read = match shown == text.value {
        true => text.value.parse(),
        false => Err(format!("`{shown}` is no condition")),
    };
    match read {
        Ok(condition) => Some(condition),
        Err(why) => {
            let why: String = why;
            section.fault(Fault::new(text.at, why));
            None
        }
    }
}
