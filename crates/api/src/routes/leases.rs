//! Leases and reservations.

use super::machines::hardware;
use super::{Asked, Dry, State, ask, command};
use crate::types::{
    Done, Fate, LEASES_MAX, LeaseHistory, LeaseLeft, LeaseView, LeasesTaken, LeasesWish,
    ReservationView, ReservationWish,
};
use crate::{House, Problem, body};
use axum::Json;
use axum::extract::Path;
use engine::{Change, Command, Engine, Now};
use model::lease::{LeaseState, Reservation, ReservedFor};
use model::network::Mode;
use model::text::show;
use model::{HardwareAddress, Lease, Machine};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

pub async fn list(State(house): State<House>) -> Result<Json<Vec<LeaseView>>, Problem> {
    let all = ask(&house, |engine, now| {
        let machines: BTreeMap<HardwareAddress, &Machine> =
            engine.machines().map(|m| (m.hardware, m)).collect();
        let view = |l: &Lease| LeaseView::new(l, machines.get(&l.hardware).copied(), now);
        engine.leases().map(view).collect()
    });
    all.await.map(Json)
}

/// Whether a lease is of this address, or of this machine.
fn named(engine: &Engine, named: &str) -> impl Fn(&Lease) -> bool + use<> {
    let address: Option<Ipv4Addr> = named.parse().ok();
    let owner = engine.machine(named).map(|m| m.hardware).or_else(|| named.parse().ok());
    move |lease| Some(lease.address) == address || Some(lease.hardware) == owner
}

fn none_of(named: &str) -> Problem {
    Problem::missing(format!("there is no lease of `{}`", show(named.as_bytes())))
        .hint("a lease is named by its address or its machine: bootwright lease list")
}

fn machine<'a>(engine: &'a Engine, lease: &Lease) -> Option<&'a Machine> {
    engine.machines().find(|m| m.hardware == lease.hardware)
}

pub async fn show_one(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<LeaseView>, Problem> {
    let found = ask(&house, move |engine, now| {
        let is = named(engine, &name);
        // A machine may have had others: the one that holds goes first.
        let all = || engine.leases().filter(|lease| is(lease));
        let lease = all().find(|lease| lease.holds(now)).or_else(|| all().next());
        lease.map(|l| LeaseView::new(l, machine(engine, l), now)).ok_or_else(|| none_of(&name))
    });
    found.await?.map(Json)
}

pub async fn history(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<LeaseHistory>, Problem> {
    let found = ask(&house, move |engine, now| {
        let is = named(engine, &name);
        let view = |l: &Lease| LeaseView::new(l, machine(engine, l), now);
        let present = engine.leases().filter(|lease| is(lease)).map(view).collect();
        let mut before: Vec<&Lease> = engine.past_leases().filter(|lease| is(lease)).collect();
        before.sort_by_key(|lease| std::cmp::Reverse((lease.until, lease.since)));
        let history = LeaseHistory { now: present, before: before.into_iter().map(view).collect() };
        let empty = history.now.is_empty() && history.before.is_empty();
        if empty { Err(none_of(&name)) } else { Ok(history) }
    });
    found.await?.map(Json)
}

/// `DELETE` of a lease: by address, or by its machine, whose lease it then is.
pub async fn release(
    State(house): State<House>,
    Path(name): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let address = match name.parse::<Ipv4Addr>() {
        Ok(address) => address,
        Err(_) => {
            let owner = hardware(&house, name.clone()).await?;
            let held = ask(&house, move |engine, now| {
                let theirs = |l: &&Lease| l.hardware == owner && l.holds(now);
                engine.leases().filter(theirs).map(|l| l.address).collect::<Vec<Ipv4Addr>>()
            });
            match held.await?.as_slice() {
                [] => return Err(none_of(&name)),
                [one] => *one,
                several => {
                    let all: Vec<String> = several.iter().map(ToString::to_string).collect();
                    let why = format!("`{}` holds {}", show(name.as_bytes()), all.join(" and "));
                    return Err(Problem::refused(why).hint("name the address that is meant"));
                }
            }
        }
    };
    command(&house, Command::ReleaseLease(address), dry.dry_run).await.map(Json)
}

pub async fn import(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<LeasesWish>,
) -> Result<Json<LeasesTaken>, Problem> {
    if wish.leases.len() > LEASES_MAX {
        let count = wish.leases.len();
        return Err(Problem::too_large(format!(
            "{count} leases at once; {LEASES_MAX} are the most"
        ))
        .hint("send them in parts"));
    }
    let meant = |wish: crate::types::LeaseWish| {
        let address = wish.address;
        wish.meant().map_err(|why| Problem::malformed(format!("the lease of {address}: {why}")))
    };
    let leases: Vec<Lease> = wish.leases.into_iter().map(meant).collect::<Result<_, _>>()?;
    let sorted = ask(&house, move |engine, now| sort(engine, now, leases)).await?;
    let (wanted, left) = sorted?;
    let taken = wanted.len();
    let done = command(&house, Command::ImportLeases(wanted), dry.dry_run).await?;
    Ok(Json(LeasesTaken { says: done.says, done: done.done, taken, left }))
}

/// Which leases the engine would take, and why not the others: the decision itself is asked, its
/// silence explained.
fn sort(
    engine: &Engine,
    now: Now,
    leases: Vec<Lease>,
) -> Result<(Vec<Lease>, Vec<LeaseLeft>), Problem> {
    let ours: BTreeMap<Ipv4Addr, &Lease> = engine.leases().map(|l| (l.address, l)).collect();
    let told =
        |lease: &Lease| ours.get(&lease.address).is_some_and(|ours| covers(now, ours, lease));
    let (there, new): (Vec<Lease>, Vec<Lease>) = leases.into_iter().partition(told);
    let decided = engine.command(now, Command::ImportLeases(new.clone()))?;
    let takes: BTreeMap<Ipv4Addr, HardwareAddress> = decided
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::Lease(lease) => Some((lease.address, lease.hardware)),
            _ => None,
        })
        .collect();
    let (taken, refused): (Vec<Lease>, Vec<Lease>) =
        new.into_iter().partition(|l| takes.get(&l.address) == Some(&l.hardware));
    let there = there.iter().map(|lease| LeaseLeft {
        address: lease.address,
        fate: Fate::AlreadyThere,
        why: "its client has it here already".to_owned(),
    });
    let refused = refused.iter().map(|lease| {
        let (address, ours) = (lease.address, ours.get(&lease.address));
        match ours {
            Some(ours) => LeaseLeft { address, fate: Fate::Contradicts, why: held(ours) },
            None => LeaseLeft { address, fate: Fate::Outside, why: outside() },
        }
    });
    Ok((taken, there.chain(refused).collect()))
}

