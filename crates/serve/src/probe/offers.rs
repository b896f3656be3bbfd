//! DHCPDISCOVER as different clients, and every offer that comes.

use super::{SERVERS_MAX, chance, uuid};
use crate::{interfaces, sys};
use model::HardwareAddress;
use socket2::Socket;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};
use wire::dhcp4::{Message, MessageType, Op, Options, code, pxe};
use wire::udp4;

const CLIENT_PORT: u16 = 68;
/// A lost question is asked again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// Bit 15 of `flags`: answers by broadcast, so that we hear them whatever address they are for.
const BROADCAST_FLAG: u16 = 0x8000;
/// The last bits of the transaction number say which question is answered.
const ASKED_MASK: u32 = 3;

/// As whom we ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asked {
    /// A client that only wants an address.
    Plain,
    /// PXE firmware of a PC BIOS.
    Bios,
    /// PXE firmware of an x64 UEFI.
    X64Uefi,
    /// HTTP Boot of an x64 UEFI.
    X64Http,
}

impl Asked {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Bios, Self::X64Uefi, Self::X64Http];

    /// What firmware of this kind writes into option 60, and its architecture (option 93).
    pub(super) fn firmware(self) -> Option<(&'static str, u16)> {
        match self {
            Self::Plain => None,
            Self::Bios => Some(("PXEClient:Arch:00000:UNDI:002001", 0)),
            Self::X64Uefi => Some(("PXEClient:Arch:00007:UNDI:003016", 7)),
            Self::X64Http => Some(("HTTPClient:Arch:00016:UNDI:003016", 16)),
        }
    }

    fn number(self) -> u32 {
        match self {
            Self::Plain => 0,
            Self::Bios => 1,
            Self::X64Uefi => 2,
            Self::X64Http => 3,
        }
    }
}

/// One server's offer to one of our questions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    /// As whom we asked.
    pub asked: Asked,
    /// Who it says it is (option 54), else where its answer came from.
    pub server: Ipv4Addr,
    /// Where its answer came from.
    pub from: Ipv4Addr,
    /// The hardware address its answer came from: its own, or a relay's.
    pub mac: HardwareAddress,
    /// The address it offered.
    pub address: Option<Ipv4Addr>,
    /// Which servers it would have asked for names (option 6).
    pub dns: Vec<Ipv4Addr>,
    /// `siaddr`: from where firmware is to fetch.
    pub next_server: Option<Ipv4Addr>,
    /// The boot file, of `file` or option 67, as it came.
    pub file: Vec<u8>,
    /// It says that it speaks to firmware of this kind (option 60).
    pub for_firmware: bool,
    /// It has PXE's own options (43), which say how to go on.
    pub vendor_options: bool,
}

impl Offer {
    /// Firmware would take it for an offer to boot.
    pub fn boots(&self) -> bool {
        self.asked != Asked::Plain && (!self.file.is_empty() || self.for_firmware)
    }
}

/// Asks the link as each of `asked`, twice, and collects what comes within `listen`.
///
/// # Errors
///
/// When the interface is not there or may not be used.
pub async fn offers(interface: &str, asked: &[Asked], listen: Duration) -> io::Result<Vec<Offer>> {
    let found = interfaces::named(interface)?;
    let found = found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
    let mac = found.mac.and_then(|mac| mac.as_mac()).unwrap_or_default();
    let socket =
        sys::watched(sys::packet_socket(found.index, [CLIENT_PORT; 3], sys::Takes::OurOwn)?)?;

    let xid = chance() & !ASKED_MASK;
    let questions: Vec<Vec<u8>> =
        asked.iter().filter_map(|asked| discover(mac, xid, *asked)).collect();
    let end = Instant::now() + listen;
    let mut offers = Vec::new();
    let mut times = 0;
    while Instant::now() < end {
        // Twice, then only listen.
        if times < 2 {
            for question in &questions {
                sys::send_frame(socket.get_ref(), found.index, sys::BROADCAST_MAC, question)?;
            }
            times += 1;
        }
        let until = if times < 2 { end.min(Instant::now() + AGAIN) } else { end };
        collect(&socket, until, xid, &mut offers).await?;
    }
    Ok(offers)
}

/// Takes answers until the moment has come.
async fn collect(
    socket: &AsyncFd<Socket>,
    until: Instant,
    xid: u32,
    offers: &mut Vec<Offer>,
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
        let who = |offer: &Offer| (offer.asked, offer.server, offer.mac);
        if offers.iter().all(|known| who(known) != who(&heard)) && offers.len() < SERVERS_MAX {
            offers.push(heard);
        }
    }
    Ok(())
}

/// A DHCPDISCOVER in its packet.
///
/// It carries the interface's own MAC, since switches that watch DHCP drop any other, and a client
/// identifier of its own, so that the address this host may have by DHCP stays out of it.
fn discover(mac: sys::Mac, xid: u32, asked: Asked) -> Option<Vec<u8>> {
    let mut options = Options::new();
    options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
    options.push(code::CLIENT_ID, [b"\0bootwright probe ".as_slice(), &mac].concat());
    put_firmware(&mut options, mac, asked);
    let xid = xid | asked.number();
    let message = Message { secs: 4, flags: BROADCAST_FLAG, options, ..Message::request(mac, xid) };
    let payload = message.encode(1472).ok()?;
    let from = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, CLIENT_PORT);
    let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, crate::packet::SERVER_PORT);
    udp4::encode(from, to, 1, &payload)
}

