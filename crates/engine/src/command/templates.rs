//! Templates and secrets.

use super::{Outcome, check_name, decided, refuse};
use crate::Engine;
use crate::deploy::stem;
use answers::Format;
use model::Change;
use model::declared::Declarable;
use model::power::is_own_credential;
use model::setting::{Layer, Setting};
use model::template::Template;

/// Templates of operators.
const TEMPLATES_MAX: usize = 400;
/// Secrets.
const SECRETS_MAX: usize = 1_000;
/// Settings of one layer.
const SETTINGS_MAX: usize = 256;

impl Engine {
    pub(super) fn set_template(&self, template: Template) -> Outcome {
        check_template(&template)?;
        let new = !self.templates.contains_key(&template.name);
        if new && self.templates.len() >= TEMPLATES_MAX {
            return refuse(format!("there are {TEMPLATES_MAX} templates already"), "");
        }
        self.not_in_use(&template.name)?;
        let ours = answers::starter(&template.name).is_some();
        let says = match (new, ours) {
            (true, true) => format!("template {} takes the place of ours", template.name),
            (true, false) => format!("template {} is added", template.name),
            (false, _) => format!("template {} is changed", template.name),
        };
        decided(vec![Change::Template(template)], says)
    }

    pub(super) fn remove_template(&self, name: String) -> Outcome {
        if !self.templates.contains_key(&name) {
            let hint = match answers::starter(&name) {
                Some(_) => "it is one of ours, which are always there",
                None => "`bootwright template list` shows all",
            };
            let shown = model::text::show(name.as_bytes());
            return refuse(format!("there is no template {shown} of an operator"), hint);
        }
        self.not_in_use(&name)?;
        let last =
            !self.templates().iter().any(|t| t.name() != name && stem(t.name()) == stem(&name));
        let user = self.profiles.values().find(|p| p.template.as_deref() == Some(stem(&name)));
        if let (true, None, Some(profile)) = (last, answers::starter(&name), user) {
            return refuse(
                format!("template {name} is used by profile {}", profile.name),
                "give the profile another template first",
            );
        }
        let says = match answers::starter(&name) {
            Some(_) => format!("template {name} is ours again"),
            None => format!("template {name} is removed"),
        };
        let mut changes = vec![Change::TemplateGone(name.clone())];
        changes.extend(self.undeclared(Declarable::Template(name)));
        decided(changes, says)
    }

    /// What machines are being installed with stays as it was tried.
    pub(super) fn not_in_use(&self, template: &str) -> Result<(), super::Refusal> {
        let format = Format::of_name(template).and_then(Format::file_name);
        let uses = |of: &&model::Deployment| {
            let own = of.install.as_ref().is_some_and(|i| i.template == stem(template));
            // A script may be a part of any of them.
            own || (format.is_none() && of.install.is_some())
        };
        let waits = |batch: &&model::Batch| {
            !batch.waiting.is_empty()
                && (batch.install.template == stem(template) || format.is_none())
        };
        if let Some(batch) = self.deployments.batches().find(waits) {
            return refuse(
                format!("batch b{} is installing machines with template {template}", batch.id),
                "wait for its end, or `bootwright deployment cancel` it",
            );
        }
        match self.deployments.live().find(uses) {
            Some(of) => refuse(
                format!("{} is being installed with template {template}", self.shown(&of.machine)),
                "wait for its end, or `bootwright machine cancel` it",
            ),
            None => Ok(()),
        }
    }

    pub(super) fn set_secret(&self, name: String, sealed: String) -> Outcome {
        check_secret(&name)?;
        if is_own_credential(&name) {
            return refuse(
                format!("secret {name} is a machine's own, for its power"),
                "`bootwright machine power MACHINE set` sets it",
            );
        }
        let new = !self.secrets.contains_key(&name);
        // There are as many own ones as machines; those are counted there.
        let shared = || self.secrets.keys().filter(|name| !is_own_credential(name)).count();
        if new && shared() >= SECRETS_MAX {
            return refuse(format!("there are {SECRETS_MAX} secrets already"), "");
        }
        let says = match new {
            true => format!("secret {name} is set"),
            false => format!("secret {name} is set anew"),
        };
        decided(vec![Change::Secret(name, sealed)], says)
    }

    pub(super) fn remove_secret(&self, name: String) -> Outcome {
        if !self.secrets.contains_key(&name) {
            let shown = model::text::show(name.as_bytes());
            return refuse(format!("there is no secret {shown}"), "see `secret list`");
        }
        let holds = |of: &&model::Deployment| {
            of.install.as_ref().is_some_and(|install| install.secrets.contains(&name))
        };
        if let Some(of) = self.deployments.live().find(holds) {
            return refuse(
                format!("{} is being installed with secret {name}", self.shown(&of.machine)),
                "wait for its end, or `bootwright machine cancel` it",
            );
        }
        self.credential_is_free(&name)?;
        let says = format!("secret {name} is removed");
        decided(vec![Change::SecretGone(name)], says)
    }

    /// Names of the secrets there are.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }

    /// The secret of this name, sealed.
    pub fn secret(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(String::as_str)
    }

    fn shown(&self, machine: &model::HardwareAddress) -> String {
        self.machines.get(machine).map_or(machine.to_string(), model::Machine::shown)
    }
}

/// A name that a template can say: `secrets.user_password`.
pub(super) fn check_secret(name: &str) -> Result<(), super::Refusal> {
    let fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    if first && name.len() <= 63 && name.chars().all(fit) {
        return Ok(());
    }
    refuse(
        format!("`{}` is no name for a secret", model::text::show(name.as_bytes())),
        "use 1 to 63 letters, digits and underscores, a letter first: templates say `secrets.NAME`",
    )
}

/// Settings as an operator gave them.
/// Whether a template could be used at all.
pub(super) fn check_template(template: &Template) -> Result<(), super::Refusal> {
    check_name("a template", &template.name)?;
    let format = match template.format.parse::<Format>() {
        Ok(format) => format,
        Err(wrong) => return refuse(wrong, ""),
    };
    let read = answers::Template::new(&template.name, format, &template.text);
    match read.and_then(|read| answers::check(&read)) {
        Ok(_) => Ok(()),
        Err(wrong) => refuse(wrong.to_string(), ""),
    }
}

pub(super) fn check_settings(layer: &Layer) -> Result<(), super::Refusal> {
    if layer.len() > SETTINGS_MAX {
        return refuse(format!("there may be {SETTINGS_MAX} settings"), "");
    }
    for (name, setting) in layer {
        check_secret(name).map_err(|_| super::Refusal {
            why: format!("`{}` is no name for a setting", model::text::show(name.as_bytes())),
            hint: Some("use 1 to 63 letters, digits and underscores, a letter first".to_owned()),
        })?;
        let bytes = match setting {
            Setting::Text(text) => text.len(),
            Setting::List(items) => items.iter().map(String::len).sum(),
            Setting::Flag(_) | Setting::Whole(_) => 0,
        };
        if bytes > 16 * 1024 {
            return refuse(format!("setting {name} is longer than 16 KiB"), "");
        }
    }
    Ok(())
}
