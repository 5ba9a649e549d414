//! Agents from outside: programs that register for a service and are given its tasks (rows S2, S3).

mod answers;
mod entry;
mod show;
mod takeover;
mod watch;

use std::{collections::VecDeque, future::Future, pin::pin, sync::Arc};

use futures_util::future::select_all;
use onair_engine::memory::Memory;
use onair_wire::Millis;
use serde_json::{Value, json};

use super::harness::{Client, Stage};

/// A heartbeat so long that an agent which a test forgets for a while is not taken for dead.
const UNHURRIED: Millis = Millis(60_000);

/// A show with a host and a producer that are agents; its settings over those that leave it where it falls.
async fn stage(settings: Value) -> Stage {
    stage_at(UNHURRIED, settings).await
}

async fn stage_at(heartbeat: Millis, settings: Value) -> Stage {
    let stage = Stage::with(Arc::new(Memory::new()), |config| config.agents_heartbeat = heartbeat).await;
    let (status, answer) = stage.call("PUT", MAIN, Some(manifest(settings))).await;
    assert_eq!(status, 200, "{answer}");
    stage
}

const MAIN: &str = "/v1/productions/main";

fn manifest(settings: Value) -> Value {
    let mut still = json!({"autoRecovery": false, "retryDelay": 1});
    still.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    json!({
        "services": [
            {"name": "livefeed"},
            {"name": "session"},
            {"name": "host", "adapter": {"type": "agent"}},
            {"name": "producer", "adapter": {"type": "agent"}},
        ],
        "requires": [],
        "settings": still,
    })
}

fn register(service: &str) -> Value {
    json!({"type": "register", "production": "main", "service": service})
}

/// An agent that is registered.
struct Agent {
    client: Client,
    registered: Value,
    /// What it was told while somebody waited for something else.
    told: VecDeque<Value>,
}

impl Agent {
    async fn new(stage: &Stage, service: &str) -> Self {
        Self::saying(stage, &register(service)).await
    }

    async fn instance(stage: &Stage, service: &str, instance: &str) -> Self {
        let mut message = register(service);
        message["instance"] = instance.into();
        Self::saying(stage, &message).await
    }

    async fn saying(stage: &Stage, message: &Value) -> Self {
        let mut client = stage.open("/v1/agents").await;
        client.say(message).await;
        let registered = client.hear().await;
        assert_eq!(registered["type"], "registered", "{registered}");
        Self { client, registered, told: VecDeque::new() }
    }

    fn is_active(&self) -> bool {
        self.registered["active"].as_bool().unwrap()
    }

    async fn hear(&mut self) -> Value {
        match self.told.pop_front() {
            Some(message) => message,
            None => self.client.hear().await,
        }
    }

    /// The next thing it is told, which is of this type.
    async fn told(&mut self, kind: &str) -> Value {
        let message = self.hear().await;
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next thing it is told, which is a task for this.
    async fn task(&mut self, action: &str) -> Value {
        let task = self.told("task").await;
        assert_eq!(task["action"], action, "{task}");
        task
    }

    async fn done(&mut self, task: &Value) {
        self.client.say(&json!({"type": "done", "id": task["id"]})).await;
    }

    async fn fails(&mut self, task: &Value, error: &str, retryable: bool) {
        let id = &task["id"];
        self.client.say(&json!({"type": "failed", "id": id, "error": error, "retryable": retryable})).await;
    }

    /// The problem it is told for saying this.
    async fn refused(&mut self, message: Value) -> Value {
        self.client.say(&message).await;
        self.told("problem").await
    }

    async fn status(&mut self, healthy: bool) {
        self.client.say(&json!({"type": "status", "healthy": healthy})).await;
    }

    /// Everything it said before has been heard.
    async fn is_heard(&mut self) {
        self.client.say(&json!({"type": "ping"})).await;
        loop {
            let message = self.client.hear().await;
            if message["type"] == "pong" {
                return;
            }
            self.told.push_back(message);
        }
    }
}

/// What comes of `wish` while agents do what they are asked; their tasks in the order in which they came.
async fn obeyed<T>(agents: &mut [&mut Agent], wish: impl Future<Output = T>) -> (T, Vec<Value>) {
    let mut wish = pin!(wish);
    let mut tasks = Vec::new();
    loop {
        let hearing = select_all(agents.iter_mut().map(|agent| Box::pin(agent.hear())));
        let (message, place) = tokio::select! {
            biased;
            came = &mut wish => return (came, tasks),
            (message, place, _) = hearing => (message, place),
        };
        if message["type"] == "task" {
            agents[place].done(&message).await;
            tasks.push(message);
        }
    }
}

async fn act(stage: &Stage, action: &str) -> (u16, Value) {
    stage.call("POST", &format!("{MAIN}/{action}"), None).await
}

/// A show with one host and one producer, on air.
async fn live(stage: &Stage) -> (Agent, Agent) {
    let (mut host, mut producer) = (Agent::new(stage, "host").await, Agent::new(stage, "producer").await);
    bring(stage, &mut [&mut host, &mut producer], &["initialize", "start"]).await;
    (host, producer)
}

/// Presses these one after the other, and agents do what they are asked.
async fn bring(stage: &Stage, agents: &mut [&mut Agent], actions: &[&str]) {
    for action in actions {
        let ((status, answer), _) = obeyed(agents, act(stage, action)).await;
        assert_eq!(status, 200, "{action}: {answer}");
    }
}

async fn get(stage: &Stage, path: &str) -> Value {
    let (status, answer) = stage.call("GET", &format!("{MAIN}{path}"), None).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

/// Waits until the production, as it is shown, is as wanted.
async fn until(stage: &Stage, wanted: impl Fn(&Value) -> bool) -> Value {
    let handle = stage.server.app().productions.loaded().into_iter().next().unwrap();
    let looking = async {
        loop {
            let seen = handle.state().revision();
            let shown = get(stage, "").await;
            if wanted(&shown) {
                return shown;
            }
            handle.wait_beyond(seen, super::harness::PATIENCE).await;
        }
    };
    tokio::time::timeout(super::harness::PATIENCE, looking).await.expect("it comes to what is wanted")
}
