//! A live disc in the style of Debian's, made of Debian's packages: what people boot diskless.
//!
//! In: the packages this machine's apt knows. Out: an ISO with `live/vmlinuz`, `live/initrd.img` and
//! `live/filesystem.squashfs`, and the hash of that file system; the system says it on the serial
//! port when its user space is up. Never: a package host's name; a change to this machine.
//!
//! ```text
//! apt's sources ── mmdebstrap ── root ── mksquashfs ─┐
//!                   live-boot's initrd, the kernel ──┴── xorriso ── target/live/KEY/live.iso
//! ```
//!
//! The disc is made once, in about a minute, and kept under a key: the hash of this recipe and of
//! the versions that apt would install.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use model::Hash;
use sha2::{Digest, Sha256};

use super::need::need;
use super::process::run;
use super::{Trouble, io, iso};

/// What makes the disc.
pub const PACKAGES: &[&str] = &["mmdebstrap", "squashfs-tools"];
/// What the system says when its user space is up; the hash of the file system it runs from
/// follows.
pub const REACHED: &str = "LIVE SYSTEM REACHED";
/// Where the file system stands on the disc.
pub const SQUASHFS: &str = "live/filesystem.squashfs";

/// Where discs are kept.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/live");
/// The release of Debian that is on the disc, and where its packages may come from.
const RELEASE: &str = "bookworm";
const SUITES: [&str; 3] = ["bookworm", "bookworm-updates", "bookworm-security"];
/// What is installed. The kernel for clouds has the drivers of QEMU's network card and few others.
const SYSTEM: [&str; 5] = [
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "live-boot",
    "live-boot-initramfs-tools",
    "systemd-sysv",
];
/// What nobody reads on a machine that lives for a minute.
const NOT_INSTALLED: [&str; 3] = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*"];
/// What stays out of the file system: kernel and initrd stand beside it, and where the packages
/// came from is this machine's affair.
const NOT_PACKED: [&str; 4] = ["boot", "etc/apt", "var/lib/apt", "var/cache"];
/// Unpacked by an emulated processor, so what is small to read matters less than what is quick.
const PACKING: [&str; 4] = ["-comp", "zstd", "-Xcompression-level", "3"];
/// What the disc says it is: the importer recognises it by the beginning.
const INFO: &str = "Debian GNU/Linux Live 12 \"Bookworm\" - lab amd64\n";
const VOLUME: &str = "LAB LIVE";
/// live-boot keeps what it fetched, or the disc it found, below /run/live/medium.
const MARKER: &str = "#!/bin/sh\n\
    for port in ttyS0 ttyAMA0; do [ -c /dev/$port ] && break; done\n\
    sum=$(sha256sum /run/live/medium/live/filesystem.squashfs)\n\
    echo \"LIVE SYSTEM REACHED ${sum%% *}\" >/dev/$port\n";
const SERVICE: &str = "[Unit]\nDescription=Says on the serial port that user space is up\n\
    [Service]\nType=oneshot\nExecStart=/usr/local/sbin/marker\n\
    [Install]\nWantedBy=multi-user.target\n";

/// A disc that was made.
#[derive(Clone, Debug)]
pub struct Disc {
    /// The ISO.
    pub iso: PathBuf,
    /// The SHA-256 of [`SQUASHFS`] on it.
    pub squashfs: Hash,
}

impl Disc {
    /// The line that the system writes when it runs from this very disc.
    #[must_use]
    pub fn reached(&self) -> String {
        format!("{REACHED} {}", self.squashfs)
    }
}

