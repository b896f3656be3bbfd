//! The framework of signed texts (RFC 9580, 7): a text that can be read, and its signature below.
//!
//! In: the text of a file. Out: what was signed and the armored signature, both apart. Never: a line
//! taken for signed that stands outside of the signed part.

use crate::text::shown;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "-----END PGP SIGNATURE-----";

/// What some editors put before a text; it is not of it.
pub(crate) const BOM: char = '\u{feff}';

/// A signed text, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Message {
    /// What was signed, lines ended by LF, without blanks at their ends (they are not signed).
    pub(crate) text: String,
    /// What the signature is made over: the same with CR and LF between lines and none at the end.
    pub(crate) signed: String,
    /// The armored signature, with the lines around it.
    pub(crate) signature: String,
}

/// Whether a file is meant as a text that carries its own signature (RFC 9580, 7).
pub fn is_signed_text(bytes: &[u8]) -> bool {
    is_signed(String::from_utf8_lossy(bytes).trim_start_matches(BOM))
}

/// Whether a text is meant as a signed one.
pub(crate) fn is_signed(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == BEGIN)
}

/// Takes a signed text apart; why not, in words.
pub(crate) fn split(text: &str) -> Result<Message, String> {
    let mut lines = text.lines();
    let outside = "text stands outside of its signed part, which nobody signed: fetch it again from its publisher";
    match lines.by_ref().find(|line| !line.trim().is_empty()) {
        Some(first) if first.trim_end() == BEGIN => {}
        _ => return Err(outside.to_owned()),
    }
    for line in lines.by_ref() {
        if line.trim().is_empty() {
            break;
        }
        // RFC 9580, 7.1: any other header makes the message malformed.
        if !line.starts_with("Hash:") {
            return Err(format!("it has an odd line before its signed part: `{}`", shown(line)));
        }
    }
    let mut plain = Vec::new();
    let mut ended = false;
    for line in lines.by_ref() {
        if line.trim_end() == SIGNATURE {
            ended = true;
            break;
        }
        if line.starts_with('-') && !line.starts_with("- ") {
            return Err(format!("a line of its signed part is not escaped: `{}`", shown(line)));
        }
        let line = line.strip_prefix("- ").unwrap_or(line);
        plain.push(line.trim_end_matches([' ', '\t', '\r']));
    }
    if !ended {
        return Err("it ends within its signed part: it is cut short; fetch it again".to_owned());
    }
    let mut signature = format!("{SIGNATURE}\n");
    let mut whole = false;
    for line in lines.by_ref() {
        signature.push_str(line);
        signature.push('\n');
        if line.trim_end() == END {
            whole = true;
            break;
        }
    }
    if !whole {
        return Err("it ends within its signature: it is cut short; fetch it again".to_owned());
    }
    if lines.any(|line| !line.trim().is_empty()) {
        return Err(outside.to_owned());
    }
    let signed = plain.join("\r\n");
    let mut text = plain.join("\n");
    text.push('\n');
    Ok(Message { text, signed, signature })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_told_apart() {
        let message = split(
            "\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\none \t\r\n- -two\r\n\r\n\
             -----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n-----END PGP SIGNATURE-----\r\n\r\n",
        )
        .unwrap();
        assert_eq!(message.text, "one\n-two\n\n");
        assert_eq!(message.signed, "one\r\n-two\r\n");
        assert!(message.signature.contains("AAAA"));
    }

    #[test]
    fn what_is_not_whole_or_not_clean_is_refused() {
        for text in [
            "x\n-----BEGIN PGP SIGNED MESSAGE-----\n\na\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\nNotDashEscaped: yes\n\na\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\n\na\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\n\n-----BEGIN PGP SIGNED MESSAGE-----\n",
            "-----BEGIN PGP SIGNED MESSAGE-----\n\na\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n",
        ] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
