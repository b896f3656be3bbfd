//! The store under restarts, kills, upgrades, jumping clocks, full disks and bytes that flip.

mod copies;
mod disk;
mod facts;
mod faults;
mod kills;
mod measure;
mod operators;
mod times;
mod upgrade;

use super::sqlite::{FILE_NAME, How, Sqlite};
use super::{Facts, Store, StoreError};
use model::lease::{Lease6, LeaseState, Reservation, Reservation6};
use model::rule::Profile;
use model::template::Template;
use model::{Batch, Deployment};
use model::{Change, HardwareAddress, Image, Lease, Loader, Machine, Now, Webhook};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Names the state directory to a test that runs as a child, to be killed.
const CHILD_STATE: &str = "SITE_TEST_CHILD_STATE";

/// At which place of an upgrade the child waits to be killed.
const CHILD_STAGE: &str = "SITE_TEST_CHILD_STAGE";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn lease(number: u32) -> Lease {
    Lease {
        address: Ipv4Addr::from(0x0a00_0000 + number),
        network: "lan0".to_owned(),
        hardware: HardwareAddress::mac([2, 0, 0, 0, 0, 1]),
        client_id: Some(vec![1, 2, 0, 0, 0, 0, 1]),
        host_name: Some("node".to_owned()),
        since: Now(1),
        until: Some(Now(2)),
        state: LeaseState::Bound,
    }
}

fn leases_of(numbers: impl IntoIterator<Item = u32>) -> Vec<Change> {
    numbers.into_iter().map(|number| Change::Lease(lease(number))).collect()
}

/// Facts by their name, so that two sets of them can be compared.
fn by_name(changes: &[Change]) -> BTreeMap<String, Change> {
    let mut facts = BTreeMap::new();
    for change in changes {
        match change {
            Change::LeaseGone(_) | Change::MachineGone(_) | Change::ProfileGone(_) => {
                if let Change::MachineGone(hardware) = change {
                    facts.remove(&parts_of(hardware));
                    facts.remove(&format!("power {hardware}"));
                }
                facts.remove(&name(change));
            }
            Change::ImageGone(..)
            | Change::LoaderGone(_)
            | Change::ReservationGone(_)
            | Change::Lease6Gone(_)
            | Change::Reservation6Gone(_)
            | Change::UserGone(_)
            | Change::ApiTokenGone(_)
            | Change::WebhookGone(_) => {
                facts.remove(&name(change));
            }
            Change::Names(_, all) if all.is_empty() => {
                facts.remove(&name(change));
            }
            Change::Published(_, None)
            | Change::PowerGone(_)
            | Change::TemplateGone(_)
            | Change::SecretGone(_)
            | Change::DeploymentGone(_)
            | Change::BatchGone(_) => {
                facts.remove(&name(change));
            }
            Change::DeclaredGone(_) => {
                facts.remove(&name(change));
            }
            Change::PastGone(before) => facts.retain(|_, fact| match fact {
                Change::LeasePast(lease) => lease.until.is_none_or(|until| until >= *before),
                _ => true,
            }),
            kept => {
                facts.insert(name(kept), kept.clone());
            }
        }
    }
    facts
}

fn parts_of(hardware: &HardwareAddress) -> String {
    format!("parts of {hardware}")
}

fn name(change: &Change) -> String {
    match change {
        Change::Lease(Lease { address, .. }) | Change::LeaseGone(address) => {
            format!("lease {address}")
        }
        Change::LeasePast(Lease { address, since, until, .. }) => {
            format!("past {address} {since:?} {until:?}")
        }
        Change::PastGone(_) => "past".to_owned(),
        Change::Reservation(Reservation { address, .. }) | Change::ReservationGone(address) => {
            format!("reservation {address}")
        }
        Change::Lease6(Lease6 { address, .. }) | Change::Lease6Gone(address) => {
            format!("lease6 {address}")
        }
        Change::Reservation6(Reservation6 { address, .. }) | Change::Reservation6Gone(address) => {
            format!("reservation6 {address}")
        }
        Change::Machine(Machine { hardware, .. }) | Change::MachineGone(hardware) => {
            format!("machine {hardware}")
        }
        Change::Hardware(hardware, _) => parts_of(hardware),
        Change::Power(hardware, _) | Change::PowerGone(hardware) => format!("power {hardware}"),
        Change::Profile(Profile { name, .. }) | Change::ProfileGone(name) => {
            format!("profile {name}")
        }
        Change::Rules(_) => "rules".to_owned(),
        Change::Menu(link, _) => format!("menu {link:?}"),
        Change::Image(Image { name, version, .. }) | Change::ImageGone(name, version) => {
            format!("image {name} {version}")
        }
        Change::Channels(name, _) => format!("channels {name}"),
        Change::Loader(Loader { name, .. }) | Change::LoaderGone(name) => format!("loader {name}"),
        Change::Template(Template { name, .. }) | Change::TemplateGone(name) => {
            format!("template {name}")
        }
        Change::Secret(name, _) | Change::SecretGone(name) => format!("secret {name}"),
        Change::Deployment(Deployment { id, .. }) | Change::DeploymentGone(id) => {
            format!("deployment {id}")
        }
        Change::Batch(Batch { id, .. }) | Change::BatchGone(id) => format!("batch {id}"),
        Change::User(model::User { name, .. }) | Change::UserGone(name) => format!("user {name}"),
        Change::ApiToken(model::ApiToken { id, .. }) | Change::ApiTokenGone(id) => {
            format!("token {id}")
        }
        // Only the last is a fact; the others are read in pages.
        Change::Audit(_) => "audit".to_owned(),
        Change::Names(name, _) => format!("name {name}"),
        Change::Webhook(Webhook { name, .. }) | Change::WebhookGone(name) => {
            format!("webhook {name}")
        }
        Change::Published(at, _) => format!("published {at}"),
        Change::Restored(_) => "restored".to_owned(),
        Change::Declared(what, _) | Change::DeclaredGone(what) => format!("declared {what}"),
    }
}

async fn reopened(state: &Path) -> Facts {
    let mut store = Store::open(state).await.unwrap();
    let facts = store.load().await.unwrap();
    store.close().await;
    facts
}

fn leases(facts: &Facts) -> BTreeSet<u32> {
    let number = |change: &Change| match change {
        Change::Lease(lease) => Some(u32::from(lease.address) - 0x0a00_0000),
        _ => None,
    };
    facts.changes.iter().filter_map(number).collect()
}

/// Starts one of the tests below in a process of its own.
fn child(test: &str, state: &Path, stage: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("store::tests::{test}"), "--nocapture", "--test-threads=1"])
        .env(CHILD_STATE, state)
        .env(CHILD_STAGE, stage)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads the child's lines `kept N` until one satisfies `enough`, then ends it by SIGKILL.
fn kill_when(mut child: Child, enough: impl Fn(u32) -> bool) -> u32 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut last = 0;
    for line in lines {
        let line = line.unwrap();
        let Some((_, number)) = line.split_once("kept ") else { continue };
        last = number.parse().unwrap();
        if enough(last) {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    last
}

/// Skips a test aloud; where everything should be there, fails it.
fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "under CI this has to run: {why}");
    eprintln!("SKIPPED: {why}");
}
