//! No input stops the reading, and nothing of it is lost in silence.

use foreign::{Book, Parsed, Server};
use model::Now;
use proptest::prelude::*;

const SERVERS: [Server; 7] = [
    Server::Dnsmasq,
    Server::Isc,
    Server::Kea,
    Server::Matchbox,
    Server::Cobbler,
    Server::Pxelinux,
    Server::Fog,
];

fn read(server: Server, bytes: &[u8]) -> Parsed {
    let mut book = Book::new(Now(1_795_391_800_000));
    let mut from = bytes;
    // Only what is larger than any such file is an error.
    book.read(server, "file", &mut from).unwrap();
    let parsed = book.done();
    good(&parsed);
    parsed
}

/// What is written down is TOML, whatever was read, and its names are names.
fn good(parsed: &Parsed) {
    let written = parsed.settings.written();
    for text in [&written.document, &written.networks] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        if let Err(e) = toml::de::DeTable::parse(text) {
            panic!("{e}\n{text}");
        }
    }
    let names = parsed.settings.profiles.iter().map(|(name, _)| name);
    for name in
        names.chain(parsed.settings.machines.iter().filter_map(|(_, at)| at.value.name.as_ref()))
    {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        assert!(name.chars().all(allowed) && (1..=63).contains(&name.len()), "{name:?}");
        assert!(!name.starts_with(['.', '-']), "{name:?}");
    }
}

/// Words that mean something to one of the readers, so that chance gets past the first of them.
const WORDS: &[&str] = &[
    "lease ",
    "10.0.0.1 ",
    "10.0.0.2",
    "{",
    "}",
    ";",
    " ",
    "\n",
    "\"",
    "\\",
    "\\377",
    "#",
    ",",
    "=",
    ":",
    "starts ",
    "ends ",
    "never",
    "epoch ",
    "4 2026/11/22 20:17:05",
    "4294967295",
    "18446744073709551615",
    "binding state ",
    "active",
    "free",
    "abandoned",
    "hardware ethernet ",
    "52:54:00:00:00:01",
    "uid ",
    "host a ",
    "fixed-address ",
    "deleted",
    "dhcp-host=",
    "id:",
    "set:",
    "[",
    "]",
    "*",
    "ignore",
    "duid ",
    "0 ",
    "1795391800 ",
    "address,hwaddr,client_id,valid_lifetime,expire,hostname,state",
    "10.0.0.1,",
    "3600,",
    "&#x2c",
    "&#x",
    "{\"Dhcp4\":",
    "\"reservations\":",
    "\"hw-address\":",
    "\"ip-address\":",
    "/*",
    "*/",
    "//",
    "\\u12",
    "\u{202e}",
    "ü",
    "0x",
    "'",
    "failover peer ",
    "dhcp-range=",
    "dhcp-boot=",
    "dhcp-option=",
    "dhcp-match=",
    "tag:",
    "set:a",
    "option:client-arch,",
    "interface=br0",
    "proxy",
    "10.0.0.1,10.0.0.9,",
    "subnet 10.0.0.0 netmask 255.255.255.0 {",
    "range 10.0.0.1 10.0.0.9;",
    "option routers ",
    "filename ",
    "if option arch = 00:07 {",
    "class \"x\" {",
    "match if ",
    "x.efi",
    "\"subnet4\":[{",
    "\"subnet\":\"10.0.0.0/24\"",
    "\"pools\":[{\"pool\":\"10.0.0.0/25\"}]",
    "\"client-classes\":[{\"name\":\"a\",\"test\":\"option[93].hex == 7\",",
    "\"boot-file-name\":\"x.efi\"",
    "{\"id\":\"a\",\"boot\":{\"kernel\":\"k\"",
    "{\"profile\":\"a\",\"selector\":{\"mac\":\"52:54:00\"",
    "{\"name\":\"a\",\"kernel\":\"/k\",\"initrd\":\"/i\"}",
    "{\"name\":\"a\",\"distro\":\"a\"}",
    "\"interfaces\":{\"e\":{\"mac_address\":\"52:54:00:00:00:01\"}}",
    "}}",
    "]}",
    "LABEL a\n",
    "KERNEL k\n",
    "APPEND initrd=i x\n",
    "MENU DEFAULT\n",
    "DEFAULT a\n",
    "INCLUDE x\n",
    "CREATE TABLE `hosts` (\n`hostID`\n`hostName`\n)\n",
    "CREATE TABLE `hostMAC` (\n`hmHostID`\n`hmMAC`\n)\n",
    "INSERT INTO `hosts` VALUES (1,'a')",
    "INSERT INTO `hostMAC` VALUES (1,'52:54:00:00:00:01');",
    "('",
    "')",
    "\t",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for server in SERVERS {
            read(server, &bytes);
        }
    }

    #[test]
    fn any_words_are_read(words in prop::collection::vec(prop::sample::select(WORDS), 0..80)) {
        let text = words.concat();
        for server in SERVERS {
            let parsed = read(server, text.as_bytes());
            for lease in &parsed.leases {
                // Whatever is read has a place, and no lease begins after it ends.
                prop_assert!(lease.line > 0);
                prop_assert!(lease.value.until.is_none_or(|until| lease.value.since <= until));
            }
            for out in &parsed.left_out {
                // What is shown fools no terminal.
                prop_assert!(!out.to_string().chars().any(char::is_control), "{out}");
            }
        }
    }

    /// A broken sample: a byte changed, a piece missing.
    #[test]
    fn a_broken_sample_is_read(at in 0_usize..2000, byte: u8, cut in 0_usize..200) {
        let samples: [(Server, &[u8]); 13] = [
            (Server::Dnsmasq, include_bytes!("samples/dnsmasq.leases")),
            (Server::Dnsmasq, include_bytes!("samples/dnsmasq.conf")),
            (Server::Dnsmasq, include_bytes!("samples/settings/dnsmasq.conf")),
            (Server::Isc, include_bytes!("samples/dhcpd.leases")),
            (Server::Isc, include_bytes!("samples/dhcpd.conf")),
            (Server::Isc, include_bytes!("samples/settings/dhcpd.conf")),
            (Server::Kea, include_bytes!("samples/kea-leases4.csv")),
            (Server::Kea, include_bytes!("samples/kea-dhcp4.conf")),
            (Server::Kea, include_bytes!("samples/settings/kea-dhcp4.conf")),
            (Server::Matchbox, include_bytes!("samples/settings/matchbox-profile.json")),
            (Server::Cobbler, include_bytes!("samples/settings/cobbler.json")),
            (Server::Pxelinux, include_bytes!("samples/settings/pxelinux-default")),
            (Server::Fog, include_bytes!("samples/settings/fog.sql")),
        ];
        for (server, sample) in samples {
            let mut bytes = sample.to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            read(server, &bytes);
            let end = (at + cut).min(bytes.len());
            bytes.drain(at..end);
            read(server, &bytes);
        }
    }
}

