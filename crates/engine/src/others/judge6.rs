//! Whether a DHCPv6 server or a router belongs on its link, and what it breaks if not.
//!
//! One device may be both; then it belongs there when both belong.

use super::judge::{Giver, Verdict, alarm, two_servers};
use super::table::Entry;
use model::Network6;
use model::network::Mode;
use model::network6::Subnet6;
use model::other::Standing;

/// The networks of a link, and what is expected there.
pub(super) struct Around6<'a> {
    /// Networks whose machines are on the link.
    pub(super) on_link: Vec<&'a Network6>,
    /// The first undeclared server that was heard to give addresses.
    pub(super) addresses: Option<&'a Entry>,
    /// The first that was heard to name a boot file without giving addresses.
    pub(super) boot: Option<&'a Entry>,
    /// The first undeclared router that was heard to announce prefixes, and still does.
    pub(super) router: Option<&'a Entry>,
    /// Those that were declared.
    pub(super) declared: Vec<&'a Entry>,
}

impl Around6<'_> {
    /// Whether we give addresses there.
    fn gives(&self) -> bool {
        self.on_link.iter().any(|network| !network.only_listens() && network.gives_addresses())
    }

    fn only_listens(&self) -> bool {
        self.on_link.iter().all(|network| network.mode == Mode::Listen)
    }

    /// Whether nobody was declared, so that somebody may be expected.
    fn is_open(&self) -> bool {
        self.on_link.iter().all(|network| network.others.is_empty())
    }

    /// Whether a router was declared, so that no other is expected.
    fn knows_routers(&self) -> bool {
        self.declared.iter().any(|declared| declared.does.router)
    }

    fn subnet(&self) -> String {
        self.on_link.first().map(|network| network.subnet.to_string()).unwrap_or_default()
    }

    /// The network that we advertise there.
    fn advertised(&self) -> Option<&Network6> {
        self.on_link.iter().copied().find(|network| network.advertise)
    }

    /// The first router, where it may announce what it likes.
    fn first_router(&self) -> Option<&Entry> {
        self.router.filter(|_| self.advertised().is_none() && !self.knows_routers())
    }

    /// What a router announces, if nothing of it is announced by anybody whose word counts there. A pair of routers
    /// that is numbered anew shares some for a while.
    fn foreign<'e>(&self, entry: &'e Entry) -> &'e [Subnet6] {
        let announces = |other: &Entry, prefix: &Subnet6| other.announced.prefixes.contains(prefix);
        let known = |prefix: &Subnet6| {
            self.on_link.iter().any(|network| network.subnet == *prefix)
                || self.declared.iter().any(|declared| announces(declared, prefix))
                || self.first_router().is_some_and(|first| announces(first, prefix))
        };
        match entry.announced.prefixes.iter().any(known) {
            true => &[],
            false => &entry.announced.prefixes,
        }
    }

    /// Whether a router wants to be the way to the world, where others were declared to be it.
    fn takes_the_way(&self, entry: &Entry) -> bool {
        entry.announced.default && entry.announced.prefixes.is_empty() && self.knows_routers()
    }
}

/// Whether `others` of a network on the link names it.
pub(super) fn is_declared(entry: &Entry, on_link: &[&Network6]) -> bool {
    let named = |network: &&Network6| network.others.iter().any(|other| entry.server == *other);
    on_link.iter().any(named)
}

/// Whether it belongs there.
pub(super) fn standing(entry: &Entry, around: &Around6<'_>) -> Standing {
    if is_declared(entry, &around.on_link) {
        return Standing::Declared;
    }
    let of_both = [as_server(entry, around), as_router(entry, around)];
    let any = |standing| of_both.contains(&standing);
    match (any(Standing::Rogue), any(Standing::Expected)) {
        (true, _) => Standing::Rogue,
        (false, true) => Standing::Expected,
        (false, false) => Standing::Bystander,
    }
}

/// Whether two are one server, that speaks through several relays.
fn is_same(a: &Entry, b: &Entry) -> bool {
    a.server == b.server || a.duid.is_some() && a.duid == b.duid
}

