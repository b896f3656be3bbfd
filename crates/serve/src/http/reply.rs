//! Responses: their status line, their fields, and what is said in words.
//!
//! In: what came of a request. Out: bytes appended to a buffer. Never: a chunk, a redirect, a length
//! that is not exact, a media type with parameters (EDK2 compares the whole value).

use super::head::Refused;
use super::range::Part;
use engine::files::is_for_later;
use model::plan::Why;
use std::io::Write as _;

/// When to ask again, in seconds, while the store does not answer. iPXE waits for that long.
const LATER: &[Field<'_>] = &[("Retry-After", "5")];

/// Status codes that are sent here (RFC 9110 §15).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Status {
    Ok,
    Partial,
    NotModified,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    LengthRequired,
    Changed,
    ContentTooLarge,
    Beyond,
    ExpectationFailed,
    TooLarge,
    Broken,
    NotNow,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::Partial => "206 Partial Content",
            Self::NotModified => "304 Not Modified",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::LengthRequired => "411 Length Required",
            Self::Changed => "412 Precondition Failed",
            Self::ContentTooLarge => "413 Content Too Large",
            Self::Beyond => "416 Range Not Satisfiable",
            Self::ExpectationFailed => "417 Expectation Failed",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Broken => "500 Internal Server Error",
            Self::NotNow => "503 Service Unavailable",
        }
    }
}

/// How a response is to be written to this client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    /// 0 or 1, of HTTP/1: a client is answered in its own version.
    pub(super) minor: u8,
    /// HEAD gets the fields alone.
    pub(super) fields_only: bool,
    /// Whether the connection goes on.
    pub(super) keep: bool,
    /// The value of Date.
    pub(super) date: &'a str,
}

impl Manner<'_> {
    fn begin(self, out: &mut Vec<u8>, status: Status) {
        put(out, &["HTTP/1.", if self.minor == 0 { "0 " } else { "1 " }, status.line(), "\r\n"]);
        put(out, &["Date: ", self.date, "\r\n"]);
        match (self.keep, self.minor) {
            (false, _) => put(out, &["Connection: close\r\n"]),
            (true, 0) => put(out, &["Connection: keep-alive\r\n"]),
            (true, _) => {}
        }
    }

    /// A few words, and fields that go with them.
    pub(super) fn words(self, out: &mut Vec<u8>, status: Status, also: &[Field], text: &str) {
        self.begin(out, status);
        for (name, value) in also {
            put(out, &[name, ": ", value, "\r\n"]);
        }
        number(out, "Content-Length", text.len() as u64);
        put(out, &["Content-Type: text/plain\r\nCache-Control: no-store\r\n\r\n"]);
        if !self.fields_only {
            put(out, &[text]);
        }
    }

    /// What the owner would not give.
    pub(super) fn silence(self, out: &mut Vec<u8>, why: &Why) {
        match is_for_later(why) {
            true => self.words(out, Status::NotNow, LATER, "not now\n"),
            false => self.words(out, Status::NotFound, &[], &format!("{why}\n")),
        }
    }

    /// A request that was not understood.
    pub(super) fn refusal(self, out: &mut Vec<u8>, why: Refused) {
        match why {
            Refused::Form(text) => self.words(out, Status::BadRequest, &[], &format!("{text}\n")),
            Refused::Size(text) => self.words(out, Status::TooLarge, &[], &format!("{text}\n")),
            Refused::Method => {
                let allow = [("Allow", "GET, HEAD")];
                self.words(out, Status::MethodNotAllowed, &allow, "only GET and HEAD\n");
            }
            Refused::Length => {
                let text = "say how long the body is: Content-Length is missing\n";
                self.words(out, Status::LengthRequired, &[], text);
            }
            Refused::Large(max) => {
                let text = format!("the body is longer than {max} bytes\n");
                self.words(out, Status::ContentTooLarge, &[], &text);
            }
            Refused::Expectation => {
                let text = "only 100-continue can be expected\n";
                self.words(out, Status::ExpectationFailed, &[], text);
            }
            Refused::Room => {
                self.words(out, Status::NotNow, LATER, "too much at once; try again\n");
            }
        }
    }

    /// The head of a file, or of as much of it as was asked for; gives the first byte that is to
    /// follow and the one after the last.
    pub(super) fn file(self, out: &mut Vec<u8>, file: About<'_>, part: Part) -> (u64, u64) {
        let size = file.size;
        let (status, from, to) = match part {
            Part::Whole => (Status::Ok, 0, size),
            Part::Some(from, to) => (Status::Partial, from, to),
            Part::Same => (Status::NotModified, 0, 0),
            Part::Changed => {
                self.words(out, Status::Changed, &[], "it has changed\n");
                return (0, 0);
            }
            Part::Beyond => {
                let range = format!("bytes */{size}");
                let also = [("Content-Range", range.as_str())];
                self.words(out, Status::Beyond, &also, "it ends before that\n");
                return (0, 0);
            }
        };
        self.begin(out, status);
        // A 304 has the length of what it does not send, or none (RFC 9110 §8.6).
        if part != Part::Same {
            number(out, "Content-Length", to.saturating_sub(from));
            put(out, &["Content-Type: ", file.media, "\r\n"]);
        }
        if let Part::Some(from, to) = part {
            let last = to.saturating_sub(1);
            // Writing to memory does not fail.
            let _ = write!(out, "Content-Range: bytes {from}-{last}/{size}\r\n");
        }
        put(out, &["Accept-Ranges: bytes\r\n"]);
        match file.tag {
            Some(tag) => put(out, &["ETag: ", tag, "\r\n\r\n"]),
            // Written for this machine at this moment.
            None => put(out, &["Cache-Control: no-store\r\n\r\n"]),
        }
        if self.fields_only { (0, 0) } else { (from, to) }
    }
}

