//! Whose an address is.

use model::HardwareAddress;

/// On links where machines boot, that is the hardware address: firmware, iPXE and installer of one
/// machine each send another option 61 (Q43). Only who has no hardware address (InfiniBand,
/// RFC 4390) goes by option 61.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum Holder {
    Hardware(HardwareAddress),
    ClientId(Box<[u8]>),
}

impl Holder {
    pub(super) fn of(hardware: &HardwareAddress, client_id: Option<&[u8]>) -> Self {
        match client_id {
            Some(id) if hardware.bytes().is_empty() => Self::ClientId(id.into()),
            _ => Self::Hardware(*hardware),
        }
    }

    /// A number that is the same after every restart: where the search for a free address begins.
    /// FNV-1a, 64 bit.
    pub(super) fn place(&self) -> u64 {
        let bytes = match self {
            Self::Hardware(address) => address.bytes(),
            Self::ClientId(id) => id,
        };
        bytes.iter().fold(0xcbf2_9ce4_8422_2325, |mixed, byte| {
            (mixed ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}
