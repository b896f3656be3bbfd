//! Documents that declare machines, profiles, templates and rules: TOML, read with the place of
//! everything.
//!
//! In: the texts of files, and who reads those that they name. Out: what they declare together, ready to
//! be sent, or every fault where it stands. Never: a question to the server; whether an image or a profile
//! exists it knows.

mod machine;
mod place;
mod profile;
mod rule;
mod template;
#[cfg(test)]
mod tests;

use crate::config::fault::{Fault, show_all};
use crate::config::reader::{Faults, Section};
use api::types::ApplyWish;
pub use place::Source;
use std::cell::RefCell;
use std::path::PathBuf;
use toml::de::DeTable;

/// So many faults of a file are shown; further ones are counted.
const FAULTS_SHOWN: usize = 50;

/// A document by its name.
pub struct Document {
    /// As it is named in what is said of it.
    pub file: String,
    /// What it says.
    pub text: String,
    /// Where files are that it names.
    pub folder: PathBuf,
}

/// What documents declare together; `Err` is every fault of all of them, ready to be read.
pub fn read(documents: &[Document]) -> Result<ApplyWish, String> {
    let mut wish = ApplyWish::default();
    let mut said = Vec::new();
    for document in documents {
        let faults = RefCell::new(Vec::new());
        one(document, &faults, &mut wish);
        let mut faults = faults.into_inner();
        if faults.is_empty() {
            continue;
        }
        let count = match faults.len() {
            1 => "1 fault".to_owned(),
            many => format!("{many} faults"),
        };
        let Document { file, text, .. } = document;
        faults.sort_by_key(|fault| fault.at.start);
        let more = faults.len().saturating_sub(FAULTS_SHOWN);
        faults.truncate(FAULTS_SHOWN);
        let mut shown = format!("{file} has {count}\n\n{}", show_all(&faults, file, text));
        if more > 0 {
            shown.push_str(&format!("\n\nand {more} more"));
        }
        said.push(shown);
    }
    match said.is_empty() {
        true => Ok(wish),
        false => Err(said.join("\n\n")),
    }
}

fn one(document: &Document, faults: &Faults, wish: &mut ApplyWish) {
    let (table, wrong) = DeTable::parse_recoverable(&document.text);
    for error in &wrong {
        let at = error.span().unwrap_or(0..0);
        faults.borrow_mut().push(Fault::new(at, format!("this is no TOML: {}", error.message())));
    }
    let source = Source::new(&document.file, &document.text);
    let mut top = Section::new("", table.span(), table.get_ref(), faults);
    let machines = top.sections("machine").into_iter();
    wish.machines.extend(machines.filter_map(|section| machine::read(section, &source)));
    let profiles = top.sections("profile").into_iter();
    wish.profiles.extend(profiles.filter_map(|section| profile::read(section, &source)));
    if top.place("rule").is_some() {
        let rules = top.sections("rule").into_iter();
        let rules = rules.filter_map(|section| rule::read(section, &source));
        // The lists of several files are one, in the order of the files.
        wish.rules.get_or_insert_default().extend(rules);
    }
    let templates = top.sections("template").into_iter();
    let templates =
        templates.filter_map(|section| template::read(section, &source, &document.folder));
    wish.templates.extend(templates);
    top.finish();
}
