//! SBAT: generations of components, and the level below which they are revoked (shim, SBAT.md).
//!
//! In: the text of an `.sbat` section, or of a level. Out: their lines; which component is revoked.
//! Never: a list of files to refuse (that is `dbx`).

use crate::text;

/// Lines of one section or level that are looked at; shims have three, levels about five.
pub const LINES_MAX: usize = 256;
/// Bytes of one line.
const LINE_MAX: usize = 4096;

/// One line of an `.sbat` section: a component and which generation of it this is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Component {
    /// `shim`, `grub`, `grub.debian`, ...
    pub name: String,
    /// Counted up when a hole is closed that must not be opened again.
    pub generation: u16,
    /// Who made it, as a text to be shown.
    pub vendor: String,
    /// Its package.
    pub package: String,
    /// The version of that.
    pub version: String,
    /// Where it comes from.
    pub url: String,
}

/// What an `.sbat` section says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sbat {
    /// Its components.
    pub components: Vec<Component>,
    /// The number of the first line that has no six fields: shim then refuses the file.
    pub broken_line: Option<usize>,
}

impl Sbat {
    /// Reads a section's bytes up to the first NUL.
    #[must_use]
    pub fn read(section: &[u8]) -> Self {
        let mut sbat = Self::default();
        for (number, line) in lines(section) {
            let fields: Vec<&[u8]> = line.splitn(7, |byte| *byte == b',').collect();
            let (Some(fields), true) = (fields.first_chunk::<6>(), line.len() <= LINE_MAX) else {
                sbat.broken_line = sbat.broken_line.or(Some(number));
                continue;
            };
            if fields.iter().any(|field| field.is_empty()) {
                sbat.broken_line = sbat.broken_line.or(Some(number));
                continue;
            }
            let [name, generation, vendor, package, version, url] = fields;
            sbat.components.push(Component {
                name: text::show(name),
                generation: generation_of(generation),
                vendor: text::show(vendor),
                package: text::show(package),
                version: text::show(version),
                url: text::show(url),
            });
        }
        sbat
    }

    /// The components that a level revokes, each with the generation that it asks for. Without any,
    /// the level lets the file pass.
    #[must_use]
    pub fn revoked_by<'a>(&'a self, level: &SbatLevel) -> Vec<(&'a Component, u16)> {
        let asked = |component: &Component| {
            // shim takes the first entry of a name (sbat.c, verify_sbat_helper).
            let entry = level.entries.iter().find(|(name, _)| *name == component.name);
            entry.map(|(_, generation)| *generation)
        };
        let each = self.components.iter().filter_map(|c| Some((c, asked(c)?)));
        each.filter(|(component, asked)| component.generation < *asked).collect()
    }

    /// Whether a component of this name, or of one below it (`grub.debian`), is in it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.components.iter().any(|c| c.name.split('.').next() == Some(name))
    }
}

/// A level: the content of the variable `SbatLevel`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SbatLevel {
    /// `YYYYMMDDNN`; a later one is never replaced by an earlier one.
    pub date: String,
    /// Each component with the lowest generation that is not revoked.
    pub entries: Vec<(String, u16)>,
}

impl SbatLevel {
    /// Reads a level's text up to the first NUL. Its first line is `sbat,1,DATE`.
    pub fn read(bytes: &[u8]) -> Result<Self, LevelError> {
        let mut level = Self::default();
        for (number, line) in lines(bytes) {
            let fields: Vec<&[u8]> = line.splitn(4, |byte| *byte == b',').collect();
            let (name, generation) = match fields.as_slice() {
                [name, generation, ..] if !name.is_empty() && !generation.is_empty() => {
                    (text::show(name), generation_of(generation))
                }
                _ => return Err(LevelError { line: number, found: text::show(line) }),
            };
            if level.entries.is_empty() {
                let date = fields.get(2).filter(|_| name == "sbat" && generation == 1);
                let date = date.filter(|date| date.iter().all(u8::is_ascii_digit));
                let date = date.ok_or(LevelError { line: number, found: text::show(line) })?;
                level.date = text::show(date);
            }
            level.entries.push((name, generation));
        }
        if level.entries.is_empty() {
            return Err(LevelError { line: 1, found: String::new() });
        }
        Ok(level)
    }

    /// Whether it was published after another one.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        (self.date.len(), &self.date) > (other.date.len(), &other.date)
    }
}

