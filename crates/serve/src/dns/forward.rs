//! Names of others: who is asked, and what of their answers is passed on.
//!
//! The asking itself (a port and an id by chance for each question, the case of letters by chance, TCP
//! where an answer is cut short, another server where one is slow) is `hickory_resolver`'s. What is taken of
//! an answer is decided by `engine::names::accept`, and remembered in `engine::names::Cache`.

mod health;
mod message;

use super::book::Book;
use crate::Limits;
use crate::count::Counters;
use crate::owner::Owner;
use crate::places::{Guest, Shared};
use engine::Now;
use engine::names::{Asked, Cache, Inquiry, Rules, To, Upstream, accept};
use health::Health;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RecordType;
use message::{Outcome, heard, lifetime, name_of, target};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wire::dns::{Query, Record};

/// Whoever asks others. Clone it freely.
#[derive(Clone)]
pub(crate) struct Forwarder(Arc<Inner>);

struct Inner {
    upstream: Option<TokioResolver>,
    split: Vec<Option<TokioResolver>>,
    asked: Shared,
    cache: Mutex<Cache<Outcome>>,
    health: Health,
    book: Book,
    counters: Arc<Counters>,
    limits: Limits,
}

/// An [`Inquiry`] of its own: it may take longer than the names that it was made of last.
pub(super) struct Led {
    to: To,
    aliases: Vec<Record>,
}

impl From<Inquiry<'_>> for Led {
    fn from(Inquiry { to, aliases }: Inquiry<'_>) -> Self {
        Self { to, aliases: aliases.into_iter().cloned().collect() }
    }
}

impl Led {
    /// What others are asked in place of a question: aliases of ours lead to another name.
    fn asked(&self, query: &Query<'_>) -> Asked {
        let name = match self.aliases.last() {
            Some(last) => target(last),
            None => query.name.to_ascii_lowercase(),
        };
        Asked { to: self.to, name: name.into(), kind: query.kind }
    }
}

impl Forwarder {
    /// Asks nobody yet.
    ///
    /// # Errors
    ///
    /// When a resolver cannot be made.
    pub(super) fn new(
        rules: &Rules,
        book: Book,
        counters: Arc<Counters>,
        limits: &Limits,
    ) -> io::Result<Self> {
        let patience = limits.dns_patience;
        let split = rules.split.iter().map(|split| resolver(&split.upstream, patience));
        let mut all = rules.upstream.clone();
        all.extend(rules.split.iter().flat_map(|split| &split.upstream));
        Ok(Self(Arc::new(Inner {
            upstream: resolver(&rules.upstream, patience)?,
            split: split.collect::<io::Result<_>>()?,
            asked: Shared::new(limits.dns_asked, limits.dns_asked_per_source),
            cache: Mutex::new(Cache::new(limits.dns_cache)),
            health: Health::new(all, patience)?,
            book,
            counters,
            limits: *limits,
        })))
    }

    /// Looks after servers, for as long as it is let.
    pub(super) async fn keep_looking(&self, owner: &impl Owner) {
        self.0.health.keep_looking(owner).await;
    }

    /// How those are who are asked.
    pub(crate) fn upstreams(&self) -> Vec<Upstream> {
        self.0.health.read()
    }

    /// A place for one more question; none where too many wait.
    pub(super) fn enter(&self, source: IpAddr) -> Option<Guest> {
        let place = self.0.asked.admit(source);
        if place.is_none() {
            self.0.counters.dns_busy.one();
        }
        place
    }

    /// How many answers are remembered at this moment, and for how many there is room.
    pub(crate) fn remembered(&self, now: Now) -> (usize, usize) {
        let mut cache = self.cache();
        self.0.counters.dns_cache_ended.add(cache.sweep(now) as u64);
        (cache.len(), cache.most())
    }

    fn cache(&self) -> MutexGuard<'_, Cache<Outcome>> {
        self.0.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question, as bytes, if it is remembered: `room` at most.
    pub(super) fn recall(
        &self,
        now: Now,
        query: &Query<'_>,
        led: &Led,
        room: usize,
    ) -> Option<Vec<u8>> {
        let asked = led.asked(query);
        let found = self.cache().get(now, &asked).map(|(outcome, age)| outcome.aged(age));
        let Some(outcome) = found else {
            self.0.counters.dns_cache_misses.one();
            return None;
        };
        self.0.counters.dns_cache_hits.one();
        outcome.write(query, &led.aliases, room)
    }

