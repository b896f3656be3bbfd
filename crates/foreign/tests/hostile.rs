//! No input stops the reading, and nothing of it is lost in silence.

use foreign::{Book, Parsed, Server};
use model::Now;
use proptest::prelude::*;

const SERVERS: [Server; 3] = [Server::Dnsmasq, Server::Isc, Server::Kea];

fn read(server: Server, bytes: &[u8]) -> Parsed {
    let mut book = Book::new(Now(1_795_391_800_000));
    let mut from = bytes;
    // Only what is larger than any such file is an error.
    book.read(server, "file", &mut from).unwrap();
    book.done()
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
        let samples: [(Server, &[u8]); 6] = [
            (Server::Dnsmasq, include_bytes!("samples/dnsmasq.leases")),
            (Server::Dnsmasq, include_bytes!("samples/dnsmasq.conf")),
            (Server::Isc, include_bytes!("samples/dhcpd.leases")),
            (Server::Isc, include_bytes!("samples/dhcpd.conf")),
            (Server::Kea, include_bytes!("samples/kea-leases4.csv")),
            (Server::Kea, include_bytes!("samples/kea-dhcp4.conf")),
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

/// Every line that is not blank and no comment is a lease, a reservation, or named.
#[test]
fn no_line_of_a_dnsmasq_file_is_lost() {
    let text = include_str!("samples/dnsmasq.conf");
    let parsed = read(Server::Dnsmasq, text.as_bytes());
    for (n, line) in (1_u32..).zip(text.lines()) {
        let said = line.is_empty() || line.starts_with('#');
        let taken = parsed.reservations.iter().any(|at| at.line == n);
        assert!(said || taken || parsed.left_out.iter().any(|out| out.line == n), "{n}: {line}");
    }
}

#[test]
fn a_file_of_a_million_braces_is_read() {
    for text in ["{", "lease 10.0.0.1 {", "{\"a\":", "[", "\"", "a b "] {
        let long = text.repeat(200_000);
        for server in SERVERS {
            let parsed = read(server, long.as_bytes());
            assert!(!parsed.left_out.is_empty(), "{text} is named");
        }
        let lines = format!("{text}\n").repeat(200_000);
        for server in SERVERS {
            let parsed = read(server, lines.as_bytes());
            assert!(parsed.left_out.len() <= 20_000);
        }
    }
}
