//! The machines' sockets as the configuration says, and again when it says otherwise.

use crate::config::{self, Config};
use crate::failure::Failure;
use crate::say;
use api::Problem;
use api::server::Counted;
use api::types::Done;
use engine::Settings;
use library::Blobs;
use model::Transfers;
use serve::Running;
use site::SiteHandle;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The open sockets, and what they were opened for.
pub struct Sockets {
    site: SiteHandle,
    blobs: Arc<Blobs>,
    /// The configuration file; without one there is nothing to read again.
    file: Option<PathBuf>,
    now: Mutex<Now>,
    /// What was odd when they were opened.
    findings: std::sync::Mutex<Vec<String>>,
}

struct Now {
    settings: Settings,
    running: Option<Running>,
}

impl Sockets {
    /// Opens them.
    pub fn open(
        site: SiteHandle,
        blobs: Arc<Blobs>,
        file: Option<PathBuf>,
        settings: Settings,
    ) -> Result<Arc<Self>, Failure> {
        let running = start(&site, &blobs, &settings)?;
        let findings = std::sync::Mutex::new(in_words(&running));
        let now = Mutex::new(Now { settings, running: Some(running) });
        Ok(Arc::new(Self { site, blobs, file, now, findings }))
    }

    /// What was odd when they were opened, in words.
    pub fn findings(&self) -> Vec<String> {
        self.findings.lock().map(|findings| findings.clone()).unwrap_or_default()
    }

    /// Files on their way. (None while sockets are being opened anew.)
    pub fn transfers(&self) -> Transfers {
        self.of_running(Running::transfers).unwrap_or_default()
    }

    /// What the sockets counted since they were opened.
    pub fn counted(&self) -> Vec<Counted> {
        let counts = self.of_running(Running::counts);
        counts.map(|counts| counts.each().collect()).unwrap_or_default()
    }

    fn of_running<T>(&self, read: impl FnOnce(&Running) -> T) -> Option<T> {
        let now = self.now.try_lock().ok()?;
        now.running.as_ref().map(read)
    }

    /// Reads the configuration again and puts it in force, or refuses and keeps the old.
    pub async fn reload(&self, dry_run: bool) -> Result<Done, Problem> {
        let Some(file) = self.file.clone() else {
            return Err(Problem::refused("this server was started without a configuration file")
                .hint("start it with --config FILE"));
        };
        let shown = file.display().to_string();
        let read = tokio::task::spawn_blocking(move || config::read_file(&file)).await;
        let read = read.map_err(|e| Problem::failed(e.to_string()))?;
        let Config { settings, notes, .. } = read.map_err(|failure| {
            Problem::refused(format!("the old configuration stays in force\n{failure}"))
        })?;
        notes.iter().for_each(|note| say::note(format!("note: {note}")));

        let mut now = self.now.lock().await;
        let changes = differences(&now.settings, &settings);
        if dry_run || changes.is_empty() {
            let says = match changes.is_empty() {
                true => format!("{shown} says nothing new"),
                false => changes.join("\n"),
            };
            return Ok(Done { says, done: !dry_run });
        }
        if needs_sockets(&now.settings, &settings) {
            self.reopen(&mut now, &settings).await?;
        }
        let noted = self.site.configure(settings.clone()).await;
        let noted = noted.map_err(|e| Problem::failed(e.why()))?;
        now.settings = settings;
        let noted = noted.into_iter().map(|note| format!("note: {note}"));
        let says: Vec<String> = changes.into_iter().chain(noted).collect();
        Ok(Done { says: says.join("\n"), done: true })
    }

    /// Closes the old sockets and opens the new; if those cannot be had, the old again.
    async fn reopen(&self, now: &mut Now, settings: &Settings) -> Result<(), Problem> {
        if let Some(running) = now.running.take() {
            running.stop().await;
        }
        let (opened, refused) = match start(&self.site, &self.blobs, settings) {
            Ok(running) => (Ok(running), None),
            Err(failure) => (start(&self.site, &self.blobs, &now.settings), Some(failure)),
        };
        let running = opened.map_err(|e| {
            Problem::failed(format!("neither the new sockets nor the old can be opened: {e}"))
                .hint("mend the configuration and reload again; until then nobody is served")
        })?;
        if let Ok(mut findings) = self.findings.lock() {
            *findings = in_words(&running);
        }
        now.running = Some(running);
        match refused {
            None => Ok(()),
            Some(why) => {
                Err(Problem::refused(format!("the old configuration stays in force\n{why}")))
            }
        }
    }

    /// Lets transfers end, then closes them.
    pub async fn stop(&self) {
        if let Some(running) = self.now.lock().await.running.take() {
            running.stop().await;
        }
    }
}

fn start(site: &SiteHandle, blobs: &Arc<Blobs>, settings: &Settings) -> Result<Running, Failure> {
    serve::start(site.clone(), Arc::clone(blobs), &settings.networks, settings.http_port)
        .map_err(|e| Failure::failed(format!("{}: {}", e.text, e.cause)).hint(e.hint))
}

fn in_words(running: &Running) -> Vec<String> {
    running.findings().iter().map(|f| format!("{}\nhint: {}", f.text, f.hint)).collect()
}

/// Whether sockets have to be opened anew; everything else is only told to the engine.
fn needs_sockets(old: &Settings, new: &Settings) -> bool {
    old.http_port != new.http_port || old.networks != new.networks
}

/// What changes, one line each.
fn differences(old: &Settings, new: &Settings) -> Vec<String> {
    let mut lines = Vec::new();
    if old.server_name != new.server_name {
        lines.push(format!("server.name: {} → {}", old.server_name, new.server_name));
    }
    if old.http_port != new.http_port {
        lines.push(format!("http.port: {} → {}", old.http_port, new.http_port));
    }
    if old.lease_history != new.lease_history {
        let [was, is] = [old, new].map(|s| model::time::show_duration(s.lease_history));
        lines.push(format!("leases.history: {was} → {is}"));
    }
    if old.boot != new.boot {
        let show = |s: &Settings| {
            let (unknown, approved) = (s.boot.unknown.name(), s.boot.approved.name());
            format!("unknown {unknown}, approved {approved}, menu_wait {} s", s.boot.menu_wait_s)
        };
        lines.push(format!("boot: {} → {}", show(old), show(new)));
    }
    // Subnets that share a link, or are behind a relay, have the same interface.
    let of = |s: &Settings, this: &model::Network| {
        let same = |n: &&model::Network| n.interface == this.interface && n.subnet == this.subnet;
        let alone = |n: &&model::Network| n.interface == this.interface;
        let only = s.networks.iter().filter(alone).count() == 1;
        s.networks
            .iter()
            .find(same)
            .or_else(|| s.networks.iter().find(alone).filter(|_| only))
            .cloned()
    };
    for network in &new.networks {
        match of(old, network) {
            None => lines.push(format!("new: {}", super::in_a_line(network))),
            Some(before) if before != *network => {
                lines.push(format!("changed: {}", super::in_a_line(network)));
            }
            Some(_) => {}
        }
    }
    for network in &old.networks {
        if of(new, network).is_none() {
            lines.push(format!("no longer served: {} {}", network.interface, network.subnet));
        }
    }
    lines
}
