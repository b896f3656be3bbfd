//! The head of a request, read strictly and once.
//!
//! In: the bytes of a connection so far. Out: a [`Head`], "not yet", or why it is refused. Never: a
//! guess. What two readers could read in two ways is refused (RFC 9112 §2.2, §5.1, §6.3, §11.2).

use httparse::{Error, Header, Request, Status};
use std::mem::MaybeUninit;

/// RFC 9112 names no limit; no firmware comes near this one.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;
/// No firmware sends a tenth of that.
pub(super) const FIELDS_MAX: usize = 100;

/// The head of one request. Only a POST may have a body behind it (`body::announced`).
pub(super) struct Head<'h, 'b> {
    pub(super) method: Method,
    /// 0 or 1, of HTTP/1.
    pub(super) minor: u8,
    /// As it was asked.
    pub(super) target: &'b str,
    pub(super) path: &'b str,
    pub(super) query: Option<&'b str>,
    /// Whether the connection may go on afterwards.
    pub(super) keep: bool,
    pub(super) fields: Fields<'h, 'b>,
    /// Bytes it took.
    pub(super) length: usize,
}

/// What is to be done with the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    Get,
    Head,
    /// Something is said; nothing is wanted but an answer to it.
    Post,
}

/// Why there is no answer but a refusal, after which the connection ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// 400.
    Form(&'static str),
    /// 405.
    Method,
    /// 411.
    Length,
    /// 413, and how many bytes are taken.
    Large(usize),
    /// 417.
    Expectation,
    /// 503: too many bodies are in memory.
    Room,
    /// 431.
    Size(&'static str),
}

/// The fields of a head, in their order.
#[derive(Clone, Copy)]
pub(super) struct Fields<'h, 'b>(&'h [Header<'b>]);

impl<'h, 'b> Fields<'h, 'b> {
    /// Every value of a field.
    pub(super) fn all(self, name: &str) -> impl Iterator<Item = &'b [u8]> + use<'h, 'b, '_> {
        self.0.iter().filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value)
    }

    /// The first value of a field.
    pub(super) fn first(self, name: &str) -> Option<&'b [u8]> {
        self.all(name).next()
    }
}

/// Where the fields of a head are put.
pub(super) type Space<'b> = [MaybeUninit<Header<'b>>; FIELDS_MAX];

/// An empty [`Space`].
pub(super) const fn space<'b>() -> Space<'b> {
    [const { MaybeUninit::uninit() }; FIELDS_MAX]
}

/// Reads a head that begins with the first byte; `None` if it goes on.
pub(super) fn read<'h, 'b>(
    bytes: &'b [u8],
    space: &'h mut Space<'b>,
) -> Result<Option<Head<'h, 'b>>, Refused> {
    let seen = bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes);
    let mut request = Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(seen, space) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) if seen.len() == HEAD_BYTES_MAX => {
            return Err(Refused::Size("the head of the request is longer than 16 KiB"));
        }
        Ok(Status::Partial) => return Ok(None),
        Err(why) => return Err(malformed(why)),
    };
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(Refused::Form("the request line is not whole"));
    };
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        _ => return Err(Refused::Method),
    };
    let fields = Fields(request.headers);
    framing(fields, method)?;
    let (path, query) = split(target)?;
    let keep = keeps(fields, minor);
    Ok(Some(Head { method, minor, target, path, query, keep, fields, length }))
}

fn malformed(why: Error) -> Refused {
    match why {
        Error::TooManyHeaders => Refused::Size("the request has more than 100 fields"),
        Error::HeaderName => Refused::Form("a field's name has a character that is not allowed"),
        Error::HeaderValue => Refused::Form("a field's value has a character that is not allowed"),
        Error::NewLine => Refused::Form("a line of the request does not end as it should"),
        Error::Version => Refused::Form("only HTTP/1.0 and HTTP/1.1 are spoken here"),
        Error::Token | Error::Status => Refused::Form("this is no HTTP request"),
    }
}

/// Refuses whatever could be read in two ways. GET and HEAD have no body, so there is no need to look
/// at their lengths more closely (RFC 9112 §6.3, §11.2). A Host that is missing is no reason: old loaders
/// say HTTP/1.1 without one, and no answer here depends on it.
fn framing(fields: Fields<'_, '_>, method: Method) -> Result<(), Refused> {
    let has_body = || {
        fields.first("transfer-encoding").is_some()
            || fields.all("content-length").any(|length| length != b"0")
    };
    if method != Method::Post && has_body() {
        return Err(Refused::Form("a request with a body is not served here"));
    }
    if fields.all("host").nth(1).is_some() {
        return Err(Refused::Form("the request names two hosts"));
    }
    Ok(())
}

/// Path and query of a target: in origin form, or in the absolute form that a proxy's client uses.
fn split(target: &str) -> Result<(&str, Option<&str>), Refused> {
    let local = if target.starts_with('/') {
        target
    } else {
        let Some((scheme, rest)) = target.split_once("://") else {
            return Err(Refused::Form("the target is neither a path nor a URL"));
        };
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(Refused::Form("the target's scheme is not http"));
        }
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    };
    let local = local.split_once('#').map_or(local, |(before, _)| before);
    Ok(match local.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (local, None),
    })
}

