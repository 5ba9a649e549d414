//! What is true: every commit that ever was on disk, what was asked for, and what clients may therefore hear.
//!
//! The ledger is told by the simulated disk at the moment at which a commit becomes durable, and by clients before they
//! ask. It folds the log with the small cache that a client has, and has its own opinion of what an edit comes to; it
//! knows nothing of the server. What does not fit is written down and ends the run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use onair_core::Production;
use onair_engine::{Image, Record};
use onair_wire::{
    Cache, Collection, Commit, Digest, DocumentId, Epoch, Mutation, MutationId, Revision, Timestamp,
};
use serde_json::Value;

use crate::{
    fault::{Counts, Fault},
    judge,
    trace::Trace,
};

/// The collections that somebody follows; `None` is all.
pub(crate) type View = Option<BTreeSet<Collection>>;
/// A document's name.
pub(crate) type Key = (Collection, DocumentId);

/// A commit as it lies on the disk.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) commit: Arc<Commit>,
    body: Bytes,
    /// The how-manieth commit of all it was that became durable.
    order: u64,
}

/// One log, from its beginning to its end, whatever was trimmed of it.
#[derive(Debug)]
pub(crate) struct Log {
    /// What it began with: nothing, or an image that was imported.
    base: Revision,
    pub(crate) entries: Vec<Entry>,
    /// The state, as far as each view goes.
    caches: Vec<Cache>,
    /// By view, then by revision from `base`.
    digests: Vec<Vec<Digest>>,
    pub(crate) history: BTreeMap<Key, Vec<(Revision, Option<Arc<Value>>)>>,
    mutations: BTreeMap<MutationId, Revision>,
    at: Timestamp,
    /// The newest revision that somebody was told.
    pub(crate) acked: Revision,
}

/// What somebody asked for under a name.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) mutations: Vec<Mutation>,
    /// The log whose revisions it speaks of.
    pub(crate) epoch: Option<Epoch>,
    /// What was told to somebody in each log before it was asked for.
    floor: BTreeMap<Epoch, Revision>,
    acked: Option<Revision>,
    refused: bool,
}

/// The books of one run.
pub(crate) struct Ledger {
    pub(crate) logs: BTreeMap<Epoch, Log>,
    pub(crate) now: Option<Epoch>,
    views: Vec<View>,
    durable: u64,
    asked: BTreeMap<MutationId, Asked>,
    wrong: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) trace: Trace,
}

/// The books, for all who write in them.
#[derive(Clone)]
pub(crate) struct Books(Arc<Mutex<Ledger>>);

impl std::fmt::Debug for Books {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Books")
    }
}

