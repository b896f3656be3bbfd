//! Debian's DHCP clients, told to one form: each runs the same script, which notes what it got.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use lab::rig::ns::{Link, Namespace};
use lab::rig::{Process, Trouble};
use nix::sys::signal::Signal;

use super::world::{Ran, Tried, new_directory, ran, trouble, wait_until, write};

/// Which client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// busybox's; client identifier: type 1 and the MAC.
    Udhcpc,
    /// ISC's; no client identifier.
    Dhclient,
    /// Roy Marples'; an RFC 4361 client identifier made of a DUID.
    Dhcpcd,
}

/// A client that runs until dropped. It never releases on its own.
pub struct Client {
    kind: Kind,
    namespace: Namespace,
    process: Process,
    directory: tempfile::TempDir,
}

impl Drop for Client {
    fn drop(&mut self) {
        println!("--- {:?}\n{}\n{:#?}", self.kind, self.process.log().tail(), self.given());
    }
}

/// What a client was given, in its own words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Given {
    pub event: String,
    pub address: String,
    pub mask: String,
    pub router: String,
    pub dns: String,
    pub domain: String,
    pub server: String,
}

/// udhcpc gives the event as its argument and short names; the others give `reason` and `new_...`.
/// dhcpcd sets the address itself, the others leave it to their script.
const SCRIPT: &str = r#"#!/bin/sh
event=$(echo "${reason:-$1}" | tr A-Z a-z)
address=${new_ip_address:-$ip}
mask=${new_subnet_mask:-$subnet}
case $event in
bound | renew | rebind | reboot) ip addr replace "$address/24" dev eth0 ;;
deconfig | release | expire | fail) ip addr flush dev eth0 ;;
esac
echo "$event|$address|$mask|${new_routers:-$router}|${new_domain_name_servers:-$dns}|${new_domain_name:-$domain}|${new_dhcp_server_identifier:-$serverid}" >>"$(dirname "$0")/given"
"#;

/// dhclient renews when it believes it must: here soon.
const DHCLIENT: &str = "supersede dhcp-renewal-time 4;\n\
    request subnet-mask, routers, domain-name-servers, domain-name;\n";

/// dhcpcd keeps its files in one place per host; here each client sees its own.
const DHCPCD: &str = "mkdir -p /run/dhcpcd /var/lib/dhcpcd && \
    mount --bind \"$0/run\" /run/dhcpcd && mount --bind \"$0/lib\" /var/lib/dhcpcd && \
    exec dhcpcd -4 \"$@\"";

impl Client {
    pub fn start(kind: Kind, namespace: &Namespace) -> Result<Self, Trouble> {
        Self::start_with(kind, namespace, &[])
    }

    /// Starts it with further flags.
    pub fn start_with(kind: Kind, namespace: &Namespace, flags: &[&str]) -> Result<Self, Trouble> {
        let directory = new_directory()?;
        let here = directory.path();
        let script = here.join("script");
        write(&script, SCRIPT)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
            .map_err(|e| trouble("making the script a program", e))?;
        let mut command = match kind {
            Kind::Udhcpc => {
                let mut command = namespace.command("udhcpc");
                command.args(["-f", "-t", "10", "-T", "1", "-i", Link::INTERFACE, "-s"]);
                command.arg(&script).args(flags);
                command
            }
            Kind::Dhclient => {
                write(here.join("conf"), DHCLIENT)?;
                let mut command = dhclient(namespace, here);
                command.args(["-d", "-v"]).args(flags).arg(Link::INTERFACE);
                command
            }
            Kind::Dhcpcd => {
                for name in ["run", "lib"] {
                    fs::create_dir(here.join(name))
                        .map_err(|e| trouble("making a directory for dhcpcd", e))?;
                }
                let mut command = dhcpcd(namespace, here);
                command.args(["-B", "-d", "--script"]).arg(&script).args(flags);
                command.arg(Link::INTERFACE);
                command
            }
        };
        // Of several clients none may see the host's idea of its state.
        command.env_remove("BOOTWRIGHT_STATE");
        let process = Process::start(command, here.join("client.log"))?;
        Ok(Self { kind, namespace: namespace.clone(), process, directory })
    }

    /// Everything its script was told, so far.
    pub fn given(&self) -> Vec<Given> {
        let text = fs::read_to_string(self.directory.path().join("given")).unwrap_or_default();
        text.lines().filter_map(read).collect()
    }

    /// Waits until it has an address, of which it was not told before.
    pub fn bound(&mut self, after: usize) -> Result<Given, Trouble> {
        let has = |given: &&Given| {
            matches!(given.event.as_str(), "bound" | "renew" | "rebind" | "reboot")
        };
        let what = format!("{:?} is told an address", self.kind);
        wait_until(&what, || Ok(self.given().iter().skip(after).find(has).cloned()))
    }

    /// Makes it ask for its address again, now or soon.
    pub fn renew(&mut self) -> Tried {
        match self.kind {
            Kind::Udhcpc => self.process.signal(Signal::SIGUSR1),
            // It does at half of its short time.
            Kind::Dhclient => {}
            Kind::Dhcpcd => {
                let mut command = dhcpcd(&self.namespace, self.directory.path());
                done(ran(command.args(["-N", Link::INTERFACE]))?);
            }
        }
        Ok(())
    }

    /// Makes it give its address back, and ends it.
    pub fn release(mut self) -> Tried {
        match self.kind {
            Kind::Udhcpc => self.process.signal(Signal::SIGUSR2),
            Kind::Dhclient => {
                let mut command = dhclient(&self.namespace, self.directory.path());
                done(ran(command.args(["-r", Link::INTERFACE]))?);
            }
            Kind::Dhcpcd => {
                let mut command = dhcpcd(&self.namespace, self.directory.path());
                done(ran(command.args(["-k", Link::INTERFACE]))?);
            }
        }
        if self.kind == Kind::Udhcpc {
            wait_until("udhcpc takes its address down", || {
                Ok(self.given().iter().skip(1).find(|given| given.event == "deconfig").cloned())
            })?;
        }
        Ok(())
    }

    /// Ends it without a word to the server, as a machine that is switched off.
    pub fn vanish(mut self) -> Tried {
        // None of them releases at SIGTERM; killed, dhcpcd would leave its helpers behind.
        self.process.stop();
        ran(self.namespace.command("ip").args(["addr", "flush", "dev", Link::INTERFACE])).map(drop)
    }

    pub fn said(&self) -> String {
        self.process.log().text()
    }
}

/// One line of the script's.
fn read(line: &str) -> Option<Given> {
    let mut parts = line.split('|').map(str::to_owned);
    let mut next = || parts.next();
    Some(Given {
        event: next()?,
        address: next()?,
        mask: next()?,
        router: next()?,
        dns: next()?,
        domain: next()?,
        server: next()?,
    })
}

fn dhclient(namespace: &Namespace, here: &Path) -> Command {
    let mut command = namespace.command("dhclient");
    command.arg("-4");
    for (flag, name) in [("-cf", "conf"), ("-lf", "leases"), ("-pf", "pid"), ("-sf", "script")] {
        command.arg(flag).arg(here.join(name));
    }
    command
}

fn dhcpcd(namespace: &Namespace, here: &Path) -> Command {
    let mut command = namespace.command("sh");
    command.args(["-c", DHCPCD]).arg(here);
    command
}

fn done(ran: Ran) {
    assert_eq!(ran.code, Some(0), "{}", ran.said());
}
