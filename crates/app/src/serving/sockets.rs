//! The machines' sockets as the configuration says, and again when it says otherwise.

use super::https::{self, InForce};
use super::publishing;
use crate::config::{self, Config, Given};
use crate::failure::Failure;
use crate::{clock, say};
use api::Problem;
use api::server::{Counted, DnsNow};
use api::types::{
    DnsCacheView, Done, NameRefusedView, PublishView, TlsStatus, UpstreamView, Wrong,
};
use engine::Settings;
use library::Blobs;
use model::Transfers;
use serve::{Limits, Networks, Running};
use site::SiteHandle;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// The open sockets, and what they were opened for.
pub struct Sockets {
    site: SiteHandle,
    blobs: Arc<Blobs>,
    state: PathBuf,
    /// The configuration file; without one there is nothing to read again.
    file: Option<PathBuf>,
    now: Mutex<Now>,
    /// What was odd when they were opened.
    findings: std::sync::Mutex<Vec<Wrong>>,
    /// The certificates in force.
    tls: std::sync::Mutex<Option<InForce>>,
}

struct Now {
    meant: Meant,
    running: Option<Running>,
}

/// What a configuration means for sockets.
#[derive(Clone, Debug)]
struct Meant {
    settings: Settings,
    limits: Limits,
    given: Option<Given>,
    syslog_port: Option<u16>,
    dns: Option<serve::Dns>,
    publish: Vec<serve::Publish>,
}

impl Meant {
    /// With the keys that it names.
    fn of(config: Config) -> Result<Self, Failure> {
        let Config { settings, limits, given, syslog_port, dns, publish, .. } = config;
        let publish = publishing::read(&publish)?;
        Ok(Self { settings, limits, given, syslog_port, dns, publish })
    }
}

impl Sockets {
    /// Opens them.
    pub fn open(
        site: SiteHandle,
        blobs: Arc<Blobs>,
        state: PathBuf,
        file: Option<PathBuf>,
        config: Config,
    ) -> Result<Arc<Self>, Failure> {
        let meant = Meant::of(config)?;
        let tls = in_force(&state, &meant)?;
        let running = start(&site, &blobs, &meant, tls.as_ref())?;
        let findings = std::sync::Mutex::new(odd(&running));
        let now = Mutex::new(Now { meant, running: Some(running) });
        let tls = std::sync::Mutex::new(tls);
        Ok(Arc::new(Self { site, blobs, state, file, now, findings, tls }))
    }

    /// What HTTPS is served with, and what machines will not like about it.
    pub fn tls(&self) -> Option<TlsStatus> {
        self.tls.lock().ok()?.as_ref()?.status(clock::now())
    }

    /// What was odd when they were opened, in words.
    pub fn findings(&self) -> Vec<Wrong> {
        self.findings.lock().map(|findings| findings.clone()).unwrap_or_default()
    }

    /// Files on their way. (None while sockets are being opened anew.)
    pub fn transfers(&self) -> Transfers {
        self.of_running(Running::transfers).unwrap_or_default()
    }

    /// Names as they are answered now.
    pub fn dns(&self) -> Option<DnsNow> {
        let read = |running: &Running| {
            let upstreams = running.upstreams().into_iter().map(upstream).collect();
            let refused = running.refused_names().into_iter().map(refused).collect();
            let cache = running.names_remembered().map(|kept| cache(kept, &running.counts()));
            running.names().map(|names| DnsNow { names, upstreams, cache, refused })
        };
        self.of_running(read).flatten()
    }

