//! Machines.

use super::{Asked, Dry, State, ask, command};
use crate::body;
use crate::contract::shape::Said;
use crate::types::{
    AddressesWish, Done, LifeWish, MachineSearch, MachineView, MachineWish, MergeWish, OptionsWish,
};
use crate::{House, Problem};
use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use engine::{Command, Engine, Now};
use model::{DhcpOption, Event, HardwareAddress, Machine};
use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

/// A machine with the address that it holds now and those that are reserved for it.
pub fn view(engine: &Engine, machine: &Machine, now: Now) -> MachineView {
    let own = |mac: HardwareAddress| machine.addresses().any(|address| address == mac);
    let held = |lease: &&model::Lease| own(lease.hardware) && lease.holds(now);
    let address = engine.leases().find(held).map(|lease| lease.address);
    let theirs = engine.reservations().filter(|r| super::leases::is_for(engine, r, machine));
    let reservations = theirs.map(|r| r.address.to_string()).collect();
    let twins = engine.twins(machine).iter().map(ToString::to_string).collect();
    let deployment = engine.deployment_of(&machine.hardware);
    let deployment = deployment.map(|of| format!("{}: {}", of.shown(), of.standing()));
    let shown =
        MachineView { reservations, deployment, twins, ..MachineView::new(machine, address) };
    shown.with_hardware(engine.hardware(&machine.hardware))
}

/// The longest text that is searched for.
const SEARCH_MAX: usize = 256;

