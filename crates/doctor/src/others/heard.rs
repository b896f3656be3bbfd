//! What was heard of other servers on one link.

use model::HardwareAddress;
use model::network::Mode;
use model::text::show;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// What was heard on one link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The interface.
    pub interface: String,
    /// What we do there; none if it is not configured.
    pub mode: Option<Mode>,
    /// Why the link could not be asked.
    pub not_asked: Option<NotAsked>,
    /// Addresses of this host: what comes from them is our own answer, brought by a relay.
    pub own: Vec<Ipv4Addr>,
    /// Servers that belong on the link, as somebody said who knows.
    pub expected: Vec<Ipv4Addr>,
    /// Our addresses on it at which names are answered; none where they are not.
    pub names: Vec<Ipv4Addr>,
    /// Every offer that came.
    pub offers: Vec<Offer>,
    /// DHCP servers of this very host, which do not hear our questions: `dnsmasq (process 812)`.
    pub here: Vec<String>,
    /// What servers that offers name said to a TFTP request.
    pub tftp: Vec<Tftp>,
}

/// Why a link could not be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum NotAsked {
    /// Nobody may open packet sockets here.
    Rights,
    /// The system said this.
    Failed(String),
}

/// As whom a link was asked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Client {
    /// A client that only wants an address.
    Plain,
    /// PXE firmware of a PC BIOS.
    Bios,
    /// PXE firmware of an x64 UEFI.
    X64Uefi,
    /// HTTP Boot of an x64 UEFI.
    X64Http,
}

impl Client {
    /// `x64 UEFI`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain clients",
            Self::Bios => "BIOS",
            Self::X64Uefi => "x64 UEFI",
            Self::X64Http => "HTTP Boot",
        }
    }
}

/// What one server offered to one kind of client.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Whom to.
    pub client: Client,
    /// Who it says it is.
    pub server: Ipv4Addr,
    /// Where its answer came from.
    pub mac: HardwareAddress,
    /// The address it offered.
    pub address: Option<Ipv4Addr>,
    /// Which servers it would have asked for names (option 6).
    pub dns: Vec<Ipv4Addr>,
    /// From where firmware is to fetch.
    pub next_server: Option<Ipv4Addr>,
    /// The boot file, bytes of the wire.
    pub file: Vec<u8>,
    /// It says that it speaks to firmware of this kind (option 60): such an offer ranks first.
    pub for_firmware: bool,
    /// It has PXE's own options (43).
    pub vendor_options: bool,
    /// What it said on port 4011.
    pub on_4011: On4011,
}

/// What a server says on port 4011.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum On4011 {
    /// Nobody asked it.
    #[default]
    NotAsked,
    /// It said nothing.
    Silent,
    /// It named this boot file.
    Names(Vec<u8>),
}

/// What a named server said to a request for a named file.
#[derive(Clone, Debug, PartialEq)]
pub struct Tftp {
    /// Who was asked.
    pub server: Ipv4Addr,
    /// For which file.
    pub file: Vec<u8>,
    /// The answer.
    pub said: TftpSaid,
}

/// What a TFTP server says.
#[derive(Clone, Debug, PartialEq)]
pub enum TftpSaid {
    /// It has the file; its size where it says so.
    Has(Option<u64>),
    /// It has the file, and takes no options.
    WithoutOptions,
    /// It refused, in these words.
    Refused(String),
    /// Nothing.
    Silent,
}

/// A server: who it says it is, and where its answer came from.
pub(crate) type Server = (Ipv4Addr, HardwareAddress);

pub(crate) fn servers<'a>(offers: impl Iterator<Item = &'a Offer>) -> BTreeSet<Server> {
    offers.map(who).collect()
}

pub(crate) fn shown((server, mac): Server) -> String {
    format!("{server} ({mac})")
}

/// Firmware would take it for an offer to boot.
pub(crate) fn boots(offer: &Offer) -> bool {
    offer.client != Client::Plain && (!offer.file.is_empty() || offer.for_firmware)
}

impl Heard {
    /// Offers that are not our own.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = &Offer> {
        self.offers.iter().filter(|offer| !self.own.contains(&offer.server))
    }

    /// Who gives addresses here: those that belong here by somebody's word, and all others.
    pub(crate) fn givers(&self) -> (Vec<Server>, Vec<Server>) {
        let all = servers(self.foreign().filter(|offer| offer.address.is_some()));
        all.into_iter().partition(|(server, _)| self.expected.contains(server))
    }

    /// Who would boot machines here and does not belong here by anybody's word.
    pub(crate) fn rivals(&self) -> BTreeSet<Server> {
        let undeclared = |offer: &&Offer| !self.expected.contains(&offer.server);
        servers(self.foreign().filter(|offer| boots(offer)).filter(undeclared))
    }

    /// What a server sent, an offer a line.
    pub(crate) fn seen(&self, server: Server) -> Vec<String> {
        self.foreign().filter(|offer| who(offer) == server).map(sent).collect()
    }
}

/// `to x64 UEFI: address 10.0.0.50, file shim.efi from 10.0.0.3, option 60, option 43`
fn sent(offer: &Offer) -> String {
    let mut parts = vec![match offer.address {
        Some(address) => format!("address {address}"),
        None => "no address".to_owned(),
    }];
    let from = offer.next_server.map(|next| format!(" from {next}")).unwrap_or_default();
    if !offer.file.is_empty() {
        parts.push(format!("file {}{from}", show(&offer.file)));
    } else if !from.is_empty() {
        parts.push(format!("no file{from}"));
    }
    if offer.for_firmware {
        parts.push("option 60".to_owned());
    }
    if offer.vendor_options {
        parts.push("option 43".to_owned());
    }
    match &offer.on_4011 {
        On4011::NotAsked => {}
        On4011::Silent => parts.push("nothing on port 4011".to_owned()),
        On4011::Names(file) => parts.push(format!("file {} on port 4011", show(file))),
    }
    format!("{} to {}: {}", shown(who(offer)), offer.client.name(), parts.join(", "))
}

pub(crate) fn who(offer: &Offer) -> Server {
    (offer.server, offer.mac)
}
