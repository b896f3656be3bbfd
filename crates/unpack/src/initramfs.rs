//! The names in an initramfs: cpio archives one after the other, packed or not, as the Linux kernel
//! takes them (`init/initramfs.c`, Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! In: the file as a stream, and limits. Out: the paths in it, enough to tell what it can do, and
//! what kept us from seeing all. Never: the content of a file kept.

use crate::decompress::{Decompress, Input};
use crate::error::UnpackError;
use crate::limits::Limits;
use crate::packing::Packing;
use crate::source::wide;
use crate::text::hostile;
use std::collections::BTreeSet;
use std::io::{self, Read};

/// Bytes of a header of the `newc` form.
const HEADER: usize = 110;
/// The kernel's `PATH_MAX`; longer names it passes over.
const NAME_MAX: u64 = 4096;

/// The names in an initramfs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Initramfs {
    names: BTreeSet<String>,
    /// How the archives in it are packed, in their order; `None`: not at all.
    pub packings: Vec<Option<Packing>>,
    /// What kept us from seeing all, fit to be shown. Empty: all names are known.
    pub notes: Vec<String>,
    names_bytes: u64,
    unpacked: u64,
    entries: u32,
}

impl Initramfs {
    /// Reads the names, to the end or to a limit. A limit is a remark, damage is an error.
    pub fn names(from: impl Read, limits: Limits) -> Result<Self, UnpackError> {
        let mut found = Self::default();
        match found.read(from, limits) {
            Err(error @ (UnpackError::TooMuch { .. } | UnpackError::NotRead { .. })) => {
                found.notes.push(format!("not all of the initramfs was looked at: {error}"));
            }
            other => other?,
        }
        Ok(found)
    }

    /// Whether it has a file or directory of that path, from its root, with or without a slash.
    pub fn has(&self, path: &str) -> bool {
        self.names.contains(path.trim_matches('/'))
    }

    /// All paths, sorted, without a slash before them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether all names are known.
    pub fn is_whole(&self) -> bool {
        self.notes.is_empty()
    }

    fn read(&mut self, from: impl Read, limits: Limits) -> Result<(), UnpackError> {
        let mut input = Input::new(from);
        loop {
            self.archives(&mut input, limits)?;
            if !input.skip_zeros()? {
                return self.none_at_all();
            }
            let at = input.consumed();
            let Some(packing) = Packing::of(input.peek(Packing::HEAD)?) else {
                self.none_at_all()?;
                self.notes.push(format!("what follows byte {at} is no part of an initramfs"));
                return Ok(());
            };
            self.begin(Some(packing), limits)?;
            let left = Limits {
                unpacked_bytes_max: limits.unpacked_bytes_max.saturating_sub(self.unpacked),
                ratio_free_bytes: limits.ratio_free_bytes.saturating_sub(self.unpacked),
                ..limits
            };
            let mut inside = Input::new(Decompress::member(input, packing, left)?);
            self.archives(&mut inside, limits)?;
            if inside.skip_zeros()? {
                self.notes.push(format!("the {} file at byte {at} holds no cpio", packing.name()));
                return self.none_at_all();
            }
            let member = inside.into_inner();
            self.unpacked = self.unpacked.saturating_add(member.unpacked_bytes());
            let Some(rest) = member.into_input() else { return Ok(()) };
            input = rest;
        }
    }

    fn none_at_all(&self) -> Result<(), UnpackError> {
        if self.entries > 0 {
            return Ok(());
        }
        let why = "it holds no cpio archive of the form newc".to_owned();
        Err(UnpackError::NotThis { what: "initramfs", why })
    }

    fn begin(&mut self, packing: Option<Packing>, limits: Limits) -> Result<(), UnpackError> {
        self.packings.push(packing);
        let most = u64::from(limits.members_max);
        within("members_max", wide(self.packings.len()), most)
    }

    /// Archives that stand here one after the other, zeros between them.
    fn archives<R: Read>(
        &mut self,
        input: &mut Input<R>,
        limits: Limits,
    ) -> Result<(), UnpackError> {
        while input.skip_zeros()? {
            let head = input.peek(6)?;
            if !head.starts_with(b"070701") && !head.starts_with(b"070702") {
                return Ok(());
            }
            // One that stands in a packed file is told by it.
            self.archive(input, limits)?;
        }
        Ok(())
    }

