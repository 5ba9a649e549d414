//! The task of an agent: connects, registers, hears, does, answers, and comes back.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use onair_wire::{Millis, TaskAction, Timestamp};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Doing, Heard, Options, Task,
    desk::{Desk, Outcome, Step},
};
use crate::{
    backoff::Chance,
    connection::{Connection, State, VERSION},
    problem::Problem,
    socket::{self, Address, Socket},
};

/// How long the server may be silent behind a `ping`.
const PONG: Duration = Duration::from_secs(5);
/// How long it may take until the first word.
const OPEN: Duration = Duration::from_secs(10);
/// How long a server that says `too many` is left alone, when it does not say itself. Seconds.
const TOO_MANY_S: u64 = 5;

/// What the program says.
#[derive(Clone, Debug)]
pub(super) enum Word {
    Status { healthy: bool, details: Option<Value> },
}

/// How one connection ended.
struct End {
    close: Option<u16>,
    problem: Option<Problem>,
    /// Whether it had registered.
    registered: bool,
}

/// A handler has come to its end.
type Ended = (Arc<str>, TaskAction, Outcome);

/// An agent as it runs.
pub(super) struct Run<H> {
    address: Address,
    options: Options,
    handler: H,
    words: mpsc::Receiver<Word>,
    connection: watch::Sender<Connection>,
    active: watch::Sender<bool>,
    chance: Chance,
    instance: String,
    desk: Desk,
    doing: JoinSet<Ended>,
    /// What tells a handler that nobody waits any more, by key.
    cancels: BTreeMap<Arc<str>, watch::Sender<bool>>,
    /// What was said last about how it is.
    status: Option<String>,
}

impl<H: Fn(Task) -> Doing> Run<H> {
    pub(super) fn new(
        address: Address,
        options: Options,
        handler: H,
        words: mpsc::Receiver<Word>,
        connection: watch::Sender<Connection>,
        active: watch::Sender<bool>,
    ) -> Self {
        let seed = getrandom::u64().expect("the system has random numbers");
        let made_up = || format!("i-{seed:016x}");
        let instance = options.instance.as_ref().map_or_else(made_up, ToString::to_string);
        Self {
            address,
            options,
            handler,
            words,
            connection,
            active,
            chance: Chance::new(seed),
            instance,
            desk: Desk::default(),
            doing: JoinSet::new(),
            cancels: BTreeMap::new(),
            status: None,
        }
    }

