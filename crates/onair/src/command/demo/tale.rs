//! What a commit means for somebody who watches: lines to be told. Pure.

use onair_core::{
    Phase,
    lifecycle::{Reason, Transition},
    sequence::{Kind, Sequence, SequenceStatus, Step, StepStatus},
    service::Service,
};
use onair_wire::{Change, Commit, Op};
use serde_json::Value;

use super::{script, world::World};
use crate::command::{short, text};

/// How long the bar of the option with most votes is.
const BAR: u64 = 12;

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The phase moved to this one.
    Phase(Phase),
    /// Something was begun.
    Begun,
    /// Something was done.
    Done,
    /// Something went wrong.
    Wrong,
    /// Somebody says something.
    Says(String),
    /// Something on air changed.
    Air,
    /// Something that is only to be known.
    Note,
    /// What the demo does.
    Demo,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) mark: Mark,
    pub(super) text: String,
}

impl Line {
    pub(super) fn new(mark: Mark, text: impl Into<String>) -> Self {
        Self { mark, text: text.into() }
    }
}

/// What `commit` changes, from `before` to `after`.
pub(super) fn tell(before: &World, commit: &Commit, after: &World) -> Vec<Line> {
    let mut lines: Vec<Line> =
        commit.changes.iter().flat_map(|change| of(change, before, commit, after)).collect();
    // A phase comes behind the steps that lead to it.
    lines.sort_by_key(|line| std::matches!(line.mark, Mark::Phase(_)));
    lines
}

fn of(change: &Change, before: &World, commit: &Commit, after: &World) -> Vec<Line> {
    let (collection, id) = (change.collection.as_str(), change.id.as_str());
    match collection {
        "_transitions" => {
            after.read(collection, id).map(|moved| transition(&moved, after)).into_iter().collect()
        }
        "_sequences" => match after.sequence(id) {
            Some(now) => sequence(before.sequence(id).as_ref(), &now),
            None => Vec::new(),
        },
        "_services" => service(id, &before.service(id), &after.service(id)).into_iter().collect(),
        "_system" => system(id, before, commit, after),
        "_conflicts" => conflict(id, after).into_iter().collect(),
        _ if collection.starts_with('_') => Vec::new(),
        "chat" => said(id, after).into_iter().collect(),
        "interactions" if id == "quiz" => quiz(before, after).into_iter().collect(),
        // The line of figures has it.
        "interactions" if id == "audience" => Vec::new(),
        "feed" if id.starts_with("question-") => Vec::new(),
        "scenes" if is_cut(commit) => cut(id, after).into_iter().collect(),
        "layers" => layer(change, before, after).into_iter().collect(),
        _ => vec![other(change)],
    }
}

fn transition(moved: &Transition, after: &World) -> Line {
    let Transition { from, to, reason, .. } = moved;
    let why = match (to, reason) {
        (Phase::Error, _) => after.lifecycle().error.map(|trouble| trouble.message).unwrap_or_default(),
        (Phase::Live, _) => "on air!".to_owned(),
        (_, Reason::Recovery) => "onair recovers by itself".to_owned(),
        (_, Reason::SystemInit) => "onair goes on by itself to where a show rests".to_owned(),
        (_, Reason::Forced) => "emergency stop".to_owned(),
        _ => String::new(),
    };
    let why = if why.is_empty() { why } else { format!("   {why}") };
    Line::new(Mark::Phase(*to), format!("{} → {}{why}", from.as_str(), to.as_str()))
}

fn sequence(before: Option<&Sequence>, now: &Sequence) -> Vec<Line> {
    let mut lines = Vec::new();
    if before.is_none() {
        lines.extend(begun(now));
    }
    let known = |step: &Step| before.and_then(|it| it.steps.iter().find(|then| then.name == step.name));
    let news = now.steps.iter().filter(|step| known(step).is_none_or(|then| then.status != step.status));
    lines.extend(news.filter_map(step));
    let ended = now.status == SequenceStatus::Done && before.is_none_or(|it| it.status != now.status);
    let took = took(now.started_at, now.ended_at).filter(|_| ended && begun(now).is_some());
    lines.extend(took.map(|took| Line::new(Mark::Done, format!("{} is done, in {took}", now.id))));
    lines
}

/// What nobody asked for, or ends the show, is told from its beginning.
fn begun(sequence: &Sequence) -> Option<Line> {
    let Sequence { id, kind, service, .. } = sequence;
    let what = match (kind, service) {
        (Kind::Recover, Some(service)) => {
            format!("{service} is another one now, and is brought to where it should be")
        }
        (Kind::Recover, None) => "everything is turned off before it is made ready again".to_owned(),
        (Kind::Rollback, _) => "what the start had done is undone".to_owned(),
        (Kind::EmergencyStop, _) => "everything goes off at once".to_owned(),
        (Kind::Initialize | Kind::Start | Kind::Stop, _) => return None,
    };
    Some(Line::new(Mark::Begun, format!("{id}: {what}")))
}

