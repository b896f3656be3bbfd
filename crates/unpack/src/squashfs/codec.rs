//! One block of a squashfs, unpacked.

use crate::error::UnpackError;
use crate::limits::Limits;
use crate::source::wide;
use std::io::{self, Read};

/// How the blocks of a squashfs are packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// zlib, as a rule.
    Gzip,
    /// Told, not read.
    Lzma,
    /// Told, not read.
    Lzo,
    /// xz.
    Xz,
    /// Told, not read.
    Lz4,
    /// zstd.
    Zstd,
    /// A number without a meaning known here.
    Unknown(u16),
}

impl Compression {
    pub(super) fn of(number: u16) -> Self {
        match number {
            1 => Self::Gzip,
            2 => Self::Lzma,
            3 => Self::Lzo,
            4 => Self::Xz,
            5 => Self::Lz4,
            6 => Self::Zstd,
            other => Self::Unknown(other),
        }
    }

    /// Its name, as `mksquashfs -comp` takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Lzma => "lzma",
            Self::Lzo => "lzo",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Unknown(_) => "an unknown form",
        }
    }

    /// What comes out of a packed block, which may be at most `most` bytes.
    pub(super) fn unpack(
        self,
        packed: &[u8],
        most: usize,
        at: u64,
        limits: Limits,
    ) -> Result<Vec<u8>, UnpackError> {
        let unpacked = match self {
            Self::Gzip => up_to(flate2::bufread::ZlibDecoder::new(packed), most),
            Self::Xz => xz(packed, most, limits),
            Self::Zstd => zstd(packed, most, limits),
            other => {
                return Err(UnpackError::NotRead {
                    what: format!("a squashfs packed by {}", other.name()),
                    hint: "make it anew: unsquashfs FILE, then mksquashfs squashfs-root NEW -comp \
                           zstd",
                });
            }
        };
        let broken = |found| UnpackError::Broken { what: "a block of the squashfs", at, found };
        let unpacked = unpacked.map_err(|error| broken(error.to_string()))?;
        if unpacked.len() > most {
            return Err(broken(format!("it unpacks to more than {most} bytes")));
        }
        Ok(unpacked)
    }
}

/// What comes out, and one byte more than may if it is too much.
fn up_to(from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(wide(most).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn xz(packed: &[u8], most: usize, limits: Limits) -> io::Result<Vec<u8>> {
    let stream = liblzma::stream::Stream::new_stream_decoder(limits.decoder_bytes_max, 0)?;
    up_to(liblzma::bufread::XzDecoder::new_stream(packed, stream), most)
}

fn zstd(packed: &[u8], most: usize, limits: Limits) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
    decoder.window_log_max(limits.decoder_bytes_max.checked_ilog2().unwrap_or(0).clamp(10, 31))?;
    up_to(decoder, most)
}
