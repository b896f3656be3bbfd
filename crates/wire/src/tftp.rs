//! TFTP datagrams (RFC 1350, 2347, 2348, 2349, 7440).
//!
//! In: one datagram as it came off the network. Out: a typed [`Packet`], or [`Malformed`] saying
//! what was wrong with it; and the exact bytes of everything we send. Never: what to do about it.
//!
//! Names, modes, option names and error texts are the peer's and stay bytes: nothing here says
//! that they are UTF-8, printable or short enough to show.

use core::fmt;

/// A request larger than this is dropped. RFC 2347: "the maximum size of a request packet is 512
/// octets".
pub const REQUEST_BYTES_MAX: usize = 512;
/// A longer file name is dropped.
pub const NAME_BYTES_MAX: usize = 255;
/// A request with more options is dropped.
pub const OPTIONS_MAX: usize = 8;
/// So much of a peer's error text is kept.
pub const TEXT_BYTES_MAX: usize = 256;
/// The largest block size there is (RFC 2348).
pub const BLKSIZE_MAX: u16 = 65464;
/// The block size without the option (RFC 1350 §2).
pub const BLKSIZE_DEFAULT: u16 = 512;
/// Opcode and block number in front of the payload (RFC 1350 §5, DATA).
pub const DATA_HEADER_BYTES: usize = 4;

const RRQ: u16 = 1;
const WRQ: u16 = 2;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// One datagram, understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Packet {
    /// RRQ (RFC 1350 §5): somebody wants a file.
    ReadRequest(Request),
    /// WRQ (RFC 1350 §5): somebody wants to write one.
    WriteRequest(Request),
    /// DATA (RFC 1350 §5).
    Data {
        /// The 16-bit block number, as sent.
        block: u16,
        /// Nothing, a part of a block or a whole one.
        payload: Vec<u8>,
    },
    /// ACK (RFC 1350 §5).
    Ack {
        /// The 16-bit block number, as sent.
        block: u16,
    },
    /// ERROR (RFC 1350 §5). It is never answered.
    Error {
        /// The reason as a number.
        code: ErrorCode,
        /// The reason in the peer's words, without the closing NUL, at most [`TEXT_BYTES_MAX`].
        text: Vec<u8>,
    },
    /// OACK (RFC 2347): the options the server accepted, as sent.
    OptionAck(Vec<RawOption>),
}

/// What an RRQ or a WRQ asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The file name, 1 to [`NAME_BYTES_MAX`] bytes, no NUL in it, otherwise anything.
    pub name: Vec<u8>,
    /// How the bytes are to be sent.
    pub mode: Mode,
    /// The options in the order of the request, repeated ones included, at most [`OPTIONS_MAX`].
    pub options: Vec<RawOption>,
}

/// An option and its value as bytes (RFC 2347), without their NULs: `(name, value)`.
pub type RawOption = (Vec<u8>, Vec<u8>);

/// The transfer mode (RFC 1350 §2), read without regard to case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// The bytes as they are. Every boot firmware asks for this.
    Octet,
    /// Text with CR LF line ends (RFC 764).
    Netascii,
    /// `mail`, or a word nobody has defined.
    Unserved,
}

impl Mode {
    fn read(word: &[u8]) -> Self {
        if word.eq_ignore_ascii_case(b"octet") {
            Self::Octet
        } else if word.eq_ignore_ascii_case(b"netascii") {
            Self::Netascii
        } else {
            Self::Unserved
        }
    }

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Octet => "octet",
            Self::Netascii => "netascii",
            Self::Unserved => "mail",
        }
    }
}

/// Error codes (RFC 1350 appendix, RFC 2347).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorCode {
    /// 0: see the text.
    NotDefined,
    /// 1: there is no such file.
    FileNotFound,
    /// 2: the file may not be read or written.
    AccessViolation,
    /// 3: no room.
    DiskFull,
    /// 4: an operation we do not know.
    IllegalOperation,
    /// 5: no transfer belongs to this port.
    UnknownTransfer,
    /// 6: the file is there already.
    FileExists,
    /// 7: no such user.
    NoSuchUser,
    /// 8: the options are not acceptable (RFC 2347). EDK2 also says this to end a size probe.
    OptionsRefused,
    /// Any other number, kept so that it can be shown.
    Other(u16),
}

