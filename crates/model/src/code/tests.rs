use super::*;
use std::collections::BTreeSet;

/// The variants that serde knows, from its own complaint about one that it does not.
fn variants<T: serde::de::DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
    let why = serde_json::from_str::<T>(r#""no such""#).unwrap_err().to_string();
    let (_, known) = why.split_once("expected one of ").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn examples_of_silences_are_all_there_are() {
    let codes: BTreeSet<String> = Why::examples().iter().map(|why| why.code().to_owned()).collect();
    let variants = variants::<Why>().into_iter().map(|name| format!("silence-{name}")).collect();
    assert_eq!(codes, variants, "a code is `silence-` and the name that JSON has");
}
