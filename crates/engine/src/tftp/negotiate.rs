//! Which options of a request we accept (RFC 2347, 2348, 2349, 7440).
//!
//! In: the request, the size of what will be sent, what the site allows. Out: [`Negotiated`], with
//! the OACK ready to send, or a [`Refusal`]. Never: an option nobody asked for, a value larger than
//! the one asked for.

use std::fmt;
use wire::tftp::{BLKSIZE_DEFAULT, BLKSIZE_MAX, ErrorCode, Mode, Request};

/// IPv4 (20), UDP (8) and TFTP (4) headers around a block.
const HEADERS_BYTES: u16 = 32;
/// The smallest block size there is (RFC 2348).
const BLKSIZE_MIN: u16 = 8;
/// So that a 16-bit ACK always names one block, whatever the numbers wrap to.
const WINDOW_LIMIT: u16 = 32_767;

/// What the site, or a rule for one client, allows. RFC clauses are with each field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Policy {
    /// MTU of the link towards the client. A block never needs more than one IPv4 packet, because
    /// many ROMs cannot put fragments together. For IPv6 give 20 less.
    pub mtu: u16,
    /// No larger block than this even if the MTU has room: 1024 for ROMs one is in doubt about.
    pub blksize_max: u16,
    /// No more blocks than this without an ACK (RFC 7440).
    pub window_max: u16,
    /// Give up after so many tries without progress, and not before [`Self::patience_s`].
    pub retries: u32,
    /// Give up after so long without progress, and not before [`Self::retries`]. Devices that
    /// write flash while loading pause for 50 s.
    pub patience_s: u64,
    /// Datagrams to a client that has not sent one ACK: it may be a victim, not a client.
    pub unanswered_max: u32,
    /// Bytes of OACKs to such a client: a request must not bring a victim more than that.
    pub unanswered_oack_bytes_max: usize,
    /// A transfer without one ACK is dropped after so long.
    pub half_open_s: u64,
    /// The block number after 65535 when the request does not say.
    pub wrap: Wrap,
    /// At most so many blocks go out in one call of the system.
    pub burst_max: u16,
    /// When windows are lost, they go out in bursts with pauses between them; not smaller than
    /// this,
    pub burst_min: u16,
    /// with so long a pause, in milliseconds,
    pub burst_pause_ms: u64,
    /// and larger again after so many windows of which nothing was lost.
    pub burst_clean: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mtu: 1500,
            blksize_max: BLKSIZE_MAX,
            window_max: 64,
            retries: 10,
            patience_s: 60,
            unanswered_max: 2,
            unanswered_oack_bytes_max: 100,
            half_open_s: 10,
            wrap: Wrap::Zero,
            burst_max: 32,
            burst_min: 4,
            burst_pause_ms: 1,
            burst_clean: 64,
        }
    }
}

/// The block number that follows 65535.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wrap {
    /// 0: what EDK2, iPXE, GRUB, PXELINUX and U-Boot expect.
    Zero,
    /// 1: what a client asks for with `rollover` 1, or a rule says about it.
    One,
}

impl Wrap {
    const fn number(self) -> u64 {
        match self {
            Self::Zero => 0,
            Self::One => 1,
        }
    }
}

/// What a transfer will be like: the accepted options, and the reply that says so.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Negotiated {
    pub(crate) mode: Mode,
    pub(crate) size: u64,
    pub(crate) blksize: u16,
    pub(crate) windowsize: u16,
    pub(crate) timeout_s: Option<u8>,
    pub(crate) wrap: Wrap,
    pub(crate) oack: Option<Vec<u8>>,
    pub(crate) policy: Policy,
}

impl Negotiated {
    /// Reads the options of `request` in their order and accepts what can be (RFC 2347).
    ///
    /// `size` is the number of bytes that go over the wire: of the file in octet mode, of the
    /// converted text in netascii mode. What is unknown, out of range or no number is left out of
    /// the OACK without a word; what is too large is brought down; each option counts once.
    pub fn new(request: &Request, size: u64, policy: &Policy) -> Result<Self, Refusal> {
        if request.mode == Mode::Unserved {
            return Err(Refusal::ModeUnserved);
        }
        let mut agreed = Self {
            mode: request.mode,
            size,
            blksize: BLKSIZE_DEFAULT,
            windowsize: 1,
            timeout_s: None,
            wrap: policy.wrap,
            oack: None,
            policy: *policy,
        };
        let mut accepted: Vec<(&str, u64)> = Vec::new();
        for (name, value) in &request.options {
            let Some(name) = known(name) else { continue };
            if accepted.iter().any(|(earlier, _)| *earlier == name) {
                continue;
            }
            if let Some(value) = number(value).and_then(|asked| agreed.accept(name, asked)) {
                accepted.push((name, value));
            }
        }
        if !accepted.is_empty() {
            agreed.oack = Some(wire::tftp::option_ack(&accepted));
        }
        Ok(agreed)
    }

