//! Signed heads of the audit log, in STATE/audit-checkpoints: one line each, only ever appended. Who cuts
//! the end of the log off, or makes it anew, contradicts them. A copy kept elsewhere says more than
//! these: whoever may write here can sign, too.

use super::blocking;
use crate::types::AuditVerdict;
use crate::{House, Problem};
use access::chain::{Checkpoint, Head, START, Walk};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use model::Now;
use site::{AuditEntry, SiteHandle};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// In the state directory.
const FILE: &str = "audit-checkpoints";
/// Below it, in `keys`.
const KEY: &str = "audit.key";
/// A line that is longer is none of ours.
const LINE_MAX: u64 = 4096;
/// Lines that are read: more than a hundred years of hours.
const LINES_MAX: usize = 1_000_000;
/// A key in PKCS #8 has less.
const KEY_MAX: u64 = 1024;

/// Signs the head of the log, if there is more of it than was signed last. Says whether.
pub async fn sign(site: &SiteHandle, state: &Path) -> Result<bool, Problem> {
    let (head, now) = site.ask(|engine, now| (engine.audit_head(), now)).await?;
    let state = state.to_owned();
    let signed = blocking(move || append(&state, head, now)).await?;
    signed.map_err(Problem::failed)
}

fn append(state: &Path, head: Head, now: Now) -> Result<bool, String> {
    if head == START {
        return Ok(false);
    }
    let key = key(&state.join("keys"))?;
    let path = state.join(FILE);
    let Lines { mut all, whole } = read(&path)?;
    let last = all.pop();
    if last.is_some_and(|last| last.seq == head.seq && last.hash == head.hash) {
        return Ok(false);
    }
    let signature = key.sign(Checkpoint::signed_text(now, head).as_bytes());
    let Head { seq, hash } = head;
    let line =
        Checkpoint { at: now, seq, hash, signature: model::address::hex_of(signature.as_ref()) };
    let mut line = serde_json::to_string(&line).map_err(|e| e.to_string())?;
    line.push('\n');
    let failed = |e: std::io::Error| format!("cannot write {}: {e}", path.display());
    let new = !path.exists();
    let options = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
    let mut file = options.map_err(failed)?;
    // Half a line is what a kill left of one that nobody relies on.
    file.set_len(whole).map_err(failed)?;
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    if new {
        File::open(state).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(true)
}

/// The key, made at its first use.
fn key(folder: &Path) -> Result<Ed25519KeyPair, String> {
    let path = folder.join(KEY);
    let failed = |e: std::io::Error| format!("cannot use the key {}: {e}", path.display());
    if !path.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let made = Ed25519KeyPair::generate().map_err(|e| format!("cannot make a key: {e}"))?;
        let bytes = made.to_pkcs8v1().map_err(|e| format!("cannot write a key: {e}"))?;
        // Under another name first, so that half a key has never this one.
        let partial = folder.join("audit.key.partial");
        let options =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial);
        let mut file = options.map_err(failed)?;
        file.write_all(bytes.as_ref()).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&partial, &path).map_err(failed)?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|file| file.take(KEY_MAX).read_to_end(&mut bytes))
        .map_err(failed)?;
    Ed25519KeyPair::from_pkcs8(&bytes).map_err(|e| format!("{} is no key: {e}", path.display()))
}

/// What the file holds.
#[derive(Default)]
struct Lines {
    all: Vec<Checkpoint>,
    /// Bytes of whole lines.
    whole: u64,
}

/// All checkpoints, as they were written. Half a line at the end is of a kill, and counts as none.
fn read(path: &Path) -> Result<Lines, String> {
    let failed = |e: std::io::Error| format!("cannot read {}: {e}", path.display());
    let file = match File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Lines::default()),
        file => file.map_err(failed)?,
    };
    let mut file = BufReader::new(file);
    let (mut all, mut whole) = (Vec::new(), 0);
    while all.len() < LINES_MAX {
        let mut line = String::new();
        let got = file.by_ref().take(LINE_MAX).read_line(&mut line).map_err(failed)?;
        if got == 0 || !line.ends_with('\n') {
            break;
        }
        whole += got as u64;
        let number = all.len() + 1;
        let read = serde_json::from_str(&line);
        all.push(read.map_err(|e| format!("{} line {number}: {e}", path.display()))?);
    }
    Ok(Lines { all, whole })
}

/// The checkpoints that our key signed, and what is wrong with the others.
fn checked(state: PathBuf) -> Result<(Vec<Checkpoint>, Option<String>), String> {
    let all = read(&state.join(FILE))?.all;
    if all.is_empty() {
        return Ok((all, None));
    }
    let path = state.join("keys").join(KEY);
    if !path.exists() {
        let why = format!("there are checkpoints, but {} is gone", path.display());
        return Ok((Vec::new(), Some(why)));
    }
    let key = key(&state.join("keys"))?;
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref().to_vec());
    let mut wrong = None;
    let mut good = Vec::new();
    for (at, checkpoint) in all.into_iter().enumerate() {
        let signature = model::address::hex(&checkpoint.signature).unwrap_or_default();
        match public.verify(checkpoint.text().as_bytes(), &signature) {
            Ok(()) => good.push(checkpoint),
            Err(_) => {
                wrong.get_or_insert(format!("line {} of {FILE} has no good signature", at + 1));
            }
        }
    }
    Ok((good, wrong))
}

/// Follows the whole log, page by page.
pub async fn verify(house: &House) -> Result<AuditVerdict, Problem> {
    let state = house.state.clone();
    let (signed, unsigned) = match blocking(move || checked(state)).await? {
        Ok(checked) => checked,
        Err(why) => (Vec::new(), Some(why)),
    };
    let checkpoints = signed.len();
    let mut walk = Walk::new(signed);
    let (mut from, mut records) = (0, 0);
    loop {
        let page = house.site.audit(from, site::AUDIT_PAGE_MAX).await?;
        for entry in &page {
            records += 1;
            match entry {
                AuditEntry::Record(record) => {
                    walk.record(record);
                    from = record.seq.saturating_add(1);
                }
                AuditEntry::Unreadable(seq, _) => {
                    walk.unreadable(*seq);
                    from = seq.saturating_add(1);
                }
            }
        }
        if page.len() < site::AUDIT_PAGE_MAX {
            break;
        }
    }
    let verdict = walk.end();
    Ok(AuditVerdict {
        records,
        last: verdict.head.seq,
        hash: verdict.head.hash.to_string(),
        checkpoints,
        signed: verdict.signed,
        wrong: verdict.wrong.map(|wrong| wrong.to_string()).or(unsigned),
    })
}
