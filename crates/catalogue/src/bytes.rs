//! Reading numbers and strings at a place in bytes that may be too short: then there is `None`.

/// `len` bytes at `at`.
pub(crate) fn slice(bytes: &[u8], at: usize, len: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(len)?)
}

/// A little-endian 16-bit number.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    slice(bytes, at, 2)?.try_into().ok().map(u16::from_le_bytes)
}

/// A little-endian 32-bit number.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    slice(bytes, at, 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// A little-endian 64-bit number.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    slice(bytes, at, 8)?.try_into().ok().map(u64::from_le_bytes)
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
        assert_eq!(u32_at(&[1, 2], usize::MAX), None);
        assert_eq!(u64_at(&[1, 0, 0, 0, 0, 0, 0, 2], 0), Some(0x0200_0000_0000_0001));
        assert_eq!(text_at(b"ab\0c", 0, 9).as_deref(), Some("ab"));
        assert_eq!(text_at(b"ab", 2, 9), None);
    }
}
