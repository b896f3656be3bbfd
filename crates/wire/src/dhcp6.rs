//! DHCPv6 between a client and a server (RFC 8415, 8 and 21; RFC 5970), as far as it concerns
//! booting.
//!
//! Two ways in. As a client among others we take one datagram from anybody as it came: a [`Message`]
//! with its options, and readers for those that matter to a boot. As a server we take what a
//! [`Heard`] takes: every option that decides is a value of a [`Packet`], relays' envelopes around
//! it, and what breaks a rule is refused. Never: a decision.

pub mod duid;
mod packet;
mod relay;
mod write;

pub use packet::{
    ASSOCIATION_ADDRESSES_MAX, ASSOCIATIONS_MAX, Association, DOMAINS_MAX, Given, Kind, Packet,
    STATUS_TEXT_MAX, Status, WANTED_MAX, WORDS_MAX, status,
};
pub use relay::{Envelope, HOPS_MAX, Heard, INTERFACE_ID_MAX, enveloped, forwarded, unwrapped};
pub use write::{MESSAGE_MAX, URL_MAX, Unsayable};

use std::error::Error;
use std::fmt;
use std::net::Ipv6Addr;

/// Clients are spoken to here.
pub const CLIENT_PORT: u16 = 546;
/// Servers are spoken to here.
pub const SERVER_PORT: u16 = 547;
/// All relays and servers of the link (RFC 8415, 7.1).
pub const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// A message with more options is refused.
pub const OPTIONS_MAX: usize = 64;
/// More addresses than these are not kept of one message.
pub const ADDRESSES_MAX: usize = 8;
/// Intel's number, under which PXE clients say what they are (PXE over IPv6).
pub const ENTERPRISE_INTEL: u32 = 343;

/// Kinds of messages.
pub mod kind {
    /// Who gives addresses?
    pub const SOLICIT: u8 = 1;
    /// I do.
    pub const ADVERTISE: u8 = 2;
    /// Here you are.
    pub const REPLY: u8 = 7;
    /// Only settings, no address.
    pub const INFORMATION_REQUEST: u8 = 11;
    /// A relay passes a client's message on (RFC 8415, 7.3).
    pub const RELAY_FORW: u8 = 12;
    /// An answer for a relay to pass on.
    pub const RELAY_REPL: u8 = 13;
    /// A server tells a client to ask once more.
    pub const RECONFIGURE: u8 = 10;

    /// Whether servers say it, or relays in their place, by the first byte of a message (RFC 8415, 7.3).
    #[must_use]
    pub fn is_of_server(first: u8) -> bool {
        matches!(first, ADVERTISE | REPLY | RECONFIGURE | RELAY_REPL)
    }
}

/// Option codes.
pub mod code {
    /// Client identifier (DUID).
    pub const CLIENT_ID: u16 = 1;
    /// Server identifier (DUID).
    pub const SERVER_ID: u16 = 2;
    /// Identity association for addresses.
    pub const IA_NA: u16 = 3;
    /// Identity association for temporary addresses.
    pub const IA_TA: u16 = 4;
    /// An address in an association.
    pub const IA_ADDRESS: u16 = 5;
    /// Options wanted.
    pub const OPTION_REQUEST: u16 = 6;
    /// How much a server is preferred, 0 to 255.
    pub const PREFERENCE: u16 = 7;
    /// Hundredths of a second since the client began.
    pub const ELAPSED: u16 = 8;
    /// The message in a relay's envelope.
    pub const RELAY_MESSAGE: u16 = 9;
    /// How it went.
    pub const STATUS: u16 = 13;
    /// Two messages instead of four.
    pub const RAPID_COMMIT: u16 = 14;
    /// Which program asks.
    pub const USER_CLASS: u16 = 15;
    /// What the client is, or whom the server speaks to.
    pub const VENDOR_CLASS: u16 = 16;
    /// A relay's own name for where it heard the client.
    pub const INTERFACE_ID: u16 = 18;
    /// DNS servers (RFC 3646).
    pub const DNS: u16 = 23;
    /// Domains that names are completed with (RFC 3646).
    pub const DOMAINS: u16 = 24;
    /// Identity association for prefixes.
    pub const IA_PD: u16 = 25;
    /// A prefix in an association.
    pub const IA_PREFIX: u16 = 26;
    /// The client's name (RFC 4704).
    pub const CLIENT_NAME: u16 = 39;
    /// URL of the boot file (RFC 5970, 3.1).
    pub const BOOT_FILE_URL: u16 = 59;
    /// Parameters of the boot file (RFC 5970, 3.2).
    pub const BOOT_FILE_PARAMETERS: u16 = 60;
    /// Client architectures (RFC 5970, 3.3).
    pub const CLIENT_ARCH: u16 = 61;
    /// Client network interface (RFC 5970, 3.4).
    pub const CLIENT_NDI: u16 = 62;
    /// The client's link-layer address, said by a relay (RFC 6939).
    pub const CLIENT_LINK_LAYER: u16 = 79;
}

