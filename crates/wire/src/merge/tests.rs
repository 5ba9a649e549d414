//! Tables of one field each, at `/f` unless they say otherwise; whole documents are in `fixtures/merge/`.

use serde_json::{Value, json};

use super::*;

/// One line of a table: JSON with `'` for `"`, and `` for a field that is not there.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

fn json_of(text: &str) -> Option<Value> {
    let parse = |text: String| serde_json::from_str(&text).expect("JSON in a table");
    (!text.is_empty()).then(|| parse(text.replace('\'', "\"")))
}

fn document(name: &str, field: Option<&Value>) -> Value {
    field.map_or_else(|| json!({}), |field| json!({ name: field }))
}

/// Merges each line as the field `name` of a document and compares value and resolution (`` for no clash).
#[track_caller]
fn check(name: &str, strategies: &Strategies, table: &[Row]) {
    for (base, local, server, value, resolution) in table {
        let [base, local, server, value] = [base, local, server, value].map(|text| json_of(text));
        let [b, l, s] = [&base, &local, &server].map(|field| document(name, field.as_ref()));
        let merged = merge(Some(&b), Some(&l), Some(&s), strategies);
        let case = format!("base {base:?}, local {local:?}, server {server:?}");
        assert_eq!(merged.value, Some(document(name, value.as_ref())), "{case}");
        let clashes = if resolution.is_empty() {
            vec![]
        } else {
            let resolution = resolution.parse().map_or(Resolution::Open, Resolution::Auto);
            vec![Clash { path: format!("/{name}"), base, local, server, resolution }]
        };
        assert_eq!(merged.clashes, clashes, "{case}");
    }
}

fn strategy(name: &str) -> Strategies {
    Strategies::parse([("/f", name)]).expect("a strategy")
}

const MORNING: &str = "'2026-11-20T08:00:00Z'";
const NOON: &str = "'2026-11-20T12:00:00.000Z'";
const NOON_ELSEWHERE: &str = "'2026-11-20T14:00:00+02:00'";
const NIGHT: &str = "'2026-11-20T23:00:00Z'";

#[test]
fn k1_what_one_side_changed_is_taken_whatever_the_strategy() {
    #[rustfmt::skip]
    let table = [ // base, local, server, value, resolution
        ("1", "1", "1",   "1",   ""),
        ("1", "2", "1",   "2",   ""),
        ("1", "1", "2",   "2",   ""),
        ("1", "2", "2",   "2",   ""),
        ("1", "2", "2.0", "2.0", ""),
        ("1", "1.0", "1", "1",   ""),
        ("",  "",  "",    "",    ""),
        ("",  "1", "",    "1",   ""),
        ("",  "",  "1",   "1",   ""),
        ("1", "",  "1",   "",    ""),
        ("1", "1", "",    "",    ""),
        ("1", "",  "",    "",    ""),
        ("1", "null", "1", "null", ""),
        ("null", "", "null", "", ""),
    ];
    check("f", &Strategies::default(), &table);
    for each in Strategy::ALL {
        check("f", &strategy(each.as_str()), &table);
    }
}

#[test]
fn k1_the_usual_strategy_follows_the_values() {
    #[rustfmt::skip]
    let table = [ // base, local, server, value, resolution
        (MORNING, NIGHT, NOON,               NIGHT,           "later"),
        (NIGHT,   MORNING, NOON,             NOON,            "later"),
        (MORNING, NOON, NOON_ELSEWHERE,      NOON_ELSEWHERE,  "later"),
        ("",      NIGHT, NOON,               NIGHT,           "later"),
        (MORNING, NIGHT, "'soon'",           "'soon'",        "open"),
        (MORNING, NIGHT, "",                 "",              "open"),
        ("[]",    "[1]", "[2]",              "[2,1]",         "union"),
        ("1",     "[1]", "[2]",              "[2,1]",         "union"),
        ("[]",    "[1]", "{'a':1}",          "{'a':1}",       "open"),
        ("{}",    "{'a':1}", "{'b':2}",      "{'a':1,'b':2}", ""),
        ("7",     "{'a':1}", "{'b':2}",      "{'a':1,'b':2}", ""),
        ("1",     "2", "3",                  "3",             "open"),
        ("1",     "2", "null",               "null",          "open"),
        ("1",     "null", "2",               "2",             "open"),
        ("",      "1", "2",                  "2",             "open"),
        ("1",     "2", "",                   "",              "open"),
        ("1",     "", "2",                   "2",             "open"),
        ("true",  "'a'", "0",                "0",             "open"),
    ];
    check("f", &Strategies::default(), &table);
}

