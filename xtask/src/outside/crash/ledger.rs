//! What must be in the log of one production, and whether it is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::{super::client::Client, writer::Written};

/// The books of one production.
#[derive(Debug)]
pub(in crate::outside) struct Ledger {
    production: String,
    position: Option<(String, u64)>,
    /// Mutations acknowledged since the last check, by revision.
    due: BTreeMap<u64, String>,
    /// Mutations sent and not answered since the last check.
    open: BTreeSet<String>,
    /// Mutations found since the log began.
    found: BTreeSet<String>,
    last: Vec<(String, u64)>,
    acknowledged: u64,
}

impl Ledger {
    pub(in crate::outside) fn new(production: String) -> Self {
        Self {
            production,
            position: None,
            due: BTreeMap::new(),
            open: BTreeSet::new(),
            found: BTreeSet::new(),
            last: Vec::new(),
            acknowledged: 0,
        }
    }

    pub(super) fn production(&self) -> &str {
        &self.production
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    pub(super) fn commits(&self) -> u64 {
        self.position.as_ref().map_or(0, |(_, revision)| *revision)
    }

    /// Enters what a writer did.
    pub(in crate::outside) fn note(&mut self, written: Written) {
        self.acknowledged += written.acknowledged.len() as u64;
        self.last.extend(written.acknowledged.last().cloned());
        self.due.extend(written.acknowledged.into_iter().map(|(id, revision)| (revision, id)));
        self.open.extend(written.open);
    }

    /// Resumes from the last check and holds every commit against the books.
    pub(in crate::outside) fn check(&mut self, api: &str) -> Result<()> {
        let mut client = Client::connect(api)?;
        let mut subscribe = json!({"type": "subscribe", "production": self.production});
        if let Some((epoch, revision)) = &self.position {
            subscribe["after"] = format!("{epoch}:{revision}").into();
        }
        client.say(&subscribe)?;
        let subscribed = client.wait_for("subscribed")?;
        let (epoch, head) = (text(&subscribed["epoch"]), subscribed["revision"].as_u64().unwrap_or_default());
        match self.position.clone() {
            None => self.begin(&mut client, epoch)?,
            Some((known, _)) => {
                ensure!(known == epoch, "the epoch changed from {known} to {epoch}");
                self.resume(&mut client, head)?;
            }
        }
        if let Some((revision, id)) = self.due.first_key_value() {
            bail!("{id} was acknowledged as revision {revision}, the log ends at {head}");
        }
        self.retry(&mut client)
    }

    fn begin(&mut self, client: &mut Client, epoch: String) -> Result<()> {
        let snapshot = client.wait_for("snapshot")?;
        self.position = Some((epoch, snapshot["revision"].as_u64().unwrap_or_default()));
        Ok(())
    }

    fn resume(&mut self, client: &mut Client, head: u64) -> Result<()> {
        while self.commits() < head {
            let message = client.hear()?;
            match message["type"].as_str() {
                Some("commit") => self.commit(&message)?,
                Some("snapshot") => bail!("a snapshot in place of commits that are kept"),
                _ => {}
            }
        }
        self.open.clear();
        Ok(())
    }

    fn commit(&mut self, commit: &Value) -> Result<()> {
        let Some((_, position)) = &mut self.position else { bail!("a commit before a snapshot") };
        let (revision, id) = (commit["revision"].as_u64().unwrap_or_default(), text(&commit["mutation"]));
        ensure!(revision == *position + 1, "commit {revision} behind {position}");
        *position = revision;
        match self.due.remove(&revision) {
            Some(due) => {
                ensure!(due == id, "revision {revision} was acknowledged for {due} and carries {id}")
            }
            None => ensure!(self.open.contains(&id), "revision {revision} carries {id}, which nobody sent"),
        }
        ensure!(self.found.insert(id.clone()), "{id} was done twice, the second time as {revision}");
        Ok(())
    }

    /// Sends the last mutations once more: they are known, and nothing changes.
    fn retry(&mut self, client: &mut Client) -> Result<()> {
        for (id, revision) in std::mem::take(&mut self.last) {
            let number = id.rsplit('-').next().and_then(|n| n.parse::<u64>().ok()).unwrap_or_default();
            client.put(&self.production, &id, &json!({"n": number + 1, "text": "x".repeat(100)}))?;
            let result = client.wait_for("result")?;
            ensure!(
                result["revision"] == revision,
                "{id} was revision {revision} and is answered {result} now"
            );
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
