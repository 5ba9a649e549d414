//! A check (row A2): what the rules find becomes documents, and what they find no more is cleared.
//!
//! A finding that stands makes no commit each time it is seen: one when it opens, one when it clears, one when it is
//! about something else, and now and then one that says how often and when last. What opens and what clears are told
//! apart by the cause, so one check can take two commits; whoever asks repeats it until there is nothing to say.

use onair_wire::{Cause, CauseKind, Change, Collection, Millis, Op};
use serde_json::json;

use super::{Context, Draft};
use crate::{
    production::{Production, server},
    rules::{self, Finding, Observation, Rule, Scene},
};

/// Cleared findings that are kept beside the last of each rule, newest first; the log has the others.
pub const FINDINGS_CLEARED_MAX: usize = 200;
/// How long a finding stands before its document is written again although nothing else than the time has changed.
const SAY_AGAIN: Millis = Millis(60_000);

/// What is to be said of one rule.
enum News {
    Opened(Finding),
    Changed(Finding),
    Cleared(Finding),
}

/// `None`: there is nothing to say.
pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    observation: &Observation,
) -> Option<Draft> {
    production.manifest()?;
    let on = production.settings().state_validation;
    let scene = on.then(|| Scene::new(production, observation));
    let news = rules::all().filter_map(|rule| news(production, context, observation, rule, scene.as_ref()));
    let news: Vec<News> = news.collect();
    let of = |wanted: fn(&News) -> Option<&Finding>| news.iter().filter_map(wanted).collect::<Vec<_>>();
    let opened = of(|news| if let News::Opened(finding) = news { Some(finding) } else { None });
    let changed = of(|news| if let News::Changed(finding) = news { Some(finding) } else { None });
    let cleared = of(|news| if let News::Cleared(finding) = news { Some(finding) } else { None });
    let (kind, told, also) = match (opened.is_empty(), changed.is_empty(), cleared.is_empty()) {
        (false, ..) => (CauseKind::FindingOpened, opened, changed),
        (true, _, false) => (CauseKind::FindingCleared, cleared, Vec::new()),
        (true, false, true) => (CauseKind::FindingChanged, changed, Vec::new()),
        (true, true, true) => return None,
    };
    let codes: Vec<&str> = told.iter().map(|finding| finding.code.as_str()).collect();
    let cause = Cause::from(kind).with("codes", json!(codes));
    let mut changes = Vec::new();
    for finding in told.into_iter().chain(also) {
        if kind == CauseKind::FindingOpened {
            changes.extend(put_away(production, context, &finding.code));
        }
        changes.push(context.put(server::FINDINGS, &finding.code, json!(finding)));
    }
    changes.extend(forgotten(production, context, &changes));
    Some(Draft::applied(cause, changes))
}

fn news(
    production: &Production,
    context: &Context<'_>,
    observation: &Observation,
    rule: &Rule,
    scene: Option<&Scene<'_>>,
) -> Option<News> {
    let known = production.finding(rule.code);
    let standing = known.filter(Finding::stands);
    // Where nobody looks nothing is known to stand.
    let found = scene.map_or_else(|| Some(Vec::new()), |scene| rule.look(scene))?;
    match standing {
        None if found.is_empty() => None,
        None => Some(News::Opened(Finding::new(rule, &found, context.at))),
        Some(finding) if found.is_empty() => {
            let unsaid = observation.unsaid.get(rule.code);
            let last_seen =
                unsaid.map_or(finding.last_seen, |unsaid| unsaid.last_seen.max(finding.last_seen));
            let count = finding.count + unsaid.map_or(0, |unsaid| unsaid.count);
            Some(News::Cleared(Finding { last_seen, count, cleared_at: Some(context.at), ..finding }))
        }
        Some(finding) => {
            let same = finding.subjects == rules::subjects(&found) && finding.severity == rule.severity;
            let fresh = finding.last_seen.plus(SAY_AGAIN) > context.at;
            (!same || !fresh).then(|| News::Changed(finding.again(rule, &found, observation, context.at)))
        }
    }
}

/// What was cleared before goes on under a name of its own when its rule fires again.
fn put_away(production: &Production, context: &Context<'_>, code: &str) -> Option<Change> {
    let before = production.finding(code).filter(|finding| !finding.stands())?;
    let document = production.server_document(server::FINDINGS, code)?;
    let id = format!("{code}-{}", document.revision());
    Some(context.put(server::FINDINGS, &id, json!(before)))
}

/// The oldest of what was put away, beyond what is kept.
fn forgotten(production: &Production, context: &Context<'_>, changes: &[Change]) -> Vec<Change> {
    let is_past = |id: &str| id.contains('-');
    let more = changes.iter().filter(|change| is_past(change.id.as_str())).count();
    if more == 0 {
        return Vec::new();
    }
    let documents = production.collection(server::FINDINGS).into_iter().flat_map(crate::Documents::by_age);
    let past: Vec<_> = documents.map(|(id, _)| id).filter(|id| is_past(id.as_str())).collect();
    let surplus = (past.len() + more).saturating_sub(FINDINGS_CLEARED_MAX);
    let collection = Collection::new(server::FINDINGS).expect("a collection's name");
    past.into_iter().take(surplus).map(|id| context.change(&collection, id, Op::Delete)).collect()
}
