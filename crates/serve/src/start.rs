//! Opening everything, and closing it again.

mod files;
mod ipv6;
mod names;
mod refused;

pub use ipv6::Networks;
pub use refused::{Finding, StartError};

use crate::bell::Service;
use crate::board::Board;
use crate::count::{Counters, Counts};
use crate::gate::Shared;
use crate::holder::{self, Holder, Transport};
use crate::owner::{Bytes, Owner};
use crate::shelf::Shelf;
use crate::{
    Dns, Limits, Publish, Tls, conflict, dns, http, interfaces, packet, sys, syslog, tftp,
};
use engine::rates::Rates;
use files::{addresses, dns_on, http_on, served, tftp_on};
use ipv6::Opened6;
use model::network::{Mode, Subnet};
use model::{Network, Network6, Now, Transfers};
use refused::{LOOK_AT_LOG, Place, names};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Descriptors beside those for transfers and connections.
const OTHER_FILES: u64 = 512;

/// Opens every socket that `networks` need and starts to serve. To be called inside a Tokio
/// runtime. Networks that are `off` are passed over; on a network that is `listen` the owner hears
/// everything and answers nothing.
///
/// # Errors
///
/// When a port cannot be had: which one, where, who has it, and what to do.
pub fn start<O: Owner, B: Bytes>(
    owner: O,
    bytes: B,
    networks: &[Network],
    http_port: u16,
) -> Result<Running, StartError> {
    start_with(owner, bytes, networks, http_port, None, Limits::default())
}

/// [`start`] with HTTPS beside HTTP, or with other limits than usual.
///
/// # Errors
///
/// As [`start`].
pub fn start_with<O: Owner, B: Bytes>(
    owner: O,
    bytes: B,
    networks: &[Network],
    http_port: u16,
    tls: Option<Tls>,
    limits: Limits,
) -> Result<Running, StartError> {
    let networks = Networks { v4: networks, v6: &[] };
    let publish = Vec::new();
    let ports = Ports { http: http_port, tls, syslog: None, dns: None, publish };
    start_on(owner, bytes, networks, ports, limits)
}

/// Ports that are chosen; all others are fixed.
#[derive(Clone, Debug)]
pub struct Ports {
    /// The boot port.
    pub http: u16,
    /// The boot port with TLS, if there is one.
    pub tls: Option<Tls>,
    /// UDP, for installers' logs; none takes none.
    pub syslog: Option<u16>,
    /// Port 53, for names; none answers none.
    pub dns: Option<Dns>,
    /// DNS servers of others that are told of names.
    pub publish: Vec<Publish>,
}

/// [`start`] on these ports, with these limits, for both families.
///
/// # Errors
///
/// As [`start`].
pub fn start_on<O: Owner, B: Bytes>(
    owner: O,
    bytes: B,
    networks: Networks<'_>,
    ports: Ports,
    limits: Limits,
) -> Result<Running, StartError> {
    let v4: Vec<&Network> = networks.v4.iter().filter(|n| n.mode != Mode::Off).collect();
    let opened = Opened::new(&v4, networks.v6, ports, &limits)?;
    opened.run(owner, bytes, limits)
}

/// Everything that can fail, before anything runs.
struct Opened {
    findings: Vec<Finding>,
    links: packet::Links,
    ipv6: Opened6,
    ears: conflict::Ears,
    keepers: Vec<Socket>,
    tftp: Vec<tftp::Opened>,
    http: Vec<http::Port>,
    syslog: Vec<syslog::Opened>,
    dns: Option<(Vec<dns::Opened>, Dns)>,
    publish: Vec<Publish>,
    /// What may go out in a second, by our address in each network.
    rates: Vec<(IpAddr, Option<u64>)>,
}

