//! Keyrings: the publishers' keys that an operator trusts.
//!
//! In: the bytes of keyring files, binary or armored, any number of keys (Debian's
//! `/usr/share/keyrings/*.gpg`, Fedora's `RPM-GPG-KEY` files). Out: the keys with what their owners signed
//! about them. Never: what others signed about a key: it says nothing to whoever brought the keyring.

use pgp::packet::{Packet, PublicKey, PublicSubkey, Signature, SignatureType, UserId};
use pgp::types::{Fingerprint, KeyDetails, KeyId, KeyVersion, Tag};

use crate::armor::{self, Wanted};
use crate::error::TrustError;
use crate::packets;
use crate::standing::Standing;

/// For words.
const WHAT: &str = "keyring";
/// Most keys of one keyring, files joined.
const MAX_KEYS: usize = 4096;
/// Most names, subkeys and signatures of one key that its owner made.
const MAX_PARTS: usize = 2000;

/// The keys that are trusted.
#[derive(Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
    unread: usize,
}

/// A key as it stands at a moment, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySummary {
    /// Its fingerprint, hexadecimal digits.
    pub fingerprint: String,
    /// Whose it is, in the owner's words; empty if the owner said nothing.
    pub user_id: String,
    /// When it was made, seconds since 1970.
    pub made_s: u64,
    /// When it ends, seconds since 1970.
    pub end_s: Option<u64>,
    /// Why nothing it signs now is believed, if so.
    pub unfit: Option<String>,
}

/// A key, its names and its subkeys, each with what the owner signed about it.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) primary: PublicKey,
    pub(crate) fingerprint: Fingerprint,
    id: KeyId,
    /// About the key itself: its end, its revocation.
    pub(crate) about: Vec<Signature>,
    pub(crate) users: Vec<(UserId, Vec<Signature>)>,
    pub(crate) subkeys: Vec<Subkey>,
    parts: usize,
}

/// A subkey with the signatures that bind or revoke it.
#[derive(Debug)]
pub(crate) struct Subkey {
    pub(crate) key: PublicSubkey,
    pub(crate) fingerprint: Fingerprint,
    id: KeyId,
    pub(crate) signatures: Vec<Signature>,
}

/// Which of a key's parts signed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signer<'a> {
    Primary,
    Subkey(&'a Subkey),
}

impl Keyring {
    /// Largest keyring file, in bytes. Debian's for all releases has 56 kB, that of its maintainers 2.6 MB.
    pub const MAX_BYTES: usize = 8 << 20;

    /// Reads a keyring file of at most [`Self::MAX_BYTES`].
    pub fn read(bytes: &[u8]) -> Result<Self, TrustError> {
        let wanted = Wanted { what: WHAT, block: "PUBLIC KEY BLOCK", most: Self::MAX_BYTES };
        let binary = armor::binary(wanted, bytes)?;
        let mut reading = Reading::default();
        let keep = [Tag::PublicKey, Tag::PublicSubkey, Tag::UserId, Tag::Signature];
        packets::read(WHAT, &binary, &keep, |tag, packet| reading.take(tag, packet))?;
        reading.end_key();
        let mut ring = Self { keys: Vec::new(), unread: reading.unread };
        for key in reading.keys {
            ring.add(key)?;
        }
        if ring.keys.is_empty() {
            return Err(TrustError::Unreadable {
                what: WHAT,
                why: "it holds no key of version 4; ask the publisher for the keys in use now"
                    .to_owned(),
            });
        }
        Ok(ring)
    }

    /// Takes the keys of another keyring in. What is said of a key in either counts: a revocation in one
    /// file holds for the key in the other.
    pub fn join(&mut self, other: Self) -> Result<(), TrustError> {
        self.unread = self.unread.saturating_add(other.unread);
        other.keys.into_iter().try_for_each(|key| self.add(key))
    }

    /// The fingerprints of its keys, hexadecimal digits as in [`crate::Signed`].
    pub fn fingerprints(&self) -> impl Iterator<Item = String> {
        self.keys.iter().map(|key| key.fingerprint.to_string())
    }

    /// How many packets were of a version or an algorithm that is not read.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread
    }

    /// The keys as they stand at a moment (seconds since 1970).
    #[must_use]
    pub fn keys(&self, now_s: u64) -> Vec<KeySummary> {
        self.keys.iter().map(|key| key.summary(now_s)).collect()
    }

    /// The keys that may have made a signature, by what it says of its maker.
    pub(crate) fn makers<'a>(&'a self, signature: &Signature) -> Vec<(&'a Key, Signer<'a>)> {
        let of_key = |key: &'a Key| {
            let primary =
                (says(signature, &key.fingerprint, key.id)).then_some((key, Signer::Primary));
            let of_subkey = move |subkey: &'a Subkey| {
                says(signature, &subkey.fingerprint, subkey.id)
                    .then_some((key, Signer::Subkey(subkey)))
            };
            primary.into_iter().chain(key.subkeys.iter().filter_map(of_subkey))
        };
        self.keys.iter().flat_map(of_key).collect()
    }

    fn add(&mut self, key: Key) -> Result<(), TrustError> {
        match self.keys.iter_mut().find(|known| known.fingerprint == key.fingerprint) {
            Some(known) => known.merge(key),
            None => {
                if self.keys.len() >= MAX_KEYS {
                    return Err(TrustError::TooMuch { what: WHAT, limit: "keys", most: MAX_KEYS });
                }
                self.keys.push(key);
                Ok(())
            }
        }
    }
}

