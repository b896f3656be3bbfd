//! Why a command ended without doing what was asked, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// Whose fault it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It did not work: 1.
    Failed,
    /// It was asked wrongly: 2.
    Usage,
    /// No server answered: 3.
    NotReached,
    /// It was refused, with a reason: 4.
    Refused,
}

/// What went wrong and what to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    what: String,
    hint: Option<String>,
}

impl Failure {
    fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), hint: None }
    }

    /// It did not work.
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Kind::Failed, what)
    }

    /// It was asked wrongly.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// It was refused.
    pub fn refused(what: impl Into<String>) -> Self {
        Self::new(Kind::Refused, what)
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What the process ends with.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::NotReached => 3,
            Kind::Refused => 4,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl From<api::client::Error> for Failure {
    fn from(error: api::client::Error) -> Self {
        use api::client::Error;
        match error {
            Error::NotReached { at, why } if at.starts_with("http") => {
                Self::new(Kind::NotReached, format!("no server answers at {at}: {why}"))
                    .hint("its port is `listen` of [admin] there")
            }
            Error::NotReached { at, why } => Self::new(
                Kind::NotReached,
                format!("no server answers at {at}: {why}"),
            )
            .hint(
                "start it: bootwright serve --config FILE; with another state directory, name it \
                 here too: --state DIR",
            ),
            Error::NotAllowed(_) => Self::refused(error.to_string()).hint(
                "run it as root; or, for the socket in /run/bootwright, join the group: usermod \
                 -aG bootwright USER",
            ),
            Error::Problem(problem) => {
                let kind = match problem.status {
                    400 | 413 | 415 | 422 => Kind::Usage,
                    401 | 403 | 404 | 409 | 421 | 429 => Kind::Refused,
                    _ => Kind::Failed,
                };
                Self { kind, what: problem.sentence(), hint: problem.hint }
            }
            Error::Broken(what) => Self::failed(format!("the server's answer broke off: {what}"))
                .hint("look at what `bootwright serve` says"),
            Error::Usage(what) => Self::usage(what).hint("--server https://NAME:7070"),
            Error::File(_) | Error::Stopped => Self::failed(error.to_string()),
        }
    }
}