impl Opened {
    fn new(
        networks: &[&Network],
        networks6: &[Network6],
        ports: Ports,
        limits: &Limits,
    ) -> Result<Self, StartError> {
        let Ports { http: http_port, tls, syslog, dns, publish } = ports;
        let mut findings = Vec::new();
        findings.extend(raise_file_limit(limits, tls.is_some()));

        let names: BTreeSet<String> = networks.iter().map(|n| n.interface.clone()).collect();
        let names6: BTreeSet<String> = networks6.iter().map(|n| n.interface.clone()).collect();
        for name in names.union(&names6) {
            findings.extend(check_interface(name)?);
        }
        let ipv6 = Opened6::new(networks6)?;
        let names: Vec<String> = names.into_iter().collect();
        let links = packet::Links::open(&names, &listening(networks))
            .map_err(|(name, cause)| StartError::packet_socket(&name, cause))?;
        let ears = conflict::Ears::open(&names).map_err(|e| StartError::packet_socket("", e))?;
        let keepers = keep_ports(networks, &mut findings);

        let served = served(networks, networks6);
        // Where we only listen nobody gets a file, and the other server may need the port.
        let answering = networks.iter().filter(|n| n.mode != Mode::Listen);
        let answering6 = networks6.iter().filter(|n| !n.only_listens());
        let tftp = tftp_on(&addresses(answering.copied(), answering6), &served, limits)?;
        let ours = addresses(networks.iter().copied(), networks6.iter());
        let mut http = vec![http_on(&ours, http_port, None)?];
        if let Some(Tls { port, keys }) = tls {
            http.push(http_on(&ours, port, Some(keys))?);
        }
        let syslog = syslog_on(networks, syslog, &served.v4)?;
        let dns = dns.map(|dns| dns_on(networks, networks6, dns)).transpose()?;
        // Each network has its own address of ours.
        let rates = networks.iter().map(|n| (n.server.into(), n.rate));
        let rates = rates.chain(networks6.iter().map(|n| (n.server.into(), n.rate))).collect();
        Ok(Self { findings, links, ipv6, ears, keepers, tftp, http, syslog, dns, publish, rates })
    }

    fn run<O: Owner, B: Bytes>(
        self,
        owner: O,
        bytes: B,
        limits: Limits,
    ) -> Result<Running, StartError> {
        let counters = Arc::new(Counters::default());
        let mut listeners = JoinSet::new();

        let sockets = (Arc::new(self.links), Arc::new(self.ears));
        serve_dhcp(&mut listeners, sockets, &owner, &limits, &counters);

        for opened in self.ipv6.dhcp {
            let listens = opened.listen(&mut listeners, &owner, &counters);
            listens.map_err(|e| StartError::thread("DHCPv6", e))?;
        }
        for opened in self.ipv6.listen {
            let run = opened.run(owner.clone(), Arc::clone(&counters));
            listeners.spawn(run.map_err(|e| StartError::thread("listening to DHCPv6", e))?);
        }
        for opened in self.ipv6.advertise {
            let run = opened.run().map_err(|e| StartError::thread("router advertisements", e))?;
            listeners.spawn(run);
        }

        let (board, shelf) = (Board::default(), Shelf::new(bytes));
        let clock = owner.clone();
        let (counted, shown) = (Arc::clone(&counters), board.clone());
        let rates = Shared::new(Rates::new(limits.rates, self.rates));
        let sums = (shown, rates.clone());
        let tftp = tftp::start(owner.clone(), shelf.clone(), self.tftp, &limits, counted, sums)
            .map_err(|e| StartError::thread("TFTP", e))?;

        let http_addresses = self.http.first().map(|port| port.addresses().to_vec());
        let mut http = Vec::new();
        let intake = http::Intake::new(&limits);
        for port in self.http {
            let house = http::House {
                owner: owner.clone(),
                shelf: shelf.clone(),
                limits,
                counters: Arc::clone(&counters),
                board: board.clone(),
                rates: rates.clone(),
                intake: intake.clone(),
            };
            http.push(port.serve(house).map_err(|e| StartError::thread("the boot port", e))?);
        }

        let names = self.dns.is_some() || !self.publish.is_empty();
        let copier = names.then(|| dns::Copier::start(&owner, &counters));
        let with = (&counters, &limits);
        let dns = self.dns.zip(copier.as_ref()).map(|((opened, dns), copier)| {
            dns::Service::start((&owner, copier), opened, dns, with)
        });
        let dns = dns.transpose().map_err(|e| StartError::thread("DNS", e))?;
        let publisher = dns::Publisher::start((&owner, copier.as_ref()), self.publish, &counters);
        let desk = syslog::Desk::new(owner, Arc::clone(&counters), &limits);
        for socket in self.syslog {
            let listen = desk.clone().listen(socket);
            listeners.spawn(listen.map_err(|e| StartError::thread("syslog", e))?);
        }

        Ok(Running {
            findings: self.findings,
            http_addresses: http_addresses.unwrap_or_default(),
            counters,
            grace: limits.grace,
            listeners,
            _keepers: self.keepers,
            tftp,
            board: Shown { board, now: Box::new(move || clock.now()) },
            http,
            dns,
            publisher,
            _copier: copier,
        })
    }
}

