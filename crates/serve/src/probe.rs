//! Who else gives addresses or boot files on a link.
//!
//! In: an interface and a time to listen. Out: every server that answered. Never: a REQUEST, so no
//! lease is taken; a server may hold the address it offers for a short while.

use crate::{interfaces, sys};
use model::HardwareAddress;
use socket2::Socket;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};
use wire::dhcp4::{Message, MessageType, Op, Options, code};
use wire::udp4;

const CLIENT_PORT: u16 = 68;
/// A lost question is asked again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// More servers than this on one link are not told apart.
const SERVERS_MAX: usize = 64;
/// Bit 15 of `flags`: answers by broadcast, so that we hear them whatever address they are for.
const BROADCAST_FLAG: u16 = 0x8000;
/// x64 UEFI (RFC 4578): every boot server has an answer for it.
const ARCH: u16 = 7;

/// A DHCP or boot server that answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OtherServer {
    /// Who it says it is (option 54), else where its answer came from.
    pub server: Ipv4Addr,
    /// The hardware address its answer came from: its own, or a relay's.
    pub mac: HardwareAddress,
    /// It offered an address.
    pub offers_address: bool,
    /// It offered to boot us.
    pub is_pxe: bool,
}

/// Asks the link of `interface` for DHCP servers, once as a plain client and once as PXE firmware,
/// and collects what answers come within `listen`. Servers that look whether an address is taken
/// answer after up to 3 s, so allow 4 s. A server on this very host does not hear us: ask
/// [`crate::holder::holders`] about port 67.
///
/// # Errors
///
/// When the interface is not there or may not be used.
pub async fn probe(interface: &str, listen: Duration) -> io::Result<Vec<OtherServer>> {
    let found = interfaces::named(interface)?;
    let found = found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
    let mac = found.mac.and_then(|mac| mac.as_mac()).unwrap_or_default();
    let socket =
        sys::watched(sys::packet_socket(found.index, [CLIENT_PORT; 3], sys::Takes::OurOwn)?)?;

    let xid = (RandomState::new().build_hasher().finish() >> 32) as u32;
    let questions = [discover(mac, xid, false), discover(mac, xid ^ 1, true)];
    let end = Instant::now() + listen;
    let mut servers = Vec::new();
    let mut asked = 0;
    while Instant::now() < end {
        // Twice, then only listen.
        if asked < 2 {
            for question in questions.iter().flatten() {
                sys::send_frame(socket.get_ref(), found.index, sys::BROADCAST_MAC, question)?;
            }
            asked += 1;
        }
        let until = if asked < 2 { end.min(Instant::now() + AGAIN) } else { end };
        collect(&socket, until, xid, &mut servers).await?;
    }
    Ok(servers)
}

/// Takes answers until the moment has come.
async fn collect(
    socket: &AsyncFd<Socket>,
    until: Instant,
    xid: u32,
    servers: &mut Vec<OtherServer>,
) -> io::Result<()> {
    let mut buffer = vec![0; 9216];
    while let Ok(ready) = timeout_at(until, socket.readable()).await {
        let mut ready = ready?;
        let Ok(received) = ready.try_io(|fd| sys::receive(fd.get_ref(), &mut buffer)) else {
            continue;
        };
        let received = received?;
        let bytes = buffer.get(..received.length).unwrap_or_default();
        let Some(heard) = read(bytes, received.from, xid) else { continue };
        let same = servers.iter_mut().find(|s| (s.server, s.mac) == (heard.server, heard.mac));
        if let Some(known) = same {
            known.offers_address |= heard.offers_address;
            known.is_pxe |= heard.is_pxe;
        } else if servers.len() < SERVERS_MAX {
            servers.push(heard);
        }
    }
    Ok(())
}

/// A DHCPDISCOVER in its packet.
///
/// It carries the interface's own MAC, since switches that watch DHCP drop any other, and a client
/// identifier of its own, so that the address this host may have by DHCP stays out of it.
fn discover(mac: sys::Mac, xid: u32, pxe: bool) -> Option<Vec<u8>> {
    let mut options = Options::new();
    options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
    options.push(code::CLIENT_ID, [b"\0bootwright probe ".as_slice(), &mac].concat());
    options.push(code::PARAMETER_LIST, [1, 3, 6, 15, 43, 51, 54, 60, 66, 67]);
    if pxe {
        options.push(code::VENDOR_CLASS, *b"PXEClient:Arch:00007:UNDI:003016");
        options.push(code::CLIENT_ARCH, ARCH.to_be_bytes());
        options.push(code::CLIENT_NDI, [1, 3, 16]);
        let uuid: [&[u8]; 3] = [&[0], b"bw-probe--", &mac];
        options.push(code::CLIENT_MACHINE_ID, uuid.concat());
    }
    let message = Message { secs: 4, flags: BROADCAST_FLAG, options, ..Message::request(mac, xid) };
    let payload = message.encode(1472).ok()?;
    let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT);
    let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, crate::packet::SERVER_PORT);
    udp4::encode(from, to, 1, &payload)
}

/// An offer to one of our two questions.
fn read(bytes: &[u8], from: sys::Mac, xid: u32) -> Option<OtherServer> {
    let packet = udp4::parse(bytes).ok()?;
    let message = Message::parse(packet.payload).ok()?;
    if message.op != Op::Reply || (message.xid != xid && message.xid != xid ^ 1) {
        return None;
    }
    let server: Option<[u8; 4]> =
        message.options.get(code::SERVER_ID).and_then(|id| id.as_ref().try_into().ok());
    let vendor = wire::dhcp4::vendor_class(&message.options);
    let asked_to_boot = message.xid == xid ^ 1;
    let names_file =
        !message.file_name().is_empty() || message.options.get(code::BOOT_FILE_NAME).is_some();
    Some(OtherServer {
        server: server.map_or(*packet.src.ip(), Ipv4Addr::from),
        mac: HardwareAddress::mac(from),
        offers_address: !message.yiaddr.is_unspecified(),
        is_pxe: asked_to_boot
            && (names_file || vendor.is_some_and(|v| v.starts_with(b"PXEClient"))),
    })
}
