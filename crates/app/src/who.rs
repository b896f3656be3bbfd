//! Sets of machines: `lab-01..20`, `lab-[01-20]`, `label:room=3`, or one machine.

use crate::failure::Failure;
use api::Client;
use api::types::MachineView;

/// More machines than this are not meant by one word.
const SET_MAX: u32 = 10_000;

/// The machines that are meant, by a name the server knows.
pub async fn resolve(client: &Client, named: &[String]) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for word in named {
        match word.strip_prefix("label:") {
            Some(label) => all.extend(labelled(client, label).await?),
            None => all.extend(expand(word)?),
        }
    }
    Ok(all)
}

async fn labelled(client: &Client, label: &str) -> Result<Vec<String>, Failure> {
    if !label.contains('=') {
        return Err(Failure::usage(format!("`label:{label}` says no value"))
            .hint("write it like label:room=3"));
    }
    let path = format!("/machines?limit=1000&label={}", model::url::part(label));
    let machines: Vec<MachineView> = client.pages(&path).await?;
    let found: Vec<String> = machines.into_iter().map(|m| m.mac).collect();
    if found.is_empty() {
        return Err(Failure::refused(format!("no machine has the label {label}")));
    }
    Ok(found)
}

/// Writes a range out; whatever is no range means one machine.
fn expand(word: &str) -> Result<Vec<String>, Failure> {
    let Some((before, first, last, after)) = range(word) else {
        return Ok(vec![word.to_owned()]);
    };
    let width = first.len();
    let (Ok(from), Ok(to)) = (first.parse::<u32>(), last.parse::<u32>()) else {
        return Ok(vec![word.to_owned()]);
    };
    if to < from || to - from >= SET_MAX {
        return Err(Failure::usage(format!("`{word}` is no range: write it like lab-01..20")));
    }
    Ok((from..=to).map(|n| format!("{before}{n:0width$}{after}")).collect())
}

/// `before`, first number, last number, `after`.
fn range(word: &str) -> Option<(&str, &str, &str, &str)> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (before, first, last, after) = if let Some((before, rest)) = word.split_once('[') {
        let (inside, after) = rest.split_once(']')?;
        let (first, last) = inside.split_once('-')?;
        (before, first, last, after)
    } else {
        let (left, last) = word.split_once("..")?;
        let before = left.trim_end_matches(|c: char| c.is_ascii_digit());
        (before, left.get(before.len()..)?, last, "")
    };
    (digits(first) && digits(last)).then_some((before, first, last, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_out() {
        assert_eq!(expand("lab-08..10").unwrap(), ["lab-08", "lab-09", "lab-10"]);
        assert_eq!(expand("r[1-2]-x").unwrap(), ["r1-x", "r2-x"]);
        assert_eq!(expand("52:54:00:77:00:01").unwrap(), ["52:54:00:77:00:01"]);
        assert_eq!(expand("odd..name").unwrap(), ["odd..name"]);
        assert!(expand("lab-20..01").is_err());
        assert!(expand("lab-0..4000000000").is_err());
    }
}
