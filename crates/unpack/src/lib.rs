//! Files that hold other files: what they are, and what is in them.
//!
//! ```text
//! head ──▶ kind
//! stream ─Read──▶ decompress (gzip, xz, zstd) ─┬─▶ tar ─▶ files, links
//!                                              └─▶ initramfs ─▶ names
//! image ─ReadAt─▶ disk (MBR, GPT) ─▶ fat ─▶ files, boot loaders
//!               └▶ squashfs ─▶ facts, files, os_release
//! ```
//!
//! In: the bytes of a file, by a reader of the caller's, and limits. Out: what it is, the files in
//! it; or why not, in words: which structure or entry, where, what was found, what to do.
//! Never: a file opened, a clock asked, recursion over what is in a file, a panic, more than the
//! limits allow.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod decompress;
mod disk;
mod error;
mod fat;
mod initramfs;
mod kind;
mod limits;
mod os_release;
mod packing;
mod source;
mod squashfs;
mod tar;
mod text;

pub use decompress::Decompress;
pub use disk::{Boots, DiskImage, EfiLoader, Partition, PartitionType};
pub use error::UnpackError;
pub use fat::{Fat, FatEntry};
pub use initramfs::Initramfs;
pub use kind::{Dialect, HEAD_BYTES, Kind, Scheme, VirtualDisk, kind};
pub use limits::Limits;
pub use os_release::OsRelease;
pub use packing::Packing;
pub use source::{Part, ReadAt};
pub use squashfs::{Compression, Facts, Squashfs, SquashfsEntry, SquashfsKind};
pub use tar::{Member, Take, Tar, Totals};
