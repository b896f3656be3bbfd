//! Deployments: one installation for one machine, secrets for it alone, and every end.

use crate::house::{datagram, firmware, lease, loader, mac, settings};
use engine::command::{Deploy, DeployMany};
use engine::deploy::Order;
use engine::{Answer, Asker, Command, Engine, FileAsk, Refusal, Served, Settings, Told};
use model::deployment::{End, State};
use model::event::Carrier;
use model::image::{AnswerWay, LoaderKind, Recipe};
use model::menu::Choice;
use model::network::Mode;
use model::plan::{Decision, Why};
use model::rule::Profile;
use model::{
    Arch, Asset, Change, Channel, Deployment, Event, Happening, HardwareAddress, Hash, Image, Life,
    Now,
};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use vault::{Key, Sealed};
use wire::dhcp4::MessageType;

pub const KEY: [u8; 32] = [5; 32];
pub const CANARY: &str = "canary-0xdeadbeef";
/// The server on a link of IPv6: fd77::1.
const SERVER_6: Ipv6Addr = Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1);
const HOUR: Duration = Duration::from_secs(3600);

/// A lab: an installer, a template of one line with a secret, machine 1 with a lease.
pub struct Lab {
    pub engine: Engine,
    pub at: Ipv4Addr,
    /// Whom the neighbour table names for whoever asks.
    pub neighbour: Option<HardwareAddress>,
    pub kept: Vec<Change>,
    pub events: Vec<Event>,
}

fn image() -> Image {
    Image {
        archs: vec![Arch::X64Uefi],
        recipe: Recipe {
            kind: "debian-di".into(),
            kernel: Some("linux".into()),
            initrds: vec!["initrd.gz".into()],
            answer: Some(AnswerWay { format: "preseed".into(), argument: "url={A}".into() }),
            ..Recipe::default()
        },
        assets: ["linux", "initrd.gz"]
            .map(|path| Asset::whole(path, Hash([2; 32]), 5_000_000))
            .into_iter()
            .collect(),
        ..Image::new("debian-12", "/somewhere", Now(0))
    }
}

pub fn lab() -> Lab {
    lab_with(Settings { key: Key::new(KEY), ..settings(Mode::Dhcp) })
}

pub fn lab_with(settings: Settings) -> Lab {
    let mut lab = Lab {
        engine: Engine::new(settings),
        at: Ipv4Addr::UNSPECIFIED,
        neighbour: None,
        kept: Vec::new(),
        events: Vec::new(),
    };
    for change in [
        loader("snponly-x64.efi", LoaderKind::Snponly, Arch::X64Uefi),
        loader("grubx64.efi", LoaderKind::Grub, Arch::X64Uefi),
    ] {
        lab.keep(vec![change]);
    }
    lab.command(Now(0), Command::PublishImage(image())).unwrap();
    let text = "d-i passwd/user-password password {{ secrets.password }}\n\
                d-i lab/report string {{ deployment.report }} {{ machine.name }}\n";
    lab.command(Now(0), template("lab.preseed", text)).unwrap();
    let sealed = Sealed::seal(&Key::new(KEY), [1; 24], "password", CANARY);
    lab.command(Now(0), Command::SetSecret("password".into(), sealed.as_str().into())).unwrap();
    let profile = Profile {
        name: "lab".into(),
        image: "debian-12".into(),
        version: None,
        channel: Channel::Stable,
        args: String::new(),
        template: Some("lab".into()),
        settings: [("disk".to_owned(), "size:1G..2T".into())].into(),
    };
    lab.command(Now(0), Command::SetProfile(profile)).unwrap();
    lab.boot_firmware(Now(1), 1);
    lab.at = lab.lease(Now(1), 1);
    lab.command(Now(1), name(1)).unwrap();
    lab
}

pub fn template(name: &str, text: &str) -> Command {
    let format = name.rsplit_once('.').unwrap().1.to_owned();
    Command::SetTemplate(model::template::Template { name: name.into(), format, text: text.into() })
}

fn name(last: u8) -> Command {
    Command::SetMachine {
        machine: mac(last).to_string(),
        name: Some(format!("lab-{last:02}")),
        profile: None,
        labels: Vec::new(),
        settings: Vec::new(),
        notes: None,
    }
}

impl Lab {
    pub fn keep(&mut self, changes: Vec<Change>) {
        changes.iter().for_each(|change| self.engine.apply(change));
        self.kept.extend(changes);
    }

