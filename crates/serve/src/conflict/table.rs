//! Which replies wait for which question, and until when.
//!
//! In: replies with something to find out, answers from the network, the moment. Out: what to do
//! now. Never: a socket, a clock, waiting.

use engine::Check;
use model::{HardwareAddress, Now};
use site::{Heard, Ready};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

/// Replies that wait for an answer that should not come. One more, and the oldest question's
/// replies leave as if nobody had answered.
pub(super) const PROBES_WAITING_MAX: usize = 4096;
/// Questions on one link in one second. Each is a broadcast that wakes every host there, so what
/// is above leaves unasked.
pub(super) const PROBES_PER_S: u32 = 256;
/// So often one message is decided again because somebody used what it was to get.
const AGAIN_MAX: u8 = 3;
/// So long an address that nobody answered for is not asked for again.
const FREE_FOR: Duration = Duration::from_secs(30);
/// So long an answer may be late and still be told.
const LATE_FOR: Duration = Duration::from_secs(10);
/// Addresses remembered as free; the oldest is forgotten first.
const FREE_MAX: usize = 8192;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Nobody uses the address, or it is not to be found out.
    Leave(Ready),
    /// As above, because too many ask at once.
    LeaveUnasked(Ready),
    /// Somebody is to be asked for.
    Ask { link: String, from: Ipv4Addr, check: Check },
    /// Somebody uses the address; these messages are to be decided again.
    Conflict { link: String, check: Check, theirs: Option<HardwareAddress>, again: Vec<Heard> },
}

/// An address, and the link it was asked for on; none behind relays, where routes lead.
type Place = (Option<String>, Ipv4Addr);

/// Everything asked.
#[derive(Default)]
pub(super) struct Table {
    asked: BTreeMap<Place, Asked>,
    /// Questions without an answer so far, by when their time is over.
    open: BTreeSet<(Now, Place)>,
    /// Addresses nobody answered for, by when that is forgotten.
    free: BTreeSet<(Now, Place)>,
    /// Replies in `asked`.
    waiting: usize,
    /// The second that runs on each link, and how many were asked in it. Links are configured.
    pace: BTreeMap<String, (Now, u32)>,
}

struct Asked {
    link: String,
    check: Check,
    /// When the answer is late, then when it is forgotten that there was none.
    until: Now,
    waiting: Vec<Ready>,
    free_since: Option<Now>,
}

impl Table {
    /// Takes a reply in. Without a check there is nothing to find out.
    pub(super) fn take(&mut self, now: Now, ready: Ready) -> Vec<Step> {
        let Some(check) = ready.outgoing.check else { return vec![Step::Leave(ready)] };
        let link = ready.outgoing.link.clone();
        let place = (check.on_link.then(|| link.clone()), check.address);
        if let Some(asked) = self.asked.get_mut(&place) {
            if asked.free_since.is_some() {
                return vec![Step::Leave(ready)];
            }
            asked.waiting.push(ready);
            self.waiting += 1;
            return self.make_room();
        }
        if !self.in_pace(now, &link) {
            return vec![Step::LeaveUnasked(ready)];
        }
        let (until, from) = (now + check.wait, *ready.outgoing.from.ip());
        let waiting = vec![ready];
        let asked = Asked { link: link.clone(), check, until, waiting, free_since: None };
        self.open.insert((until, place.clone()));
        self.asked.insert(place, asked);
        self.waiting += 1;
        let mut steps = self.make_room();
        steps.push(Step::Ask { link, from, check });
        steps
    }

    /// Somebody at `address` answered: on a link by ARP, or from anywhere by ICMP.
    pub(super) fn answered(
        &mut self,
        now: Now,
        link: Option<String>,
        address: Ipv4Addr,
        theirs: Option<HardwareAddress>,
    ) -> Option<Step> {
        let place = (link, address);
        let asked = self.asked.get(&place)?;
        // The client itself, which has it from an earlier boot.
        if theirs == Some(asked.check.hardware) {
            return None;
        }
        if asked.free_since.is_some_and(|since| now.since(since) > LATE_FOR) {
            return None;
        }
        let Asked { link, check, waiting, .. } = self.forget(&place)?;
        let messages = waiting.into_iter().filter_map(|ready| ready.asked);
        let again = messages
            .filter(|heard| heard.again < AGAIN_MAX)
            .map(|heard| Heard { again: heard.again + 1, ..*heard })
            .collect();
        Some(Step::Conflict { link, check, theirs, again })
    }