/// Name and value.
pub(super) type Field<'a> = (&'a str, &'a str);

/// What the fields say of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub(super) size: u64,
    pub(super) media: &'static str,
    /// A strong entity tag: the hash, which names these bytes and no others. None for a text.
    pub(super) tag: Option<&'a str>,
}

fn put(out: &mut Vec<u8>, texts: &[&str]) {
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

fn number(out: &mut Vec<u8>, name: &str, value: u64) {
    // Writing to memory does not fail.
    let _ = write!(out, "{name}: {value}\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Thu, 26 Nov 2026 03:00:00 GMT";

    fn manner(minor: u8, keep: bool, fields_only: bool) -> Manner<'static> {
        Manner { minor, fields_only, keep, date: DATE }
    }

    fn file(manner: Manner<'_>, tag: Option<&str>, part: Part) -> (String, (u64, u64)) {
        let mut out = Vec::new();
        let span = manner.file(&mut out, About { size: 100, media: "application/efi", tag }, part);
        (String::from_utf8(out).unwrap(), span)
    }

    #[test]
    fn a_file_says_exactly_what_firmware_needs() {
        let whole = "HTTP/1.1 200 OK\r\nDate: Thu, 26 Nov 2026 03:00:00 GMT\r\n\
                     Content-Length: 100\r\nContent-Type: application/efi\r\n\
                     Accept-Ranges: bytes\r\nETag: \"abc\"\r\n\r\n";
        let on_get = file(manner(1, true, false), Some("\"abc\""), Part::Whole);
        assert_eq!(on_get, (whole.to_owned(), (0, 100)));
        let on_head = file(manner(1, true, true), Some("\"abc\""), Part::Whole);
        assert_eq!(on_head, (whole.to_owned(), (0, 0)));
        let (part, span) = file(manner(1, true, false), Some("\"abc\""), Part::Some(10, 20));
        assert!(part.starts_with("HTTP/1.1 206 Partial Content\r\n"));
        assert!(part.contains("Content-Length: 10\r\n"));
        assert!(part.contains("Content-Range: bytes 10-19/100\r\n"));
        assert_eq!(span, (10, 20));
        let (same, span) = file(manner(1, true, false), Some("\"abc\""), Part::Same);
        assert!(same.starts_with("HTTP/1.1 304 Not Modified\r\n") && !same.contains("Length"));
        assert_eq!(span, (0, 0));
        let (beyond, _) = file(manner(1, true, false), None, Part::Beyond);
        assert!(beyond.contains("Content-Range: bytes */100\r\n"), "{beyond}");
    }

    #[test]
    fn a_client_is_answered_in_its_own_version() {
        let said = |minor, keep| file(manner(minor, keep, false), None, Part::Whole).0;
        assert!(said(0, false).starts_with("HTTP/1.0 200 OK\r\n"));
        assert!(said(0, false).contains("Connection: close\r\n"));
        assert!(said(0, true).contains("Connection: keep-alive\r\n"));
        assert!(said(1, false).contains("Connection: close\r\n"));
        assert!(!said(1, true).contains("Connection"));
        assert!(said(1, true).contains("Cache-Control: no-store\r\n"));
    }

    #[test]
    fn a_head_has_the_length_of_words_it_does_not_get() {
        let mut out = Vec::new();
        manner(1, false, true).refusal(&mut out, Refused::Form("no"));
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("Content-Length: 3\r\n") && text.ends_with("\r\n\r\n"), "{text}");
    }
}
