//! ARP for addresses that our clients have (RFC 826): without it no server could send them a
//! routed reply, and a server that tries an address before it gives it would find nobody.
//!
//! In: a frame that came. Out: which address is looked for, and the reply. Never: a table.

use std::net::Ipv4Addr;

use crate::load::frame::Mac;

const REQUEST: [u8; 10] = [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1];

/// Which address is looked for, by an ARP request.
pub(super) fn looked_for(frame: &[u8]) -> Option<Ipv4Addr> {
    (frame.get(12..22)? == REQUEST).then_some(())?;
    let target: [u8; 4] = frame.get(38..42)?.try_into().ok()?;
    Some(target.into())
}

/// "It is I", from this MAC, to who asked.
pub(super) fn reply(request: &[u8], mac: Mac) -> Option<Vec<u8>> {
    let (asker, asker_ip) = (request.get(22..28)?, request.get(28..32)?);
    let wanted = request.get(38..42)?;
    let kind = [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2];
    Some([asker, &mac, &kind, &mac, wanted, asker, asker_ip].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_in_its_own_form() {
        let (asker, mac) = ([4; 6], [2; 6]);
        let request = [
            &[0xff; 6][..],
            &asker,
            &REQUEST,
            &asker,
            &[10, 80, 0, 1],
            &[0; 6],
            &[10, 80, 1, 9],
            &[0; 18],
        ]
        .concat();
        assert_eq!(looked_for(&request), Some(Ipv4Addr::new(10, 80, 1, 9)));
        let reply = reply(&request, mac).unwrap();
        assert_eq!(reply.len(), 42);
        assert_eq!((&reply[..6], &reply[6..12], reply[21]), (&asker[..], &mac[..], 2));
        assert_eq!(&reply[28..42], [10, 80, 1, 9, 4, 4, 4, 4, 4, 4, 10, 80, 0, 1]);
        assert_eq!(looked_for(&reply), None);
    }
}