/// The levels that were published, oldest first (shim, SbatLevel_Variable.txt of July 2026). The
/// level of 2022-05-24 was published twice under one date: here with `shim,2`, as `latest` had it.
pub const PUBLISHED: &[&str] = &[
    "sbat,1,2021030218\n",
    "sbat,1,2022052400\nshim,2\ngrub,2\n",
    "sbat,1,2022111500\nshim,2\ngrub,3\n",
    "sbat,1,2023012900\nshim,2\ngrub,3\ngrub.debian,4\n",
    "sbat,1,2023012950\nshim,3\ngrub,3\ngrub.debian,4\n",
    "sbat,1,2023091900\nshim,2\ngrub,4\n",
    "sbat,1,2024010900\nshim,4\ngrub,3\ngrub.debian,4\n",
    "sbat,1,2024040900\nshim,4\ngrub,4\ngrub.peimage,2\n",
    "sbat,1,2025021800\nshim,4\ngrub,5\n",
    "sbat,1,2025051000\nshim,4\ngrub,5\ngrub.proxmox,2\n",
];

/// The published levels, read.
#[must_use]
pub fn published() -> Vec<SbatLevel> {
    PUBLISHED.iter().filter_map(|text| SbatLevel::read(text.as_bytes()).ok()).collect()
}

/// Lines with their numbers, from 1, without empty ones.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty());
    (1..).zip(lines).take(LINES_MAX)
}

/// shim reads it by `atoi` into 16 bits: what is no number is 0 (sbat.c, verify_single_entry).
fn generation_of(digits: &[u8]) -> u16 {
    digits.iter().take_while(|b| b.is_ascii_digit()).fold(0_u16, |sum, digit| {
        sum.wrapping_mul(10).wrapping_add(u16::from(digit.wrapping_sub(b'0')))
    })
}

/// A text that is no level.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "line {line} of the SBAT level reads `{found}`; expected `sbat,1,DATE` first, then `COMPONENT,GENERATION`"
)]
pub struct LevelError {
    /// From 1.
    pub line: usize,
    /// What it says.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIM: &[u8] = b"sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n\
        shim,4,UEFI shim,shim,1,https://example.org/shim\n\
        shim.debian,1,Debian,shim,16.1,https://example.org/\n\0\0junk";

    #[test]
    fn a_section_has_components_with_six_fields() {
        let sbat = Sbat::read(SHIM);
        assert_eq!((sbat.components.len(), sbat.broken_line), (3, None));
        assert_eq!(
            (&*sbat.components[2].name, &*sbat.components[2].version),
            ("shim.debian", "16.1")
        );
        assert!(sbat.has("shim") && !sbat.has("grub"));
        assert_eq!(Sbat::read(b"sbat,1,a,b,c,d\r\n\r\ngrub,x,,\n").broken_line, Some(2));
        assert_eq!(Sbat::read(b""), Sbat::default());
        assert_eq!(Sbat::read(&b"a,1,b,c,d,e\n".repeat(1000)).components.len(), LINES_MAX);
    }

    #[test]
    fn a_component_below_its_level_is_revoked_and_named() {
        let level = |text: &str| SbatLevel::read(text.as_bytes()).unwrap();
        let sbat = Sbat::read(SHIM);
        assert!(sbat.revoked_by(&level("sbat,1,2025051000\nshim,4\ngrub,5\n")).is_empty());
        let newer = level("sbat,1,2030010100\nshim,5\nshim.debian,2\ngrub,9\n");
        let revoked: Vec<_> =
            sbat.revoked_by(&newer).iter().map(|(c, asked)| (c.name.clone(), *asked)).collect();
        assert_eq!(revoked, [("shim".to_owned(), 5), ("shim.debian".to_owned(), 2)]);
        // A generation that is no number is 0, and so is below every level.
        assert_eq!(Sbat::read(b"grub,x,a,b,c,d").revoked_by(&newer).len(), 1);
    }

    #[test]
    fn the_published_levels_are_read_and_each_is_newer_than_the_one_before() {
        let levels = published();
        assert_eq!(levels.len(), PUBLISHED.len());
        assert!(levels.windows(2).all(|pair| pair[1].is_newer_than(&pair[0])));
        assert_eq!(levels[9].entries[3], ("grub.proxmox".to_owned(), 2));
    }

    #[test]
    fn what_is_no_level_is_refused_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("shim,4\n", 1),
            ("sbat,2,2025\n", 1),
            ("sbat,1,tomorrow\n", 1),
            ("sbat,1,2025\nshim\n", 2),
            ("sbat,1,2025\nshim,4\ngrub,\n", 3),
        ] {
            assert_eq!(SbatLevel::read(text.as_bytes()).unwrap_err().line, line, "{text:?}");
        }
    }
}