/// Whether a signature says that it was made by this key. A fingerprint counts more than a key id, of
/// which there can be two.
fn says(signature: &Signature, fingerprint: &Fingerprint, id: KeyId) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        return signature.issuer_key_id().contains(&&id);
    }
    fingerprints.contains(&fingerprint)
}

impl Key {
    fn new(primary: PublicKey) -> Self {
        Self {
            fingerprint: primary.fingerprint(),
            id: primary.legacy_key_id(),
            primary,
            about: Vec::new(),
            users: Vec::new(),
            subkeys: Vec::new(),
            parts: 0,
        }
    }

    fn summary(&self, now_s: u64) -> KeySummary {
        let standing = Standing::of(self, now_s);
        let unfit = standing.unfit(self, now_s, now_s).map(|why| why.to_string());
        KeySummary {
            fingerprint: self.fingerprint.to_string(),
            user_id: standing.user_id,
            made_s: u64::from(self.primary.created_at().as_secs()),
            end_s: standing.end_s,
            unfit,
        }
    }

    fn count(&mut self, more: usize) -> Result<(), TrustError> {
        self.parts = self.parts.saturating_add(more);
        if self.parts > MAX_PARTS {
            return Err(TrustError::TooMuch {
                what: WHAT,
                limit: "names, subkeys and signatures of one key",
                most: MAX_PARTS,
            });
        }
        Ok(())
    }

    fn merge(&mut self, other: Self) -> Result<(), TrustError> {
        let fresh = |mine: &mut Vec<Signature>, theirs: Vec<Signature>| {
            let before = mine.len();
            for signature in theirs {
                if !mine.contains(&signature) {
                    mine.push(signature);
                }
            }
            mine.len().saturating_sub(before)
        };
        let mut more = fresh(&mut self.about, other.about);
        for (id, signatures) in other.users {
            let new = match self.users.iter_mut().find(|(known, _)| known.id() == id.id()) {
                Some((_, mine)) => fresh(mine, signatures),
                None => {
                    let new = signatures.len().saturating_add(1);
                    self.users.push((id, signatures));
                    new
                }
            };
            more = more.saturating_add(new);
        }
        for subkey in other.subkeys {
            let known =
                self.subkeys.iter_mut().find(|known| known.fingerprint == subkey.fingerprint);
            let new = match known {
                Some(mine) => fresh(&mut mine.signatures, subkey.signatures),
                None => {
                    let new = subkey.signatures.len().saturating_add(1);
                    self.subkeys.push(subkey);
                    new
                }
            };
            more = more.saturating_add(new);
        }
        self.count(more)
    }
}

/// A keyring as its packets come (RFC 9580, 10.1): a key, then what belongs to it.
#[derive(Debug, Default)]
struct Reading {
    keys: Vec<Key>,
    key: Option<Key>,
    last: Last,
    unread: usize,
}

/// What a signature that comes now is about.
#[derive(Debug, Default)]
enum Last {
    /// Something that was not read: the signature goes with it.
    #[default]
    Unread,
    Key,
    User,
    Subkey,
}

impl Reading {
    fn take(&mut self, tag: Tag, packet: Option<Packet>) -> Result<(), TrustError> {
        if packet.is_none() {
            self.unread = self.unread.saturating_add(1);
        }
        match (tag, packet) {
            (Tag::PublicKey, packet) => {
                self.end_key();
                self.last = Last::Unread;
                if self.keys.len() >= MAX_KEYS {
                    return Err(TrustError::TooMuch { what: WHAT, limit: "keys", most: MAX_KEYS });
                }
                match packet {
                    Some(Packet::PublicKey(key)) if key.version() == KeyVersion::V4 => {
                        self.key = Some(Key::new(key));
                        self.last = Last::Key;
                    }
                    Some(_) => self.unread = self.unread.saturating_add(1),
                    None => {}
                }
            }
            (_, Some(packet)) => self.take_part(packet)?,
            (Tag::Signature, None) => {}
            (_, None) => self.last = Last::Unread,
        }
        Ok(())
    }

    /// Takes what belongs to the key before it.
    fn take_part(&mut self, packet: Packet) -> Result<(), TrustError> {
        let Some(key) = &mut self.key else { return Ok(()) };
        match packet {
            Packet::UserId(id) => {
                key.count(1)?;
                key.users.push((id, Vec::new()));
                self.last = Last::User;
            }
            Packet::PublicSubkey(subkey) => {
                key.count(1)?;
                key.subkeys.push(Subkey {
                    fingerprint: subkey.fingerprint(),
                    id: subkey.legacy_key_id(),
                    key: subkey,
                    signatures: Vec::new(),
                });
                self.last = Last::Subkey;
            }
            Packet::Signature(signature) => {
                let nameless = signature.issuer_fingerprint().is_empty()
                    && signature.issuer_key_id().is_empty();
                if !nameless && !says(&signature, &key.fingerprint, key.id) {
                    return Ok(());
                }
                key.count(1)?;
                let of = match self.last {
                    // GnuPG keeps revocations of the key there, whatever came before.
                    _ if signature.typ() == Some(SignatureType::KeyRevocation) => {
                        Some(&mut key.about)
                    }
                    Last::Unread => None,
                    Last::Key => Some(&mut key.about),
                    Last::User => key.users.last_mut().map(|(_, signatures)| signatures),
                    Last::Subkey => key.subkeys.last_mut().map(|subkey| &mut subkey.signatures),
                };
                if let Some(of) = of {
                    of.push(signature);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_key(&mut self) {
        self.keys.extend(self.key.take());
    }
}
