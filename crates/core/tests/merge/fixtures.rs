//! The golden files `fixtures/merge/*.json`, which clients in other languages read too.
//!
//! A side that is not there is a key that is not there, which is why the cases are read as plain JSON. Clashes
//! come in the order of the document, names by code point; `resolution` is `open` or the strategy that decided.
#![expect(clippy::disallowed_methods, reason = "the golden files are on disk")]

use std::{collections::BTreeSet, fs, path::Path};

use onair_core::merge::{Clash, Strategies, merge};
use onair_wire::json;
use serde_json::{Map, Value};

/// What a case may say; a misspelt key would otherwise be a side that is not there.
const KEYS: [&str; 7] = ["name", "base", "local", "server", "strategies", "value", "clashes"];

/// Fewer cases than this mean that a file was not found.
const CASES_MIN: usize = 60;

#[test]
fn k1_the_golden_files_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/merge");
    let files: BTreeSet<_> = fs::read_dir(&folder)
        .expect("the folder of fixtures")
        .map(|file| file.expect("a file").path())
        .collect();
    let cases: usize = files.iter().map(|file| check_topic(file)).sum();
    assert!(cases >= CASES_MIN, "only {cases} cases in {} files", files.len());
}

fn check_topic(file: &Path) -> usize {
    let text = fs::read(file).expect("a readable file");
    let topic: Value = serde_json::from_slice(&text).expect("JSON");
    json::parse(&text).expect("JSON that a client could send");
    assert_eq!(topic["name"].as_str(), file.file_stem().and_then(|stem| stem.to_str()), "{}", file.display());
    let cases = topic["cases"].as_array().expect("an array of cases");
    let names: BTreeSet<_> =
        cases.iter().map(|case| case["name"].as_str().expect("a case has a name")).collect();
    assert_eq!(names.len(), cases.len(), "two cases of {} have one name", topic["name"]);
    cases.iter().for_each(|case| check_case(&format!("{}: {}", topic["name"], case["name"]), case));
    cases.len()
}

fn check_case(name: &str, case: &Value) {
    let case = case.as_object().expect("a case is an object");
    assert!(case.keys().all(|key| KEYS.contains(&key.as_str())), "{name} has a key that means nothing");
    let strategies = case.get("strategies").cloned().unwrap_or_default();
    let strategies: Option<Strategies> = serde_json::from_value(strategies).expect("strategies");
    let [base, local, server] = ["base", "local", "server"].map(|side| case.get(side));
    let merged = merge(base, local, server, &strategies.unwrap_or_default());
    assert_eq!(merged.value.as_ref(), case.get("value"), "{name}");
    let clashes: Value = merged.clashes.into_iter().map(told).collect();
    assert_eq!(Some(&clashes), case.get("clashes"), "{name}");
}

/// A clash as a fixture says it.
fn told(clash: Clash) -> Value {
    let sides = [("base", clash.base), ("local", clash.local), ("server", clash.server)];
    let mut members: Map<String, Value> =
        sides.into_iter().filter_map(|(name, side)| Some((name.to_owned(), side?))).collect();
    members.insert("path".into(), clash.path.into());
    members.insert("resolution".into(), clash.resolution.to_string().into());
    members.into()
}
