//! A template and facts make an answer file.
//!
//! In: the templates of one rendering, facts, whether secrets may be shown. Out: the text, checked;
//! or the place in the template that is wrong. Never: work without a limit; a template that was not
//! given; in an error, a word of a value that might be a secret.

mod fault;

use crate::context;
use crate::error::{AnswerError, Why};
use crate::escape;
use crate::facts::{Asked, Facts};
use crate::functions::{self, Hashing, reached, refusal, text_of_value, write_flow};
use crate::limits::Limits;
use crate::marks;
use crate::piece::{Kind, Piece};
use crate::secret::Reveal;
use crate::template::{Escape, Template};
use crate::validate;
use minijinja::value::ValueKind;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, PoisonError};

/// An answer file.
#[derive(Eq, PartialEq)]
pub struct Rendered {
    /// The file.
    pub text: String,
    /// Names of the secrets that were asked for. In a preview their texts are not in the file.
    pub secrets: BTreeSet<String>,
    /// Where something was put in raw, for an audit.
    pub raw: Vec<RawUse>,
    /// Whether secrets stand in the text.
    pub revealed: bool,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.revealed && !self.secrets.is_empty() { "***" } else { &self.text };
        f.debug_struct("Rendered")
            .field("text", &text)
            .field("secrets", &self.secrets)
            .field("raw", &self.raw)
            .finish()
    }
}

/// A template that used `raw_unsafe`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RawUse {
    /// Its name.
    pub template: String,
    /// How often it did.
    pub times: u32,
    /// The lines in which the word stands.
    pub lines: Vec<u32>,
}

/// All that the engine and its functions share in one rendering.
struct Room {
    templates: BTreeMap<String, Template>,
    context: Value,
    hashing: Hashing,
    raw: Mutex<BTreeMap<String, u32>>,
    limits: Limits,
}

/// Renders `name`, which may include the others. The text is a file of its format: it was parsed
/// again, and [`validate`](crate::validate()) has nothing against it.
pub fn render(
    name: &str,
    templates: &[Template],
    facts: &Facts,
    reveal: Reveal,
    limits: &Limits,
) -> Result<Rendered, AnswerError> {
    let too_much = |limit, most| AnswerError::new(name, Why::TooMuch { limit, most });
    if templates.len() > limits.templates_max {
        return Err(too_much("templates_max", limits.templates_max as u64));
    }
    if facts.bytes() > limits.facts_bytes_max {
        return Err(too_much("facts_bytes_max", limits.facts_bytes_max as u64));
    }
    let asked = Asked::default();
    let room = Arc::new(Room {
        templates: templates.iter().map(|t| (t.name().to_owned(), t.clone())).collect(),
        context: facts.context(reveal, &asked),
        hashing: Hashing {
            reveal,
            salt: facts.salt,
            most: limits.hashes_max,
            made: AtomicU32::new(0),
        },
        raw: Mutex::default(),
        limits: *limits,
    });
    let (marked, _) = run(&room, name, limits.fuel_max, 0)
        .map_err(|error| fault::explained(&error, name, &room.templates, facts, reveal, limits))?;
    let Some(template) = room.templates.get(name) else {
        return Err(AnswerError::new(name, Why::NoTemplate("it was not given".into())));
    };
    let text = context::checked(template.format().escape(), &marked).map_err(|misplaced| {
        let why = format!("line {} of it: {}", misplaced.line, misplaced.why);
        AnswerError::new(name, Why::NotWellFormed(why))
    })?;
    validate::validate(name, template.format(), &text)?;
    let secrets = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Rendered { text, secrets, raw: room.raw_uses(), revealed: reveal == Reveal::Yes })
}

/// Whether the text of a template follows the grammar of templates. What it means shows only when it
/// is rendered.
pub fn check(template: &Template) -> Result<(), AnswerError> {
    let facts = Facts::default();
    let limits = Limits::default();
    let room = Arc::new(Room {
        templates: [(template.name().to_owned(), template.clone())].into(),
        context: Value::UNDEFINED,
        hashing: Hashing { reveal: Reveal::No, salt: facts.salt, most: 0, made: AtomicU32::new(0) },
        raw: Mutex::default(),
        limits,
    });
    let engine = engine(&room, template.format().escape(), limits.fuel_max, 0);
    let read = engine.get_template(template.name()).map(|_| ());
    read.map_err(|error| {
        fault::explained(&error, template.name(), &room.templates, &facts, Reveal::No, &limits)
    })
}

