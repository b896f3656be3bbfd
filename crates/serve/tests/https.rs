//! HTTPS: real clients of both versions, clients that cannot or will not, and what is told of them.

mod support;

use model::Happening;
use model::network::Mode;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};
use serve::{Limits, Tls, TlsKeys};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use support::talk::closes;
use support::{House, Server, Store, World, able, inside, network, noise};

const PORT: u16 = 443;

/// A certificate for the server, which is its own authority, and what comes of it.
struct Paper {
    config: Arc<ServerConfig>,
    pem: String,
    der: Vec<u8>,
}

impl Paper {
    fn new() -> Self {
        // An RSA key of 3072 bits, as EDK2 and iPXE both take it.
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072).unwrap();
        let names = vec!["10.77.0.1".to_owned(), "boot.lan".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            );
        let der = certificate.der().to_vec();
        Self { config: Arc::new(config.unwrap()), pem: certificate.pem(), der }
    }
}

/// A world with a server that speaks HTTPS.
struct Stage {
    _server: Server,
    house: House,
    store: Store,
    world: World,
    keys: Arc<TlsKeys>,
    paper: Paper,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(limits: Limits) -> Self {
        let (world, house, store) = (World::new(), House::new(|_| None), Store::default());
        let paper = Paper::new();
        let keys = Arc::new(TlsKeys::new(Arc::clone(&paper.config)));
        let tls = Some(Tls { port: PORT, keys: Arc::clone(&keys) });
        let networks = [network(Mode::Dhcp)];
        let server = Server::try_start_with(&world.here, &house, &store, &networks, (tls, limits));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), &paper.pem).unwrap();
        Self { _server: server.unwrap(), house, store, world, keys, paper, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, length: usize) -> Vec<u8> {
        let bytes = noise(length);
        self.house.publish(name, self.store.put(bytes.clone()), "application/efi");
        bytes
    }

    fn tcp(&self) -> TcpStream {
        let connect = || TcpStream::connect((support::SERVER, PORT)).unwrap();
        let stream = inside(&self.world.there, connect);
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// What openssl says of a connection over which it sends one request.
    fn s_client(&self, args: &str) -> String {
        let script = format!(
            "printf 'GET /healthz HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' | \
             timeout 10 openssl s_client -connect 10.77.0.1:{PORT} -CAfile {} -ign_eof {args} 2>&1",
            self.path("ca.pem").display()
        );
        let output = self.world.there("sh", &["-c", &script]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What was told of a handshake that failed, with these words in it.
    fn told(&self, words: &str) -> String {
        let told = self.house.wait_for(
            |h| matches!(h, Happening::HandshakeFailed { why, .. } if why.contains(words)),
        );
        assert!(matches!(told, Happening::HandshakeFailed { from, .. } if from == support::CLIENT));
        told.to_string()
    }
}

#[test]
fn https_real_clients_get_identical_bytes_in_both_versions() {
    if !able(&["curl"]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let bytes = stage.file("kernel", 9_000_123);
    let (ca, to) = (stage.path("ca.pem"), stage.path("got"));
    for version in ["1.2", "1.3"] {
        let url = format!("https://10.77.0.1:{PORT}/kernel");
        let low = format!("--tlsv{version}");
        let curl = |more: &[&str]| {
            let all = ["-sS", "--fail", &low, "--tls-max", version, "--cacert"];
            let all =
                [&all[..], &[ca.to_str().unwrap(), "-o", to.to_str().unwrap()], more].concat();
            let output = stage.world.there("curl", &all);
            assert!(output.status.success(), "{version} {output:?}");
            fs::read(&to).unwrap()
        };
        assert!(curl(&[&url]) == bytes, "{version}");
        assert!(curl(&["-r", "5000-7000000", &url]) == bytes[5000..=7_000_000], "{version}");
    }
    stage.house.wait_for(|h| matches!(h, Happening::TransferDone { size: 9_000_123, .. }));
    let told = stage.house.events();
    assert!(!told.iter().any(|h| matches!(h, Happening::HandshakeFailed { .. })), "{told:?}");
}

#[test]
fn https_takes_reports_as_http_does() {
    if !able(&["curl"]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let noted = engine::Served::Text("noted\n".to_owned());
    stage.house.publish("report/t/failed", noted, "text/plain");
    let (ca, log, body) = (stage.path("ca.pem"), stage.path("log"), noise(1_000_000));
    fs::write(&log, &body).unwrap();
    let url = format!("https://10.77.0.1:{PORT}/report/t/failed");
    let data = format!("@{}", log.display());
    for version in ["1.2", "1.3"] {
        let to = ["-sSv", "--fail", "--tls-max", version, "--cacert", ca.to_str().unwrap()];
        let what = ["-H", "Expect: 100-continue", "--expect100-timeout", "60", "--data-binary"];
        let output = stage.world.there("curl", &[&to[..], &what, &[&data, &url]].concat());
        assert_eq!(output.stdout, b"noted\n", "{version} {output:?}");
        let talk = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(talk.contains("< HTTP/1.1 100 Continue"), "{version} {talk}");
    }
    let asked = stage.house.asked();
    assert!(asked.len() == 2 && asked.iter().all(|ask| ask.body.as_ref() == Some(&body)));
}

#[test]
fn https_openssl_agrees_and_comes_back_with_less() {
    if !able(&["openssl", "sh", "timeout"]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    for version in ["-tls1_2", "-tls1_3"] {
        let session = stage.path(version);
        let session = session.display();
        let first = stage.s_client(&format!("{version} -sess_out {session}"));
        assert!(first.contains("HTTP/1.1 200 OK") && first.contains("\nNew, "), "{first}");
        assert!(first.contains("Verify return code: 0 (ok)"), "{first}");
        let again = stage.s_client(&format!("{version} -sess_in {session}"));
        assert!(again.contains("HTTP/1.1 200 OK") && again.contains("Reused, "), "{again}");
    }
}

#[test]
fn https_clients_that_cannot_are_told_by_what_they_lack() {
    if !able(&["openssl", "sh", "timeout"]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    for (args, words) in [
        ("-tls1_1 -cipher ALL:@SECLEVEL=0", "only TLS 1.0 or 1.1"),
        (
            "-tls1_2 -cipher AES256-GCM-SHA384",
            "no ECDHE or DHE key exchange with AES-GCM: an old iPXE build",
        ),
        ("-tls1_3 -groups P-521", "neither X25519 nor P-256"),
        ("-tls1_2 -sigalgs ECDSA+SHA256", "ECDSA signatures only"),
    ] {
        let said = stage.s_client(args);
        assert!(!said.contains("HTTP/1.1"), "{args}: {said}");
        let told = stage.told(words);
        let way_out = told.contains("http://") || told.contains("add an ECDSA certificate");
        assert!(way_out, "{told}");
    }
    let said = stage.s_client("-tls1_2 -cipher AES256-GCM-SHA384 -servername boot.lan");
    assert!(!said.contains("HTTP/1.1"), "{said}");
    stage.told("it asked for `boot.lan`");
}

#[test]
fn https_client_that_does_not_trust_is_told_of() {
    if !able(&["curl"]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let url = format!("https://10.77.0.1:{PORT}/healthz");
    for version in ["1.2", "1.3"] {
        let output = stage.world.there("curl", &["-sS", "--tls-max", version, &url]);
        assert_eq!(output.status.code(), Some(60), "{output:?}");
        let told = stage.told("it does not trust our certificate authority");
        assert!(told.contains("enrol our certificate authority"), "{told}");
    }
}

/// A client connection that trusts the server.
fn client(paper: &Paper) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(paper.der.clone().into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("10.77.0.1").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

#[test]
fn https_client_that_leaves_without_a_word_is_told_of() {
    if !able(&[]) {
        return;
    }
    let limits = Limits { http_head: Duration::from_secs(1), ..Limits::default() };
    let stage = Stage::new(limits);
    let hello = || {
        let (mut stream, mut tls) = (stage.tcp(), client(&stage.paper));
        while tls.wants_write() {
            tls.write_tls(&mut stream).unwrap();
        }
        stream
    };
    let mut silent = hello();
    let mut first = [0; 5];
    silent.read_exact(&mut first).unwrap();
    drop(silent);
    let told = stage.told("closed the connection without a word right after our certificate");
    assert!(told.contains("most firmware says nothing when it does not trust"), "{told}");
    let mut late = hello();
    assert!(closes(&mut late, Duration::from_secs(4)));
    stage.told("did not go on after our certificate");
    // Who says nothing at all did not try.
    let mut mute = stage.tcp();
    assert!(closes(&mut mute, Duration::from_secs(4)));
    drop(stage.tcp());
    let failed = |h: &&Happening| matches!(h, Happening::HandshakeFailed { .. });
    assert_eq!(stage.house.events().iter().filter(failed).count(), 2);
}

#[test]
fn https_port_tells_who_speaks_plain_http_to_it() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let mut stream = stage.tcp();
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("https://"), "{said}");
    stage.told("plain HTTP to the port for HTTPS");
    let mut stream = stage.tcp();
    stream.write_all(b"\x00\x01\x02 nonsense of some other kind, long enough\r\n").unwrap();
    assert!(closes(&mut stream, Duration::from_secs(5)));
    stage.told("not TLS");
    assert!(stage.house.asked().is_empty());
}

#[test]
fn https_keys_are_replaced_while_a_transfer_runs() {
    if !able(&[]) {
        return;
    }
    let stage = Stage::new(Limits::default());
    let bytes = stage.file("x", 20_000_000);
    let (mut stream, mut tls) = (stage.tcp(), client(&stage.paper));
    let mut running = rustls::Stream::new(&mut tls, &mut stream);
    running.write_all(b"GET /x HTTP/1.1\r\n\r\n").unwrap();
    let mut begun = vec![0; 1_000_000];
    running.read_exact(&mut begun).unwrap();

    let other = Paper::new();
    stage.keys.swap(Arc::clone(&other.config));
    let (mut stream, mut tls) = (stage.tcp(), client(&other));
    let mut new = rustls::Stream::new(&mut tls, &mut stream);
    new.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let mut said = String::new();
    new.read_to_string(&mut said).unwrap();
    assert!(said.ends_with("ok\n"), "{said}");
    assert_eq!(tls.peer_certificates().unwrap()[0].as_ref(), other.der);

    let head = begun.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let mut rest = vec![0; bytes.len() - (begun.len() - head)];
    running.read_exact(&mut rest).unwrap();
    assert!([&begun[head..], &rest].concat() == bytes);
    // The old connection goes on with the old keys.
    running.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").unwrap();
    running.read_exact(&mut [0; 15]).unwrap();
}
