//! How much a file may ask for when it is opened. Every list, loop and buffer that it can grow ends
//! at one of these, with its name in the error.

/// What one file may cost. The defaults hold every image we know of, and keep the reader below
/// 256 MB of memory whatever the file says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Entries of an archive, of a FAT, of one directory of a squashfs; names of an initramfs.
    pub entries_max: u32,
    /// Directories within each other.
    pub depth_max: u32,
    /// Bytes of a path, slashes included.
    pub path_bytes_max: u32,
    /// Bytes of all names and targets of links that are kept.
    pub names_bytes_max: u64,
    /// Bytes of what stands before one file in a tar: long names, pax headers, maps of holes.
    pub header_bytes_max: u64,
    /// Bytes that come out of one file in all.
    pub unpacked_bytes_max: u64,
    /// Bytes out for each byte in, counted from the start, once [`ratio_free_bytes`] are out.
    ///
    /// [`ratio_free_bytes`]: Limits::ratio_free_bytes
    pub ratio_max: u64,
    /// So many bytes may come out whatever the ratio: the empty file system at the start of a disk
    /// image shrinks to nothing, and is no bomb.
    pub ratio_free_bytes: u64,
    /// Memory of a decoder, its window above all. `xz -9` needs 65 MiB, `zstd -19` 8, `--ultra` and
    /// `--long` 128 MiB.
    pub decoder_bytes_max: u64,
    /// Bytes looked at to learn what is in a disk image, a FAT or a squashfs.
    pub metadata_bytes_max: u64,
    /// Bytes of a file that is read into memory whole.
    pub file_bytes_max: u64,
    /// Partitions of a disk.
    pub partitions_max: u32,
    /// Symbolic links followed to find one file.
    pub link_hops_max: u32,
    /// Members of a compressed file, one after the other; archives of an initramfs.
    pub members_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries_max: 100_000,
            depth_max: 32,
            path_bytes_max: 1024,
            names_bytes_max: 16 << 20,
            header_bytes_max: 1 << 20,
            unpacked_bytes_max: 128 << 30,
            ratio_max: 200,
            ratio_free_bytes: 256 << 20,
            decoder_bytes_max: 128 << 20,
            metadata_bytes_max: 256 << 20,
            file_bytes_max: 64 << 20,
            partitions_max: 256,
            link_hops_max: 16,
            members_max: 100_000,
        }
    }
}
