//! A server that is told of names, by messages: what it ends with, whatever goes wrong between.

use super::answer::code;
use super::*;
use crate::names::Name;
use model::Now;
use model::dns::Published;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use wire::dns::{Act, Data, Need, Update, kind};

mod answers;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn server() -> SocketAddr {
    "192.0.2.1:53".parse().unwrap()
}

fn node(who: u8, addresses: &[&str]) -> Published {
    let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
    Published { dhcid: format!("000001{who:064x}"), addresses, pointers: BTreeSet::new() }
}

fn wanted(names: &[(&str, Published)]) -> Wanted {
    let names = names.iter().map(|(n, what)| (name(n), what.clone())).collect();
    Wanted { names, until: None }
}

/// A primary server: RFC 2136 over a map.
#[derive(Clone, Debug, Default)]
struct Primary(BTreeMap<Name, Vec<Data>>);

impl Primary {
    fn take(&mut self, update: &Update) -> u16 {
        let of = |name: &Name| self.0.get(name).cloned().unwrap_or_default();
        for need in &update.needs {
            let broken = match need {
                Need::Unused(name) => (!of(name).is_empty()).then_some(code::YX_DOMAIN),
                Need::Without(name, kind) => {
                    of(name).iter().any(|data| data.kind() == *kind).then_some(code::YX_RRSET)
                }
                Need::Only(name, data) => {
                    let all: Vec<Data> =
                        of(name).into_iter().filter(|other| other.kind() == data.kind()).collect();
                    (all != [data.clone()]).then_some(code::NX_RRSET)
                }
            };
            if let Some(code) = broken {
                return code;
            }
        }
        for act in &update.acts {
            match act {
                Act::Add(name, _, data) => {
                    let all = self.0.entry(name.clone()).or_default();
                    if !all.contains(data) {
                        all.push(data.clone());
                    }
                }
                Act::Remove(name, data) => self.retain(name, |other| other != data),
                Act::RemoveAll(name, kind) => self.retain(name, |other| other.kind() != *kind),
            }
        }
        code::NO_ERROR
    }

    fn retain(&mut self, name: &Name, keep: impl Fn(&Data) -> bool) {
        if let Some(all) = self.0.get_mut(name) {
            all.retain(keep);
        }
        self.0.retain(|_, all| !all.is_empty());
    }

