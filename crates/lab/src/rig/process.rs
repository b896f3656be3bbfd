//! Programs that run beside the test, and the logs they write.
//!
//! A program started here ends with its [`Process`], by its own id: first asked, then killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Trouble, io};

/// How often a growing log is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a program may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many lines of a log an error shows.
const TAIL_LINES: usize = 60;

/// A program in the background, ended when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Log,
}

impl Process {
    /// Starts `command` with everything it says going to the file `log`.
    ///
    /// # Errors
    /// When the log cannot be made or the program cannot be started.
    pub fn start(mut command: Command, log: PathBuf) -> Result<Self, Trouble> {
        let said = File::create(&log).map_err(io(format!("making {}", log.display())))?;
        let also = said.try_clone().map_err(io("sharing a log between stdout and stderr"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(said)
            .stderr(also)
            .spawn()
            .map_err(io(format!("starting {command:?}")))?;
        Ok(Self { child, log: Log::at(log) })
    }

    /// Its process id: the program's own, since whatever starts it becomes it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the program said so far.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Waits until the program says `text`.
    ///
    /// # Errors
    /// [`Trouble::Silence`] when it did not in time, or ended before.
    pub fn wait_for(&mut self, text: &str, limit: Duration) -> Result<(), Trouble> {
        let Self { child, log } = self;
        log.wait_for(text, limit, || ended(child))
    }

    /// Waits until the program says `line` and nothing else on that line.
    ///
    /// # Errors
    /// As [`Process::wait_for`].
    pub fn wait_for_line(&mut self, line: &str, limit: Duration) -> Result<(), Trouble> {
        let Self { child, log } = self;
        let said = |text: &str| text.lines().any(|said| said.trim() == line);
        log.wait_until(line, said, limit, || ended(child))
    }

    /// Whether it is still running, otherwise how it ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        ended(&mut self.child)
    }

    /// Sends it a signal; many clients renew and release by one.
    pub fn signal(&mut self, signal: Signal) {
        if self.ended().is_some() {
            return;
        }
        // The child is not reaped yet, so its id is still its own.
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _gone_meanwhile = kill(Pid::from_raw(id), signal);
        }
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) {
        let _gone_meanwhile = self.child.kill();
        let _gone_meanwhile = self.child.wait();
    }

    /// Ends the program: SIGTERM, and SIGKILL if it does not listen. Harmless when repeated.
    pub fn stop(&mut self) {
        if self.ended().is_some() {
            return;
        }
        self.signal(Signal::SIGTERM);
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if self.ended().is_some() {
                return;
            }
            sleep(LOOK_EVERY);
        }
        self.kill();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

fn ended(child: &mut Child) -> Option<ExitStatus> {
    child.try_wait().ok().flatten()
}

/// A text file that another program is still writing.
#[derive(Clone, Debug)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// The log at `path`; it need not exist yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything written so far, without what only steers a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        plain(&String::from_utf8_lossy(&fs::read(&self.path).unwrap_or_default()))
    }

    /// The last lines, for people.
    #[must_use]
    pub fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Waits until `text` stands in the log, while `ended` gives no end.
    ///
    /// # Errors
    /// [`Trouble::Silence`], with the last lines of the log.
    pub fn wait_for(
        &self,
        text: &str,
        limit: Duration,
        ended: impl FnMut() -> Option<ExitStatus>,
    ) -> Result<(), Trouble> {
        self.wait_until(text, |said| said.contains(text), limit, ended)
    }

    fn wait_until(
        &self,
        text: &str,
        found: impl Fn(&str) -> bool,
        limit: Duration,
        mut ended: impl FnMut() -> Option<ExitStatus>,
    ) -> Result<(), Trouble> {
        let since = Instant::now();
        loop {
            // Asked before reading: what a program said last still counts.
            let end = ended();
            if found(&self.text()) {
                return Ok(());
            }
            let limit = match end {
                Some(status) => format!("before the program ended ({status})"),
                None if since.elapsed() >= limit => format!("within {} s", limit.as_secs()),
                None => {
                    sleep(LOOK_EVERY);
                    continue;
                }
            };
            return Err(Trouble::Silence {
                waited_for: text.to_owned(),
                limit,
                log: self.path.display().to_string(),
                tail: self.tail(),
            });
        }
    }
}

/// The text without ANSI escape sequences (ECMA-48) and other control characters.
///
/// Firmware and installers place their words by cursor movements; what is left reads as one
/// stream in the order of writing.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' => skip_escape(&mut characters),
            '\r' => {}
            '\n' | '\t' => out.push(character),
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// Passes over one escape sequence, of which ESC was read already.
fn skip_escape(characters: &mut std::str::Chars<'_>) {
    match characters.next() {
        // CSI: parameters, then one final byte from @ to ~.
        Some('[') => while characters.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        // Choosing a character set takes one more.
        Some('(' | ')') => {
            characters.next();
        }
        _ => {}
    }
}

/// Runs a command to its end and gives what it wrote on stdout.
///
/// # Errors
/// When it cannot be started, or fails.
pub fn run(command: &mut Command) -> Result<String, Trouble> {
    let output = command.output().map_err(io(format!("starting {command:?}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Trouble::Command {
        command: format!("{command:?}"),
        said: format!(
            "{}, {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn words_survive_the_terminal_and_its_colours_do_not() {
        assert_eq!(
            plain("\x1b[2J\x1b[01;01HSelect\x1b[0;37m a \x1b(Blanguage\r\n\x0e"),
            "Select a language\n"
        );
        assert_eq!(plain("cut off \x1b[12"), "cut off ");
    }
}
