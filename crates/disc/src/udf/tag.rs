//! The tag every descriptor of UDF begins with (ECMA-167, 3/7.2): what it is, and whether it is
//! whole.

use crate::error::DiscError;
use crate::source::View;

pub const PRIMARY: u16 = 1;
pub const ANCHOR: u16 = 2;
pub const POINTER: u16 = 3;
pub const PARTITION: u16 = 5;
pub const LOGICAL: u16 = 6;
pub const TERMINATOR: u16 = 8;
pub const FILE_SET: u16 = 256;
pub const FILE_IDENTIFIER: u16 = 257;
pub const ALLOCATION: u16 = 258;
pub const INDIRECT: u16 = 259;
pub const FILE: u16 = 261;
pub const EXTENDED_FILE: u16 = 266;

/// Bytes of a tag.
pub const LENGTH: usize = 16;

/// Checks checksum, CRC and, where it is known, the block the descriptor says it is in; gives what
/// it is.
pub fn check(view: &View<'_>, block: Option<u32>) -> Result<u16, DiscError> {
    let tag = view.slice(0, LENGTH)?;
    let sum = tag
        .iter()
        .enumerate()
        .filter(|(place, _)| *place != 4)
        .fold(0_u8, |sum, (_, byte)| sum.wrapping_add(*byte));
    if sum != view.u8(4)? || tag.iter().all(|byte| *byte == 0) {
        return Err(view.broken(0, "no descriptor begins here: its checksum is wrong"));
    }
    let length = usize::from(view.u16(10)?);
    let body = view.slice(LENGTH, length)?;
    if length > 0 && crc(body) != view.u16(8)? {
        return Err(view.broken(8, format!("its CRC over {length} bytes is wrong")));
    }
    let says = view.u32(12)?;
    match block {
        Some(block) if says != block => {
            Err(view.broken(12, format!("it says it belongs in block {says}, but is in {block}")))
        }
        _ => view.u16(0),
    }
}

/// Another descriptor than what was to be there.
pub fn wrong(view: &View<'_>, found: u16, wanted: &str) -> DiscError {
    view.broken(0, format!("a descriptor of kind {found} stands where {wanted} should"))
}

/// ECMA-167, 3/7.2.6: x^16 + x^12 + x^5 + 1, from zero.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let [high, low] = crc.to_be_bytes();
        let step = STEPS.get(usize::from(high ^ byte)).copied().unwrap_or_default();
        u16::from_be_bytes([low, 0]) ^ step
    })
}

/// What the polynomial makes of each byte.
const STEPS: [u16; 256] = steps();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "worked out by the compiler, from no input"
)]
const fn steps() -> [u16; 256] {
    let mut steps = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut crc = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
            bit += 1;
        }
        steps[byte as usize] = crc;
        byte += 1;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_of_the_standards_example() {
        // ECMA-167, 3/7.2.6: the bytes 70 6A 77 have the CRC 3299.
        assert_eq!(crc(&[0x70, 0x6a, 0x77]), 0x3299);
    }

    #[test]
    fn one_bent_bit_is_found_wherever_it_is() {
        let mut whole = [0_u8; 32];
        whole[0] = 2;
        whole[10] = 16;
        whole[20] = 7;
        let crc = crc(&whole[16..]);
        whole[8..10].copy_from_slice(&crc.to_le_bytes());
        whole[4] = whole[..16].iter().fold(0, |sum, byte| sum.wrapping_add(*byte));
        let check = |bytes: &[u8]| check(&View::new("x", 0, bytes), Some(0));
        assert_eq!(check(&whole).unwrap(), ANCHOR);
        for bit in 0..256 {
            let mut bent = whole;
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&bent).is_err(), "bit {bit}");
        }
        assert!(check(&[0; 32]).is_err());
    }
}
