//! One boot, and the next.

use crate::events::*;
use engine::story::{Limits, Stories};
use model::event::Carrier::{Http, Tftp};
use model::plan::Why;
use model::story::{BootStage, Did, Ending, Step, Story};
use model::{Event, Happening};
use std::net::{IpAddr, Ipv4Addr};

fn told(now: u64, events: impl IntoIterator<Item = Event>) -> Vec<Story> {
    let mut stories = Stories::new(Limits::default());
    for event in events {
        stories.note(&event);
    }
    stories.of(at(now), &mac(1))
}

fn one(now: u64, events: impl IntoIterator<Item = Event>) -> Story {
    let mut stories = told(now, events);
    assert_eq!(stories.len(), 1, "{stories:#?}");
    stories.pop().unwrap()
}

#[test]
fn firmware_ipxe_kernel_and_system_are_one_boot() {
    let up = four(40_000, 1, 1, "system", 10);
    let story = one(50_000, [boot(0, 1), up].concat());
    assert_eq!(story.ending, Ending::SystemUp);
    assert_eq!(story.furthest, BootStage::System);
    assert_eq!(story.totals.bytes, 48_200_000);
    assert_eq!(story.totals.tftp_bytes, 200_000);
    assert_eq!(story.totals.files, 3);
    assert_eq!(story.totals.events, 13);
    assert_eq!((story.from, story.until), (at(0), at(40_010)));
    let gaps: Vec<String> = story.gaps.iter().map(ToString::to_string).collect();
    assert_eq!(
        gaps,
        [
            "4.0 s in which the machine said nothing: firmware waits for a second offer",
            "34 s in which the machine said nothing: the kernel starts: it unpacks its initrd and \
             looks for its hardware",
        ]
    );
}

#[test]
fn firmware_after_a_kernel_is_another_boot() {
    let stories = told(100_000, [boot(0, 1), boot(60_000, 1)].concat());
    let [first, second] = &stories[..] else { panic!("{stories:#?}") };
    assert_eq!(first.ending, Ending::KernelSent);
    assert_eq!(first.next, Some(second.id));
    assert_eq!(second.from, at(60_000));
    assert_eq!(first.steps.len(), second.steps.len());
}

#[test]
fn repetitions_of_firmware_are_one_boot() {
    let ask = |ms| said(ms, 1, 1, "uefi", "DISCOVER", "");
    let story = one(80_000, [ask(0), ask(4000), ask(12_000), ask(28_000)]);
    assert_eq!((story.totals.unanswered, story.totals.repeated), (4, 3));
    assert_eq!(story.gaps.len(), 4, "{:#?}", story.gaps);
    assert!(story.gaps.iter().take(3).all(|gap| gap.means.contains("was not answered")));
    assert_eq!(story.ending, Ending::GoesOn);
    let later = one(28_000 + 120_000, [ask(0), ask(4000), ask(12_000), ask(28_000)]);
    assert_eq!(later.ending, Ending::Stopped);
}

#[test]
fn the_same_firmware_after_a_loader_that_arrived_is_another_boot() {
    let once = |ms| {
        let loader = file(ms + 4100, 1, Tftp, "loader/snponly-x64.efi", 200_000, 80);
        [four(ms, 1, 1, "uefi", 4000), loader].concat()
    };
    assert_eq!(told(60_000, [once(0), once(9000), once(18_000)].concat()).len(), 3);
}

#[test]
fn another_card_and_another_way_belong_to_the_boot() {
    let loader = |ms| file(ms, 1, Tftp, "loader/snponly-x64.efi", 200_000, 80);
    let events = [
        four(0, 1, 1, "uefi", 4000),
        loader(4100),
        four(9000, 1, 2, "uefi", 4000),
        loader(13_100),
        four(20_000, 1, 1, "http", 4000),
    ];
    let story = one(25_000, events.concat());
    assert_eq!(story.cards, [mac(1), mac(2)]);
}

#[test]
fn addresses_of_both_kinds_belong_to_the_boot() {
    let to: IpAddr = "fd77::101".parse().unwrap();
    let (file, by) = ("/image/debian/1/linux".to_owned(), Http);
    let what = Happening::TransferStarted { file, by, to, size: 9, waited_ms: 1 };
    let story = one(6000, [four(0, 1, 1, "http", 4000), vec![event(5000, 1, what)]].concat());
    assert_eq!(story.addresses, [client(1), to]);
    assert_eq!(story.steps.last().map(|step| step.what.clone()).map(carried), Some(Some(to)));
}

fn carried(did: Did) -> Option<IpAddr> {
    match did {
        Did::Transfer(carried) => carried.to,
        _ => None,
    }
}

#[test]
fn a_request_for_the_server_beside_us_is_no_trouble() {
    let chose = |ms| {
        let why = Why::OtherServer(Ipv4Addr::new(10, 0, 0, 2));
        let what = Happening::Silent { asked: "REQUEST".into(), why };
        let mut event = event(ms, 1, what);
        event.speaker = Some(Box::new(speaker(1, "uefi")));
        event
    };
    let offer = said(0, 1, 1, "uefi", "DISCOVER", "proxy OFFER");
    let story = one(30_000, [offer.clone(), chose(4000)]);
    assert_eq!(story.totals.unanswered, 0);
    assert!(!story.steps.iter().any(Step::is_trouble));
    let [_, last] = &story.gaps[..] else { panic!("{:#?}", story.gaps) };
    assert!(last.means.starts_with("it chose another server"), "{}", last.means);
    // What nobody ended yet is not counted: the boot is told the same a year later.
    assert_eq!(story.totals.silent_ms, 4000);
    assert_eq!(one(1 << 40, [offer, chose(4000)]).totals, story.totals);
}

#[test]
fn renewals_are_of_no_boot() {
    let mut stories = Stories::new(Limits::default());
    for event in [boot(0, 1), four(40_000, 1, 1, "system", 10)].concat() {
        assert!(stories.note(&event).is_some());
    }
    let hour = 3_600_000;
    assert_eq!(stories.note(&said(hour, 1, 1, "renewal", "REQUEST", "ACK")), None);
    assert_eq!(stories.note(&said(hour, 1, 1, "system", "DISCOVER", "OFFER")), None);
    assert_eq!(stories.note(&started(hour, 1, Http, "/image/debian/1/pool/a.deb", 9)), None);
}

#[test]
fn the_end_of_a_transfer_belongs_where_it_began() {
    let mut stories = Stories::new(Limits::default());
    let mut ids = Vec::new();
    let begin = [
        four(0, 1, 1, "uefi", 4000),
        file(4100, 1, Tftp, "loader/a.efi", 200_000, 80),
        vec![script(5100, 1, "boot Debian"), started(5200, 1, Tftp, "image/debian/1/linux", 9000)],
        // Somebody pulled the plug.
        four(20_000, 1, 1, "uefi", 4000),
        vec![failed(65_000, 1, Tftp, "image/debian/1/linux", 500, "no ACK for 60 s")],
    ];
    for event in begin.concat() {
        ids.push(stories.note(&event).unwrap());
    }
    assert_ne!(ids[0], ids[6]);
    assert_eq!(ids[8], ids[0]);
    let of = stories.of(at(70_000), &mac(1));
    assert_eq!(of[0].totals.failed, 1);
    assert_eq!(of[0].totals.bytes, 200_500);
}
