//! The boot port: HTTP/1.1 for firmware and loaders, on a thread of its own.
//!
//! ```text
//! door ─ room? ─▶ connection: head, body ─ ask: path, query ─▶ owner.file ─▶ reply ─▶ gate ─▶ sendfile
//! ```
//!
//! In: GET and HEAD, and POST where the engine takes one (`engine::files::body_max`). Out: files the owner found, with an exact length. Never: a file by its path, a
//! redirect, a chunk, compression (firmware counts bytes; see RFC 9110 where a clause is named), a
//! wait for a disk or for the owner: those are asked on the runtime and answer by letter.

mod body;
mod connection;
mod head;
mod post;
mod range;
mod reply;
mod request;
mod room;
mod rounds;
mod sending;
mod slab;
pub(crate) mod tls;
mod transport;
mod warm;

use crate::Limits;
use crate::bell::{Bell, Post, Service};
use crate::board::Board;
use crate::count::Counters;
use crate::gate::{Gate, Shared};
use crate::owner::{Bytes, Owner};
use crate::shelf::Shelf;
pub(crate) use body::Intake;
use connection::Desk;
use model::event::Carrier;
use rounds::{Door, Rounds, Watching};
use socket2::Socket;
use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tls::TlsKeys;
use tokio::runtime::Handle;

/// So much ciphertext may wait in the kernel, which keeps it in memory. What waits of a plain file are
/// pages that are in memory anyway; there the kernel is left to its own limit (`tcp_wmem`), because the
/// more it has, the more it sends without asking us: with half a megabyte it took twice the time of a
/// processor. What has arrived is told by what was acknowledged, not by what waits.
const UNSENT_BYTES_MAX: u32 = 512 * 1024;

/// A port, opened on one or more addresses.
#[derive(Debug)]
pub(crate) struct Port {
    name: &'static str,
    addresses: Vec<SocketAddr>,
    watching: Watching,
    bell: Arc<Bell>,
    keys: Option<Arc<TlsKeys>>,
}

/// What all ports share.
pub(crate) struct House<O, B: Bytes> {
    pub(crate) owner: O,
    pub(crate) shelf: Shelf<B>,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) board: Board,
    pub(crate) rates: Shared,
    pub(crate) intake: Intake,
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
            if let Some(at) = socket.local_addr()?.as_socket() {
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
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Begins to serve. To be called inside a Tokio runtime, which is asked to ask the owner.
    pub(crate) fn serve<O: Owner, B: Bytes>(self, house: House<O, B>) -> io::Result<Service> {
        let Self { name, watching, bell, keys, .. } = self;
        let House { owner, shelf, limits, counters, board, rates, intake } = house;
        let (runtime, post) = (Handle::current(), Arc::new(Post::new(Arc::clone(&bell))));
        let desk = Desk {
            owner,
            shelf,
            counters,
            limits,
            runtime: runtime.clone(),
            post: Arc::clone(&post),
            gate: Gate::new(rates, limits.turns, board.clone(), Carrier::Http),
            board,
            warm: warm::Warm::new(runtime, post),
            intake,
            closing: false,
            handshakes_told: Cell::new((0, 0)),
            date: String::new(),
            now: Instant::now(),
            bytes: Vec::new(),
        };
        let rounds = Rounds::new(desk, watching, keys);
        Service::start(name, bell, move || rounds.run())
    }
}
