//! What must hold for any bytes: shared by the ordinary tests and the fuzz target.

use wire::syslog::{DATAGRAM_BYTES_MAX, Malformed, Message};

/// Reads the bytes; what was read must be parts of them, and mean the same at a line's end.
pub fn walk(bytes: &[u8]) {
    let said = match Message::parse(bytes) {
        Err(Malformed::TooLong) => return assert!(bytes.len() > DATAGRAM_BYTES_MAX),
        Err(Malformed::NoPriority) => return assert!(!plainly_begun(bytes)),
        Ok(said) => said,
    };
    assert!(bytes.len() <= DATAGRAM_BYTES_MAX && said.facility <= 23 && said.severity <= 7);
    let fields = [said.stamp, said.host, said.app, said.process, said.id, said.data];
    let mut parts = 0;
    for part in fields.into_iter().flatten().chain([said.text]) {
        assert!(bytes.as_ptr_range().start <= part.as_ptr());
        assert!(part.as_ptr_range().end <= bytes.as_ptr_range().end);
        parts += part.len();
    }
    assert!(parts <= bytes.len());
    for name in [said.stamp, said.host, said.app, said.id].into_iter().flatten() {
        let name = name.strip_suffix(b" ").unwrap_or(name);
        assert!(name.iter().all(|b| b.is_ascii_graphic() || *b == b' '), "{said:?}");
        assert!(!name.is_empty() && name.len() <= 255);
    }
    assert!(said.app.is_none_or(|app| app.len() <= 48 && !app.contains(&b' ')));
    assert!(!matches!(said.text.last(), Some(0 | b'\n' | b'\r' | b' ')));
    if bytes.len() < DATAGRAM_BYTES_MAX {
        let line = [bytes, b"\n"].concat();
        assert_eq!(Message::parse(&line), Ok(said), "at the end of a line");
    }
}

/// `<` and a number that every reader of RFC 5424 takes.
fn plainly_begun(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let number = text.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(n, _)| n);
    number.is_some_and(|n| n.parse::<u8>().is_ok_and(|v| v <= 191 && v.to_string() == n))
}
