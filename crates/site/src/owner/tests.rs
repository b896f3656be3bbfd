//! The promises of the loop, on a store that does as it is told and on a real one.

use super::failing::REOPEN_PAUSE;
use super::*;
use crate::store::double::Double;
use crate::{Clock, Heard, Limits, Ready};
use engine::dhcp::Destination;
use engine::{Answer, BootDefaults};
use model::Life;
use model::lease::LeaseState;
use model::life::Move;
use model::plan::Why;
use model::rule::Profile;
use model::{By, Change, Channel, Event, Happening, HardwareAddress, Lease, Machine};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

mod under_way;

fn settings() -> Settings {
    Settings {
        server_name: "lab".to_owned(),
        networks: Vec::new(),
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

fn options(limits: Limits) -> Options {
    let clock: Arc<dyn Clock> = Arc::new(|| Now(1_000_000));
    Options { state: Path::new("/state").to_owned(), settings: settings(), clock, limits }
}

async fn site(double: &Double) -> SiteHandle {
    site_on(Store::Double(double.clone()), Limits::default()).await.0
}

async fn site_on(store: Store, limits: Limits) -> (SiteHandle, JoinHandle<()>) {
    start(store, None, options(limits), DECIDE).await.unwrap()
}

/// Decisions that do what the message says: `lease 7` binds 10.0.0.7 and says so, `again 7` says so
/// if it is bound, `machine 7` files a machine, `offer` changes nothing and answers with a real
/// OFFER. A conflict takes the address; the minute ends the lease of 10.0.0.99.
const DECIDE: Decide = Decide {
    dhcp,
    dhcp6: Engine::dhcp6,
    file: Engine::file,
    command,
    conflict,
    overhear: Engine::overhear,
    tidy,
};

fn conflict(
    engine: &mut Engine,
    now: Now,
    _: &str,
    check: &Check,
    theirs: Option<HardwareAddress>,
) -> Noted {
    let taken = Lease { state: LeaseState::Conflict, ..lease(check.address.octets()[3]) };
    noted(engine, now, Change::Lease(taken), format!("{} is used by {theirs:?}", check.address))
}

fn tidy(engine: &mut Engine, now: Now) -> Noted {
    let old = lease(99).address;
    let known = engine.leases().any(|lease| lease.address == old);
    match known {
        true => noted(engine, now, Change::LeaseGone(old), "forgotten".to_owned()),
        false => Noted::default(),
    }
}

fn noted(engine: &mut Engine, at: Now, change: Change, text: String) -> Noted {
    engine.apply(&change);
    let event = Event::new(at, None, None, Happening::Changed { text });
    Noted { changes: vec![change], events: vec![event] }
}

fn dhcp(engine: &mut Engine, now: Now, datagram: &Datagram) -> Told<Outgoing> {
    let text = String::from_utf8(datagram.bytes.clone()).unwrap();
    let (word, number) = text.split_once(' ').unwrap_or((&text, "0"));
    let number: u8 = number.parse().unwrap();
    let changes = match word {
        "lease" => vec![Change::Lease(lease(number))],
        "machine" => vec![Change::Machine(machine(HardwareAddress::mac([2, 0, 0, 0, 0, number])))],
        "odd" => vec![Change::Machine(machine(HardwareAddress::new(1, &[1, 2, 3])))],
        "panic" => panic!("packet of death"),
        _ => Vec::new(),
    };
    changes.iter().for_each(|change| engine.apply(change));
    let bound = engine.leases().any(|l| l.address == lease(number).address);
    let answer = match word {
        "again" if !bound => Answer::Silence(Why::NoRecord(lease(number).address.into())),
        _ => Answer::Reply(outgoing(&text)),
    };
    let what = Happening::Answered {
        asked: text.into(),
        answer: "ACK".into(),
        address: None,
        file: None,
        because: Vec::new(),
    };
    let machine = Some(lease(number).hardware);
    let event = Event::new(now, machine, Some("lan0".to_owned()), what);
    Told { answer, changes, events: vec![event] }
}

fn command(_: &Engine, _: Now, command: Command) -> Result<Decided, Refusal> {
    match command {
        Command::SetProfile(p) => {
            Ok(Decided { says: format!("profile {}", p.name), changes: vec![Change::Profile(p)] })
        }
        Command::SetLife(name, life) => {
            assert_eq!(life, Life::Blocked);
            let machine = machine(name.parse().unwrap()).moved(Move::Block).unwrap();
            Ok(Decided { says: "blocked".to_owned(), changes: vec![Change::Machine(machine)] })
        }
        _ => Err(Refusal { why: "no".to_owned(), hint: None }),
    }
}

fn lease(number: u8) -> Lease {
    Lease {
        address: Ipv4Addr::new(10, 0, 0, number),
        network: "lan0".to_owned(),
        hardware: HardwareAddress::mac([2, 0, 0, 0, 0, number]),
        client_id: None,
        host_name: None,
        since: Now(1),
        until: None,
        state: LeaseState::Bound,
    }
}

fn machine(hardware: HardwareAddress) -> Machine {
    let mut machine = Machine::new(hardware, Now(1));
    machine.link = "lan0".to_owned();
    machine
}

fn says(text: &str) -> Datagram {
    Datagram {
        link: "lan0".to_owned(),
        from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
        to: Ipv4Addr::BROADCAST,
        port: 67,
        bytes: text.as_bytes().to_vec(),
    }
}

fn outgoing(text: &str) -> Outgoing {
    let bytes = match text {
        "offer" => [&[0; 240][..], &[53, 1, 2, 255]].concat(),
        text => text.as_bytes().to_vec(),
    };
    Outgoing {
        link: "lan0".to_owned(),
        from: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 67),
        to: Destination::Broadcast { port: 68 },
        bytes,
        delay: None,
        check: None,
    }
}

fn profile(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        image: "i".to_owned(),
        version: None,
        channel: Channel::Stable,
        args: String::new(),
        template: None,
        settings: Default::default(),
    }
}

