//! Reading records: verified one by one and as a chain, answered up to the first that does not verify.

use bytes::Bytes;
use onair_engine::{Error, Limit, Record};
use onair_wire::Revision;

use crate::{
    keys,
    logs::{Log, State},
    record::{self, Fault, Sum},
    store::Store,
};

/// The records of `log` behind `after`; see `Engine::read`.
pub(crate) fn records(store: &Store, log: &Log, after: Revision, limit: Limit) -> Result<Vec<Record>, Error> {
    loop {
        let state = log.lock().clone();
        if state.gone {
            return Err(Error::Replaced { production: log.production.clone() });
        }
        let first = after.next().max(state.oldest);
        let (answer, fault) = walk(store, log, &state, first, limit);
        let Some((revision, fault)) = fault else { return Ok(answer) };
        let now = log.lock().clone();
        if now.gone || now.oldest != state.oldest {
            continue; // it was trimmed or replaced under our feet
        }
        log.mark(revision, fault.to_string());
        if revision > first {
            return Ok(answer);
        }
        let told = now.damage.filter(|(known, _)| *known == revision).map(|(_, detail)| detail);
        return Err(log.corrupt(revision, told.unwrap_or_else(|| fault.to_string())));
    }
}

/// Reads from `first` on for as long as records verify and `limit` allows.
fn walk(
    store: &Store,
    log: &Log,
    state: &State,
    first: Revision,
    limit: Limit,
) -> (Vec<Record>, Option<(Revision, Fault)>) {
    let mut answer: Vec<Record> = Vec::new();
    if first > state.durable {
        // The end of the log, unless it is known to have gone on.
        let lost = state.damage.as_ref().filter(|(revision, _)| *revision > state.durable);
        return (answer, lost.map(|(revision, _)| (*revision, Fault::Missing)));
    }
    let mut chain = Chain::begin(state, first);
    let mut size = 0;
    for entry in store.range(&keys::record(log.id, chain.next), &keys::record(log.id, state.durable)) {
        let revision = chain.next;
        let (key, stored) = match entry {
            Ok(entry) => entry,
            Err(_) => return (answer, Some((revision.max(first), Fault::Unreadable))),
        };
        match chain.accept(log, &key, &stored) {
            Err(fault) => return (answer, Some((revision, fault))),
            Ok(_) if revision < first => {}
            Ok(body) => {
                size += body.len();
                if !answer.is_empty() && (answer.len() >= limit.records || size > limit.bytes) {
                    return (answer, None);
                }
                answer.push(Record { revision, body: Bytes::copy_from_slice(body) });
            }
        }
    }
    let missing = (chain.next <= state.durable).then_some((chain.next, Fault::Missing));
    (answer, missing)
}

/// Where verification stands: the revision that must come next and the checksum it must repeat.
struct Chain {
    next: Revision,
    /// Unknown for the record before the first, which is read for its checksum only.
    previous: Option<Sum>,
}

impl Chain {
    fn begin(state: &State, first: Revision) -> Self {
        if first == state.oldest {
            Self { next: first, previous: Some(state.anchor) }
        } else {
            Self { next: first.previous(), previous: None }
        }
    }

    fn accept<'a>(&mut self, log: &Log, key: &[u8], stored: &'a [u8]) -> Result<&'a [u8], Fault> {
        if keys::revision(key) != Some(self.next) {
            return Err(Fault::Missing);
        }
        let frame = record::verify(log.seed, self.next, stored)?;
        if self.previous.is_some_and(|previous| previous != frame.previous) {
            return Err(Fault::Unlinked);
        }
        self.next = self.next.next();
        self.previous = Some(frame.sum);
        Ok(frame.body)
    }
}

/// Reads the whole log and marks where it is damaged; answers that, if it is.
pub(crate) fn check(store: &Store, log: &Log) -> Option<Error> {
    const PAGE: Limit = Limit { records: 4096, bytes: 4 << 20 };
    let mut after = Revision::ZERO;
    loop {
        match records(store, log, after, PAGE) {
            Ok(page) => after = page.last()?.revision,
            Err(error) => return Some(error),
        }
    }
}

/// The checksum of one record.
pub(crate) fn sum(store: &Store, log: &Log, revision: Revision) -> Result<Sum, Error> {
    let stored =
        store.get(&keys::record(log.id, revision)).map_err(|detail| log.corrupt(revision, detail))?;
    let stored = stored.ok_or_else(|| log.corrupt(revision, Fault::Missing.to_string()))?;
    let frame = record::verify(log.seed, revision, &stored)
        .map_err(|fault| log.corrupt(revision, fault.to_string()))?;
    Ok(frame.sum)
}
