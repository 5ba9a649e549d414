//! A client: one connection to a server, any number of productions kept in step over it.
//!
//! A handle is cheap to clone. What is read is what is here; what is edited is shown at once, sent when it can be, and
//! its outcome is a future. The one task behind it ends when the client is closed, or its last handle is gone.

use std::{
    future::Future,
    io,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use onair_wire::{
    Collection, Digest, DocumentId, Edit, Mutation, MutationId, Position, ProductionId, Receipt, Revision,
    sync::StreamFigures,
};
use serde_json::Value;
use thiserror::Error;
use tokio::{
    sync::{broadcast, oneshot, watch},
    task::JoinSet,
};

use crate::{
    backoff::Backoff,
    connection::Connection,
    pending::Pending,
    problem::{Problem, code},
    replica::Document,
    session::{self, Act, Acted, Input, Mutate, Report, Session, Token, Told},
    shell::{Shared, Shell},
    socket::{Address, AddressError},
    store::Store,
};

/// What a client is told once.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server, `http://127.0.0.1:4200` say.
    pub url: String,
    /// Who it is; nothing on the server's own machine.
    pub token: Option<Token>,
    /// What the program calls itself, shown among the clients.
    pub name: String,
    /// How tries are spaced.
    pub backoff: Backoff,
    /// Where what waits is kept, so that it survives a crash; nothing: in memory only. One client per file.
    pub queue: Option<PathBuf>,
}

impl Options {
    /// The server there, nobody in particular, a queue in memory.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let (url, name) = (url.into(), "onair-client".to_owned());
        Self { url, token: None, name, backoff: Backoff::default(), queue: None }
    }
}

/// Why a client could not begin.
#[derive(Debug, Error)]
pub enum Error {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The queue's file cannot be used.
    #[error("the queue's file: {0}")]
    Queue(#[source] io::Error),
}

/// A connection to a server that comes back by itself.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    /// What waits since an earlier run, given to each production once.
    stored: Mutex<Option<Vec<(ProductionId, Vec<Pending>)>>>,
    /// The first half of every mutation id of this client.
    session: u64,
    task: Mutex<JoinSet<()>>,
}

impl Client {
    /// Begins to connect, within a tokio runtime. It goes on until it is closed, or hopeless.
    ///
    /// # Errors
    /// [`Error`]. That no server is there is none: it may come.
    pub fn connect(options: Options) -> Result<Self, Error> {
        let Options { url, token, name, backoff, queue } = options;
        let address = Address::parse(&url)?;
        let store = queue.map(|path| Store::open(&path)).transpose().map_err(Error::Queue)?;
        let stored = store.as_ref().map(Store::all).unwrap_or_default();
        let session = Session::new(session::Options { name, token, backoff, seed: chance() });
        let (shared, shell) = Shell::new(address, session, store);
        let mut task = JoinSet::new();
        task.spawn(shell.run());
        let (stored, task) = (Mutex::new(Some(stored)), Mutex::new(task));
        Ok(Self(Arc::new(Inner { shared, stored, session: chance(), task })))
    }

    /// Follows a production, or some of its collections; the same one twice is followed once, as it was asked for first.
    #[must_use]
    pub fn production(&self, id: ProductionId, collections: Option<Vec<Collection>>) -> Production {
        let queue = self.0.stored(&id);
        let input = Input::Subscribe { production: id.clone(), collections, queue };
        self.0.shared.follow(&id, input);
        Production { client: self.clone(), id }
    }

    /// How it stands with the server, now and as it changes.
    #[must_use]
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.0.shared.connection()
    }

    /// What is noticed about the connection: another version, a message that cannot be, a queue that cannot be stored.
    #[must_use]
    pub fn reports(&self) -> broadcast::Receiver<Report> {
        self.0.shared.reports()
    }

    /// Tries at once, with another token where one was refused.
    pub fn reconnect(&self, token: Option<Token>) {
        self.0.shared.input(Input::Reconnect { token });
    }

    /// Ends the connection. What waits stays in the queue's file, where there is one; nobody is told how it comes out.
    ///
    /// # Cancellation
    /// It goes on when the future is dropped, but for the good-bye, which may not be said.
    pub async fn close(&self) {
        self.0.shared.close();
        let task = std::mem::take(&mut *self.0.task.lock().expect("nothing panics while it holds the task"));
        task.join_all().await;
    }
}

impl Inner {
    fn stored(&self, production: &ProductionId) -> Vec<Pending> {
        let mut stored = self.stored.lock().expect("nothing panics while it holds what is stored");
        let Some(all) = stored.as_mut() else { return Vec::new() };
        let mut own = all.extract_if(.., |(id, _)| id == production);
        own.next().map(|(_, pending)| pending).unwrap_or_default()
    }

    fn new_id(&self) -> MutationId {
        let id = format!("m-{:016x}{:016x}", self.session, chance());
        MutationId::new(id).expect("a letter, a dash and digits")
    }
}

/// Chance from the system.
fn chance() -> u64 {
    getrandom::u64().expect("the system has random numbers")
}

/// One production, kept in step. Cheap to clone; it is followed for as long as the client is there, or until it is
/// [`Production::unsubscribe`]d.
#[derive(Clone, Debug)]
pub struct Production {
    client: Client,
    id: ProductionId,
}

/// How an edit is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditOptions {
    /// The document's revision without which nothing is done; zero: there must be none.
    pub if_revision: Option<Revision>,
    /// Whether it is merged with what others change meanwhile; else it is put over that.
    pub merge: bool,
}

impl Default for EditOptions {
    fn default() -> Self {
        Self { if_revision: None, merge: true }
    }
}

impl Production {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ProductionId {
        &self.id
    }

