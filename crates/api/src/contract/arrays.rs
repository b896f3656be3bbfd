//! A list in the place of an object. Serde takes `[null, 2]` for the fields of a struct, in the order in
//! which they stand in the code, which nobody means and no description says.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

/// Schemas within schemas; ours are a few deep.
const DEPTH_MAX: usize = 16;

/// Where in a body of this type a list stands that is none: `trust`.
pub fn misplaced<T: JsonSchema>(body: &Value) -> Option<String> {
    let schema = SchemaGenerator::default().into_root_schema_for::<T>().to_value();
    let mut path = Vec::new();
    walk(body, &[&schema], &schema, &mut path).then(|| match path.as_slice() {
        [] => "the body".to_owned(),
        parts => parts.join("."),
    })
}

/// True if there is one, and `path` leads to it.
fn walk(value: &Value, schemas: &[&Value], root: &Value, path: &mut Vec<String>) -> bool {
    let mut ways = Vec::new();
    schemas.iter().for_each(|schema| gather(schema, root, 0, &mut ways));
    match value {
        Value::Array(items) => {
            if !ways.iter().any(|way| may_be_list(way)) {
                return true;
            }
            let inner: Vec<&Value> = ways.iter().filter_map(|way| way.get("items")).collect();
            inside(items.iter().map(|item| (None, item)), &inner, root, path)
        }
        Value::Object(fields) => fields.iter().any(|(key, field)| {
            let inner: Vec<&Value> = ways
                .iter()
                .filter_map(|way| {
                    let named = way.get("properties").and_then(|all| all.get(key));
                    named.or_else(|| way.get("additionalProperties"))
                })
                .collect();
            inside([(Some(key), field)].into_iter(), &inner, root, path)
        }),
        _ => false,
    }
}

fn inside<'a>(
    mut values: impl Iterator<Item = (Option<&'a String>, &'a Value)>,
    schemas: &[&Value],
    root: &Value,
    path: &mut Vec<String>,
) -> bool {
    // What is not described is judged by whoever reads it.
    !schemas.is_empty()
        && values.any(|(key, value)| {
            path.extend(key.cloned());
            let found = walk(value, schemas, root, path);
            if !found && key.is_some() {
                path.pop();
            }
            found
        })
}

/// The schemas that a schema stands for, one of which holds.
fn gather<'a>(schema: &'a Value, root: &'a Value, depth: usize, into: &mut Vec<&'a Value>) {
    if depth > DEPTH_MAX {
        return;
    }
    into.push(schema);
    let reference = schema.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|to| root.pointer(to.strip_prefix('#')?));
    let some = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key));
    let several = some.filter_map(Value::as_array).flatten();
    several.chain(target).for_each(|one| gather(one, root, depth + 1, into));
}

fn may_be_list(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "array",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "array"),
        // Anything, if it says nothing else either.
        _ => !["$ref", "anyOf", "oneOf", "allOf", "enum", "const", "properties"]
            .into_iter()
            .any(|key| schema.get(key).is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{BatchWish, ImportWish, MachineWish, ProfileWish};
    use serde_json::json;

    #[test]
    fn a_list_in_the_place_of_an_object_is_found_and_others_are_not() {
        assert_eq!(misplaced::<ProfileWish>(&json!([null, 2])).as_deref(), Some("the body"));
        let trust = json!({ "name": "x", "archs": ["x64-uefi"], "trust": [null, null] });
        assert_eq!(misplaced::<ImportWish>(&trust).as_deref(), Some("trust"));
        let deploy = json!({ "machines": ["a"], "deploy": ["p"] });
        assert_eq!(misplaced::<BatchWish>(&deploy).as_deref(), Some("deploy"));
        let good = json!({
            "labels": { "room": "3" },
            "settings": { "users": ["a", "b"], "disk": "serial:S1", "gone": null },
        });
        assert_eq!(misplaced::<MachineWish>(&good), None);
    }
}
