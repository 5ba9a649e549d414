//! What goes into a session and what comes out of it: data, so that a test is a table and the shell has no rules.

use std::{fmt, sync::Arc};

use onair_wire::{
    Collection, Commit, Digest, DocumentId, Epoch, Millis, Mutation, MutationId, Position, ProductionId,
    Revision, sync::StreamFigures,
};
use serde_json::Value;

use crate::{connection::Connection, pending::Pending, problem::Problem, queue::Settled, replica::Changed};

/// A connection of the shell's, by number; what comes from another than the last is not heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link(pub u64);

/// What a session waits for; each timer runs once, and setting it again sets it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Until the first thing is heard over a link, or all is here.
    Open,
    /// Until the next try.
    Retry,
    /// Silence after which the other side is asked.
    Silence,
    /// Until a `ping` is answered.
    Pong,
    /// Until a mutation is answered.
    Answer,
    /// Until what was refused for now is said again.
    Again,
}

impl Timer {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Open, Self::Retry, Self::Silence, Self::Pong, Self::Answer, Self::Again];
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// To connect.
    Start,
    /// To end.
    Stop,
    /// A link came about.
    Opened(Link),
    /// A text came over a link.
    Text(Link, String),
    /// A sign of life that is no message.
    Alive(Link),
    /// A link ended, or did not come about.
    Closed {
        /// Which.
        link: Link,
        /// What the other side closed it with.
        code: Option<u16>,
        /// What it said, or what went wrong.
        problem: Option<Problem>,
    },
    /// A timer has run.
    Timer(Timer),
    /// To try at once, with another token say.
    Reconnect {
        /// The other token.
        token: Option<Token>,
    },
    /// To follow a production.
    Subscribe {
        /// Which.
        production: ProductionId,
        /// Only these collections.
        collections: Option<Vec<Collection>>,
        /// What waits since an earlier run.
        queue: Vec<Pending>,
    },
    /// No longer.
    Unsubscribe(ProductionId),
    /// To change documents.
    Mutate(Mutate),
    /// To say those again that had stopped, or one of them.
    Retry(ProductionId, Option<MutationId>),
    /// To give up what waits, or one of it.
    Clear(ProductionId, Option<MutationId>),
    /// To move the lifecycle.
    Act(Act),
    /// Figures that change fast.
    Signal(ProductionId, StreamFigures),
}

/// Documents to be changed, all or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutate {
    /// Where.
    pub production: ProductionId,
    /// The mutation id.
    pub id: MutationId,
    /// What.
    pub mutations: Vec<Mutation>,
    /// Whether it is merged with what others change meanwhile, or put over it.
    pub merge: bool,
}

/// An action of the lifecycle.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Of what.
    pub production: ProductionId,
    /// The mutation id.
    pub id: MutationId,
    /// Its name.
    pub action: String,
    /// What belongs to it.
    pub params: Option<Value>,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Acted {
    /// It is done, or under way where nobody wanted to wait.
    Moved {
        /// Where the production is by then.
        revision: Revision,
        /// The sequence that carries it out.
        sequence: Option<DocumentId>,
        /// The phase by then.
        phase: String,
    },
    /// It was tried only.
    Planned(Value),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A link is to be made.
    Open(Link),
    /// To be sent over a link.
    Send(Link, Vec<String>),
    /// A link is to be let go.
    Close(Link),
    /// A timer is to run.
    Timer(Timer, Millis),
    /// A timer is to run no longer.
    Cancel(Timer),
    /// To be kept, and kept no longer; before what follows is sent.
    Store(ProductionId, Vec<Pending>, Vec<MutationId>),
    /// The connection is this now.
    Connection(Connection),
    /// A mutation came out.
    Settled(MutationId, Settled),
    /// An action came out.
    Acted(MutationId, Result<Acted, Problem>),
    /// Somebody may want to know.
    Told(ProductionId, Told),
    /// Something about the connection was noticed.
    Report(Report),
}

/// What is told of a production.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It is read anew: everything is this, at this place.
    Snapshot(Position),
    /// One more step is confirmed.
    Commit(Arc<Commit>),
    /// What is shown changed.
    Changed(Vec<Changed>),
    /// Figures that change fast.
    Signal(StreamFigures),
    /// How many watch.
    Presence(u64),
    /// All is here that the server was known to have.
    CaughtUp,
    /// The server does not let this client follow it.
    Refused(Problem),
    /// Something was noticed.
    Report(Report),
}

/// What was noticed and healed, or what a person should know.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The digests differ (row Y6): the state is read anew.
    Diverged {
        /// At which revision.
        revision: Revision,
        /// What the server has.
        server: Digest,
        /// What was here.
        client: Digest,
    },
    /// Commits are missing: they are asked for.
    Gap {
        /// The last that is here.
        have: Revision,
        /// What came.
        got: Revision,
    },
    /// A message that cannot be: the connection is made anew.
    Garbled(String),
    /// The server is behind what it said before, within one log.
    WentBack {
        /// What it said.
        have: Revision,
        /// What it says.
        got: Revision,
    },
    /// Another log: it began anew, was restored or imported.
    Epoch {
        /// The one that was followed.
        before: Option<Epoch>,
        /// The one there is.
        now: Option<Epoch>,
    },
    /// The server is of another version than this client was made for.
    Version {
        /// The server's.
        server: String,
        /// The client's, which is that of the server it was made for.
        client: &'static str,
    },
    /// The server said no to something that nobody waits for.
    Problem(Problem),
    /// The queue could not be stored: it does not survive a crash.
    Storage(String),
}

impl Report {
    /// The word, the same as in every client.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Diverged { .. } => "diverged",
            Self::Gap { .. } => "gap",
            Self::Garbled(_) => "garbled",
            Self::WentBack { .. } => "went-back",
            Self::Epoch { .. } => "epoch",
            Self::Version { .. } => "version",
            Self::Problem(_) => "problem",
            Self::Storage(_) => "storage",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = |epoch: &Option<Epoch>| epoch.as_ref().map_or("none".to_owned(), Epoch::to_string);
        match self {
            Self::Diverged { revision, server, client } => {
                write!(f, "at revision {revision} the server's digest is {server}, ours {client}")
            }
            Self::Gap { have, got } => write!(f, "revision {got} came behind {have}, commits are missing"),
            Self::Garbled(detail) => write!(f, "a message that cannot be: {detail}"),
            Self::WentBack { have, got } => write!(f, "the server is at revision {got}, and was at {have}"),
            Self::Epoch { before, now } => write!(f, "the log is {}, and was {}", log(now), log(before)),
            Self::Version { server, client } => {
                write!(f, "the server is of version {server}, this client was made for {client}")
            }
            Self::Problem(problem) => problem.fmt(f),
            Self::Storage(detail) => write!(f, "the queue could not be stored: {detail}"),
        }
    }
}

/// Who a client is. It is shown to nobody, not even to a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Keeps the token.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
