//! A server elsewhere: its URL, what we show it, and whom we believe.
//!
//! In: `--server`, the token, a CA. Out: a connection. Never: a token in clear over a network.

use super::Error;
use hyper::header::HeaderValue;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A server that does not answer within this is not there.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// More certificates are no CA.
const CA_MAX: usize = 256;

/// A server that is reached by TCP.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) url: String,
    /// `Host`, and where to connect.
    pub(super) authority: String,
    name: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    pub(super) bearer: Option<HeaderValue>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url)
    }
}

/// What bytes go over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Server {
    /// `https://boot.lab.example:7070`, or `http://127.0.0.1:7070`.
    pub(super) fn new(url: &str, token: Option<&str>, ca: Option<&Path>) -> Result<Self, Error> {
        let wrong = |why: &str| {
            let shown = model::text::show(url.as_bytes());
            Error::Usage(format!("`{shown}` is no server: {why}"))
        };
        let uri: hyper::Uri = url.parse().map_err(|_| wrong("write https://NAME:7070"))?;
        let authority = uri.authority().ok_or_else(|| wrong("write https://NAME:7070"))?;
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") {
            return Err(wrong("write its name and port alone: https://NAME:7070"));
        }
        let name = authority.host().trim_matches(['[', ']']).to_owned();
        let here = name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        let (tls, usual) = match uri.scheme_str() {
            Some("https") => (Some(believing(ca)?), 443),
            Some("http") if here => (None, 80),
            Some("http") => return Err(wrong("without TLS only this host is spoken to: https://")),
            _ => return Err(wrong("write https://NAME:7070")),
        };
        let bearer = token.map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
                Error::Usage("the token has characters that no token has".to_owned())
            })?;
            value.set_sensitive(true);
            Ok(value)
        });
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            authority: authority.as_str().to_owned(),
            port: authority.port_u16().unwrap_or(usual),
            name,
            tls,
            bearer: bearer.transpose()?,
        })
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, Error> {
        let not_reached = |why: String| Error::NotReached { at: self.url.clone(), why };
        let connecting = async {
            let stream = TcpStream::connect((self.name.as_str(), self.port)).await?;
            let _ = stream.set_nodelay(true);
            let Some(tls) = &self.tls else { return Ok(Box::new(stream) as Box<dyn Stream>) };
            let name = ServerName::try_from(self.name.clone()).map_err(std::io::Error::other)?;
            let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        };
        let connected: Result<std::io::Result<Box<dyn Stream>>, _> =
            tokio::time::timeout(CONNECT_WAIT, connecting).await;
        match connected {
            Err(_) => Err(not_reached(format!("no answer in {} s", CONNECT_WAIT.as_secs()))),
            Ok(connected) => connected.map_err(|e| not_reached(words(&e))),
        }
    }
}

fn words(e: &std::io::Error) -> String {
    let text = e.to_string();
    match text.contains("UnknownIssuer") || text.contains("invalid peer certificate") {
        true => format!("its certificate is not believed ({text}); name its CA: --ca FILE"),
        false => text,
    }
}

/// Believes one CA, or those of this host.
fn believing(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let cannot = |why: String| Error::File(format!("{}: {why}", path.display()));
            let all = CertificateDer::pem_file_iter(path).map_err(|e| cannot(e.to_string()))?;
            for certificate in all.take(CA_MAX) {
                let certificate = certificate.map_err(|e| cannot(e.to_string()))?;
                roots.add(certificate).map_err(|e| cannot(e.to_string()))?;
            }
            if roots.is_empty() {
                return Err(cannot("there is no certificate in it".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::Broken(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_in_clear_to_this_host_alone() {
        let new = |url: &str| Server::new(url, Some("bwt_x"), None);
        for good in ["http://127.0.0.1:7070", "http://localhost:7070/", "http://[::1]:7070"] {
            assert!(new(good).is_ok(), "{good}");
        }
        for wrong in
            ["http://10.0.0.1:7070", "lab:7070", "ftp://lab", "https://a@lab", "https://lab/x", ""]
        {
            assert!(matches!(new(wrong), Err(Error::Usage(_))), "{wrong}");
        }
        assert!(matches!(
            Server::new("http://localhost", Some("a\nb"), None),
            Err(Error::Usage(_))
        ));
        let server = new("https://lab.example").unwrap();
        assert_eq!((server.port, server.name.as_str()), (443, "lab.example"));
        assert!(!format!("{server:?}").contains("bwt_"));
    }
}
