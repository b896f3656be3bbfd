//! Reading numbers and strings at a place in bytes that may be too short: then there is `None`.

/// `len` bytes at `at`.
pub(crate) fn slice(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(len)?)
}

/// A little-endian 16-bit number.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    slice(bytes, at, 2)?.try_into().ok().map(u16::from_le_bytes)
}

/// Where `needle` first stands.
pub(crate) fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let at = from + rest.iter().position(|b| *b == first)?;
        if bytes.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Whether `needle` stands anywhere.
pub(crate) fn contains(bytes: &[u8], needle: &str) -> bool {
    find(bytes, needle.as_bytes()).is_some()
}

/// Printable ASCII from `at` up to the first other byte, at most `max` long.
pub(crate) fn text_at(bytes: &[u8], at: usize, max: usize) -> Option<String> {
    let rest = bytes.get(at..)?;
    let text: String = rest
        .iter()
        .take(max)
        .take_while(|b| b.is_ascii_graphic() || **b == b' ')
        .map(|b| char::from(*b))
        .collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_outside_are_none() {
        assert_eq!(u16_at(&[1, 2], 0), Some(0x0201));
        assert_eq!(u16_at(&[1, 2], 1), None);
        assert_eq!(u16_at(&[1, 2], usize::MAX), None);
        assert_eq!(text_at(b"ab\0c", 0, 9).as_deref(), Some("ab"));
        assert_eq!(text_at(b"ab", 2, 9), None);
    }

    #[test]
    fn a_needle_is_found_where_it_first_stands() {
        assert_eq!(find(b"aaab", b"ab"), Some(2));
        assert_eq!(find(b"aaa", b"ab"), None);
        assert_eq!(find(b"", b"ab"), None);
        assert_eq!(find(b"ab", b""), None);
    }
}
