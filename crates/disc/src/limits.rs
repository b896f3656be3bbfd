//! How much a disc may ask for. Every list, loop and depth that an image can grow ends at one of
//! these, with its name in the error.

/// What one disc may cost. The defaults hold every disc we know of many times over, and keep the
/// reader below 64 MB whatever the image says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Files, directories, links and devices in all.
    pub entries_max: u32,
    /// Directories within each other.
    pub depth_max: u32,
    /// Bytes of a path, slashes included.
    pub path_bytes_max: u32,
    /// Bytes of all names and targets of links.
    pub names_bytes_max: u32,
    /// Extents of all files.
    pub extents_max: u32,
    /// Bytes of one directory as it stands on the disc.
    pub directory_bytes_max: u32,
    /// Hops from one piece of a structure to the next: continuation areas of Rock Ridge, volume
    /// descriptor sequences, file sets.
    pub continuation_hops_max: u32,
    /// Blocks of allocation descriptors of one file of UDF. Files that grew bit by bit have many.
    pub allocation_hops_max: u32,
    /// Volume descriptors, and entries of the boot catalogue.
    pub descriptors_max: u32,
    /// Bytes looked at to learn what is on the disc, each time they are.
    pub metadata_bytes_max: u64,
    /// Remarks kept; what exceeds them is counted.
    pub notes_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries_max: 100_000,
            depth_max: 64,
            path_bytes_max: 4096,
            names_bytes_max: 8 << 20,
            extents_max: 200_000,
            directory_bytes_max: 8 << 20,
            continuation_hops_max: 64,
            allocation_hops_max: 8192,
            descriptors_max: 128,
            metadata_bytes_max: 512 << 20,
            notes_max: 32,
        }
    }
}
