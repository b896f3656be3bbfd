//! Clients with addresses of their own, though atftp and wrk cannot be told one.
//!
//! In: how many. Out: users, each of whose sockets has another source address: the kernel picks it
//! by a rule for the user, once for each connection. Never: a translation of addresses, which
//! would cost the clients something for each packet.
//!
//! A server that limits what one address may take, as ours does, sees as many machines as there
//! are; the same for every server.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::rig::ns::{Link, Namespace};
use crate::rig::process::run;
use crate::rig::{Trouble, io};

/// Users nobody has: above those that Debian gives (60000 to 64999 are its own).
const FIRST_USER: u32 = 4_200_000;
/// 10.80.2.0 and on.
const SUBNET: &str = "10.80.0.0/16";

/// So many clients' addresses in the client's namespace.
#[derive(Clone, Copy, Debug)]
pub struct Sources {
    count: u32,
}

impl Sources {
    /// Gives them to the client's end.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn new(client: &Namespace, count: u32) -> Result<Self, Trouble> {
        let mut batch = String::new();
        for number in 0..count {
            let (address, user) = (address(number), FIRST_USER + number);
            let (table, interface) = (1000 + number, Link::INTERFACE);
            let _ = writeln!(batch, "addr add {address}/32 dev {interface}");
            let _ =
                writeln!(batch, "route add {SUBNET} dev {interface} src {address} table {table}");
            let _ = writeln!(batch, "rule add uidrange {user}-{user} lookup {table} pref {table}");
        }
        let directory = tempfile::tempdir().map_err(io("making a directory for addresses"))?;
        let file = directory.path().join("batch");
        fs::write(&file, batch).map_err(io("writing addresses"))?;
        let mut command = Command::new("ip");
        run(command.args(["-n", client.name(), "-batch"]).arg(&file))?;
        Ok(Self { count })
    }

    /// Makes a program run as this client; those past the last are the first again.
    pub fn run_as(self, number: u32, command: &mut Command) {
        command.uid(self.user(number));
    }

    /// The user that this client runs as.
    #[must_use]
    pub fn user(self, number: u32) -> u32 {
        FIRST_USER + number % self.count.max(1)
    }
}

fn address(number: u32) -> String {
    format!("10.80.{}.{}", 2 + number / 250, 1 + number % 250)
}