/// What a reply is at this moment, without waiting.
fn at_once(reply: &mut crate::Reply) -> Poll<Option<Outgoing>> {
    pin!(reply).poll(&mut Context::from_waker(Waker::noop()))
}

/// Lets the owner run until it has nothing more to do. The runtime of these tests has one thread.
async fn settled() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

async fn bound(site: &SiteHandle) -> Vec<u8> {
    site.ask(|engine, _| engine.leases().map(|l| l.address.octets()[3]).collect()).await.unwrap()
}

fn alarms(site: &SiteHandle) -> usize {
    site.latest().iter().filter(|e| matches!(e.what, Happening::Alarm { .. })).count()
}

#[tokio::test]
async fn what_a_reply_promises_is_synced_before_it_leaves() {
    let double = Double::gated();
    let site = site(&double).await;
    let mut offer = site.try_dhcp(says("offer"));
    let mut ack = site.try_dhcp(says("lease 7"));
    let mut again = site.try_dhcp(says("again 7"));
    let mut late = site.try_dhcp(says("offer"));
    settled().await;

    assert_eq!(double.script.lock().unwrap().log, ["write"]);
    assert_eq!(at_once(&mut offer), Poll::Ready(Some(outgoing("offer"))), "it waits for no disk");
    assert_eq!(at_once(&mut late), Poll::Ready(Some(outgoing("offer"))), "nor for its batch");
    assert_eq!(at_once(&mut ack), Poll::Pending);
    assert_eq!(at_once(&mut again), Poll::Pending, "it has no change, but rests on one");
    assert_eq!(site.latest().len(), 2, "only the offers were told");

    double.gate.add_permits(1);
    assert_eq!(ack.await, Some(outgoing("lease 7")));
    assert_eq!(again.await, Some(outgoing("again 7")));
    assert_eq!(double.script.lock().unwrap().log, ["write", "synced"]);
    assert_eq!(site.latest().len(), 4);
}

