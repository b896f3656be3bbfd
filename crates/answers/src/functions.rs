//! What a template may call: a short list, pure, and nothing else.
//!
//! Filters: `default`, `join`, `lower`, `upper`, `trim`, `replace`, `split`, `length`, `first`, `last`,
//! `sort`, `unique` as in Jinja; `sh` (one word of a shell), `sh_line` (a script as one line),
//! `word` (refuses all but plain letters), `json` (JSON as text), `base64`, `raw_unsafe`.
//! Functions: `hash_password(secret, "sha512" | "yescrypt")`, `unattend_password(secret, element)`,
//! `text_of(template)`: what another template makes, as a text to put in; `refuse(words)`: there is no
//! answer for this machine, and why.
//! Tests: `defined`, `undefined`, `none`, `string`, `number`, `boolean`, `sequence`, `mapping`, and
//! comparisons.

use crate::escape;
use crate::marks;
use crate::password::{self, Method};
use crate::piece::{Kind, Piece};
use crate::secret::{PLACEHOLDER, Reveal};
use crate::template::Escape;
use minijinja::value::{Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, filters, tests};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// Filters by name, for the hint behind a mistyped one.
pub(crate) const FILTERS: [&str; 18] = [
    "default",
    "join",
    "lower",
    "upper",
    "trim",
    "replace",
    "split",
    "length",
    "first",
    "last",
    "sort",
    "unique",
    "sh",
    "sh_line",
    "word",
    "json",
    "base64",
    "raw_unsafe",
];
/// Functions by name.
pub(crate) const FUNCTIONS: [&str; 4] = ["hash_password", "unattend_password", "text_of", "refuse"];

/// Our own words inside an error of the engine. They never repeat a value.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// A limit that was reached.
#[derive(Debug)]
pub(crate) struct Reached(pub(crate) &'static str, pub(crate) u64);

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Reached {}

pub(crate) fn refusal(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, "refused").with_source(Refusal(why.into()))
}

pub(crate) fn reached(limit: &'static str, most: u64) -> Error {
    Error::new(ErrorKind::InvalidOperation, "too much").with_source(Reached(limit, most))
}

/// The text of a value that is one.
pub(crate) fn text_of_value(value: &Value) -> Result<String, Error> {
    if let Some(piece) = value.downcast_object_ref::<Piece>() {
        return Ok(piece.text.clone());
    }
    match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::String => Ok(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Bool => Ok(if value.is_true() { "true" } else { "false" }.into()),
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::Seq | ValueKind::Iterable => Err(refusal(
            "this is a list, and a text is wanted; write `| join(\" \")`, or go over it with `for`",
        )),
        _ => Err(refusal("this is no text, and a text is wanted")),
    }
}

fn for_shell(text: String) -> Value {
    Value::from_object(Piece { kind: Kind::ForShell, text })
}

/// Filters and tests, which need to know nothing.
pub(crate) fn add_filters(engine: &mut Environment<'_>) {
    engine.add_filter("default", filters::default);
    engine.add_filter("join", filters::join);
    engine.add_filter("lower", filters::lower);
    engine.add_filter("upper", filters::upper);
    engine.add_filter("trim", filters::trim);
    engine.add_filter("replace", filters::replace);
    engine.add_filter("split", filters::split);
    engine.add_filter("length", filters::length);
    engine.add_filter("first", filters::first);
    engine.add_filter("last", filters::last);
    engine.add_filter("sort", filters::sort);
    engine.add_filter("unique", filters::unique);
    engine.add_filter("sh", |value: &Value| {
        escape::shell(&text_of_value(value)?).map(for_shell).map_err(refusal)
    });
    engine.add_filter("sh_line", |value: &Value| sh_line(&text_of_value(value)?));
    engine.add_filter("json", json);
    engine.add_filter("base64", |value: &Value| {
        text_of_value(value).map(|text| password::base64(text.as_bytes()))
    });
    engine.add_test("defined", tests::is_defined);
    engine.add_test("undefined", tests::is_undefined);
    engine.add_test("none", tests::is_none);
    engine.add_test("string", tests::is_string);
    engine.add_test("number", tests::is_number);
    engine.add_test("boolean", tests::is_boolean);
    engine.add_test("sequence", tests::is_sequence);
    engine.add_test("mapping", tests::is_mapping);
    engine.add_test("eq", tests::is_eq);
    engine.add_test("ne", tests::is_ne);
    engine.add_test("in", tests::is_in);
}

