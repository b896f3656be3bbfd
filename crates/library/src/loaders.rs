//! Bootloaders: found where Debian's packages put them, or in a file, folder or package an
//! operator named; told apart by their bytes; given the names firmware is sent for.
//!
//! ```text
//! path ──likely?──▶ bytes ──identify──▶ kind, arch, signers, SBAT
//!                              └──▶ version: its package's, its SBAT line's, its own text
//! ```
//!
//! In: roots of file systems, or one path. Out: [`FoundLoader`], at most one for a name. The
//! architecture is that of the machine code, never of the file's name; the name only tells two
//! builds of iPXE apart, which their bytes do not. Never: whether a machine trusts who signed.

use crate::deb::{self, Wanted};
use crate::dpkg;
use crate::identify::{file_name, identify, likely};
use crate::import::ImportError;
use crate::store::{Blobs, StoreError};
use crate::tree::Tree;
use model::image::LoaderKind;
use model::{Arch, Hash, Loader};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of one bootloader. The largest known, a GRUB with all modules, has 7 MB.
pub const LOADER_MAX: u64 = 32 << 20;
/// Bytes of all bootloaders looked at together; they are held in memory.
pub const TOTAL_MAX: u64 = 128 << 20;
/// Folders inside folders, where packages put their loaders.
const DEPTH_MAX: usize = 4;
/// Files looked at below one folder.
const FILES_MAX: usize = 20_000;

/// Where Debian's packages (and those made after them) put bootloaders. `*-signed` below
/// `usr/lib/grub` is added to these.
pub const PLACES: [&str; 7] = [
    "usr/lib/ipxe",
    "usr/lib/shim",
    "usr/lib/PXELINUX",
    "usr/lib/syslinux/modules/bios",
    "usr/lib/syslinux/modules/efi64",
    "usr/lib/syslinux/modules/efi32",
    "usr/share/ipxe",
];

/// A bootloader, not published yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundLoader {
    /// The name it is served by, unique among those found together.
    pub name: String,
    /// What it is.
    pub kind: LoaderKind,
    /// For which firmware, by its machine code.
    pub arch: Arch,
    /// Its package's version, else the file's own; `unknown` otherwise.
    pub version: String,
    /// Where it was found: a path, or `ipxe_1.21.1_all.deb:/usr/lib/ipxe/...`.
    pub path: String,
    /// "signer, issued by issuer", one for each signature, and what makes it worthless if anything does.
    pub signers: Vec<String>,
    /// Its SBAT lines.
    pub sbat: Vec<String>,
    /// Other files that would have had the same name, and were passed over.
    pub passed_over: Vec<String>,
    pub(crate) bytes: Vec<u8>,
}

impl FoundLoader {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As the engine takes it. Its bytes are hashed, not kept.
    pub fn described(&self) -> Loader {
        let sha256 = Hash(Sha256::digest(&self.bytes).into());
        self.with_hash(sha256, self.bytes.len() as u64)
    }

    fn with_hash(&self, sha256: Hash, size: u64) -> Loader {
        Loader {
            name: self.name.clone(),
            kind: self.kind,
            arch: self.arch,
            version: self.version.clone(),
            path: self.path.clone(),
            sha256,
            size,
            signers: self.signers.clone(),
        }
    }
}

/// The bootloaders that packages installed below these roots, normally only `/`; by name. Where
/// two roots have one of the same name, the first root's is taken.
pub fn find(roots: &[PathBuf]) -> Vec<FoundLoader> {
    let mut all = Vec::new();
    let mut total = 0;
    for root in roots {
        let mut found = Vec::new();
        for path in places(root).iter().flat_map(|place| plain_files(place)) {
            let of_root = path.canonicalize().ok().filter(|real| below(root, real));
            let bytes = of_root.as_deref().and_then(|real| read_loader(real).ok());
            if let Some((loader, real)) = bytes.and_then(|b| identify(&path, b)).zip(of_root) {
                total += loader.bytes.len() as u64;
                if total > TOTAL_MAX {
                    break;
                }
                found.push((loader, real));
            }
        }
        versions_from_dpkg(root, &mut found);
        all.extend(pick(found.into_iter().map(|(loader, _)| loader).collect()));
    }
    first_of_each_name(all)
}

