//! A rate as people write it: `100MiB/s`, `1Gbit/s`.
//!
//! In: the text. Out: bytes per second. Never: a rate at which nothing boots.

/// A slower machine is cut off as one that hangs (4 KiB/s over two minutes), and no installer fits
/// through it in a night.
const LEAST: u64 = 64 * 1024;

/// Units, and how many bits each has.
const UNITS: [(&str, u64); 12] = [
    ("B/s", 8),
    ("kB/s", 8_000),
    ("KiB/s", 8 << 10),
    ("MB/s", 8_000_000),
    ("MiB/s", 8 << 20),
    ("GB/s", 8_000_000_000),
    ("GiB/s", 8 << 30),
    ("bit/s", 1),
    ("kbit/s", 1_000),
    ("Mbit/s", 1_000_000),
    ("Gbit/s", 1_000_000_000),
    ("Tbit/s", 1_000_000_000_000),
];

/// Bytes per second.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.trim_start().bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.trim_start().split_at(digits);
    let shown = model::text::show(text.as_bytes());
    let Ok(number) = number.parse::<u64>() else {
        return Err(format!("`{shown}` is no rate: write it like \"100MiB/s\" or \"1Gbit/s\""));
    };
    let unit = unit.trim();
    let Some((_, bits)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(no_such_unit(&shown, unit));
    };
    let bytes = u128::from(number) * u128::from(*bits) / 8;
    match u64::try_from(bytes) {
        Ok(bytes) if bytes >= LEAST => Ok(bytes),
        Ok(_) => Err(format!("`{shown}` is slower than 64KiB/s: nothing boots so slowly")),
        Err(_) => Err(format!("`{shown}` is more than any network has: leave the key out")),
    }
}

fn no_such_unit(shown: &str, unit: &str) -> String {
    let near = UNITS.iter().find(|(name, _)| {
        let bare = name.trim_end_matches("/s");
        bare.eq_ignore_ascii_case(unit) || name.eq_ignore_ascii_case(unit)
    });
    match near {
        Some((near, _)) => format!("`{shown}` is no rate: did you mean `{near}`?"),
        None => {
            let all: Vec<&str> = UNITS.iter().map(|(name, _)| *name).collect();
            format!("`{shown}` is no rate: its unit is one of {}", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn bytes_and_bits_in_both_countings() {
        assert_eq!(parse("100MiB/s"), Ok(100 << 20));
        assert_eq!(parse("1Gbit/s"), Ok(125_000_000));
        assert_eq!(parse(" 64 KiB/s "), Ok(65_536));
        assert_eq!(parse("10MB/s"), Ok(10_000_000));
    }

    #[test]
    fn what_is_no_rate_says_what_is() {
        for (text, says) in [
            ("fast", "write it like"),
            ("100", "its unit is one of"),
            ("100Mb/s", "did you mean `MB/s`?"),
            ("100MiB", "did you mean `MiB/s`?"),
            ("1gbit/s", "did you mean `Gbit/s`?"),
            ("1kB/s", "slower than 64KiB/s"),
            ("0MiB/s", "slower than 64KiB/s"),
            ("18446744073709551615Tbit/s", "more than any network has"),
            ("99999999999999999999MB/s", "write it like"),
            ("-5MB/s", "write it like"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
    }
}
