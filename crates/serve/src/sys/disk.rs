//! How much the kernel had to fetch from disks for this thread.
use nix::sys::resource::{UsageWho, getrusage};

/// Blocks that were read from disks on behalf of the calling thread so far (getrusage(2), ru_inblock).
/// 0 where the kernel does not count.
pub(crate) fn block_reads() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(0, |usage| usage.block_reads())
}
