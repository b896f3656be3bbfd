//! Couriers against receivers of this process, on one thread: what is told in one go is told before
//! anybody can have taken it.

use super::*;
use engine::command::WebhookNews;
use engine::state::{BootDefaults, LEASE_HISTORY};
use engine::{Command, Settings};
use model::webhook::{Filter, SigningKey};
use site::{Limits, Options, Site, WallClock};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use webhook::QUEUE_MAX;

struct World {
    site: SiteHandle,
    webhooks: Arc<Webhooks>,
    delivering: tokio::task::JoinHandle<()>,
    _state: tempfile::TempDir,
}

impl World {
    async fn start(events_max: usize) -> Self {
        let (site, state) = site(events_max).await;
        Self::over(site, state)
    }

    fn over(site: SiteHandle, state: tempfile::TempDir) -> Self {
        let (webhooks, listener) = Webhooks::open(site.clone());
        let delivering = tokio::spawn(Arc::clone(&webhooks).keep_delivering(listener));
        Self { site, webhooks, delivering, _state: state }
    }

    async fn add(&self, name: &str, to: SocketAddr) {
        self.site.command(model::By::server(), add(name, to), false).await.unwrap();
        self.until(|| self.webhooks.desk(name)).await;
    }

    fn view(&self, name: &str) -> WebhookView {
        let desk = self.webhooks.desk(name).unwrap();
        self.webhooks.view(&desk.hook())
    }

    /// What is found in the end.
    async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        for _ in 0..2000 {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not within 20 s");
    }
}

async fn site(events_max: usize) -> (SiteHandle, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        server_name: "lab".to_owned(),
        networks: Vec::new(),
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: LEASE_HISTORY,
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    };
    let options = Options {
        state: folder.path().join("state"),
        settings,
        clock: Arc::new(WallClock::new()),
        limits: Limits { events_max, ..Limits::default() },
    };
    (Site::start(options).await.unwrap().0, folder)
}

fn add(name: &str, to: SocketAddr) -> Command {
    Command::AddWebhook(Webhook {
        name: name.to_owned(),
        url: format!("http://{to}/{name}"),
        events: vec![Filter::Kind("alarm".to_owned())],
        enabled: true,
        allow_private: true,
        key: SigningKey::new(&[1; 32]),
    })
}

/// Answers 204, and keeps the bodies.
struct Receiver {
    at: SocketAddr,
    got: Arc<Mutex<Vec<String>>>,
    /// How many are being answered at this moment, at most.
    together: Arc<AtomicUsize>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let (got, together) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let this = Self { at, got: Arc::clone(&got), together: Arc::clone(&together) };
        // Ends with the test's process.
        std::thread::spawn(move || {
            let now = Arc::new(AtomicUsize::new(0));
            for socket in listener.incoming() {
                let (mut socket, got) = (socket.unwrap(), Arc::clone(&got));
                let (now, together) = (Arc::clone(&now), Arc::clone(&together));
                std::thread::spawn(move || {
                    together.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let mut text = String::new();
                    let mut some = [0; 4096];
                    while !is_whole(&text) {
                        let n = socket.read(&mut some).unwrap();
                        text.push_str(&String::from_utf8_lossy(&some[..n]));
                    }
                    let body = text.split_once("\r\n\r\n").unwrap().1.to_owned();
                    got.lock().unwrap().push(body);
                    now.fetch_sub(1, Ordering::SeqCst);
                    drop(socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n"));
                });
            }
        });
        this
    }

    fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap())
}

/// Where nobody answers.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn run(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(story);
}

#[test]
fn a_delivery_is_a_line_of_the_stream_of_events() {
    run(async {
        let (world, receiver) = (World::start(1024).await, Receiver::start());
        world.add("ok", receiver.at).await;
        let mut events = world.site.events();
        world.site.alarm("look \u{1b}\"here\"".to_owned());
        let event = events.recv().await.unwrap();
        world.until(|| (!receiver.got().is_empty()).then_some(())).await;
        let line = Line::Event(event.as_ref().clone());
        assert_eq!(receiver.got(), [serde_json::to_string(&line).unwrap()]);
    });
}

