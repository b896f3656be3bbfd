//! Which certificates of a BMC count: against a TLS server of the test's own, that can lie.

mod support;

use power::redfish::{Account, Fingerprint, Login, Policy, RedfishError, Trust, Which};
use power::{Redfish, Secret};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use std::path::Path;
use std::sync::{Arc, Mutex};
use support::{able, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const BOTH: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// What it heard inside TLS, and where it is.
struct Server {
    url: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

/// A server that shows this certificate and signs with this key, whether or not they belong
/// together. It answers every request with an empty object.
async fn serve(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> Server {
    let shown = Arc::new(CertifiedKey::new(vec![certificate], any_supported_type(&key).unwrap()));
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(shown)));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let mut buffer = [0; 4096];
            if let Ok(read) = stream.read(&mut buffer).await {
                hears.lock().unwrap().extend(&buffer[..read]);
                let empty = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
                drop(stream.write_all(empty).await);
            }
        }
    });
    Server { url, heard }
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl rustls::server::ResolvesServerCert for Always {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn bmc(server: &Server, trust: Trust) -> Redfish {
    let account = Account::new("root".to_owned(), Secret::new("s3cret".to_owned()), Login::Either);
    Redfish::new(&server.url, trust, account, Which::Only, Policy::default()).unwrap()
}

/// Whether the service root was asked for, which only happens inside TLS that is believed.
async fn believed(server: &Server, trust: Trust) -> Result<(), RedfishError> {
    server.heard.lock().unwrap().clear();
    // The empty object leads nowhere; how far it got is what counts.
    let end = bmc(server, trust).state().await.unwrap_err();
    let heard = server.heard.lock().unwrap().clone();
    match end {
        RedfishError::Unconfirmed { .. }
        | RedfishError::Changed { .. }
        | RedfishError::Tls { .. } => {
            assert!(heard.is_empty(), "{}", String::from_utf8_lossy(&heard));
            Err(end)
        }
        _ => {
            assert!(heard.starts_with(b"GET /redfish/v1"), "{end}");
            Ok(())
        }
    }
}

#[tokio::test]
async fn a_confirmed_certificate_counts_even_if_it_is_old_and_of_another_name() {
    for version in BOTH {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["idrac-7XYZ123".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2012, 1, 1);
        params.not_after = date_time_ymd(2015, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let own = Fingerprint::of(certificate.der());
        let server = serve(certificate.der().clone(), key.into(), version).await;
        let seen = Redfish::first_fingerprint(&server.url, Policy::default()).await.unwrap();
        assert_eq!(seen, own);
        assert!(believed(&server, Trust::Pinned(own)).await.is_ok(), "{version:?}");
        // For an authority neither would do.
        let authority = Trust::Authorities(vec![certificate.der().clone()]);
        assert!(matches!(believed(&server, authority).await, Err(RedfishError::Tls { .. })));
        let first = believed(&server, Trust::Unconfirmed).await;
        assert!(matches!(first, Err(RedfishError::Unconfirmed { .. })), "{version:?}");
        let other = believed(&server, Trust::Pinned(Fingerprint::of(b"another"))).await;
        assert!(matches!(other, Err(RedfishError::Changed { .. })), "{version:?}");
    }
}

#[tokio::test]
async fn a_confirmed_certificate_without_its_key_does_not_count() {
    for version in BOTH {
        let (key, thief) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
        let own = Fingerprint::of(certificate.der());
        let server = serve(certificate.der().clone(), thief.into(), version).await;
        let refused = believed(&server, Trust::Pinned(own)).await;
        assert!(matches!(refused, Err(RedfishError::Tls { .. })), "{version:?} {refused:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_x509_version_1_can_be_confirmed() {
    if !able(&["openssl"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let openssl = |args: &str| {
        run("openssl", &args.split(' ').collect::<Vec<_>>(), dir.path());
    };
    // Without extensions openssl signs a request as version 1, as BMCs of the 2010s did.
    openssl("req -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=bmc -out request.pem");
    openssl("x509 -req -in request.pem -signkey key.pem -days 9 -out certificate.pem");
    let read = |name: &str| std::fs::read(Path::new(dir.path()).join(name)).unwrap();
    let certificate = CertificateDer::from_pem_slice(&read("certificate.pem")).unwrap();
    let own = Fingerprint::of(&certificate);
    for version in BOTH {
        let key = PrivateKeyDer::from_pem_slice(&read("key.pem")).unwrap();
        let server = serve(certificate.clone(), key, version).await;
        let seen = Redfish::first_fingerprint(&server.url, Policy::default()).await.unwrap();
        assert_eq!(seen, own);
        let end = believed(&server, Trust::Pinned(own)).await;
        assert!(end.is_ok(), "{version:?} {end:?}");
    }
}
