//! Deployments: who is armed with what, who is given it, and how it ends.
//!
//! ```text
//! command ─▶ arm ────▶ a machine boots: boot::plan ─▶ armed ─▶ claim: its script, to one address
//!                      it fetches: /answer/TOKEN/FILE ─▶ answer: each file once
//!                      it reports: /report/TOKEN/STAGE ─▶ report ─▶ end ─▶ turns of its batch
//! every minute ─▶ upkeep: what was not begun in time expires, what hangs is told
//! ```
//!
//! In: asks of machines, wishes of operators, the moment. Out: changes, and [`Order`]s for answer files.
//! Never: a secret's text (an order carries it sealed), a second answer where the first was to be the
//! only one.

mod answer;
mod armed;
mod book;
mod end;
mod itself;
mod order;
mod report;
mod turns;
mod upkeep;

pub use answers::{AnswerError, Rendered, Template};
pub(crate) use armed::Claim;
pub(crate) use book::Book;
pub use order::Order;
pub(crate) use order::{Case, stem};
pub(crate) use turns::{AT_ONCE_MAX, Arming};

use crate::Engine;
use model::deployment::{Deployment, State};
use model::event::Happening;
use model::plan::{Answer, Why};
use model::{Batch, Change, Event, HardwareAddress, Now};
use vault::{Purpose, Token};

/// What is known of a deployment, as events tell it.
pub(crate) fn told(now: Now, of: &Deployment, step: &str, says: &str) -> Event {
    let what = Happening::Deployment {
        deployment: of.shown(),
        step: step.to_owned(),
        says: says.to_owned(),
    };
    Event::new(now, Some(of.machine), None, what)
}

/// What to tell of the deployments that a command armed just now.
pub fn armed_by(now: Now, changes: &[Change]) -> impl Iterator<Item = Event> + '_ {
    changes.iter().filter_map(move |change| match change {
        Change::Deployment(of) if *of.state() == State::Armed && of.armed == now => {
            Some(told(now, of, "armed", &of.standing()))
        }
        _ => None,
    })
}

fn alarm(now: Now, of: HardwareAddress, text: String) -> Event {
    Event::new(now, Some(of), None, Happening::Alarm { text })
}

/// The one answer to everybody who has no right to what is asked for, whatever the reason is.
fn nothing_here<T>(events: Vec<Event>) -> crate::Told<T> {
    crate::Told { answer: Answer::Silence(Why::NothingHere), changes: Vec::new(), events }
}

impl Engine {
    /// All deployments that are remembered, oldest first.
    pub fn deployments(&self) -> impl DoubleEndedIterator<Item = &Deployment> {
        self.deployments.all()
    }

    /// All batches that are remembered, oldest first.
    pub fn batches(&self) -> impl DoubleEndedIterator<Item = &Batch> {
        self.deployments.batches()
    }

    /// The deployment of this number.
    pub fn deployment(&self, id: u32) -> Option<&Deployment> {
        self.deployments.get(id)
    }

    /// Whether a template is one of ours that no operator has replaced.
    pub fn is_ours(&self, template: &str) -> bool {
        answers::starter(template).is_some() && !self.templates.contains_key(template)
    }

    /// What a machine is armed with or busy with.
    pub fn deployment_of(&self, machine: &HardwareAddress) -> Option<&Deployment> {
        self.deployments.of(&self.filed(machine))
    }

    /// The token of a deployment's answer files for whoever holds it.
    pub(crate) fn answer_token(&self, of: &Deployment) -> Option<Token> {
        let holder = of.holder()?.to_string();
        Some(self.settings.key.token(Purpose::Answer, &[&id(of), &of.seed.0, holder.as_bytes()]))
    }

    /// The token that it reports by.
    fn report_token(&self, of: &Deployment) -> Token {
        self.settings.key.token(Purpose::Report, &[&id(of), &of.seed.0])
    }

    /// The code on the screen of its machine.
    pub(crate) fn code_of(&self, of: &Deployment) -> String {
        self.settings.key.code(&[&id(of), &of.seed.0])
    }

    /// Keeps what was decided, if it can be kept.
    fn keep(&mut self, changes: Vec<Change>) -> Option<Vec<Change>> {
        if !self.may_keep(&changes) {
            return None;
        }
        changes.iter().for_each(|change| self.apply(change));
        Some(changes)
    }
}

fn id(of: &Deployment) -> [u8; 4] {
    of.id.to_be_bytes()
}
