//! Machines started from the network when they are armed: one at once, those of a batch at each turn.
//!
//! In: a machine that is armed. Out: a boot override and a restart, or why not. Never: a restart where
//! the override was refused: the machine would only lose what it does.

use super::{Deed, Ready, Target, done, sent, set_in_words, trouble, turned};
use crate::types::Done;
use crate::{House, Problem};
use model::{By, Event, Happening, HardwareAddress};
use power::redfish::RedfishError;
use power::{BootOnce, BootSet, BootTarget, PowerState, Redfish, Turn};
use site::SiteHandle;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// A machine that can be started once it is armed.
#[derive(Debug)]
pub struct Starting {
    target: Target,
    ready: Ready,
}

impl Starting {
    /// Looks, before anything is armed, whether the machine can be switched at all.
    pub async fn of(site: &SiteHandle, named: &str) -> Result<Self, Problem> {
        let target = Target::of(site, named.to_owned()).await?;
        let ready = target.ready(site)?;
        Ok(Self { target, ready })
    }
}

/// What was armed, and then started. That it is armed stays, whatever becomes of its power.
pub async fn started(house: &House, starting: Starting, armed: Done) -> Result<Done, Problem> {
    let Starting { target, ready } = starting;
    if !armed.done {
        let says = format!("{}; then {}", armed.says, Deed::Start.would(&target));
        return Ok(Done { says, done: false });
    }
    let shown = target.shown.clone();
    let (site, by) = (house.site.clone(), house.asker.by.clone());
    match done(site, by, target, ready, Deed::Start).await {
        Ok(says) => Ok(Done { says: format!("{}\n{says}", armed.says), done: true }),
        Err(problem) => Err(Problem::elsewhere(format!(
            "{}; but it was not started: {}",
            armed.says,
            problem.sentence()
        ))
        .hint(format!(
            "start it from the network yourself; or `bootwright machine power {shown} boot pxe` and \
             `restart`; or `bootwright machine cancel {shown}`"
        ))),
    }
}

/// Has a machine boot from the network now.
pub(super) async fn start(target: &Target, ready: &Ready) -> Result<String, Problem> {
    let shown = &target.shown;
    let bmc = match ready {
        Ready::Bmc(bmc) => bmc,
        Ready::Wake(wake) => {
            let woken = wake.wake().await.map_err(|why| trouble(why.into()))?;
            return Ok(format!(
                "{}, and that it boots from the network is up to its firmware",
                sent(target, &woken)
            ));
        }
    };
    let (boot, set) = from_network(bmc, target.by_http).await.map_err(|why| trouble(why.into()))?;
    let state = bmc.state().await.map_err(|why| trouble(why.into()))?;
    let turn = match state {
        PowerState::Off | PowerState::PoweringOff => Turn::On,
        _ => Turn::ForceRestart,
    };
    let outcome = bmc.turn(turn).await.map_err(|why| trouble(why.into()))?;
    Ok(format!("{}; {}", set_in_words(shown, &boot, &set), turned(shown, turn, outcome)))
}

/// By HTTP where the machine does so, but by PXE where its BMC knows no HTTP.
async fn from_network(bmc: &Redfish, by_http: bool) -> Result<(BootOnce, BootSet), RedfishError> {
    let pxe = BootOnce::from(BootTarget::Pxe);
    if by_http {
        let http = BootOnce::from(BootTarget::UefiHttp);
        match bmc.boot_once(&http).await {
            Err(RedfishError::NotOffered { .. }) => {}
            other => return other.map(|set| (http, set)),
        }
    }
    let set = bmc.boot_once(&pxe).await?;
    Ok((pxe, set))
}

/// Starts the machines of batches as their turn comes, for as long as the server runs. Those that were
/// armed before it started may have been started then, and are left alone.
pub async fn keep_starting(site: SiteHandle, mut events: Receiver<Arc<Event>>) {
    let mut begun: BTreeSet<u32> = armed(&site).await.into_iter().map(|(id, _)| id).collect();
    loop {
        match events.recv().await {
            Ok(event) if !may_arm(&event) => continue,
            // Whatever was missed, what is armed shows.
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        let now = armed(&site).await;
        begun.retain(|id| now.iter().any(|(armed, _)| armed == id));
        for (id, machine) in now {
            if begun.insert(id) {
                tokio::spawn(turn_came(site.clone(), id, machine));
            }
        }
    }
}

/// Whether a turn may have come: by itself, or because an operator did something.
fn may_arm(event: &Event) -> bool {
    match &event.what {
        Happening::Deployment { step, .. } => step == "armed",
        Happening::Changed { .. } => true,
        _ => false,
    }
}

async fn armed(site: &SiteHandle) -> Vec<(u32, HardwareAddress)> {
    // Whoever cannot ask any more is stopping.
    site.ask(|engine, _| engine.to_be_started()).await.unwrap_or_default()
}

async fn turn_came(site: SiteHandle, id: u32, machine: HardwareAddress) {
    let work = async {
        let Some(target) = Target::at(&site, machine).await? else { return Ok(()) };
        let ready = target.ready(&site)?;
        done(site.clone(), By::server(), target, ready, Deed::Start).await.map(drop)
    };
    let tried: Result<(), Problem> = work.await;
    if let Err(problem) = tried {
        let id = model::deployment::shown(id);
        let text = format!(
            "{machine} is armed ({id}), but it was not started: {}\nhint: start it from the network \
             yourself, or `bootwright machine cancel {machine}`",
            problem.sentence()
        );
        let what = Happening::Alarm { text };
        site.tell(Event::new(site.now(), Some(machine), None, what));
    }
}
