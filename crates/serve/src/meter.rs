//! What is told of a file on its way.

use crate::board::{Board, Place};
use crate::owner::Owner;
use model::event::{Carrier, Cut};
use model::{Event, Happening, HardwareAddress, Now};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A smaller file is across before anybody has looked.
const PROGRESS_FROM_BYTES: u64 = 4 * 1024 * 1024;
/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Tells the owner how one transfer goes: started, on its way, and once how it ended. While it
/// lives, the transfer stands on the board.
pub(crate) struct Meter<O> {
    owner: O,
    about: Arc<About>,
    started: Now,
    told: Now,
    place: Option<Place>,
}

/// Which transfer it is.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// As asked, shown.
    pub(crate) file: String,
    pub(crate) by: Carrier,
    pub(crate) to: IpAddr,
    pub(crate) size: u64,
    pub(crate) machine: Option<HardwareAddress>,
    pub(crate) link: String,
    /// Where it stands while it runs.
    pub(crate) board: Board,
}

/// What is told of a file that is published and cannot be opened. That its blob is damaged was told
/// already, by the store.
pub(crate) fn unreadable(by: Carrier, file: String, cause: &io::Error) -> Vec<Happening> {
    let alarm = (!library::is_damage(cause)).then(|| Happening::Alarm {
        text: format!("{file} is published but cannot be read: {cause}; import its image again"),
    });
    let failed = Happening::TransferFailed {
        file,
        by,
        sent: 0,
        size: 0,
        why: cause.to_string(),
        took_ms: 0,
        again: 0,
        cut: Some(Cut::Source),
        to: None,
    };
    alarm.into_iter().chain([failed]).collect()
}

impl<O: Owner> Meter<O> {
    /// A transfer that was asked for at `started` and now begins to go out.
    pub(crate) fn start(owner: O, about: About, started: Now) -> Self {
        let mut meter = Self::start_silently(owner, about, started);
        let About { file, by, to, size, .. } = About::clone(&meter.about);
        let waited_ms = meter.took_ms();
        meter.tell(Happening::TransferStarted { file, by, to, size, waited_ms });
        let (about, now) = (Arc::clone(&meter.about), meter.owner.now());
        meter.place = Some(meter.about.board.enter(about, started, now));
        meter
    }

    /// A transfer of which nothing is told but how it ends.
    pub(crate) fn start_silently(owner: O, about: About, started: Now) -> Self {
        Self { owner, about: Arc::new(about), started, told: started, place: None }
    }

    /// So much is across.
    pub(crate) fn progress(&mut self, sent: u64) {
        self.progress_at(self.owner.now(), sent, 0);
    }

    /// So much is across now, and so many blocks had to be sent again.
    pub(crate) fn progress_at(&mut self, now: Now, sent: u64, again: u64) {
        if let Some(place) = &mut self.place {
            place.note(now, sent, again);
        }
        if self.about.size < PROGRESS_FROM_BYTES || now.since(self.told) < PROGRESS_EVERY {
            return;
        }
        self.told = now;
        let About { file, by, size, .. } = About::clone(&self.about);
        let took_ms = self.took_ms();
        self.tell(Happening::TransferProgress { file, by, sent, size, took_ms, again });
    }

    /// Whether it waits for its turn.
    pub(crate) fn waits(&self, waits: bool) {
        if let Some(place) = &self.place {
            place.note_wait(waits);
        }
    }

    /// All is across; `again` blocks had to be sent more than once.
    pub(crate) fn done(mut self, again: u64) {
        if let Some(place) = self.place.take() {
            place.ended(true, again);
        }
        let About { file, by, size, .. } = About::clone(&self.about);
        self.tell(Happening::TransferDone { file, by, size, took_ms: self.took_ms(), again });
    }

    /// It ended early; `again` blocks had been sent more than once.
    pub(crate) fn failed(mut self, sent: u64, again: u64, why: String, cut: Cut) {
        if let Some(place) = self.place.take() {
            place.ended(false, 0);
        }
        let About { file, by, to, size, .. } = About::clone(&self.about);
        let (took_ms, cut, to) = (self.took_ms(), Some(cut), Some(to));
        self.tell(Happening::TransferFailed { file, by, sent, size, why, took_ms, again, cut, to });
    }

    fn took_ms(&self) -> u64 {
        u64::try_from(self.owner.now().since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&self, what: Happening) {
        self.owner.tell(Event::new(
            self.owner.now(),
            self.about.machine,
            Some(self.about.link.clone()),
            what,
        ));
    }
}
