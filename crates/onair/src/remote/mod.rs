//! A server, seen from the command line: where it is, who we are there, and requests to it.

mod ask;
mod error;
mod retry;
mod token;

use std::time::Duration;

use onair_wire::ProductionId;
use reqwest::{Client, Method, Url, header::HeaderValue, redirect};

pub(crate) use ask::Stream;
pub(crate) use error::Error;
pub(crate) use retry::Backoff;

use crate::{
    cli::{Global, Usage},
    report::Report,
};
use ask::Ask;

/// How long a connection may take to come about.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// A server.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    client: Client,
    server: Url,
    token: Option<String>,
    report: Report,
}

impl Remote {
    /// The server that the flags name.
    pub(crate) fn new(global: &Global, report: Report) -> anyhow::Result<Self> {
        let server = address(&global.server)?;
        let token = token::find(global, &server, report);
        let speakable = |token: &String| HeaderValue::from_str(token).is_ok();
        if !token.as_ref().is_none_or(speakable) {
            return Err(Usage::new("the token has characters that no token has").into());
        }
        let loopback = token::is_loopback(&server);
        if token.is_some() && !loopback && server.scheme() == "http" {
            report
                .note(&format!("the token goes to {server} unencrypted; https:// or a tunnel would hide it"));
        }
        // Which library does the cryptography is chosen once per process; a second choice is no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A token follows no redirection, and a proxy has no business between a machine and itself.
        let mut client = Client::builder()
            .connect_timeout(CONNECT_PATIENCE)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("onair/", env!("CARGO_PKG_VERSION")));
        if loopback {
            client = client.no_proxy();
        }
        Ok(Self { client: client.build()?, server, token, report })
    }

    /// Where it is.
    pub(crate) fn server(&self) -> &str {
        self.server.as_str()
    }

    /// Who we are there, for a client beside this one.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A request to `/v1/` and these segments.
    pub(crate) fn ask(&self, method: Method, segments: &[&str]) -> Ask<'_> {
        self.at(method, &[&["v1"], segments].concat())
    }

    /// A request to these segments.
    pub(crate) fn at(&self, method: Method, segments: &[&str]) -> Ask<'_> {
        let mut url = self.server.clone();
        url.path_segments_mut().expect("http addresses have paths").pop_if_empty().extend(segments);
        Ask::new(self, method, url)
    }

    /// A request to a production.
    pub(crate) fn of(&self, production: &ProductionId, method: Method, segments: &[&str]) -> Ask<'_> {
        self.ask(method, &[&["productions", production.as_str()], segments].concat())
    }
}

/// Chance from the system.
pub(crate) fn chance() -> u64 {
    getrandom::u64().expect("the system has random numbers")
}

fn address(text: &str) -> Result<Url, Usage> {
    let example = "an address looks like http://127.0.0.1:4200";
    let url =
        Url::parse(text).map_err(|error| Usage::new(format!("--server {text}: {error}")).hint(example))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    match url.scheme() {
        "http" | "https" if url.has_host() && plain => Ok(url),
        _ => Err(Usage::new(format!("--server {text} is no address of a server")).hint(example)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b32_addresses() {
        for good in ["http://127.0.0.1:4200", "https://studio.example/onair/", "http://[::1]:1"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in
            ["", "127.0.0.1:4200", "localhost:4200", "ftp://x", "http://", "http://a:b@c", "http://a?b"]
        {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_in_paths_are_escaped() {
        let global = Global {
            server: "https://studio.example/onair/".into(),
            token: None,
            data: Some("nowhere".into()),
            production: None,
            json: false,
        };
        let remote = Remote::new(&global, Report::new(false)).unwrap();
        let ask = remote.of(&global.production(), Method::GET, &["documents", "a b"]).query("after", &"k:1");
        let shown = format!("{ask:?}");
        assert!(shown.contains("/onair/v1/productions/main/documents/a%20b"), "{shown}");
    }
}
