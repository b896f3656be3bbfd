//! The audit log under kills: what was acknowledged is in it, and the chain is whole.

use super::*;
use crate::{AuditEntry, Limits, Options, Site, SiteHandle, WallClock};
use access::chain;
use engine::{BootDefaults, Command as Wish, Settings};
use model::By;
use std::sync::Arc;

async fn site(state: &Path) -> (SiteHandle, tokio::task::JoinHandle<()>) {
    let settings = Settings {
        server_name: "lab".to_owned(),
        networks: Vec::new(),
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    };
    let clock = Arc::new(WallClock::new());
    let options = Options { state: state.to_owned(), settings, clock, limits: Limits::default() };
    Site::start(options).await.unwrap()
}

fn mac(number: u32) -> HardwareAddress {
    let [_, b, c, d] = number.to_be_bytes();
    HardwareAddress::mac([2, 0, 0, b, c, d])
}

/// Not a test by itself: adds one machine after the other until it is killed.
#[test]
fn child_that_commands() {
    let Ok(state) = std::env::var(CHILD_STATE) else { return };
    runtime().block_on(async {
        let (site, _owner) = site(Path::new(&state)).await;
        let from = site.ask(|engine, _| engine.machines().count()).await.unwrap() as u32;
        for number in from.. {
            let (machine, labels) = (mac(number).to_string(), Vec::new());
            let wish = Wish::SetMachine {
                machine,
                name: None,
                profile: None,
                labels,
                settings: Vec::new(),
                notes: None,
            };
            site.command(By::server(), wish, false).await.unwrap();
            println!("kept {number}");
        }
    });
}

#[tokio::test]
async fn a_kill_leaves_a_whole_chain_with_all_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    // Made by the server itself, so that nobody else may read it.
    let state = folder.path().join("state");
    let mut next = 0;
    for round in 1..=5 {
        let running = child("operators::child_that_commands", &state, "");
        let last = kill_when(running, |number| number >= next + 5 * round);

        let (site, owner) = site(&state).await;
        let machines = site.ask(|engine, _| engine.machines().count()).await.unwrap() as u32;
        assert!(machines > last, "round {round}: {last} was acknowledged, {machines} are there");
        let mut walk = chain::Walk::new([]);
        let mut from = 0;
        loop {
            let page = site.audit(from, crate::AUDIT_PAGE_MAX).await.unwrap();
            for entry in &page {
                let AuditEntry::Record(record) = entry else { panic!("{entry:?}") };
                walk.record(record);
                from = record.seq + 1;
            }
            if page.len() < crate::AUDIT_PAGE_MAX {
                break;
            }
        }
        let verdict = walk.end();
        assert_eq!(verdict.wrong, None, "round {round}");
        assert_eq!(
            verdict.head.seq,
            u64::from(machines),
            "one record for each, none for what is not"
        );
        let head = site.ask(|engine, _| engine.audit_head()).await.unwrap();
        assert_eq!(head, verdict.head);
        next = machines;
        site.stop().await;
        owner.await.unwrap();
    }
    assert!(next > 50, "{next}");
}
