//! A manifest as people write it, TOML with snake_case, made into the JSON with camelCase that the server takes.
//!
//! Only what the contract names is renamed. Names that people chose (collections), pointers, and JSON Schemas stay as
//! they are: `due_date` in a schema is a field of somebody's documents.

use std::path::Path;

use onair_wire::json;
use serde_json::{Map, Value};
use toml::Value as Toml;

/// Reads a manifest: TOML where the file's name ends so, JSON else.
///
/// # Errors
/// What is wrong, with line and column.
pub(crate) fn read(path: &Path, text: &[u8]) -> anyhow::Result<Value> {
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    match is_toml {
        true => from_toml(str::from_utf8(text)?),
        false => Ok(json::parse(text)?),
    }
}

fn from_toml(text: &str) -> anyhow::Result<Value> {
    let table: toml::Table = text.parse()?;
    let manifest = members(table, |key, value| match key {
        "collections" => collections(value),
        _ => renamed(value),
    })?;
    Ok(Value::Object(manifest))
}

fn collections(value: Toml) -> anyhow::Result<Value> {
    // The names of collections are people's own.
    each(value, |rules| match rules {
        Toml::Table(rules) => {
            let rules = members(rules, |key, value| match key {
                "schema" | "merge" => kept(value),
                _ => renamed(value),
            })?;
            Ok(Value::Object(rules))
        }
        other => kept(other),
    })
}

/// The members of a table under the contract's names.
fn members(
    table: toml::Table,
    inner: impl Fn(&str, Toml) -> anyhow::Result<Value>,
) -> anyhow::Result<Map<String, Value>> {
    table.into_iter().map(|(key, value)| Ok((camel(&key), inner(&key, value)?))).collect()
}

/// A value, its tables all the way down under the contract's names.
fn renamed(value: Toml) -> anyhow::Result<Value> {
    match value {
        Toml::Table(table) => Ok(Value::Object(members(table, |_, value| renamed(value))?)),
        Toml::Array(items) => items.into_iter().map(renamed).collect(),
        plain => kept(plain),
    }
}

/// A value as it is.
fn kept(value: Toml) -> anyhow::Result<Value> {
    Ok(match value {
        Toml::String(text) => text.into(),
        Toml::Integer(number) => number.into(),
        Toml::Float(number) if number.is_finite() => number.into(),
        Toml::Float(number) => anyhow::bail!("{number} is a number that JSON does not have"),
        Toml::Boolean(truth) => truth.into(),
        Toml::Datetime(time) => time.to_string().into(),
        Toml::Array(items) => items.into_iter().map(kept).collect::<Result<_, _>>()?,
        table @ Toml::Table(_) => each(table, kept)?,
    })
}

/// A table with its keys as they are.
fn each(value: Toml, inner: impl Fn(Toml) -> anyhow::Result<Value>) -> anyhow::Result<Value> {
    match value {
        Toml::Table(table) => {
            let members = table.into_iter().map(|(key, value)| Ok((key, inner(value)?)));
            Ok(Value::Object(members.collect::<anyhow::Result<_>>()?))
        }
        other => kept(other),
    }
}

/// `startup_timeout` becomes `startupTimeout`.
pub(crate) fn camel(key: &str) -> String {
    let mut parts = key.split('_');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut chars = part.chars();
        name.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(chars.as_str());
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MANIFEST: &str = r#"
        start = ["host"]

        [[services]]
        name = "host_camera"
        adapter = { type = "http", url = "https://x", retry_after = 2 }
        required = false

        [[requires]]
        collection = "my_feed"
        at_least = 1

        [settings]
        startup_timeout = 20_000
        backoff_multiplier = 1.5

        [collections.my_feed]
        merge = { "/due_date" = "newest" }
        keep = { versions = 5 }
        [collections.my_feed.schema]
        type = "object"
        [collections.my_feed.schema.properties.due_date]
        type = "string"
        const = 2026-11-20
    "#;

    #[test]
    fn keys_of_the_contract_are_renamed_and_names_of_people_are_not() {
        let manifest = read(Path::new("show.toml"), MANIFEST.as_bytes()).unwrap();
        let expected = json!({
            "start": ["host"],
            "services": [{ "name": "host_camera", "required": false,
                "adapter": { "type": "http", "url": "https://x", "retryAfter": 2 } }],
            "requires": [{ "collection": "my_feed", "atLeast": 1 }],
            "settings": { "startupTimeout": 20_000, "backoffMultiplier": 1.5 },
            "collections": { "my_feed": { "merge": { "/due_date": "newest" }, "keep": { "versions": 5 },
                "schema": { "type": "object",
                    "properties": { "due_date": { "type": "string", "const": "2026-11-20" } } } } },
        });
        assert_eq!(manifest, expected);
    }

    #[test]
    fn a_manifest_in_json_is_taken_as_it_is() {
        let text = br#"{"settings":{"startupTimeout":1}}"#;
        assert_eq!(
            read(Path::new("show.json"), text).unwrap(),
            json!({ "settings": { "startupTimeout": 1 } })
        );
    }

    #[test]
    fn b29_what_does_not_read_is_named() {
        for (name, text) in
            [("a.toml", "a = "), ("a.toml", "[settings]\nx = nan"), ("a.json", "{"), ("a", "a = 1")]
        {
            assert!(read(Path::new(name), text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn names_in_camel_case() {
        for (snake, expected) in
            [("a", "a"), ("at_least", "atLeast"), ("a_b_c", "aBC"), ("already", "already")]
        {
            assert_eq!(camel(snake), expected);
        }
    }
}
