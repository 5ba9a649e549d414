//! The shell of a session: it does what the session says, with a real socket, timers and a file.
//!
//! The session is behind one lock, held for a few lines and never over an await, so that whoever reads or edits does so
//! at once; what takes time is done by one task, in the order in which it was said.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use onair_wire::{MutationId, ProductionId, Timestamp};
use tokio::{
    sync::{broadcast, mpsc, oneshot, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    connection::Connection,
    problem::Problem,
    queue::Settled,
    session::{Acted, Effect, Input, Link, Report, Session, Timer, Told},
    socket::{Address, Heard, Socket},
    store::Store,
};

/// What a listener may be behind before it is told that it missed something: a busy minute of a large show.
const NEWS_MAX: usize = 4_096;

/// How long the other side may take nothing.
const SEND: Duration = Duration::from_secs(10);

/// What the task does; the rest is done where it was said.
#[derive(Debug)]
enum Work {
    Open(Link),
    Send(Link, Vec<String>),
    Close(Link),
    Timer(Timer, Option<Duration>),
    Store(ProductionId, Vec<crate::Pending>, Vec<MutationId>),
}

/// What the handles and the task share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Held for one input, so that effects leave in the order in which inputs came.
    inner: Mutex<Inner>,
    connection: watch::Sender<Connection>,
    reports: broadcast::Sender<Report>,
}

#[derive(Debug)]
struct Inner {
    session: Session,
    work: mpsc::UnboundedSender<Work>,
    settling: BTreeMap<MutationId, oneshot::Sender<Settled>>,
    acting: BTreeMap<MutationId, oneshot::Sender<Result<Acted, Problem>>>,
    told: BTreeMap<ProductionId, broadcast::Sender<Arc<Told>>>,
    closed: bool,
}

impl Shared {
    pub(crate) fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.subscribe()
    }

    pub(crate) fn reports(&self) -> broadcast::Receiver<Report> {
        self.reports.subscribe()
    }

    /// Looks at the session.
    pub(crate) fn look<T>(&self, how: impl FnOnce(&Session) -> T) -> T {
        how(&self.lock().session)
    }

    /// Listens to a production.
    pub(crate) fn listen(&self, production: &ProductionId) -> broadcast::Receiver<Arc<Told>> {
        self.lock().listen(production)
    }

    /// Follows a production, and listens to it from before its beginning; nothing new where it is followed already.
    pub(crate) fn follow(
        &self,
        production: &ProductionId,
        subscribe: Input,
    ) -> broadcast::Receiver<Arc<Told>> {
        let mut inner = self.lock();
        let told = inner.listen(production);
        self.take(&mut inner, subscribe);
        told
    }

    /// Takes an input.
    pub(crate) fn input(&self, input: Input) {
        self.take(&mut self.lock(), input);
    }

    /// Takes a mutation, and tells how it comes out.
    pub(crate) fn settle(&self, id: MutationId, input: Input) -> oneshot::Receiver<Settled> {
        let (sender, receiver) = oneshot::channel();
        let mut inner = self.lock();
        if !inner.closed {
            inner.settling.insert(id, sender);
            self.take(&mut inner, input);
        }
        receiver
    }

    /// Takes an action, and tells how it comes out.
    pub(crate) fn act(&self, id: MutationId, input: Input) -> oneshot::Receiver<Result<Acted, Problem>> {
        let (sender, receiver) = oneshot::channel();
        let mut inner = self.lock();
        if !inner.closed {
            inner.acting.insert(id, sender);
            self.take(&mut inner, input);
        }
        receiver
    }

    /// Takes the last input. Whoever waits for an outcome hears no more of it; what waits stays in the file.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        self.take(&mut inner, Input::Stop);
        inner.closed = true;
        inner.settling.clear();
        inner.told.clear();
    }

    fn take(&self, inner: &mut Inner, input: Input) {
        if inner.closed {
            return;
        }
        for effect in inner.session.handle(input, now()) {
            self.run(inner, effect);
        }
    }

    /// Does what takes no time, and hands the rest to the task. Whoever does not listen any more is not told.
    fn run(&self, inner: &mut Inner, effect: Effect) {
        let work = match effect {
            Effect::Open(link) => Work::Open(link),
            Effect::Send(link, texts) => Work::Send(link, texts),
            Effect::Close(link) => Work::Close(link),
            Effect::Timer(timer, after) => Work::Timer(timer, Some(after.into())),
            Effect::Cancel(timer) => Work::Timer(timer, None),
            Effect::Store(production, put, drop) => Work::Store(production, put, drop),
            Effect::Connection(connection) => return drop(self.connection.send_replace(connection)),
            Effect::Settled(id, result) => {
                let waits = inner.settling.remove(&id);
                return drop(waits.map(|waits| waits.send(result)));
            }
            Effect::Acted(id, result) => {
                let waits = inner.acting.remove(&id);
                return drop(waits.map(|waits| waits.send(result)));
            }
            Effect::Told(production, told) => {
                let listeners = inner.told.get(&production);
                return drop(listeners.map(|listeners| listeners.send(Arc::new(told))));
            }
            Effect::Report(report) => return drop(self.reports.send(report)),
        };
        // The task ends with the last handle: nobody is left to want this.
        let _ = inner.work.send(work);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds the session")
    }
}

