//! Mode `listen`: we decide as if it were ours to answer, say nothing, and lay what we would have
//! said beside what the server that answers there says.
//!
//! ```text
//! request ─ rehearse ── what we would say, as mode proxy or dhcp ─▶ waits, by exchange and client
//! reply   ─ compare ─── the one that waits ─▶ agrees or differs, told and counted
//! time    ─ give up ─── no reply was heard
//! ```
//!
//! `ipv4` and `ipv6` know what an exchange is of DHCPv4 and of DHCPv6; `book` has those that wait, and the sums.
//!
//! In: exchanges on links where we listen, replies of others, the moment. Out: events and sums.
//! Never: an answer; a fact that is kept.

mod book;
mod ipv4;
mod ipv6;

pub(crate) use book::Book;
pub use book::{DIFFERENCES_MAX, WAITING_MAX};
pub(crate) use ipv4::Asked4;
pub(crate) use ipv6::Asked6;
pub use ipv6::{Advertised6, Listened6, Overheard6};

use crate::{Engine, Settings};
use model::listen::Outcome;
use model::network::Mode;
use model::{Event, Listening, Network, Network6, Now};

impl Engine {
    /// Gives up exchanges that nobody was heard to answer.
    pub(crate) fn give_up_listening(&mut self, now: Now) -> Vec<Event> {
        let mut events = self.listening.give_up(now);
        events.extend(self.listening6.give_up(now));
        events
    }

    /// What was compared stays where we go on to listen for the same.
    pub(crate) fn keep_listening(&mut self, new: &Settings) {
        fn of<N>(networks: &[N], is_there: impl Fn(&N) -> bool) -> Vec<&N> {
            networks.iter().filter(|network| is_there(network)).collect()
        }
        let old = &self.settings;
        self.listening.keep_links(|link| {
            let here = |network: &Network| network.interface == link;
            let now = of(&new.networks, here);
            now.iter().any(|n| n.mode == Mode::Listen) && now == of(&old.networks, here)
        });
        self.listening6.keep_links(|link| {
            let here = |network: &Network6| network.interface == link;
            let now = of(&new.networks6, here);
            now.iter().any(|n| n.only_listens()) && now == of(&old.networks6, here)
        });
    }

    /// What was compared on each link where we listen, over IPv4 and over IPv6 apart.
    pub fn listening(&self) -> Vec<Listening> {
        let mut sums = self.listening.sums();
        sums.extend(self.listening6.sums());
        sums
    }
}

/// What came out of one exchange.
pub(crate) struct Verdict {
    outcome: Outcome,
    /// What we would have said, in words.
    ours: String,
    theirs: String,
    /// Those that matter; what each is about, and in words.
    differences: Vec<(String, String)>,
}

impl Verdict {
    /// Of an exchange that was answered.
    fn of(ours: String, theirs: String, differences: Vec<(String, String)>) -> Self {
        let outcome = if differences.is_empty() { Outcome::Agrees } else { Outcome::Differs };
        Self { outcome, ours, theirs, differences }
    }

    /// Of one that nobody was heard to answer.
    fn unheard(ours: String) -> Self {
        let theirs = "no answer was heard".to_owned();
        Self { outcome: Outcome::Unheard, ours, theirs, differences: Vec::new() }
    }
}
