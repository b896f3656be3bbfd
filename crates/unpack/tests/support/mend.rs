//! Makes the checksums of a bent file right again, so that what stands behind them is reached.
#![allow(dead_code, reason = "each fuzz target uses its own part of it")]

/// The sum in every block that may be a header of a tar.
pub fn tar(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512) {
        let header = block[257..262] == *b"ustar";
        if !header {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        block[154] = 0;
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    let four: [u8; 4] = bytes.get(at..at + 4).unwrap_or(&[0; 4]).try_into().unwrap();
    u32::from_le_bytes(four) as usize
}

/// Both checksums of the first GPT.
pub fn gpt(bytes: &mut [u8]) {
    for unit in [512, 4096] {
        if bytes.len() < unit * 2 || bytes[unit..unit + 8] != *b"EFI PART" {
            continue;
        }
        let from = u32_at(bytes, unit + 72).saturating_mul(unit);
        let length = u32_at(bytes, unit + 80).saturating_mul(u32_at(bytes, unit + 84));
        let entries = bytes.get(from..from.saturating_add(length)).filter(|e| e.len() < 1 << 17);
        if let Some(sum) = entries.map(crc32) {
            bytes[unit + 88..unit + 92].copy_from_slice(&sum.to_le_bytes());
        }
        let length = u32_at(bytes, unit + 12).clamp(20, 512);
        bytes[unit + 16..unit + 20].fill(0);
        let sum = crc32(&bytes[unit..(unit + length).min(bytes.len())]);
        bytes[unit + 16..unit + 20].copy_from_slice(&sum.to_le_bytes());
    }
}
