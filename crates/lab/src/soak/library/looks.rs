//! What can be seen of a library from outside: commands, HTTP, and the files in its directory.
//!
//! In: where the server and its state are. Out: what is there, or which promise that breaks. Never:
//! a change.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::promises::{Seen, Shelf};
use super::sources::{ID, Sources, read};
use crate::fetch::get::get;
use crate::rig::ns::{Namespace, Pair};
use crate::rig::process::run;
use crate::rig::server::binary;
use crate::rig::{Trouble, io};

/// Where machines fetch.
const SERVER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 80, 0, 1)), 80);
/// What tidies up may do so in the background for as long.
const TIDY: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `Err` inside is a broken promise, in words.
type Look<T> = Result<Result<T, String>, Trouble>;

/// Whoever looks.
#[derive(Debug)]
pub struct Looks {
    server: Namespace,
    client: Namespace,
    state: PathBuf,
    program: PathBuf,
}

impl Looks {
    /// At the server of this pair, with its state there.
    ///
    /// # Errors
    /// When there is no program.
    pub fn new(pair: &Pair, state: PathBuf) -> Result<Self, Trouble> {
        let program = binary()?;
        Ok(Self { server: pair.server(), client: pair.client(), state, program })
    }

    /// A command of the operator's.
    pub fn operator(&self, words: &[impl AsRef<std::ffi::OsStr>]) -> Command {
        let mut command = self.server.command(&self.program);
        command.arg("--state").arg(&self.state).args(words);
        command
    }

    fn json(&self, words: &[&str]) -> Result<Value, Trouble> {
        let said = run(self.operator(words).arg("--json"))?;
        serde_json::from_str(&said).map_err(|cause| Trouble::Command {
            command: format!("bootwright {}", words.join(" ")),
            said: format!("{cause}: {said}"),
        })
    }

    /// Every image and version, each verified by the server, told apart by what it serves.
    ///
    /// # Errors
    /// When a command cannot be run.
    pub fn see(&self, sources: &Sources) -> Look<Seen> {
        if let Err(trouble) = run(&mut self.operator(&["image", "verify"])) {
            return Ok(Err(format!("an image does not verify: {trouble}")));
        }
        let mut seen = Seen::default();
        for (name, version) in self.versions()? {
            match self.source(sources, &format!("{name}/{version}"))? {
                Ok(source) => seen.versions.entry(name).or_default().insert(version, source),
                Err(broken) => return Ok(Err(broken)),
            };
        }
        for name in seen.versions.keys() {
            match self.source(sources, &format!("{name}/stable"))? {
                Ok(source) => seen.stable.insert(name.clone(), source),
                Err(broken) => return Ok(Err(broken)),
            };
        }
        Ok(Ok(seen))
    }

    fn versions(&self) -> Result<Vec<(String, u32)>, Trouble> {
        let listed = self.json(&["image", "list"])?;
        let version = |image: &Value| {
            let version = u32::try_from(image["version"].as_u64()?).ok()?;
            Some((image["name"].as_str()?.to_owned(), version))
        };
        Ok(listed.as_array().into_iter().flatten().filter_map(version).collect())
    }

    fn source(&self, sources: &Sources, image: &str) -> Look<usize> {
        let path = format!("/image/{image}/{ID}");
        Ok(self.get(&path)?.and_then(|bytes| {
            let shown = String::from_utf8_lossy(&bytes).into_owned();
            sources.named(&bytes).ok_or_else(|| format!("{path} is of no source: {shown:?}"))
        }))
    }

    /// Fetches every file of a version and compares it; how many bytes that were.
    ///
    /// # Errors
    /// When a source cannot be read.
    pub fn fetch(&self, sources: &Sources, name: &str, version: u32, source: usize) -> Look<u64> {
        let mut compared = 0;
        for (path, file) in sources.files(source, version) {
            let path = format!("/image/{name}/{path}");
            let wanted = read(&file)?;
            match self.get(&path)? {
                Err(broken) => return Ok(Err(broken)),
                Ok(bytes) if bytes == wanted => compared += bytes.len() as u64,
                Ok(bytes) => return Ok(Err(differs(&path, &bytes, &wanted))),
            }
        }
        Ok(Ok(compared))
    }

