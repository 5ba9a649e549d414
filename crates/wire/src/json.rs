//! Strict JSON: what comes from outside is read once, with every mistake named by its place.
//!
//! `serde_json` alone keeps the last of two equal keys, rounds integers that no other reader keeps, and follows
//! nesting for as long as its stack lasts. A state authority can do none of that: two clients would see two
//! truths. So all outside JSON goes through [`parse`], and typed bodies through [`from_value`] behind it.

mod named;

use std::fmt;

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::INTEGER_MAX;
use named::Named;

/// How deep arrays and objects may be nested: no document needs more, and every reader's stack bears it.
pub const DEPTH_MAX: usize = 64;

/// Why a text was not accepted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JsonError {
    /// It is not JSON at all.
    #[error("{detail} at line {line} column {column}")]
    Syntax {
        /// What the parser says.
        detail: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
    },
    /// It is JSON, but says something that cannot be kept exactly, or not what was asked for.
    #[error("{detail}")]
    Invalid {
        /// Where, as a JSON pointer (RFC 6901).
        pointer: String,
        /// What is wrong.
        detail: String,
    },
}

/// Reads one JSON value and nothing behind it.
///
/// Refused, with the place: nesting over [`DEPTH_MAX`], two equal keys in an object, integers beyond ±(2^53 − 1),
/// numbers out of range. `-0` is read as `0`.
///
/// # Errors
/// [`JsonError::Syntax`] for what is not JSON (lone surrogates and bad UTF-8 included), [`JsonError::Invalid`] else.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let mut place = Place::default();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { place: &mut place, depth: 0 }
        .deserialize(&mut reader)
        .map_err(|error| place.explain(&error))?;
    reader.end().map_err(|error| place.explain(&error))?;
    Ok(value)
}

/// Makes a typed body of a value; the place of the first mistake is named.
///
/// # Errors
/// [`JsonError::Invalid`].
pub fn from_value<T: for<'de> Deserialize<'de>>(value: Value) -> Result<T, JsonError> {
    serde_path_to_error::deserialize(Named(value)).map_err(|error| JsonError::Invalid {
        pointer: pointer_of(error.path()),
        detail: error.inner().to_string(),
    })
}

/// [`from_value`] without the place of a mistake, at half the cost: for what is mostly well formed, and can be read again
/// where it is not.
pub(crate) fn from_value_in_haste<T: for<'de> Deserialize<'de>>(value: Value) -> Option<T> {
    T::deserialize(Named(value)).ok()
}

/// [`parse`], then [`from_value`].
///
/// # Errors
/// As both.
pub fn parse_as<T: for<'de> Deserialize<'de>>(text: &[u8]) -> Result<T, JsonError> {
    from_value(parse(text)?)
}

/// Escapes one key for a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut pointer, segment| {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
        pointer
    })
}

/// What the reader refused, and where.
#[derive(Default)]
struct Place {
    /// From the inside out: it is noted on the way back, so that a text without a mistake pays nothing for it.
    path: Vec<Step>,
    refused: Option<String>,
}

enum Step {
    Key(String),
    Index(usize),
}

impl Place {
    fn refuse<E: de::Error>(&mut self, detail: String) -> E {
        self.refused = Some(detail);
        E::custom("refused")
    }

    /// Notes the way to a mistake.
    fn on_the_way<T, E>(&mut self, step: impl FnOnce() -> Step, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.path.push(step());
        }
        result
    }

    fn pointer(&self) -> String {
        self.path.iter().rev().fold(String::new(), |mut pointer, step| {
            match step {
                Step::Key(key) => pointer.push_str(&format!("/{}", escape(key))),
                Step::Index(index) => pointer.push_str(&format!("/{index}")),
            }
            pointer
        })
    }

    fn explain(&mut self, error: &serde_json::Error) -> JsonError {
        if let Some(detail) = self.refused.take() {
            return JsonError::Invalid { pointer: self.pointer(), detail };
        }
        let text = error.to_string();
        if text.starts_with("number out of range") {
            return JsonError::Invalid {
                pointer: self.pointer(),
                detail: "the number is out of range".into(),
            };
        }
        let detail = text.split(" at line ").next().unwrap_or_default().to_owned();
        JsonError::Syntax { detail, line: error.line(), column: error.column() }
    }
}

struct Strict<'a> {
    place: &'a mut Place,
    depth: usize,
}

