//! What the limits mean together.
//!
//! In: what was written. Out: [`serve::Limits`], a fault for what cannot be, and a note for what has
//! no effect. Never: a limit enforced.

use super::super::fault::Fault;
use super::super::raw::Raw;
use super::super::reader::At;
use serve::Limits;

/// The limits; what is not said stays as it is.
pub(super) fn mean(raw: &Raw, notes: &mut Vec<String>, note: &impl Fn(Fault)) -> Limits {
    let said = &raw.limits;
    let mut limits = Limits::default();
    let policy = &mut limits.tftp_policy;
    set(&said.windowsize_max, &mut policy.window_max);
    set(&said.blksize_max, &mut policy.blksize_max);
    set(&said.transfers_max, &mut limits.tftp.transfers);
    set(&said.transfers_per_source, &mut limits.tftp.transfers_per_source);
    set(&said.connections_max, &mut limits.http_connections);
    set(&said.connections_per_source, &mut limits.http_connections_per_source);
    limits.tftp_single_port = said.single_port.as_ref().is_some_and(|at| at.value);
    limits.tftp_ports = said.ports.as_ref().map(|at| at.value);
    limits.rates.total = said.total.as_ref().map(|at| at.value);
    limits.rates.machine = said.machine.as_ref().map(|at| at.value);

    if let (Some(ports), true) = (&said.ports, limits.tftp_single_port) {
        let what = "`ports` beside `single_port = true`: all transfers go out from port 69 then";
        note(Fault::new(ports.at.clone(), what).hint("remove one of them"));
    }
    above(&said.transfers_per_source, &said.transfers_max, "transfers", notes);
    above(&said.connections_per_source, &said.connections_max, "connections", notes);
    rates(raw, notes);
    limits
}

fn set<T: TryFrom<u64>>(said: &Option<At<u64>>, into: &mut T) {
    let number = said.as_ref().and_then(|at| T::try_from(at.value).ok());
    if let Some(number) = number {
        *into = number;
    }
}

/// One source may have more than all together: that is no limit.
fn above(one: &Option<At<u64>>, all: &Option<At<u64>>, what: &str, notes: &mut Vec<String>) {
    if let (Some(one), Some(all)) = (one, all)
        && one.value > all.value
    {
        notes.push(format!(
            "{what}_per_source = {} has no effect: all together have {what}_max = {}",
            one.value, all.value
        ));
    }
}

/// A rate within another that is lower has no effect.
fn rates(raw: &Raw, notes: &mut Vec<String>) {
    let value = |at: &Option<At<u64>>| at.as_ref().map(|at| at.value);
    let (total, machine) = (value(&raw.limits.total), value(&raw.limits.machine));
    if let (Some(total), Some(machine)) = (total, machine)
        && machine > total
    {
        notes.push("[limits] machine has no effect: total is lower".to_owned());
    }
    for network in &raw.networks {
        let name = network.interface.as_ref().map_or("?", |at| at.value.as_str());
        if let (Some(total), Some(rate)) = (total, value(&network.rate))
            && rate > total
        {
            notes.push(format!(
                "rate of the network on {name} has no effect: [limits] total is lower"
            ));
        }
    }
}