#[tokio::test]
async fn all_that_waits_is_one_transaction_and_the_next_grows_meanwhile() {
    let double = Double::gated();
    let site = site(&double).await;
    let mut replies: Vec<_> =
        (0..100).map(|n| site.try_dhcp(says(&format!("lease {n}")))).collect();
    settled().await;
    replies.extend((100..150).map(|n| site.try_dhcp(says(&format!("lease {n}")))));
    settled().await;
    double.gate.add_permits(2);
    for reply in replies {
        assert!(reply.await.is_some());
    }

    let sizes: Vec<_> = double.script.lock().unwrap().kept.iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 50]);
    let counted = site.counted();
    assert_eq!((counted.commits, counted.changes), (2, 150));
}

#[tokio::test]
async fn what_cannot_be_kept_was_never_said() {
    let double = Double::new();
    let site = site(&double).await;
    assert!(site.dhcp(says("lease 1")).await.is_some());

    double.script.lock().unwrap().fail.push_back(Double::full());
    let (seven, again) = (site.try_dhcp(says("lease 7")), site.try_dhcp(says("again 7")));
    assert_eq!((seven.await, again.await), (None, None));
    let log = ["write", "synced", "write", "sync failed", "reserve released", "reopened"];
    settled().await;
    assert_eq!(double.script.lock().unwrap().log, log);
    assert_eq!(bound(&site).await, [1], "memory is not ahead of the disk");
    assert!(site.dhcp(says("again 7")).await.is_none());
    let told = site.recent(&lease(7).hardware);
    assert!(
        matches!(&told[0].what, Happening::Silent { why: Why::StoreFailed(why), .. } if why.contains("is full")),
        "{told:?}"
    );
    assert_eq!((alarms(&site), site.counted().commits_failed), (1, 1));

    assert!(site.dhcp(says("lease 8")).await.is_some(), "it goes on without a restart");
    assert_eq!(bound(&site).await, [1, 8]);
    let told = site.latest();
    assert!(told.iter().any(|e| e.to_string().contains("takes changes again")));
}