impl<'a> Strict<'a> {
    fn within(&mut self) -> Strict<'_> {
        Strict { place: self.place, depth: self.depth + 1 }
    }

    fn descend<E: de::Error>(&mut self) -> Result<(), E> {
        if self.depth >= DEPTH_MAX {
            return Err(self.place.refuse(format!("nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    fn integer<E: de::Error>(&mut self, magnitude: u64, value: Value) -> Result<Value, E> {
        if magnitude > INTEGER_MAX {
            return Err(self
                .place
                .refuse(format!("the integer {value} is beyond 2^53 - 1 and would be rounded")));
        }
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: de::Error>(mut self, value: u64) -> Result<Value, E> {
        self.integer(value, value.into())
    }

    fn visit_i64<E: de::Error>(mut self, value: i64) -> Result<Value, E> {
        self.integer(value.unsigned_abs(), value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        if value == 0.0 {
            return Ok(0.into());
        }
        // A whole number written as `1e2` or `1.0` is the same number as `100` or `1` to every other reader.
        #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact")]
        if value.fract() == 0.0 && value.abs() <= INTEGER_MAX as f64 {
            #[expect(clippy::cast_possible_truncation, reason = "within 2^53")]
            return Ok((value as i64).into());
        }
        Ok(Value::from(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        self.descend()?;
        let mut array = Vec::new();
        loop {
            let item = items.next_element_seed(self.within());
            match self.place.on_the_way(|| Step::Index(array.len()), item)? {
                Some(item) => array.push(item),
                None => return Ok(Value::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        self.descend()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = if object.contains_key(&key) {
                Err(self.place.refuse(format!("the key {key:?} stands twice in one object")))
            } else {
                entries.next_value_seed(self.within())
            };
            let value = self.place.on_the_way(|| Step::Key(key.clone()), value)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

/// Keeps a field that is present though its value is `null`: `Some(Value::Null)`, not `None`.
///
/// # Errors
/// The deserializer's.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn invalid(text: &str) -> (String, String) {
        match parse(text.as_bytes()) {
            Err(JsonError::Invalid { pointer, detail }) => (pointer, detail),
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn b1_what_is_not_json_is_named_with_line_and_column() {
        let bad: [&[u8]; 9] = [
            b"",
            b"{",
            b"{\"a\":}",
            b"[1,]",
            b"nul",
            b"{} {}",
            b"\"\\ud800\"",
            b"\"\xff\"",
            b"\xef\xbb\xbf{}",
        ];
        for text in bad {
            let error = parse(text).expect_err("not JSON");
            assert!(matches!(error, JsonError::Syntax { line: 1, .. }), "{text:?} gave {error:?}");
        }
    }

    #[test]
    fn b2_nesting_has_an_end() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(deep(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(invalid(&deep(DEPTH_MAX + 1)).1, "nested deeper than 64 levels");
        assert_eq!(invalid(&"[".repeat(100_000)).0.len(), 2 * DEPTH_MAX);
    }

    #[test]
    fn b3_a_key_that_stands_twice_is_refused() {
        let (pointer, detail) = invalid(r#"{"a":[{"if/R":1,"if/R":2}]}"#);
        assert_eq!(
            (pointer.as_str(), detail.as_str()),
            ("/a/0/if~1R", "the key \"if/R\" stands twice in one object")
        );
    }

    #[test]
    fn b4_numbers_are_kept_exactly_or_refused() {
        assert_eq!(invalid(r#"{"n":9007199254740992}"#).0, "/n");
        assert_eq!(invalid("[0,-9007199254740992]").0, "/1");
        assert_eq!(invalid("[1e400]"), ("/0".into(), "the number is out of range".into()));
        let kept =
            parse(b"[-0, -0.0, 0.0, 9007199254740991, -9007199254740991, 1.5, 1.0, 1e2]").expect("numbers");
        assert_eq!(
            kept,
            json!([0, 0, 0, 9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64, 1.5, 1, 100])
        );
    }

    #[test]
    fn b10_keys_with_a_meaning_elsewhere_are_plain_data() {
        let text = r#"{"__proto__":{"a":1},"constructor":2,"toString":null}"#;
        assert_eq!(parse(text.as_bytes()).expect("plain").to_string().len(), text.len());
    }

    #[test]
    fn a_typed_body_names_the_place() {
        #[derive(Debug, Deserialize)]
        struct Body {
            #[expect(dead_code, reason = "only read by the derive")]
            items: Vec<u32>,
        }
        let error = parse_as::<Body>(br#"{"items":[1,"2"]}"#).expect_err("a string");
        assert!(matches!(&error, JsonError::Invalid { pointer, .. } if pointer == "/items/1"), "{error:?}");
    }
}
