//! What is wrong with the server and with boots, and which request of this API mends it.
//!
//! In: what was found. Out: sentences, and requests that nobody has sent yet. Never: a change.

use crate::types::{Doctor, Mend, Wrong};
use axum::http::Method;
use engine::Engine;
use model::access::Role;
use model::diagnosis::{Code, Diagnosis};
use model::url::part;
use model::{HardwareAddress, Image};
use serde_json::json;
use std::collections::BTreeSet;

/// Rules and machines that point nowhere; `doctor` names no more of them.
const LOST_MAX: usize = 64;

impl Wrong {
    fn grave(self) -> Self {
        Self { grave: true, ..self }
    }
}

fn mend(says: &str, method: &Method, path: String, body: Option<serde_json::Value>) -> Mend {
    Mend { says: says.to_owned(), role: Role::Operator, method: method.to_string(), path, body }
}

/// What was found by whoever looked, beside what a [`Doctor`] says of itself.
pub struct Found {
    /// When the sockets were opened.
    pub sockets: Vec<Wrong>,
    /// Bytes of images, by the name of a file and its image.
    pub missing: Vec<Wrong>,
    /// Profiles that are named and not there.
    pub lost: Vec<Wrong>,
}

/// Bytes that an image has no more.
pub fn missing(image: &Image, what: &str) -> Wrong {
    let hint =
        format!("`bootwright image import {} --name {}` brings it again", image.source, image.name);
    Wrong::new(format!("bytes of an image are not there: {what}"), hint).grave()
}

/// Everything that was found, the gravest first.
pub fn wrong(doctor: &Doctor, found: Found) -> Vec<Wrong> {
    let status = &doctor.status;
    let mut all = Vec::new();
    if status.networks.is_empty() {
        let hint = "add a [[network]] to the configuration file, then `bootwright reload`";
        let says = "no network is served: no machine will be answered";
        all.push(Wrong::new(says, hint.to_owned()).grave());
    }
    if doctor.loaders.is_empty() {
        let hint = "install Debian's package `ipxe` on the server, then \
                    `bootwright bootloader import /usr/lib/ipxe`";
        let says = "there is no bootloader to hand out: machines get an address and no boot file";
        let body = json!({ "path": "/usr/lib/ipxe" });
        let import = mend("import /usr/lib/ipxe", &Method::POST, "/loaders".to_owned(), Some(body));
        let mend = Some(Mend { role: Role::Admin, ..import });
        all.push(Wrong { mend, ..Wrong::new(says, hint.to_owned()).grave() });
    }
    all.extend(status.rogues.iter().map(|rogue| Wrong::new(rogue, None).grave()));
    all.extend(found.sockets);
    all.extend(found.missing);
    all.extend(doctor.unbootable.iter().map(|what| {
        let hint = "import its image, or give the profile another: `bootwright image list` says which there are";
        Wrong::new(what, hint.to_owned())
    }));
    all.extend(found.lost);
    all.extend(status.tls.iter().flat_map(|tls| &tls.findings).map(|found| {
        let says = Wrong::new(&found.text, found.hint.clone());
        Wrong { grave: found.grave, ..says }
    }));
    if status.bugs > 0 {
        let says = format!("{} requests hit a bug of ours since the start", status.bugs);
        all.push(Wrong::new(says, "the server's log says which; please report it".to_owned()));
    }
    if status.dropped > 0 {
        let says = format!("{} DHCP messages were dropped: too many came at once", status.dropped);
        let hint = "machines ask again by themselves; if it goes on, start fewer at a time";
        all.push(Wrong::new(says, hint.to_owned()));
    }
    all.sort_by_key(|wrong| !wrong.grave);
    all
}

/// Rules and machines that point at a profile which is not there: none is let go of while somebody
/// uses it, but a damaged row of the store costs itself.
pub fn lost_profiles(engine: &Engine) -> Vec<Wrong> {
    let there: BTreeSet<&str> = engine.profiles().map(|profile| profile.name.as_str()).collect();
    let gone = |name: &str| !there.contains(name);
    let rules = (1..).zip(engine.rules()).filter(|(_, rule)| gone(&rule.profile));
    let rules = rules.map(|(number, rule)| {
        let says = format!("rule {number} names the profile {}, which is not there", rule.profile);
        let hint = format!("`bootwright rule remove {}`, or add the profile again", rule.id);
        let remove = mend("remove the rule", &Method::DELETE, format!("/rules/{}", rule.id), None);
        Wrong { mend: Some(remove), ..Wrong::new(says, hint) }
    });
    let machines = engine.machines().filter_map(|machine| {
        let profile = machine.profile.as_deref().filter(|name| gone(name))?;
        let shown = machine.shown();
        let says = format!("machine {shown} has the profile {profile}, which is not there");
        let hint = format!(
            "`bootwright machine set {} --no-profile`, or add the profile again",
            machine.hardware
        );
        let mend = Some(without_profile(&machine.hardware));
        Some(Wrong { mend, ..Wrong::new(says, hint) })
    });
    rules.chain(machines).take(LOST_MAX).collect()
}

/// The request that mends what this boot died of, where one does.
pub fn mend_of(engine: &Engine, machine: &HardwareAddress, diagnosis: &Diagnosis) -> Option<Mend> {
    let own = || engine.machine_of(machine).is_some_and(|machine| machine.profile.is_some());
    match diagnosis.code {
        Code::DeploymentFrozen => {
            let path = format!("/machines/{}/cancel", part(&machine.to_string()));
            Some(mend("cancel the deployment", &Method::POST, path, None))
        }
        Code::InstallerLoop if own() => Some(without_profile(machine)),
        _ => None,
    }
}

fn without_profile(machine: &HardwareAddress) -> Mend {
    let path = format!("/machines/{}", part(&machine.to_string()));
    mend("take its own profile away", &Method::PATCH, path, Some(json!({ "profile": "" })))
}
