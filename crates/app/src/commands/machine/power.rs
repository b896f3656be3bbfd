//! `machine power` and `machine wake`: machines switched, and how that is done.

use super::path;
use crate::cli::{Dry, Json, Sure};
use crate::commands::{change, destroy, tell, way};
use crate::failure::Failure;
use crate::{password, say, who};
use api::Client;
use api::types::{
    BootWish, CertificateView, CertificateWish, Done, Hidden, PowerStatus, PowerView, PowerWish,
};
use clap::{Args, Subcommand, ValueEnum};
use hyper::Method;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// Machines, and what is done to their power.
#[derive(Debug, Args)]
pub struct Power {
    /// Name, MAC, UUID or serial; a range or label means each of them.
    machine: String,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Show how it is switched; a password is only said to be set.
    Show(Json),
    /// Ask its BMC: on or off, Secure Boot, what it can be told.
    Status(Json),
    /// Switch it on.
    On(Dry),
    /// Cut its power at once, whatever it does.
    Off(Sure),
    /// Ask its system to shut down; it may not hear it.
    Shutdown(Sure),
    /// Restart it at once, whatever it does.
    Restart(Sure),
    /// Cut its power, wait, and switch it on again.
    Cycle(Sure),
    /// Say from where it boots at its next start, once.
    Boot {
        /// From where.
        from: From,
        /// For http: the URL to load, instead of what DHCP says.
        #[arg(long)]
        uri: Option<String>,
        #[command(flatten)]
        dry: Dry,
    },
    /// Say how it is switched.
    Set(Set),
    /// Forget how it is switched, and its password.
    Remove(Sure),
}

/// Where a machine can boot from.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum From {
    /// From the network, by PXE.
    Pxe,
    /// From the network, by UEFI HTTP Boot.
    Http,
    /// From its hard disk.
    Disk,
    /// As its firmware is set: takes back what was said.
    None,
}

impl From {
    fn name(self) -> &'static str {
        match self {
            Self::Pxe => "pxe",
            Self::Http => "http",
            Self::Disk => "disk",
            Self::None => "none",
        }
    }
}

/// How a machine is switched.
#[derive(Debug, Args)]
#[command(
    after_help = "The password is asked for on a terminal, or read from --password-file or the \
standard input. A BMC's certificate is shown and asked about once, and nothing is sent to another \
one later. There is no driver that runs a command: let a program of yours follow the events."
)]
struct Set {
    /// redfish, or wake-on-lan.
    #[arg(long)]
    driver: String,
    /// The BMC: https://10.0.0.5.
    #[arg(long)]
    url: Option<String>,
    /// The name of an account there.
    #[arg(long)]
    user: Option<String>,
    /// The file with its password, in its first line; or that of a card that wants one to wake.
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    password_file: Option<PathBuf>,
    /// Instead of a password of its own: the secret that has it, bmc_NAME (`secret set`).
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// The SHA-256 of the BMC's certificate, as the BMC itself shows it.
    #[arg(long)]
    fingerprint: Option<String>,
    /// Which of several systems behind the BMC: its id, uuid:... or serial:...
    #[arg(long)]
    system: Option<String>,
    /// Let the password go to an http:// BMC in the clear.
    #[arg(long)]
    insecure_http: bool,
    /// Send magic packets out of this interface.
    #[arg(long)]
    interface: Option<String>,
    /// Send them to the network behind this relay.
    #[arg(long, value_name = "RELAY", conflicts_with_all = ["interface", "broadcast"])]
    via: Option<Ipv4Addr>,
    /// Send them to this broadcast address.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "interface")]
    broadcast: Option<Ipv4Addr>,
    /// Send them to this UDP port instead of 9.
    #[arg(long)]
    port: Option<u16>,
    #[command(flatten)]
    dry: Dry,
}

