//! Files that operators send piece by piece, and can go on sending after anything broke.
//!
//! In: a name and a size that are announced, bytes in order, the moment. Out: how many bytes are safe, and
//! in the end a whole file. Never: an offset promised whose bytes are not synced; two who write one file;
//! a name of the operator's used as a path.
//!
//! ```text
//! STATE/incoming/uploads/ID.data   the bytes, locked by who writes them
//! STATE/incoming/uploads/ID.json   the note: what was announced, and how many bytes are synced
//! ```

mod error;
mod note;

use model::{Hash, Now};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::store::Blobs;
pub use error::UploadError;
use note::Note;

/// Most uploads at a time, finished ones that nobody took among them.
pub const UPLOADS_MAX: usize = 64;
/// Largest file, in bytes.
pub const SIZE_MAX: u64 = 1 << 40;
/// How long an upload stays to which nothing comes.
pub const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);
/// After how many bytes what came is synced, and can be gone on from.
pub const SYNC_BYTES: u64 = 64 << 20;
/// Longest name, in bytes: the longest of Linux.
const NAME_MAX: usize = 255;
/// Room that stays free for everything else, in bytes.
const SPARE_BYTES: u64 = 256 << 20;
/// Digits of an id.
const ID_DIGITS: usize = 32;

/// What an operator announces.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Announced {
    /// The file's name, without folders.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// What its bytes hash to, if that is known.
    pub sha256: Option<Hash>,
}

/// An upload as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upload {
    /// Its name here.
    pub id: String,
    /// What was announced.
    pub announced: Announced,
    /// Bytes that are safe: where to go on.
    pub offset: u64,
    /// When it was announced.
    pub begun: Now,
    /// When bytes last came.
    pub changed: Now,
}

impl Upload {
    /// Whether all its bytes are there.
    pub fn is_whole(&self) -> bool {
        self.offset == self.announced.size
    }
}

/// The uploads of one state directory.
#[derive(Clone, Debug)]
pub struct Uploads {
    dir: PathBuf,
    free_bytes: Option<u64>,
}

/// An upload to which bytes are being written. What came is synced when it ends, however that comes
/// about; an end in silence (a drop) may lose what came since the last sync, never what was noted.
#[derive(Debug)]
pub struct Appending {
    place: Place,
    file: File,
    note: Note,
    written: u64,
    /// Of all bytes, where they came in one go.
    hasher: Option<Sha256>,
}

/// A whole upload, held so that nobody removes it meanwhile.
#[derive(Debug)]
pub struct Taken {
    place: Place,
    // Held for its lock.
    _file: File,
    upload: Upload,
}

/// The two files of an upload.
#[derive(Clone, Debug)]
struct Place {
    id: String,
    data: PathBuf,
    note: PathBuf,
}