    /// How names stand at DNS servers of others.
    pub fn published(&self) -> Vec<PublishView> {
        let read = |running: &Running| running.published();
        let all = self.of_running(read).unwrap_or_default();
        all.into_iter().map(publishing::view).collect()
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
        let config = read.map_err(kept)?;
        config.notes.iter().for_each(|note| say::note(format!("note: {note}")));
        let meant = Meant::of(config).map_err(kept)?;
        // A certificate that cannot be used is refused before anything changes.
        let certificates = https::read(&self.state, meant.settings.tls_port, meant.given.as_ref());
        let certificates = certificates.map_err(kept)?;

        let mut now = self.now.lock().await;
        let changes = self.changes(&now.meant, &meant, certificates.as_ref());
        if dry_run || changes.is_empty() {
            let says = match changes.is_empty() {
                true => format!("{shown} says nothing new"),
                false => changes.join("\n"),
            };
            return Ok(Done { says, done: !dry_run });
        }
        if needs_sockets(&now.meant, &meant) {
            self.reopen(&mut now, &meant).await?;
        } else if let Some(keys) = certificates
            && let Ok(mut tls) = self.tls.lock()
            && let Some(tls) = tls.as_mut()
        {
            tls.replace(keys, &meant.settings, meant.given.is_none());
        }
        let noted = self.site.configure(meant.settings.clone()).await;
        let noted = noted.map_err(|e| Problem::failed(e.why()))?;
        now.meant = meant;
        drop(now);
        https::alarm(&self.site, self);
        let noted = noted.into_iter().map(|note| format!("note: {note}"));
        let says: Vec<String> = changes.into_iter().chain(noted).collect();
        Ok(Done { says: says.join("\n"), done: true })
    }

    /// What a configuration would change, one line each; refused if its certificates cannot be used.
    pub async fn weigh(&self, config: Config) -> Result<Vec<String>, Failure> {
        let meant = Meant::of(config)?;
        let keys = https::read(&self.state, meant.settings.tls_port, meant.given.as_ref())?;
        let now = self.now.lock().await;
        Ok(self.changes(&now.meant, &meant, keys.as_ref()))
    }

    fn changes(&self, now: &Meant, meant: &Meant, keys: Option<&tls::Keys>) -> Vec<String> {
        let mut changes = differences(&now.settings, &meant.settings);
        if now.limits != meant.limits {
            changes.push("limits changed".to_owned());
        }
        if now.syslog_port != meant.syslog_port {
            let [was, is] = [now, meant].map(|meant| shown_port(meant.syslog_port));
            changes.push(format!("syslog.port: {was} → {is}"));
        }
        if now.dns != meant.dns {
            let [was, is] = [now, meant].map(|meant| shown_dns(meant.dns.as_ref()));
            changes.push(format!("dns: {was} → {is}"));
        }
        if now.publish != meant.publish {
            let [was, is] = [now, meant].map(|meant| publishing::in_words(&meant.publish));
            changes.push(match was == is {
                true => format!("dns.publish: another secret for {is}"),
                false => format!("dns.publish: {was} → {is}"),
            });
        }
        changes.extend(keys.filter(|keys| self.renewed(keys)).map(https::in_a_line));
        changes
    }

    /// Whether these are others than those in force.
    fn renewed(&self, keys: &tls::Keys) -> bool {
        let tls = self.tls.lock();
        tls.is_ok_and(|tls| tls.as_ref().is_some_and(|in_force| in_force.differs(keys)))
    }

    /// Closes the old sockets and opens the new; if those cannot be had, the old again.
    async fn reopen(&self, now: &mut Now, meant: &Meant) -> Result<(), Problem> {
        let fresh = in_force(&self.state, meant).map_err(kept)?;
        if let Some(running) = now.running.take() {
            running.stop().await;
        }
        let (opened, refused) = match start(&self.site, &self.blobs, meant, fresh.as_ref()) {
            Ok(running) => (Ok((running, Some(fresh))), None),
            Err(failure) => {
                let old = self.tls.lock().ok().and_then(|tls| tls.clone());
                let again = start(&self.site, &self.blobs, &now.meant, old.as_ref());
                (again.map(|running| (running, None)), Some(failure))
            }
        };
        let (running, fresh) = opened.map_err(|e| {
            Problem::failed(format!("neither the new sockets nor the old can be opened: {e}"))
                .hint("mend the configuration and reload again; until then nobody is served")
        })?;
        if let Ok(mut findings) = self.findings.lock() {
            *findings = odd(&running);
        }
        if let (Some(fresh), Ok(mut tls)) = (fresh, self.tls.lock()) {
            *tls = fresh;
        }
        now.running = Some(running);
        match refused {
            None => Ok(()),
            Some(why) => Err(kept(why)),
        }
    }

    /// Lets transfers end, then closes them.
    pub async fn stop(&self) {
        if let Some(running) = self.now.lock().await.running.take() {
            running.stop().await;
        }
    }
}

/// A new configuration was refused.
fn kept(why: Failure) -> Problem {
    Problem::refused(format!("the old configuration stays in force\n{why}"))
}

