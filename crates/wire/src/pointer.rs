//! JSON pointers (RFC 6901): how a strategy, a clash and a conflict name a field.
//!
//! A `~` must always be written `~0` and a `/` within a name `~1`, so a field has exactly one spelling and
//! two pointers are the same place when they are the same text. That is why they stay plain strings here.

use std::borrow::Cow;

use crate::json::escape;
use serde_json::{Map, Value};
use thiserror::Error;

/// How much of a pointer an error repeats, in characters.
const SHOWN_MAX: usize = 128;

/// Why a pointer is none, or leads nowhere in this document.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PointerError {
    /// Neither empty nor beginning with `/`.
    #[error("a JSON pointer is empty or begins with `/`, not {0:?}")]
    Start(String),
    /// A `~` that is neither `~0` nor `~1`.
    #[error("in a JSON pointer `~` is followed by 0 or 1, not so in {0:?}")]
    Escape(String),
    /// Something on the way is neither an object nor an array with such an element.
    #[error("{0:?} leads through something that has no such member")]
    Blocked(String),
    /// The whole document cannot be taken out of itself; delete it instead.
    #[error("the empty pointer names the whole document, which is deleted, not removed from")]
    Whole,
}

fn shown(pointer: &str) -> String {
    pointer.chars().take(SHOWN_MAX).collect()
}

/// Whether `pointer` follows RFC 6901, section 3.
///
/// # Errors
/// [`PointerError::Start`] or [`PointerError::Escape`], with the pointer.
pub fn check(pointer: &str) -> Result<(), PointerError> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(PointerError::Start(shown(pointer)));
    }
    let escaped = |rest: &str| rest.starts_with(['0', '1']);
    if !pointer.split('~').skip(1).all(escaped) {
        return Err(PointerError::Escape(shown(pointer)));
    }
    Ok(())
}

/// The name that [`escape`] was given; `~1` first, so that `~01` is `~1` and not `/`.
#[must_use]
pub fn unescape(token: &str) -> Cow<'_, str> {
    if token.contains('~') { token.replace("~1", "/").replace("~0", "~").into() } else { token.into() }
}

/// Makes `pointer` name its member `name`.
pub fn push(pointer: &mut String, name: &str) {
    pointer.push('/');
    pointer.push_str(&escape(name));
}

/// What stands at `pointer`, if anything does and it is a pointer.
#[must_use]
pub fn get<'v>(document: &'v Value, pointer: &str) -> Option<&'v Value> {
    check(pointer).ok()?;
    document.pointer(pointer)
}

/// Makes `value` stand at `pointer`. Objects missing on the way are made; of an array only an element that
/// is there can be set.
///
/// # Errors
/// [`PointerError`]; the document is then as it was.
pub fn set(document: &mut Value, pointer: &str, value: Value) -> Result<(), PointerError> {
    let Some((parent, name)) = split(pointer)? else {
        *document = value;
        return Ok(());
    };
    let blocked = || PointerError::Blocked(shown(pointer));
    match document_at(document, parent).ok_or_else(blocked)? {
        Value::Object(members) => {
            members.insert(name.into_owned(), value);
        }
        Value::Array(elements) => {
            *index(&name).and_then(|i| elements.get_mut(i)).ok_or_else(blocked)? = value;
        }
        _ => return Err(blocked()),
    }
    Ok(())
}

/// Takes the member at `pointer` out of its object and returns it; `None` when there is none.
///
/// # Errors
/// [`PointerError::Whole`] for the empty pointer, [`PointerError::Blocked`] for an element of an array, whose
/// removal would rename those behind it, and what [`check`] finds.
pub fn remove(document: &mut Value, pointer: &str) -> Result<Option<Value>, PointerError> {
    let (parent, name) = split(pointer)?.ok_or(PointerError::Whole)?;
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => Ok(members.remove(name.as_ref())),
        Some(Value::Array(_)) => Err(PointerError::Blocked(shown(pointer))),
        _ => Ok(None),
    }
}

/// The pointer of the parent and the name of the member; `None` for the whole document.
fn split(pointer: &str) -> Result<Option<(&str, Cow<'_, str>)>, PointerError> {
    check(pointer)?;
    Ok(pointer.rsplit_once('/').map(|(parent, token)| (parent, unescape(token))))
}

/// What stands at `pointer`, with objects made where nothing stands; `None` when something is in the way,
/// and then nothing was made, because the first missing member is the last that can be in the way.
fn document_at<'v>(mut at: &'v mut Value, pointer: &str) -> Option<&'v mut Value> {
    for token in pointer.split('/').skip(1) {
        let name = unescape(token);
        at = match at {
            Value::Object(members) => members.entry(name).or_insert_with(|| Map::new().into()),
            Value::Array(elements) => index(&name).and_then(|i| elements.get_mut(i))?,
            _ => return None,
        };
    }
    Some(at)
}