    pub fn command(&mut self, now: Now, command: Command) -> Result<String, Refusal> {
        let decided = self.engine.command(now, command)?;
        self.keep(decided.changes);
        Ok(decided.says)
    }

    fn boot_firmware(&mut self, now: Now, last: u8) {
        let class = "PXEClient";
        let told =
            self.engine.dhcp(now, &datagram(&firmware(MessageType::Discover, last, class, 7)));
        self.kept.extend(told.changes);
        self.events.extend(told.events);
    }

    pub fn lease(&mut self, now: Now, last: u8) -> Ipv4Addr {
        let at = lease(&mut self.engine, now, last);
        let lease = self.engine.leases().find(|lease| lease.address == at).unwrap().clone();
        self.kept.push(Change::Lease(lease));
        at
    }

    pub fn approve(&mut self, now: Now, last: u8) {
        self.command(now, Command::SetLife(mac(last).to_string(), Life::Approved)).unwrap();
    }

    pub fn wish(&self, last: u8) -> Deploy {
        let orders = self.engine.preview(&mac(last).to_string(), "lab", None).unwrap();
        let secrets = orders.iter().flat_map(|order| order.preview().unwrap().secrets).collect();
        Deploy {
            profile: "lab".into(),
            within: HOUR,
            disk: None,
            confirm_code: false,
            plain_http: true,
            power: false,
            secrets,
            tried: Hash(orders.first().map(Order::print).unwrap()),
            by: "ada".into(),
            seed: Hash([last; 32]),
        }
    }

    pub fn deploy(&mut self, now: Now, last: u8) -> Result<String, Refusal> {
        let wish = self.wish(last);
        self.command(now, Command::Deploy(mac(last).to_string(), wish))
    }

    pub fn ask(
        &mut self,
        now: Now,
        from: impl Into<IpAddr>,
        name: &str,
        body: Option<&str>,
    ) -> Told<engine::Found> {
        let from = from.into();
        let server: IpAddr = if from.is_ipv4() { [10, 77, 0, 1].into() } else { SERVER_6.into() };
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        let says = Asker {
            mac: query.strip_prefix("mac=").and_then(|mac| mac.parse().ok()),
            ..Asker::default()
        };
        let ask = FileAsk {
            by: Carrier::Http,
            name: name.into(),
            from: SocketAddr::new(from, 40_000),
            at: SocketAddr::new(server, 80),
            link: "lan".into(),
            says,
            neighbour: self.neighbour,
            agent: None,
            body: body.map(|body| body.as_bytes().to_vec()),
            head_only: false,
        };
        let told = self.engine.file(now, &ask);
        self.kept.extend(told.changes.clone());
        self.events.extend(told.events.clone());
        told
    }

    /// The text that somebody gets, or nothing.
    pub fn get(&mut self, now: Now, from: impl Into<IpAddr>, name: &str) -> Result<String, Why> {
        match self.ask(now, from, name, None).answer {
            Answer::Reply(found) => match found.what {
                Served::Text(text) => Ok(text),
                Served::Answer(order) => Ok(order.render(&Key::new(KEY)).unwrap().text),
                Served::Blob(_) => Ok("bytes".into()),
                Served::Ask(inquiry) => Ok(inquiry.url),
            },
            Answer::Silence(why) => Err(why),
        }
    }

    fn post(
        &mut self,
        now: Now,
        from: impl Into<IpAddr>,
        name: &str,
        body: &str,
    ) -> Result<(), Why> {
        match self.ask(now, from, name, Some(body)).answer {
            Answer::Reply(_) => Ok(()),
            Answer::Silence(why) => Err(why),
        }
    }

    pub fn script(&mut self, now: Now, from: impl Into<IpAddr>, last: u8) -> String {
        self.get(now, from, &format!("boot.ipxe?mac={}", mac(last))).unwrap()
    }

    pub fn of(&self, last: u8) -> &Deployment {
        let mut all = self.engine.deployments();
        all.rfind(|of| of.machine == mac(last)).unwrap()
    }

    pub fn life(&self, last: u8) -> Life {
        self.engine.machine_of(&mac(last)).unwrap().life()
    }

    pub fn alarms(&self) -> Vec<&str> {
        let alarm = |event| match event {
            &Event { what: Happening::Alarm { ref text }, .. } => Some(text.as_str()),
            _ => None,
        };
        self.events.iter().filter_map(alarm).collect()
    }

