//! Those who look on: over both transports, for a while or for good, from a snapshot or from where they were.

use std::{
    io::{BufRead, BufReader, ErrorKind},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{
    super::{chance::Chance, client::Client},
    stage::{PRODUCTIONS, Stage, number, path, production},
};

/// Between two looks whether it is time to go.
const LOOK: Duration = Duration::from_millis(500);
/// The longest stay of one who comes and goes.
const STAY_MS_MAX: u64 = 20_000;

/// What somebody who looks on wants.
struct Visit {
    production: String,
    collections: Option<&'static str>,
    after: Option<String>,
    until: Option<Instant>,
}

impl Visit {
    fn is_over(&self, stage: &Stage) -> bool {
        stage.is_over() || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// What may be looked at of a production.
const COLLECTIONS: [Option<&str>; 3] = [None, Some("layers"), Some("chat")];
/// All that may be looked at.
pub(super) const VIEWS: u64 = PRODUCTIONS * COLLECTIONS.len() as u64;

/// Stays to the end. There is one for each view, so that what is kept for views is full and stays so: otherwise their coming
/// and going hides what grows.
pub(super) fn stay(stage: &Stage, which: u64, over_events: bool) -> Result<()> {
    let collections = COLLECTIONS[usize::try_from(which / PRODUCTIONS)?];
    let production = production(which % PRODUCTIONS);
    let visit = Visit { production, collections, after: None, until: None };
    look(stage, &visit, over_events).map(drop)
}

/// Comes and goes until the end; every second time from where it was.
pub(super) fn come_and_go(stage: &Stage, which: u64, over_events: bool, seed: u64) -> Result<()> {
    let mut chance = Chance::of(seed, &["watcher", &which.to_string()]);
    while !stage.is_over() {
        let production = production(chance.below(PRODUCTIONS));
        let collections = COLLECTIONS[usize::try_from(chance.below(COLLECTIONS.len() as u64))?];
        let mut after = None;
        for _ in 0..2 {
            let until = Some(Instant::now() + Duration::from_millis(500 + chance.below(STAY_MS_MAX)));
            let production = production.clone();
            let visit = Visit { production, collections, after: after.take(), until };
            after = look(stage, &visit, over_events)?;
            stage.rest(Duration::from_millis(chance.below(1_000)));
        }
    }
    Ok(())
}

/// One visit: every commit behind the one before. Says where it ends; going is not said goodbye.
fn look(stage: &Stage, visit: &Visit, over_events: bool) -> Result<Option<String>> {
    let at = if over_events { look_over_events(stage, visit)? } else { look_over_socket(stage, visit)? };
    stage.count(if over_events { "visits by event stream" } else { "visits by socket" });
    Ok(at)
}

fn look_over_socket(stage: &Stage, visit: &Visit) -> Result<Option<String>> {
    let mut client = Client::connect(stage.site.api())?;
    let mut subscribe = json!({"type": "subscribe", "production": visit.production});
    if let Some(after) = &visit.after {
        subscribe["after"] = after.as_str().into();
    }
    if let Some(collection) = visit.collections {
        subscribe["collections"] = json!([collection]);
    }
    client.say(&subscribe)?;
    let subscribed = client.wait_for("subscribed")?;
    let epoch = subscribed["epoch"].as_str().context("an epoch")?.to_owned();
    let mut at = visit.after.as_deref().and_then(revision_of);
    while !visit.is_over(stage) {
        let Some(message) = client.hear_within(LOOK)? else { continue };
        match message["type"].as_str() {
            Some("snapshot") => at = Some(number(&message, "revision")),
            Some("commit") => follow(&mut at, number(&message, "revision"))?,
            Some("problem") => anyhow::bail!("a watcher heard {message}"),
            _ => {}
        }
    }
    Ok(at.map(|at| format!("{epoch}:{at}")))
}

fn look_over_events(stage: &Stage, visit: &Visit) -> Result<Option<String>> {
    let mut wanted = Vec::new();
    wanted.extend(visit.after.as_ref().map(|after| format!("after={after}")));
    wanted.extend(visit.collections.map(|collection| format!("collections={collection}")));
    let path = path(&visit.production, &format!("/events?{}", wanted.join("&")));
    let stream = stage.site.open("GET", path.trim_end_matches('?'), "text/plain", "")?;
    stream.set_read_timeout(Some(LOOK))?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut at, mut event) = (Vec::new(), visit.after.clone(), String::new());
    let mut revision = visit.after.as_deref().and_then(revision_of);
    while !visit.is_over(stage) {
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => anyhow::bail!("an event stream ended by itself"),
            Ok(_) => {}
            // What came of the line is kept, and the rest is read next time.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(error) => return Err(error.into()),
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if let Some(kind) = text.strip_prefix("event: ") {
            kind.clone_into(&mut event);
        } else if let Some(id) = text.strip_prefix("id: ") {
            let new = revision_of(id).with_context(|| format!("the id {id} is a position"))?;
            // A snapshot names its id before its event, a commit behind it.
            if event == "commit" {
                follow(&mut revision, new)?
            } else {
                revision = Some(new)
            }
            at = Some(id.to_owned());
        } else if text.is_empty() {
            event.clear();
        }
    }
    Ok(at)
}

/// The next commit stands behind the one before.
fn follow(at: &mut Option<u64>, revision: u64) -> Result<()> {
    ensure!(at.is_none_or(|at| revision == at + 1), "commit {revision} behind {at:?}");
    *at = Some(revision);
    Ok(())
}

fn revision_of(position: &str) -> Option<u64> {
    position.rsplit(':').next()?.parse().ok()
}

/// Those who read what was: histories, earlier states, exports, lists.
pub(super) fn read(stage: &Stage, seed: u64) -> Result<()> {
    let mut chance = Chance::of(seed, &["reader"]);
    while !stage.is_over() {
        let name = production(chance.below(PRODUCTIONS));
        let document = format!("/documents/layers/d{}", chance.below(40));
        let (what, rest) = match chance.below(40) {
            0 => ("exports", "/export".to_owned()),
            1..4 => ("snapshots", String::new()),
            4..8 => ("changes", "/changes?limit=50".to_owned()),
            8..10 => ("earlier states", format!("?at={}", earlier(stage, &name)?)),
            10..20 => ("histories", format!("{document}/history?limit=20")),
            20..24 => ("conflict lists", "/conflicts?limit=20".to_owned()),
            24..26 => ("client lists", "/clients".to_owned()),
            26..30 => ("lists", "/documents/chat".to_owned()),
            _ => ("reads", document),
        };
        let (status, body) = stage.site.get(&path(&name, &rest))?;
        // What was deleted is gone, and a log that is shortened forgets its beginning.
        ensure!([200, 404, 410].contains(&status), "{what}: {status} {body:.300}");
        stage.count(what);
        stage.rest(Duration::from_millis(200));
    }
    Ok(())
}

fn earlier(stage: &Stage, production: &str) -> Result<u64> {
    let (_, body) = stage.site.get(&path(production, "/documents/layers?limit=1"))?;
    let page: Value = serde_json::from_str(&body)?;
    Ok(number(&page, "revision").saturating_sub(200).max(1))
}

/// A show that begins and ends.
pub(super) fn play(stage: &Stage, which: u64) -> Result<()> {
    let name = super::stage::show(which);
    let press = |action: &str| -> Result<()> {
        let (status, body) = stage.site.post(&path(&name, &format!("/{action}")), "{}")?;
        ensure!(status == 200, "{action}: {status} {body:.300}");
        stage.count(action);
        Ok(())
    };
    press("initialize")?;
    while !stage.is_over() {
        press("start")?;
        stage.rest(Duration::from_millis(500));
        press("stop")?;
        stage.rest(Duration::from_millis(500));
    }
    Ok(())
}
