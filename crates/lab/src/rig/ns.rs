//! A link of our own: one bridge, two servers' ends, taps for machines, ends for client programs.
//!
//! Names carry the process that made them (`bwrig-PID-N-...`), so that a later run finds what a
//! crashed one left behind, and never touches what a living one still uses.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio, id};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use nix::sched::{CloneFlags, setns};

use super::process::run;
use super::{Trouble, io};

mod pair;
mod way;
pub use pair::Pair;
pub use way::Way;

pub(super) const PREFIX: &str = "bwrig";
/// Where `ip netns` keeps its names.
const NAMES: &str = "/run/netns";
static MADE: AtomicU32 = AtomicU32::new(0);
static SWEPT: Once = Once::new();

/// One Ethernet link with its hosts' ends, removed with everything on it when dropped.
#[derive(Debug)]
pub struct Link {
    name: String,
    taps: u32,
    clients: u32,
    janitor: Child,
}

/// A network namespace in which programs can be run.
#[derive(Clone, Debug)]
pub struct Namespace(String);

/// A place on the link for one machine under QEMU.
#[derive(Clone, Debug)]
pub struct Tap {
    /// The namespace QEMU must run in.
    pub namespace: Namespace,
    /// The interface's name there.
    pub interface: String,
}

impl Link {
    /// The server's address on the link, /24.
    pub const SERVER: &str = "10.77.0.1";
    /// The second server's address on the link, /24.
    pub const PEER: &str = "10.77.0.2";
    /// The server's address on the link where it has no IPv4, /64.
    pub const SERVER_6: &str = "fd77::1";
    /// The name of the interface in both servers' namespaces.
    pub const INTERFACE: &str = "eth0";

    /// Makes the link; sweeps leftovers of dead processes first, once.
    ///
    /// # Errors
    /// When `ip` is missing or not allowed to.
    pub fn new() -> Result<Self, Trouble> {
        SWEPT.call_once(sweep);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}-{}-{number}", id());
        // From here on whatever is made will be removed, also if the rest fails.
        let janitor = janitor(&name)?;
        let link = Self { name, taps: 0, clients: 0, janitor };
        let bridge = link.bridge();
        for end in [&bridge, &link.server(), &link.peer()] {
            end.make()?;
        }
        ip(&["-n", &bridge.0, "link", "add", "br0", "type", "bridge"])?;
        ip(&["-n", &bridge.0, "link", "set", "br0", "up"])?;
        for (end, port, address) in
            [(link.server(), "server", Self::SERVER), (link.peer(), "peer", Self::PEER)]
        {
            link.plug(&end, port)?;
            end.address(&format!("{address}/24"))?;
        }
        Ok(link)
    }

    /// Where the bridge and the taps are: for QEMU and for captures.
    #[must_use]
    pub fn bridge(&self) -> Namespace {
        Namespace(format!("{}-link", self.name))
    }

    /// Where the server under test runs.
    #[must_use]
    pub fn server(&self) -> Namespace {
        Namespace(format!("{}-server", self.name))
    }

    /// Where a second server runs, for proxyDHCP.
    #[must_use]
    pub fn peer(&self) -> Namespace {
        Namespace(format!("{}-peer", self.name))
    }

    /// A new place for one machine.
    ///
    /// # Errors
    /// When the tap cannot be made (no `/dev/net/tun`?).
    pub fn tap(&mut self) -> Result<Tap, Trouble> {
        let namespace = self.bridge();
        let interface = format!("tap{}", self.taps);
        self.taps += 1;
        ip(&["-n", &namespace.0, "tuntap", "add", &interface, "mode", "tap"])?;
        ip(&["-n", &namespace.0, "link", "set", &interface, "master", "br0", "up"])?;
        Ok(Tap { namespace, interface })
    }

    /// A new place for client programs: [`Link::INTERFACE`] with this MAC and no address.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn client(&mut self, mac: &str) -> Result<Namespace, Trouble> {
        let port = format!("client{}", self.clients);
        self.clients += 1;
        let end = Namespace(format!("{}-{port}", self.name));
        end.make()?;
        self.plug(&end, &port)?;
        // Duplicate address detection would only bring packets that nobody asked for.
        ip(&["-n", &end.0, "link", "set", Self::INTERFACE, "address", mac, "addrgenmode", "none"])?;
        Ok(end)
    }

    /// Takes IPv4 away from the link: the server has an IPv6 address instead.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn without_ipv4(&self) -> Result<(), Trouble> {
        let (Namespace(server), interface) = (self.server(), Self::INTERFACE);
        ip(&["-n", &server, "-4", "addr", "flush", "dev", interface])?;
        self.with_ipv6()
    }

    /// The server has an IPv6 address, too.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn with_ipv6(&self) -> Result<(), Trouble> {
        let Namespace(server) = self.server();
        let address = format!("{}/64", Self::SERVER_6);
        ip(&["-n", &server, "addr", "add", &address, "dev", Self::INTERFACE, "nodad"])
    }

    /// Takes a port off the bridge and puts a cable of its own there: the first of `ends` is free, the
    /// second is on the bridge.
    pub(super) fn part(&self, port: &str, ends: [&str; 2]) -> Result<(), Trouble> {
        let Namespace(bridge) = self.bridge();
        let [free, plugged] = ends;
        ip(&["-n", &bridge, "link", "add", free, "type", "veth", "peer", "name", plugged])?;
        ip(&["-n", &bridge, "link", "set", port, "nomaster", "promisc", "on"])?;
        ip(&["-n", &bridge, "link", "set", plugged, "master", "br0", "up"])?;
        ip(&["-n", &bridge, "link", "set", free, "promisc", "on", "up"])
    }

    /// Connects a namespace to the bridge.
    fn plug(&self, end: &Namespace, port: &str) -> Result<(), Trouble> {
        let (bridge, interface) = (self.bridge(), Self::INTERFACE);
        ip(&[
            "-n", &bridge.0, "link", "add", port, "type", "veth", "peer", "name", interface,
            "netns", &end.0,
        ])?;
        ip(&["-n", &bridge.0, "link", "set", port, "master", "br0", "up"])?;
        ip(&["-n", &end.0, "link", "set", interface, "up"])
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        if let Err(cause) = self.janitor.wait() {
            eprintln!("the namespaces of {} may stay behind: {cause}", self.name);
        }
    }
}

