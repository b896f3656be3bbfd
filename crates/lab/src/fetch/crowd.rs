//! Many slow readers of one file, all alive at the same time.
//!
//! In: how many, at which rate together, for how long. Out: how many were served, what they got, and
//! what was asked in between. Never: a reader who is quicker than its share: each takes a window, or
//! a part of a stream, when its turn has come.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::Stand;
use super::http::{self, Http, Scrap};
use super::poll::{Poll, room_for};
use super::tftp::{self, Tftp};
use crate::rig::Trouble;
use crate::rig::ns::Namespace;

/// What waits unread by HTTP: a reader that is slow has no more room.
const HTTP_ROOM: usize = 16 * 1024;
/// So many begin at the same moment; then the next, when all of them were answered.
const AT_ONCE: usize = 250;
/// How long readers may take to be answered, all of them.
const OPENING: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// How they ask.
#[derive(Clone, Debug)]
pub enum Asks {
    /// By TFTP.
    Tftp(tftp::Ask),
    /// By HTTP.
    Http(http::Ask),
}

/// What is to be played.
#[derive(Clone, Debug)]
pub struct Play {
    /// What each asks for; the source is replaced.
    pub asks: Asks,
    /// How many.
    pub readers: u32,
    /// The first reader's address; the next one has the next.
    pub first: Ipv4Addr,
    /// Bytes in a second, all together.
    pub rate: f64,
    /// How long they read once all were answered.
    pub lasts: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Alive from the beginning to the end of the reading.
    pub alive: u32,
    /// What they got in that time.
    pub bytes: u64,
    /// How long it was.
    pub took: Duration,
    /// TFTP packets said again by the timer.
    pub again: u64,
    /// Why others were not served.
    pub failed: Vec<String>,
}

enum Reader {
    Tftp(Tftp),
    Http(Http),
    Gone,
}

/// Plays it from a namespace; `at_begin` is called when all are served, `at_end` while they still
/// are.
///
/// # Errors
/// When sockets cannot be had.
pub fn play(
    at: &Namespace,
    play: &Play,
    at_begin: impl FnOnce() + Send,
    at_end: impl FnOnce() + Send,
) -> Result<Outcome, Trouble> {
    at.inside(|| {
        room_for(u64::from(play.readers) + 100)?;
        let mut crowd = Crowd {
            play,
            poll: Poll::new()?,
            readers: Vec::new(),
            scrap: Scrap::default(),
            outcome: Outcome::default(),
        };
        crowd.open()?;
        at_begin();
        let (before, begun) = (crowd.bytes(), crowd.poll.now());
        crowd.read()?;
        crowd.outcome.took = crowd.poll.now() - begun;
        crowd.outcome.bytes = crowd.bytes().saturating_sub(before);
        at_end();
        Ok(crowd.end())
    })?
}

struct Crowd<'a> {
    play: &'a Play,
    poll: Poll,
    readers: Vec<Reader>,
    scrap: Scrap,
    outcome: Outcome,
}

