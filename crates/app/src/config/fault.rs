//! What is wrong with a configuration file, shown where it stands.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What is wrong, in a sentence.
    pub what: String,
    /// Where, in bytes of the file.
    pub at: Range<usize>,
    /// What to read under the place itself; may be empty.
    pub label: String,
    /// Another place that has a part in it, and what to read there.
    pub other: Option<(Range<usize>, String)>,
    /// What to do.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault at a place.
    pub fn new(at: Range<usize>, what: impl Into<String>) -> Self {
        Self { what: what.into(), at, label: String::new(), other: None, hint: None }
    }

    /// Adds what is read under the place.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds the other place, and what is read under it.
    pub fn other(mut self, at: Range<usize>, label: impl Into<String>) -> Self {
        self.other = Some((at, label.into()));
        self
    }

    /// Adds what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The fault as people read it: what, `file:line:column`, the line itself, what to do.
    pub fn show(&self, file: &str, text: &str) -> String {
        // The end of a file without its last line break is a place, too.
        let end = self.at.end.min(text.len());
        let start = self.at.start.min(end);
        let mark = AnnotationKind::Primary.span(start..end).label(self.label.as_str());
        let other = self.other.as_ref().map(|(at, label)| {
            let end = at.end.min(text.len());
            AnnotationKind::Context.span(at.start.min(end)..end).label(label.as_str())
        });
        let snippet = Snippet::source(text).path(file).annotation(mark).annotations(other);
        let main = Level::ERROR.primary_title(self.what.as_str()).element(snippet);
        let hint = self.hint.as_deref().map(|h| Group::with_title(Level::HELP.secondary_title(h)));
        let report: Vec<Group<'_>> = std::iter::once(main).chain(hint).collect();
        Renderer::plain().render(&report)
    }
}

/// All faults of a file, in the order in which they stand there.
pub fn show_all(faults: &[Fault], file: &str, text: &str) -> String {
    let mut sorted: Vec<&Fault> = faults.iter().collect();
    sorted.sort_by_key(|fault| fault.at.start);
    let shown: Vec<String> = sorted.iter().map(|fault| fault.show(file, text)).collect();
    shown.join("\n\n")
}

/// The nearest of several valid names, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), other);
    let best = valid.into_iter().min_by_key(|other| far(other))?;
    (far(best) <= best.len().max(name.len()) / 3 + 1 && far(best) < best.len()).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_guessed_only_when_it_is_near() {
        let valid = ["interface", "mode", "pool", "router"];
        assert_eq!(nearest("pol", valid), Some("pool"));
        assert_eq!(nearest("Interfaces", valid), Some("interface"));
        assert_eq!(nearest("certificate", valid), None);
        assert_eq!(nearest("x", valid), None);
    }

    #[test]
    fn a_fault_names_line_and_column() {
        let shown = Fault::new(5..8, "unknown key `pol`").label("did you mean `pool`?");
        let shown = shown.show("lab.toml", "a=1\n\npol = 3\n");
        assert!(shown.contains("lab.toml:3:1"), "{shown}");
        assert!(shown.contains("did you mean `pool`?"), "{shown}");
    }
}
