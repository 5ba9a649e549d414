//! What a running sequence does, on stderr: in place on a terminal, a line a step with `--steps`, else not at all.
//!
//! It is read from the event stream beside the waiting request. Where there is no stream there is no progress; the
//! answer comes all the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    future::Future,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use onair_client::{
    Followed, Follower,
    events::{Event, Events},
};
use onair_wire::{Commit, Documents, ProductionId};
use reqwest::Method;
use serde_json::Value;

use crate::{
    command::{
        Context,
        sequences::{is_over, step_line},
        text,
    },
    remote::Error,
    report::Report,
};

/// Where sequences are.
const SEQUENCES: &str = "_sequences";
/// How often the time behind a running step moves.
const TICK: Duration = Duration::from_secs(1);

/// Waits for `work`, and shows what sequences do meanwhile.
///
/// What `work` answers, or is refused with, names the sequence (`sequence`), or is one.
pub(crate) async fn alongside(
    context: &Context,
    production: &ProductionId,
    steps: bool,
    work: impl Future<Output = Result<Value, Error>>,
) -> Result<Value, Error> {
    let in_place = !steps && context.report.notes_move();
    if !steps && !in_place {
        return work.await;
    }
    let follower = Follower::new(production.clone(), None, None);
    let (report, view) = (context.report, View::default());
    let mut screen = Screen { report, in_place, follower, view, drawn: 0 };
    let done = tokio::select! {
        biased;
        done = work => done,
        never = follow(context, production, &mut screen) => match never {},
    };
    let answer = match &done {
        Ok(answer) => answer,
        Err(Error::Refused(refused)) => &refused.body,
        Err(_) => return done,
    };
    let named = if answer["sequence"].is_null() { text(answer, "id") } else { text(answer, "sequence") };
    screen.end(context, production, named).await;
    done
}

/// Shows what comes, for as long as somebody waits.
async fn follow(context: &Context, production: &ProductionId, screen: &mut Screen) -> Infallible {
    // Nothing is said of a stream that breaks: what was asked for is the answer, and that comes another way.
    let _ = stream(context, production, screen).await;
    std::future::pending().await
}

async fn stream(context: &Context, production: &ProductionId, screen: &mut Screen) -> anyhow::Result<()> {
    let ask = context.remote.of(production, Method::GET, &["events"]);
    let ask = ask.header("accept", "text/event-stream").query("collections", &SEQUENCES);
    let mut stream = ask.stream().await?;
    screen.follower.resume();
    let mut events = Events::default();
    let mut ticks = tokio::time::interval(TICK);
    loop {
        let piece = stream.piece();
        tokio::pin!(piece);
        let piece = loop {
            tokio::select! {
                piece = &mut piece => break piece?,
                _ = ticks.tick() => screen.draw(),
            }
        };
        let Some(piece) = piece else { return Ok(()) };
        for event in events.push(&piece)? {
            screen.take(&event)?;
        }
    }
}

/// Where it is shown.
struct Screen {
    report: Report,
    in_place: bool,
    follower: Follower,
    view: View,
    /// How many lines stand there and will be drawn over.
    drawn: usize,
}

impl Screen {
    fn take(&mut self, event: &Event) -> anyhow::Result<()> {
        let changed = match self.follower.hear(event)? {
            Followed::Snapshot(_) => {
                let documents = self.follower.replica().confirmed().map(|cache| &cache.documents);
                documents.map(|documents| self.view.begin(documents)).unwrap_or_default()
            }
            Followed::Commit(commit) => self.view.apply(&commit),
            Followed::Astray(why) => anyhow::bail!("{why}"),
            Followed::Proved | Followed::Quiet => return Ok(()),
        };
        match self.in_place {
            true => self.draw(),
            false => changed.iter().for_each(|line| self.report.note(line)),
        }
        Ok(())
    }

    fn draw(&mut self) {
        if self.in_place {
            let lines = self.view.block();
            // A picture that nobody can see is no reason to stop.
            let _: io::Result<()> = self.report.redraw(self.drawn, &lines);
            self.drawn = lines.len();
        }
    }

    /// Takes the picture away; the lines are completed, since the answer may have come before the last of them.
    async fn end(&mut self, context: &Context, production: &ProductionId, named: String) {
        if self.in_place {
            let _: io::Result<()> = self.report.redraw(self.drawn, &[]);
            return;
        }
        for id in self.view.untold(named) {
            let found = context.remote.of(production, Method::GET, &["sequences", &id]).value().await;
            let lines = found.map(|sequence| self.view.change(&id, &Arc::new(sequence)));
            lines.unwrap_or_default().iter().for_each(|line| self.report.note(line));
        }
    }
}

/// The sequences as they are.
#[derive(Default)]
struct View {
    sequences: BTreeMap<String, Arc<Value>>,
    /// Those of which something was told.
    told: BTreeSet<String>,
    /// The one that moved last.
    current: Option<String>,
    /// The step that runs, and since when it was seen to.
    running: Option<(String, Instant)>,
}

impl View {
    /// What there is before anything moves. Only what runs is worth a line.
    fn begin(&mut self, documents: &Documents) -> Vec<String> {
        let sequences = documents.iter().filter(|(name, _)| name.as_str() == SEQUENCES);
        let mut lines = Vec::new();
        for (id, entry) in sequences.flat_map(|(_, entries)| entries) {
            if is_over(&entry.value) {
                self.sequences.insert(id.to_string(), Arc::clone(&entry.value));
            } else {
                lines.extend(self.change(id.as_str(), &entry.value));
            }
        }
        lines
    }

