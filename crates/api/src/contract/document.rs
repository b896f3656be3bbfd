//! The document itself.

use super::schemas::{Gathered, Schemas};
use super::shape::{Content, Gives, Shape};
use crate::gate::repeats::KEY_MAX;
use crate::routes::table::Route;
use crate::{Problem, tags};
use access::Policy;
use access::policy::On;
use axum::http::Method;
use schemars::JsonSchema as _;
use serde_json::{Map, Value, json};

/// What an answer with a problem is.
const PROBLEM: &str = "application/problem+json";

/// Describes these routes as OpenAPI 3.1.
pub fn document(table: &[Route]) -> Value {
    let mut schemas = Schemas::new();
    let problem = schemas.given(|of| of.subschema_for::<Problem>());
    debug_assert_eq!(problem["$ref"], format!("#/components/schemas/{}", Problem::schema_name()));
    let mut operations: Vec<(&Route, Value)> =
        table.iter().map(|route| (route, operation(route, &mut schemas))).collect();
    let gathered = schemas.gather();
    let mut paths = Map::new();
    for (route, operation) in &mut operations {
        settle(operation, &gathered);
        let at = paths.entry(route.path).or_insert_with(|| json!({}));
        at[route.method.as_str().to_ascii_lowercase()] = operation.take();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bootwright",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Boots machines over the network. Times are RFC 3339 in UTC, durations are \
                            seconds, sizes are bytes, unless a name says otherwise. What is refused is \
                            answered with a problem (RFC 9457) that says why, and what to do.",
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": gathered.all,
            "responses": {
                "Problem": {
                    "description": "It was refused, or did not work: why, and what to do.",
                    "content": { PROBLEM: { "schema": problem } },
                },
            },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "`bwt_...`" },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "bootwright",
                    "description": "The cookie of a login (`__Host-bootwright` over TLS). What changes \
                                    something also shows X-CSRF-Token, which GET /api/v1/session gives.",
                },
            },
        },
    })
}

/// `get_machines_machine_log`: the name of a route in programs that are made from the document.
pub fn operation_id(route: &Route) -> String {
    let path = route.path.strip_prefix("/api/v1").unwrap_or(route.path);
    let parts = path.split('/').filter(|part| !part.is_empty());
    let parts = parts.map(|part| part.trim_matches(['{', '}']).replace(['-', '.'], "_"));
    let short = route.path.starts_with("/api/v1");
    let whence = if short { None } else { Some("root".to_owned()) };
    let words = [route.method.as_str().to_ascii_lowercase()].into_iter().chain(whence).chain(parts);
    words.collect::<Vec<_>>().join("_")
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let Shape { query, body, header, gives } = route.shape;
    let tag = route.path.strip_prefix("/api/v1/").and_then(|rest| rest.split('/').next());
    let mut parameters: Vec<Value> = in_path(route.path).collect();
    if let Some((name, says)) = header {
        let schema = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
        parameters.push(json!({
            "name": name, "in": "header", "required": true, "description": says, "schema": schema,
        }));
    }
    if let Some(query) = query {
        parameters.extend(in_query(&schemas.taken(query)));
    }
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [tag.unwrap_or("server")],
        "summary": route.says,
        "x-policy": policy(route.policy),
        "security": match route.policy {
            Policy::Public => json!([]),
            Policy::Needs(..) => json!([{ "token": [] }, { "session": [] }]),
        },
        "parameters": parameters,
        "responses": responses(gives, schemas),
    });
    if tags::is_tagged(route.path) {
        tagged(route, &mut operation);
    }
    if route.is_repeatable() {
        let says = "The same request under the same key is done once within a day, and gets the first \
                    answer again, without secrets; another request under it gets 422.";
        let key = json!({
            "name": "Idempotency-Key", "in": "header", "required": false, "description": says,
            "schema": { "type": "string", "minLength": 1, "maxLength": KEY_MAX },
        });
        if let Some(all) = operation["parameters"].as_array_mut() {
            all.push(key);
        }
    }
    if let Some(Content { media, schema }) = body {
        let content = match schema {
            Some(make) => json!({ media: { "schema": schemas.taken(make) } }),
            None => json!({ media: {} }),
        };
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

/// What a route says that reads, or changes, something with an ETag.
fn tagged(route: &Route, operation: &mut Value) {
    if route.method == Method::GET {
        let says = "Changes with whatever operators set of it.";
        operation["responses"]["200"]["headers"] =
            json!({ "ETag": { "description": says, "schema": { "type": "string" } } });
        return;
    }
    let header = |name: &str, says: &str| {
        json!({
            "name": name, "in": "header", "required": false, "description": says,
            "schema": { "type": "string" },
        })
    };
    let says = "Changes it only if it still has this ETag, or is there at all (`*`); else 412.";
    let nowhere = "`*` changes it only if it is not there yet; else 412.";
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.extend([header("If-Match", says), header("If-None-Match", nowhere)]);
    }
}

