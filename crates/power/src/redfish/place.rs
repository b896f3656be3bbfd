//! Where a BMC is, and which of its own links may be followed.
//!
//! In: the operator's URL, links out of answers. Out: host, port, paths. Never: a path from an
//! answer that leads to another host.

use super::RedfishError;
use model::text::show;
use std::fmt;
use std::net::IpAddr;

/// The longest URL an operator may give, in bytes.
const URL_BYTES_MAX: usize = 512;
/// The longest path that is followed, in bytes.
const PATH_BYTES_MAX: usize = 2048;

/// A BMC's address: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    tls: bool,
    host: String,
    port: u16,
}

impl Place {
    /// `https://bmc.example`, `https://10.0.0.5:8443`, `https://[fd00::5]`, or only the host,
    /// which means HTTPS. A path may be `/redfish/v1`, which is where every service is.
    pub(super) fn new(url: &str) -> Result<Self, RedfishError> {
        let wrong = |why| RedfishError::Url { url: bare(url), why };
        if url.len() > URL_BYTES_MAX {
            return Err(wrong("it is too long"));
        }
        if url.contains('@') {
            return Err(wrong("name and password do not belong into it; give them by themselves"));
        }
        let (tls, rest) = match url.split_once("://") {
            None => (true, url),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return Err(wrong("Redfish is spoken over https://")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !matches!(path.trim_end_matches('/'), "" | "redfish" | "redfish/v1") {
            return Err(wrong("give the host alone: every service is at /redfish/v1"));
        }
        let (host, port) =
            split(authority).ok_or_else(|| wrong("write it like https://10.0.0.5"))?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The value of the field Host.
    pub(super) fn authority(&self) -> String {
        let host = match self.host.parse() {
            Ok(IpAddr::V6(v6)) => format!("[{v6}]"),
            _ => self.host.clone(),
        };
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// Where a redirect leads, if it stays here.
    pub(super) fn redirected(&self, location: &str) -> Option<String> {
        if let Some((scheme, rest)) = location.split_once("://") {
            let at = rest.find('/').unwrap_or(rest.len());
            let (authority, _) = rest.split_at(at);
            let other = Self::new(&format!("{scheme}://{authority}")).ok()?;
            if other != *self {
                return None;
            }
        }
        path(location)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}

/// The path of a link in an answer. iLO writes whole URLs there, with the name it believes to have;
/// only the path counts, for the next request goes to the same BMC again.
pub(super) fn path(link: &str) -> Option<String> {
    let path = match link.split_once("://") {
        Some((_, rest)) => rest.get(rest.find('/')?..)?,
        None => link,
    };
    let path = path.split('#').next().unwrap_or_default();
    let plain =
        path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>'));
    let own = path.starts_with('/') && !path.starts_with("//") && path.len() <= PATH_BYTES_MAX;
    (plain && own).then(|| path.to_owned())
}

/// Host and port of `host`, `host:port`, `v4:port`, `[v6]` or `[v6]:port`.
fn split(authority: &str) -> Option<(String, Option<u16>)> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0);
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let IpAddr::V6(host) = host.parse().ok()? else { return None };
        return match after.strip_prefix(':') {
            Some(text) => Some((host.to_string(), Some(port(text)?))),
            None => after.is_empty().then(|| (host.to_string(), None)),
        };
    }
    if let Ok(IpAddr::V6(host)) = authority.parse() {
        return Some((host.to_string(), None));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, text)) => (host, Some(port(text)?)),
        None => (authority, None),
    };
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let fits = !host.is_empty() && host.len() <= 253 && host.chars().all(named);
    fits.then(|| (host.to_ascii_lowercase(), port))
}

/// A URL to be shown, without what stands before an `@`.
fn bare(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, after)) => format!("…@{}", show(after.as_bytes())),
        None => show(url.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bmc_is_named_in_the_usual_ways() {
        for (url, authority, tls) in [
            ("10.0.0.5", "10.0.0.5", true),
            ("BMC.example", "bmc.example", true),
            ("https://10.0.0.5/", "10.0.0.5", true),
            ("https://10.0.0.5:8443/redfish/v1/", "10.0.0.5:8443", true),
            ("https://[fd00::5]:8443", "[fd00::5]:8443", true),
            ("fd00::5", "[fd00::5]", true),
            ("http://127.0.0.1:8000", "127.0.0.1:8000", false),
            ("http://bmc:443", "bmc:443", false),
        ] {
            let place = Place::new(url).unwrap();
            assert_eq!((place.authority().as_str(), place.is_tls()), (authority, tls), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_bmc_is_refused_in_words() {
        for wrong in [
            "",
            "https://",
            "ftp://bmc",
            "https://bmc/ui/login",
            "https://bmc:0",
            "https://bmc:x",
            "https://[10.0.0.5]",
            "https://[fd00::5",
            "https://a b",
            "https://bmc:99999",
        ] {
            let refused = Place::new(wrong).unwrap_err().to_string();
            assert!(refused.contains("is no address of a BMC"), "{refused}");
        }
        let refused = Place::new("https://root:hunter2@bmc").unwrap_err().to_string();
        assert!(!refused.contains("hunter2") && refused.contains("by themselves"), "{refused}");
    }

    #[test]
    fn a_link_is_only_a_path_of_the_same_bmc() {
        for (link, to) in [
            ("/redfish/v1/Systems/1", Some("/redfish/v1/Systems/1")),
            (
                "https://ILO1234.local/redfish/v1/SessionService/Sessions/a1/",
                Some("/redfish/v1/SessionService/Sessions/a1/"),
            ),
            ("/redfish/v1/Chassis/1#/Fans/0", Some("/redfish/v1/Chassis/1")),
            ("//evil.example/redfish", None),
            ("https://evil.example", None),
            ("redfish/v1", None),
            ("/a b", None),
            ("/a\r\nHost: x", None),
            ("/\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(path(link).as_deref(), to, "{link:?}");
        }
        assert_eq!(path(&format!("/{}", "a".repeat(PATH_BYTES_MAX))), None);
    }

    #[test]
    fn a_redirect_stays_with_the_bmc() {
        let place = Place::new("https://bmc.example").unwrap();
        let to = |location| place.redirected(location);
        assert_eq!(to("/redfish/v1/Systems/2").as_deref(), Some("/redfish/v1/Systems/2"));
        assert_eq!(to("https://BMC.example:443/redfish/v1/").as_deref(), Some("/redfish/v1/"));
        for away in [
            "https://other.example/redfish/v1/",
            "http://bmc.example/redfish/v1/",
            "https://bmc.example:444/redfish/v1/",
            "//other.example/",
            "javascript:x",
            "https://bmc.example@other.example/redfish/v1/",
        ] {
            assert_eq!(to(away), None, "{away}");
        }
    }

    proptest! {
        #[test]
        fn no_link_leaves_the_bmc(link in "[ -~]{0,60}") {
            if let Some(path) = path(&link) {
                prop_assert!(path.starts_with('/') && !path.starts_with("//"));
            }
        }
    }
}