impl Power {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let machines = who::resolve(client, std::slice::from_ref(&self.machine)).await?;
        let turn = async |action: &str, dry: Dry| {
            for machine in &machines {
                let path = format!("{}/{action}", at(machine));
                change(client, Method::POST, &path, dry, None::<&()>).await?;
            }
            Ok(())
        };
        match self.act {
            Act::Show(json) => show(client, one(&machines)?, json).await,
            Act::Status(json) => status(client, &machines, json).await,
            Act::On(dry) => turn("on", dry).await,
            Act::Off(sure) => cut(client, &machines, "off", sure).await,
            Act::Shutdown(sure) => cut(client, &machines, "shutdown", sure).await,
            Act::Restart(sure) => cut(client, &machines, "restart", sure).await,
            Act::Cycle(sure) => cut(client, &machines, "cycle", sure).await,
            Act::Boot { from, uri, dry } => {
                let wish = BootWish { from: from.name().to_owned(), uri };
                for machine in &machines {
                    let path = format!("{}/boot", at(machine));
                    change(client, Method::POST, &path, dry, Some(&wish)).await?;
                }
                Ok(())
            }
            Act::Set(set) => set.run(client, one(&machines)?).await,
            Act::Remove(sure) => {
                let paths: Vec<String> = machines.iter().map(|machine| at(machine)).collect();
                destroy(client, &paths, sure).await
            }
        }
    }
}

fn at(machine: &str) -> String {
    format!("{}/power", path(machine))
}

fn one(machines: &[String]) -> Result<&str, Failure> {
    match machines {
        [machine] => Ok(machine),
        _ => Err(Failure::usage("this is done for one machine at a time")),
    }
}

/// What breaks off what a machine does: said first, then asked about, then done.
async fn cut(
    client: &Client,
    machines: &[String],
    action: &str,
    sure: Sure,
) -> Result<(), Failure> {
    let paths: Vec<String> = machines.iter().map(|m| format!("{}/{action}", at(m))).collect();
    for path in paths.iter().filter(|_| sure.dry_run || !sure.yes) {
        let would: Done = client.send(Method::POST, &way(path, true), None::<&()>).await?;
        match sure.dry_run {
            true => tell(&would),
            false => say::note(format!("this will be done: {}", would.says)),
        }
    }
    if sure.dry_run {
        return Ok(());
    }
    say::confirm(sure.yes)?;
    for path in &paths {
        change(client, Method::POST, path, Dry { dry_run: false }, None::<&()>).await?;
    }
    Ok(())
}

async fn show(client: &Client, machine: &str, json: Json) -> Result<(), Failure> {
    let power: PowerView = client.get(&at(machine)).await?;
    if json.json {
        return say::json(&power);
    }
    let password = match (power.password_set, power.secret) {
        (true, Some(secret)) => format!("set (secret {secret})"),
        (true, None) => "set".to_owned(),
        (false, _) => String::new(),
    };
    let plain = if power.insecure_http { "the password goes there in the clear" } else { "" };
    say::card(&[
        ("driver", power.driver),
        ("url", power.url.unwrap_or_default()),
        ("user", power.user.unwrap_or_default()),
        ("password", password),
        ("fingerprint", power.fingerprint.unwrap_or_default()),
        ("system", power.system.unwrap_or_default()),
        ("insecure", plain.to_owned()),
        ("magic packets", power.via.unwrap_or_default()),
        ("port", power.port.map(|port| port.to_string()).unwrap_or_default()),
    ]);
    Ok(())
}

async fn status(client: &Client, machines: &[String], json: Json) -> Result<(), Failure> {
    for machine in machines {
        let status: PowerStatus = client.get(&format!("{}/status", at(machine))).await?;
        if json.json {
            say::json(&status)?;
            continue;
        }
        for note in &status.notes {
            say::note(format!("note: {note}"));
        }
        let secure = secure_boot(&status);
        say::card(&[
            ("machine", machine.clone()),
            ("power", status.power),
            ("secure boot", secure),
            ("system", status.system),
            ("manufacturer", status.manufacturer.unwrap_or_default()),
            ("model", status.model.unwrap_or_default()),
            ("serial", status.serial.unwrap_or_default()),
            ("firmware", status.firmware.unwrap_or_default()),
            ("actions", status.actions.unwrap_or_default().join(", ")),
            ("boots from", status.boot_sources.unwrap_or_default().join(", ")),
        ]);
    }
    Ok(())
}

