//! Goes through a backup from its beginning to its end, whoever takes what is in it.

use crate::failure::Failure;
use crate::say;
use ::backup::{About, Entry, Fault, Reader};
use model::event::show_bytes;
use model::{Hash, Now};
use serde::Serialize;
use sha2::{Digest, Sha256};
use site::Held;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// The store in a backup.
pub const STORE: &str = "bootwright.db";

/// Blobs that are named one by one.
const NAMED: usize = 5;

/// Takes what comes. An error that came out of `body` must be given on as it is.
pub trait Taker {
    /// A file.
    fn file(&mut self, name: &str, body: &mut dyn Read) -> io::Result<()>;
    /// A blob; gives what its bytes hash to.
    fn blob(&mut self, named: Hash, body: &mut dyn Read) -> io::Result<Hash>;
}

/// What came.
#[derive(Debug, Default)]
pub struct Found {
    pub about: About,
    pub files: BTreeSet<String>,
    pub blobs: BTreeSet<Hash>,
    /// What is not as it should be: blobs without their bytes, rows that cannot be read.
    pub missing: Vec<String>,
    lost: BTreeSet<Hash>,
}

/// Takes everything; `progress` hears how many bytes came.
pub fn walk<R: Read>(
    reader: &mut Reader<R>,
    taker: &mut dyn Taker,
    progress: &mut dyn FnMut(u64),
) -> Result<Found, Fault> {
    let mut found = Found { about: reader.about().clone(), ..Found::default() };
    let mut done = 0;
    while let Some(entry) = reader.next()? {
        let mut body = Counted { body: reader.body()?, done: &mut done, progress };
        match entry {
            Entry::File { name, .. } => {
                taker.file(&name, &mut body)?;
                found.files.insert(name);
            }
            Entry::Blob { sha256, .. } => {
                let named = Hash(sha256);
                match taker.blob(named, &mut body).map_err(Fault::from) {
                    Ok(is) if is == named => drop(found.blobs.insert(named)),
                    Ok(is) => {
                        let what = format!("the blob {named} has bytes that hash to {is}");
                        return Err(Fault::Odd(what));
                    }
                    Err(Fault::BrokenOff(why)) => found.lose(named, &why),
                    Err(fault) => return Err(fault),
                }
            }
            Entry::Lost { sha256, why } => found.lose(Hash(sha256), &why),
        }
    }
    match found.files.contains(STORE) {
        true => Ok(found),
        false => Err(Fault::Odd("there is no store in it".to_owned())),
    }
}

struct Counted<'a, B> {
    body: B,
    done: &'a mut u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<B: Read> Read for Counted<'_, B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer)?;
        *self.done += read as u64;
        (self.progress)(*self.done);
        Ok(read)
    }
}

/// A backup as `--json` shows it.
#[derive(Debug, Serialize)]
pub struct Shown<'a> {
    #[serde(flatten)]
    about: &'a About,
    missing: &'a [String],
}

impl Found {
    fn lose(&mut self, blob: Hash, why: &str) {
        self.lost.insert(blob);
        self.missing.push(format!("{blob}: {}", model::text::show(why.as_bytes())));
    }

    /// Compares with what the store names.
    pub fn compare(&mut self, held: &Held) {
        let images = held.images.iter().filter(|_| self.about.with_images);
        let wanted: BTreeSet<Hash> = held.loaders.iter().chain(images).copied().collect();
        for hash in wanted.iter().filter(|hash| !self.lost.contains(hash)) {
            if !self.blobs.contains(hash) {
                self.missing.push(format!("{hash}: the store names it, and it is not there"));
            }
        }
        self.missing.extend(held.damaged.iter().map(|damage| format!("in the store, {damage}")));
    }

    /// Says what is in it.
    pub fn tell(&self) {
        let about = &self.about;
        let server = model::text::show(about.server.as_bytes());
        let version = model::text::show(about.version.as_bytes());
        let rows = about.rows.iter().filter(|(_, rows)| **rows > 0);
        let rows: Vec<String> = rows.map(|(table, rows)| format!("{table} {rows}")).collect();
        let images = if about.with_images { "" } else { ", those of images left out" };
        let keys = if about.with_keys { "with the private keys" } else { "without private keys" };
        say::card(&[
            ("made", Now(about.made_ms).to_string()),
            ("server", format!("{server}, bootwright {version}")),
            ("store", rows.join(", ")),
            ("files", format!("{}, {keys}", self.files.len())),
            ("blobs", format!("{}{images}", self.blobs.len())),
            ("unpacked", show_bytes(about.bytes)),
        ]);
    }

    /// The same for programs.
    pub fn json(&self) -> Shown<'_> {
        Shown { about: &self.about, missing: &self.missing }
    }

    /// A failure if something should be in it and is not.
    pub fn complete(&self) -> Result<(), Failure> {
        if self.missing.is_empty() {
            return Ok(());
        }
        let named = self.missing.iter().take(NAMED).cloned().collect::<Vec<_>>().join("\n  ");
        let more = match self.missing.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        Err(Failure::failed(format!(
            "the backup is sound, but the server could not read all when it was made:\n  {named}{more}"
        ))
        .hint("import again what they belong to (bootwright image verify), then take another backup"))
    }
}

/// Hashes what comes, and keeps nothing but the store, for a moment.
#[derive(Debug, Default)]
pub struct Hashed {
    store: Option<Store>,
}

#[derive(Debug)]
struct Store {
    path: PathBuf,
    open: File,
}

impl Drop for Store {
    fn drop(&mut self) {
        // What stays goes with the next clearing of the temporary folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Hashed {
    /// One that also keeps the store, in a private file, to look at.
    pub fn with_store() -> io::Result<Self> {
        let mut number = [0; 8];
        getrandom::fill(&mut number).map_err(io::Error::other)?;
        let name = format!("bootwright-verify-{:016x}.db", u64::from_be_bytes(number));
        let path = std::env::temp_dir().join(name);
        let open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self { store: Some(Store { path, open }) })
    }

    /// What the store holds that came.
    pub fn look(&self) -> Result<Held, site::StoreError> {
        self.store.as_ref().map_or(Ok(Held::default()), |store| site::look(&store.path))
    }
}

impl Taker for Hashed {
    fn file(&mut self, name: &str, body: &mut dyn Read) -> io::Result<()> {
        match &mut self.store {
            Some(store) if name == STORE => io::copy(body, &mut store.open).map(|_| ()),
            _ => io::copy(body, &mut io::sink()).map(|_| ()),
        }
    }

    fn blob(&mut self, _: Hash, body: &mut dyn Read) -> io::Result<Hash> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        loop {
            match body.read(&mut buffer)? {
                0 => return Ok(Hash(hasher.finalize().into())),
                read => hasher.write_all(buffer.get(..read).unwrap_or_default())?,
            }
        }
    }
}
