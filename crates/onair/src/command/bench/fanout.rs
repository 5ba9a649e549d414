//! `onair bench fanout`: one client that writes, many that are told, each of which must hear every update once, in order.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use onair_wire::ProductionId;
use serde_json::json;
use tokio::task::JoinSet;

use super::{
    super::Context,
    figures::{Checked, Latencies, rate, tenth, thousands, whole},
    publisher::{Pace, Publisher},
    subscriber::{Room, Subscriber, Transport},
    target::Target,
};

/// Who is told, and how fast.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many are told, a connection each
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    subscribers: u32,
    /// How they are told
    #[arg(long, value_enum, default_value_t = Transport::Socket)]
    transport: Transport,
    /// So many updates a second, whatever becomes of them
    #[arg(long, value_name = "UPDATES", conflicts_with = "window", value_parser = updates)]
    rate: Option<f64>,
    /// As fast as this many updates that have not reached everybody let it
    #[arg(long, value_name = "UPDATES", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    window: u32,
    /// How large a document is
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = clap::value_parser!(u32).range(64..=60_000))]
    bytes: u32,
    /// How long is measured, behind a second to warm up
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
}

/// Handshakes under way at once.
const CONNECTING: usize = 64;

/// Reads a rate: more often than every ten minutes, and no faster than a clock of microseconds can say.
fn updates(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=1_000_000.0).contains(rate));
    rate.ok_or_else(|| format!("a rate is a number from 0.001 to 1000000, not {text:?}"))
}

impl Options {
    fn pace(&self) -> Pace {
        self.rate.map_or(Pace::Window(self.window.into()), Pace::Rate)
    }
}

pub(super) async fn run(
    context: &Context,
    target: &Target,
    production: &ProductionId,
    options: &Options,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let subscribers = u64::from(options.subscribers);
    let connecting = (0..subscribers).map(|_| Subscriber::connect(target, production, options.transport));
    let listeners: Vec<Subscriber> =
        stream::iter(connecting).buffer_unordered(CONNECTING).try_collect().await?;
    let accepted = begun.elapsed();

    let room = Arc::new(Room::new());
    let told: Vec<_> = listeners.iter().map(|listener| Arc::clone(&listener.told)).collect();
    let mut listening = JoinSet::new();
    for listener in listeners {
        listening.spawn(listener.listen(Arc::clone(&room)));
    }
    let bytes = options.bytes as usize;
    let publisher = Publisher::connect(target, &room, production, subscribers, bytes).await?;
    let length = Duration::from_secs(options.seconds.into());
    let published = tokio::select! {
        published = publisher.publish(options.pace(), length) => published?,
        // Nobody stops listening but who failed.
        Some(ended) = listening.join_next() => {
            ended??;
            unreachable!("a subscriber listens until the run is over");
        }
    };
    listening.shutdown().await;

    let (mut checked, mut latencies) = (Checked::default(), Latencies::default());
    for told in told {
        let told = told.lock().expect("nobody panics with it");
        checked.add(Checked {
            expected: published.all,
            lost: told.missing + (published.all - told.last),
            doubled: told.doubled,
            reordered: told.reordered,
        });
        latencies.add(&told.latencies);
    }
    debug_assert!(room.delivered.load(Relaxed) <= checked.expected + checked.reordered);
    let deliveries = published.measured * subscribers - checked.lost.min(published.measured * subscribers);
    let per_second = rate(deliveries, published.took);
    if context.report.wants_json() {
        context.report.json(&json!({
            "bench": "fanout", "transport": options.transport.as_str(), "subscribers": subscribers,
            "rate": options.rate, "window": options.rate.is_none().then_some(options.window),
            "bytes": bytes, "seconds": tenth(published.took.as_secs_f64()),
            "acceptedSeconds": accepted.as_secs_f64(), "updates": published.measured, "deliveries": deliveries,
            "deliveriesPerSecond": tenth(per_second), "latencyMs": latencies.value(), "checked": checked.value(),
        }))?;
    } else {
        context.report.pairs(&[
            ("deliveries/s", thousands(whole(per_second))),
            ("updates/s", thousands(whole(rate(published.measured, published.took)))),
            ("latency", latencies.line()),
            ("accepted", format!("{} in {:.2} s", thousands(subscribers), accepted.as_secs_f64())),
            ("checked", checked.line()),
        ])?;
    }
    checked.judge("what arrived is not what was sent")
}
