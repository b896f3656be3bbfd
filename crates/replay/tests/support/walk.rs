//! What must hold for any bytes: shared by the ordinary tests and the fuzz target.

use capture::Reader;
use engine::Engine;
use engine::state::{BootDefaults, Settings};
use model::network::{Mode, Network, Subnet};
use replay::{Replay, Replayed, Report};

/// Bytes of text that one request may come to.
const SHOWN_MAX: usize = 256 * 1024;

/// A network that gives addresses, as it is configured.
pub fn settings() -> Settings {
    let server = [10, 0, 0, 1].into();
    let mut network = Network::new("lan", Mode::Dhcp, server, Subnet::new(server, 24).unwrap());
    network.pools = vec!["10.0.0.100-10.0.0.199".parse().unwrap()];
    Settings {
        server_name: "lab".to_owned(),
        networks: vec![network],
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: std::time::Duration::from_secs(3600),
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

/// Takes the bytes as a capture and as a report.
pub fn walk(bytes: &[u8]) {
    if let Ok(mut reader) = Reader::new(bytes) {
        let mut replay = Replay::new(Engine::new(settings()));
        while let Some(Ok(packet)) = reader.next() {
            replay.packet(&packet, Some("lan"));
        }
        shown(&replay.finish());
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(report) = Report::read(text) else { return };
    shown(&report.replay());
    if let Ok(masked) = report.mask() {
        let text = serde_json::to_string(&masked).unwrap();
        let again = Report::read(&text).expect("what was masked can be read");
        shown(&again.replay());
    }
}

/// What stands on a screen has no byte of the network as it came.
pub fn shown(replayed: &Replayed) {
    for entry in &replayed.entries {
        let text = entry.to_string();
        assert!(text.len() < SHOWN_MAX, "{} bytes", text.len());
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    }
}