    /// What is on disk makes the same state again.
    fn is_kept(&self) {
        let mut again = Engine::new(self.engine.settings().clone());
        self.kept.iter().for_each(|change| again.apply(change));
        let all = |engine: &Engine| {
            let deployments: Vec<Deployment> = engine.deployments().cloned().collect();
            let machines: Vec<_> =
                engine.machines().map(|m| (m.hardware, m.life(), m.marks.clone())).collect();
            (deployments, machines, engine.batches().cloned().collect::<Vec<_>>())
        };
        assert_eq!(all(&again), all(&self.engine));
    }
}

/// The path of a URL that a script tells the kernel.
pub fn answer_path(script: &str) -> String {
    let url = script.split_whitespace().find_map(|word| word.strip_prefix("url=")).expect(script);
    url.splitn(4, '/').nth(3).unwrap().to_owned()
}

fn report_path(answers: &str) -> String {
    let at = answers.find("/report/").expect(answers);
    answers[at + 1..].split_whitespace().next().unwrap().to_owned()
}

pub fn plus(minutes: u64) -> Now {
    Now(minutes * 60_000)
}

#[test]
fn a_machine_is_installed_once_and_starts_its_own_disk_from_then_on() {
    let mut lab = lab();
    let at = lab.at;
    let refused = lab.deploy(plus(1), 1).unwrap_err();
    assert!(refused.why.contains("pending cannot be deployed"), "{refused}");
    lab.approve(plus(1), 1);
    let says = lab.deploy(plus(1), 1).unwrap();
    assert!(
        says.contains("lab-01 is armed with one installation of debian-12 version 1"),
        "{says}"
    );
    assert_eq!(lab.life(1), Life::Deploying);

    let script = lab.script(plus(2), at, 1);
    let path = answer_path(&script);
    assert!(path.ends_with("/preseed.cfg") && path.len() > 64, "{path}");
    // It asks again (iPXE after an error, GRUB after iPXE): the same token, the same machine.
    assert_eq!(answer_path(&lab.script(plus(2), at, 1)), path);
    let answers = lab.get(plus(3), at, &path).unwrap();
    assert!(answers.contains(CANARY) && answers.contains("lab-01"), "{answers}");
    // The download broke off: once more within two minutes, the same bytes.
    assert_eq!(lab.get(Now(plus(3).0 + 119_000), at, &path).unwrap(), answers);
    // From now on it is not given the installer again.
    assert!(lab.script(plus(6), at, 1).contains("is not given twice"));

    let report = report_path(&answers);
    lab.post(plus(4), at, &format!("{report}/started"), "deployment d1").unwrap();
    lab.post(plus(5), at, &format!("{report}/progress"), "installing onto /dev/vda").unwrap();
    assert!(lab.of(1).standing().contains("installing onto /dev/vda"));
    lab.post(plus(9), at, &format!("{report}/done"), "disk /dev/vda mark AQIDBA==").unwrap();
    assert_eq!(lab.of(1).state(), &State::Ended { at: plus(9), how: End::Done });
    assert_eq!(lab.life(1), Life::Deployed);
    assert_eq!(lab.engine.machine_of(&mac(1)).unwrap().marks, ["AQIDBA=="]);
    // The token is worth nothing any more, and the network leads to the disk.
    assert_eq!(lab.get(plus(10), at, &path), Err(Why::NothingHere));
    assert_eq!(lab.post(plus(10), at, &format!("{report}/failed"), "x"), Err(Why::NothingHere));
    let script = lab.script(plus(10), at, 1);
    assert!(script.contains("the machine is deployed") && !script.contains("kernel "), "{script}");
    lab.is_kept();
}

#[test]
fn a_second_asker_gets_nothing_and_freezes_it() {
    let thief = Ipv4Addr::new(10, 77, 0, 66);
    // With the token, after the machine had the script.
    let mut lab = lab();
    let at = lab.at;
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    let path = answer_path(&lab.script(plus(2), at, 1));
    assert_eq!(lab.get(plus(2), thief, &path), Err(Why::NothingHere));
    assert!(matches!(lab.of(1).state(), State::Ended { how: End::Frozen { .. }, .. }));
    assert_eq!(lab.life(1), Life::Failed);
    assert_eq!(lab.get(plus(2), at, &path), Err(Why::NothingHere), "nor does the machine");
    assert!(lab.alarms().iter().any(|text| text.contains("is frozen: 10.77.0.66 asked for")));
    lab.is_kept();

    // For the script, with the machine's MAC.
    let mut lab = self::lab();
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    let path = answer_path(&lab.script(plus(2), at, 1));
    let script = lab.script(plus(2), thief, 1);
    assert!(!script.contains("/answer/") && script.contains("given to itself only"), "{script}");
    assert_eq!(lab.get(plus(2), at, &path), Err(Why::NothingHere));
    lab.is_kept();

    // For a file a second time, when two minutes have passed.
    let mut lab = self::lab();
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    let path = answer_path(&lab.script(plus(2), at, 1));
    lab.get(plus(2), at, &path).unwrap();
    assert_eq!(lab.get(plus(4), at, &path), Err(Why::NothingHere));
    assert!(matches!(lab.of(1).state(), State::Ended { how: End::Frozen { .. }, .. }));
}

