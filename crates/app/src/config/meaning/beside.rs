//! What several `[[network]]` must not share, and what they may.
//!
//! In: one network and those before it in the file. Out: a fault for each clash. Never: the host.

use super::super::fault::Fault;
use super::super::raw::RawNetwork;
use super::list;

/// What two networks must not share.
pub(super) fn beside_others(this: &RawNetwork, earlier: &[RawNetwork], note: &impl Fn(Fault)) {
    for other in earlier {
        one_link(this, other, note);
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
fn behind_relay(raw: &RawNetwork) -> bool {
    let relays = list(raw.relays.as_ref());
    let subnet = raw.subnet.as_ref();
    subnet.is_some_and(|subnet| relays.iter().any(|relay| subnet.value.contains(relay.value)))
}

/// Two networks on one interface share its link, or one of them is behind a relay.
fn one_link(this: &RawNetwork, other: &RawNetwork, note: &impl Fn(Fault)) {
    let (Some(a), Some(b)) = (&this.interface, &other.interface) else { return };
    let same_word = match (&this.shared, &other.shared) {
        (Some(x), Some(y)) if x.value == y.value => Some((x, y)),
        _ => None,
    };
    match (a.value == b.value, same_word) {
        (true, None) if !behind_relay(this) && !behind_relay(other) => {
            let fault = Fault::new(a.at.clone(), format!("a second network on {}", a.value));
            note(fault.other(b.at.clone(), "here is the first").hint(
                "two subnets on one link say the same `shared = \"NAME\"`; a subnet behind a relay \
                 is a [[network]] with `relays`",
            ));
        }
        (false, Some((x, y))) => {
            let what = format!("`{}` is shared with a network on another interface", x.value);
            let fault = Fault::new(x.at.clone(), what);
            note(
                fault.other(y.at.clone(), format!("here on {}", b.value)).hint(
                    "`shared` joins subnets of one link: give the other link a word of its own",
                ),
            );
        }
        _ => {}
    }
}

/// Whether its clients are elsewhere: behind a relay in its own subnet, or in one that shares its
/// link.
pub(super) fn is_remote(this: &RawNetwork, all: &[RawNetwork]) -> bool {
    behind_relay(this) || all.iter().any(|other| share(this, other) && behind_relay(other))
}

/// Whether two networks say that they share a link.
fn share(a: &RawNetwork, b: &RawNetwork) -> bool {
    let word = |raw: &RawNetwork| raw.shared.as_ref().map(|at| at.value.clone());
    word(a).is_some() && word(a) == word(b)
}

/// What is good but has no effect: a word that only one network says.
pub(super) fn shared_alone(all: &[RawNetwork]) -> Vec<String> {
    let alone = |raw: &&RawNetwork| all.iter().filter(|other| share(raw, other)).count() == 1;
    let says = |raw: &RawNetwork| {
        let word = &raw.shared.as_ref()?.value;
        Some(format!("shared = \"{word}\": no other network says it, so nothing is shared"))
    };
    all.iter().filter(alone).filter_map(says).collect()
}