/// One message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Message {
    /// See [`kind`].
    pub kind: u8,
    /// Transaction, 24 bits.
    pub xid: [u8; 3],
    options: Vec<(u16, Vec<u8>)>,
}

impl Message {
    /// A message without options.
    #[must_use]
    pub fn new(kind: u8, xid: [u8; 3]) -> Self {
        Self { kind, xid, options: Vec::new() }
    }

    /// Adds an option.
    #[must_use]
    pub fn with(mut self, code: u16, value: impl Into<Vec<u8>>) -> Self {
        self.options.push((code, value.into()));
        self
    }

    /// Reads one datagram.
    ///
    /// # Errors
    ///
    /// When it is no client's or server's message whole.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let Some((&[kind, a, b, c], rest)) = datagram.split_first_chunk::<4>() else {
            return Err(Malformed::TooShort);
        };
        // 12 and 13 are relays' envelopes, with another head.
        if !(kind::SOLICIT..=kind::INFORMATION_REQUEST).contains(&kind) {
            return Err(Malformed::Kind(kind));
        }
        Ok(Self { kind, xid: [a, b, c], options: options(rest)? })
    }

    /// The bytes; options longer than 65 535 bytes are left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let [a, b, c] = self.xid;
        let mut bytes = vec![self.kind, a, b, c];
        for (code, value) in &self.options {
            let Ok(length) = u16::try_from(value.len()) else { continue };
            bytes.extend(code.to_be_bytes());
            bytes.extend(length.to_be_bytes());
            bytes.extend_from_slice(value);
        }
        bytes
    }

    /// Codes of its options, in their order.
    pub fn codes(&self) -> impl Iterator<Item = u16> {
        self.options.iter().map(|(code, _)| *code)
    }

    /// The first option with this code.
    #[must_use]
    pub fn get(&self, code: u16) -> Option<&[u8]> {
        first(&self.options, code)
    }

    /// URL of the boot file; the whole option, no zero byte at its end counts.
    #[must_use]
    pub fn boot_file_url(&self) -> Option<&[u8]> {
        let value = self.get(code::BOOT_FILE_URL)?;
        let end = value.iter().rposition(|byte| *byte != 0)?;
        value.get(..=end)
    }

    /// Enterprise numbers and class texts, of every vendor class.
    #[must_use]
    pub fn vendor_classes(&self) -> Vec<(u32, Vec<u8>)> {
        let classes = self.options.iter().filter(|(code, _)| *code == code::VENDOR_CLASS);
        let mut found = Vec::new();
        for (_, value) in classes {
            let Some((number, rest)) = value.split_first_chunk::<4>() else { continue };
            let number = u32::from_be_bytes(*number);
            found.extend(words(rest).into_iter().map(|word| (number, word.to_vec())));
        }
        found
    }

    /// Addresses that are offered, of all associations.
    #[must_use]
    pub fn addresses(&self) -> Vec<Ipv6Addr> {
        let associations = self.options.iter().filter(|(code, _)| *code == code::IA_NA);
        let mut found = Vec::new();
        for (_, value) in associations {
            // Identifier and two times stand before the options of an association.
            let Ok(inner) = options(value.get(12..).unwrap_or_default()) else { continue };
            let given = inner.iter().filter(|(code, _)| *code == code::IA_ADDRESS);
            found.extend(given.filter_map(|(_, value)| value.first_chunk::<16>().copied()));
        }
        found.truncate(ADDRESSES_MAX);
        found.into_iter().map(Ipv6Addr::from).collect()
    }

    /// DNS servers.
    #[must_use]
    pub fn dns(&self) -> Vec<Ipv6Addr> {
        let (servers, _) = self.get(code::DNS).unwrap_or_default().as_chunks::<16>();
        servers.iter().take(ADDRESSES_MAX).copied().map(Ipv6Addr::from).collect()
    }
}