#[test]
fn who_shows_to_be_another_machine_does_not_get_the_script_first() {
    let mut lab = lab();
    lab.approve(plus(1), 1);
    let other = lab.lease(plus(1), 2);
    lab.deploy(plus(1), 1).unwrap();
    let script = lab.script(plus(2), other, 1);
    assert!(!script.contains("/answer/"), "{script}");
    assert!(lab.alarms().iter().any(|text| text.contains("it was given nothing")));
    // The machine itself still gets it.
    let at = lab.at;
    assert!(lab.script(plus(2), at, 1).contains("/answer/"));
}

/// What a stranger gets is what everybody gets who has no right: the same words, whatever is armed.
#[test]
fn unknown_unarmed_and_wrong_are_one_answer() {
    let mut lab = lab();
    let at = lab.at;
    let stranger = Ipv4Addr::new(10, 77, 0, 77);
    let mut answers = Vec::new();
    let wrong = format!("answer/{}/preseed.cfg", "0".repeat(64));
    answers.push(lab.ask(plus(1), stranger, &wrong, None).answer);
    answers.push(lab.ask(plus(1), at, &wrong, None).answer);
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    answers.push(lab.ask(plus(1), at, &wrong, None).answer);
    let path = answer_path(&lab.script(plus(2), at, 1));
    answers.push(lab.ask(plus(2), at, &wrong, None).answer);
    answers.push(lab.ask(plus(2), at, &path.replace("preseed.cfg", "user-data"), None).answer);
    answers.push(lab.ask(plus(2), at, &path.replace("/preseed.cfg", ""), None).answer);
    answers.push(lab.ask(plus(2), stranger, &path, None).answer);
    answers.push(lab.ask(plus(2), at, &path, None).answer);
    for name in ["answer/x", "answer/x/y/z", "report/x/done", "report/x"] {
        answers.push(lab.ask(plus(2), stranger, name, None).answer);
    }
    answers.push(lab.ask(plus(2), stranger, "report/x/done", Some("x")).answer);
    for answer in &answers {
        assert_eq!(answer, &Answer::Silence(Why::NothingHere));
    }
}

#[test]
fn secrets_do_not_leave_over_plain_http_unless_somebody_said_so() {
    let mut lab = lab();
    lab.approve(plus(1), 1);
    let wish = Deploy { plain_http: false, ..lab.wish(1) };
    let refused = lab.command(plus(1), Command::Deploy("lab-01".into(), wish)).unwrap_err();
    assert!(refused.why.contains("there is no HTTPS"), "{refused}");

    let with_tls = Settings { key: Key::new(KEY), tls_port: Some(443), ..settings(Mode::Dhcp) };
    let mut lab = lab_with(with_tls);
    let at = lab.at;
    lab.approve(plus(1), 1);
    let wish = Deploy { plain_http: false, ..lab.wish(1) };
    lab.command(plus(1), Command::Deploy("lab-01".into(), wish)).unwrap();
    let script = lab.script(plus(2), at, 1);
    assert!(script.contains("url=https://10.77.0.1/answer/"), "{script}");
    // Over the port of plain HTTP it is not given, to nobody.
    assert_eq!(lab.get(plus(2), at, &answer_path(&script)), Err(Why::NothingHere));
    assert!(lab.alarms().iter().any(|text| text.contains("over plain HTTP")));
    assert!(!lab.of(1).is_over());
}