    /// The answer to a question (as its bytes) that others know, as bytes: `room` at most, or as much
    /// as the client has room for in a datagram. It is remembered.
    pub(super) async fn ask(
        &self,
        now: Now,
        question: &[u8],
        led: Led,
        room: Option<usize>,
    ) -> Option<Vec<u8>> {
        let query = Query::parse(question).ok()?;
        self.0.counters.dns_forwarded.one();
        let asked = led.asked(&query);
        let private = self.0.book.now().may_be_private(&asked.name);
        let (outcome, holds) = self.outcome(&asked, private).await;
        let answer =
            outcome.clone().write(&query, &led.aliases, room.unwrap_or_else(|| query.room()));
        // It holds from when it was asked for, which is before anybody said so.
        let dropped = self.cache().keep(now, asked, outcome, holds);
        self.0.counters.dns_cache_ended.add(dropped.ended as u64);
        self.0.counters.dns_cache_displaced.add(dropped.displaced as u64);
        answer
    }

    /// How asking others ended, and for how long that holds.
    async fn outcome(&self, asked: &Asked, private: bool) -> (Outcome, Duration) {
        let Asked { to, name: wanted, kind } = asked;
        let resolver = match *to {
            To::Upstream => self.0.upstream.as_ref(),
            To::Split(at) => self.0.split.get(at).and_then(Option::as_ref),
        };
        let (Some(resolver), Some(name)) = (resolver, name_of(wanted)) else {
            return (Outcome::failed(), Duration::ZERO);
        };
        match resolver.lookup(name, RecordType::from(*kind)).await {
            Ok(lookup) => {
                let (records, most) = (lookup.answers(), self.0.limits.dns_cache_there);
                let heard: Vec<_> = records.iter().map(heard).collect();
                let accepted = accept(wanted, *kind, &heard, private);
                self.0.counters.dns_strange.add(accepted.strange as u64);
                self.0.counters.dns_private.add(accepted.private as u64);
                let taken = accepted.taken.iter().filter_map(|at| records.get(*at)).cloned();
                let holds = lifetime(records).min(most);
                (Outcome::records(taken.collect(), most), holds)
            }
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                // Without the zone's own word (SOA) it is not remembered (RFC 2308, 5).
                let holds = Duration::from_secs(none.negative_ttl.unwrap_or_default().into());
                let no_name = none.response_code == ResponseCode::NXDomain;
                (
                    Outcome::nothing(no_name, none.soa, wanted),
                    holds.min(self.0.limits.dns_cache_missing),
                )
            }
            Err(_) => {
                self.0.counters.dns_unanswered.one();
                (Outcome::failed(), Duration::ZERO)
            }
        }
    }
}

/// Asks these servers; none where there are none.
fn resolver(servers: &[SocketAddr], patience: Duration) -> io::Result<Option<TokioResolver>> {
    resolver_with(servers, options(patience))
}

fn resolver_with(
    servers: &[SocketAddr],
    options: ResolverOpts,
) -> io::Result<Option<TokioResolver>> {
    if servers.is_empty() {
        return Ok(None);
    }
    let named = servers.iter().map(|at| {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        connections.iter_mut().for_each(|connection| connection.port = at.port());
        // What a server says is not there is not there: it was chosen by the operator.
        NameServerConfig::new(at.ip(), true, connections)
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), named.collect());
    let provider = TokioRuntimeProvider::default();
    let builder = TokioResolver::builder_with_config(config, provider).with_options(options);
    builder.build().map(Some).map_err(io::Error::other)
}

/// How each is asked; `patience` is how long one may take.
fn options(patience: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = patience;
    options.attempts = 2;
    options.case_randomization = true;
    options.edns_payload_len = wire::dns::UDP_BYTES_MAX as u16;
    options.use_hosts_file = ResolveHosts::Never;
    // What is remembered we remember ourselves, and say how much it is.
    options.cache_size = 0;
    options.try_tcp_on_error = true;
    options
}
