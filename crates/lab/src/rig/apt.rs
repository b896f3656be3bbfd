//! An apt beside the machine's own: the same archive and the same way to it, and what the machine
//! does not look for there, the packages that only the installer installs (udebs).
//!
//! In: names of packages. Out: files in a folder. Never: a change to the machine's apt, and no name of
//! an archive of our own: what the machine's apt knows is asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;
use super::{Trouble, io};

/// The release whose packages are wanted.
pub const RELEASE: &str = "bookworm";
/// The component that holds what only the installer installs.
const FOR_THE_INSTALLER: &str = "main/debian-installer";

/// An apt with lists and a cache of its own.
#[derive(Debug)]
pub struct Apt {
    root: PathBuf,
    archive: String,
}

impl Apt {
    /// Sets one up in a folder and reads the archive's lists: a few seconds, over the network.
    ///
    /// # Errors
    /// When the machine's apt knows no archive with this release, or the archive cannot be reached.
    pub fn with_udebs(root: &Path) -> Result<Self, Trouble> {
        for folder in ["lists/partial", "cache/archives/partial", "nothing/partial"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(io(format!("making {}", path.display())))?;
        }
        let apt = Self { root: root.to_owned(), archive: archive()? };
        let sources = ["main", FOR_THE_INSTALLER]
            .map(|component| format!("deb {} {RELEASE} {component}\n", apt.archive));
        let here = root.display();
        for (name, text) in [
            ("sources.list", sources.concat()),
            // As if nothing were installed: whatever is needed counts.
            ("status", String::new()),
            (
                "apt.conf",
                format!(
                    "Dir::Etc::sourcelist \"{here}/sources.list\";\nDir::Etc::sourceparts \"-\";\n\
                     Dir::State::lists \"{here}/lists\";\nDir::State::status \"{here}/status\";\n\
                     Dir::Cache \"{here}/cache\";\nAPT::Sandbox::User \"root\";\n\
                     APT::Install-Recommends \"false\";\nAPT::Architectures \"amd64\";\n"
                ),
            ),
        ] {
            fs::write(root.join(name), text).map_err(io(format!("writing {name} for apt")))?;
        }
        run(apt.command("apt-get").args(["-qq", "update"]))?;
        Ok(apt)
    }

    /// Fetches packages by name and unpacks them into a folder, one over the other.
    ///
    /// # Errors
    /// When there is none of that name, or the archive does not give it.
    pub fn unpack(&self, names: &[&str], into: &Path) -> Result<(), Trouble> {
        let fetched = self.root.join("fetched");
        fs::create_dir_all(&fetched).map_err(io(format!("making {}", fetched.display())))?;
        run(self.command("apt-get").args(["-qq", "download"]).args(names).current_dir(&fetched))?;
        let entries = fs::read_dir(&fetched).map_err(io("reading what apt fetched"))?;
        for entry in entries {
            let path = entry.map_err(io("reading what apt fetched"))?.path();
            run(Command::new("dpkg-deb").arg("-x").arg(path).arg(into))?;
        }
        fs::remove_dir_all(&fetched).map_err(io("removing what apt fetched"))
    }

    /// A file of the archive, by its path there.
    ///
    /// # Errors
    /// When the archive does not give it.
    pub fn file(&self, path: &str, to: &Path) -> Result<(), Trouble> {
        // What is there already would be taken for the answer.
        let _nothing_there = fs::remove_file(to);
        let from = format!("{}/{path}", self.archive.trim_end_matches('/'));
        run(self.command("/usr/lib/apt/apt-helper").arg("download-file").arg(from).arg(to))
            .map(drop)
    }

    /// The packages that every system has.
    ///
    /// # Errors
    /// When apt's lists cannot be read.
    pub fn required(&self) -> Result<Vec<String>, Trouble> {
        let all = run(self.command("apt-cache").arg("dumpavail"))?;
        let value = |of: &str, field: &str| {
            of.lines().find_map(|line| line.strip_prefix(field)).map(|text| text.trim().to_owned())
        };
        let required = |of: &&str| value(of, "Priority:").is_some_and(|text| text == "required");
        let deb = |of: &&str| !of.contains("\nSection: debian-installer");
        Ok(all
            .split("\n\n")
            .filter(required)
            .filter(deb)
            .filter_map(|of| value(of, "Package:"))
            .collect())
    }

    /// Fetches these packages and all they need: where each is, and its path in the archive.
    ///
    /// # Errors
    /// When apt finds no way to install them, or the archive does not give one.
    pub fn fetch(&self, names: &[&str]) -> Result<Vec<(PathBuf, String)>, Trouble> {
        let install = ["-qq", "-y", "--no-install-recommends"];
        // Of what is in its cache apt gives no address.
        let nothing = format!("Dir::Cache::archives={}", self.root.join("nothing").display());
        let uris = run(self
            .command("apt-get")
            .args(install)
            .args(["-o", &nothing, "--print-uris", "install"])
            .args(names))?;
        run(self
            .command("apt-get")
            .args(install)
            .args(["--download-only", "install"])
            .args(names))?;
        let fetched = self.root.join("cache/archives");
        let archive = self.archive.trim_end_matches('/');
        let one = |line: &str| {
            let mut words = line.split_whitespace();
            let (uri, name) = (words.next()?.trim_matches('\''), words.next()?);
            let path = uri.strip_prefix(archive)?.trim_start_matches('/');
            Some((fetched.join(name), decoded(path)))
        };
        Ok(uris.lines().filter_map(one).collect())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.root.join("apt.conf")).env("LC_ALL", "C");
        command
    }
}

/// A path without the `%` of a URL.
fn decoded(path: &str) -> String {
    let mut pieces = path.split('%');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let byte = piece.get(..2).and_then(|two| u8::from_str_radix(two, 16).ok());
        match byte.zip(piece.get(2..)) {
            Some((byte, rest)) => out.extend([char::from(byte).to_string().as_str(), rest]),
            None => out.extend(["%", piece]),
        }
    }
    out
}

/// Where the machine's apt has the release from.
fn archive() -> Result<String, Trouble> {
    let said = run(Command::new("apt-get")
        .args(["indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"])
        .args(["Created-By: Packages", "Origin: Debian"]))?;
    let place = said.lines().find_map(|line| line.strip_prefix(&format!("{RELEASE} main ")));
    place.map(str::to_owned).ok_or_else(|| {
        Trouble::Missing(format!(
            "apt's lists of Debian {RELEASE} (`apt-get update` may bring them)"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn names_of_packages_are_as_the_archive_has_them() {
        assert_eq!(
            decoded("pool/g/grub_1%2b2.06%7edeb12_amd64.deb"),
            "pool/g/grub_1+2.06~deb12_amd64.deb"
        );
        assert_eq!(decoded("100%"), "100%");
    }
}
