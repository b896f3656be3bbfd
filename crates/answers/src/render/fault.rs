//! What the engine says is wrong, in our words, at the place where it is.

use crate::error::{AnswerError, Why};
use crate::facts::Facts;
use crate::functions::{FILTERS, FUNCTIONS, Reached, Refusal};
use crate::limits::Limits;
use crate::secret::Reveal;
use crate::template::Template;
use minijinja::{Error, ErrorKind};
use model::nearest::nearest;
use std::collections::BTreeMap;
use std::error::Error as _;

/// Errors within errors that are followed: one for each `include`, and one of ours.
const CAUSES_MAX: usize = 128;

/// The engine's error, told.
pub(super) fn explained(
    error: &Error,
    asked: &str,
    templates: &BTreeMap<String, Template>,
    facts: &Facts,
    reveal: Reveal,
    limits: &Limits,
) -> AnswerError {
    let mut innermost = error;
    let mut ours: Option<Why> = None;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(next) = cause else { break };
        if let Some(inner) = next.downcast_ref::<Error>() {
            innermost = inner;
        } else if let Some(Refusal(why)) = next.downcast_ref() {
            ours = Some(Why::Refused(why.clone()));
        } else if let Some(Reached(limit, most)) = next.downcast_ref() {
            ours = Some(Why::TooMuch { limit, most: *most });
        }
        cause = next.source();
    }
    let name = innermost.name().filter(|name| templates.contains_key(*name)).unwrap_or(asked);
    let text = templates.get(name).map(Template::text).unwrap_or_default();
    let place = innermost.range().filter(|range| range.start > 0 || innermost.line() == Some(1));
    let scene = Scene { templates, facts, limits, written: text, reveal };
    let why = ours.unwrap_or_else(|| scene.why(innermost));
    let told = AnswerError::new(name, why);
    match (place, innermost.line()) {
        (Some(range), _) => {
            let (line, column) = position(text, range.start);
            told.at(line, Some(column))
        }
        (None, Some(line)) => told.at(u32::try_from(line).unwrap_or(u32::MAX), None),
        (None, None) => told,
    }
}

/// Line and column of a byte, both from 1, the column in characters.
fn position(text: &str, byte: usize) -> (u32, u32) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// What stands between two backticks or quotes.
fn quoted(text: &str) -> Option<&str> {
    let start = text.find(['`', '\'', '"'])?;
    let rest = text.get(start.saturating_add(1)..)?;
    rest.split(['`', '\'', '"']).next()
}

/// Text of a template, fit to be shown.
fn shown(text: &str) -> String {
    model::text::show(text.as_bytes())
}

/// What is needed to put an error into words.
struct Scene<'a> {
    templates: &'a BTreeMap<String, Template>,
    facts: &'a Facts,
    limits: &'a Limits,
    /// The text of the template that is wrong.
    written: &'a str,
    reveal: Reveal,
}

impl Scene<'_> {
    /// A name from the engine's words, if it may be told: a name can be made of a value, as in
    /// `machine[secrets.x]`, and then only a preview tells it.
    fn name<'d>(&self, detail: &'d str) -> Option<&'d str> {
        quoted(detail).filter(|name| self.reveal == Reveal::No || self.written.contains(name))
    }

    fn why(&self, error: &Error) -> Why {
        let detail = error.detail().unwrap_or_default();
        match error.kind() {
            ErrorKind::SyntaxError | ErrorKind::BadEscape => Why::Syntax(shown(detail)),
            ErrorKind::OutOfFuel => Why::TooMuch { limit: "fuel_max", most: self.limits.fuel_max },
            ErrorKind::InvalidOperation if detail == "recursion limit exceeded" => {
                let most = self.limits.include_depth_max as u64;
                Why::TooMuch { limit: "include_depth_max", most }
            }
            ErrorKind::UndefinedError => self.undefined(detail),
            ErrorKind::UnknownFilter => self.unknown("filter", detail, &FILTERS),
            ErrorKind::UnknownFunction => self.unknown("function", detail, &FUNCTIONS),
            ErrorKind::UnknownTest => {
                self.unknown("test", detail, &["defined", "undefined", "in", "eq"])
            }
            ErrorKind::TemplateNotFound => self.no_template(detail),
            // The engine's own words may hold a piece of a value.
            _ if self.reveal == Reveal::Yes => Why::Failed(
                "the engine refuses an operation on a value; a preview says which".into(),
            ),
            kind => Why::Failed(match error.detail() {
                Some(detail) => shown(detail),
                None => kind.to_string(),
            }),
        }
    }

    fn undefined(&self, detail: &str) -> Why {
        let name = self.name(detail).map(shown);
        let names = self.facts.names();
        let known = name.as_deref().is_some_and(Facts::is_known);
        let near = name
            .as_deref()
            .filter(|_| !known)
            .and_then(|asked| nearest(asked, names.iter().map(String::as_str)));
        Why::Undefined { name, nearest: near, unset: known }
    }

    fn unknown(&self, kind: &str, detail: &str, names: &[&str]) -> Why {
        let last = detail
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .rfind(|word| !word.is_empty() && !matches!(*word, "unknown" | "is" | "filter"));
        let asked = self.name(detail).or(last).filter(|name| self.written.contains(name));
        let asked = shown(asked.unwrap_or_default());
        let nearest = nearest(&asked, names.iter().copied());
        Why::Unknown { what: format!("there is no {kind} `{asked}` here"), nearest }
    }

    fn no_template(&self, detail: &str) -> Why {
        let Some(asked) = self.name(detail) else {
            return Why::NoTemplate("there is no template of this name".into());
        };
        if self.templates.contains_key(asked) {
            return Why::NoTemplate(format!(
                "`{asked}` is a template of another format; write `{{{{ text_of(\"{asked}\") }}}}`, \
                 which escapes what it makes"
            ));
        }
        let asked = shown(asked);
        Why::NoTemplate(match nearest(&asked, self.templates.keys().map(String::as_str)) {
            Some(near) => format!("there is no template `{asked}`; did you mean `{near}`?"),
            None => format!("there is no template `{asked}` among those given"),
        })
    }
}
