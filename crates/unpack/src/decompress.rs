//! A compressed file as the bytes that were packed into it.
//!
//! In: a file as a stream, and limits. Out: its unpacked bytes as a stream; a file that is not
//! compressed comes out as it is. Never: more memory than the decoder's limit and two buffers, more
//! bytes out than the limits allow for the bytes in, a damaged or cut file taken for a whole one.

use crate::error::UnpackError;
use crate::limits::Limits;
use crate::packing::Packing;
use crate::source::wide;
use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::Stream;
use std::io::{self, BufRead, Read};
use zstd::stream::read::Decoder as ZstdDecoder;

/// Bytes of the packed file that wait in memory.
const BUFFER: usize = 64 << 10;

/// The packed file: buffered, counted, looked ahead into.
pub struct Input<R> {
    from: R,
    buffer: Vec<u8>,
    start: usize,
    /// Bytes that were taken out of the buffer for good.
    consumed: u64,
    ended: bool,
}

impl<R: Read> Input<R> {
    pub fn new(from: R) -> Self {
        Self { from, buffer: Vec::new(), start: 0, consumed: 0, ended: false }
    }

    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// What was read from. Bytes that wait in the buffer are lost.
    pub fn into_inner(self) -> R {
        self.from
    }

    fn waiting(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The next bytes, at least so many unless the file ends before. They stay where they are.
    pub fn peek(&mut self, least: usize) -> io::Result<&[u8]> {
        while self.waiting().len() < least && !self.ended {
            self.buffer.drain(..self.start.min(self.buffer.len()));
            self.start = 0;
            let kept = self.buffer.len();
            self.buffer.resize(kept.saturating_add(BUFFER), 0);
            let free = self.buffer.get_mut(kept..).unwrap_or_default();
            let read = match self.from.read(free) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    self.buffer.truncate(kept);
                    continue;
                }
                Err(cause) => {
                    self.buffer.truncate(kept);
                    return Err(UnpackError::from(cause).into());
                }
            };
            self.ended = read == 0;
            self.buffer.truncate(kept.saturating_add(read));
        }
        Ok(self.waiting())
    }

    /// Passes over zeros, and says whether anything follows.
    pub fn skip_zeros(&mut self) -> io::Result<bool> {
        loop {
            let waiting = self.peek(1)?;
            if waiting.is_empty() {
                return Ok(false);
            }
            let zeros = waiting.iter().take_while(|byte| **byte == 0).count();
            let more = zeros < waiting.len();
            self.consume(zeros);
            if more {
                return Ok(true);
            }
        }
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.peek(1)
    }

    fn consume(&mut self, amount: usize) {
        self.start = self.start.saturating_add(amount).min(self.buffer.len());
        self.consumed = self.consumed.saturating_add(wide(amount));
    }
}

enum Stage<R: Read> {
    Plain(Input<R>),
    Gzip(Box<GzDecoder<Input<R>>>),
    Xz(XzDecoder<Input<R>>),
    Zstd(ZstdDecoder<'static, Input<R>>),
    /// A decoder that failed, or one between two members.
    Gone,
}

impl<R: Read> Stage<R> {
    fn input(&self) -> Option<&Input<R>> {
        match self {
            Self::Plain(input) => Some(input),
            Self::Gzip(decoder) => Some(decoder.get_ref()),
            Self::Xz(decoder) => Some(decoder.get_ref()),
            Self::Zstd(decoder) => Some(decoder.get_ref()),
            Self::Gone => None,
        }
    }

    fn into_input(self) -> Option<Input<R>> {
        match self {
            Self::Plain(input) => Some(input),
            Self::Gzip(decoder) => Some(decoder.into_inner()),
            Self::Xz(decoder) => Some(decoder.into_inner()),
            Self::Zstd(decoder) => Some(decoder.finish()),
            Self::Gone => None,
        }
    }

    fn new(input: Input<R>, packing: Packing, limits: Limits) -> Result<Self, UnpackError> {
        match packing {
            Packing::Gzip => Ok(Self::Gzip(Box::new(GzDecoder::new(input)))),
            Packing::Xz => {
                let stream = Stream::new_stream_decoder(limits.decoder_bytes_max, 0)
                    .map_err(|cause| UnpackError::Reading { cause: cause.into() })?;
                Ok(Self::Xz(XzDecoder::new_stream(input, stream)))
            }
            Packing::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(input)?.single_frame();
                // The library knows windows of 1 KiB to 2 GiB.
                let log = limits.decoder_bytes_max.checked_ilog2().unwrap_or(0).clamp(10, 31);
                decoder.window_log_max(log)?;
                Ok(Self::Zstd(decoder))
            }
            other => {
                let what = format!("a file packed by {}", other.name());
                Err(UnpackError::NotRead { what, hint: other.hint() })
            }
        }
    }
}

/// A file that may be compressed, as a stream of what is in it.
///
/// Members that follow each other are one file, as for `gzip`, `xz` and `zstd`; zeros after the last
/// are padding; anything else after it is refused. An error of [`Read`] holds an [`UnpackError`]:
/// `UnpackError::from(error)` brings it out.
pub struct Decompress<R: Read> {
    stage: Stage<R>,
    packing: Option<Packing>,
    limits: Limits,
    unpacked: u64,
    members: u32,
    one_member: bool,
    done: bool,
}

impl<R: Read> std::fmt::Debug for Decompress<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decompress({:?}, {} bytes out)", self.packing, self.unpacked)
    }
}

