//! Discs for the library: a folder written as an ISO 9660 image by xorriso.
//!
//! In: a folder, a volume identifier. Out: a file with Rock Ridge and Joliet names, the same bytes
//! for the same folder. Never: a disc of a vendor's; what is on it comes from Debian's packages or
//! from the caller.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;
use super::{Trouble, io};

/// What writes them.
pub const PACKAGES: &[&str] = &["xorriso"];
/// What [`memtest`] is made of.
pub const MEMTEST: &[&str] = &["memtest86+"];
/// All dates on a disc, in seconds since 1970: xorriso takes the time of day otherwise, and no two
/// discs are the same.
const DATE_S: &str = "1700000000";

/// Writes what is below `tree` as a disc to the file `to`. Symbolic links on the command line are
/// followed, those below `tree` too.
///
/// # Errors
/// When xorriso is missing or fails.
pub fn write(tree: &Path, volume: &str, to: &Path) -> Result<(), Trouble> {
    let mut command = Command::new("xorriso");
    command
        .args(["-as", "mkisofs", "-quiet", "-f", "-r", "-J", "-joliet-long", "-V", volume, "-o"])
        .arg(to)
        .arg(tree)
        .env("SOURCE_DATE_EPOCH", DATE_S);
    run(&mut command).map(drop)
}

/// A disc with Debian's memtest86+ for BIOS and for UEFI, written into `directory`.
///
/// # Errors
/// When the package is not installed, or xorriso fails.
pub fn memtest(directory: &Path) -> Result<PathBuf, Trouble> {
    let (tree, iso) = (directory.join("memtest"), directory.join("memtest.iso"));
    for (from, name) in [
        ("/boot/memtest86+x64.bin", "boot/memtest.bin"),
        ("/boot/memtest86+x64.efi", "EFI/BOOT/BOOTX64.EFI"),
    ] {
        let path = tree.join(name);
        let folder = path.parent().unwrap_or(&tree);
        fs::create_dir_all(folder).map_err(io(format!("making {}", folder.display())))?;
        symlink(from, &path).map_err(io(format!("linking {}", path.display())))?;
    }
    write(&tree, "MT86PLUS_64", &iso)?;
    Ok(iso)
}
