//! JSON Schema of a collection: compiled once, asked for every document (row D2).
//!
//! Nothing is ever fetched: a `$ref` to another document is refused when the manifest is. Patterns run on an
//! engine that is linear in the text, so no schema makes a write slow.

use std::{fmt, sync::Arc};

use jsonschema::{PatternOptions, Validator};
use onair_wire::json::JsonError;
use serde_json::Value;

/// The largest schema, in bytes of JSON.
pub(crate) const SCHEMA_BYTES_MAX: usize = 256 * 1024;

/// A schema that compiled.
#[derive(Clone)]
pub struct Schema(Arc<Validator>);

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Schema")
    }
}

impl Schema {
    /// Compiles.
    ///
    /// # Errors
    /// Why it is no schema, or one that this server does not take.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let length = schema.to_string().len();
        if length > SCHEMA_BYTES_MAX {
            return Err(format!("the schema has {length} bytes, the limit is {SCHEMA_BYTES_MAX}"));
        }
        jsonschema::options()
            .with_pattern_options(PatternOptions::regex())
            .offline()
            .build(schema)
            .map(|validator| Self(Arc::new(validator)))
            .map_err(|error| format!("not a schema this server takes: {error}"))
    }

    /// Checks a document.
    ///
    /// # Errors
    /// The first place that breaks the schema.
    pub fn check(&self, value: &Value) -> Result<(), JsonError> {
        self.0.validate(value).map_err(|error| JsonError::Invalid {
            pointer: error.instance_path().to_string(),
            detail: shortened(&error.to_string()),
        })
    }
}

/// Schema errors quote the instance; a quote of a large one helps nobody.
fn shortened(text: &str) -> String {
    const QUOTE_MAX: usize = 300;
    match text.char_indices().nth(QUOTE_MAX) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn d2_a_document_that_breaks_its_schema_is_named_by_place() {
        let schema = Schema::new(&json!({"type": "object", "properties": {"n": {"type": "integer"}}}))
            .expect("a schema");
        assert!(schema.check(&json!({"n": 1})).is_ok());
        let error = schema.check(&json!({"n": "1"})).expect_err("a string");
        assert!(matches!(&error, JsonError::Invalid { pointer, .. } if pointer == "/n"), "{error:?}");
    }

    #[test]
    fn b14_schemas_that_would_fetch_or_are_none_are_refused() {
        let table = [json!({"$ref": "https://example.com/schema.json"}), json!({"type": "strin"}), json!(3)];
        for schema in table {
            assert!(Schema::new(&schema).is_err(), "{schema} was taken");
        }
    }

    #[test]
    fn b14_recursion_and_evil_patterns_are_harmless() {
        let recursive = json!({"properties": {"next": {"$ref": "#"}, "p": {"pattern": "^(a+)+$"}}});
        let schema = Schema::new(&recursive).expect("recursion within is allowed");
        let text = format!("{}!", "a".repeat(50_000));
        assert!(schema.check(&json!({"next": {"next": {"p": text}}})).is_err());
    }
}