impl Uploads {
    /// The uploads below the `incoming/` of a content store.
    pub fn of(blobs: &Blobs) -> Result<Self, UploadError> {
        let dir = blobs.incoming().join("uploads");
        if !dir.is_dir() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
            made.and_then(|()| sync_folder(blobs.incoming())).map_err(|cause| disk(&dir, cause))?;
        }
        Ok(Self { dir, free_bytes: blobs.free_space() })
    }

    /// Begins an upload. Those that have expired go first.
    pub fn create(&self, announced: Announced, now: Now) -> Result<Upload, UploadError> {
        check_name(&announced.name)?;
        if announced.size > SIZE_MAX {
            return Err(UploadError::TooLarge { size: announced.size, most: SIZE_MAX });
        }
        self.expire(now)?;
        let all = self.list()?;
        if all.len() >= UPLOADS_MAX {
            return Err(UploadError::TooMany { most: UPLOADS_MAX });
        }
        // What others have announced will come as well.
        let awaited: u64 = all.iter().map(|other| other.announced.size - other.offset).sum();
        let needed = announced.size.saturating_add(awaited).saturating_add(SPARE_BYTES);
        if let Some(free) = self.free_bytes.filter(|free| *free < needed) {
            return Err(UploadError::NoRoom { needed, free, dir: self.dir.clone() });
        }
        let place = self.place(&fresh_id()?)?;
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place.data);
        let file = new.map_err(|cause| disk(&place.data, cause))?;
        file.try_lock().map_err(|cause| disk(&place.data, cause.into()))?;
        let note = Note::new(announced, now);
        note.write(&place.note)?;
        Ok(note.upload(&place.id))
    }

    /// All uploads in the order of their begin.
    pub fn list(&self) -> Result<Vec<Upload>, UploadError> {
        let mut all = Vec::new();
        for id in self.ids()? {
            if let Ok(upload) = self.show(&id) {
                all.push(upload);
            }
        }
        all.sort_by(|a, b| (a.begun, &a.id).cmp(&(b.begun, &b.id)));
        Ok(all)
    }

    /// One upload.
    pub fn show(&self, id: &str) -> Result<Upload, UploadError> {
        let place = self.place(id)?;
        let note = Note::read(&place.note).ok_or_else(|| UploadError::unknown(id))?;
        Ok(note.upload(&place.id))
    }

    /// Opens an upload to go on writing, at an offset that must be where its safe bytes end.
    pub fn append(&self, id: &str, offset: u64) -> Result<Appending, UploadError> {
        let (place, mut file, note) = self.hold(id)?;
        if offset != note.bytes {
            return Err(UploadError::WrongOffset { is: note.bytes, asked: offset });
        }
        // What is behind the synced bytes may be anything after a power cut.
        let ready = file.set_len(note.bytes).and_then(|()| file.seek(SeekFrom::Start(note.bytes)));
        ready.map_err(|cause| disk(&place.data, cause))?;
        let hasher = (offset == 0 && note.sha256.is_some()).then(Sha256::new);
        Ok(Appending { place, file, written: note.bytes, note, hasher })
    }

    /// Takes a whole upload, to be imported from. Others are refused until it is dropped or removed. One
    /// whose hash was announced, and whose sender or server went before it was compared, is compared now.
    pub fn take(&self, id: &str) -> Result<Taken, UploadError> {
        let (place, mut file, mut note) = self.hold(id)?;
        let upload = note.upload(&place.id);
        if !upload.is_whole() {
            return Err(UploadError::NotWhole { is: upload.offset, size: upload.announced.size });
        }
        if let Some(announced) = note.sha256.filter(|_| !note.compared) {
            let found = hash(&mut file).map_err(|cause| disk(&place.data, cause))?;
            note.compare(&place.note, announced, found)?;
        }
        Ok(Taken { place, _file: file, upload })
    }

    /// Removes an upload that nobody writes or reads.
    pub fn remove(&self, id: &str) -> Result<(), UploadError> {
        let (place, _held, _) = self.hold(id)?;
        place.remove()
    }

    /// Removes uploads to which nothing came for [`LIFE`], and files that belong to none. What somebody
    /// holds stays. The ids of those that went.
    pub fn expire(&self, now: Now) -> Result<Vec<String>, UploadError> {
        let mut gone = Vec::new();
        for id in self.ids()? {
            match self.hold(&id) {
                Ok((place, _held, note)) if now.since(note.changed) >= LIFE => place.remove()?,
                // Bytes without a note that can be read are of nobody.
                Err(UploadError::Unknown { .. }) => self.place(&id)?.remove_unheld()?,
                Ok(_) | Err(UploadError::Busy { .. }) => continue,
                Err(why) => return Err(why),
            }
            gone.push(id);
        }
        Ok(gone)
    }

    fn place(&self, id: &str) -> Result<Place, UploadError> {
        // Only what this room names itself is ever put into a path.
        let ours =
            id.len() == ID_DIGITS && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if !ours {
            return Err(UploadError::unknown(id));
        }
        let file = |end: &str| self.dir.join(format!("{id}.{end}"));
        Ok(Place { id: id.to_owned(), data: file("data"), note: file("json") })
    }

    /// Opens and locks an upload.
    fn hold(&self, id: &str) -> Result<(Place, File, Note), UploadError> {
        let place = self.place(id)?;
        let opened = OpenOptions::new().read(true).write(true).open(&place.data);
        let file = opened.map_err(|cause| match cause.kind() {
            io::ErrorKind::NotFound => UploadError::unknown(id),
            _ => disk(&place.data, cause),
        })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(UploadError::Busy { id: place.id }),
            Err(TryLockError::Error(cause)) => return Err(disk(&place.data, cause)),
            Ok(()) => {}
        }
        // Whoever had it before may have removed it between our opening and our lock.
        let held = file.metadata().map_err(|cause| disk(&place.data, cause))?;
        let note =
            Note::read(&place.note).filter(|note| held.nlink() > 0 && note.bytes <= held.len());
        let note = note.ok_or_else(|| UploadError::unknown(id))?;
        Ok((place, file, note))
    }

    /// Ids that files here are named by, whether their uploads are sound or not.
    fn ids(&self) -> Result<Vec<String>, UploadError> {
        let entries = fs::read_dir(&self.dir).map_err(|cause| disk(&self.dir, cause))?;
        // Two files each, and one more while a note is written.
        let names = entries
            .take(UPLOADS_MAX * 16)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut ids: Vec<String> =
            names.filter_map(|name| Some(name.split_once('.')?.0.to_owned())).collect();
        ids.sort();
        ids.dedup();
        ids.retain(|id| self.place(id).is_ok());
        Ok(ids)
    }
}

