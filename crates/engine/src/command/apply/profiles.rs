//! Profiles of a document.

use super::super::templates::check_settings;
use super::super::{DeclaredProfile, check_line, check_name, refuse};
use super::{Fields, Work};
use model::Change;
use model::declared::{Declarable, Said};
use model::rule::Profile;
use std::collections::BTreeMap;

impl Work<'_> {
    pub(super) fn profiles(&mut self, declared: &[DeclaredProfile], prune: bool) {
        let mut first: BTreeMap<&str, &str> = BTreeMap::new();
        for one in declared {
            if let Some(before) = first.insert(&one.name, &one.at) {
                let why = format!("profile {} is declared twice, first at {before}", one.name);
                self.refuse(&one.at, why, "");
                continue;
            }
            if let Err(refusal) = self.check(one) {
                self.note(&one.at, refusal);
                continue;
            }
            self.profile(&one.at, one.profile());
        }
        if prune {
            self.prune_profiles(&first);
        }
    }

    fn check(&self, one: &DeclaredProfile) -> Result<(), super::Refusal> {
        check_name("a profile", &one.name)?;
        check_line("kernel arguments", &one.args)?;
        check_settings(&one.settings)?;
        let profile = one.profile();
        if let Some(template) = profile.template.as_ref().filter(|t| !self.has_templates(t)) {
            let shown = model::text::show(template.as_bytes());
            return refuse(
                format!("profile {}: there is no template {shown}", profile.name),
                "`bootwright template list` shows what there is; say the part before the last dot",
            );
        }
        if self.engine.image(&profile.image, profile.wanted()).is_some() {
            return Ok(());
        }
        let shown = model::text::show(profile.image.as_bytes());
        let version = profile.version.map(|v| format!(" version {v}")).unwrap_or_default();
        refuse(
            format!("profile {}: there is no image {shown}{version}", profile.name),
            "`bootwright image list` shows what there is, `bootwright image import` adds one",
        )
    }

    fn profile(&mut self, at: &str, profile: Profile) {
        let name = profile.name.clone();
        let what = format!("profile {name}");
        let shown = |profile: &Profile| match profile.version {
            Some(version) => format!("version {version}"),
            None => profile.channel.to_string(),
        };
        let mut fields = Fields::new();
        let sign = match self.engine.profiles.get(&name) {
            None => {
                fields.say("image", Some(&profile.image));
                fields.say("follows", Some(&shown(&profile)));
                fields.say("args", Some(&profile.args));
                fields.say("template", profile.template.as_deref());
                fields.settings(None, &profile.settings);
                Some('+')
            }
            Some(old) => {
                fields.compare("image", Some(&old.image), Some(&profile.image));
                fields.compare("follows", Some(&shown(old)), Some(&shown(&profile)));
                fields.compare("args", Some(&old.args), Some(&profile.args));
                let of = |profile: &Profile| profile.template.clone();
                fields.compare("template", of(old).as_deref(), of(&profile).as_deref());
                fields.settings(Some(&old.settings), &profile.settings);
                (*old != profile).then_some('~')
            }
        };
        if let Some(sign) = sign {
            // What machines are being installed with stays as it was tried.
            if let Err(refusal) = self.engine.profile_is_free(&name) {
                return self.note(at, refusal);
            }
            self.lines.push(fields.line(sign, &what));
            self.changes.push(Change::Profile(profile));
        }
        self.profiles.insert(name.clone());
        self.mark(Declarable::Profile(name), Said::new());
    }

    /// Those that a document declared before and none declares now.
    fn prune_profiles(&mut self, declared: &BTreeMap<&str, &str>) {
        for what in self.engine.declared.keys() {
            let Declarable::Profile(name) = what else { continue };
            if declared.contains_key(name.as_str()) {
                continue;
            }
            self.changes.push(Change::DeclaredGone(what.clone()));
            if self.engine.profiles.contains_key(name) {
                if let Err(refusal) = self.engine.profile_is_free(name) {
                    self.note("", refusal);
                    continue;
                }
                self.lines.push(format!("- profile {name}"));
                self.changes.push(Change::ProfileGone(name.clone()));
                self.profiles.remove(name);
                self.profiles_gone.insert(name.clone());
            }
        }
    }
}
