//! A server on a link with clients, and how programs are run there.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lab::rig::dnsmasq::Dnsmasq;
use lab::rig::need::{self, need};
use lab::rig::ns::{Link, Namespace};
use lab::rig::server::{Server, binary};
use lab::rig::{Log, Trouble};
use serde_json::Value;

pub type Tried = Result<(), Trouble>;

/// What the clients come from.
const PACKAGES: &[&str] = &[
    "atftp",
    "busybox",
    "udhcpc",
    "isc-dhcp-client",
    "dhcpcd-base",
    "curl",
    "tftp-hpa",
    "tshark",
    "debian-installer-12-netboot-amd64",
];
/// No program that is run to its end may take longer.
const LIMIT_S: &str = "60";
/// Nor may anything else that is waited for: ten times what it takes on two busy cores.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// Debian's installer, as its package puts it there.
pub const INSTALLER: &str = "/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64";

/// The configuration of a server that gives addresses of this pool.
pub fn giving(pool: &str) -> String {
    format!(
        "[server]\nname = \"lab\"\n\n[[network]]\ninterface = \"{}\"\nmode = \"dhcp\"\n\
         subnet = \"10.77.0.0/24\"\npool = [\"{pool}\"]\nrouter = \"10.77.0.1\"\n\
         dns = [\"10.77.0.3\"]\ndomain = \"lab.example\"\nlease = \"12h\"\n",
        Link::INTERFACE
    )
}

/// The configuration of a server that only answers boot requests.
pub fn proxy() -> String {
    format!("[[network]]\ninterface = \"{}\"\nmode = \"proxy\"\n", Link::INTERFACE)
}

/// Makes sure that the clients are installed.
pub fn prepared() -> Result<(), Trouble> {
    need(need::LINK)?;
    need(PACKAGES)
}

/// Fields end in this order: logs are shown, servers stopped, then the link goes.
pub struct World {
    shown: Shown,
    pub server: Server,
    pub peer: Option<Dnsmasq>,
    pub link: Link,
}

impl World {
    pub fn new(link: Link, server: Server, peer: Option<Dnsmasq>) -> Self {
        let mut shown = Shown(vec![("server", server.log().clone())]);
        shown.0.extend(peer.as_ref().map(|peer| ("dnsmasq", peer.log().clone())));
        Self { shown, server, peer, link }
    }

    /// A server with this configuration, alone.
    pub fn alone(config: &str) -> Result<Self, Trouble> {
        prepared()?;
        let link = Link::new()?;
        let server = Server::start(&binary()?, &link, config)?;
        Ok(Self::new(link, server, None))
    }

    /// What an operator's command gives, however it ends.
    pub fn operator(&self, arguments: &[&str]) -> Result<Ran, Trouble> {
        ran(&self.server.operator(arguments))
    }

    /// What an operator's command with `--json` gives.
    pub fn json(&self, arguments: &[&str]) -> Result<Value, Trouble> {
        let arguments = [arguments, &["--json"]].concat();
        Ok(json(&self.server.cli(&arguments)?))
    }

    /// A client's end with an address, for programs that need one already.
    pub fn client_at(&mut self, mac: &str, address: &str) -> Result<Namespace, Trouble> {
        let namespace = self.link.client(mac)?;
        namespace.address(address)?;
        Ok(namespace)
    }

    /// Ends the server and everything else, and looks whether anything stayed behind.
    pub fn leaves_nothing(self) -> Tried {
        let Self { shown, mut server, peer, link } = self;
        drop(shown);
        server.stop();
        let state = server.state();
        let incoming = state.join("incoming");
        let mut left = names_in(&incoming)?;
        // The folders of uploads and downloads stay, and nothing in them.
        left.retain(|name| {
            names_in(&incoming.join(name)).map_or(true, |inside| !inside.is_empty())
        });
        assert_eq!(left, Vec::<String>::new(), "uploads stayed behind");
        assert!(!state.join("bootwright.sock").exists(), "the operators' socket stayed behind");
        drop(server);
        assert!(!state.exists(), "{} stayed behind", state.display());

        drop(peer);
        let name = link.server().name().trim_end_matches("-server").to_owned();
        let of_us = || -> Result<Vec<String>, Trouble> {
            let mut all = names_in("/run/netns".as_ref())?;
            all.retain(|namespace| namespace.starts_with(&format!("{name}-")));
            Ok(all)
        };
        assert!(of_us()?.len() >= 3, "the names of namespaces are as expected");
        for namespace in of_us()? {
            wait_until(&format!("no program is left in {namespace}"), || {
                let running = ran(Command::new("ip").args(["netns", "pids", &namespace]))?;
                Ok(running.out.is_empty().then_some(()))
            })?;
        }
        drop(link);
        assert_eq!(of_us()?, Vec::<String>::new(), "namespaces stayed behind");
        Ok(())
    }
}

/// The servers' logs, shown before they are gone. libtest keeps them to itself when the test
/// passed.
struct Shown(Vec<(&'static str, Log)>);

impl Drop for Shown {
    fn drop(&mut self) {
        for (name, log) in &self.0 {
            println!("--- {name}\n{}", log.tail());
        }
    }
}

/// How a program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Ran {
    /// Everything it said.
    pub fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Runs a program to its end, which comes within [`LIMIT_S`].
pub fn ran(command: &Command) -> Result<Ran, Trouble> {
    let mut bounded = Command::new("timeout");
    bounded.args(["-k", "5", LIMIT_S]).arg(command.get_program()).args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        bounded.current_dir(directory);
    }
    bounded.stdin(std::process::Stdio::null());
    let since = Instant::now();
    let output = bounded.output().map_err(|e| trouble(format!("starting {command:?}"), e))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_ne!(output.status.code(), Some(124), "{command:?} took longer than {LIMIT_S} s");
    Ok(Ran {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
        took: since.elapsed(),
    })
}

/// Runs a program in a namespace to its end.
pub fn there(namespace: &Namespace, program: &str, arguments: &[&str]) -> Result<Ran, Trouble> {
    ran(namespace.command(program).args(arguments))
}

/// Looks again until it is so.
pub fn wait_until<T>(
    what: &str,
    mut look: impl FnMut() -> Result<Option<T>, Trouble>,
) -> Result<T, Trouble> {
    let since = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        assert!(since.elapsed() < PATIENCE, "{what}: not within {} s", PATIENCE.as_secs());
        sleep(Duration::from_millis(200));
    }
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("this is no JSON ({e}): {text}"))
}

/// The elements of a JSON array.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("this is no list: {value}"))
}

pub fn bytes_of(path: impl Into<PathBuf>) -> Result<Vec<u8>, Trouble> {
    let path = path.into();
    fs::read(&path).map_err(|e| trouble(format!("reading {}", path.display()), e))
}

pub fn write(path: impl Into<PathBuf>, text: &str) -> Tried {
    let path = path.into();
    fs::write(&path, text).map_err(|e| trouble(format!("writing {}", path.display()), e))
}

pub fn new_directory() -> Result<tempfile::TempDir, Trouble> {
    tempfile::tempdir().map_err(|e| trouble("making a directory for a test", e))
}

pub fn trouble(doing: impl Into<String>, cause: std::io::Error) -> Trouble {
    Trouble::Io { doing: doing.into(), cause }
}

fn names_in(directory: &std::path::Path) -> Result<Vec<String>, Trouble> {
    match fs::read_dir(directory) {
        Ok(all) => {
            let names = all.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            Ok(names.collect())
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(trouble(format!("listing {}", directory.display()), e)),
    }
}
