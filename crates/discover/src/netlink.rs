//! What the kernel is told of a network card, as messages of rtnetlink(7).
//!
//! In: the number of a card, addresses. Out: bytes; and what an answer says. Never: a socket.

use std::net::Ipv4Addr;

const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
/// `NLMSG_ERROR`: an error, or with 0 the acknowledgement.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST | NLM_F_ACK`.
const ASK: u16 = 0x0005;
/// The same with `NLM_F_REPLACE | NLM_F_CREATE`.
const MAKE: u16 = ASK | 0x0500;
const INET: u8 = 2;
const UP: u32 = 1;
/// `RT_TABLE_MAIN`, `RTPROT_DHCP`, `RT_SCOPE_UNIVERSE`, `RTN_UNICAST`.
const ROUTE: [u8; 4] = [254, 16, 0, 1];

/// Switches a card on.
pub fn up(card: u32) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(card.to_ne_bytes());
    body.extend(UP.to_ne_bytes());
    body.extend(UP.to_ne_bytes());
    message(NEW_LINK, ASK, &body)
}

/// Gives a card an address with the length of its subnet's prefix.
pub fn address(card: u32, address: Ipv4Addr, prefix: u8) -> Vec<u8> {
    let mut body = vec![INET, prefix, 0, 0];
    body.extend(card.to_ne_bytes());
    // IFA_ADDRESS and IFA_LOCAL: the same, except where two talk alone.
    attribute(&mut body, 1, &address.octets());
    attribute(&mut body, 2, &address.octets());
    message(NEW_ADDRESS, MAKE, &body)
}

/// Sends what is not for the own subnet to a router.
pub fn default_route(card: u32, router: Ipv4Addr) -> Vec<u8> {
    let mut body = vec![INET, 0, 0, 0];
    body.extend(ROUTE);
    body.extend([0; 4]);
    attribute(&mut body, 4, &card.to_ne_bytes());
    attribute(&mut body, 5, &router.octets());
    message(NEW_ROUTE, MAKE, &body)
}

/// What the kernel answered: done, or the number of an error.
pub fn answer(bytes: &[u8]) -> Result<(), i32> {
    let kind = bytes.get(4..6).and_then(|kind| kind.first_chunk()).copied().map(u16::from_ne_bytes);
    let code = bytes.get(16..).and_then(|rest| rest.first_chunk()).copied().map(i32::from_ne_bytes);
    match (kind, code) {
        (Some(ERROR), Some(0)) => Ok(()),
        (Some(ERROR), Some(code)) => Err(code.saturating_neg()),
        // EPROTO: this is no answer to what was asked.
        _ => Err(71),
    }
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // Every value here has four bytes: a multiple of the alignment.
    let length = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len().saturating_add(16)).unwrap_or(u32::MAX);
    let mut bytes = Vec::from(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_lengths_that_the_kernel_wants() {
        let at = Ipv4Addr::new(10, 0, 0, 7);
        for (message, length) in [(up(2), 32), (address(2, at, 24), 40), (default_route(2, at), 44)]
        {
            assert_eq!(message.len(), length);
            assert_eq!(message.first_chunk().copied().map(u32::from_ne_bytes), Some(length as u32));
        }
    }

    #[test]
    fn an_answer_is_done_or_an_error() {
        let answered = |code: i32| {
            let mut bytes = message(ERROR, 0, &code.to_ne_bytes());
            bytes.extend(up(1));
            answer(&bytes)
        };
        assert_eq!(answered(0), Ok(()));
        assert_eq!(answered(-19), Err(19));
        assert_eq!(answer(&up(1)), Err(71));
        assert_eq!(answer(&[]), Err(71));
    }
}
