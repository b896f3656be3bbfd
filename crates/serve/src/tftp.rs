//! TFTP: requests on port 69, transfers on a few ports that they share, one thread for all of it.
//!
//! ```text
//! 69 ─ greet: from a served subnet? a request? a repeat? ─▶ ask: owner.file, shelf.open (Tokio)
//! ask ─ bell ─▶ admit: agree on options, sessions, choose a port ─▶ carry
//! hall: what has arrived, whose moment has come ─▶ carry: next ─ gate ─ bytes ─ send a burst
//! ```
//!
//! In: datagrams. Out: blocks of files the owner found. Never: a file by its name; a byte to
//! somebody outside the served subnets; a third datagram to somebody who has not answered; a wait
//! for a disk or for the owner in the thread that sends.

mod admit;
mod ask;
mod burst;
mod bytes;
mod carry;
mod core;
mod hall;
mod ports;
mod word;

use crate::Limits;
use crate::bell::{Bell, Post, Service};
use crate::board::Board;
use crate::count::Counters;
use crate::gate::Shared;
use crate::owner::{Bytes, Owner};
use crate::shelf::Shelf;
use engine::tftp::Policy;
use model::network::Subnet;
use model::network6::Subnet6;
use socket2::Socket;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Where requests for one network come in.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) link: String,
    pub(crate) server: IpAddr,
    pub(crate) policy: Policy,
    pub(crate) served: Served,
}

/// Who may ask, by family. Empty: the owner decides, since machines behind relays may be anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub(crate) v4: Vec<Subnet>,
    pub(crate) v6: Vec<Subnet6>,
}

impl Place {
    fn serves(&self, source: IpAddr) -> bool {
        let Served { v4, v6 } = &self.served;
        match source {
            IpAddr::V4(source) => v4.is_empty() || v4.iter().any(|s| s.contains(source)),
            IpAddr::V6(source) => {
                let near = source.is_unicast_link_local();
                near || v6.is_empty() || v6.iter().any(|s| s.contains(source))
            }
        }
    }
}

/// The open sockets of one served address, before anything runs.
pub(crate) struct Opened {
    place: Place,
    /// Port 69.
    front: Socket,
    /// The ports of transfers; none if they all go out from port 69.
    backs: Vec<Socket>,
}

impl Opened {
    /// # Errors
    ///
    /// Port 69 cannot be had, or not one port for transfers.
    pub(crate) fn new(place: Place, limits: &Limits) -> io::Result<Self> {
        let front = ports::bind(place.server, crate::TFTP_PORT)?;
        let backs = ports::pool(place.server, limits)?;
        Ok(Self { place, front, backs })
    }
}

/// Starts the thread. To be called inside a Tokio runtime, which does what may wait.
///
/// # Errors
///
/// When the system has no more descriptors or threads.
pub(crate) fn start<O: Owner, B: Bytes>(
    owner: O,
    shelf: Shelf<B>,
    sockets: Vec<Opened>,
    limits: &Limits,
    counters: Arc<Counters>,
    (board, rates): (Board, Shared),
) -> io::Result<Service> {
    let bell = Arc::new(Bell::new()?);
    let post = Arc::new(Post::new(Arc::clone(&bell)));
    let desk = ask::Desk::new(owner, shelf, Handle::current(), limits, counters, post);
    let hall = hall::Opening::new(desk, (board, rates), sockets, limits)?;
    Service::start("tftp", bell, move || hall.run())
}
