//! Names as they stand in a URL (RFC 3986, 2.1): a file may have any name.
//!
//! In: a name as it is. Out: the same with `%XX` for whatever could mean something else. Of a URL of
//! others: where it leads. Never: a URL taken apart further.

/// A path, its slashes kept. Nothing in it ends a word of a kernel's command line or of a loader's
/// script.
#[must_use]
pub fn path(path: &str) -> String {
    escaped(path, b"/-._~+")
}

/// One part of a path, or a value of a query.
#[must_use]
pub fn part(part: &str) -> String {
    escaped(part, b"-._~:")
}

/// An address as a URL has it: one of IPv6 stands in brackets (RFC 3986, 3.2.2).
#[must_use]
pub fn host(address: std::net::IpAddr) -> String {
    match address {
        std::net::IpAddr::V4(address) => address.to_string(),
        std::net::IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn escaped(text: &str, plain: &[u8]) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut url, byte| {
        match byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            true => url.push(char::from(byte)),
            false => url.push_str(&format!("%{byte:02X}")),
        }
        url
    })
}

/// The IPv6 address that a URL leads to (in brackets, RFC 3986, 3.2.2); none where it has a name, or an address of IPv4.
#[must_use]
pub fn host_of_ipv6(url: &[u8]) -> Option<std::net::Ipv6Addr> {
    let (scheme, rest) = std::str::from_utf8(url).ok()?.split_once("://")?;
    let named = scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let (address, after) = rest.strip_prefix('[')?.split_once(']')?;
    let ends = after.is_empty() || after.starts_with(['/', ':', '?', '#']);
    address.parse().ok().filter(|_| named && ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_stands_in_brackets() {
        assert_eq!(host([10, 77, 0, 1].into()), "10.77.0.1");
        assert_eq!(host("fd77::1".parse().unwrap()), "[fd77::1]");
    }

    #[test]
    fn whatever_could_mean_something_else_is_escaped() {
        assert_eq!(path("a b/ä${x},+~.img"), "a%20b/%C3%A4%24%7Bx%7D%2C+~.img");
        assert_eq!(part("52:54:00:77:00:01"), "52:54:00:77:00:01");
        assert_eq!(part("a/b c?ü"), "a%2Fb%20c%3F%C3%BC");
        assert_eq!(part("52:54:00/+é?&=%"), "52:54:00%2F%2B%C3%A9%3F%26%3D%25");
    }

    #[test]
    fn where_a_url_leads_is_read_of_its_host_alone() {
        let ours: std::net::Ipv6Addr = "fd77::1".parse().unwrap();
        for url in ["http://[fd77::1]/a", "TFTP://[FD77:0:0::1]:69/a", "tftp://[fd77::1]"] {
            assert_eq!(host_of_ipv6(url.as_bytes()), Some(ours), "{url}");
        }
        for url in [
            "tftp://boot.example/x//[fd77::1]",
            "http://10.77.0.1/",
            "[fd77::1]",
            "a b://[fd77::1]/",
            "http://[fd77::1]@boot.example/",
        ] {
            assert_eq!(host_of_ipv6(url.as_bytes()), None, "{url}");
        }
        let elsewhere = host_of_ipv6(b"http://[fd99::9]/?//[fd77::1]");
        assert!(elsewhere.is_some_and(|host| host != ours));
    }
}
