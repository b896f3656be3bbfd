//! The network: cards come up, one of them gets an address.
//!
//! In: what the kernel shows of cards, replies on port 68. Out: netlink messages, requests on port
//! 67, a lease. Never: more than one card with an address.

use crate::dhcp::{Asking, Lease, Offer};
use crate::netlink;
use model::HardwareAddress;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket,
    sockopt::BindToDevice,
};
use std::ffi::OsString;
use std::io::Read;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long one offer, then one acknowledgement, is waited for; as long as firmware waits.
const WAITS: [Duration; 4] = [
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
];
/// The largest datagram that is looked at.
const DATAGRAM_MAX: usize = 1500;

/// A network card of this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Card {
    /// The kernel's name.
    pub name: String,
    /// Its address.
    pub mac: HardwareAddress,
    /// Whether there is a link.
    pub link: bool,
}

/// The cards there are, as they are now.
pub fn cards() -> Vec<Card> {
    let nics = crate::inventory::nics(Path::new("/"));
    let card = |nic: model::hardware::Nic| {
        let mac = nic.mac.filter(|mac| mac.as_mac().is_some())?;
        Some(Card { name: nic.name, mac, link: nic.link == Some(true) })
    };
    nics.into_iter().filter_map(card).collect()
}

impl Card {
    fn number(&self) -> Result<u32, String> {
        let path = format!("/sys/class/net/{}/ifindex", self.name);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
        text.trim().parse().map_err(|_| format!("{path} holds no number"))
    }

    /// Switches it on, which also finds out whether there is a link.
    pub fn switch_on(&self) -> Result<(), String> {
        tell(&netlink::up(self.number()?))
            .map_err(|e| format!("{} cannot be switched on: {e}", self.name))
    }

    /// Asks for an address, four times, and takes it.
    pub fn get_address(&self) -> Result<Lease, String> {
        let lease = self.ask()?;
        let number = self.number()?;
        tell(&netlink::address(number, lease.address, lease.prefix)).map_err(|e| {
            format!("{} does not take the address {}: {e}", self.name, lease.address)
        })?;
        if let Some(router) = lease.router {
            tell(&netlink::default_route(number, router))
                .map_err(|e| format!("there is no way to the router {router}: {e}"))?;
        }
        Ok(lease)
    }

    fn ask(&self) -> Result<Lease, String> {
        let mac = self.mac.as_mac().ok_or("the card is no Ethernet card")?;
        let asking = Asking { mac, xid: by_chance(mac) };
        let failed =
            |e: std::io::Error| format!("no address can be asked for on {}: {e}", self.name);
        let line = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 68)).map_err(failed)?;
        line.set_broadcast(true).map_err(failed)?;
        setsockopt(&line, BindToDevice, &OsString::from(&self.name))
            .map_err(|e| failed(e.into()))?;
        let begun = Instant::now();
        let mut refused = None;
        for wait in WAITS {
            let seconds = || u16::try_from(begun.elapsed().as_secs()).unwrap_or(u16::MAX);
            let heard = |bytes: &[u8]| asking.offer(bytes);
            let Some(offer) =
                exchange(&line, &asking.discover(seconds()), wait, heard).map_err(failed)?
            else {
                continue;
            };
            let heard = |bytes: &[u8]| asking.answer(bytes, &offer);
            match exchange(&line, &asking.request(&offer, seconds()), wait, heard)
                .map_err(failed)?
            {
                Some(Ok(lease)) => return Ok(lease),
                Some(Err(why)) => refused = Some(why),
                None => refused = Some(silent(&offer)),
            }
        }
        Err(refused.unwrap_or_else(|| format!("no DHCP server answers on {}", self.name)))
    }
}

fn silent(offer: &Offer) -> String {
    format!("{} offered {} and then said nothing", offer.server, offer.address)
}

/// Sends to every server and waits for what is wanted.
fn exchange<T>(
    line: &UdpSocket,
    message: &[u8],
    wait: Duration,
    wanted: impl Fn(&[u8]) -> Option<T>,
) -> Result<Option<T>, std::io::Error> {
    line.send_to(message, (Ipv4Addr::BROADCAST, 67))?;
    let until = Instant::now() + wait;
    let mut buffer = [0; DATAGRAM_MAX];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(None);
        }
        line.set_read_timeout(Some(left))?;
        let Ok(length) = line.recv(&mut buffer) else { continue };
        if let Some(heard) = wanted(buffer.get(..length).unwrap_or_default()) {
            return Ok(Some(heard));
        }
    }
}

/// A number for one exchange. Without chance the card's address makes it: others have others.
fn by_chance(mac: [u8; 6]) -> u32 {
    let mut bytes = [0; 4];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    match read {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_) => u32::from_be_bytes([mac[2], mac[3], mac[4], mac[5]]),
    }
}

/// Tells the kernel and waits for its answer.
fn tell(message: &[u8]) -> Result<(), std::io::Error> {
    let line = socket(
        AddressFamily::Netlink,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::NetlinkRoute,
    )?;
    send(line.as_raw_fd(), message, MsgFlags::empty())?;
    let mut buffer = [0; 4096];
    let length = recv(line.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
    netlink::answer(buffer.get(..length).unwrap_or_default())
        .map_err(std::io::Error::from_raw_os_error)
}