fn step(step: &Step) -> Option<Line> {
    let Step { name, error, .. } = step;
    let because = error.as_deref().map(|error| format!("   {error}")).unwrap_or_default();
    Some(match step.status {
        StepStatus::Done => {
            let took = took(step.started_at?, step.ended_at).unwrap_or_default();
            Line::new(Mark::Done, format!("{name:<22} {took:>7}"))
        }
        StepStatus::Failed => Line::new(Mark::Wrong, format!("{name} failed{because}")),
        StepStatus::Undone => Line::new(Mark::Done, format!("{name} undone")),
        StepStatus::Pending | StepStatus::Running | StepStatus::Skipped => return None,
    })
}

fn took(from: onair_wire::Timestamp, to: Option<onair_wire::Timestamp>) -> Option<String> {
    let lasted = from.until(to?);
    Some(match lasted.0 {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    })
}

fn service(name: &str, before: &Service, now: &Service) -> Option<Line> {
    if before.healthy == now.healthy || now.adapter != "agent" {
        return None;
    }
    let instance = now.instance.as_deref().unwrap_or("somebody");
    Some(match now.healthy {
        true => Line::new(Mark::Done, format!("{name} is here: {instance}")),
        false => {
            let why = now.error.as_deref().unwrap_or("no sign of life");
            Line::new(Mark::Wrong, format!("{name} is away: {why}"))
        }
    })
}

fn system(id: &str, before: &World, commit: &Commit, after: &World) -> Vec<Line> {
    let (was, is) = (before.lifecycle(), after.lifecycle());
    match id {
        "lifecycle" if was.paused != is.paused && is.phase == Phase::Live => {
            let word = if is.paused { "paused: everybody holds still" } else { "resumed" };
            vec![Line::new(Mark::Air, format!("{word}, by {}", commit.actor))]
        }
        "lifecycle" if is.recovery.as_ref().is_some_and(|recovery| recovery.gave_up) => {
            vec![Line::new(Mark::Wrong, "recovering by itself was given up; ask: onair why")]
        }
        "settings"
            if before.revision().0 > 1 && before.value("_system", id) != after.value("_system", id) =>
        {
            vec![Line::new(Mark::Note, format!("the settings were changed, by {}", commit.actor))]
        }
        _ => Vec::new(),
    }
}

fn conflict(id: &str, after: &World) -> Option<Line> {
    let conflict = after.value("_conflicts", id)?;
    let place =
        format!("{}/{} {}", text(conflict, "collection"), text(conflict, "document"), text(conflict, "path"));
    Some(match text(conflict, "status").as_str() {
        "open" => {
            Line::new(Mark::Wrong, format!("two edits of {place} contradict each other: onair conflicts"))
        }
        _ => Line::new(Mark::Done, format!("the conflict about {place} is resolved")),
    })
}

fn said(id: &str, after: &World) -> Option<Line> {
    let said = after.value("chat", id)?;
    Some(Line::new(Mark::Says(text(said, "author")), text(said, "text")))
}

fn quiz(before: &World, after: &World) -> Option<Line> {
    let (was, is) = (before.quiz(), after.quiz());
    let quiz = after.value("interactions", "quiz")?;
    let options: Vec<String> = quiz.get("options").map(crate::command::words).unwrap_or_default();
    match (was.open, is.open) {
        (false, true) => {
            Some(Line::new(Mark::Air, format!("question {} is open: {}", is.round, options.join(" / "))))
        }
        (true, false) => Some(Line::new(Mark::Air, format!("closed; it is “{}”", text(quiz, "answer")))),
        (true, true) if was.votes != is.votes => Some(Line::new(Mark::Air, votes(&options, is.votes))),
        _ => None,
    }
}

/// A bar for each option.
fn votes(options: &[String], votes: [u64; 3]) -> String {
    let most = votes.iter().max().copied().unwrap_or_default().max(1);
    let bars = options.iter().zip(votes).map(|(option, votes)| {
        let length = usize::try_from(votes * BAR / most).unwrap_or_default().max(1);
        format!("{option} {} {votes}", "▆".repeat(length))
    });
    format!("votes  {}", bars.collect::<Vec<_>>().join("   "))
}

/// Whether every scene is told at once whether it is on.
fn is_cut(commit: &Commit) -> bool {
    let scenes = commit.changes.iter().filter(|change| change.collection.as_str() == "scenes");
    scenes.clone().count() == script::SCENES.len()
        && scenes.clone().all(|it| std::matches!(it.op, Op::Patch(_)))
}

fn cut(id: &str, after: &World) -> Option<Line> {
    let scene = after.value("scenes", id)?;
    let on = scene.get("onAir") == Some(&Value::Bool(true));
    on.then(|| Line::new(Mark::Air, format!("cut to {id}: {}", text(scene, "shows"))))
}

/// A layer that is as it was is no news.
fn layer(change: &Change, before: &World, after: &World) -> Option<Line> {
    let id = change.id.as_str();
    let (was, is) = (before.value("layers", id), after.value("layers", id));
    let visible =
        |layer: Option<&Value>| layer.is_some_and(|it| it.get("visible") == Some(&Value::Bool(true)));
    match (visible(was), visible(is)) {
        (false, true) => {
            let shows = is.map(|layer| text(layer, "text")).unwrap_or_default();
            Some(Line::new(Mark::Air, format!("layer {id} on: “{shows}”")))
        }
        (true, false) => Some(Line::new(Mark::Air, format!("layer {id} off"))),
        _ => (was != is).then(|| other(change)),
    }
}

