//! Sends leases in parts and reservations one by one, and notes what became of each.

use super::report::Report;
use crate::clock;
use crate::commands::way;
use crate::failure::Failure;
use api::Client;
use api::client::Error;
use api::types::{
    Done, Fate, HolderText, LEASES_MAX, LeaseWish, LeasesTaken, LeasesWish, ReservationView,
    ReservationWish, Status,
};
use foreign::{At, Parsed};
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};
use model::lease::LeaseState;
use model::network::{Mode, Subnet};
use model::{Lease, Reservation};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::Ipv4Addr;

/// Bytes of one part: the server takes a megabyte at once.
const PART_MAX: usize = 900_000;
/// Fewer things need no progress bar.
const BAR_FROM: usize = 500;

/// Sends everything.
pub async fn all(
    client: &Client,
    parsed: Parsed,
    dry: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let bar = bar(parsed.leases.len() + parsed.reservations.len());
    let sent = async {
        leases(client, &parsed.leases, dry, report, &bar).await?;
        reservations(client, &parsed.reservations, dry, report, &bar).await
    };
    let sent = sent.await;
    bar.finish_and_clear();
    sent
}

fn bar(total: usize) -> ProgressBar {
    if total < BAR_FROM || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {eta} left") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

async fn leases(
    client: &Client,
    all: &[At<Lease>],
    dry: bool,
    report: &mut Report,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut rest = all;
    while !rest.is_empty() {
        let wishes = part(rest)?;
        let (now, later) = rest.split_at(wishes.len());
        send(client, now, wishes, dry, report).await?;
        bar.inc(u64::try_from(now.len()).unwrap_or(u64::MAX));
        rest = later;
    }
    Ok(())
}

/// As many as fit into one request, at least one.
fn part(rest: &[At<Lease>]) -> Result<Vec<LeaseWish>, Failure> {
    let (mut wishes, mut size) = (Vec::new(), 0);
    for lease in rest.iter().take(LEASES_MAX) {
        let wish = LeaseWish::from(&lease.value);
        let text = serde_json::to_vec(&wish);
        size += text.map_err(|e| Failure::failed(format!("cannot be sent: {e}")))?.len() + 1;
        if size > PART_MAX && !wishes.is_empty() {
            break;
        }
        wishes.push(wish);
    }
    Ok(wishes)
}

async fn send(
    client: &Client,
    part: &[At<Lease>],
    leases: Vec<LeaseWish>,
    dry: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let way = way("/leases/import", dry);
    let taken: LeasesTaken = client.send(Method::POST, &way, Some(&LeasesWish { leases })).await?;
    let left: BTreeMap<Ipv4Addr, _> = taken.left.into_iter().map(|l| (l.address, l)).collect();
    let now = clock::now();
    for at in part {
        let lease = &at.value;
        match left.get(&lease.address) {
            Some(left) => {
                let what = format!("lease {} of {}", lease.address, lease.hardware);
                report.left_lease(at, what, left.fate, left.why.clone());
            }
            None => {
                report.leases.taken_over += 1;
                let ended = lease.state == LeaseState::Released || !lease.holds(now);
                report.leases_ended += usize::from(ended);
            }
        }
    }
    Ok(())
}

async fn reservations(
    client: &Client,
    all: &[At<Reservation>],
    dry: bool,
    report: &mut Report,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(());
    }
    let there: Vec<ReservationView> = client.get("/reservations").await?;
    let there: BTreeMap<&str, &ReservationView> =
        there.iter().map(|r| (r.address.as_str(), r)).collect();
    let status: Status = client.get("/status").await?;
    let gives = |n: &&api::types::NetworkStatus| n.mode == Mode::Dhcp.name();
    let networks: Vec<Subnet> =
        status.networks.iter().filter(gives).filter_map(|n| n.subnet.parse().ok()).collect();
    let way = way("/reservations", dry);
    for at in all {
        let reservation = &at.value;
        let ours = there.get(reservation.address.to_string().as_str()).copied();
        let fate = match known(reservation, ours, &networks) {
            Some(fate) => Some(fate),
            None => add(client, &way, reservation).await?,
        };
        match fate {
            Some((fate, why)) => {
                let what = format!("{} for {}", reservation.address, reservation.holder);
                report.left_reservation(at, what, fate, why);
            }
            None => report.reservations.taken_over += 1,
        }
        bar.inc(1);
    }
    Ok(())
}

/// What is clear without asking.
fn known(
    reservation: &Reservation,
    ours: Option<&ReservationView>,
    networks: &[Subnet],
) -> Option<(Fate, String)> {
    let same = |ours: &ReservationView| {
        let named = reservation.host_name.is_none() || reservation.host_name == ours.host_name;
        ours.holder == HolderText::from(&reservation.holder) && named
    };
    if ours.is_some_and(same) {
        return Some((Fate::AlreadyThere, "it is reserved here already".to_owned()));
    }
    if !networks.iter().any(|subnet| subnet.contains(reservation.address)) {
        let why = "no network that this server gives addresses of has it".to_owned();
        return Some((Fate::Outside, why));
    }
    None
}

/// Asks for it; a refusal is a fate, anything else stops the import.
async fn add(
    client: &Client,
    way: &str,
    reservation: &Reservation,
) -> Result<Option<(Fate, String)>, Failure> {
    let wish = ReservationWish::from(reservation.clone());
    match client.send::<Done>(Method::POST, way, Some(&wish)).await {
        Ok(_) => Ok(None),
        Err(Error::Problem(problem)) if problem.status == 409 => {
            Ok(Some((Fate::Contradicts, problem.sentence())))
        }
        Err(other) => Err(other.into()),
    }
}
