//! `[settings]`: what templates are told where neither profile nor machine says otherwise.
//!
//! In: the table. Out: settings by name, and a fault for each value that is none. Never: what a
//! template makes of them.

use super::super::fault::Fault;
use super::super::reader::{Section, with_article};
use model::setting::{Layer, Setting};
use toml::de::DeValue;

/// Reads the table.
pub(crate) fn read(section: &Section<'_>) -> Layer {
    let mut all = Layer::new();
    for (key, value) in section.entries() {
        let fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.value.is_empty() || !key.value.chars().all(fit) {
            let shown = model::text::show(key.value.as_bytes());
            let fault = Fault::new(key.at, format!("`{shown}` is no name for a setting"));
            section.fault(
                fault.hint("use letters, digits and underscores: templates say `settings.NAME`"),
            );
            continue;
        }
        match setting(value.value) {
            Some(setting) => {
                all.insert(key.value, setting);
            }
            None => {
                let kind = with_article(value.value.type_str());
                let what = format!(
                    "a setting is text, a whole number, true, false or a list of texts, not {kind}"
                );
                section.fault(Fault::new(value.at, what));
            }
        }
    }
    all
}

fn setting(value: &DeValue<'_>) -> Option<Setting> {
    Some(match value {
        DeValue::String(text) => Setting::Text(text.to_string()),
        DeValue::Boolean(flag) => Setting::Flag(*flag),
        DeValue::Integer(number) => {
            Setting::Whole(i64::from_str_radix(number.as_str(), number.radix()).ok()?)
        }
        DeValue::Array(items) => {
            let text =
                |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
            Setting::List(items.iter().map(text).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}
