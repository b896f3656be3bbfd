//! Whose a name is (RFC 4701): a digest, so that nobody learns a hardware address from it.

use crate::names::Holding;
use model::address::{hex, hex_of};
use sha2::{Digest, Sha256};
use std::fmt;
use wire::dns::{Data, Name};

/// The data of a DHCID record.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub struct Dhcid(Vec<u8>);

/// What identifies a client (RFC 4701, 3.3).
const BY_HARDWARE: u16 = 0;
const BY_DUID: u16 = 2;
/// SHA-256 (RFC 4701, 3.4).
const SHA_256: u8 = 1;

impl Dhcid {
    /// Of whoever holds an address, under a name. None where nobody is known: an address that is
    /// reserved for a UUID or a switch port, which nobody has taken yet.
    ///
    /// The hardware address comes first, for over IPv6 firmware, loader and system have identifiers of
    /// their own, and a machine of both families is one machine.
    pub fn of(holding: &Holding, name: &Name) -> Option<Self> {
        if let Some(hardware) = &holding.hardware {
            let who = [&[hardware.kind()], hardware.bytes()].concat();
            return Some(Self::new(BY_HARDWARE, &who, name));
        }
        holding.duid.as_ref().map(|duid| Self::new(BY_DUID, duid, name))
    }

    fn new(kind: u16, who: &[u8], name: &Name) -> Self {
        let digest = Sha256::new().chain_update(who).chain_update(name.as_wire()).chain_update([0]);
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.push(SHA_256);
        bytes.extend(digest.finalize());
        Self(bytes)
    }

    /// As it is kept.
    pub fn kept(digits: &str) -> Option<Self> {
        hex(digits).map(Self)
    }

    /// The record.
    pub fn data(&self) -> Data {
        Data::Dhcid(self.0.clone().into())
    }
}

impl fmt::Display for Dhcid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex_of(&self.0))
    }
}

impl fmt::Debug for Dhcid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 4701, 3.6, whose digests are written in base64 there.
    #[test]
    fn the_examples_of_the_standard_come_out() {
        let of = |kind, who: &str, name: &str| {
            let who = hex(who).unwrap();
            Dhcid::new(kind, &who, &Name::parse(name).unwrap()).to_string()
        };
        assert_eq!(
            of(BY_DUID, "00010006412df166010203040506", "chi6.example.com"),
            "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40"
        );
        assert_eq!(
            of(1, "010708090a0b0c", "chi.example.com"),
            "0001013920fe5d1dceb3fd0ba3379756a70d73b17009f41d58bddbfcd6a2503956d8da"
        );
        assert_eq!(
            of(BY_HARDWARE, "01010203040506", "client.example.com"),
            "000001c4b9a5b249651343158dde7bcc77169841f7a4243a572b5c283fffedeb3f75e6"
        );
    }
}
