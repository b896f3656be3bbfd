//! `--write DIR`: what is no lease and no reservation, written down for a person to read and apply.

use crate::failure::Failure;
use foreign::{Parsed, left_out};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// One file, and what to do with it.
#[derive(Debug, Serialize)]
pub struct Piece {
    /// Where it is, or would be.
    pub file: String,
    /// Its lines.
    pub lines: usize,
    /// What to do with it.
    pub then: String,
}

/// Writes the files, or only says which they would be. A file that is there is left alone: then none
/// is written.
pub fn write(folder: &Path, parsed: &Parsed, dry: bool) -> Result<Vec<Piece>, Failure> {
    let written = parsed.settings.written();
    let apply = folder.join("declared.toml");
    let apply = format!("bootwright apply -f {} --dry-run", apply.display());
    let all = [
        ("declared.toml", written.document, apply),
        ("networks.toml", written.networks, "read it, then into the configuration file".to_owned()),
        ("left-out.txt", left_out(&parsed.left_out), "what to do by hand".to_owned()),
    ];
    let all: Vec<(PathBuf, String, String)> = all
        .into_iter()
        .filter(|(_, text, _)| !text.is_empty())
        .map(|(name, text, then)| (folder.join(name), text, then))
        .collect();
    if let Some((there, ..)) = all.iter().find(|(path, ..)| path.exists()) {
        return Err(Failure::refused(format!("{} is there already", there.display()))
            .hint("name another folder: --write DIR; nothing was written"));
    }
    if !dry {
        let cannot = |e: std::io::Error| {
            Failure::failed(format!("cannot write to {}: {e}", folder.display()))
        };
        std::fs::create_dir_all(folder).map_err(cannot)?;
        for (path, text, _) in &all {
            let file: Result<File, _> = OpenOptions::new().write(true).create_new(true).open(path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(cannot)?;
        }
    }
    let piece = |(path, text, then): &(PathBuf, String, String)| Piece {
        file: path.display().to_string(),
        lines: text.lines().count(),
        then: then.clone(),
    };
    Ok(all.iter().map(piece).collect())
}
