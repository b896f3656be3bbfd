//! What the target of an HTTP request asks for: the name, and what the asker says of itself.

use super::Asker;

/// A longer value in a query is none we know what to do with.
const VALUE_BYTES_MAX: usize = 256;

/// The name in a path: decoded once, `//` as `/`.
///
/// # Errors
/// In words: what could climb or be decoded again is refused.
pub fn name(path: &str) -> Result<Vec<u8>, &'static str> {
    let decoded = decode(path.as_bytes()).ok_or("a % in the path is not followed by two digits")?;
    if decoded.iter().any(|b| matches!(b, b'%' | b'\\') || b.is_ascii_control()) {
        return Err("the path has a %, a backslash or a control character in it");
    }
    if decoded.split(|b| *b == b'/').any(|part| part == b"..") {
        return Err("the path has a `..` part");
    }
    let mut name = decoded;
    name.dedup_by(|a, b| (*a, *b) == (b'/', b'/'));
    Ok(name)
}

/// What iPXE and others say of their machine in the query. What is empty (an iPXE setting that is
/// not set), too long or unreadable was not said: a machine boots all the same.
pub fn asker(query: Option<&str>) -> Asker {
    let mut says = Asker::default();
    for (key, value) in query.unwrap_or_default().split('&').filter_map(|p| p.split_once('=')) {
        let Some(value) = decode(value.as_bytes()).and_then(|v| String::from_utf8(v).ok()) else {
            continue;
        };
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            continue;
        }
        match key {
            "mac" => says.mac = says.mac.or_else(|| value.parse().ok()),
            "uuid" => says.uuid = says.uuid.or_else(|| value.parse().ok()),
            "memsize" => says.memory_mib = says.memory_mib.or_else(|| number(&value)),
            "serial" => first(&mut says.serial, value),
            "arch" => first(&mut says.arch, value),
            "platform" => first(&mut says.platform, value),
            "entry" => first(&mut says.entry, value),
            "password" => first(&mut says.password, value),
            _ => {}
        }
    }
    says
}

fn first(place: &mut Option<String>, value: String) {
    place.get_or_insert(value);
}

/// iPXE writes numbers in decimal, or with `0x` when a script asks for it.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Percent-decoding (RFC 3986 §2.1). `+` is a plus: no form is filled in here.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                decoded.push(digit(*high)? << 4 | digit(*low)?);
                after
            }
            (b'%', _) => return None,
            (plain, after) => {
                decoded.push(*plain);
                after
            }
        };
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_slashes_collapse() {
        assert_eq!(name("/a//b%20c///d.efi").unwrap(), b"/a/b c/d.efi");
        assert_eq!(name("/a..b/...").unwrap(), b"/a..b/...");
        assert_eq!(name("/%ff").unwrap(), b"/\xff");
        assert_eq!(name("/a+b").unwrap(), b"/a+b");
    }

    #[test]
    fn http_path_leftover_percent_dots_nul_and_backslash_are_refused() {
        for wrong in [
            "/%2541",
            "/%25",
            "/%",
            "/%4",
            "/%zz",
            "/..",
            "/a/../b",
            "/%2e%2e/b",
            "/a/%2e.",
            "/a%00b",
            "/a\\b",
            "/a%5cb",
            "/..%2fb",
            "/a%0d%0ab",
            "/%7f",
        ] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_query_of_ipxe_is_read_and_settings_that_are_not_set_were_not_said() {
        let says = asker(Some(
            "mac=52-54-00-00-00-01&uuid=00112233-4455-6677-8899-aabbccddeeff&serial=&arch=x86_64\
             &platform=efi&memsize=2047&entry=debian%20%26&x=y&mac=52-54-00-00-00-02&password=a+b",
        ));
        assert_eq!(says.mac, "52:54:00:00:00:01".parse().ok());
        assert_eq!(says.uuid, "00112233-4455-6677-8899-aabbccddeeff".parse().ok());
        assert_eq!(says.serial, None);
        assert_eq!(says.arch.as_deref(), Some("x86_64"));
        assert_eq!(says.platform.as_deref(), Some("efi"));
        assert_eq!(says.memory_mib, Some(2047));
        assert_eq!(says.entry.as_deref(), Some("debian &"));
        assert_eq!(says.password.as_deref(), Some("a+b"));
        assert_eq!(asker(Some("mac=nonsense&uuid=1&memsize=x&%=&==&")), Asker::default());
        assert_eq!(asker(None), Asker::default());
        let long = format!("serial={}", "a".repeat(300));
        assert_eq!(asker(Some(&long)), Asker::default());
    }
}
