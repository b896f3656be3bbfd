//! By what a BMC's certificate is known again.
//!
//! In: a certificate in DER, or the text an operator copied. Out: its SHA-256. Never: who signed it:
//! nearly every BMC signs its own.

use super::RedfishError;
use model::address::hex;
use model::text::show;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// The SHA-256 of a whole certificate in DER, as `openssl x509 -fingerprint -sha256` and browsers
/// print it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|byte| format!("{byte:02X}")).collect();
        f.write_str(&pairs.join(":"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// 64 hexadecimal digits, with or without `:` between, with or without `sha256:` or what OpenSSL
/// writes before its `=`.
impl FromStr for Fingerprint {
    type Err = RedfishError;

    fn from_str(text: &str) -> Result<Self, RedfishError> {
        let wrong = || RedfishError::Fingerprint { text: show(text.as_bytes()) };
        let text = text.trim();
        let bare = text.rsplit_once('=').map_or(text, |(_, digits)| digits);
        let bare = match bare.get(..7) {
            Some(head) if head.eq_ignore_ascii_case("sha256:") => bare.get(7..).unwrap_or_default(),
            _ => bare,
        };
        let digits: String = bare.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
        hex(&digits).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_is_the_same_fingerprint() {
        let known = Fingerprint::of(b"certificate");
        let text = known.to_string();
        assert_eq!(text.len(), 95);
        for spelling in [
            text.clone(),
            text.to_lowercase(),
            text.replace(':', ""),
            format!("sha256:{}", text.replace(':', "")),
            format!("SHA256:{text}"),
            format!("sha256 Fingerprint={text}\n"),
        ] {
            assert_eq!(spelling.parse::<Fingerprint>().unwrap(), known, "{spelling}");
        }
        for wrong in ["", "AA:BB", "sha256:", &text[..93], &format!("{text}:00"), "zz"] {
            let refused = wrong.parse::<Fingerprint>().unwrap_err().to_string();
            assert!(refused.contains("openssl"), "{refused}");
        }
    }
}
