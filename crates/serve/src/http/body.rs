//! Bodies of requests: whether one may come, and how much of all of them is in memory.
//!
//! In: the fields of a head, what its route takes, bytes as they come. Out: how long the body will
//! be, or why it is refused; the bytes, counted. Never: a byte more than was announced, memory for
//! bytes that have not come (but for growing in steps), a body that could be read in two ways.

use super::head::{Fields, Refused};
use crate::Limits;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a head says of the body behind it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Announced {
    /// Bytes.
    pub(super) length: usize,
    /// The client waits for a word before it sends them (RFC 9110 §10.1.1).
    pub(super) expects: bool,
}

/// Reads what a head announces, for a route that takes at most `max` bytes. The length is said in
/// one way only: RFC 9112 §6.3 and §11.2 tell what becomes of servers that are more generous.
pub(super) fn announced(
    fields: Fields<'_, '_>,
    minor: u8,
    max: usize,
) -> Result<Announced, Refused> {
    if fields.first("transfer-encoding").is_some() {
        return Err(Refused::Form("a body in chunks is not taken here: send its length"));
    }
    let mut lengths = fields.all("content-length");
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => return Err(Refused::Length),
        (Some(_), Some(_)) => return Err(Refused::Form("the request has two lengths")),
        (Some(length), None) => number(length)?,
    };
    let length = usize::try_from(length).ok().filter(|length| *length <= max);
    let length = length.ok_or(Refused::Large(max))?;
    // Who speaks HTTP/1.0 knows no expectations, and is not to be told (RFC 9110 §10.1.1).
    if minor == 0 {
        return Ok(Announced { length, expects: false });
    }
    let mut expects = false;
    for expected in fields.all("expect") {
        if !expected.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refused::Expectation);
        }
        expects = true;
    }
    Ok(Announced { length, expects })
}

/// Digits and nothing else. What does not fit a number is long all the same.
fn number(text: &[u8]) -> Result<u64, Refused> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(Refused::Form("the length of the body is no number"));
    }
    let digit = |sum: u64, digit: &u8| {
        sum.saturating_mul(10).saturating_add(u64::from(digit.saturating_sub(b'0')))
    };
    Ok(text.iter().fold(0, digit))
}

/// What the bodies of all connections and ports take in memory, until they are answered.
#[derive(Clone, Debug)]
pub(crate) struct Intake(Arc<Mutex<Sums>>);

#[derive(Debug)]
struct Sums {
    most: usize,
    most_of_one: usize,
    all: usize,
    of: HashMap<IpAddr, usize>,
}

impl Sums {
    fn has_room(&self, from: IpAddr, bytes: usize) -> bool {
        let of_one = self.of.get(&from).copied().unwrap_or(0);
        self.all.saturating_add(bytes) <= self.most
            && of_one.saturating_add(bytes) <= self.most_of_one
    }
}

impl Intake {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Sums {
            most: limits.http_bodies,
            most_of_one: limits.http_bodies_per_source,
            all: 0,
            of: HashMap::new(),
        })))
    }

    /// Whether a body of so many bytes would find room now. It is not kept for it.
    pub(super) fn has_room(&self, from: IpAddr, bytes: usize) -> bool {
        self.sums().has_room(from, bytes)
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Memory that is counted for one body. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Share {
    of: Intake,
    from: IpAddr,
    bytes: usize,
}

impl Share {
    fn grow(&mut self, more: usize) -> Result<(), NoRoom> {
        let mut sums = self.of.sums();
        if !sums.has_room(self.from, more) {
            return Err(NoRoom);
        }
        sums.all = sums.all.saturating_add(more);
        let of_one = sums.of.entry(self.from).or_default();
        *of_one = of_one.saturating_add(more);
        self.bytes = self.bytes.saturating_add(more);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut sums = self.of.sums();
        sums.all = sums.all.saturating_sub(self.bytes);
        if let Some(of_one) = sums.of.get_mut(&self.from) {
            *of_one = of_one.saturating_sub(self.bytes);
            if *of_one == 0 {
                sums.of.remove(&self.from);
            }
        }
    }
}

/// As much is held as may be held.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct NoRoom;

/// A body on its way in.
#[derive(Debug)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    length: usize,
    share: Share,
}

impl Incoming {
    /// Nothing has come yet of so many bytes.
    pub(super) fn new(intake: &Intake, from: IpAddr, length: usize) -> Self {
        let share = Share { of: intake.clone(), from, bytes: 0 };
        Self { bytes: Vec::new(), length, share }
    }

    pub(super) fn has_begun(&self) -> bool {
        !self.bytes.is_empty()
    }

    pub(super) fn missing(&self) -> usize {
        self.length.saturating_sub(self.bytes.len())
    }

    /// Takes what came, which is no more than was missing. Memory grows to twice of what is there,
    /// never beyond what was announced.
    pub(super) fn take(&mut self, came: &[u8]) -> Result<(), NoRoom> {
        let (had, room) = (self.bytes.len(), self.share.bytes);
        let needed = had.saturating_add(came.len());
        if needed > room {
            let twice = room.saturating_mul(2).min(self.length).max(needed);
            // Where there is no room for steps, there may be for what came.
            let grown = self.share.grow(twice.saturating_sub(room));
            grown.or_else(|_| self.share.grow(needed.saturating_sub(room)))?;
            self.bytes.reserve_exact(self.share.bytes.saturating_sub(had));
        }
        self.bytes.extend_from_slice(came);
        Ok(())
    }

