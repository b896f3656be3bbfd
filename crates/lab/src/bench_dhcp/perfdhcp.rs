//! Kea's own generator, perfdhcp: a second opinion, by somebody else.
//!
//! In: a rate. Out: exchanges completed in a second, and the part of packets that was lost. Never:
//! a rate that was asked for taken for one that was reached.

use std::process::Command;

use crate::rig::Trouble;
use crate::rig::ns::Namespace;
use crate::rig::process::run;

/// Seconds in which each run begins exchanges.
pub const PERIOD_S: u32 = 3;
/// More loss than this does not count as served.
const LOSS_MAX: f64 = 0.001;
/// Halvings of the gap between what was served and what was not.
const STEPS: u32 = 5;

/// Which DHCP is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// DISCOVER, OFFER, REQUEST, ACK.
    Four,
    /// SOLICIT, ADVERTISE, REQUEST, REPLY.
    Six,
}

impl Family {
    fn arguments(self) -> [&'static str; 3] {
        match self {
            Self::Four => ["-4", "-l", "eth0"],
            Self::Six => ["-6", "-l", "eth0"],
        }
    }

    /// Whom it asks.
    fn server(self) -> &'static str {
        match self {
            Self::Four => "10.80.0.1",
            Self::Six => "all",
        }
    }
}

/// What one run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Exchanges completed in a second.
    pub per_s: f64,
    /// The part of messages sent that got no answer, over both halves of the exchange.
    pub loss: f64,
}

/// As fast as it can.
///
/// # Errors
/// When perfdhcp is missing, or says nothing that can be read.
pub fn saturate(at: &Namespace, family: Family) -> Result<Report, Trouble> {
    once(at, family, None)
}

/// So many exchanges begun in a second.
///
/// # Errors
/// As [`saturate`].
pub fn at_rate(at: &Namespace, family: Family, per_s: u32) -> Result<Report, Trouble> {
    once(at, family, Some(per_s))
}

/// The highest rate that was served with at most 0.1 % lost, as it was reached; 0 when there is
/// none. `try_at` is asked what a rate comes to.
///
/// # Errors
/// As [`saturate`].
pub fn best(
    saturated: Report,
    mut try_at: impl FnMut(u32) -> Result<Report, Trouble>,
) -> Result<f64, Trouble> {
    let (mut good, mut served, mut bad) = (0.0_f64, 0.0_f64, saturated.per_s.max(50.0) * 2.0);
    for _ in 0..STEPS {
        let rate = (good + bad) / 2.0;
        let report = try_at(rate as u32)?;
        // A rate it could not even send at shows its own limit, not the server's.
        if report.loss <= LOSS_MAX && report.per_s >= 0.95 * rate {
            good = rate;
            served = served.max(report.per_s);
        } else {
            bad = rate;
        }
    }
    Ok(served)
}

fn once(at: &Namespace, family: Family, rate: Option<u32>) -> Result<Report, Trouble> {
    let mut inside = at.command("perfdhcp");
    let period = PERIOD_S.to_string();
    inside.args(family.arguments());
    inside.args(["-R", "50000", "-p", &period, "-W", "1000000"]);
    if let Some(rate) = rate {
        inside.args(["-r", &rate.max(1).to_string()]);
    }
    inside.arg(family.server());
    let mut bounded = Command::new("timeout");
    bounded.args(["-k", "2", "30"]).arg(inside.get_program()).args(inside.get_args());
    // It ends with 3 when anything was lost; only what it reports counts.
    bounded.stderr(std::process::Stdio::null());
    let output = bounded.output().map_err(crate::rig::io("starting perfdhcp"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    read(&said).ok_or_else(|| Trouble::Command { command: format!("{inside:?}"), said })
}

/// Reads its final report.
fn read(said: &str) -> Option<Report> {
    let number = |line: &str| -> Option<f64> {
        line.split(':').nth(1)?.split_whitespace().next()?.parse().ok()
    };
    let all = |name: &str| -> f64 {
        said.lines().filter(|line| line.trim().starts_with(name)).filter_map(number).sum()
    };
    // Its own "Rate" counts the second of waiting at the end.
    let (_, second_half) =
        said.split_once("REQUEST-ACK").or_else(|| said.split_once("REQUEST-REPLY"))?;
    let acks = second_half.lines().find(|line| line.starts_with("received packets"));
    let per_s = acks.and_then(number)? / f64::from(PERIOD_S);
    let (sent, received) = (all("sent packets"), all("received packets"));
    let loss = if sent > 0.0 { (sent - received).max(0.0) / sent } else { 1.0 };
    Some(Report { per_s, loss })
}

/// Whether it is there.
///
/// # Errors
/// When it cannot be started.
pub fn version() -> Result<String, Trouble> {
    run(Command::new("perfdhcp").arg("-v")).map(|said| said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_report_is_read() {
        let said = "***Rate statistics***\nRate: 24.5 4-way exchanges/second, expected rate: \
                    33\n\n***Statistics for: DISCOVER-OFFER***\nsent packets: 100\nreceived \
                    packets: 98\ndrops: 2\n\n***Statistics for: REQUEST-ACK***\nsent packets: \
                    98\nreceived packets: 96\ndrops: 2\n";
        let report = read(said).unwrap();
        assert_eq!(report.per_s, 32.0);
        assert!((report.loss - 4.0 / 198.0).abs() < 1e-9);
        assert_eq!(read("nothing"), None);
        let six = said.replace("DISCOVER-OFFER", "SOLICIT-ADVERTISE");
        assert_eq!(read(&six.replace("REQUEST-ACK", "REQUEST-REPLY")), Some(report));
    }
}
