//! Limits on whatever the network can make grow.

pub use engine::rates::Limits as Rates;
use engine::tftp::{Caps, Policy};
use std::time::Duration;

/// Limits on whatever the network can make grow. [`Limits::default`] is meant for one server with
/// some thousand machines; raise what is per source for relays and NAT.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// DHCP replies that wait to be sent. When full, the newest goes. (What waits to be answered
    /// waits with the owner: `site::Limits`.)
    pub dhcp_replies: usize,
    /// TFTP requests the owner is asked about at once; more are dropped, their senders ask again.
    pub tftp_lookups: usize,
    /// TFTP transfers.
    pub tftp: Caps,
    /// What TFTP clients may ask for. The interface's MTU counts if it is smaller than this one.
    pub tftp_policy: Policy,
    /// All TFTP transfers go out from the port that was asked, for firewalls and NAT that let
    /// nothing else through. Off, each has a port that a stranger would have to guess.
    pub tftp_single_port: bool,
    /// First and last port for TFTP transfers; none leaves the choice to the system.
    pub tftp_ports: Option<(u16, u16)>,
    /// How many bytes in a second may go out. A network has a limit of its own, `Network::rate`.
    pub rates: Rates,
    /// When transfers wait for their turn.
    pub turns: engine::turns::Rules,
    /// HTTP connections. When full, the one that is idle for longest goes.
    pub http_connections: usize,
    /// HTTP connections of one source address.
    pub http_connections_per_source: usize,
    /// How long a request's head may take, the first one from the connection on.
    pub http_head: Duration,
    /// How long the body of a request may take, from the end of its head on.
    pub http_body: Duration,
    /// Bytes of bodies that are in memory at once, until they are answered. Who comes when it is
    /// full is told to come again.
    pub http_bodies: usize,
    /// The same, of one source address.
    pub http_bodies_per_source: usize,
    /// How long a connection may do nothing between two requests. Old firmware needs 30 s.
    pub http_idle: Duration,
    /// A reader that takes less than `http_slow_bytes` in this time is cut off.
    pub http_slow: Duration,
    /// See `http_slow`; 0 lets readers be as slow as they like.
    pub http_slow_bytes: u64,
    /// Connections to the DNS port.
    pub dns_connections: usize,
    /// The same, of one source address.
    pub dns_connections_per_source: usize,
    /// How long such a connection may take for a question, or do nothing (RFC 7766, 6.2.3).
    pub dns_idle: Duration,
    /// Questions on one connection; then it is closed, so that no one has it for ever.
    pub dns_questions: usize,
    /// Questions that other DNS servers are asked at once.
    pub dns_asked: usize,
    /// The same, for one source address.
    pub dns_asked_per_source: usize,
    /// How long another server may take; then it, or the next one, is asked again. Stubs give up after 5 s.
    pub dns_patience: Duration,
    /// Answers of others that are remembered.
    pub dns_cache: usize,
    /// For how long, whatever they say: of names that are there.
    pub dns_cache_there: Duration,
    /// The same, of names that are not there.
    pub dns_cache_missing: Duration,
    /// Questions that were refused lately which are remembered.
    pub dns_refused: usize,
    /// Lines of installers' logs that are taken in a second, of all machines.
    pub syslog_lines: u32,
    /// The same, of one source address.
    pub syslog_per_source: u32,
    /// How long running transfers may go on when the server stops.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dhcp_replies: 8192,
            tftp_lookups: 2048,
            tftp: Caps::default(),
            tftp_policy: Policy::default(),
            tftp_single_port: false,
            tftp_ports: None,
            rates: Rates::default(),
            turns: engine::turns::Rules::default(),
            http_connections: 2048,
            http_connections_per_source: 64,
            http_head: Duration::from_secs(10),
            // A megabyte at 35 KB/s.
            http_body: Duration::from_secs(30),
            http_bodies: 32 * 1024 * 1024,
            http_bodies_per_source: 8 * 1024 * 1024,
            http_idle: Duration::from_secs(65),
            http_slow: Duration::from_secs(120),
            http_slow_bytes: 4096 * 120,
            dns_connections: 256,
            dns_connections_per_source: 16,
            dns_idle: Duration::from_secs(10),
            dns_questions: 1000,
            dns_asked: 1024,
            dns_asked_per_source: 128,
            dns_patience: Duration::from_millis(1500),
            dns_cache: 8192,
            dns_cache_there: Duration::from_secs(86_400),
            dns_cache_missing: Duration::from_secs(600),
            dns_refused: 64,
            syslog_lines: 2000,
            syslog_per_source: 500,
            grace: Duration::from_secs(5),
        }
    }
}
