//! DHCP: what we would have said to a message, and what whoever else said.

mod judge;

pub(crate) use judge::judge;

use crate::place;
use crate::run::{Asked, Moment, Work};
use crate::talk::{Reply, Waiting, asked_of, file};
use capture::Transport;
use engine::{Answer, Check, Datagram, Engine, Now, Outgoing, Told};
use model::plan::Why;
use model::{HardwareAddress, Network};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use wire::dhcp4::{Message, Op};

/// What a server that probes an address may take longer than it meant to.
const PROBE_SLACK: Duration = Duration::from_millis(200);

/// One message and everything that was, or would have been, said to it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) ours: Result<Outgoing, Why>,
    pub(crate) theirs: Vec<Reply>,
}

/// By what a reply is known to belong to a request: port, transaction, hardware address.
type Key = (u16, u32, [u8; 16]);

/// Requests and their replies.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    waiting: Waiting<Key>,
    /// An address of ours that is being offered for the first time: the link may say it is taken.
    probing: Option<Probing>,
}

#[derive(Debug)]
struct Probing {
    check: Check,
    datagram: Datagram,
    entry: usize,
    until: Now,
}

impl Talk {
    /// Takes a datagram of the ports of DHCP in. `asked` is what was asked before.
    pub(crate) fn hear(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        datagram: &Transport,
        asked: &mut Vec<Asked>,
    ) {
        let reply = Message::parse(&datagram.payload).ok().filter(|m| m.op == Op::Reply);
        match (reply, datagram.to.port()) {
            (Some(reply), _) => self.file(moment, datagram, &reply, asked),
            (None, 67 | 4011) => self.ask(engine, moment, datagram, asked),
            (None, _) => {}
        }
    }

    fn ask(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        datagram: &Transport,
        asked: &mut Vec<Asked>,
    ) {
        let (SocketAddr::V4(from), IpAddr::V4(to)) = (datagram.from, datagram.to.ip()) else {
            return;
        };
        let port = datagram.to.port();
        let message = Message::parse(&datagram.payload).ok();
        let relay = message.as_ref().map(|m| m.giaddr).filter(|a| !a.is_unspecified());
        let networks = &engine.settings().networks;
        let own = message.as_ref().map(|m| m.ciaddr).filter(|a| !a.is_unspecified());
        let ends =
            [relay.or(own).map(IpAddr::V4), Some(from.ip().to_owned().into()), Some(to.into())];
        let link = place::link(networks, moment, ends);
        let to = in_our_place(networks, &link, to);
        let datagram = Datagram { link, from, to, port, bytes: datagram.payload.clone() };
        let told = engine.dhcp(moment.now, &datagram);
        let entry = asked.len();
        if let Answer::Reply(Outgoing { check: Some(check), .. }) = &told.answer {
            let until = moment.now + check.wait + PROBE_SLACK;
            let datagram = datagram.clone();
            self.probing = Some(Probing { check: *check, datagram, entry, until });
        }
        if let Some(message) = message {
            self.waiting.put((port, message.xid, message.chaddr), entry);
        }
        asked.push(of(moment, told));
    }

    /// Files a reply with its request.
    fn file(
        &self,
        moment: &Moment<'_>,
        datagram: &Transport,
        reply: &Message,
        asked: &mut [Asked],
    ) {
        let key = |port| (port, reply.xid, reply.chaddr);
        let port = datagram.from.port();
        let found = self.waiting.of(&key(port)).or_else(|| self.waiting.of(&key(67)));
        let asked = found.and_then(|entry| asked.get_mut(entry)).map(|asked| &mut asked.work);
        if let Some(Work::Dhcp(exchange)) = asked {
            file(&mut exchange.theirs, moment, datagram);
        }
    }

    /// Somebody says that he has an address. If it is the one we have just offered, we would have
    /// heard that, and decided again.
    pub(crate) fn in_use(
        &mut self,
        engine: &mut Engine,
        moment: &Moment<'_>,
        (address, hardware): (Ipv4Addr, [u8; 6]),
        asked: &mut [Asked],
    ) {
        let theirs = HardwareAddress::mac(hardware);
        let fits = |probing: &Probing| {
            probing.check.address == address
                && probing.check.hardware != theirs
                && moment.now <= probing.until
        };
        let Some(probing) = self.probing.take_if(|probing| fits(probing)) else { return };
        let Probing { check, datagram, entry, .. } = probing;
        // What is noted of it is the operator's affair.
        let _ = engine.conflict(moment.now, &datagram.link, &check, Some(theirs));
        let told = engine.dhcp(moment.now, &datagram);
        let Some(before) = asked.get_mut(entry) else { return };
        let Work::Dhcp(exchange) = &mut before.work else { return };
        let mut again = of(moment, told);
        if let Work::Dhcp(new) = &mut again.work {
            exchange.ours = std::mem::replace(&mut new.ours, Err(Why::NothingHere));
        }
        before.because = again.because;
        before.because.push(format!("{address} is not offered: {theirs} uses it"));
    }
}

/// A capture of another server's traffic has it addressed by its own address. Where we are asked what we
/// would do in its place, that is ours.
fn in_our_place(networks: &[Network], link: &str, to: Ipv4Addr) -> Ipv4Addr {
    let mut here = networks.iter().filter(|network| network.interface == link);
    match here.next() {
        Some(network) if !to.is_broadcast() && !to.is_multicast() => {
            let known = place::is_ours(networks, to)
                || std::iter::once(network).chain(here).any(|n| n.subnet.broadcast() == to);
            if known { to } else { network.server }
        }
        _ => to,
    }
}

pub(crate) fn of(moment: &Moment<'_>, told: Told<Outgoing>) -> Asked {
    asked_of(
        moment,
        told,
        |asked| asked.unwrap_or("DHCP message").to_owned(),
        |ours| Work::Dhcp(Box::new(Exchange { ours, theirs: Vec::new() })),
    )
}