impl<R: Read> Decompress<R> {
    /// Looks at the first bytes, and chooses the decoder by them.
    pub fn new(from: R, limits: Limits) -> Result<Self, UnpackError> {
        let mut input = Input::new(from);
        let packing = Packing::of(input.peek(Packing::HEAD)?);
        Self::start(input, packing, limits)
    }

    fn start(
        input: Input<R>,
        packing: Option<Packing>,
        limits: Limits,
    ) -> Result<Self, UnpackError> {
        let stage = match packing {
            None => Stage::Plain(input),
            Some(packing) => Stage::new(input, packing, limits)?,
        };
        let (unpacked, members) = (0, 1);
        Ok(Self { stage, packing, limits, unpacked, members, one_member: false, done: false })
    }

    /// Only the member that starts here; what follows it is the caller's.
    pub(crate) fn member(
        input: Input<R>,
        packing: Packing,
        limits: Limits,
    ) -> Result<Self, UnpackError> {
        Ok(Self { one_member: true, ..Self::start(input, Some(packing), limits)? })
    }

    /// The packed file behind the member.
    pub(crate) fn into_input(self) -> Option<Input<R>> {
        self.stage.into_input()
    }

    /// How the file is packed; `None` if it is not.
    pub fn packing(&self) -> Option<Packing> {
        self.packing
    }

    /// Bytes of the packed file that were used so far.
    pub fn packed_bytes(&self) -> u64 {
        self.stage.input().map_or(0, Input::consumed)
    }

    /// Bytes that came out so far.
    pub fn unpacked_bytes(&self) -> u64 {
        self.unpacked
    }

    fn name(&self) -> &'static str {
        self.packing.map_or("plain", Packing::name)
    }

    /// The bytes that came out of the decoder, against the limits.
    fn count(&mut self, read: usize) -> Result<(), UnpackError> {
        self.unpacked = self.unpacked.saturating_add(wide(read));
        let what = || format!("what comes out of the {} file", self.name());
        let most = self.limits.unpacked_bytes_max;
        if self.unpacked > most {
            return Err(UnpackError::TooMuch { what: what(), limit: "unpacked_bytes_max", most });
        }
        if self.packing.is_none() || self.unpacked <= self.limits.ratio_free_bytes {
            return Ok(());
        }
        let most = self.limits.ratio_max;
        if self.unpacked > self.packed_bytes().saturating_mul(most) {
            return Err(UnpackError::TooMuch { what: what(), limit: "ratio_max", most });
        }
        Ok(())
    }

    /// After the end of a member: whether another one follows.
    fn next_member(&mut self) -> Result<bool, UnpackError> {
        if self.one_member || matches!(self.stage, Stage::Plain(_)) {
            return Ok(false);
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Gone);
        let Some(mut input) = stage.into_input() else { return Ok(false) };
        let more = input.skip_zeros()?;
        let at = input.consumed();
        let packing = Packing::of(input.peek(Packing::HEAD)?);
        if !more {
            self.stage = Stage::Plain(input);
            return Ok(false);
        }
        let Some(packing) = packing.filter(|packing| self.packing == Some(*packing)) else {
            let found = format!("other bytes follow the end of the {} file", self.name());
            return Err(UnpackError::Broken { what: "the end of a compressed file", at, found });
        };
        self.members = self.members.saturating_add(1);
        let most = self.limits.members_max;
        if self.members > most {
            let what = format!("the number of members of the {} file", self.name());
            let (limit, most) = ("members_max", u64::from(most));
            return Err(UnpackError::TooMuch { what, limit, most });
        }
        self.stage = Stage::new(input, packing, self.limits)?;
        Ok(true)
    }

    /// What a decoder said, in words that help.
    fn told(&self, error: io::Error) -> UnpackError {
        let error = match error.downcast::<UnpackError>() {
            Ok(ours) => return ours,
            Err(error) => error,
        };
        let at = self.packed_bytes();
        let input = self.stage.input();
        if input.is_some_and(|input| input.ended && input.waiting().is_empty()) {
            return UnpackError::CutShort { what: format!("the {} file", self.name()), at };
        }
        let lzma = error.get_ref().and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>());
        let large = matches!(lzma, Some(liblzma::stream::Error::MemLimit))
            // ZSTD_error_frameParameter_windowTooLarge, which comes as its text alone.
            || error.to_string().contains("requires too much memory");
        if large {
            let what = format!("the window of the {} decoder", self.name());
            let (limit, most) = ("decoder_bytes_max", self.limits.decoder_bytes_max);
            return UnpackError::TooMuch { what, limit, most };
        }
        let what = match self.packing {
            Some(Packing::Gzip) => "gzip data",
            Some(Packing::Xz) => "xz data",
            _ => "zstd data",
        };
        UnpackError::Broken { what, at, found: error.to_string() }
    }

    fn step(&mut self, into: &mut [u8]) -> Result<usize, UnpackError> {
        loop {
            let read = match &mut self.stage {
                Stage::Plain(input) => input.read(into),
                Stage::Gzip(decoder) => decoder.read(into),
                Stage::Xz(decoder) => decoder.read(into),
                Stage::Zstd(decoder) => decoder.read(into),
                Stage::Gone => Err(io::Error::other("it failed before")),
            };
            let read = read.map_err(|error| self.told(error))?;
            if read > 0 {
                self.count(read)?;
                return Ok(read);
            }
            if !self.next_member()? {
                self.done = true;
                return Ok(0);
            }
        }
    }
}

impl<R: Read> Read for Decompress<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() || self.done {
            return Ok(0);
        }
        self.step(into).map_err(|error| {
            self.stage = Stage::Gone;
            error.into()
        })
    }
}
