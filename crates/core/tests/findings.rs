//! What the rules find becomes documents, and blocks a start where the manifest says so (rows A2, A3).

mod show;

use onair_core::{
    Act, FINDINGS_CLEARED_MAX, Intent, Refusal, broadcast, can,
    manifest::BackendKind,
    plan,
    rules::{Observation, Severity, Unsaid, statistics},
};
use onair_wire::{Actor, CauseKind, Code, Timestamp};
use serde_json::{Value, json};
use show::Show;

/// What was observed: clients that went astray, or none, so many milliseconds behind the begin of the test's log.
fn observed(diverged: u64, ms: i64) -> Observation {
    Observation { diverged, now: Timestamp::from_millis(ms), ..Observation::default() }
}

/// Checks until there is nothing to say; the causes of what was said.
fn check(show: &mut Show, observation: &Observation) -> Vec<CauseKind> {
    let before = show.commits.len();
    loop {
        let known = show.commits.len();
        show.execute_at(Intent::Check(Box::new(observation.clone())), observation.now)
            .expect("never refused");
        if show.commits.len() == known {
            return show.commits[before..].iter().map(|commit| commit.cause.kind).collect();
        }
    }
}

fn finding(show: &Show, id: &str) -> Value {
    show.value("_findings", id).expect("a finding")
}

#[test]
fn a2_a_finding_opens_stands_changes_and_clears() {
    let mut show = Show::begun();
    let table = [
        (observed(0, 10_000), vec![]),
        (observed(1, 15_000), vec![CauseKind::FindingOpened]),
        (observed(7, 20_000), vec![]),
        (observed(7, 74_999), vec![]),
        (observed(7, 75_000), vec![CauseKind::FindingChanged]),
        (observed(0, 80_000), vec![CauseKind::FindingCleared]),
        (observed(0, 85_000), vec![]),
        (observed(1, 90_000), vec![CauseKind::FindingOpened]),
    ];
    for (observation, causes) in table {
        assert_eq!(check(&mut show, &observation), causes, "at {}", observation.now);
    }
    let (now, before) = (finding(&show, "SY002"), finding(&show, "SY002-4"));
    assert_eq!(
        (&now["firstSeen"], &now["clearedAt"], &now["count"]),
        (&json!("1970-01-01T00:01:30.000Z"), &Value::Null, &json!(1))
    );
    assert_eq!(
        (&before["firstSeen"], &before["clearedAt"]),
        (&json!("1970-01-01T00:00:15.000Z"), &json!("1970-01-01T00:01:20.000Z"))
    );
    for member in ["code", "category", "severity", "message", "fix", "lastSeen", "subjects"] {
        assert!(!now[member].is_null(), "{member} of {now}");
    }
    show.check();
}

#[test]
fn a2_what_was_seen_meanwhile_is_said_when_something_is() {
    let mut show = Show::begun();
    check(&mut show, &observed(1, 10_000));
    let unsaid = Unsaid { count: 3, last_seen: Timestamp::from_millis(25_000) };
    let observation = Observation { unsaid: [("SY002".to_owned(), unsaid)].into(), ..observed(0, 30_000) };
    check(&mut show, &observation);
    let finding = finding(&show, "SY002");
    assert_eq!((&finding["count"], &finding["lastSeen"]), (&json!(4), &json!("1970-01-01T00:00:25.000Z")));
}

#[test]
fn a2_one_check_that_opens_and_clears_says_both() {
    let mut show = Show::begun();
    check(&mut show, &observed(1, 10_000));
    let observation = Observation { fell_back: 100, ..observed(0, 15_000) };
    assert_eq!(check(&mut show, &observation), [CauseKind::FindingOpened, CauseKind::FindingCleared]);
    assert_eq!(show.commits.last().expect("one").cause.details["codes"], json!(["SY002"]));
}

#[test]
fn a2_cleared_findings_are_kept_up_to_the_limit() {
    let mut show = Show::begun();
    for round in 0..=FINDINGS_CLEARED_MAX as i64 + 5 {
        check(&mut show, &observed(1, 10_000 + round * 10));
        check(&mut show, &observed(0, 10_005 + round * 10));
    }
    let kept: Vec<_> = show.production.findings().collect();
    assert_eq!(kept.len(), FINDINGS_CLEARED_MAX + 1, "those put away and the last of the rule");
    let statistics = statistics(kept.into_iter(), Timestamp::from_millis(0));
    assert_eq!((statistics.standing, statistics.cleared), (0, FINDINGS_CLEARED_MAX as u64 + 1));
    assert_eq!(statistics.by_code["SY002"].opened, FINDINGS_CLEARED_MAX as u64 + 1);
}

