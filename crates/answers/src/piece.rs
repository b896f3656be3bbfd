//! Text in a template that is more than a string: made raw on purpose, or already in the words of
//! a format.

use crate::template::Escape;
use minijinja::value::{Object, ObjectRepr};
use std::fmt;
use std::sync::Arc;

/// What kind of text it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `raw_unsafe`: the template's author answers for it.
    Raw,
    /// What another template made, checked in its own format.
    Rendered(Escape),
    /// Words of a shell: quoted, or of letters that need no quotes.
    ForShell,
}

pub(crate) struct Piece {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may hold a secret.
        f.debug_struct("Piece").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl Object for Piece {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
