//! The schemas of all types, under their names. What is taken and what is given differ: a field with a
//! usual value may be left out by whoever asks, and is there in every answer.

use super::shape::Make;
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::transform_subschemas;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Where the schemas stand in the document.
const PLACE: &str = "/components/schemas";
/// What the name of a schema ends with that is taken and differs from the one that is given.
const TAKEN: &str = "Taken";

/// Gathers schemas while a document is made.
pub struct Schemas {
    taken: SchemaGenerator,
    given: SchemaGenerator,
}

/// Every schema by its name, and which of those that are taken have another name than the type.
pub struct Gathered {
    /// What stands in the document.
    pub all: Map<String, Value>,
    renamed: BTreeSet<String>,
}

fn generator(contract: Contract) -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.contract = contract;
            settings.definitions_path = PLACE.into();
            settings.meta_schema = None;
        })
        .into_generator()
}

impl Schemas {
    /// None yet.
    pub fn new() -> Self {
        Self { taken: generator(Contract::Deserialize), given: generator(Contract::Serialize) }
    }

    /// Of what a request brings.
    pub fn taken(&mut self, make: Make) -> Value {
        let mut schema = make(&mut self.taken);
        closed(&mut schema);
        schema.to_value()
    }

    /// Of what an answer has.
    pub fn given(&mut self, make: Make) -> Value {
        make(&mut self.given).to_value()
    }

    /// All that were named so far.
    pub fn gather(&mut self) -> Gathered {
        let mut all = self.given.take_definitions(false);
        let mut taken = self.taken.take_definitions(false);
        for schema in taken.values_mut() {
            if let Ok(schema) = <&mut Schema>::try_from(schema) {
                closed(schema);
            }
        }
        let renamed = differing(&taken, &all);
        for (name, mut schema) in taken {
            // One that is only taken may hold one that is given otherwise.
            if renamed.contains(&name) || !all.contains_key(&name) {
                rename(&mut schema, &renamed);
            }
            if renamed.contains(&name) {
                all.insert(format!("{name}{TAKEN}"), schema);
            } else {
                all.entry(name).or_insert(schema);
            }
        }
        Gathered { all, renamed }
    }
}

impl Gathered {
    /// A schema of a request, with the names as they stand in the document.
    pub fn settle(&self, taken: &mut Value) {
        rename(taken, &self.renamed);
    }
}

/// A request's body has no field that is not known, at any depth: [`crate::body::parse`] refuses it.
/// A number fits its type.
fn closed(schema: &mut Schema) {
    transform_subschemas(&mut closed, schema);
    let fits = match schema.get("format").and_then(Value::as_str) {
        Some("uint32") => Some(Value::from(u32::MAX)),
        Some("uint64" | "uint") => Some(Value::from(u64::MAX)),
        Some("int64") => {
            schema.insert("minimum".to_owned(), Value::from(i64::MIN));
            Some(Value::from(i64::MAX))
        }
        _ => None,
    };
    if let Some(most) = fits {
        schema.insert("maximum".to_owned(), most);
    }
    let open = schema.get("properties").is_some()
        && ["additionalProperties", "allOf", "$ref", "oneOf", "anyOf"]
            .into_iter()
            .all(|key| schema.get(key).is_none());
    if open {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

/// Whose schemas are not the same both ways, themselves or in what they refer to.
fn differing(taken: &Map<String, Value>, given: &Map<String, Value>) -> BTreeSet<String> {
    let differs = |(name, schema): &(&String, &Value)| {
        given.get(name.as_str()).is_some_and(|given| given != *schema)
    };
    let mut all: BTreeSet<String> =
        taken.iter().filter(differs).map(|(name, _)| name.clone()).collect();
    loop {
        let more: Vec<String> = taken
            .iter()
            .filter(|(name, schema)| given.contains_key(*name) && refers(schema, &all))
            .map(|(name, _)| name.clone())
            .filter(|name| !all.contains(name))
            .collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn named(reference: &str) -> Option<&str> {
    reference.strip_prefix('#')?.strip_prefix(PLACE)?.strip_prefix('/')
}

fn refers(schema: &Value, to: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(of) => of.iter().any(|(key, value)| match (key.as_str(), value) {
            ("$ref", Value::String(to_it)) => named(to_it).is_some_and(|name| to.contains(name)),
            (_, value) => refers(value, to),
        }),
        Value::Array(of) => of.iter().any(|value| refers(value, to)),
        _ => false,
    }
}

fn rename(schema: &mut Value, renamed: &BTreeSet<String>) {
    match schema {
        Value::Object(of) => {
            for (key, value) in of.iter_mut() {
                match value {
                    Value::String(to) if key == "$ref" => {
                        if named(to).is_some_and(|name| renamed.contains(name)) {
                            to.push_str(TAKEN);
                        }
                    }
                    value => rename(value, renamed),
                }
            }
        }
        Value::Array(of) => of.iter_mut().for_each(|value| rename(value, renamed)),
        _ => {}
    }
}
