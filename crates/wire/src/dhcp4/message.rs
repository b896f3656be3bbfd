//! One message: fixed fields typed, options raw.

use std::error::Error;
use std::fmt;
use std::net::Ipv4Addr;

use super::code;
use super::options::{OPTIONS_MAX, Options};

/// Fixed fields and cookie (RFC 2131, 2).
const HEADER: usize = 240;

/// A BOOTP message is never shorter (RFC 1542, 2.1); some ROMs and relays drop what is.
pub const MIN_LENGTH: usize = 300;

/// Says that DHCP options follow (RFC 2131, 3).
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];

/// The bit in `flags` with which a client asks for broadcast replies (RFC 2131, 2).
const BROADCAST: u16 = 0x8000;

const ETHERNET: u8 = 1;

/// One message as it is on the wire, fixed fields typed, options raw and in order
/// (RFC 2131, 2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// Request of a client or reply of a server.
    pub op: Op,
    /// Kind of link-layer address: 1 Ethernet, 32 InfiniBand.
    pub htype: u8,
    /// How much of `chaddr` is the address. Zero on InfiniBand (RFC 4390, 2.1).
    pub hlen: u8,
    /// Relays passed.
    pub hops: u8,
    /// Transaction, chosen by the client.
    pub xid: u32,
    /// Seconds since the client began. iPXE keeps state in it: no time to decide by.
    pub secs: u16,
    /// Bit 15 asks for broadcast replies, the rest is zero.
    pub flags: u16,
    /// The address the client has and answers for.
    pub ciaddr: Ipv4Addr,
    /// The address the client is given.
    pub yiaddr: Ipv4Addr,
    /// The next server, for TFTP. Who the DHCP server is stands in option 54.
    pub siaddr: Ipv4Addr,
    /// The relay, and by it the subnet, the request came through.
    pub giaddr: Ipv4Addr,
    /// Link-layer address and what follows it.
    pub chaddr: [u8; 16],
    /// Server name, zero-padded; zero when it held options.
    pub sname: [u8; 64],
    /// Boot file name, zero-padded; zero when it held options.
    pub file: [u8; 128],
    /// The options, of `file` and `sname` too where these were overloaded.
    pub options: Options,
}

/// Request or reply (RFC 2131, 2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Op {
    /// From a client, or a relay for it.
    Request,
    /// From a server.
    Reply,
}

impl Message {
    /// Reads one UDP payload.
    ///
    /// # Errors
    ///
    /// Only for what makes the message as a whole unusable; an odd option costs itself alone,
    /// except where the answer turns on it.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let length = bytes.len();
        if length < HEADER {
            return Err(Malformed::TooShort(length));
        }
        let rest = &mut &*bytes;
        let [op, htype, hlen, hops] = take(rest)?;
        let op = match op {
            1 => Op::Request,
            2 => Op::Reply,
            other => return Err(Malformed::Operation(other)),
        };
        check_hardware_length(htype, hlen)?;
        let mut message = Self {
            op,
            htype,
            hlen,
            hops,
            xid: u32::from_be_bytes(take(rest)?),
            secs: u16::from_be_bytes(take(rest)?),
            flags: u16::from_be_bytes(take(rest)?),
            ciaddr: Ipv4Addr::from(take::<4>(rest)?),
            yiaddr: Ipv4Addr::from(take::<4>(rest)?),
            siaddr: Ipv4Addr::from(take::<4>(rest)?),
            giaddr: Ipv4Addr::from(take::<4>(rest)?),
            chaddr: take(rest)?,
            sname: take(rest)?,
            file: take(rest)?,
            options: Options::new(),
        };
        if take(rest)? != COOKIE {
            // BOOTP knew no cookie, but its messages had one length only (RFC 951, 3).
            // What is shorter and has no cookie is neither.
            return if length < MIN_LENGTH { Err(Malformed::BadMagic) } else { Ok(message) };
        }

