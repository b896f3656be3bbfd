//! Lists of signatures: `db`, `dbx`, a shim's own lists (UEFI 2.10, 32.4.1, `EFI_SIGNATURE_LIST`).
//!
//! In: the bytes of a variable, or of an update for one (`EFI_VARIABLE_AUTHENTICATION_2`, 8.2.2, as
//! `DBXUpdate.bin` has it in front). Out: certificates, digests, security versions of Windows. Never:
//! whether the update's own signature is right: firmware decides that when it takes the list.

use crate::anchors::Anchor;
use crate::bytes::{array, place_at, slice, u16_at};
use crate::certificate::Certificate;
use crate::crypto::Hash;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of one list. Microsoft's largest has 25 kB.
pub const BYTES_MAX: usize = 4 << 20;
/// Certificates of one list; machines have about five. Every link of a chain is tried against each.
pub const CERTIFICATES_MAX: usize = 64;

type Guid = [u8; 16];

/// A GUID as firmware writes it: the first three parts with their lowest byte first.
const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> Guid {
    let (a, b, c) = (a.to_le_bytes(), b.to_le_bytes(), c.to_le_bytes());
    [a[0], a[1], a[2], a[3], b[0], b[1], c[0], c[1], d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]
}

const X509: Guid =
    guid(0xa5c0_59a1, 0x94e4, 0x4aa7, [0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72]);
const SHA1: Guid =
    guid(0x826c_a512, 0xcf10, 0x4ac9, [0xb1, 0x87, 0xbe, 0x01, 0x49, 0x66, 0x31, 0xbd]);
const SHA256: Guid =
    guid(0xc1c4_1626, 0x504c, 0x4092, [0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28]);
const X509_SHA256: Guid =
    guid(0x3bd2_a492, 0x96c0, 0x4079, [0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed]);
const X509_SHA384: Guid =
    guid(0x7076_876e, 0x80c2, 0x4ee6, [0xaa, 0xd2, 0x28, 0xb3, 0x49, 0xa6, 0x86, 0x5b]);
const X509_SHA512: Guid =
    guid(0x446d_bf63, 0x2502, 0x4cda, [0xbc, 0xfa, 0x24, 0x65, 0xd2, 0xb0, 0xfe, 0x9d]);
/// The "owner" of entries that are no digest but a security version (microsoft/secureboot_objects,
/// scripts/utility_functions.py).
const SVN_OWNER: Guid =
    guid(0x9d13_2b6c, 0x59d5, 0x4388, [0xab, 0x1c, 0x18, 0x5c, 0xfc, 0xb2, 0xeb, 0x92]);
/// EFI_CERT_TYPE_PKCS7_GUID, the kind of signature in front of an update.
const PKCS7: Guid =
    guid(0x4aaf_d29d, 0x68df, 0x49ee, [0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7]);
const WIN_CERT_TYPE_EFI_GUID: u16 = 0x0ef1;

/// Which Windows program a security version is for (microsoft/secureboot_objects, `dbx_info`).
pub const SVN_PROGRAMS: [(&str, Guid); 3] = [
    (
        "bootmgfw.efi",
        guid(0x9d13_2b61, 0x59d5, 0x4388, [0xab, 0x1c, 0x18, 0x5c, 0x3c, 0xb2, 0xeb, 0x92]),
    ),
    (
        "cdboot.efi",
        guid(0xe8f8_2e9d, 0xe127, 0x4158, [0xa4, 0x88, 0x4c, 0x18, 0xab, 0xe2, 0xf2, 0x84]),
    ),
    (
        "wdsmgfw.efi",
        guid(0xc999_cac2, 0x7ffe, 0x496f, [0x81, 0x27, 0x9e, 0x2a, 0x8a, 0x53, 0x59, 0x76]),
    ),
];

/// A security version number of a Windows boot program: what is lower than the one in `dbx` is
/// revoked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Svn {
    /// Counts.
    pub major: u16,
    /// Counts less.
    pub minor: u16,
}

impl std::fmt::Display for Svn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What a list holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lists {
    /// Whole certificates.
    pub certificates: Vec<Certificate>,
    /// Authorities of our table, of which no certificate is at hand.
    pub anchors: Vec<&'static Anchor>,
    /// Authenticode SHA-256 of files.
    pub sha256: BTreeSet<[u8; 32]>,
    /// Authenticode SHA-1 of files, in old lists.
    pub sha1: BTreeSet<[u8; 20]>,
    /// Digests of the signed part of certificates. A time of revocation beside them is left out:
    /// without a timestamp that firmware trusts, they are revoked at any time.
    pub certificate_digests: BTreeSet<(Hash, Vec<u8>)>,
    /// The security version that a Windows program must have at least, by its file's usual name.
    pub svns: BTreeMap<&'static str, Svn>,
    /// Entries of a kind that is not known here, and certificates that cannot be read.
    pub unread: usize,
}

