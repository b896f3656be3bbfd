//! The boot port: HTTP/1.1 for firmware and loaders, on a thread of its own.
//!
//! ```text
//! door ─ room? ─▶ connection: head ─ ask: path, query ─▶ owner.file ─▶ reply ─▶ gate ─▶ sendfile
//! ```
//!
//! In: GET and HEAD. Out: files the owner found, with an exact length. Never: a file by its path, a
//! redirect, a chunk, compression (firmware counts bytes; see RFC 9110 where a clause is named), a
//! wait for a disk or for the owner: those are asked on the runtime and answer by letter.

mod ask;
mod connection;
mod gate;
mod head;
mod post;
mod range;
mod reply;
mod request;
mod room;
mod rounds;
mod sending;
mod shelf;
mod slab;
pub(crate) mod tls;
mod transport;
mod warm;

use crate::Limits;
use crate::count::Counters;
use crate::owner::{Bytes, Owner};
use connection::Desk;
use post::{Bell, Order, Post};
use rounds::{Door, Rounds, Watching};
use shelf::Shelf;
use socket2::Socket;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tls::TlsKeys;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// So much ciphertext may wait in the kernel, which keeps it in memory. What waits of a plain file are
/// pages that are in memory anyway; there the kernel is left to its own limit (`tcp_wmem`), because the
/// more it has, the more it sends without asking us: with half a megabyte it took twice the time of a
/// processor. What has arrived is told by what was acknowledged, not by what waits.
const UNSENT_BYTES_MAX: u32 = 512 * 1024;

/// A port, opened on one or more addresses.
#[derive(Debug)]
pub(crate) struct Port {
    name: &'static str,
    addresses: Vec<SocketAddrV4>,
    watching: Watching,
    bell: Arc<Bell>,
    keys: Option<Arc<TlsKeys>>,
}

/// What all ports share.
pub(crate) struct House<O, B> {
    pub(crate) owner: O,
    pub(crate) bytes: B,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
}

impl Port {
    /// Makes a port of listening sockets, each with the interface it is for. With keys it is one
    /// for HTTPS.
    pub(crate) fn open(
        listeners: Vec<(Socket, String)>,
        keys: Option<Arc<TlsKeys>>,
    ) -> io::Result<Self> {
        let name = if keys.is_some() { "https" } else { "http" };
        let mut addresses = Vec::new();
        let mut doors = Vec::new();
        for (socket, link) in listeners {
            if let Some(SocketAddr::V4(at)) = socket.local_addr()?.as_socket() {
                addresses.push(at);
            }
            // What the listening socket has, its connections inherit.
            socket.set_tcp_nodelay(true)?;
            if keys.is_some() {
                socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
            }
            doors.push(Door { socket, link: link.into() });
        }
        let bell = Arc::new(Bell::new()?);
        let watching = Watching::new(doors, Arc::clone(&bell))?;
        Ok(Self { name, addresses, watching, bell, keys })
    }

    /// Where it is, on each network's address.
    pub(crate) fn addresses(&self) -> &[SocketAddrV4] {
        &self.addresses
    }

    /// Begins to serve. To be called inside a Tokio runtime, which is asked to ask the owner.
    pub(crate) fn serve<O: Owner, B: Bytes>(self, house: House<O, B>) -> io::Result<Service> {
        let Self { name, watching, bell, keys, .. } = self;
        let House { owner, bytes, limits, counters } = house;
        let (runtime, post) = (Handle::current(), Arc::new(Post::new(Arc::clone(&bell))));
        let desk = Desk {
            owner,
            shelf: Arc::new(Shelf::new(bytes)),
            counters,
            limits,
            runtime: runtime.clone(),
            post: Arc::clone(&post),
            gate: gate::Gate,
            warm: warm::Warm::new(runtime, post),
            closing: false,
            date: String::new(),
            now: Instant::now(),
            bytes: Vec::new(),
        };
        let rounds = Rounds::new(desk, watching, keys);
        let (ends, ended) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            rounds.run();
            drop(ends);
        })?;
        Ok(Service { bell, ended, thread: Some(thread) })
    }
}

/// A port that serves. Dropping it ends it at once.
#[derive(Debug)]
pub(crate) struct Service {
    bell: Arc<Bell>,
    ended: oneshot::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    /// No more requests; what is on its way may end.
    pub(crate) fn close(&self) {
        self.bell.order(Order::Close);
    }

    /// No more anything.
    pub(crate) fn stop(&self) {
        self.bell.order(Order::Stop);
    }

    /// Waits until everybody has left.
    pub(crate) async fn ended(&mut self) {
        // The other half says nothing and is dropped at the end, also by a panic.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // What went wrong there was counted there.
            let _ = thread.join();
        }
    }
}