#[test]
fn with_a_code_nothing_is_given_before_it_was_typed() {
    let mut lab = lab();
    let at = lab.at;
    lab.approve(plus(1), 1);
    let wish = Deploy { confirm_code: true, ..lab.wish(1) };
    lab.command(plus(1), Command::Deploy("lab-01".into(), wish.clone())).unwrap();
    let confirm = |code: &str| Command::Confirm { machine: "lab-01".into(), code: code.into() };
    assert!(lab.command(plus(1), confirm("000-000")).is_err(), "nobody could have seen a code");
    let screen = lab.script(plus(2), at, 1);
    assert!(!screen.contains("/answer/") && screen.contains("types its code: "), "{screen}");
    let code = screen.split("types its code: ").nth(1).unwrap()[..7].to_owned();
    // An operator's explanation does not have it: he is to read it from the machine.
    let question = engine::explain::Question { machine: "lab-01".into(), ..Default::default() };
    let explained = format!("{:?}", lab.engine.explain(plus(2), &question).unwrap());
    assert!(!explained.contains(&code) && explained.contains("***"), "{explained}");
    assert!(lab.events.iter().all(|event| !event.to_string().contains(&code)));

    let says = lab.command(plus(2), confirm("000-001")).unwrap();
    assert!(says.starts_with("wrong code; 4 more"), "{says}");
    let says = lab.command(plus(2), confirm(&code.replace('-', " "))).unwrap();
    assert!(says.contains("is right"), "{says}");
    let path = answer_path(&lab.script(plus(3), at, 1));
    assert!(lab.get(plus(3), at, &path).unwrap().contains(CANARY));

    let mut lab = self::lab();
    lab.approve(plus(1), 1);
    lab.command(plus(1), Command::Deploy("lab-01".into(), wish)).unwrap();
    lab.script(plus(2), at, 1);
    for _ in 0..5 {
        lab.command(plus(2), confirm("000-001")).unwrap();
    }
    assert!(matches!(lab.of(1).state(), State::Ended { how: End::Frozen { .. }, .. }));
}

#[test]
fn windows_close_by_themselves_and_by_hand() {
    let mut lab = lab();
    let at = lab.at;
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    let noted = lab.engine.tidy(plus(60));
    assert!(noted.changes.is_empty());
    let script = lab.script(plus(61), at, 1);
    assert!(!script.contains("/answer/"), "the minute of its end has not come round yet");
    let noted = lab.engine.tidy(plus(62));
    lab.kept.extend(noted.changes);
    assert!(matches!(lab.of(1).state(), State::Ended { how: End::Expired, .. }));
    assert_eq!(lab.life(1), Life::Approved, "it is what it was before");

    lab.deploy(plus(70), 1).unwrap();
    let path = answer_path(&lab.script(plus(71), at, 1));
    let cancel = Command::Cancel { machine: "lab-01".into(), by: "ada".into() };
    lab.command(plus(71), cancel.clone()).unwrap();
    assert_eq!(lab.life(1), Life::Approved);
    assert_eq!(lab.get(plus(71), at, &path), Err(Why::NothingHere));

    // Blocking takes back what is armed, too.
    lab.deploy(plus(80), 1).unwrap();
    let path = answer_path(&lab.script(plus(81), at, 1));
    lab.command(plus(81), Command::SetLife("lab-01".into(), Life::Blocked)).unwrap();
    assert_eq!(lab.life(1), Life::Blocked);
    assert_eq!(lab.get(plus(81), at, &path), Err(Why::NothingHere));
    assert!(lab.command(plus(82), cancel).is_err());
    lab.is_kept();
}

#[test]
fn what_comes_out_of_a_backup_is_not_given_again() {
    let mut lab = lab();
    let at = lab.at;
    lab.approve(plus(1), 1);
    lab.deploy(plus(1), 1).unwrap();
    let path = answer_path(&lab.script(plus(2), at, 1));
    let report = report_path(&lab.get(plus(2), at, &path).unwrap());
    // A backup of this moment, read back an hour's half later: the machine may be installed by now.
    lab.keep(vec![Change::Restored(plus(30))]);
    assert!(!lab.script(plus(31), at, 1).contains("/answer/"));
    assert_eq!(lab.get(plus(31), at, &path), Err(Why::NothingHere));
    let noted = lab.engine.tidy(plus(31));
    lab.kept.extend(noted.changes);
    assert!(matches!(lab.of(1).state(), State::Ended { how: End::Cancelled { .. }, .. }));
    assert_eq!(lab.post(plus(32), at, &format!("{report}/done"), ""), Err(Why::NothingHere));
    lab.deploy(plus(33), 1).unwrap();
    assert!(lab.script(plus(34), at, 1).contains("/answer/"), "what is armed from then on is");
    lab.is_kept();
}

