//! Names as they stand in a URL (RFC 3986, 2.1): a file may have any name.
//!
//! In: a name as it is. Out: the same with `%XX` for whatever could mean something else. Never: a URL
//! taken apart.

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
}
