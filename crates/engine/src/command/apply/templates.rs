//! Templates of a document.

use super::super::templates::check_template;
use super::super::{DeclaredProfile, DeclaredTemplate};
use super::{Fields, Work};
use crate::deploy::stem;
use model::Change;
use model::declared::{Declarable, Said};
use model::template::Template;
use std::collections::BTreeMap;

impl Work<'_> {
    pub(super) fn templates(&mut self, declared: &[DeclaredTemplate], prune: bool) {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        for one in declared {
            if let Some(before) = first.insert(&one.name, &one.at) {
                let why = format!("template {} is declared twice, first at {before}", one.name);
                self.refuse(&one.at, why, "");
                continue;
            }
            let template = one.template();
            match check_template(&template) {
                Ok(()) => self.template(&one.at, template),
                Err(refusal) => self.note(&one.at, refusal),
            }
        }
        if prune {
            self.prune_templates(&first);
        }
    }

    fn template(&mut self, at: &str, template: Template) {
        let name = template.name.clone();
        let mut fields = Fields::new();
        let bytes = |text: &str| format!("{} bytes", text.len());
        let sign = match self.engine.templates.get(&name) {
            None => {
                fields.say("format", Some(&template.format));
                fields.say("text", Some(&bytes(&template.text)));
                Some('+')
            }
            Some(old) => {
                fields.compare("format", Some(&old.format), Some(&template.format));
                if old.text != template.text {
                    fields.say("text", Some(&lines(&old.text, &template.text)));
                }
                (*old != template).then_some('~')
            }
        };
        if let Some(sign) = sign {
            if let Err(refusal) = self.engine.not_in_use(&name) {
                return self.note(at, refusal);
            }
            self.lines.push(fields.line(sign, &format!("template {name}")));
            self.changes.push(Change::Template(template));
        }
        self.templates.insert(name.clone());
        self.mark(Declarable::Template(name), Said::new());
    }

    /// Those that a document declared before and none declares now. One that took the place of ours
    /// gives it back.
    fn prune_templates(&mut self, declared: &BTreeMap<&str, &str>) {
        for what in self.engine.declared.keys() {
            let Declarable::Template(name) = what else { continue };
            if declared.contains_key(name.as_str()) {
                continue;
            }
            self.changes.push(Change::DeclaredGone(what.clone()));
            if !self.engine.templates.contains_key(name) {
                continue;
            }
            if let Err(refusal) = self.engine.not_in_use(name) {
                self.note("", refusal);
                continue;
            }
            self.lines.push(format!("- template {name}"));
            self.changes.push(Change::TemplateGone(name.clone()));
            if answers::starter(name).is_none() {
                self.templates.remove(name);
                self.templates_gone.insert(name.clone());
            }
        }
    }

    /// Whether some template makes what a profile names.
    pub(super) fn has_templates(&self, of: &str) -> bool {
        self.templates.iter().any(|name| stem(name) == of)
    }

    /// What goes is not the last template of a profile that stays as it is; declared ones were looked at.
    pub(super) fn templates_used(&mut self, declared: &[DeclaredProfile]) {
        if self.templates_gone.is_empty() {
            return;
        }
        let mut missed = Vec::new();
        for profile in self.engine.profiles.values() {
            let stays = self.profiles.contains(&profile.name)
                && !declared.iter().any(|one| one.name == profile.name);
            let Some(template) = profile.template.as_ref().filter(|_| stays) else { continue };
            let goes = self.templates_gone.iter().any(|gone| stem(gone) == template);
            if goes && !self.has_templates(template) {
                missed.push(format!("template {template} is used by profile {}", profile.name));
            }
        }
        for why in missed {
            self.refuse("", why, "give the profile another template first, or declare it");
        }
    }
}

/// In how many lines two texts differ, counted as a difference of sets: enough to see whether it is the
/// change that was meant.
fn lines(old: &str, new: &str) -> String {
    let count = |of: &str| {
        let mut all: BTreeMap<String, i64> = BTreeMap::new();
        for line in of.lines() {
            *all.entry(line.to_owned()).or_default() += 1;
        }
        all
    };
    let (had, mut has) = (count(old), count(new));
    for (line, times) in had {
        *has.entry(line).or_default() -= times;
    }
    let more: i64 = has.values().filter(|times| **times > 0).sum();
    let less: i64 = has.values().filter(|times| **times < 0).sum();
    format!("+{more} {less} lines")
}