/// RFC 9112 §9.3.
fn keeps(fields: Fields<'_, '_>, minor: u8) -> bool {
    let says = |word: &[u8]| {
        let mut lists = fields.all("connection");
        lists
            .any(|l| l.split(|b| *b == b',').any(|one| one.trim_ascii().eq_ignore_ascii_case(word)))
    };
    if minor == 0 { says(b"keep-alive") && !says(b"close") } else { !says(b"close") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, path, query, whether it is kept, and how long it was.
    type Seen = (Method, String, Option<String>, bool, usize);

    fn seen(text: &str) -> Result<Option<Seen>, Refused> {
        let mut space = space();
        let head = read(text.as_bytes(), &mut space)?;
        Ok(head
            .map(|h| (h.method, h.path.to_owned(), h.query.map(str::to_owned), h.keep, h.length)))
    }

    fn form(text: &str) -> bool {
        matches!(seen(text), Err(Refused::Form(_)))
    }

    #[test]
    fn a_head_is_whole_or_not_yet() {
        let text = "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\nGET /next";
        let whole = text.len() - "GET /next".len();
        for end in 0..whole {
            assert_eq!(seen(&text[..end]), Ok(None), "{end}");
        }
        let (path, query) = ("/a".to_owned(), Some("b=c".to_owned()));
        assert_eq!(seen(text), Ok(Some((Method::Get, path, query, true, whole))));
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for fields in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 0, 0\r\n",
            "Content-Length: +0\r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: cow\r\n",
            "transfer-encoding:\r\n",
            "X: a\rb\r\n",
            "X: a\r\n b\r\n",
            " X: a\r\n",
            "Host : y\r\n",
            "nonsense\r\n",
            "X: \0\r\n",
            "Host: a\r\nHost: a\r\n",
            ": a\r\n",
        ] {
            assert!(form(&format!("GET /x HTTP/1.1\r\n{fields}\r\n")), "{fields:?}");
        }
        for line in [
            "GET  /x HTTP/1.1",
            "GET /x  HTTP/1.1",
            "GET /x HTTP/2.0",
            "GET /x HTTP/1.2",
            "GET /x",
            "GET x HTTP/1.1",
            "GET * HTTP/1.1",
            "GET ftp://a/x HTTP/1.1",
            "GET /\0 HTTP/1.1",
            "PRI * HTTP/2.0",
            "\x16\x03\x01",
        ] {
            assert!(form(&format!("{line}\r\n\r\n")), "{line:?}");
        }
    }

    #[test]
    fn only_get_head_and_post() {
        for method in ["PUT", "CONNECT", "OPTIONS", "get", "BREW"] {
            let text = format!("{method} /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
            assert_eq!(seen(&text), Err(Refused::Method), "{method}");
        }
        assert_eq!(
            seen("CONNECT a.example:443 HTTP/1.1\r\n\r\n"),
            Err(Refused::Method),
            "authority form"
        );
        let post = seen("POST /report/t/done HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
        let (path, length) = ("/report/t/done".to_owned(), 51);
        assert_eq!(post, Ok(Some((Method::Post, path, None, true, length))));
    }

    #[test]
    fn sizes_are_bounded() {
        let long = "a".repeat(HEAD_BYTES_MAX);
        for text in [format!("GET /{long}"), format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n")] {
            assert!(matches!(seen(&text), Err(Refused::Size(_))));
        }
        let many = |n| format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(n));
        assert!(matches!(seen(&many(101)), Err(Refused::Size(_))));
        assert!(seen(&many(100)).unwrap().is_some());
        let fits = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(15 * 1024));
        assert!(seen(&fits).unwrap().is_some());
    }

    #[test]
    fn a_url_is_a_path_too() {
        for (target, path) in [
            ("http://10.77.0.1/a%20b", "/a%20b"),
            ("HTTPS://x:8443/c", "/c"),
            ("http://x", "/"),
            ("/a#b", "/a"),
        ] {
            let got = seen(&format!("GET {target} HTTP/1.1\r\n\r\n")).unwrap().unwrap();
            assert_eq!(got.1, path, "{target}");
        }
    }

    #[test]
    fn a_connection_is_kept_as_the_version_says() {
        let keep = |version: &str, field: &str| {
            seen(&format!("GET / HTTP/{version}\r\n{field}\r\n")).unwrap().unwrap().3
        };
        assert!(keep("1.1", ""));
        assert!(!keep("1.1", "Connection: x, Close\r\n"));
        assert!(keep("1.1", "Connection: Upgrade, HTTP2-Settings\r\n"));
        assert!(!keep("1.0", ""));
        assert!(keep("1.0", "connection: Keep-Alive\r\n"));
        assert!(!keep("1.0", "Connection: keep-alive\r\nConnection: close\r\n"));
    }
}
