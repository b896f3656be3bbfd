//! Files that say what they are, so that firmware can tell whether it got the right one, whole.

use model::{Arch, Hash};
use sha2::{Digest, Sha256};

/// The longest file whose every byte is hashed.
const HASHED_MAX: u64 = 64 << 20;

/// What a made file claims to be: its first line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Label {
    /// `ipxe`, `shim`, `kernel`, …
    pub kind: String,
    /// For which machines; none is for all.
    pub arch: Option<Arch>,
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

impl Label {
    /// A file of this kind.
    #[must_use]
    pub fn new(kind: &str, arch: Option<Arch>, name: &str, size: u64) -> Self {
        Self { kind: kind.to_owned(), arch, name: name.to_owned(), size }
    }

    fn line(&self) -> String {
        let arch = self.arch.map_or("any", Arch::name);
        format!("made {} {arch} {} {}\n", self.kind, self.name, self.size)
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.line().into_bytes();
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let salt = mix(self.line().as_bytes());
        let filler = (bytes.len() as u64..self.size)
            .map(|i| (i.wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8);
        bytes.extend(filler);
        bytes.truncate(size);
        bytes
    }

    /// SHA-256 of the file. One that would take long to hash is never carried whole: its line counts.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let whole = self.size <= HASHED_MAX;
        let bytes = if whole { self.bytes() } else { self.line().into_bytes() };
        Hash(Sha256::digest(bytes).into())
    }

    /// What these bytes are, if they are one of ours, whole and unharmed.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?;
        let mut words = line.split(' ');
        let (made, kind, arch) = (words.next()?, words.next()?, words.next()?);
        let (name, size) = (words.next()?, words.next()?.parse().ok()?);
        let label = Self::new(kind, arch.parse().ok(), name, size);
        (made == "made" && label.bytes() == bytes).then_some(label)
    }
}

fn mix(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |mixed, byte| {
        (mixed ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_one_wrong_byte_is_not_that_file() {
        let label = Label::new("kernel", Some(Arch::X64Uefi), "vmlinuz", 5000);
        let mut bytes = label.bytes();
        assert_eq!(bytes.len(), 5000);
        assert_eq!(Label::read(&bytes), Some(label));
        bytes[4000] ^= 1;
        assert_eq!(Label::read(&bytes), None);
    }
}
