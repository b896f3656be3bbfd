//! ISC Kea, the server of DHCPv4 and of DHCPv6 that ours is measured against.
//!
//! In: where it runs, which pool it has. Out: a running server with a lease file of its own.
//! Never: a configuration that makes it slower than its default: leases are kept by `memfile` and
//! persisted, as Debian's package does it, and it logs warnings only.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::ns::{Link, Namespace};
use super::process::Process;
use super::{Log, Trouble, io};

const START: Duration = Duration::from_secs(20);

/// What Kea is to serve.
#[derive(Clone, Copy, Debug)]
pub struct Serves<'a> {
    /// `10.80.0.0/16`
    pub subnet: &'a str,
    /// `10.80.1.0 - 10.80.235.95`
    pub pool: &'a str,
    /// How long a lease lasts.
    pub lease_s: u32,
}

/// A running kea-dhcp4 or kea-dhcp6, ended when dropped.
#[derive(Debug)]
pub struct Kea {
    process: Process,
}

impl Kea {
    /// Starts it with everything it writes in `directory`, and waits until it serves.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(at: &Namespace, serves: Serves<'_>, directory: &Path) -> Result<Self, Trouble> {
        let leases = directory.join("kea-leases4.csv");
        Self::start_with(at, "kea-dhcp4", &config(serves, &leases), directory)
    }

    /// The same for IPv6.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start6(at: &Namespace, serves: Serves<'_>, directory: &Path) -> Result<Self, Trouble> {
        Self::start6_with(at, serves, &[], directory)
    }

    /// As [`Kea::start6`], with options for who asks for them: `("dns-servers", "fd77::53")`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start6_with(
        at: &Namespace,
        serves: Serves<'_>,
        options: &[(&str, &str)],
        directory: &Path,
    ) -> Result<Self, Trouble> {
        Self::start_with(at, "kea-dhcp6", &config6(serves, options, directory), directory)
    }

    fn start_with(
        at: &Namespace,
        program: &str,
        config: &str,
        directory: &Path,
    ) -> Result<Self, Trouble> {
        let file = directory.join("kea.json");
        fs::write(&file, config).map_err(io("writing Kea's configuration"))?;
        let mut command = at.command(program);
        command
            .env("KEA_PIDFILE_DIR", directory)
            .env("KEA_LOCKFILE_DIR", directory)
            .arg("-c")
            .arg(&file);
        let mut process = Process::start(command, directory.join("kea.log"))?;
        process.wait_for("_STARTED", START)?;
        Ok(Self { process })
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> &Log {
        self.process.log()
    }
}

fn config6(serves: Serves<'_>, options: &[(&str, &str)], directory: &Path) -> String {
    let options = options.iter().map(|(name, data)| json!({ "name": name, "data": data }));
    let leases = directory.join("kea-leases6.csv");
    let config = json!({ "Dhcp6": {
        "data-directory": directory,
        "interfaces-config": { "interfaces": [Link::INTERFACE] },
        "lease-database": { "type": "memfile", "persist": true, "name": leases },
        "preferred-lifetime": serves.lease_s,
        "valid-lifetime": serves.lease_s,
        "option-data": options.collect::<Vec<_>>(),
        "subnet6": [{
            "subnet": serves.subnet,
            "interface": Link::INTERFACE,
            "pools": [{ "pool": serves.pool }]
        }],
        "loggers": loggers("kea-dhcp6", "dhcp6")
    }});
    format!("{config:#}")
}

/// Warnings, and that it has started; nothing of it is said for every packet.
fn loggers(program: &str, started: &str) -> serde_json::Value {
    let output = json!([{ "output": "stdout", "flush": true }]);
    json!([
        { "name": program, "severity": "WARN", "output_options": output },
        { "name": format!("{program}.{started}"), "severity": "INFO", "output_options": output },
        { "name": format!("{program}.leases"), "severity": "WARN", "output_options": output }
    ])
}

fn config(serves: Serves<'_>, leases: &PathBuf) -> String {
    let config = json!({ "Dhcp4": {
        "interfaces-config": { "interfaces": [Link::INTERFACE] },
        "lease-database": { "type": "memfile", "persist": true, "name": leases },
        "valid-lifetime": serves.lease_s,
        "subnet4": [{ "subnet": serves.subnet, "pools": [{ "pool": serves.pool }] }],
        "loggers": loggers("kea-dhcp4", "dhcp4")
    }});
    format!("{config:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_leases_are_persisted_where_we_say() {
        let serves = Serves { subnet: "10.80.0.0/16", pool: "10.80.1.0 - 10.80.1.9", lease_s: 60 };
        let text = config(serves, &PathBuf::from("/var/tmp/x/leases.csv"));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["Dhcp4"]["lease-database"]["name"], "/var/tmp/x/leases.csv");
        assert_eq!(read["Dhcp4"]["lease-database"]["persist"], true);
        let serves = Serves { subnet: "fd80::/64", pool: "fd80::100-fd80::1ff", lease_s: 60 };
        let text = config6(serves, &[("dns-servers", "fd80::53")], Path::new("/var/tmp/x"));
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["Dhcp6"]["lease-database"]["name"], "/var/tmp/x/kea-leases6.csv");
        assert_eq!(read["Dhcp6"]["lease-database"]["persist"], true);
        assert_eq!(read["Dhcp6"]["option-data"][0]["name"], "dns-servers");
    }
}
