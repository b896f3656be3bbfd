//! A house on a port of loopback, with operators of every kind, and a client that sends what it is told.

use access::chain::Checkpoint;
use api::Problem;
use api::asker::Asker;
use api::gate::door::Door;
use api::gate::host::Hosts;
use api::net::{Front, start};
use api::pages::Page;
use api::server::{Configuration, House, Running};
use api::types::{ConfigAnswer, Network6Wish, NetworkWish};
use engine::{BootDefaults, Command, Settings};
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use library::Blobs;
use model::access::{ApiToken, Owner, PasswordPhc, Role, Scope, User};
use model::{By, Change, HardwareAddress, Machine, Now, Transfers};
use site::{Limits, Options, Site, SiteHandle};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const DAY: Duration = Duration::from_secs(86_400);
pub const PASSWORD: &str = "canary-password-of-everybody";
const START: u64 = 1_795_651_200_000;

pub struct World {
    pub house: House,
    pub at: std::net::SocketAddr,
    pub clock: Arc<AtomicU64>,
    running: Running,
    owner: JoinHandle<()>,
}

/// What came back.
pub struct Got {
    pub status: StatusCode,
    pub headers: hyper::HeaderMap,
    pub text: String,
}

pub fn mac(last: u8) -> HardwareAddress {
    HardwareAddress::mac([0x52, 0x54, 0, 0, 0, last])
}

/// A token's text, by a number.
pub fn token(number: u8) -> access::token::Made {
    access::token::make(&[number; 32])
}

pub fn hash() -> PasswordPhc {
    access::password::hash(PASSWORD, &[7; 16]).unwrap()
}

async fn site(state: &Path, clock: &Arc<AtomicU64>) -> (SiteHandle, JoinHandle<()>) {
    let settings = Settings {
        server_name: "lab".to_owned(),
        networks: Vec::new(),
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: engine::state::LEASE_HISTORY,
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    };
    let clock = Arc::clone(clock);
    let clock = Arc::new(move || Now(clock.load(Ordering::Relaxed)));
    let state = state.to_owned();
    Site::start(Options { state, settings, clock, limits: Limits::default() }).await.unwrap()
}

/// A configuration that is never asked for: there is no file.
struct NoFile;

impl Configuration for NoFile {
    fn check(&self, _: String) -> BoxFuture<'static, Result<ConfigAnswer, Problem>> {
        Box::pin(async { Ok(ConfigAnswer::default()) })
    }

    fn with_network(&self, text: &str, _: &NetworkWish) -> Result<String, Problem> {
        Ok(text.to_owned())
    }

    fn with_network6(&self, text: &str, _: &Network6Wish) -> Result<String, Problem> {
        Ok(text.to_owned())
    }
}

/// A web UI of two files.
const PAGES: &[Page] = &[
    Page { path: "index.html", plain: b"<title>the UI</title>", gzip: None, brotli: None },
    Page { path: "assets/a-1f.js", plain: b"\"plain\"", gzip: Some(b"packed"), brotli: None },
];

