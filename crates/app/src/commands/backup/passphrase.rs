//! The passphrase of a backup: from a file, or asked for.

use crate::failure::Failure;
use crate::password;
use ::backup::Passphrase;
use std::io::{self, IsTerminal};
use std::path::Path;

/// Longer than anybody has.
const FILE_MAX: u64 = 64 << 10;

/// For a new backup: asked for twice on a terminal.
pub fn new(file: Option<&Path>) -> Result<Passphrase, Failure> {
    if file.is_some() || !io::stdin().is_terminal() {
        return known(file);
    }
    let first = password::ask("Passphrase of the backup: ")?;
    if password::ask("The same again: ")? != first {
        return Err(Failure::usage("the two are not the same"));
    }
    Ok(Passphrase::new(first))
}

/// For one that is there.
pub fn known(file: Option<&Path>) -> Result<Passphrase, Failure> {
    let line = match file {
        Some(file) => first_line(file)?,
        None if io::stdin().is_terminal() => password::ask("Passphrase of the backup: ")?,
        None => password::one_line()?,
    };
    match line.is_empty() {
        false => Ok(Passphrase::new(line)),
        true => Err(Failure::usage("the passphrase is empty")
            .hint("it is the first line of --passphrase-file, or of what is piped in")),
    }
}

fn first_line(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let cannot = |e: io::Error| Failure::failed(format!("{} cannot be read: {e}", file.display()));
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(cannot)?;
    opened.take(FILE_MAX).read_to_string(&mut text).map_err(cannot)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
