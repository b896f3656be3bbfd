//! IPv6 on a link: routers, and DHCPv6 servers with what they would have firmware boot.

use super::{SERVERS_MAX, chance, uuid};
use crate::{interfaces, sys};
use model::HardwareAddress;
use socket2::Socket;
use std::io;
use std::net::Ipv6Addr;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, timeout_at};
use wire::dhcp6::{self, Message, code, kind};
use wire::ip6::{self, Body};
use wire::ndp::{self, RouterAdvertisement};

/// A lost question is asked again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// More addresses of DNS servers of one server are not kept.
const DNS_MAX: usize = 8;
/// The last bits of the transaction number say which question is answered.
const ASKED_MASK: u8 = 3;

/// A router of the link, with what it says of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Router {
    /// Its address on the link.
    pub address: Ipv6Addr,
    /// The hardware address it spoke from.
    pub mac: HardwareAddress,
    /// What it says.
    pub says: RouterAdvertisement,
}

/// A DHCPv6 server, with what it answered to one kind of client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BootServer6 {
    /// Its address, or a relay's.
    pub address: Ipv6Addr,
    /// The hardware address its answer came from.
    pub mac: HardwareAddress,
    /// It offered an address.
    pub offers_address: bool,
    /// DNS servers it names (option 23), to whichever question.
    pub dns: Vec<Ipv6Addr>,
    /// What it would have PXE firmware boot.
    pub pxe_url: Vec<u8>,
    /// What it would have HTTP Boot boot.
    pub http_url: Vec<u8>,
    /// It says PXEClient (option 16): EDK2 then asks it again on port 4011 before it boots anything.
    pub says_pxe: bool,
    /// It says HTTPClient (option 16), without which EDK2 takes no HTTP URL.
    pub says_http: bool,
}

impl BootServer6 {
    fn new(address: Ipv6Addr, mac: HardwareAddress) -> Self {
        Self {
            address,
            mac,
            offers_address: false,
            dns: Vec::new(),
            pxe_url: Vec::new(),
            http_url: Vec::new(),
            says_pxe: false,
            says_http: false,
        }
    }
}

/// Who speaks IPv6 to hosts on a link.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Link6 {
    /// The interface speaks IPv6 at all; otherwise nobody was asked.
    pub spoken: bool,
    /// Routers.
    pub routers: Vec<Router>,
    /// DHCPv6 servers.
    pub servers: Vec<BootServer6>,
}

/// Asks routers for their advertisement, and DHCPv6 servers as PXE and HTTP Boot firmware (SOLICIT
/// and INFORMATION-REQUEST, which bind nothing), twice; takes what comes within `listen`. Routers
/// may wait 3 s since they spoke last, so allow 4 s.
///
/// # Errors
///
/// When the interface is not there or may not be used.
pub async fn link_6(interface: &str, listen: Duration) -> io::Result<Link6> {
    let found = interfaces::named(interface)?;
    let found = found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
    let Some(own) = interfaces::link_local(interface)? else { return Ok(Link6::default()) };
    let mac = found.mac.and_then(|mac| mac.as_mac()).unwrap_or_default();
    let socket = sys::watched(sys::packet_socket_6(found.index, dhcp6::CLIENT_PORT)?)?;

    let [a, b, c, _] = chance().to_be_bytes();
    let asking = Asking { own, mac, xid: [a, b, c & !ASKED_MASK] };
    let questions = asking.questions();
    let end = Instant::now() + listen;
    let mut heard = Link6 { spoken: true, ..Link6::default() };
    let mut times = 0;
    while Instant::now() < end {
        if times < 2 {
            for (group, packet) in &questions {
                let to = ip6::multicast_mac(*group);
                sys::send_frame_6(socket.get_ref(), found.index, to, packet)?;
            }
            times += 1;
        }
        let until = if times < 2 { end.min(Instant::now() + AGAIN) } else { end };
        asking.collect(&socket, until, &mut heard).await?;
    }
    Ok(heard)
}

struct Asking {
    own: Ipv6Addr,
    mac: sys::Mac,
    xid: [u8; 3],
}

/// The questions to DHCPv6 servers; their numbers are the last bits of the transaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    Pxe = 0,
    Http = 1,
    Settings = 2,
}

impl Asked {
    const ALL: [Self; 3] = [Self::Pxe, Self::Http, Self::Settings];
}

