//! The stream's figures in the log (row T1): a sample now and then while live, so that the recorder has a trace of them.

use onair_wire::{CauseKind, sync::StreamFigures};
use serde_json::json;

use super::{Context, Draft};
use crate::{
    lifecycle::Phase,
    production::{Production, server},
};

/// `None`: the show is not live, or the figures are what they were.
pub(super) fn decide(
    production: &Production,
    context: &Context<'_>,
    figures: &StreamFigures,
) -> Option<Draft> {
    if production.phase() != Phase::Live {
        return None;
    }
    let sample = json!(figures);
    let before = production.server_document(server::SYSTEM, "stream");
    if before.is_some_and(|before| **before.value() == sample) {
        return None;
    }
    Some(Draft::applied(CauseKind::StreamSampled, vec![context.put(server::SYSTEM, "stream", sample)]))
}
