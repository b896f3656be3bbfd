//! The operator's words about a machine.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Keys and values, in the order of keys. Machines have few of them and there are many machines: a
/// tree takes a node for eleven pairs for the first one, this takes what its pairs take.
#[derive(Clone, Debug, Default, Eq, PartialEq, Hash, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Labels(Box<[Pair]>);

type Pair = (Box<str>, Box<str>);

impl Labels {
    /// None at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its value, if there is such a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        let at = self.place(key).ok()?;
        self.0.get(at).map(|(_, value)| value.as_ref())
    }

    /// Whether there is such a label.
    pub fn contains_key(&self, key: &str) -> bool {
        self.place(key).is_ok()
    }

    /// Sets a label, and gives the value that it had.
    pub fn insert(&mut self, key: String, value: String) -> Option<String> {
        match self.place(&key) {
            Ok(at) => {
                let had = self.0.get_mut(at).map(|(_, had)| std::mem::replace(had, value.into()));
                had.map(String::from)
            }
            Err(at) => {
                self.change(|all| all.insert(at, (key.into(), value.into())));
                None
            }
        }
    }

    /// Takes a label away, and gives the value that it had.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        let at = self.place(key).ok()?;
        let mut had = None;
        self.change(|all| had = Some(all.remove(at).1.into()));
        had
    }

    /// All of them, in the order of keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }

    /// Their keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(key, _)| key)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn place(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(own, _)| own.as_ref().cmp(key))
    }

    fn change(&mut self, what: impl FnOnce(&mut Vec<Pair>)) {
        let mut all = std::mem::take(&mut self.0).into_vec();
        what(&mut all);
        self.0 = all.into_boxed_slice();
    }
}

impl From<BTreeMap<String, String>> for Labels {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(map.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Labels {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        BTreeMap::from(pairs.map(owned)).into()
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        labels.0.into_vec().into_iter().map(|(key, value)| (key.into(), value.into())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_a_map_in_order(steps in prop::collection::vec(("[a-e]", "[0-9]", any::<bool>()), 0..40)) {
            let (mut labels, mut map) = (Labels::new(), BTreeMap::new());
            for (key, value, add) in steps {
                match add {
                    true => prop_assert_eq!(
                        labels.insert(key.clone(), value.clone()),
                        map.insert(key, value)
                    ),
                    false => prop_assert_eq!(labels.remove(&key), map.remove(&key)),
                }
                prop_assert_eq!(&labels, &Labels::from(map.clone()));
            }
            for key in ["a", "b", "c", "d", "e", "f"] {
                prop_assert_eq!(labels.get(key), map.get(key).map(String::as_str));
            }
            let text = serde_json::to_string(&labels).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&map).unwrap());
            prop_assert_eq!(serde_json::from_str::<Labels>(&text).unwrap(), labels);
        }
    }
}