impl Asking {
    fn questions(&self) -> Vec<(Ipv6Addr, Vec<u8>)> {
        let solicitation = ndp::router_solicitation(self.mac);
        let router = ip6::icmp(self.own, ip6::ALL_ROUTERS, &solicitation);
        let servers = Asked::ALL.map(|asked| {
            let (from, to) = (dhcp6::CLIENT_PORT, dhcp6::SERVER_PORT);
            let message = self.question(asked).encode();
            ip6::udp((self.own, from), (dhcp6::ALL_SERVERS, to), &message)
        });
        let router = router.map(|packet| (ip6::ALL_ROUTERS, packet));
        let servers = servers.into_iter().flatten().map(|packet| (dhcp6::ALL_SERVERS, packet));
        router.into_iter().chain(servers).collect()
    }

    fn question(&self, asked: Asked) -> Message {
        let [a, b, c] = self.xid;
        let (class, arch) = match asked {
            Asked::Http => ("HTTPClient:Arch:00016:UNDI:003016", 16_u16),
            Asked::Pxe | Asked::Settings => ("PXEClient:Arch:00007:UNDI:003016", 7),
        };
        let kind = match asked {
            Asked::Settings => kind::INFORMATION_REQUEST,
            Asked::Pxe | Asked::Http => kind::SOLICIT,
        };
        let wanted = [code::BOOT_FILE_URL, code::BOOT_FILE_PARAMETERS, code::DNS];
        let wanted: Vec<u8> = wanted.iter().flat_map(|code| code.to_be_bytes()).collect();
        // A DUID by UUID (RFC 6355): none that a client of this host has.
        let duid = [&[0, 4][..], &uuid(self.mac)].concat();
        let message = Message::new(kind, [a, b, c | asked as u8])
            .with(code::CLIENT_ID, duid)
            .with(code::ELAPSED, [0, 0])
            .with(code::OPTION_REQUEST, wanted)
            .with(code::CLIENT_ARCH, arch.to_be_bytes())
            .with(code::CLIENT_NDI, [1, 3, 16])
            .with(code::VENDOR_CLASS, dhcp6::vendor_class(343, class.as_bytes()));
        match asked {
            Asked::Settings => message,
            // An association of our own; identifier 1, times are the server's business.
            _ => message.with(code::IA_NA, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        }
    }

    async fn collect(
        &self,
        socket: &AsyncFd<Socket>,
        until: Instant,
        heard: &mut Link6,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 9216];
        while let Ok(ready) = timeout_at(until, socket.readable()).await {
            let mut ready = ready?;
            let Ok(received) = ready.try_io(|fd| sys::receive(fd.get_ref(), &mut buffer)) else {
                continue;
            };
            let received = received?;
            self.take(buffer.get(..received.length).unwrap_or_default(), received.from, heard);
        }
        Ok(())
    }

    fn take(&self, bytes: &[u8], from: sys::Mac, heard: &mut Link6) {
        let Ok(packet) = ip6::parse(bytes) else { return };
        let mac = HardwareAddress::mac(from);
        match packet.body {
            // One that passed a router would be a forgery (RFC 4861, 6.1.2).
            Body::Icmp(message) if packet.hop_limit == ip6::HOP_LIMIT_MAX => {
                let Ok(says) = ndp::router_advertisement(message) else { return };
                let known = heard.routers.iter().any(|r| (r.address, r.mac) == (packet.src, mac));
                if !known && heard.routers.len() < SERVERS_MAX {
                    heard.routers.push(Router { address: packet.src, mac, says });
                }
            }
            Body::Udp { payload, .. } if packet.dst == self.own => {
                self.answer(payload, packet.src, mac, heard);
            }
            _ => {}
        }
    }

