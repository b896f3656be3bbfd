//! DNS messages (RFC 1035): a question as it comes, and what we answer to it; and what we ask of another
//! server: an [`Update`] (RFC 2136), and its answer ([`Updated`]).
//!
//! In: one datagram, or one message of a stream. Out: its one [`Query`], or why it is none
//! ([`Malformed`]); the bytes of a [`Reply`]. Never: a compression pointer followed in a question (its one
//! name has nothing to point back to, so a pointer is malformed); a byte more than there is room for on
//! the way out; a signature made or judged ([`tsig`] knows their bytes alone).

mod name;
mod query;
mod reply;
pub mod tsig;
mod update;

pub use name::{LABEL_BYTES_MAX, NAME_BYTES_MAX, Name, labels, lower, parent, within};
pub use query::{Edns, Malformed, Query};
pub use reply::{Data, Record, Reply, Soa};
pub use update::{Act, Begin, Need, UPDATED_BYTES_MAX, Update, Updated, begin_of};

/// What we send over UDP at most, whatever a client has room for: no path fragments it (the DNS flag day
/// of 2020).
pub const UDP_BYTES_MAX: usize = 1232;
/// What fits into a datagram for a client that says nothing (RFC 1035, 4.2.1).
pub const UDP_BYTES_PLAIN: usize = 512;
/// A longer question is none: a header, a name, and an OPT record with some cookies.
pub const QUERY_BYTES_MAX: usize = 1024;

/// Bytes of the header (RFC 1035, 4.1.1).
const HEADER: usize = 12;

/// Types of records that we know, by their numbers.
pub mod kind {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Name server.
    pub const NS: u16 = 2;
    /// Another name.
    pub const CNAME: u16 = 5;
    /// Begin of a zone.
    pub const SOA: u16 = 6;
    /// Name of an address.
    pub const PTR: u16 = 12;
    /// Used to refuse ANY (RFC 8482).
    pub const HINFO: u16 = 13;
    /// Mail exchange.
    pub const MX: u16 = 15;
    /// Text.
    pub const TXT: u16 = 16;
    /// IPv6 address (RFC 3596).
    pub const AAAA: u16 = 28;
    /// Service (RFC 2782).
    pub const SRV: u16 = 33;
    /// EDNS (RFC 6891).
    pub const OPT: u16 = 41;
    /// Whose a name is (RFC 4701).
    pub const DHCID: u16 = 49;
    /// Signature of a message (RFC 8945).
    pub const TSIG: u16 = 250;
    /// Incremental transfer (RFC 1995).
    pub const IXFR: u16 = 251;
    /// Transfer of a zone.
    pub const AXFR: u16 = 252;
    /// Everything of a name.
    pub const ANY: u16 = 255;

    /// `A`, `AAAA`, ...; `TYPE65` for one without a name here (RFC 3597).
    pub fn name(kind: u16) -> String {
        let known = ALL.iter().find(|(number, _)| *number == kind);
        known.map_or_else(|| format!("TYPE{kind}"), |(_, name)| (*name).to_owned())
    }

    /// Its number, of `AAAA`, `aaaa` or `TYPE28`.
    pub fn of(name: &str) -> Option<u16> {
        let known = ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        let numbered = || {
            let (word, number) = name.split_at_checked(4)?;
            word.eq_ignore_ascii_case("TYPE").then(|| number.parse().ok()).flatten()
        };
        known.map(|(number, _)| *number).or_else(numbered)
    }

    const ALL: &[(u16, &str)] = &[
        (A, "A"),
        (NS, "NS"),
        (CNAME, "CNAME"),
        (SOA, "SOA"),
        (PTR, "PTR"),
        (HINFO, "HINFO"),
        (MX, "MX"),
        (TXT, "TXT"),
        (AAAA, "AAAA"),
        (SRV, "SRV"),
        (OPT, "OPT"),
        (DHCID, "DHCID"),
        (TSIG, "TSIG"),
        (IXFR, "IXFR"),
        (AXFR, "AXFR"),
        (ANY, "ANY"),
    ];
}

/// The class of the Internet, and those that mean none and any.
pub mod class {
    /// IN.
    pub const IN: u16 = 1;
    /// NONE (RFC 2136).
    pub const NONE: u16 = 254;
    /// ANY.
    pub const ANY: u16 = 255;
}

/// How an answer ends (RFC 1035, 4.1.1; RFC 6891, 9).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Code {
    /// There is the name, and perhaps what was asked.
    NoError,
    /// We could not find out.
    ServFail,
    /// There is no such name.
    NxDomain,
    /// We do not do that.
    NotImp,
    /// We will not.
    Refused,
    /// Not this version of EDNS.
    BadVers,
}

impl Code {
    /// As it is sent; more than four bits go into the OPT record.
    pub fn number(self) -> u16 {
        match self {
            Self::NoError => 0,
            Self::ServFail => 2,
            Self::NxDomain => 3,
            Self::NotImp => 4,
            Self::Refused => 5,
            Self::BadVers => 16,
        }
    }

    /// As `dig` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::ServFail => "SERVFAIL",
            Self::NxDomain => "NXDOMAIN",
            Self::NotImp => "NOTIMP",
            Self::Refused => "REFUSED",
            Self::BadVers => "BADVERS",
        }
    }
}

/// Names of kinds are found both ways; more is in `tests/dns.rs`.
#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn kinds_have_names_and_numbers() {
        for (number, name) in [(kind::A, "A"), (kind::SRV, "SRV"), (65, "TYPE65")] {
            assert_eq!(kind::name(number), name);
            assert_eq!(kind::of(name), Some(number));
            assert_eq!(kind::of(&name.to_lowercase()), Some(number));
        }
        for wrong in ["", "TYPE", "TYPE65536", "X", "TYPEx", "äöü"] {
            assert_eq!(kind::of(wrong), None, "{wrong}");
        }
    }
}
