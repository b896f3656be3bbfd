//! An installer of the tests' own that takes the steps of Debian's: minutes shorter, the same way.
//!
//! In: Debian's netboot package, and one module more from Debian's archive. Out: a folder that
//! `image import` takes for Debian's installer. Its kernel, its shell and its tools are those of
//! Debian's; what it does is `installer/init`: the answers of `url=` are fetched once, what they say is
//! run before the partitioner is run, a small system goes onto the disk that this chose, and the last
//! command reports. Never: a disk that was not chosen.
//!
//! ```text
//! Debian's initrd.gz ── shell, tools, modules ─┐            ┌─ init, system.img.gz ── initrd.gz
//! its udeb ── virtio_blk ──────────────────────┴── base ────┤
//!                                                           └─ login ── the system's own initrd
//! ```

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::apt::Apt;
use super::disk::{self, Contents};
use super::process::run;
use super::{Trouble, io};

/// What makes it.
pub const PACKAGES: &[&str] = &[
    "cpio",
    "gzip",
    "mtools",
    "shim-signed",
    "grub-efi-amd64-signed",
    "debian-installer-12-netboot-amd64",
];
/// Debian's installer, as its package puts it there.
pub const DEBIAN: &str = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";
/// What the installer says before what it does.
pub const SAYS: &str = "LAB INSTALLER";

/// Where what all of them are made of is kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/installer");
const INIT: &str = include_str!("installer/init");
const SMALL: &str = include_str!("installer/small");
const OF_DEBIAN: &str = include_str!("installer/debian");
/// What makes partitions, file systems and a first system, with the libraries that Debian's initrd does
/// not have.
const BOOTSTRAP: [&str; 13] = [
    "debootstrap",
    "bootstrap-base",
    "dosfstools",
    "e2fsprogs",
    "libext2fs2",
    "libcom-err2",
    "libblkid1",
    "libuuid1",
    "fdisk",
    "libfdisk1",
    "libsmartcols1",
    "libreadline8",
    "libtinfo6",
];
const LOGIN: &str = include_str!("installer/login");
/// The system's GRUB; the installer puts the name of the machine into it.
const GRUB: &str = "linux /linux quiet console=ttyS0 hostname=@NAME@\ninitrd /initrd.gz\nboot\n";
/// The system's partition: the loaders, a kernel, and room.
const SYSTEM_MIB: u32 = 40;
/// In the order in which they are loaded.
const MODULES: [&str; 13] = [
    "virtio",
    "virtio_ring",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "failover",
    "net_failover",
    "virtio_net",
    "virtio_blk",
    "fat",
    "vfat",
    "nls_cp437",
    "nls_ascii",
];
/// What of Debian's initrd its shell needs.
const TOOLS: [&str; 5] = [
    "bin/busybox",
    "usr/sbin/dhcp6c",
    "lib64/ld-linux-x86-64.so.2",
    "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "lib/x86_64-linux-gnu/libc.so.6",
];

/// Makes the folder for `image import` in a directory, and gives its path. It installs a system of a
/// few megabytes.
///
/// # Errors
/// When a package is missing, or a tool fails, with what it said.
pub fn make(directory: &Path) -> Result<PathBuf, Trouble> {
    let base = base()?;
    let kernel = Path::new(DEBIAN).join("linux");
    let system = directory.join("system");
    copy(&base, &system)?;
    script(&system.join("init"), LOGIN)?;
    let initrd = directory.join("system-initrd.gz");
    pack(&system, &initrd)?;
    let files = [(kernel, "linux"), (initrd, "initrd.gz")];
    let image = disk::with(directory, &Contents { mib: SYSTEM_MIB, config: GRUB, files: &files })?;

    let root = directory.join("installer");
    copy(&base, &root)?;
    script(&root.join("init"), INIT)?;
    script(&root.join("install"), SMALL)?;
    let packed = root.join("system.img.gz");
    shell(&format!("gzip -1 <{} >{}", image.display(), packed.display()))?;
    let (tree, initrd) = laid_out(directory)?;
    pack(&root, &initrd)?;
    Ok(tree)
}

/// The same, and it installs Debian: the required packages and these, from the mirror that its answers
/// name. It is Debian's own initrd with more behind it.
///
/// # Errors
/// As [`make`].
pub fn of_debian(directory: &Path, packages: &[&str]) -> Result<PathBuf, Trouble> {
    let root = directory.join("installer");
    copy(&base()?, &root)?;
    let unpacked = tempfile::tempdir_in(directory).map_err(io("making a directory"))?;
    unpack_debian(unpacked.path())?;
    let ext4 = format!("ext4-modules-{}-di", release(unpacked.path())?);
    let apt = Apt::with_udebs(&directory.join("apt"))?;
    apt.unpack(&[BOOTSTRAP.as_slice(), &[&ext4]].concat(), &root)?;
    script(&root.join("init"), INIT)?;
    script(&root.join("install"), OF_DEBIAN)?;
    fs::write(root.join("packages"), packages.join(" ") + "\n")
        .map_err(io("writing the packages to be installed"))?;
    let (tree, initrd) = laid_out(directory)?;
    let more = directory.join("more.gz");
    pack(&root, &more)?;
    shell(&format!("cat {DEBIAN}/initrd.gz {} >{}", more.display(), initrd.display()))?;
    Ok(tree)
}