/// `on (UserMode)`, `off, on at the next start`, `not told`.
fn secure_boot(status: &PowerStatus) -> String {
    let word = |on: bool| if on { "on" } else { "off" };
    let mut text = match (status.secure_boot_in_force, status.secure_boot) {
        (Some(now), Some(next)) if now != next => {
            format!("{}, {} at the next start", word(now), word(next))
        }
        (Some(now), _) => word(now).to_owned(),
        (None, Some(next)) => format!("{} at the next start", word(next)),
        (None, None) => "not told".to_owned(),
    };
    if let Some(mode) = &status.secure_boot_mode {
        text.push_str(&format!(" ({mode})"));
    }
    text
}

impl Set {
    async fn run(self, client: &Client, machine: &str) -> Result<(), Failure> {
        let dry = self.dry;
        let password = self.password()?;
        let fingerprint = match (&self.fingerprint, &self.url) {
            (None, Some(url)) if self.is_redfish() && !is_plain(url) => {
                Some(confirmed(client, machine, url).await?)
            }
            (said, _) => said.clone(),
        };
        let mut wish = PowerWish::default();
        wish.driver = self.driver;
        wish.url = self.url;
        wish.user = self.user;
        wish.password = password;
        wish.secret = self.secret;
        wish.fingerprint = fingerprint;
        wish.system = self.system;
        wish.insecure_http = self.insecure_http;
        wish.interface = self.interface;
        wish.via = self.via;
        wish.broadcast = self.broadcast;
        wish.port = self.port;
        change(client, Method::PUT, &at(machine), dry, Some(&wish)).await?;
        if wish.driver == "redfish" && !dry.dry_run {
            say::note(format!("hint: `bootwright machine power {machine} status` tries it"));
        }
        Ok(())
    }

    fn is_redfish(&self) -> bool {
        self.driver.eq_ignore_ascii_case("redfish")
    }

    /// Of a BMC's account, which always has one; of a card, where a file was named.
    fn password(&self) -> Result<Option<Hidden>, Failure> {
        let wanted = self.is_redfish() && self.secret.is_none();
        match (&self.password_file, wanted) {
            (None, false) => Ok(None),
            (Some(file), _) => password::of_operator(Some(file)).map(Some),
            (None, true) => password::of_operator(None).map(Some),
        }
    }
}

fn is_plain(url: &str) -> bool {
    url.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
}

/// The certificate that a BMC shows, once somebody has looked at it.
async fn confirmed(client: &Client, machine: &str, url: &str) -> Result<String, Failure> {
    let path = format!("{}/certificate", at(machine));
    let wish = CertificateWish { url: url.to_owned() };
    let seen: CertificateView = client.send(Method::POST, &path, Some(&wish)).await?;
    let fingerprint = seen.fingerprint;
    say::note(format!(
        "the BMC at {url} shows a certificate with the SHA-256 fingerprint\n  {fingerprint}\n\
         compare it with what the BMC itself shows; the password goes to nobody else from now on"
    ));
    say::confirm(false).map_err(|refused| {
        refused.hint(format!("if it is right, say --fingerprint {fingerprint}"))
    })?;
    Ok(fingerprint)
}

/// Wakes machines by magic packets.
pub async fn wake(client: &Client, machines: &[String], dry: Dry) -> Result<(), Failure> {
    for machine in who::resolve(client, machines).await? {
        let path = format!("{}/wake", path(&machine));
        change(client, Method::POST, &path, dry, None::<&()>).await?;
    }
    Ok(())
}
