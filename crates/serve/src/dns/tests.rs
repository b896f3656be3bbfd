use super::*;
use engine::names::Facts;
use engine::{
    Answer, Check, Datagram6, Event, FileAsk, Found, Listened6, Now, Outgoing6, Overheard,
};
use model::HardwareAddress;
use model::dns::{Published, PublishedAt};
use site::{Heard, Replies};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::time::Instant;

/// An owner of whom nothing is asked but names, and there are none.
#[derive(Clone)]
pub(super) struct Nobody;

impl Owner for Nobody {
    fn dhcp(&self, _: Vec<Heard>, _: &Replies) {}

    async fn dhcp6(&self, _: Datagram6) -> Option<Outgoing6> {
        None
    }

    fn overhear(&self, _: Vec<Overheard>) -> usize {
        0
    }

    fn listen6(&self, _: Vec<Listened6>) -> usize {
        0
    }

    fn conflict(&self, _: &str, _: Check, _: Option<HardwareAddress>) -> bool {
        false
    }

    async fn file(&self, _: FileAsk) -> Answer<Found> {
        Answer::Silence(model::plan::Why::NoSuchFile { name: String::new(), hint: None })
    }

    async fn machine_at(
        &self,
        _: IpAddr,
        _: &str,
        _: Option<HardwareAddress>,
    ) -> Option<HardwareAddress> {
        None
    }

    fn tell(&self, _: Event) {}

    fn edition(&self) -> u64 {
        0
    }

    fn names_edition(&self) -> u64 {
        0
    }

    async fn name_facts(&self) -> Option<Facts> {
        None
    }

    async fn published(&self) -> Option<Vec<(PublishedAt, Published)>> {
        None
    }

    async fn keep_published(&self, _: Vec<(PublishedAt, Option<Published>)>) -> Result<(), String> {
        Ok(())
    }

    fn now(&self) -> Now {
        Now(0)
    }
}

#[tokio::test]
async fn what_runs_already_ends_when_the_next_socket_cannot_be_served() {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let open = |tcp: Socket| {
        let udp = Socket::from(UdpSocket::bind(any).unwrap());
        crate::sys::udp::patience(&udp, Duration::from_millis(100)).unwrap();
        Opened { udp, tcp }
    };
    let listener = TcpListener::bind(any).unwrap();
    listener.set_nonblocking(true).unwrap();
    let first = open(listener.into());
    let at = first.udp.local_addr().unwrap().as_socket().unwrap();
    // A file is no socket: nobody can wait for connections there.
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let file = Socket::from(std::os::fd::OwnedFd::from(file));
    file.set_nonblocking(true).unwrap();
    let second = open(file);
    let dns = Dns { rules: Rules::default(), per_second: 1 };
    let (counters, limits) = (Arc::default(), Limits::default());
    let copier = Copier::start(&Nobody, &counters);
    let sockets = vec![first, second];
    let started = Service::start((&Nobody, &copier), sockets, dns, (&counters, &limits));
    assert!(started.is_err());
    let begun = Instant::now();
    while UdpSocket::bind(at).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the port of the first is still taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