    /// The bytes, and what counts for them until nobody has them any more.
    pub(super) fn done(self) -> (Vec<u8>, Share) {
        (self.bytes, self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::super::head;
    use super::*;

    fn says(fields: &str) -> Result<Announced, Refused> {
        says_in(1, fields)
    }

    fn says_in(minor: u8, fields: &str) -> Result<Announced, Refused> {
        let text = format!("POST /report/t/done HTTP/1.{minor}\r\n{fields}\r\n");
        let mut space = head::space();
        let head = head::read(text.as_bytes(), &mut space).unwrap().unwrap();
        announced(head.fields, minor, 100)
    }

    const PLAIN: Announced = Announced { length: 5, expects: false };

    #[test]
    fn one_length_in_digits_is_all_that_is_taken() {
        assert_eq!(says("Content-Length: 5\r\n"), Ok(PLAIN));
        assert_eq!(says("content-length:  005 \r\n"), Ok(PLAIN));
        let (none, most) = (Announced { length: 0, ..PLAIN }, Announced { length: 100, ..PLAIN });
        assert_eq!(says("Content-Length: 0\r\n"), Ok(none));
        assert_eq!(says("Content-Length: 100\r\n"), Ok(most));
        assert_eq!(says(""), Err(Refused::Length));
        for fields in [
            "Content-Length: \r\n",
            "Content-Length: -1\r\n",
            "Content-Length: +5\r\n",
            "Content-Length: 0x5\r\n",
            "Content-Length: 5 5\r\n",
            "Content-Length: 5, 5\r\n",
            "Content-Length: 5.0\r\n",
            "Content-Length: ٥\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        ] {
            assert!(matches!(says(fields), Err(Refused::Form(_))), "{fields:?}");
        }
        for huge in ["101", "18446744073709551616", "99999999999999999999999999999999999999"] {
            let fields = format!("Content-Length: {huge}\r\n");
            assert_eq!(says(&fields), Err(Refused::Large(100)), "{huge}");
        }
    }

    #[test]
    fn one_expectation_is_known() {
        let waits = Ok(Announced { expects: true, ..PLAIN });
        assert_eq!(says("Content-Length: 5\r\nExpect: 100-Continue\r\n"), waits);
        let fields = "Content-Length: 5\r\nExpect: 200-ok\r\n";
        assert_eq!(says(fields), Err(Refused::Expectation));
        let both = "Content-Length: 5\r\nExpect: 100-continue\r\nExpect: more\r\n";
        assert_eq!(says(both), Err(Refused::Expectation));
        // Nobody is told to go on who is refused anyway, and HTTP/1.0 does not wait.
        let long = "Content-Length: 500\r\nExpect: 100-continue\r\n";
        assert_eq!(says(long), Err(Refused::Large(100)));
        assert_eq!(says_in(0, "Content-Length: 5\r\nExpect: 100-continue\r\n"), Ok(PLAIN));
    }

    fn intake(most: usize, most_of_one: usize) -> Intake {
        Intake::new(&Limits {
            http_bodies: most,
            http_bodies_per_source: most_of_one,
            ..Limits::default()
        })
    }

    fn peer(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    #[test]
    fn what_is_held_is_counted_as_it_comes_and_given_back() {
        let intake = intake(100, 100);
        let mut body = Incoming::new(&intake, peer(1), 60);
        assert_eq!((intake.sums().all, body.missing()), (0, 60));
        body.take(&[7; 1]).unwrap();
        assert_eq!(intake.sums().all, 1);
        body.take(&[7; 20]).unwrap();
        body.take(&[7; 1]).unwrap();
        assert_eq!((intake.sums().all, body.missing()), (42, 38));
        body.take(&[7; 38]).unwrap();
        assert_eq!((intake.sums().all, body.missing()), (60, 0));
        let (bytes, share) = body.done();
        assert!(bytes == [7; 60] && bytes.capacity() == 60);
        assert!(intake.has_room(peer(2), 40) && !intake.has_room(peer(2), 41));
        drop(share);
        assert!(intake.sums().all == 0 && intake.sums().of.is_empty());
    }

    #[test]
    fn neither_one_source_nor_all_together_take_more_than_there_is() {
        let intake = intake(100, 60);
        let mut of_one = Incoming::new(&intake, peer(1), 1000);
        of_one.take(&[0; 60]).unwrap();
        assert_eq!(of_one.take(&[0]), Err(NoRoom));
        let mut of_two = Incoming::new(&intake, peer(2), 1000);
        of_two.take(&[0; 40]).unwrap();
        assert_eq!(Incoming::new(&intake, peer(3), 1).take(&[0]), Err(NoRoom));
        drop(of_one);
        Incoming::new(&intake, peer(3), 1).take(&[0]).unwrap();
        of_two.take(&[0; 20]).unwrap();
        assert_eq!(intake.sums().all, 60);
    }
}
