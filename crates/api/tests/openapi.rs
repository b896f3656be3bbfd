//! The description of the API is made of the routes, and stands in `docs/openapi.json`, where a change of
//! it is read like any other. `UPDATE_OPENAPI=1` renews it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot do this has failed"
)]

use access::Policy;
use api::contract::{document, operation_id};
use api::table;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn operation<'a>(document: &'a Value, route: &api::Route) -> &'a Value {
    &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()]
}

#[test]
fn the_description_that_is_kept_is_the_one_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let is = format!("{:#}\n", document(&table()));
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &is).unwrap();
    }
    let was = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = was.lines().zip(is.lines()).position(|(was, is)| was != is);
    assert!(
        was == is,
        "docs/openapi.json is not what the routes say, first in line {}: read what changed, and renew it \
         with UPDATE_OPENAPI=1 cargo test -p api --test openapi",
        differs.map_or(0, |line| line + 1)
    );
}

#[test]
fn every_route_is_described_with_its_policy_and_its_problems() {
    let (table, document) = (table(), document(&table()));
    let mut ids = BTreeSet::new();
    for route in &table {
        let says = operation(&document, route);
        let of = format!("{} {}", route.method, route.path);
        match route.policy {
            Policy::Public => {
                assert_eq!(says["x-policy"], "public", "{of}");
                assert_eq!(says["security"], serde_json::json!([]), "{of}");
            }
            Policy::Needs(role, _) => {
                assert_eq!(says["x-policy"]["role"], role.to_string(), "{of}");
                assert_ne!(says["security"], serde_json::json!([]), "{of}");
            }
        }
        let problem = &says["responses"]["default"]["$ref"];
        assert_eq!(problem, "#/components/responses/Problem", "{of}");
        assert!(
            ids.insert(operation_id(route)),
            "{of}: two routes are called {}",
            operation_id(route)
        );
        for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let name = name.trim_end_matches('}');
            let parameters = says["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|p| p["name"] == name && p["in"] == "path"), "{of}");
        }
    }
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|p| p.as_object().unwrap().len()).sum();
    assert_eq!(described, table.len());
    let problem = &document["components"]["responses"]["Problem"]["content"];
    assert!(problem.get("application/problem+json").is_some());
}

#[test]
fn what_the_description_refers_to_is_in_it() {
    let document = document(&table());
    let mut seen = BTreeSet::new();
    references(&document, &mut seen);
    assert!(seen.len() > 50, "only {} types are named", seen.len());
    for reference in seen {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn references<'a>(value: &'a Value, seen: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(of) => {
            seen.extend(of.get("$ref").and_then(Value::as_str));
            of.values().for_each(|value| references(value, seen));
        }
        Value::Array(of) => of.iter().for_each(|value| references(value, seen)),
        _ => {}
    }
}

#[test]
fn what_takes_no_unknown_field_says_so() {
    let document = document(&table());
    for route in table() {
        let body = &operation(&document, &route)["requestBody"]["content"]["application/json"];
        let Some(name) = body["schema"]["$ref"].as_str() else { continue };
        let schema = document.pointer(name.trim_start_matches('#')).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{} {}", route.method, route.path);
    }
}
