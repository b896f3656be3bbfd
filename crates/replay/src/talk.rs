//! What conversations of both families have in common: which reply belongs to which request, and what a
//! request shows.

use crate::ours::because;
use crate::run::{Asked, Moment, Work};
use capture::Transport;
use engine::{Answer, Told};
use model::event::Happening;
use model::plan::Why;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// Requests whose replies are still looked for; the oldest is given up.
const WAITING_MAX: usize = 8192;
/// Replies to one request that are kept.
const REPLIES_MAX: usize = 16;

/// A reply in the capture.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) packet: u64,
    pub(crate) from: SocketAddr,
    pub(crate) bytes: Vec<u8>,
    /// The capture does not have all of it.
    pub(crate) cut: bool,
}

/// The places of requests, by what their replies are known by.
#[derive(Debug)]
pub(crate) struct Waiting<K> {
    all: BTreeMap<K, usize>,
    order: VecDeque<K>,
}

impl<K> Default for Waiting<K> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<K: Clone + Ord> Waiting<K> {
    pub(crate) fn put(&mut self, key: K, entry: usize) {
        if self.all.insert(key.clone(), entry).is_none() {
            self.order.push_back(key);
        }
        while self.all.len() > WAITING_MAX {
            let Some(oldest) = self.order.pop_front() else { return };
            self.all.remove(&oldest);
        }
    }

    pub(crate) fn of(&self, key: &K) -> Option<usize> {
        self.all.get(key).copied()
    }
}

/// Files a reply, unless it is there already.
pub(crate) fn file(theirs: &mut Vec<Reply>, moment: &Moment<'_>, datagram: &Transport) {
    let bytes = &datagram.payload;
    let twice = theirs.iter().any(|r| r.from == datagram.from && r.bytes == *bytes);
    if !twice && theirs.len() < REPLIES_MAX {
        let (from, bytes) = (datagram.from, bytes.clone());
        theirs.push(Reply { packet: moment.packet, from, bytes, cut: datagram.cut });
    }
}

/// A request with what we would have said. `name` is told what was asked, if that could be read.
pub(crate) fn asked_of<T>(
    moment: &Moment<'_>,
    told: Told<T>,
    name: impl Fn(Option<&str>) -> String,
    work: impl FnOnce(Result<T, Why>) -> Work,
) -> Asked {
    let mut what = name(None);
    let mut machine = None;
    let mut reasons = because(&told);
    for event in &told.events {
        machine = machine.or(event.machine);
        match &event.what {
            Happening::Answered { asked, .. } | Happening::Silent { asked, .. } => {
                what = name(Some(asked));
            }
            Happening::MachineAppeared { says } => {
                reasons.insert(0, format!("the machine is new: {says}"));
            }
            _ => {}
        }
    }
    let ours = match told.answer {
        Answer::Reply(outgoing) => Ok(outgoing),
        Answer::Silence(why) => Err(why),
    };
    Asked {
        packet: moment.packet,
        at_ns: moment.at_ns,
        machine,
        asked: what,
        because: reasons,
        work: work(ours),
    }
}
