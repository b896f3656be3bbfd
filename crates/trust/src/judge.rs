//! Which sum is for a file, and whether the file is what was promised.
//!
//! In: the sums of a checksum file, the name of a file as it is called here, and its hashes. Out: what
//! was promised, and a judgement. Never: a file believed by its hash while its own name promises another
//! content: that would let an old image pass for a new one.

use thiserror::Error;

use crate::checksums::{Checksums, Entry, Kind, base_name};
use crate::text::shown;

/// Most names that a message lists.
const NAMES_SHOWN_MAX: usize = 5;

/// Hashes of a file's content, those that were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// SHA-512.
    pub sha512: Option<[u8; 64]>,
}

/// What a checksum file promises for a name: at least one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The name as the publisher wrote it.
    pub name: String,
    /// Promised SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// Promised SHA-512.
    pub sha512: Option<[u8; 64]>,
}

/// Why a checksum file promises nothing for a name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoSum {
    /// The name is not in it.
    #[error("no line of it is for `{name}`: it is for {of}")]
    NotListed {
        /// The name that was asked for.
        name: String,
        /// Names that it has.
        of: String,
    },
    /// The same name stands there with several sums.
    #[error(
        "it has different sums for `{name}` (lines {lines}): name the file with its folder, as it is written there"
    )]
    Ambiguous {
        /// The name that was asked for.
        name: String,
        /// The lines, from 1.
        lines: String,
    },
    /// Only algorithms that can be forged, or that are not read here.
    #[error(
        "it has only {kinds} for `{name}`, which is not trusted: use the publisher's SHA-256 or SHA-512 file"
    )]
    NotTrusted {
        /// The name that was asked for.
        name: String,
        /// The algorithms.
        kinds: String,
    },
}

/// Whether a file is what a checksum file promised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Judgement {
    /// It is, under its own name.
    Same {
        /// The name as the publisher wrote it.
        name: String,
    },
    /// Its own name is not listed, but exactly one file with this content is.
    SameAs {
        /// The name as the publisher wrote it.
        name: String,
    },
    /// Its name is listed with another content.
    Differs {
        /// What was promised.
        expected: Expected,
        /// Another name that has exactly this content, if there is one.
        but_is: Option<String>,
    },
    /// Neither its name nor its content is listed, or not clearly.
    NotListed(NoSum),
}

impl Checksums {
    /// What is promised for a file of this name: by its whole path if that is listed, else by its base
    /// name.
    pub fn expected(&self, name: &str) -> Result<Expected, NoSum> {
        let found = self.of_name(name);
        let mut expected = None;
        for entry in &found {
            let seen = expected.get_or_insert_with(|| Expected {
                name: entry.name.clone(),
                sha256: None,
                sha512: None,
            });
            let fits = match entry.kind {
                Kind::Sha256 => agree(&mut seen.sha256, &entry.hash),
                Kind::Sha512 => agree(&mut seen.sha512, &entry.hash),
                Kind::Other(_) => true,
            };
            if !fits {
                let lines = listed(found.iter().map(|entry| entry.line.to_string()));
                return Err(NoSum::Ambiguous { name: shown(name), lines });
            }
        }
        match expected {
            Some(Expected { sha256: None, sha512: None, .. }) => {
                let kinds = found.iter().filter_map(|entry| match entry.kind {
                    Kind::Other(kind) => Some(kind.to_owned()),
                    _ => None,
                });
                Err(NoSum::NotTrusted { name: shown(name), kinds: listed(kinds) })
            }
            Some(expected) => Ok(expected),
            None => {
                let of =
                    listed(self.entries().iter().map(|entry| format!("`{}`", shown(&entry.name))));
                Err(NoSum::NotListed { name: shown(name), of })
            }
        }
    }

    /// Judges a file by its name here and the hashes of its content. A hash that was promised and not
    /// made does not count; where none of both counts, the file is not listed.
    pub fn judge(&self, name: &str, digests: &Digests) -> Judgement {
        match self.expected(name) {
            Ok(expected) => match expected.compare(digests) {
                Some(true) => Judgement::Same { name: expected.name },
                Some(false) => Judgement::Differs { expected, but_is: self.name_of(digests) },
                None => Judgement::NotListed(NoSum::NotTrusted {
                    name: shown(name),
                    kinds: "a kind of sum that was not computed".to_owned(),
                }),
            },
            Err(why @ NoSum::Ambiguous { .. }) => {
                // Several of one name: the content says which, if one of them has it.
                let of_name: Vec<&Entry> = self.of_name(name);
                match of_name.iter().find(|entry| is_of(entry, digests) == Some(true)) {
                    Some(entry) => Judgement::Same { name: entry.name.clone() },
                    None => Judgement::NotListed(why),
                }
            }
            Err(why) => match self.name_of(digests) {
                Some(name) => Judgement::SameAs { name },
                None => Judgement::NotListed(why),
            },
        }
    }

    /// The name with exactly this content; none if none or several have it.
    fn name_of(&self, digests: &Digests) -> Option<String> {
        let mut names = self
            .entries()
            .iter()
            .filter(|entry| is_of(entry, digests) == Some(true))
            .map(|entry| entry.name.as_str());
        let first = names.next()?;
        names.all(|name| name == first).then(|| first.to_owned())
    }

