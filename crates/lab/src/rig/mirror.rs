//! A mirror of Debian with what one small system is made of: the archive's own signed lists, and of
//! its packages those that are installed.
//!
//! In: names of packages. Out: a folder, `dists/` and `pool/`, as any mirror has it; kept under
//! `target/mirror` for the version of the lists. Never: a package or a list of our own making.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::apt::{Apt, RELEASE};
use super::{Trouble, io};

/// Where mirrors are kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/mirror");
/// The list of packages, as the archive compresses it.
const PACKAGES: &str = "main/binary-amd64/Packages.xz";

/// A mirror from which a system of the required packages and these can be installed.
///
/// # Errors
/// When the archive cannot be reached, or does not have one of them.
pub fn make(names: &[&str]) -> Result<PathBuf, Trouble> {
    let making = || io(format!("making {KEPT}"));
    fs::create_dir_all(KEPT).map_err(making())?;
    let kept = &Path::new(KEPT).canonicalize().map_err(making())?;
    let lock = File::create(kept.join("lock")).map_err(making())?;
    lock.lock().map_err(io(format!("locking {KEPT}/lock")))?;
    let apt = Apt::with_udebs(&kept.join("apt"))?;
    let lists = kept.join("lists");
    fs::create_dir_all(&lists).map_err(making())?;
    let signed = lists.join("InRelease");
    apt.file(&format!("dists/{RELEASE}/InRelease"), &signed)?;
    let place = kept.join(key(&signed, names)?);
    if place.exists() {
        return Ok(place);
    }
    let made = tempfile::Builder::new()
        .prefix("making-")
        .tempdir_in(kept)
        .map_err(io(format!("making a directory in {KEPT}")))?;
    let root = made.path().join("debian");
    let dists = root.join("dists").join(RELEASE);
    let list = dists.join(PACKAGES);
    copy(&signed, &dists.join("InRelease"))?;
    let packages = lists.join("Packages.xz");
    apt.file(&format!("dists/{RELEASE}/{PACKAGES}"), &packages)?;
    copy(&packages, &list)?;
    // Debian's archive gives each list under its hash, too, and says so.
    let by_hash = list.with_file_name("by-hash/SHA256").join(sum(&packages)?);
    copy(&packages, &by_hash)?;

    let required = apt.required()?;
    let wanted: BTreeSet<&str> =
        required.iter().map(String::as_str).chain(names.iter().copied()).collect();
    for (from, to) in apt.fetch(&wanted.into_iter().collect::<Vec<_>>())? {
        copy(&from, &root.join(to))?;
    }
    fs::rename(&root, &place).map_err(io(format!("naming {}", place.display())))?;
    Ok(place)
}

/// Names what would be made: the lists, and what is wanted of them.
fn key(signed: &Path, names: &[&str]) -> Result<String, Trouble> {
    let sum = sum(signed)? + &names.join(" ");
    Ok(hex(&Sha256::digest(sum.as_bytes())).chars().take(16).collect())
}

fn sum(file: &Path) -> Result<String, Trouble> {
    let bytes = fs::read(file).map_err(io(format!("reading {}", file.display())))?;
    Ok(hex(&Sha256::digest(&bytes)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(io(format!("making {}", folder.display())))?;
    fs::copy(from, to).map(drop).map_err(io(format!("copying {}", from.display())))
}
