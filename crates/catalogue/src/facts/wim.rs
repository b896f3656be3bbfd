//! The XML at the end of a WIM: which editions of Windows it holds.
//!
//! In: pieces of the file. Out: editions. Never: a byte of what is packed in it, more than
//! [`XML_MAX`] bytes of XML, or a name that was not shown first.

use super::value;
use crate::bytes::{u32_at, u64_at};
use crate::tree::Tree;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Bytes of the header of a WIM ([MS-WIM], "WIM file format" white paper of 2007).
const HEADER: usize = 208;
/// Bytes of XML that are read; Windows 11 with all editions has 40,000.
const XML_MAX: u64 = 1 << 20;
/// Editions that are listed.
const EDITIONS_MAX: usize = 64;
/// Tags, texts and the like that are looked at.
const EVENTS_MAX: usize = 100_000;
/// Elements within each other.
const DEPTH_MAX: usize = 16;

/// One image of a WIM.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Edition {
    /// `Windows 11 Pro`.
    pub name: String,
    /// `Professional`.
    pub id: String,
    /// `Client`, `Server`, `WindowsPE`.
    pub installation: String,
    /// `10.0.22621.525`.
    pub version: String,
    /// Debian's name of its processor.
    pub processor: Option<&'static str>,
    /// `en-US`.
    pub language: String,
}

/// What a WIM says of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Wim {
    pub editions: Vec<Edition>,
}

impl Wim {
    /// None if the file is no WIM; no editions if its XML cannot be read.
    pub fn of(tree: &Tree<'_>, path: &str) -> Option<Self> {
        let header = tree.head(path, HEADER);
        if !header.starts_with(b"MSWIM\0\0\0") || u32_at(&header, 8)? < 208 {
            return None;
        }
        // The resource of the XML: seven bytes of length and one of flags, then its place.
        let length = u64_at(&header, 72)? & 0x00ff_ffff_ffff_ffff;
        let offset = u64_at(&header, 80)?;
        let ends = offset.saturating_add(length);
        if length == 0 || length > XML_MAX || ends > tree.size(path) {
            return Some(Self::default());
        }
        let bytes = tree.piece(path, offset, usize::try_from(length).ok()?);
        Some(Self { editions: editions(&utf16(&bytes)) })
    }
}

/// UTF-16LE with or without a byte order mark; half a character at the end is left out.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| {
        let mut unit = [0; 2];
        unit.copy_from_slice(pair);
        u16::from_le_bytes(unit)
    });
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    text.filter(|c| *c != '\u{feff}').collect()
}

fn editions(xml: &str) -> Vec<Edition> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut found: Vec<Edition> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    for _ in 0..EVENTS_MAX {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                let name = tag.local_name().as_ref().to_owned();
                if name == "IMAGE" {
                    found.push(Edition::default());
                }
                path.push(name);
                if found.len() > EDITIONS_MAX || path.len() > DEPTH_MAX {
                    break;
                }
            }
            Ok(Event::End(_)) => {
                path.pop();
            }
            Ok(Event::Text(text)) => {
                let text: &str = text.as_ref();
                if let Some(edition) = found.last_mut() {
                    edition.take(&path, text);
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    found.truncate(EDITIONS_MAX);
    found
}

impl Edition {
    fn take(&mut self, path: &[String], text: &str) {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        let Some(text) = value(text) else { return };
        match names.as_slice() {
            ["WIM", "IMAGE", "NAME"] => self.name = text,
            ["WIM", "IMAGE", "WINDOWS", "EDITIONID"] => self.id = text,
            ["WIM", "IMAGE", "WINDOWS", "INSTALLATIONTYPE"] => self.installation = text,
            ["WIM", "IMAGE", "WINDOWS", "LANGUAGES", "DEFAULT"] => self.language = text,
            // PROCESSOR_ARCHITECTURE_* of winnt.h.
            ["WIM", "IMAGE", "WINDOWS", "ARCH"] => {
                self.processor = match text.as_str() {
                    "0" => Some("i386"),
                    "9" => Some("amd64"),
                    "12" => Some("arm64"),
                    _ => None,
                }
            }
            ["WIM", "IMAGE", "WINDOWS", "VERSION", "MAJOR"] => self.version = text,
            ["WIM", "IMAGE", "WINDOWS", "VERSION", "MINOR" | "BUILD" | "SPBUILD"] => {
                self.version = format!("{}.{text}", self.version);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<WIM><TOTALBYTES>9</TOTALBYTES><IMAGE INDEX=\"1\"><WINDOWS><ARCH>9</ARCH>\
        <PRODUCTNAME>x</PRODUCTNAME><EDITIONID>Professional</EDITIONID>\
        <INSTALLATIONTYPE>Client</INSTALLATIONTYPE><LANGUAGES><LANGUAGE>de-DE</LANGUAGE>\
        <DEFAULT>de-DE</DEFAULT></LANGUAGES><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR>\
        <BUILD>22621</BUILD><SPBUILD>525</SPBUILD></VERSION></WINDOWS>\
        <NAME>Windows 11 Pro</NAME></IMAGE><IMAGE INDEX=\"2\"><NAME>Two</NAME></IMAGE></WIM>";

    #[test]
    fn editions_with_all_that_is_told_of_them() {
        let found = editions(XML);
        let pro = Edition {
            name: "Windows 11 Pro".into(),
            id: "Professional".into(),
            installation: "Client".into(),
            version: "10.0.22621.525".into(),
            processor: Some("amd64"),
            language: "de-DE".into(),
        };
        assert_eq!(found, [pro, Edition { name: "Two".into(), ..Edition::default() }]);
    }

    #[test]
    fn what_is_cut_or_deep_ends_early() {
        for end in 0..XML.len() {
            let _ = editions(&XML[..end]);
        }
        assert!(editions(&"<IMAGE>".repeat(5000)).len() <= EDITIONS_MAX);
        assert!(editions("<WIM><IMAGE><NAME>a\u{202e}</NAME>")[0].name.contains("\\u{202e}"));
    }
}
