//! What a client and a server say to each other, with every option that concerns us as a value.
//!
//! In: the bytes after a relay's envelopes. Out: a [`Packet`]. Never: whether it may be answered.

use super::{Malformed, code, options, words};
use std::net::Ipv6Addr;

/// Associations of one message.
pub const ASSOCIATIONS_MAX: usize = 16;
/// Addresses of one association.
pub const ASSOCIATION_ADDRESSES_MAX: usize = 16;
/// Codes of an option request that are kept.
pub const WANTED_MAX: usize = 128;
/// Texts of a class, and architectures, that are kept.
pub const WORDS_MAX: usize = 16;
/// Names of a list of domains that are kept.
pub const DOMAINS_MAX: usize = 8;
/// The text of a status that is kept, in bytes.
pub const STATUS_TEXT_MAX: usize = 256;
/// A domain name, as it is spelled (RFC 1035, 2.3.4).
const NAME_MAX: usize = 253;

/// Kinds of messages (RFC 8415, 7.3) between a client and a server.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "the RFC's own names")]
pub enum Kind {
    Solicit,
    Advertise,
    Request,
    Confirm,
    Renew,
    Rebind,
    Reply,
    Release,
    Decline,
    Reconfigure,
    InformationRequest,
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Solicit,
        Self::Advertise,
        Self::Request,
        Self::Confirm,
        Self::Renew,
        Self::Rebind,
        Self::Reply,
        Self::Release,
        Self::Decline,
        Self::Reconfigure,
        Self::InformationRequest,
    ];

    /// By its number on the wire; none for relays' envelopes, and for what there is not.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Solicit => 1,
            Self::Advertise => 2,
            Self::Request => 3,
            Self::Confirm => 4,
            Self::Renew => 5,
            Self::Rebind => 6,
            Self::Reply => 7,
            Self::Release => 8,
            Self::Decline => 9,
            Self::Reconfigure => 10,
            Self::InformationRequest => 11,
        }
    }

    /// As the RFC writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Solicit => "SOLICIT",
            Self::Advertise => "ADVERTISE",
            Self::Request => "REQUEST",
            Self::Confirm => "CONFIRM",
            Self::Renew => "RENEW",
            Self::Rebind => "REBIND",
            Self::Reply => "REPLY",
            Self::Release => "RELEASE",
            Self::Decline => "DECLINE",
            Self::Reconfigure => "RECONFIGURE",
            Self::InformationRequest => "INFORMATION-REQUEST",
        }
    }
}

/// Codes of a status (RFC 8415, 21.13).
pub mod status {
    /// It went well.
    pub const SUCCESS: u16 = 0;
    /// Nothing is free.
    pub const NO_ADDRESSES: u16 = 2;
    /// We know of no such binding.
    pub const NO_BINDING: u16 = 3;
    /// The address does not belong on the client's link.
    pub const NOT_ON_LINK: u16 = 4;
    /// Ask the group, not one server.
    pub const USE_MULTICAST: u16 = 5;
}

/// How it went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// See [`status`].
    pub code: u16,
    /// For people; UTF-8, says the RFC.
    pub text: Vec<u8>,
}

/// An address in an association, with its times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Given {
    /// The address.
    pub address: Ipv6Addr,
    /// Seconds for which new connections may use it.
    pub preferred_s: u32,
    /// Seconds for which it holds; all ones is for ever.
    pub valid_s: u32,
}

/// An identity association for addresses that do not change by themselves (IA_NA).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Association {
    /// The client's own name for it.
    pub iaid: u32,
    /// Seconds until the client asks the same server again; 0 leaves it to the client.
    pub renew_s: u32,
    /// Seconds until it asks any.
    pub rebind_s: u32,
    /// Its addresses.
    pub addresses: Vec<Given>,
    /// How it went with this one.
    pub status: Option<Status>,
}

/// One message between a client and a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packet {
    /// Which message it is.
    pub kind: Kind,
    /// Transaction.
    pub xid: [u8; 3],
    /// Who the client is.
    pub client_id: Option<Vec<u8>>,
    /// Which server is meant, or speaks.
    pub server_id: Option<Vec<u8>>,
    /// What it wants addresses for, or got.
    pub associations: Vec<Association>,
    /// Associations of sorts that are not served (temporary addresses, prefixes): their options'
    /// codes and names.
    pub unserved: Vec<(u16, u32)>,
    /// Codes of options that it wants.
    pub wanted: Vec<u16>,
    /// How much the server is preferred.
    pub preference: Option<u8>,
    /// Hundredths of a second since the client began.
    pub elapsed: Option<u16>,
    /// How it went.
    pub status: Option<Status>,
    /// Two messages instead of four.
    pub rapid_commit: bool,
    /// Which program asks.
    pub user_classes: Vec<Vec<u8>>,
    /// What the client is, by enterprise number, or whom the server speaks to.
    pub vendor_classes: Vec<(u32, Vec<Vec<u8>>)>,
    /// DNS servers.
    pub dns: Vec<Ipv6Addr>,
    /// Domains that names are completed with.
    pub domains: Vec<String>,
    /// URL of the boot file.
    pub boot_url: Option<Vec<u8>>,
    /// Parameters of the boot file.
    pub boot_parameters: Vec<Vec<u8>>,
    /// Architectures, by IANA's number.
    pub archs: Vec<u16>,
    /// Kind, major and minor version of the network interface of the firmware.
    pub ndi: Option<[u8; 3]>,
    /// The name that the client calls itself (RFC 4704), labels joined by dots.
    pub name: Option<Vec<u8>>,
}

