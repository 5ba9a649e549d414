//! A URL that may be called, as far as it can be told by looking. Numbers that stand for addresses (`127.1`,
//! `0x7f000001`, `2130706433`) are addresses by then: a URL is parsed as browsers do (WHATWG), and so are its hosts.
//! A name is looked at again when it is resolved, an address never is, so it must be judged here.

use std::net::IpAddr;

use onair_runtime::reach::{Allow, is_open};
use reqwest::Url;

/// The longest URL, in bytes: what proxies commonly take.
const URL_LENGTH_MAX: usize = 2_048;
/// What opens a place.
const HOW: &str = "`outbound.allow` of the server's configuration can allow it";

/// A URL that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Url);

impl Target {
    pub(super) fn new(text: &str, allow: &Allow) -> Result<Self, String> {
        if text.len() > URL_LENGTH_MAX {
            return Err(format!("is a URL of at most {URL_LENGTH_MAX} bytes, not of {}", text.len()));
        }
        let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("begins with https:// or http://, not with {}:", url.scheme()));
        }
        // The text is not repeated: there is a password in it.
        if !url.username().is_empty() || url.password().is_some() {
            return Err("has no name and no password in it; a secret is a reference of its own".into());
        }
        let target = Self(url);
        target.check(allow)?;
        Ok(target)
    }

    /// With these segments behind its path.
    pub(crate) fn below(&self, segments: &[&str]) -> Self {
        let mut url = self.0.clone();
        url.path_segments_mut().expect("http addresses have paths").pop_if_empty().extend(segments);
        Self(url)
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    pub(super) fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    pub(super) fn port(&self) -> u16 {
        self.0.port_or_known_default().expect("http and https have ports")
    }

    /// Whether something stands behind its path.
    pub(crate) fn has_query(&self) -> bool {
        self.0.query().is_some()
    }

    fn check(&self, allow: &Allow) -> Result<(), String> {
        let (host, port) = (self.0.host_str().unwrap_or_default(), self.port());
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let secure =
            "https:// is needed for the open network, http:// only reaches what the configuration names";
        let Ok(address) = bare.parse::<IpAddr>() else {
            // It may resolve to an address that is allowed, if one is at this port.
            let hopeless = !self.is_secure() && !allow.has_entry_at(port);
            return if hopeless {
                Err(format!("{secure}; {host}:{port} is not named, {HOW}"))
            } else {
                Ok(())
            };
        };
        if allow.names_address(address, Some(port)) {
            return Ok(());
        }
        if !is_open(address) {
            return Err(format!("the address {host}:{port} is private or of a special use; {HOW}"));
        }
        if self.is_secure() { Ok(()) } else { Err(format!("{secure}; {host}:{port} is not named, {HOW}")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str, allow: &[&str]) -> Result<Target, String> {
        Target::new(url, &Allow::new(allow.iter().map(|entry| entry.parse().expect(entry))))
    }

    #[test]
    fn x2_hostile_forms_of_loopback_are_loopback() {
        let hosts = "127.1 127.0.1 0x7f000001 0x7F.1 2130706433 017700000001 0177.0.0.1 127.0.0.1. [::1] \
            [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [2002:7f00:1::] 0 0.0.0.0 [::] \
            %31%32%37.0.0.1 １２７.0.0.1 127。0。0。1 169.254.169.254 10.0.0.1 [fe80::1] [fd00::1] 100.64.0.1 224.0.0.1 \
            255.255.255.255 192.0.2.1 [2001:db8::1]";
        for host in hosts.split_whitespace() {
            for scheme in ["https", "http"] {
                let error = target(&format!("{scheme}://{host}/hook"), &[]).expect_err(host);
                assert!(error.contains("private"), "{host}: {error}");
                assert!(error.contains("outbound.allow"), "{host}: {error}");
            }
        }
    }

    #[test]
    fn x2_what_may_be_called() {
        let table: [(&str, &[&str], &str); 25] = [
            ("https://hooks.example/a?b=c", &[], ""),
            ("https://1.1.1.1/", &[], ""),
            ("https://[2606:4700::1]:8443", &[], ""),
            ("http://hooks.example/", &[], "https:// is needed"),
            ("http://localhost./", &[], "https:// is needed"),
            ("http://1.1.1.1/", &[], "https:// is needed"),
            ("http://1.1.1.1/", &["1.1.1.1:80"], ""),
            ("http://1.1.1.1:81/", &["1.1.1.1:80"], "https:// is needed"),
            ("http://127.0.0.1:8000", &["127.0.0.1:8000"], ""),
            ("http://127.1:8000", &["127.0.0.1:8000"], ""),
            ("http://[::ffff:127.0.0.1]:8000", &["127.0.0.1:8000"], ""),
            ("http://127.0.0.1:8001", &["127.0.0.1:8000"], "is private"),
            ("https://127.0.0.1:8001", &["127.0.0.1:8000"], "is private"),
            ("http://127.0.0.2", &["127.0.0.1"], "is private"),
            ("http://hooks.internal:8443", &["hooks.internal:8443"], ""),
            ("http://hooks.internal:8444", &["hooks.internal:8443"], "https:// is needed"),
            ("http://localhost:8000", &["127.0.0.1:8000"], ""),
            ("http://10.1.2.3:5", &["10.0.0.0/8"], ""),
            ("ftp://hooks.example", &[], "not with ftp:"),
            ("file:///etc/passwd", &[], "not with file:"),
            ("unix:/run/docker.sock", &[], "not with unix:"),
            ("hooks.example", &[], "is no URL"),
            ("https://", &[], "is no URL"),
            ("https://kim:hunter2@hooks.example", &[], "no password"),
            ("https://hooks.example@127.0.0.1", &[], "no password"),
        ];
        for (url, allow, expected) in table {
            match target(url, allow) {
                Ok(_) => assert_eq!(expected, "", "{url} was taken"),
                Err(error) => {
                    assert!(!expected.is_empty() && error.contains(expected), "{url}: {error}");
                    assert!(!error.contains("hunter2"), "{error}");
                }
            }
        }
        assert!(target(&format!("https://a.example/{}", "x".repeat(2_048)), &[]).is_err());
    }

    #[test]
    fn paths_are_put_below_the_path_there_is() {
        for (base, expected) in [
            ("https://a.example", "https://a.example/api/mutation"),
            ("https://a.example/b/", "https://a.example/b/api/mutation"),
        ] {
            assert_eq!(target(base, &[]).unwrap().below(&["api", "mutation"]).url().as_str(), expected);
        }
    }
}
