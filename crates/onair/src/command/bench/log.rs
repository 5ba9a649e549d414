//! Whether the log of a production holds what its clients were told: each mutation once, in the order it was sent in.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use onair_wire::ProductionId;
use reqwest::Method;
use serde::Deserialize;

use super::figures::Checked;
use crate::remote::Remote;

/// Commits asked for at once.
const PAGE: usize = 5_000;

/// What the mutation of a client is called.
pub(super) fn id(client: u32, n: u64) -> String {
    format!("{client}-{n}")
}

#[derive(Deserialize)]
struct Page {
    commits: Vec<Commit>,
    revision: u64,
}

#[derive(Deserialize)]
struct Commit {
    revision: u64,
    mutation: Option<String>,
}

/// Reads the log and holds it against how many mutations of each client were answered.
pub(super) async fn check(
    remote: &Remote,
    production: &ProductionId,
    answered: Vec<(u32, u64)>,
) -> anyhow::Result<Checked> {
    let mut ledger = Ledger::new(answered);
    let mut at = 0;
    loop {
        let ask = remote.of(production, Method::GET, &["changes"]).query("after", &at).query("limit", &PAGE);
        let answer = ask.send().await.context(
            "what was written is counted in the log, so the server has to keep all of it (`keep.commits`)",
        )?;
        let page: Page = answer.json()?;
        for commit in &page.commits {
            ensure!(commit.revision == at + 1, "the log has {} behind {at}", commit.revision);
            at = commit.revision;
            if let Some(id) = &commit.mutation {
                ledger.note(id);
            }
        }
        if page.commits.is_empty() || at >= page.revision {
            return Ok(ledger.close());
        }
    }
}

/// What is expected of a client, and what came.
struct Account {
    /// How often each mutation came.
    came: Vec<u32>,
    /// Behind the last that came.
    next: usize,
}

struct Ledger {
    accounts: BTreeMap<u32, Account>,
    checked: Checked,
}

impl Ledger {
    fn new(answered: Vec<(u32, u64)>) -> Self {
        let account = |(client, answered): (u32, u64)| {
            let answered = usize::try_from(answered).expect("as many as were answered in a run");
            (client, Account { came: vec![0; answered], next: 0 })
        };
        Self { accounts: answered.into_iter().map(account).collect(), checked: Checked::default() }
    }

    /// The next mutation of the log. One that nobody was told of, or nobody sent, is one too many.
    fn note(&mut self, id: &str) {
        let parts = id.split_once('-').and_then(|(client, n)| Some((client.parse().ok()?, n.parse().ok()?)));
        let account = parts.and_then(|(client, n): (u32, usize)| Some((self.accounts.get_mut(&client)?, n)));
        let Some((account, n)) = account.filter(|(account, n)| *n < account.came.len()) else {
            self.checked.doubled += 1;
            return;
        };
        account.came[n] += 1;
        if account.came[n] == 1 && n < account.next {
            self.checked.reordered += 1;
        }
        account.next = account.next.max(n + 1);
    }

    fn close(mut self) -> Checked {
        for came in self.accounts.values().flat_map(|account| &account.came) {
            self.checked.expected += 1;
            self.checked.lost += u64::from(*came == 0);
            self.checked.doubled += u64::from(came.saturating_sub(1));
        }
        self.checked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_a_log_is_held_against_what_was_answered() {
        let good = Checked { expected: 5, ..Checked::default() };
        let table = [
            ("as it was sent", "0-0 1-0 0-1 0-2 1-1", good),
            ("one is lost", "0-0 1-0 0-2 1-1", Checked { lost: 1, ..good }),
            ("one is there twice", "0-0 0-0 1-0 0-1 0-2 1-1", Checked { doubled: 1, ..good }),
            ("two changed places", "0-1 0-0 1-0 0-2 1-1", Checked { reordered: 1, ..good }),
            ("one was never sent", "0-0 1-0 0-1 0-2 1-1 2-0", Checked { doubled: 1, ..good }),
            ("one was never answered", "0-0 1-0 0-1 0-2 1-1 1-2", Checked { doubled: 1, ..good }),
        ];
        for (name, ids, expected) in table {
            let mut ledger = Ledger::new(vec![(0, 3), (1, 2)]);
            ids.split(' ').for_each(|id| ledger.note(id));
            assert_eq!(ledger.close(), expected, "{name}");
        }
    }
}
