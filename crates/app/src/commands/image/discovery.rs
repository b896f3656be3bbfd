//! `image import --discovery`: the image that reads what is in a machine, made here and then taken in
//! like any folder.
//!
//! In: a kernel's package or a system's root, and the static program beside this one. Out: a folder
//! that is gone when the import is over.

use crate::failure::Failure;
use crate::say;
use library::discovery::{PROGRAM, pack};
use model::event::show_bytes;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where packages put the program.
const INSTALLED: &str = "/usr/lib/bootwright";
/// What the image is called unless somebody says otherwise.
pub(super) const NAME: &str = "discovery";

/// Makes the image's folder, which goes with the value that is returned.
pub(super) fn make(kernel: &Path, program: Option<PathBuf>) -> Result<TempDir, Failure> {
    let program = program.map_or_else(beside, Ok)?;
    let from = if kernel.is_dir() { "the newest kernel of" } else { "the kernel in" };
    say::note(format!("packing {from} {} with its drivers", kernel.display()));
    let packed = pack(kernel, &program).map_err(|e| Failure::failed(e.to_string()))?;
    say::note(format!(
        "Linux {}, {} drivers, an initrd of {}",
        packed.release,
        packed.drivers,
        show_bytes(packed.initrd_size() as u64)
    ));
    if !packed.left_out.is_empty() {
        let names = packed.left_out.join(", ");
        say::note(format!("without {names}: what they need is not there"));
    }
    let failed = |e: std::io::Error| Failure::failed(format!("cannot make a folder for it: {e}"));
    let folder =
        tempfile::Builder::new().prefix("bootwright-discovery-").tempdir().map_err(failed)?;
    // The server reads it, perhaps as another user. Nothing in it is a secret.
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).map_err(failed)?;
    packed.write(folder.path()).map_err(|e| Failure::failed(e.to_string()))?;
    Ok(folder)
}

/// The program beside this one, or where packages put it.
fn beside() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().ok();
    let folders = own.as_deref().and_then(Path::parent).into_iter().chain([Path::new(INSTALLED)]);
    let mut places = folders.map(|folder| folder.join(PROGRAM));
    places.find(|path| path.is_file()).ok_or_else(|| {
        Failure::failed(format!("there is no {PROGRAM} beside this program nor in {INSTALLED}"))
            .hint("`./x build` makes both; or name it with --program FILE")
    })
}
