//! DER, the encoding of certificates and signatures (X.690), read where it stands.
//!
//! In: bytes. Out: one value after another, with the bytes that were signed as they are. Never:
//! recursion, a copy, a length that is not told in full (BER; firmware refuses it too).
//!
//! By hand, because a signature is made over bytes as they stand in the file: a reader into types
//! must write them again to check it, and may write others.

use crate::bytes::slice;

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const BMP_STRING: u8 = 0x1e;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
pub const CONTEXT_0: u8 = 0xa0;
pub const CONTEXT_1: u8 = 0xa1;
pub const CONTEXT_3: u8 = 0xa3;

/// Values of one list that are looked at.
const ITEMS_MAX: usize = 256;

/// What could not be read, in words that go after "cannot read".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Broken(pub &'static str);

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    pub tag: u8,
    /// What is in it.
    pub body: &'a [u8],
    /// The same with tag and length before it, as it stands in the file.
    pub whole: &'a [u8],
}

impl<'a> Value<'a> {
    /// The values in it.
    pub fn inner(&self) -> Der<'a> {
        Der(self.body)
    }
}

/// Values, one after another.
#[derive(Clone, Copy, Debug)]
pub struct Der<'a>(pub &'a [u8]);

impl<'a> Der<'a> {
    /// The next value, of any kind.
    pub fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, &first) = (self.0.first()?, self.0.get(1)?);
        let (length, header) = match first {
            0..=0x7f => (usize::from(first), 2),
            0x81..=0x84 => {
                let digits = slice(self.0, 2, usize::from(first & 0x7f))?;
                let length = digits.iter().fold(0_u32, |sum, b| (sum << 8) | u32::from(*b));
                (usize::try_from(length).ok()?, digits.len().checked_add(2)?)
            }
            _ => return None,
        };
        let body = slice(self.0, header, length)?;
        let end = header.checked_add(length)?;
        let (whole, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        Some(Value { tag, body, whole })
    }

    /// The next value, which must be of this kind.
    pub fn take(&mut self, tag: u8, what: &'static str) -> Result<Value<'a>, Broken> {
        self.next().filter(|value| value.tag == tag).ok_or(Broken(what))
    }

    /// The next value if it is of this kind; else it stays.
    pub fn optional(&mut self, tag: u8) -> Option<Value<'a>> {
        (self.0.first() == Some(&tag)).then(|| self.next()).flatten()
    }

    /// All that follow, as far as they can be read.
    pub fn all(mut self) -> impl Iterator<Item = Value<'a>> {
        std::iter::from_fn(move || self.next()).take(ITEMS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_one_and_several_bytes_are_read_and_others_are_not() {
        let long = [&[SEQUENCE, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        assert_eq!(Der(&long).next().unwrap().body, [7; 256]);
        assert_eq!(Der(&[INTEGER, 1, 5, 9]).next().unwrap().whole, [INTEGER, 1, 5]);
        for bytes in
            [&[SEQUENCE, 0x80, 0, 0][..], &[SEQUENCE, 0x85, 0, 0, 0, 0, 0], &[SEQUENCE, 2, 0], &[]]
        {
            assert!(Der(bytes).next().is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn a_list_ends_where_it_cannot_be_read() {
        let list = [INTEGER, 1, 5, INTEGER, 1, 6, INTEGER, 9];
        assert_eq!(Der(&list).all().count(), 2);
    }
}