/// DHCP: a receiver on each link, one task that sends, and one that lets replies wait while it is
/// found out whether somebody uses their address.
fn serve_dhcp<O: Owner>(
    listeners: &mut JoinSet<()>,
    (links, ears): (Arc<packet::Links>, Arc<conflict::Ears>),
    owner: &O,
    limits: &Limits,
    counters: &Arc<Counters>,
) {
    let (replies, ready) = mpsc::channel(limits.dhcp_replies.max(1));
    let (checked, taken) = mpsc::channel(conflict::TAKEN_MAX);
    let (answered, answers) = conflict::answers();
    for name in links.names() {
        let (links, counters) = (Arc::clone(&links), Arc::clone(counters));
        let receive =
            packet::receive(links, name.clone(), owner.clone(), replies.clone(), counters);
        listeners.spawn(receive);
        listeners.spawn(conflict::listen_on_link(Arc::clone(&ears), name, answered.clone()));
    }
    listeners.spawn(conflict::listen_behind_relays(Arc::clone(&ears), answered));
    let (answering, counted) = (Arc::clone(&links), Arc::clone(counters));
    listeners.spawn(packet::answer(answering, ready, checked, owner.clone(), Arc::clone(&counted)));
    let desk = conflict::Desk { ears, links, owner: owner.clone(), replies, counters: counted };
    listeners.spawn(desk.run(taken, answers));
}

/// The running sockets. Dropping it stops them at once; [`Running::stop`] lets transfers end.
#[derive(Debug)]
pub struct Running {
    findings: Vec<Finding>,
    http_addresses: Vec<SocketAddr>,
    counters: Arc<Counters>,
    grace: Duration,
    listeners: JoinSet<()>,
    _keepers: Vec<Socket>,
    tftp: Service,
    board: Shown,
    http: Vec<Service>,
    dns: Option<dns::Service>,
    publisher: dns::Publisher,
    _copier: Option<dns::Copier>,
}

/// The board, and the clock it is read by.
struct Shown {
    board: Board,
    now: Box<dyn Fn() -> Now + Send + Sync>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.board.fmt(f)
    }
}

impl Running {
    /// What was odd at the start and did not keep us from serving.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was dropped without a word since the start.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }

    /// Where the boot port is, on each network's address.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http_addresses
    }

    /// The files that are on their way, the oldest first.
    pub fn transfers(&self) -> Transfers {
        self.board.board.read((self.board.now)())
    }

    /// Takes no more requests, gives running transfers a moment (`Limits::grace`), then ends.
    pub async fn stop(mut self) {
        self.tftp.close();
        if let Some(dns) = self.dns.take() {
            dns.stop().await;
        }
        self.listeners.shutdown().await;
        for port in &self.http {
            port.close();
        }
        if tokio::time::timeout(self.grace, self.ended()).await.is_ok() {
            return;
        }
        self.tftp.stop();
        for port in &self.http {
            port.stop();
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), self.ended()).await;
    }

    async fn ended(&mut self) {
        self.tftp.ended().await;
        for port in &mut self.http {
            port.ended().await;
        }
    }
}

/// The interfaces on which we only listen.
fn listening(networks: &[&Network]) -> BTreeSet<String> {
    let speaks = |name: &str| {
        networks.iter().any(|network| network.interface == name && network.mode != Mode::Listen)
    };
    let silent = networks.iter().map(|network| &network.interface).filter(|name| !speaks(name));
    silent.cloned().collect()
}

/// Whether the interface is there, and whether it is up.
fn check_interface(name: &str) -> Result<Option<Finding>, StartError> {
    match interfaces::named(name) {
        Ok(Some(interface)) if !interface.up => Ok(Some(Finding {
            text: format!("{name} is switched off, so nothing is heard on it"),
            hint: format!("`ip link set {name} up`"),
        })),
        Ok(Some(_)) => Ok(None),
        Ok(None) => {
            let all = interfaces::interfaces().unwrap_or_default();
            let all: Vec<String> = all.into_iter().map(|i| i.name).collect();
            Err(StartError {
                text: format!("there is no interface {name}"),
                hint: format!("this host has {}", all.join(", ")),
                cause: io::Error::from_raw_os_error(libc::ENODEV),
            })
        }
        Err(cause) => Err(StartError {
            text: format!("the interfaces of this host cannot be listed: {cause}"),
            hint: LOOK_AT_LOG.to_owned(),
            cause,
        }),
    }
}

