//! DHCP of the machines: frames with their own MAC, answers by broadcast.
//!
//! In: what a machine wants. Out: its frame; every answer that came. Never: a packet socket that
//! hears, which would be given each block of every download as well.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use wire::dhcp4::{MessageType, code};
use wire::udp4;

use crate::load::frame::{BROADCAST, Mac};
use crate::rig::{Trouble, io};
use crate::sim::firmware::dhcp::{Reply, Request};
use crate::sim::firmware::{Board, edk2};
use crate::sim::host::Heard;

/// x64 UEFI in option 93.
const X64_UEFI: u16 = 7;
const ANSWER_MAX: usize = 1500;

/// A frame of this board's. `chosen` is the offer it takes, if it has one.
pub(super) fn frame(board: &Board, xid: u32, chosen: Option<&Reply>) -> Vec<u8> {
    let mut options = edk2::options(board, "PXEClient", X64_UEFI);
    if let Some(offer) = chosen {
        options.push((code::REQUESTED_ADDRESS, offer.yiaddr.octets().to_vec()));
        options.extend(offer.option(code::SERVER_ID).map(|id| (code::SERVER_ID, id.to_vec())));
    }
    let kind = if chosen.is_some() { MessageType::Request } else { MessageType::Discover };
    let request = Request {
        kind: Some(kind),
        xid,
        secs: 0,
        broadcast: true,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        options,
    };
    let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
    let packet = udp4::encode(from, to, 0, &request.bytes(board.mac)).unwrap_or_default();
    let mac: Mac = board.mac;
    [&BROADCAST[..], &mac, &[0x08, 0x00], &packet].concat()
}

/// Gives every answer that waits to `take`.
pub(super) fn hear(
    socket: &UdpSocket,
    mut take: impl FnMut(Reply) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut bytes = [0; ANSWER_MAX];
    loop {
        let (length, from) = match socket.recv_from(&mut bytes) {
            Ok((length, SocketAddr::V4(from))) => (length, from),
            Ok(_) => continue,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(e) => return Err(io("reading DHCP answers")(e)),
        };
        let heard = Heard {
            from,
            to: Ipv4Addr::BROADCAST,
            port: 68,
            bytes: bytes.get(..length).unwrap_or_default().to_vec(),
        };
        if let Some(reply) = Reply::read(&heard) {
            take(reply)?;
        }
    }
}