/// The certificates that a configuration means, for a new listener.
fn in_force(state: &std::path::Path, meant: &Meant) -> Result<Option<InForce>, Failure> {
    let Meant { settings, given, .. } = meant;
    let keys = https::read(state, settings.tls_port, given.as_ref())?;
    Ok(keys.and_then(|keys| InForce::new(keys, settings, given.is_none())))
}

fn start(
    site: &SiteHandle,
    blobs: &Arc<Blobs>,
    meant: &Meant,
    tls: Option<&InForce>,
) -> Result<Running, Failure> {
    let Meant { settings, limits, syslog_port, dns, publish, .. } = meant;
    let (site, blobs, tls) = (site.clone(), Arc::clone(blobs), tls.map(InForce::listener));
    let (http, syslog, dns) = (settings.http_port, *syslog_port, dns.clone());
    let ports = serve::Ports { http, tls, syslog, dns, publish: publish.clone() };
    let networks = Networks { v4: &settings.networks, v6: &settings.networks6 };
    serve::start_on(site, blobs, networks, ports, *limits)
        .map_err(|e| Failure::failed(format!("{}: {}", e.text, e.cause)).hint(e.hint))
}

fn odd(running: &Running) -> Vec<Wrong> {
    running.findings().iter().map(|f| Wrong::new(&f.text, f.hint.clone())).collect()
}

/// Whether sockets have to be opened anew; everything else is only told to the engine.
fn needs_sockets(old: &Meant, new: &Meant) -> bool {
    let ports =
        |meant: &Meant| (meant.settings.http_port, meant.settings.tls_port, meant.syslog_port);
    ports(old) != ports(new)
        || old.limits != new.limits
        || old.dns != new.dns
        || old.publish != new.publish
        || old.settings.networks != new.settings.networks
        || old.settings.networks6 != new.settings.networks6
}

fn shown_port(port: Option<u16>) -> String {
    port.map_or("none".to_owned(), |port| port.to_string())
}

fn upstream(one: engine::names::Upstream) -> UpstreamView {
    UpstreamView {
        at: one.at.to_string(),
        up: one.is_up(),
        answered: one.answered.map(|(at, _)| at.to_string()),
        took_ms: one.answered.and_then(|(_, took)| u64::try_from(took.as_millis()).ok()),
        failed: one.failed,
        why: one.why,
    }
}

fn cache((kept, most): (usize, usize), counts: &serve::Counts) -> DnsCacheView {
    DnsCacheView {
        kept,
        most,
        hits: counts.dns_cache_hits,
        misses: counts.dns_cache_misses,
        ended: counts.dns_cache_ended,
        displaced: counts.dns_cache_displaced,
    }
}

fn refused(one: serve::Refused) -> NameRefusedView {
    NameRefusedView {
        last: one.at.to_string(),
        from: one.from,
        name: one.name,
        kind: wire::dns::kind::name(one.kind),
        ends: one.code.name().to_owned(),
        because: one.why,
        times: one.times,
    }
}

fn shown_dns(dns: Option<&serve::Dns>) -> String {
    let Some(serve::Dns { rules, per_second }) = dns else { return "off".to_owned() };
    let upstream: Vec<String> = rules.upstream.iter().map(ToString::to_string).collect();
    let others = match (upstream.is_empty(), rules.split.len()) {
        (true, 0) => "nobody else".to_owned(),
        (true, split) => format!("others for {split} domains"),
        (false, _) => upstream.join(", "),
    };
    format!("on {}, asking {others}, {per_second}/s", rules.interfaces.join(", "))
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
    if old.tls_port != new.tls_port {
        let [was, is] = [old, new].map(|s| shown_port(s.tls_port));
        lines.push(format!("http.tls_port: {was} → {is}"));
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
    let of6 = |s: &Settings, this: &model::Network6| {
        let mut all = s.networks6.iter();
        all.find(|n| n.interface == this.interface && n.subnet == this.subnet).cloned()
    };
    for network in &new.networks6 {
        match of6(old, network) {
            None => lines.push(format!("new: {}", super::in_a_line6(network))),
            Some(before) if before != *network => {
                lines.push(format!("changed: {}", super::in_a_line6(network)));
            }
            Some(_) => {}
        }
    }
    for network in old.networks6.iter().filter(|network| of6(new, network).is_none()) {
        lines.push(format!("no longer served: {} {}", network.interface, network.subnet));
    }
    lines
}
