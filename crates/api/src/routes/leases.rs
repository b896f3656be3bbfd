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
use model::lease::{LeaseState, Reservation, Reservation6, ReservedFor, ReservedFor6};
use model::network::Mode;
use model::text::show;
use model::{HardwareAddress, Lease, Lease6, Machine};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

pub async fn list(State(house): State<House>) -> Result<Json<Vec<LeaseView>>, Problem> {
    ask(&house, |engine, now| all(engine, now, |_| true)).await.map(Json)
}

/// A lease of either family.
#[derive(Clone, Copy)]
enum Either<'a> {
    Four(&'a Lease),
    Six(&'a Lease6),
}

impl Either<'_> {
    fn address(&self) -> IpAddr {
        match self {
            Self::Four(lease) => lease.address.into(),
            Self::Six(lease) => lease.address.into(),
        }
    }

    fn hardware(&self) -> Option<HardwareAddress> {
        match self {
            Self::Four(lease) => Some(lease.hardware),
            Self::Six(lease) => lease.hardware,
        }
    }

    fn holds(&self, now: Now) -> bool {
        match self {
            Self::Four(lease) => lease.holds(now),
            Self::Six(lease) => lease.holds(now),
        }
    }

    fn view(&self, engine: &Engine, now: Now) -> LeaseView {
        let machine = self.hardware().and_then(|hardware| engine.machine_of(&hardware));
        match self {
            Self::Four(lease) => LeaseView::new(lease, machine, now),
            Self::Six(lease) => LeaseView::new6(lease, machine, now),
        }
    }
}

/// Those of IPv4 first, each by address.
fn every(engine: &Engine) -> impl Iterator<Item = Either<'_>> {
    engine.leases().map(Either::Four).chain(engine.leases6().map(Either::Six))
}

