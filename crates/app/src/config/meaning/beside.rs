//! What several `[[network]]` must not share, and what they may.
//!
//! In: one network and those before it in the file. Out: a fault for each clash. Never: the host.

use super::super::fault::Fault;
use super::super::raw::RawNetwork;
use super::list;

/// What two networks must not share.
pub(super) fn beside_others(this: &RawNetwork, earlier: &[RawNetwork], note: &impl Fn(Fault)) {
    for other in earlier.iter().filter(|other| !other.ipv6 && !this.ipv6) {
        if let (Some(a), Some(b)) = (&this.interface, &other.interface)
            && a.value == b.value
            && !behind_relay(this)
            && !behind_relay(other)
        {
            let fault = Fault::new(a.at.clone(), format!("a second network on {}", a.value));
            note(fault.hint(
                "one [[network]] per interface; a subnet behind a relay is a [[network]] with `relays`",
            ));
        }
        if let (Some(a), Some(b)) = (&this.subnet, &other.subnet)
            && (a.value.contains(b.value.address) || b.value.contains(a.value.address))
        {
            let what = format!("subnet {} overlaps {} of another network", a.value, b.value);
            note(Fault::new(a.at.clone(), what));
        }
        for a in list(this.relays.as_ref()) {
            if list(other.relays.as_ref()).iter().any(|b| b.value == a.value) {
                let what = format!("relay {} belongs to another network already", a.value);
                note(Fault::new(a.at.clone(), what));
            }
        }
    }
}

/// Whether its clients are elsewhere: one of its relays stands in its subnet.
pub(super) fn behind_relay(raw: &RawNetwork) -> bool {
    let relays = list(raw.relays.as_ref());
    let subnet = raw.subnet.as_ref();
    subnet.is_some_and(|subnet| relays.iter().any(|relay| subnet.value.contains(relay.value)))
}
