//! Rules about whether the state is what the log says, and the log what was written.

use onair_wire::{Digest, Millis};
use serde::Serialize;
use serde_json::Value;

use super::{Found, Scene, rules};
use crate::production::{Document, Production, server};

/// By how much the clock may be behind the log: clocks are set by a little all the time.
const CLOCK_BEHIND: Millis = Millis(2_000);
/// How many open conflicts are looked at, the newest.
const CONFLICTS_LOOKED: usize = 1_000;
/// How many documents that break their schema are named.
const MISFITS_MAX: usize = 100;

/// The rules that can only be told from the whole state.
pub(super) const THOROUGH: [&str; 2] = ["IN002", "IN003"];

rules! { Integrity:
    "IN001" Error "The log does not verify, or cannot be written",
        "Keep the data directory as it is, restore a backup elsewhere, and see the server's log for the place." => log;
    "IN002" Error "A digest is not that of the documents",
        "Restart the server, which makes the state again from the log; report it with an export." => digests;
    "IN003" Error "A document breaks its schema",
        "Correct the document, or the schema in the manifest." => schema;
    "IN004" Warning "A conflict is about a document that is gone",
        "Resolve it with `--choose server`, or restore the document first." => orphans;
    "IN005" Warning "The clock went back",
        "Let the machine's clock be kept by NTP, which does not step it back while it runs." => clock;
    "IN006" Error "The lifecycle names a sequence that is not under way",
        "`onair emergency-stop` lets go of it; export the production and report it." => sequence;
    "IN007" Info "Opening the logs mended something",
        "Nothing is to be done for a torn tail, of which nobody was told; for anything else see the server's log." => mended;
}

/// What going through the whole state found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Collections whose digest is not that of their documents.
    pub digests: Vec<String>,
    /// Documents that break the schema of their collection, and how; the first hundred.
    pub misfits: Vec<(String, String)>,
}

/// Goes through the whole state: as long as writing it down takes.
#[must_use]
pub fn verify(production: &Production) -> Verified {
    let mut verified = Verified::default();
    for (name, documents) in production.collections() {
        let digest = |id, document: &Document| Digest::of(name, id, document.revision(), document.value());
        let digests = documents.iter().map(|(id, document)| digest(id, document));
        if digests.fold(Digest::EMPTY, Digest::plus) != documents.digest() {
            verified.digests.push(name.to_string());
        }
        let rules = production.manifest().and_then(|manifest| manifest.rules(name));
        let Some(schema) = rules.and_then(|rules| rules.schema.as_ref()) else { continue };
        let broken = documents.iter().filter_map(|(id, document)| {
            Some((format!("{name}/{id}"), schema.check(document.value()).err()?.to_string()))
        });
        let room = MISFITS_MAX - verified.misfits.len();
        verified.misfits.extend(broken.take(room));
    }
    verified
}

fn log(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let damage = observation.damage.iter();
    damage.map(|why| Found::new("log", format!("nothing is taken: {why}"))).collect()
}

fn mended(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let reports = observation.mended.iter();
    reports.map(|report| Found::new(report.as_str(), format!("opening found: {report}"))).collect()
}

fn digests(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let wrong = observation.verified.iter().flat_map(|verified| &verified.digests);
    wrong
        .map(|name| Found::new(name.as_str(), format!("the digest of {name} is not that of its documents")))
        .collect()
}

fn schema(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let broken = observation.verified.iter().flat_map(|verified| &verified.misfits);
    broken.map(|(name, why)| Found::new(name.as_str(), format!("{name} breaks its schema: {why}"))).collect()
}

fn orphans(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, .. } = *scene;
    let conflicts = production.collection(server::CONFLICTS).into_iter().flat_map(crate::Documents::by_age);
    let orphan = |value: &Value| {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        // One of which a side deleted the document is about just that.
        let open = text("status") == Some("open") && text("deleted").is_none();
        let (collection, id) = text("collection").zip(text("document")).filter(|_| open)?;
        let gone = production.collection(collection).is_none_or(|documents| documents.live(id).is_none());
        gone.then(|| format!("{collection}/{id}"))
    };
    let looked = conflicts.rev().take(CONFLICTS_LOOKED);
    looked
        .filter_map(|(id, document)| {
            let name = orphan(document.value())?;
            Some(Found::new(id.as_str(), format!("conflict {id} is about {name}, which is gone")))
        })
        .collect()
}

fn clock(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, observation, .. } = *scene;
    let behind = observation.now.until(production.at());
    if behind <= CLOCK_BEHIND {
        return Vec::new();
    }
    let what = format!(
        "the clock says {}, {} ms before the last commit: times in the log stand still until it has caught up",
        observation.now, behind.0
    );
    vec![Found::new("clock", what)]
}

fn sequence(scene: &Scene<'_>) -> Vec<Found> {
    let Some(id) = scene.lifecycle.sequence.clone() else { return Vec::new() };
    let what = match scene.production.sequence(&id) {
        Some(sequence) if sequence.is_running() => return Vec::new(),
        Some(sequence) => format!("{id} is {}", sequence.status.as_str()),
        None => format!("there is no sequence {id}"),
    };
    vec![Found::new(id, what)]
}
