//! Dates as discs write them: three forms, one meaning.

use crate::error::DiscError;
use crate::source::View;
use std::fmt;

/// A moment as the disc's author wrote it, with its distance from UTC.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Date {
    /// The year, as it is counted.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Minutes east of UTC, if the disc says so.
    pub east: Option<i16>,
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second, east } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")?;
        if let Some(east) = east {
            let sign = if *east < 0 { '-' } else { '+' };
            let (hours, minutes) =
                (east.unsigned_abs().div_euclid(60), east.unsigned_abs().rem_euclid(60));
            write!(f, " {sign}{hours:02}:{minutes:02}")?;
        }
        Ok(())
    }
}

impl Date {
    /// What is no date (zeros, a thirteenth month) is none.
    fn checked(self) -> Option<Self> {
        let day = (1..=12).contains(&self.month) && (1..=31).contains(&self.day);
        let time = self.hour < 24 && self.minute < 60 && self.second < 60;
        (day && time).then_some(self)
    }

    /// ISO 9660, 9.1.5: seven bytes in a directory record and in Rock Ridge.
    pub(crate) fn short(view: &View<'_>, from: usize) -> Result<Option<Self>, DiscError> {
        let date = Self {
            year: u16::from(view.u8(from)?).saturating_add(1900),
            month: view.u8(from.saturating_add(1))?,
            day: view.u8(from.saturating_add(2))?,
            hour: view.u8(from.saturating_add(3))?,
            minute: view.u8(from.saturating_add(4))?,
            second: view.u8(from.saturating_add(5))?,
            east: quarters(view.u8(from.saturating_add(6))?),
        };
        Ok(date.checked())
    }

    /// ISO 9660, 8.4.26.1: sixteen digits and a byte, in a volume descriptor and in Rock Ridge.
    pub(crate) fn long(view: &View<'_>, from: usize) -> Result<Option<Self>, DiscError> {
        let digits = view.slice(from, 16)?;
        let number = |from: usize, length: usize| -> Option<u16> {
            std::str::from_utf8(digits.get(from..)?.get(..length)?).ok()?.parse().ok()
        };
        let two = |from| number(from, 2).and_then(|n| u8::try_from(n).ok());
        let east = quarters(view.u8(from.saturating_add(16))?);
        let date = || {
            let (year, month, day) = (number(0, 4)?, two(4)?, two(6)?);
            Self { year, month, day, hour: two(8)?, minute: two(10)?, second: two(12)?, east }
                .checked()
        };
        Ok(date())
    }

    /// ECMA-167, 1/7.3: twelve bytes.
    pub(crate) fn udf(view: &View<'_>, from: usize) -> Result<Option<Self>, DiscError> {
        let zone = view.u16(from)?;
        // Twelve bits with a sign; -2047 says that nobody knew.
        let minutes = (zone & 0x0fff).cast_signed();
        let minutes = if minutes > 0x07ff { minutes.saturating_sub(0x1000) } else { minutes };
        let local = zone >> 12 == 1 && minutes != -2047;
        let date = Self {
            year: view.u16(from.saturating_add(2))?,
            month: view.u8(from.saturating_add(4))?,
            day: view.u8(from.saturating_add(5))?,
            hour: view.u8(from.saturating_add(6))?,
            minute: view.u8(from.saturating_add(7))?,
            second: view.u8(from.saturating_add(8))?,
            east: local.then_some(minutes),
        };
        Ok(date.checked())
    }
}

/// Quarters of an hour east of UTC.
fn quarters(byte: u8) -> Option<i16> {
    let quarters = i16::from(byte.cast_signed());
    (-48..=52).contains(&quarters).then(|| quarters.saturating_mul(15))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(bytes: &[u8]) -> View<'_> {
        View::new("a date", 0, bytes)
    }

    #[test]
    fn the_three_forms_say_the_same() {
        let short = Date::short(&view(&[126, 11, 26, 3, 40, 5, 4]), 0).unwrap().unwrap();
        let long = Date::long(&view(b"2026112603400500\x04"), 0).unwrap().unwrap();
        let udf = [0x3c, 0x10, 0xea, 0x07, 11, 26, 3, 40, 5, 0, 0, 0];
        let udf = Date::udf(&view(&udf), 0).unwrap().unwrap();
        assert_eq!(short.to_string(), "2026-11-26 03:40:05 +01:00");
        assert_eq!((short, short), (long, udf));
    }

    #[test]
    fn west_of_utc_and_nowhere() {
        let west = [0x88, 0x1e, 0xea, 0x07, 1, 1, 0, 0, 0, 0, 0, 0].map(|byte: u8| byte);
        let west = Date::udf(&view(&west), 0).unwrap().unwrap();
        assert_eq!(west.east, Some(-376));
        let unknown = [0x01, 0x18, 0xea, 0x07, 1, 1, 0, 0, 0, 0, 0, 0];
        assert_eq!(Date::udf(&view(&unknown), 0).unwrap().unwrap().east, None);
    }

    #[test]
    fn what_is_no_date_is_none() {
        assert_eq!(Date::short(&view(&[0; 7]), 0).unwrap(), None);
        assert_eq!(Date::long(&view(b"0000000000000000\0"), 0).unwrap(), None);
        assert_eq!(Date::long(&view(b"20261301000000 0\0"), 0).unwrap(), None);
        assert_eq!(Date::udf(&view(&[0; 12]), 0).unwrap(), None);
    }
}
