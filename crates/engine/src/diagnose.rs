//! What a boot that did not arrive died of.
//!
//! In: the story of the boot, the boots before it, what happened around it, and what the engine knows
//! of machine, network, loaders and images. Out: verdicts, the surest first, each with what shows it and
//! what to do. Never: a change of anything, or a verdict over a boot that is still going on.
//!
//! ```text
//! story ─ due ────── quiet for too long, over, or failed?
//!       ─ trail ──── read for what decides: what was asked, told, fetched, and what came after
//!       ─ table ──── one row for each diagnosis: asking, fetching, https, loader, script, system, again
//! ```

mod again;
mod asking;
mod docket;
mod due;
mod fetching;
mod https;
mod loader;
mod script;
mod system;
mod table;
mod trail;

use crate::Engine;
pub use docket::{Docket, Examined};
pub use due::due;
use model::diagnosis::{Certainty, Code, Diagnosis, EVIDENCE_MAX, Evidence};
use model::story::Ending;
use model::{Event, Fault, Now, Story};
pub use table::{ROWS, Row, row};
use trail::Trail;

/// So many verdicts over one boot are told: what is left after them is guesswork.
pub const VERDICTS_MAX: usize = 4;

/// One boot, and what is known about it.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Machines, networks, loaders, images, as they are now.
    pub engine: &'a Engine,
    /// The moment.
    pub now: Now,
    /// The boot.
    pub story: &'a Story,
    /// The boot of the same machine after it, if there was one.
    pub next: Option<&'a Story>,
    /// Boots of the same machine before it, the newest first.
    pub earlier: &'a [&'a Story],
    /// What happened on its links while it lasted of which nobody can say which machine it was.
    pub strangers: &'a [&'a Event],
}

/// What a row found.
struct Finding {
    certainty: Certainty,
    verdict: String,
    evidence: Vec<Evidence>,
    remedy: String,
}

impl Finding {
    fn new(
        certainty: Certainty,
        verdict: impl Into<String>,
        evidence: impl IntoIterator<Item = Evidence>,
        remedy: impl Into<String>,
    ) -> Self {
        let evidence = evidence.into_iter().collect();
        Self { certainty, verdict: verdict.into(), evidence, remedy: remedy.into() }
    }
}

/// Verdicts over a boot, the surest first; none while it goes on, and none if it ended in an
/// installation.
#[must_use]
pub fn diagnose(case: &Case<'_>) -> Vec<Diagnosis> {
    let early = due(case.story).is_none_or(|due| due > case.now);
    if early || case.story.ending == Ending::Installed {
        return Vec::new();
    }
    let trail = Trail::new(*case);
    // Where we only listen it is others who boot machines.
    if trail.is_of_others() {
        return Vec::new();
    }
    let mut found: Vec<(usize, Diagnosis)> = Vec::new();
    for (place, row) in ROWS.iter().enumerate() {
        if !row.applies(case.story.furthest) {
            continue;
        }
        if let Some(finding) = (row.look)(&trail) {
            found.push((place, said(row.code, row.fault, finding)));
        }
    }
    // Of two that are equally sure, the one further on: the boot came as far as that.
    found.sort_by_key(|(place, diagnosis)| (diagnosis.certainty, usize::MAX - place));
    found.truncate(VERDICTS_MAX);
    found.into_iter().map(|(_, diagnosis)| diagnosis).collect()
}

fn said(code: Code, fault: Fault, finding: Finding) -> Diagnosis {
    let Finding { certainty, verdict, mut evidence, remedy } = finding;
    // How it began, and how it ended.
    if evidence.len() > EVIDENCE_MAX {
        evidence.drain(1..=evidence.len() - EVIDENCE_MAX);
    }
    Diagnosis { code, certainty, fault, verdict, evidence, remedy }
}
