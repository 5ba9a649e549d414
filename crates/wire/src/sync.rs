//! The sync protocol: JSON text messages over `GET /v1/sync`. Contract, section 4.
//!
//! A client says `hello` and is answered by `welcome`; it subscribes to productions and is answered by
//! `subscribed`, then by a `snapshot` or the commits it lacks, then by every commit as it comes. What it asks under
//! an `id` is answered under the same `id` by `result` or `problem`, behind the commit that carries it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    After, Collection, Digest, DocumentId, Documents, Epoch, Mutation, MutationId, Outcome, Problem,
    ProductionId, Receipt, Revision,
    json::{self, JsonError},
};

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(tag = "type", rename_all = "camelCase"))]
pub enum ClientMessage {
    /// First of all.
    Hello(Hello),
    /// To be kept in step with a production.
    Subscribe(Subscribe),
    /// No longer.
    Unsubscribe(Unsubscribe),
    /// To change documents.
    Mutate(Mutate),
    /// To move the lifecycle.
    Action(Action),
    /// Figures that change fast (row T1).
    Signal(Signal),
    /// To hear `pong`.
    Ping,
}

/// `hello`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(optional_fields))]
pub struct Hello {
    /// Who it is; browsers cannot send a header.
    #[serde(default)]
    pub token: Option<String>,
    /// What it is: a name, or an object with `name` and `version`; shown among the clients.
    #[serde(default)]
    pub client: Option<Value>,
}

/// `subscribe`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(optional_fields))]
pub struct Subscribe {
    /// To what.
    pub production: ProductionId,
    /// What it has already; nothing means a snapshot.
    #[serde(default)]
    pub after: Option<After>,
    /// Only these; nothing means all.
    #[serde(default)]
    pub collections: Option<Vec<Collection>>,
    /// What its cache comes to at `after`. When the server's state of that revision comes to something else, the client
    /// went astray: it is counted, and given a snapshot (row Y6).
    #[serde(default)]
    pub digest: Option<Digest>,
}

/// `unsubscribe`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Unsubscribe {
    /// From what.
    pub production: ProductionId,
}

/// `mutate`: all or nothing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Mutate {
    /// What the answer is called, and the mutation remembered by.
    pub id: MutationId,
    /// Where.
    pub production: ProductionId,
    /// What.
    pub mutations: Vec<Mutation>,
}

/// `action`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(optional_fields))]
pub struct Action {
    /// What the answer is called.
    pub id: MutationId,
    /// Where.
    pub production: ProductionId,
    /// What.
    #[cfg_attr(feature = "types", ts(type = "ActionName"))]
    pub action: String,
    /// How.
    #[serde(default)]
    pub params: Option<Value>,
}

/// `signal`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Signal {
    /// Of what.
    pub production: ProductionId,
    /// The figures.
    pub stream: StreamFigures,
}

/// The figures of a stream that change fast (row T1); what is left out stays as it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct StreamFigures {
    /// Frames per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// Frames per second wanted.
    #[serde(default, rename = "targetFPS", skip_serializing_if = "Option::is_none")]
    pub target_fps: Option<f64>,
    /// Frames since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_count: Option<u64>,
    /// Frames that were not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_frames: Option<u64>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_render_time: Option<f64>,
}

impl StreamFigures {
    /// Takes over what `newer` says.
    pub fn update(&mut self, newer: &Self) {
        self.fps = newer.fps.or(self.fps);
        self.target_fps = newer.target_fps.or(self.target_fps);
        self.frame_count = newer.frame_count.or(self.frame_count);
        self.dropped_frames = newer.dropped_frames.or(self.dropped_frames);
        self.average_render_time = newer.average_render_time.or(self.average_render_time);
    }

    /// The first figure below zero, if any.
    #[must_use]
    pub fn negative(&self) -> Option<&'static str> {
        let figures = [
            ("fps", self.fps),
            ("targetFPS", self.target_fps),
            ("averageRenderTime", self.average_render_time),
        ];
        figures.into_iter().find(|(_, figure)| figure.is_some_and(|f| f < 0.0)).map(|(name, _)| name)
    }
}