/// Whether a lease of ours says all that a lease of another server says, or more.
fn covers(now: Now, ours: &Lease, theirs: &Lease) -> bool {
    // Who has no hardware address is known by its client id (InfiniBand, RFC 4390).
    let by_id = ours.hardware.bytes().is_empty();
    if ours.hardware != theirs.hardware || (by_id && ours.client_id != theirs.client_id) {
        return false;
    }
    let ended = theirs.state == LeaseState::Released || !theirs.holds(now);
    // No end is the latest.
    let longer = ours.until.is_none_or(|ours| theirs.until.is_some_and(|theirs| theirs <= ours));
    ended || (ours.state == LeaseState::Bound && ours.holds(now) && longer)
}

fn held(ours: &Lease) -> String {
    let until = ours.until.map_or("for ever".to_owned(), |until| format!("until {until}"));
    match ours.state {
        LeaseState::Bound => format!("{} has it here {until}", ours.hardware),
        _ => format!("it is in quarantine here {until}: somebody used it without a lease"),
    }
}

fn outside() -> String {
    "no network that this server gives addresses of has it".to_owned()
}

/// Whether a reservation is a machine's, as far as the machine has told who it is.
pub fn is_for(engine: &Engine, reservation: &Reservation, machine: &Machine) -> bool {
    match &reservation.holder {
        ReservedFor::Mac(mac) => *mac == machine.hardware,
        ReservedFor::Uuid(uuid) => machine.uuid == Some(*uuid),
        // Machines are not filed by these: who holds the address by them is the machine.
        ReservedFor::ClientId(_) | ReservedFor::Circuit { .. } => engine
            .leases()
            .any(|l| l.address == reservation.address && l.hardware == machine.hardware),
    }
}

pub async fn reservations(
    State(house): State<House>,
) -> Result<Json<Vec<ReservationView>>, Problem> {
    let all = ask(&house, |engine, now| {
        let known = Known::new(engine, now);
        engine.reservations().map(|reservation| known.view(reservation)).collect()
    });
    all.await.map(Json)
}

/// What stands beside reservations, read in one walk each.
struct Known<'a> {
    networks: Vec<&'a model::Network>,
    leases: BTreeMap<Ipv4Addr, (HardwareAddress, bool)>,
    by_mac: BTreeMap<HardwareAddress, &'a Machine>,
    by_uuid: BTreeMap<model::Uuid, &'a Machine>,
}

impl<'a> Known<'a> {
    fn new(engine: &'a Engine, now: Now) -> Self {
        let networks = engine.settings().networks.iter().filter(|n| n.mode == Mode::Dhcp);
        let by_uuid = engine.machines().filter_map(|m| Some((m.uuid?, m)));
        Self {
            networks: networks.collect(),
            leases: engine.leases().map(|l| (l.address, (l.hardware, l.holds(now)))).collect(),
            by_mac: engine.machines().map(|m| (m.hardware, m)).collect(),
            by_uuid: by_uuid.collect(),
        }
    }

    fn view(&self, reservation: &Reservation) -> ReservationView {
        let address = reservation.address;
        let lease = self.leases.get(&address);
        let machine = match &reservation.holder {
            ReservedFor::Mac(mac) => self.by_mac.get(mac),
            ReservedFor::Uuid(uuid) => self.by_uuid.get(uuid),
            _ => lease.and_then(|(hardware, _)| self.by_mac.get(hardware)),
        };
        let network = self.networks.iter().find(|n| n.subnet.contains(address));
        ReservationView {
            address: address.to_string(),
            holder: (&reservation.holder).into(),
            holder_shown: reservation.holder.to_string(),
            machine: machine.and_then(|m| m.name.clone()),
            host_name: reservation.host_name.clone(),
            network: network.map(|n| n.interface.clone()),
            leased: lease.is_some_and(|(_, holds)| *holds),
            since: reservation.since.to_string(),
        }
    }
}

pub async fn reserve(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<ReservationWish>,
) -> Result<Json<Done>, Problem> {
    let now = ask(&house, |_, now| now).await?;
    let reservation = wish.meant(now).map_err(Problem::malformed)?;
    command(&house, Command::AddReservation(reservation), dry.dry_run).await.map(Json)
}

pub async fn unreserve(
    State(house): State<House>,
    Path(address): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let Ok(address) = address.parse() else {
        let shown = show(address.as_bytes());
        return Err(Problem::missing(format!("`{shown}` is no IPv4 address"))
            .hint("a reservation is named by its address: bootwright reservation list"));
    };
    command(&house, Command::RemoveReservation(address), dry.dry_run).await.map(Json)
}
