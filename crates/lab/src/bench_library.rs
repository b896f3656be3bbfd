//! `./x bench library`: what a library of discs costs: to take one in, to serve from one, to have one
//! with very many files.
//!
//! In: how many rounds. Out: tables on stdout and in `target/bench/library.txt`. Never: a disc that
//! somebody published; the discs are made here, the same ones each time.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bench_files::{CLIENT, PICTURES, SERVER};
use crate::rig::need::{self, need};
use crate::rig::ns::Pair;
use crate::rig::server::binary;
use crate::rig::{Trouble, io, iso};

pub mod intake;
pub mod many;
pub mod serving;

/// What fetches.
const PACKAGES: &[&str] = &["wrk", "curl"];

/// Measures `rounds` times and prints the tables.
///
/// # Errors
/// When a package is missing, the server does not start or does not take the discs, or bytes are
/// wrong.
pub fn run(rounds: usize) -> Result<(), Trouble> {
    for packages in [need::LINK, PACKAGES, iso::PACKAGES] {
        need(packages)?;
    }
    let tables = [intake::run(rounds)?, serving::run(rounds)?, many::run(rounds)?];
    let text = tables.join("\n\n") + "\n";
    println!("\n{text}");
    let file = Path::new(PICTURES).join("library.txt");
    fs::create_dir_all(PICTURES).map_err(io(format!("making {PICTURES}")))?;
    fs::write(&file, text).map_err(io(format!("writing {}", file.display())))?;
    println!("{} holds these tables", file.display());
    Ok(())
}

/// Both ends of a cable.
fn pair() -> Result<Pair, Trouble> {
    Pair::new(SERVER, CLIENT)
}

/// A command of the operator's to the server whose state is in this directory.
fn operator(pair: &Pair, directory: &Path, words: &[&str]) -> Result<Command, Trouble> {
    let mut command = pair.server().command(binary()?);
    command.arg("--state").arg(directory.join("state")).args(words);
    Ok(command)
}
