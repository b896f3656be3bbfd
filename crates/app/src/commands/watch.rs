//! `watch`: what happens, live, one line each, until Ctrl-C.

use super::with;
use crate::clock;
use crate::failure::Failure;
use crate::say;
use api::Client;
use api::client::{Error, Lines};
use api::types::Line;
use clap::Args;
use hyper::Method;
use model::event::Happening;
use model::fault::MACHINE;
use model::{BootId, Event, Fault};
use std::time::{Duration, Instant};

/// What `watch` takes.
#[derive(Debug, Args)]
pub struct Watch {
    /// Only this machine: name, MAC, UUID or serial.
    #[arg(long, value_name = "M")]
    machine: Option<String>,
    /// Only this boot, as `boot list` names it.
    #[arg(long, value_name = "BOOT")]
    boot: Option<BootId>,
    /// Also the many files that firmware and loaders look for and need not find.
    #[arg(long)]
    all: bool,
    /// Also the lines of machines' own logs (syslog), which are many. With --machine they are shown
    /// anyway.
    #[arg(long)]
    syslog: bool,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

impl Watch {
    /// Watches.
    pub async fn run(self, client: &Client) -> Result<(), Failure> {
        let path = match &self.machine {
            Some(machine) => with("/events", "machine", machine),
            None if self.syslog => with("/events", "syslog", "true"),
            None => "/events".to_owned(),
        };
        let mut lines = client.lines(Method::GET, &path, None::<&()>).await?;
        loop {
            let line = tokio::select! {
                line = lines.event() => line,
                _ = tokio::signal::ctrl_c() => return Ok(()),
            };
            let line = match line {
                Ok(Some(line)) => line,
                // The server ended, or the network did: where it was, it goes on.
                Ok(None) | Err(_) => {
                    let last = lines.last_id().map(str::to_owned);
                    lines = tokio::select! {
                        again = again(client, &path, last.as_deref()) => again?,
                        _ = tokio::signal::ctrl_c() => return Ok(()),
                    };
                    continue;
                }
            };
            match line {
                Line::Event(event) if !self.all && is_expected(&event) => {}
                Line::Event(event) if self.boot.is_some() && event.boot != self.boot => {}
                line if self.json => {
                    let text = serde_json::to_string(&line);
                    say::line(text.map_err(|e| Failure::failed(e.to_string()))?);
                }
                Line::Event(event) => say::line(in_a_line(&event)),
                Line::Missed { missed: 0 } => {
                    say::note("(the server was started anew; what it told before is not shown)");
                }
                Line::Missed { missed } => {
                    say::note(format!("({missed} events were too quick to be shown)"));
                }
            }
        }
    }
}

/// So long a server may be away while it is started anew.
const AWAY_MAX: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

/// The same stream again, after the event with this id.
async fn again(client: &Client, path: &str, last: Option<&str>) -> Result<Lines, Failure> {
    say::note("(the connection broke; asking again)");
    let path = match last {
        Some(id) => with(path, "after", id),
        None => path.to_owned(),
    };
    let begun = Instant::now();
    loop {
        tokio::time::sleep(PAUSE).await;
        match client.lines(Method::GET, &path, None::<&()>).await {
            Ok(lines) => return Ok(lines),
            Err(why @ Error::NotReached { .. }) if begun.elapsed() < AWAY_MAX => drop(why),
            Err(why) => return Err(why.into()),
        }
    }
}

/// Whether nobody wants a line about it unless asked.
pub fn is_expected(event: &Event) -> bool {
    matches!(event.what, Happening::FileMissed { expected: true, .. })
}

/// Whether it is a line of a machine's own log. They are many.
pub fn is_log(event: &Event) -> bool {
    matches!(event.what, Happening::Syslog { .. })
}

/// `20:17:05 b7q3kx9md br0 52:54:00:77:00:01 DISCOVER → OFFER 10.77.0.100`
pub fn in_a_line(event: &Event) -> String {
    format!("{} {}", clock::local(event.at), without_time(event))
}

/// The same for a reader that knows the time. Of a silence that somebody can end it says whose fault
/// it is, and what would change it.
pub fn without_time(event: &Event) -> String {
    let boot = event.boot.map(|boot| format!("{boot} ")).unwrap_or_default();
    let link = event.link.as_ref().map(|link| format!("{link} ")).unwrap_or_default();
    let said = format!("{boot}{link}{event}");
    let Some(why) = event.what.silence().filter(|why| why.fault() != Fault::Nobody) else {
        return said;
    };
    let machine = event.machine.map(|machine| machine.to_string());
    let remedy = why.remedy().map(|remedy| remedy.of(machine.as_deref().unwrap_or(MACHINE)));
    match remedy.map(|remedy| remedy.to_string()).filter(|remedy| !said.contains(remedy)) {
        Some(remedy) => format!("{said} ({}: {remedy})", why.fault().name()),
        None => format!("{said} ({})", why.fault().name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Now, Why};

    fn said(why: Why) -> String {
        let what = Happening::Silent { asked: "DISCOVER".into(), why };
        let machine = "52:54:00:77:00:01".parse().ok();
        without_time(&Event::new(Now(0), machine, Some("br0".to_owned()), what))
    }

    #[test]
    fn a_silence_that_can_be_ended_says_how() {
        assert_eq!(
            said(Why::PlanIsSilence),
            "br0 52:54:00:77:00:01 DISCOVER → silence: the plan for this machine is silence (settings: \
             run `bootwright machine set 52:54:00:77:00:01 --profile PROFILE`)"
        );
        assert_eq!(
            said(Why::MessageType(10)),
            "br0 52:54:00:77:00:01 DISCOVER → silence: message type 10 is not served (ours)"
        );
    }

    #[test]
    fn where_silence_is_right_nobody_is_told_to_act() {
        assert!(said(Why::NotBooting).ends_with("business"), "{}", said(Why::NotBooting));
    }
}
