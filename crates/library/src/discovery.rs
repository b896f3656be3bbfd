//! The discovery image: a kernel, the drivers it needs to see disks and network cards, and our static
//! program as its first.
//!
//! ```text
//! linux-image-*.deb, or / of a Debian ──source──▶ kernel + modules below DRIVERS
//!                                      module ──▶ what each drives and needs; those are fetched too
//! program ──cpio──▶ discovery.img (initrd), linux, discovery.txt ──▶ a folder to import
//! ```
//!
//! In: a package or the root of a system, and the program. Out: the files of an image. Never: another
//! program run, a module taken that was not signed together with its kernel (they come from one place).

mod cpio;
mod module;
mod source;

use module::About;
use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where the drivers of disks, network cards and what they hang on live, below the modules' folder.
/// Debian's installer kernel comes without those of disks: it fetches them later.
const DRIVERS: &[&str] = &[
    "kernel/drivers/ata/",
    "kernel/drivers/block/virtio_blk.",
    "kernel/drivers/block/xen-blkfront.",
    "kernel/drivers/char/tpm/",
    "kernel/drivers/hv/",
    "kernel/drivers/message/fusion/",
    "kernel/drivers/mmc/",
    "kernel/drivers/net/ethernet/",
    "kernel/drivers/net/hyperv/",
    "kernel/drivers/net/phy/",
    "kernel/drivers/net/usb/",
    "kernel/drivers/net/virtio_net.",
    "kernel/drivers/net/vmxnet3/",
    "kernel/drivers/net/xen-netfront.",
    "kernel/drivers/nvme/host/",
    "kernel/drivers/pci/controller/",
    "kernel/drivers/scsi/",
    "kernel/drivers/ufs/",
    "kernel/drivers/usb/host/",
    "kernel/drivers/usb/storage/",
    "kernel/drivers/virtio/",
    "kernel/fs/efivarfs/",
];

/// Rounds in which what is needed is fetched: what it needs comes with the next one.
const ROUNDS_MAX: usize = 8;
/// The kernel of the image.
pub const KERNEL: &str = "linux";
/// Its initrd.
pub const INITRD: &str = "discovery.img";
/// What is in it, in words; the catalogue knows the image by its first line.
pub const ABOUT: &str = "discovery.txt";
/// The file name of the static program.
pub const PROGRAM: &str = "bootwright-discover";

