//! Who has the ports that machines ask.

use super::{Finding, Known};
use serve::holder::{Holder, Transport, holders};

const SYSLOG: &str = "syslog";

/// Looks at DHCP, TFTP, HTTP, and what else is configured.
pub fn look(known: &Known) -> Vec<Finding> {
    let ours = known.told.as_ref().map(|told| told.status.pid);
    let mut ports = vec![
        (Transport::Udp, 67, "DHCP"),
        (Transport::Udp, 4011, "proxyDHCP"),
        (Transport::Udp, 69, "TFTP"),
        (Transport::Tcp, known.http_port, "HTTP"),
    ];
    let configured = known.config.as_ref().and_then(|config| config.settings.tls_port);
    let syslog = known.config.as_ref().and_then(|config| config.syslog_port);
    ports.extend(syslog.map(|port| (Transport::Udp, port, SYSLOG)));
    let served = known.told.as_ref().and_then(|told| told.status.tls.as_ref());
    ports.extend(
        served.map(|tls| tls.port).or(configured).map(|port| (Transport::Tcp, port, "HTTPS")),
    );
    ports.into_iter().map(|(by, port, what)| one(by, port, what, ours)).collect()
}

fn one(by: Transport, port: u16, what: &str, ours: Option<u32>) -> Finding {
    let all = holders(by, port);
    let is_ours =
        |holder: &&Holder| holder.process.as_ref().is_some_and(|(_, pid)| Some(*pid) == ours);
    let (own, other): (Vec<&Holder>, Vec<&Holder>) = all.iter().partition(is_ours);
    let name = format!("{by} port {port} ({what})");
    let Some(first) = other.first() else {
        return match (own.is_empty(), ours) {
            (false, _) => Finding::good(format!("{name} is ours")),
            (true, None) => Finding::good(format!("{name} is free")),
            // DHCP is heard on packet sockets, which no table of ports shows.
            (true, Some(_)) => Finding::good(format!("{name} is held by nobody else")),
        };
    };
    let who = format!("{name} is held by {first} on {}", first.address);
    let mend = match &first.process {
        Some((_, pid)) => format!("see what it is: ps {pid}; stop it, or have it use another port"),
        None => format!("see who it is, as root: ss -lpn 'sport = :{port}'"),
    };
    match (port, ours) {
        // Without the right to look, our own server may be the one.
        (_, Some(_)) if first.process.is_none() => {
            Finding::note(who, "it may be our server; only root sees that", mend)
        }
        (67 | 4011, _) => Finding::note(
            who,
            "a DHCP server on this host: we hear machines beside it, but must not give addresses \
             on its links",
            mend,
        ),
        (69, _) => {
            Finding::bad(who, "firmware fetches its bootloader there, and from no other port", mend)
        }
        _ if what == SYSLOG && ours.is_none() => Finding::bad(
            who,
            "installers send their logs there",
            format!("{mend}; or choose another for ours: [syslog] port"),
        ),
        _ if ours.is_some() => {
            Finding::note(who, "on another address than ours it does no harm", mend)
        }
        _ => Finding::bad(
            who,
            "machines fetch kernels and images there",
            format!("{mend}; or choose another for ours: [http] port"),
        ),
    }
}
