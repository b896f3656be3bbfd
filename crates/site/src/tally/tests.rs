use super::*;
use model::Now;
use proptest::prelude::*;

fn event(link: &str, what: Happening) -> Event {
    Event::new(Now(0), None, Some(link.to_owned()), what)
}

fn of(counts: &Counts, series: Series) -> u64 {
    counts.series.get(&series).copied().unwrap_or(0)
}

#[test]
fn messages_are_counted_by_what_they_got() {
    let mut counts = Counts::new();
    let answered = |asked: &'static str, answer: &'static str| Happening::Answered {
        asked: asked.into(),
        answer: answer.into(),
        address: None,
        file: None,
        because: Vec::new(),
    };
    counts.note(&event("lan", answered("DISCOVER", "OFFER")));
    counts.note(&event("lan", answered("REQUEST on 4011", "proxy ACK")));
    let why = Why::PoolExhausted { size: 3, quarantined: 0 };
    counts.note(&event("lan", Happening::Silent { asked: "DISCOVER".into(), why: why.clone() }));
    counts.silent("DISCOVER", &why, Some("lan"));

    let dhcp = |asked, answer| Series::Dhcp { asked, answer, link: 0 };
    assert_eq!(of(&counts, dhcp("discover", "offer")), 1);
    assert_eq!(of(&counts, dhcp("request", "proxy-ack")), 1);
    assert_eq!(of(&counts, dhcp("discover", "silence")), 2);
    let full = Series::Silence { why: "pool-exhausted", fault: Fault::Settings };
    assert_eq!(of(&counts, full), 2);
    assert_eq!(of(&counts, Series::Event("answered")), 2);
    assert_eq!(counts.links, ["lan"]);
}

/// What does not happen for a long time has to be there with a zero, or its first time is no rise.
#[test]
fn silences_and_steps_are_there_before_they_happen() {
    let counts = Counts::new();
    let quarantined = Series::Silence { why: "pool-exhausted", fault: Fault::Surroundings };
    for series in [quarantined, Series::Step("failed"), Series::Event("alarm")] {
        assert_eq!(counts.series.get(&series), Some(&0), "{series:?}");
    }
}

/// Ten thousand clients that each say something else make no series beyond those of this program.
#[test]
fn whatever_clients_say_there_are_no_more_series() {
    let mut counts = Counts::new();
    for n in 0..10_000_u32 {
        let odd = || format!("{n}\"}} evil{{\n");
        let file = Why::NoSuchFile { name: odd(), hint: Some(odd()) };
        let many = [
            Happening::Answered {
                asked: odd().into(),
                answer: odd().into(),
                address: None,
                file: Some(odd()),
                because: Vec::new(),
            },
            Happening::Silent { asked: odd().into(), why: Why::Malformed(odd()) },
            Happening::FileMissed { by: Carrier::Http, why: file, expected: n % 2 == 0 },
            Happening::Script { form: odd(), decision: odd(), does: None, because: Vec::new() },
            Happening::Deployment { deployment: odd(), step: odd(), says: odd() },
            Happening::MachineAppeared { says: odd() },
        ];
        many.into_iter().for_each(|what| counts.note(&event(&odd(), what)));
    }
    assert_eq!(counts.links.len(), LINKS_MAX);
    let made = counts.series.len() - Counts::new().series.len();
    assert!(made <= 2 * (LINKS_MAX + 1) + 4, "{made} series more");
}

#[test]
fn a_duration_is_in_the_first_class_that_holds_it() {
    let clocked = Clocked::default();
    for us in [0, 5, 6, 1_000, 5_000_000, 5_000_001] {
        clocked.note(Duration::from_micros(us));
    }
    let read = clocked.read();
    assert_eq!((read.classes[0], read.classes[1], read.classes[6]), (2, 1, 1));
    assert_eq!((read.classes[13], read.longer), (1, 1));
    assert_eq!(read.sum_us, 10_001_012);
}

