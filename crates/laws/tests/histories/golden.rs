//! Histories that are kept for clients in other languages: `fixtures/histories/`. `ONAIR_BLESS=1` plays new ones; what
//! is kept is folded here in any case, so that histories of earlier releases go on to come to the same (row F34).

use std::{fs, path::PathBuf};

use onair_wire::{Cache, Collection, Commit, Digest, Documents, Revision};
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

use crate::history::History;

const COUNT: u64 = 200;

#[derive(Serialize, Deserialize)]
struct Kept {
    seed: u64,
    /// As a subscriber of some collections hears them.
    commits: Vec<Commit>,
    /// Behind each commit.
    digests: Vec<Digest>,
    /// From where a client that came later went on.
    snapshot: Snapshot,
}

#[derive(Serialize, Deserialize)]
struct Snapshot {
    revision: Revision,
    documents: Documents,
}

/// What the manifest of all histories says, and what is the same in each, is left out.
fn wanted(name: &Collection) -> bool {
    !name.is_server() || name.as_str() == "_conflicts"
}

#[test]
fn y6_kept_histories_come_to_their_digests() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/histories/histories.json");
    if std::env::var_os("ONAIR_BLESS").is_some() {
        let lines: Vec<String> =
            (1..=COUNT).map(|seed| serde_json::to_string(&played(seed)).expect("JSON")).collect();
        fs::write(&path, format!("{{ \"cases\": [\n{}\n] }}\n", lines.join(",\n"))).expect("written");
    }
    #[derive(Deserialize)]
    struct All {
        cases: Vec<Kept>,
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let All { cases } = serde_json::from_str(&text).expect("histories");
    assert_eq!(cases.len() as u64, COUNT);
    for Kept { seed, commits, digests, snapshot } in cases {
        let (mut first, mut late) = (Cache::default(), None);
        for (commit, digest) in commits.iter().zip(digests) {
            first.apply(commit).expect("the next");
            assert_eq!(first.digest(), digest, "history {seed} behind {}", commit.revision);
            if let Some(cache) = &mut late {
                Cache::apply(cache, commit).expect("the next");
            }
            if commit.revision == snapshot.revision {
                late = Some(Cache::from_snapshot(snapshot.revision, snapshot.documents.clone()));
            }
        }
        assert_eq!(
            late.expect("the snapshot is of a revision between").documents,
            first.documents,
            "history {seed}"
        );
    }
}

fn played(seed: u64) -> Kept {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut history = History::begin(seed).await;
        for _ in 0..8 {
            history.happen().await;
        }
        let commits: Vec<Commit> = history.commits().await.iter().map(|commit| commit.only(wanted)).collect();
        let mut digests = Vec::new();
        for commit in &commits {
            let state = history.handle.state_at(commit.revision).await.expect("kept");
            digests.push(state.digest(wanted));
        }
        let revision = Revision(1 + seed % commits.len() as u64);
        let documents = history.handle.state_at(revision).await.expect("kept").cache_documents(wanted);
        Kept { seed, commits, digests, snapshot: Snapshot { revision, documents } }
    })
}
