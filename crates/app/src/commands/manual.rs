//! `completion` and `man`: made of the same definitions as `--help`.

use crate::cli::Cli;
use crate::failure::Failure;
use crate::say;
use clap::CommandFactory;
use std::path::Path;

/// A completion script.
pub fn completion(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bootwright", &mut script);
    say::line(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}

/// The main page on stdout, or every page into a directory.
pub fn man(out: Option<&Path>) -> Result<(), Failure> {
    let cannot = |e: std::io::Error| Failure::failed(format!("cannot write the manual: {e}"));
    match out {
        Some(folder) => clap_mangen::generate_to(Cli::command(), folder).map_err(cannot),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(cannot)?;
            say::line(String::from_utf8_lossy(&page).trim_end());
            Ok(())
        }
    }
}
