//! One file to one client, as a value that is told what happened and asked what comes next.
//!
//! In: ACKs, errors and repeated requests of the client, and the time. Out: [`Step`]s: which range
//! of the file goes out as which block, how long to wait, and at the end why it ended. Never: the
//! bytes of the file, a socket, a clock.
//!
//! The driver asks [`Transfer::next`] again and again until it is told to wait, and tells the
//! transfer what arrives meanwhile:
//!
//! ```text
//! loop: next(now) ─ SendOack, SendData → send, ask again
//!                 ─ WaitUntil          → wait for a packet or the moment, tell, ask again
//!                 ─ Done, GiveUp       → tell the operator, free the port after LINGER_MS
//! ```

use super::negotiate::{Negotiated, Wrap};
use super::outcome::{Progress, Summary, Why};
use super::pace::Pace;
use super::timers::{Gap, TIMER_FIRST, Timers};
use model::Now;
use std::time::Duration;
use wire::tftp::ErrorCode;

/// How long to keep a finished transfer's port, so that late ACKs fall on nothing.
pub const LINGER_MS: u64 = 2000;

/// When everything is sent and the client has gone silent, it has most likely started what it
/// got: that many tries and that long, then it counts as success.
const FAREWELL_TRIES: u32 = 4;
const FAREWELL: Duration = Duration::from_secs(10);
/// However long a timeout the client asked for: so many times the usual patience, not more.
const PATIENCE_FACTOR_MAX: u32 = 10;

/// What the driver does next. It asks again until told to wait.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Step {
    /// Send these bytes (RFC 2347, OACK).
    SendOack(Vec<u8>),
    /// Send `wire::tftp::data_header(block)` and `len` bytes of the file from `offset` on.
    SendData {
        /// The number on the wire.
        block: u16,
        /// Where the block begins in the file.
        offset: u64,
        /// Its length; the last block is shorter than the others, or empty.
        len: usize,
    },
    /// Nothing to send before this moment, unless something arrives.
    WaitUntil(Now),
    /// The client has the file, as far as can be known.
    Done(Summary),
    /// It ended otherwise. Send [`Why::farewell`] if there is one.
    GiveUp(Why),
}

/// The sender's side of one RRQ.
///
/// Blocks are counted in 64 bits from 1 and put on the wire in 16.
#[derive(Clone, Debug)]
pub struct Transfer {
    agreed: Negotiated,
    started: Now,
    /// The last block, the one that is shorter than the others.
    blocks: u64,
    /// OACK or DATA 1 is out, and nothing has come back.
    half_open: bool,
    /// Datagrams sent while half open.
    opened: u32,
    /// Send the opening again as soon as asked.
    opening_due: bool,
    /// The last confirmed block.
    acked: u64,
    /// The block to send next, and the last one that may go out without another ACK.
    next: u64,
    limit: u64,
    /// The highest block ever sent.
    highest: u64,
    timers: Timers,
    gap: Gap,
    pace: Pace,
    /// Tries since the last progress.
    tries: u32,
    /// Tries since the client last said anything.
    tries_unheard: u32,
    last_heard: Now,
    last_progress: Now,
    sent: u64,
    resent: u64,
    end: Option<Step>,
}

impl Transfer {
    /// A transfer that begins now. The first [`Transfer::next`] gives the OACK or DATA 1.
    #[must_use]
    pub fn new(agreed: Negotiated, now: Now) -> Self {
        let blocks = agreed.size / u64::from(agreed.blksize) + 1;
        Self {
            started: now,
            blocks,
            half_open: true,
            opened: 0,
            opening_due: true,
            acked: 0,
            next: 1,
            limit: 1,
            highest: 0,
            timers: Timers::new(agreed.timeout_s, now),
            gap: Gap::new(now),
            pace: Pace::new(&agreed.policy, agreed.windowsize),
            tries: 0,
            tries_unheard: 0,
            last_heard: now,
            last_progress: now,
            sent: 0,
            resent: 0,
            end: None,
            agreed,
        }
    }

