//! The files that are to be recognised, found fast among very many.
//!
//! In: paths with sizes, what the volume says, a way to read a piece of a file. Out: files by path,
//! by name and by pattern, texts and heads. Never: a walk over all files for one question, more
//! files than [`FILES_MAX`], more than asked for of any of them.

use std::cell::OnceCell;
use std::cmp::Ordering;

/// Files that are looked at; what comes after them counts as not there.
pub const FILES_MAX: usize = 500_000;
/// Bytes read of a text.
pub(crate) const TEXT_MAX: usize = 64 * 1024;
/// Names of one folder that a pattern is held against, and files with a kernel's name.
const ALIKE_MAX: usize = 4096;
/// Files that one pattern gives.
const MATCHES_MAX: usize = 64;

/// Reads a piece of a file: its path, the first byte, how many. Fewer, or none, if there are not so
/// many or they cannot be read.
pub type Read<'a> = dyn Fn(&str, u64, usize) -> Vec<u8> + 'a;

/// What a disc says of itself. Texts that it has no field for are empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Volume {
    /// Volume identifier.
    pub id: String,
    /// System identifier.
    pub system: String,
    /// Who published it.
    pub publisher: String,
    /// Application identifier.
    pub application: String,
    /// Its El Torito catalogue has an entry for BIOS.
    pub boots_bios: bool,
    /// Its El Torito catalogue has an entry for UEFI.
    pub boots_uefi: bool,
}

/// The files of an image.
pub struct Tree<'a> {
    volume: Option<Volume>,
    read: &'a Read<'a>,
    /// In the order of [`by_path`].
    files: Vec<(&'a str, u64)>,
    likely: OnceCell<Vec<&'a str>>,
    cut: bool,
}

impl<'a> Tree<'a> {
    /// Files with their sizes, `/` between the parts of a path. `volume` is there if they stand on a
    /// disc whose bytes can be sent as a whole.
    pub fn new(
        files: impl IntoIterator<Item = (&'a str, u64)>,
        volume: Option<Volume>,
        read: &'a Read<'a>,
    ) -> Self {
        let mut all = files.into_iter().map(|(path, size)| (path.trim_start_matches('/'), size));
        let mut files: Vec<(&str, u64)> = all.by_ref().take(FILES_MAX).collect();
        let cut = all.next().is_some();
        // Whoever walked a folder or a disc brings them nearly in order.
        files.sort_by(|a, b| by_path(a.0, b.0));
        Self { volume, read, files, likely: OnceCell::new(), cut }
    }

    /// What the disc says of itself; none if the files stand on no disc.
    #[must_use]
    pub fn volume(&self) -> Option<&Volume> {
        self.volume.as_ref()
    }

    /// Whether there were more files than are looked at.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.cut
    }

    /// Every file.
    pub(crate) fn files(&self) -> impl ExactSizeIterator<Item = &'a str> + '_ {
        self.files.iter().map(|(path, _)| *path)
    }

