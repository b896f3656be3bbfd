//! The tables of the comparison.
//!
//! In: rounds. Out: lines on stdout, medians, ratios within a round. Never: a file.

use super::subject::{SUBJECTS, Subject};
use super::{Measured, Round};

type Column = fn(&Measured) -> f64;

/// What is compared: a heading, how it is read, its decimals.
const COLUMNS: [(&str, Column, usize); 11] = [
    ("exch/s", |m| m.closed.per_s(), 0),
    ("loss %", |m| 100.0 * m.closed.loss(), 2),
    ("cpu us", |m| m.cpu_us, 1),
    ("p50 ms", |m| ms(m.closed.percentile(0.5)), 2),
    ("p99 ms", |m| ms(m.closed.percentile(0.99)), 2),
    ("2k p50", |m| ms(m.open.percentile(0.5)), 2),
    ("2k p99", |m| ms(m.open.percentile(0.99)), 2),
    ("2k max", |m| ms(m.open.percentile(1.0)), 2),
    ("2k loss%", |m| 100.0 * m.open.loss(), 2),
    ("perf/s", |m| m.perfdhcp.per_s, 0),
    ("perf best", |m| m.perfdhcp_best, 0),
];

fn ms(of: std::time::Duration) -> f64 {
    of.as_secs_f64() * 1000.0
}

/// One round, as it ended.
pub(super) fn round(number: usize, round: &Round) {
    let link = &round.link;
    println!(
        "\nround {number}: disk {:.0} syncs/s; link and generator alone {:.0} exchanges/s \
         ({:.0} packets/s), generator {:.1} us of processor each",
        round.syncs_per_s,
        link.per_s(),
        4.0 * link.per_s(),
        link.own_cpu.as_secs_f64() * 1e6 / (link.completed_in_all() as f64).max(1.0)
    );
    heading();
    for (subject, measured) in SUBJECTS.iter().zip(&round.of) {
        line(subject.name(), &COLUMNS.map(|(_, value, decimals)| (value(measured), decimals)));
        let (closed, open) = (&measured.closed, &measured.open);
        println!(
            "           lost DISCOVERs/REQUESTs {}/{} and at 2,000/s {}/{}, refused {}/{}, \
             cpu at 2,000/s {:.1} us, perfdhcp lost {:.2} %",
            closed.lost_discovers,
            closed.lost_requests,
            open.lost_discovers,
            open.lost_requests,
            closed.refused,
            open.refused,
            measured.open_cpu_us,
            100.0 * measured.perfdhcp.loss
        );
    }
}

/// The medians over all rounds, and the medians of the ratios within each round.
pub(super) fn medians(all: &[Round]) {
    println!("\nmedians of {} rounds; \"2k\": open loop at 2,000 exchanges/s", all.len());
    heading();
    for (at, subject) in SUBJECTS.iter().enumerate() {
        let values = COLUMNS.map(|(_, value, decimals)| (median(of(all, at, value)), decimals));
        line(subject.name(), &values);
    }
    for (at, peer) in SUBJECTS.iter().enumerate().skip(1) {
        let name = format!("/{}", peer.name());
        line(&name, &COLUMNS.map(|(_, value, _)| (median(ratios(all, at, value)), 2)));
    }
    let syncs = median(all.iter().map(|round| round.syncs_per_s).collect());
    let link = median(all.iter().map(|round| round.link.per_s()).collect());
    let ours = median(of(all, Subject::Ours as usize, |m| m.closed.per_s()));
    println!(
        "disk {syncs:.0} syncs/s, so ours keeps {:.1} leases with each sync it could have; \
         link {link:.0} exchanges/s",
        ours / syncs
    );
}

fn of(all: &[Round], at: usize, value: Column) -> Vec<f64> {
    all.iter().filter_map(|round| round.of.get(at).map(value)).collect()
}

/// Ours divided by the peer's, round by round.
fn ratios(all: &[Round], peer: usize, value: Column) -> Vec<f64> {
    let ours = of(all, Subject::Ours as usize, value);
    ours.into_iter().zip(of(all, peer, value)).map(|(ours, theirs)| ours / theirs).collect()
}

fn heading() {
    print!("{:<10}", "");
    for (name, ..) in COLUMNS {
        print!(" {name:>9}");
    }
    println!();
}

/// Values with their decimals.
fn line(name: &str, values: &[(f64, usize); 11]) {
    print!("{name:<10}");
    for (value, decimals) in values {
        match value.is_finite() {
            true => print!(" {value:>9.decimals$}"),
            false => print!(" {:>9}", "-"),
        }
    }
    println!();
}

fn median(mut of: Vec<f64>) -> f64 {
    of.retain(|value| value.is_finite());
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_leaves_out_what_is_no_number() {
        assert_eq!(median(vec![3.0, f64::NAN, 1.0, 2.0]), 2.0);
        assert!(median(vec![]).is_nan());
    }
}
