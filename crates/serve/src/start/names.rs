//! What is said of names while they are answered and published.

use super::Running;
use crate::dns;
use engine::names::publish::Standing;
use engine::names::{Names, Upstream};
use std::sync::Arc;

impl Running {
    /// Names as they are answered now; none where they are not served.
    pub fn names(&self) -> Option<Arc<Names>> {
        self.dns.as_ref().map(|dns| dns.book.now())
    }

    /// Who is asked for names of others, and whether they answer.
    pub fn upstreams(&self) -> Vec<Upstream> {
        self.dns.as_ref().map(|dns| dns.forwarder.upstreams()).unwrap_or_default()
    }

    /// How many answers of others are remembered at this moment, and for how many there is room; none where
    /// nobody is asked.
    pub fn names_remembered(&self) -> Option<(usize, usize)> {
        let dns = self.dns.as_ref()?;
        let asks = dns.book.now().forwards();
        asks.then(|| dns.forwarder.remembered((self.board.now)()))
    }

    /// Questions for names that were refused lately, the newest first.
    pub fn refused_names(&self) -> Vec<dns::Refused> {
        self.dns.as_ref().map(|dns| dns.refusals.read()).unwrap_or_default()
    }

    /// How names stand at DNS servers of others.
    pub fn published(&self) -> Vec<Standing> {
        self.publisher.standing()
    }
}
