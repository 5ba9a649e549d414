//! What those who make the load share: the server, the end, and the counts of what came of it all.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::super::http::Site;

/// Productions that are written to.
pub(super) const PRODUCTIONS: u64 = 20;
/// Productions in which a show begins and ends.
pub(super) const SHOWS: u64 = 2;
/// How often somebody who waits looks whether all is over.
const LOOK: Duration = Duration::from_millis(200);

pub(super) struct Stage {
    pub(super) site: Site,
    over: AtomicBool,
    /// Mutations that were acknowledged.
    pub(super) written: AtomicU64,
    counts: Mutex<BTreeMap<String, u64>>,
    wrongs: Mutex<Vec<String>>,
}

impl Stage {
    pub(super) fn new(site: Site) -> Self {
        let (counts, wrongs) = (Mutex::default(), Mutex::default());
        Self { site, over: AtomicBool::new(false), written: AtomicU64::new(0), counts, wrongs }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Sleeps, but not beyond the end.
    pub(super) fn rest(&self, length: Duration) {
        let until = Instant::now() + length;
        while !self.is_over() && Instant::now() < until {
            thread::sleep(LOOK.min(until - Instant::now()));
        }
    }

    pub(super) fn count(&self, what: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what.to_owned()).or_default() += 1;
    }

    pub(super) fn counted(&self, what: &str) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(what).copied().unwrap_or_default()
    }

    /// What was counted, as one line.
    pub(super) fn counts(&self) -> String {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let words: Vec<String> = counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
        words.join(", ")
    }

    /// Notes what must not be.
    pub(super) fn wrong(&self, what: String) {
        println!("WRONG: {what}");
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    pub(super) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the productions. Nothing of what they keep grows for ever: chat is cut, and the rest has few names.
    pub(super) fn begin(&self) -> Result<()> {
        let written = json!({"collections": {"chat": {"keep": {"documents": 100}}}});
        let builtin = |name: &str| json!({"name": name, "adapter": {"type": "builtin"}});
        let shown = json!({
            "services": [builtin("encoder"), builtin("host")], "start": ["encoder", "host"], "requires": [],
        });
        for number in 0..PRODUCTIONS + SHOWS {
            let (name, manifest) =
                if number < PRODUCTIONS { (production(number), &written) } else { (show(number), &shown) };
            let (status, body) = self.site.put(&path(&name, ""), &manifest.to_string())?;
            ensure!(status == 201, "{name} was not begun: {status} {body}");
        }
        Ok(())
    }
}

/// A production that is written to.
pub(super) fn production(number: u64) -> String {
    format!("soak-{number}")
}

/// A production in which a show is.
pub(super) fn show(number: u64) -> String {
    format!("show-{}", number % SHOWS)
}

pub(super) fn path(production: &str, rest: &str) -> String {
    format!("/v1/productions/{production}{rest}")
}

/// A number of a message, zero if it is not there.
pub(super) fn number(message: &Value, name: &str) -> u64 {
    message[name].as_u64().unwrap_or_default()
}