impl Crowd<'_> {
    /// Begins all of them, some hundred at a time.
    fn open(&mut self) -> Result<(), Trouble> {
        let count = self.play.readers as usize;
        while self.readers.len() < count {
            let until = (self.readers.len() + AT_ONCE).min(count);
            for number in self.readers.len()..until {
                let reader = self.begin(number)?;
                self.readers.push(reader);
            }
            while self.readers.iter().any(|reader| !reader.answered()) && self.poll.now() < OPENING
            {
                self.turn()?;
            }
        }
        for number in 0..self.readers.len() {
            if self.readers.get(number).is_some_and(|reader| !reader.answered()) {
                self.gone(number, "not answered".to_owned());
            }
        }
        Ok(())
    }

    fn begin(&mut self, number: usize) -> Result<Reader, Trouble> {
        let from = Ipv4Addr::from(u32::from(self.play.first).saturating_add(number as u32));
        match self.play.asks.clone() {
            Asks::Tftp(ask) => {
                let get = Tftp::begin(self.poll.now(), tftp::Ask { from, patient: true, ..ask })?;
                self.poll.reads(&get, number as u64)?;
                self.poll.alarm(get.deadline(), number as u64);
                Ok(Reader::Tftp(get))
            }
            Asks::Http(ask) => {
                let get = Http::begin(http::Ask { from, room: Some(HTTP_ROOM), ..ask })?;
                self.poll.connects(&get, number as u64)?;
                Ok(Reader::Http(get))
            }
        }
    }

    /// What happens until the next look. By HTTP only heads are waited for: bodies are read in turn.
    fn turn(&mut self) -> Result<(), Trouble> {
        for number in self.poll.wait(LOOK)? {
            let (now, number) = (self.poll.now(), number as usize);
            let stand = match self.readers.get_mut(number) {
                Some(Reader::Tftp(get)) => get.readable(now),
                Some(Reader::Http(get)) if !get.asked() => {
                    self.poll.now_reads(&*get, number as u64)?;
                    get.connected()
                }
                Some(Reader::Http(get)) => {
                    let stand = get.look(&mut self.scrap).unwrap_or(Stand::Going);
                    if get.answered() {
                        self.poll.forget(&*get)?;
                    }
                    stand
                }
                _ => continue,
            };
            self.take(number, stand);
        }
        while let Some(number) = self.poll.rings() {
            let (now, number) = (self.poll.now(), number as usize);
            let Some(Reader::Tftp(get)) = self.readers.get_mut(number) else { continue };
            let stand = get.late(now);
            self.poll.alarm(get.deadline(), number as u64);
            self.take(number, stand);
        }
        Ok(())
    }

    fn take(&mut self, number: usize, stand: Stand) {
        match stand {
            Stand::Going => {}
            Stand::Done => self.gone(number, "the file was too small".to_owned()),
            Stand::Failed(why) => self.gone(number, why),
        }
    }

    fn gone(&mut self, number: usize, why: String) {
        if let Some(reader) = self.readers.get_mut(number) {
            *reader = Reader::Gone;
            self.outcome.failed.push(why);
        }
    }

    /// Each in its turn, round and round, no quicker than all may together.
    fn read(&mut self) -> Result<(), Trouble> {
        let (begun, count) = (self.poll.now(), self.readers.len().max(1));
        let before = self.bytes();
        let mut next = 0;
        while self.poll.now() - begun < self.play.lasts {
            let due = (self.poll.now() - begun).as_secs_f64() * self.play.rate;
            let mut idle = 0;
            let mut leave = self.bytes().saturating_sub(before);
            while (leave as f64) < due && idle < count {
                match self.give_turn(next)? {
                    0 => idle += 1,
                    bytes => {
                        idle = 0;
                        leave += bytes;
                    }
                }
                next = (next + 1) % count;
            }
            self.turn()?;
        }
        Ok(())
    }

    /// One reader's turn: how many bytes it takes, or lets come.
    fn give_turn(&mut self, number: usize) -> Result<u64, Trouble> {
        let now = self.poll.now();
        let (bytes, stand) = match self.readers.get_mut(number) {
            Some(Reader::Tftp(get)) => {
                let window = get.window_bytes();
                (if get.acknowledge(now) { window } else { 0 }, Stand::Going)
            }
            Some(Reader::Http(get)) => {
                let before = get.bytes();
                let stand = get.look(&mut self.scrap).unwrap_or(Stand::Going);
                (get.bytes().saturating_sub(before), stand)
            }
            _ => (0, Stand::Going),
        };
        self.take(number, stand);
        Ok(bytes)
    }

    fn bytes(&self) -> u64 {
        self.readers.iter().map(Reader::bytes).sum()
    }

    fn end(self) -> Outcome {
        let mut outcome = self.outcome;
        for reader in self.readers {
            outcome.alive += u32::from(!matches!(reader, Reader::Gone));
            if let Reader::Tftp(get) = reader {
                outcome.again += u64::from(get.resent());
                get.stop();
            }
        }
        outcome
    }
}

impl Reader {
    fn answered(&self) -> bool {
        match self {
            Self::Tftp(get) => get.answered(),
            Self::Http(get) => get.answered(),
            Self::Gone => true,
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Tftp(get) => get.bytes(),
            Self::Http(get) => get.bytes(),
            Self::Gone => 0,
        }
    }
}
