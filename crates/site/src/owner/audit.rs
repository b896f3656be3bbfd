//! What operators do, as records of the audit log.
//!
//! In: what was decided, before it is applied. Out: the record that is kept with it, in the same
//! transaction. Never: a secret, or a record without the one before.

use crate::handle::Act;
use access::chain::{self, Entry};
use access::redact;
use engine::command::{Before, Decided};
use engine::{Engine, Now};
use model::access::Outcome;
use model::rule::Rule;
use model::{By, Change};

/// What a record names at most; the facts name all.
const NAMED_MAX: usize = 5;

/// The record of a command; none if it changes nothing.
pub(super) fn of(
    engine: &Engine,
    now: Now,
    by: By,
    what: &str,
    decided: &Decided,
) -> Option<Change> {
    let (mut about, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for change in &decided.changes {
        let was = engine.before(change);
        let Before { about: name, fact } = was;
        if !about.contains(&name) && about.len() <= NAMED_MAX {
            about.push(name);
        }
        let (old, new) = apart(fact, change);
        before.extend(old);
        after.extend(new);
    }
    if decided.changes.is_empty() {
        return None;
    }
    if about.len() > NAMED_MAX {
        about.truncate(NAMED_MAX);
        about.push("and more".to_owned());
    }
    let entry = Entry {
        at: now,
        by,
        what: what.to_owned(),
        target: Some(about.join(", ")),
        outcome: Outcome::Done,
        says: decided.says.clone(),
        before: redact::told(&before).filter(|_| !before.is_empty()),
        after: redact::told(&after).filter(|_| !after.is_empty()),
    };
    Some(Change::Audit(chain::next(engine.audit_head(), entry)))
}

/// The record of an act that changes no fact.
pub(super) fn of_act(engine: &Engine, now: Now, act: Act) -> Change {
    let Act { by, what, target, outcome, says } = act;
    let entry = Entry { at: now, by, what, target, outcome, says, before: None, after: None };
    Change::Audit(chain::next(engine.audit_head(), entry))
}

/// What is worth writing down of a fact before and after.
fn apart(before: Option<Change>, after: &Change) -> (Option<Change>, Option<Change>) {
    match (before, after) {
        // A thousand rules are one fact; only those that differ are told.
        (Some(Change::Rules(old)), Change::Rules(new)) => {
            let (old, new) = differing(&old, new);
            (Some(Change::Rules(old)), Some(Change::Rules(new)))
        }
        // What is gone has no after.
        (before, gone) if is_gone(gone) => (before, None),
        (before, after) => (before, Some(after.clone())),
    }
}

fn differing(old: &[Rule], new: &[Rule]) -> (Vec<Rule>, Vec<Rule>) {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (old.get(same..).unwrap_or_default(), new.get(same..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let upto =
        |rules: &[Rule]| rules.get(..rules.len().saturating_sub(tail)).unwrap_or_default().to_vec();
    (upto(old), upto(new))
}

fn is_gone(change: &Change) -> bool {
    matches!(
        change,
        Change::LeaseGone(_)
            | Change::PastGone(_)
            | Change::ReservationGone(_)
            | Change::Lease6Gone(_)
            | Change::Reservation6Gone(_)
            | Change::MachineGone(_)
            | Change::PowerGone(_)
            | Change::ProfileGone(_)
            | Change::ImageGone(..)
            | Change::LoaderGone(_)
            | Change::UserGone(_)
            | Change::ApiTokenGone(_)
    )
}
