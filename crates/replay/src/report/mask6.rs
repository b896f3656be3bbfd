//! Addresses in messages of DHCPv6 made others: in envelopes, in options, and in options inside of those.
//!
//! In: the bytes of a message, and what stands for what. Out: the bytes with it; of what cannot be read, none. Never:
//! an option left out, or its order changed.

use super::mask::Known;
use std::net::Ipv6Addr;
use wire::dhcp6::{code, duid};

/// Envelopes and options inside of each other: no message that is answered has more.
const DEPTH_MAX: usize = 12;
/// Kind, hops, link and peer of an envelope; kind and transaction of a message.
const ENVELOPE: usize = 34;
const HEAD: usize = 4;

/// What stands before the options inside of an option: identifier and times of an association, an address and its
/// times.
fn inside(code: u16) -> Option<usize> {
    match code {
        code::IA_NA | code::IA_PD => Some(12),
        code::IA_TA => Some(4),
        code::IA_ADDRESS => Some(24),
        _ => None,
    }
}

/// Where the options of a message begin.
fn head(bytes: &[u8]) -> usize {
    if matches!(bytes.first(), Some(12 | 13)) { ENVELOPE } else { HEAD }
}

/// Every option, as long as they are whole; whether all of it was read.
fn options<'a>(mut rest: &'a [u8], mut take: impl FnMut(u16, &'a [u8])) -> bool {
    while let Some((&[c0, c1, l0, l1], after)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let Some((value, after)) = after.split_at_checked(length) else { return false };
        take(u16::from_be_bytes([c0, c1]), value);
        rest = after;
    }
    rest.is_empty()
}

/// Adds the addresses in a message, wherever it says that there are some.
pub(super) fn addresses(bytes: &[u8], ips: &mut Vec<Ipv6Addr>, macs: &mut Vec<[u8; 6]>) {
    of_message(bytes, ips, macs, 0);
}

fn of_message(bytes: &[u8], ips: &mut Vec<Ipv6Addr>, macs: &mut Vec<[u8; 6]>, depth: usize) {
    let Some((head, rest)) = bytes.split_at_checked(head(bytes)).filter(|_| depth < DEPTH_MAX)
    else {
        return;
    };
    let (both, _) = head.get(2..).unwrap_or_default().as_chunks::<16>();
    ips.extend(both.iter().map(|ip| Ipv6Addr::from(*ip)));
    of_options(rest, ips, macs, depth);
}

fn of_options(bytes: &[u8], ips: &mut Vec<Ipv6Addr>, macs: &mut Vec<[u8; 6]>, depth: usize) {
    options(bytes, |code, value| match code {
        code::RELAY_MESSAGE => of_message(value, ips, macs, depth + 1),
        code::DNS => ips.extend(value.as_chunks::<16>().0.iter().map(|ip| Ipv6Addr::from(*ip))),
        code::CLIENT_ID | code::SERVER_ID => {
            let mac = duid::link_layer(value).and_then(|(_, mac)| <[u8; 6]>::try_from(mac).ok());
            macs.extend(mac);
        }
        code::CLIENT_LINK_LAYER => {
            macs.extend(value.get(2..).and_then(|mac| <[u8; 6]>::try_from(mac).ok()));
        }
        code if depth < DEPTH_MAX => {
            let Some(head) = inside(code) else { return };
            if code == code::IA_ADDRESS {
                ips.extend(value.first_chunk::<16>().map(|ip| Ipv6Addr::from(*ip)));
            }
            of_options(value.get(head..).unwrap_or_default(), ips, macs, depth + 1);
        }
        _ => {}
    });
}

/// A message with every known address in it made another.
pub(super) fn message(known: &Known, bytes: &[u8]) -> Vec<u8> {
    written(known, bytes, 0).unwrap_or_default()
}

fn written(known: &Known, bytes: &[u8], depth: usize) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_at_checked(head(bytes)).filter(|_| depth < DEPTH_MAX)?;
    let mut out = head.to_vec();
    if out.len() == ENVELOPE {
        for place in out.get_mut(2..)?.as_chunks_mut::<16>().0 {
            *place = known.ip6(Ipv6Addr::from(*place)).octets();
        }
    }
    out.extend(written_options(known, rest, depth)?);
    Some(out)
}

fn written_options(known: &Known, bytes: &[u8], depth: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut whole = true;
    let read = options(bytes, |code, value| {
        let length = |value: &[u8]| u16::try_from(value.len()).ok();
        match option(known, code, value, depth).and_then(|value| Some((length(&value)?, value))) {
            Some((length, value)) => {
                out.extend(code.to_be_bytes());
                out.extend(length.to_be_bytes());
                out.extend(value);
            }
            None => whole = false,
        }
    });
    (read && whole).then_some(out)
}

fn option(known: &Known, code: u16, value: &[u8], depth: usize) -> Option<Vec<u8>> {
    let masked = |value: &[u8]| {
        let mut value = value.to_vec();
        known.bytes(&mut value);
        value
    };
    let (kept, text) = match code {
        code::RELAY_MESSAGE => return written(known, value, depth + 1),
        code::BOOT_FILE_URL => value.split_at(0),
        code::STATUS => value.split_at_checked(2)?,
        code::BOOT_FILE_PARAMETERS => return parameters(known, value),
        _ => {
            let Some(head) = inside(code).filter(|_| depth < DEPTH_MAX) else {
                return Some(masked(value));
            };
            let (head, rest) = value.split_at_checked(head)?;
            let mut out = masked(head);
            out.extend(written_options(known, rest, depth + 1)?);
            return Some(out);
        }
    };
    Some([kept, &known.bytes_of_text(text)].concat())
}

/// Texts with their lengths before them (RFC 5970, 3.2).
fn parameters(known: &Known, mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(rest.len());
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (text, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let text = known.bytes_of_text(text);
        out.extend(u16::try_from(text.len()).ok()?.to_be_bytes());
        out.extend(text);
        rest = after;
    }
    Some(out)
}
