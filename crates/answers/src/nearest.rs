//! The known name that a mistyped one was probably meant to be.

/// Names longer than this are not compared.
const NAME_CHARS_MAX: usize = 64;

/// The nearest of the names, if one is near: at most a third of it differs.
pub(crate) fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let asked: Vec<char> = asked.chars().take(NAME_CHARS_MAX).collect();
    known
        .into_iter()
        .filter(|name| name.len() <= NAME_CHARS_MAX)
        .map(|name| (distance(&asked, name), name))
        .filter(|(apart, name)| *apart <= (name.chars().count() / 3).max(1))
        .min()
        .map(|(_, name)| name.to_owned())
}

/// Levenshtein's distance, one row at a time.
fn distance(asked: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=asked.len()).collect();
    for (at, c) in name.chars().enumerate() {
        let mut corner = at;
        let mut left = at.saturating_add(1);
        for (have, other) in row.iter_mut().skip(1).zip(asked) {
            let replace = corner.saturating_add(usize::from(*other != c));
            corner = *have;
            left = replace.min(left.saturating_add(1)).min(have.saturating_add(1));
            *have = left;
        }
        if let Some(first) = row.first_mut() {
            *first = at.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_near_and_another_word_is_not() {
        let known = ["machine.name", "machine.mac", "network.router"];
        assert_eq!(nearest("machine.nmae", known), Some("machine.name".into()));
        assert_eq!(nearest("mashine.mac", known), Some("machine.mac".into()));
        assert_eq!(nearest("deployment.id", known), None);
        assert_eq!(nearest("", known), None);
        let apart = |a: &str, b| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!((apart("kitten", "sitting"), apart("", "abc"), apart("abc", "")), (3, 3, 3));
    }
}
