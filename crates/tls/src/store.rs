//! The files of our own CA: STATE/keys.
//!
//! In: what is asked for. Out: files, 0600, each written under another name, synced and renamed, or
//! an account of what would be written. Never: a file that somebody else gave.

use crate::authority::{Authority, Kind};
use crate::chain::{Bad, Facts, facts_of};
use crate::signature_list;
use model::Now;
use nix::fcntl::{Flock, FlockArg};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The CA's certificate.
const CA: &str = "ca.pem";
const CA_KEY: &str = "ca.key";
/// The CA's certificate for firmware's set-up screens.
const CA_DER: &str = "ca.der";
/// The same as an EFI signature list.
const CA_ESL: &str = "ca.esl";
/// The server's certificate and who signed it.
pub(crate) const SERVER: &str = "server.pem";
pub(crate) const KEY: &str = "server.key";
/// The same with an ECDSA key.
pub(crate) const SERVER_EC: &str = "server-ec.pem";
pub(crate) const KEY_EC: &str = "server-ec.key";
/// Nobody's certificates are larger.
const FILE_MAX: u64 = 1 << 20;

/// Where they are.
pub(crate) fn directory(state: &Path) -> PathBuf {
    state.join("keys")
}

/// What `tls init` is to make.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ask {
    /// This server, in the name of a new CA.
    pub host: String,
    /// DNS names that machines may use.
    pub names: Vec<String>,
    /// Addresses that machines may use.
    pub addresses: Vec<IpAddr>,
    /// A new CA though there is one.
    pub new_ca: bool,
}

/// What was made, or would be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Made {
    /// The CA is a new one: machines have to be told.
    pub new_ca: bool,
    /// The files, in the order in which they are written.
    pub files: Vec<PathBuf>,
}

/// Why nothing was made.
#[derive(Debug, Error)]
pub enum Failed {
    /// The files cannot be written or read.
    #[error("{doing} {}: {cause}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// What is there, or was asked for, does not work.
    #[error(transparent)]
    Bad(#[from] Bad),
}

/// STATE/keys.
#[derive(Clone, Debug)]
pub struct Store(PathBuf);

impl Store {
    /// Of this state directory; it need not exist.
    pub fn new(state: &Path) -> Self {
        Self(directory(state))
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// The CA for programs (PEM), for firmware's set-up screens (DER), and as an EFI signature list.
    pub fn to_enrol(&self) -> [PathBuf; 3] {
        [CA, CA_DER, CA_ESL].map(|name| self.0.join(name))
    }

    /// The server's certificates, the one that most machines get first.
    pub fn certificates(&self) -> [PathBuf; 2] {
        [SERVER, SERVER_EC].map(|name| self.0.join(name))
    }

    /// Whether `tls init` was done.
    pub fn exists(&self) -> bool {
        self.0.join(SERVER).exists()
    }

    /// What the CA's certificate says.
    pub fn authority(&self) -> Result<Facts, Bad> {
        let file = self.0.join(CA);
        let pem = read(&file)?;
        let name = file.display().to_string();
        facts_of(&name, &der(&name, &pem)?)
    }

    /// Files that others may read, or write: `server.key (0644)`.
    pub fn open_to_others(&self) -> Vec<String> {
        let all = [CA_KEY, KEY, KEY_EC].map(|name| self.0.join(name));
        let open = |path: PathBuf| {
            let mode = fs::metadata(&path).ok()?.permissions().mode() & 0o777;
            (mode & 0o077 != 0).then(|| format!("{} ({mode:04o})", path.display()))
        };
        all.into_iter().filter_map(open).collect()
    }

    /// Makes a CA if there is none, and certificates under it. With `dry_run` it only says what it
    /// would write.
    pub fn init(&self, ask: &Ask, now: Now, dry_run: bool) -> Result<Made, Failed> {
        let new_ca = ask.new_ca || !self.0.join(CA).exists();
        let mut names = vec![SERVER, SERVER_EC];
        if new_ca {
            names = vec![CA_KEY, CA, CA_DER, CA_ESL, KEY, KEY_EC, SERVER, SERVER_EC];
        }
        let files = names.iter().map(|name| self.0.join(name)).collect();
        if !dry_run {
            let _lock = self.locked()?;
            self.write_all(ask, new_ca, now)?;
        }
        Ok(Made { new_ca, files })
    }

    /// A renewal keeps the server's keys, so that each certificate is one file that is replaced at
    /// once: whoever reads meanwhile finds the old or the new, and both fit.
    fn write_all(&self, ask: &Ask, new_ca: bool, now: Now) -> Result<(), Failed> {
        let authority = if new_ca {
            let (authority, key) = Authority::make(&ask.host, now)?;
            let der = der(CA, authority.pem.as_bytes())?;
            let list = signature_list::of(&der)
                .ok_or_else(|| Bad::new("the CA's certificate is too large", "shorten its name"))?;
            self.write(CA_KEY, key.as_bytes())?;
            self.write(CA, authority.pem.as_bytes())?;
            self.write(CA_DER, &der)?;
            self.write(CA_ESL, &list)?;
            authority
        } else {
            let ends = self.authority()?.not_after;
            Authority::read(&self.text(CA)?, &self.text(CA_KEY)?, ends)?
        };
        for (kind, file, key_file) in [(Kind::Rsa, SERVER, KEY), (Kind::Ec, SERVER_EC, KEY_EC)] {
            let earlier = match new_ca || !self.0.join(key_file).exists() {
                true => None,
                false => Some(self.text(key_file)?),
            };
            let issued =
                authority.issue(kind, earlier.as_deref(), &ask.names, &ask.addresses, now)?;
            if earlier.is_none() {
                self.write(key_file, issued.key.as_bytes())?;
            }
            self.write(file, issued.chain.as_bytes())?;
        }
        Ok(())
    }

    /// Nobody else writes here meanwhile.
    fn locked(&self) -> Result<Flock<File>, Failed> {
        let at = |doing, cause| Failed::File { doing, path: self.0.clone(), cause };
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&self.0);
        made.map_err(|e| at("cannot make", e))?;
        let directory = File::open(&self.0).map_err(|e| at("cannot open", e))?;
        Flock::lock(directory, FlockArg::LockExclusiveNonblock).map_err(|(_, e)| {
            at("another `tls init` is at work in", io::Error::from_raw_os_error(e as i32))
        })
    }

