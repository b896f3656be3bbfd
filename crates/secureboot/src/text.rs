//! Text from files and certificates, made fit to be shown.
//!
//! In: bytes or text that anybody may have written. Out: one line without control characters, marks
//! that turn the reading direction, or more than its limit. Never: what a terminal would act on.

/// Characters shown of one text.
pub const SHOWN_MAX: usize = 160;

/// One line of it. What is no letter, digit, mark or space is shown by its number; what is longer
/// than [`SHOWN_MAX`] ends in `…`.
pub fn show(bytes: &[u8]) -> String {
    // A character has at most four bytes: what is cut off here would not be shown.
    let head = bytes.get(..bytes.len().min(SHOWN_MAX.saturating_mul(4))).unwrap_or_default();
    show_text(&String::from_utf8_lossy(head))
}

/// The same for what is text already.
pub fn show_text(text: &str) -> String {
    let mut shown = String::new();
    for (number, character) in text.chars().enumerate() {
        if number == SHOWN_MAX {
            shown.push('…');
            break;
        }
        match character {
            '\'' | '"' | '\\' => shown.push(character),
            // Control characters, direction marks and what has no shape are escaped by it.
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_shown_by_its_number() {
        assert_eq!(show(b"a\x1b[31m\n\"b\""), "a\\u{1b}[31m\\n\"b\"");
        assert_eq!(show_text("left \u{202e}right"), "left \\u{202e}right");
        assert_eq!(show_text("Müller 日本"), "Müller 日本");
        assert_eq!(show(&[b'x'; 1000]).chars().count(), SHOWN_MAX + 1);
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 0x0f, 0xff]), "000fff");
    }
}