    fn addresses(&self, of: &str) -> Vec<String> {
        let all = self.0.get(&name(of)).into_iter().flatten();
        let mut all: Vec<String> = all
            .filter_map(|data| match data {
                Data::A(address) => Some(address.to_string()),
                Data::Aaaa(address) => Some(address.to_string()),
                _ => None,
            })
            .collect();
        all.sort();
        all
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Luck {
    Arrives,
    Lost,
    /// It is done, but nobody hears of it.
    AnswerLost,
    Refused,
    /// We are killed before it leaves, or before its answer is heard.
    Killed(bool),
}

struct World {
    primary: Primary,
    disk: BTreeMap<Name, Published>,
    ours: Publication,
    wanted: Wanted,
    now: Now,
    news: Vec<String>,
}

impl World {
    fn new() -> Self {
        let ours = Self::started(BTreeMap::new());
        let (primary, disk, wanted) = (Primary::default(), BTreeMap::new(), Wanted::default());
        Self { primary, disk, ours, wanted, now: Now(1000), news: Vec::new() }
    }

    fn started(kept: BTreeMap<Name, Published>) -> Publication {
        Publication::new(server(), name("lab.example"), Vec::new(), 300, kept)
    }

    fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.ours.want(self.now, &self.wanted);
    }

    fn killed(&mut self) {
        self.ours = Self::started(self.disk.clone());
        self.ours.want(self.now, &self.wanted);
    }

    /// One step with this luck; false where there is nothing to do now.
    fn step(&mut self, luck: Luck) -> bool {
        match self.ours.next(self.now) {
            Next::Keep(changes) => {
                if matches!(luck, Luck::Killed(_)) {
                    self.killed();
                    return true;
                }
                let full = luck == Luck::Lost;
                for (name, what) in changes.into_iter().filter(|_| !full) {
                    match what {
                        Some(what) => drop(self.disk.insert(name, what)),
                        None => drop(self.disk.remove(&name)),
                    }
                }
                let went = if full { Err("the disk is full".to_owned()) } else { Ok(()) };
                self.ours.kept(self.now, went);
            }
            Next::Send(name, update) => {
                for act in &update.acts {
                    let Act::Add(of, ..) = act else { continue };
                    assert!(self.disk.contains_key(of), "{of} is put down before it is sent");
                }
                let silent = || Err(Failure::Silent("no answer".to_owned()));
                let went = match luck {
                    Luck::Arrives => Ok(self.primary.take(&update)),
                    Luck::Lost => silent(),
                    Luck::AnswerLost => {
                        self.primary.take(&update);
                        silent()
                    }
                    Luck::Refused => Ok(code::REFUSED),
                    Luck::Killed(before) => {
                        if !before {
                            self.primary.take(&update);
                        }
                        self.killed();
                        return true;
                    }
                };
                self.ours.heard(self.now, &name, went);
            }
            Next::Wait(_) => return false,
        }
        self.news.extend(self.ours.news());
        true
    }

    /// Everything that can be done within an hour.
    fn run(&mut self) {
        let end = self.now + Duration::from_secs(3600);
        for _ in 0..10_000 {
            if self.step(Luck::Arrives) {
                continue;
            }
            match self.ours.next(self.now) {
                Next::Wait(Some(at)) if at <= end => self.now = at.max(self.now),
                _ => break,
            }
        }
    }
}

#[test]
fn a_lease_is_published_and_its_end_takes_it_away() {
    let mut world = World::new();
    world.want(wanted(&[("node.lab.example", node(1, &["10.77.0.5", "fd77::5"]))]));
    world.run();
    assert_eq!(world.primary.addresses("node.lab.example"), ["10.77.0.5", "fd77::5"]);
    let standing = world.ours.standing();
    assert_eq!((standing.published, standing.waiting, standing.failing), (1, 0, None));
    world.want(wanted(&[("node.lab.example", node(1, &["10.77.0.6"]))]));
    world.run();
    assert_eq!(world.primary.addresses("node.lab.example"), ["10.77.0.6"]);
    // Another machine calls itself so.
    world.want(wanted(&[("node.lab.example", node(2, &["10.77.0.7"]))]));
    world.run();
    assert_eq!(world.primary.addresses("node.lab.example"), ["10.77.0.7"]);
    world.want(Wanted::default());
    world.run();
    assert!(world.primary.0.is_empty(), "{:?}", world.primary);
    assert!(world.disk.is_empty(), "nothing is left to be remembered: {:?}", world.disk);
    assert_eq!(world.news, [""; 0]);
}

#[test]
fn what_somebody_else_put_there_stays_and_is_said_once() {
    let mut world = World::new();
    let theirs = Data::A([10, 1, 1, 1].into());
    world.primary.0.insert(name("www.lab.example"), vec![theirs.clone()]);
    world.want(wanted(&[
        ("www.lab.example", node(1, &["10.77.0.5"])),
        ("node.lab.example", node(2, &["10.77.0.6"])),
    ]));
    world.run();
    assert_eq!(world.primary.0.get(&name("www.lab.example")), Some(&vec![theirs]));
    assert_eq!(world.primary.addresses("node.lab.example"), ["10.77.0.6"]);
    assert_eq!(world.news.len(), 1, "{:?}", world.news);
    assert!(world.news[0].starts_with("www.lab.example is not published at 192.0.2.1:53"));
    assert_eq!(world.ours.standing().foreign, ["www.lab.example"]);
    // Its lease ends: nothing of theirs goes.
    world.want(Wanted::default());
    world.run();
    assert_eq!(world.primary.addresses("www.lab.example"), ["10.1.1.1"]);
    assert!(world.ours.standing().foreign.is_empty());
    // They go: with the next try the name is ours.
    world.want(wanted(&[("www.lab.example", node(1, &["10.77.0.5"]))]));
    world.run();
    world.primary.0.clear();
    world.run();
    assert_eq!(world.primary.addresses("www.lab.example"), ["10.77.0.5"]);
}

#[test]
fn what_another_server_put_there_for_the_same_machine_is_replaced() {
    let mut world = World::new();
    let dhcid = Dhcid::kept(&node(1, &[]).dhcid).unwrap().data();
    let old = vec![Data::A([10, 9, 9, 9].into()), Data::Aaaa("fd99::9".parse().unwrap()), dhcid];
    world.primary.0.insert(name("node.lab.example"), old);
    world.want(wanted(&[("node.lab.example", node(1, &["10.77.0.5"]))]));
    world.run();
    let left = world.primary.addresses("node.lab.example");
    assert_eq!(left, ["10.77.0.5", "fd99::9"], "of types that we do not give, theirs stay");
}

#[test]
fn a_silent_server_rests_longer_and_longer_and_is_told_of_once() {
    let mut world = World::new();
    world.want(wanted(&[("node.lab.example", node(1, &["10.77.0.5"]))]));
    assert!(world.step(Luck::Arrives), "it is put down");
    let mut pauses = Vec::new();
    for _ in 0..8 {
        assert!(world.step(Luck::Lost));
        let Next::Wait(Some(at)) = world.ours.next(world.now) else { panic!("it waits") };
        pauses.push(at.since(world.now).as_secs());
        world.now = at;
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 30, 30, 30]);
    let told = world.news.iter().filter(|news| news.contains("are not published in")).count();
    assert_eq!(told, 1, "{:?}", world.news);
    world.run();
    assert!(world.news.last().unwrap().ends_with("again"), "{:?}", world.news);
    assert_eq!(world.primary.addresses("node.lab.example"), ["10.77.0.5"]);
}

#[test]
fn nothing_is_sent_while_it_cannot_be_put_down() {
    let mut world = World::new();
    world.want(wanted(&[("node.lab.example", node(1, &["10.77.0.5"]))]));
    assert!(world.step(Luck::Lost));
    assert!(matches!(world.ours.next(world.now), Next::Wait(Some(at)) if at > world.now));
    assert!(world.primary.0.is_empty() && world.news[0].contains("the disk is full"));
    world.run();
    assert_eq!(world.primary.addresses("node.lab.example"), ["10.77.0.5"]);
}

