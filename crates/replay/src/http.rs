//! HTTP: what a request would have got, and what it got.

mod connection;

pub(crate) use connection::Talk;

use crate::body::Body;
use crate::ours::Ours;
use crate::verdict::{Entry, Theirs, Verdict};
use engine::compare::{self, Bearing, Difference};
use model::text::show;
use std::net::SocketAddr;

/// A request, and both answers.
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) head_only: bool,
    /// A part was asked for.
    pub(crate) ranged: bool,
    pub(crate) ours: Ours,
    pub(crate) seen: Option<Seen>,
}

/// What the capture shows of a response.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) from: SocketAddr,
    pub(crate) packet: u64,
    pub(crate) status: u16,
    /// `Content-Length`.
    pub(crate) length: Option<u64>,
    /// The length of the whole file by `Content-Range`.
    pub(crate) whole: Option<u64>,
    pub(crate) location: Option<String>,
    pub(crate) body: Body,
}

/// Fills in what the fetch says.
pub(crate) fn judge(fetch: &Fetch, mut entry: Entry) -> Entry {
    entry.ours = fetch.ours.words();
    let Some(seen) = &fetch.seen else {
        entry.verdict = Verdict::OnlyWe;
        return entry;
    };
    entry.theirs =
        vec![Theirs { from: seen.from.to_string(), packet: seen.packet, says: seen.words() }];
    let status = fetch.status();
    // A cache that asks whether its copy is still good is answered by what it has.
    let unchanged = seen.status == 304 && status == 200;
    if let (Some(why), 200) = (fetch.ours.not_made(), seen.status) {
        entry.verdict = Verdict::Unseen;
        entry.notes.push(why.to_owned());
        return entry;
    }
    if status != seen.status && !unchanged {
        let what = "status".to_owned();
        let (ours, theirs) = (Some(status.to_string()), Some(seen.status.to_string()));
        entry.differences.push(Difference { what, bearing: Bearing::Boot, ours, theirs });
    }
    let whole = match seen.status {
        200 if !fetch.head_only => bodies(&fetch.ours, &seen.body, &mut entry),
        200 | 206 => {
            let theirs = seen.whole.or(seen.length).filter(|_| fetch.ours.size().is_some());
            entry.size(fetch.ours.size(), theirs);
            if !fetch.head_only {
                entry.notes.push("of a part of a file only the size is compared".to_owned());
            }
            fetch.head_only
        }
        // Words of refusals are each server's own.
        _ => seen.body.is_whole() && matches!(fetch.ours, Ours::Missing(_) | Ours::Later(_)),
    };
    entry.verdict = match entry.differences.is_empty() {
        true if whole => Verdict::Same,
        _ if compare::agree(&entry.differences) => Verdict::Agrees,
        _ => Verdict::Differs,
    };
    entry
}

impl Fetch {
    fn status(&self) -> u16 {
        match &self.ours {
            Ours::Missing(_) | Ours::Silent(_) => 404,
            Ours::Later(_) => 503,
            Ours::Refused(status, _) => *status,
            Ours::Blob(_) | Ours::Text(_) if self.ranged => 206,
            Ours::Blob(_) | Ours::Text(_) | Ours::AnswerFile | Ours::Elsewhere => 200,
        }
    }
}

impl Seen {
    fn words(&self) -> String {
        let mut words = format!("status {}", self.status);
        if let Some(location) = &self.location {
            words.push_str(&format!(", to {location}"));
        }
        if self.body.passed > 0 {
            words.push_str(&format!(", {} bytes", self.body.passed));
        }
        words
    }
}

/// Compares the bytes of a file; says whether all of them were compared, and are the same but for what
/// is noted in the entry.
pub(crate) fn bodies(ours: &Ours, seen: &Body, entry: &mut Entry) -> bool {
    let put = |entry: &mut Entry, what: &str, ours: String, theirs: String| {
        let (what, ours, theirs) = (what.to_owned(), Some(ours), Some(theirs));
        entry.differences.push(Difference { what, bearing: Bearing::Boot, ours, theirs });
    };
    if seen.passed == 0 && !seen.ended {
        // Nothing of it was sent, and nothing is left to be compared.
        return true;
    }
    if seen.lost > 0 {
        entry.notes.push(format!("the capture lacks {} bytes of the file", seen.lost));
    }
    match ours {
        Ours::Text(text) => match seen.differs_from(text) {
            None => seen.lost == 0,
            Some(how) => {
                put(
                    entry,
                    "text",
                    format!("{} bytes", text.len()),
                    format!("{} bytes", seen.passed),
                );
                entry.notes.push(how);
                false
            }
        },
        Ours::Blob(content) if seen.is_whole() => {
            entry.size(Some(content.size), Some(seen.passed));
            match ours.sha256() {
                Some(hash) if hash != seen.sha256() => {
                    let short = |hash: model::Hash| hash.to_string().chars().take(16).collect();
                    put(entry, "SHA-256", short(hash), short(seen.sha256()));
                    false
                }
                Some(_) => true,
                None => {
                    entry
                        .notes
                        .push("of a file inside a disc only the size is compared".to_owned());
                    false
                }
            }
        }
        Ours::Blob(content) => {
            let (all, seen) = (content.size, seen.passed - seen.lost);
            entry.notes.push(format!("the capture shows {seen} of its {all} bytes: not compared"));
            false
        }
        _ => true,
    }
}

impl Entry {
    fn size(&mut self, ours: Option<u64>, theirs: Option<u64>) {
        let bytes = |n: u64| format!("{n} bytes");
        if let (Some(a), Some(b)) = (ours, theirs)
            && a != b
        {
            let (ours, theirs) = (Some(bytes(a)), Some(bytes(b)));
            let what = "size".to_owned();
            self.differences.push(Difference { what, bearing: Bearing::Boot, ours, theirs });
        }
    }
}

/// `GET /boot.ipxe?mac=…`.
pub(crate) fn in_words(method: &str, target: &str) -> String {
    format!("{} {}", show(method.as_bytes()), show(target.as_bytes()))
}
