//! An agent: a program that carries out what a show asks of one of its services. Contract, section 4 (rows S2, S3).
//!
//! It registers, is given tasks, and answers each when it is done. Each task has a key: what was done under a key is not
//! done again, it is answered with its first result, also over the next connection. It comes back by itself, under the
//! same instance, so that the server knows that it kept its state; and stays away when it is told to.

mod desk;
mod run;

use std::{future::Future, pin::Pin, sync::Arc};

use onair_wire::{Instance, ProductionId, TaskAction, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

pub use desk::KEYS_MAX;

use crate::{
    backoff::Backoff,
    connection::Connection,
    session::Token,
    socket::{Address, AddressError},
};
use run::{Run, Word};

/// What an agent is told once.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server, `http://127.0.0.1:4200` say.
    pub url: String,
    /// Who it is; nothing on the server's own machine.
    pub token: Option<Token>,
    /// Of which production.
    pub production: ProductionId,
    /// For which of its services.
    pub service: String,
    /// Which instance of the service it is: whoever comes back with the same has kept its state. Nothing: one that is
    /// made up, which holds for as long as the agent.
    pub instance: Option<Instance>,
    /// What the program calls itself, shown among the clients.
    pub name: String,
    /// How tries are spaced.
    pub backoff: Backoff,
}

impl Options {
    /// For a service of a production, on the server there.
    #[must_use]
    pub fn new(url: impl Into<String>, production: ProductionId, service: impl Into<String>) -> Self {
        let (url, service, name) = (url.into(), service.into(), "onair-client".to_owned());
        Self { url, token: None, production, service, instance: None, name, backoff: Backoff::default() }
    }
}

/// Something to be done.
#[derive(Clone, Debug)]
pub struct Task {
    /// What is to be done.
    pub action: TaskAction,
    /// The same for each attempt.
    pub key: Arc<str>,
    /// When nobody waits for the answer any more.
    pub deadline: Timestamp,
    /// With what: an object.
    pub params: Value,
    /// Which attempt, from 1.
    pub attempt: u32,
    cancelled: watch::Receiver<bool>,
}

impl Task {
    /// Waits until nobody waits for the answer any more. What is half done may be finished or taken back then; what it
    /// answers is remembered under its key all the same.
    ///
    /// # Cancellation
    /// Nothing changes when the future is dropped.
    pub async fn cancelled(&self) {
        let mut cancelled = self.cancelled.clone();
        if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending().await
        }
    }
}

/// That a task did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What happened, for people.
    pub error: String,
    /// Whether another attempt may work. What may not is remembered under its key like what is done.
    pub retryable: bool,
}

/// What an agent does with a task: an answer for the show, or a failure.
pub type Doing = Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send>>;

/// An agent that runs. It ends when it is closed or dropped.
#[derive(Debug)]
pub struct Agent {
    connection: watch::Receiver<Connection>,
    active: watch::Receiver<bool>,
    words: mpsc::Sender<Word>,
    task: JoinSet<()>,
}

impl Agent {
    /// Begins, within a tokio runtime; `handler` is given each task once. It goes on until it is closed, or hopeless.
    ///
    /// # Errors
    /// [`AddressError`]. That no server is there is none: it may come.
    pub fn start<H, F>(options: Options, handler: H) -> Result<Self, AddressError>
    where
        H: Fn(Task) -> F + Send + 'static,
        F: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        let address = Address::parse(&options.url)?;
        let (words, heard) = mpsc::channel(WORDS_MAX);
        let (connection_sender, connection) = watch::channel(Connection::default());
        let (active_sender, active) = watch::channel(false);
        let handler = move |task| Box::pin(handler(task)) as Doing;
        let run = Run::new(address, options, handler, heard, connection_sender, active_sender);
        let mut task = JoinSet::new();
        task.spawn(run.run());
        Ok(Self { connection, active, words, task })
    }

    /// How it stands with the server, now and as it changes.
    #[must_use]
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.clone()
    }

    /// Whether it is given the tasks; if not, it stands by.
    #[must_use]
    pub fn active(&self) -> watch::Receiver<bool> {
        self.active.clone()
    }

    /// Says how it is, now and after each reconnect.
    ///
    /// # Cancellation
    /// It was not said when the future is dropped.
    pub async fn status(&self, healthy: bool, details: Option<Value>) {
        // An agent that has ended has no status.
        let _ = self.words.send(Word::Status { healthy, details }).await;
    }

    /// Ends it. What it does is dropped.
    ///
    /// # Cancellation
    /// It goes on when the future is dropped, but for the good-bye, which may not be said.
    pub async fn close(self) {
        let Self { words, task, .. } = self;
        drop(words);
        task.join_all().await;
    }

    /// Waits until it does not come back by itself any more, and says how it stands then.
    ///
    /// # Cancellation
    /// The agent ends when the future is dropped.
    pub async fn ended(mut self) -> Connection {
        while self.task.join_next().await.is_some() {}
        self.connection.borrow().clone()
    }
}

/// Words of the program that wait for the agent: it says how it is now and then.
const WORDS_MAX: usize = 16;

/// What the server says to an agent, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum Heard {
    Registered {
        active: bool,
        heartbeat: u64,
    },
    Task {
        id: String,
        action: TaskAction,
        key: Arc<str>,
        deadline: Timestamp,
        #[serde(default)]
        params: Value,
        #[serde(default)]
        attempt: u32,
    },
    Cancel {
        id: String,
    },
    Active,
    Standby,
    Problem {
        #[serde(default)]
        id: Option<String>,
        #[serde(flatten)]
        problem: crate::Problem,
    },
    /// `pong`, and what a newer server may say.
    #[serde(other)]
    Other,
}
