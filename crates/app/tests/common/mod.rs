//! A server in a network namespace of its own, and commands to it.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub const BINARY: &str = env!("CARGO_BIN_EXE_bootwright");

/// Says that a test does not run, and why. Under CI that is a failure: what is skipped there proves nothing.
pub fn skipped(why: &str) {
    let ci = std::env::var("CI").unwrap_or_default();
    assert!(!matches!(ci.as_str(), "true" | "1"), "{why}");
    eprintln!("SKIPPED: {why}");
}

/// Whether this runs as root; skipped if not.
pub fn root() -> bool {
    let root = nix::unistd::Uid::effective().is_root();
    if !root {
        skipped("a machine of its own needs root");
    }
    root
}

/// Whether these are in /usr/bin; skipped if not.
pub fn able(programs: &[&str]) -> bool {
    let missing: Vec<&&str> =
        programs.iter().filter(|program| !Path::new("/usr/bin").join(program).exists()).collect();
    if !missing.is_empty() {
        skipped(&format!("not installed: {missing:?}"));
    }
    missing.is_empty()
}

/// A process that ends with the test.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command in the network namespace of a process.
pub fn inside(process: u32, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("nsenter");
    if !nix::unistd::Uid::effective().is_root() {
        command.args(["--preserve-credentials", "--user"]);
    }
    command.args(["--net", "--target", &process.to_string()]).arg(program);
    command.stdin(Stdio::null());
    command
}

/// Runs a command that works, and gives what it printed.
pub fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// A kernel by its header (Linux, Documentation/arch/x86/boot.rst), 64 bit.
pub fn kernel(version: &str) -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    file[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    file[0x202..0x206].copy_from_slice(b"HdrS");
    file[0x20e..0x210].copy_from_slice(&0x200_u16.to_le_bytes());
    file[0x236] = 1;
    file[0x400..0x400 + version.len()].copy_from_slice(version.as_bytes());
    file
}

/// The bytes by which an initrd is known.
pub const INITRD: [u8; 5] = [0x1f, 0x8b, 8, 0, 1];

/// Makes an installer's folder in another, as Debian's netboot tree has it; gives its path.
pub fn netboot(folder: &Path) -> String {
    let netboot = folder.join("netboot");
    let installer = netboot.join("debian-installer/amd64");
    std::fs::create_dir_all(&installer).unwrap();
    std::fs::write(installer.join("linux"), kernel("")).unwrap();
    std::fs::write(installer.join("initrd.gz"), INITRD).unwrap();
    netboot.to_str().unwrap().to_owned()
}

/// A server that ends with the test.
pub struct Server {
    pub child: Child,
    pub folder: tempfile::TempDir,
    /// What it printed after it was ready.
    printed: Arc<Mutex<String>>,
}

impl Server {
    /// Starts one on a veth pair; `None`, said aloud, where this host lets us make none.
    pub fn start() -> Option<Self> {
        Self::start_with(LAB)
    }

    /// The same, with another configuration.
    pub fn start_with(text: &str) -> Option<Self> {
        Self::start_in(tempfile::tempdir().unwrap(), text)
    }

    /// The same with this configuration, on whatever state is in the folder.
    pub fn start_in(folder: tempfile::TempDir, config: &str) -> Option<Self> {
        let file = folder.path().join("lab.toml");
        std::fs::write(&file, config).unwrap();
        let config = file;
        let script = "set -e; ip link set lo up; ip link add br0 type veth peer name br1; \
                      ip addr add 10.77.0.1/24 dev br0; ip link set br0 up; ip link set br1 up; \
                      ip addr add fd77::1/64 dev br0 nodad 2>/dev/null || true; \
                      exec \"$0\" serve --config \"$1\"";
        let root = nix::unistd::Uid::effective().is_root();
        let started = Command::new("unshare")
            .args(if root { ["--net"].as_slice() } else { ["--net", "--map-root-user"].as_slice() })
            .args(["sh", "-c", script, BINARY])
            .arg(&config)
            .env("BOOTWRIGHT_STATE", folder.path().join("state"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(cause) => {
                skipped(&format!("no unshare to be had here: {cause}"));
                return None;
            }
        };
        let mut first = String::new();
        let mut prints = BufReader::new(child.stdout.take()?);
        prints.read_line(&mut first).unwrap();
        if first.trim() != "ready" {
            child.wait().unwrap();
            let mut why = String::new();
            std::io::Read::read_to_string(&mut child.stderr.take()?, &mut why).unwrap();
            // A host that has no namespaces says so before our program runs.
            assert!(!why.contains("error: "), "the server did not start: {why}");
            skipped(&format!("no network namespace to be had here: {why}"));
            return None;
        }
        // A server under load says more than a pipe holds.
        let mut talk = child.stderr.take()?;
        std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
        let printed: Arc<Mutex<String>> = Arc::default();
        let keeps = Arc::clone(&printed);
        std::thread::spawn(move || {
            for line in prints.lines().map_while(Result::ok) {
                let mut all = keeps.lock().unwrap_or_else(PoisonError::into_inner);
                all.push_str(&line);
                all.push('\n');
            }
        });
        Some(Self { child, folder, printed })
    }

    /// A line that it prints, soon after its start, with this in it.
    pub fn prints(&self, part: &str) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let all = self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(line) = all.lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            assert!(Instant::now() < until, "it printed no line with `{part}`: {all}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A command in its network namespace.
    pub fn inside(&self, program: impl AsRef<OsStr>) -> Command {
        inside(self.child.id(), program)
    }

    /// A machine at the other end of its cable, with 10.77.0.150. It needs root.
    pub fn machine(&self, mac: &str) -> Guard {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "echo there; exec sleep 300"]).stdout(Stdio::piped());
        let mut machine = Guard(command.spawn().unwrap());
        let mut there = String::new();
        BufReader::new(machine.0.stdout.take().unwrap()).read_line(&mut there).unwrap();
        let id = machine.0.id();
        run(self.inside("ip").args(["link", "set", "br1", "netns", &id.to_string()]));
        for args in [
            &["link", "set", "br1", "address", mac][..],
            &["address", "add", "10.77.0.150/24", "dev", "br1"],
            &["link", "set", "br1", "up"],
        ] {
            run(inside(id, "ip").args(args));
        }
        machine
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, "")
    }

    pub fn run_with(&self, args: &[&str], input: &str) -> Output {
        let file = self.folder.path().join("input");
        std::fs::write(&file, input).unwrap();
        Command::new(BINARY)
            .args(args)
            .env("BOOTWRIGHT_STATE", self.folder.path().join("state"))
            .stdin(std::fs::File::open(&file).unwrap())
            .output()
            .unwrap()
    }

    /// What a command that works says on stdout.
    pub fn says(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exit code and stderr of a command that does not.
    pub fn fails(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("lab.toml")
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
    }

    /// Ends it as systemd would, and returns its exit code.
    pub fn stop(mut self) -> Option<i32> {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub const LAB: &str = r#"
[server]
name = "lab"

[[network]]
interface = "br0"
mode = "dhcp"
subnet = "10.77.0.0/24"
pool = ["10.77.0.100-10.77.0.199"]
"#;