impl Inner {
    fn listen(&mut self, production: &ProductionId) -> broadcast::Receiver<Arc<Told>> {
        if self.closed {
            // Nobody will say anything: the receiver is at its end at once.
            return broadcast::channel(1).1;
        }
        let listeners = self.told.entry(production.clone());
        listeners.or_insert_with(|| broadcast::channel(NEWS_MAX).0).subscribe()
    }
}

/// Milliseconds of the system's clock.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The task that does what takes time.
#[derive(Debug)]
pub(crate) struct Shell {
    address: Address,
    shared: Arc<Shared>,
    work: mpsc::UnboundedReceiver<Work>,
    store: Option<Store>,
    timers: BTreeMap<Timer, Instant>,
    socket: Option<(Link, Socket)>,
    /// What is on its way to be the socket.
    connecting: JoinSet<(Link, Result<Socket, Problem>)>,
}

impl Shell {
    /// A session, what the handles of it share, and the task to run.
    pub(crate) fn new(address: Address, session: Session, store: Option<Store>) -> (Arc<Shared>, Self) {
        let (sender, work) = mpsc::unbounded_channel();
        let connection = session.connection().clone();
        let inner = Inner {
            session,
            work: sender,
            settling: BTreeMap::new(),
            acting: BTreeMap::new(),
            told: BTreeMap::new(),
            closed: false,
        };
        let shared = Arc::new(Shared {
            inner: Mutex::new(inner),
            connection: watch::Sender::new(connection),
            reports: broadcast::Sender::new(NEWS_MAX),
        });
        let shell = Self {
            address,
            shared: Arc::clone(&shared),
            work,
            store,
            timers: BTreeMap::new(),
            socket: None,
            connecting: JoinSet::new(),
        };
        (shared, shell)
    }

    /// Runs until the client is closed.
    pub(crate) async fn run(mut self) {
        self.shared.input(Input::Start);
        loop {
            let due = self.timers.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*timer, *at));
            tokio::select! {
                biased;
                work = self.work.recv() => match work {
                    Some(work) => self.perform(work).await,
                    None => return,
                },
                (link, heard) = hear(&mut self.socket) => self.heard(link, heard),
                Some(Ok((link, came))) = self.connecting.join_next() => self.came(link, came),
                timer = wait(due) => {
                    self.timers.remove(&timer);
                    self.shared.input(Input::Timer(timer));
                }
            }
            if self.shared.lock().closed && self.work.is_empty() {
                return;
            }
        }
    }

    fn heard(&mut self, link: Link, heard: Heard) {
        self.shared.input(match heard {
            Heard::Text(text) => Input::Text(link, text),
            Heard::Alive => Input::Alive(link),
            Heard::Closed(code, problem) => {
                self.socket = None;
                Input::Closed { link, code, problem }
            }
        });
    }

    fn came(&mut self, link: Link, came: Result<Socket, Problem>) {
        self.shared.input(match came {
            Ok(socket) => {
                self.socket = Some((link, socket));
                Input::Opened(link)
            }
            Err(problem) => Input::Closed { link, code: None, problem: Some(problem) },
        });
    }

    async fn perform(&mut self, work: Work) {
        match work {
            Work::Open(link) => {
                let connecting = Socket::connect(self.address.at("/v1/sync"));
                self.connecting.spawn(async move { (link, connecting.await) });
            }
            Work::Send(to, texts) => {
                let Some((link, socket)) = self.socket.as_mut().filter(|(link, _)| *link == to) else {
                    return;
                };
                let (link, sent) = (*link, tokio::time::timeout(SEND, socket.send(texts)).await);
                let late = || Problem::local("timeout", format!("nothing was taken for {SEND:?}"));
                if let Err(problem) = sent.unwrap_or_else(|_| Err(late())) {
                    self.shared.input(Input::Closed { link, code: None, problem: Some(problem) });
                }
            }
            Work::Close(link) => {
                self.connecting.abort_all();
                if let Some((_, socket)) = self.socket.take_if(|(known, _)| *known == link) {
                    socket.close().await;
                }
            }
            Work::Timer(timer, Some(after)) => drop(self.timers.insert(timer, Instant::now() + after)),
            Work::Timer(timer, None) => drop(self.timers.remove(&timer)),
            Work::Store(production, put, drop) => self.store(production, put, drop).await,
        }
    }

    async fn store(&mut self, production: ProductionId, put: Vec<crate::Pending>, drop: Vec<MutationId>) {
        let Some(mut store) = self.store.take() else { return };
        let written = tokio::task::spawn_blocking(move || {
            let written = store.write(production, put, drop);
            (store, written)
        });
        let failed = match written.await {
            Ok((store, written)) => {
                self.store = Some(store);
                written.err().map(|error| error.to_string())
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(detail) = failed {
            // Whoever does not listen is not told.
            let _ = self.shared.reports.send(Report::Storage(detail));
        }
    }
}

async fn hear(socket: &mut Option<(Link, Socket)>) -> (Link, Heard) {
    match socket {
        Some((link, socket)) => (*link, socket.next().await),
        None => std::future::pending().await,
    }
}

async fn wait(due: Option<(Timer, Instant)>) -> Timer {
    match due {
        Some((timer, at)) => {
            sleep_until(at).await;
            timer
        }
        None => std::future::pending().await,
    }
}