impl Room {
    fn raw_uses(&self) -> Vec<RawUse> {
        let uses = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = |template: &str| {
            let text = self.templates.get(template).map(Template::text).unwrap_or_default();
            let lines = (1u32..).zip(text.split('\n'));
            lines
                .filter(|(_, line)| line.contains("raw_unsafe"))
                .map(|(number, _)| number)
                .collect()
        };
        uses.iter()
            .map(|(template, times)| RawUse {
                template: template.clone(),
                times: *times,
                lines: lines(template),
            })
            .collect()
    }
}

/// What a template makes, with marks around its values, and the fuel it took.
fn run(room: &Arc<Room>, name: &str, fuel: u64, depth: usize) -> Result<(String, u64), Error> {
    let Some(template) = room.templates.get(name) else {
        return Err(Error::from(ErrorKind::TemplateNotFound));
    };
    let engine = engine(room, template.format().escape(), fuel, depth);
    let mut out = Capped { bytes: Vec::new(), most: room.limits.output_bytes_max, over: false };
    let done = engine.get_template(name)?.render_captured_to(room.context.clone(), &mut out);
    if out.over {
        return Err(reached("output_bytes_max", room.limits.output_bytes_max as u64));
    }
    let taken = done?.state().fuel_levels().map_or(fuel, |(taken, _)| taken);
    let text =
        String::from_utf8(out.bytes).map_err(|_| refusal("what was rendered is no UTF-8"))?;
    Ok((text, taken))
}

/// Takes in at most so many bytes.
struct Capped {
    bytes: Vec<u8>,
    most: usize,
    over: bool,
}

