//! Whether those answer who are asked for names of others: each is asked for the root by itself, once in
//! a while, and what changes is told.

use super::options;
use crate::owner::Owner;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RecordType};
use model::{Event, Happening, Now};
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often each is asked.
const EVERY: Duration = Duration::from_secs(30);
/// Failures in a row before a server counts as gone: one may be a lost packet.
const FAILURES: u32 = 2;

/// How a server is that we ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Upstream {
    /// Where it is.
    pub at: SocketAddr,
    /// When it last answered, and how long it took.
    pub answered: Option<(Now, Duration)>,
    /// How often in a row it has not.
    pub failed: u32,
    /// Why not, the last time.
    pub why: Option<String>,
}

impl Upstream {
    /// Whether it is counted on.
    pub fn is_up(&self) -> bool {
        self.failed < FAILURES
    }
}

pub(super) struct Health {
    each: Vec<TokioResolver>,
    seen: Mutex<Vec<Upstream>>,
}

impl Health {
    pub(super) fn new(servers: Vec<SocketAddr>) -> io::Result<Self> {
        let mut servers = servers;
        servers.sort_unstable();
        servers.dedup();
        let alone = servers.iter().map(|at| one(*at));
        let each = alone.collect::<io::Result<Vec<Option<TokioResolver>>>>()?;
        let seen = |at: &SocketAddr| Upstream { at: *at, answered: None, failed: 0, why: None };
        let seen = Mutex::new(servers.iter().map(seen).collect());
        Ok(Self { each: each.into_iter().flatten().collect(), seen })
    }

    pub(super) fn read(&self) -> Vec<Upstream> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn keep_looking(&self, owner: &impl Owner) {
        loop {
            for (n, resolver) in self.each.iter().enumerate() {
                let begun = Instant::now();
                let asked = resolver.lookup(Name::root(), RecordType::NS).await;
                let told = self.note(n, owner, answered(asked).map(|()| begun.elapsed()));
                if let Some(text) = told {
                    let what = Happening::Alarm { text };
                    owner.tell(Event::new(owner.now(), None, None, what));
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Takes down how it went; what is to be told of it.
    fn note(&self, n: usize, owner: &impl Owner, went: Result<Duration, String>) -> Option<String> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let server = seen.get_mut(n)?;
        let was = server.is_up();
        match went {
            Ok(took) => {
                server.answered = Some((owner.now(), took));
                (server.failed, server.why) = (0, None);
            }
            Err(why) => {
                server.failed = server.failed.saturating_add(1);
                server.why = Some(why);
            }
        }
        let at = server.at;
        match (was, server.is_up()) {
            (true, false) => Some(format!(
                "the DNS server {at} does not answer: {}\nhint: names of others are asked of the \
                 servers that are left; look whether it runs, or take it out of `upstream`",
                server.why.as_deref().unwrap_or_default()
            )),
            (false, true) => Some(format!("the DNS server {at} answers again")),
            _ => None,
        }
    }
}

/// Whatever it says of the root, it answers.
fn answered<T>(asked: Result<T, NetError>) -> Result<(), String> {
    match asked {
        Ok(_) | Err(NetError::Dns(DnsError::NoRecordsFound(_) | DnsError::ResponseCode(_))) => {
            Ok(())
        }
        Err(cause) => Err(cause.to_string()),
    }
}

/// One server by itself, without a cache.
fn one(at: SocketAddr) -> io::Result<Option<TokioResolver>> {
    super::resolver_with(&[at], {
        let mut alone = options();
        alone.cache_size = 0;
        alone.attempts = 1;
        alone
    })
}
