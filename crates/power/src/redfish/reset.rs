//! A system switched (ComputerSystem.Reset).
//!
//! In: a change of power. Out: how far it got. Never: a change that the service does not list.

use super::system::{self, Which};
use super::task;
use super::visit::Visit;
use super::{RedfishError, json};
use crate::switch::{Outcome, PowerState, Turn};
use hyper::Method;
use serde_json::{Value, json};

/// Where a system says how it can be reset.
const ACTION: &str = "/Actions/#ComputerSystem.Reset";
/// Its list of what is allowed.
const LIST: &str = "/Actions/#ComputerSystem.Reset/ResetType@Redfish.AllowableValues";
/// The link to such a list where it stands by itself.
const INFO: &str = "/Actions/#ComputerSystem.Reset/@Redfish.ActionInfo";

/// The changes of power that a system lists; none if it lists nothing.
pub(super) async fn listed(
    visit: &mut Visit,
    system: &Value,
) -> Result<Option<Vec<String>>, RedfishError> {
    if let Some(list) = json::texts(system, LIST) {
        return Ok(Some(list));
    }
    let Some(info) = json::text(system, INFO).and_then(super::place::path) else {
        return Ok(None);
    };
    let Some(info) = visit.get_if_there(&info).await? else { return Ok(None) };
    let parameters = info.body.pointer("/Parameters").and_then(Value::as_array);
    let of =
        parameters.into_iter().flatten().find(|one| json::text(one, "/Name") == Some("ResetType"));
    Ok(of.and_then(|one| json::texts(one, "/AllowableValues")))
}

/// Switches a system.
pub(super) async fn turn(
    visit: &mut Visit,
    which: &Which,
    turn: Turn,
) -> Result<Outcome, RedfishError> {
    let system = system::find(visit, which).await?;
    // Services answer in as many ways as there are makers when a machine is so already.
    let already = match system::power(&system.body) {
        PowerState::On => turn == Turn::On,
        PowerState::Off => matches!(turn, Turn::ForceOff | Turn::GracefulShutdown),
        _ => false,
    };
    if already {
        return Ok(Outcome::Done);
    }
    let not = |visit: &Visit, why: String| {
        let (bmc, what, why) = (visit.bmc(), turn.name().to_owned(), visit.strike(&why));
        Err(RedfishError::NotOffered { bmc, what, why })
    };
    let target = json::text(&system.body, &format!("{ACTION}/target"));
    let Some(target) = target.and_then(super::place::path) else {
        return not(visit, "its system has no ComputerSystem.Reset".to_owned());
    };
    match listed(visit, &system.body).await? {
        Some(list) if !list.iter().any(|one| one == turn.name()) => {
            return not(visit, format!("it lists {}", list.join(", ")));
        }
        None if !visit.policy().try_unlisted => return not(visit, UNLISTED.to_owned()),
        _ => {}
    }
    let body = json!({ "ResetType": turn.name() });
    let answer = visit.ask(Method::POST, &target, Some(&body), None).await?;
    task::finish(visit, &format!("{turn} (POST {target})"), answer).await
}

/// Why nothing is tried that is not listed.
pub(super) const UNLISTED: &str = "it does not list what it allows; if its makers say that it can, \
                                   let this BMC be asked for what it does not list";
