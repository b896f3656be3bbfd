//! Answers as JSON, within limits.
//!
//! In: bytes of a body. Out: a value, and what stands at places in it. Never: recursion deeper than
//! the limit, a value whose memory is out of proportion to its bytes.

use super::place;
use model::text::show;
use serde_json::Value;

/// Deepest nesting.
pub(super) const DEPTH_MAX: usize = 32;
/// Most members and elements in all.
pub(super) const ITEMS_MAX: usize = 20_000;

/// Most texts of one list.
const TEXTS_MAX: usize = 64;

/// Reads a body. The words say what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    weigh(bytes)?;
    serde_json::from_slice(bytes).map_err(|cause| format!("its answer is no JSON ({cause})"))
}

/// Counts nesting and members before anything is built of them.
fn weigh(bytes: &[u8]) -> Result<(), String> {
    let (mut depth, mut items) = (0_usize, 0_usize);
    let (mut quoted, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth = depth.saturating_add(1);
                items = items.saturating_add(1);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => items = items.saturating_add(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!("its answer is nested deeper than {DEPTH_MAX} levels"));
        }
        if items > ITEMS_MAX {
            return Err(format!("its answer has more than {ITEMS_MAX} members"));
        }
    }
    Ok(())
}

/// The text at a place (a JSON pointer), as it came.
pub(super) fn text<'a>(value: &'a Value, at: &str) -> Option<&'a str> {
    value.pointer(at)?.as_str()
}

/// The text at a place, fit to be shown: no spaces around, and none if nothing is left.
pub(super) fn shown(value: &Value, at: &str) -> Option<String> {
    let text = text(value, at)?.trim();
    (!text.is_empty()).then(|| show(text.as_bytes()))
}

/// The path of the resource that the object at a place refers to.
pub(super) fn link(value: &Value, at: &str) -> Option<String> {
    place::path(text(value.pointer(at)?, "/@odata.id")?)
}

/// The texts of an array, fit to be shown; no more than a list of them may have.
pub(super) fn texts(value: &Value, at: &str) -> Option<Vec<String>> {
    let all = value.pointer(at)?.as_array()?.iter().filter_map(Value::as_str);
    Some(all.take(TEXTS_MAX).map(|text| show(text.as_bytes())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn depth_and_count_are_bounded_before_anything_is_built() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(parse(nested(DEPTH_MAX + 1).as_bytes()).unwrap_err().contains("nested"));
        assert!(parse("[".repeat(1 << 20).as_bytes()).unwrap_err().contains("nested"));
        assert!(parse(nested(1).as_bytes()).is_ok());
        let many = format!("[{}0]", "0,".repeat(ITEMS_MAX));
        assert!(parse(many.as_bytes()).unwrap_err().contains("members"));
        let quoted = format!(r#"["{}"]"#, "[,".repeat(ITEMS_MAX));
        assert!(parse(quoted.as_bytes()).is_ok());
        assert!(parse(br#"["\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]"#).is_ok());
        assert!(parse(b"<html>").unwrap_err().contains("no JSON"));
        assert!(parse(b"").is_err());
    }

    #[test]
    fn places_are_read_or_absent() {
        let value = parse(
            br#"{"Model":" R640 \u001b[31m","Boot":{"X":null},"L":{"@odata.id":"//evil/x"},
                "M":{"@odata.id":"/redfish/v1/M"},"A":["On",1,"Off"],"E":"  "}"#,
        )
        .unwrap();
        assert_eq!(shown(&value, "/Model").as_deref(), Some("R640 \\u{1b}[31m"));
        assert_eq!((text(&value, "/Boot/X"), shown(&value, "/E")), (None, None));
        assert_eq!((link(&value, "/L"), link(&value, "/A")), (None, None));
        assert_eq!(link(&value, "/M").as_deref(), Some("/redfish/v1/M"));
        assert_eq!(texts(&value, "/A").unwrap(), ["On", "Off"]);
        assert_eq!(texts(&value, "/Model"), None);
        let long = parse(format!("{{\"A\":[{}\"x\"]}}", "\"x\",".repeat(999)).as_bytes()).unwrap();
        assert_eq!(texts(&long, "/A").unwrap().len(), TEXTS_MAX);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = parse(&bytes) {
                drop((shown(&value, "/a"), link(&value, "/a"), texts(&value, "/a")));
            }
        }
    }
}
