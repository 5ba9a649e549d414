//! Golden files: what is stored and sent today is what it was yesterday, and what another language computes.
//!
//! `fixtures/` is read by the TypeScript client's tests too. `ONAIR_BLESS=1 cargo test -p onair-wire` writes the
//! computed parts anew; look at the difference before it is committed, for it is a change of the protocol.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{fs, path::PathBuf};

use onair_wire::{
    Cache, Code, Collection, Commit, Digest, DocumentId, Documents, Epoch, MutationId, Outcome, Problem,
    ProductionId, Receipt, Revision, Timestamp,
    agent::{self, AgentMessage},
    canonical, json,
    sync::{self, ClientMessage, Misunderstood, ServerMessage},
};
use serde_json::{Value, json};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

/// Reads a fixture, computes the parts that are computed, and holds both against each other.
fn golden(name: &str, compute: impl Fn(&mut Value)) {
    let path = path(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let fixture: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut computed = fixture.clone();
    compute(&mut computed);
    if std::env::var_os("ONAIR_BLESS").is_some() {
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&computed).unwrap())).unwrap();
    } else {
        assert_eq!(fixture, computed, "{name} is no longer what it was");
    }
}

fn cases(fixture: &mut Value) -> impl Iterator<Item = &mut Value> {
    fixture["cases"].as_array_mut().expect("cases").iter_mut()
}

#[test]
fn y6_digests_of_documents() {
    golden("digest/documents.json", |fixture| {
        for case in cases(fixture) {
            let collection = Collection::new(case["collection"].as_str().unwrap()).unwrap();
            let id = DocumentId::new(case["id"].as_str().unwrap()).unwrap();
            let revision = Revision(case["revision"].as_u64().unwrap());
            let value = json::parse(case["json"].as_str().unwrap().as_bytes()).unwrap();
            let text = canonical(&(&collection, &id, revision, &value));
            case["canonical"] = String::from_utf8(text).unwrap().into();
            case["digest"] = Digest::of(&collection, &id, revision, &value).to_string().into();
        }
    });
}

#[test]
fn y6_digests_of_a_state_that_commits_change() {
    golden("digest/commits.json", |fixture| {
        let mut cache = Cache::default();
        for case in cases(fixture) {
            let commit: Commit = serde_json::from_value(case["commit"].clone()).unwrap();
            cache.apply(&commit).unwrap();
            case["documents"] = json!(cache.documents);
            case["digest"] = cache.digest().to_string().into();
            let again = Cache::from_snapshot(cache.revision, cache.documents.clone());
            assert_eq!(again.digest(), cache.digest(), "kept and computed anew");
        }
    });
}