    fn of_name(&self, name: &str) -> Vec<&Entry> {
        let plain = |name: &str| name.trim_start_matches("./").to_owned();
        let asked = plain(name);
        let all = self.entries();
        let whole: Vec<&Entry> = all.iter().filter(|entry| plain(&entry.name) == asked).collect();
        if !whole.is_empty() {
            return whole;
        }
        let base = base_name(name);
        let same = |entry: &&Entry| entry.base_name() == base || entry.name.is_empty();
        all.iter().filter(same).collect()
    }
}

impl Expected {
    /// Whether hashes are the promised ones; none if no hash was made that was promised.
    #[must_use]
    pub fn compare(&self, digests: &Digests) -> Option<bool> {
        let of_256 = self.sha256.zip(digests.sha256).map(|(promised, is)| promised == is);
        let of_512 = self.sha512.zip(digests.sha512).map(|(promised, is)| promised == is);
        match (of_256, of_512) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(true) && b.unwrap_or(true)),
        }
    }
}

fn is_of(entry: &Entry, digests: &Digests) -> Option<bool> {
    match entry.kind {
        Kind::Sha256 => digests.sha256.map(|hash| entry.hash == hash),
        Kind::Sha512 => digests.sha512.map(|hash| entry.hash == hash),
        Kind::Other(_) => None,
    }
}

/// Takes a hash over, and says whether it agrees with one that is there.
fn agree<const N: usize>(seen: &mut Option<[u8; N]>, hash: &[u8]) -> bool {
    let Ok(hash) = <[u8; N]>::try_from(hash) else { return false };
    *seen.get_or_insert(hash) == hash
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.take(NAMES_SHOWN_MAX.saturating_add(1)).collect();
    names.dedup();
    if names.len() > NAMES_SHOWN_MAX {
        names.truncate(NAMES_SHOWN_MAX);
        names.push("others".to_owned());
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(byte: u8, bytes: usize) -> String {
        format!("{byte:02x}").repeat(bytes)
    }

    fn of(byte: u8) -> Digests {
        Digests { sha256: Some([byte; 32]), sha512: Some([byte; 64]) }
    }

    fn sums(lines: &[String]) -> Checksums {
        Checksums::parse(lines.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_file_is_found_by_its_base_name_and_judged() {
        let sums =
            sums(&[format!("{}  ./iso/a.iso", hex(1, 32)), format!("{}  b.iso", hex(2, 32))]);
        assert_eq!(sums.expected("a.iso").unwrap().sha256, Some([1; 32]));
        assert_eq!(sums.judge("/x/a.iso", &of(1)), Judgement::Same { name: "./iso/a.iso".into() });
        let Judgement::Differs { but_is, .. } = sums.judge("a.iso", &of(2)) else { panic!() };
        assert_eq!(but_is.as_deref(), Some("b.iso"));
        assert_eq!(sums.judge("debian.iso", &of(2)), Judgement::SameAs { name: "b.iso".into() });
        let Judgement::NotListed(why) = sums.judge("c.iso", &of(3)) else { panic!() };
        assert_eq!(
            why.to_string(),
            "no line of it is for `c.iso`: it is for `./iso/a.iso`, `b.iso`"
        );
    }

    #[test]
    fn both_sums_of_a_name_must_fit() {
        let sums =
            sums(&[format!("SHA256 (a) = {}", hex(1, 32)), format!("SHA512 (a) = {}", hex(1, 64))]);
        assert_eq!(sums.judge("a", &of(1)), Judgement::Same { name: "a".into() });
        let half = Digests { sha256: Some([1; 32]), sha512: Some([2; 64]) };
        assert!(matches!(sums.judge("a", &half), Judgement::Differs { .. }));
        assert!(matches!(sums.judge("a", &Digests::default()), Judgement::NotListed(_)));
    }

    #[test]
    fn several_files_of_one_base_name_are_told_apart_by_folder_or_content() {
        let sums = sums(&[
            format!("{}  ./amd64/linux", hex(1, 32)),
            format!("{}  ./arm64/linux", hex(2, 32)),
        ]);
        assert!(matches!(sums.expected("linux"), Err(NoSum::Ambiguous { .. })));
        assert_eq!(sums.expected("arm64/linux").unwrap().sha256, Some([2; 32]));
        assert_eq!(sums.judge("linux", &of(2)), Judgement::Same { name: "./arm64/linux".into() });
        assert!(matches!(
            sums.judge("linux", &of(3)),
            Judgement::NotListed(NoSum::Ambiguous { .. })
        ));
    }

    #[test]
    fn md5_and_sha1_are_told_and_not_trusted() {
        let sums = sums(&[format!("{}  a", hex(1, 16)), format!("{}  a", hex(1, 20))]);
        let why = sums.expected("a").unwrap_err();
        assert!(why.to_string().starts_with("it has only MD5, SHA1 for `a`"), "{why}");
        assert!(matches!(sums.judge("a", &of(1)), Judgement::NotListed(NoSum::NotTrusted { .. })));
    }

    #[test]
    fn a_hash_alone_is_for_any_name() {
        let sums = sums(&[hex(7, 32)]);
        assert!(matches!(sums.judge("any", &of(7)), Judgement::Same { .. }));
        assert!(matches!(sums.judge("any", &of(8)), Judgement::Differs { .. }));
    }
}
