//! What is decided while something is being kept, and what the space that was set aside is for.

use super::*;
use crate::owner::MINUTE;
use engine::Destination;
use model::By;

use model::Network;
use model::network::Mode;
use wire::dhcp4::{self, Message, MessageType, code};

#[tokio::test]
async fn what_is_decided_meanwhile_waits_for_a_sync_of_its_own() {
    let double = Double::gated();
    let site = site(&double).await;
    let mut first = site.try_dhcp(says("lease 1"));
    settled().await;
    let mut second = site.try_dhcp(says("lease 2"));
    let mut rests = site.try_dhcp(says("again 1"));
    let mut offer = site.try_dhcp(says("offer"));
    settled().await;
    assert_eq!(double.script.lock().unwrap().log, ["write"]);
    assert!(at_once(&mut offer).is_ready(), "an offer waits for nothing");
    assert!(at_once(&mut first).is_pending() && at_once(&mut rests).is_pending());

    double.gate.add_permits(1);
    settled().await;
    assert!(at_once(&mut first).is_ready());
    assert!(at_once(&mut second).is_pending(), "its own sync has not ended");
    assert_eq!(double.script.lock().unwrap().log, ["write", "synced", "write"]);
    double.gate.add_permits(1);
    assert!(second.await.is_some() && rests.await.is_some());
}

#[tokio::test]
async fn what_rests_on_a_batch_that_fails_falls_with_it() {
    let double = Double::gated();
    let site = site(&double).await;
    let first = site.try_dhcp(says("lease 1"));
    settled().await;
    let (second, rests) = (site.try_dhcp(says("lease 2")), site.try_dhcp(says("again 1")));
    settled().await;
    double.script.lock().unwrap().fail.push_back(Double::full());
    double.gate.add_permits(9);
    assert_eq!((first.await, second.await, rests.await), (None, None, None));
    assert_eq!(bound(&site).await, [0_u8; 0], "memory is not ahead of the disk");
    assert_eq!(double.script.lock().unwrap().kept.len(), 0, "nothing was kept on top of it");
    assert!(site.dhcp(says("lease 3")).await.is_some());
}

#[tokio::test]
async fn a_question_is_answered_from_the_disk() {
    let double = Double::gated();
    let site = site(&double).await;
    let _first = site.try_dhcp(says("lease 1"));
    settled().await;
    let mut asked = Box::pin(bound(&site));
    let mut context = Context::from_waker(Waker::noop());
    assert!(asked.as_mut().poll(&mut context).is_pending());
    settled().await;
    let _second = site.try_dhcp(says("lease 2"));
    settled().await;
    assert!(asked.as_mut().poll(&mut context).is_pending());
    double.gate.add_permits(1);
    let known = asked.await;
    assert_eq!(known, [1], "what came later is not on disk yet");
    double.gate.add_permits(1);
}

#[tokio::test]
async fn a_bug_while_something_is_kept_costs_that_request_alone() {
    let double = Double::gated();
    let site = site(&double).await;
    let first = site.try_dhcp(says("lease 1"));
    settled().await;
    let (bug, later) = (site.try_dhcp(says("panic")), site.try_dhcp(says("lease 2")));
    settled().await;
    double.gate.add_permits(9);
    assert!(first.await.is_some());
    assert_eq!(bug.await, None);
    assert!(later.await.is_some(), "decided by the engine made anew");
    assert_eq!(bound(&site).await, [1, 2]);
}

/// The real engine on one network, over a store that does as it is told.
async fn real(double: &Double) -> SiteHandle {
    let subnet = "10.0.0.0/24".parse().unwrap();
    let server = Ipv4Addr::new(10, 0, 0, 1);
    let network = Network {
        pools: vec!["10.0.0.100-10.0.0.199".parse().unwrap()],
        ..Network::new("lan0", Mode::Dhcp, server, subnet)
    };
    let settings = Settings { networks: vec![network], ..settings() };
    let options = Options { settings, ..options(Limits::default()) };
    start(Store::Double(double.clone()), None, options, Decide::default()).await.unwrap().0
}

fn message(kind: MessageType, client: u8, with: &[(u8, [u8; 4])]) -> Datagram {
    let mut options = dhcp4::Options::new();
    options.push(code::MESSAGE_TYPE, [kind.number()]);
    with.iter().for_each(|(code, value)| options.push(*code, *value));
    let message = Message { options, ..Message::request([2, 0, 0, 0, 0, client], client.into()) };
    Datagram { bytes: message.encode(1472).unwrap(), ..says("") }
}

async fn asks(
    site: &SiteHandle,
    kind: MessageType,
    client: u8,
    with: &[(u8, [u8; 4])],
) -> Option<Message> {
    let reply = site.dhcp(message(kind, client, with)).await?;
    assert!(matches!(reply.to, Destination::Link { .. } | Destination::Broadcast { .. }));
    Message::parse(&reply.bytes).ok()
}

async fn leases(site: &SiteHandle, client: u8) -> Option<Message> {
    let offer = asks(site, MessageType::Discover, client, &[]).await?;
    take(site, client, offer.yiaddr).await
}

async fn take(site: &SiteHandle, client: u8, address: Ipv4Addr) -> Option<Message> {
    let us = [10, 0, 0, 1];
    let with = [(code::REQUESTED_ADDRESS, address.octets()), (code::SERVER_ID, us)];
    asks(site, MessageType::Request, client, &with).await
}

#[tokio::test(start_paused = true)]
async fn on_a_full_disk_leases_are_renewed_from_what_was_set_aside_and_nothing_else_is_kept() {
    let double = Double::new();
    double.script.lock().unwrap().reserve = true;
    let site = real(&double).await;
    let first = leases(&site, 1).await.unwrap();
    double.script.lock().unwrap().fail.push_back(Double::full());
    double.script.lock().unwrap().restore_fails = 1;

    assert!(leases(&site, 2).await.is_none(), "silence, no NAK");
    let alarms: Vec<String> = site.latest().iter().map(|e| e.what.to_string()).collect();
    assert!(alarms.iter().any(|a| a.contains("still renewed")), "{alarms:?}");
    assert!(take(&site, 1, first.yiaddr).await.is_some(), "a renewal");
    assert!(asks(&site, MessageType::Discover, 3, &[]).await.is_none(), "not even an offer");
    let refused = site
        .command(By::server(), Command::ReleaseLease(first.yiaddr.into()), false)
        .await
        .unwrap_err();
    assert!(matches!(refused, SiteError::NotKept(_)));

    // Ten seconds later there is still no space, twenty later there is.
    tokio::time::advance(crate::owner::failing::SPACE_PAUSE).await;
    assert!(take(&site, 1, first.yiaddr).await.is_some());
    assert!(leases(&site, 2).await.is_none());
    tokio::time::advance(MINUTE).await;
    settled().await;
    assert!(leases(&site, 2).await.is_some(), "without a restart");
    let told = site.latest();
    assert!(told.iter().any(|e| e.what.to_string().contains("has space again")));
}
