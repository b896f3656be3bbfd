//! The driver of one transfer: it sends what the transfer says, waits for what it waits for, and
//! tells it what arrived.

use super::{Desk, Place};
use crate::meter::{About, Meter};
use crate::owner::{Bytes, Owner};
use crate::source::{Pieces, Source};
use crate::sys;
use engine::tftp::transfer::LINGER_MS;
use engine::tftp::{Negotiated, Route, SessionId, Step, Transfer, Why};
use model::event::Carrier;
use model::{HardwareAddress, Now};
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;
use wire::tftp::Packet;

/// A client sends ACKs and ERRORs; what is longer is cut.
const BUFFER: usize = 600;
/// So many blocks go out in one system call.
const BATCH: usize = 64;

/// What the table of transfers tells one of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// The client sent its request once more.
    Again,
    /// The client uses its port for another request.
    Replaced,
    /// There were too many transfers without an ACK.
    Evicted,
}

/// What was agreed with the client.
pub(super) struct Deal<B> {
    pub(super) id: SessionId,
    pub(super) from: SocketAddrV4,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) agreed: Negotiated,
    pub(super) source: Source<B>,
    pub(super) file: String,
    pub(super) machine: Option<HardwareAddress>,
    pub(super) asked: Now,
}

/// One transfer with its port.
pub(super) struct Carry<O: Owner, B: Bytes> {
    desk: Arc<Desk<O, B>>,
    id: SessionId,
    client: SocketAddrV4,
    socket: UdpSocket,
    orders: mpsc::Receiver<Order>,
    transfer: Transfer,
    pieces: Pieces<B::Blob>,
    about: About,
    asked: Now,
    /// Told of from the first ACK on: a question for the size is no transfer.
    meter: Option<Meter<O>>,
    /// Made once and moved: an ACK a block must not make a timer and a listener each.
    alarm: Pin<Box<Sleep>>,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<O: Owner, B: Bytes> Carry<O, B> {
    /// A fresh port on the address that was asked. Nothing if the system has none left.
    pub(super) fn new(desk: Arc<Desk<O, B>>, place: &Place, deal: Deal<B::Blob>) -> Option<Self> {
        let Ok(socket) = super::socket(SocketAddrV4::new(place.server, 0)) else {
            desk.counters.tftp_busy.one();
            desk.forget(deal.id);
            return None;
        };
        let about = About {
            file: deal.file,
            by: Carrier::Tftp,
            to: (*deal.from.ip()).into(),
            size: deal.agreed.size(),
            machine: deal.machine,
            link: place.link.clone(),
        };
        let stopping = Box::pin(desk.stopping.clone().cancelled_owned());
        Some(Self {
            alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
            stopping,
            transfer: Transfer::new(deal.agreed, desk.owner.now()),
            desk,
            id: deal.id,
            client: deal.from,
            socket,
            orders: deal.orders,
            pieces: Pieces::new(deal.source),
            about,
            asked: deal.asked,
            meter: None,
        })
    }

    /// Carries the file across, tells how that ended, and keeps the port a while for late ACKs.
    pub(super) async fn run(mut self) {
        let end = loop {
            match self.send_what_is_due().await {
                Step::WaitUntil(moment) => {
                    if !self.wait(moment).await {
                        break None;
                    }
                }
                end => break Some(end),
            }
        };
        let desk = Arc::clone(&self.desk);
        desk.forget(self.id);
        match end {
            Some(Step::Done(summary)) => {
                if let Some(meter) = self.meter.take() {
                    meter.done(summary.progress.resent);
                }
                self.linger().await;
            }
            Some(Step::GiveUp(why)) => self.give_up(&why).await,
            _ => self.tell_failed("it had to make room for newer requests".to_owned()),
        }
    }

    /// Sends until the transfer wants to wait or has ended; gives that step.
    async fn send_what_is_due(&mut self) -> Step {
        let mut batch: Vec<Vec<u8>> = Vec::new();
        loop {
            let step = self.transfer.next(self.desk.owner.now());
            match step {
                Step::SendData { block, offset, len } => {
                    let mut datagram = Vec::with_capacity(len + wire::tftp::DATA_HEADER_BYTES);
                    datagram.extend(wire::tftp::data_header(block));
                    match self.pieces.append(&mut datagram, offset, len).await {
                        Ok(()) => batch.push(datagram),
                        Err(_) => self.transfer.source_failed(),
                    }
                    if batch.len() >= BATCH {
                        self.flush(&mut batch).await;
                    }
                }
                Step::SendOack(bytes) => batch.push(bytes),
                Step::WaitUntil(_) | Step::Done(_) | Step::GiveUp(_) => {
                    self.flush(&mut batch).await;
                    return step;
                }
            }
        }
    }

    /// Sends the batch. What the system will not send is lost like any datagram: the timer of the
    /// transfer sees to it.
    async fn flush(&self, batch: &mut Vec<Vec<u8>>) {
        let mut rest = batch.as_slice();
        while !rest.is_empty() {
            let sent = match rest {
                [only] => self.socket.send_to(only, self.client).await.map(|_| 1),
                many => self.send_many(many).await,
            };
            let Ok(sent) = sent else { break };
            rest = rest.get(sent.max(1)..).unwrap_or_default();
        }
        batch.clear();
    }

    async fn send_many(&self, datagrams: &[Vec<u8>]) -> io::Result<usize> {
        loop {
            self.socket.writable().await?;
            let sent = self.socket.try_io(Interest::WRITABLE, || {
                sys::send_many(&self.socket, self.client, datagrams)
            });
            match sent {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
        }
    }

    /// Waits for the moment, a packet or an order, and tells the transfer. False: it has to go
    /// without another word.
    async fn wait(&mut self, until: Now) -> bool {
        let wait = until.since(self.desk.owner.now()).max(Duration::from_millis(1));
        let moment = Instant::now() + wait;
        // One that rings too early does no harm: the transfer then says until when to wait still.
        if self.alarm.is_elapsed() || moment < self.alarm.deadline() {
            self.alarm.as_mut().reset(moment);
        }
        let mut buffer = [0; BUFFER];
        tokio::select! {
            received = self.socket.recv_from(&mut buffer) => {
                if let Ok((length, from)) = received {
                    self.hear(from, buffer.get(..length).unwrap_or_default()).await;
                    self.hear_the_rest(&mut buffer).await;
                }
            }
            order = self.orders.recv() => match order {
                Some(Order::Again) => self.transfer.duplicate_request(self.desk.owner.now()),
                Some(Order::Replaced) => self.transfer.replaced(),
                Some(Order::Evicted) | None => return false,
            },
            () = &mut self.alarm => {}
            () = &mut self.stopping => return false,
        }
        true
    }

    /// What has arrived besides: with windows ACKs come in bursts, and only the last one counts.
    async fn hear_the_rest(&mut self, buffer: &mut [u8; BUFFER]) {
        for _ in 0..BATCH {
            let Ok((length, from)) = self.socket.try_recv_from(buffer) else { return };
            self.hear(from, buffer.get(..length).unwrap_or_default()).await;
        }
    }

    async fn hear(&mut self, from: SocketAddr, bytes: &[u8]) {
        let now = self.desk.owner.now();
        let route = self.desk.table().sessions.at_port(now, self.id, from);
        match route {
            Route::Ours(_) => {}
            Route::Finished => return,
            Route::Stranger(reply) => {
                if let Some(reply) = reply {
                    let _ = self.socket.send_to(&reply, from).await;
                }
                return;
            }
        }
        match Packet::parse(bytes) {
            Ok(Packet::Ack { block }) => {
                self.transfer.acknowledge(now, block);
                self.note_progress(now);
            }
            Ok(Packet::Error { code, text }) => self.transfer.client_error(now, code, &text),
            _ => {}
        }
    }

    fn note_progress(&mut self, now: Now) {
        if self.transfer.is_half_open() {
            return;
        }
        match &mut self.meter {
            Some(meter) => meter.progress(self.transfer.progress().bytes),
            None => {
                self.desk.table().sessions.established(now, self.id);
                let owner = self.desk.owner.clone();
                self.meter = Some(Meter::start(owner, self.about.clone(), self.asked));
            }
        }
    }

    async fn give_up(&mut self, why: &Why) {
        if let Some(farewell) = why.farewell() {
            let _ = self.socket.send_to(&farewell, self.client).await;
        }
        // Whoever watches has seen it start, so it must see it end.
        if why.is_fault() || self.meter.is_some() {
            self.tell_failed(why.to_string());
        }
    }

    fn tell_failed(&mut self, why: String) {
        let sent = self.transfer.progress().bytes;
        let why =
            if self.desk.stopping.is_cancelled() { "the server stops".to_owned() } else { why };
        if let Some(meter) = self.meter.take() {
            meter.failed(sent, why);
        } else if !self.desk.stopping.is_cancelled() {
            Meter::start_silently(self.desk.owner.clone(), self.about.clone(), self.asked)
                .failed(sent, why);
        }
    }

    /// Late ACKs fall on nothing, strangers hear that there is no such transfer.
    async fn linger(&mut self) {
        let end = tokio::time::sleep(Duration::from_millis(LINGER_MS));
        tokio::pin!(end);
        let mut buffer = [0; BUFFER];
        let stopping = self.desk.stopping.clone();
        loop {
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    let Ok((_, from)) = received else { continue };
                    let now = self.desk.owner.now();
                    let route = self.desk.table().sessions.at_port(now, self.id, from);
                    if let Route::Stranger(Some(reply)) = route {
                        let _ = self.socket.send_to(&reply, from).await;
                    }
                }
                () = &mut end => return,
                () = stopping.cancelled() => return,
            }
        }
    }
}

impl<O: Owner, B: Bytes> Desk<O, B> {
    /// A transfer is over; its client's late packets are known for a while.
    fn forget(&self, id: SessionId) {
        let mut table = self.table();
        table.sessions.finished(self.owner.now(), id);
        table.orders.remove(&id);
    }
}

impl<O: Owner, B: Bytes> Drop for Carry<O, B> {
    /// Also when the task ends in a panic, the table does not keep it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.desk.forget(self.id);
        }
    }
}
