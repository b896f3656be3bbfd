//! Which files are meant by the paths that were typed, in the order in which they are read.

use crate::failure::Failure;
use foreign::{Book, Server};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A folder with more entries is no folder of a DHCP server.
const ENTRIES_MAX: usize = 4096;
/// The same of one that has a file for each machine.
const MACHINES_MAX: usize = 100_000;
/// Folders inside folders that are entered.
const DEPTH_MAX: usize = 4;

/// The files behind paths. Files of a folder that are none of the server's are left out aloud.
pub fn all(server: Server, paths: &[PathBuf], book: &mut Book) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let wrong = |e: std::io::Error| Failure::failed(format!("{}: {e}", path.display()));
        let about = std::fs::metadata(path).map_err(wrong)?;
        if about.is_dir() {
            found.extend(folder(server, path, 0, book).map_err(wrong)?);
        } else if about.is_file() {
            found.extend(with_family(server, path));
        } else {
            return Err(Failure::failed(format!(
                "{} is neither a file nor a folder",
                path.display()
            )));
        }
    }
    Ok(found)
}

/// The files of a folder, by name; folders inside are entered where the server has such.
fn folder(
    server: Server,
    folder: &Path,
    depth: usize,
    book: &mut Book,
) -> std::io::Result<Vec<PathBuf>> {
    let deep = matches!(server, Server::Matchbox | Server::Cobbler) && depth < DEPTH_MAX;
    let most = match server {
        Server::Dnsmasq | Server::Isc | Server::Kea => ENTRIES_MAX,
        Server::Matchbox | Server::Cobbler | Server::Pxelinux | Server::Fog => MACHINES_MAX,
    };
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        names.insert(entry?.path());
        if names.len() > most {
            return Err(std::io::Error::other(format!("more than {most} files in it")));
        }
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for path in &names {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let shown = path.display().to_string();
        // A link to a folder could lead in a circle.
        if deep && path.is_dir() && !path.is_symlink() {
            found.extend(self::folder(server, path, depth + 1, book)?);
        } else if !path.is_file() {
            book.pass_over(&shown, "it is no file: folders inside a folder are not entered");
        } else if ours(server, &name) {
            found.extend(with_family(server, path));
        } else if !is_family(server, path, &names) {
            let why = "by its name it is none of that server's; name it itself if it is";
            book.pass_over(&shown, why);
        }
    }
    Ok(found)
}

/// Whether a file of a folder is the server's, by its name.
fn ours(server: Server, name: &str) -> bool {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    match server {
        Server::Kea => ends(&[".csv", ".conf", ".json"]),
        Server::Isc => ends(&[".leases", ".conf"]),
        Server::Matchbox | Server::Cobbler => ends(&[".json"]),
        Server::Fog => ends(&[".sql"]),
        // dnsmasq reads every file of a `conf-dir`, but what editors and packages leave behind.
        Server::Dnsmasq | Server::Pxelinux => {
            !name.starts_with(['.', '#'])
                && !name.starts_with("README")
                && !ends(&["~", "#", ".bak", ".dpkg-dist", ".dpkg-old", ".dpkg-new"])
        }
    }
}

/// While Kea cleans its lease file up, leases stand in `.2` (cleaned before) and `.1` (not yet), and
/// at its end in `.completed`, which has both.
fn with_family(server: Server, path: &Path) -> Vec<PathBuf> {
    let memfile = matches!(server, Server::Kea) && path.extension().is_some_and(|e| e == "csv");
    if !memfile {
        return vec![path.to_owned()];
    }
    let completed = beside(path, ".completed");
    let older = match completed.is_file() {
        true => vec![completed],
        false => vec![beside(path, ".2"), beside(path, ".1")],
    };
    older.into_iter().filter(|path| path.is_file()).chain([path.to_owned()]).collect()
}

/// Whether a file is read (or done with) together with its `.csv`.
fn is_family(server: Server, path: &Path, names: &BTreeSet<PathBuf>) -> bool {
    let base = path.with_extension("");
    let ends = [".1", ".2", ".completed", ".output", ".pid"];
    let member = ends.iter().any(|end| beside(&base, end) == *path);
    let memfile = base.extension().is_some_and(|e| e == "csv");
    matches!(server, Server::Kea) && member && memfile && names.contains(&base)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Now;

    fn names(server: Server, folder: &Path) -> (Vec<String>, usize) {
        let mut book = Book::new(Now(0));
        let all = all(server, &[folder.to_owned()], &mut book).unwrap();
        let name = |p: &PathBuf| p.file_name().unwrap().to_string_lossy().into_owned();
        (all.iter().map(name).collect(), book.done().left_out.len())
    }

    #[test]
    fn kea_s_lease_files_are_read_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
        for name in ["a.csv", "a.csv.1", "a.csv.2", "a.csv.output", "notes.txt"] {
            make(name);
        }
        let read = names(Server::Kea, folder.path());
        assert_eq!(read, (vec!["a.csv.2".into(), "a.csv.1".into(), "a.csv".into()], 1));
        make("a.csv.completed");
        let read = names(Server::Kea, folder.path());
        assert_eq!(read, (vec!["a.csv.completed".into(), "a.csv".into()], 1));
    }

    #[test]
    fn folders_are_entered_where_the_server_has_such() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["groups/a.json", "profiles/b.json", "ignition/c.ign"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let read = names(Server::Matchbox, folder.path());
        assert_eq!(read, (vec!["a.json".into(), "b.json".into()], 1));
        assert_eq!(names(Server::Pxelinux, folder.path()), (vec![], 3));
    }

    #[test]
    fn what_editors_leave_behind_is_left_out_aloud() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["hosts", "lab.conf", "lab.conf~", ".lab.conf.swp"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let read = names(Server::Dnsmasq, folder.path());
        assert_eq!(read, (vec!["hosts".into(), "lab.conf".into()], 2));
    }
}