/// What somebody else does.
fn other(change: &Change) -> Line {
    let (word, value) = match &change.op {
        Op::Put(value) => ("put", Some(value)),
        Op::Patch(value) => ("patch", Some(value)),
        Op::Restore(value) => ("restore", Some(value)),
        Op::Delete => ("delete", None),
    };
    let value = value.map(|value| short(Some(value))).unwrap_or_default();
    Line::new(Mark::Note, format!("{word} {}/{} {value}", change.collection, change.id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is told of commits, each a list of changes, one after the other.
    fn told(commits: &[Value]) -> Vec<String> {
        let mut world = World::default();
        let mut lines = Vec::new();
        for (at, changes) in (1..).zip(commits) {
            let mut changes = changes.clone();
            for change in changes.as_array_mut().unwrap() {
                change["revision"] = json!(at);
            }
            let commit = json!({ "revision": at, "at": "2026-11-20T18:00:00.000Z", "actor": "operator:local",
                "cause": { "kind": "batch" }, "changes": changes });
            let commit: Commit = serde_json::from_value(commit).unwrap();
            let before = world.clone();
            world.take(&commit).unwrap();
            lines = tell(&before, &commit, &world).into_iter().map(|line| line.text).collect();
        }
        lines
    }

    fn put(collection: &str, id: &str, value: &Value) -> Value {
        json!({ "op": "put", "collection": collection, "id": id, "value": value })
    }

    fn patch(collection: &str, id: &str, patch: &Value) -> Value {
        json!({ "op": "patch", "collection": collection, "id": id, "patch": patch })
    }

    #[test]
    fn a_move_comes_behind_the_steps_that_lead_to_it() {
        let moved = json!({ "from": "starting", "to": "live", "reason": "dependency_ready",
            "actor": "operator:local", "at": "2026-11-20T18:00:00.000Z", "lasted": 1_300 });
        let step = json!({ "name": "host.start", "status": "done", "attempts": 1, "key": "k", "error": null,
            "startedAt": "2026-11-20T18:00:00.000Z", "endedAt": "2026-11-20T18:00:01.350Z", "timeout": 1 });
        let start = json!({ "id": "start-1", "kind": "start", "status": "done", "startedBy": "operator:local",
            "startedAt": "2026-11-20T18:00:00.000Z", "endedAt": null, "error": null, "steps": [step] });
        let lines = told(&[json!([put("_transitions", "1", &moved), put("_sequences", "start-1", &start)])]);
        assert_eq!(lines, ["host.start               1.3 s", "starting → live   on air!"]);
    }

    #[test]
    fn somebody_goes_and_somebody_comes() {
        let there = |healthy: bool| json!({ "adapter": "agent", "healthy": healthy, "instance": "host-7", "error": "it broke" });
        let first = json!([put("_services", "host", &there(true))]);
        assert_eq!(told(std::slice::from_ref(&first)), ["host is here: host-7"]);
        assert_eq!(
            told(&[first, json!([put("_services", "host", &there(false))])]),
            ["host is away: it broke"]
        );
    }

    #[test]
    fn the_show_in_its_own_words() {
        let quiz = json!({ "round": 2, "open": true, "options": ["a", "b", "c"], "votes": [0, 0, 0] });
        let open = json!([put("interactions", "quiz", &quiz)]);
        let table = [
            (vec![open.clone()], "question 2 is open: a / b / c"),
            (
                vec![open.clone(), json!([patch("interactions", "quiz", &json!({ "votes": [1, 12, 3] }))])],
                "votes  a ▆ 1   b ▆▆▆▆▆▆▆▆▆▆▆▆ 12   c ▆▆▆ 3",
            ),
            (
                vec![open, json!([patch("interactions", "quiz", &json!({ "open": false, "answer": "b" }))])],
                "closed; it is “b”",
            ),
            (
                vec![json!([put("layers", "logo", &json!({ "visible": true, "text": "Hi" }))])],
                "layer logo on: “Hi”",
            ),
            (vec![json!([put("chat", "1", &json!({ "author": "Sal", "text": "Hello?" }))])], "Hello?"),
            (vec![json!([put("notes", "1", &json!({ "a": 1 }))])], "put notes/1 {\"a\":1}"),
        ];
        for (commits, expected) in table {
            assert_eq!(told(&commits), [expected]);
        }
    }

    #[test]
    fn a_cut_is_one_line() {
        let scene = json!({ "shows": "food", "onAir": false });
        let all: Vec<Value> = script::SCENES.iter().map(|(id, _)| put("scenes", id, &scene)).collect();
        let cut =
            script::SCENES.iter().map(|(id, _)| patch("scenes", id, &json!({ "onAir": *id == "pantry" })));
        assert_eq!(told(&[json!(all), json!(cut.collect::<Vec<_>>())]), ["cut to pantry: food"]);
    }
}