    /// What to do now. After [`Step::Done`] or [`Step::GiveUp`] it stays that.
    pub fn next(&mut self, now: Now) -> Step {
        if let Some(end) = &self.end {
            return end.clone();
        }
        if self.half_open {
            return self.open(now);
        }
        if self.next > self.limit {
            self.look_at_the_clock(now);
            if let Some(end) = &self.end {
                return end.clone();
            }
        }
        if self.next > self.limit {
            return Step::WaitUntil(self.wake_at());
        }
        match self.pace.paused(now) {
            Some(until) => Step::WaitUntil(until),
            None => self.send(now),
        }
    }

    /// Blocks that may go out without another ACK and have not; 0 while nothing has come back.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        if self.half_open || self.end.is_some() {
            return 0;
        }
        (self.limit + 1).saturating_sub(self.next)
    }

    /// Blocks between two pauses, once losses have shown that a window at once is too much for
    /// the way.
    #[must_use]
    pub const fn burst(&self) -> Option<u16> {
        self.pace.burst()
    }

    /// An ACK came from the client's port (RFC 1350 §2, RFC 7440 §4).
    pub fn acknowledge(&mut self, now: Now, block: u16) {
        if self.end.is_some() {
            return;
        }
        if self.half_open && self.agreed.oack.is_some() {
            if block == 0 {
                self.opened_by(now);
                self.begin_window(now);
            }
            return;
        }
        // Old ones, and some that nobody can have sent: a resend for those would double every
        // packet from here to the end of the file.
        let Some(block) = self.unwrap(block) else { return };
        self.last_heard = now;
        self.tries_unheard = 0;
        if block > self.acked {
            self.opened_by(now);
            self.advance(now, block);
        } else if !self.half_open {
            self.repeated(now);
        }
    }

    /// An ERROR came from the client's port. It ends the transfer and is never answered.
    pub fn client_error(&mut self, now: Now, code: ErrorCode, text: &[u8]) {
        if self.end.is_some() {
            return;
        }
        self.last_heard = now;
        let probe = matches!(code, ErrorCode::NotDefined | ErrorCode::OptionsRefused);
        self.give_up(if self.half_open && probe {
            Why::ProbeEnded
        } else {
            let (block, blocks) = (self.acked, self.blocks);
            Why::ClientStopped { code, text: text.to_vec(), block, blocks }
        });
    }

    /// The client sent its request once more, because it has not seen our reply
    /// ([`super::Opening::Duplicate`]). The reply goes out again, within the limit for clients that
    /// have never answered.
    pub fn duplicate_request(&mut self, _now: Now) {
        if self.half_open && self.may_open() {
            self.opening_due = true;
        }
    }

    /// The client began another transfer from the same port ([`super::Opening::Replace`]).
    pub fn replaced(&mut self) {
        let (block, blocks) = (self.acked, self.blocks);
        self.give_up(Why::Replaced { block, blocks });
    }

    /// The range of the last [`Step::SendData`] could not be read.
    pub fn source_failed(&mut self) {
        let (block, blocks) = (self.next.saturating_sub(1), self.blocks);
        self.give_up(Why::SourceFailed { block, blocks });
    }

    /// The file is not what it was when the transfer began. To be asked before the last block
    /// goes out, so that nobody takes a mixture for a file.
    pub fn source_changed(&mut self) {
        let (block, blocks) = (self.next.saturating_sub(1), self.blocks);
        self.give_up(Why::SourceChanged { block, blocks });
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let bytes = self.acked.saturating_mul(self.agreed.blksize.into()).min(self.agreed.size);
        Progress {
            block: self.acked,
            blocks: self.blocks,
            bytes,
            size: self.agreed.size,
            sent: self.sent,
            resent: self.resent,
            started: self.started,
            last_progress: self.last_progress,
        }
    }

    /// Whether the client has not sent one ACK yet ([`super::Sessions`] wants to know).
    #[must_use]
    pub const fn is_half_open(&self) -> bool {
        self.half_open
    }

    /// Whether it has ended.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.end.is_some()
    }

    /// The opening reply: sent, repeated within the limit, given up after the half-open life.
    fn open(&mut self, now: Now) -> Step {
        let policy = &self.agreed.policy;
        let may_send = self.may_open();
        let life_end = self.started + Duration::from_secs(policy.half_open_s);
        if now >= life_end {
            self.give_up(Why::NeverAnswered { datagrams: self.opened });
            return self.end.clone().unwrap_or(Step::WaitUntil(life_end));
        }
        if !(may_send && (self.opening_due || now >= self.timers.deadline)) {
            return Step::WaitUntil(if may_send {
                self.timers.deadline.min(life_end)
            } else {
                life_end
            });
        }
        self.opened += 1;
        self.opening_due = false;
        self.gap.resending = self.opened > 1;
        match &self.agreed.oack {
            Some(oack) => {
                let oack = oack.clone();
                // Not the timeout the client asked for: that holds once it has agreed to it.
                self.timers.sent(now, TIMER_FIRST);
                Step::SendOack(oack)
            }
            None => {
                self.next = 1;
                self.send(now)
            }
        }
    }

    /// Whether one more datagram may go to somebody who has not said a word since the request.
    fn may_open(&self) -> bool {
        let policy = &self.agreed.policy;
        let bytes = self.agreed.oack.as_ref().map_or(0, Vec::len);
        let with_one_more = bytes.saturating_mul(self.opened as usize + 1);
        let room = self.opened == 0 || with_one_more <= policy.unanswered_oack_bytes_max;
        self.opened < policy.unanswered_max && room
    }

    /// The first ACK: there is a client at that address.
    fn opened_by(&mut self, now: Now) {
        if !self.half_open {
            return;
        }
        self.half_open = false;
        self.last_heard = now;
        self.last_progress = now;
        self.timers.answered(now, !self.gap.resending);
    }

    /// New blocks are confirmed: the window moves behind `block` (RFC 7440 §4).
    fn advance(&mut self, now: Now, block: u64) {
        let whole = block == self.highest;
        self.timers.answered(now, whole && !self.gap.resending);
        self.acked = block;
        self.tries = 0;
        self.last_progress = now;
        if block == self.blocks {
            self.finish(true);
            return;
        }
        let doubtful = self.gap.resending;
        if whole && !doubtful {
            self.pace.whole();
        }
        self.begin_window(now);
        if whole || !self.is_windowed() {
            return;
        }
        if !doubtful {
            self.pace.lost(block, self.highest, false);
        }
        if doubtful {
            // Blocks just sent again make EDK2 ACK what it has before it reads the rest of the
            // window. Going back for that would send half of every window twice from here on.
            self.next = self.highest + 1;
            self.gap.restart_at = Some(self.gap.quiet_until);
        } else {
            self.gap.restarted = true;
        }
    }

    /// The window behind the last confirmed block, from its beginning.
    fn begin_window(&mut self, now: Now) {
        self.limit = self.window_end();
        self.next = self.acked + 1;
        self.pace.begin_window();
        if !self.is_windowed() {
            // Without a window only the timer sends a block twice.
            self.next = self.next.max(self.highest + 1);
        }
        self.gap = Gap {
            quiet_until: now + self.timers.current / 4,
            restarted: false,
            echoes: self.gap.resending,
            resending: false,
            repeats: 0,
            restart_at: None,
        };
    }

    /// The last confirmed block was confirmed again.
    fn repeated(&mut self, now: Now) {
        if !self.is_windowed() {
            return;
        }
        if now >= self.gap.quiet_until {
            self.restart_for_gap(now);
        } else if self.gap.restarted {
            // One restart for each value: the rest are EDK2's ACKs for what came out of order.
        } else if self.gap.echoes || self.gap.repeats == 0 {
            self.gap.repeats += 1;
            self.gap.restart_at = Some(self.gap.quiet_until);
        } else {
            self.restart_for_gap(now);
        }
    }

    fn restart_for_gap(&mut self, now: Now) {
        self.tries += 1;
        self.pace.lost(self.acked, self.highest, false);
        self.restart_window(now);
        self.end_if_hopeless(now);
    }

    /// The window once more, from the first block that is not confirmed. From now on repeats of
    /// the last ACK are echoes for a while.
    fn restart_window(&mut self, now: Now) {
        self.next = self.acked + 1;
        self.limit = self.window_end();
        self.pace.begin_window();
        self.gap.restarted = true;
        self.gap.restart_at = None;
        self.gap.quiet_until = now + self.timers.current / 4;
    }

    /// Everything allowed is sent: has one of the two moments come?
    fn look_at_the_clock(&mut self, now: Now) {
        if now >= self.timers.deadline {
            self.timed_out(now);
        } else if self.gap.restart_at.is_some_and(|moment| now >= moment) {
            self.restart_for_gap(now);
        }
    }

    fn wake_at(&self) -> Now {
        self.gap.restart_at.map_or(self.timers.deadline, |at| at.min(self.timers.deadline))
    }

    /// No ACK in time: give up if that has gone on for long, else the whole window again.
    fn timed_out(&mut self, now: Now) {
        let all_sent = self.highest == self.blocks;
        let gone = now.since(self.last_heard) >= FAREWELL && self.tries_unheard >= FAREWELL_TRIES;
        if all_sent && gone {
            self.finish(false);
            return;
        }
        if self.end_if_hopeless(now) {
            return;
        }
        self.tries += 1;
        self.tries_unheard += 1;
        self.timers.double();
        self.pace.lost(self.acked, self.highest, true);
        self.restart_window(now);
        // GRUB compares block numbers as plain numbers: waiting for 0 it ignores 65535 sent again
        // and never repeats its ACK. The block after it gets it going.
        if self.limit < self.blocks && self.number(self.limit) == u16::MAX {
            self.limit += 1;
        }
    }

    fn end_if_hopeless(&mut self, now: Now) -> bool {
        let silent = now.since(self.last_progress);
        let patience = Duration::from_secs(self.agreed.policy.patience_s);
        let enough = silent >= patience && self.tries >= self.agreed.policy.retries;
        if enough || silent >= patience * PATIENCE_FACTOR_MAX {
            self.give_up(Why::NoProgress {
                block: self.acked,
                blocks: self.blocks,
                silent_s: silent.as_secs(),
                tries: self.tries,
            });
        }
        self.end.is_some()
    }

    /// The next block of the window.
    fn send(&mut self, now: Now) -> Step {
        let block = self.next;
        self.next += 1;
        self.sent += 1;
        if block <= self.highest {
            self.resent += 1;
            self.gap.resending = true;
        }
        self.highest = self.highest.max(block);
        self.timers.sent(now, self.timers.current);
        self.pace.sent(now);

        let blksize = u64::from(self.agreed.blksize);
        let offset = (block - 1) * blksize;
        let len = self.agreed.size.saturating_sub(offset).min(blksize);
        Step::SendData {
            block: self.number(block),
            offset,
            len: usize::try_from(len).unwrap_or(usize::MAX),
        }
    }

    fn window_end(&self) -> u64 {
        self.acked.saturating_add(self.agreed.windowsize.into()).min(self.blocks)
    }

    const fn is_windowed(&self) -> bool {
        self.agreed.windowsize > 1
    }

    /// The 16-bit number of a block (no RFC; all loaders wrap to 0 unless told otherwise).
    fn number(&self, block: u64) -> u16 {
        let number = match self.agreed.wrap {
            Wrap::One if block > 0 => (block - 1) % 65_535 + 1,
            _ => block % 65_536,
        };
        u16::try_from(number).unwrap_or_default()
    }

    /// The block of the present window, or the one before it, that an ACK means.
    fn unwrap(&self, number: u16) -> Option<u64> {
        let numbers = match self.agreed.wrap {
            Wrap::Zero => 65_536,
            // There is no block 0 after the first round.
            Wrap::One if number == 0 => return (self.acked == 0).then_some(0),
            Wrap::One => 65_535,
        };
        let ahead = (u64::from(number) + numbers - self.acked % numbers) % numbers;
        let block = self.acked + ahead;
        (block <= self.highest).then_some(block)
    }

    fn finish(&mut self, confirmed: bool) {
        self.end = Some(Step::Done(Summary { progress: self.progress(), confirmed }));
    }

    fn give_up(&mut self, why: Why) {
        if self.end.is_none() {
            self.end = Some(Step::GiveUp(why));
        }
    }
}
