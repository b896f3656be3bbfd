//! The disk an installation may write to: named so that a wrong one is refused, not overwritten.
//!
//! In: what an operator said. Out: facts for the check that every shipped template runs first
//! (`starters/disk.sh`). Never: a name like `/dev/sda`, which moves from one start to the next.

use minijinja::Value;
use std::collections::BTreeMap;
use std::fmt;

/// Which disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TargetDisk {
    /// By serial number, without the spaces around it.
    Serial(String),
    /// By World Wide Name: hexadecimal digits, without `0x`, `naa.` or `eui.`, in lower case.
    Wwn(String),
    /// The one whose size lies in the range, both ends included.
    SizeBytes {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
}

/// What cannot name a disk.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotATarget(String);

impl fmt::Display for NotATarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotATarget {}

/// Longest serial number, in bytes. NVMe has 20, SCSI's page 0x80 in practice up to 40.
const SERIAL_BYTES_MAX: usize = 128;

impl TargetDisk {
    /// The disk with this serial number.
    pub fn serial(text: &str) -> Result<Self, NotATarget> {
        let text = text.trim();
        let fit = |c: char| c.is_ascii_graphic() || c == ' ';
        if text.is_empty() || text.len() > SERIAL_BYTES_MAX || !text.chars().all(fit) {
            return Err(NotATarget(format!(
                "`{}` is no serial number of a disk: those are 1 to {SERIAL_BYTES_MAX} printable \
                 characters of ASCII",
                model::text::show(text.as_bytes())
            )));
        }
        Ok(Self::Serial(text.into()))
    }

    /// The disk with this World Wide Name, in any usual spelling.
    pub fn wwn(text: &str) -> Result<Self, NotATarget> {
        let lower = text.trim().to_ascii_lowercase();
        let bare = ["0x", "naa.", "eui.", "wwn-0x", "nvme-eui."]
            .iter()
            .find_map(|prefix| lower.strip_prefix(prefix))
            .unwrap_or(&lower);
        let fit = matches!(bare.len(), 16 | 32) && bare.chars().all(|c| c.is_ascii_hexdigit());
        if !fit {
            return Err(NotATarget(format!(
                "`{}` is no World Wide Name: those are 16 or 32 hexadecimal digits",
                model::text::show(text.as_bytes())
            )));
        }
        Ok(Self::Wwn(bare.into()))
    }

    /// The disk whose size in bytes lies between the two.
    pub fn size_bytes(min: u64, max: u64) -> Result<Self, NotATarget> {
        if min == 0 || max < min || i64::try_from(max).is_err() {
            return Err(NotATarget(format!("{min} to {max} bytes is no range of sizes")));
        }
        Ok(Self::SizeBytes { min, max })
    }

    /// As operators write it: `serial:S3R1AL`, `wwn:5000c500a1b2c3d4`, `size:100G..2T`.
    pub fn parse(text: &str) -> Result<Self, NotATarget> {
        let wrong = || {
            NotATarget(format!(
                "`{}` names no disk: write serial:SERIAL, wwn:NAME or size:100G..2T",
                model::text::show(text.as_bytes())
            ))
        };
        match text.split_once(':').ok_or_else(wrong)? {
            ("serial", serial) => Self::serial(serial),
            ("wwn", name) => Self::wwn(name),
            ("size", range) => {
                let (min, max) = range.split_once("..").ok_or_else(wrong)?;
                let (min, max) = (size(min).ok_or_else(wrong)?, size(max).ok_or_else(wrong)?);
                Self::size_bytes(min, max)
            }
            _ => Err(wrong()),
        }
    }

    pub(crate) fn value(&self, marks: &[DiskMark]) -> Value {
        let mut map: BTreeMap<&str, Value> = match self {
            Self::Serial(text) => [("by", "serial".into()), ("wanted", Value::from(text.as_str()))],
            Self::Wwn(text) => [("by", "wwn".into()), ("wanted", Value::from(text.as_str()))],
            Self::SizeBytes { .. } => [("by", "size".into()), ("wanted", Value::from(""))],
        }
        .into();
        let (min, max) = match self {
            Self::SizeBytes { min, max } => (*min, *max),
            _ => (0, 0),
        };
        map.insert("min_bytes", min.into());
        map.insert("max_bytes", max.into());
        let ours: Vec<Value> = marks.iter().map(|mark| Value::from(mark.0.as_str())).collect();
        map.insert("ours", ours.into());
        map.into()
    }
}

