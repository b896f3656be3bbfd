//! The operators' TCP port: opened as the configuration says, with TLS wherever somebody could listen.
//!
//! In: `[admin]`, the certificates of `tls init` or given ones. Out: the running port, the link of the
//! first admin, signed heads of the audit log. Never: a port beyond this host without TLS.

use crate::config::{Admin, Config, Given};
use crate::failure::Failure;
use crate::say;
use api::gate::{first, host::Hosts};
use api::net::{Front, Setting};
use api::server::{House, Running};
use site::SiteHandle;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tls::Keys;
use tokio::net::{TcpListener, TcpSocket};

/// A renewed certificate is taken up so long after it was written at the latest.
const AGAIN: Duration = Duration::from_secs(60);
/// How often the head of the audit log is signed.
const SIGNED_EVERY: Duration = Duration::from_secs(3600);
/// Connections that wait to be accepted.
const WAITING_MAX: u32 = 128;

/// The opened port, not served yet.
pub struct Opened {
    listener: TcpListener,
    /// Where.
    pub at: SocketAddr,
    front: Front,
}

/// Opens the port. `Ok(None)` where it is off, or where nobody asked for it and it cannot be had; then
/// a note says why.
pub fn open(state: &Path, config: &Config) -> Result<Option<Opened>, Failure> {
    let Admin { listen, asked, hosts } = &config.admin;
    let Some(at) = *listen else { return Ok(None) };
    let tls: Option<Arc<Setting>> = match at.ip().is_loopback() {
        true => None,
        false => Some(certificates(state, config.given.clone(), at)?),
    };
    let listener = match bind(at) {
        Ok(listener) => listener,
        Err(e) if *asked => {
            return Err(Failure::failed(format!("cannot open the operators' port {at}: {e}"))
                .hint("write another in `listen` of [admin], or \"off\": the command works by the socket"));
        }
        Err(e) => {
            say::note(format!(
                "note: the operators' port {at} is not served: {e}\nhint: write another in \
                 `listen` of [admin], or \"off\""
            ));
            return Ok(None);
        }
    };
    let name = config.settings.server_name.clone();
    let hosts = Hosts(hosts.iter().cloned().chain([name]).collect());
    Ok(Some(Opened { listener, at, front: Front { hosts, tls } }))
}

fn bind(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if at.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a restart need not wait for connections of the run before.
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(WAITING_MAX)
}

/// What the port is served with: read anew now and then, so that a renewed certificate counts.
fn certificates(
    state: &Path,
    given: Option<Given>,
    at: SocketAddr,
) -> Result<Arc<Setting>, Failure> {
    let state: PathBuf = state.to_owned();
    let read = move || match &given {
        Some(given) => Keys::given(&given.certificate, &given.key),
        None => Keys::own(&state),
    };
    let first = read().map_err(|bad| {
        let why =
            format!("the operators' port {at} is beyond this host, so it takes TLS: {}", bad.what);
        Failure::failed(why)
            .hint(format!("{}; or listen on 127.0.0.1 and reach it by ssh -L", bad.hint))
    })?;
    let held = Mutex::new((Instant::now(), first.setting()));
    Ok(Arc::new(move || {
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.0.elapsed() >= AGAIN {
            held.0 = Instant::now();
            // What cannot be read now leaves the old one in force; the boot port tells of it.
            if let Ok(keys) = read() {
                held.1 = keys.setting();
            }
        }
        Some(Arc::clone(&held.1))
    }))
}

impl Opened {
    /// Where browsers find it: `http://127.0.0.1:7070`.
    pub fn url(&self) -> String {
        let scheme = if self.front.tls.is_some() { "https" } else { "http" };
        // An address that stands for all of them is none that a browser can go to.
        match self.front.hosts.0.last().filter(|_| self.at.ip().is_unspecified()) {
            Some(name) => format!("{scheme}://{name}:{}", self.at.port()),
            None => format!("{scheme}://{}", self.at),
        }
    }

    /// Starts to serve it.
    pub fn start(self, house: House) -> Running {
        api::net::start(self.listener, house, self.front)
    }
}

/// Says where operators find us, and while there is none, how the first one is made.
pub async fn tell(opened: &Opened, house: &House, server_name: &str) {
    let (url, at) = (opened.url(), opened.at);
    match first::link(house).await {
        Ok(Some(path)) => {
            say::line_if_read(format!("first operator: {url}{path} (once, within 24 h)"));
        }
        Ok(None) => say::line_if_read(format!("operators: {url}")),
        Err(problem) => {
            let why = problem.sentence();
            say::note(format!("note: no link for the first operator: {why}"));
        }
    }
    if at.ip().is_loopback() {
        let port = at.port();
        say::line_if_read(format!("from elsewhere: ssh -L {port}:{at} {server_name}"));
    }
}

/// Signs the head of the audit log once an hour, for as long as the server runs.
pub async fn keep_signing(site: SiteHandle, state: PathBuf) {
    loop {
        tokio::time::sleep(SIGNED_EVERY).await;
        sign(&site, &state).await;
    }
}

/// Signs it, and tells if that does not work.
pub async fn sign(site: &SiteHandle, state: &Path) {
    if let Err(problem) = api::doing::checkpoint::sign(site, state).await {
        site.alarm(format!("the audit log was not signed: {}", problem.sentence()));
    }
}