/// A shell that removes the link's namespaces when its standard input ends: because we dropped
/// the link, or because this process is gone, by Ctrl-C or otherwise.
fn janitor(name: &str) -> Result<Child, Trouble> {
    // A client may have helpers that outlive it (dhcpcd killed), and hold the namespace open.
    let script = format!(
        "read -r _; cd {NAMES} && for end in {name}-*; do \
         for process in $(ip netns pids $end 2>/dev/null); do kill -9 $process 2>/dev/null; done; \
         ip netns delete $end 2>/dev/null; done"
    );
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        // Ctrl-C goes to the whole process group; this one must outlive it.
        .process_group(0)
        .spawn()
        .map_err(io("starting the shell that cleans up after a link"))
}

impl Namespace {
    /// Its name for `ip netns`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// Gives [`Link::INTERFACE`] an address, `10.77.0.5/24`, and lets it broadcast from there.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn address(&self, address: &str) -> Result<(), Trouble> {
        ip(&["-n", &self.0, "addr", "replace", address, "dev", Link::INTERFACE])?;
        ip(&["-n", &self.0, "route", "replace", "255.255.255.255", "dev", Link::INTERFACE])
    }

    /// Gives [`Link::INTERFACE`] a link-local IPv6 address, which clients' ends are made without.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn link_local(&self, address: &str) -> Result<(), Trouble> {
        let address = format!("{address}/64");
        ip(&[
            "-n",
            &self.0,
            "addr",
            "add",
            &address,
            "dev",
            Link::INTERFACE,
            "scope",
            "link",
            "nodad",
        ])
    }

    /// Does something inside, on a thread of its own. Sockets made there stay there.
    ///
    /// # Errors
    /// When the namespace cannot be entered.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Trouble> {
        let path = Path::new(NAMES).join(&self.0);
        let file = File::open(&path).map_err(io(format!("opening {}", path.display())))?;
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(file, CloneFlags::CLONE_NEWNET)
                    .map_err(|e| io(format!("entering {}", self.0))(e.into()))?;
                Ok(work())
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn make(&self) -> Result<(), Trouble> {
        ip(&["netns", "add", &self.0])?;
        ip(&["-n", &self.0, "link", "set", "lo", "up"])
    }

    /// A command that runs `program` inside.
    ///
    /// It dies with this process, so that Ctrl-C and a crash leave no program behind.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "ip", "netns", "exec", &self.0]).arg(program.as_ref());
        command
    }
}

/// Removes what processes that no longer live left behind.
fn sweep() {
    let Ok(names) = fs::read_dir(NAMES) else { return };
    for name in names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()) {
        if maker(&name).is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            remove(&name);
        }
    }
}

/// The process that made a namespace, if it is one of ours.
pub(super) fn maker(name: &str) -> Option<u32> {
    let mut parts = name.split('-');
    (parts.next()? == PREFIX).then_some(())?;
    parts.next()?.parse().ok()
}

fn remove(name: &str) {
    if Path::new(NAMES).join(name).exists()
        && let Err(trouble) = ip(&["netns", "delete", name])
    {
        eprintln!("the namespace {name} stays behind: {trouble}");
    }
}

fn ip(arguments: &[&str]) -> Result<(), Trouble> {
    run(Command::new("ip").args(arguments)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::maker;

    #[test]
    fn only_names_of_ours_tell_their_maker() {
        assert_eq!(maker("bwrig-4711-0-link"), Some(4711));
        assert_eq!(maker("bwrig-x-0-link"), None);
        assert_eq!(maker("docker-4711-0"), None);
    }
}
