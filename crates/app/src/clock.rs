//! Moments as the operator's wall clock shows them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
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
