//! Text as discs write it: padded bytes, UCS-2, OSTA's compressed Unicode. Out come names that are
//! names: no slash, no control, never `.` or `..`.

/// Fixed fields of ISO 9660, padded with spaces or zeros.
pub fn padded(bytes: &[u8]) -> String {
    let text = latin(bytes);
    text.trim_matches(|c: char| c == ' ' || c == '\0').to_owned()
}

/// UTF-8 if it is that; else every byte is taken as the Latin-1 letter it was, most likely.
pub fn latin(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Joliet: UCS-2, big end first; newer writers use surrogates too.
pub fn ucs2(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| {
        let mut unit = [0; 2];
        unit.copy_from_slice(pair);
        u16::from_be_bytes(unit)
    });
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Fixed fields of Joliet.
pub fn padded_ucs2(bytes: &[u8]) -> String {
    ucs2(bytes).trim_matches(|c: char| c == ' ' || c == '\0').to_owned()
}

/// OSTA UDF 2.1.1: the first byte says how the others are written. `None` if it says nothing known.
pub fn osta(bytes: &[u8]) -> Option<String> {
    match bytes.split_first() {
        None => Some(String::new()),
        Some((8, rest)) => Some(rest.iter().map(|byte| char::from(*byte)).collect()),
        Some((16, rest)) => Some(ucs2(rest)),
        Some(_) => None,
    }
}

/// OSTA UDF 2.1.3: a field whose last byte says how many of its bytes count.
pub fn dstring(field: &[u8]) -> String {
    let Some((length, text)) = field.split_last() else { return String::new() };
    let text = text.get(..usize::from(*length)).unwrap_or(text);
    osta(text).unwrap_or_default().trim_matches(|c: char| c == ' ' || c == '\0').to_owned()
}

/// The name as it is used here, and whether it had to be changed.
pub fn name(raw: String) -> (String, bool) {
    let fit = |c: char| c != '/' && !c.is_control();
    if raw.is_empty() {
        return ("_".to_owned(), true);
    }
    if raw == "." || raw == ".." {
        return ("_".repeat(raw.len()), true);
    }
    if raw.chars().all(fit) {
        return (raw, false);
    }
    (raw.chars().map(|c| if fit(c) { c } else { '_' }).collect(), true)
}

/// Compares without regard to letter case; names that differ in case alone stay in one order.
pub fn compare_folded(a: &str, b: &str) -> std::cmp::Ordering {
    folded(a).cmp(folded(b))
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn osta_text_of_both_widths() {
        assert_eq!(osta(b"\x08sm\xf8r").unwrap(), "smør");
        assert_eq!(osta(b"\x10\x65\xe5\x67\x2c\xd8\x3d\xdc\xbf").unwrap(), "日本💿");
        assert_eq!(osta(&[]).unwrap(), "");
        assert_eq!(osta(b"\xfegone"), None);
        assert_eq!(dstring(b"\x08LinuxUDF\0\0\0\x09"), "LinuxUDF");
        assert_eq!(dstring(b"\x08ab\xff"), "ab");
        assert_eq!(dstring(b""), "");
    }

    #[test]
    fn a_name_is_a_name() {
        for (raw, fit) in [("", "_"), (".", "_"), ("..", "__"), ("a/b", "a_b"), ("a\nb\0", "a_b_")]
        {
            assert_eq!(name(raw.to_owned()), (fit.to_owned(), true));
        }
        assert_eq!(name("...".to_owned()), ("...".to_owned(), false));
        assert_eq!(name("b\\c ü".to_owned()), ("b\\c ü".to_owned(), false));
    }

    #[test]
    fn old_bytes_stay_letters() {
        assert_eq!(latin(b"sm\xf8r"), "smør");
        assert_eq!(padded(b"  DEBIAN \0\0"), "DEBIAN");
        assert_eq!(padded_ucs2(b"\0A\0B\0 \0\0"), "AB");
    }
}
