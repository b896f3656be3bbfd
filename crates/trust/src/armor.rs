//! ASCII armor (RFC 9580, 6): the binary content of the blocks of a text.
//!
//! In: the bytes of a file, binary or armored, any number of blocks, other text between them. Out: the
//! packets' bytes, one piece after another. Never: the CRC, which says nothing of who made the bytes (RFC
//! 9580, 6.1: a wrong one must not matter).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::TrustError;
use crate::text::shown;

/// Most blocks in one file. Fedora's has one for each release and architecture.
const MAX_BLOCKS: usize = 256;

/// What armor is around, and what it may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// `keyring` or `signature`, for words.
    pub(crate) what: &'static str,
    /// The word between `BEGIN PGP ` and the dashes.
    pub(crate) block: &'static str,
    /// Largest file, in bytes.
    pub(crate) most: usize,
}

/// The binary content of a file.
pub(crate) fn binary(wanted: Wanted, bytes: &[u8]) -> Result<Vec<u8>, TrustError> {
    if bytes.len() > wanted.most {
        return Err(TrustError::TooMuch { what: wanted.what, limit: "bytes", most: wanted.most });
    }
    // Every packet begins with a byte whose highest bit is set; no letter has it.
    if bytes.first().is_some_and(|first| first & 0x80 != 0) && !bytes.starts_with(b"\xef\xbb\xbf") {
        return Ok(bytes.to_vec());
    }
    let unreadable = |why: String| TrustError::Unreadable { what: wanted.what, why };
    if bytes.get(8..12) == Some(b"KBXf") {
        return Err(unreadable(
            "it is a keybox of GnuPG; write its keys with `gpg --export > keyring.gpg` and use that"
                .to_owned(),
        ));
    }
    let text = String::from_utf8_lossy(bytes);
    let mut out = Vec::new();
    let mut blocks: usize = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = name_of(line, "-----BEGIN PGP ") else { continue };
        if name != wanted.block {
            return Err(unreadable(format!(
                "it holds a PGP {}, where a PGP {} is needed",
                shown(name),
                wanted.block
            )));
        }
        blocks = blocks.saturating_add(1);
        if blocks > MAX_BLOCKS {
            return Err(TrustError::TooMuch {
                what: wanted.what,
                limit: "blocks",
                most: MAX_BLOCKS,
            });
        }
        out.extend(block(&mut lines).map_err(unreadable)?);
    }
    if blocks == 0 {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(unreadable(format!(
            "it is neither binary nor a text with `-----BEGIN PGP {}-----` (it begins with `{}`): \
             perhaps a page that says there is none",
            wanted.block,
            shown(first)
        )));
    }
    Ok(out)
}

fn name_of<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.trim_end().strip_prefix(start)?.strip_suffix("-----")
}

/// The content of a block whose first line was read.
fn block<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<Vec<u8>, String> {
    let mut digits = String::new();
    let mut in_headers = true;
    for line in lines {
        let line = line.trim();
        if name_of(line, "-----END PGP ").is_some() {
            return STANDARD
                .decode(&digits)
                .map_err(|cause| format!("a block of it is damaged ({cause}): fetch it again"));
        }
        // Headers are words with a colon; some tools leave out the empty line that ends them.
        if in_headers && line.contains(": ") {
            continue;
        }
        in_headers = false;
        if !line.starts_with('=') {
            digits.push_str(line);
        }
    }
    Err("a block of it has no last line: it is cut short; fetch it again".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted { what: "signature", block: "SIGNATURE", most: 1000 };

    fn binary_of(text: &str) -> Result<Vec<u8>, String> {
        binary(WANTED, text.as_bytes()).map_err(|why| why.to_string())
    }

    #[test]
    fn blocks_are_read_one_after_another() {
        let one = "-----BEGIN PGP SIGNATURE-----\r\nVersion: x\r\n\r\nAQID\r\nBAU=\r\n=abcd\r\n-----END PGP SIGNATURE-----\r\n";
        assert_eq!(binary_of(one).unwrap(), [1, 2, 3, 4, 5]);
        let two = format!("words before\n{one}and between\n{one}");
        assert_eq!(binary_of(&two).unwrap(), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
        assert_eq!(binary(WANTED, &[0x99, 1, 2]).unwrap(), [0x99, 1, 2]);
    }

    #[test]
    fn what_is_something_else_is_said_to_be_it() {
        for (text, word) in [
            ("<html>", "`<html>`"),
            ("", "neither binary"),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "PRIVATE KEY BLOCK"),
            ("-----BEGIN PGP SIGNATURE-----\n\nAQID\n", "cut short"),
            ("-----BEGIN PGP SIGNATURE-----\n\n!!!\n-----END PGP SIGNATURE-----", "damaged"),
        ] {
            let why = binary_of(text).unwrap_err();
            assert!(why.contains(word), "{why}");
        }
        let keybox = binary(WANTED, b"\0\0\0\x20\x01\x01\0\x02KBXf....").unwrap_err().to_string();
        assert!(keybox.contains("gpg --export"), "{keybox}");
        assert!(binary(WANTED, &[b'x'; 1001]).is_err());
    }
}
