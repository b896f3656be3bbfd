//! The subject: the `bootwright` binary in the server's namespace, and its command line.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ns::{Link, Namespace};
use super::process::{Process, run};
use super::{Log, Trouble, io};

/// How long the server may take until it is ready.
const START: Duration = Duration::from_secs(20);

/// A running server with a state of its own, stopped by SIGTERM when dropped.
#[derive(Debug)]
pub struct Server {
    process: Process,
    binary: PathBuf,
    namespace: Namespace,
    directory: tempfile::TempDir,
}

impl Server {
    /// Starts `binary` on the link with this configuration, and waits until it prints `ready`.
    ///
    /// # Errors
    /// When it does not start; the error shows what it said.
    pub fn start(binary: &Path, link: &Link, config: &str) -> Result<Self, Trouble> {
        let directory = tempfile::tempdir().map_err(io("making a directory for the server"))?;
        let file = directory.path().join("bootwright.toml");
        fs::write(&file, config).map_err(io("writing the server's configuration"))?;

        let namespace = link.server();
        let mut command = namespace.command(binary);
        command.args(["serve", "--config"]).arg(&file).arg("--state").arg(state(directory.path()));
        let mut process = Process::start(command, directory.path().join("server.log"))?;
        process.wait_for_line("ready", START)?;
        Ok(Self { process, binary: binary.to_owned(), namespace, directory })
    }

    /// Runs a command of the operator's, `["image", "list"]`, and gives what it printed.
    ///
    /// # Errors
    /// When the command fails, with what it said.
    pub fn cli(&self, arguments: &[&str]) -> Result<String, Trouble> {
        let mut command = self.namespace.command(&self.binary);
        run(command.arg("--state").arg(state(self.directory.path())).args(arguments))
    }

    /// What the server said.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.process.log()
    }

    /// Stops it as an init system would.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}

fn state(directory: &Path) -> PathBuf {
    directory.join("state")
}

/// The binary to try: `BOOTWRIGHT_BIN`, else the one cargo built beside the running test.
///
/// # Errors
/// When there is none; it says where one was looked for.
pub fn binary() -> Result<PathBuf, Trouble> {
    let path = match env::var_os("BOOTWRIGHT_BIN") {
        Some(path) => PathBuf::from(path),
        None => beside_this_test()?,
    };
    path.canonicalize().map_err(io(format!(
        "looking for the server at {} (build it with `cargo build --bin bootwright`, or set BOOTWRIGHT_BIN)",
        path.display()
    )))
}

/// Programs run from `target/PROFILE/`, tests from `deps/` below it.
fn beside_this_test() -> Result<PathBuf, Trouble> {
    let this = env::current_exe().map_err(io("asking for the path of this program"))?;
    let here = this.parent().unwrap_or(Path::new("."));
    let beside = here.join("bootwright");
    Ok(if beside.exists() { beside } else { here.join("../bootwright") })
}