impl io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(bytes.len()) > self.most {
            self.over = true;
            return Err(io::Error::other("output_bytes_max"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The engine for templates that write values in one way. It finds only those.
fn engine(room: &Arc<Room>, escape: Escape, fuel: u64, depth: usize) -> Environment<'static> {
    // What minijinja counts for one `include`.
    const INCLUDE_COST: usize = 10;
    let mut engine = Environment::empty();
    engine.set_debug(true);
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_fuel(Some(fuel));
    engine.set_recursion_limit(room.limits.include_depth_max.saturating_mul(INCLUDE_COST));
    let mut syntax = minijinja::syntax::SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    if let Ok(syntax) = syntax.build() {
        engine.set_syntax(syntax);
    }
    engine.set_auto_escape_callback(move |_| AutoEscape::Custom(escape.name().into()));
    engine.set_formatter(write_value);
    let given = room.clone();
    engine.set_loader(move |name| {
        let template = given.templates.get(name).filter(|t| t.format().escape() == escape);
        Ok(template.map(|template| template.text().to_owned()))
    });
    functions::add_filters(&mut engine);
    let shared = room.clone();
    engine.add_filter("raw_unsafe", move |state: &State<'_, '_>, value: &Value| {
        let text = text_of_value(value)?;
        if text.chars().any(marks::is_mark) {
            return Err(refusal("the value holds a character from U+FDD0 to U+FDEF"));
        }
        let mut uses = shared.raw.lock().unwrap_or_else(PoisonError::into_inner);
        let times = uses.entry(state.name().to_owned()).or_default();
        *times = times.saturating_add(1);
        Ok(Value::from_object(Piece { kind: Kind::Raw, text }))
    });
    let shared = room.clone();
    engine.add_function(
        "hash_password",
        move |state: &State<'_, '_>, value: &Value, method: Option<String>| {
            shared.hashing.hash(state, value, method.as_deref())
        },
    );
    let shared = room.clone();
    engine.add_function("unattend_password", move |value: &Value, element: String| {
        shared.hashing.unattend(value, &element)
    });
    let shared = room.clone();
    engine.add_filter("word", move |value: &Value| {
        let text = text_of_value(value)?;
        // A preview shows where a secret will stand, whatever letters it will have.
        if !shared.hashing.is_placeholder(&text) {
            escape::word(&text).map_err(refusal)?;
        }
        Ok(Value::from_object(Piece { kind: Kind::ForShell, text }))
    });
    let shared = room.clone();
    engine.add_function("refuse", move |words: &str| -> Result<Value, Error> {
        Err(shared.hashing.refuse(words))
    });
    let shared = room.clone();
    engine.add_function("text_of", move |state: &State<'_, '_>, name: String| {
        text_of(&shared, state, &name, depth.saturating_add(1))
    });
    engine
}

/// Fuel that starting one more engine and reading its output again costs, roughly.
const TEXT_OF_FUEL: u64 = 500;

/// What another template makes, as one text. It is checked in its own format first.
fn text_of(
    room: &Arc<Room>,
    state: &State<'_, '_>,
    name: &str,
    depth: usize,
) -> Result<Value, Error> {
    if depth > room.limits.text_of_depth_max {
        return Err(reached("text_of_depth_max", room.limits.text_of_depth_max as u64));
    }
    let Some(template) = room.templates.get(name) else {
        // The name may be made of a secret.
        return Err(refusal("there is no template of this name among those given"));
    };
    let escape = template.format().escape();
    let fuel = state.fuel_levels().map_or(room.limits.fuel_max, |(_, left)| left);
    let (marked, taken) = run(room, name, fuel, depth)?;
    state.consume_fuel(taken.saturating_add(TEXT_OF_FUEL))?;
    let text = context::checked(escape, &marked).map_err(|misplaced| {
        refusal(format!("line {} of what `{name}` makes: {}", misplaced.line, misplaced.why))
    })?;
    Ok(Value::from_object(Piece { kind: Kind::Rendered(escape), text }))
}

/// Writes one value as its format has it, between marks.
fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    let AutoEscape::Custom(name) = state.auto_escape() else {
        return Err(refusal(
            "`autoescape` is not offered; what must stand raw says `| raw_unsafe`",
        ));
    };
    let Some(escape) = Escape::named(name) else {
        return Err(refusal("`autoescape` is not offered"));
    };
    if value.is_safe() {
        return Err(refusal(
            "a block of `set` or `filter` holds what is escaped already; put it in a template of its \
             own and write `text_of(\"name\")`",
        ));
    }
    let text = match value.downcast_object_ref::<Piece>() {
        Some(piece) => write_piece(escape, piece)?,
        None => write_plain(escape, value)?,
    };
    out.write_str(&text)?;
    Ok(())
}

fn marked(begin: char, text: &str) -> String {
    format!("{begin}{text}{}", marks::END)
}

fn write_plain(escape: Escape, value: &Value) -> Result<String, Error> {
    if matches!(escape, Escape::Yaml | Escape::Json) {
        let mut out = String::new();
        write_flow(escape, value, true, 0, &mut out)?;
        return Ok(out);
    }
    let text = text_of_value(value)?;
    if matches!(value.kind(), ValueKind::Number | ValueKind::Bool) {
        return Ok(text);
    }
    let text = escape::escaped(escape, &text).map_err(refusal)?;
    Ok(marked(marks::VALUE, &text))
}

fn write_piece(escape: Escape, piece: &Piece) -> Result<String, Error> {
    let lines = matches!(escape, Escape::Kickstart | Escape::Preseed | Escape::Ini | Escape::Ipxe);
    match piece.kind {
        Kind::Raw => Ok(piece.text.clone()),
        Kind::ForShell if lines && piece.text.contains(['\n', '\r']) => {
            Err(refusal("the value holds a line break, which a line of this format cannot"))
        }
        Kind::ForShell if matches!(escape, Escape::Shell | Escape::Kickstart | Escape::Preseed) => {
            Ok(marked(marks::FOR_SHELL, &piece.text))
        }
        // A script is the body of a section, if no line of it ends the section.
        Kind::Rendered(Escape::Shell) if escape == Escape::Kickstart => {
            if piece.text.lines().any(|line| line.trim_start().starts_with('%')) {
                return Err(refusal(
                    "a line of the script begins with `%`, as the end of a section does",
                ));
            }
            Ok(format!("{}{}", marks::SCRIPT, piece.text))
        }
        _ => write_plain(escape, &Value::from(piece.text.as_str())),
    }
}
