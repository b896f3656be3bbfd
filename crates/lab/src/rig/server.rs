//! The subject: the `bootwright` binary in the server's namespace, and its command line.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
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
    arguments: Vec<String>,
    directory: tempfile::TempDir,
}

impl Server {
    /// Starts `binary` on the link with this configuration, and waits until it prints `ready`.
    ///
    /// # Errors
    /// When it does not start; the error shows what it said.
    pub fn start(binary: &Path, link: &Link, config: &str) -> Result<Self, Trouble> {
        Self::start_in(binary, link.server(), config)
    }

    /// As [`Server::start`], in any namespace.
    ///
    /// # Errors
    /// As there.
    pub fn start_in(binary: &Path, namespace: Namespace, config: &str) -> Result<Self, Trouble> {
        let directory = new_directory()?;
        let file = config_in(directory.path());
        fs::write(&file, config).map_err(io("writing the server's configuration"))?;
        let arguments = vec!["--config".to_owned(), file.display().to_string()];
        Self::serve(binary, namespace, arguments, directory)
    }

    /// Starts `binary` without a configuration, by flags of `serve`.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn by_flags(binary: &Path, link: &Link, flags: &[&str]) -> Result<Self, Trouble> {
        let arguments = flags.iter().map(|&flag| flag.to_owned()).collect();
        Self::serve(binary, link.server(), arguments, new_directory()?)
    }

    fn serve(
        binary: &Path,
        namespace: Namespace,
        arguments: Vec<String>,
        directory: tempfile::TempDir,
    ) -> Result<Self, Trouble> {
        let process = launch(binary, &namespace, &arguments, directory.path())?;
        Ok(Self { process, binary: binary.to_owned(), namespace, arguments, directory })
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it once more, on the same state and with a new log.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_again(&mut self) -> Result<(), Trouble> {
        self.process.stop();
        self.process =
            launch(&self.binary, &self.namespace, &self.arguments, self.directory.path())?;
        Ok(())
    }

    /// The command line of an operator's command, to be run by whoever wants more than its
    /// output.
    #[must_use]
    pub fn operator(&self, arguments: &[&str]) -> Command {
        let mut command = self.namespace.command(&self.binary);
        command.arg("--state").arg(self.state()).args(arguments);
        command
    }

    /// Its state directory.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        state(self.directory.path())
    }

    /// Its configuration file, if it was started with one.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        config_in(self.directory.path())
    }

    /// Runs a command of the operator's, `["image", "list"]`, and gives what it printed.
    ///
    /// # Errors
    /// When the command fails, with what it said.
    pub fn cli(&self, arguments: &[&str]) -> Result<String, Trouble> {
        run(&mut self.operator(arguments))
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

fn launch(
    binary: &Path,
    namespace: &Namespace,
    arguments: &[String],
    directory: &Path,
) -> Result<Process, Trouble> {
    let mut command = namespace.command(binary);
    command.arg("serve").args(arguments).arg("--state").arg(state(directory));
    let mut process = Process::start(command, directory.join("server.log"))?;
    process.wait_for_line("ready", START)?;
    Ok(process)
}

fn new_directory() -> Result<tempfile::TempDir, Trouble> {
    tempfile::tempdir().map_err(io("making a directory for the server"))
}

fn state(directory: &Path) -> PathBuf {
    directory.join("state")
}

fn config_in(directory: &Path) -> PathBuf {
    directory.join("bootwright.toml")
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