    /// What the moment brings: replies whose time to wait is over.
    pub(super) fn due(&mut self, now: Now) -> Vec<Step> {
        while let Some((until, place)) = self.free.first().cloned()
            && (until <= now || self.free.len() > FREE_MAX)
        {
            self.forget(&place);
        }
        let mut steps = Vec::new();
        while let Some((until, place)) = self.open.first().cloned()
            && until <= now
        {
            self.open.remove(&(until, place.clone()));
            let Some(asked) = self.asked.get_mut(&place) else { continue };
            let waiting = std::mem::take(&mut asked.waiting);
            asked.free_since = Some(now);
            asked.until = now + FREE_FOR;
            self.free.insert((asked.until, place));
            self.waiting -= waiting.len();
            steps.extend(waiting.into_iter().map(Step::Leave));
        }
        steps
    }

    /// When to ask [`Self::due`] again.
    pub(super) fn wake(&self) -> Option<Now> {
        let first = |set: &BTreeSet<(Now, Place)>| set.first().map(|(until, _)| *until);
        first(&self.open).into_iter().chain(first(&self.free)).min()
    }

    /// Whether one more may be asked for on this link in this second.
    fn in_pace(&mut self, now: Now, link: &str) -> bool {
        let (since, asked) = self.pace.entry(link.to_owned()).or_insert((now, 0));
        if now.since(*since) >= Duration::from_secs(1) {
            (*since, *asked) = (now, 0);
        }
        *asked += 1;
        *asked <= PROBES_PER_S
    }

    /// Lets those leave that wait longest.
    fn make_room(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while self.waiting > PROBES_WAITING_MAX
            && let Some((_, place)) = self.open.first().cloned()
            && let Some(asked) = self.forget(&place)
        {
            steps.extend(asked.waiting.into_iter().map(Step::LeaveUnasked));
        }
        steps
    }