#[test]
fn k1_a_status_takes_the_newest_that_is_not_null() {
    #[rustfmt::skip]
    let table = [ // base, local, server, value, resolution
        ("'a'", "'b'", "'c'",      "'b'",   "newest"),
        ("'a'", "'b'", "null",     "'b'",   "newest"),
        ("'a'", "null", "'c'",     "'c'",   "newest"),
        ("'a'", "", "'c'",         "'c'",   "newest"),
        ("'a'", "'b'", "",         "'b'",   "newest"),
        ("'a'", "null", "",        "",      "newest"),
        ("1",   "{'a':1}", "2",    "{'a':1}", "newest"),
        ("[]",  "[1]", "[2]",      "[2,1]", "union"),
        (NOON,  MORNING, NIGHT,    NIGHT,   "later"),
    ];
    check("status", &Strategies::default(), &table);
    check("Status", &Strategies::default(), &[("'a'", "'b'", "'c'", "'c'", "open")]);
}

#[test]
fn k1_a_strategy_of_the_collection_decides() {
    #[rustfmt::skip]
    let table = [ // strategy, base, local, server, value, resolution
        ("server",  ("1",  "2",       "3",       "3",         "server")),
        ("server",  ("1",  "2",       "",        "",          "server")),
        ("server",  ("[]", "[1]",     "[2]",     "[2]",       "server")),
        ("local",   ("1",  "2",       "3",       "2",         "local")),
        ("local",   ("1",  "null",    "3",       "null",      "local")),
        ("local",   ("1",  "",        "3",       "",          "local")),
        ("local",   ("{}", "{'a':1}", "{'b':1}", "{'a':1}",   "local")),
        ("newest",  ("1",  "2",       "3",       "2",         "newest")),
        ("newest",  ("1",  "null",    "3",       "3",         "newest")),
        ("newest",  ("1",  "",        "3",       "3",         "newest")),
        ("newest",  (NOON, MORNING,   NIGHT,     MORNING,     "newest")),
        ("later",   (NOON, MORNING,   NIGHT,     NIGHT,       "later")),
        ("later",   (NOON, "'soon'",  NIGHT,     NIGHT,       "open")),
        ("later",   ("1",  "2",       "3",       "3",         "open")),
        ("later",   (NOON, "",        NIGHT,     NIGHT,       "open")),
        ("union",   ("[]", "[1]",     "[2]",     "[2,1]",     "union")),
        ("union",   ("[]", "[1]",     "2",       "2",         "open")),
        ("union",   ("{}", "{'a':1}", "{'b':1}", "{'b':1}",   "open")),
        ("recurse", ("1",  "2",       "3",       "3",         "open")),
        ("recurse", ("{}", "{'a':1}", "{'b':1}", "{'a':1,'b':1}", "")),
        ("manual",  ("1",  "2",       "3",       "3",         "open")),
        ("manual",  (NOON, MORNING,   NIGHT,     NIGHT,       "open")),
        ("manual",  ("[]", "[1]",     "[2]",     "[2]",       "open")),
        ("manual",  ("{}", "{'a':1}", "{'b':1}", "{'b':1}",   "open")),
    ];
    for (name, row) in table {
        check("f", &strategy(name), &[row]);
    }
}

#[test]
fn k2_a_deleted_document_that_was_edited_is_an_open_clash_of_the_whole() {
    let [old, new] = [json!({ "a": 1 }), json!({ "a": 2 })];
    #[rustfmt::skip]
    let table = [ // base, local, server, value, clashes
        (Some(&old), None,       None,       None,       0),
        (Some(&old), None,       Some(&old), None,       0),
        (Some(&old), Some(&old), None,       None,       0),
        (Some(&old), Some(&new), None,       None,       1),
        (Some(&old), None,       Some(&new), Some(&new), 1),
        (None,       Some(&new), None,       Some(&new), 0),
        (None,       Some(&new), Some(&new), Some(&new), 0),
    ];
    for (base, local, server, value, clashes) in table {
        let merged = merge(base, local, server, &Strategies::default());
        assert_eq!(merged.value.as_ref(), value, "local {local:?}, server {server:?}");
        assert_eq!(merged.clashes.len(), clashes, "local {local:?}, server {server:?}");
        for clash in merged.clashes {
            assert_eq!((clash.path.as_str(), clash.resolution), ("", Resolution::Open));
            assert_eq!((clash.local.as_ref(), clash.server.as_ref()), (local, server));
        }
    }
}

#[test]
fn objects_deeper_than_a_document_may_be_are_one_value() {
    let nested = |leaf: Value| (0..100).fold(leaf, |inner, _| json!({ "a": inner }));
    let [base, local, server] = [json!({}), json!({ "l": 1 }), json!({ "s": 1 })].map(nested);
    let merged = merge(Some(&base), Some(&local), Some(&server), &Strategies::default());
    assert_eq!(merged.value, Some(server));
    assert_eq!(merged.clashes.len(), 1);
    assert_eq!(merged.clashes[0].path, "/a".repeat(DEPTH_MAX));
    assert_eq!(merged.clashes[0].resolution, Resolution::Open);
}
