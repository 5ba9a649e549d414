//! Names into addresses, and only such as may be called. The connection is made to the very addresses that were looked at
//! here, so a name that answers differently the next time (DNS rebinding) gains nothing.

use std::net::{IpAddr, SocketAddr};

use onair_runtime::reach::{Allow, is_open};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{Way, trouble::Forbidden};

#[derive(Debug)]
pub(super) struct Resolver {
    way: Way,
    allow: Allow,
}

impl Resolver {
    pub(super) fn new(way: Way, allow: Allow) -> Self {
        Self { way, allow }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (way, allow) = (self.way, self.allow.clone());
        Box::pin(async move {
            // Port 0 is replaced by that of the URL.
            let found: Vec<IpAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.map(|found| found.ip()).collect();
            let good = permitted(name.as_str(), &found, way, &allow)?;
            let addresses: Addrs = Box::new(good.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Those of the addresses of a name that may be called.
fn permitted(name: &str, found: &[IpAddr], way: Way, allow: &Allow) -> Result<Vec<IpAddr>, Forbidden> {
    if allow.names_host(name, way.port) {
        return Ok(found.to_vec());
    }
    let good =
        |address: &&IpAddr| allow.names_address(**address, way.port) || way.secure && is_open(**address);
    let good: Vec<IpAddr> = found.iter().filter(good).copied().collect();
    if good.is_empty() { Err(Forbidden::resolved(name, found)) } else { Ok(good) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x2_only_addresses_that_may_be_called_are_left() {
        let allow = Allow::new(
            ["127.0.0.1:8000", "10.0.0.0/8", "hooks.internal"].map(|entry| entry.parse().expect(entry)),
        );
        let tls = |port| Way { secure: true, port };
        let plain = |port| Way { secure: false, port };
        let table: [(&str, &[&str], Way, &[&str]); 11] = [
            ("open.example", &["1.1.1.1", "2606:4700::1"], tls(None), &["1.1.1.1", "2606:4700::1"]),
            ("rebound.example", &["127.0.0.1"], tls(None), &[]),
            ("rebound.example", &["169.254.169.254"], tls(None), &[]),
            ("mapped.example", &["::ffff:192.168.0.1"], tls(None), &[]),
            ("mixed.example", &["192.168.0.1", "1.1.1.1"], tls(None), &["1.1.1.1"]),
            ("rebound.example", &["127.0.0.1", "::1"], tls(Some(8000)), &["127.0.0.1"]),
            ("inside.example", &["10.1.2.3"], tls(None), &["10.1.2.3"]),
            ("inside.example", &["10.1.2.3"], plain(None), &["10.1.2.3"]),
            ("open.example", &["1.1.1.1"], plain(None), &[]),
            ("Hooks.internal", &["192.168.0.1"], plain(None), &["192.168.0.1"]),
            ("nothing.example", &[], tls(None), &[]),
        ];
        for (name, found, way, expected) in table {
            let parsed =
                |list: &[&str]| -> Vec<IpAddr> { list.iter().map(|a| a.parse().expect(a)).collect() };
            let left = permitted(name, &parsed(found), way, &allow).unwrap_or_default();
            assert_eq!(left, parsed(expected), "{name} {found:?} {way:?}");
        }
    }
}