impl World {
    pub async fn new(folder: &Path) -> Self {
        let state = folder.join("state");
        let clock = Arc::new(AtomicU64::new(START));
        let (site, owner) = site(&state, &clock).await;
        let house = House {
            site: site.clone(),
            blobs: Arc::new(Blobs::open_at(&state).unwrap()),
            state,
            config: None,
            started: Now(START),
            findings: Arc::new(Vec::new),
            transfers: Arc::new(Transfers::default),
            dns: Arc::new(|| None),
            published: Arc::new(Vec::new),
            counted: Arc::new(Vec::new),
            tls: Arc::new(|| None),
            reload: Arc::new(|dry| {
                let says = "nothing changed".to_owned();
                Box::pin(async move { Ok(api::types::Done { says, done: !dry }) })
            }),
            settings: Arc::new(NoFile),
            history: Arc::default(),
            sweeping: Arc::default(),
            imports: Arc::default(),
            webhooks: api::webhooks::Webhooks::open(site.clone()).0,
            door: Door::default(),
            asker: Asker::server(),
            expects: api::Expects::default(),
            pages: PAGES,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let front = Front { hosts: Hosts(vec!["lab".to_owned()]), tls: None };
        let running = start(listener, house.clone(), front);
        Self { house, at, clock, running, owner }
    }

    /// With machines in rooms 3 and 4, and an operator of every kind.
    pub async fn peopled(folder: &Path) -> Self {
        let world = Self::new(folder).await;
        for room in [3, 4] {
            world.machine(room).await;
        }
        for (name, role, scope) in [
            ("vera", Role::Viewer, ""),
            ("oscar", Role::Operator, ""),
            ("ada", Role::Admin, ""),
            ("sam", Role::Operator, "room=3"),
            ("sue", Role::Viewer, "room=3"),
        ] {
            world.user(name, role, scope).await;
        }
        world
    }

    pub async fn machine(&self, room: u8) {
        let machine = mac(room).to_string();
        let labels = vec![("room".to_owned(), Some(room.to_string()))];
        self.does(Command::SetMachine {
            machine,
            name: None,
            profile: None,
            labels,
            settings: Vec::new(),
            notes: None,
        })
        .await;
    }

    pub async fn user(&self, name: &str, role: Role, scope: &str) {
        let (name, password, since) = (name.to_owned(), hash(), Now(0));
        let user = User {
            name,
            role,
            scope: scope_of(scope),
            password,
            disabled: false,
            since,
            changed: since,
        };
        self.does(Command::AddUser(user)).await;
    }

    /// A token of somebody that lasts a day.
    pub async fn token(&self, number: u8, owner: &str, role: Role, scope: &str) -> String {
        let made = token(number);
        let token = ApiToken {
            id: made.id,
            name: "ci".to_owned(),
            owner: Owner::User(owner.to_owned()),
            role,
            scope: scope_of(scope),
            since: Now(0),
            expires: self.house.site.now() + DAY,
            secret_sha256: made.sha256,
        };
        self.does(Command::AddToken(token)).await;
        made.text
    }

    pub async fn does(&self, command: Command) -> Vec<Change> {
        self.house.site.command(By::server(), command, false).await.unwrap().changes
    }

    pub fn later(&self, by: Duration) {
        self.clock.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::Relaxed);
    }

    /// Sends a request; the answer's head only, its body is not read.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<hyper::body::Incoming> {
        let stream = TcpStream::connect(self.at).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", self.at.to_string());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        sender.send_request(request).await.unwrap()
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Got {
        let response = self.open(method, path, headers, body).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Got { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub async fn with_token(&self, method: Method, path: &str, token: &str, body: &str) -> Got {
        self.ask(method, path, &[("authorization", &format!("Bearer {token}"))], body).await
    }

    /// Logs in: the cookie, and what goes beside it.
    pub async fn login(&self, name: &str) -> (String, String) {
        let body = serde_json::json!({ "name": name, "password": PASSWORD }).to_string();
        let got = self.ask(Method::POST, "/api/v1/session", &[], &body).await;
        assert_eq!(got.status, 200, "{}", got.text);
        let cookie = got.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains("Secure"));
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let view: serde_json::Value = serde_json::from_str(&got.text).unwrap();
        (cookie, view["csrf"].as_str().unwrap().to_owned())
    }

    /// Everything in the audit log.
    pub async fn log(&self) -> Vec<model::AuditRecord> {
        let page = self.house.site.audit(0, 500).await.unwrap();
        let record = |entry| match entry {
            site::AuditEntry::Record(record) => *record,
            site::AuditEntry::Unreadable(seq, why) => panic!("record {seq}: {why}"),
        };
        page.into_iter().map(record).collect()
    }

    pub async fn verdict(&self) -> Option<String> {
        api::doing::checkpoint::verify(&self.house).await.unwrap().wrong
    }

    pub async fn sign(&self) -> bool {
        api::doing::checkpoint::sign(&self.house.site, &self.house.state).await.unwrap()
    }

    /// Ends it as a stop of the server does.
    pub async fn stop(self) {
        self.running.stop().await;
        self.house.site.stop().await;
        self.owner.await.unwrap();
    }
}

fn scope_of(text: &str) -> Scope {
    Scope::of(text.split_whitespace().map(|label| label.parse().unwrap()).collect())
}

/// So that a test that only signs has the type in its words.
pub fn checkpoints(state: &Path) -> Vec<Checkpoint> {
    let text = std::fs::read_to_string(state.join("audit-checkpoints")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A machine as it is kept.
pub async fn machine(world: &World, room: u8) -> Option<Machine> {
    let found =
        world.house.site.ask(move |engine, _| engine.machine(&mac(room).to_string()).cloned());
    found.await.unwrap()
}
