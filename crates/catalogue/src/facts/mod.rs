//! What the texts on a disc say of it: its name, its version, its processor.
//!
//! In: a tree. Out: [`Facts`], shown: short, and free of what could fool a terminal. Never: a text
//! believed further than that.

mod boot_cfg;
mod treeinfo;
mod wim;

pub(crate) use boot_cfg::BootCfg;
pub(crate) use treeinfo::TreeInfo;
pub(crate) use wim::{Edition, Wim};

use crate::tree::Tree;
use model::Arch;
use model::text::show;

/// Bytes of a name or version that are kept.
const VALUE_MAX: usize = 96;

/// What was read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Facts {
    pub name: Option<String>,
    pub version: Option<String>,
    /// Debian's name of the processor.
    pub processor: Option<&'static str>,
    /// Which text said it.
    pub from: Option<&'static str>,
}

impl Facts {
    /// A version that a file holds in its first line, perhaps after some words.
    pub fn line(tree: &Tree<'_>, path: &'static str, after: &[&str]) -> Self {
        let text = tree.text(path);
        let mut line = text.lines().next().unwrap_or_default().trim();
        for words in after {
            line = line.strip_prefix(words).unwrap_or(line);
        }
        Self { version: value(line), from: Some(path), ..Self::default() }
    }

    /// A version between quotes after a word of a file.
    pub fn assigned(tree: &Tree<'_>, path: &'static str, word: &str) -> Self {
        let version = assignment(&tree.text(path), word);
        Self { version, from: Some(path), ..Self::default() }
    }

    /// The first part of the volume identifier that begins with a digit after one of these words.
    pub fn volume(tree: &Tree<'_>, words: &[&str]) -> Self {
        let id = tree.volume().map_or("", |volume| volume.id.as_str());
        let rest = words.iter().find_map(|word| id.split_once(word)).map(|(_, rest)| rest);
        let rest = rest.and_then(|rest| rest.get(rest.find(|c: char| c.is_ascii_digit())?..));
        let end = |c: char| c.is_whitespace() || c == '-';
        let version = rest.and_then(|rest| value(rest.split(end).next()?));
        Self { version, from: Some("the volume identifier"), ..Self::default() }
    }

    /// `.disk/info` of Debian's family: `Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST
    /// …`, `Ubuntu-Server 24.04 LTS "Noble Numbat" - Release amd64 (20240423)`.
    pub fn disk_info(tree: &Tree<'_>) -> Self {
        let text = tree.text(".disk/info");
        let line = text.lines().next().unwrap_or_default();
        let number = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
        let title = line.split(" - ").next().unwrap_or_default();
        let title = title.split('"').next().unwrap_or_default();
        let words: Vec<&str> = title.split_whitespace().collect();
        let at = words.iter().position(number).unwrap_or(words.len());
        let (name, version) = words.split_at(at);
        Self {
            name: value(&name.join(" ")),
            version: value(&version.join(" ")),
            processor: line.split([' ', '_']).find_map(processor),
            from: Some(".disk/info"),
        }
    }

    /// `media.1/products` of SUSE: `/ openSUSE-Leap 15.6-1`.
    pub fn products(tree: &Tree<'_>, path: &'static str) -> Self {
        let text = tree.text(path);
        let line = text.lines().find(|line| line.starts_with("/ ")).unwrap_or_default();
        let (name, version) = line.trim_start_matches("/ ").split_once(' ').unwrap_or_default();
        // What follows the last hyphen is the number of the build.
        let version = version.rsplit_once('-').map_or(version, |(version, _)| version);
        let (name, version) = (value(name), value(version));
        Self { name, version, from: Some(path), ..Self::default() }
    }

    /// The same, and what is missing from another source.
    pub fn or(self, other: Self) -> Self {
        let from = if self.version.is_some() { self.from } else { other.from };
        Self {
            name: self.name.or(other.name),
            version: self.version.or(other.version),
            processor: self.processor.or(other.processor),
            from,
        }
    }
}

