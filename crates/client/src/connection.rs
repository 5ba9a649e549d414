//! The connection as one value: what a program shows about it, and nothing else to ask.

use std::fmt;

use onair_wire::{Millis, Timestamp};
use serde::Serialize;

/// The version of this client, which is that of the server it was made for.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// For the first time.
    #[default]
    Connecting,
    /// All is here that the server was known to have.
    Connected,
    /// It was, and comes back by itself.
    Reconnecting,
    /// Nobody answers; it is tried again by itself.
    Offline,
    /// The token is not known; it goes on with another.
    NeedsAuth,
    /// It does not come back by itself.
    Failed,
}

impl State {
    /// The word, the same as in every client.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::Offline => "offline",
            Self::NeedsAuth => "needs-auth",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How it stands with the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    /// Where it is.
    pub state: State,
    /// Why it is not connected, or what is the matter; a code of a problem where there is one.
    pub reason: Option<String>,
    /// From when it was said to the next try.
    pub retry_in: Option<Millis>,
    /// Commits that the server has and this client has not, as far as is known.
    pub lag: u64,
    /// Mutations that are not confirmed.
    pub pending: usize,
    /// When the server was last heard.
    pub last_update: Option<Timestamp>,
    /// The server's version.
    pub server: Option<String>,
    /// The role that the token has there.
    pub role: Option<String>,
}

/// Whether both speak alike: the same major version, and below 1 the same minor one.
#[must_use]
pub fn speaks_alike(server: &str, client: &str) -> bool {
    let (server, client) = (parts(server), parts(client));
    server.0 == client.0 && (client.0 != "0" || server.1 == client.1)
}

fn parts(version: &str) -> (&str, &str) {
    let mut parts = version.split('.');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y2_versions_that_speak_alike() {
        let table = [
            ("0.1.0", "0.1.9", true),
            ("0.2.0", "0.1.0", false),
            ("1.2.0", "1.9.0", true),
            ("2.0.0", "1.0.0", false),
            ("", "0.1.0", false),
        ];
        for (server, client, alike) in table {
            assert_eq!(speaks_alike(server, client), alike, "{server} and {client}");
        }
    }
}