    fn get(&self, path: &str) -> Look<Vec<u8>> {
        let got = self.client.inside(|| get(SERVER, path))?;
        Ok(got.map_err(|why| format!("GET {path}: {why}")))
    }

    /// That nothing lies where uploads are written.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn nothing_comes_in(&self) -> Look<()> {
        let incoming = self.state.join("incoming");
        let left = self.until_empty(|| files(&incoming))?;
        Ok(match left.is_empty() {
            true => Ok(()),
            false => Err(format!("nobody owns these in {}: {left:?}", incoming.display())),
        })
    }

    /// That every blob belongs to something, soon.
    ///
    /// # Errors
    /// When a command cannot be run.
    pub fn no_orphans(&self, shelf: &Shelf) -> Look<()> {
        let left = self.until_empty(|| self.orphans(shelf))?;
        Ok(match left.is_empty() {
            true => Ok(()),
            false => Err(format!("after a removal these blobs belong to nothing: {left:?}")),
        })
    }

    /// That an empty library leaves nothing behind.
    ///
    /// # Errors
    /// When a command cannot be run.
    pub fn nothing_is_left_over(&self) -> Look<()> {
        match self.no_orphans(&Shelf::default())? {
            Ok(()) => self.nothing_comes_in(),
            broken => Ok(broken),
        }
    }

    /// Blobs that neither a version on this shelf nor a bootloader names.
    ///
    /// # Errors
    /// When a command cannot be run.
    pub fn orphans(&self, shelf: &Shelf) -> Result<Vec<String>, Trouble> {
        let mut named = vec![run(self.operator(&["bootloader", "list"]).arg("--json"))?];
        for (name, version, _) in shelf.all() {
            let version = version.to_string();
            let words = ["image", "show", &name, "--version", &version, "--json"];
            named.push(run(&mut self.operator(&words))?);
        }
        let hashes: BTreeSet<&str> = named.iter().flat_map(|text| hashes_in(text)).collect();
        let mut left = files(&self.state.join("blobs"))?;
        left.retain(|path| !hashes.contains(blob_of(path)));
        Ok(left)
    }

    fn until_empty(
        &self,
        look: impl Fn() -> Result<Vec<String>, Trouble>,
    ) -> Result<Vec<String>, Trouble> {
        let since = Instant::now();
        loop {
            let left = look()?;
            if left.is_empty() || since.elapsed() > TIDY {
                return Ok(left);
            }
            sleep(LOOK_EVERY);
        }
    }
}

/// Every run of 64 hexadecimal digits.
fn hashes_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64)
}

/// The blob that a file below `blobs/` is or belongs to: what stands beside a blob has its name, and more.
fn blob_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split('.').next().unwrap_or_default()
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<String>, Trouble> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let reading = || io(format!("reading {}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(reading())? {
            let entry = entry.map_err(reading())?;
            match entry.file_type().map_err(reading())?.is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path().display().to_string()),
            }
        }
    }
    Ok(files)
}

fn differs(path: &str, bytes: &[u8], wanted: &[u8]) -> String {
    let at = bytes.iter().zip(wanted).position(|(one, other)| one != other);
    let at = at.unwrap_or(bytes.len().min(wanted.len()));
    format!("{path} has {} bytes, its source {}; they differ at {at}", bytes.len(), wanted.len())
}

#[cfg(test)]
mod tests {
    use super::{blob_of, differs, hashes_in};

    #[test]
    fn hashes_are_found_wherever_they_stand() {
        let hash = "0123456789abcdef".repeat(4);
        let text = format!("{{\"sha256\":\"{hash}\",\"short\":\"0123\",\"long\":\"{hash}0\"}}");
        assert_eq!(hashes_in(&text).collect::<Vec<_>>(), [hash.as_str()]);
    }

    #[test]
    fn what_stands_beside_a_blob_belongs_to_it() {
        assert_eq!(blob_of("/state/blobs/ab/abcd"), "abcd");
        assert_eq!(blob_of("/state/blobs/ab/abcd.chunks"), "abcd");
    }

    #[test]
    fn where_bytes_differ_is_said() {
        assert!(differs("/x", b"abc", b"abd").ends_with("differ at 2"));
        assert!(differs("/x", b"ab", b"abd").ends_with("differ at 2"));
    }
}
