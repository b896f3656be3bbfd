//! `backup`: everything the server knows, in one encrypted file.
//!
//! The server writes the stream; here it goes to disk, and is read back on the way: what is there under
//! the name of a backup at the end was found whole, with this very passphrase.

pub(super) mod passphrase;
mod tee;
pub(super) mod walk;

use super::image::import::Shown;
use crate::failure::Failure;
use crate::say;
use ::backup::{Fault, Passphrase, Reader};
use api::Client;
use api::types::{BackupWish, Phrase};
use clap::{Args, Subcommand};
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tee::Tee;
use tokio::sync::mpsc;
use walk::{Found, Hashed, walk};

/// Pieces on their way from the socket to the disk.
const WAITING_MAX: usize = 8;

/// What `backup` takes.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "The file holds machines, profiles, rules, menus, leases, reservations, images and \
bootloaders with their files, keyrings and the configuration. It is encrypted with the passphrase, which \
nobody can recover: keep it elsewhere. bootwright restore makes a state directory from it."
)]
pub struct Backup {
    #[command(subcommand)]
    verify: Option<Verify>,
    /// The file to write.
    #[arg(required = true)]
    file: Option<PathBuf>,
    /// Take the private keys along: those of HTTPS and of the secrets.
    #[arg(long)]
    with_keys: bool,
    /// Leave the files of images out; they have to be imported again then.
    #[arg(long)]
    without_images: bool,
    /// Read the passphrase from the first line of this file; without it you are asked.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Replace the file if it is there.
    #[arg(long)]
    force: bool,
}

/// What can be done with a backup.
#[derive(Debug, Subcommand)]
enum Verify {
    /// Read a whole backup, compare every byte of it, and say what is in it.
    Verify {
        /// The backup.
        file: PathBuf,
        /// Read the passphrase from the first line of this file; without it you are asked.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        json: crate::cli::Json,
    },
}