/// What a client of this kind says of itself, and asks for.
pub(super) fn put_firmware(options: &mut Options, mac: sys::Mac, asked: Asked) {
    options.push(code::PARAMETER_LIST, [1, 3, 6, 15, 43, 51, 54, 60, 66, 67]);
    let Some((class, arch)) = asked.firmware() else { return };
    options.push(code::VENDOR_CLASS, class.as_bytes());
    options.push(code::CLIENT_ARCH, arch.to_be_bytes());
    options.push(code::CLIENT_NDI, [1, 3, 16]);
    options.push(code::CLIENT_MACHINE_ID, [&[0_u8][..], &uuid(mac)].concat());
}

/// An offer to one of our questions.
fn read(bytes: &[u8], mac: sys::Mac, xid: u32) -> Option<Offer> {
    let packet = udp4::parse(bytes).ok()?;
    let message = Message::parse(packet.payload).ok()?;
    if message.op != Op::Reply || message.xid & !ASKED_MASK != xid {
        return None;
    }
    let asked = Asked::ALL.into_iter().find(|asked| asked.number() == message.xid & ASKED_MASK)?;
    Some(offer_of(&message, asked, *packet.src.ip(), mac))
}

fn addresses(bytes: &[u8]) -> Vec<Ipv4Addr> {
    bytes.as_chunks().0.iter().map(|four: &[u8; 4]| Ipv4Addr::from(*four)).collect()
}

/// What a reply offers.
pub(super) fn offer_of(message: &Message, asked: Asked, from: Ipv4Addr, mac: sys::Mac) -> Offer {
    let server: Option<[u8; 4]> =
        message.options.get(code::SERVER_ID).and_then(|id| id.as_ref().try_into().ok());
    let vendor = wire::dhcp4::vendor_class(&message.options);
    let wanted: &[u8] = if asked == Asked::X64Http { pxe::HTTP_CLIENT } else { b"PXEClient" };
    let some = |address: Ipv4Addr| (!address.is_unspecified()).then_some(address);
    let by_option = || message.options.get(code::BOOT_FILE_NAME).unwrap_or_default().into_owned();
    let mut file = match message.file_name() {
        [] => by_option(),
        name => name.to_vec(),
    };
    file.truncate(file.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    Offer {
        asked,
        server: server.map_or(from, Ipv4Addr::from),
        from,
        mac: HardwareAddress::mac(mac),
        address: some(message.yiaddr),
        dns: addresses(&message.options.get(code::DNS).unwrap_or_default()),
        next_server: some(message.siaddr),
        file,
        for_firmware: vendor.is_some_and(|vendor| vendor.starts_with(wanted)),
        vendor_options: message.options.get(code::VENDOR_SPECIFIC).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(asked: Asked, xid: u32, change: impl FnOnce(&mut Message)) -> Option<Offer> {
        let mut message = Message { op: Op::Reply, ..Message::request([2; 6], xid) };
        message.xid |= asked.number();
        change(&mut message);
        let from = SocketAddrV4::new([10, 0, 0, 2].into(), 67);
        let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, 68);
        let packet = udp4::encode(from, to, 1, &message.encode(1472).unwrap()).unwrap();
        read(&packet, [2, 0, 0, 0, 0, 9], 0xbeef_0000)
    }

    #[test]
    fn an_offer_says_who_offers_what_to_whom() {
        let offer = reply(Asked::X64Uefi, 0xbeef_0000, |message| {
            message.yiaddr = [10, 0, 0, 50].into();
            message.siaddr = [10, 0, 0, 3].into();
            message.options.push(code::SERVER_ID, [10, 0, 0, 1]);
            message.options.push(code::VENDOR_CLASS, *b"PXEClient");
            message.options.push(code::DNS, [10, 0, 0, 53, 10, 0, 0, 54]);
            message.options.push(code::BOOT_FILE_NAME, *b"shim.efi\0");
        })
        .unwrap();
        assert_eq!((offer.asked, offer.server), (Asked::X64Uefi, [10, 0, 0, 1].into()));
        assert_eq!(offer.from, Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(offer.address, Some([10, 0, 0, 50].into()));
        assert_eq!(offer.next_server, Some([10, 0, 0, 3].into()));
        assert_eq!(offer.file, b"shim.efi");
        assert_eq!(offer.dns, [Ipv4Addr::new(10, 0, 0, 53), Ipv4Addr::new(10, 0, 0, 54)]);
        assert!(offer.for_firmware && offer.boots() && !offer.vendor_options);
    }

    #[test]
    fn answers_to_somebody_else_are_none_and_bare_ones_boot_nobody() {
        assert_eq!(reply(Asked::Plain, 0xbeee_0000, |_| ()), None);
        let bare = reply(Asked::Plain, 0xbeef_0000, |_| ()).unwrap();
        assert_eq!((bare.address, bare.next_server, bare.boots()), (None, None, false));
        // A boot file for somebody who did not ask to boot is nothing that firmware takes.
        let plain = reply(Asked::Plain, 0xbeef_0000, |message| {
            message.options.push(code::BOOT_FILE_NAME, *b"x");
        });
        assert!(!plain.unwrap().boots());
        // Nor is PXE's word one that HTTP Boot takes.
        let http = reply(Asked::X64Http, 0xbeef_0000, |message| {
            message.options.push(code::VENDOR_CLASS, *b"PXEClient");
        });
        assert!(!http.unwrap().boots());
    }
}