/// A message that could not be understood: the problem, and the `id` to answer under if it had one.
#[derive(Clone, Debug, PartialEq)]
pub struct Misunderstood {
    /// The message's own `id`.
    pub id: Option<String>,
    /// What is wrong.
    pub problem: Box<Problem>,
}

impl Misunderstood {
    pub(crate) fn new(id: Option<String>, error: JsonError) -> Self {
        Self { id, problem: Box::new(Problem::of("the message", error)) }
    }
}

impl ClientMessage {
    /// Every `type` a client can say.
    pub const TYPES: &'static [&'static str] =
        &["hello", "subscribe", "unsubscribe", "mutate", "action", "signal", "ping"];

    /// Reads one message.
    ///
    /// # Errors
    /// [`Misunderstood`], with `bad-json` or `invalid` and the place.
    pub fn parse(text: &[u8]) -> Result<Self, Misunderstood> {
        let Opened { kind, id, value } = open(text)?;
        if kind == "mutate" {
            // What comes often is mostly well formed; where it is not, it is read once more for the place of the mistake.
            if let Some(mutate) = json::from_value_in_haste(value) {
                return Ok(Self::Mutate(mutate));
            }
            return Self::of_kind(&kind, open(text)?.value).map_err(|error| Misunderstood::new(id, error));
        }
        Self::of_kind(&kind, value).map_err(|error| Misunderstood::new(id, error))
    }

    fn of_kind(kind: &str, value: Value) -> Result<Self, JsonError> {
        Ok(match kind {
            "hello" => Self::Hello(json::from_value(value)?),
            "subscribe" => Self::Subscribe(json::from_value(value)?),
            "unsubscribe" => Self::Unsubscribe(json::from_value(value)?),
            "mutate" => Self::Mutate(json::from_value(value)?),
            "action" => Self::Action(json::from_value(value)?),
            "signal" => Self::Signal(json::from_value(value)?),
            "ping" => Self::Ping,
            other => return Err(unknown_kind(other, Self::TYPES)),
        })
    }
}

/// A message of either protocol whose `type` is known and whose members are not.
pub(crate) struct Opened {
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
    /// The members without `type`.
    pub(crate) value: Value,
}

/// Reads what all messages have.
pub(crate) fn open(text: &[u8]) -> Result<Opened, Misunderstood> {
    let not_read = |error: JsonError| Misunderstood::new(None, error);
    let mut value = json::parse(text).map_err(not_read)?;
    let invalid =
        |pointer: &str, detail: String| not_read(JsonError::Invalid { pointer: pointer.to_owned(), detail });
    let Some(message) = value.as_object_mut() else {
        return Err(invalid("", "a message is an object with a `type`".into()));
    };
    let id = message.get("id").and_then(Value::as_str).map(str::to_owned);
    match message.remove("type") {
        Some(Value::String(kind)) => Ok(Opened { kind, id, value }),
        Some(_) => Err(invalid("/type", "`type` is a text".into())),
        None => Err(invalid("/type", "a message has a `type`".into())),
    }
}

/// A `type` that is none of those that are known.
pub(crate) fn unknown_kind(kind: &str, known: &[&str]) -> JsonError {
    let detail = format!("there is no message `{}`, only `{}`", kind.escape_debug(), known.join("`, `"));
    JsonError::Invalid { pointer: "/type".into(), detail }
}

