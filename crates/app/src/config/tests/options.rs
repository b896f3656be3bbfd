//! Options, routes and times of a network.

use super::{LAB, faults, read, settings};
use model::network::{LEASE_MIN, Option82, PROBE};
use model::option;
use std::time::Duration;

/// [`LAB`] with lines in its network, and options.
fn with(network: &str, options: &str) -> String {
    let options =
        if options.is_empty() { String::new() } else { format!("[network.options]\n{options}\n") };
    LAB.replace("\n[boot]", &format!("{network}\n{options}\n[boot]"))
}

fn one(text: &str, what: &str) {
    let shown = read(text).expect_err(text);
    assert!(shown.starts_with("lab.toml has 1 fault\n"), "{shown}");
    assert!(shown.contains(what), "{shown}");
}

#[test]
fn an_option_takes_a_value_natural_for_its_type() {
    let text = with(
        "",
        r#"ntp-servers = ["10.0.0.1", "10.0.0.2"]
log-servers = "10.0.0.1, 10.0.0.3"
mtu = 9000
time-offset = -3600
path-mtu-plateau-table = [576, 1_500]
ip-forwarding = false
arp-cache-timeout = "5m"
tcode = "Europe/Berlin"
domain-search = ["lab.example", "example"]
static-routes = ["10.1.0.0 10.77.0.254"]
wpad = { value = "http://10.0.0.1/wpad.dat", always = true }
vendor-specific = "hex:01:04:0a:00:00:05"
path-prefix = "/tftp/"
224 = "text:left"
"225" = "u16:7""#,
    );
    let shown: Vec<String> = settings(&text).networks[0].options.iter().map(option::show).collect();
    assert_eq!(
        shown,
        [
            "ntp-servers=10.0.0.1,10.0.0.2",
            "log-servers=10.0.0.1,10.0.0.3",
            "interface-mtu=9000",
            "time-offset=-3600",
            "path-mtu-plateau-table=576,1500",
            "ip-forwarding=false",
            "arp-cache-timeout=5m",
            "tcode=Europe/Berlin",
            "domain-search=lab.example,example",
            "static-routes=10.1.0.0 10.77.0.254",
            "wpad,always=http://10.0.0.1/wpad.dat",
            "vendor-encapsulated-options=hex:01040a000005",
            "pxelinux-path-prefix=/tftp/",
            "224=text:left",
            "225=hex:0007",
        ]
    );
}

#[test]
fn every_faulty_option_is_said_at_its_place() {
    let text = with(
        "",
        r#"ntp-sevrers = ["10.0.0.1"]
router = "10.77.0.1"
ntp-servers = ["10.0.0.1", "ntp.example", 5]
log-servers = ["10.0.0.1", "10.0.0"]
mtu = "big"
tcode = 5
224 = 5
wpad = { value = "x", allways = true }
font-servers = { always = true }
default-ttl = 1.5
tcp-ttl = 64
37 = 65
999 = "hex:00""#,
    );
    assert_eq!(
        faults(&text),
        [
            "17:1 there is no DHCP option `ntp-sevrers`: write a name like ntp-servers, or its number",
            "18:1 option `router` cannot be set here: set `router` of the network",
            "19:43 `ntp-servers` takes addresses, not an integer",
            "20:28 option 7 (log-servers): `10.0.0` is no address: write it like 10.0.0.1",
            "21:7 option 26 (interface-mtu): `big` is no number from 576 to 65535",
            "22:9 `tcode` takes text, not an integer",
            "23:7 `224` takes text like `hex:0a:0b`, not an integer",
            "24:23 unknown key `allways` in `wpad`",
            "25:1 `font-servers` has no `value`",
            "26:15 `default-ip-ttl` takes a number to 255, not a float",
            "28:1 `37` is option 37 a second time",
            "29:1 there is no DHCP option 999: they have numbers from 1 to 254",
        ]
    );
    let shown = read(&text).unwrap_err();
    assert!(shown.contains("did you mean `ntp-servers`?"), "{shown}");
    assert!(shown.contains("here it is first"), "{shown}");
}

#[test]
fn options_and_routes_have_room_for_so_much() {
    let many: Vec<String> =
        (0..9).map(|n| format!("{} = \"text:{}\"", 224 + n, "x".repeat(120))).collect();
    let text = with("", &format!("captive-portal = \"{}\"\n{}", "x".repeat(300), many.join("\n")));
    one(&text, "this network take 1402 bytes; 1024 is the most");
    one(&text, "`captive-portal` takes 304 of them");
    let routes: Vec<String> =
        (0..65).map(|n| format!("\"10.1.{n}.0/24 via 10.77.0.254\"")).collect();
    one(&with(&format!("routes = [{}]", routes.join(",")), ""), "more than 64 routes");
}

