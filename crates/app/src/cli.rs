//! What may be typed: the definition of every command. Help, completion and man pages come from
//! here, too.

use crate::commands;
use crate::failure::Failure;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Boots machines over the network: addresses, bootloaders, images, and the reasons why.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 server not reached, 4 refused.
#[derive(Debug, Parser)]
#[command(
    name = "bootwright",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
#[command(after_help = "A first hour:
  bootwright serve --config lab.toml &
  bootwright image import /usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64 --name debian-12-amd64
  bootwright profile add debian --image debian-12-amd64 --args \"console=ttyS0\"
  bootwright rule add --profile debian
  bootwright explain 52:54:00:77:00:01 --arch x64-uefi")]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// State directory; its server is talked to by the socket in it.
    ///
    /// Without it: /run/bootwright/bootwright.sock, and the state in /var/lib/bootwright.
    #[arg(long, global = true, env = "BOOTWRIGHT_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Talk to the server at this URL instead; BOOTWRIGHT_TOKEN has the token to show it.
    ///
    /// https, or http to this host alone: https://boot.lab.example:7070
    #[arg(
        long = "server",
        id = "server_url",
        global = true,
        env = "BOOTWRIGHT_SERVER",
        value_name = "URL"
    )]
    pub server: Option<String>,
    /// Believe certificates of this CA (PEM), as of `bootwright tls init`, instead of this host's.
    #[arg(long, global = true, env = "BOOTWRIGHT_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
}

impl Global {
    /// The way to the server.
    pub fn client(&self) -> Result<api::Client, Failure> {
        let Some(url) = &self.server else {
            return Ok(api::Client::new(api::socket::path(self.state.as_deref())));
        };
        // Not a flag: everybody on this host can read those.
        let token = std::env::var("BOOTWRIGHT_TOKEN").ok().filter(|token| !token.is_empty());
        Ok(api::Client::far(url, token.as_deref(), self.ca.as_deref())?)
    }
}

/// `--json` of listings.
#[derive(Clone, Copy, Debug, Args)]
pub struct Json {
    /// Print JSON, the same as the API gives.
    #[arg(long)]
    pub json: bool,
}