/// A vendor class: the enterprise's number, then texts with their lengths (RFC 8415, 21.16).
#[must_use]
pub fn vendor_class(enterprise: u32, text: &[u8]) -> Vec<u8> {
    let mut value = enterprise.to_be_bytes().to_vec();
    value.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    value.extend(text.iter().take(usize::from(u16::MAX)));
    value
}

fn options(mut rest: &[u8]) -> Result<Vec<(u16, Vec<u8>)>, Malformed> {
    let mut found = Vec::new();
    while let Some((&[c0, c1, l0, l1], after)) = rest.split_first_chunk::<4>() {
        if found.len() >= OPTIONS_MAX {
            return Err(Malformed::TooManyOptions);
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (value, after) = after.split_at_checked(length).ok_or(Malformed::Options)?;
        found.push((u16::from_be_bytes([c0, c1]), value.to_vec()));
        rest = after;
    }
    if rest.is_empty() { Ok(found) } else { Err(Malformed::Options) }
}

fn first(options: &[(u16, Vec<u8>)], code: u16) -> Option<&[u8]> {
    options.iter().find(|(other, _)| *other == code).map(|(_, value)| value.as_slice())
}

/// Texts with their lengths before them, as far as they are whole.
fn words(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((word, after)) = after.split_at_checked(length) else { break };
        found.push(word);
        rest = after;
        if found.len() >= OPTIONS_MAX {
            break;
        }
    }
    found
}

/// Why a datagram is no message of a client or server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// Less than four bytes.
    TooShort,
    /// A message between relays and servers, or none that there is.
    Kind(u8),
    /// An option is cut short.
    Options,
    /// More options than anybody needs.
    TooManyOptions,
    /// A message that servers send, not clients.
    Role(u8),
    /// The option with this code has a length that it cannot have.
    Length(u16),
    /// The option with this code is there twice.
    Twice(u16),
    /// The option with this code does not belong where it stands.
    Nesting(u16),
    /// It does not say who the client is.
    NoClientId,
    /// It does not say which server it means.
    NoServerId,
    /// It names a server, where it asks all of them.
    ServerId,
    /// More associations than a machine needs.
    TooManyAssociations,
    /// More addresses in an association than a machine needs.
    TooManyAddresses,
    /// More relays than there may be.
    TooManyRelays,
    /// A relay's envelope with nothing in it.
    NoMessage,
}