    fn forget(&mut self, place: &Place) -> Option<Asked> {
        let asked = self.asked.remove(place)?;
        let key = (asked.until, place.clone());
        self.open.remove(&key);
        self.free.remove(&key);
        self.waiting -= asked.waiting.len();
        Some(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::{Datagram, Destination, Outgoing};
    use std::net::SocketAddrV4;

    const WAIT: Duration = Duration::from_millis(500);

    fn client(number: u8) -> HardwareAddress {
        HardwareAddress::mac([2, 0, 0, 0, 0, number])
    }

    fn address(number: u32) -> Ipv4Addr {
        Ipv4Addr::from(0x0a00_0000 + number)
    }

    /// An offer of 10.0.0.`number` to client `number`, asked for the `again`th time.
    fn offer(number: u32, again: u8) -> Ready {
        let (link, server) = ("lan".to_owned(), SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 67));
        let hardware = client(number.to_le_bytes()[0]);
        let check = Check { address: address(number), hardware, wait: WAIT, on_link: true };
        let datagram = Datagram {
            link: link.clone(),
            from: server,
            to: Ipv4Addr::BROADCAST,
            port: 67,
            bytes: Vec::new(),
        };
        let to = Destination::Broadcast { port: 68 };
        Ready {
            outgoing: Outgoing {
                link,
                from: server,
                to,
                bytes: Vec::new(),
                delay: None,
                check: Some(check),
            },
            asked: Some(Box::new(Heard { datagram, again })),
        }
    }

    fn asks(steps: &[Step]) -> usize {
        steps.iter().filter(|step| matches!(step, Step::Ask { .. })).count()
    }

    fn on_lan(table: &mut Table, now: u64, number: u32, theirs: u8) -> Option<Step> {
        table.answered(Now(now), Some("lan".to_owned()), address(number), Some(client(theirs)))
    }

    #[test]
    fn a_reply_leaves_when_nobody_answered_in_time_and_is_free_for_a_while() {
        let mut table = Table::default();
        assert_eq!(asks(&table.take(Now(0), offer(7, 0))), 1);
        assert_eq!(table.wake(), Some(Now(500)));
        assert_eq!(table.due(Now(499)), []);
        assert_eq!(table.due(Now(500)), [Step::Leave(offer(7, 0))]);

        assert_eq!(table.take(Now(30_000), offer(7, 0)), [Step::Leave(offer(7, 0))]);
        assert_eq!(table.wake(), Some(Now(30_500)));
        assert_eq!(table.due(Now(30_500)), []);
        assert_eq!(asks(&table.take(Now(30_500), offer(7, 0))), 1, "asked for anew");
    }

    #[test]
    fn a_second_reply_with_the_address_joins_the_question() {
        let mut table = Table::default();
        let _ = table.take(Now(0), offer(7, 0));
        assert_eq!(table.take(Now(400), offer(7, 0)), []);
        assert_eq!(table.due(Now(500)).len(), 2);
        assert_eq!(table.waiting, 0);
    }

    #[test]
    fn an_answer_is_a_conflict_unless_it_is_the_clients_own() {
        let mut table = Table::default();
        let _ = table.take(Now(0), offer(7, 0));
        assert_eq!(on_lan(&mut table, 10, 7, 7), None);
        assert_eq!(on_lan(&mut table, 10, 8, 9), None, "nobody asked for that one");
        assert_eq!(table.answered(Now(10), None, address(7), None), None, "not by ICMP");
        let conflict = on_lan(&mut table, 10, 7, 9);
        let Some(Step::Conflict { theirs, again, .. }) = conflict else { panic!("{conflict:?}") };
        assert_eq!(theirs, Some(client(9)));
        assert_eq!(again.iter().map(|heard| heard.again).collect::<Vec<_>>(), [1]);
        assert_eq!((table.wake(), table.waiting), (None, 0));
    }

    #[test]
    fn a_message_is_not_decided_again_for_ever() {
        let mut table = Table::default();
        let _ = table.take(Now(0), offer(7, AGAIN_MAX));
        let conflict = on_lan(&mut table, 1, 7, 9);
        assert!(matches!(&conflict, Some(Step::Conflict { again, .. }) if again.is_empty()));
    }

    #[test]
    fn a_late_answer_is_still_told_for_ten_seconds() {
        for (late, told) in [(10_500, true), (10_501, false)] {
            let mut table = Table::default();
            let _ = table.take(Now(0), offer(7, 0));
            let _ = table.due(Now(500));
            let conflict = on_lan(&mut table, late, 7, 9);
            assert_eq!(conflict.is_some(), told);
            if let Some(Step::Conflict { again, .. }) = conflict {
                assert_eq!(again, [], "the reply has left");
            }
        }
    }

    #[test]
    fn above_the_pace_replies_leave_unasked() {
        let mut table = Table::default();
        let asked = (0..300).filter(|n| asks(&table.take(Now(0), offer(*n, 0))) == 1).count();
        assert_eq!(asked, PROBES_PER_S as usize);
        assert_eq!(table.take(Now(999), offer(999, 0)), [Step::LeaveUnasked(offer(999, 0))]);
        assert_eq!(asks(&table.take(Now(1000), offer(999, 0))), 1);
    }

    #[test]
    fn in_a_full_table_the_oldest_leave_unasked() {
        let mut table = Table::default();
        let _ = table.take(Now(0), offer(1, 0));
        let _ = table.take(Now(1), offer(2, 0));
        for _ in 0..PROBES_WAITING_MAX - 2 {
            assert_eq!(table.take(Now(2), offer(2, 0)), []);
        }
        assert_eq!(table.take(Now(2), offer(2, 0)), [Step::LeaveUnasked(offer(1, 0))]);
        assert_eq!(table.waiting, PROBES_WAITING_MAX);
    }
}
