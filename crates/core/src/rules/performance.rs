//! Rules about how fast it goes and how large it is.

use super::{Found, Observation, Scene, Took, rules};
use crate::{command::DOCUMENT_BYTES_MAX, lifecycle::Phase, production::LARGE_BYTES};

/// What an append or a flush may take on average: an operator notices a tenth of a second.
const SLOW_MS: f64 = 100.0;
/// Fewer than this say nothing about a disk.
const SAMPLES: u64 = 5;
/// How much of the room for commands may be taken, in percent.
const QUEUE_PERCENT: usize = 75;
/// How many frames in a hundred may be dropped, and how many in a minute whatever the rate.
const DROPPED_PERCENT: u64 = 1;
const DROPPED: u64 = 10;
/// How much of the frame rate that is wanted is enough.
const FPS_ENOUGH: f64 = 0.9;
/// What a production may weigh, in bytes and in documents: it is in memory whole, and a snapshot of it is one message.
const PRODUCTION_BYTES: u64 = 256 * 1024 * 1024;
const PRODUCTION_DOCUMENTS: usize = 100_000;

rules! { Performance:
    "PF001" Warning "Commits are slow",
        "Look at the disk of the data directory and at what else writes there." => |it| slow("commits", it.observation.appends);
    "PF002" Warning "Flushes are slow",
        "Put the data directory on a local disk that flushes fast; network file systems do not." => |it| slow("flushes", it.observation.flushes);
    "PF003" Warning "The queue of commands is nearly full",
        "Send fewer and larger batches (`POST /mutations`); behind the limit callers are told to come back." => queue;
    "PF004" Warning "Frames are dropped",
        "Give the renderer less to do or more to do it with." => dropped;
    "PF005" Warning "The frame rate is under its target",
        "Lower the target, the size or the quality, or look at the renderer." => fps;
    "PF006" Warning "A document is nearly too large",
        "Split it into documents of their own; a change of one member then costs that member." => documents;
    "PF007" Warning "The production is large",
        "Set `keep.documents` for collections that grow, or move what is over to a production of its own." => production;
}

fn slow(name: &str, took: Took) -> Vec<Found> {
    let mean = took.mean_ms();
    if took.count < SAMPLES || mean <= SLOW_MS {
        return Vec::new();
    }
    let what = format!("the last {} {name} took {mean:.0} ms on average, more than {SLOW_MS:.0}", took.count);
    vec![Found::new(name, what)]
}

fn queue(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let Observation { waiting, room, .. } = *observation;
    if room == 0 || waiting * 100 < room * QUEUE_PERCENT {
        return Vec::new();
    }
    vec![Found::new("commands", format!("{waiting} commands wait, and there is room for {room}"))]
}

fn dropped(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { observation, .. } = *scene;
    let Observation { frames, dropped, .. } = *observation;
    if dropped < DROPPED || dropped * 100 <= frames * DROPPED_PERCENT {
        return Vec::new();
    }
    vec![Found::new("frames", format!("{dropped} frames of {frames} were dropped within a minute"))]
}

fn fps(scene: &Scene<'_>) -> Vec<Found> {
    let lifecycle = &scene.lifecycle;
    let figures =
        scene.observation.stream.as_ref().filter(|_| lifecycle.phase == Phase::Live && !lifecycle.paused);
    let rates = figures.and_then(|figures| figures.fps.zip(figures.target_fps));
    match rates {
        Some((fps, target)) if fps < target * FPS_ENOUGH => {
            vec![Found::new("fps", format!("{fps:.1} frames a second, the target is {target:.1}"))]
        }
        _ => Vec::new(),
    }
}

fn documents(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, .. } = *scene;
    let large = production.collections().flat_map(|(name, documents)| {
        documents.large().map(move |(id, bytes)| (format!("{name}/{id}"), bytes))
    });
    large
        .map(|(name, bytes)| {
            let what = format!(
                "{name} has {bytes} bytes, more than {LARGE_BYTES}; the limit is {DOCUMENT_BYTES_MAX}"
            );
            Found::new(name, what)
        })
        .collect()
}

fn production(scene: &Scene<'_>) -> Vec<Found> {
    let Scene { production, .. } = *scene;
    let (mut bytes, mut documents) = (0, 0);
    for (_, collection) in production.collections() {
        bytes += collection.bytes();
        documents += collection.len();
    }
    if bytes <= PRODUCTION_BYTES && documents <= PRODUCTION_DOCUMENTS {
        return Vec::new();
    }
    let what = format!(
        "{documents} documents of {bytes} bytes; more than {PRODUCTION_DOCUMENTS}, or {PRODUCTION_BYTES} bytes, make snapshots slow"
    );
    vec![Found::new("production", what)]
}
