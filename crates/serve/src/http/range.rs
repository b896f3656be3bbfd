//! Which part of a file goes out (RFC 9110 §13, §14).

use super::head::{Fields, Method};

/// What the conditions and the range of a request come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    /// 200: all of it.
    Whole,
    /// 206: first byte, and the one after the last.
    Some(u64, u64),
    /// 304: the client has it.
    Same,
    /// 412: it is not the file that the client began with.
    Changed,
    /// 416: the file ends before the range begins.
    Beyond,
}

/// What a request says of the file it wants: conditions, and the part. There are no dates here: a
/// file is told by its hash alone, so conditions on dates are not looked at.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    if_match: Option<Vec<u8>>,
    if_none_match: Option<Vec<u8>>,
    if_range: Option<Vec<u8>>,
    range: Option<Range>,
}

/// One range of bytes, of a file whose size nobody knows yet.
#[derive(Clone, Copy, Debug)]
enum Range {
    /// The first byte, and the last.
    Within(u64, u64),
    /// The first byte.
    From(u64),
    /// How many, at the end.
    Last(u64),
}

impl Conditions {
    pub(super) fn read(fields: Fields<'_, '_>) -> Self {
        // A list may be spread over several fields (RFC 9110 §5.3).
        let list = |name| {
            let values: Vec<&[u8]> = fields.all(name).collect();
            (!values.is_empty()).then(|| values.join(&b","[..]))
        };
        let mut ranges = fields.all("range");
        Self {
            if_match: list("if-match"),
            if_none_match: list("if-none-match"),
            if_range: fields.first("if-range").map(<[u8]>::to_vec),
            range: match (ranges.next(), ranges.next()) {
                (Some(range), None) => Range::read(range),
                _ => None,
            },
        }
    }

    /// Conditions first, then the range, as RFC 9110 §13.2.2 orders them.
    pub(super) fn select(&self, method: Method, tag: Option<&str>, size: u64) -> Part {
        if self.if_match.as_ref().is_some_and(|list| !names(list, tag, false)) {
            return Part::Changed;
        }
        if self.if_none_match.as_ref().is_some_and(|list| names(list, tag, true)) {
            return Part::Same;
        }
        // A range is defined for GET only (RFC 9110 §14.2).
        let (Method::Get, Some(range)) = (method, self.range) else { return Part::Whole };
        if let Some(same) = &self.if_range
            && tag.is_none_or(|tag| same != tag.as_bytes())
        {
            return Part::Whole;
        }
        range.of(size)
    }
}

/// Whether a list of entity tags names this one, or is `*`. Strong comparison takes no weak tags.
fn names(list: &[u8], tag: Option<&str>, weak: bool) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let Some(tag) = tag else { return false };
    // Our tag has no comma in it, so a tag that is cut at one cannot look like ours.
    list.split(|b| *b == b',').map(<[u8]>::trim_ascii).any(|one| {
        let one = if weak { one.strip_prefix(b"W/").unwrap_or(one) } else { one };
        one == tag.as_bytes()
    })
}

impl Range {
    /// What is no single range is passed over, and the client gets the whole file (RFC 9110 §14.2
    /// allows that).
    fn read(value: &[u8]) -> Option<Self> {
        let (unit, range) = std::str::from_utf8(value).ok()?.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        match (first.trim(), last.trim()) {
            ("", suffix) => number(suffix).map(Self::Last),
            (first, "") => number(first).map(Self::From),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Within(first, last))
            }
        }
    }

    fn of(self, size: u64) -> Part {
        match self {
            Self::Last(0) => Part::Beyond,
            Self::Last(_) if size == 0 => Part::Beyond,
            Self::Last(length) => Part::Some(size.saturating_sub(length), size),
            Self::From(first) | Self::Within(first, _) if first >= size => Part::Beyond,
            Self::From(first) => Part::Some(first, size),
            Self::Within(first, last) => Part::Some(first, last.saturating_add(1).min(size)),
        }
    }
}

/// Decimal digits; a number larger than any file is still a number.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head;

    const TAG: &str = "\"abc\"";

    fn get(fields: &[(&'static str, &'static str)]) -> Part {
        asked(Method::Get, fields)
    }

    fn asked(method: Method, fields: &[(&'static str, &'static str)]) -> Part {
        let lines: String = fields.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
        let text = format!("GET / HTTP/1.1\r\n{lines}\r\n");
        let mut space = head::space();
        let Ok(Some(head)) = head::read(text.as_bytes(), &mut space) else { panic!("{text}") };
        Conditions::read(head.fields).select(method, Some(TAG), 100)
    }

    #[test]
    fn a_single_range_is_read_exactly() {
        for (range, part) in [
            ("bytes=0-0", Part::Some(0, 1)),
            ("bytes=10-19", Part::Some(10, 20)),
            ("bytes=90-", Part::Some(90, 100)),
            ("bytes=90-1000", Part::Some(90, 100)),
            ("bytes=-10", Part::Some(90, 100)),
            ("bytes=-1000", Part::Some(0, 100)),
            ("bytes=0-18446744073709551615", Part::Some(0, 100)),
            ("bytes=0-99999999999999999999999", Part::Some(0, 100)),
            ("bytes=100-", Part::Beyond),
            ("bytes=100-200", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=5-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("nonsense", Part::Whole),
        ] {
            assert_eq!(get(&[("range", range)]), part, "{range}");
        }
        assert_eq!(get(&[("range", "bytes=0-1"), ("range", "bytes=5-6")]), Part::Whole);
    }

    #[test]
    fn a_range_is_for_the_same_file_only() {
        let range = ("range", "bytes=10-");
        assert_eq!(get(&[range, ("if-range", TAG)]), Part::Some(10, 100));
        assert_eq!(get(&[range, ("if-range", "\"other\"")]), Part::Whole);
        assert_eq!(get(&[range, ("if-range", "W/\"abc\"")]), Part::Whole);
        assert_eq!(get(&[range, ("if-range", "Sun, 06 Nov 1994 08:49:37 GMT")]), Part::Whole);
        assert_eq!(get(&[range, ("if-match", TAG)]), Part::Some(10, 100));
        assert_eq!(get(&[range, ("if-match", "\"x\", \"abc\"")]), Part::Some(10, 100));
        assert_eq!(get(&[range, ("if-match", "*")]), Part::Some(10, 100));
        assert_eq!(get(&[range, ("if-match", "\"other\"")]), Part::Changed);
        assert_eq!(get(&[range, ("if-match", "W/\"abc\"")]), Part::Changed);
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        assert_eq!(get(&[("if-none-match", TAG)]), Part::Same);
        assert_eq!(get(&[("if-none-match", "W/\"abc\"")]), Part::Same);
        assert_eq!(get(&[("if-none-match", "\"other\"")]), Part::Whole);
    }

    #[test]
    fn a_list_may_be_spread_over_fields() {
        assert_eq!(get(&[("if-match", "\"x\""), ("if-match", TAG)]), Part::Whole);
        assert_eq!(get(&[("if-none-match", "\"x\""), ("if-none-match", TAG)]), Part::Same);
    }

    #[test]
    fn a_head_has_no_range() {
        assert_eq!(asked(Method::Head, &[("range", "bytes=0-1")]), Part::Whole);
    }
}
