//! Which token to bring: the one that was said, else the one that a server on this machine keeps for its owner.

use std::net::IpAddr;

use onair_server::auth::AdminToken;
use reqwest::Url;

use crate::{cli::Global, report::Report};

/// Finds the token. The file is never brought to another machine: who asks there says who they are.
pub(super) fn find(global: &Global, server: &Url, report: Report) -> Option<String> {
    if let Some(token) = global.token.as_deref().map(str::trim).filter(|token| !token.is_empty()) {
        return Some(token.to_owned());
    }
    if !is_loopback(server) {
        return None;
    }
    match AdminToken::find(&global.data()) {
        Ok(found) => found.map(|token| token.reveal().to_owned()),
        Err(error) => {
            report.note(&format!("going on without a token: {error}"));
            None
        }
    }
}

/// Whether nobody else can be behind this address.
pub(super) fn is_loopback(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn global(token: Option<&str>, data: &Path) -> Global {
        Global {
            server: String::new(),
            token: token.map(str::to_owned),
            data: Some(data.to_owned()),
            production: None,
            json: false,
        }
    }

    #[test]
    fn x1_the_token_of_the_data_directory_stays_on_this_machine() {
        let data = tempfile::tempdir().unwrap();
        let kept = AdminToken::open(data.path()).unwrap();
        let secret = kept.reveal();
        let table = [
            ("http://127.0.0.1:4200", None, Some(secret)),
            ("http://localhost:4200", None, Some(secret)),
            ("http://[::1]:4200", None, Some(secret)),
            ("http://127.0.0.1:4200", Some("mine"), Some("mine")),
            ("http://127.0.0.1:4200", Some(" "), Some(secret)),
            ("http://studio.local:4200", None, None),
            ("http://localhost.example:4200", None, None),
            ("http://studio.local:4200", Some("mine"), Some("mine")),
        ];
        for (server, token, expected) in table {
            let server = Url::parse(server).unwrap();
            let found = find(&global(token, data.path()), &server, Report::new(false));
            assert_eq!(found.as_deref(), expected, "{server} {token:?}");
        }
        let nowhere = global(None, &data.path().join("nowhere"));
        let server = Url::parse("http://127.0.0.1:4200").unwrap();
        assert_eq!(find(&nowhere, &server, Report::new(false)), None);
    }
}
