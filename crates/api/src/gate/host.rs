//! Which names we are called by. A page of somebody else that leads its name to our address (DNS
//! rebinding) is told that it is wrong here.

use crate::Problem;
use axum::http::request::Parts;
use axum::http::{Method, header};
use std::net::{IpAddr, SocketAddr};

/// Names that the operators' port answers to, beside its addresses and `localhost`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hosts(pub Vec<String>);

/// What a `Host` says without its port; `None` if it says nothing that can be read.
fn name(host: &str) -> Option<&str> {
    if host.is_empty() || host.contains(['/', '@', ' ']) {
        return None;
    }
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').map(|(name, _)| name);
    }
    host.split_once(':').map_or(Some(host), |(name, _)| Some(name))
}

impl Hosts {
    /// Whether a request is for us, and comes from a page of ours if from a page at all.
    pub(crate) fn check(&self, local: SocketAddr, parts: &Parts) -> Result<(), Problem> {
        let mut all = parts.headers.get_all(header::HOST).iter();
        let host = match (all.next().and_then(|host| host.to_str().ok()), all.next()) {
            (Some(host), None) => host,
            _ => return Err(Problem::misdirected("a request names one host")),
        };
        // The absolute form of a request (RFC 9112, 3.2.2) would outrank it.
        let target = parts.uri.authority().map_or(host, |authority| authority.as_str());
        for said in [host, target] {
            if !name(said).is_some_and(|name| self.is_ours(local.ip(), name)) {
                let shown = model::text::show(said.as_bytes());
                return Err(Problem::misdirected(format!("this server is not called {shown}"))
                    .hint("add the name to `hosts` of [admin], or use its address"));
            }
        }
        let origin = parts.headers.get(header::ORIGIN).filter(|_| parts.method != Method::GET);
        match origin.map(|origin| origin.to_str().unwrap_or_default()) {
            None => Ok(()),
            Some(origin) if origin.split_once("://").is_some_and(|(_, from)| from == host) => {
                Ok(())
            }
            Some(_) => Err(Problem::forbidden("another page sent this request")),
        }
    }

    fn is_ours(&self, local: IpAddr, name: &str) -> bool {
        match name.parse::<IpAddr>() {
            Ok(address) => address.to_canonical() == local.to_canonical() || address.is_loopback(),
            Err(_) => {
                let name = name.strip_suffix('.').unwrap_or(name);
                let called = |ours: &str| ours.eq_ignore_ascii_case(name);
                called("localhost") || self.0.iter().any(|ours| called(ours))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn check(headers: &[(&str, &str)]) -> Option<u16> {
        let mut request = Request::post("/api/v1/session");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let hosts = Hosts(vec!["lab.example".to_owned()]);
        hosts.check("10.0.0.1:7070".parse().unwrap(), &parts).err().map(|problem| problem.status)
    }

    #[test]
    fn only_our_own_names_are_answered() {
        for ours in
            ["10.0.0.1:7070", "10.0.0.1", "localhost:8080", "LAB.example.", "127.0.0.1", "[::1]:7"]
        {
            assert_eq!(check(&[("host", ours)]), None, "{ours}");
        }
        for other in ["evil.example", "10.0.0.2", "localhost.evil", "", "lab.example@evil", "[::2]"]
        {
            assert_eq!(check(&[("host", other)]), Some(421), "{other}");
        }
        assert_eq!(check(&[]), Some(421));
        assert_eq!(check(&[("host", "localhost"), ("host", "evil")]), Some(421));
    }

    #[test]
    fn another_page_is_refused() {
        let from = |origin| check(&[("host", "localhost:7070"), ("origin", origin)]);
        assert_eq!(from("http://localhost:7070"), None);
        for other in
            ["http://localhost:80", "null", "https://evil.example", "http://localhost:7070.evil"]
        {
            assert_eq!(from(other), Some(403), "{other}");
        }
    }
}
