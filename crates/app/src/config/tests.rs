//! Configuration files and what is said of them.

mod admin;
mod dns;
mod https;
mod ipv6;
mod limits;
mod options;
mod others;
mod remedies;
mod shared;
mod syslog;

use super::read_text;
use crate::links::imagined;
use engine::Settings;
use engine::state::Unknown;
use model::network::{Mode, PxeReply};
use std::net::Ipv4Addr;
use std::time::Duration;

fn read(text: &str) -> Result<super::Config, String> {
    let mut links = [
        imagined("lo", &[(Ipv4Addr::LOCALHOST, 8)]),
        imagined("br0", &[(Ipv4Addr::new(10, 77, 0, 1), 24)]),
        imagined("eth1", &[(Ipv4Addr::new(192, 168, 1, 9), 24)]),
        imagined("eth2", &[]),
        imagined("br1", &[(Ipv4Addr::new(10, 78, 0, 1), 24), (Ipv4Addr::new(10, 79, 0, 1), 24)]),
    ];
    links[1].addresses6 = ["fe80::1", "fd77::1"].map(|a| (a.parse().unwrap(), 64)).to_vec();
    read_text("lab.toml", text, &links, "here")
}

fn settings(text: &str) -> Settings {
    read(text).unwrap().settings
}

/// The titles and places of all faults, one line each, in order.
fn faults(text: &str) -> Vec<String> {
    let shown = read(text).expect_err("there are faults");
    let lines: Vec<&str> = shown.lines().collect();
    let title = |pair: &[&str]| {
        let title = pair.first()?.strip_prefix("error: ")?;
        let place = pair.get(1)?.trim_start().strip_prefix("--> lab.toml:")?;
        Some(format!("{place} {title}"))
    };
    lines.windows(2).filter_map(title).collect()
}

const LAB: &str = r#"
[server]
state = "/var/lib/bootwright"

[[network]]
interface = "br0"
mode      = "dhcp"
subnet    = "10.77.0.0/24"
pool      = ["10.77.0.100-10.77.0.199"]
router    = "10.77.0.1"
dns       = ["10.77.0.1"]
domain    = "lab.example"
lease     = "12h"
relays    = ["10.80.0.1"]

[boot]
unknown   = "menu"
approved  = "local-disk"
menu_wait = "10s"

[http]
port = 80

[admin]
listen = "127.0.0.1:7070"
"#;

#[test]
fn the_example_of_the_documentation_is_read() {
    let config = read(LAB).unwrap();
    let network = &config.settings.networks[0];
    assert_eq!((network.mode, network.server), (Mode::Dhcp, Ipv4Addr::new(10, 77, 0, 1)));
    assert_eq!(network.lease, Some(Duration::from_secs(43_200)));
    assert_eq!(network.relays, [Ipv4Addr::new(10, 80, 0, 1)]);
    assert!(!network.authoritative);
    assert_eq!(config.settings.boot.menu_wait_s, 10);
    assert_eq!(config.settings.server_name, "here");
    assert_eq!(config.admin.listen.unwrap().to_string(), "127.0.0.1:7070");
    assert_eq!(config.notes, [] as [&str; 0]);
}

#[test]
fn what_is_not_said_has_the_careful_meaning() {
    let settings = settings("[[network]]\ninterface = \"eth1\"");
    let network = &settings.networks[0];
    assert_eq!((network.mode, network.subnet.to_string().as_str()), (Mode::Auto, "192.168.1.0/24"));
    assert_eq!(network.pxe_reply, PxeReply::Full);
    assert_eq!(
        (settings.boot.unknown, settings.boot.approved),
        (Unknown::Menu, Unknown::LocalDisk)
    );
    assert_eq!(settings.http_port, 80);
}

#[test]
fn a_menu_may_wait_for_ever_but_not_no_time() {
    let with =
        |wait: &str| format!("[boot]\nmenu_wait = \"{wait}\"\n[[network]]\ninterface=\"br0\"");
    assert_eq!(settings(&with("infinite")).boot.menu_wait_s, 0);
    assert_eq!(settings(&with("90s")).boot.menu_wait_s, 90);
    assert!(read(&with("0s")).unwrap_err().contains("at least \"1s\""));
}