/// `--dry-run` of changes.
#[derive(Clone, Copy, Debug, Args)]
pub struct Dry {
    /// Change nothing, say what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// `--dry-run` and `--yes` of what destroys.
#[derive(Clone, Copy, Debug, Args)]
pub struct Sure {
    /// Change nothing, say what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long, short = 'y')]
    pub yes: bool,
}

/// Everything that can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server: addresses, boot files, images, API.
    Serve(commands::serve::Serve),
    /// Read the configuration as `serve` would, and print every fault.
    Check(commands::check::Check),
    /// Have the running server read its configuration again.
    Reload(Dry),
    /// Show the running server at a glance.
    Status(Json),
    /// Look for whatever would keep machines from booting.
    Doctor(commands::doctor::Doctor),
    /// Say what an error on a machine's screen means, and what to do: PXE-E53, or its words.
    Error(commands::error::Error),
    /// Say what a machine would get now at every stage, and why.
    Explain(commands::explain::Explain),
    /// Write a report of a machine into one file: what was said, why, what was known.
    Report(commands::report::Report),
    /// Say what we would have answered to what a capture or a report shows, and where that differs.
    Replay(commands::replay::Replay),
    /// Say what a machine's last boot died of, what shows it, and what to do.
    Diagnose(commands::diagnose::Diagnose),
    /// Show what happens, live, one line each.
    Watch(commands::watch::Watch),
    /// Make machines, profiles and rules as documents declare them.
    Apply(commands::apply::Apply),
    /// Images: what machines boot.
    #[command(subcommand)]
    Image(commands::image::Image),
    /// Bootloaders: what is handed to firmware.
    #[command(subcommand)]
    Bootloader(commands::bootloader::Bootloader),
    /// Profiles: an image with kernel arguments.
    #[command(subcommand)]
    Profile(commands::profile::Profile),
    /// Rules: which machines get which profile.
    #[command(subcommand)]
    Rule(commands::rule::Rule),
    /// The boot menu.
    #[command(subcommand)]
    Menu(commands::menu::Menu),
    /// Machines and what they may do.
    #[command(subcommand)]
    Machine(commands::machine::Machine),
    /// Boots: what happened when machines booted, step by step.
    #[command(subcommand)]
    Boot(commands::boot::Boot),
    /// Deployments: what machines are armed with, and how far they are.
    #[command(subcommand)]
    Deployment(commands::deployment::Deployment),
    /// Templates: what answer files are made of.
    #[command(subcommand)]
    Template(commands::template::Template),
    /// Print what a template would make for a machine; secrets are words.
    Render(commands::template::Render),
    /// Secrets: what answer files may hold and nobody is shown.
    #[command(subcommand)]
    Secret(commands::secret::Secret),
    /// Files on their way to machines.
    #[command(subcommand)]
    Transfer(commands::transfer::Transfer),
    /// Quirks: what odd firmware does, and what is done for it.
    #[command(subcommand)]
    Quirk(commands::quirk::QuirkCommand),
    /// Links: who else speaks there, and whether it agrees with us.
    #[command(subcommand)]
    Link(commands::link::Link),
    /// Leases: who has which address.
    #[command(subcommand)]
    Lease(commands::lease::Lease),
    /// Write everything the server knows to one encrypted file, while it runs.
    Backup(commands::backup::Backup),
    /// Make a state directory from a backup, while no server works on it.
    Restore(commands::restore::Restore),
    /// The store: what to do when it is damaged.
    #[command(subcommand)]
    Store(commands::store::Store),
    /// Certificates for HTTPS to machines.
    #[command(subcommand)]
    Tls(commands::tls::Tls),
    /// Names: what is answered to whom, and why.
    #[command(subcommand)]
    Dns(commands::dns::Dns),
    /// Reservations: who is promised which address.
    #[command(subcommand)]
    Reservation(commands::reservation::Reservation),
    /// Users: operators with a name and a password.
    #[command(subcommand)]
    User(commands::user::User),
    /// API tokens: what programs show.
    #[command(subcommand)]
    Token(commands::token::Token),
    /// The audit log: what operators did.
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    /// Webhooks: who outside is told what happens.
    #[command(subcommand)]
    Webhook(commands::webhook::Webhook),
    /// Take leases, reservations and settings of another server over.
    ImportFrom(commands::import_from::ImportFrom),
    /// Print a completion script for a shell.
    Completion {
        /// bash, zsh, fish, elvish or powershell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one page per command into a directory.
    Man {
        /// Write bootwright.1, bootwright-image.1, ... there.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    /// Every command below this one, by its whole name.
    fn all(command: &clap::Command, name: &str, into: &mut Vec<(String, clap::Command)>) {
        into.push((name.to_owned(), command.clone()));
        for below in command.get_subcommands() {
            all(below, &format!("{name} {}", below.get_name()), into);
        }
    }

    #[test]
    fn every_command_and_every_flag_says_what_it_does() {
        let mut command = Cli::command();
        command.build();
        Cli::command().debug_assert();
        let mut commands = Vec::new();
        all(&command, "bootwright", &mut commands);
        assert!(commands.len() > 35, "{}", commands.len());
        for (name, command) in commands {
            assert!(command.get_about().is_some(), "{name} does not say what it does");
            for arg in command.get_arguments() {
                assert!(arg.get_help().is_some(), "{name}: {} is silent", arg.get_id());
            }
        }
    }

    #[test]
    fn no_flag_takes_the_place_of_the_global_one() {
        let mut commands = Vec::new();
        all(&Cli::command(), "bootwright", &mut commands);
        for (name, command) in commands.into_iter().skip(1) {
            for global in ["state", "server_url", "ca"] {
                let clash = command.get_arguments().any(|arg| arg.get_id() == global);
                assert!(!clash, "{name}: `{global}` is the global flag's");
            }
        }
    }
}