pub fn unknown(named: &str) -> Problem {
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

/// The largest page.
pub const PAGE_MAX: usize = 1_000;

pub async fn list(
    State(house): State<House>,
    Asked(which): Asked<MachineSearch>,
) -> Result<Said<Json<Vec<MachineView>>>, Problem> {
    let words = which.search.clone().unwrap_or_default();
    if words.len() > SEARCH_MAX {
        return Err(Problem::malformed(format!("`search` takes {SEARCH_MAX} bytes at most")));
    }
    let limit = match which.limit {
        Some(limit) if !(1..=PAGE_MAX).contains(&limit) => {
            return Err(Problem::malformed(format!("`limit` takes a number from 1 to {PAGE_MAX}")));
        }
        limit => limit.unwrap_or(usize::MAX),
    };
    let (asker, state, label) = (house.asker.clone(), which.state, which.label.clone());
    let after = which.after;
    let found = ask(&house, move |engine, now| {
        let wanted = |m: &&Machine| {
            asker.sees(m)
                && state.is_none_or(|state| m.life() == state)
                && label.as_ref().is_none_or(|l| m.labels.get(&l.key) == Some(l.value.as_str()))
        };
        let mut rest = engine.search_after(&words, after).filter(wanted);
        let page: Vec<&Machine> = rest.by_ref().take(limit).collect();
        let next = rest.next().and(page.last()).map(|last| last.hardware);
        // One walk over the leases, not one for each machine.
        let held: HashMap<HardwareAddress, Ipv4Addr> = engine
            .leases()
            .filter(|lease| lease.holds(now))
            .map(|lease| (lease.hardware, lease.address))
            .collect();
        let view = |m: &Machine| MachineView::new(m, held.get(&m.hardware).copied());
        (page.into_iter().map(view).collect::<Vec<MachineView>>(), next)
    });
    let (page, next) = found.await?;
    let mut response = Json(page).into_response();
    if let Some(link) = next.and_then(|next| link(&which, next)) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(Said::new(response))
}

/// Where the next page is (RFC 8288).
fn link(which: &MachineSearch, next: HardwareAddress) -> Option<HeaderValue> {
    let limit = which.limit.map(|limit| limit.to_string());
    let keys = [
        ("search", which.search.clone()),
        ("state", which.state.map(|state| state.to_string())),
        ("label", which.label.as_ref().map(ToString::to_string)),
        ("limit", limit),
        ("after", Some(next.to_string())),
    ];
    let pairs = keys.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", model::url::part(&value))).collect();
    let uri = format!("/api/v1/machines?{}", pairs.join("&"));
    HeaderValue::from_str(&format!("<{uri}>; rel=\"next\"")).ok()
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

/// The newest lines of its own log, oldest first.
pub async fn log(
    State(house): State<House>,
    Path(named): Path<String>,
) -> Result<Json<Vec<Event>>, Problem> {
    let hardware = hardware(&house, named).await?;
    let lines = house.site.log_of(&hardware);
    Ok(Json(lines.iter().map(|event| event.as_ref().clone()).collect()))
}

pub async fn set(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<MachineWish>,
) -> Result<Json<Done>, Problem> {
    let scope = house.asker.scope();
    let limits = |key: &String| scope.labels().iter().any(|label| label.key == *key);
    if let Some(key) = wish.labels.keys().find(|key| limits(key)) {
        return Err(Problem::forbidden(format!(
            "the label {key} says whose machines are whose, and you are limited by it"
        ))
        .hint("ask somebody who is not"));
    }
    let profile = wish.profile.map(|name| (!name.is_empty()).then_some(name));
    let labels = wish.labels.into_iter().collect();
    let settings = wish.settings.into_iter().collect();
    let (name, notes) = (wish.name, wish.notes);
    let wanted = Command::SetMachine { machine, name, profile, labels, settings, notes };
    command(&house, wanted, dry.dry_run).await.map(Json)
}

pub async fn set_options(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<OptionsWish>,
) -> Result<Json<Done>, Problem> {
    let has = {
        let machine = machine.clone();
        ask(&house, move |engine, _| engine.machine(&machine).map(|m| m.options.clone())).await?
    };
    let new = has.is_none();
    if new && machine.parse::<HardwareAddress>().is_err() {
        return Err(unknown(&machine));
    }
    let options = changed(has.unwrap_or_default(), &wish)?;
    if new {
        // A MAC that was never heard adds the machine, as with everything else that is set.
        let (name, profile, labels) = (None, None, Vec::new());
        let (settings, notes) = (Vec::new(), None);
        let machine = machine.clone();
        let add = Command::SetMachine { machine, name, profile, labels, settings, notes };
        let added = command(&house, add, dry.dry_run).await?;
        if dry.dry_run {
            return Ok(Json(added));
        }
    }
    command(&house, Command::SetMachineOptions(machine, options), dry.dry_run).await.map(Json)
}

pub async fn set_addresses(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<AddressesWish>,
) -> Result<Json<Done>, Problem> {
    let read = |texts: Vec<String>| {
        let all = texts.iter().map(|text| text.parse().map_err(Problem::malformed));
        all.collect::<Result<Vec<HardwareAddress>, Problem>>()
    };
    let (add, remove) = (read(wish.add)?, read(wish.remove)?);
    let wanted = Command::SetAddresses { machine, add, remove };
    command(&house, wanted, dry.dry_run).await.map(Json)
}

pub async fn merge(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<MergeWish>,
) -> Result<Json<Done>, Problem> {
    let wanted = Command::MergeMachines(machine, wish.other);
    command(&house, wanted, dry.dry_run).await.map(Json)
}

/// Options with some taken away and others set; each code once, in order.
fn changed(has: Vec<DhcpOption>, wish: &OptionsWish) -> Result<Vec<DhcpOption>, Problem> {
    let see = "docs/configuration.md lists all options with what they take";
    let malformed = |why: String| Problem::malformed(why).hint(see);
    let mut options: BTreeMap<u8, DhcpOption> = has.into_iter().map(|o| (o.code, o)).collect();
    for name in &wish.unset {
        let code = model::option::code(name).map_err(malformed)?;
        if options.remove(&code).is_none() {
            let shown = model::text::show(name.as_bytes());
            return Err(Problem::refused(format!("the machine has no option {shown} of its own")));
        }
    }
    for text in &wish.set {
        let option = model::option::parse_assignment(text).map_err(malformed)?;
        options.insert(option.code, option);
    }
    Ok(options.into_values().collect())
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
