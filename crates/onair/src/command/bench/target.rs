//! Where a connection of a run goes, and who it is.

use reqwest::Url;

use crate::{cli::Usage, remote::Remote};

/// A server, as a connection made by hand needs it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// What `Host` says: name and port.
    pub(super) authority: String,
    /// What stands before `/v1`, without a slash at its end.
    prefix: String,
    pub(super) token: Option<String>,
}

impl Target {
    /// # Errors
    /// The server is spoken to by TLS, whose cost would be measured with it.
    pub(super) fn of(remote: &Remote) -> Result<Self, Usage> {
        let url: Url = remote.server().parse().expect("the command line took it");
        if url.scheme() != "http" {
            let usage = Usage::new(format!("{url}: bench speaks http:// alone"));
            return Err(usage.hint("run it on the machine of the server, beside what encrypts"));
        }
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Self {
            authority: format!("{host}:{port}"),
            prefix: url.path().trim_end_matches('/').to_owned(),
            token: remote.token().map(str::to_owned),
        })
    }

    /// The head of a `GET` with these header lines, each with its line break.
    pub(super) fn get(&self, path: &str, headers: &str) -> String {
        format!("GET {}{path} HTTP/1.1\r\nhost: {}\r\n{headers}\r\n", self.prefix, self.authority)
    }
}
