//! The calls that are under way: those that the state says, no more and no fewer.
//!
//! After each batch that touched the show the crew is told the state that is on disk. Calls that it asks for and that
//! are not under way begin; calls that it asks for no longer are dropped. What came of a call goes back through the
//! inbox like any command (row L12).

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use onair_core::{Due, Intent, Production, Report, StepError};
use onair_wire::Actor;
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Request;
use crate::{
    adapter::{Call, CallError, Class},
    shared::Shared,
    tasks::TaskKind,
};

/// The calls of one production.
#[derive(Default)]
pub(super) struct Crew {
    under_way: BTreeMap<(String, u32), DropGuard>,
}

impl Crew {
    /// Brings the calls in step with the state.
    pub(super) fn follow(&mut self, shared: &Arc<Shared>, state: &Production) {
        let due = state.due();
        let is_due = |(key, attempt): &(String, u32)| {
            due.iter().any(|call| call.key == *key && call.attempt == *attempt)
        };
        self.under_way.retain(|call, _| is_due(call));
        for call in due {
            let name = (call.key.clone(), call.attempt);
            self.under_way.entry(name).or_insert_with(|| begin(shared, state, call));
        }
    }

    /// Drops all of them.
    pub(super) fn stand_down(&mut self) {
        self.under_way.clear();
    }
}

fn begin(shared: &Arc<Shared>, state: &Production, due: Due) -> DropGuard {
    let dropped = CancellationToken::new();
    let guard = dropped.clone().drop_guard();
    let service = state.manifest().and_then(|manifest| manifest.service(&due.service));
    let adapter = service.map_or_else(|| json!({}), |service| service.adapter.clone());
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    tasks.spawn(TaskKind::Call, async move {
        let closing = shared.tasks.cancelled();
        let answered = async {
            let result = call(&shared, &due, adapter).await;
            report(&shared, due, result).await;
        };
        tokio::select! {
            biased;
            () = dropped.cancelled() => {}
            () = closing.cancelled() => {}
            () = answered => {}
        }
    });
    guard
}

async fn call(shared: &Shared, due: &Due, adapter: serde_json::Value) -> Result<(), CallError> {
    let Some(known) = shared.adapters.of(&adapter) else {
        let kind = adapter.get("type").cloned().unwrap_or_default();
        return Err(CallError {
            class: Class::Validation,
            message: format!("this server has no adapter of type {kind}"),
            retryable: false,
            unknown: false,
        });
    };
    let call = Call {
        production: shared.id.clone(),
        service: due.service.as_str().into(),
        adapter: Arc::new(adapter),
        action: due.action,
        key: due.key.as_str().into(),
        attempt: due.attempt,
        deadline: due.deadline,
        params: Arc::new(due.params.clone()),
    };
    // A mistake in an adapter is told like any failure, rather than waited for until the deadline (fault F31).
    let called = AssertUnwindSafe(async { known.call(call).await }).catch_unwind().await;
    let mistake = |_| CallError {
        class: Class::Server,
        message: "the adapter made a mistake, which is in the log of the server".into(),
        retryable: false,
        unknown: true,
    };
    called.map_err(mistake)?.map(drop)
}

async fn report(shared: &Shared, due: Due, result: Result<(), CallError>) {
    let Due { sequence, step, key, attempt, .. } = due;
    let result = result.map_err(|error| {
        tracing::info!(production = %shared.id, %sequence, %step, attempt, class = error.class.as_str(), %error, "a call did not work");
        let CallError { message, retryable, unknown, .. } = error;
        StepError { message, retryable, unknown }
    });
    let intent = Intent::Report(Report { sequence, step, key, attempt, result });
    let actor = Actor::new("server:call").expect("an actor");
    // When the inbox is closed the server ends, and the next one asks again.
    let _ = shared.inbox.send(Request::unanswered(actor, intent)).await;
}
