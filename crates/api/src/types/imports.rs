//! Imports that run, and those that ended.

use super::{ImportLine, moment};
use crate::Problem;
use model::Now;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an import stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImportState {
    /// It goes on, whoever looks.
    Running,
    /// It was told to stop, and will as soon as it notices.
    Stopping,
    /// It is published; of a dry run, it would be.
    Done,
    /// It was refused, or went wrong.
    Failed,
    /// It was stopped by an operator; nothing was published.
    Cancelled,
}

/// An import: one that runs, or one of the newest that ended since the server started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportView {
    /// Its number since the server started.
    pub id: String,
    /// The image's name.
    pub name: String,
    /// Where it comes from: a URL, a path of the server's host, or the name of what was uploaded.
    pub source: String,
    /// The upload that it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Who began it.
    pub by: String,
    /// Whether it only says what would be done.
    pub dry_run: bool,
    /// How it stands.
    pub state: ImportState,
    /// When it began.
    pub begun: String,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// Bytes read of what is being read.
    pub done: u64,
    /// Bytes of that; 0 if nobody knows.
    pub total: u64,
    /// What is being read.
    pub file: String,
    /// The version that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// What was done, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// Why it ended otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl ImportView {
    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        matches!(self.state, ImportState::Running | ImportState::Stopping)
    }

    /// Goes on by what the import said.
    pub(crate) fn note(&mut self, line: &ImportLine, now: Now) {
        match line {
            ImportLine::Progress { done, total, file } => {
                (self.done, self.total) = (*done, *total);
                self.file = model::text::show(file.as_bytes());
            }
            ImportLine::Done { image, says } => {
                (self.state, self.ended) = (ImportState::Done, Some(moment(now)));
                (self.version, self.says) = (Some(image.version), Some(says.clone()));
            }
            ImportLine::Failed(problem) => {
                let stopped = self.state == ImportState::Stopping;
                self.state = if stopped { ImportState::Cancelled } else { ImportState::Failed };
                (self.ended, self.problem) = (Some(moment(now)), Some(problem.clone()));
            }
        }
    }
}
