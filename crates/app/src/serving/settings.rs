//! The configuration file, for operators who look at it and change it while the server runs.
//!
//! In: a text. Out: its faults by line and column, and what it would change. Never: a file; that is `api`'s.

use super::sockets::Sockets;
use crate::config::fault::Fault;
use crate::config::{self, Admin, Config, edit};
use crate::declared::Source;
use api::Problem;
use api::server::Configuration;
use api::types::{ConfigAnswer, ConfigFault, Network6Wish, NetworkWish};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

/// What only a start puts in force, as it was then.
#[derive(Clone, Debug)]
pub struct Begun {
    admin: Admin,
    state: Option<PathBuf>,
}

impl From<&Config> for Begun {
    fn from(config: &Config) -> Self {
        Self { admin: config.admin.clone(), state: config.state.clone() }
    }
}

impl Begun {
    /// What a configuration says otherwise, one line each.
    fn later(&self, config: &Config) -> Vec<String> {
        let mut lines = Vec::new();
        let shown = |admin: &Admin| admin.listen.map_or("off".to_owned(), |at| at.to_string());
        if self.admin.listen != config.admin.listen {
            let (was, is) = (shown(&self.admin), shown(&config.admin));
            lines.push(format!("admin.listen: {was} → {is}"));
        }
        if self.admin.hosts != config.admin.hosts {
            let (was, is) = (self.admin.hosts.join(", "), config.admin.hosts.join(", "));
            lines.push(format!("admin.hosts: {was} → {is}"));
        }
        if self.state != config.state {
            let shown = |state: &Option<PathBuf>| {
                state.as_ref().map_or("not said".to_owned(), |state| state.display().to_string())
            };
            let (was, is) = (shown(&self.state), shown(&config.state));
            lines.push(format!("server.state: {was} → {is} (what is kept is not moved)"));
        }
        lines
    }
}

/// An answer that is worked on.
type Checking = Pin<Box<dyn Future<Output = Result<ConfigAnswer, Problem>> + Send>>;

/// What operators ask of the configuration file.
pub struct SettingsFile {
    sockets: Arc<Sockets>,
    begun: Begun,
}

impl SettingsFile {
    /// As the server was started.
    pub fn new(sockets: Arc<Sockets>, begun: Begun) -> Self {
        Self { sockets, begun }
    }
}

impl Configuration for SettingsFile {
    fn check(&self, text: String) -> Checking {
        let (sockets, begun) = (Arc::clone(&self.sockets), self.begun.clone());
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || judged(&text)).await;
            let read = read.map_err(|e| Problem::failed(e.to_string()))?;
            let config = match read.map_err(Problem::failed)? {
                Ok(config) => config,
                Err(faults) => return Ok(wrong(faults)),
            };
            let later = begun.later(&config);
            let changes = match sockets.weigh(config).await {
                Ok(changes) => changes,
                Err(why) => return Ok(wrong(vec![unplaced(&why)])),
            };
            let says = match (changes.is_empty(), later.is_empty()) {
                (true, true) => "it is good, and says nothing new".to_owned(),
                (false, true) => changes.join("\n"),
                (_, false) => {
                    let later = later.iter().map(|line| format!("at the next start: {line}"));
                    changes.iter().cloned().chain(later).collect::<Vec<_>>().join("\n")
                }
            };
            Ok(ConfigAnswer { says, changes, later, ..ConfigAnswer::default() })
        })
    }

    fn with_network(&self, text: &str, wish: &NetworkWish) -> Result<String, Problem> {
        let links = crate::links::all().map_err(Problem::failed)?;
        edit::with_network(text, wish, &links).map_err(Problem::unfit)
    }

    fn with_network6(&self, text: &str, wish: &Network6Wish) -> Result<String, Problem> {
        let links = crate::links::all().map_err(Problem::failed)?;
        edit::ipv6::with_network(text, wish, &links).map_err(Problem::unfit)
    }
}

/// A text as `check` reads it, on this host.
fn judged(text: &str) -> Result<Result<Config, Vec<ConfigFault>>, String> {
    let links = crate::links::all()?;
    let read = config::judge_text(text, &links, &config::host_name());
    Ok(read.map_err(|faults| {
        let source = Source::new("", text);
        faults.iter().map(|fault| placed(fault, &source)).collect()
    }))
}

fn wrong(faults: Vec<ConfigFault>) -> ConfigAnswer {
    let says = match faults.len() {
        1 => "it has 1 fault".to_owned(),
        many => format!("it has {many} faults"),
    };
    ConfigAnswer { says, faults, ..ConfigAnswer::default() }
}

/// A fault of no place: certificates that cannot be used.
fn unplaced(why: &crate::failure::Failure) -> ConfigFault {
    let (label, hint) = (String::new(), None);
    let (line, column, end_line, end_column) = (1, 1, 1, 1);
    ConfigFault { says: why.to_string(), label, hint, line, column, end_line, end_column }
}

fn placed(fault: &Fault, source: &Source<'_>) -> ConfigFault {
    let (line, column) = source.line_and_column(fault.at.start);
    let (end_line, end_column) = source.line_and_column(fault.at.end.max(fault.at.start));
    ConfigFault {
        says: fault.what.clone(),
        label: fault.label.clone(),
        hint: fault.hint.clone(),
        line,
        column,
        end_line,
        end_column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_a_start_is_said() {
        let lan = "[[network]]\ninterface = \"lo\"\nmode = \"proxy\"\n";
        let read = |text: &str| {
            let links = [crate::links::imagined("lo", &[(std::net::Ipv4Addr::LOCALHOST, 8)])];
            config::read_text("lab.toml", &format!("{text}{lan}"), &links, "here").unwrap()
        };
        let begun = Begun::from(&read("[server]\nstate = \"/a\"\n"));
        assert_eq!(begun.later(&read("[server]\nstate = \"/a\"\n")), [""; 0]);
        let other =
            read("[server]\nstate = \"/b\"\n[admin]\nlisten = \"off\"\nhosts = [\"lab\"]\n");
        assert_eq!(
            begun.later(&other),
            [
                "admin.listen: 127.0.0.1:7070 → off",
                "admin.hosts:  → lab",
                "server.state: /a → /b (what is kept is not moved)",
            ]
        );
    }
}