#[test]
fn d1_commits_survive_the_log() {
    golden("wire/commits.json", |fixture| {
        for case in cases(fixture) {
            let text = case["text"].as_str().unwrap().to_owned();
            let commit = Commit::decode(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            case["text"] = String::from_utf8(commit.encode()).unwrap().into();
        }
    });
}

#[test]
fn d8_what_is_no_commit_is_refused() {
    let text = fs::read_to_string(path("wire/not-commits.json")).unwrap();
    let texts: Vec<String> = serde_json::from_str(&text).unwrap();
    assert!(texts.len() > 8);
    for text in texts {
        assert!(Commit::decode(text.as_bytes()).is_err(), "{text} was read");
    }
}

#[test]
fn messages_are_understood_or_refused_by_place() {
    golden("wire/client-messages.json", |fixture| {
        for case in cases(fixture) {
            let heard = ClientMessage::parse(case["text"].as_str().unwrap().as_bytes());
            case["heard"] = match heard {
                Ok(message) => format!("{message:?}").split(['(', ' ']).next().unwrap().into(),
                Err(Misunderstood { id, problem }) => json!({
                    "id": id, "code": problem.code,
                    "pointer": problem.errors.first().map(|error| error.pointer.clone()),
                }),
            };
        }
    });
}

#[test]
fn messages_of_agents_are_understood_or_refused_by_place() {
    golden("wire/agent-messages.json", |fixture| {
        for case in cases(fixture) {
            let heard = AgentMessage::parse(case["text"].as_str().unwrap().as_bytes());
            case["heard"] = match heard {
                Ok(message) => format!("{message:?}").split(['(', ' ']).next().unwrap().into(),
                Err(Misunderstood { id, problem }) => json!({
                    "id": id, "code": problem.code,
                    "pointer": problem.errors.first().map(|error| error.pointer.clone()),
                }),
            };
        }
    });
}

#[test]
fn messages_to_agents_are_what_they_were() {
    let registered = agent::Registered {
        production: ProductionId::new("main").unwrap(),
        service: "host".into(),
        session: "s-1".into(),
        active: true,
        heartbeat: 2_000,
    };
    let task = agent::Task {
        id: "s-1.1".into(),
        action: agent::TaskAction::Start,
        key: "main/7/host/start".into(),
        deadline: Timestamp::from_millis(1_763_661_600_007),
        params: json!({ "force": true }).into(),
        attempt: 1,
    };
    let problem = Problem::new(Code::Gone, "task s-1.1 was answered before");
    let messages = [
        agent::ServerMessage::Registered(&registered),
        agent::ServerMessage::Task(&task),
        agent::ServerMessage::Cancel { id: "s-1.1" },
        agent::ServerMessage::Active,
        agent::ServerMessage::Standby,
        agent::ServerMessage::Problem { id: Some("s-1.1"), problem: (&problem).into() },
        agent::ServerMessage::Pong,
    ];
    golden("wire/agent-server-messages.json", |fixture| {
        fixture["cases"] =
            messages.iter().map(|m| json!({ "text": String::from_utf8(m.encode()).unwrap() })).collect();
    });
}

#[test]
fn messages_to_clients_are_what_they_were() {
    let (production, epoch) = (ProductionId::new("main").unwrap(), Epoch::new("k3f9").unwrap());
    let id = MutationId::new("m-1").unwrap();
    let conflict = DocumentId::new("43-1").unwrap();
    let sequence = DocumentId::new("start-43").unwrap();
    let revision = Revision(43);
    let welcome = sync::Welcome {
        session: "c-1".into(),
        heartbeat: 20_000,
        role: "operator".into(),
        server: "0.1.0".into(),
        positions: [(production.clone(), "k3f9:43".into())].into(),
        limits: sync::Limits {
            message_bytes: 65_536,
            subscriptions: 128,
            pending_mutations: 1_024,
            batch: 1_000,
        },
    };
    let entry = json!({ "layers": { "logo": { "revision": 43, "value": { "visible": true } } } });
    let documents: Documents = serde_json::from_value(entry).unwrap();
    let stream = sync::StreamFigures { fps: Some(59.9), frame_count: Some(7), ..Default::default() };
    let receipt = Receipt { revision, outcome: Outcome::Conflict, conflicts: vec![conflict], sequence: None };
    let plan = json!({ "allowed": false, "reason": "the phase is idle, and start needs ready", "steps": [{
        "name": "host.start", "deadline": 15_000, "compensation": null, "after": [], "optional": false,
        "skipped": false }], "missingDependencies": ["host"], "irreversible": [] });
    let problem = Problem::new(Code::RevisionMismatch, "layers/logo is at 43, not 41")
        .at("/mutations/0/ifRevision", "it is 43")
        .with("current", 43);
    let digest = Cache::from_snapshot(revision, documents.clone()).digest();
    let acted = |sequence| ServerMessage::Acted {
        id: &id,
        revision,
        outcome: Outcome::Applied,
        sequence,
        phase: "starting",
    };
    let messages = [
        ServerMessage::Welcome(&welcome),
        ServerMessage::Subscribed { production: &production, epoch: &epoch, revision },
        ServerMessage::Snapshot { production: &production, epoch: &epoch, revision, documents: &documents },
        ServerMessage::Signal { production: &production, stream: &stream },
        ServerMessage::Presence { production: &production, clients: 3 },
        ServerMessage::Digest { production: &production, revision, digest },
        ServerMessage::Result { id: &id, receipt: &receipt },
        acted(Some(&sequence)),
        acted(None),
        ServerMessage::Planned { id: &id, revision, plan },
        ServerMessage::Problem { id: Some("m-1"), problem: (&problem).into() },
        ServerMessage::Pong,
    ];
    golden("wire/server-messages.json", |fixture| {
        fixture["cases"] =
            messages.iter().map(|m| json!({ "text": String::from_utf8(m.encode()).unwrap() })).collect();
    });
}

#[test]
fn what_an_agent_says_went_wrong_is_kept_in_part() {
    let text = json!({ "type": "failed", "id": "s-1.1", "error": "\u{e4}".repeat(3_000) }).to_string();
    let Ok(AgentMessage::Failed(failed)) = AgentMessage::parse(text.as_bytes()) else { panic!("understood") };
    assert_eq!(failed.error, "\u{e4}".repeat(agent::ERROR_LENGTH_MAX));
}