/// The disc: the one that was kept if it is still what would be made, else a new one.
///
/// # Errors
/// When packages cannot be had (no network?), or a tool fails, with what it said.
pub fn disc() -> Result<Disc, Trouble> {
    need(PACKAGES)?;
    need(iso::PACKAGES)?;
    let making = || io(format!("making {KEPT}"));
    fs::create_dir_all(KEPT).map_err(making())?;
    let kept = &Path::new(KEPT).canonicalize().map_err(making())?;
    // Two tests want it at the same time; the second waits for the first.
    let lock = File::create(kept.join("lock")).map_err(io(format!("making {KEPT}/lock")))?;
    lock.lock().map_err(io(format!("locking {KEPT}/lock")))?;
    let sources = sources()?;
    let place = kept.join(key(&sources)?);
    if !place.exists() {
        eprintln!("making a live disc of Debian's packages in {}", place.display());
        make(&sources, kept, &place)?;
    }
    let sum = place.join("squashfs.sha256");
    let text = fs::read_to_string(&sum).map_err(io(format!("reading {}", sum.display())))?;
    let squashfs = text.trim().parse().map_err(|said| Trouble::Command {
        command: format!("reading {}", sum.display()),
        said: format!("{said}; remove {} and it is made again", place.display()),
    })?;
    Ok(Disc { iso: place.join("live.iso"), squashfs })
}

/// Lines of a sources.list, as this machine's apt has them, of Debian's own suites.
fn sources() -> Result<Vec<String>, Trouble> {
    let known = known_sources()?;
    if !known.is_empty() {
        return Ok(known);
    }
    let updated = run(Command::new("apt-get").args(["update", "-o", "DPkg::Lock::Timeout=600"]));
    let known = known_sources()?;
    match known.is_empty() {
        false => Ok(known),
        true => Err(Trouble::Missing(format!(
            "lists of Debian's packages: apt knows none of {SUITES:?}, and `apt-get update` {}",
            updated.map_or_else(|trouble| trouble.to_string(), |_| "brought none".to_owned())
        ))),
    }
}

fn known_sources() -> Result<Vec<String>, Trouble> {
    let text = run(Command::new("apt-get")
        .args(["indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"])
        .args(["Created-By: Packages", "Origin: Debian"]))?;
    Ok(sources_in(&text))
}

/// From lines of suite, component and place to those of a sources.list.
fn sources_in(text: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (suite, component, place) = (words.next()?, words.next()?, words.next()?);
        let wanted = SUITES.contains(&suite) && component == "main";
        wanted.then(|| format!("deb {place} {suite} {component}"))
    };
    let mut lines: Vec<String> = text.lines().filter_map(line).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Names what would be made: the recipe, and the versions of what it names.
fn key(sources: &[String]) -> Result<String, Trouble> {
    let said = run(Command::new("apt-cache").arg("policy").args(SYSTEM).env("LC_ALL", "C"))?;
    let versions: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.starts_with("Candidate:")).collect();
    if versions.len() != SYSTEM.len() || versions.iter().any(|line| line.ends_with("(none)")) {
        return Err(Trouble::Missing(format!(
            "one of {SYSTEM:?} in apt's lists (`apt-get update` may bring it): {versions:?}"
        )));
    }
    let suites = sources.iter().filter_map(|line| line.split_whitespace().nth(2));
    let mut hasher = Sha256::new();
    for part in [
        SYSTEM.as_slice(),
        &NOT_INSTALLED,
        &NOT_PACKED,
        &PACKING,
        &[INFO, VOLUME, MARKER, SERVICE],
        &versions,
        &suites.collect::<Vec<_>>(),
    ]
    .concat()
    {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    Ok(Hash(hasher.finalize().into()).to_string().chars().take(16).collect())
}

/// Makes it beside its place and puts it there as a whole.
fn make(sources: &[String], kept: &Path, place: &Path) -> Result<(), Trouble> {
    let directory = tempfile::Builder::new()
        .prefix("making-")
        .tempdir_in(kept)
        .map_err(io(format!("making a directory in {KEPT}")))?;
    let at = directory.path();
    let (root, tree, done) = (at.join("root"), at.join("tree"), at.join("done"));
    install(sources, at, &root)?;
    mark(&root)?;
    for folder in [&done, &tree.join("live"), &tree.join(".disk")] {
        fs::create_dir_all(folder).map_err(io(format!("making {}", folder.display())))?;
    }
    let squashfs = tree.join(SQUASHFS);
    let mut pack = Command::new("mksquashfs");
    pack.arg(&root).arg(&squashfs).args(["-noappend", "-no-progress", "-quiet"]).args(PACKING);
    run(pack.arg("-e").args(NOT_PACKED))?;
    write(&tree.join(".disk/info"), INFO)?;
    for (prefix, name) in [("vmlinuz-", "live/vmlinuz"), ("initrd.img-", "live/initrd.img")] {
        let from = only(&root.join("boot"), prefix)?;
        fs::copy(&from, tree.join(name)).map_err(io(format!("copying {}", from.display())))?;
    }
    iso::write(&tree, VOLUME, &done.join("live.iso"))?;
    write(&done.join("squashfs.sha256"), &sha256(&squashfs)?.to_string())?;
    fs::rename(&done, place).map_err(io(format!("naming {}", place.display())))
}

