//! Relays' envelopes (RFC 8415, 9 and 19), and what a server hears: a message of a client, whatever
//! came around it.
//!
//! In: a datagram that reached port 547. Out: [`Heard`], and the bytes of an answer in the same
//! envelopes. Never: whether a relay is one of ours.

use super::packet::{Kind, Packet};
use super::{Malformed, code, kind, options};
use std::net::Ipv6Addr;

/// Relays between a client and us (RFC 8415, 7.6).
pub const HOPS_MAX: usize = 8;
/// An interface's name by a relay, in bytes.
pub const INTERFACE_ID_MAX: usize = 255;
/// Kind, hops, and two addresses stand before the options of an envelope.
const HEAD: usize = 34;

/// What one relay wrote around a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// How many relays came before it.
    pub hops: u8,
    /// An address on the client's link; unspecified where an interface id says which it is.
    pub link: Ipv6Addr,
    /// Whom it heard: the client, or the relay before it.
    pub peer: Ipv6Addr,
    /// Its own name for where it heard it; comes back with the answer.
    pub interface_id: Option<Vec<u8>>,
    /// The client's link-layer address (RFC 6939): hardware type, then bytes.
    pub link_layer: Option<(u16, Vec<u8>)>,
}

/// A message of a client as a server hears it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heard {
    /// The relays, the nearest to us first; none where the client is on our link.
    pub relays: Vec<Envelope>,
    /// What the client says.
    pub packet: Packet,
}

impl Heard {
    /// Reads one datagram, and whether a server may look at it at all (RFC 8415, 16).
    ///
    /// # Errors
    ///
    /// When it is no message of a client to a server, whole and with the identifiers it must have.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let mut relays = Vec::new();
        let mut bytes = datagram.to_vec();
        while bytes.first() == Some(&kind::RELAY_FORW) {
            if relays.len() >= HOPS_MAX {
                return Err(Malformed::TooManyRelays);
            }
            let (envelope, inner) = opened(&bytes)?;
            relays.push(envelope);
            bytes = inner;
        }
        let packet = Packet::parse(&bytes)?;
        may_be_heard(&packet)?;
        Ok(Self { relays, packet })
    }

    /// The envelope that the client's own words were put in.
    #[must_use]
    pub fn nearest_client(&self) -> Option<&Envelope> {
        self.relays.last()
    }
}

/// A message of either way out of its relays' envelopes, the nearest to the server first: what a capture shows.
///
/// # Errors
///
/// When an envelope cannot be read, or there are too many.
pub fn unwrapped(datagram: &[u8]) -> Result<(Vec<Envelope>, Vec<u8>), Malformed> {
    let (mut relays, mut bytes) = (Vec::new(), datagram.to_vec());
    while matches!(bytes.first(), Some(&kind::RELAY_FORW | &kind::RELAY_REPL)) {
        if relays.len() >= HOPS_MAX {
            return Err(Malformed::TooManyRelays);
        }
        let (envelope, inner) = opened(&bytes)?;
        relays.push(envelope);
        bytes = inner;
    }
    Ok((relays, bytes))
}

/// What of a message decides whether it is a client's to a server at all (RFC 8415, 16.2 to 16.12).
fn may_be_heard(packet: &Packet) -> Result<(), Malformed> {
    let (client, server) = (packet.client_id.is_some(), packet.server_id.is_some());
    let (must_name_client, server_id) = match packet.kind {
        Kind::Solicit | Kind::Confirm | Kind::Rebind => (true, Some(false)),
        Kind::Request | Kind::Renew | Kind::Release | Kind::Decline => (true, Some(true)),
        Kind::InformationRequest => (false, None),
        Kind::Advertise | Kind::Reply | Kind::Reconfigure => {
            return Err(Malformed::Role(packet.kind.number()));
        }
    };
    if must_name_client && !client {
        return Err(Malformed::NoClientId);
    }
    match server_id {
        Some(true) if !server => return Err(Malformed::NoServerId),
        Some(false) if server => return Err(Malformed::ServerId),
        _ => {}
    }
    let asks_nothing = packet.associations.is_empty() && packet.unserved.is_empty();
    if packet.kind == Kind::InformationRequest && !asks_nothing {
        return Err(Malformed::Nesting(code::IA_NA));
    }
    Ok(())
}

fn opened(bytes: &[u8]) -> Result<(Envelope, Vec<u8>), Malformed> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEAD>() else {
        return Err(Malformed::TooShort);
    };
    let [_, hops, addresses @ ..] = head;
    let ([link, peer], _) = addresses.as_chunks::<16>() else { return Err(Malformed::TooShort) };
    let mut envelope = Envelope {
        hops: *hops,
        link: (*link).into(),
        peer: (*peer).into(),
        interface_id: None,
        link_layer: None,
    };
    let mut inner = None;
    for (code, value) in options(rest)? {
        match code {
            code::RELAY_MESSAGE if inner.is_some() => return Err(Malformed::Twice(code)),
            code::RELAY_MESSAGE => inner = Some(value),
            // It has to come back byte by byte, so it must be right.
            code::INTERFACE_ID if value.is_empty() || value.len() > INTERFACE_ID_MAX => {
                return Err(Malformed::Length(code));
            }
            code::INTERFACE_ID if envelope.interface_id.is_some() => {
                return Err(Malformed::Twice(code));
            }
            code::INTERFACE_ID => envelope.interface_id = Some(value),
            code::CLIENT_LINK_LAYER => {
                let whole = value
                    .split_first_chunk::<2>()
                    .filter(|(_, rest)| (1..=16).contains(&rest.len()));
                let said = whole.map(|(kind, rest)| (u16::from_be_bytes(*kind), rest.to_vec()));
                envelope.link_layer = said.or(envelope.link_layer);
            }
            _ => {}
        }
    }
    Ok((envelope, inner.ok_or(Malformed::NoMessage)?))
}

/// An answer in the envelopes that its question came in (RFC 8415, 19.3), the nearest relay's
/// outermost.
#[must_use]
pub fn enveloped(relays: &[Envelope], message: Vec<u8>) -> Vec<u8> {
    written(kind::RELAY_REPL, relays, message, false)
}

/// A client's message in envelopes, the nearest relay's outermost: what relays send us.
#[must_use]
pub fn forwarded(relays: &[Envelope], message: Vec<u8>) -> Vec<u8> {
    written(kind::RELAY_FORW, relays, message, true)
}

fn written(kind: u8, relays: &[Envelope], message: Vec<u8>, to_server: bool) -> Vec<u8> {
    let mut inner = message;
    for envelope in relays.iter().rev() {
        let mut bytes = vec![kind, envelope.hops];
        bytes.extend(envelope.link.octets());
        bytes.extend(envelope.peer.octets());
        if let Some(id) = &envelope.interface_id {
            put(&mut bytes, code::INTERFACE_ID, id);
        }
        if let Some((hardware, address)) = envelope.link_layer.as_ref().filter(|_| to_server) {
            let value = [&hardware.to_be_bytes()[..], address].concat();
            put(&mut bytes, code::CLIENT_LINK_LAYER, &value);
        }
        put(&mut bytes, code::RELAY_MESSAGE, &inner);
        inner = bytes;
    }
    inner
}

fn put(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let Ok(length) = u16::try_from(value.len()) else { return };
    out.extend(code.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend_from_slice(value);
}