impl Packet {
    /// A message without options.
    #[must_use]
    pub fn new(kind: Kind, xid: [u8; 3]) -> Self {
        Self {
            kind,
            xid,
            client_id: None,
            server_id: None,
            associations: Vec::new(),
            unserved: Vec::new(),
            wanted: Vec::new(),
            preference: None,
            elapsed: None,
            status: None,
            rapid_commit: false,
            user_classes: Vec::new(),
            vendor_classes: Vec::new(),
            dns: Vec::new(),
            domains: Vec::new(),
            boot_url: None,
            boot_parameters: Vec::new(),
            archs: Vec::new(),
            ndi: None,
            name: None,
        }
    }

    /// Reads one message that stands in no envelope. What says who asks or what for has to be
    /// right; any other option that is malformed was not said.
    ///
    /// # Errors
    ///
    /// When it is none, or nobody could say for whom it is or what it wants.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let Some((&[number, a, b, c], rest)) = bytes.split_first_chunk::<4>() else {
            return Err(Malformed::TooShort);
        };
        let kind = Kind::of(number).ok_or(Malformed::Kind(number))?;
        let mut packet = Self::new(kind, [a, b, c]);
        for (code, value) in options(rest)? {
            packet.take(code, &value)?;
        }
        Ok(packet)
    }

    fn take(&mut self, code: u16, value: &[u8]) -> Result<(), Malformed> {
        match code {
            code::CLIENT_ID => identifier(&mut self.client_id, code, value)?,
            code::SERVER_ID => identifier(&mut self.server_id, code, value)?,
            code::IA_NA => {
                if self.associations.len() >= ASSOCIATIONS_MAX {
                    return Err(Malformed::TooManyAssociations);
                }
                self.associations.push(association(value)?);
            }
            code::IA_TA | code::IA_PD => {
                let iaid = value.first_chunk().ok_or(Malformed::Length(code))?;
                if self.unserved.len() >= ASSOCIATIONS_MAX {
                    return Err(Malformed::TooManyAssociations);
                }
                self.unserved.push((code, u32::from_be_bytes(*iaid)));
            }
            // Both stand in an association and nowhere else.
            code::IA_ADDRESS | code::IA_PREFIX => return Err(Malformed::Nesting(code)),
            code::RELAY_MESSAGE | code::INTERFACE_ID => return Err(Malformed::Nesting(code)),
            code::OPTION_REQUEST => {
                let (codes, _) = value.as_chunks::<2>();
                let room = WANTED_MAX.saturating_sub(self.wanted.len());
                self.wanted.extend(codes.iter().take(room).map(|c| u16::from_be_bytes(*c)));
            }
            code::STATUS => self.status = status(value).or(self.status.take()),
            code::RAPID_COMMIT => self.rapid_commit = true,
            code::USER_CLASS => {
                let room = WORDS_MAX.saturating_sub(self.user_classes.len());
                self.user_classes.extend(words(value).into_iter().take(room).map(<[u8]>::to_vec));
            }
            code::VENDOR_CLASS if self.vendor_classes.len() < WORDS_MAX => {
                self.vendor_classes.extend(vendor_class(value));
            }
            _ => self.take_rest(code, value),
        }
        Ok(())
    }

    /// Options that decide nothing about the exchange.
    fn take_rest(&mut self, code: u16, value: &[u8]) {
        match (code, value) {
            (code::PREFERENCE, &[preference]) => self.preference = Some(preference),
            (code::ELAPSED, &[a, b]) => self.elapsed = Some(u16::from_be_bytes([a, b])),
            (code::DNS, _) => {
                let (servers, _) = value.as_chunks::<16>();
                let room = super::ADDRESSES_MAX.saturating_sub(self.dns.len());
                self.dns.extend(servers.iter().take(room).copied().map(Ipv6Addr::from));
            }
            (code::DOMAINS, _) => {
                let room = DOMAINS_MAX.saturating_sub(self.domains.len());
                self.domains.extend(domains(value).into_iter().take(room));
            }
            (code::BOOT_FILE_URL, _) => {
                let end = value.iter().rposition(|byte| *byte != 0);
                self.boot_url = end.and_then(|end| value.get(..=end)).map(<[u8]>::to_vec);
            }
            (code::BOOT_FILE_PARAMETERS, _) => {
                let said = words(value).into_iter().take(WORDS_MAX);
                self.boot_parameters = said.map(<[u8]>::to_vec).collect();
            }
            (code::CLIENT_ARCH, _) => {
                let (codes, _) = value.as_chunks::<2>();
                let room = WORDS_MAX.saturating_sub(self.archs.len());
                self.archs.extend(codes.iter().take(room).map(|c| u16::from_be_bytes(*c)));
            }
            (code::CLIENT_NDI, _) => self.ndi = value.try_into().ok(),
            (code::CLIENT_NAME, _) => {
                self.name = value.split_first().and_then(|(_, name)| labels(name).ok());
            }
            _ => {}
        }
    }
}