    /// Waits until all is here that the server has.
    ///
    /// # Errors
    /// The problem, when the server does not let this client follow it, or the client is hopeless or closed.
    ///
    /// # Cancellation
    /// Nothing changes when the future is dropped.
    pub async fn ready(&self) -> Result<(), Problem> {
        let mut told = self.shared().listen(&self.id);
        let mut connection = self.client.connection();
        loop {
            let here = |session: &Session| session.stands(&self.id);
            if let Some(how) = self.shared().look(here) {
                return how;
            }
            tokio::select! {
                told = told.recv() => if let Err(broadcast::error::RecvError::Closed) = told {
                    return Err(closed());
                },
                changed = connection.changed() => changed.map_err(|_| closed())?,
            }
        }
    }

    /// A document as it is shown.
    #[must_use]
    pub fn get(&self, collection: &Collection, id: &DocumentId) -> Option<Document> {
        self.shared().look(|session| session.replica(&self.id)?.get(collection, id))
    }

    /// The documents of a collection as they are shown, by id.
    #[must_use]
    pub fn documents(&self, collection: &Collection) -> Vec<Document> {
        let all = |session: &Session| session.replica(&self.id).map(|replica| replica.all(collection));
        self.shared().look(all).unwrap_or_default()
    }

    /// The place of what is confirmed.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.shared().look(|session| session.replica(&self.id)?.position())
    }

    /// The digest of what is confirmed (row Y6).
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.shared().look(|session| session.replica(&self.id)?.confirmed().map(|cache| cache.digest()))
    }

    /// The mutations that wait, with those that no longer go by themselves.
    #[must_use]
    pub fn queue(&self) -> Vec<Pending> {
        let all = |session: &Session| session.queue(&self.id).map(|queue| queue.all().to_vec());
        self.shared().look(all).unwrap_or_default()
    }

    /// What happens from now on: commits, changes in what is shown, figures, reports. A listener that is too slow is
    /// told how much it missed, and reads what is here.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Arc<Told>> {
        self.shared().listen(&self.id)
    }

    /// That the document be this.
    #[must_use]
    pub fn put(&self, collection: Collection, document: DocumentId, value: Value) -> Outcome<Receipt> {
        self.edit(collection, document, Edit::Put(Arc::new(value)))
    }

    /// A JSON Merge Patch (RFC 7396): members are set, null removes one.
    #[must_use]
    pub fn patch(&self, collection: Collection, document: DocumentId, patch: Value) -> Outcome<Receipt> {
        self.edit(collection, document, Edit::Patch(Arc::new(patch)))
    }

    /// That the document be gone.
    #[must_use]
    pub fn delete(&self, collection: Collection, document: DocumentId) -> Outcome<Receipt> {
        self.edit(collection, document, Edit::Delete)
    }

    /// Brings a deleted document back, or the version of a revision.
    #[must_use]
    pub fn restore(
        &self,
        collection: Collection,
        document: DocumentId,
        revision: Option<Revision>,
    ) -> Outcome<Receipt> {
        self.edit(collection, document, Edit::Restore(revision))
    }

    fn edit(&self, collection: Collection, document: DocumentId, edit: Edit) -> Outcome<Receipt> {
        let mutation = Mutation { collection, document, edit, base: None, if_revision: None };
        self.mutate(vec![mutation], EditOptions::default())
    }

    /// All or nothing: shown at once, kept until the server has answered, taken back where it is refused. It is on its
    /// way when this returns, whether the outcome is waited for or not.
    #[must_use]
    pub fn mutate(&self, mut mutations: Vec<Mutation>, options: EditOptions) -> Outcome<Receipt> {
        let EditOptions { if_revision, merge } = options;
        for mutation in &mut mutations {
            mutation.if_revision = mutation.if_revision.or(if_revision);
        }
        let (id, production) = (self.client.0.new_id(), self.id.clone());
        let mutate = Mutate { production, id: id.clone(), mutations, merge };
        Outcome(self.shared().settle(id, Input::Mutate(mutate)))
    }

    /// Moves the lifecycle: `initialize`, `start`, `stop`, `pause`, `resume`, `emergency-stop` or `recover`. What comes
    /// of it may take as long as the show's steps; without a connection it is refused at once, since it is for now.
    #[must_use]
    pub fn act(&self, action: &str, params: Option<Value>) -> Outcome<Acted> {
        let (id, production) = (self.client.0.new_id(), self.id.clone());
        let act = Act { production, id: id.clone(), action: action.to_owned(), params };
        Outcome(self.shared().act(id, Input::Act(act)))
    }

    /// Figures that change fast (row T1); without a connection they are dropped.
    pub fn signal(&self, stream: StreamFigures) {
        self.shared().input(Input::Signal(self.id.clone(), stream));
    }

    /// Says those again that had stopped, or one of them.
    pub fn retry(&self, id: Option<MutationId>) {
        self.shared().input(Input::Retry(self.id.clone(), id));
    }

    /// Gives up what waits, or one of it; what is shown of it is taken back.
    pub fn clear(&self, id: Option<MutationId>) {
        self.shared().input(Input::Clear(self.id.clone(), id));
    }

    /// Follows it no longer. What waits for it is not sent any more, and stays in the queue's file.
    pub fn unsubscribe(self) {
        self.shared().input(Input::Unsubscribe(self.id.clone()));
    }

    fn shared(&self) -> &Shared {
        &self.client.0.shared
    }
}

fn closed() -> Problem {
    Problem::local(code::CLOSED, "this client was closed")
}

/// How something comes out. Dropping it changes nothing but that nobody hears of it.
#[derive(Debug)]
pub struct Outcome<T>(oneshot::Receiver<Result<T, Problem>>);

impl<T> Future for Outcome<T> {
    type Output = Result<T, Problem>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|came| came.unwrap_or_else(|_| Err(closed())))
    }
}