/// A script of many lines as one line of shell, for formats of lines. `printf '%b'` is in every
/// shell, that of the Debian installer included (`base64` is not in all of them).
fn sh_line(script: &str) -> Result<Value, Error> {
    let odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    if script.chars().any(odd) {
        return Err(refusal("the script holds control characters, which one line cannot"));
    }
    let mut out = String::from("sh -c \"$(printf '%b' '");
    for c in script.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\'' => out.push_str("\\0047"),
            c => out.push(c),
        }
    }
    out.push_str("')\"");
    Ok(for_shell(out))
}

/// JSON as a text, for a file that some script writes.
fn json(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write_flow(Escape::Json, value, false, 0, &mut out)?;
    Ok(out)
}

/// Lists and maps within each other that are written.
const FLOW_DEPTH_MAX: usize = 32;

/// A value of JSON, or of YAML's flow style: scalars, lists, and maps with texts as keys.
pub(crate) fn write_flow(
    escape: Escape,
    value: &Value,
    mark: bool,
    depth: usize,
    out: &mut String,
) -> Result<(), Error> {
    if depth > FLOW_DEPTH_MAX {
        return Err(refusal("lists within lists deeper than anything needs"));
    }
    let deeper = depth.saturating_add(1);
    match value.kind() {
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => {
            let text = value.to_string();
            if text.contains(['n', 'N', 'i']) {
                return Err(refusal("this number is none that can be written"));
            }
            out.push_str(&text);
        }
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (number, item) in value.try_iter()?.enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                write_flow(escape, &item, mark, deeper, out)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (number, key) in value.try_iter()?.enumerate() {
                out.push_str(if number > 0 { ", " } else { "" });
                out.push_str(&escape::escaped(escape, &text_of_value(&key)?).map_err(refusal)?);
                out.push_str(": ");
                write_flow(escape, &value.get_item(&key)?, mark, deeper, out)?;
            }
            out.push('}');
        }
        _ => {
            let text = escape::escaped(escape, &text_of_value(value)?).map_err(refusal)?;
            if mark {
                out.push(marks::VALUE);
                out.push_str(&text);
                out.push(marks::END);
            } else {
                out.push_str(&text);
            }
        }
    }
    Ok(())
}

/// What `hash_password` needs beside its arguments.
#[derive(Debug)]
pub(crate) struct Hashing {
    pub(crate) reveal: Reveal,
    pub(crate) salt: [u8; 32],
    pub(crate) most: u32,
    pub(crate) made: AtomicU32,
}

/// Fuel that one hash costs: what it takes in time, roughly.
const HASH_FUEL: u64 = 2_000;

impl Hashing {
    /// Whether a text stands for a secret, as they all do in a preview.
    pub(crate) fn is_placeholder(&self, text: &str) -> bool {
        self.reveal == Reveal::No && text.contains(PLACEHOLDER)
    }

    pub(crate) fn hash(
        &self,
        state: &State<'_, '_>,
        value: &Value,
        method: Option<&str>,
    ) -> Result<String, Error> {
        let text = text_of_value(value)?;
        let method = Method::named(method.unwrap_or("sha512"))
            .ok_or_else(|| refusal("`hash_password` makes \"sha512\" or \"yescrypt\""))?;
        if self.is_placeholder(&text) {
            return Ok(text);
        }
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        if number >= self.most {
            return Err(reached("hashes_max", u64::from(self.most)));
        }
        state.consume_fuel(HASH_FUEL)?;
        let mut digest = Sha256::new();
        digest.update(b"bootwright salt of a password");
        digest.update(self.salt);
        digest.update(number.to_be_bytes());
        let mut salt = [0; 12];
        salt.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
        method.hash(&text, salt).ok_or_else(|| refusal("the password could not be hashed"))
    }

    /// The template's own refusal. With secrets in the rendering its words could hold one.
    pub(crate) fn refuse(&self, words: &str) -> Error {
        match self.reveal {
            Reveal::No => refusal(words),
            Reveal::Yes => refusal("the template refuses this machine; a preview says why"),
        }
    }

    /// `AutoLogon` and accounts call it `Password`, the administrator's is `AdministratorPassword`.
    pub(crate) fn unattend(&self, value: &Value, element: &str) -> Result<String, Error> {
        let text = text_of_value(value)?;
        if !matches!(element, "Password" | "AdministratorPassword") {
            return Err(refusal("the element is \"Password\" or \"AdministratorPassword\""));
        }
        if self.is_placeholder(&text) {
            return Ok(text);
        }
        Ok(password::unattend_password(&text, element))
    }
}