fn identifier(place: &mut Option<Vec<u8>>, code: u16, value: &[u8]) -> Result<(), Malformed> {
    if !(super::duid::DUID_MIN..=super::duid::DUID_MAX).contains(&value.len()) {
        return Err(Malformed::Length(code));
    }
    if place.is_some() {
        return Err(Malformed::Twice(code));
    }
    *place = Some(value.to_vec());
    Ok(())
}

fn association(value: &[u8]) -> Result<Association, Malformed> {
    let Some((head, inner)) = value.split_first_chunk::<12>() else {
        return Err(Malformed::Length(code::IA_NA));
    };
    let [i0, i1, i2, i3, r0, r1, r2, r3, b0, b1, b2, b3] = *head;
    let mut read = Association {
        iaid: u32::from_be_bytes([i0, i1, i2, i3]),
        renew_s: u32::from_be_bytes([r0, r1, r2, r3]),
        rebind_s: u32::from_be_bytes([b0, b1, b2, b3]),
        ..Association::default()
    };
    for (code, value) in options(inner)? {
        match code {
            code::IA_ADDRESS if read.addresses.len() >= ASSOCIATION_ADDRESSES_MAX => {
                return Err(Malformed::TooManyAddresses);
            }
            code::IA_ADDRESS => read.addresses.push(given(&value)?),
            code::STATUS => read.status = status(&value),
            code::CLIENT_ID | code::SERVER_ID | code::IA_NA | code::IA_TA | code::IA_PD => {
                return Err(Malformed::Nesting(code));
            }
            _ => {}
        }
    }
    Ok(read)
}

fn given(value: &[u8]) -> Result<Given, Malformed> {
    let wrong = Malformed::Length(code::IA_ADDRESS);
    let (address, rest) = value.split_first_chunk::<16>().ok_or(wrong)?;
    let (&[p0, p1, p2, p3, v0, v1, v2, v3], inner) = rest.split_first_chunk::<8>().ok_or(wrong)?;
    if options(inner)?.iter().any(|(code, _)| *code == code::IA_ADDRESS || *code == code::IA_NA) {
        return Err(Malformed::Nesting(code::IA_ADDRESS));
    }
    Ok(Given {
        address: (*address).into(),
        preferred_s: u32::from_be_bytes([p0, p1, p2, p3]),
        valid_s: u32::from_be_bytes([v0, v1, v2, v3]),
    })
}

fn status(value: &[u8]) -> Option<Status> {
    let (code, text) = value.split_first_chunk::<2>()?;
    let text = text.iter().take(STATUS_TEXT_MAX).copied().collect();
    Some(Status { code: u16::from_be_bytes(*code), text })
}

fn vendor_class(value: &[u8]) -> Option<(u32, Vec<Vec<u8>>)> {
    let (enterprise, rest) = value.split_first_chunk::<4>()?;
    let said = words(rest).into_iter().take(WORDS_MAX).map(<[u8]>::to_vec).collect();
    Some((u32::from_be_bytes(*enterprise), said))
}

/// Names as DNS writes them, without compression (RFC 8415, 10), one after the other.
fn domains(mut rest: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(end) = end_of_name(rest) {
        let (name, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let text = labels(name).ok().and_then(|name| String::from_utf8(name).ok());
        found.extend(text.filter(|text| text.is_ascii() && !text.is_empty()));
        rest = behind;
    }
    found
}

/// Where a name ends, its last, empty label included.
fn end_of_name(bytes: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    loop {
        let length = usize::from(*bytes.get(at)?);
        at = at.saturating_add(1).saturating_add(length);
        match length {
            0 => return Some(at),
            1..=63 => {}
            _ => return None,
        }
    }
}

/// Labels with their lengths, joined by dots. The last one may be missing: a name that is no whole
/// one (RFC 4704, 4.2).
fn labels(mut rest: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut name = Vec::new();
    while let Some((length, after)) = rest.split_first() {
        let (label, after) =
            after.split_at_checked(usize::from(*length)).ok_or(Malformed::Options)?;
        if label.is_empty() {
            break;
        }
        if label.len() > 63 || name.len().saturating_add(label.len()) >= NAME_MAX {
            return Err(Malformed::Options);
        }
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(label);
        rest = after;
    }
    Ok(name)
}
