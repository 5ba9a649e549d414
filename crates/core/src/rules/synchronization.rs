//! Rules about clients and backends that do not have what the production is.

use super::{Found, Scene, rules};

/// Bytes that may wait for one client: a few of its largest messages. A socket that takes none for longer falls back.
const LAG_BYTES: u64 = 512 * 1024;
/// How many clients may come with a position of another log: behind an import each does once.
const FOREIGN_POSITIONS: u64 = 5;
/// Deliveries that may wait for a backend that is not parked.
const OUTBOX_LAG: u64 = 100;
/// Snapshots in place of commits, within a minute.
const FALLBACKS: u64 = 20;

rules! { Synchronization:
    "SY001" Warning "A client lags",
        "Look at the client's connection in `GET /clients`; let it subscribe to fewer collections." => lagging;
    "SY002" Warning "Clients diverged",
        "Update the client library; what differs was read again already. If it comes back, report it with the digests." => diverged;
    "SY003" Warning "Clients come with positions of another log",
        "Let clients take the epoch from `subscribed` and keep it with the revision; reload pages that were open during an import." => foreign;
    "SY004" Warning "A backend falls behind",
        "See `onair backends` for its last error and how long it takes to answer." => outbox;
    "SY005" Warning "Many clients get snapshots in place of commits",
        "Look for clients that reconnect often or are too slow; keep more commits if they are away for long." => fallbacks;
}

fn lagging(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let slow = observation.lagging.iter().filter(|client| client.bytes > LAG_BYTES);
    slow.map(|client| {
        let what = format!("{} bytes wait for client {}, more than {LAG_BYTES}", client.bytes, client.client);
        Found::new(client.client.as_str(), what)
    })
    .collect()
}

fn diverged(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let count = observation.diverged;
    let what = || format!("within a minute {count} times a client had another state than the server");
    (count > 0).then(|| Found::new("digest", what())).into_iter().collect()
}

fn foreign(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, observation, .. } = *scene;
    let count = observation.foreign;
    let epoch = production.epoch();
    let what = || format!("within a minute {count} positions were not of epoch {epoch}");
    (count >= FOREIGN_POSITIONS).then(|| Found::new("epoch", what())).into_iter().collect()
}

fn outbox(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, observation, .. } = *scene;
    let behind = observation.lags.iter().filter(|(_, lag)| **lag > OUTBOX_LAG);
    let parked =
        |name: &str| production.backend(name).is_some_and(|it| it.status == crate::command::Delivery::Parked);
    behind
        .filter(|(name, _)| !parked(name))
        .map(|(name, lag)| {
            let what = format!("{lag} deliveries wait for {name}, more than {OUTBOX_LAG}");
            Found::new(name.as_str(), what)
        })
        .collect()
}

fn fallbacks(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let count = observation.fell_back;
    let what = || format!("within a minute {count} subscribers got a snapshot, more than {FALLBACKS}");
    (count > FALLBACKS).then(|| Found::new("snapshots", what())).into_iter().collect()
}
