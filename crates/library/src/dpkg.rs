//! Which package put a file there, and its version: dpkg's own records, read and never changed.
//!
//! In: a root folder that holds `var/lib/dpkg`. Out: package and version for some paths. A root
//! without dpkg knows nothing, which is no error.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Bytes read of one list or of the status file.
const FILE_MAX: u64 = 256 << 20;
/// Package lists that are read.
const LISTS_MAX: usize = 50_000;

/// A package and its version.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Package {
    pub name: String,
    pub version: String,
}

/// The owners of these absolute paths (`/usr/lib/...`), as far as the records name them.
pub(crate) fn owners(root: &Path, paths: &[String]) -> BTreeMap<String, Package> {
    let records = root.join("var/lib/dpkg");
    let mut names = BTreeMap::new();
    let lists = fs::read_dir(records.join("info")).into_iter().flatten().flatten();
    for list in lists.take(LISTS_MAX) {
        let file = list.file_name().into_string().unwrap_or_default();
        let Some(package) = file.strip_suffix(".list") else { continue };
        for line in lines(&list.path()) {
            if paths.contains(&line) {
                // `shim-signed:amd64.list`: the architecture is no part of the name.
                let name = package.split(':').next().unwrap_or(package);
                names.insert(line, name.to_owned());
            }
        }
    }
    let versions = versions(&records.join("status"), &names);
    names
        .into_iter()
        .filter_map(|(path, name)| {
            let version = versions.get(&name)?.clone();
            Some((path, Package { name, version }))
        })
        .collect()
}

fn versions(status: &Path, wanted: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let mut package = String::new();
    for line in lines(status) {
        match field(&line) {
            Some(("Package", name)) => package = name.to_owned(),
            Some(("Version", version)) if wanted.values().any(|name| *name == package) => {
                versions.insert(package.clone(), version.to_owned());
            }
            _ => {}
        }
    }
    versions
}

/// The `Package` and `Version` of a control file.
pub(crate) fn control(text: &str) -> Package {
    let value = |name| {
        let found = text.lines().filter_map(field).find(|(key, _)| *key == name);
        found.map(|(_, value)| model::text::show(value.as_bytes())).unwrap_or_default()
    };
    Package { name: value("Package"), version: value("Version") }
}

fn field(line: &str) -> Option<(&str, &str)> {
    line.split_once(':').map(|(key, value)| (key, value.trim()))
}

/// The lines of a file; none where it cannot be read or is no text.
fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).ok().map(|file| BufReader::new(file.take(FILE_MAX)));
    file.into_iter().flat_map(|file| file.lines().map_while(Result::ok))
}