fn install(sources: &[String], at: &Path, root: &Path) -> Result<(), Trouble> {
    let list = at.join("sources.list");
    write(&list, &(sources.join("\n") + "\n"))?;
    let mut command = Command::new("mmdebstrap");
    command
        .args(["--quiet", "--variant=minbase", "--mode=root"])
        .arg(format!("--include={}", SYSTEM.join(",")))
        .args(NOT_INSTALLED.map(|what| format!("--dpkgopt=path-exclude={what}")));
    let ways = ways_out()?;
    if !ways.is_empty() {
        let file = at.join("ways-out");
        write(&file, &ways)?;
        command.arg(format!("--aptopt={}", file.display()));
    }
    command.arg(RELEASE).arg(root).arg(&list);
    run(&mut command).map(drop)
}

/// What this machine's apt says about how the network is reached: proxies, and whom to trust there.
fn ways_out() -> Result<String, Trouble> {
    let said = run(Command::new("apt-config").args(["dump", "Acquire"]))?;
    let of_the_way = |line: &&str| {
        let name = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        name.ends_with("::proxy") || name.ends_with("::cainfo")
    };
    Ok(said.lines().filter(of_the_way).map(|line| format!("{line}\n")).collect())
}

/// Puts the program that says [`REACHED`] into the system.
fn mark(root: &Path) -> Result<(), Trouble> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let marker = root.join("usr/local/sbin/marker");
    write(&marker, MARKER)?;
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&marker, executable).map_err(io("making the marker a program"))?;
    let units = root.join("etc/systemd/system");
    let wanted = units.join("multi-user.target.wants");
    fs::create_dir_all(&wanted).map_err(io(format!("making {}", wanted.display())))?;
    write(&units.join("marker.service"), SERVICE)?;
    for (to, link) in [
        ("../marker.service", wanted.join("marker.service")),
        ("/lib/systemd/system/multi-user.target", units.join("default.target")),
    ] {
        symlink(to, &link).map_err(io(format!("linking {}", link.display())))?;
    }
    Ok(())
}

/// The one file in a folder whose name begins like this.
fn only(folder: &Path, prefix: &str) -> Result<PathBuf, Trouble> {
    let reading = || io(format!("reading {}", folder.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(reading())? {
        let entry = entry.map_err(reading())?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    match <[PathBuf; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(found) => Err(Trouble::Missing(format!(
            "one file {prefix}* in {}: there are {}",
            folder.display(),
            found.len()
        ))),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Trouble> {
    fs::write(path, text).map_err(io(format!("writing {}", path.display())))
}

/// The hash of a file.
fn sha256(path: &Path) -> Result<Hash, Trouble> {
    let reading = || io(format!("reading {}", path.display()));
    let mut file = File::open(path).map_err(reading())?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let got = file.read(&mut buffer).map_err(reading())?;
        match buffer.get(..got) {
            Some([]) | None => return Ok(Hash(hasher.finalize().into())),
            Some(bytes) => hasher.update(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MARKER, REACHED, sources_in};

    #[test]
    fn only_debians_own_suites_are_sources() {
        let text = "bookworm main http://mirror.example/debian/\n\
                    bookworm main http://mirror.example/debian/\n\
                    bookworm contrib http://mirror.example/debian/\n\
                    bookworm-backports main http://mirror.example/debian/\n\
                    bookworm-security main http://mirror.example/security/\n\nbookworm\n";
        assert_eq!(
            sources_in(text),
            [
                "deb http://mirror.example/debian/ bookworm main",
                "deb http://mirror.example/security/ bookworm-security main"
            ]
        );
    }

    #[test]
    fn the_marker_says_what_is_waited_for() {
        assert!(MARKER.contains(&format!("echo \"{REACHED} ")));
    }
}