/// A folder with Debian's kernel, laid out as Debian does: this is what its kind is recognised by.
/// Also gives the place for the initrd.
fn laid_out(directory: &Path) -> Result<(PathBuf, PathBuf), Trouble> {
    let tree = directory.join("tree");
    let at = tree.join("debian-installer/amd64");
    fs::create_dir_all(&at).map_err(io(format!("making {}", at.display())))?;
    fs::copy(Path::new(DEBIAN).join("linux"), at.join("linux"))
        .map_err(io("copying Debian's kernel"))?;
    Ok((tree, at.join("initrd.gz")))
}

/// What the installer and its system both consist of, made once for each kernel of Debian's.
fn base() -> Result<PathBuf, Trouble> {
    let making = || io(format!("making {KEPT}"));
    fs::create_dir_all(KEPT).map_err(making())?;
    let kept = &Path::new(KEPT).canonicalize().map_err(making())?;
    // Two tests want it at the same time; the second waits for the first.
    let lock = File::create(kept.join("lock")).map_err(making())?;
    lock.lock().map_err(io(format!("locking {KEPT}/lock")))?;
    let version = run(Command::new("dpkg-query").args([
        "-W",
        "-f",
        "${Version}",
        "debian-installer-12-netboot-amd64",
    ]))?;
    let recipe = [&[version.as_str()], MODULES.as_slice(), &TOOLS].concat().join(" ");
    let sum = Sha256::digest(recipe.as_bytes());
    let place = kept.join(sum.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>());
    if place.exists() {
        return Ok(place);
    }
    let making = tempfile::Builder::new()
        .prefix("making-")
        .tempdir_in(kept)
        .map_err(io(format!("making a directory in {KEPT}")))?;
    let (unpacked, root) = (making.path().join("unpacked"), making.path().join("root"));
    unpack_debian(&unpacked)?;
    let release = release(&unpacked)?;
    let apt = Apt::with_udebs(&making.path().join("apt"))?;
    apt.unpack(&[&format!("scsi-modules-{release}-di")], &unpacked)?;
    gather(&unpacked, &root)?;
    fs::rename(&root, &place).map_err(io(format!("naming {}", place.display())))?;
    Ok(place)
}

/// Debian's initrd, as files.
fn unpack_debian(into: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(into).map_err(io(format!("making {}", into.display())))?;
    // Device nodes may be refused in a container; nothing here needs them.
    let unpack = format!(
        "cd {} && zcat {DEBIAN}/initrd.gz | cpio -idm --quiet --no-preserve-owner || true",
        into.display()
    );
    shell(&unpack)
}

/// Which kernel its modules are for.
fn release(unpacked: &Path) -> Result<String, Trouble> {
    let modules = unpacked.join("lib/modules");
    let mut all = fs::read_dir(&modules).map_err(io(format!("reading {}", modules.display())))?;
    let first = all.next().and_then(|entry| entry.ok()?.file_name().into_string().ok());
    first.ok_or_else(|| Trouble::Missing(format!("modules in {DEBIAN}/initrd.gz")))
}

/// Puts tools and modules into a root of their own.
fn gather(unpacked: &Path, root: &Path) -> Result<(), Trouble> {
    for folder in ["bin", "modules", "proc", "sys", "dev", "run", "tmp", "target"] {
        let path = root.join(folder);
        fs::create_dir_all(&path).map_err(io(format!("making {}", path.display())))?;
    }
    for name in TOOLS {
        let to = root.join(name);
        let folder = to.parent().unwrap_or(root);
        fs::create_dir_all(folder).map_err(io(format!("making {}", folder.display())))?;
        run(Command::new("cp").arg("-a").arg(unpacked.join(name)).arg(&to))?;
    }
    for module in MODULES {
        let file = format!("{module}.ko");
        let found = run(Command::new("find")
            .arg(unpacked.join("lib/modules"))
            .args(["-name", &file, "-print", "-quit"]))?;
        let to = root.join("modules").join(&file);
        match found.trim() {
            // What the kernel has built in needs no file.
            "" => continue,
            from => fs::copy(from, to).map_err(io(format!("copying {file}")))?,
        };
    }
    fs::write(root.join("modules/order"), MODULES.join("\n") + "\n")
        .map_err(io("writing the order of modules"))
}

fn copy(from: &Path, to: &Path) -> Result<(), Trouble> {
    run(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
}

fn script(path: &Path, text: &str) -> Result<(), Trouble> {
    fs::write(path, text).map_err(io(format!("writing {}", path.display())))?;
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(path, executable).map_err(io("making a script a program"))
}

fn pack(root: &Path, to: &Path) -> Result<(), Trouble> {
    shell(&format!(
        "cd {} && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1 >{}",
        root.display(),
        to.display()
    ))
}

fn shell(script: &str) -> Result<(), Trouble> {
    run(Command::new("sh").args(["-c", script])).map(drop)
}
