//! How far a connection has come, and how long it may take.
//!
//! In: the moment, and what the kernel says has arrived. Out: progress and ends of transfers, and who
//! is overdue. Never: "sent" for what only waits here to be sent.

use super::{CLOSED, Connection, Desk, Doing, LATE, SPOILT};
use crate::Limits;
use crate::http::tls::words::Unfinished;
use crate::http::transport::Transport;
use crate::owner::{Blob, Bytes, Owner};
use model::event::Cut;
use std::time::{Duration, Instant};

/// How often it is looked at the latest whether the last bytes of a file have arrived.
const LOOK_LAST: Duration = Duration::from_millis(500);
/// How long a client may take to notice that we have closed.
const LINGER: Duration = Duration::from_secs(2);

const SLOW: &str = "the client read too slowly";

/// Why a connection ended, as a value of an event.
fn cut(why: &'static str) -> Cut {
    match why {
        CLOSED => Cut::Closed,
        SLOW => Cut::Slow,
        SPOILT => Cut::Source,
        _ => Cut::Other,
    }
}

/// Why a sweep ends a connection.
pub(in crate::http) enum Overdue {
    /// It was idle or slow.
    Cut(&'static str),
    /// It was closed long enough ago.
    Closed,
}

impl<O: Owner, B: Blob> Connection<O, B> {
    /// Tells of files that are across.
    pub(super) fn settle(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        let arrived = self.arrived();
        while self.leaving.front().is_some_and(|file| file.end <= arrived) {
            if let Some(file) = self.leaving.pop_front() {
                file.meter.done(0);
            }
        }
    }

    /// Bytes of responses that the other end has.
    pub(in crate::http) fn arrived(&self) -> u64 {
        // Our own end of the connection counts as a byte.
        let end = u64::from(matches!(self.doing, Doing::Closing));
        self.carried.saturating_sub(self.wire.underway().saturating_sub(end))
    }

    /// Looks whether files are across, ever more seldom.
    pub(super) fn look_after(&mut self, now: Instant) {
        if self.wake.is_none_or(|wake| wake > now) {
            return;
        }
        self.wake = None;
        self.settle();
        if !self.leaving.is_empty() {
            self.look = self.look.saturating_mul(2).min(LOOK_LAST);
            self.wake = Some(now + self.look);
        }
    }

    /// Whether its time is over, and how its transfers go.
    pub(in crate::http) fn sweep(&mut self, limits: &Limits, now: Instant) -> Option<Overdue> {
        let since = now.saturating_duration_since(self.pace.since);
        let sends = match &self.doing {
            Doing::Head if since >= limits.http_head => {
                return Some(Overdue::Cut(LATE));
            }
            Doing::Body(_) if since >= limits.http_body => {
                return Some(Overdue::Cut(LATE));
            }
            Doing::Idle if self.leaving.is_empty() && since >= limits.http_idle => {
                return Some(Overdue::Cut("it was idle"));
            }
            Doing::Closing if self.leaving.is_empty() && since >= LINGER => {
                return Some(Overdue::Closed);
            }
            Doing::Sending(_) => !self.held_back,
            _ => !self.leaving.is_empty(),
        };
        let arrived = self.arrived();
        self.tell_progress(arrived);
        // While we let it wait, it is not the client that is slow.
        if !sends {
            (self.pace.window, self.pace.arrived) = (now, arrived);
            return None;
        }
        if now.saturating_duration_since(self.pace.window) < limits.http_slow {
            return None;
        }
        let enough = arrived.saturating_sub(self.pace.arrived) >= limits.http_slow_bytes;
        (self.pace.window, self.pace.arrived) = (now, arrived);
        (!enough).then_some(Overdue::Cut(SLOW))
    }

    fn tell_progress(&mut self, arrived: u64) {
        if let Doing::Sending(Some(sending)) | Doing::Cold(sending) = &mut self.doing {
            let sent = arrived.saturating_sub(sending.begun).min(sending.length);
            if let Some(meter) = &mut sending.meter {
                meter.progress(sent);
            }
        }
        for file in &mut self.leaving {
            file.meter.progress(arrived.saturating_sub(file.begun).min(file.end - file.begun));
        }
    }

    /// A new response begins: a client that takes its time between two is not slow.
    pub(in crate::http) fn pace_anew(&mut self, now: Instant) {
        self.pace.window = now;
        self.pace.arrived = self.arrived();
    }

    /// The connection is no more. What was not across is told of as cut.
    pub(in crate::http) fn gone<S: Bytes<Blob = B>>(
        mut self,
        desk: &Desk<O, S>,
        why: &'static str,
    ) {
        self.settle();
        let arrived = self.arrived();
        for file in self.leaving.drain(..) {
            file.meter.failed(arrived.saturating_sub(file.begun), 0, why.to_owned(), cut(why));
        }
        if let Doing::Sending(Some(sending)) | Doing::Cold(sending) = &mut self.doing
            && let Some(meter) = sending.meter.take()
        {
            let sent = arrived.saturating_sub(sending.begun).min(sending.length);
            meter.failed(sent, 0, why.to_owned(), cut(why));
        }
        if why == LATE
            && let Transport::Tls(secured) = &self.wire
            && let Some(told) = secured.unfinished(Unfinished::Late)
        {
            self.tell_no_tls(desk, told);
        }
    }
}