        let (options, overload) = Options::parse(rest, &message.file, &message.sname)?;
        message.options = options;
        if overload.file {
            message.file = [0; 128];
        }
        if overload.sname {
            message.sname = [0; 64];
        }
        Ok(message)
    }

    /// Reads what a server may receive.
    ///
    /// # Errors
    ///
    /// As [`Message::parse`], and for what another server sent.
    pub fn parse_request(bytes: &[u8]) -> Result<Self, Malformed> {
        let message = Self::parse(bytes)?;
        match message.op {
            Op::Request => Ok(message),
            Op::Reply => Err(Malformed::NotARequest),
        }
    }

    /// The bytes of this message: message type first, then the options as pushed, relay agent
    /// information last (RFC 3046, 2.2), one end option, zeros up to 300 bytes (RFC 1542, 2.1).
    /// Never overloads: PXE, U-Boot and GRUB read `file` as a name whatever option 52 says.
    ///
    /// # Errors
    ///
    /// When it would be longer than `limit` bytes of UDP payload. Nothing is left out silently;
    /// the error tells what would have to go.
    pub fn encode(&self, limit: usize) -> Result<Vec<u8>, TooLong> {
        let length = self.encoded_len();
        if length > limit {
            return Err(self.too_long(length, limit));
        }

        let mut bytes = Vec::with_capacity(length);
        bytes.push(match self.op {
            Op::Request => 1,
            Op::Reply => 2,
        });
        bytes.extend([self.htype, self.hlen, self.hops]);
        bytes.extend(self.xid.to_be_bytes());
        bytes.extend(self.secs.to_be_bytes());
        bytes.extend(self.flags.to_be_bytes());
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            bytes.extend(address.octets());
        }
        bytes.extend(self.chaddr);
        bytes.extend(self.sname);
        bytes.extend(self.file);
        bytes.extend(COOKIE);
        self.options.encode_into(&mut bytes);
        bytes.push(code::END);
        bytes.resize(length, 0);
        Ok(bytes)
    }

    /// Bytes of UDP payload that [`Message::encode`] makes, padding included.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.options.encoded_len().saturating_add(HEADER).saturating_add(1).max(MIN_LENGTH)
    }

    /// What to leave out: the options least wanted are those pushed last. Relay agent information
    /// stands last too, but the relay needs it to find the client, so it goes after the others.
    fn too_long(&self, length: usize, limit: usize) -> TooLong {
        const KEPT: [u8; 4] =
            [code::MESSAGE_TYPE, code::SERVER_ID, code::LEASE_TIME, code::RELAY_AGENT];
        let mut codes: Vec<u8> = Vec::new();
        let mut excess = length.saturating_sub(limit);
        let pushed_last_first = self.options.iter().map(|(code, _)| code).collect::<Vec<_>>();
        let spare = pushed_last_first.into_iter().rev().filter(|code| !KEPT.contains(code));
        for code in spare.chain([code::RELAY_AGENT]) {
            if excess == 0 {
                break;
            }
            if !codes.contains(&code) && self.options.contains(code) {
                excess = excess.saturating_sub(self.options.encoded_len_of(code));
                codes.push(code);
            }
        }
        TooLong { length, limit, codes }
    }

    /// Whether the client asks for broadcast replies (RFC 2131, 4.1).
    #[must_use]
    pub fn broadcast(&self) -> bool {
        self.flags & BROADCAST != 0
    }

    /// Sets or clears the wish for broadcast replies; a NAK through a relay needs it
    /// (RFC 2131, 4.3.2).
    pub fn set_broadcast(&mut self, on: bool) {
        self.flags = if on { self.flags | BROADCAST } else { self.flags & !BROADCAST };
    }

    /// The part of `chaddr` that is the link-layer address.
    #[must_use]
    pub fn hardware_address(&self) -> &[u8] {
        self.chaddr.get(..usize::from(self.hlen)).unwrap_or(&self.chaddr)
    }

    /// The boot file name in the fixed field, up to its zero byte.
    #[must_use]
    pub fn file_name(&self) -> &[u8] {
        until_zero(&self.file)
    }

    /// The server name in the fixed field, up to its zero byte.
    #[must_use]
    pub fn server_name(&self) -> &[u8] {
        until_zero(&self.sname)
    }

    /// An Ethernet client's request with nothing in it yet: no address, no flags, no options, not
    /// even a message type.
    #[must_use]
    pub fn request(mac: [u8; 6], xid: u32) -> Self {
        let [a, b, c, d, e, f] = mac;
        Self {
            op: Op::Request,
            htype: ETHERNET,
            hlen: 6,
            hops: 0,
            xid,
            secs: 0,
            flags: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr: [a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            sname: [0; 64],
            file: [0; 128],
            options: Options::new(),
        }
    }

    /// An empty reply to `request`: transaction, flags, relay and hardware address are copied
    /// bit for bit (RFC 2131, table 3), everything else is zero.
    #[must_use]
    pub fn reply_to(request: &Self) -> Self {
        Self {
            op: Op::Reply,
            htype: request.htype,
            hlen: request.hlen,
            hops: 0,
            xid: request.xid,
            secs: 0,
            flags: request.flags,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: request.giaddr,
            chaddr: request.chaddr,
            sname: [0; 64],
            file: [0; 128],
            options: Options::new(),
        }
    }

    /// Names the boot file. False, and nothing changed, when it is longer than 127 bytes: the
    /// last byte must stay zero.
    #[must_use]
    pub fn set_file(&mut self, name: &[u8]) -> bool {
        terminated(name).map(|field| self.file = field).is_some()
    }

    /// Names the server. False, and nothing changed, when it is longer than 63 bytes.
    #[must_use]
    pub fn set_sname(&mut self, name: &[u8]) -> bool {
        terminated(name).map(|field| self.sname = field).is_some()
    }
}