#[test]
fn something_is_booted_once() {
    let mut lab = lab();
    let at = lab.at;
    let what = Choice::Image("debian-12".into());
    let once = |what| Command::BootOnce {
        machine: "lab-01".into(),
        what,
        within: HOUR,
        by: "ada".into(),
        seed: Hash([1; 32]),
    };
    lab.command(plus(1), once(what.clone())).unwrap();
    assert!(lab.command(plus(1), once(what)).is_err(), "twice at once");
    assert!(lab.script(plus(2), at, 1).contains("kernel http://10.77.0.1/image/debian-12/1/linux"));
    assert_eq!(lab.get(plus(2), at, "image/debian-12/1/initrd.gz").unwrap(), "bytes");
    assert!(!lab.of(1).is_over() && lab.of(1).begun().is_none());
    lab.get(plus(2), at, "image/debian-12/1/linux").unwrap();
    assert_eq!(lab.of(1).begun(), Some(plus(2)));
    // The initrd was lost on the way, and iPXE tries again.
    assert!(lab.script(Now(plus(2).0 + 10_000), at, 1).contains("deployment d1 arms it"));
    // Its firmware starts anew: that was it.
    lab.boot_firmware(Now(plus(2).0 + 20_000), 1);
    assert!(lab.of(1).is_over());
    assert!(!lab.script(Now(plus(2).0 + 30_000), at, 1).contains("arms it"));
    assert_eq!(lab.life(1), Life::Pending, "and it makes nothing of the machine");
    lab.is_kept();
}

#[test]
fn a_batch_goes_on_in_turns_and_pauses_when_it_fails() {
    let mut lab = lab();
    let mut addresses = vec![lab.at];
    for last in 2..=5 {
        lab.boot_firmware(plus(1), last);
        addresses.push(lab.lease(plus(1), last));
        lab.command(plus(1), name(last)).unwrap();
    }
    (1..=5).for_each(|last| lab.approve(plus(1), last));
    let machines: Vec<String> = (1..=5).map(|last| format!("lab-{last:02}")).collect();
    let deploy = lab.wish(1);
    let many = DeployMany { machines, deploy, at_once: 2, pause_after: 1 };
    let says = lab.command(plus(1), Command::DeployMany(many)).unwrap();
    assert!(says.starts_with("batch b1: 5 machines get profile lab, 2 at once"), "{says}");
    let open = |lab: &Lab| lab.engine.deployments().filter(|of| !of.is_over()).count();
    assert_eq!(open(&lab), 2);
    // The seeds differ, and so do the tokens.
    let first = lab.script(plus(2), addresses[0], 1);
    let second = lab.script(plus(2), addresses[1], 2);
    assert_ne!(answer_path(&first), answer_path(&second));

    let report = report_path(&lab.get(plus(2), addresses[0], &answer_path(&first)).unwrap());
    lab.post(plus(3), addresses[0], &format!("{report}/done"), "").unwrap();
    assert_eq!(open(&lab), 2, "the third has its turn");
    let report = report_path(&lab.get(plus(3), addresses[1], &answer_path(&second)).unwrap());
    lab.post(plus(4), addresses[1], &format!("{report}/failed"), "no disk").unwrap();
    assert_eq!(lab.life(2), Life::Failed);
    assert_eq!(open(&lab), 1, "nobody else's turn comes");
    assert!(lab.alarms().iter().any(|text| text.contains("batch 1 is paused after 1 failures")));
    lab.command(plus(5), Command::PauseBatch(1, false)).unwrap();
    assert_eq!(open(&lab), 2);
    lab.command(plus(6), Command::CancelBatch { batch: 1, by: "ada".into() }).unwrap();
    assert_eq!(open(&lab), 0);
    assert_eq!(lab.life(4), Life::Approved);
    lab.is_kept();
}

#[test]
fn what_is_wrong_is_said_before_anything_is_armed() {
    let mut lab = lab();
    lab.approve(plus(1), 1);
    let preview = |lab: &Lab, profile: &str, disk: Option<&str>| {
        lab.engine.preview("lab-01", profile, disk).map(|_| ()).map_err(|refusal| refusal.why)
    };
    assert!(preview(&lab, "lab", Some("/dev/sda")).unwrap_err().contains("names no disk"));
    assert!(preview(&lab, "nothing", None).unwrap_err().contains("no profile nothing"));
    let wrong = "d-i a/b string {{ settings.nothing }}\n";
    lab.command(plus(1), template("lab.preseed", wrong)).unwrap();
    let orders = lab.engine.preview("lab-01", "lab", None).unwrap();
    let error = orders[0].preview().unwrap_err().to_string();
    assert!(error.contains("line 1, column") && error.contains("settings.nothing"), "{error}");
    let refused = lab.command(plus(1), template("lab.preseed", "{% if %}")).unwrap_err();
    assert!(refused.why.contains("lab.preseed, line 1"), "{refused}");
    // A template that changed between trial and arming.
    lab.command(plus(1), template("lab.preseed", "d-i a/b string x\n")).unwrap();
    let wish = lab.wish(1);
    lab.command(plus(1), template("lab.preseed", "d-i a/b string y\n")).unwrap();
    let refused = lab.command(plus(1), Command::Deploy("lab-01".into(), wish)).unwrap_err();
    assert!(refused.why.contains("changed while they were being tried"), "{refused}");
    // And what is under way is not changed under its feet.
    lab.deploy(plus(1), 1).unwrap();
    for command in [
        template("lab.preseed", "d-i a/b string z\n"),
        Command::RemoveTemplate("lab.preseed".into()),
        name(1),
        Command::RemoveMachine(mac(1)),
    ] {
        let refused = lab.command(plus(2), command.clone()).unwrap_err();
        assert!(refused.hint.unwrap().contains("cancel"), "{command:?}");
    }
}

