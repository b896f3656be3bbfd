//! The tags of UDF's descriptors, written.

/// Kinds of descriptors that stand at the beginning of a block.
const KINDS: [u16; 15] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 256, 258, 259, 260, 261, 266];
const IDENTIFIER: u16 = 257;

/// ECMA-167, 3/7.2.6, bit by bit: another way than the crate's.
fn crc(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for byte in bytes {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
        }
    }
    crc
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Writes checksum and CRC of the descriptor that begins here, over as many bytes as it says.
pub fn seal(descriptor: &mut [u8]) {
    let length = usize::from(u16_at(descriptor, 10)).min(descriptor.len() - 16);
    let length16 = u16::try_from(length).unwrap();
    descriptor[10..12].copy_from_slice(&length16.to_le_bytes());
    let crc = crc(&descriptor[16..16 + length]);
    descriptor[8..10].copy_from_slice(&crc.to_le_bytes());
    descriptor[4] = 0;
    descriptor[4] = descriptor[..16].iter().fold(0, |sum, byte| sum.wrapping_add(*byte));
}

/// Seals whatever looks like a descriptor, so that what was bent gets past the checksums.
pub fn mend(image: &mut [u8]) {
    let mut at = 0;
    while at + 38 <= image.len() {
        let kind = u16_at(image, at);
        let versioned = matches!(u16_at(image, at + 2), 2 | 3);
        if versioned && at % 512 == 0 && KINDS.contains(&kind) {
            let end = image.len().min(at + 2048);
            seal(&mut image[at..end]);
        } else if versioned && kind == IDENTIFIER {
            let length = 38 + usize::from(u16_at(image, at + 36)) + usize::from(image[at + 19]);
            let end = image.len().min(at + length);
            seal(&mut image[at..end]);
        }
        at += 4;
    }
}