/// An event of any kind that is counted, with or without odd words in it.
fn any_event() -> impl Strategy<Value = Event> {
    let word = || {
        prop::sample::select(vec![
            "DISCOVER",
            "REQUEST on 4011",
            "INFORM",
            "OFFER",
            "proxy ACK",
            "NAK",
            "iPXE script",
            "boot debian (version 1)",
            "blocked: start the local disk",
            "failed",
            "progress",
            "evil\"} 1",
        ])
        .prop_map(str::to_owned)
    };
    let why = || prop::sample::select(Why::examples());
    let what = prop_oneof![
        (word(), word()).prop_map(|(asked, answer)| Happening::Answered {
            asked: asked.into(),
            answer: answer.into(),
            address: None,
            file: None,
            because: Vec::new(),
        }),
        (word(), why()).prop_map(|(asked, why)| Happening::Silent { asked: asked.into(), why }),
        (any::<bool>(), why()).prop_map(|(expected, why)| Happening::FileMissed {
            by: Carrier::Tftp,
            why,
            expected,
        }),
        (word(), word()).prop_map(|(form, decision)| {
            Happening::Script { form, decision, does: None, because: Vec::new() }
        }),
        word().prop_map(|step| Happening::Deployment {
            deployment: "d1".to_owned(),
            step,
            says: String::new(),
        }),
        word().prop_map(|text| Happening::Alarm { text }),
    ];
    let link = prop::option::of(prop::sample::select(vec!["lan", "br0"]));
    (link, what).prop_map(|(link, what)| Event::new(Now(0), None, link.map(str::to_owned), what))
}

proptest! {
    /// What is counted one by one is what counting all of them at the end gives.
    #[test]
    fn what_is_counted_is_what_happened(events in prop::collection::vec(any_event(), 0..200)) {
        let mut counts = Counts::new();
        events.iter().for_each(|event| counts.note(event));

        let number = |that: &dyn Fn(&Happening) -> bool| {
            events.iter().filter(|event| that(&event.what)).count() as u64
        };
        let sum = |that: &dyn Fn(&Series) -> bool| -> u64 {
            counts.series.iter().filter(|(series, _)| that(series)).map(|(_, count)| count).sum()
        };
        for kind in Happening::KINDS {
            prop_assert_eq!(of(&counts, Series::Event(kind)), number(&|what| what.kind() == *kind));
        }
        for why in Why::examples() {
            let all = number(&|what| matches!(what, Happening::Silent { why: own, .. }
                if own.code() == why.code() && own.fault() == why.fault()));
            prop_assert_eq!(of(&counts, silence(&why)), all, "{}", why.code());
            let missed = number(&|what| matches!(what, Happening::FileMissed { why: own, .. }
                if own.code() == why.code()));
            let counted = sum(&|series| matches!(series, Series::Missed { why: own, .. }
                if *own == short(&why)));
            prop_assert_eq!(counted, missed, "{}", why.code());
        }
        for code in Happening::codes() {
            if let Some(step) = code.strip_prefix("deployment-") {
                let all = number(&|what| what.code() == code);
                prop_assert_eq!(of(&counts, Series::Step(step)), all, "{}", step);
            }
        }
        for (place, link) in counts.links.iter().enumerate() {
            let own = events.iter().filter(|event| event.link.as_deref().unwrap_or_default() == link);
            let all = own.filter(|event| {
                matches!(event.what, Happening::Answered { .. } | Happening::Silent { .. })
            });
            let counted =
                sum(&|series| matches!(series, Series::Dhcp { link: own, .. } if *own == place));
            prop_assert_eq!(counted, all.count() as u64, "{}", link);
        }
        let scripts = sum(&|series| matches!(series, Series::Script { .. }));
        prop_assert_eq!(scripts, number(&|what| matches!(what, Happening::Script { .. })));
    }
}
