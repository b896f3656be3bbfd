//! Text that came from the wire is hostile: it is shown escaped and short.

/// The longest wire text that is shown, in bytes of input.
pub const SHOWN_MAX: usize = 256;

/// Wire bytes as text an operator can safely look at: control characters, escapes for terminals,
/// line breaks and characters that reorder text are written as `\u{..}`, bytes that are no UTF-8
/// as `\x..`, and everything past [`SHOWN_MAX`] bytes is cut with `…`.
pub fn show(bytes: &[u8]) -> String {
    let cut = bytes.get(..SHOWN_MAX).unwrap_or(bytes);
    let mut shown = String::with_capacity(cut.len());
    for chunk in cut.utf8_chunks() {
        chunk.valid().chars().for_each(|c| put(&mut shown, c));
        chunk.invalid().iter().for_each(|byte| put_byte(&mut shown, *byte));
    }
    if cut.len() < bytes.len() {
        shown.push('…');
    }
    shown
}

/// As [`show`], for lines that may be longer: no more than `most` bytes come out, and `…` in place of
/// what does not fit.
pub fn show_within(bytes: &[u8], most: usize) -> String {
    let mut shown = String::new();
    for chunk in bytes.utf8_chunks() {
        let chars = chunk.valid().chars().map(Ok);
        for piece in chars.chain(chunk.invalid().iter().map(|byte| Err(*byte))) {
            let before = shown.len();
            match piece {
                Ok(c) => put(&mut shown, c),
                Err(byte) => put_byte(&mut shown, byte),
            }
            if shown.len() > most {
                shown.truncate(before);
                shown.push('…');
                return shown;
            }
        }
    }
    shown
}

fn put(shown: &mut String, c: char) {
    match c {
        '\\' => shown.push_str("\\\\"),
        c if unsafe_to_show(c) => shown.extend(c.escape_unicode()),
        c => shown.push(c),
    }
}

fn put_byte(shown: &mut String, byte: u8) {
    shown.push_str(&format!("\\x{byte:02x}"));
}

/// Control characters and those that change the direction or place of the text around them
/// (Unicode bidi controls, zero-width and tag characters).
fn unsafe_to_show(c: char) -> bool {
    c.is_control()
        || matches!(u32::from(c),
            0x00ad | 0x061c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_fool_a_terminal_is_written_out() {
        assert_eq!(show(b"PXEClient"), "PXEClient");
        assert_eq!(show(b"a\x1b[31mb\nc\\"), "a\\u{1b}[31mb\\u{a}c\\\\");
        assert_eq!(show("x\u{202e}y".as_bytes()), "x\\u{202e}y");
        assert_eq!(show(&[b'a', 0xff]), "a\\xff");
        assert_eq!(show(&[b'a'; 300]).chars().count(), 257);
    }

    #[test]
    fn longer_lines_are_cut_between_what_is_shown_of_two_characters() {
        assert_eq!(show_within(b"disk\x1b[0m", 100), "disk\\u{1b}[0m");
        assert_eq!(show_within(&[b'a'; 300], 300), "a".repeat(300));
        assert_eq!(show_within(&[b'a'; 301], 300), "a".repeat(300) + "…");
        for most in 0..20 {
            let shown = show_within("aé\x07\u{202e}\u{fffd}".as_bytes(), most);
            assert!(shown.trim_end_matches('…').len() <= most);
            assert!(shown.matches('{').count() == shown.matches('}').count(), "{shown}");
        }
        assert_eq!(show_within(&[0xff; 3], 9), "\\xff\\xff…");
    }
}
