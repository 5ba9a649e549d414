//! Descriptors: how many of them connections may take (fault F32).
//!
//! A store that cannot open its next file stops taking commits until the server is started again. So connections leave
//! enough for it, and whoever comes beyond is turned away while that does no harm.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are left to files of the store, calls outwards and child processes; half of all, when those are few.
pub const DESCRIPTORS_RESERVED: usize = 512;

/// Connections to the metrics at once: a few collectors, and somebody who looks.
const METRICS_MAX: usize = 64;

/// Connections at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Clients.
    pub(crate) clients: usize,
    /// Collectors of metrics.
    pub(crate) metrics: usize,
}

/// Raises the limit of descriptors as far as the system allows, and says what room that leaves.
pub(crate) fn room(clients_max: usize) -> Room {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // What is refused stays as it was, and is what counts.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let room = share(getrlimit(Resource::Nofile).current, clients_max);
    if room.clients < clients_max {
        tracing::info!(
            connections = room.clients,
            wanted = clients_max,
            "fewer connections than configured, for lack of descriptors"
        );
    }
    room
}

fn share(limit: Option<u64>, clients_max: usize) -> Room {
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let open = limit - DESCRIPTORS_RESERVED.min(limit / 2);
    let metrics = METRICS_MAX.min(open / 8);
    Room { clients: clients_max.min(open - metrics), metrics }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_connections_leave_descriptors_to_the_store() {
        let table = [
            (None, 20_000, Room { clients: 20_000, metrics: 64 }),
            (Some(65_536), 20_000, Room { clients: 20_000, metrics: 64 }),
            (Some(20_000), 20_000, Room { clients: 19_424, metrics: 64 }),
            (Some(1_024), 20_000, Room { clients: 448, metrics: 64 }),
            (Some(64), 20_000, Room { clients: 28, metrics: 4 }),
            (Some(1_024), 10, Room { clients: 10, metrics: 64 }),
        ];
        for (limit, wanted, room) in table {
            assert_eq!(share(limit, wanted), room, "{limit:?}");
        }
    }
}
