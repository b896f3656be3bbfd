//! Reports as files.

use crate::failure::Failure;
use replay::Report;
use replay::report::BYTES_MAX;
use std::path::Path;

/// How their names end.
pub const ENDING: &str = ".report.json";

/// Whether a file is one, by its name.
pub fn is_one(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(ENDING))
}

/// Reads one.
pub fn read(path: &Path) -> Result<Report, Failure> {
    let shown = path.display();
    let cannot = |e: std::io::Error| Failure::failed(format!("cannot read {shown}: {e}"));
    let size = path.metadata().map_err(cannot)?.len();
    if size > BYTES_MAX as u64 {
        return Err(Failure::failed(format!("{shown} has {size} bytes: that is no report")));
    }
    let text = std::fs::read_to_string(path).map_err(cannot)?;
    Report::read(&text).map_err(|why| {
        Failure::failed(format!("{shown}: {why}"))
            .hint("bootwright report MACHINE writes one, of this version")
    })
}