#[test]
fn routes_are_read_and_must_be_reachable() {
    let text = with("routes = [\"10.0.0.0/8 via 10.77.0.254\", \"default via 10.77.0.1\"]", "");
    let shown: Vec<String> =
        settings(&text).networks[0].routes.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["10.0.0.0/8 via 10.77.0.254", "default via 10.77.0.1"]);
    one(&with("routes = [\"10.0.0.0/8 via 10.78.0.254\"]", ""), "is no host of the subnet");
    one(&with("routes = [\"10.1.0.0/8 via 10.77.0.254\"]", ""), "its network is 10.0.0.0/8");
    one(
        &with("routes = [\"10.0.0.0/8 via 10.77.0.254\", \"10.0.0.0/8 on link\"]", ""),
        "goes where another route goes",
    );
}

#[test]
fn times_of_leases_fit_each_other() {
    let network = settings(LAB).networks.remove(0);
    assert_eq!(
        (network.lease_min, network.probe, network.rapid_commit),
        (LEASE_MIN, Some(PROBE), false)
    );
    let text = with(
        "lease_min = \"5m\"\nprobe = \"200ms\"\nrapid_commit = true\noption_82 = \"trust\"",
        "",
    );
    let network = settings(&text.replace("\"12h\"", "\"5m\"")).networks.remove(0);
    assert_eq!(network.lease_min, Duration::from_secs(300));
    assert_eq!(network.probe, Some(Duration::from_millis(200)));
    assert_eq!((network.rapid_commit, network.option_82), (true, Option82::Trust));
    assert_eq!(settings(&with("probe = \"off\"", "")).networks[0].probe, None);

    let shown = read(&with("lease_min = \"1d\"", "")).unwrap_err();
    assert!(shown.contains("a lease shorter than 1d"), "{shown}");
    assert!(shown.contains("the shortest that a client may get"), "{shown}");
    one(&with("lease_min = \"30s\"", ""), "is a minute at least");
    one(&with("lease_min = \"infinite\"", ""), "is the shortest lease");
    one(&with("probe = \"2s\"", ""), "from 1ms to 500ms");
    one(&with("probe = \"501ms\"", ""), "from 1ms to 500ms");
    one(&with("probe = \"0ms\"", ""), "write \"off\"");
    one(&with("option_82 = \"turst\"", ""), "did you mean \"trust\"?");
    one(&with("rapid_commit = \"yes\"", ""), "takes true or false");
}

#[test]
fn ended_leases_are_remembered_for_a_time() {
    let history = |text: &str| format!("{LAB}\n[leases]\nhistory = \"{text}\"\n");
    let day = Duration::from_secs(86_400);
    assert_eq!(settings(LAB).lease_history, 30 * day);
    assert_eq!(settings(&history("7d")).lease_history, 7 * day);
    let config = read(&history("infinite")).unwrap();
    assert_eq!(config.settings.lease_history, 3650 * day);
    assert!(config.notes.iter().any(|note| note.contains("3650d")), "{:?}", config.notes);
    one(&history("10m"), "shorter than 1h");
    one(&history("4000d"), "longer than ten years");
}

#[test]
fn what_is_for_dhcp_is_refused_beside_another_server() {
    let text = "[[network]]\ninterface = \"br0\"\nmode = \"proxy\"\nprobe = \"off\"\n\
                rapid_commit = true\nlease_min = \"5m\"\noption_82 = \"drop\"\nshared = \"x\"\n\
                routes = []\n[network.options]\nntp-servers = \"10.0.0.1\"\n";
    let said = faults(text);
    assert_eq!(said.len(), 6, "{said:?}");
    assert!(said.iter().all(|fault| fault.ends_with("in mode \"proxy\" it has no effect")));
}

/// The documentation between two marks; what stands there is what the registry says.
#[test]
fn the_documentation_lists_every_option() {
    let page = include_str!("../../../../../docs/configuration.md");
    let wanted: Vec<String> = option::registry()
        .iter()
        .map(|known| {
            let also: Vec<String> = known.aliases.iter().map(|a| format!("`{a}`")).collect();
            let mut takes = known.kind.takes().to_owned();
            if known.least > 1 {
                takes.push_str(&format!(", {} at least", known.least));
            }
            if known.always {
                takes.push_str("; always sent");
            }
            if option::only_for_systems(known.code) {
                takes.push_str("; not to clients that boot from us");
            }
            format!("| {} | `{}` | {} | {takes} |", known.code, known.name, also.join(", "))
        })
        .collect();
    let rows: Vec<&str> = page
        .lines()
        .skip_while(|line| *line != "<!-- options -->")
        .take_while(|line| *line != "<!-- end of options -->")
        .filter(|line| {
            line.starts_with("| ") && !line.starts_with("| code") && !line.starts_with("| --")
        })
        .collect();
    assert_eq!(rows, wanted, "put this table there:\n{}", wanted.join("\n"));
}

#[test]
fn every_example_of_the_documentation_is_good() {
    let page = include_str!("../../../../../docs/configuration.md");
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 3);
    for example in examples {
        let whole = if example.contains("[[network]]") {
            example.to_owned()
        } else {
            format!("{LAB}\n{example}")
        };
        if let Err(shown) = read(&whole) {
            panic!("{shown}");
        }
    }
}
