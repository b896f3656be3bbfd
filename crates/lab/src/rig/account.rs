//! What a server costs: processor time and memory of everything it starts.
//!
//! In: a program to be started. Out: the processor time of it, its threads and its children, those
//! that ended too; the memory they had at most. Never: an estimate. A server that forks for each
//! transfer, one with threads and one with neither are counted by the same control group.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::ns::{Namespace, PREFIX, maker};
use super::{Trouble, io};

static MADE: AtomicU32 = AtomicU32::new(0);
static SWEPT: Once = Once::new();
/// How long the programs of an account may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Files and sockets that a server may have open at once, each server the same.
const DESCRIPTORS: &str = "20000";

/// A control group of its own, removed when dropped with whatever still runs in it.
#[derive(Debug)]
pub struct Account {
    folder: PathBuf,
    usage: Usage,
}

/// Where the kernel keeps the sum.
#[derive(Clone, Copy, Debug)]
enum Usage {
    /// cgroup v2: `usage_usec` in `cpu.stat`, which every group has.
    Unified,
    /// cgroup v1 with the controller `cpuacct`: nanoseconds in `cpuacct.usage`.
    Accounting,
}

impl Account {
    /// Opens one.
    ///
    /// # Errors
    /// When this system mounts no control groups, or lets us make none.
    pub fn new() -> Result<Self, Trouble> {
        let mounts = fs::read_to_string("/proc/mounts").map_err(io("reading /proc/mounts"))?;
        let (root, usage) = hierarchy(&mounts).ok_or_else(|| {
            Trouble::Missing("control groups (cgroup2, or cgroup with cpuacct)".to_owned())
        })?;
        SWEPT.call_once(|| sweep(&root));
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = root.join(format!("{PREFIX}-{}-{number}", id()));
        fs::create_dir(&folder).map_err(io(format!("making {}", folder.display())))?;
        Ok(Self { folder, usage })
    }

    /// A command that runs `program` in a namespace, on this account from its first instruction.
    ///
    /// `ip netns exec` hides the groups from what it runs, so the account comes first.
    #[must_use]
    pub fn command(&self, at: &Namespace, program: impl AsRef<Path>) -> Command {
        self.charged(&at.command(program))
    }

    /// The same command on this account.
    #[must_use]
    pub fn charged(&self, inner: &Command) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -n {DESCRIPTORS} && echo 0 >\"$0\" && exec \"$@\"")])
            .arg(self.folder.join("cgroup.procs"))
            .arg(inner.get_program())
            .args(inner.get_args());
        command
    }

    /// The processor seconds used so far.
    ///
    /// # Errors
    /// When the group cannot be read.
    pub fn cpu_s(&self) -> Result<f64, Trouble> {
        let (file, unit) = match self.usage {
            Usage::Unified => ("cpu.stat", 1e-6),
            Usage::Accounting => ("cpuacct.usage", 1e-9),
        };
        let path = self.folder.join(file);
        let text = fs::read_to_string(&path).map_err(io(format!("reading {}", path.display())))?;
        let number = text.split_whitespace().find_map(|word| word.parse::<f64>().ok());
        Ok(number.unwrap_or(f64::NAN) * unit)
    }

    /// The most memory that its processes had at any time (VmHWM), in KiB, summed over those that
    /// run now.
    #[must_use]
    pub fn peak_kib(&self) -> u64 {
        self.processes().into_iter().filter_map(|process| memory_kib(process, "VmHWM:")).sum()
    }

    /// The memory that its processes have now (VmRSS), in KiB.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        self.processes().into_iter().filter_map(|process| memory_kib(process, "VmRSS:")).sum()
    }

    fn processes(&self) -> Vec<i32> {
        let text = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let since = Instant::now();
        while fs::remove_dir(&self.folder).is_err() && since.elapsed() < PATIENCE {
            // In a group that we made there is nobody but whom we started.
            for process in self.processes() {
                let _gone_meanwhile = kill(Pid::from_raw(process), Signal::SIGKILL);
            }
            sleep(Duration::from_millis(20));
        }
    }
}

fn memory_kib(process: i32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The mount point of the hierarchy that counts.
fn hierarchy(mounts: &str) -> Option<(PathBuf, Usage)> {
    let found = |fits: &dyn Fn(&str, &str) -> bool| {
        mounts.lines().find_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (point, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
            fits(kind, options).then(|| PathBuf::from(point))
        })
    };
    let unified = found(&|kind, _| kind == "cgroup2").map(|root| (root, Usage::Unified));
    unified.or_else(|| {
        let counts = |kind: &str, options: &str| {
            kind == "cgroup" && options.split(',').any(|option| option == "cpuacct")
        };
        found(&counts).map(|root| (root, Usage::Accounting))
    })
}

/// Removes groups of processes that no longer live; only empty ones can be.
fn sweep(root: &Path) {
    let Ok(names) = fs::read_dir(root) else { return };
    for name in names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        let dead = |process| !Path::new(&format!("/proc/{process}")).exists();
        if maker(&name).is_some_and(dead) {
            let _in_use = fs::remove_dir(root.join(&name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Usage, hierarchy};

    #[test]
    fn the_unified_hierarchy_comes_first_wherever_it_is_mounted() {
        let v1 = "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n";
        let v2 = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n";
        let both = format!("{v1}{v2}");
        let (root, usage) = hierarchy(&both).unwrap();
        assert!(matches!(usage, Usage::Unified));
        assert!(root.ends_with("unified"));
        let (root, usage) = hierarchy(v1).unwrap();
        assert!(matches!(usage, Usage::Accounting));
        assert!(root.ends_with("cpu,cpuacct"));
        assert!(hierarchy("proc /proc proc rw 0 0\n").is_none());
    }
}