#[test]
fn a_flood_at_a_dead_receiver_is_bounded_and_told_once() {
    run(async {
        let (world, receiver) = (World::start(8192).await, Receiver::start());
        world.add("dead", nobody()).await;
        world.add("ok", receiver.at).await;
        for n in 0..3000 {
            world.site.alarm(format!("{n}"));
        }
        // Those that were told, and the one alarm about them; the living receiver may drop some itself.
        let full = || Some(world.view("dead")).filter(|view| view.dropped >= 2000);
        let dead = world.until(full).await;
        assert_eq!(dead.waiting, QUEUE_MAX);
        let of_dead = |body: &&String| body.contains("webhook dead: more waits");
        world.until(|| receiver.got().iter().any(|b| of_dead(&b)).then_some(())).await;
        world.until(|| Some(()).filter(|()| world.view("ok").waiting == 0)).await;
        assert_eq!(receiver.got().iter().filter(of_dead).count(), 1);
        assert_eq!(receiver.together.load(Ordering::SeqCst), 1, "one at a time");

        // A receiver that is named instead gets what waited, in order, without waiting for its next try.
        let news =
            WebhookNews { url: Some(format!("http://{}/", receiver.at)), ..Default::default() };
        let name = "dead".to_owned();
        let before = receiver.got().len();
        world
            .site
            .command(model::By::server(), Command::SetWebhook { name, news }, false)
            .await
            .unwrap();
        world.until(|| Some(()).filter(|()| world.view("dead").waiting == 0)).await;
        let number = |body: &String| {
            let event: serde_json::Value = serde_json::from_str(body).unwrap();
            event["text"].as_str()?.parse::<u32>().ok()
        };
        let numbers: Vec<u32> = receiver.got()[before..].iter().filter_map(number).collect();
        assert!(numbers.len() >= QUEUE_MAX - 10 && numbers.is_sorted(), "{}", numbers.len());
    });
}

#[test]
fn what_came_too_fast_is_said_to_be_missed() {
    run(async {
        let (world, receiver) = (World::start(16).await, Receiver::start());
        world.add("ok", receiver.at).await;
        for n in 0..116 {
            world.site.alarm(format!("{n}"));
        }
        world.until(|| (receiver.got().len() >= 17).then_some(())).await;
        let got = receiver.got();
        assert_eq!(got[0], r#"{"missed":100}"#);
        assert!(got[1].contains(r#""text":"100""#), "{}", got[1]);
    });
}

#[test]
fn what_was_told_before_anybody_listened_is_sent_once() {
    run(async {
        let receiver = Receiver::start();
        let (site, state) = site(1024).await;
        site.command(model::By::server(), add("ok", receiver.at), false).await.unwrap();
        for n in 0..3 {
            site.alarm(format!("before {n}"));
        }
        let world = World::over(site, state);
        world.site.alarm("after".to_owned());
        let after = |got: &Vec<String>| got.iter().any(|body| body.contains("after"));
        let got = world.until(|| Some(receiver.got()).filter(after)).await;
        let texts = ["before 0", "before 1", "before 2", "after"];
        for text in texts {
            assert_eq!(got.iter().filter(|body| body.contains(text)).count(), 1, "{text}: {got:?}");
        }
    });
}

#[test]
fn whoever_is_removed_gets_nothing_more_and_all_ends_with_the_couriers() {
    run(async {
        let (world, receiver) = (World::start(1024).await, Receiver::start());
        world.add("ok", receiver.at).await;
        world.add("gone", receiver.at).await;
        world
            .site
            .command(model::By::server(), Command::RemoveWebhook("gone".to_owned()), false)
            .await
            .unwrap();
        world.until(|| world.webhooks.desk("gone").is_none().then_some(())).await;
        world.site.alarm("one".to_owned());
        world.until(|| (!receiver.got().is_empty()).then_some(())).await;
        world.delivering.abort();
        let desks = world.webhooks.desks();
        world.until(|| Some(()).filter(|()| Arc::strong_count(&world.webhooks) == 1)).await;
        world.site.alarm("two".to_owned());
        tokio::task::yield_now().await;
        assert_eq!((receiver.got().len(), desks.len()), (1, 1));
    });
}
