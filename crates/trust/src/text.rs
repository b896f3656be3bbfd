//! Text of others and moments, fit to be shown.
//!
//! In: bytes or text from outside, seconds since 1970. Out: text for people. Never: a control
//! character, a mark that turns the direction of writing, an endless line.

/// Longest piece of somebody else's text that a message shows, in bytes.
const SHOWN_MAX: usize = 160;

/// Text from outside, fit to be shown.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= SHOWN_MAX {
            shown.push('…');
            break;
        }
        let turns =
            ('\u{2028}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c);
        if c.is_control() || turns || c == '\u{feff}' {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A moment as a date, `2026-11-26`.
pub(crate) fn date(unix_s: u64) -> String {
    // Civil date of a day number, with years that begin in March (Gregorian calendar).
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let days = (unix_s / 86_400).saturating_add(719_468);
    let era = days / DAYS_OF_400_YEARS;
    let day_of_era = days % DAYS_OF_400_YEARS;
    let leap = (day_of_era / 1460).saturating_add(day_of_era / 146_096);
    let of_era = day_of_era.saturating_sub(leap).saturating_add(day_of_era / 36_524);
    let year_of_era = of_era / 365;
    let before = year_of_era
        .saturating_mul(365)
        .saturating_add(year_of_era / 4)
        .saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(before);
    let march_month = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let month_start = march_month.saturating_mul(153).saturating_add(2) / 5;
    let day = day_of_year.saturating_sub(month_start).saturating_add(1);
    let month = if march_month < 10 {
        march_month.saturating_add(3)
    } else {
        march_month.saturating_sub(9)
    };
    let year = era.saturating_mul(400).saturating_add(year_of_era);
    let year = year.saturating_add(u64::from(month <= 2));
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_as_its_date() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_399), "2000-02-28");
        assert_eq!(date(951_782_400), "2000-02-29");
        assert_eq!(date(1_709_251_199), "2024-02-29");
        assert_eq!(date(1_767_225_599), "2025-12-31");
        assert_eq!(date(1_795_651_200), "2026-11-26");
        assert_eq!(date(u64::from(u32::MAX)), "2106-02-07");
    }

    #[test]
    fn what_could_trick_a_reader_is_escaped() {
        assert_eq!(shown("a\u{1b}[2Kb\u{202e}c"), "a\\u{1b}[2Kb\\u{202e}c");
        assert!(shown(&"x".repeat(10_000)).len() < 200);
    }
}