impl From<u16> for ErrorCode {
    fn from(code: u16) -> Self {
        match code {
            0 => Self::NotDefined,
            1 => Self::FileNotFound,
            2 => Self::AccessViolation,
            3 => Self::DiskFull,
            4 => Self::IllegalOperation,
            5 => Self::UnknownTransfer,
            6 => Self::FileExists,
            7 => Self::NoSuchUser,
            8 => Self::OptionsRefused,
            other => Self::Other(other),
        }
    }
}

impl From<ErrorCode> for u16 {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NotDefined => 0,
            ErrorCode::FileNotFound => 1,
            ErrorCode::AccessViolation => 2,
            ErrorCode::DiskFull => 3,
            ErrorCode::IllegalOperation => 4,
            ErrorCode::UnknownTransfer => 5,
            ErrorCode::FileExists => 6,
            ErrorCode::NoSuchUser => 7,
            ErrorCode::OptionsRefused => 8,
            ErrorCode::Other(other) => other,
        }
    }
}

/// Why a datagram is no TFTP packet. Nothing is sent back for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// Shorter than the four bytes every packet has.
    TooShort,
    /// An opcode outside 1–6.
    UnknownOpcode(u16),
    /// A request of more than [`REQUEST_BYTES_MAX`].
    RequestTooLong,
    /// A request whose name has no closing NUL.
    NameUnterminated,
    /// A request without a name.
    NameEmpty,
    /// A name of more than [`NAME_BYTES_MAX`].
    NameTooLong,
    /// A request whose mode is missing or has no closing NUL.
    ModeUnterminated,
    /// More than [`OPTIONS_MAX`] options.
    TooManyOptions,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => f.write_str("shorter than the 4 bytes of the smallest TFTP packet"),
            Self::UnknownOpcode(code) => write!(f, "opcode {code} is not a TFTP opcode"),
            Self::RequestTooLong => {
                write!(f, "a request of more than {REQUEST_BYTES_MAX} bytes")
            }
            Self::NameUnterminated => f.write_str("the file name has no closing NUL"),
            Self::NameEmpty => f.write_str("the file name is empty"),
            Self::NameTooLong => {
                write!(f, "the file name has more than {NAME_BYTES_MAX} bytes")
            }
            Self::ModeUnterminated => f.write_str("the mode is missing or has no closing NUL"),
            Self::TooManyOptions => write!(f, "more than {OPTIONS_MAX} options"),
        }
    }
}

impl core::error::Error for Malformed {}

impl Packet {
    /// Reads one datagram.
    ///
    /// Strict where it decides something (opcode, name, mode, counts); lenient where ROMs are
    /// known to be sloppy and nothing hangs on it: bytes after an ACK, a missing NUL after an
    /// error text, NULs after the last option.
    pub fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        let Some((&[op_high, op_low, x, y], rest)) = datagram.split_first_chunk::<4>() else {
            return Err(Malformed::TooShort);
        };
        let second = u16::from_be_bytes([x, y]);
        match u16::from_be_bytes([op_high, op_low]) {
            RRQ => Request::parse(datagram).map(Self::ReadRequest),
            WRQ => Request::parse(datagram).map(Self::WriteRequest),
            DATA => Ok(Self::Data { block: second, payload: rest.to_vec() }),
            ACK => Ok(Self::Ack { block: second }),
            ERROR => {
                let text = rest.split(|&b| b == 0).next().unwrap_or_default();
                let text = text.iter().copied().take(TEXT_BYTES_MAX).collect();
                Ok(Self::Error { code: second.into(), text })
            }
            OACK => {
                let body = datagram.get(2..).unwrap_or_default();
                options(body).map(Self::OptionAck)
            }
            other => Err(Malformed::UnknownOpcode(other)),
        }
    }
}

