//! Options inside an option: 43 and 175 with pad and end, 82 without.

use super::code;

/// Walks type, length, value. Stops at the first that runs past the end.
#[derive(Clone, Debug)]
pub struct SubOptions<'a> {
    rest: &'a [u8],
    pad_and_end: bool,
    truncated: bool,
}

/// The sub-options in vendor-specific information, PXE's or iPXE's: type 0 is a pad, 255 ends
/// (RFC 2132, 8.4).
#[must_use]
pub fn sub_options(value: &[u8]) -> SubOptions<'_> {
    SubOptions { rest: value, pad_and_end: true, truncated: false }
}

/// The sub-options in relay agent information, which has neither pad nor end (RFC 3046, 2.0).
#[must_use]
pub fn relay_sub_options(value: &[u8]) -> SubOptions<'_> {
    SubOptions { rest: value, pad_and_end: false, truncated: false }
}

/// The first sub-option of type `tag` in vendor-specific information.
#[must_use]
pub fn sub_option(value: &[u8], tag: u8) -> Option<&[u8]> {
    sub_options(value).find(|(other, _)| *other == tag).map(|(_, value)| value)
}

impl SubOptions<'_> {
    /// Whether a sub-option ran past the end, as far as has been read.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.truncated
    }
}

impl<'a> Iterator for SubOptions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.pad_and_end {
            let pads = self.rest.iter().take_while(|byte| **byte == code::PAD).count();
            self.rest = self.rest.get(pads..).unwrap_or_default();
        }
        let (&tag, after_tag) = self.rest.split_first()?;
        if self.pad_and_end && tag == code::END {
            self.rest = &[];
            return None;
        }
        let whole = after_tag
            .split_first()
            .and_then(|(length, value)| value.split_at_checked(usize::from(*length)));
        self.truncated |= whole.is_none();
        let (value, rest) = whole.unwrap_or_default();
        self.rest = rest;
        (!self.truncated).then_some((tag, value))
    }
}
