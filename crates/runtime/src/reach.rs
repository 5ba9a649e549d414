//! Which addresses the server may call (row X2): everybody's are open, a private one only when the configuration says so.
//!
//! A manifest names URLs, and whoever writes a manifest is not always who runs the server. Without this a production
//! could be made to ask the router, the metadata service of a cloud or a database on the same machine. It is about
//! addresses alone: who looks at a URL, resolves names and connects is `onair-adapters`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

/// What the configuration allows beside the open network: `outbound.allow`. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow(Arc<[Entry]>);

/// One entry: `127.0.0.1`, `127.0.0.1:8000`, `[::1]:8000`, `10.0.0.0/8`, `host.internal`, `host.internal:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    place: Place,
    /// Any, when there is none.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Net {
        base: IpAddr,
        length: u8,
    },
    /// Lower case, without a dot at the end.
    Name(String),
}

impl Allow {
    /// These entries.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self(entries.into_iter().collect())
    }

    /// The entries.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The ports that entries name, each once.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = self.0.iter().filter_map(|entry| entry.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Whether anything at all is allowed at this port.
    #[must_use]
    pub fn has_entry_at(&self, port: u16) -> bool {
        self.0.iter().any(|entry| entry.opens(Some(port)))
    }

    /// Whether this address is allowed by name, at this port. Without a port, whether it is allowed at every port.
    #[must_use]
    pub fn names_address(&self, address: IpAddr, port: Option<u16>) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|entry| entry.opens(port) && entry.place.holds(address))
    }

    /// Whether this host is allowed by name, at this port, whatever it resolves to.
    #[must_use]
    pub fn names_host(&self, host: &str, port: Option<u16>) -> bool {
        let host = plain(host);
        self.0
            .iter()
            .any(|entry| entry.opens(port) && matches!(&entry.place, Place::Name(name) if *name == host))
    }
}

impl Entry {
    fn opens(&self, port: Option<u16>) -> bool {
        self.port.is_none() || self.port == port
    }
}

impl Place {
    fn holds(&self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::Net { base: IpAddr::V4(base), length }, IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(*length)
            }
            (Self::Net { base: IpAddr::V6(base), length }, IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()).leading_zeros() >= u32::from(*length)
            }
            (Self::Net { .. } | Self::Name(_), _) => false,
        }
    }
}

/// Names are compared without case, and a dot at the end changes nothing.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

impl FromStr for Entry {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let shapes = "is an address, a network or a name, with a port or without: `127.0.0.1:8000`, `10.0.0.0/8`, \
                      `host.internal:8443`";
        if text.contains("://") || text.contains('@') {
            return Err(format!("{shapes}; not the URL {text:?}"));
        }
        if text.contains('*') {
            return Err(format!("{shapes}; there are no wildcards as in {text:?}, name each"));
        }
        if let Some((base, length)) = text.split_once('/') {
            return network(base, length).ok_or_else(|| format!("{shapes}; {text:?} is no network"))?;
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self { place: whole(address), port: None });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { place: whole(address.ip()), port: Some(port(address.port())?) });
        }
        let (host, at) = match text.rsplit_once(':') {
            None => (text, None),
            Some((host, digits)) => {
                let number = digits.parse().map_err(|_| format!("{shapes}; {digits:?} is no port"))?;
                (host, Some(port(number)?))
            }
        };
        let host = plain(host);
        if !is_name(&host) {
            return Err(format!("{shapes}; not {text:?}"));
        }
        Ok(Self { place: Place::Name(host), port: at })
    }
}

fn port(number: u16) -> Result<u16, String> {
    if number == 0 { Err("names a port from 1 to 65535, or none for all".into()) } else { Ok(number) }
}

fn whole(address: IpAddr) -> Place {
    let base = address.to_canonical();
    Place::Net { base, length: if base.is_ipv4() { 32 } else { 128 } }
}

/// `None` when it is none; an error when bits behind the length are set, since then something else was meant.
fn network(base: &str, length: &str) -> Option<Result<Entry, String>> {
    let base: IpAddr = base.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    let (bits, width) = match base {
        IpAddr::V4(base) => (u128::from(base.to_bits()), 32),
        IpAddr::V6(base) => (base.to_bits(), 128),
    };
    if length > width {
        return None;
    }
    let host_bits = u32::from(width - length);
    if bits.trailing_zeros() < host_bits {
        return Some(Err(format!(
            "names the network {base}/{length}, whose address has bits behind its length"
        )));
    }
    Some(Ok(Entry { place: Place::Net { base, length }, port: None }))
}

/// A last label of digits alone is how numbers pretend to be names: a URL reads `10.1` as an address.
fn is_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    host.len() <= 253 && host.split('.').all(label) && !number
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.port) {
            (Place::Net { base, length }, None) if *length == if base.is_ipv4() { 32 } else { 128 } => {
                write!(f, "{base}")
            }
            (Place::Net { base: IpAddr::V6(base), .. }, Some(port)) => write!(f, "[{base}]:{port}"),
            (Place::Net { base, .. }, Some(port)) => write!(f, "{base}:{port}"),
            (Place::Net { base, length }, None) => write!(f, "{base}/{length}"),
            (Place::Name(name), None) => f.write_str(name),
            (Place::Name(name), Some(port)) => write!(f, "{name}:{port}"),
        }
    }
}

