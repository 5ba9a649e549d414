//! What comes from the server, looked at before it is believed: a frame that was cut or made up changes nothing.

use std::collections::BTreeMap;

use onair_wire::{
    Actor, Cause, Change, Commit, Digest, DocumentId, Documents, Epoch, Fingerprint, MutationId, Outcome,
    Position, ProductionId, Receipt, Revision, Timestamp, sync::StreamFigures,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{events::Event, problem::Problem};

/// What the server says.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerMessage {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// The answer to `subscribe`.
    Subscribed {
        /// To what.
        production: ProductionId,
        /// Where it is.
        position: Position,
    },
    /// Everything, to start from.
    Snapshot {
        /// Of what.
        production: ProductionId,
        /// Everything up to this.
        position: Position,
        /// The documents.
        documents: Documents,
    },
    /// One step of a production.
    Commit {
        /// Of which.
        production: ProductionId,
        /// Of which log, if it says so.
        epoch: Option<Epoch>,
        /// What became true.
        commit: Box<Commit>,
    },
    /// Figures that change fast.
    Signal {
        /// Of what.
        production: ProductionId,
        /// The figures that are known.
        stream: StreamFigures,
    },
    /// How many watch.
    Presence {
        /// What.
        production: ProductionId,
        /// Subscribers over all transports.
        clients: u64,
    },
    /// What the cache should come to at this revision (row Y6).
    Digest {
        /// Of what.
        production: ProductionId,
        /// At which revision.
        revision: Revision,
        /// The digest of the collections subscribed to.
        digest: Digest,
    },
    /// What came of what was asked.
    Result(Answer),
    /// A refusal.
    Problem {
        /// What it was called, if it is about one thing.
        id: Option<String>,
        /// The production, if it is about a subscription.
        production: Option<ProductionId>,
        /// Why.
        problem: Problem,
    },
    /// The answer to `ping`.
    Pong,
    /// A newer server may say more; what this client does not know, it need not hear.
    Unknown,
}

/// `welcome`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// Milliseconds between two signs of life.
    pub heartbeat: u64,
    /// The role the client has.
    #[serde(default)]
    pub role: String,
    /// The server's version.
    #[serde(default)]
    pub server: String,
    /// What the client may do at most.
    #[serde(default)]
    pub limits: Limits,
}

/// What of the limits matters here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Bytes of a message from the client.
    pub message_bytes: usize,
    /// Mutations in one `mutate`.
    pub batch: usize,
}

impl Default for Limits {
    /// Those of the contract, section 4.
    fn default() -> Self {
        Self { message_bytes: 64 * 1024, batch: 1_000 }
    }
}

/// `result`: of a mutation, or of an action.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Answer {
    /// What it was called.
    pub id: MutationId,
    /// The commit that carries it, or where the production is by then.
    pub revision: Revision,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default)]
    conflicts: Vec<DocumentId>,
    /// The sequence that carries an action out.
    #[serde(default)]
    pub sequence: Option<DocumentId>,
    /// The phase by then.
    #[serde(default)]
    pub phase: Option<String>,
    /// What an action that was tried only would do.
    #[serde(default)]
    pub plan: Option<Value>,
}

impl Answer {
    /// What a mutation came to.
    pub(super) fn receipt(self) -> Receipt {
        let Self { revision, outcome, conflicts, .. } = self;
        Receipt { revision, outcome: outcome.unwrap_or(Outcome::Applied), conflicts, sequence: None }
    }
}

impl ServerMessage {
    /// Reads one message of a socket.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut members: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        match members.remove("type") {
            Some(Value::String(kind)) => Self::of_kind(&kind, members),
            _ => Err("a message has a `type`".to_owned()),
        }
    }

    /// Reads one event of an event stream of `production`.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn of_event(production: &ProductionId, event: &Event) -> Result<Self, String> {
        let mut members: Map<String, Value> =
            serde_json::from_str(&event.data).map_err(|error| error.to_string())?;
        members.entry("production").or_insert_with(|| production.as_str().into());
        if event.name == "commit"
            && let Some((epoch, _)) = event.id.as_deref().and_then(|id| id.split_once(':'))
        {
            members.insert("epoch".into(), epoch.into());
        }
        Self::of_kind(&event.name, members)
    }

    fn of_kind(kind: &str, mut members: Map<String, Value>) -> Result<Self, String> {
        Ok(match kind {
            "welcome" => Self::Welcome(of(kind, members)?),
            "subscribed" => {
                let Placed { production, epoch, revision, .. } = of(kind, members)?;
                Self::Subscribed { production, position: Position { epoch, revision } }
            }
            "snapshot" => {
                let Placed { production, epoch, revision, documents } = of(kind, members)?;
                let position = Position { epoch, revision };
                let documents = documents.ok_or("a snapshot has `documents`")?;
                let late = documents.values().flat_map(BTreeMap::values).any(|it| it.revision > revision);
                if late {
                    return Err(format!("a snapshot of revision {revision} has a document of a later one"));
                }
                Self::Snapshot { production, position, documents }
            }
            "commit" => commit(of(kind, members)?)?,
            "signal" => of(kind, members)
                .map_or(Self::Unknown, |Figures { production, stream }| Self::Signal { production, stream }),
            "presence" => of(kind, members).map_or(Self::Unknown, |Watched { production, clients }| {
                Self::Presence { production, clients }
            }),
            "digest" => {
                let Digested { production, revision, digest } = of(kind, members)?;
                Self::Digest { production, revision, digest }
            }
            "result" => Self::Result(of(kind, members)?),
            "problem" => {
                let id = members.remove("id").and_then(|id| id.as_str().map(str::to_owned));
                let production = members.get("production").and_then(Value::as_str);
                let production = production.and_then(|name| name.parse().ok());
                Self::Problem { id, production, problem: of(kind, members)? }
            }
            "pong" => Self::Pong,
            _ => Self::Unknown,
        })
    }
}

fn of<T: DeserializeOwned>(kind: &str, members: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(members.into()).map_err(|error| format!("`{kind}`: {error}"))
}

fn commit(said: Committed) -> Result<ServerMessage, String> {
    let Committed { production, epoch, revision, at, actor, mutation, fingerprint, cause, changes } = said;
    if let Some(change) = changes.iter().find(|change| change.revision != revision) {
        return Err(format!("commit {revision} has a change of revision {}", change.revision));
    }
    let commit = Commit { revision, at, actor, mutation, fingerprint, cause, changes };
    Ok(ServerMessage::Commit { production, epoch, commit: Box::new(commit) })
}

#[derive(Deserialize)]
struct Placed {
    production: ProductionId,
    epoch: Epoch,
    revision: Revision,
    #[serde(default)]
    documents: Option<Documents>,
}

#[derive(Deserialize)]
struct Figures {
    production: ProductionId,
    stream: StreamFigures,
}

#[derive(Deserialize)]
struct Watched {
    production: ProductionId,
    clients: u64,
}

#[derive(Deserialize)]
struct Digested {
    production: ProductionId,
    revision: Revision,
    digest: Digest,
}

/// A commit as it is heard: what a newer server says beside it is passed over.
#[derive(Deserialize)]
struct Committed {
    production: ProductionId,
    #[serde(default)]
    epoch: Option<Epoch>,
    revision: Revision,
    at: Timestamp,
    actor: Actor,
    #[serde(default)]
    mutation: Option<MutationId>,
    #[serde(default)]
    fingerprint: Option<Fingerprint>,
    cause: Cause,
    changes: Vec<Change>,
}
