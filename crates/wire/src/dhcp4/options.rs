//! The options of one message, raw and in order.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

use super::code;
use super::message::Malformed;

/// Most bytes of options, headers included, taken from one message. The largest real requests
/// are below 1 KB; this leaves room for jumbo frames and bounds what one packet can cost.
pub const OPTIONS_MAX: usize = 4096;

/// Longest value that one instance of an option carries: the length is one byte.
const INSTANCE_MAX: usize = 255;

/// Type, length, value of each option in order of appearance: options field, `file`, `sname`.
///
/// Nothing is interpreted here. Overload (52), pad (0) and end (255) are the packing, not the
/// content: they are honoured while reading, and never stored.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Options {
    instances: Vec<Instance>,
    /// The first option that ran past the end of its field, and was left out with all after it.
    pub truncated: Option<u8>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Instance {
    code: u8,
    value: Vec<u8>,
}

impl Options {
    /// No options.
    #[must_use]
    pub const fn new() -> Self {
        Self { instances: Vec::new(), truncated: None }
    }

    /// The value of `code`: all its instances joined in order (RFC 3396, 7).
    #[must_use]
    pub fn get(&self, code: u8) -> Option<Cow<'_, [u8]>> {
        let mut instances = self.instances_of(code);
        let first = instances.next()?;
        let mut value = Cow::Borrowed(first);
        for next in instances {
            value.to_mut().extend_from_slice(next);
        }
        Some(value)
    }

    /// The first instance of `code` alone. It is the one that counts where the length is fixed:
    /// of a repeated fixed-size option the first wins.
    #[must_use]
    pub fn first(&self, code: u8) -> Option<&[u8]> {
        self.instances_of(code).next()
    }

    /// Every instance of `code`, in order, as each was on the wire.
    pub fn instances_of(&self, code: u8) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |(other, _)| *other == code).map(|(_, value)| value)
    }

    /// Every instance of every option, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.instances.iter().map(|option| (option.code, option.value.as_slice()))
    }

    /// Whether `code` is present, whatever its value.
    #[must_use]
    pub fn contains(&self, code: u8) -> bool {
        self.first(code).is_some()
    }

    /// Whether there is no option at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// How many instances there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.instances.len()
    }

    /// Adds `code` at the end. A value longer than 255 bytes is split when encoded (RFC 3396, 5).
    ///
    /// Pad, end and overload are made by the encoder or not at all, so these codes are not taken.
    pub fn push(&mut self, code: u8, value: impl Into<Vec<u8>>) {
        if !matches!(code, code::PAD | code::END | code::OVERLOAD) {
            self.instances.push(Instance { code, value: value.into() });
        }
    }

    /// Adds every instance of `code` in `from` exactly as it came: what an echo of the relay
    /// agent information (RFC 3046, 2.2) and of the client identifier (RFC 6842, 3) must be.
    pub fn echo(&mut self, from: &Self, code: u8) {
        for value in from.instances_of(code) {
            self.push(code, value);
        }
    }

    /// Removes every instance of `code`; says whether there was one.
    pub fn remove(&mut self, code: u8) -> bool {
        let before = self.instances.len();
        self.instances.retain(|option| option.code != code);
        self.instances.len() != before
    }

    /// Puts the options in the order that suits careful and careless clients: type, server,
    /// times, mask before router (RFC 2132, 3.3), then as the client lists them (RFC 2132, 9.8:
    /// in order of preference), the rest as pushed, relay agent information last (RFC 3046, 2.2).
    /// Some ROMs read only the first few hundred bytes.
    pub fn order(&mut self, parameter_list: &[u8]) {
        const FIRST: [u8; 7] = [
            code::MESSAGE_TYPE,
            code::SERVER_ID,
            code::LEASE_TIME,
            code::RENEWAL_TIME,
            code::REBINDING_TIME,
            code::SUBNET_MASK,
            code::ROUTER,
        ];
        // The sort is stable: instances of one code keep their order, and so does the rest.
        self.instances.sort_by_key(|option| {
            let unlisted = FIRST.len().saturating_add(parameter_list.len());
            match option.code {
                code::RELAY_AGENT => unlisted.saturating_add(1),
                other => {
                    let mut listed = FIRST.iter().chain(parameter_list);
                    listed.position(|code| *code == other).unwrap_or(unlisted)
                }
            }
        });
    }

    /// What the message is (RFC 2132, 9.6). `None` is BOOTP (RFC 1534, 2); an error is a type we
    /// have no name for, or a value that is not one byte.
    #[must_use]
    pub fn message_type(&self) -> Option<Result<MessageType, u8>> {
        match self.first(code::MESSAGE_TYPE)? {
            [number] => Some(MessageType::try_from(*number)),
            odd => Some(Err(odd.first().copied().unwrap_or(0))),
        }
    }

    /// One byte, when the option is exactly that long.
    #[must_use]
    pub fn u8(&self, code: u8) -> Option<u8> {
        self.fixed(code).map(u8::from_be_bytes)
    }

    /// Two bytes, big-endian, when the option is exactly that long.
    #[must_use]
    pub fn u16(&self, code: u8) -> Option<u16> {
        self.fixed(code).map(u16::from_be_bytes)
    }

    /// Four bytes, big-endian, when the option is exactly that long.
    #[must_use]
    pub fn u32(&self, code: u8) -> Option<u32> {
        self.fixed(code).map(u32::from_be_bytes)
    }

    /// One address, when the option is exactly that long.
    #[must_use]
    pub fn ip(&self, code: u8) -> Option<Ipv4Addr> {
        self.fixed::<4>(code).map(Ipv4Addr::from)
    }

    /// A list of addresses; empty when the option is missing or not a multiple of four long.
    #[must_use]
    pub fn ips(&self, code: u8) -> Vec<Ipv4Addr> {
        let value = self.get(code).unwrap_or_default();
        match value.as_chunks::<4>() {
            (addresses, []) => addresses.iter().copied().map(Ipv4Addr::from).collect(),
            _ => Vec::new(),
        }
    }

    fn fixed<const N: usize>(&self, code: u8) -> Option<[u8; N]> {
        self.first(code)?.try_into().ok()
    }

    /// Reads the options field and, as its overload option says, `file` and `sname`.
    /// Tells what was overloaded, so that nobody takes those fields for names.
    pub(super) fn parse(
        field: &[u8],
        file: &[u8],
        sname: &[u8],
    ) -> Result<(Self, Overload), Malformed> {
        let mut options = Self::new();
        let overload = options.read_field(field)?;
        let overload = match overload.as_slice() {
            [] => Overload::default(),
            [value] => Overload::from(value.as_slice()),
            _ => return Err(Malformed::Overload),
        };
        for (used, field) in [(overload.file, file), (overload.sname, sname)] {
            // An overload inside an overloaded field would lead in a circle.
            if used && !options.read_field(field)?.is_empty() {
                return Err(Malformed::Overload);
            }
        }

        let bytes = options.encoded_len();
        if bytes > OPTIONS_MAX {
            return Err(Malformed::OptionsTooLong(bytes));
        }
        options.check_deciding()?;
        Ok((options, overload))
    }

    /// Reads one field to its end option or its end, whichever comes first: the end option may
    /// be missing, pads may stand anywhere. Gives back the values of the overload options met.
    fn read_field(&mut self, mut rest: &[u8]) -> Result<Vec<Vec<u8>>, Malformed> {
        let mut overloads = Vec::new();
        while let Some((&code, after_code)) = rest.split_first() {
            rest = match code {
                code::PAD => {
                    rest = after_code;
                    continue;
                }
                code::END => break,
                _ => after_code,
            };
            let whole = rest
                .split_first()
                .and_then(|(length, value)| value.split_at_checked(usize::from(*length)));
            let Some((value, after)) = whole else {
                if DECIDING.iter().any(|(deciding, _)| *deciding == code) {
                    return Err(Malformed::DecidingOption(code));
                }
                self.truncated = self.truncated.or(Some(code));
                break;
            };
            rest = after;
            match code {
                code::OVERLOAD => overloads.push(value.to_vec()),
                _ => self.push(code, value),
            }
        }
        Ok(overloads)
    }

    /// An odd option costs only itself, unless the answer turns on it: then guessing would be
    /// worse than silence.
    fn check_deciding(&self) -> Result<(), Malformed> {
        for (code, length) in DECIDING {
            match (self.first(code), length) {
                (Some(value), Some(length)) if value.len() != length => {
                    return Err(Malformed::DecidingOption(code));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Bytes these options take on the wire, without the end option.
    pub(super) fn encoded_len(&self) -> usize {
        self.instances.iter().fold(0, |sum, option| sum.saturating_add(option.encoded_len()))
    }

    /// Bytes all instances of `code` take on the wire.
    pub(super) fn encoded_len_of(&self, code: u8) -> usize {
        self.instances
            .iter()
            .filter(|option| option.code == code)
            .fold(0, |sum, option| sum.saturating_add(option.encoded_len()))
    }

    /// Appends the options: message type first, relay agent information last, the others as
    /// pushed. Neither the end option nor padding.
    pub(super) fn encode_into(&self, bytes: &mut Vec<u8>) {
        let place = |code| match code {
            code::MESSAGE_TYPE => 0,
            code::RELAY_AGENT => 2,
            _ => 1,
        };
        for now in 0..=2 {
            for option in self.instances.iter().filter(|option| place(option.code) == now) {
                option.encode_into(bytes);
            }
        }
    }
}

/// Options on which an answer turns, and how long they are where that is fixed.
const DECIDING: [(u8, Option<usize>); 4] = [
    (code::MESSAGE_TYPE, Some(1)),
    (code::REQUESTED_ADDRESS, Some(4)),
    (code::SERVER_ID, Some(4)),
    // What a relay put in is echoed as it came, so any value is fine, but it must be whole.
    (code::RELAY_AGENT, None),
];

impl Instance {
    fn encoded_len(&self) -> usize {
        let headers = self.value.len().div_ceil(INSTANCE_MAX).max(1).saturating_mul(2);
        self.value.len().saturating_add(headers)
    }

    fn encode_into(&self, bytes: &mut Vec<u8>) {
        if self.value.is_empty() {
            bytes.extend([self.code, 0]);
        }
        for part in self.value.chunks(INSTANCE_MAX) {
            let length = u8::try_from(part.len()).unwrap_or(u8::MAX);
            bytes.extend([self.code, length]);
            bytes.extend_from_slice(part);
        }
    }
}

/// Which name fields hold options (RFC 2132, 9.3).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Overload {
    pub(super) file: bool,
    pub(super) sname: bool,
}

impl From<&[u8]> for Overload {
    /// A value without meaning overloads nothing.
    fn from(value: &[u8]) -> Self {
        match value {
            [1] => Self { file: true, sname: false },
            [2] => Self { file: false, sname: true },
            [3] => Self { file: true, sname: true },
            _ => Self::default(),
        }
    }
}

/// What a DHCP message is (RFC 2132, 9.6).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MessageType {
    /// A client looks for servers.
    Discover,
    /// A server offers an address.
    Offer,
    /// A client asks for an address, or for more time on it.
    Request,
    /// A client found the address in use.
    Decline,
    /// A server grants.
    Ack,
    /// A server refuses.
    Nak,
    /// A client gives its address back.
    Release,
    /// A client has an address and asks for the rest.
    Inform,
    /// A server wants a client to renew (RFC 3203, 2).
    ForceRenew,
    /// An access concentrator asks for a lease (RFC 4388, 6.1).
    LeaseQuery,
    /// The address is free (RFC 4388, 6.1).
    LeaseUnassigned,
    /// The server knows nothing about it (RFC 4388, 6.1).
    LeaseUnknown,
    /// The address is leased (RFC 4388, 6.1).
    LeaseActive,
}

impl MessageType {
    const ALL: [Self; 13] = [
        Self::Discover,
        Self::Offer,
        Self::Request,
        Self::Decline,
        Self::Ack,
        Self::Nak,
        Self::Release,
        Self::Inform,
        Self::ForceRenew,
        Self::LeaseQuery,
        Self::LeaseUnassigned,
        Self::LeaseUnknown,
        Self::LeaseActive,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Discover => 1,
            Self::Offer => 2,
            Self::Request => 3,
            Self::Decline => 4,
            Self::Ack => 5,
            Self::Nak => 6,
            Self::Release => 7,
            Self::Inform => 8,
            Self::ForceRenew => 9,
            Self::LeaseQuery => 10,
            Self::LeaseUnassigned => 11,
            Self::LeaseUnknown => 12,
            Self::LeaseActive => 13,
        }
    }
}

impl TryFrom<u8> for MessageType {
    type Error = u8;

    fn try_from(number: u8) -> Result<Self, u8> {
        Self::ALL.into_iter().find(|kind| kind.number() == number).ok_or(number)
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discover => "DISCOVER",
            Self::Offer => "OFFER",
            Self::Request => "REQUEST",
            Self::Decline => "DECLINE",
            Self::Ack => "ACK",
            Self::Nak => "NAK",
            Self::Release => "RELEASE",
            Self::Inform => "INFORM",
            Self::ForceRenew => "FORCERENEW",
            Self::LeaseQuery => "LEASEQUERY",
            Self::LeaseUnassigned => "LEASEUNASSIGNED",
            Self::LeaseUnknown => "LEASEUNKNOWN",
            Self::LeaseActive => "LEASEACTIVE",
        })
    }
}
