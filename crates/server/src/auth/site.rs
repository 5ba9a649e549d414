//! The names of places on the web: hosts with ports, and origins. Read strictly, compared exactly.
//!
//! Nothing is searched for within a name: `https://good.example.evil.com` and `https://evilgood.example` are neither
//! `good.example` nor below it.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use onair_wire::planted::{Bug, planted};

/// A host, in lower case, and the port if one is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: Option<u16>,
}

impl Host {
    /// Reads `name`, `name:port`, `[::1]` and `[::1]:port`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, rest)) => (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), rest),
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
                (!name.is_empty() && name.bytes().all(good)).then(|| (name.to_ascii_lowercase(), port))?
            }
        };
        let port = if port.is_empty() { None } else { Some(number(port.strip_prefix(':')?)?) };
        Some(Self { name, port })
    }

    /// Whether it is a number rather than a name, which somebody else's server of names could answer for.
    pub(super) fn is_address(&self) -> bool {
        self.name.starts_with('[') || self.name.parse::<Ipv4Addr>().is_ok()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Where a web page is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    secure: bool,
    name: String,
    port: u16,
}

impl Origin {
    /// Reads `http://host`, `https://host:port` and the like, and nothing else: not `null`, no path, no user.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, host) = text.split_once("://")?;
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let Host { name, port } = Host::parse(host)?;
        Some(Self { secure, name, port: port.unwrap_or(default_port(secure)) })
    }

    /// Whether both are the same place.
    pub(super) fn is(&self, other: &Self) -> bool {
        self == other || (planted(Bug::OriginByPrefix) && other.name.starts_with(&self.name))
    }

    /// Whether a page from here was served under this host.
    pub(super) fn is_of(&self, host: &Host) -> bool {
        self.name == host.name && self.port == host.port.unwrap_or(default_port(self.secure))
    }
}

const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// A port, without the signs and zeros that other readers may take for something else.
fn number(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x2_hosts_are_read_strictly() {
        let table = [
            ("localhost", Some("localhost")),
            ("LOCALHOST:4200", Some("localhost:4200")),
            ("127.0.0.1:4200", Some("127.0.0.1:4200")),
            ("[::1]:4200", Some("[::1]:4200")),
            ("[0:0::1]", Some("[::1]")),
            ("", None),
            (":4200", None),
            ("localhost:", None),
            ("localhost:0", None),
            ("localhost:04200", None),
            ("localhost:+80", None),
            ("localhost:70000", None),
            ("localhost:42:00", None),
            ("::1", None),
            ("[::1", None),
            ("[::1]x", None),
            ("[fe80::1%eth0]", None),
            ("me@localhost", None),
            ("localhost/", None),
            ("local host", None),
            ("lоcalhost", None),
        ];
        for (text, expected) in table {
            let read = Host::parse(text).map(|host| host.to_string());
            assert_eq!(read.as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn x2_origins_are_read_strictly() {
        for text in [
            "null",
            "",
            "good.example",
            "//good.example",
            "ftp://good.example",
            "https://",
            "https://good.example/",
            "https://good.example/x",
            "https://me@good.example",
            "https://good.example, https://other.example",
            "https://good.example:443:443",
            "http:// good.example",
        ] {
            assert_eq!(Origin::parse(text), None, "{text:?}");
        }
        let same =
            |one: &str, other: &str| Origin::parse(one).expect("one") == Origin::parse(other).expect("other");
        assert!(same("https://good.example", "HTTPS://GOOD.example:443"));
        assert!(!same("https://good.example", "http://good.example"));
        assert!(!same("https://good.example", "https://good.example:8443"));
    }
}
