//! Why a template cannot be rendered: which one, where, what is wrong, and what to do.
//!
//! Never: the value of a secret. With secrets in the rendering, no word of a value is shown.

use std::fmt;

/// Why there is no answer file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AnswerError {
    /// The template.
    pub template: String,
    /// Its line, counted from 1, where there is one.
    pub line: Option<u32>,
    /// Its column in characters, counted from 1, where it is known.
    pub column: Option<u32>,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Why {
    /// The template's own grammar.
    Syntax(String),
    /// A name that means nothing here.
    Undefined {
        /// As it was asked for, if the engine knows it.
        name: Option<String>,
        /// What it may have been meant to be.
        nearest: Option<String>,
        /// The name is known, but has no value for this machine.
        unset: bool,
    },
    /// A filter, function or test that is not offered.
    Unknown {
        /// What was asked for, in words.
        what: String,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
    /// A template that was not given, or is of another format.
    NoTemplate(String),
    /// One of the [`Limits`](crate::Limits) was reached.
    TooMuch {
        /// Its name.
        limit: &'static str,
        /// How much it allows.
        most: u64,
    },
    /// A value that cannot stand where it was put.
    Refused(String),
    /// What was rendered is no file of its format.
    NotWellFormed(String),
    /// Anything else the engine says.
    Failed(String),
}

impl AnswerError {
    pub(crate) fn new(template: &str, why: Why) -> Self {
        Self { template: template.into(), line: None, column: None, why }
    }

    pub(crate) fn at(mut self, line: u32, column: Option<u32>) -> Self {
        self.line = Some(line);
        self.column = column;
        self
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template {}", self.template)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(what) => write!(f, "{what}"),
            Self::Undefined { name: Some(name), unset: true, .. } => write!(
                f,
                "`{name}` has no value for this machine; set it, or ask first: \
                 `{{% if {name} is defined %}}`"
            ),
            Self::Undefined { name, nearest, .. } => {
                match name {
                    Some(name) => write!(f, "`{name}` is not known")?,
                    None => write!(f, "a value is not known")?,
                }
                hint(f, nearest)
            }
            Self::Unknown { what, nearest } => {
                write!(f, "{what}")?;
                hint(f, nearest)
            }
            Self::NoTemplate(what) | Self::Refused(what) | Self::Failed(what) => {
                write!(f, "{what}")
            }
            Self::NotWellFormed(what) => {
                write!(f, "what it makes is no file of its format: {what}")
            }
            Self::TooMuch { limit, most } => {
                write!(f, "it asks for more than {most} of `{limit}`; make it smaller")
            }
        }
    }
}

fn hint(f: &mut fmt::Formatter<'_>, nearest: &Option<String>) -> fmt::Result {
    match nearest {
        Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
        None => Ok(()),
    }
}

impl std::error::Error for AnswerError {}