    /// The file at this path: as written, else in any letter case (discs without long names tell
    /// capitals only).
    pub(crate) fn file(&self, path: &str) -> Option<&'a str> {
        let from = self.files.partition_point(|(own, _)| fold(own, path).is_lt());
        let alike = self.files.get(from..).unwrap_or_default();
        let alike = alike.iter().map(|(own, _)| *own).take(ALIKE_MAX);
        let mut alike = alike.take_while(|own| own.eq_ignore_ascii_case(path));
        let first = alike.next()?;
        Some(if first == path { first } else { alike.find(|own| *own == path).unwrap_or(first) })
    }

    /// Bytes of a file.
    pub(crate) fn size(&self, path: &str) -> u64 {
        let at = self.files.binary_search_by(|(own, _)| by_path(own, path));
        at.ok().and_then(|at| self.files.get(at)).map_or(0, |(_, size)| *size)
    }

    /// Whether anything is in this folder (`pool/`).
    pub(crate) fn has_folder(&self, folder: &str) -> bool {
        let from = self.files.partition_point(|(own, _)| fold(own, folder).is_lt());
        self.files.get(from).is_some_and(|(own, _)| begins(own, folder))
    }

    /// The names in a folder (empty, or with `/` at its end) that begin so; folders among them have
    /// `/` at their end.
    fn names_in(&self, folder: &str, begin: &str) -> Vec<&'a str> {
        let all = format!("{folder}{begin}");
        let mut found = Vec::new();
        let mut at = self.files.partition_point(|(own, _)| fold(own, &all).is_lt());
        while let Some((path, _)) = self.files.get(at).filter(|(own, _)| begins(own, &all)) {
            let rest = path.get(folder.len()..).unwrap_or_default();
            let name = rest.find('/').and_then(|end| rest.get(..=end)).unwrap_or(rest);
            found.push(name);
            if found.len() == ALIKE_MAX {
                break;
            }
            at = at.saturating_add(1);
            if name.ends_with('/') {
                // Past everything in there: one step, however much it is.
                let whole = path.get(..folder.len().saturating_add(name.len())).unwrap_or(path);
                let rest = self.files.get(at..).unwrap_or_default();
                let skip = rest.partition_point(|(own, _)| begins(own, whole));
                at = at.saturating_add(skip);
            }
        }
        found
    }

    /// The files that a pattern fits, in natural order: `*` stands for anything within one part of
    /// a path. At most 64, the last of them.
    pub(crate) fn glob(&self, pattern: &str) -> Vec<&'a str> {
        if !pattern.contains('*') {
            return self.file(pattern).into_iter().collect();
        }
        let mut folders = vec![String::new()];
        let mut parts = pattern.split('/').peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let mut next = Vec::new();
            for folder in &folders {
                self.step(folder, part, last, &mut next);
            }
            next.sort_by_cached_key(|path| natural(path));
            next.drain(..next.len().saturating_sub(MATCHES_MAX));
            folders = next;
        }
        folders.iter().filter_map(|path| self.file(path)).collect()
    }

    /// From a folder to those of its names that a part of a pattern fits.
    fn step(&self, folder: &str, part: &str, last: bool, next: &mut Vec<String>) {
        if !part.contains('*') {
            let slash = if last { "" } else { "/" };
            let path = format!("{folder}{part}{slash}");
            let there = if last { self.file(&path).is_some() } else { self.has_folder(&path) };
            next.extend(there.then_some(path));
            return;
        }
        let begin = part.split('*').next().unwrap_or_default();
        for name in self.names_in(folder, begin) {
            let bare = name.strip_suffix('/');
            if bare.is_some() != last && fits(part, bare.unwrap_or(name)) {
                next.push(format!("{folder}{name}"));
            }
        }
    }

    /// Files that deserve a look whether they are a kernel: by their names, or because there is one
    /// file. The only walk over all of them, once.
    pub(crate) fn likely_kernels(&self) -> &[&'a str] {
        self.likely.get_or_init(|| match self.files.as_slice() {
            [(only, _)] => vec![*only],
            many => {
                let likely = many.iter().map(|(path, _)| *path).filter(|path| is_likely(path));
                likely.take(ALIKE_MAX).collect()
            }
        })
    }

    /// The first bytes of a file.
    pub(crate) fn head(&self, path: &str, max: usize) -> Vec<u8> {
        self.piece(path, 0, max)
    }

    /// Bytes of a file from `offset` on.
    pub(crate) fn piece(&self, path: &str, offset: u64, max: usize) -> Vec<u8> {
        let mut bytes = (self.read)(path, offset, max);
        bytes.truncate(max);
        bytes
    }

    /// The beginning of a text; empty if there is none.
    pub(crate) fn text(&self, path: &str) -> String {
        match self.file(path) {
            Some(path) => String::from_utf8_lossy(&self.head(path, TEXT_MAX)).into_owned(),
            None => String::new(),
        }
    }
}

fn is_likely(path: &str) -> bool {
    let begin = ["vmlinu", "linux", "bzimage", "zimage", "image", "kernel", "memtest", "mt86plus"];
    let end = [".efi", ".vmlinuz", ".bin", "-vmlinuz", "bzimage"];
    // A disc of packages has thousands of linux-image-….deb.
    let never = [".deb", ".udeb", ".rpm", ".dsc", ".xz", ".mod", ".txt", ".cfg", ".html", ".json"];
    let name = base(path);
    let begins_so = begin.iter().any(|own| begins(name, own));
    (begins_so || end.iter().any(|own| ends(name, own))) && !never.iter().any(|own| ends(name, own))
}

fn ends(text: &str, end: &str) -> bool {
    let from = text.len().checked_sub(end.len());
    let bytes = from.and_then(|from| text.as_bytes().get(from..));
    bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(end.as_bytes()))
}

/// Without regard to letter case, and as written where that does not tell them apart.
fn by_path(a: &str, b: &str) -> Ordering {
    fold(a, b).then_with(|| a.cmp(b))
}

