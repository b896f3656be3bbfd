//! Machines switched, and told what to boot: by what the owner knows of them, with the drivers of
//! `power`.
//!
//! ```text
//! Target (engine, secret) ─▶ Ready (a driver) ─▶ act ─▶ audit log, event, words
//! ```
//!
//! In: a machine, what is to be done, who asks. Out: words of what happened, recorded before they are
//! said. Never: a password in any of them, or an act that a hung-up operator leaves half done.

mod ready;
mod start;
mod wish;

pub use ready::{Ready, Target};
pub use start::{Starting, keep_starting, started};
pub use wish::{Wished, wished};

use crate::types::PowerStatus;
use crate::{House, Problem};
use ::power::redfish::{Facts, Fingerprint, Policy};
use ::power::wake::Woken;
use ::power::{BootOnce, BootSet, Outcome, Power, PowerError, Redfish, Turn};
use model::access::Outcome as Ended;
use model::{By, Event, Happening, HardwareAddress};
use site::{Act, SiteHandle};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// So many machines are switched at the same time; others wait. A BMC may take minutes.
const AT_ONCE: usize = 32;
static ROOM: Semaphore = Semaphore::const_new(AT_ONCE);

/// Nobody waits longer for a BMC.
const VISIT_MAX: Duration = Duration::from_secs(180);

fn policy() -> Policy {
    Policy { visit_max: VISIT_MAX, ..Policy::default() }
}

async fn room() -> Result<SemaphorePermit<'static>, Problem> {
    ROOM.acquire().await.map_err(|e| Problem::failed(format!("nothing is switched any more: {e}")))
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Magic packets, whatever its driver is.
    Wake,
    /// Its power changes.
    Turn(Turn),
    /// It boots from there next.
    Boot(BootOnce),
    /// It boots from the network now.
    Start,
}

impl Deed {
    /// As the audit log names it.
    fn name(&self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Turn(Turn::On) => "power-on",
            Self::Turn(Turn::ForceOff) => "power-off",
            Self::Turn(Turn::GracefulShutdown) => "power-shutdown",
            Self::Turn(Turn::ForceRestart) => "power-restart",
            Self::Turn(Turn::PowerCycle) => "power-cycle",
            Self::Boot(_) => "power-boot",
            Self::Start => "power-start",
        }
    }

    fn would(&self, target: &Target) -> String {
        let machine = target.in_words();
        match self {
            Self::Wake => format!("magic packets are sent for {machine}"),
            Self::Turn(turn) => format!("{machine} is {}", verb(*turn)),
            Self::Boot(boot) => format!("{machine} boots from {} next, once", boot.target),
            Self::Start => format!("{machine} boots from the network now"),
        }
    }
}

fn verb(turn: Turn) -> &'static str {
    match turn {
        Turn::On => "switched on",
        Turn::ForceOff => "switched off at once, whatever it does",
        Turn::GracefulShutdown => "asked to shut down",
        Turn::ForceRestart => "restarted at once, whatever it does",
        Turn::PowerCycle => "switched off and on again, whatever it does",
    }
}

/// Does it to a machine, for whoever asks; or only says what would be done.
pub async fn does(
    house: &House,
    named: String,
    deed: Deed,
    dry_run: bool,
) -> Result<crate::types::Done, Problem> {
    let target = Target::of(&house.site, named).await?;
    let ready = match deed {
        Deed::Wake => target.awake(&house.site)?,
        _ => target.ready(&house.site)?,
    };
    if dry_run {
        return Ok(crate::types::Done { says: deed.would(&target), done: false });
    }
    let says = done(house.site.clone(), house.asker.by.clone(), target, ready, deed).await?;
    Ok(crate::types::Done { says, done: true })
}

/// Does it to its end, whether or not somebody still waits, and records it.
pub async fn done(
    site: SiteHandle,
    by: By,
    target: Target,
    ready: Ready,
    deed: Deed,
) -> Result<String, Problem> {
    let work = tokio::spawn(async move {
        let _room = room().await?;
        let tried = carried_out(&target, &ready, &deed).await;
        let says = match &tried {
            Ok(says) => says.clone(),
            Err(problem) => problem.sentence(),
        };
        let outcome = if tried.is_ok() { Ended::Done } else { Ended::Failed };
        let what = deed.name().to_owned();
        let about = Some(format!("machine {}", target.hardware));
        if tried.is_ok() {
            tell(&site, target.hardware, &says);
        }
        site.note(Act { by, what, target: about, outcome, says }).await?;
        tried
    });
    work.await.map_err(|e| Problem::failed(format!("a bug in the server stopped this: {e}")))?
}

fn tell(site: &SiteHandle, machine: HardwareAddress, says: &str) {
    let what = Happening::Changed { text: says.to_owned() };
    site.tell(Event::new(site.now(), Some(machine), None, what));
}

