//! Whatever events come: nothing panics, nothing is lost, nothing is out of order or past its limit.

use crate::events::*;
use crate::picture::well_formed;
use engine::story::picture::{svg, text};
use engine::story::{Limits, Stories};
use model::event::Carrier::{self, Http, Tftp};
use model::story::{BootId, Did, Story};
use model::{Event, Happening, Severity};
use proptest::prelude::*;
use std::collections::BTreeMap;

const FILES: [&str; 5] = [
    "loader/ipxe.efi",
    "image/debian/1/linux",
    "/image/debian/1/initrd.gz",
    "grub.cfg",
    "<&\"'>\u{7f}",
];

fn carrier() -> impl Strategy<Value = Carrier> {
    prop_oneof![Just(Tftp), Just(Http)]
}

fn happening() -> impl Strategy<Value = Happening> {
    let name = || prop::sample::select(&FILES[..]).prop_map(str::to_owned);
    let small = || 0..50_000_u64;
    prop_oneof![
        (name(), carrier(), small(), 0..9000_u64).prop_map(|(file, by, size, waited_ms)| {
            Happening::TransferStarted { file, by, to: client(1), size, waited_ms }
        }),
        (name(), carrier(), small(), small(), small(), 0..9_u64).prop_map(
            |(file, by, sent, size, took_ms, again)| {
                Happening::TransferProgress { file, by, sent, size, took_ms, again }
            }
        ),
        (name(), carrier(), small(), small(), 0..9_u64).prop_map(
            |(file, by, size, took_ms, again)| {
                Happening::TransferDone { file, by, size, took_ms, again }
            }
        ),
        (name(), carrier(), small(), small(), small()).prop_map(
            |(file, by, sent, size, took_ms)| {
                let (why, again) = ("it went away".to_owned(), 3);
                Happening::TransferFailed {
                    file,
                    by,
                    sent,
                    size,
                    why,
                    took_ms,
                    again,
                    cut: None,
                    to: None,
                }
            }
        ),
        prop::sample::select(&["boot Debian", "start the local disk", "show the boot menu"][..])
            .prop_map(|decision| script(0, 1, decision).what),
        prop::sample::select(&["claimed", "begun", "progress", "done", "failed", "armed"][..])
            .prop_map(|step| Happening::Deployment {
                deployment: "d1".to_owned(),
                step: step.to_owned(),
                says: String::new(),
            }),
        Just(Happening::Syslog { severity: Severity::Info, app: None, text: "line".to_owned() }),
        Just(Happening::Alarm { text: "alarm".to_owned() }),
        Just(Happening::Changed { text: "changed".to_owned() }),
        Just(Happening::MachineAppeared { says: "new".to_owned() }),
    ]
}

fn one_event() -> impl Strategy<Value = Event> {
    let who = prop::sample::select(&["uefi", "http", "bios", "ipxe", "system", "renewal"][..]);
    let asked = prop::sample::select(&["DISCOVER", "REQUEST", "REQUEST on 4011"][..]);
    let answer = prop::sample::select(&["OFFER", "ACK", "NAK", "proxy OFFER", ""][..]);
    prop_oneof![
        (1..4_u8, 1..6_u8, who, asked, answer)
            .prop_map(|(m, card, who, asked, answer)| said(0, m, card, who, asked, answer)),
        (1..4_u8, happening()).prop_map(|(m, what)| event(0, m, what)),
    ]
}

/// Events with the time that passes before each: mostly moments, sometimes hours, and a little back.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let pass =
        prop_oneof![6 => 0..3000_i64, 2 => 0..90_000_i64, 1 => 0..20_000_000_i64, 1 => -40..0_i64];
    prop::collection::vec((one_event(), pass), 0..120).prop_map(|all| {
        let mut now = 0_i64;
        let place = |(mut event, pass): (Event, i64)| {
            now = (now + pass).max(0);
            event.at = at(u64::try_from(now).unwrap_or_default());
            event
        };
        all.into_iter().map(place).collect()
    })
}

fn all_of(stories: &Stories) -> Vec<Story> {
    let far = at(1 << 40);
    (1..4).flat_map(|m| stories.of(far, &mac(m))).collect()
}

fn in_order(story: &Story) {
    assert!(story.from <= story.until);
    assert!(story.steps.windows(2).all(|two| two[0].at <= two[1].at), "{story:#?}");
    assert!(story.steps.iter().all(|step| step.at <= step.until && step.until <= story.until));
    assert!(story.gaps.windows(2).all(|two| two[0].until <= two[1].from), "{story:#?}");
    assert!(story.gaps.iter().all(|gap| gap.from < gap.until && !gap.means.is_empty()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_event_lands_in_one_boot_and_bytes_add_up(events in events()) {
        let far = Limits { boots_per_machine_max: 1000, steps_per_boot_max: 1000, ..Limits::default() };
        let mut stories = Stories::new(far);
        let mut counted: BTreeMap<BootId, u64> = BTreeMap::new();
        let mut machines: BTreeMap<BootId, _> = BTreeMap::new();
        for event in &events {
            let Some(id) = stories.note(event) else { continue };
            *counted.entry(id).or_default() += 1;
            prop_assert_eq!(*machines.entry(id).or_insert(event.machine), event.machine);
        }
        let all = all_of(&stories);
        prop_assert_eq!(all.len(), counted.len());
        for story in &all {
            in_order(story);
            prop_assert_eq!(Some(&story.totals.events), counted.get(&story.id));
            let steps: u64 = story.steps.iter().map(model::story::Step::bytes).sum();
            prop_assert_eq!(steps, story.totals.bytes, "{:#?}", story);
            let times: u64 = story
                .steps
                .iter()
                .filter(|step| !matches!(step.what, Did::Transfer(_)))
                .map(|step| u64::from(step.times))
                .sum();
            prop_assert!(times <= story.totals.events);
            prop_assert_eq!(story.left_out, 0);
            let read: Story = serde_json::from_str(&serde_json::to_string(story).unwrap()).unwrap();
            prop_assert_eq!(&read, story);
            well_formed(&svg(story, Some("<&>")));
            prop_assert!(text(story, None).iter().flat_map(|line| line.chars()).all(|c| !c.is_control()));
        }
    }

    #[test]
    fn nothing_grows_past_its_limit(events in events()) {
        let limits = Limits {
            machines_max: 2,
            boots_per_machine_max: 3,
            steps_per_boot_max: 5,
            steps_max: 30,
        };
        let mut stories = Stories::new(limits);
        for event in &events {
            let id = stories.note(event);
            // What was just told is there.
            prop_assert!(id.is_none_or(|id| stories.get(event.at, id).is_some()));
            let all = all_of(&stories);
            let kept: usize = all.iter().map(|story| story.steps.len()).sum();
            prop_assert!(kept <= 30, "{kept}");
            prop_assert!(all.iter().all(|story| story.steps.len() <= 5));
            for m in 1..4 {
                prop_assert!(stories.of(event.at, &mac(m)).len() <= 3);
            }
        }
        all_of(&stories).iter().for_each(in_order);
        prop_assert!(stories.glances(at(0), false, |_| true).count() <= 2);
    }
}
