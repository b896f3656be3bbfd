//! The real owner and the real store behind the sockets: a lease, and a file that is not there.

mod support;

use engine::{BootDefaults, Settings};
use model::network::Mode;
use site::{Options, Site, WallClock};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;
use support::{World, able, inside, network, run};

#[test]
fn a_machine_gets_a_lease_and_a_script_from_the_whole_house() {
    if !able(&["busybox"]) {
        return;
    }
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let mut lan = network(Mode::Dhcp);
    lan.pools = vec!["10.77.0.100-10.77.0.110".parse().unwrap()];
    lan.lease = Some(Duration::from_secs(3600));
    let settings = Settings {
        server_name: "test".to_owned(),
        networks: vec![lan.clone()],
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    };
    let state = folder.path().join("state");
    let (runtime, running) = inside(&world.here, || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let running = runtime.block_on(async {
            let clock = Arc::new(WallClock::new());
            let limits = site::Limits::default();
            let options = Options { state: state.clone(), settings, clock, limits };
            let (site, _) = Site::start(options).await.unwrap();
            let blobs = Arc::new(library::Blobs::open_at(&state).unwrap());
            serve::start(site, blobs, &[lan], 80).unwrap()
        });
        (runtime, running)
    });

    let mut stream = world.tcp();
    stream.write_all(b"GET /boot.ipxe?mac=52:54:00:00:00:09 HTTP/1.0\r\n\r\n").unwrap();
    let mut script = String::new();
    stream.read_to_string(&mut script).unwrap();
    assert!(script.starts_with("HTTP/1.0 200") && script.contains("#!ipxe"), "{script}");

    run("ip", &["-n", &world.there, "address", "flush", "dev", "nic"]);
    let args = ["udhcpc", "-i", "nic", "-s", "/bin/true", "-n", "-q", "-f", "-t", "5", "-T", "2"];
    let output = world.there("busybox", &args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("lease of 10.77.0.1") && said.contains("obtained"), "{said}");

    runtime.block_on(running.stop());
    runtime.shutdown_timeout(Duration::from_secs(2));
}
