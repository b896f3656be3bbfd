//! The name in a request, made ready for the table of published names.
//!
//! In: bytes a ROM believes to be a file name. Out: keys to look up in the table, or why there is
//! none. Never: a path; no part of this reaches a file system.

use std::fmt;

/// A name as it was asked for, ready to be looked up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked {
    /// `/` between parts, none in front, no empty and no `.` parts. Look up [`key`] of it.
    pub name: String,
    /// The same name without the rubbish at its end, if it has any. To be tried when the name is
    /// not found as it is; if that succeeds the operator should see [`Asked::HINT`].
    pub without_junk: Option<String>,
}

impl Asked {
    /// What to tell the operator when only [`Asked::without_junk`] was found.
    pub const HINT: &'static str = "the client asked for the name with a byte of rubbish at its \
        end: it read past DHCP option 67; end option 67 with a NUL, or send only the `file` field";

    /// The names to try, in order.
    pub fn tries(&self) -> impl Iterator<Item = &str> {
        [Some(self.name.as_str()), self.without_junk.as_deref()].into_iter().flatten()
    }
}

/// Why a name is not even looked up. The client gets error 1 for each of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameRefused {
    /// Nothing but slashes and dots.
    Empty,
    /// A `..` part.
    ClimbsOut,
    /// A NUL, a line end, an escape or another control character.
    ControlByte,
}

impl fmt::Display for NameRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name has no part that could name a file",
            Self::ClimbsOut => "the name has a `..` part",
            Self::ControlByte => "the name has a control character in it",
        })
    }
}

/// Reads a name: `\` is `/`, `//` is `/`, leading `/` is nothing. Bytes that are no UTF-8 become
/// U+FFFD, which no published name contains.
pub fn read(raw: &[u8]) -> Result<Asked, NameRefused> {
    let text = String::from_utf8_lossy(raw);
    if text.chars().any(char::is_control) {
        return Err(NameRefused::ControlByte);
    }
    let name = normal(&text)?;
    // ROMs that take option 67 for a C string read on into the next option, often the end
    // option 0xFF. 0xFF and 0xFE are no UTF-8, so they arrive here as U+FFFD.
    let trimmed = name.trim_end_matches(['\u{fffd}', '\u{ff}', '\u{fe}', ' ']);
    let without_junk = if trimmed.len() < name.len() { normal(trimmed).ok() } else { None };

    Ok(Asked { name, without_junk })
}

fn normal(text: &str) -> Result<String, NameRefused> {
    let mut parts = Vec::new();
    for part in text.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => return Err(NameRefused::ClimbsOut),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Err(NameRefused::Empty) } else { Ok(parts.join("/")) }
}

/// The key of a name in the table, equal for names that differ only in the case of ASCII letters:
/// Windows asks for `\Boot\BCD` and `\boot\bcd` in one boot.
#[must_use]
pub fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(raw: &[u8]) -> String {
        read(raw).unwrap().name
    }

    #[test]
    fn slashes_of_all_kinds_are_one() {
        assert_eq!(name(b"/boot//grub/x.efi"), "boot/grub/x.efi");
        assert_eq!(name(b"\\Boot\\BCD"), "Boot/BCD");
        assert_eq!(name(b"./pxelinux.cfg/./default"), "pxelinux.cfg/default");
        assert_eq!(key("Boot/BCD"), "boot/bcd");
    }

    #[test]
    fn nothing_climbs_out() {
        for raw in ["..", "../x", "a/../b", "a\\..\\b", "/..", "\\..", "a/.."] {
            assert_eq!(read(raw.as_bytes()), Err(NameRefused::ClimbsOut), "{raw}");
        }
        assert_eq!(name(b"..."), "...");
        assert_eq!(name(b"a..b"), "a..b");
    }

    #[test]
    fn control_bytes_and_empty_names_are_refused() {
        for raw in [&b"a\0b"[..], b"a\nb", b"a\x1b[31m", b"\x7f", "a\u{85}".as_bytes()] {
            assert_eq!(read(raw), Err(NameRefused::ControlByte), "{raw:?}");
        }
        for raw in [&b""[..], b"/", b"\\\\", b"./."] {
            assert_eq!(read(raw), Err(NameRefused::Empty), "{raw:?}");
        }
    }

    #[test]
    fn quirk_10_11_a_rom_that_reads_past_option_67_is_forgiven_on_the_second_try() {
        for junk in
            [&b"\xff"[..], b"\xfe", b"\xff\xff", b" ", "\u{fffd}".as_bytes(), "ÿ".as_bytes()]
        {
            let asked = read(&[b"ipxe.efi", junk].concat()).unwrap();
            assert_eq!(asked.without_junk.as_deref(), Some("ipxe.efi"), "{junk:?}");
            assert_ne!(asked.name, "ipxe.efi");
            assert_eq!(asked.tries().count(), 2);
        }
        assert_eq!(read(b"ipxe.efi").unwrap().without_junk, None);
        assert_eq!(read(b"\xff\xff").unwrap().without_junk, None);
    }
}