impl Appending {
    /// How many bytes may still come.
    pub fn awaited(&self) -> u64 {
        self.note.size - self.written
    }

    /// Writes the next bytes; more than were announced are refused, none of them is kept.
    pub fn write(&mut self, bytes: &[u8], now: Now) -> Result<(), UploadError> {
        if bytes.len() as u64 > self.awaited() {
            return Err(UploadError::TooMuch { size: self.note.size });
        }
        self.file.write_all(bytes).map_err(|cause| disk(&self.place.data, cause))?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        self.written += bytes.len() as u64;
        if self.written - self.note.bytes >= SYNC_BYTES {
            self.sync(now)?;
        }
        Ok(())
    }

    /// Makes what came safe, and notes it. A whole file whose hash was announced is compared; one that
    /// differs is thrown away, to be sent anew from 0.
    pub fn finish(mut self, now: Now) -> Result<Upload, UploadError> {
        self.sync(now)?;
        if self.written < self.note.size {
            return Ok(self.note.upload(&self.place.id));
        }
        let Some(announced) = self.note.sha256 else { return Ok(self.note.upload(&self.place.id)) };
        let found = match self.hasher.take() {
            Some(hasher) => Hash(hasher.finalize().into()),
            None => hash(&mut self.file).map_err(|cause| disk(&self.place.data, cause))?,
        };
        self.note.compare(&self.place.note, announced, found)?;
        Ok(self.note.upload(&self.place.id))
    }

    fn sync(&mut self, now: Now) -> Result<(), UploadError> {
        self.file.sync_data().map_err(|cause| disk(&self.place.data, cause))?;
        self.note.bytes = self.written;
        self.note.changed = now;
        self.note.write(&self.place.note)
    }
}

/// The hash of all bytes of a file.
fn hash(file: &mut File) -> io::Result<Hash> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    file.rewind()?;
    loop {
        let got = match file.read(&mut buffer) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            got => got?,
        };
        let Some(bytes) = buffer.get(..got).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
    }
    Ok(Hash(hasher.finalize().into()))
}

impl Taken {
    /// Where its bytes are.
    pub fn path(&self) -> &Path {
        &self.place.data
    }

    /// What it is.
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// Removes it, once its bytes are kept elsewhere.
    pub fn remove(self) -> Result<(), UploadError> {
        self.place.remove()
    }
}

impl Place {
    fn remove(&self) -> Result<(), UploadError> {
        // First the note: bytes without one are of nobody.
        for path in [&self.note, &self.note.with_extension("new"), &self.data] {
            match fs::remove_file(path) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(disk(path, cause));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes what belongs to no upload, unless somebody holds it: it may be just beginning.
    fn remove_unheld(&self) -> Result<(), UploadError> {
        let held = File::open(&self.data).is_ok_and(|file| file.try_lock().is_err());
        if held { Ok(()) } else { self.remove() }
    }
}

fn check_name(name: &str) -> Result<(), UploadError> {
    let shown = model::text::show(name.as_bytes());
    let odd = name.contains(['/', '\\', '\0']) || name.chars().any(char::is_control);
    if name.is_empty() || name == "." || name == ".." || odd {
        return Err(UploadError::BadName {
            name: shown,
            why: "a plain file name is needed, without folders",
        });
    }
    if name.len() > NAME_MAX {
        return Err(UploadError::BadName { name: shown, why: "it is longer than 255 bytes" });
    }
    Ok(())
}

/// 128 bits of chance.
fn fresh_id() -> Result<String, UploadError> {
    let mut bytes = [0; ID_DIGITS / 2];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    match got {
        Ok(got) if got == bytes.len() => Ok(model::address::hex_of(&bytes)),
        Ok(_) => Err(UploadError::Chance(io::Error::other("it gave too little"))),
        Err(cause) => Err(UploadError::Chance(cause.into())),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder).and_then(|opened| opened.sync_all())
}

fn disk(path: &Path, cause: io::Error) -> UploadError {
    UploadError::Disk { path: path.to_owned(), cause }
}