/// Gives the names of schemas in what is taken as they stand in the document.
fn settle(operation: &mut Value, gathered: &Gathered) {
    if let Some(body) = operation.get_mut("requestBody") {
        gathered.settle(body);
    }
    gathered.settle(&mut operation["parameters"]);
}

/// Who may: `"public"`, or the role that it takes and what it is about.
fn policy(policy: Policy) -> Value {
    let Policy::Needs(role, on) = policy else { return json!("public") };
    let on = match on {
        On::Self_ => "self",
        On::Machine => "machine",
        On::Machines => "machines",
        On::Fleet => "fleet",
    };
    json!({ "role": role.to_string(), "on": on })
}

fn in_path(path: &str) -> impl Iterator<Item = Value> + '_ {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names.map(|name| {
        let says = match name {
            "machine" => "A name, MAC, UUID or serial",
            "lease" => "An address, or what names its machine",
            _ => "Its name",
        };
        json!({
            "name": name, "in": "path", "required": true, "description": says,
            "schema": { "type": "string", "minLength": 1 },
        })
    })
}

/// Each property of the query is a parameter. One that is not there is not written as `null`.
fn in_query(schema: &Value) -> Vec<Value> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        not_null(&mut schema);
        let says = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({
            "name": name, "in": "query",
            "required": required.iter().any(|required| required == name.as_str()),
            "schema": schema,
        });
        if let Some(says) = says {
            parameter["description"] = says;
        }
        parameter
    };
    properties.into_iter().map(parameter).collect()
}

fn not_null(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
        any.retain(|kind| kind["type"] != "null");
        if let [Value::Object(one)] = any.as_slice() {
            let one = one.clone();
            schema.remove("anyOf");
            schema.extend(one);
        }
    }
}

fn responses(gives: Gives, schemas: &mut Schemas) -> Value {
    let mut responses = match gives {
        Gives::Nothing => json!({ "204": { "description": "It is done." } }),
        Gives::Drawn(content) => {
            let mut all = responses(Gives::Content(content), schemas);
            for media in ["image/svg+xml", "text/plain; charset=utf-8"] {
                all["200"]["content"][media] = json!({ "schema": { "type": "string" } });
            }
            all
        }
        Gives::Page => json!({
            "200": { "description": "A page.", "content": { "text/html": {} } },
            "303": { "description": "The way to another page." },
            "400": {
                "description": "The page again, with what was wrong in it.",
                "content": { "text/html": {}, PROBLEM: { "schema": problem() } },
            },
        }),
        Gives::Content(Content { media, schema }) => {
            let mut content = match schema {
                Some(make) => json!({ "schema": schemas.given(make) }),
                None => json!({}),
            };
            let says = match media {
                "application/x-ndjson" => "Lines as they come: a value of this schema in each.",
                "text/event-stream" => {
                    "Events as they come: a value of this schema in each `data`."
                }
                _ => "So it is.",
            };
            if media == "application/x-ndjson" || media == "text/event-stream" {
                // The schema is of one of them, not of the whole.
                content = json!({ "schema": { "type": "string" }, "x-each": content["schema"] });
            }
            json!({ "200": { "description": says, "content": { media: content } } })
        }
    };
    responses["default"] = json!({ "$ref": "#/components/responses/Problem" });
    responses
}

fn problem() -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", Problem::schema_name()) })
}