impl Request {
    fn parse(datagram: &[u8]) -> Result<Self, Malformed> {
        if datagram.len() > REQUEST_BYTES_MAX {
            return Err(Malformed::RequestTooLong);
        }
        let body = datagram.get(2..).unwrap_or_default();
        let (name, body) = until_nul(body).ok_or(Malformed::NameUnterminated)?;
        if name.is_empty() {
            return Err(Malformed::NameEmpty);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(Malformed::NameTooLong);
        }
        let (mode, body) = until_nul(body).ok_or(Malformed::ModeUnterminated)?;

        Ok(Self { name: name.to_vec(), mode: Mode::read(mode), options: options(body)? })
    }

    /// The value of an option, its name read without regard to case (RFC 2347). When an option
    /// stands twice, the first counts.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&[u8]> {
        self.options
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value.as_slice())
    }
}

/// The bytes before the first NUL and the bytes after it.
fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&b| b == 0)?;
    let (word, rest) = bytes.split_at_checked(end)?;
    Some((word, rest.get(1..)?))
}

/// `[name NUL value NUL]*` (RFC 2347). Ends at the first empty name (padding) and at the first
/// pair that is cut short: what is not wholly there was not asked for.
fn options(mut body: &[u8]) -> Result<Vec<RawOption>, Malformed> {
    let mut found = Vec::new();
    while let Some((name, rest)) = until_nul(body) {
        if name.is_empty() {
            break;
        }
        let Some((value, rest)) = until_nul(rest) else { break };
        if found.len() >= OPTIONS_MAX {
            return Err(Malformed::TooManyOptions);
        }
        found.push((name.to_vec(), value.to_vec()));
        body = rest;
    }
    Ok(found)
}

/// ACK (RFC 1350 §5). A client's packet: tests and the simulator speak it.
#[must_use]
pub fn ack(block: u16) -> [u8; 4] {
    opcode_and(ACK, block)
}

/// The four bytes in front of a block (RFC 1350 §5, DATA).
#[must_use]
pub fn data_header(block: u16) -> [u8; DATA_HEADER_BYTES] {
    opcode_and(DATA, block)
}

/// ERROR (RFC 1350 §5). NULs in the text are left out, it ends with exactly one.
#[must_use]
pub fn error(code: ErrorCode, text: &str) -> Vec<u8> {
    let mut bytes = opcode_and(ERROR, code.into()).to_vec();
    bytes.extend(text.bytes().filter(|&b| b != 0).take(TEXT_BYTES_MAX));
    bytes.push(0);
    bytes
}

/// OACK (RFC 2347): exactly these options in this order, no byte after the last NUL (Cisco
/// switches refuse it otherwise).
#[must_use]
pub fn option_ack(options: &[(&str, u64)]) -> Vec<u8> {
    let mut bytes = OACK.to_be_bytes().to_vec();
    for (name, value) in options {
        push_word(&mut bytes, name.as_bytes());
        push_word(&mut bytes, value.to_string().as_bytes());
    }
    bytes
}

/// RRQ (RFC 1350 §5, RFC 2347). A client's packet: tests and the simulator speak it. It writes
/// what it is given, so that tests can send nonsense.
#[must_use]
pub fn read_request(name: &[u8], mode: &str, options: &[(&str, &str)]) -> Vec<u8> {
    request(RRQ, name, mode, options)
}

/// WRQ, like [`read_request`].
#[must_use]
pub fn write_request(name: &[u8], mode: &str, options: &[(&str, &str)]) -> Vec<u8> {
    request(WRQ, name, mode, options)
}

fn request(opcode: u16, name: &[u8], mode: &str, options: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = opcode.to_be_bytes().to_vec();
    push_word(&mut bytes, name);
    push_word(&mut bytes, mode.as_bytes());
    for (name, value) in options {
        push_word(&mut bytes, name.as_bytes());
        push_word(&mut bytes, value.as_bytes());
    }
    bytes
}

fn opcode_and(opcode: u16, second: u16) -> [u8; 4] {
    let [a, b] = opcode.to_be_bytes();
    let [c, d] = second.to_be_bytes();
    [a, b, c, d]
}

fn push_word(bytes: &mut Vec<u8>, word: &[u8]) {
    bytes.extend_from_slice(word);
    bytes.push(0);
}
