//! One metric after the other, in the form of OpenMetrics.

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, MetricEncoder,
    NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use site::tally::{BOUNDS_US, Spread};
use std::fmt;

/// Labels and their values, in the order in which they are shown.
pub(super) type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

/// Where metrics are written to.
pub(super) struct Writer<'a>(pub(super) DescriptorEncoder<'a>);

impl Writer<'_> {
    /// A number without labels.
    pub(super) fn one(
        &mut self,
        name: &str,
        help: &str,
        metric: &impl EncodeMetric,
    ) -> fmt::Result {
        metric.encode(self.0.encode_descriptor(name, help, None, metric.metric_type())?)
    }

    /// A number that only grows, for each set of labels.
    pub(super) fn counters<'l, const N: usize, V: EncodeCounterValue + fmt::Debug>(
        &mut self,
        name: &str,
        help: &str,
        each: impl IntoIterator<Item = (Labels<'l, N>, V)>,
    ) -> fmt::Result
    where
        ConstCounter<V>: EncodeMetric,
    {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in each {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// A number that rises and falls, for each set of labels.
    pub(super) fn gauges<'l, const N: usize, V: EncodeGaugeValue + fmt::Debug>(
        &mut self,
        name: &str,
        help: &str,
        each: impl IntoIterator<Item = (Labels<'l, N>, V)>,
    ) -> fmt::Result
    where
        ConstGauge<V>: EncodeMetric,
    {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in each {
            ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// Durations in seconds, for each set of labels.
    pub(super) fn spreads<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        each: impl IntoIterator<Item = (Labels<'l, N>, Spread)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (labels, spread) in each {
            write_spread(family.encode_family(&labels)?, &spread)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds are shown, and nobody counts the last bit")]
fn write_spread(mut encoder: MetricEncoder<'_>, spread: &Spread) -> fmt::Result {
    let bounds = BOUNDS_US.iter().map(|us| *us as f64 / 1e6).chain([f64::INFINITY]);
    let classes = spread.classes.iter().chain([&spread.longer]).copied();
    let buckets: Vec<(f64, u64)> = bounds.zip(classes).collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    encoder.encode_histogram::<NoLabelSet>(spread.sum_us as f64 / 1e6, count, &buckets, None)
}
