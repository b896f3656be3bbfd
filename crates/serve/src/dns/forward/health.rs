//! Whether those answer who are asked for names of others: each is asked for the root by itself, once in
//! a while, all at the same time. What it means is decided by `engine::names::Upstream`, and what changes is told.

use super::options;
use crate::owner::Owner;
use engine::names::Upstream;
use hickory_resolver::TokioResolver;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RecordType};
use model::{Event, Happening};
use std::io;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

/// How often each is asked.
const EVERY: Duration = Duration::from_secs(30);
/// How long all of them may take, over UDP and TCP: stubs give up after as long.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) struct Health {
    each: Vec<TokioResolver>,
    seen: Mutex<Vec<Upstream>>,
}

impl Health {
    pub(super) fn new(servers: Vec<SocketAddr>, patience: Duration) -> io::Result<Self> {
        let mut servers = servers;
        servers.sort_unstable();
        servers.dedup();
        let alone = servers.iter().map(|at| one(*at, patience));
        let each = alone.collect::<io::Result<Vec<Option<TokioResolver>>>>()?;
        let seen = Mutex::new(servers.into_iter().map(Upstream::new).collect());
        Ok(Self { each: each.into_iter().flatten().collect(), seen })
    }

    pub(super) fn read(&self) -> Vec<Upstream> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn keep_looking(&self, owner: &impl Owner) {
        loop {
            self.look(owner).await;
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Asks all of them once. Each is noted when it has answered, and nobody waits for another.
    async fn look(&self, owner: &impl Owner) {
        let mut asked = JoinSet::new();
        let begun = Instant::now();
        for (n, resolver) in self.each.iter().cloned().enumerate() {
            asked.spawn(async move {
                let lookup = resolver.lookup(Name::root(), RecordType::NS);
                let went = match timeout_at(begun + DEADLINE, lookup).await {
                    Ok(asked) => answered(asked).map(|()| begun.elapsed()),
                    Err(_) => Err(format!("nothing within {} s", DEADLINE.as_secs())),
                };
                (n, went)
            });
        }
        while let Some(ended) = asked.join_next().await {
            match ended {
                Ok((n, went)) => self.note(n, owner, went),
                // A bug is counted by whoever has this begin anew.
                Err(e) if e.is_panic() => resume_unwind(e.into_panic()),
                Err(_) => {}
            }
        }
    }

    fn note(&self, n: usize, owner: &impl Owner, went: Result<Duration, String>) {
        let now = owner.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let news = seen.get_mut(n).and_then(|server| server.heard(now, went));
        drop(seen);
        if let Some(news) = news {
            let what = Happening::Alarm { text: news.to_string() };
            owner.tell(Event::new(now, None, None, what));
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

/// One server by itself.
fn one(at: SocketAddr, patience: Duration) -> io::Result<Option<TokioResolver>> {
    super::resolver_with(&[at], {
        let mut alone = options(patience);
        alone.attempts = 1;
        alone
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::tests::Nobody;
    use std::net::{Ipv4Addr, TcpListener, UdpSocket};

    #[tokio::test]
    async fn servers_that_do_not_answer_are_waited_for_together() {
        const SERVERS: usize = 8;
        const PATIENCE: Duration = Duration::from_millis(1500);
        let silent = || loop {
            // Both ports are open, and nobody reads.
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let at = udp.local_addr().unwrap();
            if let Ok(tcp) = TcpListener::bind(at) {
                break (udp, tcp, at);
            }
        };
        let all: Vec<_> = (0..SERVERS).map(|_| silent()).collect();
        let health = Health::new(all.iter().map(|(.., at)| *at).collect(), PATIENCE).unwrap();
        let begun = Instant::now();
        health.look(&Nobody).await;
        // One after the other it would be a second and a half for each, at least.
        assert!(begun.elapsed() < DEADLINE + DEADLINE / 2, "{:?}", begun.elapsed());
        let seen = health.read();
        assert_eq!(seen.len(), SERVERS);
        assert!(seen.iter().all(|one| one.failed == 1 && one.why.is_some()), "{seen:?}");
    }
}
