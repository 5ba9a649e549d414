//! The hand of an agent: what it changes in the show, over HTTP, a cue at a time.

use std::{cell::Cell, time::Duration};

use onair_wire::sync::StreamFigures;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::super::script::{self, Beat, Cue, Quiz};
use crate::command::Context;

/// How often somebody looks whether a pause is over.
const LOOK: Duration = Duration::from_millis(250);

/// The hand of one agent.
pub(super) struct Hand {
    pub(super) context: Context,
    /// What this process calls itself.
    pub(super) instance: String,
    /// How much faster than real everything is.
    pub(super) pace: f64,
    /// Cues so far.
    cues: Cell<u64>,
}

impl Hand {
    pub(super) fn new(context: Context, instance: String, pace: f64) -> Self {
        Self { context, instance, pace, cues: Cell::new(0) }
    }

    /// Waits as long as a beat of so many milliseconds.
    pub(super) async fn wait(&self, beat_ms: u64) {
        sleep(self.length(beat_ms)).await;
    }

    /// How long a beat is.
    pub(super) fn length(&self, beat_ms: u64) -> Duration {
        Duration::from_millis(beat_ms).div_f64(self.pace)
    }

    /// Plays beats, one after the other. Nobody plays while the show is paused.
    pub(super) async fn play(&self, beats: &[Beat]) {
        for (wait, cue) in beats {
            self.wait(*wait).await;
            while self.is_paused().await {
                sleep(LOOK).await;
            }
            self.cue(cue).await;
        }
    }

    /// Changes what a cue changes: one commit. What does not work is for the log; the show goes on.
    pub(super) async fn cue(&self, cue: &Cue) {
        self.cues.set(self.cues.get() + 1);
        let mutations = script::mutations(cue, &format!("{}-{}", self.instance, self.cues.get()));
        let body = json!({ "mutations": mutations });
        let Context { remote, production, .. } = &self.context;
        let asked = remote.of(production, Method::POST, &["mutations"]).once().json(&body).send().await;
        if let Err(error) = asked {
            eprintln!("{}: {cue:?}: {error}", self.instance);
        }
    }

    /// Says how the stream is.
    pub(super) async fn signal(&self, figures: &StreamFigures) {
        let Context { remote, production, .. } = &self.context;
        let body = json!({ "stream": figures });
        if let Err(error) = remote.of(production, Method::POST, &["signals"]).json(&body).send().await {
            eprintln!("{}: {error}", self.instance);
        }
    }

    /// Where the quiz is: onair knows.
    pub(super) async fn quiz(&self) -> Quiz {
        self.document("interactions", "quiz").await.unwrap_or_default()
    }

    async fn is_paused(&self) -> bool {
        #[derive(Deserialize)]
        struct Lifecycle {
            paused: bool,
        }
        self.document("_system", "lifecycle").await.is_some_and(|Lifecycle { paused }| paused)
    }

    async fn document<T: for<'a> Deserialize<'a>>(&self, collection: &str, id: &str) -> Option<T> {
        let Context { remote, production, .. } = &self.context;
        let asked = remote.of(production, Method::GET, &["documents", collection, id]).value().await;
        serde_json::from_value(asked.ok()?.get_mut("value")?.take()).ok()
    }
}