#[test]
fn l11_an_agent_that_is_turned_off_finds_nothing_and_clears_what_stood() {
    let mut show = Show::begun();
    check(&mut show, &observed(1, 10_000));
    let off = json!({ "stateValidation": false }).as_object().cloned().expect("an object");
    show.execute(Intent::ChangeSettings(off), None).expect("allowed");
    assert_eq!(check(&mut show, &observed(1, 15_000)), [CauseKind::FindingCleared]);
    assert_eq!(check(&mut show, &observed(1, 20_000)), []);
}

/// A show that would start, of a manifest that blocks on findings of this severity.
fn ready(block: &str) -> Show {
    let mut show =
        Show::with(&json!({ "services": [], "requires": [], "validation": { "blockStart": block } }));
    show.execute(Intent::Act(Act::Initialize), None).expect("allowed");
    while let Some(commit) =
        onair_core::advance(&show.production, Timestamp::from_millis(5_000)).expect("lawful")
    {
        show.apply(commit);
    }
    show
}

fn start(break_glass: Option<&str>) -> Act {
    Act::Start { session_id: None, kind: None, break_glass: break_glass.map(str::to_owned) }
}

#[test]
fn a3_a_finding_blocks_a_start_as_the_manifest_says() {
    let table = [("error", 0, true), ("error", 1, true), ("warning", 1, false), ("info", 1, false)];
    for (block, diverged, allowed) in table {
        let mut show = ready(block);
        check(&mut show, &observed(diverged, 10_000));
        let can = can(&show.production).remove("start").expect("start");
        let actor = Actor::new("operator:kim").expect("an actor");
        let plan = plan(&show.production, &start(None), &actor, Timestamp::from_millis(10_000));
        let started = show.execute(Intent::Act(start(None)), None);
        assert_eq!(
            (can.allowed, plan.allowed, started.is_ok()),
            (allowed, allowed, allowed),
            "{block} {diverged}"
        );
        if let Err(refusal) = started {
            let Refusal::Blocked { findings, .. } = &refusal else { panic!("{refusal}") };
            assert_eq!(
                (findings, &can.findings, &plan.findings),
                (&vec!["SY002".to_owned()], findings, findings)
            );
            let problem = refusal.problem();
            assert_eq!((problem.code, &problem.more["findings"]), (Code::NotAllowed, &json!(["SY002"])));
        }
    }
}

#[test]
fn a3_whoever_breaks_the_glass_says_why_and_the_history_keeps_it() {
    let mut show = ready("warning");
    check(&mut show, &observed(1, 10_000));
    for reason in ["", " ", "a\nb", &"x".repeat(501)] {
        let refused = show.execute(Intent::Act(start(Some(reason))), None).expect_err("no reason");
        assert!(
            matches!(&refused, Refusal::Invalid { pointer, .. } if pointer == "/breakGlass"),
            "{refused}"
        );
    }
    show.execute(Intent::Act(start(Some("the audience is waiting"))), None).expect("broken");
    let commit = show.commits.last().expect("one").clone();
    let moved = show.value("_transitions", &commit.revision.to_string()).expect("a transition");
    assert_eq!(moved["breakGlass"], json!({ "reason": "the audience is waiting", "findings": ["SY002"] }));
    assert_eq!(commit.cause.details["breakGlass"], "the audience is waiting");
}

#[test]
fn a3_severities_are_in_their_order() {
    assert!(Severity::Info < Severity::Warning && Severity::Warning < Severity::Error);
    assert!("error".parse() == Ok(Severity::Error) && "fatal".parse::<Severity>().is_err());
}

#[test]
fn a3_a_webhook_is_told_of_findings_and_convex_is_not() {
    let mut show = Show::begun();
    check(&mut show, &observed(1, 10_000));
    check(&mut show, &observed(0, 15_000));
    check(&mut show, &observed(1, 20_000));
    for (commit, cleared) in show.commits[1..].iter().zip([false, true, false]) {
        let told = broadcast::delivery(&show.production, commit, BackendKind::Webhook).expect("told");
        let findings = told["findings"].as_array().expect("a list");
        assert_eq!(findings.len(), 1, "what went on under another name is no news: {told}");
        assert_eq!((&findings[0]["code"], findings[0]["clearedAt"].is_string()), (&json!("SY002"), cleared));
        assert_eq!(broadcast::delivery(&show.production, commit, BackendKind::Convex), None);
    }
}
