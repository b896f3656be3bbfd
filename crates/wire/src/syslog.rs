//! Syslog datagrams: RFC 5424, RFC 3164, and what installers really send, which is less than either.
//!
//! In: one datagram. Out: who says what, as the bytes that came. Never: a time that was worked out (the
//! text of a stamp stays text), a guess that loses a byte of the message.
//!
//! Only the priority must be there. After it comes one of
//!
//! ```text
//! 1 2026-11-26T10:00:00Z host app 12 ID [data] message      RFC 5424
//! Nov 26 10:00:00 host app[12]: message                     RFC 3164 §4.1
//! Nov 26 10:00:00 app[12]: message                          busybox, which leaves the host out
//! 2026-11-26T10:00:00+01:00 host app: message               rsyslog's own form
//! app: message     message                                  Python, iPXE
//! ```
//!
//! and what fits none of them is a message as a whole.

/// A longer datagram is refused. RFC 5424 §6.1 wants 2048 bytes taken; loggers send up to 8 KiB.
pub const DATAGRAM_BYTES_MAX: usize = 8192;

/// RFC 5424 §6: how long the fields may be.
const HOST_BYTES_MAX: usize = 255;
const APP_BYTES_MAX: usize = 48;
const PROCESS_BYTES_MAX: usize = 128;
const ID_BYTES_MAX: usize = 32;
/// `2026-11-26T10:00:00.123456+01:00`
const STAMP_BYTES_MAX: usize = 35;

/// One line of somebody's log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Message<'a> {
    /// 0 to 23: kernel, user, mail … (RFC 5424 §6.2.1).
    pub facility: u8,
    /// 0 (emergency) to 7 (debug).
    pub severity: u8,
    /// When, as it was written.
    pub stamp: Option<&'a [u8]>,
    /// HOSTNAME.
    pub host: Option<&'a [u8]>,
    /// APP-NAME, or TAG without the number.
    pub app: Option<&'a [u8]>,
    /// PROCID, or the number in TAG.
    pub process: Option<&'a [u8]>,
    /// MSGID.
    pub id: Option<&'a [u8]>,
    /// STRUCTURED-DATA, as it was written.
    pub data: Option<&'a [u8]>,
    /// What is said, without what ends the line.
    pub text: &'a [u8],
}

/// Why a datagram is no syslog message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// More than [`DATAGRAM_BYTES_MAX`].
    TooLong,
    /// It does not begin with `<`, a number up to 191, and `>`.
    NoPriority,
}

impl<'a> Message<'a> {
    /// Reads one datagram.
    ///
    /// # Errors
    ///
    /// When it is too long, or has no priority.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > DATAGRAM_BYTES_MAX {
            return Err(Malformed::TooLong);
        }
        let (priority, rest) = priority(bytes).ok_or(Malformed::NoPriority)?;
        let said = Self {
            facility: priority / 8,
            severity: priority % 8,
            stamp: None,
            host: None,
            app: None,
            process: None,
            id: None,
            data: None,
            text: ended(rest),
        };
        let modern = rest.strip_prefix(b"1 ").and_then(|rest| modern(said, rest));
        Ok(modern.unwrap_or_else(|| old(said, rest)))
    }
}

/// `<13>`
fn priority(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let rest = bytes.strip_prefix(b"<")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (number, rest) = rest.split_at_checked(digits)?;
    if number.is_empty() || number.len() > 3 {
        return None;
    }
    let digit = |sum: u16, digit: &u8| {
        sum.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0')))
    };
    let number = u8::try_from(number.iter().fold(0, digit)).ok().filter(|n| *n <= 191)?;
    Some((number, rest.strip_prefix(b">")?))
}

/// RFC 5424 §6, from the time stamp on.
fn modern<'a>(said: Message<'a>, rest: &'a [u8]) -> Option<Message<'a>> {
    let (stamp, rest) = field(rest, STAMP_BYTES_MAX)?;
    if stamp.is_some_and(|stamp| !is_date_and_time(stamp)) {
        return None;
    }
    let (host, rest) = field(rest, HOST_BYTES_MAX)?;
    let (app, rest) = field(rest, APP_BYTES_MAX)?;
    let (process, rest) = field(rest, PROCESS_BYTES_MAX)?;
    let (id, rest) = field(rest, ID_BYTES_MAX)?;
    let (data, rest) = match rest.strip_prefix(b"-") {
        Some(rest) => (None, rest),
        None => {
            let (data, rest) = structured(rest)?;
            (Some(data), rest)
        }
    };
    let text = match rest {
        [] => rest,
        [b' ', text @ ..] => text,
        // An old logger may end the line here.
        rest if ended(rest).is_empty() => rest,
        _ => return None,
    };
    let text = ended(text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text));
    Some(Message { stamp, host, app, process, id, data, text, ..said })
}

