//! A service and its agent: a thing that is on or off and remembers what was done under which key, and a program that
//! carries out tasks, badly at times.

use std::collections::{BTreeMap, BTreeSet};

use onair_client::Backoff;
use serde_json::{Value, json};

use crate::{
    chance::Dice,
    fault::Fault,
    scene::{BEGINNING, Do, Scene, Who},
};

/// Silence after which an agent looks for another connection: three heartbeats.
const SILENCE_MS: u64 = 6_000;

/// Words to be woken with.
const RECONNECT: u64 = 1;
const LISTEN: u64 = 2;
const TASK: u64 = 3;

/// A task, and how it goes.
#[derive(Clone, Debug)]
struct Task {
    link: u64,
    id: String,
    action: String,
    key: String,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    Twice,
    Failed {
        retryable: bool,
    },
    /// Nothing is heard of it; it happened, or did not.
    Hung {
        happened: bool,
    },
    Late,
    /// The program dies behind it or before it.
    Dies {
        happened: bool,
    },
}

/// An agent.
pub(crate) struct Agent {
    who: Who,
    pub(crate) service: String,
    unreliable: bool,
    dice: Dice,
    /// Whether the thing is on.
    pub(crate) on: bool,
    /// What was done under each key, and what for.
    keys: BTreeMap<String, (String, u32)>,
    instance: u64,
    link: u64,
    open: bool,
    dead: bool,
    heard_at: u64,
    tasks: BTreeMap<u64, Task>,
    numbers: u64,
    failures: u32,
}

impl Agent {
    pub(crate) fn new(who: Who, service: &str, unreliable: bool, dice: Dice) -> Self {
        Self {
            who,
            service: service.to_owned(),
            unreliable,
            dice,
            on: false,
            keys: BTreeMap::new(),
            instance: 1,
            link: 0,
            open: false,
            dead: false,
            heard_at: 0,
            tasks: BTreeMap::new(),
            numbers: 0,
            failures: 0,
        }
    }

    pub(crate) fn begin(&mut self) -> Vec<Do> {
        vec![Do::Wake(RECONNECT, self.dice.between(1, 200)), Do::Wake(LISTEN, SILENCE_MS)]
    }

    /// The program dies; it comes back after a while, mostly as another instance whose thing is off.
    pub(crate) fn die(&mut self, scene: &Scene) -> Vec<Do> {
        if self.dead {
            return Vec::new();
        }
        scene.books.fired(Fault::AgentDied);
        self.dead = true;
        self.tasks.clear();
        if self.dice.percent(60) {
            self.instance += 1;
            self.on = false;
            self.keys.clear();
        }
        let away = if self.dice.percent(50) { 700 } else { 4_000 };
        let wants = self.let_go();
        wants.into_iter().chain([Do::Wake(RECONNECT, self.dice.between(100, away))]).collect()
    }

    fn let_go(&mut self) -> Vec<Do> {
        let was_open = std::mem::take(&mut self.open);
        was_open.then_some(Do::Close(self.link)).into_iter().collect()
    }

    pub(crate) fn opened(&mut self, link: u64, scene: &Scene) -> Vec<Do> {
        if link != self.link || self.dead {
            return vec![Do::Close(link)];
        }
        self.open = true;
        self.heard_at = scene.now;
        let register = json!({
            "type": "register",
            "production": scene.production,
            "service": self.service,
            "instance": format!("{}-{}", self.service, self.instance),
        });
        vec![Do::Send(link, register.to_string())]
    }

    pub(crate) fn alive(&mut self, link: u64, scene: &Scene) -> Vec<Do> {
        if link == self.link {
            self.heard_at = scene.now;
        }
        Vec::new()
    }

    pub(crate) fn closed(&mut self, link: u64, _code: Option<u16>, _scene: &Scene) -> Vec<Do> {
        if link != self.link || self.dead {
            return Vec::new();
        }
        self.open = false;
        self.failures += 1;
        let backoff = Backoff { first: onair_wire::Millis(100), factor: 2, max: onair_wire::Millis(2_000) };
        vec![Do::Wake(RECONNECT, backoff.delay(self.failures, self.dice.draw()).0)]
    }

