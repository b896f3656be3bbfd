//! Installed systems and gadgets: DHCP for an address, and nothing of booting.

use super::dhcp::{self, Request};
use super::{Board, Outcome};
use crate::sim::host::Host;
use std::net::Ipv4Addr;
use wire::dhcp4::{MessageType, code};

/// Takes an address.
pub async fn run(host: Host, board: Board) -> Outcome {
    let mut options = vec![(code::PARAMETER_LIST, vec![1, 3, 6, 12, 15, 28])];
    let id = [&[0xff, 0, 0, 0, 1, 0, 3, 0, 1], board.mac.as_slice()].concat();
    options.push((code::CLIENT_ID, id));
    let name = board.habits.get("name").map_or("host", String::as_str);
    options.push((code::HOST_NAME, name.as_bytes().to_vec()));
    let base = Request {
        kind: Some(MessageType::Discover),
        xid: board.xid(0x30),
        secs: 0,
        broadcast: false,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options,
    };
    for window_s in [4, 8, 16] {
        host.send(68, (Ipv4Addr::BROADCAST, 67), base.bytes(host.mac));
        let until_ms = host.now() + window_s * 1000;
        let offer = dhcp::first(&host, 68, until_ms, |reply| {
            reply.xid == base.xid && reply.kind() == Some(2) && !reply.yiaddr.is_unspecified()
        })
        .await;
        let Some(offer) = offer else { continue };
        if let Some(ack) = dhcp::request(&host, &base, &offer, &[4, 8]).await {
            return format!("is up as {}", ack.yiaddr);
        }
    }
    "stops: no address".into()
}
