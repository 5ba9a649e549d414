//! The one place from which the server calls outwards (row X2). Whatever is called passes here: the URL is looked at, the
//! addresses that its name resolves to are looked at, time and size are limited, no redirection is followed, and no proxy
//! of the environment is taken, since either would lead around the first two.
//!
//! Where a private address may be called is a matter of address *and port*, and a resolver is asked for a name alone. So
//! there is a client for each port that the configuration names and one for all others, each with a resolver that knows
//! for whom it resolves; connections are pooled within each.

mod resolver;
mod secret;
mod target;
mod trouble;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use onair_runtime::reach::Allow;
use reqwest::{Client, header::HeaderMap, redirect};

pub use secret::{Secret, SecretError, Secrets};
pub use target::Target;
pub use trouble::Trouble;

use resolver::Resolver;

/// How we call ourselves.
const AGENT: &str = concat!("onair/", env!("CARGO_PKG_VERSION"));
/// Likewise, where a `/` means something else.
pub(crate) const AGENT_DASHED: &str = concat!("onair-", env!("CARGO_PKG_VERSION"));
/// How long a connection may take to come about, TLS included: a second, three lost packets, and some air.
pub const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How long any call may take at most, whatever its deadline: a connection is not held for longer.
pub const PATIENCE_MAX: Duration = Duration::from_secs(600);
/// The longest body of an answer that is read: what we are told fits in a document, and is shown to people.
pub const ANSWER_BYTES_MAX: usize = 64 * 1_024;
/// Connections to one host that are kept for the next call: the calls of a start run one after another.
const IDLE_MAX: usize = 8;

/// Calls outwards. Cheap to clone.
#[derive(Clone)]
pub struct Outbound(Arc<Inner>);

struct Inner {
    allow: Allow,
    secrets: Secrets,
    /// By [`Way`]; held for a look, or while a client is made.
    clients: Mutex<BTreeMap<Way, Client>>,
}

/// What a resolver must know beside a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    /// Whether TLS is spoken; without it only what the configuration names is called.
    secure: bool,
    /// The port, when an entry of the configuration names it; for all other ports there is one client.
    port: Option<u16>,
}

/// What was answered, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Outbound {
    /// Calls outwards, to the open network and to what the configuration allows beside it.
    #[must_use]
    pub fn new(allow: &Allow, secrets: Secrets) -> Self {
        Self(Arc::new(Inner { allow: allow.clone(), secrets, clients: Mutex::default() }))
    }

    /// A URL that may be called, as far as can be said without resolving its name.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn target(&self, url: &str) -> Result<Target, String> {
        Target::new(url, &self.0.allow)
    }

    /// The value that a reference stands for: `env:NAME`.
    ///
    /// # Errors
    /// It is no reference, or there is no such variable; the name is said, never a value.
    pub fn secret(&self, reference: &str) -> Result<Secret, SecretError> {
        self.0.secrets.get(reference)
    }

    /// Sends a body, and reads the answer. Ends within `patience`, and within [`PATIENCE_MAX`].
    ///
    /// # Errors
    /// There was no answer that could be read as a whole. A status of failure is an answer, a redirection too.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Answer, Trouble> {
        let client = self.client(target)?;
        let request = client.post(target.url().clone()).headers(headers).body(body);
        let response = request.timeout(patience.min(PATIENCE_MAX)).send().await;
        let mut response = response.map_err(|error| Trouble::of(&error))?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| Trouble::of(&error))? {
            if body.len() + piece.len() > ANSWER_BYTES_MAX {
                return Err(Trouble::TooLarge { status: response.status().as_u16() });
            }
            body.extend_from_slice(&piece);
        }
        Ok(Answer { status: response.status().as_u16(), body })
    }

    fn client(&self, target: &Target) -> Result<Client, Trouble> {
        let port = Some(target.port()).filter(|port| self.0.allow.ports().contains(port));
        let way = Way { secure: target.is_secure(), port };
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&way) {
            return Ok(client.clone());
        }
        let client = build(way, &self.0.allow).map_err(|error| {
            Trouble::Unreached(format!("TLS cannot be set up: {}", trouble::innermost(&error)))
        })?;
        clients.insert(way, client.clone());
        Ok(client)
    }
}

fn build(way: Way, allow: &Allow) -> reqwest::Result<Client> {
    // Which library does the cryptography is chosen once per process; a second choice is no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(AGENT)
        .connect_timeout(CONNECT_PATIENCE)
        .pool_max_idle_per_host(IDLE_MAX)
        .redirect(redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .https_only(way.secure)
        .dns_resolver(Resolver::new(way, allow.clone()))
        .build()
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("allow", &self.0.allow).finish_non_exhaustive()
    }
}