/// The bootloaders in a file, a folder, or a Debian package (`.deb`); by name.
pub fn import(path: &Path) -> Result<Vec<FoundLoader>, LoaderError> {
    let unreadable = |cause| LoaderError::Read { path: path.to_owned(), cause };
    let told = fs::metadata(path).map_err(unreadable)?;
    let found = if told.is_dir() {
        of_folder(path)?
    } else if !told.is_file() {
        return Err(LoaderError::NoPlainFile { path: path.to_owned() });
    } else if begins_as_deb(path).map_err(unreadable)? {
        of_package(path)?
    } else if told.len() > LOADER_MAX {
        return Err(LoaderError::TooLarge { path: path.to_owned() });
    } else {
        let bytes = read_loader(path).map_err(unreadable)?;
        identify(path, bytes).into_iter().collect()
    };
    if found.is_empty() {
        return Err(LoaderError::Nothing { path: path.to_owned() });
    }
    Ok(pick(found))
}

/// Keeps a loader's bytes and gives it as the engine takes it.
pub fn publish(found: &FoundLoader, blobs: &Blobs) -> Result<Loader, StoreError> {
    let (sha256, size) = blobs.add(&mut found.bytes(), &mut |_| true)?;
    Ok(found.with_hash(sha256, size))
}

fn places(root: &Path) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = PLACES.iter().map(|place| root.join(place)).collect();
    let grub = fs::read_dir(root.join("usr/lib/grub")).into_iter().flatten().flatten();
    let mut signed: Vec<PathBuf> = grub
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with("-signed"))
        .collect();
    signed.sort();
    places.append(&mut signed);
    places
}

/// Links lead from `/usr/lib/ipxe` to `/boot`, but not out of the root that was named.
fn below(root: &Path, real: &Path) -> bool {
    root.canonicalize().is_ok_and(|root| real.starts_with(root))
}

/// Files that may be bootloaders, in order of their path. Links to folders are not followed.
fn plain_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => waiting.push((path, depth + 1)),
                Ok(kind) if !kind.is_dir() && likely(&path.to_string_lossy()) => files.push(path),
                _ => {}
            }
            if files.len() >= FILES_MAX {
                break;
            }
        }
    }
    files.sort();
    files
}

fn of_folder(path: &Path) -> Result<Vec<FoundLoader>, LoaderError> {
    let tree = Tree::walk(path).map_err(LoaderError::Folder)?;
    let mut found = Vec::new();
    let mut total = 0;
    for entry in tree.files.iter().filter(|e| e.size <= LOADER_MAX && likely(&e.path)) {
        total += entry.size;
        if total > TOTAL_MAX {
            return Err(LoaderError::TooLarge { path: path.to_owned() });
        }
        let shown = path.join(&entry.path);
        let mut file = tree.open(&entry.path).map_err(LoaderError::Folder)?;
        let bytes = read_all(&mut file)
            .map_err(|cause| LoaderError::Read { path: shown.clone(), cause })?;
        found.extend(identify(&shown, bytes));
    }
    Ok(found)
}

fn of_package(path: &Path) -> Result<Vec<FoundLoader>, LoaderError> {
    let file =
        File::open(path).map_err(|cause| LoaderError::Read { path: path.to_owned(), cause })?;
    let wanted = Wanted { path: &likely, file_max: LOADER_MAX, total_max: TOTAL_MAX };
    let deb = deb::read(file, &wanted)
        .map_err(|cause| LoaderError::Package { path: path.to_owned(), cause })?;
    let package = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let found = deb.files.into_iter().filter_map(|(inner, bytes)| {
        let mut loader = identify(Path::new(&inner), bytes)?;
        loader.path = format!("{package}:{inner}");
        if !deb.package.version.is_empty() {
            loader.version = version_of(&deb.package);
        }
        Some(loader)
    });
    Ok(found.collect())
}

fn begins_as_deb(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(8).read_to_end(&mut head)?;
    Ok(head == b"!<arch>\n")
}

fn read_loader(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    read_all(&mut File::open(path)?)
}