/// Binds sockets to the DHCP ports that we receive by other means, so that the kernel does not
/// tell machines that these ports are closed. What arrives there is swallowed.
///
/// Not where another server has the port or may want it later: the kernel gives a unicast packet
/// to one socket only, and if that were ours, the other server would miss its clients' renewals.
/// So port 67 is kept only where we give addresses ourselves, and 4011 where we answer at all.
fn keep_ports(networks: &[&Network], findings: &mut Vec<Finding>) -> Vec<Socket> {
    let mut kept = Vec::new();
    let giving = |n: &&&Network| n.mode == Mode::Dhcp;
    let answering = |n: &&&Network| n.mode != Mode::Listen;
    let wanted: [(u16, Vec<&Network>); 2] = [
        (packet::SERVER_PORT, networks.iter().filter(giving).copied().collect()),
        (packet::BOOT_SERVER_PORT, networks.iter().filter(answering).copied().collect()),
    ];
    for (port, networks) in wanted {
        let others = holder::others(Transport::Udp, port);
        let mut done = BTreeSet::new();
        for network in networks {
            let link = network.interface.as_str();
            if !done.insert(link) {
                continue;
            }
            if !others.is_empty() {
                findings.push(shared_port(port, network, &others));
                continue;
            }
            match keep(port, link) {
                Ok(socket) => kept.push(socket),
                Err(cause) => findings.push(Finding {
                    text: format!("UDP port {port} on {link} cannot be kept: {cause}"),
                    hint: "DHCP works; unicast requests may also get an ICMP error".to_owned(),
                }),
            }
        }
    }
    kept
}

fn shared_port(port: u16, network: &Network, others: &[Holder]) -> Finding {
    let (link, who) = (&network.interface, names(others));
    let hint = if network.mode == Mode::Dhcp {
        format!(
            "if it gives addresses on {link} too, machines get them from either: stop it there, or \
             set `mode = \"proxy\"` for {link}"
        )
    } else {
        "nothing, if it serves other clients; two boot servers on one link get in each other's way"
            .to_owned()
    };
    Finding { text: format!("UDP port {port} is also held by {who}"), hint }
}

fn keep(port: u16, link: &str) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    sys::swallow_all(&socket)?;
    socket.bind_device(Some(link.as_bytes()))?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    Ok(socket)
}

/// The port for installers' logs on the address of each network, if there is one.
fn syslog_on(
    networks: &[&Network],
    port: Option<u16>,
    served: &[Subnet],
) -> Result<Vec<syslog::Opened>, StartError> {
    let Some(port) = port else { return Ok(Vec::new()) };
    let mut addresses = BTreeSet::new();
    let networks = networks.iter().filter(|n| addresses.insert(n.server));
    let open = |network: &&Network| {
        let opened = syslog::Opened::new(network, port, served);
        let (link, address) = (network.interface.as_str(), network.server.into());
        opened.map_err(|cause| Place { link, address, port }.refused(Transport::Udp, cause))
    };
    networks.map(open).collect()
}

/// Every connection and every opened blob takes a descriptor, and the usual limit is 1024.
fn raise_file_limit(limits: &Limits, tls: bool) -> Option<Finding> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    // Each may have a socket and an opened blob; TFTP transfers share their sockets.
    let ports = if tls { 2 } else { 1 };
    let connections = limits.http_connections.saturating_mul(ports);
    let needed = (limits.tftp.transfers.saturating_add(connections) as u64)
        .saturating_mul(2)
        .saturating_add(OTHER_FILES);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if soft >= needed {
        return None;
    }
    let most = needed.min(hard);
    let raised = setrlimit(Resource::RLIMIT_NOFILE, most.max(soft), hard);
    let have = if raised.is_ok() { most.max(soft) } else { soft };
    (have < needed).then(|| Finding {
        text: format!("this process may open {have} files, but {needed} are needed at full load"),
        hint: "raise LimitNOFILE= of the service".to_owned(),
    })
}