    fn text(&self, name: &str) -> Result<String, Bad> {
        let file = self.0.join(name);
        String::from_utf8(read(&file)?).map_err(|_| {
            Bad::new(
                format!("{} is no PEM file", file.display()),
                "restore it, or: bootwright tls init --new-ca",
            )
        })
    }

    /// The whole file or none of it, also when the power goes.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failed> {
        let path = self.0.join(name);
        let new = self.0.join(format!("{name}.new"));
        let at = |doing, cause| Failed::File { doing, path: path.clone(), cause };
        let written = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| {
                file.set_permissions(fs::Permissions::from_mode(0o600))?;
                file.write_all(bytes)?;
                file.sync_all()
            });
        written.map_err(|e| at("cannot write", e))?;
        fs::rename(&new, &path).map_err(|e| at("cannot replace", e))?;
        File::open(&self.0).and_then(|d| d.sync_all()).map_err(|e| at("cannot keep", e))
    }
}

/// A file of certificates or keys.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Bad> {
    let file = path.display();
    let cannot = |e: io::Error| {
        let hint = match e.kind() {
            io::ErrorKind::NotFound => {
                "bootwright tls init makes certificates of our own; given \
                                        ones are named by `certificate` and `key` in [http]"
            }
            _ => "look at its rights: the server reads it as the user it runs as",
        };
        Bad::new(format!("{file} cannot be read: {e}"), hint)
    };
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(cannot)?;
    opened.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(Bad::new(format!("{file} has more than {FILE_MAX} bytes"), "name a PEM file"));
    }
    Ok(bytes)
}

/// The first certificate of a PEM text.
fn der(name: &str, pem: &[u8]) -> Result<Vec<u8>, Bad> {
    let read = CertificateDer::from_pem_slice(pem);
    read.map(|der| der.as_ref().to_vec()).map_err(|e| {
        let hint = "restore it from a backup, or: bootwright tls init --new-ca";
        Bad::new(format!("{name} holds no certificate: {e}"), hint)
    })
}