#[test]
fn every_fault_is_said_at_once_each_at_its_place() {
    let text = r#"[servr]
state = "x"

[[network]]
interface = "br00"
mode = "dchp"
pol = ["10.77.0.100-10.77.0.199"]
dns = ["10.77.0.1", 5, "ns.example"]

[http]
port = 80000
tls_port = 443

[boot]
unknown = "menue"
menu_wait = 10

[syslog]
port = 0
"#;
    assert_eq!(
        faults(text),
        [
            "1:2 unknown key `servr`",
            "5:13 there is no interface `br00`",
            "6:8 `dchp` is no value of `mode`",
            "7:1 unknown key `pol` in [[network]]",
            "8:7 `dns` is for mode \"dhcp\"; in mode \"auto\" it has no effect",
            "8:21 `dns` takes text in quotes, not an integer",
            "8:24 `ns.example` is no address: write it like 10.77.0.1",
            "11:8 `port` takes a port, a number from 1 to 65535",
            "15:11 `menue` is no value of `unknown`",
            "16:13 `menu_wait` takes text in quotes, not an integer",
            "19:8 `port` takes a port, a number from 1 to 65535",
        ]
    );
}

#[test]
fn a_fault_is_shown_with_its_line_and_the_nearest_name() {
    let shown = read(&LAB.replace("lease ", "leese ")).unwrap_err();
    assert_eq!(
        shown,
        "lab.toml has 1 fault

error: unknown key `leese` in [[network]]
  --> lab.toml:13:1
   |
13 | leese     = \"12h\"
   | ^^^^^ did you mean `lease`?"
    );
}

#[test]
fn what_cannot_work_together_is_said_with_the_way_out() {
    let one = |text: &str, what: &str| {
        let shown = read(text).unwrap_err();
        assert!(shown.contains(what), "{shown}");
    };
    let with = |from: &str, to: &str| LAB.replace(from, to);
    one(&with("\"12h\"", "\"5m\""), "a lease shorter than 10m");
    one(&with("10.77.0.199", "10.77.1.9"), "leaves the subnet 10.77.0.0/24");
    one(&with("10.77.0.100-", "10.77.0.0-"), "the subnet's own address");
    one(&with("router    = \"10.77.0.1\"", "router = \"10.78.0.1\""), "no host of the subnet");
    one(
        &with("pool      = [", "pool = [\"10.77.0.150-10.77.0.160\", "),
        "pool 10.77.0.100-10.77.0.199 overlaps 10.77.0.150-10.77.0.160",
    );
    one(&with("\"br0\"", "\"eth2\""), "ip addr add 10.77.0.2/24 dev eth2");
    one(&with("\"br0\"", "\"eth1\""), "it has 192.168.1.9/24");
    one(&with("\"dhcp\"", "\"proxy\""), "`pool` is for mode \"dhcp\"");
    one("[[network]]\ninterface=\"eth2\"", "eth2 has no IPv4 address");
    one("[[network]]\nmode=\"auto\"", "without `interface`");
    one("", "there is nothing to serve");
    one(&format!("{LAB}\n[[network]]\ninterface=\"br0\""), "a second network on br0");
    one("[[network]]\ninterface=\"br0\"\nmode=\"dhcp\"", "pool = [\"10.77.0.100-10.77.0.199\"]");
}

#[test]
fn a_subnet_behind_a_relay_is_a_network_of_its_own() {
    let local = LAB.replace("10.80.0.1", "10.77.0.2");
    let far = "[[network]]\ninterface=\"br0\"\nmode=\"dhcp\"\nsubnet=\"10.80.0.0/24\"\n\
               pool=[\"10.80.0.100-10.80.0.199\"]\nrelays=[\"10.80.0.1\"]\n";
    let settings = settings(&format!("{local}\n{far}"));
    let [near, far] = settings.networks.as_slice() else { panic!("{settings:?}") };
    assert_eq!(near.server, far.server);
    assert_eq!(far.subnet.to_string(), "10.80.0.0/24");
}

#[test]
fn what_is_no_toml_is_said_beside_the_other_faults() {
    let found = faults("[[network]]\ninterface = \"br0\nmode = \"auto\"\npol = 3\n");
    assert!(found[0].starts_with("2:17 this is no TOML"), "{found:?}");
    assert!(found.iter().any(|f| f.contains("unknown key `pol`")), "{found:?}");
}

#[test]
fn a_network_that_is_off_keeps_what_was_written() {
    let off = LAB.replace("\"dhcp\"", "\"off\"").replace("\"br0\"", "\"gone\"");
    assert_eq!(settings(&off).networks[0].mode, Mode::Off);
}
