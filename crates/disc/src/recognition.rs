//! What an image says it is, in the sectors from byte 32768 on: volume descriptors of ISO 9660, and
//! the recognition sequence of UDF after them (ECMA-167, 2/9).

use crate::error::{DiscError, shown_bytes};
use crate::source::{Source, View};

/// Sectors of a disc, whatever the blocks of its file systems are.
pub const SECTOR: usize = 2048;

/// Both standards leave the first sixteen sectors to whoever boots from the disc.
pub const FIRST: u64 = 32768;

/// Every sector of a raw CD image begins so: 2352 bytes, of which 2048 are the disc's.
const RAW: &[u8] = b"\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0";

/// Where each descriptor stands.
#[derive(Debug, Default)]
pub struct Recognised {
    /// ISO 9660, 8.4: the first primary volume descriptor.
    pub primary: Option<u64>,
    /// ISO 9660, 8.5: supplementary ones, Joliet's among them.
    pub supplementary: Vec<u64>,
    /// ISO 9660, 8.2: boot records, El Torito's among them.
    pub boot: Vec<u64>,
    /// `NSR02` or `NSR03`: UDF.
    pub nsr: Option<u64>,
}

/// Looks at every sector that may hold a descriptor.
pub fn recognise(source: &mut Source<'_>) -> Result<Recognised, DiscError> {
    let mut found = Recognised::default();
    let mut iso_ended = false;
    for number in 0..u64::from(source.limits().descriptors_max) {
        let at = FIRST.saturating_add(number.saturating_mul(2048));
        if at.saturating_add(2048) > source.size() {
            break;
        }
        let bytes = source.bytes("a volume descriptor", at, SECTOR)?;
        let view = View::new("a volume descriptor", at, &bytes);
        match (view.slice(1, 5)?, view.u8(0)?) {
            (b"CD001", _) if iso_ended => {}
            (b"CD001", 0) => found.boot.push(at),
            (b"CD001", 1) => found.primary = found.primary.or(Some(at)),
            (b"CD001", 2) => found.supplementary.push(at),
            (b"CD001", 255) => iso_ended = true,
            (b"NSR02" | b"NSR03", _) => found.nsr = found.nsr.or(Some(at)),
            (b"TEA01", _) => break,
            _ => {}
        }
    }
    if found.primary.is_none() && found.nsr.is_none() {
        return Err(no_disc(source)?);
    }
    Ok(found)
}

/// What the image is instead, as far as its first bytes say.
fn no_disc(source: &mut Source<'_>) -> Result<DiscError, DiscError> {
    let start = usize::try_from(source.size()).unwrap_or(usize::MAX).min(SECTOR);
    let start = source.bytes("the first sector", 0, start)?;
    if start.starts_with(RAW) {
        return Ok(DiscError::NotRead {
            what: "an image of raw CD sectors (2352 bytes each, as .bin files have them)"
                .to_owned(),
            at: 0,
            hint: "convert it to an ISO image first (bchunk, or 7z)",
        });
    }
    let looked =
        "neither ISO 9660 (`CD001`) nor UDF (`NSR02`, `NSR03`) stands at byte 32768 or after";
    let begins = match start.get(..16) {
        _ if source.size() < FIRST => format!("it has only {} bytes", source.size()),
        Some(first) if first.iter().any(|byte| *byte != 0) => {
            format!("it begins with {}", shown_bytes(first))
        }
        _ => "it begins with zeros".to_owned(),
    };
    Ok(DiscError::NotADisc { why: format!("{looked}; {begins}") })
}
