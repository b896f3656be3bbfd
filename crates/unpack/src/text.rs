//! Text out of a file, fit to be shown or to be a name.

/// Longest piece of a file's own text that a message shows.
const SHOWN_MAX: usize = 80;

/// A character that moves, hides or reorders what stands around it.
pub fn hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || c == '\u{feff}'
}

/// Text, fit to be shown: no control, no direction marks, not endless.
pub fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= SHOWN_MAX {
            shown.push('…');
            break;
        }
        if hostile(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Bytes where text was expected, fit to be shown.
pub fn shown_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => shown(text),
        Err(_) => {
            let short = bytes.get(..SHOWN_MAX).unwrap_or(bytes);
            shown(&short.escape_ascii().to_string())
        }
    }
}

/// Text up to its first zero, without the spaces that pad it.
pub fn padded(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    shown(String::from_utf8_lossy(text).trim())
}

/// The name without regard to letter case: two files that differ in nothing else are one file to
/// firmware, FAT and Windows.
pub fn folded(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_moves_no_cursor_and_ends() {
        assert_eq!(shown("a\x1b[2J\u{202e}b\u{200b}"), "a\\u{1b}[2J\\u{202e}b\\u{200b}");
        assert_eq!(shown_bytes(b"\xff\n"), "\\xff\\n");
        assert_eq!(shown_bytes("smørgås".as_bytes()), "smørgås");
        assert!(shown(&"\u{7}".repeat(10_000)).len() < 100);
        assert!(shown_bytes(&[0xff; 10_000]).len() < 100);
        assert_eq!(padded(b"MY ESP     "), "MY ESP");
        assert_eq!(padded(b"a\0bc"), "a");
    }
}
