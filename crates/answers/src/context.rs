//! Where each value stands: only where its format reads it as a value.
//!
//! Escaping makes a value harmless in one place and not in another: `'{{ x }}'` in a shell script
//! ends the quotes that its author wrote. So what was rendered is read again, with marks around the
//! values. In: text with marks. Out: the text without them, or which line is wrong. Never: a text in
//! which a value is syntax.

mod line;
mod shell;
mod tree;

use crate::marks;
use crate::template::Escape;

/// What is wrong, and in which line of what was rendered.
#[derive(Debug, PartialEq)]
pub(crate) struct Misplaced {
    pub(crate) line: u32,
    pub(crate) why: String,
}

impl Misplaced {
    fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line: u32::try_from(line).unwrap_or(u32::MAX), why: why.into() }
    }
}

/// The text as it leaves, if every value stands where it may.
pub(crate) fn checked(escape: Escape, marked: &str) -> Result<String, Misplaced> {
    match escape {
        Escape::Shell => shell::check(marked, shell::Syntax::Script)?,
        Escape::Kickstart => shell::check(marked, shell::Syntax::Kickstart)?,
        Escape::Preseed => line::preseed(marked)?,
        Escape::Ini => line::ini(marked)?,
        Escape::Ipxe => line::ipxe(marked)?,
        Escape::Yaml => tree::yaml(marked)?,
        Escape::Json => tree::json(marked)?,
        Escape::Xml => tree::xml(marked)?,
    }
    Ok(marks::stripped(marked))
}