#[test]
fn one_name_that_is_refused_keeps_no_other_back() {
    let mut world = World::new();
    world.want(wanted(&[
        ("a.lab.example", node(1, &["10.77.0.5"])),
        ("b.lab.example", node(2, &["10.77.0.6"])),
    ]));
    loop {
        let luck = match world.ours.clone().next(world.now) {
            Next::Send(of, _) if of == name("a.lab.example") => Luck::Refused,
            _ => Luck::Arrives,
        };
        if !world.step(luck) {
            break;
        }
    }
    assert_eq!(world.primary.addresses("b.lab.example"), ["10.77.0.6"]);
    let [(refused, why)] = &world.ours.standing().refused[..] else { panic!() };
    assert_eq!((refused.as_str(), why), ("a.lab.example", &Failure::Code(code::REFUSED)));
    assert!(why.hint().contains("update-policy"), "{}", why.hint());
    world.run();
    assert_eq!(world.primary.addresses("a.lab.example"), ["10.77.0.5"]);
}

/// What happens in a random world.
#[derive(Clone, Debug)]
enum Happens {
    /// A name is of somebody with these addresses, or of nobody.
    Want(u8, Option<(u8, u8)>),
    Step(Luck),
    Time(u16),
    /// Somebody else takes a name, if it is free, or gives it back.
    Theirs(u8, bool),
}

fn happens() -> impl Strategy<Value = Happens> {
    let luck = prop_oneof![
        6 => Just(Luck::Arrives),
        1 => Just(Luck::Lost),
        1 => Just(Luck::AnswerLost),
        1 => Just(Luck::Refused),
        1 => any::<bool>().prop_map(Luck::Killed),
    ];
    prop_oneof![
        3 => (0..4_u8, proptest::option::of((0..3_u8, 1..4_u8)))
            .prop_map(|(name, who)| Happens::Want(name, who)),
        12 => luck.prop_map(Happens::Step),
        2 => (0..400_u16).prop_map(Happens::Time),
        1 => (0..4_u8, any::<bool>()).prop_map(|(name, takes)| Happens::Theirs(name, takes)),
    ]
}

fn host(n: u8) -> String {
    format!("n{n}.lab.example")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is lost, refused, killed or in the way: in the end exactly what is wanted is there, and
    /// what is somebody else's is as he left it.
    #[test]
    fn every_world_ends_with_what_is_wanted(all in proptest::collection::vec(happens(), 1..60)) {
        let mut world = World::new();
        world.want(Wanted::default());
        let theirs = vec![Data::A([10, 1, 1, 1].into())];
        let is_theirs = |all: Option<&Vec<Data>>| all == Some(&theirs);
        for one in all {
            match one {
                Happens::Want(n, who) => {
                    let mut next = world.wanted.clone();
                    next.names.remove(&name(&host(n)));
                    if let Some((who, addresses)) = who {
                        let mut what = node(who, &[]);
                        if addresses & 1 > 0 {
                            what.addresses.insert(IpAddr::from([10, 77, who, n]));
                        }
                        if addresses & 2 > 0 {
                            what.addresses.insert(IpAddr::from([0xfd77, 0, 0, 0, 0, 0, who.into(), n.into()]));
                        }
                        next.names.insert(name(&host(n)), what);
                    }
                    world.want(next);
                }
                Happens::Step(luck) => drop(world.step(luck)),
                Happens::Time(s) => world.now = world.now + Duration::from_secs(s.into()),
                Happens::Theirs(n, true) => {
                    world.primary.0.entry(name(&host(n))).or_insert_with(|| theirs.clone());
                }
                Happens::Theirs(n, false) => {
                    let of = name(&host(n));
                    if is_theirs(world.primary.0.get(&of)) {
                        world.primary.0.remove(&of);
                    }
                }
            }
        }
        world.run();
        for n in 0..4 {
            let of = name(&host(n));
            let there = world.primary.0.get(&of);
            let known = world.ours.standing().foreign.contains(&host(n));
            match world.wanted.names.get(&of) {
                _ if is_theirs(there) => {
                    prop_assert_eq!(known, world.wanted.names.contains_key(&of));
                    prop_assert!(!world.disk.contains_key(&of));
                }
                None => {
                    prop_assert_eq!(there, None);
                    prop_assert!(!world.disk.contains_key(&of));
                }
                Some(what) => {
                    let mut addresses: Vec<String> =
                        what.addresses.iter().map(ToString::to_string).collect();
                    addresses.sort();
                    prop_assert_eq!(world.primary.addresses(&host(n)), addresses);
                    prop_assert!(there.unwrap().iter().any(|data| data.kind() == kind::DHCID));
                    prop_assert_eq!(world.disk.get(&of), Some(what));
                }
            }
        }
        let standing = world.ours.standing();
        prop_assert_eq!((standing.waiting, standing.failing), (0, None));
    }
}