/// The files of a discovery image.
#[derive(Debug)]
pub struct Packed {
    /// Release of the kernel: `6.1.0-42-amd64`.
    pub release: String,
    /// Drivers in the initrd.
    pub drivers: usize,
    /// Drivers that stayed out, because something they need is not there.
    pub left_out: Vec<String>,
    kernel: Vec<u8>,
    initrd: Vec<u8>,
    about: String,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The surroundings.
    #[error("cannot read {path}: {cause}")]
    Read {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The package.
    #[error("{path} is no package we can read: {cause}")]
    Package {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        #[source]
        cause: io::Error,
    },
    /// There is no kernel.
    #[error(
        "{path} has no kernel with its modules (boot/vmlinuz-VERSION and lib/modules/VERSION); name a \
         linux-image package of Debian (apt-get download linux-image-amd64 says which), or the root \
         of a system"
    )]
    NoKernel {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The program.
    #[error(
        "{path} is no static program for x86-64: {why}; `./x build` makes one beside `bootwright`"
    )]
    Program {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// The folder for the result.
    #[error("cannot write {path}: {cause}")]
    Write {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// Makes the files of an image of a kernel's package, or of the newest kernel of an installed system.
///
/// # Errors
/// When there is no kernel, or the program would not run alone.
pub fn pack(kernel: &Path, program: &Path) -> Result<Packed, DiscoveryError> {
    let first = std::fs::read(program)
        .map_err(|cause| DiscoveryError::Read { path: program.to_owned(), cause })?;
    module::static_program(&first)
        .map_err(|why| DiscoveryError::Program { path: program.to_owned(), why })?;
    let mut source = Source::open(kernel)?;
    let chosen = chosen(&mut source)?;
    let left_out = chosen.left_out();
    let release = source.release().to_owned();
    let initrd = initrd(&release, &first, &chosen, &left_out);
    let initrd = initrd.map_err(|cause| DiscoveryError::Write { path: INITRD.into(), cause })?;
    let drivers = chosen.modules.len() - left_out.len();
    let mut about = format!(
        "Bootwright discovery {} with Linux {release}\n\n\
         The machine reads what is in it and reports that to the server. Nothing is written to a \
         disk.\nKernel: {}\n{drivers} drivers:\n",
        env!("CARGO_PKG_VERSION"),
        source.shown()
    );
    for name in chosen.modules.keys().filter(|name| !left_out.contains(name)) {
        about.push_str(&format!("{name}\n"));
    }
    let left_out = left_out.into_iter().cloned().collect();
    Ok(Packed { release, drivers, left_out, kernel: source.into_kernel(), initrd, about })
}

impl Packed {
    /// Writes the files into a folder that is there.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), DiscoveryError> {
        let files =
            [(KERNEL, &*self.kernel), (INITRD, &*self.initrd), (ABOUT, self.about.as_bytes())];
        for (name, bytes) in files {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(|cause| DiscoveryError::Write { path, cause })?;
        }
        Ok(())
    }

    /// Bytes of the initrd.
    pub fn initrd_size(&self) -> usize {
        self.initrd.len()
    }
}

/// The modules that go in, by name.
#[derive(Default)]
struct Chosen {
    modules: BTreeMap<String, Module>,
}

struct Module {
    bytes: Vec<u8>,
    about: About,
}

impl Chosen {
    fn add(&mut self, found: Vec<(String, Vec<u8>)>) {
        for (name, bytes) in found {
            // What is no module of this kernel could not be loaded either.
            if let Some(about) = module::about(&bytes) {
                self.modules.insert(name, Module { bytes, about });
            }
        }
    }

    /// Names that are needed and not there.
    fn missing(&self) -> BTreeSet<String> {
        let needs = self.modules.values().flat_map(|module| &module.about.needs);
        needs.filter(|name| !self.modules.contains_key(*name)).cloned().collect()
    }

    /// Modules that could not be loaded: what they need is not there, or could not be loaded itself.
    fn left_out(&self) -> BTreeSet<&String> {
        let mut out = BTreeSet::new();
        loop {
            let before = out.len();
            for (name, module) in &self.modules {
                let lacks = |need| !self.modules.contains_key(need) || out.contains(need);
                if module.about.needs.iter().any(lacks) {
                    out.insert(name);
                }
            }
            if out.len() == before {
                return out;
            }
        }
    }
}

/// The drivers, and everything they need.
fn chosen(source: &mut Source) -> Result<Chosen, DiscoveryError> {
    let mut chosen = Chosen::default();
    let driver = |path: &str| DRIVERS.iter().any(|driver| path.starts_with(driver));
    chosen.add(source.modules(&driver)?);
    let mut asked = BTreeSet::new();
    for _ in 0..ROUNDS_MAX {
        let missing: BTreeSet<String> = chosen.missing().difference(&asked).cloned().collect();
        if missing.is_empty() {
            break;
        }
        chosen.add(source.modules(&|path| missing.contains(&module::name(path)))?);
        asked.extend(missing);
    }
    Ok(chosen)
}

/// Program, drivers, and the texts by which it finds them (depmod(8) writes the same).
fn initrd(
    release: &str,
    program: &[u8],
    chosen: &Chosen,
    left_out: &BTreeSet<&String>,
) -> io::Result<Vec<u8>> {
    let (mut alias, mut dep, mut softdep) = (String::new(), String::new(), String::new());
    let folder = format!("lib/modules/{release}");
    let file = |name: &str| format!("kernel/{name}.ko");
    let mut archive = cpio::Archive::new();
    for part in ["dev", "proc", "sys", "lib", "lib/modules"] {
        archive.folder(part);
    }
    archive.folder(&folder);
    archive.folder(&format!("{folder}/kernel"));
    archive.console("dev/console");
    archive.file("init", 0o755, program);
    for (name, module) in chosen.modules.iter().filter(|(name, _)| !left_out.contains(name)) {
        archive.file(&format!("{folder}/{}", file(name)), 0o644, &module.bytes);
        let needs: Vec<String> = module.about.needs.iter().map(|need| file(need)).collect();
        dep.push_str(format!("{}: {}", file(name), needs.join(" ")).trim_end());
        dep.push('\n');
        for pattern in &module.about.aliases {
            alias.push_str(&format!("alias {pattern} {name}\n"));
        }
        for words in &module.about.soft {
            softdep.push_str(&format!("softdep {name} {words}\n"));
        }
    }
    for (name, text) in
        [("modules.alias", alias), ("modules.dep", dep), ("modules.softdep", softdep)]
    {
        archive.file(&format!("{folder}/{name}"), 0o644, text.as_bytes());
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    packed.write_all(&archive.finish())?;
    packed.finish()
}

#[cfg(test)]
mod tests;
