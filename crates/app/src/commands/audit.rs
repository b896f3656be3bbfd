//! `audit`: what operators did, and whether the log of it is whole.

use super::with;
use crate::cli::Json;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::types::{AuditPage, AuditVerdict, AuditView};
use clap::{Args, Subcommand};
use model::Now;
use model::time::parse_duration;
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List what was done, oldest first.
    List(List),
    /// Follow the chain of hashes, and compare it with the signed checkpoints.
    Verify(Json),
    /// Write the whole log into a file, a record of JSON on each line.
    Export {
        /// The file; it must not be there yet. `-` is stdout.
        file: PathBuf,
    },
}

/// Which records.
#[derive(Debug, Args)]
pub struct List {
    /// About this machine.
    #[arg(long, value_name = "M")]
    machine: Option<String>,
    /// By this operator.
    #[arg(long, value_name = "W")]
    who: Option<String>,
    /// Since this moment (2026-11-22T20:17:05Z), or for this long (2h, 7d).
    #[arg(long, value_name = "T")]
    since: Option<String>,
    #[command(flatten)]
    json: Json,
}

impl Audit {
    /// Does it.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(client).await,
            Self::Verify(json) => verify(client, json).await,
            Self::Export { file } => export(client, &file).await,
        }
    }
}

impl List {
    async fn run(self, client: &Client) -> Result<(), Failure> {
        let mut path = "/audit".to_owned();
        let since = self.since.map(|text| since(&text)).transpose()?;
        for (key, value) in [("machine", self.machine), ("who", self.who), ("since", since)] {
            if let Some(value) = value {
                path = with(&path, key, &value);
            }
        }
        let mut all = Vec::new();
        each_page(client, &path, |page| {
            all.extend(page);
            Ok(())
        })
        .await?;
        let head = ["NUMBER", "WHEN", "WHO", "HOW", "WHAT", "OUTCOME"];
        say::listing(self.json.json, &all, head, |record| {
            [
                record.seq.to_string(),
                record.at.clone(),
                record.who.clone(),
                record.via.to_string(),
                model::text::show(record.says.as_bytes()),
                record.outcome.to_string(),
            ]
        })
    }
}

/// A moment as the API takes it.
fn since(text: &str) -> Result<String, Failure> {
    if text.parse::<Now>().is_ok() {
        return Ok(text.to_owned());
    }
    let ago = parse_duration(text).ok().flatten().ok_or_else(|| {
        Failure::usage(format!("`{}` is no time", model::text::show(text.as_bytes())))
            .hint("write 2026-11-22T20:17:05Z, or how long ago: 2h, 7d")
    })?;
    Ok((crate::clock::now() - ago).to_string())
}

async fn each_page(
    client: &Client,
    path: &str,
    mut take: impl FnMut(Vec<AuditView>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut from = 0;
    loop {
        let page: AuditPage = client.get(&with(path, "from", &from.to_string())).await?;
        take(page.records)?;
        match page.next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

async fn verify(client: &Client, json: Json) -> Result<(), Failure> {
    let verdict: AuditVerdict = client.get("/audit/verify").await?;
    if json.json {
        say::json(&verdict)?;
    }
    if let Some(wrong) = verdict.wrong {
        return Err(Failure::failed(format!("the audit log is not whole: {wrong}")).hint(
            "look at the disk's health (bootwright store repair); if that is good, somebody changed \
             the log: compare it with an older backup or export",
        ));
    }
    if !json.json {
        let signed = match verdict.signed {
            0 => "none of it is signed yet".to_owned(),
            signed => format!("signed up to {signed} ({} checkpoints)", verdict.checkpoints),
        };
        say::line(format!("{} records, whole; {signed}", verdict.records));
        say::line(format!("last: {} {}", verdict.last, verdict.hash));
    }
    Ok(())
}

async fn export(client: &Client, file: &Path) -> Result<(), Failure> {
    let cannot =
        |e: std::io::Error| Failure::failed(format!("cannot write {}: {e}", file.display()));
    let to: Box<dyn Write> = match file == Path::new("-") {
        true => Box::new(std::io::stdout()),
        false => {
            let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            Box::new(new.map_err(cannot)?)
        }
    };
    let mut to = BufWriter::new(to);
    let mut count = 0_u64;
    each_page(client, "/audit", |page| {
        for record in page {
            let line =
                serde_json::to_string(&record).map_err(|e| Failure::failed(e.to_string()))?;
            writeln!(to, "{line}").map_err(cannot)?;
            count += 1;
        }
        Ok(())
    })
    .await?;
    to.flush().map_err(cannot)?;
    say::note(format!("{count} records written"));
    Ok(())
}
