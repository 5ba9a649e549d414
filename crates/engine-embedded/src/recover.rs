//! After the store opened: where each log ends, and whether that is where it should end.
//!
//! One row and the last record per production are read, not the logs. The witness says where each log ended when
//! somebody was last answered; one that ends earlier has lost its end. Only when the journals had a hole are all
//! records read, since then any log may have one.

use std::{collections::BTreeSet, sync::Arc};

use onair_wire::{
    ProductionId, Revision,
    planted::{Bug, planted},
};

use crate::{
    index::Row,
    keys::{self, LogId},
    logs::{Log, Logs, Slot},
    read, record,
    salvage::Mended,
    store::Store,
    whole::Sweep,
    witness::Testimony,
};

/// What the store holds.
#[derive(Default)]
pub(crate) struct Recovered {
    pub(crate) logs: Logs,
    pub(crate) group: u64,
    pub(crate) next_log: u64,
    pub(crate) sweeps: Vec<Sweep>,
    pub(crate) reports: Vec<String>,
    sound: Vec<Arc<Log>>,
}

/// Reads the heads of all logs and compares them with what the witness saw, and with what the journals have. Where
/// they had holes the records are read too.
pub(crate) fn recover(store: &Store, testimony: &Testimony, mended: &Mended) -> Result<Recovered, String> {
    let group = store.get(keys::GROUP)?.and_then(|value| keys::number(&value)).unwrap_or(0);
    if let Some(last) = mended.last.filter(|last| *last > group) {
        // It was opened without its journals, or as a new one: to write there would bury what is left.
        return Err(format!("the store ends with group {group}, its journals have group {last}"));
    }
    let mut found = Recovered { group, ..Recovered::default() };
    found.read_heads(store)?;
    found.read_doomed(store)?;
    found.hear(testimony);
    if mended.holes {
        for log in &found.sound {
            if let Some(error) = read::check(store, log) {
                found.reports.push(format!("{error}; nothing more is appended to it, others go on"));
            }
        }
    }
    // Nothing of what was lost is numbered again.
    found.group = found.group.max(testimony.group());
    let seen = testimony.slots.keys().next_back().map_or(0, |log| log.0);
    found.next_log = found.next_log.max(seen) + 1;
    Ok(found)
}

impl Recovered {
    fn read_heads(&mut self, store: &Store) -> Result<(), String> {
        let after_index = [keys::INDEX[0] + 1];
        for entry in store.range(keys::INDEX, &after_index) {
            let (key, value) = entry?;
            let name = key.strip_prefix(keys::INDEX).and_then(|name| std::str::from_utf8(name).ok());
            let Some(production) = name.and_then(|name| ProductionId::new(name).ok()) else {
                self.reports.push(format!("the index has {key:?}, which names no production"));
                continue;
            };
            let slot = match Row::decode(&production, &value) {
                Ok(row) => {
                    self.next_log = self.next_log.max(row.log.0);
                    end(store, &production, &row).map(|log| Slot::Sound(Arc::new(log)))
                }
                Err(fault) => Err(format!("its row in the index: {fault}")),
            };
            let slot = slot.unwrap_or_else(|detail| {
                self.reports.push(format!("{production} cannot be opened, {detail}; others go on"));
                Slot::Broken(detail)
            });
            if let Slot::Sound(log) = &slot {
                self.sound.push(log.clone());
            }
            self.logs.put(production, slot);
        }
        Ok(())
    }

    fn read_doomed(&mut self, store: &Store) -> Result<(), String> {
        for key in store.keys(keys::DOOMED, &keys::doomed(LogId(u64::MAX)), usize::MAX)? {
            if let Some(log) = key.get(1..).and_then(keys::number) {
                self.next_log = self.next_log.max(log);
                self.sweeps.extend(Sweep::log(LogId(log)));
            }
        }
        Ok(())
    }

    /// Compares with the witness, and closes what has lost its end.
    fn hear(&mut self, testimony: &Testimony) {
        if testimony.damaged > 0 {
            let damaged = testimony.damaged;
            self.reports
                .push(format!("{damaged} slots of the witness do not verify; a lost end might go unnoticed"));
        }
        if !testimony.present && self.group > 0 {
            self.reports.push("the witness is missing; a lost end would go unnoticed this time".to_owned());
        }
        let (ours, theirs) = (self.group, testimony.group());
        if ours < theirs {
            self.reports.push(format!("the store ends with group {ours}, acknowledged was group {theirs}"));
        }
        for log in &self.sound {
            let Some(seen) = testimony.slots.get(&log.id) else { continue };
            let last = log.lock().durable;
            if last < seen.revision && !planted(Bug::TailUnchecked) {
                let acknowledged = seen.revision;
                log.mark(last.next(), format!("{acknowledged} was acknowledged, the log ends at {last}"));
                let production = &log.production;
                self.reports.push(format!(
                    "{production} has lost its end: revision {acknowledged} was acknowledged, the log ends at {last}; \
                     it is read-only, others go on; restore it from a backup, or import what is left"
                ));
            }
        }
        let known: BTreeSet<LogId> = self.sound.iter().map(|log| log.id).collect();
        let lost =
            testimony.slots.iter().filter(|(log, seen)| !known.contains(log) && seen.group > ours).count();
        if lost > 0 {
            self.reports.push(format!(
                "{lost} productions that were created last are gone; their names are not known"
            ));
        }
    }
}

/// The log of a row with its end. An end that does not verify is where the log is damaged.
fn end(store: &Store, production: &ProductionId, row: &Row) -> Result<Log, String> {
    let first = keys::record(row.log, row.oldest);
    let Some((key, stored)) = store.last(&first, &keys::record(row.log, keys::LAST))? else {
        return Ok(Log::new(production, row, row.oldest.previous(), row.anchor));
    };
    let revision = keys::revision(&key).unwrap_or(Revision::ZERO);
    let log = Log::new(production, row, revision, row.anchor);
    match record::verify(log.seed, revision, &stored) {
        Ok(frame) => log.lock().tail = frame.sum,
        Err(fault) => {
            log.lock().durable = revision.previous();
            log.mark(revision, fault.to_string());
        }
    }
    Ok(log)
}
