//! Questions over TCP (RFC 7766): what did not fit into a datagram, or came too fast.

use super::book::Book;
use super::forward::{Forwarder, Led};
use super::refused::Refusals;
use crate::Limits;
use crate::count::{Counters, PanicWatch};
use crate::owner::Owner;
use crate::places::Shared;
use engine::names::Said;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wire::dns::{QUERY_BYTES_MAX, Query};

/// Takes connections for as long as it is let.
pub(super) async fn listen(listener: &TcpListener, desk: Arc<Desk<impl Owner>>) {
    let Limits { dns_connections, dns_connections_per_source, .. } = desk.limits;
    let guests = Shared::new(dns_connections, dns_connections_per_source);
    let mut talks = JoinSet::new();
    loop {
        while talks.try_join_next().is_some() {}
        let Ok((stream, from)) = listener.accept().await else {
            // No descriptor is left: some will be, when a connection ends.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let source = from.ip().to_canonical();
        if !Book::admits(&desk.book.now(), source, &desk.counters) {
            continue;
        }
        let Some(guest) = guests.admit(source) else {
            desk.counters.dns_connections_refused.one();
            continue;
        };
        let desk = Arc::clone(&desk);
        talks.spawn(async move {
            let (_guest, _panics) = (guest, PanicWatch(Arc::clone(&desk.counters)));
            desk.talk(stream, source).await;
        });
    }
}

/// What it takes to answer.
pub(super) struct Desk<O> {
    pub(super) owner: O,
    pub(super) book: Book,
    pub(super) forwarder: Forwarder,
    pub(super) refusals: Refusals,
    pub(super) counters: Arc<Counters>,
    pub(super) limits: Limits,
}

impl<O: Owner> Desk<O> {
    /// Answers one question after the other, in their order.
    async fn talk(&self, mut stream: TcpStream, source: IpAddr) {
        let Limits { dns_idle: idle, dns_questions, .. } = self.limits;
        let mut bytes = Vec::new();
        for _ in 0..dns_questions {
            let read = tokio::time::timeout(idle, question(&mut stream, &mut bytes)).await;
            let Ok(Some(())) = read else { return };
            let Some(answer) = self.answer(&bytes, source).await else { return };
            let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
            let whole = [&length.to_be_bytes()[..], &answer].concat();
            let written = tokio::time::timeout(idle, stream.write_all(&whole)).await;
            if !matches!(written, Ok(Ok(()))) {
                return;
            }
        }
    }

    /// None closes the connection.
    async fn answer(&self, bytes: &[u8], source: IpAddr) -> Option<Vec<u8>> {
        let Ok(query) = Query::parse(bytes) else {
            self.counters.dns_malformed.one();
            return None;
        };
        self.counters.dns_questions.one();
        let names = self.book.now();
        let room = usize::from(u16::MAX);
        let now = self.owner.now();
        let led: Led = match names.answer(now, source, &query, &mut Vec::new()) {
            Said::Reply(reply, because) => {
                if Refusals::is_one(reply.code) {
                    self.refusals.note((now, source), &query, reply.code, &because);
                }
                return Some(query.reply(&reply, room));
            }
            Said::Forward(inquiry, _) => inquiry.into(),
            Said::Silence(_) => return None,
        };
        if let Some(answer) = self.forwarder.recall(now, &query, &led, room) {
            return Some(answer);
        }
        let _place = self.forwarder.enter(source)?;
        let answer = self.forwarder.ask(now, bytes, led, Some(room)).await?;
        self.refusals.note_others((self.owner.now(), source), bytes, &answer);
        Some(answer)
    }
}

/// Reads one message with its length before it; none at the end, and where it is too long.
async fn question(stream: &mut TcpStream, into: &mut Vec<u8>) -> Option<()> {
    let length = usize::from(stream.read_u16().await.ok()?);
    if length > QUERY_BYTES_MAX {
        return None;
    }
    into.resize(length, 0);
    stream.read_exact(into).await.ok().map(drop)
}
