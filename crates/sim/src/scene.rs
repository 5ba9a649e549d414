//! What every actor knows of its world, and what it can have done: data, so that an actor is a function and the world
//! alone has a clock, a network and a queue.

use onair_wire::{Mutation, MutationId, ProductionId, Timestamp};

use crate::ledger::Books;

/// The time of the machine when a run begins.
pub(crate) const BEGINNING: i64 = 1_800_000_000_000;

/// Who acts: the number orders what happens at the same time.
pub(crate) type Who = u64;

/// What an actor sees when something happens to it.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// Milliseconds since the beginning.
    pub(crate) now: u64,
    pub(crate) production: ProductionId,
    pub(crate) books: Books,
    /// Whether there are faults and work; if not, all is to come to rest.
    pub(crate) busy: bool,
}

impl Scene {
    pub(crate) fn at(&self) -> Timestamp {
        Timestamp::from_millis(BEGINNING + i64::try_from(self.now).expect("a short run"))
    }
}

/// What an actor wants, in this order.
#[derive(Debug)]
pub(crate) enum Do {
    /// A connection, under a number of the actor's own.
    Connect(u64),
    /// A message over it.
    Send(u64, String),
    /// To be let go.
    Close(u64),
    /// To be woken with this word after so many milliseconds.
    Wake(u64, u64),
    /// A request to be made.
    Ask(Box<Request>),
}

/// A request over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Which of the actor's.
    pub(crate) number: u64,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) number: u64,
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) body: Vec<u8>,
    /// What was on the disk when it was answered.
    pub(crate) durable: u64,
}

/// A mutation as it goes to the books.
pub(crate) fn note(scene: &Scene, id: &MutationId, mutations: &[Mutation]) {
    let mut books = scene.books.lock();
    let epoch = books.now.clone();
    books.asks(id, mutations, epoch.as_ref());
}