/// Takes the next `N` bytes off `rest`.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, left) = rest.split_first_chunk().ok_or(Malformed::TooShort(rest.len()))?;
    *rest = left;
    Ok(*taken)
}

fn check_hardware_length(htype: u8, hlen: u8) -> Result<(), Malformed> {
    match (htype, hlen) {
        (_, 17..) => Err(Malformed::HardwareLength(hlen)),
        // EDK2 can put the machine's GUID in the place of the MAC and leave the type Ethernet.
        (ETHERNET, 6 | 16) => Ok(()),
        (ETHERNET, _) => Err(Malformed::EthernetLength(hlen)),
        _ => Ok(()),
    }
}

fn until_zero(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// `name` in a field of `N` bytes, at least one zero after it.
fn terminated<const N: usize>(name: &[u8]) -> Option<[u8; N]> {
    let mut field = [0; N];
    let (_, place) = field.split_last_mut()?;
    place.get_mut(..name.len())?.copy_from_slice(name);
    Some(field)
}

/// Why a payload is no usable message. The peer's fault; the operator reads it as it stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// It ends before the fixed fields do; so many bytes it has.
    TooShort(usize),
    /// No DHCP cookie, and too short to be BOOTP.
    BadMagic,
    /// `op` is neither request nor reply.
    Operation(u8),
    /// A reply came where requests are served.
    NotARequest,
    /// `hlen` is more than `chaddr` holds.
    HardwareLength(u8),
    /// An Ethernet address of impossible length.
    EthernetLength(u8),
    /// Overload is repeated, or stands in a field that is itself overloaded.
    Overload,
    /// More bytes of options than [`OPTIONS_MAX`].
    OptionsTooLong(usize),
    /// An option on which the answer turns is cut short or has a wrong length.
    DecidingOption(u8),
}

impl Error for Malformed {}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(length) => {
                write!(f, "{length} bytes are too short for a DHCP message, which has 240 or more")
            }
            Self::BadMagic => {
                f.write_str("no DHCP cookie, and shorter than the 300 bytes of a BOOTP message")
            }
            Self::Operation(op) => {
                write!(f, "operation {op} is neither a request (1) nor a reply (2)")
            }
            Self::NotARequest => f.write_str("a server's reply was sent to a server"),
            Self::HardwareLength(hlen) => {
                write!(f, "a hardware address of {hlen} bytes does not fit the field of 16")
            }
            Self::EthernetLength(hlen) => {
                write!(f, "an Ethernet address of {hlen} bytes instead of 6")
            }
            Self::Overload => f.write_str("option 52 (overload) is repeated or leads in a circle"),
            Self::OptionsTooLong(bytes) => {
                write!(f, "{bytes} bytes of options are more than the {OPTIONS_MAX} we read")
            }
            Self::DecidingOption(code) => {
                write!(f, "option {code} is cut short or has a wrong length, so no answer is safe")
            }
        }
    }
}

/// A message that does not fit. Nothing was encoded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TooLong {
    /// Bytes of UDP payload it would have.
    pub length: usize,
    /// Bytes it may have.
    pub limit: usize,
    /// Options to leave out, in this order, until it fits. Type, server and lease time are never
    /// among them; if all these are not enough, nothing is.
    pub codes: Vec<u8>,
}

impl Error for TooLong {}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { length, limit, codes } = self;
        write!(f, "a reply of {length} bytes is longer than the {limit} the client takes")?;
        if let Some((first, others)) = codes.split_first() {
            write!(f, "; without options {first}")?;
            for code in others {
                write!(f, ", {code}")?;
            }
            f.write_str(" it would fit or come closest")?;
        }
        Ok(())
    }
}