/// Whether an address belongs to the open network: one that anybody may have, and that is reached from everywhere.
/// Addresses that carry another within them (mapped, NAT64, 6to4) are judged by the one within. (IANA's registries of
/// special-purpose addresses.)
#[must_use]
pub fn is_open(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_open_v4(address),
        IpAddr::V6(address) => is_open_v6(address),
    }
}

/// What is not open of IPv4: this network, private, shared (CGNAT), loopback, link-local, protocol assignments,
/// documentation, the relays of 6to4, benchmarks, multicast, reserved and broadcast.
const CLOSED_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

fn is_open_v4(address: Ipv4Addr) -> bool {
    let within =
        |(base, length): &(Ipv4Addr, u32)| (base.to_bits() ^ address.to_bits()).leading_zeros() >= *length;
    !CLOSED_V4.iter().any(within)
}

fn is_open_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded =
        |high: u16, low: u16| is_open_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match (a, b) {
        // NAT64 (RFC 6052); the one for local use (RFC 8215) is 64:ff9b:1::/48 and falls through.
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => embedded(g, h),
        // 6to4 (RFC 3056).
        (0x2002, high) => embedded(high, c),
        // Protocol assignments with Teredo in them, and documentation, twice.
        (0x2001, 0..=0x01ff | 0x0db8) | (0x3fff, 0..=0x0fff) => false,
        // Everything else that is given out is 2000::/3: no loopback, unique local, link-local or multicast is in it.
        _ => a & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(entries: &[&str]) -> Allow {
        Allow::new(entries.iter().map(|entry| entry.parse().expect(entry)))
    }

    #[test]
    fn x2_addresses_that_are_not_everybodys() {
        let closed = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 \
            172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 \
            203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 \
            ::ffff:10.0.0.1 64:ff9b::10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 64:ff9b:1::8.8.8.8 100::1 2001::1 \
            2001:0:1::1 2001:db8::1 2002:7f00:1::1 2002:a00:1::1 2002:c0a8:101::1 3fff::1 3fff:fff::1 5f00::1 fc00::1 \
            fd12::1 fe80::1 fec0::1 ff02::1";
        for address in closed.split_whitespace() {
            assert!(!is_open(address.parse().expect(address)), "{address}");
        }
        let open = "1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 \
            223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2001:200::1 2001:4860:4860::8888 2002:808:808::1 2606:4700::1 \
            3fff:1000::1";
        for address in open.split_whitespace() {
            assert!(is_open(address.parse().expect(address)), "{address}");
        }
    }

    #[test]
    fn x2_entries_open_what_they_name_and_no_more() {
        let allow =
            allow(&["127.0.0.1:8000", "10.0.0.0/8", "[::1]:9", "fd00::/8", "Host.Internal.:8443", "plain"]);
        let table = [
            ("127.0.0.1", Some(8000), true),
            ("::ffff:127.0.0.1", Some(8000), true),
            ("127.0.0.1", Some(8001), false),
            ("127.0.0.1", None, false),
            ("127.0.0.2", Some(8000), false),
            ("10.255.0.1", None, true),
            ("11.0.0.1", None, false),
            ("::1", Some(9), true),
            ("::1", Some(10), false),
            ("fdff::1", Some(1), true),
            ("fe00::1", Some(1), false),
        ];
        for (address, port, allowed) in table {
            assert_eq!(
                allow.names_address(address.parse().expect(address), port),
                allowed,
                "{address} {port:?}"
            );
        }
        let table = [
            ("host.internal", Some(8443), true),
            ("HOST.internal.", Some(8443), true),
            ("host.internal", Some(443), false),
            ("host.internal", None, false),
            ("a.host.internal", Some(8443), false),
            ("plain", None, true),
        ];
        for (host, port, allowed) in table {
            assert_eq!(allow.names_host(host, port), allowed, "{host} {port:?}");
        }
        assert_eq!(allow.ports(), [9, 8000, 8443]);
        assert!(!Allow::default().names_address(Ipv4Addr::LOCALHOST.into(), Some(80)));
    }

    #[test]
    fn x2_what_is_no_entry_says_why() {
        let table = [
            ("", "not \"\""),
            ("http://a", "not the URL"),
            ("a@b", "not the URL"),
            ("*.internal", "no wildcards"),
            ("10.0.0.0/33", "is no network"),
            ("10.0.0.1/8", "bits behind its length"),
            ("::1/64", "bits behind its length"),
            ("a/b", "is no network"),
            ("host:0", "a port from 1"),
            ("127.0.0.1:0", "a port from 1"),
            ("host:http", "\"http\" is no port"),
            ("host:70000", "\"70000\" is no port"),
            ("127.1", "not \"127.1\""),
            ("2130706433", "not \"2130706433\""),
            ("0x7f000001", "not \"0x7f000001\""),
            ("a..b", "not \"a..b\""),
            ("a b", "not \"a b\""),
            ("10.0.0.0/8:80", "is no network"),
        ];
        for (text, expected) in table {
            let error = text.parse::<Entry>().expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
        for text in
            ["127.0.0.1", "127.0.0.1:8000", "::1", "[::1]:80", "10.0.0.0/8", "0.0.0.0/0", "a.b", "a.b:1"]
        {
            assert_eq!(text.parse::<Entry>().expect(text).to_string(), text);
        }
    }
}