async fn carried_out(target: &Target, ready: &Ready, deed: &Deed) -> Result<String, Problem> {
    let shown = &target.shown;
    match (deed, ready) {
        (Deed::Start, ready) => start::start(target, ready).await,
        (Deed::Wake | Deed::Turn(Turn::On), Ready::Wake(wake)) => {
            let woken = wake.wake().await.map_err(|why| trouble(why.into()))?;
            Ok(sent(target, &woken))
        }
        (Deed::Turn(turn), ready) => {
            let outcome = ready.power().turn(*turn).await.map_err(trouble)?;
            Ok(turned(shown, *turn, outcome))
        }
        (Deed::Boot(boot), ready) => {
            let set = ready.power().boot_once(boot).await.map_err(trouble)?;
            Ok(set_in_words(shown, boot, &set))
        }
        (Deed::Wake, Ready::Bmc(_)) => Err(Problem::failed("a BMC sends no magic packets")),
    }
}

fn sent(target: &Target, woken: &Woken) -> String {
    let mut says = format!("{} magic packets for {} were sent", woken.sent, target.shown);
    if let Ok(ways) = &target.ways {
        let ways: Vec<String> = ways.iter().map(ToString::to_string).collect();
        says.push_str(&format!(" {}", ways.join(" and ")));
    }
    says.push_str("; nothing answers them: that it woke shows when it is heard");
    for failed in &woken.failed {
        says.push_str(&format!("; {failed}"));
    }
    says
}

fn turned(shown: &str, turn: Turn, outcome: Outcome) -> String {
    match outcome {
        Outcome::Done => format!("{shown} is {}", verb(turn)),
        Outcome::Accepted => format!(
            "{shown} is {}: its BMC took that on, and does not tell how it ends",
            verb(turn)
        ),
        Outcome::Sent => format!("{shown} was sent magic packets"),
    }
}

fn set_in_words(shown: &str, boot: &BootOnce, set: &BootSet) -> String {
    let mut says = match boot.target {
        ::power::BootTarget::None => format!("{shown} boots as its firmware is set"),
        from => format!("{shown} boots from {from} at its next start, once"),
    };
    if !set.agrees {
        let show = |text: &Option<String>| text.clone().unwrap_or_else(|| "nothing".to_owned());
        says.push_str(&format!(
            "; its BMC took that, and shows {} ({}) for now",
            show(&set.target),
            show(&set.enabled)
        ));
    }
    says
}

/// What a BMC says of its machine.
pub async fn status(site: &SiteHandle, named: String) -> Result<PowerStatus, Problem> {
    let target = Target::of(site, named).await?;
    let bmc = match target.ready(site)? {
        Ready::Bmc(bmc) => bmc,
        Ready::Wake(wake) => {
            return match wake.state().await {
                Err(why) => Err(trouble(why)),
                Ok(state) => Err(Problem::failed(format!("a magic packet brought {state}"))),
            };
        }
    };
    let _room = room().await?;
    let facts = bmc.facts().await.map_err(|why| trouble(why.into()))?;
    Ok(view(&target, facts))
}

fn view(target: &Target, facts: Facts) -> PowerStatus {
    let mut notes: Vec<String> =
        facts.missing.iter().map(|what| format!("not read: {what}")).collect();
    let known: Vec<HardwareAddress> =
        facts.nics.iter().flat_map(|nic| [nic.mac, nic.permanent]).flatten().collect();
    if !known.is_empty() && !known.contains(&target.hardware) {
        let cards: Vec<String> = known.iter().map(ToString::to_string).collect();
        notes.push(format!(
            "none of its network cards is {}: is this the BMC of another machine? It has {}",
            target.hardware,
            cards.join(", ")
        ));
    }
    let secure = facts.secure_boot;
    PowerStatus {
        power: facts.power.to_string(),
        secure_boot: secure.as_ref().and_then(|s| s.enabled),
        secure_boot_in_force: secure.as_ref().and_then(|s| s.in_force),
        secure_boot_mode: secure.and_then(|s| s.mode),
        system: facts.id,
        manufacturer: facts.manufacturer,
        model: facts.model,
        serial: facts.serial,
        firmware: facts.bios_version,
        actions: facts.turns,
        boot_sources: facts.targets,
        notes,
    }
}

/// The fingerprint of the certificate that a BMC shows. Nothing but a handshake is sent.
pub async fn certificate(url: &str) -> Result<Fingerprint, Problem> {
    let _room = room().await?;
    Redfish::first_fingerprint(url, policy()).await.map_err(|why| trouble(why.into()))
}

/// Why it was not done, as operators read it.
fn trouble(error: PowerError) -> Problem {
    use ::power::redfish::RedfishError;
    use ::power::wake::WakeError;
    let says = error.to_string();
    match error {
        PowerError::Cannot { .. }
        | PowerError::Wake(
            WakeError::Address { .. }
            | WakeError::Password
            | WakeError::Ways { .. }
            | WakeError::Pauses { .. }
            | WakeError::Broadcast { .. },
        )
        | PowerError::Redfish(
            RedfishError::Url { .. }
            | RedfishError::Fingerprint { .. }
            | RedfishError::Account { .. }
            | RedfishError::Encryption { .. },
        ) => Problem::refused(says),
        PowerError::Redfish(RedfishError::Unconfirmed { .. } | RedfishError::Changed { .. }) => {
            Problem::refused(says).hint(
                "`bootwright machine power MACHINE set` shows the certificate, and asks for a yes",
            )
        }
        _ => Problem::elsewhere(says),
    }
}