    pub(crate) fn wake(&mut self, word: u64, scene: &Scene) -> Vec<Do> {
        match (word & 3, word >> 2) {
            (RECONNECT, _) => {
                self.dead = false;
                if self.open {
                    return Vec::new();
                }
                self.link += 1;
                vec![Do::Connect(self.link)]
            }
            (LISTEN, _) => {
                let mut wants = vec![Do::Wake(LISTEN, SILENCE_MS / 2)];
                if self.open && scene.now.saturating_sub(self.heard_at) >= SILENCE_MS {
                    wants.extend(self.let_go());
                    wants.push(Do::Wake(RECONNECT, 50));
                }
                wants
            }
            (TASK, number) => {
                self.tasks.remove(&number).map_or_else(Vec::new, |task| self.carry_out(&task, scene))
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn heard(&mut self, link: u64, text: &str, _durable: u64, scene: &Scene) -> Vec<Do> {
        if link != self.link || self.dead {
            return Vec::new();
        }
        self.heard_at = scene.now;
        let Ok(said) = serde_json::from_str::<Value>(text) else {
            scene.books.wrong(format!("agent {} heard {text}", self.who));
            return Vec::new();
        };
        match said["type"].as_str() {
            Some("registered") => {
                self.failures = 0;
                Vec::new()
            }
            Some("task") => self.begin_task(&said, scene),
            Some("cancel") => {
                self.tasks.retain(|_, task| {
                    Some(task.id.as_str()) != said["id"].as_str() || task.fate == Fate::Late
                });
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn begin_task(&mut self, said: &Value, scene: &Scene) -> Vec<Do> {
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let (id, action, key) = (text("id"), text("action"), text("key"));
        // The key of a step is never that of another.
        let (known, _) = self.keys.entry(key.clone()).or_insert_with(|| (action.clone(), 0));
        if *known != action {
            scene.books.wrong(format!("agent {}: key {key} is for {known} and for {action}", self.who));
        }
        let (fate, wait) = self.fate(&said["deadline"], scene);
        self.numbers += 1;
        let task = Task { link: self.link, id, action, key, fate };
        if fate == Fate::Late {
            // It is done in its turn; what comes late is the word of it.
            self.happen(&task);
        }
        self.tasks.insert(self.numbers, task);
        vec![Do::Wake(TASK | (self.numbers << 2), wait)]
    }

    fn fate(&mut self, deadline: &Value, scene: &Scene) -> (Fate, u64) {
        let soon = self.dice.between(1, 120);
        if !scene.busy || !self.unreliable {
            return (Fate::Done, soon);
        }
        let deadline: Option<onair_wire::Timestamp> = serde_json::from_value(deadline.clone()).ok();
        let left = deadline.map_or(0, |at| at.as_millis() - BEGINNING);
        let left = u64::try_from(left).unwrap_or(0).saturating_sub(scene.now);
        let happened = self.dice.percent(50);
        let (fate, fault) = match self.dice.below(100) {
            0..70 => return (Fate::Done, soon),
            70..78 => (Fate::Failed { retryable: happened }, Some(Fault::TaskFailed)),
            78..84 => (Fate::Twice, Some(Fault::TaskTwice)),
            84..89 => (Fate::Hung { happened }, Some(Fault::TaskHung)),
            89..94 => {
                scene.books.fired(Fault::TaskLate);
                return (Fate::Late, left + self.dice.between(1, 1_500));
            }
            _ => (Fate::Dies { happened }, None),
        };
        fault.into_iter().for_each(|fault| scene.books.fired(fault));
        (fate, soon)
    }

    fn carry_out(&mut self, task: &Task, scene: &Scene) -> Vec<Do> {
        let done = json!({ "type": "done", "id": task.id }).to_string();
        match task.fate {
            Fate::Done => {
                self.happen(task);
                self.answer(task, vec![done])
            }
            Fate::Late => self.answer(task, vec![done]),
            Fate::Twice => {
                self.happen(task);
                self.answer(task, vec![done.clone(), done])
            }
            Fate::Failed { retryable } => {
                let failed =
                    json!({ "type": "failed", "id": task.id, "error": "it broke", "retryable": retryable });
                self.answer(task, vec![failed.to_string()])
            }
            Fate::Hung { happened } => {
                if happened {
                    self.happen(task);
                }
                Vec::new()
            }
            Fate::Dies { happened } => {
                if happened {
                    self.happen(task);
                }
                self.die(scene)
            }
        }
    }

    fn answer(&self, task: &Task, texts: Vec<String>) -> Vec<Do> {
        // Over another connection the server asks again, and the key says that it is done.
        if !self.open || task.link != self.link {
            return Vec::new();
        }
        texts.into_iter().map(|text| Do::Send(task.link, text)).collect()
    }

    /// The thing itself: once for a key.
    fn happen(&mut self, task: &Task) {
        let (_, times) = self.keys.entry(task.key.clone()).or_insert_with(|| (task.action.clone(), 0));
        *times += 1;
        if *times > 1 {
            return;
        }
        match task.action.as_str() {
            "start" => self.on = true,
            "stop" => self.on = false,
            _ => {}
        }
    }

    /// Whether it is there, and has nothing to do.
    pub(crate) fn rests(&self) -> Result<(), String> {
        let undone: BTreeSet<&str> = self.tasks.values().map(|task| task.id.as_str()).collect();
        match self.open && undone.is_empty() {
            true => Ok(()),
            false => Err(format!("agent {} is open: {}, with {undone:?}", self.who, self.open)),
        }
    }
}
