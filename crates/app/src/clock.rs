//! Moments as the operator's wall clock shows them, and as operators write them.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use model::Now;

/// `20:17:05`, local time.
pub fn local(at: Now) -> String {
    let moment = i64::try_from(at.0).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match moment {
        Some(moment) => moment.to_zoned(TimeZone::system()).strftime("%H:%M:%S").to_string(),
        None => at.to_string(),
    }
}

/// This moment, by this host's clock.
pub fn now() -> Now {
    Now(u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0))
}

/// A moment as people write it: `+2h`, `14:30` (the next one), `2026-11-22 14:30` (both local), or
/// with a zone, `2026-11-22T20:17:05Z`.
pub fn moment(text: &str) -> Result<Now, String> {
    moment_from(text, &Zoned::now())
}

fn moment_from(text: &str, now: &Zoned) -> Result<Now, String> {
    let wrong = |_| {
        format!("`{text}` is no moment: write +2h, 14:30, 2026-11-22 14:30 or 2026-11-22T20:17:05Z")
    };
    let then = if let Some(later) = text.strip_prefix('+') {
        let span: Span = later.parse().map_err(wrong)?;
        now.checked_add(span).map_err(wrong)?.timestamp()
    } else if let Ok(then) = text.parse::<Timestamp>() {
        then
    } else if text.contains('-') {
        let local: DateTime = text.parse().map_err(wrong)?;
        local.to_zoned(now.time_zone().clone()).map_err(wrong)?.timestamp()
    } else {
        let time: Time = text.parse().map_err(wrong)?;
        let today = now.with().time(time).build().map_err(wrong)?;
        let next = || today.checked_add(Span::new().days(1));
        let then = if today < *now { next().map_err(wrong)? } else { today };
        then.timestamp()
    };
    u64::try_from(then.as_millisecond()).map(Now).map_err(|_| wrong_past(text))
}

fn wrong_past(text: &str) -> String {
    format!("`{text}` is before 1970")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Zoned = "2026-11-22T20:00:00+01:00[+01:00]".parse().unwrap();
        let read = |text| moment_from(text, &now).map(|at| at.to_string());
        assert_eq!(read("+2h").unwrap(), "2026-11-22T21:00:00Z");
        assert_eq!(read("+1d 30m").unwrap(), "2026-11-23T19:30:00Z");
        assert_eq!(read("20:30").unwrap(), "2026-11-22T19:30:00Z");
        assert_eq!(read("07:00").unwrap(), "2026-11-23T06:00:00Z", "tomorrow");
        assert_eq!(read("2026-12-01 12:00").unwrap(), "2026-12-01T11:00:00Z");
        assert_eq!(read("2026-12-01T12:00:00Z").unwrap(), "2026-12-01T12:00:00Z");
        for wrong in ["", "soon", "+", "25:00", "1969-01-01T00:00:00Z"] {
            assert!(read(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
