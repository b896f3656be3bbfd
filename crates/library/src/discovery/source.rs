//! Where kernel and modules come from: a package of Debian, or an installed system.
//!
//! In: a path. Out: the kernel, and modules by what is wanted, unpacked. Never: everything at once:
//! all modules of a kernel are 400 MiB.

use super::DiscoveryError;
use super::module::name;
use crate::deb::{self, Wanted};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of a kernel, and of one module.
const FILE_MAX: u64 = 128 << 20;
/// Bytes of all modules that are taken at once.
const TOTAL_MAX: u64 = 1 << 30;
/// Modules of one kernel; there are about 4000.
const MODULES_MAX: usize = 50_000;
/// Folders below each other in which modules lie.
const DEPTH_MAX: usize = 16;
/// Memory that unpacking one module may take.
const XZ_MEMORY_MAX: u64 = 80 << 20;

/// Where a kernel is taken from.
pub(super) struct Source {
    from: PathBuf,
    kind: Kind,
    release: String,
    kernel: Vec<u8>,
    shown: String,
}

enum Kind {
    Package,
    /// Paths of all modules, below their folder.
    System(PathBuf, Vec<String>),
}

impl Source {
    pub(super) fn open(from: &Path) -> Result<Self, DiscoveryError> {
        if from.is_dir() { Self::of_system(from) } else { Self::of_package(from) }
    }

    fn of_package(from: &Path) -> Result<Self, DiscoveryError> {
        let kernels = |path: &str| path.starts_with("/boot/vmlinuz-");
        let deb = read_package(from, &kernels)?;
        let newest = deb.files.into_iter().max_by_key(|(path, _)| by_numbers(path));
        let no_kernel = || DiscoveryError::NoKernel { path: from.to_owned() };
        let (path, kernel) = newest.ok_or_else(no_kernel)?;
        let release = path.trim_start_matches("/boot/vmlinuz-").to_owned();
        check_release(&release).ok_or_else(no_kernel)?;
        let shown = format!("{} {}", deb.package.name, deb.package.version);
        Ok(Self { from: from.to_owned(), kind: Kind::Package, release, kernel, shown })
    }

    fn of_system(root: &Path) -> Result<Self, DiscoveryError> {
        let no_kernel = || DiscoveryError::NoKernel { path: root.to_owned() };
        let folder = |release: &str| root.join("lib/modules").join(release);
        let entries = std::fs::read_dir(root.join("boot")).map_err(|_| no_kernel())?;
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let releases = names.filter_map(|name| Some(name.strip_prefix("vmlinuz-")?.to_owned()));
        let release = releases
            .filter(|release| check_release(release).is_some() && folder(release).is_dir())
            .max_by_key(|release| by_numbers(release))
            .ok_or_else(no_kernel)?;
        let path = root.join("boot").join(format!("vmlinuz-{release}"));
        let kernel = read_file(&path).map_err(|cause| DiscoveryError::Read { path, cause })?;
        let folder = folder(&release);
        let all =
            walk(&folder).map_err(|cause| DiscoveryError::Read { path: folder.clone(), cause })?;
        let shown = format!("vmlinuz-{release} of {}", root.display());
        Ok(Self { from: root.to_owned(), kind: Kind::System(folder, all), release, kernel, shown })
    }

    /// Release of the kernel.
    pub(super) fn release(&self) -> &str {
        &self.release
    }

    /// What it is, in words.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn into_kernel(self) -> Vec<u8> {
        self.kernel
    }

    /// The modules whose path below the modules' folder (`kernel/drivers/…`) is wanted, by name.
    pub(super) fn modules(
        &mut self,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<(String, Vec<u8>)>, DiscoveryError> {
        let packed = match &self.kind {
            Kind::Package => {
                // Debian 12 has /lib/modules, later ones /usr/lib/modules.
                let folder = format!("lib/modules/{}/", self.release);
                let inner = |path: &str| {
                    let path = path.strip_prefix("/usr").unwrap_or(path);
                    let path = path.strip_prefix('/')?.strip_prefix(&folder)?;
                    (path.contains(".ko") && wanted(path)).then_some(())
                };
                read_package(&self.from, &|path| inner(path).is_some())?.files
            }
            Kind::System(folder, all) => {
                let all = all.iter().filter(|path| wanted(path));
                all.map(|path| {
                    let at = folder.join(path);
                    let read = read_file(&at);
                    Ok((
                        path.clone(),
                        read.map_err(|cause| DiscoveryError::Read { path: at, cause })?,
                    ))
                })
                .collect::<Result<Vec<_>, DiscoveryError>>()?
            }
        };
        let unpacked = packed.into_iter().map(|(path, bytes)| {
            let unpacked = unpack(&path, bytes);
            let cause = |cause| DiscoveryError::Read { path: PathBuf::from(&path), cause };
            Ok((name(&path), unpacked.map_err(cause)?))
        });
        unpacked.collect()
    }
}

fn read_package(from: &Path, path: &dyn Fn(&str) -> bool) -> Result<deb::Deb, DiscoveryError> {
    let file =
        File::open(from).map_err(|cause| DiscoveryError::Read { path: from.to_owned(), cause })?;
    deb::read(file, &Wanted { path, file_max: FILE_MAX, total_max: TOTAL_MAX })
        .map_err(|cause| DiscoveryError::Package { path: from.to_owned(), cause })
}

/// A release that can be the name of a folder: it stands in paths of the initrd.
fn check_release(release: &str) -> Option<()> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let whole = !release.is_empty() && release.len() <= 64 && release.chars().all(safe);
    (whole && !release.starts_with('.')).then_some(())
}

/// `6.1.0-9` before `6.1.0-10`.
fn by_numbers(release: &str) -> (Vec<u64>, String) {
    let numbers = release.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok());
    (numbers.collect(), release.to_owned())
}

fn walk(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut waiting = vec![(String::new(), 0)];
    while let Some((inner, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(folder.join(&inner))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if inner.is_empty() { name } else { format!("{inner}/{name}") };
            // `build` and `source` are links to elsewhere.
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEPTH_MAX {
                waiting.push((path, depth + 1));
            } else if kind.is_file() && path.contains(".ko") && found.len() < MODULES_MAX {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?)
}

/// A module as it is loaded: the program that loads it knows no compression.
fn unpack(path: &str, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("xz") => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY_MAX, 0);
            let stream = stream.map_err(io::Error::other)?;
            read_all(liblzma::read::XzDecoder::new_stream(&bytes[..], stream))
        }
        Some("zst") => read_all(zstd::Decoder::new(&bytes[..])?),
        Some("gz") => read_all(flate2::read::GzDecoder::new(&bytes[..])),
        _ => Ok(bytes),
    }
}

fn read_all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than any we know"));
    }
    Ok(bytes)
}
