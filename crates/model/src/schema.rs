//! What JSON says of types that serde writes as text.

/// Says that a type is written as text, and what the text looks like.
///
/// The pattern is no stricter than what is read: it is shown to people and to programs that make
/// requests, and nothing is judged by it here.
#[macro_export]
macro_rules! schema_text {
    ($of:ty, $name:literal, $says:literal, $pattern:expr) => {
        impl schemars::JsonSchema for $of {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": $says,
                    "pattern": $pattern,
                })
            }
        }
    };
}