    fn answer(&self, payload: &[u8], src: Ipv6Addr, mac: HardwareAddress, heard: &mut Link6) {
        let Ok(message) = Message::parse(payload) else { return };
        let [a, b, c] = message.xid;
        let number = c & ASKED_MASK;
        let asked = Asked::ALL.into_iter().find(|asked| *asked as u8 == number);
        let (Some(asked), true) = (asked, [a, b, c & !ASKED_MASK] == self.xid) else { return };
        let at = heard.servers.iter().position(|s| (s.address, s.mac) == (src, mac));
        let at = match at {
            Some(at) => at,
            None if heard.servers.len() < SERVERS_MAX => {
                heard.servers.push(BootServer6::new(src, mac));
                heard.servers.len() - 1
            }
            None => return,
        };
        let Some(server) = heard.servers.get_mut(at) else { return };
        server.offers_address |= !message.addresses().is_empty();
        for named in message.dns() {
            if !server.dns.contains(&named) && server.dns.len() < DNS_MAX {
                server.dns.push(named);
            }
        }
        let classes = message.vendor_classes();
        let says = |word: &[u8]| classes.iter().any(|(_, text)| text.starts_with(word));
        server.says_pxe |= says(b"PXEClient");
        server.says_http |= asked == Asked::Http && says(b"HTTPClient");
        let url = message.boot_file_url().unwrap_or_default().to_vec();
        match asked {
            Asked::Http => server.http_url = url,
            Asked::Pxe => server.pxe_url = url,
            Asked::Settings if server.pxe_url.is_empty() => server.pxe_url = url,
            Asked::Settings => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7);
    const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
    const NAMES: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 0x53);
    const MAC: sys::Mac = [2, 0, 0, 0, 0, 1];

    fn asking() -> Asking {
        Asking { own: OWN, mac: [2, 0, 0, 0, 0, 7], xid: [1, 2, 4] }
    }

    fn heard(packets: &[Option<Vec<u8>>]) -> Link6 {
        let mut heard = Link6::default();
        for packet in packets {
            asking().take(packet.as_deref().unwrap(), MAC, &mut heard);
        }
        heard
    }

    #[test]
    fn one_server_that_answers_every_question_is_one() {
        let answer = |asked: Asked, kind: u8, url: &str, class: &[u8]| {
            let message = Message::new(kind, [1, 2, 4 | asked as u8])
                .with(code::BOOT_FILE_URL, url.as_bytes())
                .with(code::DNS, NAMES.octets())
                .with(code::VENDOR_CLASS, dhcp6::vendor_class(343, class));
            ip6::udp((SERVER, 547), (OWN, 546), &message.encode())
        };
        let heard = heard(&[
            answer(Asked::Settings, kind::REPLY, "tftp://[fd77::1]/old.efi", b""),
            answer(Asked::Pxe, kind::ADVERTISE, "tftp://[fd77::1]/a.efi", b"PXEClient"),
            answer(Asked::Http, kind::ADVERTISE, "http://[fd77::1]/a.efi", b"HTTPClient"),
        ]);
        let [server] = &heard.servers[..] else { panic!("{heard:?}") };
        assert_eq!((server.address, server.mac), (SERVER, HardwareAddress::mac(MAC)));
        assert_eq!(server.pxe_url, b"tftp://[fd77::1]/a.efi");
        assert_eq!(server.http_url, b"http://[fd77::1]/a.efi");
        assert_eq!(server.dns, [NAMES], "once, however often it was said");
        assert!(server.says_pxe && server.says_http && !server.offers_address);
    }

    #[test]
    fn answers_to_others_and_forged_advertisements_are_left() {
        let foreign = Message::new(kind::ADVERTISE, [9, 9, 4]).encode();
        let ours = Message::new(kind::ADVERTISE, [1, 2, 4]).encode();
        let mut advertisement = vec![134, 0, 0, 0, 64, 0x80, 0, 9];
        advertisement.extend([0; 8]);
        let mut routed = ip6::icmp(SERVER, OWN, &advertisement).unwrap();
        routed[7] = 254;
        let nothing = heard(&[
            ip6::udp((SERVER, 547), (OWN, 546), &foreign),
            ip6::udp((SERVER, 547), (SERVER, 546), &ours),
            Some(routed),
        ]);
        assert_eq!(nothing, Link6::default());
        let one = heard(&[
            ip6::icmp(SERVER, OWN, &advertisement),
            ip6::icmp(SERVER, OWN, &advertisement),
        ]);
        assert_eq!(one.routers.len(), 1);
        assert!(one.routers[0].says.managed);
    }

    #[test]
    fn questions_can_be_read_by_servers_and_bind_nothing() {
        for asked in Asked::ALL {
            let message = Message::parse(&asking().question(asked).encode()).unwrap();
            assert!(message.get(code::CLIENT_ID).is_some());
            assert!([kind::SOLICIT, kind::INFORMATION_REQUEST].contains(&message.kind));
            // Rapid commit (14) would have a SOLICIT bind an address.
            assert_eq!(message.get(14), None);
        }
        assert_eq!(asking().questions().len(), 4);
    }
}