impl fmt::Display for TargetDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(text) => write!(f, "the disk with serial number {text}"),
            Self::Wwn(text) => write!(f, "the disk with World Wide Name {text}"),
            Self::SizeBytes { min, max } => write!(f, "the disk of {min} to {max} bytes"),
        }
    }
}

/// `500G`: a whole number with K, M, G or T of 1000, as disks are sold, or KiB, MiB, GiB, TiB.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end)?;
    let factor: u64 = match unit.trim() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "T" | "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// How a disk is known as ours: the GUID of the GPT it got at our last installation, or, without a
/// GPT, the signature of its MBR; as base64 of the bytes on the disk, which is what the smallest
/// installer can still print.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DiskMark(String);

impl DiskMark {
    /// From the bytes at offset 56 of the GPT header: 16 of them.
    pub fn gpt(guid: [u8; 16]) -> Self {
        Self(crate::password::base64(&guid))
    }

    /// From the bytes at offset 440 of the first sector: 4 of them.
    pub fn mbr(signature: [u8; 4]) -> Self {
        Self(crate::password::base64(&signature))
    }

    /// As an installer reported it.
    pub fn reported(text: &str) -> Option<Self> {
        let fit = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
        let (body, length) = (text.trim_end_matches('='), text.len());
        (matches!(length, 8 | 24)
            && text.len().saturating_sub(body.len()) == 2
            && body.chars().all(fit))
        .then(|| Self(text.into()))
    }
}

impl fmt::Display for DiskMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_written_as_it_is_sold() {
        let of = TargetDisk::parse;
        assert_eq!(of("serial: S3 "), TargetDisk::serial("S3"));
        assert_eq!(of("wwn:0x5000C500A1B2C3D4"), TargetDisk::wwn("5000c500a1b2c3d4"));
        assert_eq!(of("size:1G..2TiB"), TargetDisk::size_bytes(1_000_000_000, 2 << 40));
        for text in [
            "",
            "sda",
            "/dev/sda",
            "size:1G",
            "size:1X..2X",
            "size:-1..3",
            "size:2G..1G",
            "serial:",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
        assert!(of("size:99999999999999T..99999999999999T").is_err());
    }

    #[test]
    fn a_disk_is_named_in_any_usual_spelling_or_refused() {
        let wwn = TargetDisk::Wwn("5000c500a1b2c3d4".into());
        for text in [
            "5000c500a1b2c3d4",
            "0x5000C500A1B2C3D4",
            "naa.5000c500a1b2c3d4",
            "wwn-0x5000c500a1b2c3d4",
        ] {
            assert_eq!(TargetDisk::wwn(text), Ok(wwn.clone()), "{text}");
        }
        assert_eq!(TargetDisk::serial(" S3R1AL "), Ok(TargetDisk::Serial("S3R1AL".into())));
        for text in ["", "a\nb", "ü", &"x".repeat(129)] {
            assert!(TargetDisk::serial(text).is_err(), "{text}");
        }
        assert!(TargetDisk::wwn("sda").is_err() && TargetDisk::wwn("0x1").is_err());
        for (min, max) in [(0, 1), (2, 1), (1, u64::MAX)] {
            assert!(TargetDisk::size_bytes(min, max).is_err());
        }
        assert_eq!(DiskMark::mbr([1, 2, 3, 4]), DiskMark("AQIDBA==".into()));
        assert_eq!(DiskMark::reported("AQIDBA=="), Some(DiskMark::mbr([1, 2, 3, 4])));
        assert_eq!(DiskMark::reported("$(reboot)"), None);
        let guid = DiskMark::gpt([7; 16]);
        assert_eq!(DiskMark::reported(&guid.0), Some(guid));
    }
}
