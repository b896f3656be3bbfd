//! What a system says it is (os-release(5)): a text of shell assignments, of which no shell is asked.

use crate::text::shown;
use std::collections::BTreeMap;

/// Bytes of the file that are looked at. Debian's has 300.
const BYTES_MAX: usize = 64 << 10;
/// Assignments that are kept.
const KEYS_MAX: usize = 200;

/// The assignments of an os-release file, values fit to be shown.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OsRelease {
    values: BTreeMap<String, String>,
}

impl OsRelease {
    /// Reads what can be read; lines that are no assignments are passed over, as the page demands.
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..BYTES_MAX).unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let mut values = BTreeMap::new();
        for line in text.lines() {
            let Some((key, value)) = line.trim().split_once('=') else { continue };
            let name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            if key.is_empty() || !key.chars().all(name) || values.len() >= KEYS_MAX {
                continue;
            }
            if let Some(value) = unquoted(value) {
                // The last one counts, as in a shell.
                values.insert(shown(key), shown(&value));
            }
        }
        Self { values }
    }

    /// The value of a variable.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `ID`, or what the page says stands for none.
    pub fn id(&self) -> &str {
        self.get("ID").unwrap_or("linux")
    }

    /// `VERSION_ID`. Rolling systems have none.
    pub fn version_id(&self) -> Option<&str> {
        self.get("VERSION_ID")
    }

    /// `PRETTY_NAME`, or what the page says stands for none.
    pub fn pretty_name(&self) -> &str {
        self.get("PRETTY_NAME").unwrap_or("Linux")
    }
}

/// A value as the shell would take it. `None`: a quote without its end.
fn unquoted(value: &str) -> Option<String> {
    let mut out = String::new();
    let mut quote = None;
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => quote = Some(letter),
            ('\\', None) => out.push(letters.next()?),
            ('\\', Some('"')) => match letters.next()? {
                c @ ('"' | '$' | '\\' | '`') => out.push(c),
                c => out.extend(['\\', c]),
            },
            (c, None) if c.is_whitespace() => break,
            (c, _) => out.push(c),
        }
    }
    quote.is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_a_shell_reads_them() {
        let text = "# a comment\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\r\n\
                    VERSION_ID='12'\nHOME_URL=https://www.debian.org/ # more\nbad-key=1\nopen=\"\n\
                    OPEN=\"x\nX=a\\ b\"c \\\"d\\n\"\nID_LIKE=\nESC=\x1b[31m\n  INDENTED=yes\n";
        let read = OsRelease::read(text.as_bytes());
        assert_eq!(read.pretty_name(), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!((read.id(), read.version_id()), ("debian", Some("12")));
        assert_eq!(read.get("HOME_URL"), Some("https://www.debian.org/"));
        assert_eq!(read.get("X"), Some("a bc \"d\\n"));
        assert_eq!(read.get("INDENTED"), Some("yes"));
        assert_eq!(read.get("ESC"), Some("\\u{1b}[31m"));
        for none in ["bad-key", "open", "OPEN", "ID_LIKE"] {
            assert_eq!(read.get(none), None, "{none}");
        }
    }

    #[test]
    fn nothing_is_a_system_too() {
        let read = OsRelease::read(b"\xff\xfe\0");
        assert_eq!((read.id(), read.pretty_name(), read.version_id()), ("linux", "Linux", None));
    }
}
