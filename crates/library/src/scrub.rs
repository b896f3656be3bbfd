//! Reading all blobs, slowly, to find what the disk no longer gives back as it took it.
//!
//! In: a store, moments; the caller says when the next step is, and so how fast it goes. Out: steps, each
//! one chunk; what is wrong (damaged blobs are in quarantine then); how far it is. Never: a clock; a second
//! pass at the same time; the system's memory filled with what nobody asked for.
//!
//! `STATE/blobs/scrub` keeps the place, so that a restart goes on where the last run was:
//!
//! ```text
//! bootwright scrub 1
//! finished 1764115200000        milliseconds since 1970, or -
//! began 1764720000000 at 3f…e1 7340032
//! ```

use crate::store::{Blobs, CHUNK_BYTES, From, Pass, Stepped, StoreError, open_plain};
use model::{Hash, Now};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// So many bytes in a second, if nobody says otherwise: a disk has time for others beside it.
pub const RATE: u64 = 20 << 20;
/// A pass begins so long after the last one ended.
pub const EVERY: Duration = Duration::from_secs(7 * 86_400);
/// After so many chunks the place is kept: what a restart reads twice.
const KEPT_EVERY: u64 = 64;
/// More is not read of the file that keeps the place.
const PLACE_BYTES_MAX: u64 = 1024;
const TITLE: &str = "bootwright scrub 1";

/// One pass over all blobs.
#[derive(Debug)]
pub struct Scrub {
    blobs: Arc<Blobs>,
    place: Place,
    path: PathBuf,
    /// Locked, so that nobody else scrubs.
    file: File,
    todo: VecDeque<(Hash, u64)>,
    current: Option<Pass>,
    progress: Progress,
    steps: u64,
}

/// How far a pass is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    /// Bytes that were read, by an earlier run perhaps.
    pub done: u64,
    /// Bytes of all blobs when it began.
    pub total: u64,
    /// Blobs that are left.
    pub left: usize,
    /// Blobs that were in quarantine already, and were not read.
    pub quarantined: usize,
    /// Blobs that this run found damaged, in words.
    pub damaged: Vec<String>,
    /// What it could not read at all, in words.
    pub unread: Vec<String>,
}

/// What a step did.
#[derive(Debug)]
pub enum Step {
    /// So many bytes were read; wait for as long as they should take ([`pause`]).
    Read(u64),
    /// Something is wrong. That a blob is damaged was told by [`Blobs::on_damage`].
    Wrong(StoreError),
    /// All blobs were read.
    Done,
}

/// What is kept of passes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Place {
    finished: Option<Now>,
    began: Option<(Now, Hash, u64)>,
}

/// When a pass should begin or go on: at once if one was broken off, there was none yet, or the last
/// one says that it ended later than now (by a clock that was wrong then).
pub fn due(blobs: &Blobs, now: Now) -> Now {
    let mut text = String::new();
    let opened = open_plain(&path(blobs));
    // What cannot be read says nothing, and then all is read once more.
    let _ = opened.and_then(|file| file.take(PLACE_BYTES_MAX).read_to_string(&mut text));
    match Place::parse(&text) {
        Some(Place { finished: Some(finished), began: None }) if finished <= now => {
            finished + EVERY
        }
        _ => Now(0),
    }
}

/// How long so many bytes should take.
pub fn pause(bytes: u64, bytes_per_s: u64) -> Duration {
    let micros = bytes.saturating_mul(1_000_000) / bytes_per_s.max(1);
    Duration::from_micros(micros)
}

impl Scrub {
    /// Goes on with the pass that was broken off, or begins one. Nothing if somebody else is at it.
    pub fn start(blobs: &Arc<Blobs>, now: Now) -> Result<Option<Self>, StoreError> {
        let path = path(blobs);
        let fault = |cause| StoreError::write(&path, cause);
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.custom_flags(nofollow).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            Err(std::fs::TryLockError::Error(cause)) => return Err(fault(cause)),
        }
        let mut text = String::new();
        let read = (&file).take(PLACE_BYTES_MAX).read_to_string(&mut text);
        let mut place = read.ok().and_then(|_| Place::parse(&text)).unwrap_or_default();
        let (_, from, _) = *place.began.get_or_insert((now, Hash([0; 32]), 0));
        let all = blobs.sizes()?;
        let total = all.iter().map(|(_, size)| size).sum();
        let before = all.iter().filter(|(hash, _)| *hash < from).map(|(_, size)| size).sum();
        let todo = all.into_iter().filter(|(hash, _)| *hash >= from).collect();
        let progress = Progress { total, done: before, ..Progress::default() };
        let blobs = Arc::clone(blobs);
        let mut scrub = Self { blobs, place, path, file, todo, current: None, progress, steps: 0 };
        scrub.progress.left = scrub.todo.len();
        scrub.keep_place()?;
        Ok(Some(scrub))
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Reads the next chunk. After [`Step::Done`] there is nothing more to do.
    pub fn step(&mut self, now: Now) -> Result<Step, StoreError> {
        loop {
            let Some(mut pass) = self.current.take() else {
                match self.next_blob() {
                    Next::Blob(pass) => self.current = Some(*pass),
                    Next::Passed => {}
                    Next::Wrong(fault) => return Ok(self.wrong(fault)),
                    Next::None => return self.finish(now).map(|()| Step::Done),
                }
                continue;
            };
            let before = pass.at();
            match pass.step() {
                Ok(Stepped::Read) => {
                    let read = pass.at().saturating_sub(before);
                    self.read_on(&pass, read)?;
                    self.current = Some(pass);
                    return Ok(Step::Read(read));
                }
                Ok(Stepped::Sound(_)) => {}
                Err(fault) => {
                    let rest = pass.size().saturating_sub(before);
                    self.progress.done = self.progress.done.saturating_add(rest);
                    return Ok(self.wrong(fault));
                }
            }
        }
    }

