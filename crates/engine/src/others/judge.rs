//! Whether a server belongs on its link, and what it breaks if not.

use super::table::{Entry, Expected};
use model::Network;
use model::network::Mode;
use model::other::{Deeds, Standing};
use std::net::IpAddr;

/// What a switch does against it stands there.
const SNOOPING: &str = "docs/rogue-servers.md says how a switch keeps it out";

/// What is thought of a server.
pub(super) struct Verdict {
    pub(super) standing: Standing,
    /// What follows, in words.
    pub(super) means: String,
    /// What to alarm with.
    pub(super) harm: Option<String>,
}

/// Whether `others` of a network on the link names it: by its own address, or by the one its
/// replies come from.
pub(super) fn is_declared(entry: &Entry, on_link: &[&Network]) -> bool {
    let named =
        |network: &Network, address: IpAddr| network.others.iter().any(|other| address == *other);
    on_link.iter().any(|network| {
        named(network, entry.server) || entry.from.is_some_and(|from| named(network, from))
    })
}

/// Whether it is a relay that speaks for itself (RFC 5107: it put its own address into option 54),
/// and ours.
pub(super) fn is_relay(entry: &Entry, on_link: &[&Network]) -> bool {
    let relays = || on_link.iter().flat_map(|network| &network.relays);
    let IpAddr::V4(server) = entry.server else { return false };
    relays().any(|relay| *relay == server)
        || entry.relayed == Some(server)
            && on_link.iter().any(|network| network.subnet.contains(server))
}

/// Judges a server by the networks of its link, and by who else is there.
pub(super) fn judge(entry: &Entry, on_link: &[&Network], expected: Expected) -> Verdict {
    let does = entry.does;
    let standing = standing(entry, on_link, expected);
    let means = match standing {
        Standing::Relay => "a relay of ours".to_owned(),
        Standing::Declared => format!("it {does}; `others` names it"),
        Standing::Bystander => format!("it {does}: no machine minds it"),
        Standing::Expected if is_beside(entry, expected) => beside(entry, only_listens(on_link)),
        Standing::Expected => format!("it {does}; we only listen"),
        Standing::Rogue => {
            let means = harm(entry, on_link, expected, gives(on_link));
            let harm = Some(alarm(entry, &means));
            return Verdict { standing, means, harm };
        }
    };
    Verdict { standing, means, harm: None }
}

/// Whether it belongs there.
pub(super) fn standing(entry: &Entry, on_link: &[&Network], expected: Expected) -> Standing {
    let does = entry.does;
    if is_relay(entry, on_link) {
        return Standing::Relay;
    }
    if is_declared(entry, on_link) {
        return Standing::Declared;
    }
    if !(does.addresses || does.refuses || does.boot) {
        return Standing::Bystander;
    }
    // Where somebody was declared, nobody else is expected.
    let open = !gives(on_link) && on_link.iter().all(|network| network.others.is_empty());
    let boots = only_listens(on_link) && expected.boot == Some(entry.server);
    match open && (is_beside(entry, expected) || boots) {
        true => Standing::Expected,
        false => Standing::Rogue,
    }
}

/// Whether we give addresses there.
fn gives(on_link: &[&Network]) -> bool {
    on_link.iter().any(|network| network.mode == Mode::Dhcp)
}

fn only_listens(on_link: &[&Network]) -> bool {
    on_link.iter().all(|network| network.mode == Mode::Listen)
}

/// Whether it is the one that gives the addresses, where we do not; or refuses some before anybody was
/// heard to give them.
fn is_beside(entry: &Entry, expected: Expected) -> bool {
    let does = entry.does;
    expected.addresses == Some(entry.server)
        || (does.refuses && !does.boot && expected.addresses.is_none())
}

/// The DHCP server that we stand beside.
fn beside(entry: &Entry, listening: bool) -> String {
    let does = entry.does;
    match (listening, does.boot || does.file) {
        (true, _) => format!("it {does}; we only listen"),
        (false, false) => format!("it {does}; we answer boot requests beside it"),
        (false, true) => format!(
            "it {does}; we answer boot requests beside it, and our answer outranks a boot file that \
             comes with an address: to be sure, take the boot options out there"
        ),
    }
}

/// What a server breaks that does not belong there.
fn harm(entry: &Entry, on_link: &[&Network], expected: Expected, giving: bool) -> String {
    let (does, server) = (entry.does, entry.server);
    let first = on_link.first();
    let subnet = first.map(|network| network.subnet.to_string()).unwrap_or_default();
    match (giving, does.addresses) {
        (true, true) => two_servers(does, &subnet, &Giver::Us),
        (false, true) => {
            let other = expected.addresses.filter(|other| *other != server);
            two_servers(does, &subnet, &other.map_or(Giver::Declared, Giver::First))
        }
        (_, false) if does.refuses && !does.boot => format!(
            "it refuses addresses that it did not give on {subnet}: machines lose theirs and start \
             over"
        ),
        (_, false) => format!(
            "it answers boot requests on {subnet} beside us: machines take whoever comes first, so \
             some get its boot file"
        ),
    }
}

/// Beside whom a server gives addresses.
pub(super) enum Giver {
    Us,
    /// The first that was heard to.
    First(IpAddr),
    /// Whoever was declared.
    Declared,
}

/// That it does, and what follows.
pub(super) fn two_servers(does: Deeds, subnet: &str, giver: &Giver) -> String {
    let (who, so) = match giver {
        Giver::Us => ("we do".to_owned(), ", so some boot and some do not"),
        Giver::First(first) => (format!("{first} does"), ""),
        Giver::Declared => ("the servers that `others` names do".to_owned(), ""),
    };
    format!(
        "TWO SERVERS GIVE ADDRESSES on {subnet}: {who}, and it does (it {does}). Machines take whichever \
         answers first{so}"
    )
}

/// What is alarmed with: who it is, what it breaks, and what to do.
pub(super) fn alarm(entry: &Entry, means: &str) -> String {
    let server = entry.server;
    let find = match &entry.mac {
        Some(mac) => format!("find {mac} in the address table of the switch and unplug it"),
        None => {
            "its replies are not heard here, machines named it: `bootwright doctor` asks for it"
                .to_owned()
        }
    };
    format!(
        "{}: {means}\nhint: {find}; {SNOOPING}. If it belongs there, say so: others = [\"{server}\"] in \
         [[network]]",
        entry.named()
    )
}
