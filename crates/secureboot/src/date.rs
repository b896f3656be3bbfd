//! Moments in certificates (RFC 5280, 4.1.2.5), as seconds since 1970.
//!
//! In: a DER time. Out: seconds; and seconds as a day for people. Never: what time it is now.

use crate::der::{GENERALIZED_TIME, UTC_TIME, Value};
use std::fmt;

const DAY_S: i64 = 86_400;

/// A moment, in seconds since 1970-01-01 00:00 UTC. Shown as its day.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Moment(pub i64);

impl Moment {
    /// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, the only forms certificates may have.
    pub(crate) fn read(value: Value<'_>) -> Option<Self> {
        let digits = value.body.strip_suffix(b"Z")?;
        let (year, rest) = match value.tag {
            UTC_TIME => {
                let (year, rest) = digits.split_at_checked(2)?;
                let year = number(year)?;
                // 00 to 49 are of this century (RFC 5280, 4.1.2.5.1).
                (year.saturating_add(if year < 50 { 2000 } else { 1900 }), rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = digits.split_at_checked(4)?;
                (number(year)?, rest)
            }
            _ => return None,
        };
        let parts: Vec<i64> = rest.chunks(2).map_while(number).collect();
        let [month @ 1..=12, day @ 1..=31, hour @ 0..=23, minute @ 0..=59, second @ 0..=60] =
            *parts.as_slice()
        else {
            return None;
        };
        let of_day = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60));
        let days = days(year, month, day).saturating_mul(DAY_S);
        Some(Self(days.saturating_add(of_day).saturating_add(second))).filter(|_| rest.len() == 10)
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    let text =
        std::str::from_utf8(digits).ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
    text.parse().ok()
}

/// Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March,
/// so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month.saturating_sub(3))
    } else {
        (year.saturating_sub(1), month.saturating_add(9))
    };
    let leap = [4, 400].iter().map(|n| year.div_euclid(*n)).sum::<i64>();
    let leap = leap.saturating_sub(year.div_euclid(100));
    let before = month.saturating_mul(153).saturating_add(2).div_euclid(5);
    let since_year_0 = year.saturating_mul(365).saturating_add(leap).saturating_add(before);
    since_year_0.saturating_add(day).saturating_sub(719_469)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The inverse of `days`: 400 years always have 146097 days.
        let day = self.0.div_euclid(DAY_S).saturating_add(719_468);
        let era = day.div_euclid(146_097);
        let of_era = day.rem_euclid(146_097);
        let century = of_era.div_euclid(36_524).min(3);
        let of_century = of_era.saturating_sub(century.saturating_mul(36_524));
        let four = of_century.div_euclid(1461);
        let of_four = of_century.rem_euclid(1461);
        let year = of_four.div_euclid(365).min(3);
        let of_year = of_four.saturating_sub(year.saturating_mul(365));
        let month = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
        let begun = month.saturating_mul(153).saturating_add(2).div_euclid(5);
        let day = of_year.saturating_sub(begun).saturating_add(1);
        let (month, next) =
            if month < 10 { (month.saturating_add(3), 0) } else { (month.saturating_sub(9), 1) };
        let years = [(era, 400), (century, 100), (four, 4), (year, 1), (next, 1)];
        let year: i64 = years.iter().map(|(count, years)| count.saturating_mul(*years)).sum();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<Moment> {
        Moment::read(Value { tag: UTC_TIME, body: text.as_bytes(), whole: &[] })
    }

    #[test]
    fn moments_are_those_of_date() {
        // date -u -d '2026-06-27 21:32:45' +%s
        assert_eq!(utc("260627213245Z"), Some(Moment(1_782_595_965)));
        assert_eq!(utc("700101000000Z"), Some(Moment(0)));
        assert_eq!(utc("500101000000Z"), Some(Moment(-631_152_000)));
        let value = Value { tag: GENERALIZED_TIME, body: b"20530324160416Z", whole: &[] };
        assert_eq!(Moment::read(value), Some(Moment(2_626_445_056)));
        for bad in
            ["260627213245", "261327213245Z", "2606272132Z", "26062721324xZ", "2606272132450Z", ""]
        {
            assert_eq!(utc(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_is_shown_as_it_was_read() {
        for (text, shown) in [
            ("000229000000Z", "2000-02-29"),
            ("240229235959Z", "2024-02-29"),
            ("240301000000Z", "2024-03-01"),
            ("691231235959Z", "1969-12-31"),
            ("491231235959Z", "2049-12-31"),
            ("270101000000Z", "2027-01-01"),
        ] {
            assert_eq!(utc(text).unwrap().to_string(), shown);
        }
        let mut last = String::new();
        for day in -100_000..100_000 {
            let shown = Moment(day * DAY_S).to_string();
            let parts: Vec<i64> = shown.split('-').map(|p| p.parse().unwrap()).collect();
            assert_eq!(days(parts[0], parts[1], parts[2]), day, "{shown}");
            assert!(shown > last);
            last = shown;
        }
    }
}