    fn apply(&mut self, commit: &Commit) -> Vec<String> {
        let changes = commit.changes.iter().filter(|change| change.collection.as_str() == SEQUENCES);
        let mut lines = Vec::new();
        for change in changes {
            let id = change.id.as_str();
            match change.op.applied_to(self.sequences.get(id)) {
                Some(sequence) => lines.extend(self.change(id, &sequence)),
                None => drop(self.sequences.remove(id)),
            }
        }
        lines
    }

    /// A sequence as it is now; a line for each step that moved.
    fn change(&mut self, id: &str, sequence: &Arc<Value>) -> Vec<String> {
        let before = self.sequences.insert(id.to_owned(), Arc::clone(sequence)).unwrap_or_default();
        self.current = Some(id.to_owned());
        self.told.insert(id.to_owned());
        let running = steps(sequence).find(|step| step["status"] == "running").map(|step| text(step, "name"));
        if running.as_ref() != self.running.as_ref().map(|(name, _)| name) {
            self.running = running.map(|name| (name, Instant::now()));
        }
        let moved = |step: &&Value| {
            let earlier = steps(&before).find(|known| known["name"] == step["name"]);
            let same = |name| earlier.is_some_and(|known| known[name] == step[name]);
            step["status"] != "pending" && !(same("status") && same("attempts"))
        };
        steps(sequence).filter(moved).map(|step| format!("{id}  {}", step_line(step).join("  "))).collect()
    }

    /// The sequence that moved last, its steps below each other.
    fn block(&self) -> Vec<String> {
        let Some((id, sequence)) = self.current.as_ref().and_then(|id| self.sequences.get_key_value(id))
        else {
            return Vec::new();
        };
        let width = steps(sequence).map(|step| text(step, "name").chars().count()).max().unwrap_or_default();
        let line = |step: &Value| {
            let [name, state] = step_line(step);
            let time = match &self.running {
                Some((running, since)) if *running == name && step["status"] == "running" => {
                    format!(", {} s", since.elapsed().as_secs())
                }
                _ => String::new(),
            };
            format!("  {name:width$}  {state}{time}")
        };
        let head = format!("{id}  {}", text(sequence, "status"));
        std::iter::once(head).chain(steps(sequence).map(line)).collect()
    }

    /// Those that run as far as is known, and the one that was waited for if nothing was told of it.
    fn untold(&mut self, named: String) -> Vec<String> {
        let running = self.sequences.iter().filter(|(_, sequence)| !is_over(sequence));
        let mut ids: Vec<String> = running.map(|(id, _)| id.clone()).collect();
        if !named.is_empty() && !self.told.contains(&named) {
            self.sequences.remove(&named);
            ids.push(named);
        }
        ids
    }
}

fn steps(sequence: &Value) -> impl DoubleEndedIterator<Item = &Value> {
    sequence["steps"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn commit(revision: u64, op: &str, name: &str, value: &Value) -> Commit {
        let change = json!({ "op": op, "collection": "_sequences", "id": "start-43", "revision": revision,
            name: value });
        let commit = json!({ "revision": revision, "at": "2026-11-20T18:00:00.000Z", "actor": "server",
            "cause": { "kind": "sequence.step" }, "changes": [change] });
        serde_json::from_value(commit).unwrap()
    }

    #[test]
    fn l4_each_step_that_moves_is_a_line_and_all_of_them_a_picture() {
        let mut view = View::default();
        let step = |name: &str, status: &str| json!({ "name": name, "status": status, "attempts": 1 });
        let steps = json!([step("livefeed.start", "running"), step("host.start", "pending")]);
        let put = json!({ "id": "start-43", "status": "running", "steps": steps });
        assert_eq!(view.apply(&commit(44, "put", "value", &put)), ["start-43  livefeed.start  running"]);
        let steps = json!([step("livefeed.start", "done"), step("host.start", "running")]);
        let lines = view.apply(&commit(45, "patch", "patch", &json!({ "steps": steps })));
        assert_eq!(lines, ["start-43  livefeed.start  done", "start-43  host.start  running"]);
        let picture = ["start-43  running", "  livefeed.start  done", "  host.start      running, 0 s"];
        assert_eq!(view.block(), picture);
        assert_eq!(view.untold("start-43".into()), ["start-43"]);
        let lines = view.apply(&commit(46, "patch", "patch", &json!({ "status": "done" })));
        assert_eq!((lines.len(), view.untold("start-43".into()).len()), (0, 0));
    }

    #[test]
    fn what_was_over_before_is_not_told() {
        let over = json!({ "status": "done", "steps": [{ "name": "host.start", "status": "done" }] });
        let runs = json!({ "status": "running", "steps": [{ "name": "host.stop", "status": "running" }] });
        let documents = json!({ "_sequences": {
            "a-1": { "revision": 3, "value": over }, "b-2": { "revision": 4, "value": runs } } });
        let mut view = View::default();
        let documents = serde_json::from_value(documents).unwrap();
        assert_eq!(view.begin(&documents), ["b-2  host.stop  running"]);
        assert_eq!(view.untold("a-1".into()), ["b-2", "a-1"], "it was over before its stream began");
    }
}
