//! Memory: what is fitted, by the SMBIOS tables, else what the kernel has.

use super::Root;

/// Structures of the table that are looked at.
const STRUCTURES_MAX: usize = 8192;
/// Memory Device (SMBIOS 3.7, 7.18).
const MEMORY_DEVICE: u8 = 17;
/// End-of-Table (7.45).
const END: u8 = 127;

/// MiB of memory.
pub(super) fn read(root: &Root) -> Option<u64> {
    let table = root.bytes("sys/firmware/dmi/tables/DMI");
    table.as_deref().and_then(fitted).or_else(|| of_the_kernel(&root.text("proc/meminfo")?))
}

/// The sum of all memory devices of an SMBIOS table.
fn fitted(table: &[u8]) -> Option<u64> {
    let mut rest = table;
    let mut sum: u64 = 0;
    for _ in 0..STRUCTURES_MAX {
        let [kind, length, ..] = rest else { break };
        let (kind, length) = (*kind, usize::from(*length));
        let Some(structure) = rest.get(..length).filter(|_| length >= 4) else { break };
        match kind {
            MEMORY_DEVICE => sum = sum.saturating_add(device_mib(structure).unwrap_or(0)),
            END => break,
            _ => {}
        }
        // Strings follow, each ended by a zero, all of them by another.
        let strings = rest.get(length..).unwrap_or_default();
        let Some(end) = strings.windows(2).position(|pair| pair == [0, 0]) else { break };
        rest = strings.get(end + 2..).unwrap_or_default();
    }
    (sum > 0).then_some(sum)
}

/// MiB of one memory device; none where nothing is fitted or nothing is known.
fn device_mib(structure: &[u8]) -> Option<u64> {
    let size = u16::from_le_bytes(*structure.get(0x0c..)?.first_chunk()?);
    match size {
        0 | 0xffff => None,
        // The true size stands in a field of its own.
        0x7fff => {
            let extended = u32::from_le_bytes(*structure.get(0x1c..)?.first_chunk()?);
            Some(u64::from(extended & 0x7fff_ffff))
        }
        kib if kib & 0x8000 != 0 => Some(u64::from(kib & 0x7fff) / 1024),
        mib => Some(u64::from(mib)),
    }
}

/// `MemTotal: 491020 kB`: without what firmware and the kernel keep for themselves.
fn of_the_kernel(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn device(size: u16, extended: u32) -> Vec<u8> {
        let mut structure = vec![MEMORY_DEVICE, 0x28, 0, 0];
        structure.resize(0x28, 0);
        structure[0x0c..0x0e].copy_from_slice(&size.to_le_bytes());
        structure[0x1c..0x20].copy_from_slice(&extended.to_le_bytes());
        structure.extend(b"DIMM 0\0\0");
        structure
    }

    #[test]
    fn devices_are_added_up_whatever_way_their_size_is_written() {
        let other = [4, 6, 0, 0, 1, 1, b'X', 0, 0].to_vec();
        let end = vec![END, 4, 0, 0, 0, 0];
        let after = device(4096, 0);
        let parts = [
            other,
            device(8192, 0),
            device(0, 0),
            device(0x7fff, 65_536),
            device(0x8000 | 2048, 0),
        ];
        let table: Vec<u8> = parts.into_iter().chain([end, after]).flatten().collect();
        assert_eq!(fitted(&table), Some(8192 + 65_536 + 2));
        assert_eq!(fitted(&device(0xffff, 0)), None);
    }

    #[test]
    fn without_a_table_it_is_what_the_kernel_has() {
        assert_eq!(of_the_kernel("MemTotal:         491520 kB\nMemFree: 1 kB\n"), Some(480));
        assert_eq!(of_the_kernel("nothing"), None);
    }

    proptest! {
        #[test]
        fn no_table_makes_it_fail(table in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = fitted(&table);
        }
    }
}
