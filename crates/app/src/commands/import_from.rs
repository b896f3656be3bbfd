//! `import-from`: takes leases, reservations and settings of another server over.
//!
//! In: files of that server. Out: leases and reservations sent to ours, part by part; or, with
//! `--write`, a document for `apply` and networks for the configuration file; and a report of what was
//! taken and of everything that was not, with the reason. Never: a lease of ours overruled, a file
//! overwritten; running it again takes what is new.

mod files;
mod report;
mod send;
mod written;

use crate::cli::{Dry, Json};
use crate::clock;
use crate::failure::Failure;
use crate::say;
use api::Client;
use clap::{Args, ValueEnum};
use foreign::{Book, Parsed};
use report::Report;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// Bytes read at once.
const BUFFER: usize = 1 << 18;

/// Whose files they are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Whose {
    /// Lease file, configuration with dhcp-host, dhcp-hostsfile.
    Dnsmasq,
    /// ISC dhcpd: dhcpd.leases, dhcpd.conf.
    Isc,
    /// Kea: memfile CSV with its .1, .2 and .completed, JSON configuration.
    Kea,
    /// matchbox: its folder with groups and profiles.
    Matchbox,
    /// Cobbler: the folder with its collections, as JSON.
    Cobbler,
    /// PXELINUX, SYSLINUX: the folder pxelinux.cfg.
    Pxelinux,
    /// FOG: a dump of its database.
    Fog,
}

impl From<Whose> for foreign::Server {
    fn from(whose: Whose) -> Self {
        match whose {
            Whose::Dnsmasq => Self::Dnsmasq,
            Whose::Isc => Self::Isc,
            Whose::Kea => Self::Kea,
            Whose::Matchbox => Self::Matchbox,
            Whose::Cobbler => Self::Cobbler,
            Whose::Pxelinux => Self::Pxelinux,
            Whose::Fog => Self::Fog,
        }
    }
}

/// What is taken over.
#[derive(Debug, Args)]
#[command(
    after_help = "Stop the other server first: a lease that it gives after its file was read \
is not known here. What this server has promised stays as it is; running the command again takes \
over what is new.

  bootwright import-from dnsmasq /var/lib/misc/dnsmasq.leases /etc/dnsmasq.conf --dry-run
  bootwright import-from isc /var/lib/dhcp/dhcpd.leases /etc/dhcp/dhcpd.conf
  bootwright import-from kea /var/lib/kea /etc/kea/kea-dhcp4.conf

Settings are written down for you to read, change and apply; nothing is sent then:

  bootwright import-from cobbler /var/lib/cobbler/collections --write taken-over
  bootwright apply -f taken-over/declared.toml --dry-run"
)]
pub struct ImportFrom {
    /// The server whose files they are.
    server: Whose,
    /// Lease files, configuration files, or folders with them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write what it says of machines, profiles, rules and networks into this folder, and send nothing.
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    #[command(flatten)]
    dry: Dry,
    #[command(flatten)]
    json: Json,
}

impl ImportFrom {
    /// Takes them over.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let (server, paths) = (self.server.into(), self.paths);
        let read = tokio::task::spawn_blocking(move || read(server, &paths)).await;
        let parsed = read.map_err(|e| Failure::failed(format!("a bug in reading: {e}")))??;
        let to_send = !parsed.leases.is_empty() || !parsed.reservations.is_empty();
        let nothing = !to_send && parsed.settings.is_empty();
        let mut report = Report::new(!self.dry.dry_run, &parsed);
        let sent = match &self.write {
            Some(folder) => {
                report.written = Some(written::write(folder, &parsed, self.dry.dry_run)?);
                Ok(())
            }
            None if to_send => send::all(client, parsed, self.dry.dry_run, &mut report).await,
            None => Ok(()),
        };
        if let Err(failure) = sent {
            say::note(report.so_far());
            return Err(failure);
        }
        match self.json.json {
            true => say::json(&report)?,
            false => report.lines().iter().for_each(say::line),
        }
        if nothing {
            let what = "no lease, no reservation, no machine and nothing to boot was found";
            return Err(Failure::failed(what).hint(
                "is it a file of that server? the lines above say what was left out, and why",
            ));
        }
        Ok(())
    }
}

/// Reads all files. A file that cannot be read whole stops it all: half a lease file would give
/// addresses away that somebody has.
fn read(server: foreign::Server, paths: &[PathBuf]) -> Result<Parsed, Failure> {
    let mut book = Book::new(clock::now());
    for path in files::all(server, paths, &mut book)? {
        let shown = path.display().to_string();
        let wrong = |e: std::io::Error| {
            Failure::failed(format!("{shown} cannot be taken over: {e}"))
                .hint("nothing was changed; name a lease file or configuration that you may read")
        };
        let file = File::open(&path).map_err(wrong)?;
        let mut from = BufReader::with_capacity(BUFFER, file);
        book.read(server, &shown, &mut from).map_err(wrong)?;
    }
    Ok(book.done())
}
