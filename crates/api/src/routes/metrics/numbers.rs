//! One moment of the server, and what is said of it.

use super::write::Writer;
use crate::server::Counted;
use engine::state::Census;
use model::event::Carrier;
use model::transfer::Totals;
use model::{Now, Transfers};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use site::handle::Waiting;
use site::tally::{Counts, OTHER, Series, Spread, Timed};
use std::fmt;

/// What is known of the disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Bytes of the store.
    pub(super) store: u64,
    /// Bytes that are free where images are.
    pub(super) free: Option<u64>,
}

/// One moment of the server.
#[derive(Debug)]
pub(super) struct Numbers {
    pub(super) transfers: Transfers,
    /// Answers of other DNS servers that are remembered; none where nobody is asked.
    pub(super) names_remembered: Option<u64>,
    pub(super) counted: Vec<Counted>,
    pub(super) counts: Counts,
    pub(super) times: Vec<(Timed, Spread)>,
    pub(super) waiting: Waiting,
    /// None while the owner does not answer.
    pub(super) census: Option<Census>,
    pub(super) disk: Disk,
    pub(super) started: Now,
    pub(super) now: Now,
}

impl Collector for Numbers {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let to = &mut Writer(encoder);
        self.server(to)?;
        self.happened(to)?;
        self.files(to)?;
        self.fleet(to)?;
        let remembered = self.names_remembered.map(|kept| ([], kept));
        let help = "Answers of other DNS servers that are remembered";
        to.gauges("dns_cache_answers", help, remembered)?;
        for (name, help, count) in &self.counted {
            to.one(name, help, &ConstCounter::new(*count))?;
        }
        Ok(())
    }
}

impl Numbers {
    /// How the server itself is.
    fn server(&self, to: &mut Writer<'_>) -> fmt::Result {
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        to.one("build", "The version that runs", &version)?;
        let started = seconds(self.started.0);
        to.one(
            "start_time_seconds",
            "When the server started, since 1970",
            &ConstGauge::new(started),
        )?;
        let up = seconds(self.now.0.saturating_sub(self.started.0));
        to.one("uptime_seconds", "How long the server has run", &ConstGauge::new(up))?;
        let answers = i64::from(self.census.is_some());
        let help = "1 while decisions are made: 0 when the store cannot be used, or its disk hangs";
        to.one("owner_answers", help, &ConstGauge::new(answers))?;
        let store = ConstGauge::new(self.disk.store);
        to.one("store_bytes", "Size of the store, without images", &store)?;
        let free = self.disk.free.map(|free| ([], free));
        to.gauges("disk_free_bytes", "Free bytes where images are kept", free)?;

        let times = self.times.iter().filter(|(what, _)| *what != Timed::Commit);
        let help = "How long a decision took, by what was decided";
        to.spreads("decision_seconds", help, times.map(|(what, s)| ([("of", what.name())], *s)))?;
        let commits = self.times.iter().filter(|(what, _)| *what == Timed::Commit);
        let help = "How long a transaction took until it was on disk";
        to.spreads("commit_seconds", help, commits.map(|(_, spread)| ([], *spread)))?;

        let Waiting { known, asking, requests } = self.waiting;
        let queues = [("dhcp-known", known), ("dhcp-asking", asking), ("requests", requests)];
        let help =
            "How many wait to be decided on; DHCP messages of who has an address, and others";
        to.gauges("queue_length", help, queues.map(|(name, n)| ([("queue", name)], n as u64)))
    }

