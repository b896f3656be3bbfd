//! What is said when something cannot be opened, or is odd: what, where, why, and what to do.

use crate::TFTP_PORT;
use crate::holder::{self, Holder, Transport};
use std::fmt;
use std::io;
use std::net::IpAddr;
use thiserror::Error;

/// Something an operator should know, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What is so.
    pub text: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nhint: {}", self.text, self.hint)
    }
}

/// Why we cannot serve.
#[derive(Debug, Error)]
#[error("{text}")]
pub struct StartError {
    /// What could not be done, where, and why.
    pub text: String,
    /// What to do.
    pub hint: String,
    /// What the system said.
    #[source]
    pub cause: io::Error,
}

/// Where a port was wanted.
pub(super) struct Place<'a> {
    pub(super) link: &'a str,
    pub(super) address: IpAddr,
    pub(super) port: u16,
}

impl Place<'_> {
    pub(super) fn refused(&self, transport: Transport, cause: io::Error) -> StartError {
        let Self { link, address, port } = self;
        let (link, address, port) = (*link, *address, *port);
        let place = format!("{transport} port {port} on {address} ({link})");
        let (text, hint) = match cause.kind() {
            io::ErrorKind::AddrInUse => {
                let mut others = holder::others(transport, port);
                others.retain(|h| h.is_in_the_way_of(address));
                let hint = match transport {
                    _ if port == crate::dns::PORT => format!(
                        "stop that server, or leave names to it: take [dns] out, or name other \
                         `interfaces` there than {link}"
                    ),
                    Transport::Udp if port == wire::dhcp6::SERVER_PORT => {
                        "stop that DHCPv6 server, or leave the IPv6 [[network]] out".to_owned()
                    }
                    Transport::Udp if port == TFTP_PORT => {
                        "stop that server; two cannot share a TFTP port".to_owned()
                    }
                    Transport::Udp => {
                        "stop that server, or set another `port` in [syslog]".to_owned()
                    }
                    Transport::Tcp => {
                        "stop that server, or set another `port` in [http]".to_owned()
                    }
                };
                (format!("{place} is in use by {}", names(&others)), hint)
            }
            io::ErrorKind::AddrNotAvailable => (
                format!("{place} cannot be opened: {link} does not have the address {address}"),
                format!("give it to {link} (`ip address add`), or correct the network's settings"),
            ),
            io::ErrorKind::PermissionDenied => (
                format!("{place} cannot be opened: not allowed"),
                "run as root, or with CAP_NET_BIND_SERVICE".to_owned(),
            ),
            _ => (format!("{place} cannot be opened: {cause}"), LOOK_AT_LOG.to_owned()),
        };
        StartError { text, hint, cause }
    }
}

pub(super) const LOOK_AT_LOG: &str = "look at `ip address` and at the system's log";

impl StartError {
    pub(super) fn thread(what: &str, cause: io::Error) -> Self {
        let text = format!("{what} cannot be served: {cause}");
        let hint = "raise LimitNOFILE= and TasksMax= of the service".to_owned();
        Self { text, hint, cause }
    }

    pub(super) fn packet_socket(name: &str, cause: io::Error) -> Self {
        let on = if name.is_empty() { String::new() } else { format!(" on {name}") };
        let (why, hint) = match cause.kind() {
            io::ErrorKind::PermissionDenied => {
                ("not allowed".to_owned(), "run as root, or with CAP_NET_RAW")
            }
            _ => (cause.to_string(), LOOK_AT_LOG),
        };
        let text = format!("DHCP{on} cannot be received: {why}");
        Self { text, hint: hint.to_owned(), cause }
    }
}

pub(super) fn names(holders: &[Holder]) -> String {
    match holders {
        [] => "somebody we cannot see".to_owned(),
        holders => holders.iter().map(Holder::to_string).collect::<Vec<_>>().join(", "),
    }
}
