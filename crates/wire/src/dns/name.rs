//! Names of the DNS, as labels with their lengths (RFC 1035, 3.1), without the root at the end.

use std::fmt;

/// Longest label.
pub const LABEL_BYTES_MAX: usize = 63;
/// Longest name on the wire, without the root's zero.
pub const NAME_BYTES_MAX: usize = 254;

/// A name in lower case: `lab.example` is `3 lab 7 example`.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Of labels as they stand on the wire, which have to be whole: see [`labels`].
    pub fn of_wire(bytes: &[u8]) -> Option<Self> {
        let whole = bytes.len() <= NAME_BYTES_MAX
            && labels(bytes).map(|label| label.len().saturating_add(1)).sum::<usize>()
                == bytes.len();
        whole.then(|| Self(bytes.to_ascii_lowercase().into()))
    }

    /// `lab.example`, with or without a dot at its end; `.` and nothing are the root. Labels of
    /// visible ASCII; there is no way to write a dot in a label.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let mut bytes = Vec::with_capacity(text.len().saturating_add(1));
        if text.is_empty() {
            return Some(Self(Box::default()));
        }
        for label in text.split('.') {
            let length = u8::try_from(label.len()).ok()?;
            let good = (1..=LABEL_BYTES_MAX).contains(&label.len());
            if !good || !label.bytes().all(|byte| byte.is_ascii_graphic()) {
                return None;
            }
            bytes.push(length);
            bytes.extend(label.bytes().map(|byte| byte.to_ascii_lowercase()));
        }
        (bytes.len() <= NAME_BYTES_MAX).then(|| Self(bytes.into()))
    }

    /// A label more in front, if it and the name are not too long.
    pub fn child(&self, label: &str) -> Option<Self> {
        let label = Self::parse(label).filter(|name| labels(&name.0).count() == 1)?;
        let bytes = [label.0.as_ref(), self.0.as_ref()].concat();
        (bytes.len() <= NAME_BYTES_MAX).then(|| Self(bytes.into()))
    }

    /// As on the wire, without the root.
    pub fn as_wire(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is `zone` or below it.
    pub fn is_within(&self, zone: &Self) -> bool {
        zone.covers(&self.0)
    }

    /// Whether a name, as on the wire and in lower case, is this one or below it.
    pub fn covers(&self, name: &[u8]) -> bool {
        within(name, &self.0)
    }
}

/// In lower case, into a buffer that is used again.
pub fn lower(name: &[u8], into: &mut Vec<u8>) {
    into.clear();
    into.extend(name.iter().map(u8::to_ascii_lowercase));
}

/// The labels of a name, first one first. Ends early where a length goes beyond the end.
pub fn labels(mut name: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = name.split_first()?;
        let (label, rest) = rest.split_at_checked(usize::from(*length))?;
        if label.is_empty() || label.len() > LABEL_BYTES_MAX {
            return None;
        }
        name = rest;
        Some(label)
    })
}

/// The name without its first label; none of the root.
pub fn parent(name: &[u8]) -> Option<&[u8]> {
    let (length, rest) = name.split_first()?;
    rest.get(usize::from(*length)..)
}

/// Whether a name is `zone` or below it. Both in lower case.
pub fn within(name: &[u8], zone: &[u8]) -> bool {
    let mut rest = Some(name);
    while let Some(this) = rest.filter(|this| this.len() >= zone.len()) {
        if this == zone {
            return true;
        }
        rest = parent(this);
    }
    false
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, ".");
        }
        for (n, label) in labels(&self.0).enumerate() {
            if n > 0 {
                write!(f, ".")?;
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                    byte if byte.is_ascii_graphic() => write!(f, "{}", char::from(*byte))?,
                    byte => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_shown_and_compared() {
        let name = Name::parse("Node-1.Lab.Example.").unwrap();
        assert_eq!(name.to_string(), "node-1.lab.example");
        assert_eq!(name.as_wire(), b"\x06node-1\x03lab\x07example");
        let zone = Name::parse("lab.example").unwrap();
        assert!(name.is_within(&zone) && zone.is_within(&zone) && !zone.is_within(&name));
        assert!(!Name::parse("slab.example").unwrap().is_within(&zone), "at labels only");
        assert!(name.is_within(&Name::parse(".").unwrap()));
        assert_eq!(zone.child("node-1"), Some(name));
        assert_eq!(zone.child("a.b"), None);
        assert_eq!(Name::of_wire(b"\x01.\x02\x00\xff").unwrap().to_string(), "\\..\\000\\255");
    }

    #[test]
    fn what_is_too_long_or_torn_is_no_name() {
        let long = vec!["a".repeat(63); 4].join(".");
        for wrong in ["a..b", "..", &"a".repeat(64), &long, "a b", "ä"] {
            assert_eq!(Name::parse(wrong), None, "{wrong}");
        }
        for torn in [b"\x05abc".as_slice(), b"\x00", b"\x40", b"\x01a\x00", &[1; 255]] {
            assert_eq!(Name::of_wire(torn), None, "{torn:?}");
        }
    }
}
