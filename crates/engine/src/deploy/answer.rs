//! Answer files: `/answer/TOKEN/FILE`, each once, to the address that has the script, and to nobody
//! else whatever they say. Those without secrets go to that address without the token, too: for
//! installers that ask by the names of other servers.

use super::armed::frozen;
use super::{alarm, nothing_here, told};
use crate::files::{FileAsk, Found, Served};
use crate::{Answer, Engine, Told};
use model::deployment::{Confirm, Deployment, End, Install, Step};
use model::event::Carrier;
use model::plan::Why;
use model::{Change, Event, HardwareAddress, Now};
use std::time::Duration;

/// A download that broke off may be repeated by the same address within this.
pub(super) const AGAIN: Duration = Duration::from_secs(120);

impl Engine {
    /// Somebody asks for an answer file. `rest` is what follows `answer/`.
    pub(crate) fn answer(&mut self, now: Now, ask: &FileAsk, rest: &str) -> Told<Found> {
        let (token, file) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(of) = self.deployments.by_answer(&vault::token_hash(token)).cloned() else {
            return nothing_here(Vec::new());
        };
        let Some(install) = of.install.clone().filter(|_| ask.by == Carrier::Http) else {
            return nothing_here(Vec::new());
        };
        if !self.has_the_script(now, &of, ask) {
            let from = ask.from.ip();
            let why = format!("{from} asked for {} with the token of another", shown(file));
            return self.freeze(now, &of, &why);
        }
        self.give(now, ask, (&of, &install), file)
    }

    /// The asker shows no token, and is taken for this machine. `file` is the one it wants; without,
    /// the one that its image takes.
    pub(crate) fn answer_by_claim(
        &mut self,
        now: Now,
        ask: &FileAsk,
        machine: &HardwareAddress,
        file: Option<&str>,
    ) -> Told<Found> {
        let Some(of) = self.deployment_of(machine).cloned() else {
            return nothing_here(Vec::new());
        };
        let Some(install) = of.install.clone().filter(|_| ask.by == Carrier::Http) else {
            return nothing_here(Vec::new());
        };
        let asked = model::text::show(&ask.name);
        let from = ask.from.ip();
        let refused = |says: String| nothing_here(vec![told(now, &of, "refused", &says)]);
        if !self.has_the_script(now, &of, ask) {
            return refused(format!("{from} asked for {asked}, and does not have its script"));
        }
        if !install.secrets.is_empty() {
            return refused(format!(
                "{from} asked for {asked}, and its answer files hold secrets: those are given under \
                 the URL in its script only"
            ));
        }
        match file.or_else(|| self.file_of(&of)) {
            Some(file) => self.give(now, ask, (&of, &install), file),
            None => {
                refused(format!("{from} asked for {asked}, and its image takes no answer file"))
            }
        }
    }

    /// Gives a file of a deployment to whoever has a right to it.
    fn give(
        &mut self,
        now: Now,
        ask: &FileAsk,
        (of, install): (&Deployment, &Install),
        file: &str,
    ) -> Told<Found> {
        let from = ask.from.ip();
        if ask.head_only || !self.may_have(now, of, install) {
            return nothing_here(Vec::new());
        }
        if let Some(event) = self.not_private(now, ask, of, install) {
            return nothing_here(vec![event]);
        }
        let Some(order) = self.order(now, ask, of, install, file) else {
            // Installers look for files that need not exist.
            let says = format!("there is no template for {}", shown(file));
            return nothing_here(vec![told(now, of, "missing", &says)]);
        };
        match of.taken(file) {
            Some((_, by)) if by != from => {
                let why = format!("{from} asked for {}, which {by} has", shown(file));
                self.freeze(now, of, &why)
            }
            Some((first, _)) if now.since(first) >= AGAIN => {
                let why = format!(
                    "{} was asked for a second time, {} s after the first",
                    shown(file),
                    now.since(first).as_secs()
                );
                self.freeze(now, of, &why)
            }
            Some(_) => {
                let event = told(now, of, "repeated", &format!("{} again, to {from}", shown(file)));
                given(order, of, Vec::new(), vec![event])
            }
            None => {
                let Some(next) = of.after(now, Step::Take(file.to_owned(), from)) else {
                    return nothing_here(Vec::new());
                };
                let event = told(now, &next, "fetched", &format!("{} by {from}", shown(file)));
                match self.keep(vec![Change::Deployment(next)]) {
                    Some(changes) => given(order, of, changes, vec![event]),
                    None => {
                        let why =
                            Why::StoreFailed("the disk is full: no answer file is given".into());
                        Told {
                            answer: Answer::Silence(why),
                            changes: Vec::new(),
                            events: Vec::new(),
                        }
                    }
                }
            }
        }
    }

    /// Whether its files may be given at all: in time, and after the code was typed.
    fn may_have(&self, now: Now, of: &Deployment, install: &Install) -> bool {
        let confirmed = !matches!(install.confirm, Some(Confirm { typed: None, .. }));
        let begun = of.begun().is_some() && !self.deployments.is_in_doubt(of);
        confirmed && (self.deployments.is_open(now, of) || begun) && !of.is_over()
    }

    /// Secrets leave over TLS, unless an operator said otherwise for this deployment.
    fn not_private(
        &self,
        now: Now,
        ask: &FileAsk,
        of: &Deployment,
        install: &Install,
    ) -> Option<Event> {
        let tls = self.settings.tls_port == Some(ask.at.port());
        if install.secrets.is_empty() || install.plain_http || tls {
            return None;
        }
        let text = format!(
            "deployment {} of {}: its answer files hold secrets and were asked for over plain HTTP; \
             nothing was given\nhint: `machine deploy --plain-http` allows it, for that deployment",
            of.shown(),
            of.machine
        );
        Some(alarm(now, of.machine, text))
    }

    fn freeze(&mut self, now: Now, of: &Deployment, why: &str) -> Told<Found> {
        let (changes, mut events) = self.ended(now, of, End::Frozen { why: why.to_owned() });
        events.push(alarm(now, of.machine, frozen(of, why)));
        // Even if it cannot be kept: memory is frozen, and nothing was given.
        let changes = self.keep(changes).unwrap_or_default();
        Told { answer: Answer::Silence(Why::NothingHere), changes, events }
    }
}

fn given(
    order: super::Order,
    of: &Deployment,
    changes: Vec<Change>,
    events: Vec<Event>,
) -> Told<Found> {
    let found = Found {
        what: Served::Answer(Box::new(order)),
        media: "text/plain",
        machine: Some(of.machine),
        steady: false,
        blksize_max: None,
    };
    Told { answer: Answer::Reply(found), changes, events }
}

fn shown(file: &str) -> String {
    model::text::show(file.as_bytes())
}