impl Error for Malformed {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("shorter than the 4 bytes of a DHCPv6 head"),
            Self::Kind(kind) => write!(f, "message type {kind} is none of a client or server"),
            Self::Options => f.write_str("an option is cut short"),
            Self::TooManyOptions => write!(f, "more than {OPTIONS_MAX} options"),
            Self::Role(kind) => write!(f, "message type {kind} is a server's, not a client's"),
            Self::Length(code) => write!(f, "option {code} has a length that it cannot have"),
            Self::Twice(code) => write!(f, "option {code} is there twice"),
            Self::Nesting(code) => write!(f, "option {code} does not belong where it stands"),
            Self::NoClientId => f.write_str("it does not say who the client is (option 1)"),
            Self::NoServerId => f.write_str("it does not say which server it means (option 2)"),
            Self::ServerId => f.write_str("it names a server (option 2), where it asks all"),
            Self::TooManyAssociations => {
                write!(f, "more than {ASSOCIATIONS_MAX} identity associations")
            }
            Self::TooManyAddresses => {
                write!(f, "more than {ASSOCIATION_ADDRESSES_MAX} addresses in an association")
            }
            Self::TooManyRelays => write!(f, "more than {HOPS_MAX} relays on the way"),
            Self::NoMessage => f.write_str("a relay's envelope with no message in it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    fn association() -> Vec<u8> {
        let mut value = vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        value.extend([0, 5, 0, 24]);
        value.extend("fd77::100".parse::<Ipv6Addr>().unwrap().octets());
        value.extend([0; 8]);
        value
    }

    #[test]
    fn an_advertisement_that_boots() {
        let url = b"tftp://[fd77::1]/loader/shim.efi\0";
        let sent = Message::new(kind::ADVERTISE, [1, 2, 3])
            .with(code::SERVER_ID, [0, 3, 0, 1, 2, 0, 0, 0, 0, 1])
            .with(code::IA_NA, association())
            .with(code::BOOT_FILE_URL, url.as_slice())
            .with(code::VENDOR_CLASS, vendor_class(0, b"HTTPClient"))
            .with(code::DNS, "fd77::53".parse::<Ipv6Addr>().unwrap().octets());
        let read = Message::parse(&sent.encode()).unwrap();
        assert_eq!(read, sent);
        assert_eq!(read.boot_file_url(), Some(&url[..url.len() - 1]));
        assert_eq!(read.vendor_classes(), [(0, b"HTTPClient".to_vec())]);
        assert_eq!(read.addresses(), ["fd77::100".parse::<Ipv6Addr>().unwrap()]);
        assert_eq!(read.dns(), ["fd77::53".parse::<Ipv6Addr>().unwrap()]);
    }

    #[test]
    fn what_is_cut_short_or_a_relays_is_refused() {
        let whole = Message::new(kind::REPLY, [0; 3]).with(code::PREFERENCE, [255]).encode();
        for length in 0..whole.len() {
            // Four bytes are a message without options.
            assert_eq!(Message::parse(&whole[..length]).is_ok(), length == 4, "{length} bytes");
        }
        assert_eq!(Message::parse(&[12; 40]), Err(Malformed::Kind(12)));
        assert_eq!(Message::parse(&[0; 4]), Err(Malformed::Kind(0)));
        let many = [&[7, 0, 0, 0][..], &[0, 7, 0, 0].repeat(65)].concat();
        assert_eq!(Message::parse(&many), Err(Malformed::TooManyOptions));
    }

    #[test]
    fn empty_and_odd_options_say_nothing() {
        let message = Message::new(kind::REPLY, [0; 3])
            .with(code::BOOT_FILE_URL, [0, 0])
            .with(code::IA_NA, [0; 3])
            .with(code::VENDOR_CLASS, [0, 0, 0, 0, 0, 9, b'x'])
            .with(code::DNS, [0; 15]);
        assert_eq!(message.boot_file_url(), None);
        assert!(message.addresses().is_empty() && message.dns().is_empty());
        assert!(message.vendor_classes().is_empty());
    }

    proptest! {
        #[test]
        fn anything_may_come(kind in 1_u8..12, rest in proptest::collection::vec(any::<u8>(), 0..800)) {
            let bytes = [&[kind, 0, 0, 0][..], &rest].concat();
            if let Ok(message) = Message::parse(&bytes) {
                assert_eq!(message.encode(), bytes);
                assert!(message.addresses().len() <= ADDRESSES_MAX);
                let _ = (message.dns(), message.vendor_classes(), message.boot_file_url());
            }
        }
    }
}