/// Everybody who may ask for something, in any order, at any time: however it goes, one address at
/// most ever gets the secret of a deployment, each file once but for a broken download, and from the
/// moment it is frozen nobody gets anything.
#[derive(Clone, Debug)]
enum Ask {
    Script(u8),
    Answer(u8),
    Report(u8, &'static str),
    Tidy,
    Firmware,
}

fn any_ask() -> impl Strategy<Value = (u64, Ask)> {
    let who = 0u8..3;
    let ask = prop_oneof![
        4 => who.clone().prop_map(Ask::Script),
        6 => who.clone().prop_map(Ask::Answer),
        1 => (who, prop::sample::select(vec!["started", "done", "failed"]))
            .prop_map(|(who, stage)| Ask::Report(who, stage)),
        1 => Just(Ask::Tidy),
        1 => Just(Ask::Firmware),
    ];
    (0u64..200_000, ask)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_winner_at_most(asks in prop::collection::vec(any_ask(), 1..25)) {
        let mut lab = lab();
        lab.approve(plus(1), 1);
        lab.deploy(plus(1), 1).unwrap();
        let who = [lab.at, Ipv4Addr::new(10, 77, 0, 66), Ipv4Addr::new(10, 77, 0, 67)];
        let mut now = plus(1);
        let (mut path, mut report) = (None, None);
        let mut winners: Vec<IpAddr> = Vec::new();
        for (later, ask) in asks {
            now = Now(now.0 + later);
            let over = lab.of(1).is_over();
            match ask {
                Ask::Script(at) => {
                    let script = lab.script(now, who[usize::from(at)], 1);
                    if script.contains("/answer/") {
                        prop_assert!(!over);
                        path = Some(answer_path(&script));
                    }
                }
                Ask::Answer(at) => {
                    let Some(path) = path.clone() else { continue };
                    let from = who[usize::from(at)];
                    if let Ok(text) = lab.get(now, from, &path) {
                        prop_assert!(text.contains(CANARY) && !over);
                        report = Some(report_path(&text));
                        winners.push(from.into());
                    }
                }
                Ask::Report(at, stage) => {
                    let Some(report) = report.clone() else { continue };
                    let told = lab.post(now, who[usize::from(at)], &format!("{report}/{stage}"), "x");
                    prop_assert!(told.is_err() || !over);
                }
                Ask::Tidy => {
                    let noted = lab.engine.tidy(now);
                    lab.kept.extend(noted.changes);
                }
                Ask::Firmware => lab.boot_firmware(now, 1),
            }
        }
        winners.dedup();
        prop_assert!(winners.len() <= 1, "{:?}", winners);
        prop_assert!(lab.events.iter().all(|event| !event.to_string().contains(CANARY)));
        let token = path.as_deref().and_then(|path| path.split('/').nth(1)).unwrap_or("no token");
        prop_assert!(lab.events.iter().all(|event| !event.to_string().contains(token)));
        let kept = format!("{:?}", lab.kept);
        prop_assert!(!kept.contains(CANARY) && !kept.contains(token));
        lab.is_kept();
    }
}

#[test]
fn the_plan_of_an_armed_machine_comes_before_its_profile_and_rules() {
    let mut lab = lab();
    lab.command(plus(1), Command::AddRule { conditions: vec![], profile: "lab".into() }).unwrap();
    lab.approve(plus(1), 1);
    let client = model::Client::unknown("lan", mac(1));
    let summary = |lab: &Lab, now| lab.engine.plan(now, &client).decision.summary();
    assert!(summary(&lab, plus(1)).contains("boot"));
    let plan = lab.engine.plan(plus(1), &client);
    let Decision::Boot(boot) = plan.decision else { panic!() };
    assert!(!boot.args.contains("url="), "a rule boots its image without answers: {}", boot.args);
    lab.deploy(plus(1), 1).unwrap();
    let Decision::Boot(boot) = lab.engine.plan(plus(1), &client).decision else { panic!() };
    assert!(boot.args.contains("url={A} hostname=lab-01 domain=lab.example"), "{}", boot.args);
    lab.command(plus(2), Command::Cancel { machine: "lab-01".into(), by: "x".into() }).unwrap();
    assert!(summary(&lab, plus(2)).contains("boot"));
}

/// A document is no way around what each of its parts is refused by itself.
#[test]
fn a_document_changes_nothing_that_a_machine_is_being_installed_with() {
    use engine::command::{Declared, DeclaredMachine, DeclaredProfile, DeclaredTemplate};
    let mut lab = lab();
    let known = |at: &str| DeclaredMachine {
        name: Some("lab-01".into()),
        at: at.into(),
        ..DeclaredMachine::new(mac(1))
    };
    let profile = |args: &str| DeclaredProfile {
        name: "lab".into(),
        image: "debian-12".into(),
        version: None,
        channel: Channel::Stable,
        args: args.into(),
        template: Some("lab".into()),
        settings: [("disk".to_owned(), "size:1G..2T".into())].into(),
        at: "lab.toml:2:1".into(),
    };
    let text = "d-i passwd/user-password password {{ secrets.password }}\n\
                d-i lab/report string {{ deployment.report }} {{ machine.name }}\n";
    let template = |text: &str| DeclaredTemplate {
        name: "lab.preseed".into(),
        format: None,
        text: text.into(),
        at: "lab.toml:3:1".into(),
    };
    let all = Declared {
        machines: vec![known("lab.toml:1:1")],
        profiles: vec![profile("")],
        templates: vec![template(text)],
        rules: None,
    };
    lab.command(plus(0), Command::Apply(all.clone(), false)).unwrap();
    lab.approve(plus(0), 1);
    lab.deploy(plus(1), 1).unwrap();
    let same = lab.command(plus(2), Command::Apply(all.clone(), true)).unwrap();
    assert_eq!(same, "nothing differs from what is there");

    let mut renamed = known("lab.toml:1:1");
    renamed.name = Some("other".into());
    let attempts = [
        (Declared { machines: vec![renamed], ..all.clone() }, "is being deployed"),
        (Declared { profiles: vec![profile("quiet")], ..all.clone() }, "with profile lab"),
        (
            Declared { templates: vec![template("d-i a/b string x\n")], ..all.clone() },
            "with template",
        ),
        (Declared { machines: Vec::new(), ..all.clone() }, "is being deployed"),
        (Declared { profiles: Vec::new(), ..all.clone() }, "with profile lab"),
        (Declared { templates: Vec::new(), ..all }, "with template"),
    ];
    for (declared, why) in attempts {
        let refused = lab.command(plus(3), Command::Apply(declared, true)).unwrap_err();
        assert!(refused.why.contains(why), "{}", refused.why);
    }
    assert!(lab.engine.machine("lab-01").is_some());
}

#[test]
fn a_tag_changes_with_what_operators_set_and_not_with_what_a_machine_says() {
    use engine::tag::{Expectation, Seen, Thing};
    let mut lab = lab();
    let machine = || Thing::Machine("lab-01".into());
    let tag = |lab: &Lab| lab.engine.tag(&machine()).unwrap();
    let first = tag(&lab);
    lab.boot_firmware(plus(5), 1);
    assert_eq!(tag(&lab), first, "it was heard again");
    lab.approve(plus(6), 1);
    let approved = tag(&lab);
    assert_ne!(approved, first);
    lab.deploy(plus(7), 1).unwrap();
    assert_ne!(tag(&lab), approved, "who arms it meanwhile changed it");

    let holds = |of: Thing, is: Seen| Expectation { of, is }.holds(&lab.engine);
    assert!(!holds(machine(), Seen::As(vec![first])));
    assert!(holds(machine(), Seen::As(vec![first, tag(&lab)])));
    assert!(holds(Thing::Profile("lab".into()), Seen::There));
    assert!(!holds(Thing::Profile("lab".into()), Seen::Nowhere));
    assert!(holds(Thing::Profile("none".into()), Seen::Nowhere));
    assert!(!holds(Thing::Template("none".into()), Seen::There));
    assert!(holds(Thing::Menu(None), Seen::There));
}
