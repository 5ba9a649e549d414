//! Where the facts come from: a client that keeps the production in step and comes back by itself, and beside it what
//! is no document (what is allowed, who is connected, how far backends are), asked for when something happened.

use std::{sync::Arc, time::Duration};

use onair_client::{Acted, Client, Connection, Options, Outcome, Problem, Production, Token, Told};
use onair_wire::{Collection, ProductionId, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::facts::{Facts, Named};
use crate::{
    command::{Context, action::Action, commit, text},
    remote::{Error, Remote},
};

/// How soon behind a commit it is asked what is allowed; those of a start come close behind each other.
const ASK_BEHIND: Duration = Duration::from_millis(100);
/// How often it is asked anyway: clients come and go without a commit.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long all may take to be here the first time.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many commits are kept to be looked at.
const COMMITS_MAX: usize = 200;
/// How many sequences and transitions are.
const PAST_MAX: usize = 200;

/// The facts as they come.
pub(super) struct Feed {
    facts: Facts,
    client: Client,
    show: Production,
    told: broadcast::Receiver<Arc<Told>>,
    connection: watch::Receiver<Connection>,
    remote: Remote,
    /// Whether the documents are others than were read. They are read when somebody looks, and not with each commit.
    stale: bool,
    asking: JoinSet<Answers>,
    ask_at: Instant,
}

/// What is no document; nothing where it was not answered, so that the last answer stands.
#[derive(Default)]
struct Answers {
    can: Option<Value>,
    clients: Option<Value>,
    backends: Option<Value>,
}

impl Feed {
    /// Begins to follow. A server that is not there, or refuses, is told at once.
    pub(super) async fn open(context: &Context, production: &ProductionId) -> anyhow::Result<Self> {
        let can = context.remote.of(production, Method::GET, &["can"]).value().await?;
        let options = Options {
            token: context.remote.token().map(Token::new),
            name: "onair top".to_owned(),
            ..Options::new(context.remote.server())
        };
        let client = Client::connect(options)?;
        let show = client.production(production.clone(), None);
        let mut facts = Facts::new(production.as_str(), context.remote.server());
        facts.can = can;
        let mut feed = Self {
            facts,
            told: show.watch(),
            connection: client.connection(),
            client,
            show,
            remote: context.remote.clone(),
            stale: true,
            asking: JoinSet::new(),
            ask_at: Instant::now(),
        };
        // Whoever comes too late for this sees it when it is here.
        if let Ok(Err(problem)) = timeout(PATIENCE, feed.show.ready()).await {
            return Err(problem.into());
        }
        feed.take(answers(feed.remote.clone(), production.clone()).await);
        Ok(feed)
    }

    /// The facts as of now.
    pub(super) fn facts(&mut self, now: Timestamp) -> &Facts {
        if std::mem::take(&mut self.stale) {
            self.read();
        }
        self.facts.now = now;
        &self.facts
    }

    /// Waits until there is something new.
    ///
    /// # Cancellation
    /// Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            told = self.told.recv() => match told {
                Ok(told) => self.hear(&told),
                // What was missed is read.
                Err(RecvError::Lagged(_)) => self.stale = true,
                // Nobody says anything any more.
                Err(RecvError::Closed) => std::future::pending().await,
            },
            Ok(()) = self.connection.changed() => self.stale = true,
            Some(answers) = self.asking.join_next() => self.take(answers.unwrap_or_default()),
            () = sleep_until(self.ask_at) => self.ask(),
        }
    }

    fn hear(&mut self, told: &Told) {
        match told {
            Told::Commit(commit) => {
                self.facts.commits.insert(0, commit::line(commit));
                self.facts.commits.truncate(COMMITS_MAX);
                self.ask_at = self.ask_at.min(Instant::now() + ASK_BEHIND);
            }
            Told::Changed(_) | Told::Snapshot(_) | Told::CaughtUp => {
                self.ask_at = self.ask_at.min(Instant::now() + ASK_BEHIND);
                self.stale = true;
            }
            Told::Signal(figures) => self.facts.stream.update(figures),
            Told::Presence(count) => self.facts.watching = *count,
            // It is healed by itself, or the connection says what is the matter.
            Told::Refused(_) | Told::Report(_) => {}
        }
    }

    /// Reads the documents. While none are here, what was known stays.
    fn read(&mut self) {
        self.facts.connection = self.connection.borrow().clone();
        let Some(position) = self.show.position() else { return };
        self.facts.position = Some(position.to_string());
        let all = |name: &str| match name.parse::<Collection>() {
            Ok(collection) => self.show.documents(&collection),
            Err(_) => Vec::new(),
        };
        let values = |name: &str| all(name).into_iter().map(|document| Value::clone(&document.value));
        let system = all("_system");
        let of_system = |id: &str| system.iter().find(|document| document.id.as_str() == id);
        let lifecycle = of_system("lifecycle").map(|document| Value::clone(&document.value));
        let collections = of_system("manifest").map(|document| &document.value["collections"]);
        let names: Vec<String> = collections
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect();
        let documents = names.into_iter().map(|name| (all(&name).len(), name));
        let documents =
            documents.filter(|(count, _)| *count > 0).map(|(count, name)| (name, count)).collect();
        let services = all("_services")
            .into_iter()
            .map(|document| Named { name: document.id.to_string(), value: Value::clone(&document.value) });
        let mut transitions = all("_transitions");
        transitions.sort_by_key(|document| std::cmp::Reverse(document.revision));
        let transitions =
            transitions.into_iter().take(PAST_MAX).map(|document| Value::clone(&document.value));
        let mut sequences: Vec<Value> = values("_sequences").collect();
        sequences.sort_by_cached_key(|sequence| std::cmp::Reverse(text(sequence, "startedAt")));
        sequences.truncate(PAST_MAX);

        let facts = &mut self.facts;
        facts.services = services.collect();
        facts.transitions = transitions.collect();
        facts.sequences = sequences;
        facts.findings = values("_findings").filter(|finding| finding["clearedAt"].is_null()).collect();
        facts.conflicts = values("_conflicts").filter(|conflict| conflict["status"] == "open").collect();
        facts.documents = documents;
        if let Some(lifecycle) = lifecycle {
            facts.lifecycle = lifecycle;
        }
    }

    /// Asks for what is no document, one question at a time.
    fn ask(&mut self) {
        self.ask_at = Instant::now() + ASK_EVERY;
        let connected = self.connection.borrow().state == onair_client::connection::State::Connected;
        if self.asking.is_empty() && connected {
            self.asking.spawn(answers(self.remote.clone(), self.show.id().clone()));
        }
    }

    fn take(&mut self, answers: Answers) {
        let list = |value: &mut Value| match value.take() {
            Value::Array(list) => list,
            _ => Vec::new(),
        };
        let facts = &mut self.facts;
        if let Some(can) = answers.can {
            facts.can = can;
        }
        if let Some(mut said) = answers.clients {
            facts.clients = list(&mut said["clients"]);
        }
        if let Some(mut said) = answers.backends {
            let named = |mut value: Value| {
                let name = text(&value, "name");
                // It is beside the value, and not in it a second time.
                value.as_object_mut().map(|members| members.remove("name"));
                Named { name, value }
            };
            facts.backends = list(&mut said["backends"]).into_iter().map(named).collect();
        }
    }

    /// Moves the lifecycle. It is on its way when this returns.
    pub(super) fn act(&self, action: Action) -> Outcome<Acted> {
        self.show.act(action.as_str(), None)
    }

    /// Asks what a start would do.
    pub(super) fn plan(&self) -> Outcome<Acted> {
        self.show.act(Action::Start.as_str(), Some(json!({ "dryRun": true })))
    }

    pub(super) fn reconnect(&self) {
        self.client.reconnect(None);
    }

    pub(super) async fn close(self) {
        self.client.close().await;
    }
}

/// The plan in what came of asking for it.
pub(super) fn planned(outcome: Result<Acted, Problem>) -> Result<Value, Problem> {
    outcome.and_then(|acted| match acted {
        Acted::Planned(plan) => Ok(plan),
        Acted::Moved { .. } => Err(Problem::local("invalid", "the server began instead of telling its plan")),
    })
}

async fn answers(remote: Remote, production: ProductionId) -> Answers {
    let get = |what: &'static str| {
        let ask = remote.of(&production, Method::GET, &[what]).single();
        async move { Result::<Value, Error>::ok(ask.value().await) }
    };
    let (can, clients, backends) = tokio::join!(get("can"), get("clients"), get("backends"));
    Answers { can, clients, backends }
}
