//! Makes a backup of everything, while everything goes on.
//!
//! In: a passphrase and what is to stay out. Out: an encrypted stream. Never: a commit that waits for it,
//! a blob that is swept while it is read, a key in it that was not asked for.

mod outlet;
mod stock;

use super::blocking;
use crate::types::BackupWish;
use crate::{House, Problem};
use backup::{About, Passphrase, Salt, Sent, Work, Writer};
use hyper::body::Bytes;
use library::{BlobFile, Blobs};
use model::Hash;
use outlet::Outlet;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use stock::Stock;
use tokio::sync::{Semaphore, mpsc};

/// One at a time: each has memory for its key, and all share the disk.
static ONE: Semaphore = Semaphore::const_new(1);

/// The shortest passphrase for a new backup, in characters: who has the file may try as long as he likes.
const PASSPHRASE_MIN: usize = 12;
/// The longest, in bytes.
const PASSPHRASE_MAX: usize = 1024;

/// Pieces that wait to be sent.
const WAITING_MAX: usize = 4;

/// A backup on its way.
pub struct Sending {
    /// About how many bytes will come; compression makes it less.
    pub bytes: u64,
    /// The pieces. An error breaks it off.
    pub from: mpsc::Receiver<io::Result<Bytes>>,
}

/// Begins a backup. What can be refused is refused before the first byte.
pub async fn backup(house: &House, wish: BackupWish) -> Result<Sending, Problem> {
    let passphrase = wish.passphrase.0.clone();
    judge(&passphrase)?;
    let turn = ONE.try_acquire().map_err(|_| {
        Problem::refused("a backup is being made already").hint("wait until it is done")
    })?;
    // Blobs that the copy names stay until they were sent.
    let adding = house.sweeping.clone().read_owned().await;
    let copy = stock::copy_store(house).await?;
    let server = house.site.ask(|engine, _| engine.settings().server_name.clone()).await?;
    let about = About {
        made_ms: house.site.now().0,
        server,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        with_keys: wish.with_keys,
        with_images: !wish.without_images,
        ..About::default()
    };
    let (state, config, blobs) = (house.state.clone(), house.config.clone(), house.blobs.clone());
    let taken = blocking(move || stock::take(copy, &state, config.as_deref(), &blobs, about));
    let stock = taken.await??;
    let mut salt: Salt = [0; backup::SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|e| Problem::failed(format!("no chance to be had: {e}")))?;

    let (to, from) = mpsc::channel(WAITING_MAX);
    let bytes = stock.about.bytes;
    let (blobs, site) = (house.blobs.clone(), house.site.clone());
    let now = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut outlet = Outlet::new(to, now);
        let sent = send(&mut outlet, &stock, &blobs, &passphrase, &salt);
        match sent {
            Ok(lost) if lost.is_empty() => site.tell(model::Event::new(site.now(), None, None, model::Happening::Changed { text: stock.says() })),
            Ok(lost) => site.alarm(format!(
                "{} files could not be read, and are not in the backup that was made: {}\nhint: import \
                 again what they belong to; bootwright image verify NAME says what it lacks",
                lost.len(),
                stock::first_of(&lost)
            )),
            Err(error) => {
                if !outlet.is_gone() {
                    site.alarm(format!("a backup could not be made: {error}"));
                }
                outlet.fail(error);
            }
        }
        drop((adding, turn));
    });
    Ok(Sending { bytes, from })
}

fn judge(passphrase: &Passphrase) -> Result<(), Problem> {
    let text = passphrase.reveal();
    match text.chars().count() >= PASSPHRASE_MIN && text.len() <= PASSPHRASE_MAX {
        true => Ok(()),
        false => Err(Problem::malformed(format!(
            "the passphrase of a backup has at least {PASSPHRASE_MIN} characters"
        ))
        .hint("five words by chance are a good one; it cannot be recovered, so keep it elsewhere")),
    }
}

/// Writes all of it, and says which blobs could not be read.
fn send(
    to: &mut Outlet,
    stock: &Stock,
    blobs: &Arc<Blobs>,
    passphrase: &Passphrase,
    salt: &Salt,
) -> io::Result<Vec<Hash>> {
    let mut writer = Writer::new(to, passphrase, Work::default(), salt, &stock.about)?;
    for (name, path, size) in &stock.files {
        let mut file = File::open(path).map_err(|e| named(name, &e))?;
        writer.file(name, *size, &mut file).map_err(|e| named(name, &e))?;
    }
    let mut lost = Vec::new();
    for (hash, why) in &stock.lost {
        writer.lost(&hash.0, why)?;
        lost.push(*hash);
    }
    for hash in &stock.blobs {
        match blobs.open(hash) {
            Ok(file) => {
                let size = file.size();
                if let Sent::BrokenOff(_) = writer.blob(&hash.0, size, &mut FromStart(&file, 0))? {
                    lost.push(*hash);
                }
            }
            Err(error) => {
                writer.lost(&hash.0, &error.to_string())?;
                lost.push(*hash);
            }
        }
    }
    writer.finish()?.flush_all()?;
    Ok(lost)
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

/// A blob from its beginning to its end; every chunk is checked as it is read.
struct FromStart<'a>(&'a BlobFile, u64);

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read_at(buffer, self.1)?;
        self.1 = self.1.saturating_add(read as u64);
        Ok(read)
    }
}