/// `WORD='value'` or `WORD="value"` or `WORD=value` at the beginning of a line.
pub(crate) fn assignment(text: &str, word: &str) -> Option<String> {
    let assigned =
        |line: &str| line.trim().strip_prefix(word)?.strip_prefix('=').map(str::to_owned);
    let line = text.lines().find_map(assigned)?;
    value(line.trim().trim_matches(['\'', '"']))
}

/// A value as it can be shown; none if it is empty.
pub(crate) fn value(text: &str) -> Option<String> {
    let bytes = text.trim().as_bytes();
    let text = show(bytes.get(..VALUE_MAX.min(bytes.len())).unwrap_or_default());
    (!text.is_empty()).then_some(text)
}

/// Debian's name of a processor that others call otherwise.
pub(crate) fn processor(name: &str) -> Option<&'static str> {
    Some(match name {
        "amd64" | "x86_64" | "x64" => "amd64",
        "i386" | "i586" | "i686" | "x86" => "i386",
        "arm64" | "aarch64" | "a64" => "arm64",
        "riscv64" => "riscv64",
        "loong64" | "loongarch64" => "loong64",
        "ppc64le" | "ppc64el" => "ppc64el",
        "s390x" => "s390x",
        _ => return None,
    })
}

/// Where the system of a processor runs.
pub(crate) fn archs(processor: &str) -> &'static [Arch] {
    match processor {
        "amd64" => &[Arch::X86Bios, Arch::X64Uefi],
        "i386" => &[Arch::X86Bios, Arch::Ia32Uefi],
        "arm64" => &[Arch::Arm64Uefi],
        "riscv64" => &[Arch::Riscv64Uefi],
        "loong64" => &[Arch::Loong64Uefi],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Volume;

    fn disk_info(text: &'static str) -> (Option<String>, Option<String>, Option<&'static str>) {
        let read = move |_: &str, _: u64, _: usize| text.as_bytes().to_vec();
        let facts = Facts::disk_info(&Tree::new([(".disk/info", 9)], None, &read));
        (facts.name, facts.version, facts.processor)
    }

    #[test]
    fn disk_info_as_it_is_found() {
        let some = |text: &str| Some(text.to_owned());
        for (text, name, version, processor) in [
            (
                "Debian GNU/Linux 12.5.0 \"Bookworm\" - Official amd64 NETINST with firmware 20240210-11:27",
                some("Debian GNU/Linux"),
                some("12.5.0"),
                Some("amd64"),
            ),
            (
                "Ubuntu-Server 24.04.1 LTS \"Noble Numbat\" - Release arm64 (20240827)",
                some("Ubuntu-Server"),
                some("24.04.1 LTS"),
                Some("arm64"),
            ),
            (
                "Linux Mint 21.3 \"Virginia\" - Release amd64 20240110",
                some("Linux Mint"),
                some("21.3"),
                Some("amd64"),
            ),
            ("", None, None, None),
            ("\u{1b}[31m 9\u{7}", some("\\u{1b}[31m"), some("9\\u{7}"), None),
        ] {
            assert_eq!(disk_info(text), (name, version, processor), "{text}");
        }
    }

    #[test]
    fn a_version_in_a_volume_identifier() {
        let of = |id: &str, words: &[&str]| {
            let volume = Volume { id: id.to_owned(), ..Volume::default() };
            Facts::volume(&Tree::new([], Some(volume), &|_, _, _| Vec::new()), words).version
        };
        assert_eq!(
            of("fedora-coreos-39.20231101.3.0", &["coreos-"]).as_deref(),
            Some("39.20231101.3.0")
        );
        assert_eq!(of("TALOS", &["TALOS"]), None);
        assert_eq!(of("nixos-minimal-24.05-x86_64", &["nixos"]).as_deref(), Some("24.05"));
    }

    #[test]
    fn assignments_with_and_without_quotes() {
        let text = "RELEASE='9.2'\nISORELEASE=\"1\"\nPRODUCT=pve\nEMPTY=''\n";
        assert_eq!(assignment(text, "RELEASE").as_deref(), Some("9.2"));
        assert_eq!(assignment(text, "ISORELEASE").as_deref(), Some("1"));
        assert_eq!(assignment(text, "PRODUCT").as_deref(), Some("pve"));
        assert_eq!(assignment(text, "EMPTY"), None);
    }
}
