//! Marks around every value in what the engine writes, so that it can be judged where each stands.
//! They are Unicode noncharacters, which no template and no value may hold; they are taken out again.
//!
//! In: text with marks. Out: the text without them, and the same text with every value replaced by
//! a word of our own. Never: a mark in what leaves.

/// A value begins, as its format writes it.
pub(crate) const VALUE: char = '\u{fdd0}';
/// A value begins that is ready for a shell.
pub(crate) const FOR_SHELL: char = '\u{fdd1}';
/// The lines of a script begin, which a section of a kickstart file may hold as they are.
pub(crate) const SCRIPT: char = '\u{fdd3}';
/// A value ends.
pub(crate) const END: char = '\u{fdd2}';

/// Whether the character is one of the noncharacters we keep for marks.
pub(crate) fn is_mark(c: char) -> bool {
    ('\u{fdd0}'..='\u{fdef}').contains(&c)
}

/// The first line, counted from 1, that holds one.
pub(crate) fn line_with_a_mark(text: &str) -> Option<u32> {
    let line = text.split('\n').position(|line| line.chars().any(is_mark))?;
    u32::try_from(line).ok()?.checked_add(1)
}

/// The text as it leaves.
pub(crate) fn stripped(marked: &str) -> String {
    marked.chars().filter(|c| !is_mark(*c)).collect()
}

/// The word that stands for the value with this number.
pub(crate) fn stand_in(number: usize) -> String {
    format!("bootwright-value-{number}-")
}

/// The text with each value replaced by its [`stand_in`] between two quotes, and how many there are.
pub(crate) fn replaced(marked: &str, quote: &str) -> (String, usize) {
    let mut text = String::with_capacity(marked.len());
    let mut number: usize = 0;
    let mut inside = false;
    for c in marked.chars() {
        match c {
            VALUE | FOR_SHELL => {
                inside = true;
                text.push_str(quote);
                text.push_str(&stand_in(number));
                text.push_str(quote);
                number = number.saturating_add(1);
            }
            END => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    (text, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_leave_with_or_without_their_values() {
        let marked = format!("a: {VALUE}\"x\"{END}, b: {FOR_SHELL}'y'{END}.");
        assert_eq!(stripped(&marked), "a: \"x\", b: 'y'.");
        let (text, count) = replaced(&marked, "\"");
        assert_eq!(text, "a: \"bootwright-value-0-\", b: \"bootwright-value-1-\".");
        assert_eq!(
            (count, line_with_a_mark("a\nb"), line_with_a_mark(&format!("a\n{END}"))),
            (2, None, Some(2))
        );
    }
}
