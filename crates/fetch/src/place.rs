//! URLs: read once, into what a request needs.
//!
//! In: the text of a URL, or where a server sends us on to. Out: scheme, host, port, path; or why not.
//! Never: a user name or password, another scheme than http and https, a fragment.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

use crate::error::{FetchError, shown};

/// Longest URL, in bytes.
const MAX_BYTES: usize = 4096;

/// Where something is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    tls: bool,
    /// Lower case, an IPv6 address without brackets.
    host: String,
    port: u16,
    /// With the query, beginning with `/`.
    path: String,
}

impl Place {
    /// Reads a URL.
    pub fn read(url: &str) -> Result<Self, FetchError> {
        let wrong = |why: String| FetchError::Url { url: shown(url), why };
        let url = url.trim();
        if url.len() > MAX_BYTES {
            return Err(wrong(format!("it is longer than {MAX_BYTES} bytes")));
        }
        let tls = match url.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => true,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => false,
            Some((other, _)) => {
                return Err(wrong(format!(
                    "{} is not spoken here, only https and http",
                    shown(other)
                )));
            }
            None => return Err(wrong("it does not begin with https:// or http://".to_owned())),
        };
        // A fragment is for whoever shows a page; servers are not told.
        let bare = url.split('#').next().unwrap_or(url);
        let uri: Uri = bare.parse().map_err(|cause| {
            wrong(format!("{cause}; characters other than ASCII, and blanks, are written as %XX"))
        })?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(wrong(
                "it has a user name in it, which would end in logs; leave it out".to_owned(),
            ));
        }
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        if host.is_empty() {
            return Err(wrong("it has no host".to_owned()));
        }
        let port = match uri.port() {
            Some(port) => port.as_u16(),
            // hyper takes a port that is no number for none.
            None if authority
                .rsplit_once(']')
                .map_or(authority, |(_, rest)| rest)
                .contains(':') =>
            {
                return Err(wrong("its port is no number".to_owned()));
            }
            None => default_port(tls),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { tls, host, port, path })
    }

    /// Where a `Location` header leads from here (RFC 9110, 10.2.2; RFC 3986, 5.2).
    pub(crate) fn join(&self, location: &str) -> Result<Self, FetchError> {
        let location = location.trim();
        let scheme = if self.tls { "https" } else { "http" };
        let authority = self.authority();
        let is_url = location.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
        if is_url {
            return Self::read(location);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::read(&format!("{scheme}://{rest}"));
        }
        if location.starts_with('/') {
            return Self::read(&format!("{scheme}://{authority}{location}"));
        }
        let path = self.path.split('?').next().unwrap_or("/");
        if location.starts_with('?') {
            return Self::read(&format!("{scheme}://{authority}{path}{location}"));
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (relative, query) = match location.split_once('?') {
            Some((relative, query)) => (relative, format!("?{query}")),
            None => (location, String::new()),
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in folder.split('/').skip(1).chain(relative.split('/')) {
            match part {
                "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        Self::read(&format!("{scheme}://{authority}/{}{query}", parts.join("/")))
    }

    /// The same place under another last name; for what lies beside it.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let path = self.path.split('?').next().unwrap_or("/");
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Self { path: format!("{folder}/{name}"), ..self.clone() }
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host's name, or its address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path and query, as a request says them.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The last name of the path, without query, `%XX` decoded where that makes a plain name.
    #[must_use]
    pub fn file_name(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        decoded(name).unwrap_or_else(|| name.to_owned())
    }

    /// The last name of the path as it stands there.
    pub(crate) fn raw_name(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        path.rsplit('/').next().unwrap_or_default()
    }

    /// The address, where the host is one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Host and port as a `Host` header says them.
    pub(crate) fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == default_port(self.tls) { host } else { format!("{host}:{}", self.port) }
    }

    /// Whether `next` asks the same service: the same host and port, or its encrypted one.
    pub(crate) fn is_same_host(&self, next: &Self) -> bool {
        let upgraded = self.port == default_port(self.tls) && next.port == default_port(next.tls);
        self.host == next.host && (self.port == next.port || (upgraded && next.tls))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// A name with its `%XX` decoded, if that gives a name that can stand in a folder.
fn decoded(name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit =
            || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit()? << 4 | digit()?);
    }
    let name = String::from_utf8(bytes).ok()?;
    let plain = !name.contains(['/', '\0']) && !name.chars().any(char::is_control);
    (plain && name != "." && name != "..").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Place {
        Place::read(url).unwrap()
    }

    #[test]
    fn urls_are_read_once() {
        assert_eq!(
            place("https://Mirror.Example/a/b.iso?x=1#top").to_string(),
            "https://mirror.example/a/b.iso?x=1"
        );
        assert_eq!(place("http://[::1]:8080").to_string(), "http://[::1]:8080/");
        assert_eq!(place("http://h:80/").to_string(), "http://h/");
        assert_eq!(place("http://h/a%20b.iso?q").file_name(), "a b.iso");
        assert_eq!(place("http://h/a%2Fb").file_name(), "a%2Fb");
        assert_eq!(place("http://h/%zz").file_name(), "%zz");
        for (url, word) in [
            ("ftp://h/a", "ftp"),
            ("file:///etc/passwd", "file"),
            ("h/a", "https://"),
            ("https://user:pass@h/a", "user name"),
            ("http:///a", "format"),
            ("http://h:port/", "port"),
            ("http://h/ü b", "%XX"),
            (&format!("http://h/{}", "a".repeat(5000)), "longer"),
        ] {
            let why = Place::read(url).unwrap_err().to_string();
            assert!(why.contains(word), "{url}: {why}");
            assert!(!why.contains("pass@") || word != "user name", "{why}");
        }
    }

    #[test]
    fn redirects_lead_where_the_standard_says() {
        let from = place("https://h/a/b/c.iso?x");
        for (location, to) in [
            ("https://other/d", "https://other/d"),
            ("//other/d", "https://other/d"),
            ("/d?y", "https://h/d?y"),
            ("d.iso", "https://h/a/b/d.iso"),
            ("./../d.iso?y", "https://h/a/d.iso?y"),
            ("../../../../d", "https://h/d"),
            ("?z", "https://h/a/b/c.iso?z"),
        ] {
            assert_eq!(from.join(location).unwrap().to_string(), to, "{location}");
        }
        assert!(from.join("ftp://h/").is_err());
        assert!(from.join("javascript:alert(1)").is_err());
    }

    #[test]
    fn the_same_host_is_the_same_port_or_its_encrypted_one() {
        let same = |a: &str, b: &str| place(a).is_same_host(&place(b));
        assert!(same("http://h/a", "https://h/b"));
        assert!(same("https://h/a", "https://h/b"));
        assert!(same("http://h:81/a", "http://h:81/b"));
        assert!(!same("http://h/a", "http://h:81/b"));
        assert!(!same("http://h:81/a", "https://h/b"));
        assert!(!same("http://h/a", "http://www.h/a"));
    }
}
