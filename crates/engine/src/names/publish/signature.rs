//! Signatures of messages (RFC 8945): made, and judged.

use hmac::{Hmac, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use std::fmt;
use std::str::FromStr;
use wire::dns::Name;
use wire::dns::tsig::{Fields, Received, length};

/// By how much the clocks of both ends may differ (RFC 8945, 10).
const FUDGE_S: u16 = 300;
/// A longer secret is a mistake: it is hashed before it is used.
pub const SECRET_BYTES_MAX: usize = 1024;

/// How messages are signed. HMAC-MD5 and HMAC-SHA1 are not to be used any more (RFC 8945, 6).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// `hmac-sha224`
    Sha224,
    /// `hmac-sha256`
    #[default]
    Sha256,
    /// `hmac-sha384`
    Sha384,
    /// `hmac-sha512`
    Sha512,
}

impl Algorithm {
    /// All of them.
    pub const NAMES: [&'static str; 4] =
        ["hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"];

    /// As it stands in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha224 => "hmac-sha224",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    fn mac(self, secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha224 => mac::<Hmac<Sha224>>(secret, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(secret, parts),
            Self::Sha384 => mac::<Hmac<Sha384>>(secret, parts),
            Self::Sha512 => mac::<Hmac<Sha512>>(secret, parts),
        }
    }
}

fn mac<M: Mac + hmac::digest::KeyInit>(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of every length; there is no other way to fail.
    let Ok(mut mac) = <M as Mac>::new_from_slice(secret) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

impl FromStr for Algorithm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        all.into_iter().find(|one| one.name() == text).ok_or(())
    }
}

/// What both ends know. It is shown to nobody.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Of base64, as tools for keys write it. None where it is none, or too long, or nothing.
    pub fn of_base64(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches('=');
        let padded = text.len().saturating_sub(digits.len());
        if !text.len().is_multiple_of(4) || padded > 2 {
            return None;
        }
        let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
        for digit in digits.bytes() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            held = held << 6 | u32::from(value);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                bytes.extend(u8::try_from(held >> bits & 0xff));
                held &= (1 << bits) - 1;
            }
        }
        let good = held == 0 && (1..=SECRET_BYTES_MAX).contains(&bytes.len());
        good.then_some(Self(bytes))
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What a file says of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyFile {
    /// Its name, where the file says it.
    pub name: Option<Name>,
    /// How it signs, where the file says it.
    pub algorithm: Option<String>,
    /// The secret.
    pub secret: Secret,
}

impl KeyFile {
    /// Reads what `tsig-keygen` (BIND) and `keymgr -t` (Knot) write, or the secret by itself. None where
    /// there is no secret in it.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(secret) = Secret::of_base64(text.trim()) {
            return Some(Self { name: None, algorithm: None, secret });
        }
        let comment = |line: &&str| !line.trim_start().starts_with(['#', '/']);
        let words = text
            .lines()
            .filter(comment)
            .flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"';:{}".contains(c)));
        let words: Vec<&str> = words.filter(|word| !word.is_empty() && *word != "-").collect();
        let behind = |key: &str| {
            let mut pairs = words.windows(2);
            pairs.find(|pair| pair.first() == Some(&key)).and_then(|pair| pair.last().copied())
        };
        let name = behind("id").or_else(|| behind("key"));
        Some(Self {
            name: name.and_then(Name::parse),
            algorithm: behind("algorithm").map(str::to_owned),
            secret: Secret::of_base64(behind("secret")?)?,
        })
    }
}

/// A key that messages are signed with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    /// As the server calls it.
    pub name: Name,
    /// How it signs.
    pub algorithm: Algorithm,
    /// What both ends know.
    pub secret: Secret,
}

/// A message as it leaves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signed {
    /// Its id.
    pub id: u16,
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its code: the answer is signed over it.
    mac: Vec<u8>,
    /// When, in seconds since 1970.
    pub(super) at_s: u64,
}

impl Key {
    fn algorithm_name(&self) -> Name {
        Name::parse(self.algorithm.name()).unwrap_or_else(|| self.name.clone())
    }

    /// Signs a message at a moment, in seconds since 1970.
    pub fn sign(&self, id: u16, mut message: Vec<u8>, at_s: u64) -> Signed {
        let fields = Fields {
            key: self.name.clone(),
            algorithm: self.algorithm_name(),
            at_s,
            fudge_s: FUDGE_S,
            error: 0,
            other: Vec::new(),
        };
        let mac = self.algorithm.mac(&self.secret.0, &[&message, &fields.variables()]);
        fields.append(&mut message, &mac);
        Signed { id, bytes: message, mac, at_s }
    }

    /// Whether an answer to a message is signed by who has this key.
    pub(super) fn verifies(&self, sent: &Signed, received: &Received) -> bool {
        let Received { fields, mac, message } = received;
        if fields.key != self.name || fields.algorithm != self.algorithm_name() {
            return false;
        }
        let parts = [&length(&sent.mac), &*sent.mac, message, &fields.variables()];
        let expected = self.algorithm.mac(&self.secret.0, &parts);
        // Of the same length: a code that was cut short (RFC 8945, 5.2.2.1) is none that we ask for.
        expected.len() == mac.len()
            && expected.iter().zip(mac).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
            && !mac.is_empty()
    }
}
