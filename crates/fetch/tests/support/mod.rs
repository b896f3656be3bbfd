//! Servers for the tests: Debian's nginx, and one that does what it is told to.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fetch::{FetchError, Fetched, Place, Policy, download};

/// Whether the programs a test needs are there. If not, it is skipped aloud, and in CI it fails.
pub fn able(needs: &[&str]) -> bool {
    let missing: Vec<&str> =
        needs.iter().filter(|tool| !Path::new(tool).exists()).copied().collect();
    if missing.is_empty() {
        return true;
    }
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let text = format!("{test} SKIPPED: it needs {}", missing.join(", "));
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{text}");
    eprintln!("{text}");
    false
}

/// What tests allow: this host, and no long waits.
pub fn policy() -> Policy {
    Policy {
        allow_private: true,
        connect_max: Duration::from_secs(10),
        idle_max: Duration::from_secs(10),
        sync_bytes: 1 << 20,
        ..Policy::default()
    }
}

/// Bytes that are nowhere the same, so that a hole or a shift is seen.
pub fn content(bytes: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut content = Vec::with_capacity(bytes + 8);
    while content.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(bytes);
    content
}

pub fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Fetches a URL into a folder, hearing of nothing.
pub fn fetch(url: &str, dir: &Path, policy: &Policy) -> Result<Fetched, FetchError> {
    run(download(&Place::read(url).unwrap(), dir, policy, &mut |_| true))
}

/// A port that nobody has, for now.
pub fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Debian's nginx on this host, gone with the test.
pub struct Nginx {
    child: Child,
    pub port: u16,
}

impl Nginx {
    pub const PROGRAM: &str = "/usr/sbin/nginx";

    /// Serves `root`; `more` goes into the configuration's server.
    pub fn start(root: &Path, more: &str) -> Self {
        let port = port();
        let here = root.parent().unwrap();
        let (config, at) = (here.join("nginx.conf"), here.display());
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {at}/{kind};\n"))
            .collect();
        let user = if nix_root() { "user root;\n" } else { "" };
        fs::write(
            &config,
            format!(
                "daemon off; master_process off; pid {at}/nginx.pid; error_log {at}/error.log;\n{user}\
                 events {{ worker_connections 64; }}\n\
                 http {{ access_log off; {temp} server {{ listen 127.0.0.1:{port}; root {}; {more} }} }}\n",
                root.display()
            ),
        )
        .unwrap();
        let child = Command::new(Self::PROGRAM)
            .arg("-c")
            .arg(&config)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut nginx = Self { child, port };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = nginx.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "nginx does not answer: {ended:?}");
            thread::yield_now();
        }
        nginx
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn nix_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|said| std::os::unix::fs::MetadataExt::uid(&said) == 0)
}

/// What the told server does after it read a request.
#[derive(Clone, Debug)]
pub enum Do {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends a megabyte again and again until the other end has enough.
    Endless,
    /// Waits until the other end goes.
    Hang,
}

/// A server that answers each request with what it is told for it, in turn; the last again and again.
pub struct Told {
    pub port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Told {
    pub fn start(answers: Vec<Vec<Do>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        // Ends with the test's process.
        thread::spawn(move || {
            for socket in listener.incoming() {
                let Ok(mut socket) = socket else { continue };
                let Some(head) = read_head(&mut socket) else { continue };
                let answer = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(head);
                    answers[seen.len().min(answers.len()) - 1].clone()
                };
                thread::spawn(move || drop(act(&mut socket, &answer)));
            }
        });
        Self { port, heads }
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn read_head(socket: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).to_lowercase())
}

fn act(socket: &mut TcpStream, answer: &[Do]) -> std::io::Result<()> {
    for step in answer {
        match step {
            Do::Send(bytes) => socket.write_all(bytes)?,
            Do::Endless => loop {
                socket.write_all(&vec![0; 1 << 20])?;
            },
            Do::Hang => drop(socket.read(&mut [0; 1])?),
        }
    }
    Ok(())
}

/// A response: status line and fields, then a body.
pub fn says(head: &str, body: &[u8]) -> Vec<Do> {
    let mut bytes = format!("HTTP/1.1 {}\r\n\r\n", head.replace('\n', "\r\n")).into_bytes();
    bytes.extend_from_slice(body);
    vec![Do::Send(bytes)]
}

/// Names of what is in a folder.
pub fn names(dir: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        dir.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}
