//! `restore`: a state directory from a backup, all of it or nothing.
//!
//! Everything is made beside the place where it will be, and synced; then it takes that place in one step.
//! A restore that is killed has done nothing, and the next one clears up after it.

use super::backup::walk::{Found, STORE, Taker, walk};
use super::backup::{open, passphrase, unreadable};
use super::image::import::Shown;
use crate::config;
use crate::failure::Failure;
use crate::say;
use ::backup::Fault;
use clap::Args;
use library::{Blobs, StoreError};
use model::Hash;
use model::event::show_bytes;
use site::{Placing, SiteError};
use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What `restore` takes.
#[derive(Debug, Args)]
#[command(after_help = "The server must be stopped. Without --state DIR the state goes to \
/var/lib/bootwright. What the server gave after the backup was made is not known to it then; how it sees \
to it that no address is given twice, docs/backup.md tells.")]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    /// Put it in the place of the state that is there, which is kept under another name.
    #[arg(long)]
    force: bool,
    /// Read the passphrase from the first line of this file; without it you are asked.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Folders of a state directory that a backup may have files in.
const FOLDERS: [&str; 3] = ["keys", "keyrings", "dbx"];
/// The configuration, as it was when the backup was made.
const CONFIG: &str = "bootwright.toml";

impl Restore {
    /// Does it.
    pub fn run(self, state: Option<PathBuf>) -> Result<(), Failure> {
        let state = state.unwrap_or_else(|| PathBuf::from(config::DEFAULT_STATE));
        let state = std::path::absolute(&state).unwrap_or(state);
        let passphrase = passphrase::known(self.passphrase_file.as_deref())?;
        let (mut reader, _) = open(&self.file, &passphrase)?;
        let placing = Placing::begin(&state, self.force).map_err(refused)?;
        let filled = self.fill(&mut reader, &placing);
        let found = match filled {
            Ok(found) => found,
            Err(failure) => {
                placing.give_up();
                return Err(failure);
            }
        };
        let target = placing.target().to_owned();
        let aside = placing.finish().map_err(refused)?;
        self.tell(&found, &target, aside.as_deref());
        found.complete()
    }

    /// Everything but its place.
    fn fill<R: Read>(
        &self,
        reader: &mut ::backup::Reader<R>,
        placing: &Placing,
    ) -> Result<Found, Failure> {
        let state = placing.path();
        let blobs = Blobs::open_at(state).map_err(|e| Failure::failed(e.to_string()))?;
        let needed = reader.about().bytes;
        if let Some(free) = blobs.free_space().filter(|free| *free < needed) {
            return Err(Failure::refused(format!(
                "{} are needed at {}, and {} are free there",
                show_bytes(needed),
                state.display(),
                show_bytes(free)
            ))
            .hint("free space, or restore to another disk: --state DIR"));
        }
        let mut taking = Taking { state, blobs, folders: BTreeSet::new() };
        let mut shown = Shown::new();
        let walked = walk(reader, &mut taking, &mut |done| shown.at(done, needed, ""));
        shown.end();
        let mut found = walked.map_err(|fault| match fault {
            Fault::Io(error) => {
                Failure::failed(format!("cannot be restored to {}: {error}", state.display()))
                    .hint("nothing was changed")
            }
            fault => unreadable(&self.file, fault),
        })?;
        let unfit = |e: site::StoreError| {
            let failure = Failure::failed(format!("the store in the backup: {}", e.why()));
            failure.hint("nothing was changed; restore another backup")
        };
        found.compare(&site::look(&state.join(STORE)).map_err(unfit)?);
        site::mark_restored(state).map_err(unfit)?;
        let cannot = |e: io::Error| {
            Failure::failed(format!("{} cannot be made safe: {e}", state.display()))
                .hint("nothing was changed")
        };
        taking.give_to(placing.target()).map_err(cannot)?;
        taking.sync().map_err(cannot)?;
        Ok(found)
    }

    fn tell(&self, found: &Found, state: &Path, aside: Option<&Path>) {
        let (file, state) = (self.file.display(), state.display());
        say::line(format!("{state} was restored from {file}"));
        found.tell();
        if let Some(aside) = aside {
            say::line(format!("what was there is kept in {}", aside.display()));
        }
        if found.files.contains(CONFIG) {
            let from = format!("{state}/{CONFIG}");
            say::line(format!("the configuration of then: bootwright serve --config {from}"));
        }
        if !found.about.with_keys {
            say::note(
                "note: private keys are not in it: secrets of the store cannot be read, and \
                 certificates for HTTPS have to be made anew\nhint: bootwright tls init; or put the \
                 folder `keys` back from where you keep it",
            );
        }
        if !found.about.with_images {
            say::note(
                "note: the files of images are not in it\nhint: bootwright image list; then import \
                 each again",
            );
        }
        say::note(
            "note: addresses that were given after the backup are found by probing until the longest \
             lease is over; start the server where it was, under the same address",
        );
    }
}

fn refused(error: SiteError) -> Failure {
    let failure = match &error {
        SiteError::InUse { .. } | SiteError::NotEmpty { .. } => Failure::refused(error.why()),
        _ => Failure::failed(error.why()),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Writes what comes into a new state directory.
struct Taking<'a> {
    state: &'a Path,
    blobs: Blobs,
    folders: BTreeSet<PathBuf>,
}

impl Taker for Taking<'_> {
    fn file(&mut self, name: &str, body: &mut dyn Read) -> io::Result<()> {
        let known = |folder: &str| name.starts_with(&format!("{folder}/"));
        if name != STORE && name != CONFIG && !FOLDERS.iter().any(|folder| known(folder)) {
            let what = format!("it has a file `{name}` that this version has no place for");
            return Err(Fault::Odd(what).into());
        }
        // The name is one that leads nowhere else: `backup::is_safe` says so.
        let path = self.state.join(name);
        let folder = path.parent().unwrap_or(self.state);
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let between = folder.ancestors().take_while(|folder| folder.starts_with(self.state));
        self.folders.extend(between.map(Path::to_owned));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        io::copy(body, &mut file)?;
        file.sync_all()
    }

    fn blob(&mut self, _: Hash, body: &mut dyn Read) -> io::Result<Hash> {
        let mut body = body;
        match self.blobs.add(&mut body, &mut |_| true) {
            Ok((hash, _)) => Ok(hash),
            Err(StoreError::Source(error)) => Err(error),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }
}

impl Taking<'_> {
    /// Gives everything to whom the place belongs: the server may run as somebody else than we do.
    fn give_to(&self, target: &Path) -> io::Result<()> {
        let Ok(owner) = target.metadata() else { return Ok(()) };
        let ours = self.state.metadata()?;
        if (owner.uid(), owner.gid()) == (ours.uid(), ours.gid()) {
            return Ok(());
        }
        give(self.state, owner.uid(), owner.gid())
    }

    /// Makes every name last.
    fn sync(&self) -> io::Result<()> {
        let always = [self.state.to_owned(), self.state.join("blobs")];
        always.iter().chain(&self.folders).try_for_each(|folder| File::open(folder)?.sync_all())
    }
}

fn give(path: &Path, user: u32, group: u32) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(user), Some(group))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in path.read_dir()? {
            give(&entry?.path(), user, group)?;
        }
    }
    Ok(())
}