fn read_all(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LOADER_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LOADER_MAX {
        Err(io::ErrorKind::FileTooLarge.into())
    } else {
        Ok(bytes)
    }
}

fn versions_from_dpkg(root: &Path, found: &mut [(FoundLoader, PathBuf)]) {
    let inside = |path: &Path| path.strip_prefix(root).map(|p| format!("/{}", p.display()));
    // A link and the file behind it may belong to different packages: the file's is meant.
    let real_root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let behind = |real: &Path| real.strip_prefix(&real_root).map(|p| format!("/{}", p.display()));
    let names: Vec<String> = found
        .iter()
        .flat_map(|(loader, real)| [inside(Path::new(&loader.path)), behind(real)])
        .flatten()
        .collect();
    let owners = dpkg::owners(root, &names);
    for (loader, real) in found {
        let own = [behind(real), inside(Path::new(&loader.path))];
        if let Some(package) = own.iter().flatten().find_map(|path| owners.get(path)) {
            loader.version = version_of(package);
        }
    }
}

fn version_of(package: &dpkg::Package) -> String {
    format!("{} ({})", package.version, package.name)
}

/// One loader for a name: the file called most like it should be, then the first path.
fn pick(mut found: Vec<FoundLoader>) -> Vec<FoundLoader> {
    found.sort_by_cached_key(|loader| (demerit(loader), loader.path.clone()));
    first_of_each_name(found)
}

fn first_of_each_name(found: Vec<FoundLoader>) -> Vec<FoundLoader> {
    let mut by_name: BTreeMap<String, FoundLoader> = BTreeMap::new();
    for loader in found {
        match by_name.get_mut(&loader.name) {
            Some(first) => {
                first.passed_over.push(loader.path);
                first.passed_over.extend(loader.passed_over);
            }
            None => {
                by_name.insert(loader.name.clone(), loader);
            }
        }
    }
    by_name.into_values().collect()
}

/// How unlike the plain build of its kind a file is called; less is better.
fn demerit(loader: &FoundLoader) -> u32 {
    let name = file_name(&loader.path);
    // Debian's installer GRUB looks for its files below the installer's folder, Ubuntu keeps the
    // shim before last as `.previous`; `.kkpxe` keeps what `.kpxe` frees.
    let odd = ["-installer", ".previous", ".dualsigned", ".kkpxe", "debug"];
    let strange = odd.iter().filter(|part| name.contains(*part)).count();
    let plain = match loader.kind {
        LoaderKind::Grub => name.starts_with("grubnet"),
        LoaderKind::Shim => name.starts_with("shim"),
        LoaderKind::Ipxe => name.starts_with("ipxe"),
        _ => true,
    };
    u32::try_from(strange).unwrap_or(u32::MAX).saturating_mul(2) + u32::from(!plain)
}

/// Why no bootloaders could be taken from where the operator pointed.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// The surroundings: it is not there, or not for us.
    #[error(
        "cannot read {path}: {cause}; check that it exists and that the server's user may read it"
    )]
    Read {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The operator's wish: a device, a FIFO, a socket.
    #[error(
        "{path} is neither a plain file nor a folder; name a bootloader, a folder of them, or a .deb"
    )]
    NoPlainFile {
        /// What.
        path: PathBuf,
    },
    /// The folder could not be read.
    #[error(transparent)]
    Folder(ImportError),
    /// The content: a package that is damaged or none.
    #[error(
        "{path} is no package we can read: {cause}; fetch it again, or unpack it and import the folder"
    )]
    Package {
        /// What.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: io::Error,
    },
    /// The content: more than any bootloader has.
    #[error(
        "{path} is larger than any bootloader (32 MiB each, 128 MiB together); an operating system is imported with `image import`"
    )]
    TooLarge {
        /// What.
        path: PathBuf,
    },
    /// The content: no bootloader.
    #[error(
        "no bootloader in {path}: looked for iPXE (undionly.kpxe, ipxe.pxe, *.efi), signed shim, signed GRUB with network modules, PXELINUX and ldlinux; an operating system is imported with `image import`"
    )]
    Nothing {
        /// Where.
        path: PathBuf,
    },
}
