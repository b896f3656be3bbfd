//! A certificate as firmware takes it in: an EFI signature list (UEFI 2.10, 32.4.1).
//!
//! EDK2 reads CA certificates for HTTPS in this form from the variable `TlsCaCertificate`, and OVMF
//! from QEMU's `etc/edk2/https/cacerts` (src tianocore/edk2:NetworkPkg/HttpDxe/HttpsSupport.c,
//! OvmfPkg/Library/TlsAuthConfigLib).
//!
//! In: a certificate in DER. Out: the list. Never: a list of somebody else's, read.

use sha2::{Digest, Sha256};

/// `EFI_CERT_X509_GUID`, a5c059a1-94e4-4aa7-87b5-ab155c2bf072, as it lies in memory.
const X509: [u8; 16] = [
    0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
];
/// Type, length of the list, of its header and of each signature.
const LIST_HEADER: u32 = 28;
const OWNER: u32 = 16;

/// One certificate, one list. `None` for a certificate of 4 GiB.
pub(crate) fn of(der: &[u8]) -> Option<Vec<u8>> {
    let signature = u32::try_from(der.len()).ok()?.checked_add(OWNER)?;
    let list = signature.checked_add(LIST_HEADER)?;
    let mut bytes = Vec::with_capacity(der.len() + 44);
    bytes.extend(X509);
    bytes.extend(list.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.extend(signature.to_le_bytes());
    bytes.extend(owner(der));
    bytes.extend(der);
    Some(bytes)
}

/// Whose entry it is: firmware deletes by owner, so each certificate has one of its own. Made of its
/// hash, in the form of a random GUID (RFC 9562, 5.8: version 8 is for such).
fn owner(der: &[u8]) -> [u8; 16] {
    let hash = Sha256::digest(der);
    let mut guid = [0; 16];
    for (to, from) in guid.iter_mut().zip(hash) {
        *to = from;
    }
    let [.., seven, eight, _, _, _, _, _, _, _] = &mut guid;
    // The third group lies in memory with its low byte first.
    *seven = (*seven & 0x0f) | 0x80;
    *eight = (*eight & 0x3f) | 0x80;
    guid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_lengths_that_firmware_adds_up() {
        let list = of(&[7; 1000]).unwrap();
        let word = |at: usize| u32::from_le_bytes(list[at..at + 4].try_into().unwrap());
        assert_eq!(list.len(), 28 + 16 + 1000);
        assert_eq!((word(16), word(20), word(24)), (1044, 0, 1016));
        assert_eq!(&list[44..], [7; 1000]);
        assert_eq!((list[35] >> 4, list[36] >> 6), (8, 2), "version and variant of the owner");
    }

    #[test]
    fn each_certificate_has_an_owner_of_its_own() {
        assert_ne!(of(b"one").unwrap()[28..44], of(b"two").unwrap()[28..44]);
        assert_eq!(of(b"one"), of(b"one"));
    }
}
