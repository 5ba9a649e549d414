//! Those who write: documents put, patched, deleted, many at once, and edits that come late and conflict.

use std::{
    collections::BTreeMap,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    super::{chance::Chance, client::Client},
    stage::{Stage, number, path, production},
};

/// The production in which edits come late.
const CONTESTED: u64 = 0;
/// Mutations of one writer that wait for their answer.
const UNDER_WAY_MAX: usize = 16;
/// Documents of a collection.
const DOCUMENTS: u64 = 40;
/// How far behind a late edit is, in commits.
const LATE: u64 = 25;
/// A pace that was lost is not made up for beyond this.
const BEHIND_MAX: Duration = Duration::from_secs(1);

/// Writes to one production at a pace until the end, without waiting for each answer: the disk may be slow.
pub(super) fn run(stage: &Stage, which: u64, pace: Duration, seed: u64) -> Result<()> {
    let (mut chance, name) = (Chance::of(seed, &["writer", &which.to_string()]), production(which));
    let mut client = Client::connect(stage.site.api())?;
    let (mut next, mut sent, mut revision) = (Instant::now(), 0_u64, 0);
    let mut under_way: BTreeMap<String, &str> = BTreeMap::new();
    while !stage.is_over() {
        if Instant::now() >= next && under_way.len() < UNDER_WAY_MAX {
            next = (next + pace).max(Instant::now().checked_sub(BEHIND_MAX).unwrap_or(next));
            sent += 1;
            let id = format!("w{which}-{sent}");
            let (kind, mutations) = if which == CONTESTED && sent.is_multiple_of(2) {
                late(&mut chance, revision, sent)
            } else {
                wish(&mut chance, sent)
            };
            client.say(&json!({"type": "mutate", "id": id, "production": name, "mutations": mutations}))?;
            under_way.insert(id, kind);
        }
        let wait = next.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let Some(answer) = client.hear_within(wait)? else { continue };
        let Some(kind) = answer["id"].as_str().and_then(|id| under_way.remove(id)) else { continue };
        if answer["type"] == "problem" {
            // A patch or a removal of what is not there is refused; nothing else may be.
            let code = answer["code"].as_str().unwrap_or_default().to_owned();
            ensure!(["not-found", "gone"].contains(&code.as_str()), "{kind} was refused: {answer}");
            stage.count(&format!("refused as {code}"));
            continue;
        }
        revision = number(&answer, "revision");
        stage.written.fetch_add(1, Ordering::Relaxed);
        stage.count(kind);
    }
    Ok(())
}

/// What is wanted next, and what it is called.
fn wish(chance: &mut Chance, sent: u64) -> (&'static str, Value) {
    let collection = ["layers", "lower-thirds", "chat"][usize::try_from(chance.below(3)).unwrap_or_default()];
    let at = |chance: &mut Chance, edit: Value| {
        let mut wish = json!({"collection": collection, "document": format!("d{}", chance.below(DOCUMENTS))});
        for (name, value) in edit.as_object().into_iter().flatten() {
            wish[name] = value.clone();
        }
        wish
    };
    let value = |chance: &mut Chance| {
        let length = usize::try_from(1_000 + chance.below(9_000)).unwrap_or_default();
        json!({"n": sent, "visible": sent.is_multiple_of(2), "text": "x".repeat(length)})
    };
    match chance.below(100) {
        0..60 => {
            let value = value(chance);
            ("put", json!([at(chance, json!({"op": "put", "value": value}))]))
        }
        60..80 => {
            let patch = json!({"n": sent, "note": sent});
            ("patched", json!([at(chance, json!({"op": "patch", "patch": patch}))]))
        }
        80..85 => ("deleted", json!([at(chance, json!({"op": "delete"}))])),
        _ => {
            let puts = (0..5).map(|_| {
                let value = value(chance);
                at(chance, json!({"op": "put", "value": value}))
            });
            ("batches", puts.collect())
        }
    }
}

/// An edit of a small document by somebody who has not seen the last ones. A thousand conflicts are kept, with the values
/// in them: they are of one production and small, so that as many are there before anybody looks.
fn late(chance: &mut Chance, revision: u64, sent: u64) -> (&'static str, Value) {
    let document = format!("n{}", chance.below(5));
    let mut late = json!({"op": "put", "collection": "notes", "document": document, "value": {"n": sent}});
    let base = revision.saturating_sub(chance.below(LATE));
    if base > 0 {
        late["base"] = base.into();
    }
    ("late", json!([late]))
}

/// Chooses in the conflicts.
pub(super) fn resolve(stage: &Stage, seed: u64) -> Result<()> {
    let (mut chance, name) = (Chance::of(seed, &["resolver"]), production(CONTESTED));
    while !stage.is_over() {
        let (status, body) = stage.site.get(&path(&name, "/conflicts?status=open&limit=100"))?;
        ensure!(status == 200, "no conflicts: {status} {body}");
        let page: Value = serde_json::from_str(&body)?;
        for conflict in page["conflicts"].as_array().into_iter().flatten() {
            let id = conflict["id"].as_str().context("a conflict has an id")?;
            let choose = if chance.below(2) == 0 { "local" } else { "server" };
            let (status, body) = stage.site.post(
                &path(&name, &format!("/conflicts/{id}/resolve")),
                &json!({"choose": choose}).to_string(),
            )?;
            ensure!(status == 200, "a conflict was not resolved: {status} {body}");
            stage.count("conflicts resolved");
        }
        stage.rest(Duration::from_millis(500));
    }
    Ok(())
}
