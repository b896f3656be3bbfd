//! Forms of compression, told by their first bytes.

/// A form of compression.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// The xz file format 1.2.
    Xz,
    /// RFC 8878.
    Zstd,
    /// Told, not read.
    Bzip2,
    /// Frames and the legacy form of the Linux kernel. Told, not read.
    Lz4,
    /// What came before xz (`.lzma`, `initrd.lz` of old casper). Told, not read.
    Lzma,
    /// Told, not read.
    Lzop,
    /// lzip (`.lz`). Told, not read.
    Lzip,
}

impl Packing {
    /// How many bytes [`of`](Self::of) looks at.
    pub(crate) const HEAD: usize = 14;

    /// The form whose signature the bytes start with.
    pub fn of(head: &[u8]) -> Option<Self> {
        let signatures: [(&[u8], Self); 11] = [
            // Compression method 8 is the only one there ever was (RFC 1952, 2.3.1).
            (b"\x1f\x8b\x08", Self::Gzip),
            (b"\xfd7zXZ\0", Self::Xz),
            (b"\x28\xb5\x2f\xfd", Self::Zstd),
            (b"BZh", Self::Bzip2),
            (b"\x04\x22\x4d\x18", Self::Lz4),
            (b"\x02\x21\x4c\x18", Self::Lz4),
            (b"\x89LZO\0\r\n\x1a\n", Self::Lzop),
            (b"LZIP\x01", Self::Lzip),
            // The properties byte of every encoder in use (lc=3, lp=0, pb=2), then a dictionary of
            // 64 KiB, or one whose low 16 bits are zero, as all are.
            (b"\x5d\0\0\x80\0", Self::Lzma),
            (b"\x5d\0\0\0\x04", Self::Lzma),
            (b"\x5d\0\0\0\x01", Self::Lzma),
        ];
        let found = signatures.iter().find(|(signature, _)| head.starts_with(signature));
        if let Some((signature, packing)) = found {
            let bzip2_level = head.get(signature.len()).is_some_and(u8::is_ascii_digit);
            return (*packing != Self::Bzip2 || bzip2_level).then_some(*packing);
        }
        // Skippable frames (RFC 8878, 3.1.2): pzstd and seekable files start with one.
        match head {
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
            Self::Lzma => "lzma",
            Self::Lzop => "lzop",
            Self::Lzip => "lzip",
        }
    }

    /// Whether [`Decompress`](crate::Decompress) reads it.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Gzip | Self::Xz | Self::Zstd)
    }

    /// What to do with a file that is not read.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Gzip | Self::Xz | Self::Zstd => "it can be given as it is",
            Self::Bzip2 => "unpack it first: bunzip2 FILE",
            Self::Lz4 => "unpack it first: unlz4 FILE",
            Self::Lzma => "unpack it first: unlzma FILE",
            Self::Lzop => "unpack it first: lzop -d FILE",
            Self::Lzip => "unpack it first: lzip -d FILE",
        }
    }
}