/// What the server says. `commit` is not here: it is the bytes of the log with a head of its own.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub enum ServerMessage<'a> {
    /// The answer to `hello`.
    Welcome(&'a Welcome),
    /// The answer to `subscribe`.
    Subscribed {
        /// To what.
        production: &'a ProductionId,
        /// Which log.
        epoch: &'a Epoch,
        /// How far it is.
        revision: Revision,
    },
    /// Everything, to start from.
    Snapshot {
        /// Of what.
        production: &'a ProductionId,
        /// Which log.
        epoch: &'a Epoch,
        /// Everything up to this.
        revision: Revision,
        /// The documents, those of the server included.
        documents: &'a Documents,
    },
    /// Figures that change fast.
    Signal {
        /// Of what.
        production: &'a ProductionId,
        /// The figures that are known.
        stream: &'a StreamFigures,
    },
    /// How many watch.
    Presence {
        /// What.
        production: &'a ProductionId,
        /// Subscribers over all transports.
        clients: usize,
    },
    /// What the client's cache should come to at this revision (row Y6).
    Digest {
        /// Of what.
        production: &'a ProductionId,
        /// At which revision.
        revision: Revision,
        /// The digest of the collections subscribed to.
        digest: Digest,
    },
    /// The answer to `mutate`.
    Result {
        /// What the client called it.
        id: &'a MutationId,
        /// What it came to.
        #[serde(flatten)]
        receipt: &'a Receipt,
    },
    /// The answer to `action`.
    #[serde(rename = "result")]
    Acted {
        /// What the client called it.
        id: &'a MutationId,
        /// Where the production is by then.
        revision: Revision,
        /// Always `applied`: what comes out otherwise is a problem.
        outcome: Outcome,
        /// The sequence that carries it out; a flag needs none.
        sequence: Option<&'a DocumentId>,
        /// The phase by then.
        #[cfg_attr(feature = "types", ts(type = "Phase"))]
        phase: &'a str,
    },
    /// The answer to an `action` that was to be tried only.
    #[serde(rename = "result")]
    Planned {
        /// What the client called it.
        id: &'a MutationId,
        /// The revision that was looked at.
        revision: Revision,
        /// What would be done.
        #[cfg_attr(feature = "types", ts(type = "Plan"))]
        plan: Value,
    },
    /// A refusal.
    Problem {
        /// What the client called it, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "types", ts(optional))]
        id: Option<&'a str>,
        /// Why.
        #[serde(flatten)]
        problem: Unkinded<'a>,
    },
    /// The answer to `ping`.
    Pong,
}

/// A problem inside a message, where `type` is the message's own; the page of the code is under `see`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "types", derive(ts_rs::TS), ts(rename = "MessageProblem"))]
pub struct Unkinded<'a> {
    see: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: crate::Code,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[cfg_attr(feature = "types", ts(as = "Option<Vec<crate::Detail>>", optional))]
    errors: &'a [crate::Detail],
    #[serde(flatten)]
    more: &'a serde_json::Map<String, Value>,
}

impl<'a> From<&'a Problem> for Unkinded<'a> {
    fn from(problem: &'a Problem) -> Self {
        let Problem { kind, title, status, detail, code, errors, more } = problem;
        Self { see: kind, title, status: *status, detail, code: *code, errors, more }
    }
}

impl ServerMessage<'_> {
    /// The text to send.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("messages have string keys and finite numbers only")
    }
}

/// `welcome`: who the client is here, and the limits it meets.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Welcome {
    /// A name for this connection, shown among the clients.
    pub session: String,
    /// Milliseconds between two signs of life that the server gives and expects.
    pub heartbeat: u64,
    /// The role it has.
    pub role: String,
    /// The server's version.
    pub server: String,
    /// Where the productions are that it is likely to ask for, as positions by name.
    pub positions: std::collections::BTreeMap<ProductionId, String>,
    /// What it may do at most.
    pub limits: Limits,
}

/// The limits of a connection.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Limits {
    /// Bytes of a message from the client.
    pub message_bytes: usize,
    /// Productions subscribed to at once.
    pub subscriptions: usize,
    /// Mutations sent and not yet answered; more wait unread.
    pub pending_mutations: usize,
    /// Mutations in one `mutate`.
    pub batch: usize,
}
