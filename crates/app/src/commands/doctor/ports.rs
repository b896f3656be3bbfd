//! Who has the ports that machines ask.

use super::Known;
use doctor::ports::{By, For, Holder, Maker, Port};
use serve::holder::{self, Transport, holders};
use std::fs;
use std::net::IpAddr;

/// Looks at DHCP, TFTP, HTTP, and what else is configured. Whoever answers names on another address than
/// ours, as a resolver of this host does on 127.0.0.53, is in nobody's way.
pub fn look(known: &Known) -> Vec<Port> {
    let settings = known.config.as_ref().map(|config| &config.settings);
    let status = known.told.as_ref().map(|told| &told.status);
    let http = status.map(|status| status.http_port);
    let http = http.or(settings.map(|settings| settings.http_port)).unwrap_or(80);
    let tls = status.and_then(|status| Some(status.tls.as_ref()?.port));
    let tls = tls.or(settings.and_then(|settings| settings.tls_port));
    let syslog = known.config.as_ref().and_then(|config| config.syslog_port);

    let mut ports = vec![
        (By::Udp, 67, For::Dhcp),
        (By::Udp, 4011, For::ProxyDhcp),
        (By::Udp, 69, For::Tftp),
        (By::Tcp, http, For::Http),
    ];
    let of_ipv6 = known.interfaces.iter();
    let of_ipv6 = of_ipv6
        .into_iter()
        .any(|name| !known.subnets_6(name).is_empty() || known.served_6(name).is_some());
    ports.extend(of_ipv6.then_some((By::Udp, 547, For::Dhcp6)));
    ports.extend(syslog.map(|port| (By::Udp, port, For::Syslog)));
    ports.extend(tls.map(|port| (By::Tcp, port, For::Https)));
    let names: Vec<IpAddr> = match known.config.as_ref().and_then(|config| config.dns.as_ref()) {
        Some(dns) => dns.rules.interfaces.iter().flat_map(|link| known.names(link)).collect(),
        None => Vec::new(),
    };
    if !names.is_empty() {
        ports.extend([(By::Udp, 53, For::Dns), (By::Tcp, 53, For::Dns)]);
    }
    let ours = known.pid();
    ports
        .into_iter()
        .map(|(by, number, what)| {
            let transport = if by == By::Udp { Transport::Udp } else { Transport::Tcp };
            let mut all = holders(transport, number);
            if what == For::Dns {
                all.retain(|holder| names.iter().any(|at| holder.is_in_the_way_of(*at)));
            }
            let holders = all.into_iter().map(held).collect();
            Port { by, number, what, holders, ours }
        })
        .collect()
}

fn held(holder: holder::Holder) -> Holder {
    let line = holder.process.as_ref().and_then(|(_, id)| {
        let bytes = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
    });
    Holder {
        address: holder.address.to_string(),
        process: holder.process,
        made_by: line.as_deref().and_then(Maker::of),
    }
}