fn all(engine: &Engine, now: Now, which: impl Fn(&Either<'_>) -> bool) -> Vec<LeaseView> {
    every(engine).filter(which).map(|lease| lease.view(engine, now)).collect()
}

/// Under which address the machine with this card is filed.
fn filed(engine: &Engine, hardware: HardwareAddress) -> HardwareAddress {
    engine.machine_of(&hardware).map_or(hardware, |machine| machine.hardware)
}

/// Whether a lease is of this address, or of this machine by any of its cards.
fn named<'a>(engine: &'a Engine, named: &str) -> impl Fn(&Either<'_>) -> bool + use<'a> {
    let address: Option<IpAddr> = named.parse().ok();
    let owner = engine.machine(named).map(|m| m.hardware).or_else(|| named.parse().ok());
    move |lease| {
        let theirs = || lease.hardware().map(|hardware| filed(engine, hardware)) == owner;
        Some(lease.address()) == address || owner.is_some() && theirs()
    }
}

fn none_of(named: &str) -> Problem {
    Problem::missing(format!("there is no lease of `{}`", show(named.as_bytes())))
        .hint("a lease is named by its address or its machine: bootwright lease list")
}

pub async fn show_one(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<LeaseView>, Problem> {
    let found = ask(&house, move |engine, now| {
        let is = named(engine, &name);
        // A machine may have had others: the one that holds goes first.
        let all = || every(engine).filter(&is);
        let lease = all().find(|lease| lease.holds(now)).or_else(|| all().next());
        lease.map(|lease| lease.view(engine, now)).ok_or_else(|| none_of(&name))
    });
    found.await?.map(Json)
}

pub async fn history(
    State(house): State<House>,
    Path(name): Path<String>,
) -> Result<Json<LeaseHistory>, Problem> {
    let found = ask(&house, move |engine, now| {
        let is = named(engine, &name);
        let past = engine.past_leases().filter(|lease| is(&Either::Four(lease)));
        let mut before: Vec<&Lease> = past.collect();
        before.sort_by_key(|lease| std::cmp::Reverse((lease.until, lease.since)));
        let before = before.into_iter().map(|lease| Either::Four(lease).view(engine, now));
        let history = LeaseHistory { now: all(engine, now, &is), before: before.collect() };
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
    let address = match name.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) => {
            let owner = hardware(&house, name.clone()).await?;
            let held = ask(&house, move |engine, now| {
                let theirs = |lease: &Either<'_>| {
                    let of = lease.hardware().map(|hardware| filed(engine, hardware));
                    of == Some(owner) && lease.holds(now)
                };
                every(engine).filter(theirs).map(|l| l.address()).collect::<Vec<IpAddr>>()
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

/// What is reserved for a machine, as far as the machine has told who it is.
pub fn reserved_for<'a>(
    engine: &'a Engine,
    machine: &'a Machine,
) -> impl Iterator<Item = IpAddr> + 'a {
    let four = engine.reservations().filter(|r| is_for(engine, r, machine));
    let six = engine.reservations6().filter(|r| is_for6(engine, r, machine));
    four.map(|r| r.address.into()).chain(six.map(|r| r.address.into()))
}

fn is_for(engine: &Engine, reservation: &Reservation, machine: &Machine) -> bool {
    match &reservation.holder {
        ReservedFor::Mac(mac) => filed(engine, *mac) == machine.hardware,
        ReservedFor::Uuid(uuid) => machine.uuid == Some(*uuid),
        // Machines are not filed by these: who holds the address by them is the machine.
        ReservedFor::ClientId(_) | ReservedFor::Circuit { .. } => engine
            .leases()
            .any(|l| l.address == reservation.address && l.hardware == machine.hardware),
    }
}

fn is_for6(engine: &Engine, reservation: &Reservation6, machine: &Machine) -> bool {
    match &reservation.holder {
        ReservedFor6::Mac(mac) => filed(engine, *mac) == machine.hardware,
        ReservedFor6::Uuid(uuid) => machine.uuid == Some(*uuid),
        // Whoever has any lease by this identifier is the machine.
        ReservedFor6::Duid(duid) => engine.leases6().filter(|lease| lease.duid == *duid).any(|l| {
            l.hardware.is_some_and(|hardware| filed(engine, hardware) == machine.hardware)
        }),
    }
}

pub async fn reservations(
    State(house): State<House>,
) -> Result<Json<Vec<ReservationView>>, Problem> {
    let all = ask(&house, |engine, now| {
        let known = Known::new(engine, now);
        let four = engine.reservations().map(|reservation| known.view(reservation));
        four.chain(engine.reservations6().map(|reservation| known.view6(reservation))).collect()
    });
    all.await.map(Json)
}

/// What stands beside reservations, read in one walk each.
struct Known<'a> {
    engine: &'a Engine,
    leases: BTreeMap<IpAddr, (Option<HardwareAddress>, bool)>,
    by_uuid: BTreeMap<model::Uuid, &'a Machine>,
    by_duid: BTreeMap<&'a [u8], HardwareAddress>,
}

impl<'a> Known<'a> {
    fn new(engine: &'a Engine, now: Now) -> Self {
        let by_uuid = engine.machines().filter_map(|m| Some((m.uuid?, m)));
        let leases = every(engine).map(|l| (l.address(), (l.hardware(), l.holds(now))));
        let by_duid = engine.leases6().filter_map(|l| Some((l.duid.as_slice(), l.hardware?)));
        Self {
            engine,
            leases: leases.collect(),
            by_uuid: by_uuid.collect(),
            by_duid: by_duid.collect(),
        }
    }

    fn view(&self, reservation: &Reservation) -> ReservationView {
        let address = reservation.address;
        let machine = match &reservation.holder {
            ReservedFor::Mac(mac) => self.engine.machine_of(mac),
            ReservedFor::Uuid(uuid) => self.by_uuid.get(uuid).copied(),
            _ => self.holder(address.into()).and_then(|hardware| self.engine.machine_of(&hardware)),
        };
        let networks = self.engine.settings().networks.iter().filter(|n| n.mode == Mode::Dhcp);
        let network = networks.into_iter().find(|n| n.subnet.contains(address));
        let Reservation { address, holder, host_name, since } = reservation.clone();
        ReservationView {
            address: address.to_string(),
            holder: (&holder).into(),
            holder_shown: holder.to_string(),
            machine: machine.and_then(|m| m.name.clone()),
            host_name,
            network: network.map(|n| n.interface.clone()),
            leased: self.is_leased(address.into()),
            since: since.to_string(),
        }
    }

    fn view6(&self, reservation: &Reservation6) -> ReservationView {
        let Reservation6 { address, holder, host_name, since } = reservation.clone();
        let machine = match &holder {
            ReservedFor6::Mac(mac) => self.engine.machine_of(mac),
            ReservedFor6::Uuid(uuid) => self.by_uuid.get(uuid).copied(),
            ReservedFor6::Duid(duid) => {
                let hardware = self.by_duid.get(duid.as_slice());
                hardware.and_then(|hardware| self.engine.machine_of(hardware))
            }
        };
        let networks = self.engine.settings().networks6.iter().filter(|n| n.gives_addresses());
        let network = networks.into_iter().find(|n| n.subnet.contains(address));
        ReservationView {
            address: address.to_string(),
            holder: (&holder).into(),
            holder_shown: holder.to_string(),
            machine: machine.and_then(|m| m.name.clone()),
            host_name,
            network: network.map(|n| n.interface.clone()),
            leased: self.is_leased(address.into()),
            since: since.to_string(),
        }
    }

    fn holder(&self, address: IpAddr) -> Option<HardwareAddress> {
        self.leases.get(&address).and_then(|(hardware, _)| *hardware)
    }

    fn is_leased(&self, address: IpAddr) -> bool {
        self.leases.get(&address).is_some_and(|(_, holds)| *holds)
    }
}

pub async fn reserve(
    State(house): State<House>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<ReservationWish>,
) -> Result<Json<Done>, Problem> {
    let now = ask(&house, |_, now| now).await?;
    let wanted = wish.meant(now).map_err(Problem::malformed)?;
    command(&house, wanted, dry.dry_run).await.map(Json)
}

pub async fn unreserve(
    State(house): State<House>,
    Path(address): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let Ok(address) = address.parse() else {
        let shown = show(address.as_bytes());
        return Err(Problem::missing(format!("`{shown}` is no IP address"))
            .hint("a reservation is named by its address: bootwright reservation list"));
    };
    command(&house, Command::RemoveReservation(address), dry.dry_run).await.map(Json)
}
