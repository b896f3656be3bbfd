//! How many answers a part of the network gets in a second. Whoever forges a source address has us send
//! our answers there; so a neighbourhood gets no more than this, and who is in it and means it asks again
//! over TCP, where no address can be forged.

use crate::Now;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Neighbourhoods that are counted; when they are more, the count begins anew.
const PLACES_MAX: usize = 4096;
/// Of what is too much, one in so many is told to ask over TCP; the rest gets nothing.
const TOLD_EVERY: u32 = 2;

/// What becomes of one question.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admitted {
    /// It is answered.
    Yes,
    /// "Ask over TCP", which is no longer than the question.
    Short,
    /// Nothing.
    No,
}

/// Counts by /24 and /56.
#[derive(Clone, Debug)]
pub struct Pace {
    /// In one second.
    most: u32,
    began: Now,
    counted: BTreeMap<IpAddr, u32>,
}

impl Pace {
    /// So many answers in a second for each neighbourhood.
    pub fn new(most: u32) -> Self {
        Self { most, began: Now(0), counted: BTreeMap::new() }
    }

    /// Counts a question.
    pub fn admits(&mut self, now: Now, from: IpAddr) -> Admitted {
        let place = neighbourhood(from);
        let full = self.counted.len() >= PLACES_MAX && !self.counted.contains_key(&place);
        if now.since(self.began) >= Duration::from_secs(1) || full {
            self.began = now;
            self.counted.clear();
        }
        let count = self.counted.entry(place).or_default();
        *count = count.saturating_add(1);
        match count.checked_sub(self.most) {
            None | Some(0) => Admitted::Yes,
            Some(over) if over % TOLD_EVERY == 1 => Admitted::Short,
            Some(_) => Admitted::No,
        }
    }
}

fn neighbourhood(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(from) => Ipv4Addr::from(u32::from(from) & 0xffff_ff00).into(),
        IpAddr::V6(from) => Ipv6Addr::from(u128::from(from) & (u128::MAX << 72)).into(),
    }
}
