//! The packets of a keyring or a signature (RFC 9580, 4), of the few kinds that belong there.
//!
//! In: binary OpenPGP. Out: its packets, parsed, in order. Never: a packet of another kind parsed
//! (encrypted, compressed, secret keys), a length believed that the bytes do not have.

use pgp::packet::{Packet, PacketHeader};
use pgp::types::{PacketLength, Tag};

use crate::error::TrustError;

/// Most packets in one file.
const MAX_PACKETS: usize = 100_000;
/// Largest packet: 255 subpackets of keys that sign are not near it.
const MAX_PACKET_BYTES: usize = 1 << 20;

/// Reads all packets of the kinds in `keep`, and gives each to `each`: none where it is of a version or
/// an algorithm that is not read. Of the other kinds that may stand there nothing is read.
pub(crate) fn read(
    what: &'static str,
    bytes: &[u8],
    keep: &[Tag],
    mut each: impl FnMut(Tag, Option<Packet>) -> Result<(), TrustError>,
) -> Result<(), TrustError> {
    let unreadable = |why: String| TrustError::Unreadable { what, why };
    let mut rest = bytes;
    let mut count: usize = 0;
    while !rest.is_empty() {
        let at = bytes.len().saturating_sub(rest.len());
        count = count.saturating_add(1);
        if count > MAX_PACKETS {
            return Err(TrustError::TooMuch { what, limit: "packets", most: MAX_PACKETS });
        }
        let header = PacketHeader::try_from_reader(&mut rest).map_err(|cause| {
            unreadable(format!("there is no packet at byte {at} ({cause}); fetch it again"))
        })?;
        // Only data may come in parts or without a length (RFC 9580, 4.2.1.4).
        let length = match header.packet_length() {
            PacketLength::Fixed(length) => usize::try_from(length).unwrap_or(usize::MAX),
            _ => return Err(unreadable(format!("the packet at byte {at} has no fixed length"))),
        };
        let Some((body, after)) = rest.split_at_checked(length) else {
            return Err(unreadable(format!(
                "the packet at byte {at} says it has {length} bytes, but {} are left: it is cut short; \
                 fetch it again",
                rest.len()
            )));
        };
        rest = after;
        if keep.contains(&header.tag()) {
            if length > MAX_PACKET_BYTES {
                return Err(TrustError::TooMuch {
                    what,
                    limit: "bytes in a packet",
                    most: MAX_PACKET_BYTES,
                });
            }
            each(header.tag(), Packet::from_reader(header, body).ok())?;
            continue;
        }
        if let Some(why) = out_of_place(header.tag()) {
            return Err(unreadable(format!("{why} (byte {at})")));
        }
    }
    Ok(())
}

/// Why a packet of this kind has no place in a keyring or a signature; none if it may stand there.
fn out_of_place(tag: Tag) -> Option<&'static str> {
    Some(match tag {
        Tag::SecretKey | Tag::SecretSubkey => {
            "it holds a secret key, which must stay with its owner: export the public one with \
             `gpg --export`"
        }
        Tag::LiteralData | Tag::CompressedData | Tag::OnePassSignature => {
            "it holds a signed message with its content inside; a signature apart from its content is \
             needed (`gpg --detach-sign`)"
        }
        Tag::PublicKeyEncryptedSessionKey
        | Tag::SymKeyEncryptedSessionKey
        | Tag::SymEncryptedData
        | Tag::SymEncryptedProtectedData
        | Tag::GnupgAeadData
        | Tag::ModDetectionCode => "it holds encrypted data",
        Tag::PublicKey | Tag::PublicSubkey => "it holds a public key where a signature is needed",
        Tag::Invalid(_) | Tag::UnassignedCritical(_) => {
            "it holds a packet of a kind that does not exist"
        }
        _ => return None,
    })
}