impl Books {
    pub(crate) fn new(views: Vec<View>, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(Ledger {
            logs: BTreeMap::new(),
            now: None,
            views,
            durable: 0,
            asked: BTreeMap::new(),
            wrong: Vec::new(),
            counts: Counts::default(),
            trace,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().expect("nothing panics while it holds the books")
    }

    pub(crate) fn durable(&self) -> u64 {
        self.lock().durable
    }

    pub(crate) fn fired(&self, fault: Fault) {
        self.lock().counts.fired(fault);
    }

    /// Something that may not be.
    pub(crate) fn wrong(&self, what: impl Into<String>) {
        self.lock().wrong(what);
    }
}

impl Log {
    fn new(image: Option<&Image>, views: &[View]) -> Self {
        let revived = image.map(|image| {
            let image = onair_core::Image::decode(&image.body).expect("an image of ours");
            Production::revive(image).expect("an image of ours")
        });
        let base = image.map_or(Revision::ZERO, |image| image.revision);
        let cache = |view: &View| {
            let wanted = |name: &Collection| view.as_ref().is_none_or(|view| view.contains(name));
            let documents = revived.as_ref().map(|state| state.cache_documents(wanted));
            documents.map_or_else(Cache::default, |documents| Cache::from_snapshot(base, documents))
        };
        let caches: Vec<Cache> = views.iter().map(cache).collect();
        let digests = caches.iter().map(|cache| vec![cache.digest()]).collect();
        let mut history = BTreeMap::new();
        for (collection, documents) in &caches[0].documents {
            for (id, entry) in documents {
                let versions = vec![(entry.revision, Some(Arc::clone(&entry.value)))];
                history.insert((collection.clone(), id.clone()), versions);
            }
        }
        Self {
            base,
            entries: Vec::new(),
            caches,
            digests,
            history,
            mutations: BTreeMap::new(),
            at: revived.map_or(Timestamp::EPOCH, |state| state.at()),
            acked: base,
        }
    }

    pub(crate) fn last(&self) -> Revision {
        Revision(self.base.0 + self.entries.len() as u64)
    }

    pub(crate) fn entry(&self, revision: Revision) -> Option<&Entry> {
        let place = revision.0.checked_sub(self.base.0 + 1)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// What a view comes to at a revision.
    pub(crate) fn digest(&self, view: usize, revision: Revision) -> Option<Digest> {
        let place = usize::try_from(revision.0.checked_sub(self.base.0)?).ok()?;
        self.digests[view].get(place).copied()
    }

    /// The version of a document at a revision: when it came about, and what it says.
    pub(crate) fn version(&self, key: &Key, at: Revision) -> Option<&(Revision, Option<Arc<Value>>)> {
        let versions = self.history.get(key)?;
        versions[..versions.partition_point(|(revision, _)| *revision <= at)].last()
    }
}

impl Ledger {
    pub(crate) fn wrong(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.trace.note(0, "WRONG", 0, what.as_bytes());
        self.wrong.push(what);
    }

    /// What was found; nothing is well.
    pub(crate) fn findings(&self) -> &[String] {
        &self.wrong
    }

    pub(crate) fn log(&self) -> Option<&Log> {
        self.now.as_ref().and_then(|now| self.logs.get(now))
    }

    /// A log begins, in place of the one there was.
    pub(crate) fn begin(&mut self, epoch: &Epoch, image: Option<&Image>) {
        if self.logs.contains_key(epoch) {
            self.wrong(format!("epoch {epoch} was used before"));
            return;
        }
        self.logs.insert(epoch.clone(), Log::new(image, &self.views));
        self.now = Some(epoch.clone());
    }

    /// A commit is on the disk from here on.
    pub(crate) fn append(&mut self, epoch: &Epoch, record: &Record, imported: bool) {
        let Some(mut log) = self.logs.remove(epoch) else { return self.wrong(format!("no log {epoch}")) };
        if let Err(what) = self.judge(&mut log, epoch, record, imported) {
            self.wrong(format!("{epoch}:{}: {what}", record.revision));
        }
        self.logs.insert(epoch.clone(), log);
    }

    fn judge(&mut self, log: &mut Log, epoch: &Epoch, record: &Record, imported: bool) -> Result<(), String> {
        self.durable += 1;
        let expected = log.last().next();
        if record.revision != expected {
            return Err(format!("it should have been revision {expected}"));
        }
        let commit = Commit::decode(&record.body).map_err(|error| error.to_string())?;
        if commit.revision != record.revision {
            return Err(format!("the commit says that it is {}", commit.revision));
        }
        if commit.at < log.at {
            return Err(format!("time goes back from {} to {}", log.at, commit.at));
        }
        if let Some(id) = &commit.mutation {
            if let Some(first) = log.mutations.insert(id.clone(), commit.revision) {
                return Err(format!("mutation {id} was done by {first} already"));
            }
            match self.asked.get(id) {
                Some(asked) if asked.refused && !imported => {
                    return Err(format!("mutation {id} was refused, and is done"));
                }
                Some(asked) if !asked.mutations.is_empty() && !imported => {
                    judge::as_asked(log, asked, epoch, &commit)?;
                }
                None if !imported => return Err(format!("nobody asked for mutation {id}")),
                _ => {}
            }
        }
        log.at = commit.at;
        for (cache, view) in log.caches.iter_mut().zip(&self.views) {
            let part = match view {
                None => cache.apply(&commit),
                Some(wanted) => cache.apply(&part(&commit, wanted)),
            };
            part.map_err(|gap| gap.to_string())?;
        }
        for (digests, cache) in log.digests.iter_mut().zip(&log.caches) {
            digests.push(cache.digest());
        }
        for change in &commit.changes {
            let key = (change.collection.clone(), change.id.clone());
            let versions = log.history.entry(key).or_default();
            let before = versions.last().and_then(|(_, value)| value.clone());
            versions.push((commit.revision, change.op.applied_to(before.as_ref())));
        }
        if commit.changes.iter().any(|change| change.collection.as_str() == "_system") && went_live(&commit) {
            self.counts.shows += 1;
        }
        self.counts.commits += 1;
        log.entries.push(Entry { commit: Arc::new(commit), body: record.body.clone(), order: self.durable });
        Ok(())
    }

    /// Somebody is about to ask for something; asking again under the same name is the same question.
    pub(crate) fn asks(&mut self, id: &MutationId, mutations: &[Mutation], epoch: Option<&Epoch>) {
        if let Some(known) = self.asked.get(id) {
            if known.mutations != mutations {
                self.wrong(format!("a client says {id} again in other words"));
            }
            return;
        }
        self.counts.asked += 1;
        let floor = self.logs.iter().map(|(epoch, log)| (epoch.clone(), log.acked)).collect();
        let (mutations, epoch) = (mutations.to_vec(), epoch.cloned());
        self.asked.insert(id.clone(), Asked { mutations, epoch, floor, acked: None, refused: false });
    }

    /// Somebody was told that it is done, by bytes that were written when `durable` commits were on the disk.
    pub(crate) fn acked(&mut self, id: &MutationId, revision: Revision, durable: u64) {
        if let Err(what) = self.judge_ack(id, revision, durable) {
            self.wrong(format!("{id} was answered with revision {revision}: {what}"));
        }
    }

    fn judge_ack(&mut self, id: &MutationId, revision: Revision, durable: u64) -> Result<(), String> {
        let asked = self.asked.get_mut(id).ok_or("nobody asked for it")?;
        if asked.acked.replace(revision).is_none() {
            self.counts.done += 1;
        }
        // One that was imported has what the one before it had: whichever had it on the disk then.
        let is_there = |log: &Log| log.mutations.get(id) == Some(&revision);
        let has = self.logs.iter_mut().filter(|(_, log)| is_there(log)).collect::<Vec<_>>();
        if has.is_empty() {
            return Err("no log has it there".into());
        }
        let was_there = |log: &Log| log.entry(revision).is_none_or(|entry| entry.order <= durable);
        let Some((epoch, log)) = has.into_iter().find(|(_, log)| was_there(log)) else {
            return Err("it was not on the disk then".into());
        };
        if asked.floor.get(epoch).is_some_and(|floor| revision <= *floor) {
            return Err("others were told of later ones before it was asked for".into());
        }
        log.acked = log.acked.max(revision);
        Ok(())
    }

    /// Somebody was told that it is not done, and why asking again is of no use.
    pub(crate) fn refused(&mut self, id: &MutationId, code: &str) {
        self.counts.refused += 1;
        let Some(asked) = self.asked.get_mut(id) else { return };
        asked.refused = true;
        let acked = asked.acked.is_some();
        let now = self.log().and_then(|log| log.mutations.get(id).copied());
        if let Some(revision) = now.filter(|_| self.logs.len() == 1) {
            self.wrong(format!("{id} was refused with {code}, and is done by {revision}"));
        } else if acked && self.logs.len() == 1 {
            self.wrong(format!("{id} was answered, and then refused with {code}"));
        }
    }

    /// Somebody heard of a commit, by bytes that were written when `durable` commits were on the disk.
    pub(crate) fn heard(
        &mut self,
        epoch: &Epoch,
        commit: &Commit,
        view: usize,
        durable: u64,
    ) -> Result<(), String> {
        self.counts.heard += 1;
        let log = self.logs.get(epoch).ok_or_else(|| format!("there never was a log {epoch}"))?;
        let revision = commit.revision;
        let entry = log.entry(revision).ok_or_else(|| format!("the log has no {revision}"))?;
        if entry.order > durable {
            return Err(format!("{revision} was sent before it was on the disk"));
        }
        let same = match &self.views[view] {
            None => commit == &*entry.commit,
            Some(wanted) => *commit == part(&entry.commit, wanted),
        };
        if same { Ok(()) } else { Err(format!("{revision} says something else than the log")) }
    }

    /// Whether a state at a revision may have been shown when so many commits were on the disk.
    pub(crate) fn shown(&self, epoch: &Epoch, revision: Revision, durable: u64) -> Result<&Log, String> {
        let log = self.logs.get(epoch).ok_or_else(|| format!("there never was a log {epoch}"))?;
        if revision > log.last() || log.entry(revision).is_some_and(|entry| entry.order > durable) {
            return Err(format!("{epoch}:{revision} was shown before it was on the disk"));
        }
        Ok(log)
    }

    /// The last revision of the log there is that nobody asks about any more: every mutation up to it was answered.
    pub(crate) fn settled(&self) -> Option<(Epoch, Revision, Vec<Arc<Commit>>)> {
        let (epoch, log) = (self.now.clone()?, self.log()?);
        let open = |entry: &&Entry| {
            let asked = entry.commit.mutation.as_ref().and_then(|id| self.asked.get(id));
            asked.is_some_and(|asked| asked.acked.is_none())
        };
        let first = log.entries.iter().find(open).map_or(log.last().next(), |entry| entry.commit.revision);
        let commits = log.entries.iter().map(|entry| Arc::clone(&entry.commit)).collect();
        (log.base == Revision::ZERO).then_some((epoch, first.previous(), commits))
    }

    /// What was told to somebody in the log there is.
    pub(crate) fn floor(&self) -> (Option<Epoch>, Revision) {
        (self.now.clone(), self.log().map_or(Revision::ZERO, |log| log.acked))
    }

    /// The bytes of the log there is, as they became durable.
    pub(crate) fn records(&self) -> Vec<(Revision, Bytes)> {
        let entries = self.log().map(|log| log.entries.as_slice()).unwrap_or_default();
        entries.iter().map(|entry| (entry.commit.revision, entry.body.clone())).collect()
    }
}

/// A commit as somebody sees it who follows these collections; not the server's own function, which may be wrong.
fn part(commit: &Commit, wanted: &BTreeSet<Collection>) -> Commit {
    let mut part = commit.clone();
    part.changes.retain(|change| wanted.contains(&change.collection));
    part
}

fn went_live(commit: &Commit) -> bool {
    let to_live = |value: &Value| value.get("to").is_some_and(|to| to == "live");
    commit.changes.iter().any(|change| {
        change.collection.as_str() == "_transitions"
            && matches!(&change.op, onair_wire::Op::Put(value) if to_live(value))
    })
}