    /// What happened since the start.
    fn happened(&self, to: &mut Writer<'_>) -> fmt::Result {
        let all = || self.counts.series.iter().map(|(series, count)| (*series, *count));
        let dhcp = all().filter_map(|(series, count)| match series {
            Series::Dhcp { asked, answer, link } => {
                let link = self.counts.links.get(link).map_or(OTHER, String::as_str);
                Some(([("type", asked), ("answer", answer), ("link", link)], count))
            }
            _ => None,
        });
        to.counters("dhcp_messages", "DHCP messages, by what they got", dhcp)?;
        let silences = all().filter_map(|(series, count)| match series {
            Series::Silence { why, fault } => {
                Some(([("why", why), ("fault", fault.name())], count))
            }
            _ => None,
        });
        to.counters("silences", "Messages without an answer, by why and whose fault", silences)?;
        let scripts = all().filter_map(|(series, count)| match series {
            Series::Script { form, decision } => {
                Some(([("form", form), ("decision", decision)], count))
            }
            _ => None,
        });
        to.counters("scripts", "Scripts given to bootloaders, by what they say", scripts)?;
        let missed = all().filter_map(|(series, count)| match series {
            Series::Missed { by, why, expected } => {
                let expected = if expected { "yes" } else { "no" };
                Some(([("by", by), ("why", why), ("expected", expected)], count))
            }
            _ => None,
        });
        let help = "Files asked for and not given; expected are names that need not exist";
        to.counters("files_missed", help, missed)?;
        let steps = all().filter_map(|(series, count)| match series {
            Series::Step(step) => Some(([("step", step)], count)),
            _ => None,
        });
        to.counters("deployment_steps", "Steps that deployments went", steps)?;
        let events = all().filter_map(|(series, count)| match series {
            Series::Event(event) => Some(([("event", event)], count)),
            _ => None,
        });
        to.counters("events", "What was told, by kind", events)?;
        let of = |kind| self.counts.series.get(&Series::Event(kind)).copied().unwrap_or(0);
        let help = "What somebody should act on";
        to.one("alarms", help, &ConstCounter::new(of("alarm")))?;
        let help = "TLS connections that came to nothing";
        to.one("tls_handshakes_failed", help, &ConstCounter::new(of("handshake-failed")))
    }

    /// Files on their way and across.
    fn files(&self, to: &mut Writer<'_>) -> fmt::Result {
        let Transfers { now, tftp, http } = &self.transfers;
        let running = |by| now.iter().filter(|transfer| transfer.by == by).count() as u64;
        let waiting = now.iter().filter(|transfer| transfer.waiting).count() as u64;
        let mut both = |name, help, of: fn(&Totals) -> u64| {
            to.counters(name, help, [([("by", "tftp")], of(tftp)), ([("by", "http")], of(http))])
        };
        both("sent_bytes", "Bytes of files sent to machines", |totals| totals.bytes)?;
        both("transfers_done", "Transfers that arrived", |totals| totals.done)?;
        both("transfers_failed", "Transfers that ended early", |totals| totals.failed)?;
        both("blocks_sent_again", "Blocks sent again", |totals| totals.again)?;
        let running = [
            ([("by", "tftp")], running(Carrier::Tftp)),
            ([("by", "http")], running(Carrier::Http)),
        ];
        to.gauges("transfers_running", "Transfers that run", running)?;
        let help = "Transfers that wait for their turn";
        to.one("transfers_waiting", help, &ConstGauge::new(waiting))
    }

    /// How many there are of everything. Nothing, while the owner does not answer: a zero would be
    /// a lie.
    fn fleet(&self, to: &mut Writer<'_>) -> fmt::Result {
        let Some(census) = &self.census else { return Ok(()) };
        let machines = census.machines.iter().map(|(life, n)| ([("state", *life)], *n as u64));
        to.gauges("machines", "Machines, by the state of their life", machines)?;
        let each = census.deployments.iter().map(|(state, n)| ([("state", *state)], *n as u64));
        to.gauges("deployments", "Deployments, by how far they are", each)?;

        let mut of_pools = |name, help, of: fn(&engine::state::PoolUse) -> u64| {
            let each = census.pools.iter().map(|pool| {
                ([("link", pool.link.as_str()), ("subnet", pool.subnet.as_str())], of(pool))
            });
            to.gauges(name, help, each)
        };
        of_pools("pool_addresses", "Addresses that may be leased", |pool| pool.size)?;
        of_pools("pool_leased", "Of these, leased", |pool| pool.leased as u64)?;
        let help = "Of these, in quarantine, because somebody else uses them";
        of_pools("pool_quarantined", help, |pool| pool.quarantined as u64)?;

        let things = [
            ("reservations", "Addresses that are promised", census.reservations),
            ("images", "Image versions", census.images),
            ("bootloaders", "Bootloaders", census.loaders),
            ("profiles", "Profiles", census.profiles),
            ("rules", "Rules, which lead machines to profiles", census.rules),
        ];
        for (name, help, count) in things {
            to.one(name, help, &ConstGauge::new(count as u64))?;
        }
        Ok(())
    }
}

/// Milliseconds as Prometheus has times.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit into 53 bits")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

#[cfg(test)]
mod tests;