    fn read_on(&mut self, pass: &Pass, read: u64) -> Result<(), StoreError> {
        self.progress.done = self.progress.done.saturating_add(read);
        self.steps = self.steps.wrapping_add(1);
        if let Some((_, hash, offset)) = &mut self.place.began {
            (*hash, *offset) = (pass.hash(), pass.at());
        }
        if self.steps.is_multiple_of(KEPT_EVERY) { self.keep_place() } else { Ok(()) }
    }

    fn next_blob(&mut self) -> Next {
        let Some((hash, size)) = self.todo.pop_front() else { return Next::None };
        self.progress.left = self.todo.len();
        let offset = self.place.began.filter(|(_, at, _)| *at == hash).map_or(0, |(.., at)| at);
        let passed = |progress: &mut Progress| progress.done = progress.done.saturating_add(size);
        if self.blobs.place.is_quarantined(&hash) {
            self.progress.quarantined = self.progress.quarantined.saturating_add(1);
            passed(&mut self.progress);
            return Next::Passed;
        }
        match Pass::open(&self.blobs.place, hash, From::Disk, offset) {
            Ok(pass) => {
                self.progress.done = self.progress.done.saturating_add(pass.at());
                Next::Blob(Box::new(pass))
            }
            // Its image was removed meanwhile.
            Err(StoreError::Missing { .. }) => {
                passed(&mut self.progress);
                Next::Passed
            }
            Err(fault) => {
                passed(&mut self.progress);
                Next::Wrong(fault)
            }
        }
    }

    fn wrong(&mut self, fault: StoreError) -> Step {
        let Progress { damaged, unread, .. } = &mut self.progress;
        let list = if fault.is_damage() { damaged } else { unread };
        list.push(fault.to_string());
        Step::Wrong(fault)
    }

    fn finish(&mut self, now: Now) -> Result<(), StoreError> {
        self.place = Place { finished: Some(now), began: None };
        self.keep_place()
    }

    fn keep_place(&self) -> Result<(), StoreError> {
        let text = self.place.text();
        // What a crash tears is not understood, and all is read once more.
        let written = self.file.write_all_at(text.as_bytes(), 0);
        let kept = written.and_then(|()| self.file.set_len(text.len() as u64));
        kept.map_err(|cause: io::Error| StoreError::write(&self.path, cause))
    }
}

/// What comes after a blob.
enum Next {
    Blob(Box<Pass>),
    Passed,
    Wrong(StoreError),
    None,
}

impl Place {
    fn text(&self) -> String {
        let finished = self.finished.map_or("-".to_owned(), |now| now.0.to_string());
        let began = match &self.began {
            Some((now, hash, offset)) => format!("began {} at {hash} {offset}\n", now.0),
            None => String::new(),
        };
        format!("{TITLE}\nfinished {finished}\n{began}")
    }

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(TITLE)?.strip_prefix("\nfinished ")?;
        let (finished, rest) = rest.split_once('\n')?;
        let finished = match finished {
            "-" => None,
            moment => Some(Now(moment.parse().ok()?)),
        };
        if rest.is_empty() {
            return Some(Self { finished, began: None });
        }
        let mut words = rest.strip_prefix("began ")?.strip_suffix('\n')?.split(' ');
        let now = Now(words.next()?.parse().ok()?);
        let hash = (words.next()? == "at").then(|| words.next())??.parse().ok()?;
        let offset: u64 = words.next()?.parse().ok()?;
        let began = Some((now, hash, offset - offset % CHUNK_BYTES));
        words.next().is_none().then_some(Self { finished, began })
    }
}

fn path(blobs: &Blobs) -> PathBuf {
    blobs.place.blobs.join("scrub")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_and_what_is_torn_is_none() {
        let began = Some((Now(5), Hash([0xab; 32]), 7 << 20));
        for place in [
            Place::default(),
            Place { finished: Some(Now(77)), began: None },
            Place { finished: Some(Now(77)), began },
            Place { finished: None, began },
        ] {
            let text = place.text();
            assert_eq!(Place::parse(&text), Some(place), "{text}");
            for length in 0..text.len() {
                let torn = Place::parse(&text[..length]);
                let as_if_finished = Some(Place { began: None, ..place });
                assert!(torn.is_none() || torn == as_if_finished, "{length} of {text}");
            }
            assert_eq!(Place::parse(&format!("{text}x")), None);
        }
    }

    #[test]
    fn bytes_take_as_long_as_the_rate_says() {
        assert_eq!(pause(1 << 20, 1 << 20), Duration::from_secs(1));
        assert_eq!(pause(1 << 20, 20 << 20), Duration::from_millis(50));
        assert_eq!(pause(0, 0), Duration::ZERO);
        assert_eq!(pause(1, 0), Duration::from_secs(1));
    }
}
