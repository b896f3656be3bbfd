//! The commands, one room each: what may be typed, and what is done then.

pub mod apply;
pub mod audit;
pub mod backup;
pub mod boot;
pub mod bootloader;
pub mod check;
pub mod deployment;
pub mod diagnose;
pub mod dns;
pub mod doctor;
pub mod error;
pub mod explain;
pub mod image;
pub mod import_from;
pub mod lease;
pub mod link;
pub mod machine;
pub mod manual;
pub mod menu;
pub mod profile;
pub mod quirk;
pub mod replay;
pub mod report;
pub mod reservation;
pub mod restore;
pub mod rule;
pub mod secret;
pub mod serve;
pub mod status;
pub mod store;
pub mod template;
pub mod tls;
pub mod token;
pub mod transfer;
pub mod user;
pub mod watch;
pub mod webhook;

use crate::cli::{Cli, Command, Dry, Sure};
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::Done;
use hyper::Method;
use serde::Serialize;

/// Does what was typed.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let client = cli.global.client()?;
    match cli.command {
        Command::Serve(serve) => serve.run(cli.global.state).await,
        Command::Check(check) => check.run(cli.global.state),
        Command::Reload(dry) => change(&client, Method::POST, "/reload", dry, None::<&()>).await,
        Command::Status(json) => status::run(&client, json).await,
        Command::Doctor(doctor) => doctor.run(cli.global.state.as_deref(), &client).await,
        Command::Error(error) => error.run(),
        Command::Apply(apply) => apply.run(&client).await,
        Command::Explain(explain) => explain.run(&client).await,
        Command::Report(report) => report.run(&client).await,
        Command::Replay(replay) => replay.run().await,
        Command::Diagnose(diagnose) => diagnose.run(&client).await,
        Command::Watch(watch) => watch.run(&client).await,
        Command::Image(image) => image.run(&client).await,
        Command::Bootloader(bootloader) => bootloader.run(&client).await,
        Command::Profile(profile) => profile.run(&client).await,
        Command::Rule(rule) => rule.run(&client).await,
        Command::Menu(menu) => menu.run(&client).await,
        Command::Machine(machine) => machine.run(&client).await,
        Command::Boot(boot) => boot.run(&client).await,
        Command::Deployment(deployment) => deployment.run(&client).await,
        Command::Template(template) => template.run(&client).await,
        Command::Render(render) => render.run(&client).await,
        Command::Secret(secret) => secret.run(&client).await,
        Command::Quirk(quirk) => quirk.run(&client).await,
        Command::Lease(lease) => lease.run(&client).await,
        Command::Link(link) => link.run(&client).await,
        Command::Transfer(transfer) => transfer.run(&client).await,
        Command::Backup(backup) => backup.run(&client).await,
        Command::Restore(restore) => restore.run(cli.global.state),
        Command::Store(store) => store.run(cli.global.state),
        Command::Tls(tls) => tls.run(cli.global.state, &client).await,
        Command::Dns(dns) => dns.run(&client).await,
        Command::Reservation(reservation) => reservation.run(&client).await,
        Command::User(user) => user.run(&client).await,
        Command::Token(token) => token.run(&client).await,
        Command::Audit(audit) => audit.run(&client).await,
        Command::Webhook(webhook) => webhook.run(&client).await,
        Command::ImportFrom(import) => import.run(&client).await,
        Command::Completion { shell } => manual::completion(shell),
        Command::Man { out } => manual::man(out.as_deref()),
    }
}

/// Adds a key to the query of a path.
fn with(path: &str, key: &str, value: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}{key}={}", model::url::part(value))
}

/// The path of a change, or of asking what it would be.
fn way(path: &str, dry: bool) -> String {
    if dry { with(path, "dry_run", "true") } else { path.to_owned() }
}

/// Asks for a change and says what was done, or would be.
async fn change(
    client: &Client,
    method: Method,
    path: &str,
    dry: Dry,
    body: Option<&impl Serialize>,
) -> Result<(), Failure> {
    let done: Done = client.send(method, &way(path, dry.dry_run), body).await?;
    tell(&done);
    Ok(())
}

fn tell(done: &Done) {
    match done.done {
        true => say::line(&done.says),
        false => say::line(format!("would be done: {}", done.says)),
    }
}

/// Destroys: says what would go, asks, and does it then.
async fn destroy(client: &Client, paths: &[String], sure: Sure) -> Result<(), Failure> {
    for path in paths {
        let dry = way(path, true);
        let would: Done = client.send(Method::DELETE, &dry, None::<&()>).await?;
        match sure.dry_run {
            true => tell(&would),
            false if !sure.yes => say::note(format!("this will be done: {}", would.says)),
            false => {}
        }
    }
    if sure.dry_run {
        return Ok(());
    }
    say::confirm(sure.yes)?;
    for path in paths {
        let done: Done = client.send(Method::DELETE, path, None::<&()>).await?;
        tell(&done);
    }
    Ok(())
}