/// An array index as RFC 6901 writes it: decimal, without sign or leading zero.
fn index(name: &str) -> Option<usize> {
    let plain = name == "0" || (!name.starts_with('0') && name.bytes().all(|b| b.is_ascii_digit()));
    if plain { name.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The document of RFC 6901, section 5.
    fn rfc() -> Value {
        json!({ "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6,
                " ": 7, "m~n": 8 })
    }

    #[test]
    fn the_examples_of_the_rfc() {
        let table = [
            ("/foo", json!(["bar", "baz"])),
            ("/foo/0", json!("bar")),
            ("/", json!(0)),
            ("/a~1b", json!(1)),
            ("/c%d", json!(2)),
            ("/e^f", json!(3)),
            ("/g|h", json!(4)),
            ("/i\\j", json!(5)),
            ("/k\"l", json!(6)),
            ("/ ", json!(7)),
            ("/m~0n", json!(8)),
        ];
        for (pointer, value) in table {
            assert_eq!(check(pointer), Ok(()));
            assert_eq!(get(&rfc(), pointer), Some(&value), "{pointer}");
        }
        assert_eq!(get(&rfc(), ""), Some(&rfc()));
        assert_eq!(get(&rfc(), "/foo/2"), None);
        assert_eq!(get(&rfc(), "/foo/00"), None);
        assert_eq!(get(&json!({ "a~2": 1 }), "/a~2"), None);
    }

    #[test]
    fn texts_that_are_no_pointer_are_named() {
        for (text, message) in [
            ("a", "a JSON pointer is empty or begins with `/`, not \"a\""),
            ("#/a", "a JSON pointer is empty or begins with `/`, not \"#/a\""),
            ("/a~", "in a JSON pointer `~` is followed by 0 or 1, not so in \"/a~\""),
            ("/~2", "in a JSON pointer `~` is followed by 0 or 1, not so in \"/~2\""),
            ("/~~0", "in a JSON pointer `~` is followed by 0 or 1, not so in \"/~~0\""),
        ] {
            assert_eq!(check(text).expect_err("no pointer").to_string(), message);
            let mut document = rfc();
            assert!(set(&mut document, text, json!(1)).is_err());
            assert!(remove(&mut document, text).is_err());
            assert_eq!(document, rfc());
        }
    }

    #[test]
    fn a_name_comes_back_from_its_escape() {
        for (name, token) in
            [("", ""), ("a", "a"), ("~1", "~01"), ("/", "~1"), ("~/~", "~0~1~0"), ("ü/", "ü~1")]
        {
            assert_eq!(escape(name), token);
            assert_eq!(unescape(token), name);
        }
    }

    #[test]
    fn set_makes_what_is_missing_and_stops_at_what_is_in_the_way() {
        let blocked = |pointer: &str| Err(PointerError::Blocked(pointer.into()));
        #[rustfmt::skip]
        let table = [ // document, pointer, after
            (json!({}),                 "",       Ok(json!(1))),
            (json!({}),                 "/a",     Ok(json!({ "a": 1 }))),
            (json!({ "a": 0 }),         "/a",     Ok(json!({ "a": 1 }))),
            (json!({ "b": 0 }),         "/a/b/c", Ok(json!({ "a": { "b": { "c": 1 } }, "b": 0 }))),
            (json!({}),                 "/a~1b/", Ok(json!({ "a/b": { "": 1 } }))),
            (json!({ "a": [0, 0] }),    "/a/1",   Ok(json!({ "a": [0, 1] }))),
            (json!({ "a": [{}] }),      "/a/0/b", Ok(json!({ "a": [{ "b": 1 }] }))),
            (json!({ "a": [0] }),       "/a/1",   blocked("/a/1")),
            (json!({ "a": [0] }),       "/a/00",  blocked("/a/00")),
            (json!({ "a": [0] }),       "/a/-",   blocked("/a/-")),
            (json!({ "a": [0] }),       "/a/+0",  blocked("/a/+0")),
            (json!({ "a": 0 }),         "/a/b",   blocked("/a/b")),
            (json!({ "a": null }),      "/a/b/c", blocked("/a/b/c")),
        ];
        for (before, pointer, after) in table {
            let mut document = before.clone();
            let done = set(&mut document, pointer, json!(1));
            assert_eq!(done.map(|()| document.clone()), after, "{pointer} of {before}");
            assert!(after.is_ok() || document == before, "{pointer} of {before} left {document}");
        }
    }

    #[test]
    fn remove_takes_members_only() {
        #[rustfmt::skip]
        let table = [ // document, pointer, taken, after
            (json!({ "a": 1, "b": 2 }),   "/a",   Ok(Some(json!(1))), json!({ "b": 2 })),
            (json!({ "a": { "b": 2 } }),  "/a/b", Ok(Some(json!(2))), json!({ "a": {} })),
            (json!({ "a~": 1 }),          "/a~0", Ok(Some(json!(1))), json!({})),
            (json!({ "a": 1 }),           "/b/c", Ok(None),           json!({ "a": 1 })),
            (json!({ "a": 1 }),           "/a/c", Ok(None),           json!({ "a": 1 })),
            (json!({ "a": [1] }),         "/a/0", Err(PointerError::Blocked("/a/0".into())), json!({ "a": [1] })),
            (json!({ "a": 1 }),           "",     Err(PointerError::Whole), json!({ "a": 1 })),
        ];
        for (mut document, pointer, taken, after) in table {
            assert_eq!(remove(&mut document, pointer), taken, "{pointer}");
            assert_eq!(document, after, "{pointer}");
        }
    }
}