fn as_server(entry: &Entry, around: &Around6<'_>) -> Standing {
    let does = entry.does;
    if !(does.addresses || does.boot) {
        return Standing::Bystander;
    }
    let is = |first: Option<&Entry>| first.is_some_and(|first| is_same(first, entry));
    let open = !around.gives() && around.is_open();
    let first = is(around.addresses) || around.only_listens() && is(around.boot);
    let declared = around.declared.iter().any(|declared| is_same(declared, entry));
    match declared || open && first {
        true => Standing::Expected,
        false => Standing::Rogue,
    }
}

fn as_router(entry: &Entry, around: &Around6<'_>) -> Standing {
    let announced = &entry.announced;
    if !announced.default && announced.prefixes.is_empty() {
        return Standing::Bystander;
    }
    match around.foreign(entry).is_empty() && !around.takes_the_way(entry) {
        true => Standing::Expected,
        false => Standing::Rogue,
    }
}

/// Judges a server or a router by the networks of its link, and by who else is there.
pub(super) fn judge(entry: &Entry, around: &Around6<'_>) -> Verdict {
    let does = entry.does;
    let standing = standing(entry, around);
    let means = match standing {
        Standing::Declared => format!("it {does}; `others` names it"),
        Standing::Expected => beside(entry, around),
        Standing::Rogue => {
            let means = harm(entry, around);
            let harm = Some(alarm(entry, &means));
            return Verdict { standing, means, harm };
        }
        Standing::Bystander | Standing::Relay => format!("it {does}: no machine minds it"),
    };
    Verdict { standing, means, harm: None }
}

/// Whom we stand beside.
fn beside(entry: &Entry, around: &Around6<'_>) -> String {
    let does = entry.does;
    let prefixes = match entry.announced.prefixes.as_slice() {
        [] => String::new(),
        all => format!(", for {}", listed(all)),
    };
    let what = format!("it {does}{prefixes}");
    match (around.only_listens(), does.addresses, does.boot) {
        (true, ..) => format!("{what}; we only listen"),
        (false, true, false) => format!("{what}; we give settings and boot data beside it"),
        (false, true, true) => format!(
            "{what}; machines boot what comes with their address, so take option 59 out there, or have \
             it name our URL"
        ),
        (false, false, _) => what,
    }
}

/// What it breaks.
fn harm(entry: &Entry, around: &Around6<'_>) -> String {
    let (does, subnet) = (entry.does, around.subnet());
    let mut harms = Vec::new();
    if as_server(entry, around) == Standing::Rogue {
        harms.push(match (around.gives(), does.addresses) {
            (true, true) => two_servers(does, &subnet, &Giver::Us),
            (false, true) => {
                let first = around.addresses.filter(|_| around.is_open());
                let first = first.map(|first| first.server);
                two_servers(does, &subnet, &first.map_or(Giver::Declared, Giver::First))
            }
            (_, false) => format!(
                "it names a boot file on {subnet} beside others: machines take whoever comes first, so \
                 some boot what it names"
            ),
        });
    }
    let foreign = around.foreign(entry);
    if !foreign.is_empty() {
        let others = match (around.advertised(), around.first_router()) {
            (Some(network), _) => format!("we announce {}", network.subnet),
            (None, Some(first)) => {
                format!("{} announces {}", first.server, listed(&first.announced.prefixes))
            }
            (None, None) => "`others` names those that may".to_owned(),
        };
        harms.push(format!(
            "ANOTHER ROUTER ANNOUNCES ADDRESSES on {subnet}: it has machines make themselves some of {}, \
             and {others}. What a machine asks from such an address is of no network of ours, and what it \
             sends to the world goes where that router leads",
            listed(foreign)
        ));
    }
    if around.takes_the_way(entry) {
        harms.push(format!(
            "ANOTHER ROUTER on {subnet}: `others` names those that may lead to the world, and what a \
             machine sends there may go where this one leads"
        ));
    }
    harms.join(". ")
}

fn listed(prefixes: &[Subnet6]) -> String {
    let all: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
    all.join(", ")
}