    /// Runs until it is closed, or hopeless.
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            let Some(end) = Box::pin(self.once()).await else {
                return self.is(State::Offline, Some("closed"), None);
            };
            self.active.send_replace(false);
            let End { close, problem, registered } = end;
            let reason = problem.as_ref().map_or("no connection", |problem| problem.code.as_str());
            if let Some(state) = hopeless(close, problem.as_ref()) {
                return self.is(state, Some(reason), None);
            }
            failures = if registered { 0 } else { failures };
            let too_many = (close == Some(4429)).then_some(TOO_MANY_S);
            let asked = problem.as_ref().and_then(Problem::retry_after).or(too_many).unwrap_or(0);
            let wait = self.options.backoff.delay(failures, self.chance.draw());
            let wait = wait.max(Millis(asked.saturating_mul(1_000)));
            failures = failures.saturating_add(1);
            let state = if registered { State::Reconnecting } else { State::Offline };
            self.is(state, Some(reason), Some(wait));
            if !self.pass(wait.into()).await {
                return self.is(State::Offline, Some("closed"), None);
            }
        }
    }

    fn is(&self, state: State, reason: Option<&str>, retry_in: Option<Millis>) {
        self.connection.send_modify(|connection| {
            (connection.state, connection.retry_in) = (state, retry_in);
            connection.reason = reason.map(str::to_owned);
        });
    }

    /// Lets time pass without a connection. What is under way goes on; `false` when the program has ended the agent.
    async fn pass(&mut self, time: Duration) -> bool {
        let over = sleep(time);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                word = self.words.recv() => match word {
                    Some(word) => drop(self.word(word)),
                    None => return false,
                },
                Some(ended) = self.doing.join_next() => drop(self.ended(ended)),
            }
        }
    }

    /// One connection, from its beginning to its end; `None` when the program has ended the agent.
    async fn once(&mut self) -> Option<End> {
        let connecting = Socket::connect(self.address.at("/v1/agents"));
        tokio::pin!(connecting);
        let socket = loop {
            tokio::select! {
                socket = &mut connecting => break socket,
                word = self.words.recv() => drop(self.word(word?)),
                Some(ended) = self.doing.join_next() => drop(self.ended(ended)),
            }
        };
        match socket {
            Ok(socket) => self.serve(socket).await,
            Err(problem) => Some(End { close: None, problem: Some(problem), registered: false }),
        }
    }

    async fn serve(&mut self, mut socket: Socket) -> Option<End> {
        let mut out = vec![self.register()];
        let mut registered: Option<Duration> = None;
        let mut said = None;
        // When silence is asked about, and when it is too long.
        let (mut ask, mut late) = (None, Instant::now() + OPEN);
        loop {
            if !out.is_empty() {
                let texts = std::mem::take(&mut out);
                let sent = tokio::time::timeout(OPEN, socket.send(texts)).await;
                let problem = match sent {
                    Ok(Ok(())) => None,
                    Ok(Err(problem)) => Some(problem),
                    Err(_) => Some(Problem::local("timeout", "nothing was taken")),
                };
                if problem.is_some() {
                    return Some(End { close: None, problem, registered: registered.is_some() });
                }
            }
            tokio::select! {
                heard = socket.next() => {
                    match heard {
                        socket::Heard::Text(text) => match serde_json::from_str(&text) {
                            Ok(Heard::Registered { active, heartbeat }) => {
                                registered = Some(Duration::from_millis(heartbeat.max(1)));
                                self.active.send_replace(active);
                                self.is(State::Connected, None, None);
                                out.extend(self.status.clone());
                            }
                            Ok(Heard::Problem { id: None, problem }) if registered.is_none() => said = Some(problem),
                            Ok(heard) => out.extend(self.hear(heard)),
                            Err(error) => {
                                let problem = Some(Problem::local("garbled", error.to_string()));
                                return Some(End { close: None, problem, registered: registered.is_some() });
                            }
                        },
                        socket::Heard::Alive => {}
                        socket::Heard::Closed(close, problem) => {
                            let problem = said.or(problem);
                            return Some(End { close, problem, registered: registered.is_some() });
                        }
                    }
                    self.connection.send_modify(|connection| connection.last_update = Some(now()));
                    if let Some(heartbeat) = registered {
                        ask = Some(Instant::now() + heartbeat);
                        late = Instant::now() + heartbeat + PONG;
                    }
                }
                word = self.words.recv() => match word {
                    Some(word) => {
                        let text = self.word(word);
                        out.extend(registered.map(|_| text));
                    }
                    None => {
                        socket.close().await;
                        return None;
                    }
                },
                Some(ended) = self.doing.join_next() => {
                    let answers = self.ended(ended);
                    // Whoever did not register is not answered; who registers anew is asked again.
                    out.extend(answers.into_iter().filter(|_| registered.is_some()));
                }
                () = sleep_until(ask.unwrap_or(late)), if ask.is_some() => {
                    ask = None;
                    out.push(json!({ "type": "ping" }).to_string());
                }
                () = sleep_until(late) => {
                    let problem = Some(Problem::local("silent", "the server gave no sign of life"));
                    return Some(End { close: None, problem, registered: registered.is_some() });
                }
            }
        }
    }

    fn register(&self) -> String {
        let Options { production, service, token, name, .. } = &self.options;
        let mut register = json!({
            "type": "register", "production": production, "service": service, "instance": self.instance,
            "client": { "name": name, "version": VERSION },
        });
        if let Some(token) = token {
            register["token"] = token.reveal().into();
        }
        register.to_string()
    }

    /// What to say to what was heard.
    fn hear(&mut self, heard: Heard) -> Option<String> {
        match heard {
            Heard::Task { id, action, key, deadline, params, attempt } => match self.desk.task(&id, &key) {
                Step::Answer(answer) => return Some(answer),
                Step::Wait => {}
                Step::Begin => {
                    let (cancel, cancelled) = watch::channel(false);
                    self.cancels.insert(Arc::clone(&key), cancel);
                    let task = Task { action, key: Arc::clone(&key), deadline, params, attempt, cancelled };
                    let doing = (self.handler)(task);
                    self.doing.spawn(async move { (key, action, doing.await) });
                }
            },
            Heard::Cancel { id } => {
                if let Some(cancel) = self.desk.key_of(&id).and_then(|key| self.cancels.get(key)) {
                    cancel.send_replace(true);
                }
            }
            Heard::Active => drop(self.active.send_replace(true)),
            Heard::Standby => drop(self.active.send_replace(false)),
            // An answer that came too late is nobody's business any more.
            Heard::Problem { .. } | Heard::Registered { .. } | Heard::Other => {}
        }
        None
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) -> Vec<String> {
        match ended {
            Ok((key, action, outcome)) => {
                self.cancels.remove(&key);
                self.desk.ended(&key, action, outcome)
            }
            // A handler that panics is its author's mistake, and the agent's end.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Vec::new(),
            },
        }
    }

    fn word(&mut self, word: Word) -> String {
        let Word::Status { healthy, details } = word;
        let mut status = json!({ "type": "status", "healthy": healthy });
        if let Some(details) = details {
            status["details"] = details;
        }
        let text = status.to_string();
        self.status = Some(text.clone());
        text
    }
}

/// Where an agent stands that does not come back by itself.
fn hopeless(close: Option<u16>, why: Option<&Problem>) -> Option<State> {
    let status = why.map_or(0, |why| why.status);
    match close {
        Some(4403) => Some(State::Failed),
        Some(4401) => Some(State::NeedsAuth),
        // Another program has registered under the same instance: coming back would drive that one out.
        Some(1008) if why.is_some_and(|why| why.detail.contains("another connection")) => Some(State::Failed),
        _ if status == 403 => Some(State::Failed),
        _ if status == 401 => Some(State::NeedsAuth),
        _ => None,
    }
}

/// Milliseconds of the system's clock.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
