//! A server that decides nothing and keeps nothing: what the link and the generator can carry.
//!
//! In: clients' frames. Out: each of them turned around, as an OFFER or an ACK. Never: a measure
//! of a DHCP server; it is the limit that all of them share.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::frame::{headers, put, to_port};
use super::port::{BATCH, Hears, Port};
use crate::rig::Trouble;
use crate::rig::ns::{Link, Namespace};

/// Answers in a namespace until told to stop.
///
/// # Errors
/// When the interface cannot be used.
pub fn serve(at: &Namespace, server: Ipv4Addr, stop: &AtomicBool) -> Result<(), Trouble> {
    at.inside(|| answer_all(server, stop))?
}

fn answer_all(server: Ipv4Addr, stop: &AtomicBool) -> Result<(), Trouble> {
    let mut port = Port::open(Link::INTERFACE, Hears::Ip)?;
    let mut replies: Vec<Vec<u8>> = Vec::with_capacity(2 * BATCH);
    while !stop.load(Ordering::Relaxed) {
        let came = port.receive(|frame| replies.extend(turned(frame, server)))?;
        let sent = port.send(&replies)?;
        replies.drain(..sent);
        if came == 0 && replies.is_empty() {
            port.wait(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// The reply to a frame of [`super::frame::write`]: its first option is the message type.
pub(crate) fn turned(frame: &[u8], server: Ipv4Addr) -> Option<Vec<u8>> {
    const MESSAGE: usize = 42;
    let (client, _, message) = to_port(frame, 67)?;
    let kind = match message.get(240..243)? {
        [53, 1, 1] => 2,
        [53, 1, 3] => 5,
        _ => return None,
    };
    // The exchange's number makes as good an address as any.
    let xid = message.get(4..8)?;
    let address = Ipv4Addr::new(10, 80, *xid.get(2)?, *xid.get(3)?);
    let mut reply = frame.to_vec();
    put(&mut reply, 0, &client);
    put(&mut reply, 6, &[0x02, 0, 0, 0, 0, 1]);
    put(&mut reply, MESSAGE, &[2]);
    put(&mut reply, MESSAGE + 16, &address.octets());
    put(&mut reply, MESSAGE + 242, &[kind]);
    headers(&mut reply, (server, 67), (address, 68));
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::frame::{Kind, Say, read, write};

    #[test]
    fn a_discover_becomes_an_offer_and_a_request_an_ack() {
        let (client, server) = ([2, 0, 0, 0, 0, 9], Ipv4Addr::new(10, 80, 0, 1));
        let offer = read(&turned(&write(client, 9, Say::Discover), server).unwrap()).unwrap();
        assert_eq!((offer.kind, offer.xid, offer.client), (Kind::Offer, 9, client));
        assert_eq!(offer.server, server);
        let say = Say::Select { address: offer.address, server };
        let ack = read(&turned(&write(client, 9, say), server).unwrap()).unwrap();
        assert_eq!((ack.kind, ack.address), (Kind::Ack, offer.address));
    }
}
