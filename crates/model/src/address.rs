//! Who somebody is on the wire: hardware addresses and machine identifiers.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A link-layer address as DHCP carries it: its kind (`htype`) and up to 16 bytes of `chaddr`.
///
/// Kind 1 with six bytes is an Ethernet MAC. InfiniBand (32) has no bytes here (RFC 4390).
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct HardwareAddress {
    kind: u8,
    length: u8,
    bytes: [u8; 16],
}

impl HardwareAddress {
    /// An Ethernet MAC.
    pub const fn mac(m: [u8; 6]) -> Self {
        let [a, b, c, d, e, f] = m;
        Self { kind: 1, length: 6, bytes: [a, b, c, d, e, f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }
    }

    /// `htype` and the address bytes; what is past 16 bytes is cut.
    pub fn new(kind: u8, address: &[u8]) -> Self {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(address) {
            *to = *from;
        }
        Self { kind, length: u8::try_from(address.len().min(16)).unwrap_or(16), bytes }
    }

    /// `htype` of RFC 1700: 1 is Ethernet.
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// The address bytes, 0 to 16.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes)
    }

    /// The six bytes of an Ethernet MAC, if it is one.
    pub fn as_mac(&self) -> Option<[u8; 6]> {
        if self.kind != 1 {
            return None;
        }
        self.bytes().try_into().ok()
    }

    /// `01-52-54-00-12-34-56`, as PXELINUX, GRUB and `BOOTIF=` write it.
    pub fn dashed_with_kind(&self) -> String {
        let mut text = format!("{:02x}", self.kind);
        for byte in self.bytes() {
            text.push_str(&format!("-{byte:02x}"));
        }
        text
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.as_mac().is_none() {
            write!(f, "{}/", self.kind)?;
        }
        for (i, byte) in self.bytes().iter().enumerate() {
            if i > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Any usual spelling of a MAC: `52:54:00:12:34:56`, `52-54-…`, `5254.0012.3456`, `525400123456`,
/// and `01-52-54-…` with the hardware kind in front.
impl FromStr for HardwareAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no MAC address: write it like 52:54:00:12:34:56");
        let (kind, rest) = match text.split_once('/') {
            Some((kind, rest)) => (Some(kind.parse().map_err(|_| wrong())?), rest),
            None => (None, text),
        };
        let digits: String = rest.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
        if !digits.is_ascii() || !digits.len().is_multiple_of(2) || digits.len() > 32 {
            return Err(wrong());
        }
        let bytes = hex(&digits).ok_or_else(wrong)?;
        match (kind, bytes.as_slice()) {
            (None, [1, mac @ ..]) if mac.len() == 6 => Ok(Self::new(1, mac)),
            (None, mac) if mac.len() == 6 => Ok(Self::new(1, mac)),
            (None, _) => Err(wrong()),
            // With the kind in front it is whatever the wire carried: a GUID in the place of a MAC
            // (EDK2), or nothing at all (InfiniBand).
            (Some(kind), bytes) => Ok(Self::new(kind, bytes)),
        }
    }
}

impl Serialize for HardwareAddress {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HardwareAddress {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

crate::schema_text!(
    HardwareAddress,
    "HardwareAddress",
    "A MAC address in any usual spelling; written as `52:54:00:12:34:56`. Hardware of another kind has \
     its number in front: `32/...`.",
    "^([0-9]{1,3}/([0-9A-Fa-f]{2}([:.-]?[0-9A-Fa-f]{2}){0,15})?|(01[:-])?[0-9A-Fa-f]{2}([:.-]?[0-9A-Fa-f]{2}){5})$"
);

crate::schema_text!(
    Uuid,
    "Uuid",
    "A UUID as it is printed (RFC 9562).",
    "^[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}$"
);

/// These bytes as hexadecimal digits, two each: what [`hex`] reads.
pub fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes written as hexadecimal digits, two each.
pub fn hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |d: &u8| char::from(*d).to_digit(16).and_then(|v| u8::try_from(v).ok());
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(value(high)? << 4 | value(low)?),
            _ => None,
        })
        .collect()
}

/// A machine's UUID, in the order it is printed (RFC 4122), whatever the wire did to it.
#[derive(Clone, Copy, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// From option 97: the first three fields arrive little-endian, as in SMBIOS and EFI.
    pub fn from_option_97(b: [u8; 16]) -> Self {
        let [a0, a1, a2, a3, b0, b1, c0, c1, rest @ ..] = b;
        let [d0, d1, e0, e1, e2, e3, e4, e5] = rest;
        Self([a3, a2, a1, a0, b1, b0, c1, c0, d0, d1, e0, e1, e2, e3, e4, e5])
    }

    /// Values that many boards share because nobody filled them in: all zero, all ones, and the
    /// vendor test patterns. They never identify a machine.
    pub fn is_placeholder(&self) -> bool {
        let all = |v: u8| self.0.iter().all(|b| *b == v);
        all(0) || all(0xff) || all(0x44) || PLACEHOLDERS.contains(&self.to_string().as_str())
    }
}

/// Seen on many boards of several makers.
const PLACEHOLDERS: [&str; 4] = [
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "fefefefe-fefe-fefe-fefe-fefefefefefe",
];

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        hex(&digits)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is no UUID"))
    }
}

impl Serialize for Uuid {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_of_a_mac_is_read() {
        let mac = HardwareAddress::mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
        for text in [
            "52:54:00:12:34:56",
            "52-54-00-12-34-56",
            "5254.0012.3456",
            "525400123456",
            "01-52-54-00-12-34-56",
        ] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        assert_eq!(mac.dashed_with_kind(), "01-52-54-00-12-34-56");
        for wrong in ["", "52:54", "zz:54:00:12:34:56", "52:54:00:12:34:56:78:9a"] {
            assert!(wrong.parse::<HardwareAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_of_any_kind_and_length_is_read_back() {
        for (kind, length) in [(1, 0), (1, 6), (1, 7), (1, 16), (32, 0), (32, 8), (255, 16)] {
            let address = HardwareAddress::new(kind, &[1; 16][..length]);
            assert_eq!(address.to_string().parse(), Ok(address), "{address}");
        }
    }

    #[test]
    fn option_97_is_read_as_smbios_prints_it() {
        let wire = [
            0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
            0xee, 0xff,
        ];
        let uuid = Uuid::from_option_97(wire);
        assert_eq!(uuid.to_string(), "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(uuid.to_string().parse(), Ok(uuid));
        assert!(Uuid([0; 16]).is_placeholder() && !uuid.is_placeholder());
    }
}
