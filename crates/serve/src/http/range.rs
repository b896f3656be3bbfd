//! Which part of a file goes out (RFC 9110 §13, §14).

use hyper::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
use hyper::{HeaderMap, Method};

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

/// Reads conditions first, then the range, as RFC 9110 §13.2.2 orders them. There are no dates
/// here: a file is told by its hash alone, so conditions on dates are not looked at.
pub(super) fn select(method: &Method, headers: &HeaderMap, tag: Option<&str>, size: u64) -> Part {
    let lists = |name| headers.get_all(name).iter().map(hyper::http::HeaderValue::as_bytes);
    if headers.contains_key(IF_MATCH) && !lists(IF_MATCH).any(|list| names(list, tag, false)) {
        return Part::Changed;
    }
    if lists(IF_NONE_MATCH).any(|list| names(list, tag, true)) {
        return Part::Same;
    }
    // A range is defined for GET only (RFC 9110 §14.2).
    if *method != Method::GET {
        return Part::Whole;
    }
    let mut ranges = lists(RANGE);
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Part::Whole };
    if let Some(same) = headers.get(IF_RANGE)
        && tag.is_none_or(|tag| same.as_bytes() != tag.as_bytes())
    {
        return Part::Whole;
    }
    read(range, size)
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

/// One range of bytes. What is no single range is passed over, and the client gets the whole file
/// (RFC 9110 §14.2 allows that).
fn read(range: &[u8], size: u64) -> Part {
    let single = || {
        let (unit, range) = std::str::from_utf8(range).ok()?.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        unit.trim().eq_ignore_ascii_case("bytes").then_some((first.trim(), last.trim()))
    };
    match single() {
        Some(("", suffix)) => match number(suffix) {
            Some(0) => Part::Beyond,
            Some(_) if size == 0 => Part::Beyond,
            Some(length) => Part::Some(size.saturating_sub(length), size),
            None => Part::Whole,
        },
        Some((first, last)) => match (number(first), last, number(last)) {
            (Some(first), "", _) if first < size => Part::Some(first, size),
            (Some(_), "", _) => Part::Beyond,
            (Some(first), _, Some(last)) if last < first => Part::Whole,
            (Some(first), _, Some(last)) if first < size => {
                Part::Some(first, last.saturating_add(1).min(size))
            }
            (Some(_), _, Some(_)) => Part::Beyond,
            _ => Part::Whole,
        },
        None => Part::Whole,
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

    const TAG: &str = "\"abc\"";

    fn get(fields: &[(&'static str, &'static str)]) -> Part {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        select(&Method::GET, &headers, Some(TAG), 100)
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
    fn a_head_has_no_range() {
        let mut headers = HeaderMap::new();
        headers.insert("range", "bytes=0-1".parse().unwrap());
        assert_eq!(select(&Method::HEAD, &headers, Some(TAG), 100), Part::Whole);
    }
}
