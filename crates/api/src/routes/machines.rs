//! Machines and leases.

use super::{Asked, Dry, ask, command};
use crate::body;
use crate::types::{Done, LeaseView, LifeWish, MachineView, MachineWish};
use crate::{House, Problem};
use axum::Json;
use axum::extract::{Path, State};
use engine::{Command, Engine, Now};
use model::{HardwareAddress, Machine};

/// A machine with the address that it holds now.
pub fn view(engine: &Engine, machine: &Machine, now: Now) -> MachineView {
    let held = |lease: &&model::Lease| lease.hardware == machine.hardware && lease.holds(now);
    MachineView::new(machine, engine.leases().find(held).map(|lease| lease.address))
}

fn unknown(named: &str) -> Problem {
    let shown = model::text::show(named.as_bytes());
    Problem::missing(format!("no machine is known as `{shown}`"))
        .hint("a machine is named by its name, MAC, UUID or serial: bootwright machine list")
}

/// The hardware address of a machine, by anything that names it, or a MAC that was never heard.
pub async fn hardware(house: &House, named: String) -> Result<HardwareAddress, Problem> {
    let known = {
        let named = named.clone();
        ask(house, move |engine, _| engine.machine(&named).map(|m| m.hardware)).await?
    };
    known.or_else(|| named.parse().ok()).ok_or_else(|| unknown(&named))
}

pub async fn list(State(house): State<House>) -> Result<Json<Vec<MachineView>>, Problem> {
    let all = ask(&house, |engine, now| {
        // One walk over the leases, not one for each machine.
        let held: std::collections::HashMap<HardwareAddress, std::net::Ipv4Addr> = engine
            .leases()
            .filter(|lease| lease.holds(now))
            .map(|lease| (lease.hardware, lease.address))
            .collect();
        let view = |m: &Machine| MachineView::new(m, held.get(&m.hardware).copied());
        engine.machines().map(view).collect()
    });
    all.await.map(Json)
}

pub async fn show(
    State(house): State<House>,
    Path(named): Path<String>,
) -> Result<Json<MachineView>, Problem> {
    let found = ask(&house, move |engine, now| {
        engine.machine(&named).map(|m| view(engine, m, now)).ok_or_else(|| unknown(&named))
    });
    found.await?.map(Json)
}

pub async fn set(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<MachineWish>,
) -> Result<Json<Done>, Problem> {
    let profile = wish.profile.map(|name| (!name.is_empty()).then_some(name));
    let labels = wish.labels.into_iter().collect();
    let wanted = Command::SetMachine { machine, name: wish.name, profile, labels };
    command(&house, wanted, dry.dry_run).await.map(Json)
}

pub async fn set_life(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<LifeWish>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::SetLife(machine, wish.state), dry.dry_run).await.map(Json)
}

pub async fn remove(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let hardware = hardware(&house, machine).await?;
    command(&house, Command::RemoveMachine(hardware), dry.dry_run).await.map(Json)
}

pub async fn leases(State(house): State<House>) -> Result<Json<Vec<LeaseView>>, Problem> {
    let all = ask(&house, |engine, now| {
        let machines: std::collections::HashMap<HardwareAddress, &Machine> =
            engine.machines().map(|m| (m.hardware, m)).collect();
        let view = |l: &model::Lease| LeaseView::new(l, machines.get(&l.hardware).copied(), now);
        engine.leases().map(view).collect()
    });
    all.await.map(Json)
}

pub async fn lease(
    State(house): State<House>,
    Path(named): Path<String>,
) -> Result<Json<LeaseView>, Problem> {
    let found = ask(&house, move |engine, now| {
        let by_address: Option<std::net::Ipv4Addr> = named.parse().ok();
        let owner = engine.machine(&named).map(|m| m.hardware).or_else(|| named.parse().ok());
        let mut leases = engine.leases();
        let lease = leases.find(|l| Some(l.address) == by_address || Some(l.hardware) == owner);
        let machine = |l: &model::Lease| engine.machines().find(|m| m.hardware == l.hardware);
        lease.map(|l| LeaseView::new(l, machine(l), now)).ok_or_else(|| {
            let shown = model::text::show(named.as_bytes());
            Problem::missing(format!("there is no lease of `{shown}`"))
                .hint("a lease is named by its address or its machine: bootwright lease list")
        })
    });
    found.await?.map(Json)
}
