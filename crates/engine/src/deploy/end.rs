//! How a deployment ends, and what that makes of its machine.

use super::told;
use crate::Engine;
use model::deployment::{Deployment, End, State, Step};
use model::life::Move;
use model::machine::MARKS_MAX;
use model::{Change, Event, Machine, Now};

impl Engine {
    /// A deployment ended in this way: it, its machine, and what is told.
    pub(crate) fn ended(&self, now: Now, of: &Deployment, how: End) -> (Vec<Change>, Vec<Event>) {
        match of.after(now, Step::End(how)) {
            Some(next) => self.after_end(now, of, next, None),
            None => (Vec::new(), Vec::new()),
        }
    }

    /// What follows from a deployment that is over now; `mark` is how its disk is known as ours.
    pub(super) fn after_end(
        &self,
        now: Now,
        of: &Deployment,
        next: Deployment,
        mark: Option<String>,
    ) -> (Vec<Change>, Vec<Event>) {
        let State::Ended { how, .. } = next.state() else {
            return (vec![Change::Deployment(next)], Vec::new());
        };
        let (word, says) = match how {
            End::Done => ("done", String::new()),
            End::Failed { why } => ("failed", why.clone()),
            End::Expired => ("expired", "its machine did not come in time".to_owned()),
            End::Cancelled { by } => ("cancelled", format!("by {by}")),
            End::Frozen { why } => ("frozen", why.clone()),
        };
        let event = told(now, &next, word, &says);
        let machine = self.machines.get(&of.machine).and_then(|m| life_after(m, of, how, mark));
        let changes = [Some(Change::Deployment(next)), machine.map(Change::Machine)];
        (changes.into_iter().flatten().collect(), vec![event])
    }
}

/// The machine after the end of an installation; none if that makes nothing of it.
fn life_after(
    machine: &Machine,
    of: &Deployment,
    how: &End,
    mark: Option<String>,
) -> Option<Machine> {
    let install = of.install.as_ref()?;
    let touched = matches!(of.state(), State::Begun { .. });
    let step = match how {
        End::Done => Move::Finish,
        End::Failed { .. } | End::Frozen { .. } => Move::Fail,
        End::Expired | End::Cancelled { .. } if touched => Move::Fail,
        End::Expired | End::Cancelled { .. } => Move::Disarm(install.before),
    };
    // A machine that was blocked meanwhile stays so.
    let mut after = machine.moved(step).ok()?;
    if let Some(mark) = mark.filter(|mark| !after.marks.contains(mark)) {
        after.marks.push(mark);
        let many = after.marks.len().saturating_sub(MARKS_MAX);
        after.marks.drain(..many);
    }
    Some(after)
}
