//! What a boot server says on port 4011, where firmware asks it when its offer did not say all
//! (PXE 2.1, 2.2.3).

use super::offers::{Offer, offer_of, put_firmware};
use crate::{interfaces, sys};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use wire::dhcp4::{Message, MessageType, Op, Options, code};

const PORT: u16 = 4011;
/// Firmware waits 1, 2, 3 s; one lost question is allowed for.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(1)];

/// Asks the server of `offer` on 4011, as the client that it made its offer to. `None` when nothing
/// came. It is asked by REQUEST, as firmware asks, if it gives no addresses; by INFORM if it does,
/// so that no server can take it for a wish to have one.
///
/// # Errors
///
/// When the interface has no address to ask from, or may not be used.
pub async fn port_4011(interface: &str, offer: &Offer) -> io::Result<Option<Offer>> {
    let found = interfaces::named(interface)?;
    let found = found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
    let mac = found.mac.and_then(|mac| mac.as_mac()).unwrap_or_default();
    let own = found.addresses.first().map(|(address, _)| *address);
    let own = own.ok_or_else(|| io::Error::from_raw_os_error(libc::EADDRNOTAVAIL))?;

    let socket = UdpSocket::bind((own, 0)).await?;
    let xid = super::chance();
    let question = question(mac, xid, own, offer)
        .ok_or_else(|| io::Error::other("the question does not fit a packet"))?;
    let mut buffer = vec![0; 2048];
    for wait in WAITS {
        socket.send_to(&question, SocketAddrV4::new(offer.server, PORT)).await?;
        let until = Instant::now() + wait;
        while let Ok(received) = timeout_at(until, socket.recv_from(&mut buffer)).await {
            let (length, from) = received?;
            let bytes = buffer.get(..length).unwrap_or_default();
            let Ok(message) = Message::parse(bytes) else { continue };
            if from.ip() == offer.server && message.op == Op::Reply && message.xid == xid {
                let mac = offer.mac.as_mac().unwrap_or_default();
                return Ok(Some(offer_of(&message, offer.asked, offer.server, mac)));
            }
        }
    }
    Ok(None)
}

fn question(mac: sys::Mac, xid: u32, own: Ipv4Addr, offer: &Offer) -> Option<Vec<u8>> {
    let mut options = Options::new();
    let kind = match offer.address {
        None => MessageType::Request,
        Some(_) => MessageType::Inform,
    };
    options.push(code::MESSAGE_TYPE, [kind.number()]);
    put_firmware(&mut options, mac, offer.asked);
    let message = Message { ciaddr: own, options, ..Message::request(mac, xid) };
    message.encode(1472).ok()
}
