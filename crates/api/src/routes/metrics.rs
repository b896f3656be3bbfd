//! The server in numbers, as Prometheus reads them. Labels are few and fixed: no machine and no
//! file ever becomes one, since whoever boots could make any number of them.

use super::{State, links};
use crate::contract::shape::{self, Said};
use crate::server::Counted;
use crate::{House, Problem};
use axum::http::header;
use model::Transfers;
use model::event::Carrier;
use model::transfer::Totals;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use site::SiteHandle;
use std::fmt;

/// What an OpenMetrics reader expects.
pub(crate) const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub async fn metrics(State(house): State<House>) -> Result<Said<shape::Numbers>, Problem> {
    let mut registry = Registry::with_prefix("bootwright");
    let sockets = (house.counted)();
    registry.register_collector(Box::new(Numbers {
        transfers: (house.transfers)(),
        counted: sockets.into_iter().chain(of_the_owner(&house.site)).collect(),
    }));
    let heard: links::Heard = links::heard(&house).await?;
    registry.register_collector(Box::new(heard));
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|e| Problem::failed(e.to_string()))?;
    Ok(Said::new(([(header::CONTENT_TYPE, MEDIA)], text)))
}

fn of_the_owner(site: &SiteHandle) -> [Counted; 7] {
    let counted = site.counted();
    [
        ("dhcp_dropped", "DHCP messages dropped because the queue was full", counted.dropped),
        ("dhcp_unposted", "DHCP replies dropped because others waited", counted.unposted),
        ("bugs", "Requests that hit a bug and got no answer", counted.bugs),
        ("commits", "Transactions that were synced", counted.commits),
        ("changes", "Changes that were kept in them", counted.changes),
        ("commits_failed", "Transactions that failed", counted.commits_failed),
        ("damaged_rows", "Rows of the store that could not be read at the start", counted.damaged),
    ]
}

/// One moment of the server.
#[derive(Debug)]
struct Numbers {
    transfers: Transfers,
    counted: Vec<Counted>,
}

impl Collector for Numbers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Transfers { now, tftp, http } = &self.transfers;
        let running = |by| now.iter().filter(|transfer| transfer.by == by).count() as u64;
        let waiting = now.iter().filter(|transfer| transfer.waiting).count() as u64;
        let mut both = |name, help, of: fn(&Totals) -> u64| {
            by_carrier(&mut encoder, name, help, |by| {
                ConstCounter::new(of(if by == Carrier::Tftp { tftp } else { http }))
            })
        };
        both("sent_bytes", "Bytes of files sent to machines", |totals| totals.bytes)?;
        both("transfers_done", "Transfers that arrived", |totals| totals.done)?;
        both("transfers_failed", "Transfers that ended early", |totals| totals.failed)?;
        both("blocks_sent_again", "Blocks sent again", |totals| totals.again)?;
        by_carrier(&mut encoder, "transfers_running", "Transfers that run", |by| {
            ConstGauge::new(running(by))
        })?;
        let waiting = ConstGauge::new(waiting);
        let help = "Transfers that wait for their turn";
        one(&mut encoder, "transfers_waiting", help, &waiting)?;
        for (name, help, count) in &self.counted {
            one(&mut encoder, name, help, &ConstCounter::new(*count))?;
        }
        Ok(())
    }
}

fn one(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

/// A number for TFTP and one for HTTP.
fn by_carrier<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    of: impl Fn(Carrier) -> M,
) -> fmt::Result {
    let kind = of(Carrier::Tftp).metric_type();
    let mut descriptor = encoder.encode_descriptor(name, help, None, kind)?;
    for (label, by) in [("tftp", Carrier::Tftp), ("http", Carrier::Http)] {
        of(by).encode(descriptor.encode_family(&[("by", label)])?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        let mut registry = Registry::with_prefix("bootwright");
        let tftp = Totals { bytes: 7, done: 1, failed: 0, again: 3 };
        registry.register_collector(Box::new(Numbers {
            transfers: Transfers { now: Vec::new(), tftp, http: Totals::default() },
            counted: vec![("tftp_busy", "TFTP requests without an answer", 5)],
        }));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "bootwright_sent_bytes_total{by=\"tftp\"} 7",
            "bootwright_sent_bytes_total{by=\"http\"} 0",
            "bootwright_blocks_sent_again_total{by=\"tftp\"} 3",
            "bootwright_transfers_waiting 0",
            "bootwright_tftp_busy_total 5",
            "# HELP bootwright_tftp_busy TFTP requests without an answer",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
        }
    }
}
