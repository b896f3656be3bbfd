//! One line of a checksum file: the form of GNU coreutils, the form of BSD, or no checksum at all.
//!
//! In: a line without its end, and which algorithm the section names. Out: algorithm, name, hash. Never:
//! a guess: a line that is neither form is none.

use crate::checksums::{Entry, Kind, MAX_NAME_BYTES};

/// A line as it is meant.
#[derive(Debug, PartialEq)]
pub(crate) enum Line {
    Sum(Entry),
    /// Empty, or a comment.
    Nothing,
    /// A comment that names the algorithm of the lines below it, as Gentoo and Flatcar write
    /// (`# SHA512 HASH`).
    Section(Kind),
    /// No form of a checksum that is known.
    Other,
}

/// Reads one line; `section` says what the lines here are, where a comment said so.
pub(crate) fn read(line: &str, number: u32, section: Option<Kind>) -> Line {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.trim().is_empty() {
        return Line::Nothing;
    }
    if let Some(comment) = line.strip_prefix('#') {
        return named_section(comment).map_or(Line::Nothing, Line::Section);
    }
    // A backslash before the line says that the name in it is escaped (coreutils).
    let (line, escaped) = match line.strip_prefix('\\') {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let Some((kind, name, hash)) = bsd(line).or_else(|| gnu(line, section)) else {
        return Line::Other;
    };
    let name = if escaped { unescape(name) } else { Some(name.to_owned()) };
    match (name, bytes_of(hash)) {
        (Some(name), Some(hash)) if name.len() <= MAX_NAME_BYTES => {
            Line::Sum(Entry { name, kind, hash, line: number })
        }
        _ => Line::Other,
    }
}

fn named_section(comment: &str) -> Option<Kind> {
    let name = comment.trim().strip_suffix("HASH")?;
    Some(Kind::named(name.trim()))
}

/// `SHA256 (name) = hex`, and OpenSSL's `SHA2-256(name)= hex`.
fn bsd(line: &str) -> Option<(Kind, &str, &str)> {
    let (kind, rest) = line.split_once('(')?;
    // The name may hold brackets itself, the hash holds none.
    let (name, hash) = rest.rsplit_once(')')?;
    let hash = hash.trim_start().strip_prefix('=')?.trim();
    let kind = kind.trim();
    let is_word =
        !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric() || "-/".contains(c));
    let kind = if is_word { Kind::named(kind) } else { return None };
    let fits = kind.hash_bytes().is_none_or(|bytes| bytes.checked_mul(2) == Some(hash.len()));
    // No algorithm has less than MD5's 16 bytes.
    (fits && hash.len() >= 32 && is_hex(hash)).then_some((kind, name, hash))
}

/// `hex  name`, `hex *name`, and a hash alone.
fn gnu(line: &str, section: Option<Kind>) -> Option<(Kind, &str, &str)> {
    let line = line.trim_start();
    let end = line.find([' ', '\t']).unwrap_or(line.len());
    let (hash, rest) = line.split_at_checked(end)?;
    if !is_hex(hash) {
        return None;
    }
    let by_length = Kind::by_hash_length(hash.len())?;
    let kind = match section {
        // BLAKE2b is as long as SHA-512: the section's word counts.
        Some(said)
            if said.hash_bytes().is_none_or(|bytes| bytes.checked_mul(2) == Some(hash.len())) =>
        {
            said
        }
        Some(_) => return None,
        None => by_length,
    };
    // One character says text or binary (coreutils); some tools align names by more blanks.
    let name = rest.strip_prefix(" *").unwrap_or_else(|| rest.trim_start());
    Some((kind, name, hash))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

/// The name as it was before coreutils wrote it: `\\`, `\n` and `\r` stand for themselves.
fn unescape(name: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        plain.push(match c {
            '\\' => match rest.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            c => c,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn sum(line: &str) -> (Kind, String) {
        match read(line, 1, None) {
            Line::Sum(entry) => (entry.kind, entry.name),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn all_forms_of_a_line_are_read() {
        for (line, name) in [
            (format!("{SHA256}  a.iso"), "a.iso"),
            (format!("{SHA256} *a.iso\r"), "a.iso"),
            (format!("{SHA256} a.iso"), "a.iso"),
            (format!("{SHA256}\t./dir/a.iso"), "./dir/a.iso"),
            (format!("{}  A.ISO", SHA256.to_uppercase()), "A.ISO"),
            (format!("SHA256 (a (1).iso) = {SHA256}"), "a (1).iso"),
            (format!("SHA2-256(a.iso)= {SHA256}"), "a.iso"),
            (format!("\\{SHA256}  a\\nb\\\\c"), "a\nb\\c"),
            (format!("\\SHA256 (a\\nb) = {SHA256}"), "a\nb"),
            (SHA256.to_owned(), ""),
        ] {
            assert_eq!(sum(&line), (Kind::Sha256, name.to_owned()), "{line}");
        }
        assert_eq!(sum(&format!("SHA1 (x) = {SHA1}")).0, Kind::Other("SHA1"));
        assert_eq!(sum(&format!("{SHA1}  x")).0, Kind::Other("SHA1"));
        assert_eq!(sum(&format!("BLAKE2b (x) = {SHA256}{SHA256}")).0, Kind::Other("BLAKE2"));
    }

    #[test]
    fn what_is_no_checksum_is_none() {
        for line in [
            "<html><body>404",
            "SHA256 (a.iso) = abc",
            "Hello (world) = ff",
            &format!("{}zz  a", &SHA256[2..]),
            &format!("{}  a", &SHA256[1..]),
            &format!("\\{SHA256}  a\\q"),
            "Hash: SHA256",
        ] {
            assert_eq!(read(line, 1, None), Line::Other, "{line}");
        }
        assert_eq!(read("# Fedora-Server.iso: 2295853056 bytes", 1, None), Line::Nothing);
        assert_eq!(read("# SHA512 HASH", 1, None), Line::Section(Kind::Sha512));
    }
}