/// Every line that is not blank and no comment is a lease, a reservation, a machine, a setting of a
/// network, or named.
#[test]
fn no_line_of_a_dnsmasq_file_is_lost() {
    let text = include_str!("samples/dnsmasq.conf");
    let parsed = read(Server::Dnsmasq, text.as_bytes());
    for (n, line) in (1_u32..).zip(text.lines()) {
        let said = line.is_empty() || line.starts_with('#');
        let network = ["interface=", "dhcp-range="].iter().any(|key| line.starts_with(key));
        let taken = parsed.reservations.iter().any(|at| at.line == n)
            || parsed.settings.machines.iter().any(|(_, at)| at.line == n)
            || (network && parsed.settings.networks.len() == 1);
        assert!(said || taken || parsed.left_out.iter().any(|out| out.line == n), "{n}: {line}");
    }
}

#[test]
fn a_file_of_a_million_braces_is_read() {
    for text in ["{", "lease 10.0.0.1 {", "{\"a\":", "[", "\"", "a b "] {
        let long = text.repeat(200_000);
        for server in SERVERS {
            let parsed = read(server, long.as_bytes());
            // One label without a name is none, and nothing else of it is said there.
            let named =
                !parsed.left_out.is_empty() || parsed.settings != foreign::Settings::default();
            assert!(named, "{text} is named by {server:?}");
        }
        let lines = format!("{text}\n").repeat(200_000);
        for server in SERVERS {
            let parsed = read(server, lines.as_bytes());
            assert!(parsed.left_out.len() <= 20_000);
        }
    }
}
