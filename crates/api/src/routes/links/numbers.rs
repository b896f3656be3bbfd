//! What was heard of others, in numbers. Labels are those of the configuration and of fixed lists;
//! no address ever becomes one.

use engine::Engine;
use model::network::Family;
use model::other::Standing;
use model::{Listening, OtherServer};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;

/// One moment of our links.
#[derive(Debug)]
pub(in crate::routes) struct Heard {
    others: Vec<OtherServer>,
    listening: Vec<Listening>,
}

impl Heard {
    /// What was heard until now.
    pub(in crate::routes) fn of(engine: &Engine) -> Self {
        Self { others: engine.others(), listening: engine.listening() }
    }
}

impl Collector for Heard {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Other DHCP and boot servers that were heard, by whether they belong there";
        let mut family =
            encoder.encode_descriptor("other_servers", help, None, MetricType::Gauge)?;
        for standing in Standing::ALL {
            let count = self.others.iter().filter(|other| other.standing == *standing).count();
            let gauge = ConstGauge::new(count as u64);
            gauge.encode(family.encode_family(&[("standing", standing.name())])?)?;
        }
        let help = "Exchanges that were compared where we only listen, by how they came out";
        let mut family =
            encoder.encode_descriptor("listen_compared", help, None, MetricType::Counter)?;
        for sum in &self.listening {
            // A link has its name for what has always been counted; over IPv6 it says so.
            let family_of = |outcome| match sum.family {
                Family::Ipv4 => vec![("link", sum.link.as_str()), ("outcome", outcome)],
                Family::Ipv6 => {
                    vec![("link", sum.link.as_str()), ("outcome", outcome), ("family", "ipv6")]
                }
            };
            let outcomes =
                [("agrees", sum.agreed), ("differs", sum.differed), ("unheard", sum.unheard)];
            for (outcome, count) in outcomes {
                let labels = family_of(outcome);
                ConstCounter::new(count).encode(family.encode_family(&labels.as_slice())?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::network::ListenAs;
    use model::other::Deeds;
    use model::{HardwareAddress, Now};
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    #[test]
    fn others_are_counted_by_standing_and_exchanges_by_outcome() {
        let rogue = OtherServer {
            link: "br0".to_owned(),
            server: [10, 77, 0, 66].into(),
            from: None,
            mac: Some(HardwareAddress::mac([2, 0, 0, 0, 0, 0x66])),
            does: Deeds::default(),
            standing: Standing::Rogue,
            means: String::new(),
            replies: 1,
            taken: 0,
            clients: Vec::new(),
            offered: None,
            first: Now(0),
            last: Now(0),
        };
        let sum = Listening {
            link: "br1".to_owned(),
            family: Family::Ipv4,
            listen_as: ListenAs::Dhcp,
            agreed: 7,
            differed: 1,
            unheard: 0,
            differences: Vec::new(),
            last_difference: None,
            since: Now(0),
            last: Now(0),
        };
        let mut registry = Registry::with_prefix("bootwright");
        let over_ipv6 = Listening { family: Family::Ipv6, differed: 5, ..sum.clone() };
        let heard = Heard { others: vec![rogue], listening: vec![sum, over_ipv6] };
        registry.register_collector(Box::new(heard));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "bootwright_other_servers{standing=\"rogue\"} 1",
            "bootwright_other_servers{standing=\"declared\"} 0",
            "bootwright_listen_compared_total{link=\"br1\",outcome=\"agrees\"} 7",
            "bootwright_listen_compared_total{link=\"br1\",outcome=\"differs\"} 1",
            "bootwright_listen_compared_total{link=\"br1\",outcome=\"differs\",family=\"ipv6\"} 5",
        ] {
            assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
        }
    }
}