#[tokio::test]
async fn a_boot_answer_that_promises_nothing_survives_a_full_disk_a_command_does_not() {
    let double = Double::new();
    let site = site(&double).await;
    double.script.lock().unwrap().fail.extend([Double::full(), Double::full()]);

    assert!(site.dhcp(says("machine 3")).await.is_some());
    let block = Command::SetLife("02:00:00:00:00:03".to_owned(), Life::Blocked);
    let refused = site.command(By::server(), block, false).await.unwrap_err();
    assert!(matches!(refused, SiteError::NotKept(_)), "{refused}");
    assert_eq!(site.ask(|engine, _| engine.machines().count()).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_cannot_be_opened_nothing_is_decided() {
    let double = Double::new();
    let site = site(&double).await;
    assert!(site.dhcp(says("lease 1")).await.is_some());
    {
        let mut script = double.script.lock().unwrap();
        script.fail.push_back(Double::full());
        script.reopen_fails = 2;
    }
    assert!(site.dhcp(says("lease 7")).await.is_none());
    assert!(site.dhcp(says("offer")).await.is_none());
    assert!(site.command(By::server(), Command::SetProfile(profile("p")), false).await.is_err());
    assert!(site.ask(|engine, _| engine.leases().count()).await.is_err());

    tokio::time::advance(REOPEN_PAUSE).await;
    assert!(site.dhcp(says("offer")).await.is_none(), "the second try fails too");
    assert_eq!(alarms(&site), 2, "one for the write, one for the file");
    tokio::time::advance(REOPEN_PAUSE).await;
    assert!(site.dhcp(says("offer")).await.is_some());
    assert_eq!(bound(&site).await, [1]);
}

#[tokio::test]
async fn a_bug_in_one_request_costs_that_request() {
    let double = Double::new();
    let site = site(&double).await;
    let texts = ["lease 1", "panic", "odd", "lease 2", "again 1"];
    let mut answered = Vec::new();
    for reply in texts.map(|text| site.try_dhcp(says(text))) {
        answered.push(reply.await.is_some());
    }

    assert_eq!(answered, [true, false, true, true, true]);
    assert_eq!((site.counted().bugs, alarms(&site)), (1, 1));
    let alarm = site.latest().iter().find_map(|e| match &e.what {
        Happening::Alarm { text } => Some(text.clone()),
        _ => None,
    });
    assert!(
        alarm.unwrap().contains("packet of death, while serving: 5 bytes from 0.0.0.0:68 on lan0")
    );
    assert_eq!(site.ask(|engine, _| engine.machines().count()).await.unwrap(), 1);
    assert!(matches!(site.ask(|_, _| panic!("bug")).await, Err::<(), _>(SiteError::Bug(_))));
    assert_eq!(bound(&site).await, [1, 2]);
}

#[tokio::test]
async fn a_full_queue_drops_its_oldest_and_says_so() {
    let double = Double::gated();
    let limits = Limits { datagrams_max: 2, ..Limits::default() };
    let (site, _) = site_on(Store::Double(double.clone()), limits).await;
    let [first, second, third] = [1, 2, 3].map(|n| site.try_dhcp(says(&format!("lease {n}"))));
    double.gate.add_permits(9);

    assert_eq!(first.await, None);
    assert!(second.await.is_some() && third.await.is_some());
    assert_eq!((site.counted().dropped, alarms(&site)), (1, 1));
}

#[tokio::test]
async fn a_reply_without_room_is_dropped_and_the_owner_goes_on() {
    let site = site(&Double::new()).await;
    let (to, mut replies) = tokio::sync::mpsc::channel(2);
    site.hear([1, 2, 3].map(|n| Heard::from(says(&format!("lease {n}")))), &to);
    assert!(site.dhcp(says("lease 4")).await.is_some());
    let mut came = Vec::new();
    while let Ok(Ready { outgoing, asked }) = replies.try_recv() {
        assert_eq!(asked, None, "nothing is to be found out about it");
        came.push(outgoing.bytes);
    }
    assert_eq!(came, [b"lease 1", b"lease 2"]);
    assert_eq!(site.counted().unposted, 1);
    assert_eq!(bound(&site).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_conflict_is_kept_and_known_to_what_is_heard_later() {
    let double = Double::new();
    let site = site(&double).await;
    let check = Check {
        address: lease(7).address,
        hardware: lease(7).hardware,
        wait: Duration::from_millis(500),
        on_link: true,
    };
    assert!(site.conflict("lan0", check, Some(lease(8).hardware)));
    assert!(site.dhcp(says("again 7")).await.is_some(), "decided after the conflict");
    assert_eq!(double.script.lock().unwrap().kept.concat().len(), 1);
    assert_eq!(
        site.ask(|e, _| e.leases().next().unwrap().state).await.unwrap(),
        LeaseState::Conflict
    );
    assert!(site.latest()[0].to_string().contains("10.0.0.7 is used by"));
}

#[tokio::test(start_paused = true)]
async fn every_minute_time_does_its_work_and_the_moment_is_kept() {
    let double = Double::new();
    let site = site(&double).await;
    assert!(site.dhcp(says("lease 99")).await.is_some());
    assert_eq!(double.script.lock().unwrap().kept.len(), 1);

    tokio::time::advance(MINUTE).await;
    settled().await;
    assert_eq!(double.script.lock().unwrap().kept.len(), 2);
    assert_eq!(bound(&site).await, [0; 0]);
    assert!(site.latest().last().unwrap().to_string().contains("forgotten"));

    tokio::time::advance(MINUTE).await;
    settled().await;
    assert_eq!(double.script.lock().unwrap().kept.last(), Some(&Vec::new()), "only the moment");
    assert_eq!(alarms(&site), 0);
}

#[tokio::test]
async fn a_command_is_tried_refused_or_kept() {
    let double = Double::new();
    let site = site(&double).await;
    let profiles = |e: &Engine, _| e.profiles().map(|p| p.name.clone()).collect::<Vec<_>>();

    let tried = site.command(By::server(), Command::SetProfile(profile("p")), true).await.unwrap();
    assert!(!tried.kept && tried.says == "profile p" && tried.changes.len() == 1);
    assert!(site.ask(profiles).await.unwrap().is_empty());
    let refused = site.command(By::server(), Command::RemoveRule(1), false).await.unwrap_err();
    assert!(matches!(refused, SiteError::Refused(_)));

    let mut feed = site.events();
    assert!(
        site.command(By::server(), Command::SetProfile(profile("p")), false).await.unwrap().kept
    );
    assert_eq!(site.ask(profiles).await.unwrap(), ["p"]);
    assert_eq!(feed.recv().await.unwrap().to_string(), "profile p");
    assert_eq!(double.script.lock().unwrap().log, ["write", "synced"]);

    let block = Command::SetLife("02:00:00:00:00:03".to_owned(), Life::Blocked);
    site.command(By::server(), block, false).await.unwrap();
    assert_eq!(site.recent(&lease(3).hardware).len(), 1, "it stands in the machine's journal");

    let renamed = Settings { server_name: "other".to_owned(), ..settings() };
    site.configure(renamed).await.unwrap();
    let name = site.ask(|engine, _| engine.settings().server_name.clone()).await.unwrap();
    assert_eq!(name, "other");
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way() {
    let double = Double::gated();
    let (site, ended) = site_on(Store::Double(double.clone()), Limits::default()).await;
    let under_way = site.try_dhcp(says("lease 1"));
    settled().await;
    let waiting = site.try_dhcp(says("lease 2"));
    double.gate.add_permits(9);
    site.stop().await;
    ended.await.unwrap();

    assert!(under_way.await.is_some() && waiting.await.is_some());
    assert_eq!(double.script.lock().unwrap().kept.concat().len(), 2);
    assert_eq!(site.dhcp(says("lease 3")).await, None);
    let late = site.command(By::server(), Command::SetProfile(profile("p")), false).await;
    assert!(matches!(late, Err(SiteError::Stopped)));
    site.stop().await;
}

#[tokio::test]
async fn a_restart_with_a_wrong_clock_goes_on_where_it_was() {
    let state = tempfile::tempdir().unwrap();
    let store = Store::open(state.path()).await.unwrap();
    let (site, ended) = site_on(store, Limits::default()).await;
    assert!(site.dhcp(says("lease 1")).await.is_some());
    site.stop().await;
    ended.await.unwrap();

    let store = Store::open(state.path()).await.unwrap();
    let early = Options { clock: Arc::new(|| Now(5)), ..options(Limits::default()) };
    let (site, _) = start(store, None, early, DECIDE).await.unwrap();
    assert_eq!(site.now(), Now(1_000_000));
    assert_eq!((bound(&site).await, alarms(&site)), (vec![1], 1));
}

/// Real ENOSPC: a tmpfs of its own, filled by another file. Needs root.
#[tokio::test]
async fn a_full_disk_is_silence_and_passes_without_a_restart() {
    let parent = tempfile::tempdir().unwrap();
    let Some(state) = Tmpfs::mount(parent.path()) else {
        eprintln!("SKIPPED: no tmpfs can be mounted here");
        return;
    };
    let store = Store::open(state.0).await.unwrap();
    let (site, ended) = site_on(store, Limits::default()).await;
    assert!(site.dhcp(says("lease 1")).await.is_some());

    let filler = state.0.join("filler");
    let full = std::fs::write(&filler, vec![0; 64 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let mut silent = Vec::new();
    for number in 2..=250 {
        if site.dhcp(says(&format!("lease {number}"))).await.is_none() {
            silent.push(number);
        }
    }
    assert!(!silent.is_empty(), "nothing was refused on a full disk");
    let known = bound(&site).await;
    assert!(silent.iter().all(|number| !known.contains(number)));

    std::fs::remove_file(&filler).unwrap();
    assert!(site.dhcp(says("lease 251")).await.is_some(), "{:?}", site.latest().last());
    let known = bound(&site).await;
    site.stop().await;
    ended.await.unwrap();
    let (site, ended) = site_on(Store::open(state.0).await.unwrap(), Limits::default()).await;
    assert_eq!(bound(&site).await, known);
    site.stop().await;
    ended.await.unwrap();
}

/// A small file system in memory, for the life of this value.
struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs"])
            .arg(at)
            .status();
        mount.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0).status();
    }
}
