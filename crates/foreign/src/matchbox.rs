//! matchbox: `profiles/*.json` (kernel, initrd, arguments) and `groups/*.json` (which machines get
//! which profile). The most demanding group wins there, so it stands first here.

use crate::book::Book;
use crate::boot::{ARGS_MAX, args};
use crate::found::{Image, Profile, Rule};
use crate::json::{self, Value, What};
use crate::text::whole;
use model::rule::Condition;
use std::io::{self, BufRead};

pub fn read(book: &mut Book, from: &mut dyn BufRead) -> io::Result<()> {
    let text = whole(from)?;
    let root = match json::parse(&text) {
        Ok(root) => root,
        Err((line, why)) => {
            book.leave(line, "the whole file", format!("it cannot be read as JSON: {why}"));
            return Ok(());
        }
    };
    if root.get("boot").is_some() {
        profile(book, &root);
    } else if root.get("profile").is_some() {
        group(book, &root);
    } else {
        let why = "it is neither a profile (no `boot`) nor a group (no `profile`) of matchbox";
        book.leave(root.line, "the whole file", why);
    }
    Ok(())
}

/// The id of a profile or group; the name where there is none.
fn id(root: &Value) -> &str {
    let of = |key: &str| root.get(key).map(Value::text).filter(|text| !text.is_empty());
    of("id").or_else(|| of("name")).unwrap_or_default()
}

fn profile(book: &mut Book, root: &Value) {
    let id = id(root);
    let what = format!("profile {id}");
    let mut notes = Vec::new();
    for (key, value) in root.entries() {
        let (key, text) = (key.as_str(), value.text());
        let why = match key {
            "id" | "boot" => continue,
            "name" => {
                notes.push(format!("there: {text}"));
                continue;
            }
            _ if text.is_empty() => continue,
            "ignition_id" | "cloud_id" | "generic_id" | "container_linux_config" => {
                "not taken over: an answer file becomes a template of this server"
            }
            _ => "not understood",
        };
        book.leave(value.line, &format!("{key} {text} of {what}"), why);
    }
    let boot = root.get("boot");
    let kernel = boot.and_then(|boot| boot.get("kernel")).map(Value::text).unwrap_or_default();
    if id.is_empty() || kernel.is_empty() {
        let why = "it has no id, or boots no kernel";
        return book.leave(root.line, &what, why);
    }
    let mut initrds = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for (key, value) in boot.map(Value::entries).unwrap_or_default() {
        match key.as_str() {
            "kernel" => {}
            // `--name main http://…`: iPXE's flags go before the URL.
            "initrd" => initrds.extend(
                value
                    .list()
                    .iter()
                    .filter_map(|one| one.text().split_whitespace().last().map(str::to_owned)),
            ),
            "args" => words.extend(value.list().iter().map(Value::text)),
            "cmdline" => words.extend(map_words(value)),
            key => book.leave(value.line, &format!("{key} of {what}"), "not understood"),
        }
    }
    let Some(args) = args(&words) else {
        let why = format!("its arguments are longer than {ARGS_MAX} bytes");
        return book.leave(root.line, &what, why);
    };
    if args.contains("${") {
        let why = "iPXE would put values in: write them out, or take the argument away";
        book.leave(root.line, &format!("args {args} of {what}"), why);
        notes.push("mind the ${…} in its arguments: nothing is put in here".to_owned());
    }
    book.image(root.line, id, Image { kernel: kernel.to_owned(), initrds });
    book.profile(root.line, id, Profile { image: id.to_owned(), args, notes });
}

/// Arguments of old files: an object.
fn map_words(value: &Value) -> Vec<&str> {
    value.entries().iter().map(|(key, _)| key.as_str()).collect()
}

fn group(book: &mut Book, root: &Value) {
    let what = format!("group {}", id(root));
    let profile = root.get("profile").map(Value::text).unwrap_or_default().to_owned();
    let mut conditions = Vec::new();
    for (key, value) in root.entries() {
        match (key.as_str(), &value.what) {
            ("id" | "name" | "profile", _) => {}
            ("selector", What::Object(all)) => {
                for (key, value) in all {
                    match condition(key, value.text()) {
                        Ok(condition) => conditions.push(condition),
                        Err(why) => {
                            let what = format!("{what}: {key} {}", value.text());
                            return book.leave(value.line, &what, why);
                        }
                    }
                }
            }
            ("metadata", What::Object(all)) if all.is_empty() => {}
            ("metadata", _) => {
                let why =
                    "not taken over: values for templates are settings of a profile or machine";
                book.leave(value.line, &format!("metadata of {what}"), why);
            }
            (key, _) => book.leave(value.line, &format!("{key} of {what}"), "not understood"),
        }
    }
    let labels = conditions.iter().any(|condition| matches!(condition, Condition::Label(..)));
    if labels {
        let why = "taken over as labels: matchbox reads them from what a machine says of itself, here \
                   an operator gives them (`bootwright machine set --label`)";
        book.leave(root.line, &format!("selectors of {what}"), why);
    }
    book.rule(root.line, Rule { conditions, profile });
}

fn condition(key: &str, value: &str) -> Result<Condition, String> {
    match key {
        "mac" => value.parse().map(Condition::Mac),
        "uuid" => value.parse().map(Condition::Uuid),
        "serial" => one_line(value).map(Condition::Serial),
        key => {
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            let named = !key.is_empty() && key.len() <= 63 && key.chars().all(good);
            if !named || key.starts_with(['.', '-']) {
                return Err("it can be no label: a to z, 0-9, dot, dash and underscore".to_owned());
            }
            Ok(Condition::Label(key.to_owned(), one_line(value)?))
        }
    }
}

fn one_line(value: &str) -> Result<String, String> {
    match !value.is_empty() && value.len() <= 1024 && !value.chars().any(char::is_control) {
        true => Ok(value.to_owned()),
        false => Err("its value is no line of text".to_owned()),
    }
}
