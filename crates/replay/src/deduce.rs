//! What a capture shows of the servers in it, so that it can be replayed where their network is not.
//!
//! In: packets. Out: [`Seen`] servers, and settings to answer in the place of one. Never: a guess that
//! is not told.

use capture::{Dissector, Packet, Said, Transport};
use engine::state::{BootDefaults, LEASE_HISTORY, Settings};
use model::Network;
use model::network::{Mode, Subnet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use wire::dhcp4::{Message, Op, code};
use wire::dhcp6::{Packet as Packet6, unwrapped};

/// Servers of one capture that are told apart.
const SERVERS_MAX: usize = 64;
/// A network whose mask nobody says.
const PREFIX: u8 = 24;

/// A server in a capture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// Its address.
    pub address: Ipv4Addr,
    /// Whether it gives addresses.
    pub gives: bool,
    /// Whether it says what to boot, or serves files.
    pub boots: bool,
}

/// What a capture shows of servers.
#[derive(Debug, Default)]
pub struct Seen {
    /// In the order in which they were heard.
    pub servers: Vec<Server>,
    /// The first mask that a client was told, and the address that it is for.
    mask: Option<(Ipv4Addr, Ipv4Addr)>,
    /// How servers of DHCPv6 call themselves, those that answer or are named, in the order in which they were heard.
    pub duids: Vec<Vec<u8>>,
    /// Addresses of IPv6 that files are named at.
    pub boots6: Vec<Ipv6Addr>,
    /// The name of the interface on which a server was heard first.
    pub interface: Option<String>,
    dissector: Dissector,
}

impl Seen {
    /// The next packet, and the name of its interface where the capture has one.
    pub fn packet(&mut self, packet: &Packet, interface: Option<&str>) {
        let Some(heard) = self.dissector.hear(packet) else { return };
        let before = self.servers.len();
        match heard.said {
            Said::Udp(datagram) => self.datagram(&datagram),
            Said::Tcp(stretch) if stretch.begins && stretch.way.to.port() == 80 => {
                self.server(stretch.way.to.ip(), false, true);
            }
            _ => {}
        }
        if before == 0 && !self.servers.is_empty() {
            self.interface = interface.map(str::to_owned);
        }
    }

    fn datagram(&mut self, datagram: &Transport) {
        if datagram.to.port() == 69 {
            self.server(datagram.to.ip(), false, true);
        }
        let SocketAddr::V4(from) = datagram.from else { return self.over_ipv6(datagram) };
        if !matches!(from.port(), 67 | 4011) {
            return;
        }
        let Ok(reply) = Message::parse(&datagram.payload) else { return };
        if reply.op != Op::Reply {
            return;
        }
        let gives = !reply.yiaddr.is_unspecified();
        let boots = !reply.file_name().is_empty()
            || reply.options.contains(code::BOOT_FILE_NAME)
            || reply.options.contains(code::VENDOR_SPECIFIC);
        // A relay that passes a reply on is not the server.
        let address = reply.options.ip(code::SERVER_ID).unwrap_or(*from.ip());
        self.server(address.into(), gives, boots);
        if let Some(mask) = reply.options.ip(code::SUBNET_MASK).filter(|_| gives) {
            self.mask.get_or_insert((reply.yiaddr, mask));
        }
    }

    fn over_ipv6(&mut self, datagram: &Transport) {
        if ![datagram.from.port(), datagram.to.port()].contains(&547) {
            return;
        }
        let packet = unwrapped(&datagram.payload).and_then(|(_, inner)| Packet6::parse(&inner));
        let Ok(packet) = packet else { return };
        let new = packet.server_id.filter(|duid| !self.duids.contains(duid));
        self.duids.extend(new.filter(|_| self.duids.len() < SERVERS_MAX));
        let url = packet.boot_url.unwrap_or_default();
        let url = str::from_utf8(&url).unwrap_or_default();
        let host = url.split_once("//[").and_then(|(_, rest)| rest.split_once(']'));
        let host = host.and_then(|(host, _)| host.parse().ok());
        let new = host.filter(|host| !self.boots6.contains(host));
        self.boots6.extend(new.filter(|_| self.boots6.len() < SERVERS_MAX));
    }

    fn server(&mut self, address: IpAddr, gives: bool, boots: bool) {
        let IpAddr::V4(address) = address else { return };
        if address.is_unspecified() || address.is_broadcast() || address.is_multicast() {
            return;
        }
        if let Some(known) = self.servers.iter_mut().find(|server| server.address == address) {
            known.gives |= gives;
            known.boots |= boots;
        } else if self.servers.len() < SERVERS_MAX {
            self.servers.push(Server { address, gives, boots });
        }
    }

    /// The server in whose place we answer: of those in `subnet`, one that does what `mode` does.
    #[must_use]
    pub fn in_place_of(&self, subnet: Option<Subnet>, mode: Mode) -> Option<Ipv4Addr> {
        let inside = |server: &&Server| subnet.is_none_or(|s| s.contains(server.address));
        let fits = |server: &&Server| match mode {
            Mode::Dhcp => server.gives,
            _ => server.boots,
        };
        let found = self.servers.iter().filter(inside).find(fits);
        found.or_else(|| self.servers.iter().find(inside)).map(|server| server.address)
    }

    /// The subnet that an address of the capture lies in.
    #[must_use]
    pub fn subnet_of(&self, address: Ipv4Addr) -> Option<Subnet> {
        let told = self.mask.map(|(client, mask)| (client, u32::from(mask).leading_ones()));
        let told = told.and_then(|(client, ones)| Subnet::new(client, u8::try_from(ones).ok()?));
        told.filter(|subnet| subnet.contains(address)).or_else(|| Subnet::new(address, PREFIX))
    }

    /// The settings of a server that nobody configured, in the place of the one that says what to boot:
    /// mode `auto`, as `serve --interface` has them. None where no server was heard.
    #[must_use]
    pub fn settings(&self, server_name: &str) -> Option<Settings> {
        let address = self.in_place_of(None, Mode::Auto)?;
        let interface = self.interface.as_deref().unwrap_or("capture");
        let network = Network::new(interface, Mode::Auto, address, self.subnet_of(address)?);
        Some(Settings {
            server_name: server_name.to_owned(),
            networks: vec![network],
            http_port: 80,
            networks6: Vec::new(),
            tls_port: None,
            lease_history: LEASE_HISTORY,
            boot: BootDefaults::default(),
            defaults: Default::default(),
            key: Default::default(),
        })
    }
}
