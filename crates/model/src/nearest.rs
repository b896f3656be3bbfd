//! The known name that a mistyped one was probably meant to be.
//!
//! In: what was typed, and what there is. Out: the nearest, if one is near. Never: a name that is merely
//! the least far.

/// Names longer than this are not compared.
const NAME_CHARS_MAX: usize = 64;

/// The nearest of the names, if one is near: at most a third of it differs.
#[must_use]
pub fn nearest<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let asked: Vec<char> = asked.chars().take(NAME_CHARS_MAX).collect();
    known
        .into_iter()
        .filter(|name| name.len() <= NAME_CHARS_MAX)
        .map(|name| (distance(&asked, name), name))
        .filter(|(apart, name)| *apart <= (name.chars().count() / 3).max(1))
        .min()
        .map(|(_, name)| name.to_owned())
}

/// Letters to add, drop, change or swap with their neighbour (optimal string alignment), a row of
/// the table at a time.
fn distance(asked: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=asked.len()).collect();
    let mut above: Vec<usize> = row.clone();
    let mut letter_above = None;
    for (at, c) in name.chars().enumerate() {
        let mut next = vec![at.saturating_add(1)];
        let mut letter_left = None;
        for (n, other) in asked.iter().enumerate() {
            let of = |row: &[usize], n: usize| row.get(n).copied().unwrap_or(usize::MAX);
            let change = of(&row, n).saturating_add(usize::from(*other != c));
            let add = of(&row, n.saturating_add(1)).saturating_add(1);
            let drop = of(&next, n).saturating_add(1);
            let mut least = change.min(add).min(drop);
            if letter_left == Some(c) && letter_above == Some(*other) {
                least = least.min(of(&above, n.saturating_sub(1)).saturating_add(1));
            }
            next.push(least);
            letter_left = Some(*other);
        }
        letter_above = Some(c);
        above = std::mem::replace(&mut row, next);
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
        assert_eq!((apart("nmae", "name"), apart("abcd", "badc")), (1, 2));
    }
}
