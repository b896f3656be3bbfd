//! Small words that all these files share.

use model::HardwareAddress;
use model::address::hex;
use std::io::{self, BufRead, Read};

/// A file that is read whole; larger ones are refused.
const WHOLE_MAX: u64 = 64 << 20;

/// A whole file; what is no UTF-8 is replaced.
pub fn whole(from: &mut dyn BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(WHOLE_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > WHOLE_MAX {
        let most = WHOLE_MAX >> 20;
        return Err(io::Error::other(format!("a configuration of more than {most} MiB")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes written in hexadecimal, in pairs or parted by colons or dashes: `01:52:54`, `1:2`, `0152`.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    if text.contains([':', '-']) {
        let part = |part: &str| match part.len() {
            1 | 2 => u8::from_str_radix(part, 16).ok().filter(|_| !part.starts_with('+')),
            _ => None,
        };
        return text.split([':', '-']).map(part).collect();
    }
    hex(text).filter(|bytes| !bytes.is_empty())
}

/// A hardware address of this kind; more bytes than DHCP carries are none.
pub fn hardware(kind: u8, text: &str) -> Option<HardwareAddress> {
    let bytes = bytes(text)?;
    (bytes.len() <= 16).then(|| HardwareAddress::new(kind, &bytes))
}

/// Of clients that are known by their client id alone: InfiniBand has no address in DHCP (RFC 4390).
pub fn no_hardware() -> HardwareAddress {
    HardwareAddress::new(32, &[])
}

/// What a client calls itself: nothing, `*` and `-` are no name. Shown, as all names are.
pub fn name(text: &str) -> Option<String> {
    let text = text.trim_end_matches('.');
    (!matches!(text, "" | "*" | "-")).then(|| model::text::show(text.as_bytes()))
}

/// The longest option 61 or 82.1 there can be.
pub const ID_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_every_spelling() {
        assert_eq!(bytes("01:52:54"), Some(vec![1, 0x52, 0x54]));
        assert_eq!(bytes("1:2-f"), Some(vec![1, 2, 15]));
        assert_eq!(bytes("0152"), Some(vec![1, 0x52]));
        for wrong in ["", "x", "015", "01::02", "+1:02", "01:0222"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
