//! Time as a value that is passed in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

/// A moment, in milliseconds since 1970-01-01 UTC, that never goes backwards.
///
/// The edge makes it: the wall clock at start (or the last moment kept on disk, where the wall clock
/// is a little behind that or obviously wrong), plus the time passed on the monotonic clock since. So
/// nothing ends because somebody set the clock.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Eq,
    PartialEq,
    Ord,
    PartialOrd,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Now(pub u64);

impl Now {
    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

impl Add<Duration> for Now {
    type Output = Self;
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Now {
    type Output = Self;
    fn sub(self, wait: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// `2026-11-22T20:17:05Z`, RFC 3339 in UTC.
impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            rest / 3600,
            rest % 3600 / 60,
            rest % 60
        )
    }
}

/// The form that [`Display`](fmt::Display) writes, and no other: UTC, whole seconds.
impl FromStr for Now {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no moment: write it like 2026-11-22T20:17:05Z");
        let parts = text.strip_suffix('Z').and_then(|text| text.split_once('T'));
        let (date, time) = parts.ok_or_else(wrong)?;
        Self::of_day(date, '-', time).ok_or_else(wrong)
    }
}

impl Now {
    /// A date of the years 1970 to 9999, its parts in this order with this sign between them, and a
    /// time of the day, in UTC.
    pub fn of_day(date: &str, between: char, time: &str) -> Option<Self> {
        let [year, month, day] = three(date, between)?;
        let [hour, minute, second] = three(time, ':')?;
        let within = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60;
        let seconds = || days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        within.then(|| Self(seconds() * 1000))
    }
}

fn three(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse().ok());
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

/// Days since 1970 of a date of the Gregorian calendar, from 1970 on.
fn days(year: u64, month: u64, day: u64) -> u64 {
    // Years counted from 1 March, so that the leap day is the last day of a year.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// Days since 1970 as year, month, day of the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years counted from 1 March, so that the leap day is the last day of a year.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Reads `90s`, `10m`, `12h`, `7d`, `2w`, or `infinite` (given as `None`).
pub fn parse_duration(text: &str) -> Result<Option<Duration>, String> {
    let wrong = || format!("`{text}` is no time: write a number and s, m, h, d or w, like 12h");
    if text == "infinite" {
        return Ok(None);
    }
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit = match text.get(digits.len()..).map(str::trim) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        Some("d") => 86_400,
        Some("w") => 604_800,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).map(|s| Some(Duration::from_secs(s))).ok_or_else(wrong)
}

/// `12h`, `90s`, `1d`: the largest unit that divides it evenly.
pub fn show_duration(duration: Duration) -> String {
    let s = duration.as_secs();
    match s {
        0 => format!("{} ms", duration.as_millis()),
        s if s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s % 3600 == 0 => format!("{}h", s / 3600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_rfc_3339() {
        assert_eq!(Now(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Now(951_782_400_000).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(Now(1_795_378_625_000).to_string(), "2026-11-22T20:17:05Z");
    }

    #[test]
    fn a_moment_is_read_as_it_is_printed() {
        for seconds in [0, 59, 86_399, 951_782_400, 951_868_800, 1_795_378_625, 253_402_300_799] {
            let moment = Now(seconds * 1000);
            assert_eq!(moment.to_string().parse(), Ok(moment));
        }
        for wrong in ["", "2026-11-22", "1969-12-31T00:00:00Z", "2026-13-01T00:00:00Z", "ZTZ"] {
            assert!(wrong.parse::<Now>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_take_units_and_nothing_else() {
        assert_eq!(parse_duration("12h"), Ok(Some(Duration::from_secs(43_200))));
        assert_eq!(parse_duration("infinite"), Ok(None));
        for wrong in ["", "h", "12", "12 fortnights", "-1s", "99999999999999999999w"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