impl Lists {
    /// A list of authorities of our table, for what is not told in bytes.
    #[must_use]
    pub fn of(anchors: &[&'static Anchor]) -> Self {
        Self { anchors: anchors.to_vec(), ..Self::default() }
    }

    /// Reads lists, one after another, with or without the head of an authenticated update.
    pub fn read(bytes: &[u8]) -> Result<Self, ListError> {
        if bytes.len() > BYTES_MAX {
            return Err(ListError::TooLarge { size: bytes.len() });
        }
        let mut lists = Self::default();
        let mut at = update_head(bytes).unwrap_or_default();
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let damaged = |what| ListError::Damaged { what, at };
            let kind = array(rest, 0).ok_or(damaged("head"))?;
            let length = place_at(rest, 16).filter(|l| (28..=rest.len()).contains(l));
            let length = length.ok_or(damaged("length"))?;
            let header = place_at(rest, 20).and_then(|header| header.checked_add(28));
            let size =
                place_at(rest, 24).filter(|size| *size >= 16).ok_or(damaged("entry size"))?;
            let entries = header.and_then(|header| rest.get(header..length));
            let entries = entries.ok_or(damaged("header size"))?.chunks(size);
            entries.for_each(|entry| lists.take(&kind, entry));
            at = at.saturating_add(length);
        }
        Ok(lists)
    }

    /// Takes in what another list has. Of two security versions the higher one counts.
    pub fn join(&mut self, other: Self) {
        self.sha256.extend(other.sha256);
        self.sha1.extend(other.sha1);
        self.certificates.extend(other.certificates);
        self.anchors.extend(other.anchors);
        self.certificate_digests.extend(other.certificate_digests);
        for (file, svn) in other.svns {
            let own = self.svns.entry(file).or_insert(svn);
            if *own < svn {
                *own = svn;
            }
        }
        self.unread = self.unread.saturating_add(other.unread);
    }

    /// One entry: its owner, then what it is.
    fn take(&mut self, kind: &Guid, entry: &[u8]) {
        let Some((owner, data)) = entry.split_at_checked(16) else {
            self.unread = self.unread.saturating_add(1);
            return;
        };
        let taken = match *kind {
            X509 if self.certificates.len() < CERTIFICATES_MAX => {
                Certificate::read(data).ok().map(|certificate| self.certificates.push(certificate))
            }
            SHA256 if owner == SVN_OWNER => self.take_svn(data),
            SHA256 => data.try_into().ok().map(|digest| _ = self.sha256.insert(digest)),
            SHA1 => data.try_into().ok().map(|digest| _ = self.sha1.insert(digest)),
            X509_SHA256 => self.take_digest(Hash::Sha256, data, 32),
            X509_SHA384 => self.take_digest(Hash::Sha384, data, 48),
            X509_SHA512 => self.take_digest(Hash::Sha512, data, 64),
            _ => None,
        };
        if taken.is_none() {
            self.unread = self.unread.saturating_add(1);
        }
    }

    fn take_digest(&mut self, hash: Hash, data: &[u8], length: usize) -> Option<()> {
        let digest = data.get(..length)?.to_vec();
        self.certificate_digests.insert((hash, digest));
        Some(())
    }

    /// A version of the form, which program, minor and major number, and zeros.
    fn take_svn(&mut self, data: &[u8]) -> Option<()> {
        let program: Guid = array(data, 1).filter(|_| data.first() == Some(&1))?;
        let (name, _) = SVN_PROGRAMS.iter().find(|(_, guid)| *guid == program)?;
        let svn = Svn { minor: u16_at(data, 17)?, major: u16_at(data, 19)? };
        let highest = self.svns.entry(name).or_insert(svn);
        *highest = svn.max(*highest);
        Some(())
    }
}

/// The length of EFI_VARIABLE_AUTHENTICATION_2: a time of 16 bytes, then `WIN_CERTIFICATE_UEFI_GUID`.
fn update_head(bytes: &[u8]) -> Option<usize> {
    let length = place_at(bytes, 16)?;
    let is_head = u16_at(bytes, 22)? == WIN_CERT_TYPE_EFI_GUID && slice(bytes, 24, 16)? == PKCS7;
    length.checked_add(16).filter(|end| is_head && length >= 24 && *end <= bytes.len())
}

/// Why bytes are no list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListError {
    /// The content: the part named makes no sense.
    #[error(
        "no list of signatures: the {what} of the list at byte {at} is wrong; export the variable or fetch the update again"
    )]
    Damaged {
        /// Which part.
        what: &'static str,
        /// Where its list begins.
        at: usize,
    },
    /// More than any firmware keeps.
    #[error("{size} bytes are more than a list of signatures may have here ({BYTES_MAX})")]
    TooLarge {
        /// Its length.
        size: usize,
    },
}
