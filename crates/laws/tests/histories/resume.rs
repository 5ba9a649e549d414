//! Coming back with any position: what is answered leads to the server's state, and is a snapshot only where it must.

use std::{collections::BTreeSet, sync::Arc};

use onair_client::{events::Events, session::ServerMessage};
use onair_engine::Limit;
use onair_runtime::{
    Handle, Resume,
    hub::{Filter, Format, Subscription},
};
use onair_wire::{After, Cache, Collection, Commit, Epoch, ProductionId, Revision};

use crate::{client::messages, history::History, stage::ALL};

/// Pieces so small that most answers have several.
const PIECE: Limit = Limit { records: 3, bytes: 2_000 };

/// Every revision and some beyond, of this log, of former ones, of one that never was, and without a log; over both
/// transports, all collections and some. How many positions there were.
pub(crate) async fn from_everywhere(history: &History) -> usize {
    let handle = &history.handle;
    let (state, commits) = (handle.state(), history.commits().await);
    let (oldest, last) = (state.oldest(), state.revision());
    assert_eq!(commits.len() as u64, last.0 + 1 - oldest.0, "what is kept is dense");
    let mut epochs = vec![None, Some(state.epoch().clone()), Some(Epoch::new("never").expect("an epoch"))];
    epochs.extend(history.former.iter().cloned().map(Some));
    let mut looked = 0;
    for filter in [None, Some(["scenes", "_system"].as_slice()), Some(&["chat"]), Some(&["never"])] {
        let filter: Filter = filter.map(|names| {
            let names = names.iter().map(|name| Collection::new(*name).expect("a name"));
            Arc::new(names.collect::<BTreeSet<_>>())
        });
        for format in Format::ALL {
            let subscription = handle.subscribe(format, &filter).expect("a lane");
            snapshot(handle, &subscription, &filter, format);
            for epoch in &epochs {
                for revision in (0..=last.0 + 2).chain([u64::MAX >> 11]).map(Revision) {
                    looked += 1;
                    let after = After { epoch: epoch.clone(), revision };
                    let own = epoch.as_ref().is_none_or(|epoch| epoch == state.epoch());
                    let kept = own && revision >= oldest.previous() && revision <= last;
                    match handle.resume(Some(&after), &subscription.state) {
                        Resume::Snapshot => assert!(!kept, "{after:?} is kept, {oldest} to {last}"),
                        Resume::After(from) => {
                            assert!(kept && from == revision, "{after:?} goes on from {from}");
                            // Without a log it is the same place, and the same answer.
                            if epoch.is_none() {
                                continue;
                            }
                            let heard = lacking(handle, &subscription, from, format).await;
                            let wanted: Vec<Commit> = commits
                                .iter()
                                .filter(|commit| commit.revision > from)
                                .map(|commit| commit.only(|name| wants(&filter, name)))
                                .collect();
                            assert_eq!(heard, wanted, "behind {after:?}");
                            folds(history, from, &filter, &heard).await;
                        }
                    }
                }
            }
            assert!(matches!(handle.resume(None, &subscription.state), Resume::Snapshot));
        }
    }
    looked
}

fn wants(filter: &Filter, name: &Collection) -> bool {
    filter.as_ref().is_none_or(|set| set.contains(name))
}

/// A cache that was there at `from` and hears that is where the server is.
async fn folds(history: &History, from: Revision, filter: &Filter, heard: &[Commit]) {
    let (then, now) = (history.handle.state_at(from).await.expect("kept"), history.handle.state());
    let mut cache = Cache::from_snapshot(from, then.cache_documents(|name| wants(filter, name)));
    for commit in heard {
        cache.apply(commit).expect("the next");
    }
    assert_eq!(cache.digest(), now.digest(|name| wants(filter, name)), "from {from}");
    assert_eq!(cache.revision, now.revision());
}

async fn lacking(
    handle: &Handle,
    subscription: &Subscription<onair_core::Production>,
    mut after: Revision,
    format: Format,
) -> Vec<Commit> {
    let mut heard = Vec::new();
    let limit = if after.0.is_multiple_of(2) { PIECE } else { ALL };
    while let Some((bytes, last)) = handle.catch_up(subscription, after, limit).await.expect("kept") {
        for message in read(&bytes, format) {
            let ServerMessage::Commit { epoch, commit, .. } = message else { panic!("{message:?}") };
            assert_eq!(epoch.as_ref(), Some(handle.epoch()));
            heard.push(*commit);
        }
        assert!(last > after && heard.last().is_some_and(|commit| commit.revision == last));
        after = last;
    }
    heard
}

fn snapshot(
    handle: &Handle,
    subscription: &Subscription<onair_core::Production>,
    filter: &Filter,
    format: Format,
) {
    let state = &subscription.state;
    match &read(&handle.snapshot(subscription), format)[..] {
        [ServerMessage::Snapshot { position, documents, .. }] => {
            assert_eq!((&position.epoch, position.revision), (state.epoch(), state.revision()));
            let cache = Cache::from_snapshot(position.revision, documents.clone());
            assert_eq!(cache.digest(), state.digest(|name| wants(filter, name)));
        }
        other => panic!("one snapshot, not {other:?}"),
    }
}

fn read(bytes: &[u8], format: Format) -> Vec<ServerMessage> {
    let production = crate::stage::main_production();
    match format {
        Format::Socket => {
            messages(bytes).iter().map(|text| ServerMessage::parse(text).expect("a message")).collect()
        }
        Format::EventStream => events(bytes, &production),
        Format::EventChunks => events(&unchunked(bytes), &production),
    }
}

fn events(bytes: &[u8], production: &ProductionId) -> Vec<ServerMessage> {
    let events = Events::default().push(bytes).expect("little");
    events.iter().map(|event| ServerMessage::of_event(production, event).expect("a message")).collect()
}

/// What chunks carry (RFC 9112, 7.1).
fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut carried = Vec::new();
    while !bytes.is_empty() {
        let line = bytes.iter().position(|&byte| byte == b'\r').expect("a chunk has a length");
        let length = std::str::from_utf8(&bytes[..line]).expect("digits");
        let length = usize::from_str_radix(length, 16).expect("hexadecimal digits");
        let chunk = &bytes[line + 2..];
        carried.extend_from_slice(&chunk[..length]);
        assert_eq!(&chunk[length..length + 2], b"\r\n", "the end of a chunk");
        bytes = &chunk[length + 2..];
    }
    carried
}
