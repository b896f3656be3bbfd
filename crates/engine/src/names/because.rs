//! Why a name answers what it answers, in words.

use super::{To, Why};
use model::{HardwareAddress, Now};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use wire::dns::Name;

/// Where a name comes from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// The server itself: its name, and the begins of zones.
    Own,
    /// A record that an operator added.
    Record,
    /// A reservation has a host name.
    Reservation(IpAddr),
    /// An operator named the machine.
    Machine(HardwareAddress),
    /// The client says so (option 12; over IPv6 option 39), at its lease.
    Client {
        /// Which address it has.
        address: IpAddr,
        /// Who, where that is known.
        hardware: Option<HardwareAddress>,
        /// Since when.
        since: Now,
    },
    /// By its hardware address, as everybody has one.
    Hardware(HardwareAddress),
}

impl Source {
    /// Lower is stronger.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Own => 0,
            Self::Record => 1,
            Self::Reservation(_) => 2,
            Self::Machine(_) => 3,
            Self::Client { .. } => 4,
            Self::Hardware(_) => 5,
        }
    }

    /// One word, for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Record => "record",
            Self::Reservation(_) => "reservation",
            Self::Machine(_) => "machine",
            Self::Client { .. } => "client",
            Self::Hardware(_) => "hardware",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => write!(f, "it is the server's own"),
            Self::Record => write!(f, "an operator added the record"),
            Self::Reservation(address) => write!(f, "{address} is reserved under this name"),
            Self::Machine(hardware) => write!(f, "an operator named the machine {hardware} so"),
            Self::Client { address, hardware: Some(hardware), since } => {
                write!(f, "{hardware} calls itself so; it has had {address} since {since}")
            }
            Self::Client { address, hardware: None, since } => {
                write!(f, "whoever has had {address} since {since} calls itself so")
            }
            Self::Hardware(hardware) => write!(f, "it is the hardware address of {hardware}"),
        }
    }
}

/// Why something is said, or asked elsewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Because<'a> {
    /// The name is known.
    Known(&'a Source),
    /// There is no such name in this zone of ours.
    NoName(&'a Name),
    /// The name is there and has nothing of this type.
    NoKind(&'a Name),
    /// Only names below it are there.
    OnlyBelow,
    /// ANY is answered with one word (RFC 8482).
    Any,
    /// The domain has its own upstream.
    Split(&'a Name),
    /// It is none of our zones, and there is an upstream.
    Upstream,
    /// It is none of our zones, and there is no upstream.
    NoUpstream,
    /// It is none of our zones, and others are not to be asked (RD is off).
    NotOurs,
    /// A name that is asked for by mistake only (RFC 6303, 6761): nobody outside can know it.
    Nobodys,
    /// No question but another operation.
    Opcode,
    /// A version of EDNS that there is not.
    Edns,
    /// Another class than IN.
    Class,
    /// Zones are not handed out.
    Transfer,
    /// No type of a record.
    Meta,
}

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Known(source) => return write!(f, "{source}"),
            Self::NoName(zone) => return write!(f, "{zone} is served here and has no such name"),
            Self::NoKind(zone) => {
                return write!(f, "{zone} is served here; the name has nothing of this type");
            }
            Self::Split(domain) => {
                return write!(f, "[[dns.split]] names an upstream of its own for {domain}");
            }
            Self::OnlyBelow => "only names below it are known",
            Self::Any => "ANY is answered with one word only (RFC 8482)",
            Self::Upstream => "it is in no zone of ours, so `upstream` of [dns] is asked",
            Self::NoUpstream => "it is in no zone of ours, and [dns] has no `upstream`",
            Self::NotOurs => "it is in no zone of ours, and the question says not to ask others",
            Self::Nobodys => {
                "it is a private name that nobody outside can know (RFC 6303, RFC 6761)"
            }
            Self::Opcode => "only questions are answered: no updates, no notifications",
            Self::Edns => "there is no such version of EDNS",
            Self::Class => "only names of the class IN are served",
            Self::Transfer => "zones are not transferred",
            Self::Meta => "that is no type of a record",
        };
        f.write_str(text)
    }
}

impl Why {
    /// One word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::NotReady => "not-ready",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outside => "it comes from no subnet in which names are answered",
            Self::NotReady => "no network whose names are answered is known yet",
        })
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream => write!(f, "upstream"),
            Self::Split(n) => write!(f, "split {n}"),
        }
    }
}