/// Printable bytes up to a space (RFC 5424 §6: PRINTUSASCII); `-` is nothing.
fn field(bytes: &[u8], most: usize) -> Option<(Option<&[u8]>, &[u8])> {
    let (word, rest) = word(bytes)?;
    let fits = !word.is_empty() && word.len() <= most && word.iter().all(u8::is_ascii_graphic);
    fits.then_some(((word != b"-").then_some(word), rest))
}

/// What stands before the first space, and what behind it.
fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|b| *b == b' ')?;
    Some((bytes.get(..end)?, bytes.get(end.saturating_add(1)..)?))
}

/// Elements in brackets, whose values may have brackets of their own behind a backslash.
fn structured(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0_usize;
    while bytes.get(at) == Some(&b'[') {
        let (mut quoted, mut escaped) = (false, false);
        loop {
            at = at.saturating_add(1);
            match bytes.get(at)? {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b']' if !quoted => break,
                _ => {}
            }
        }
        at = at.saturating_add(1);
    }
    let (data, rest) = bytes.split_at_checked(at)?;
    (!data.is_empty()).then_some((data, rest))
}

/// RFC 3164 §4.1, and what falls short of it.
fn old<'a>(said: Message<'a>, rest: &'a [u8]) -> Message<'a> {
    let Some((stamp, rest)) = stamp(rest) else {
        let (app, process, text) = tag(rest).unwrap_or((None, None, rest));
        return Message { app, process, text: ended(text), ..said };
    };
    let said = Message { stamp: Some(stamp), ..said };
    // A word with a colon or a bracket at its end is a tag already: the host was left out.
    if let Some((app, process, text)) = tag(rest) {
        return Message { app, process, text: ended(text), ..said };
    }
    let named = word(rest).filter(|(host, _)| {
        !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.iter().all(u8::is_ascii_graphic)
    });
    // Without a tag behind it, what looks like a host may be the first word of the message.
    match named.and_then(|(host, rest)| Some((host, tag(rest)?))) {
        Some((host, (app, process, text))) => {
            Message { host: Some(host), app, process, text: ended(text), ..said }
        }
        None => Message { text: ended(rest), ..said },
    }
}

/// `Nov 26 10:00:00 `, or a date and time of RFC 3339.
fn stamp(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some((stamp, rest)) = bytes.split_at_checked(15)
        && let [m0, m1, m2, b' ', d0, d1, b' ', h0, h1, b':', n0, n1, b':', s0, s1] = stamp
        && [m0, m1, m2].iter().all(|b| b.is_ascii_alphabetic())
        && (*d0 == b' ' || d0.is_ascii_digit())
        && [d1, h0, h1, n0, n1, s0, s1].iter().all(|b| b.is_ascii_digit())
    {
        return Some((stamp, rest.strip_prefix(b" ")?));
    }
    word(bytes).filter(|(stamp, _)| stamp.len() <= STAMP_BYTES_MAX && is_date_and_time(stamp))
}

/// Begins like `2026-11-26T10:00:00` and goes on like one.
fn is_date_and_time(stamp: &[u8]) -> bool {
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let fits = |(is, wanted): (&u8, &u8)| match wanted {
        b'd' => is.is_ascii_digit(),
        mark => is == mark,
    };
    let rest = stamp.get(shape.len()..);
    let goes_on = |b: &u8| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'+' | b'-' | b'Z');
    stamp.iter().zip(shape).all(fits) && rest.is_some_and(|rest| rest.iter().all(goes_on))
}

/// App, number, and what is said.
type Tag<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, &'a [u8]);

/// `app[12]: ` or `app: `.
fn tag(bytes: &[u8]) -> Option<Tag<'_>> {
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b':' | b'[' | b']');
    let end = bytes.iter().take_while(|b| plain(b)).count();
    let (app, rest) = bytes.split_at_checked(end)?;
    if app.is_empty() || app.len() > APP_BYTES_MAX {
        return None;
    }
    let (process, rest) = match rest.strip_prefix(b"[") {
        None => (None, rest),
        Some(rest) => {
            let end = rest.iter().position(|b| *b == b']')?;
            let (number, rest) = rest.split_at_checked(end)?;
            let fits = number.len() <= PROCESS_BYTES_MAX && number.iter().all(u8::is_ascii_graphic);
            (Some(fits.then_some(number)?), rest.strip_prefix(b"]")?)
        }
    };
    let rest = rest.strip_prefix(b":")?;
    // `a::b` and `http://…` are words of a message.
    match rest {
        [] => Some((Some(app), process, rest)),
        [b' ', text @ ..] => Some((Some(app), process, text)),
        rest if ended(rest).is_empty() => Some((Some(app), process, rest)),
        _ => None,
    }
}

/// Without NULs, line ends and spaces at the end: Python sends a NUL, iPXE and others a line end.
fn ended(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|b| !matches!(b, 0 | b'\n' | b'\r' | b' '));
    text.get(..end.map_or(0, |last| last.saturating_add(1))).unwrap_or_default()
}