impl Backup {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match (&self.verify, &self.file) {
            (Some(Verify::Verify { file, passphrase_file, json }), _) => {
                let passphrase = passphrase::known(passphrase_file.as_deref())?;
                verify(file, &passphrase, json.json)
            }
            (None, Some(file)) => self.make(client, file).await,
            (None, None) => Err(Failure::usage("which file is to be written?")),
        }
    }

    async fn make(&self, client: &Client, file: &Path) -> Result<(), Failure> {
        if file.exists() && !self.force {
            return Err(Failure::refused(format!("{} is there already", file.display()))
                .hint("give it another name; or replace it: --force"));
        }
        let passphrase = passphrase::new(self.passphrase_file.as_deref())?;
        let wish = BackupWish {
            passphrase: Phrase(passphrase.clone()),
            with_keys: self.with_keys,
            without_images: self.without_images,
        };
        let mut coming = client.backup(&wish).await?;
        let partial = Partial::new(file)?;
        let (to, pieces) = mpsc::channel(WAITING_MAX);
        let tee = Tee::new(pieces, partial.open.try_clone().map_err(|e| unwritable(file, &e))?);
        let reading = tokio::task::spawn_blocking(move || read_back(tee, &passphrase));
        let mut shown = Shown::new();
        let mut bytes = 0;
        let ended = loop {
            let piece = tokio::select! {
                piece = coming.next() => piece,
                // The server hears that we are gone, and stops; the partial file goes.
                _ = tokio::signal::ctrl_c() => {
                    shown.end();
                    return Err(Failure::failed("cancelled; no backup was written"));
                }
            };
            match piece {
                Ok(Some(piece)) => {
                    bytes += piece.len() as u64;
                    shown.at(bytes, coming.bytes.max(bytes), "");
                    // Whoever reads has found something; it says what.
                    if to.send(piece).await.is_err() {
                        break Ok(());
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        shown.end();
        ended?;
        drop(to);
        let read = reading.await.map_err(|e| Failure::failed(format!("a bug: {e}")))?;
        let found = read.map_err(|fault| match fault {
            Fault::Io(error) => unwritable(file, &error),
            fault => Failure::failed(format!("what the server sent is no backup: {fault}")),
        })?;
        partial.keep(file).map_err(|e| unwritable(file, &e))?;
        let bytes = model::event::show_bytes(bytes);
        say::line(format!("{}: {bytes}, read back and found whole", file.display()));
        found.tell();
        if !self.with_keys {
            say::note("note: private keys are not in it; to take them along: --with-keys");
        }
        found.complete()
    }
}

/// Reads the whole stream, and hashes every blob in it.
fn read_back(tee: Tee, passphrase: &Passphrase) -> Result<Found, Fault> {
    let mut reader = Reader::open(tee, passphrase)?;
    walk(&mut reader, &mut Hashed::default(), &mut |_| {})
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    let failure = Failure::failed(format!("{} cannot be written: {error}", file.display()));
    match error.kind() {
        io::ErrorKind::StorageFull => failure.hint("free space there; nothing was left behind"),
        _ => failure,
    }
}

/// A file that has its name only when it is whole. Until then it goes when dropped.
struct Partial {
    path: PathBuf,
    open: File,
    keep: bool,
}

impl Partial {
    fn new(of: &Path) -> Result<Self, Failure> {
        let mut name = of.as_os_str().to_owned();
        name.push(".partial");
        let path = PathBuf::from(name);
        // One of a run that was killed is nobody's.
        let open =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let open = open.map_err(|e| unwritable(&path, &e))?;
        Ok(Self { path, open, keep: false })
    }

    /// Makes its bytes last, then its name.
    fn keep(mut self, name: &Path) -> io::Result<()> {
        self.open.sync_all()?;
        std::fs::rename(&self.path, name)?;
        self.keep = true;
        let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.keep {
            // There is nobody left to tell.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Opens a backup.
pub(super) fn open(
    file: &Path,
    passphrase: &Passphrase,
) -> Result<(Reader<BufReader<File>>, u64), Failure> {
    let cannot = |e: io::Error| Failure::failed(format!("{} cannot be read: {e}", file.display()));
    let opened = File::open(file).map_err(cannot)?;
    let bytes = opened.metadata().map_err(cannot)?.len();
    let reader = Reader::open(BufReader::with_capacity(1 << 20, opened), passphrase);
    Ok((reader.map_err(|fault| unreadable(file, fault))?, bytes))
}

/// Why a backup cannot be read, and what to do.
pub(super) fn unreadable(file: &Path, fault: Fault) -> Failure {
    let shown = file.display();
    match fault {
        Fault::Passphrase => Failure::refused(format!("{shown}: {fault}"))
            .hint("try it with the right one; without it nobody can read this file"),
        Fault::Io(error) => Failure::failed(format!("{shown} cannot be read: {error}")),
        Fault::Later(_) => Failure::failed(format!("{shown}: {fault}"))
            .hint("install the version of bootwright that wrote it, or a later one"),
        Fault::NoBackup => Failure::usage(format!("{shown}: {fault}")),
        fault => Failure::failed(format!("{shown}: {fault}"))
            .hint("take another backup; what is read of this one cannot be relied on"),
    }
}

fn verify(file: &Path, passphrase: &Passphrase, json: bool) -> Result<(), Failure> {
    let (mut reader, _) = open(file, passphrase)?;
    let mut hashed = Hashed::with_store().map_err(|e| {
        Failure::failed(format!("the store in it cannot be looked at: {e}"))
            .hint("this takes some space in the folder for temporary files (TMPDIR)")
    })?;
    let mut shown = Shown::new();
    let total = reader.about().bytes;
    let walked = walk(&mut reader, &mut hashed, &mut |done| shown.at(done, total, ""));
    shown.end();
    let mut found = walked.map_err(|fault| unreadable(file, fault))?;
    let held = hashed.look().map_err(|e| {
        Failure::failed(format!("{}: the store in it cannot be read: {}", file.display(), e.why()))
            .hint("take another backup")
    })?;
    found.compare(&held);
    if json {
        say::json(&found.json())?;
    } else {
        found.tell();
    }
    found.complete()
}
