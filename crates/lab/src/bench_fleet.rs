//! `./x bench fleet`: what a hundred thousand machines and a thousand rules cost: a decision, the start, a
//! page of the listing, memory.
//!
//! In: how many machines. Out: a table on stdout, each figure beside its goal. Never: a figure of a size
//! that was not reached.

use crate::bench_dhcp::floor;
use crate::rig::need::{self, need};
use crate::rig::ns::Link;
use crate::rig::server::{Server, binary};
use crate::rig::{Trouble, io};
use engine::{Engine, Settings};
use model::network::{Mode, Subnet};
use model::rule::{Condition, Profile, Rule};
use model::{Change, Client, HardwareAddress, Image, Machine, Network, Now};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

const RULES: u32 = 1_000;
const DECISIONS: u32 = 20_000;
const PAGES: u32 = 50;
const PAGE: &str = "/machines?limit=1000";

/// Measures with so many machines.
///
/// # Errors
/// When the server does not start, or does not take the machines.
pub fn run(machines: u32) -> Result<(), Trouble> {
    need(need::LINK)?;
    println!("{machines} machines, {RULES} rules");
    println!("{:<44} {:>12} {:>12}", "what", "measured", "goal");
    let [p50, p99] = decisions(machines);
    line("a decision, p50", &format!("{p50:.1} us"), "");
    line("a decision, p99", &format!("{p99:.1} us"), "100 us");

    let link = Link::new()?;
    let config = format!(
        "[server]\nname = \"fleet\"\n[[network]]\ninterface = \"{}\"\nmode = \"listen\"\n[admin]\nlisten = \"off\"\n",
        Link::INTERFACE
    );
    let mut server = Server::start(&binary()?, &link, &config)?;
    let empty = floor::resident_kib(server.id())?;
    let file = server.state().with_file_name("fleet.toml");
    let (document, words) = document(machines);
    std::fs::write(&file, document).map_err(io("writing the document"))?;
    let begun = Instant::now();
    server.cli(&["apply", "-f", &file.display().to_string(), "--yes"])?;
    line("apply of all of them", &format!("{:.1} s", begun.elapsed().as_secs_f64()), "");

    let begun = Instant::now();
    server.start_again()?;
    line("start, until ready", &format!("{:.2} s", begun.elapsed().as_secs_f64()), "2 s");
    let grown = floor::resident_kib(server.id())?.saturating_sub(empty) * 1024;
    let each = grown.saturating_sub(words) / u64::from(machines.max(1));
    line("memory of a machine beyond its text", &format!("{each} B"), "1024 B");
    let [p50, p99] = pages(&server)?;
    line("a page of 1,000 machines, p50", &format!("{p50:.0} ms"), "");
    line("a page of 1,000 machines, p99", &format!("{p99:.0} ms"), "100 ms");
    Ok(())
}

fn line(what: &str, measured: &str, goal: &str) {
    println!("{what:<44} {measured:>12} {goal:>12}");
}

fn mac(number: u32) -> HardwareAddress {
    let [_, a, b, c] = number.to_be_bytes();
    HardwareAddress::mac([0x52, 0x54, 0, a, b, c])
}

/// The label that the rule of this number demands: no machine has it but every thousandth.
fn room(number: u32) -> String {
    format!("{}", number % RULES)
}

/// The p50 and p99 of deciding what a machine boots, in microseconds.
fn decisions(machines: u32) -> [f64; 2] {
    let mut engine = Engine::new(settings());
    let image = Image::new("debian", "/nowhere", Now(0));
    engine.apply(&Change::Image(Image { version: 1, ..image }));
    engine.apply(&Change::Profile(Profile {
        name: "debian".to_owned(),
        image: "debian".to_owned(),
        version: None,
        channel: model::Channel::Stable,
        args: String::new(),
        template: None,
        settings: Default::default(),
    }));
    for number in 0..machines {
        let mut machine = Machine::new(mac(number), Now(1));
        machine.name = Some(format!("lab-{number:06}"));
        machine.labels.insert("room".to_owned(), room(number));
        engine.apply(&Change::Machine(machine));
    }
    let rule = |number: u32| Rule {
        id: number + 1,
        conditions: vec![Condition::Label("room".to_owned(), room(number))],
        profile: "debian".to_owned(),
    };
    engine.apply(&Change::Rules((0..RULES).map(rule).collect()));
    let mut took: Vec<f64> = (0..DECISIONS)
        .map(|step| {
            // All over the fleet, in an order without a pattern that a cache could know.
            let number = step.wrapping_mul(2_654_435_761) % machines.max(1);
            let client = Client::unknown("lan0", mac(number));
            let begun = Instant::now();
            black_box(engine.plan(Now(2), &client));
            begun.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    percentiles(&mut took)
}

fn settings() -> Settings {
    let server = [10, 77, 0, 1].into();
    let subnet = Subnet::new(server, 24).into_iter();
    Settings {
        server_name: "fleet".to_owned(),
        networks: subnet.map(|net| Network::new("lan0", Mode::Dhcp, server, net)).collect(),
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

/// A document of so many machines, and the bytes of their words.
fn document(machines: u32) -> (String, u64) {
    let (mut text, mut words) = (String::new(), 0);
    for number in 0..machines {
        let (name, room) = (format!("lab-{number:06}"), room(number));
        words += (name.len() + "room".len() + room.len()) as u64;
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "[[machine]]\nmac = \"{}\"\nname = \"{name}\"\nlabels = {{ room = \"{room}\" }}\n",
            mac(number)
        );
    }
    (text, words)
}

/// The p50 and p99 of a page of the listing, in milliseconds.
fn pages(server: &Server) -> Result<[f64; 2], Trouble> {
    let socket = server.state().join("bootwright.sock");
    let mut took = Vec::new();
    for _ in 0..PAGES {
        let out = std::process::Command::new("curl")
            .args(["-fsS", "-o", "/dev/null", "-w", "%{time_total}", "--unix-socket"])
            .arg(&socket)
            .arg(format!("http://bootwright/api/v1{PAGE}"))
            .output()
            .map_err(io("running curl"))?;
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let seconds: f64 = said.trim().parse().map_err(|_| Trouble::Command {
            command: format!("curl {PAGE}"),
            said: String::from_utf8_lossy(&out.stderr).into_owned(),
        })?;
        took.push(seconds * 1000.0);
    }
    Ok(percentiles(&mut took))
}

fn percentiles(of: &mut [f64]) -> [f64; 2] {
    of.sort_by(f64::total_cmp);
    let at = |part: usize| of.get(of.len().saturating_sub(1) * part / 100).copied().unwrap_or(0.0);
    [at(50), at(99)]
}