    /// One archive, up to the name that ends it.
    fn archive<R: Read>(
        &mut self,
        input: &mut Input<R>,
        limits: Limits,
    ) -> Result<(), UnpackError> {
        if self.packings.is_empty() {
            self.begin(None, limits)?;
        }
        loop {
            let at = input.consumed();
            let mut head = [0; HEADER];
            input.read_exact(&mut head).map_err(|error| cut(error, at))?;
            let (name_bytes, size) = numbers(&head, at)?;
            let mut name = Vec::new();
            let read = input.take(name_bytes).read_to_end(&mut name)?;
            // The name stands after 110 bytes, and what follows at a multiple of four.
            let pad = 4_u64.wrapping_sub(name_bytes.wrapping_add(wide(HEADER))) & 3;
            let data_pad = 4_u64.wrapping_sub(size) & 3;
            if wide(read) < name_bytes {
                return Err(cut(io::ErrorKind::UnexpectedEof.into(), at));
            }
            let name = name.strip_suffix(&[0]).unwrap_or(&name);
            if name == b"TRAILER!!!" {
                return Ok(());
            }
            self.keep(name, limits)?;
            let skip = pad.saturating_add(size).saturating_add(data_pad);
            let skipped = io::copy(&mut input.take(skip), &mut io::sink())?;
            // The last archive may go without its padding, as the kernel allows.
            if skipped < pad.saturating_add(size) {
                return Err(cut(io::ErrorKind::UnexpectedEof.into(), at));
            }
        }
    }

    fn keep(&mut self, name: &[u8], limits: Limits) -> Result<(), UnpackError> {
        self.entries = self.entries.saturating_add(1);
        within("entries_max", u64::from(self.entries), u64::from(limits.entries_max))?;
        // Names that are none of ours to ask for are passed over.
        let Ok(text) = std::str::from_utf8(name) else { return Ok(()) };
        let path = text.strip_prefix("./").unwrap_or(text).trim_matches('/');
        if path.is_empty() || path == "." || path.chars().any(hostile) {
            return Ok(());
        }
        self.names_bytes = self.names_bytes.saturating_add(wide(path.len()));
        within("names_bytes_max", self.names_bytes, limits.names_bytes_max)?;
        self.names.insert(path.to_owned());
        Ok(())
    }
}

fn within(limit: &'static str, is: u64, most: u64) -> Result<(), UnpackError> {
    if is <= most {
        return Ok(());
    }
    Err(UnpackError::TooMuch { what: "the initramfs".to_owned(), limit, most })
}

fn cut(error: io::Error, at: u64) -> UnpackError {
    match UnpackError::from(error) {
        UnpackError::Reading { cause } if cause.kind() == io::ErrorKind::UnexpectedEof => {
            UnpackError::CutShort { what: "a cpio archive".to_owned(), at }
        }
        other => other,
    }
}

/// Bytes of the name, its zero among them, and of the content.
fn numbers(head: &[u8; HEADER], at: u64) -> Result<(u64, u64), UnpackError> {
    let broken = |found: &str| UnpackError::Broken {
        what: "a header of a cpio archive",
        at,
        found: found.to_owned(),
    };
    if !head.starts_with(b"070701") && !head.starts_with(b"070702") {
        return Err(broken("it has no signature"));
    }
    let number = |index: usize| {
        let from = index.checked_mul(8)?.checked_add(6)?;
        let digits = std::str::from_utf8(head.get(from..)?.get(..8)?).ok()?;
        digits.bytes().all(|c| c.is_ascii_hexdigit()).then_some(())?;
        u64::from_str_radix(digits, 16).ok()
    };
    let (size, name) = (number(6), number(11));
    let (Some(size), Some(name)) = (size, name) else {
        return Err(broken("its numbers are not hexadecimal"));
    };
    if name == 0 || name > NAME_MAX {
        return Err(broken(&format!("its name has {name} bytes")));
    }
    Ok((name, size))
}
