//! What a disc says of itself as a whole.

use crate::date::Date;
use std::fmt;

/// A file system of a disc, as it can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// UDF, with its revision: 0x0102 is 1.02.
    Udf(u16),
    /// UDF that cannot be read.
    UdfDamaged,
    /// ISO 9660 with Rock Ridge.
    RockRidge,
    /// ISO 9660 with Joliet.
    Joliet,
    /// ISO 9660 alone.
    Iso9660,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udf(revision) => write!(f, "UDF {:x}.{:02x}", revision >> 8, revision & 0xff),
            Self::UdfDamaged => f.write_str("UDF (not readable)"),
            Self::RockRidge => f.write_str("Rock Ridge"),
            Self::Joliet => f.write_str("Joliet"),
            Self::Iso9660 => f.write_str("ISO 9660"),
        }
    }
}

/// Names and dates in a volume descriptor. What a file system has no field for is empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ids {
    /// What the disc is called.
    pub volume: String,
    /// What the set of discs is called that it belongs to.
    pub volume_set: String,
    /// The system that can act on it.
    pub system: String,
    /// Who published it.
    pub publisher: String,
    /// Who, or which program, prepared it.
    pub preparer: String,
    /// Which application it is for, or was made by.
    pub application: String,
    /// Name of a file with the copyright.
    pub copyright: String,
    /// Name of a file with a summary.
    pub summary: String,
    /// Name of a file with bibliographic records.
    pub bibliography: String,
    /// When it was made.
    pub created: Option<Date>,
    /// When it was last changed.
    pub modified: Option<Date>,
    /// When its content gets stale.
    pub expires: Option<Date>,
    /// From when on its content may be used.
    pub effective: Option<Date>,
}

/// A disc as a whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Volume {
    /// Of the primary volume descriptor of ISO 9660.
    pub iso: Option<Ids>,
    /// Of Joliet's descriptor.
    pub joliet: Option<Ids>,
    /// Of UDF.
    pub udf: Option<Ids>,
    /// Every file system that is there, the one that is used first.
    pub found: Vec<Format>,
    /// The one whose tree is told.
    pub used: Format,
    /// Why that one.
    pub because: String,
    /// How many bytes the disc should have, if it says so.
    pub declared: Option<u64>,
    /// A partition table stands in its first sector: it can be written to a stick (isohybrid).
    pub hybrid: bool,
    /// What is odd about it, and does not keep it from being read. At most
    /// [`notes_max`](crate::Limits) and a count of the rest.
    pub notes: Vec<String>,
}

impl Volume {
    /// Names and dates of the file system that is used.
    #[must_use]
    pub fn ids(&self) -> &Ids {
        static NONE: std::sync::LazyLock<Ids> = std::sync::LazyLock::new(Ids::default);
        let ids = match self.used {
            Format::Udf(_) | Format::UdfDamaged => &self.udf,
            Format::Joliet => &self.joliet,
            Format::RockRidge | Format::Iso9660 => &self.iso,
        };
        ids.as_ref().unwrap_or(&NONE)
    }
}
