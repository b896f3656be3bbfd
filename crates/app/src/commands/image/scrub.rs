//! `image scrub`: asks the server to read all that it keeps, and shows how far it is.

use super::import::Shown;
use crate::cli::Json;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::Error;
use api::types::{ScrubLine, Scrubbed};
use clap::Args;
use hyper::Method;
use model::event::show_bytes;

/// How fast all is to be read.
#[derive(Debug, Args)]
#[command(after_help = "Ctrl-C breaks it off; the next one goes on from there.")]
pub struct Scrub {
    /// MiB in a second, so that machines have the disk beside it.
    #[arg(long, value_name = "MIB", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    #[command(flatten)]
    json: Json,
}

impl Scrub {
    /// Scrubs.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let way = format!("/scrub?bytes_per_s={}", self.rate << 20);
        let mut lines = client.lines(Method::POST, &way, None::<&()>).await?;
        let mut shown = Shown::new();
        loop {
            let line = tokio::select! {
                line = lines.object::<ScrubLine>() => line,
                _ = tokio::signal::ctrl_c() => {
                    // The server hears that we are gone, and stops.
                    drop(lines);
                    shown.end();
                    return Err(Failure::failed("broken off; the next scrub goes on from there"));
                }
            };
            let ended = match line {
                Ok(Some(ScrubLine::Progress { done, total, left })) => {
                    shown.at(done, total, &format!("{left} files left"));
                    continue;
                }
                Ok(Some(ScrubLine::Done(scrubbed))) => Ok(scrubbed),
                Ok(Some(ScrubLine::Failed(problem))) => Err(Error::Problem(problem)),
                Ok(None) => Err(Error::Broken("the scrub ended without a word".to_owned())),
                Err(broken) => Err(broken),
            };
            shown.end();
            return done(&ended?, self.json);
        }
    }
}

fn done(scrubbed: &Scrubbed, json: Json) -> Result<(), Failure> {
    let Scrubbed { bytes, quarantined, wrong } = scrubbed;
    if json.json {
        say::json(scrubbed)?;
    } else {
        say::line(format!("{} read, {} wrong", show_bytes(*bytes), wrong.len()));
        wrong.iter().for_each(say::note);
    }
    if *quarantined > 0 {
        say::note(format!("{quarantined} files are in quarantine, and were not read"));
    }
    match wrong.len() {
        0 => Ok(()),
        count => Err(Failure::failed(format!("{count} files are not what they were"))
            .hint("bootwright image verify says which images need them; import those again")),
    }
}
