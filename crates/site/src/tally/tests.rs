use super::*;
use model::Now;

fn event(link: &str, what: Happening) -> Event {
    Event { at: Now(0), machine: None, link: Some(link.to_owned()), what }
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
            Happening::Script { form: odd(), decision: odd(), because: Vec::new() },
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
fn every_decision_has_a_word() {
    use model::Decision;
    let code = "123456".to_owned();
    for (decision, word) in [
        (Decision::LocalDisk, "local-disk"),
        (Decision::Refused, "blocked"),
        (Decision::Pending { code }, "pending"),
        (Decision::Confirm, "confirm"),
        (Decision::Silent, OTHER),
    ] {
        assert_eq!(decision_of(&decision.summary()), word);
    }
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
