//! What operators say of the quirks of a machine.

use super::{Outcome, Refusal, decided, refuse};
use crate::Engine;
use model::{Change, HardwareAddress, Machine, Now, Pin};
use quirks::{Bearing, Quirk};
use std::collections::BTreeMap;

impl Engine {
    pub(super) fn set_quirks(
        &self,
        now: Now,
        named: &str,
        pins: &BTreeMap<String, Pin>,
    ) -> Outcome {
        let mut machine = match (self.machine(named), named.parse::<HardwareAddress>()) {
            (Some(machine), _) => machine.clone(),
            (None, Ok(hardware)) => Machine::new(hardware, now),
            (None, Err(_)) => {
                return refuse(
                    format!("no machine is called {}", model::text::show(named.as_bytes())),
                    "name it by its MAC to add it",
                );
            }
        };
        let mut said = Vec::new();
        for (name, pin) in pins {
            let quirk = switched(name)?;
            pin_quirk(&mut machine.quirks, quirk, *pin);
            said.push(format!("{} {} is {pin}", quirk.id(), quirk.name));
        }
        let says = format!("machine {}: {}", machine.shown(), said.join(", "));
        decided(vec![Change::Machine(machine)], says)
    }
}

/// Keeps what an operator says; `auto` is to say nothing.
pub(super) fn pin_quirk(pins: &mut BTreeMap<String, Pin>, quirk: &Quirk, pin: Pin) {
    match pin {
        Pin::Auto => drop(pins.remove(&quirk.id())),
        pin => drop(pins.insert(quirk.id(), pin)),
    }
}

/// The quirk of this name, if an operator may switch it.
pub(super) fn switched(name: &str) -> Result<&'static Quirk, Refusal> {
    let quirk = quirks::named(name).map_err(|unknown| Refusal {
        why: format!("no quirk is called `{}`", model::text::show(name.as_bytes())),
        hint: Some(match unknown.nearest {
            Some(nearest) => format!("did you mean {nearest}? `bootwright quirk list` shows all"),
            None => "`bootwright quirk list` shows all".to_owned(),
        }),
    })?;
    let (id, name) = (quirk.id(), &quirk.name);
    match quirk.bearing {
        Bearing::WhoHasIt => Ok(quirk),
        Bearing::Everybody => refuse(
            format!("{id} {name} cannot be switched: what is done for it is done for everybody"),
            "`bootwright quirk list --switched` shows those that can",
        ),
        Bearing::Advice => refuse(
            format!("{id} {name} cannot be switched: nothing is done for it here"),
            &format!("`bootwright quirk show {name}` says what you can do"),
        ),
    }
}
