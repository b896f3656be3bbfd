//! One name for one boot, in lines of logs, events, reports and URLs.

use crate::address::HardwareAddress;
use crate::time::Now;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Letters and digits that nobody takes for one another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// So many stand after the `b`.
const LENGTH: usize = 8;

/// One boot of one machine: `b7q3kx9md`.
///
/// It is made of the machine and the moment at which the boot began, and of nothing else: whoever
/// tells the same events again (a replay, a test) gets the same names. 40 bits, so that the some ten
/// thousand boots that are remembered do not share one; the builder of stories looks, too.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct BootId(u64);

crate::schema_text!(
    BootId,
    "BootId",
    "One boot of one machine, as in `b7q3kx9md`.",
    "^b[0-9a-hjkmnp-tv-z]{8}$"
);

impl BootId {
    /// The boot that this machine began then. `salt` is 0, or counts up while another boot has the
    /// name already.
    #[must_use]
    pub fn new(machine: &HardwareAddress, began: Now, salt: u64) -> Self {
        // FNV-1a, then the finish of SplitMix64 for a good spread over all bits.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let moment = began.0.to_be_bytes();
        let salt = salt.to_be_bytes();
        let bytes = [machine.kind()].into_iter().chain(machine.bytes().iter().copied());
        for byte in bytes.chain(moment).chain(salt) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((hash ^ (hash >> 31)) >> (64 - 5 * LENGTH))
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::from("b");
        for place in (0..LENGTH).rev() {
            let digit = (self.0 >> (5 * place)) & 31;
            let letter = usize::try_from(digit).ok().and_then(|digit| LETTERS.get(digit));
            text.push(char::from(letter.copied().unwrap_or(b'0')));
        }
        f.pad(&text)
    }
}

impl FromStr for BootId {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no boot: write it like b7q3kx9md");
        let digits = text.strip_prefix('b').filter(|rest| rest.len() == LENGTH);
        let mut number = 0;
        for byte in digits.ok_or_else(wrong)?.bytes() {
            let digit = LETTERS.iter().position(|l| *l == byte).ok_or_else(wrong)?;
            number = number << 5 | digit as u64;
        }
        Ok(Self(number))
    }
}

impl Serialize for BootId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BootId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn mac(last: u8) -> HardwareAddress {
        HardwareAddress::mac([0x52, 0x54, 0, 0, 0, last])
    }

    #[test]
    fn the_same_start_of_the_same_machine_has_the_same_name() {
        let id = BootId::new(&mac(1), Now(1_795_378_625_000), 0);
        assert_eq!(id, BootId::new(&mac(1), Now(1_795_378_625_000), 0));
        assert_eq!(id.to_string().len(), 9);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_value(id).unwrap(), id.to_string());
    }

    #[test]
    fn neighbours_in_time_and_name_share_none() {
        let ids: BTreeSet<BootId> = (0..100u8)
            .flat_map(|m| (0..100u64).map(move |t| BootId::new(&mac(m), Now(t), t % 3)))
            .collect();
        assert_eq!(ids.len(), 10_000);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in ["", "b", "d7q3kx9md", "b7q3kx9mdd", "b7q3kx9mu", "b7q3kx9m", "B7Q3KX9MD"] {
            assert!(wrong.parse::<BootId>().is_err(), "{wrong}");
        }
    }
}
