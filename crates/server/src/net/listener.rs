//! Accepts TCP connections and serves HTTP/1.1 on each, until told to stop.
//!
//! No HTTP/2 here: browsers speak it only over TLS, which ends at the proxy in front, and a WebSocket needs a
//! connection of its own. What a single connection can cost before it has said who it is has three limits: how many
//! there are, how long a head may take, and how large it may be.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{HttpSide, Line};

/// Connections at once, sockets included. Each is a file descriptor; the usual hard limit of a service is 65,536.
pub const CONNECTIONS_MAX: usize = 20_000;

/// What a head may take to arrive, from the connection's begin or the end of the request before.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a head, request line included: room for a token and a browser's cookies.
pub const HEADER_BYTES_MAX: usize = 16 << 10;

/// Connections that wait to be accepted. All clients of a show come back at once after a restart, and one that finds no
/// place tries again only a second later.
const BACKLOG: u32 = 4096;

/// How long to wait when the system has no descriptor left; somebody has to leave first.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// Where a request came from, in its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// How many are in, and how many were not let in. Shared with the metrics.
#[derive(Debug, Default)]
pub struct Door {
    open: AtomicUsize,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl Door {
    /// Connections open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections closed at once because there were too many.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Times the system could not accept, for lack of descriptors mostly.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

/// A place inside, in the extensions of a request; whoever takes the socket over takes the place with it.
#[derive(Clone, Debug)]
pub struct Admission {
    _place: Arc<Place>,
}

#[derive(Debug)]
struct Place(Arc<Door>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The limits of a listener.
#[derive(Clone, Debug)]
pub struct Options {
    /// See [`CONNECTIONS_MAX`].
    pub connections_max: usize,
    /// See [`HEADER_TIMEOUT`].
    pub header_timeout: Duration,
    /// See [`HEADER_BYTES_MAX`].
    pub header_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            header_timeout: HEADER_TIMEOUT,
            header_bytes_max: HEADER_BYTES_MAX,
        }
    }
}

/// A bound socket with its limits.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    options: Options,
    door: Arc<Door>,
}

impl Listener {
    /// Binds `address` and listens; port 0 lets the system choose.
    ///
    /// # Errors
    /// What the system says, an address in use mostly.
    pub fn bind(address: SocketAddr, options: Options) -> io::Result<Self> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { socket: socket.listen(BACKLOG)?, options, door: Arc::default() })
    }

    /// The address, with the port that the system chose.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The counters.
    #[must_use]
    pub fn door(&self) -> Arc<Door> {
        Arc::clone(&self.door)
    }

    /// Accepts until `cancel`; then returns, and each connection ends by itself behind the answer it is giving. They
    /// run in `tasks`, which the caller waits for. A socket that was taken over by a handler is the handler's.
    pub async fn serve(self, router: Router, tasks: TaskTracker, cancel: CancellationToken) {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.options.header_timeout)
            .max_header_size(self.options.header_bytes_max);
        let accepting = async {
            loop {
                let (stream, peer) = self.accept().await;
                let Some(admission) = self.admit() else { continue };
                let served = serve(http.clone(), stream, peer, admission, router.clone(), cancel.clone());
                tasks.spawn(served);
            }
        };
        cancel.run_until_cancelled(accepting).await;
    }

    /// The next connection, whatever fails before it.
    async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.socket.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if gone_already(&error) => {}
                Err(_) => {
                    self.door.failed.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(EXHAUSTED_WAIT).await;
                }
            }
        }
    }

    fn admit(&self) -> Option<Admission> {
        let place = Place(Arc::clone(&self.door));
        if self.door.open.fetch_add(1, Ordering::Relaxed) < self.options.connections_max {
            return Some(Admission { _place: Arc::new(place) });
        }
        self.door.refused.fetch_add(1, Ordering::Relaxed);
        None
    }
}

fn gone_already(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve(
    http: http1::Builder,
    stream: TcpStream,
    peer: SocketAddr,
    admission: Admission,
    router: Router,
    cancel: CancellationToken,
) {
    // Only a socket that is gone refuses it, and reading will say so.
    let _ = stream.set_nodelay(true);
    let line = Line::new(stream);
    let io = TokioIo::new(HttpSide(Arc::clone(&line)));
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(admission.clone());
        request.extensions_mut().insert(Arc::clone(&line));
        routes.call(request)
    });
    let connection = http.serve_connection(io, service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = &mut connection => {}
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // What the client did wrong meanwhile is of no interest any more.
            let _ = connection.await;
        }
    }
}