fn fold(a: &str, b: &str) -> Ordering {
    a.bytes()
        .map(|byte| byte.to_ascii_lowercase())
        .cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

fn begins(text: &str, begin: &str) -> bool {
    let bytes = text.as_bytes().get(..begin.len());
    bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(begin.as_bytes()))
}

/// A path as it stands in a sentence.
pub(crate) fn shown(path: &str) -> String {
    format!("`{}`", model::text::show(path.as_bytes()))
}

/// The last part of a path.
pub(crate) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// All but the last part of a path, with `/` at its end unless it is empty.
pub(crate) fn folder(path: &str) -> &str {
    path.strip_suffix(base(path)).unwrap_or_default()
}

/// Whether a pattern with `*` fits, without regard to letter case.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0_usize, 0_usize);
    // Where to try again: after the last star, one byte further in the text.
    let mut again: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                p = p.saturating_add(1);
                again = Some((p, t));
            }
            Some(own) if own.eq_ignore_ascii_case(byte) => {
                (p, t) = (p.saturating_add(1), t.saturating_add(1));
            }
            _ => {
                let Some((after, from)) = again else { return false };
                let from = from.saturating_add(1);
                (p, t, again) = (after, from, Some((after, from)));
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// A key by which `6.1.0-9` comes before `6.1.0-50`.
pub(crate) fn natural(text: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let words = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (word, tail) = tail.split_at(words);
        parts.push((number.parse().unwrap_or(u64::MAX), word.to_owned()));
        rest = tail;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTHING: &Read<'static> = &|_, _, _| Vec::new();

    fn tree<'a>(paths: &[&'a str]) -> Tree<'a> {
        Tree::new(paths.iter().map(|path| (*path, 1)), None, NOTHING)
    }

    #[test]
    fn what_is_written_so_comes_before_another_letter_case() {
        let tree = tree(&["A/b", "a/B", "a/c", "/EFI/Boot/x.efi"]);
        assert_eq!(tree.file("a/B"), Some("a/B"));
        assert_eq!(tree.file("A/B"), Some("A/b"));
        assert_eq!(tree.file("efi/boot/X.EFI"), Some("EFI/Boot/x.efi"));
        assert_eq!(tree.file("a"), None);
        assert!(tree.has_folder("A/") && tree.has_folder("efi/") && !tree.has_folder("b/"));
    }

    #[test]
    fn patterns_give_the_newest_last() {
        let tree = tree(&[
            "live/vmlinuz-6.1.0-9",
            "live/vmlinuz-6.1.0-50",
            "live/deep/vmlinuz-7",
            "boot/x86_64/loader/linux",
            "boot/i386/loader/linux",
            "boot.cfg",
        ]);
        assert_eq!(tree.glob("live/vmlinuz*"), ["live/vmlinuz-6.1.0-9", "live/vmlinuz-6.1.0-50"]);
        assert_eq!(
            tree.glob("boot/*/loader/linux"),
            ["boot/i386/loader/linux", "boot/x86_64/loader/linux"]
        );
        assert_eq!(tree.glob("*.cfg"), ["boot.cfg"]);
        assert!(tree.glob("live/*/x").is_empty() && tree.glob("*").len() == 1);
        assert_eq!(tree.likely_kernels().len(), 5);
    }

    #[test]
    fn a_folder_of_half_a_million_files_costs_one_step() {
        let paths: Vec<String> = (0..FILES_MAX + 3).map(|n| format!("pool/p{n:07}.deb")).collect();
        let all = paths.iter().map(String::as_str);
        let tree = Tree::new(all.map(|path| (path, 1)), None, NOTHING);
        assert!(tree.cut());
        assert_eq!(tree.files().len(), FILES_MAX);
        assert_eq!(tree.names_in("", ""), ["pool/"]);
        assert_eq!(tree.glob("pool/p0499999*"), ["pool/p0499999.deb"]);
        assert!(tree.glob("*/*.iso").is_empty());
    }

    proptest! {
        #[test]
        fn a_pattern_fits_as_a_slow_one_would(pattern in "[ab*]{0,6}", text in "[abAB]{0,8}") {
            fn slow(pattern: &[u8], text: &[u8]) -> bool {
                match (pattern.split_first(), text.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), None) => slow(rest, text),
                    (Some((b'*', rest)), Some((_, tail))) => slow(rest, text) || slow(pattern, tail),
                    (Some((p, rest)), Some((t, tail))) => p.eq_ignore_ascii_case(t) && slow(rest, tail),
                    _ => false,
                }
            }
            prop_assert_eq!(fits(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
