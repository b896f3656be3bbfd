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
        for c in chunk.valid().chars() {
            match c {
                '\\' => shown.push_str("\\\\"),
                c if unsafe_to_show(c) => shown.extend(c.escape_unicode()),
                c => shown.push(c),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    if cut.len() < bytes.len() {
        shown.push('…');
    }
    shown
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
}