    /// Takes one option over, and gives the value to confirm.
    fn accept(&mut self, name: &str, asked: u64) -> Option<u64> {
        let octet = self.mode == Mode::Octet;
        match name {
            // RFC 2348: at most what was asked, and what one packet of the link can carry.
            "blksize" => {
                let room = self.policy.mtu.saturating_sub(HEADERS_BYTES);
                let most = room.min(self.policy.blksize_max).clamp(BLKSIZE_MIN, BLKSIZE_MAX);
                self.blksize = at_most(asked, BLKSIZE_MIN, most)?;
                Some(self.blksize.into())
            }
            // RFC 7440, 3. In netascii a window would have to be converted again to be repeated.
            "windowsize" if octet => {
                let most = self.policy.window_max.clamp(1, WINDOW_LIMIT);
                self.windowsize = at_most(asked, 1, most)?;
                Some(self.windowsize.into())
            }
            // RFC 2349: the size in octets; what the client sends (0) is of no interest.
            "tsize" if octet => Some(self.size),
            // RFC 2349: exactly the same value or none. U-Boot stops with "Invalid timeout val".
            "timeout" => {
                self.timeout_s = Some(u8::try_from(asked).ok().filter(|s| *s > 0)?);
                Some(asked)
            }
            "rollover" => {
                self.wrap = match asked {
                    0 => Wrap::Zero,
                    1 => Wrap::One,
                    _ => return None,
                };
                Some(self.wrap.number())
            }
            _ => None,
        }
    }

    /// The OACK, if at least one option was accepted; without, DATA 1 is the reply.
    #[must_use]
    pub fn oack(&self) -> Option<&[u8]> {
        self.oack.as_deref()
    }

    /// The agreed block size.
    #[must_use]
    pub const fn blksize(&self) -> u16 {
        self.blksize
    }

    /// The agreed window; 1 without the option (RFC 7440).
    #[must_use]
    pub const fn windowsize(&self) -> u16 {
        self.windowsize
    }

    /// The transfer mode.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Bytes to send.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }
}

/// Our spelling of an option we know; names are read without regard to case (RFC 2347).
fn known(name: &[u8]) -> Option<&'static str> {
    ["blksize", "windowsize", "tsize", "timeout", "rollover"]
        .into_iter()
        .find(|ours| name.eq_ignore_ascii_case(ours.as_bytes()))
}

/// A number in decimal digits; one that is too large for us counts as the largest we have.
fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(value.iter().fold(0u64, |number, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    }))
}

/// `asked`, brought down to `most`; nothing if it is less than `least`.
fn at_most(asked: u64, least: u16, most: u16) -> Option<u16> {
    let value = u16::try_from(asked).unwrap_or(u16::MAX);
    (value >= least).then(|| value.min(most))
}

/// Why a request is refused with an ERROR instead of being served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The published table has no such name.
    NotFound,
    /// A mode other than octet and netascii.
    ModeUnserved,
    /// A write request.
    WriteRefused,
    /// The file has to be converted for netascii and is too large for that.
    TooLargeForNetascii,
}

impl Refusal {
    /// The error code. "Not found" is exactly 1: U-Boot stops on 1 and 2 but starts over on any
    /// other; shim only falls back on 1.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NotFound => ErrorCode::FileNotFound,
            Self::ModeUnserved => ErrorCode::IllegalOperation,
            Self::WriteRefused => ErrorCode::AccessViolation,
            Self::TooLargeForNetascii => ErrorCode::NotDefined,
        }
    }

    /// The text of the ERROR: firmware shows it to whoever stands in front of the machine.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NotFound => "File not found",
            Self::ModeUnserved => "Only octet and netascii are served",
            Self::WriteRefused => "This server takes no files",
            Self::TooLargeForNetascii => "Too large for netascii, ask in octet mode",
        }
    }

    /// The ERROR to send, once; no timer, no state.
    #[must_use]
    pub fn packet(self) -> Vec<u8> {
        wire::tftp::error(self.code(), self.text())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no published file has this name",
            Self::ModeUnserved => "it asked for a transfer mode other than octet and netascii",
            Self::WriteRefused => "it wanted to write a file; this server only reads",
            Self::TooLargeForNetascii => {
                "it asked for a large file in netascii mode; boot files go in octet mode"
            }
        })
    }
}
