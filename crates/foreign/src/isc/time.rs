//! Times as ISC dhcpd writes them, always UTC: `4 2026/11/26 08:15:00`, `epoch 1795378625`, `never`.

use super::lexer::Statement;
use model::Now;

/// Reads the words behind `starts`, `ends`, `cltt`. `Some(None)` is never.
pub fn read(statement: &Statement) -> Option<Option<Now>> {
    match statement.word(1) {
        "never" => Some(None),
        "epoch" => {
            let seconds: u64 = statement.word(2).parse().ok()?;
            seconds.checked_mul(1000).map(|ms| Some(Now(ms)))
        }
        // The day of the week is not needed.
        _ => Now::of_day(statement.word(2), '/', statement.word(3)).map(Some),
    }
}
