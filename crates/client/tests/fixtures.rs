//! Golden files that every client reads: what is shown with edits on top, and what becomes of a queue.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::PathBuf, sync::Arc};

use onair_client::{Edit, Moved, Pending, Problem, Queue};
use onair_wire::{Epoch, MutationId, Receipt, Revision, merge::Strategies};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Every case of a folder, with its name.
fn cases(folder: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let fixture: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let cases = fixture["cases"].as_array().unwrap().clone();
        let name = |case: &Value| format!("{}: {}", fixture["name"], case["name"]);
        cases.into_iter().map(|case| (name(&case), case)).collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(read).collect()
}

fn read<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

#[test]
fn y3_what_is_shown_is_what_is_confirmed_with_the_edits_on_top() {
    for (name, case) in cases("rebase") {
        let strategies: Strategies = case.get("strategies").map(read).unwrap_or_default();
        let edits = case["edits"].as_array().unwrap().iter().map(|edit| {
            let mut edit = edit.clone();
            // Which document it is does not matter here, and is left out.
            for name in ["collection", "document"] {
                edit.as_object_mut().unwrap().entry(name).or_insert_with(|| "x".into());
            }
            read::<Edit>(&edit)
        });
        let confirmed = case.get("confirmed").cloned().map(Arc::new);
        let shown = edits.fold(confirmed, |value, edit| edit.rebased(value.as_ref(), &strategies));
        assert_eq!(shown.as_deref(), case.get("shown"), "{name}");
    }
}

#[test]
fn y4_what_becomes_of_a_queue() {
    for (name, case) in cases("queue") {
        let mut queue = Queue::default();
        for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            let place = format!("{name}, step {number}");
            let Moved { settled, .. } = take(&mut queue, step, &place);
            let told: Vec<String> = settled
                .into_iter()
                .map(|(id, result)| match result {
                    Ok(receipt) => format!("{id} {}", json!(receipt.outcome).as_str().unwrap()),
                    Err(problem) => format!("{id} {}", problem.code),
                })
                .collect();
            let expected: Vec<String> = step.get("settled").map(read).unwrap_or_default();
            assert_eq!(told, expected, "{place}");
            let waiting: Vec<Value> = queue.all().iter().map(left).collect();
            assert_eq!(json!(waiting), step["waiting"], "{place}");
        }
    }
}

fn take(queue: &mut Queue, step: &Value, place: &str) -> Moved {
    let id = step.get("id").map(read::<MutationId>);
    let known = || id.as_ref().expect("an id");
    match step["do"].as_str().unwrap() {
        "add" => queue.add(read::<Pending>(&step["pending"])),
        "next" => {
            let epoch: Epoch = read(&step["epoch"]);
            let says = queue.next(Some(&epoch)).says.into_iter().map(|(id, mutations)| {
                json!({ "type": "mutate", "id": id, "production": "main", "mutations": mutations })
            });
            assert_eq!(json!(says.collect::<Vec<_>>()), step["says"], "{place}");
            Moved::default()
        }
        "answered" => queue.answered(known(), &read::<Receipt>(&step["receipt"]), step["reached"] == true),
        "refused" => queue.refused(known(), &Problem::local(step["code"].as_str().unwrap(), "no")),
        "unanswered" => queue.unanswered(known()),
        "lost" => {
            queue.lost();
            Moved::default()
        }
        "reached" => {
            queue.reached(read::<Revision>(&step["revision"]));
            Moved::default()
        }
        "retry" => queue.retry(id.as_ref()),
        "clear" => queue.clear(id.as_ref()),
        other => panic!("{place}: {other}"),
    }
}

/// What is left of one that waits, as the files say it.
fn left(pending: &Pending) -> Value {
    let mut left = json!({ "id": pending.id });
    if pending.sent.is_none() {
        left["edits"] = json!(pending.edits);
    }
    if !pending.joined.is_empty() {
        left["joined"] = json!(pending.joined);
    }
    if let Some(until) = pending.until {
        left["until"] = json!(until);
    }
    if let Some(problem) = &pending.problem {
        left["problem"] = json!(problem.code);
    }
    left
}
