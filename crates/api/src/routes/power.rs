//! Power: how machines are switched, and switching them.

use super::{Asked, Dry, State, ask, command, machines};
use crate::doing::power::{self, Deed, Wished};
use crate::types::{
    BootWish, CertificateView, CertificateWish, Done, PowerStatus, PowerView, PowerWish,
};
use crate::{House, Problem, body};
use ::power::{BootOnce, BootTarget, Turn};
use axum::Json;
use axum::extract::Path;
use engine::Command;
use model::power::own_credential;
use model::text::show as shown;

pub async fn show(
    State(house): State<House>,
    Path(named): Path<String>,
) -> Result<Json<PowerView>, Problem> {
    let found = ask(&house, move |engine, _| {
        let machine = engine.machine(&named).ok_or_else(|| machines::unknown(&named))?;
        engine.power_of(&machine.hardware).map(PowerView::new).ok_or_else(|| {
            Problem::missing(format!(
                "nobody said how the power of {} is switched",
                machine.shown()
            ))
            .hint("`bootwright machine power MACHINE set` says it")
        })
    });
    found.await?.map(Json)
}

pub async fn set(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<PowerWish>,
) -> Result<Json<Done>, Problem> {
    let hardware = machines::hardware(&house, machine.clone()).await?;
    let own = own_credential(&hardware);
    let Wished { settings, password } = power::wished(wish, &own)?;
    let sealed = match &password {
        Some(text) => Some(house.site.seal(&own, text)?),
        None => None,
    };
    let wanted = Command::SetPower { machine, power: settings, sealed };
    command(&house, wanted, dry.dry_run).await.map(Json)
}

pub async fn remove(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    command(&house, Command::RemovePower(machine), dry.dry_run).await.map(Json)
}

/// What the BMC at an address shows, before anybody trusts it.
pub async fn certificate(
    State(_): State<House>,
    Path(_): Path<String>,
    body::Json(wish): body::Json<CertificateWish>,
) -> Result<Json<CertificateView>, Problem> {
    let fingerprint = power::certificate(&wish.url).await?.to_string();
    Ok(Json(CertificateView { fingerprint }))
}

pub async fn status(
    State(house): State<House>,
    Path(machine): Path<String>,
) -> Result<Json<PowerStatus>, Problem> {
    power::status(&house.site, machine).await.map(Json)
}

pub async fn turn(
    State(house): State<House>,
    Path((machine, action)): Path<(String, String)>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    let turn = match action.as_str() {
        "on" => Turn::On,
        "off" => Turn::ForceOff,
        "shutdown" => Turn::GracefulShutdown,
        "restart" => Turn::ForceRestart,
        "cycle" => Turn::PowerCycle,
        other => {
            let why = format!("a machine cannot be switched `{}`", shown(other.as_bytes()));
            return Err(Problem::missing(why).hint("on, off, shutdown, restart, cycle, boot"));
        }
    };
    power::does(&house, machine, Deed::Turn(turn), dry.dry_run).await.map(Json)
}

pub async fn boot(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
    body::Json(wish): body::Json<BootWish>,
) -> Result<Json<Done>, Problem> {
    let target = match wish.from.as_str() {
        "pxe" => BootTarget::Pxe,
        "http" => BootTarget::UefiHttp,
        "disk" => BootTarget::Hdd,
        "none" => BootTarget::None,
        other => {
            let why = format!("a machine cannot boot from `{}`", shown(other.as_bytes()));
            return Err(Problem::malformed(why).hint("pxe, http, disk, or none to take it back"));
        }
    };
    let boot = BootOnce { uri: wish.uri, ..BootOnce::from(target) };
    power::does(&house, machine, Deed::Boot(boot), dry.dry_run).await.map(Json)
}

pub async fn wake(
    State(house): State<House>,
    Path(machine): Path<String>,
    Asked(dry): Asked<Dry>,
) -> Result<Json<Done>, Problem> {
    power::does(&house, machine, Deed::Wake, dry.dry_run).await.map(Json)
}
