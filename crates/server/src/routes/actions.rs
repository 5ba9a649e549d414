//! The lifecycle's actions (rows L2 to L8), of any production and, under `/stream`, of the default one (row T2).

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use onair_core::{ActionName, Phase};
use onair_runtime::Acted;
use onair_wire::{Code, DocumentId, Revision};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::Json;
use crate::{
    App,
    action::{self, Nothing, Start},
    extract::{DryRun, Manner, On, Operator, OptionalBody, PREFERENCE_APPLIED, RESPOND_ASYNC, invalid},
    openapi::{Changed, OfProduction, Plan, ProblemBody},
    problem::Failure,
};

/// Where a production is by an action.
#[derive(Serialize, ToSchema)]
struct Moved {
    /// What carries it out, or carried it out: `GET …/sequences/{id}`. A flag needs none.
    #[schema(value_type = Option<String>, required = true)]
    sequence: Option<DocumentId>,
    /// The phase by then.
    #[schema(value_type = String, pattern = "^(idle|initializing|ready|starting|live|stopping|error)$")]
    phase: Phase,
    /// Where the log is by then.
    #[schema(value_type = u64)]
    revision: Revision,
}

/// What comes of an action.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described here")]
enum MovedOrPlan {
    Moved(Moved),
    Plan(Plan),
}

/// What is asked for: an action, or the one button of a front end.
enum Wish {
    Act(ActionName),
    /// Holds a show that goes on, and goes on with one that is held.
    Hold,
}

async fn carry_out(
    on: &On<Operator>,
    manner: &Manner,
    wish: Wish,
    told: Option<Value>,
) -> Result<Response, Failure> {
    match wish {
        Wish::Act(name) => act(on, manner, name, told).await,
        Wish::Hold => hold(on, manner, told).await,
    }
}

async fn act(
    on: &On<Operator>,
    manner: &Manner,
    name: ActionName,
    told: Option<Value>,
) -> Result<Response, Failure> {
    let told = match told {
        None => Map::new(),
        Some(Value::Object(told)) => told,
        Some(_) => return Err(invalid("", "what an action is told is an object")),
    };
    let act = action::read(name, told)?;
    let handle = on.open().await?;
    if manner.dry {
        let (_, plan) = action::tried(&on.app, &handle, &act, &on.actor());
        return Ok(Json(plan).into_response());
    }
    let acting = action::ask(&handle, on.actor(), manner.mutation.clone(), act)?;
    let Acted { sequence, phase, revision, .. } = action::came(&on.app, acting, manner.wait).await?;
    let moved = Json(Moved { sequence, phase, revision });
    Ok(if manner.wait {
        moved.into_response()
    } else {
        (StatusCode::ACCEPTED, [(PREFERENCE_APPLIED, RESPOND_ASYNC)], moved).into_response()
    })
}

async fn hold(on: &On<Operator>, manner: &Manner, told: Option<Value>) -> Result<Response, Failure> {
    let paused = on.open().await?.state().lifecycle().paused;
    let (wanted, before) = if paused {
        (ActionName::Resume, ActionName::Pause)
    } else {
        (ActionName::Pause, ActionName::Resume)
    };
    match act(on, manner, wanted, told.clone()).await {
        // A retry finds the flag as the first try left it, and is answered as that one was.
        Err(failure) if failure.0.code == Code::MutationIdReused => act(on, manner, before, told).await,
        came => came,
    }
}

/// A handler for each address; the comment is the title in the document.
macro_rules! actions {
    ($($(#[$title:meta])* $handler:ident $path:tt ($($within:ty)?) $id:tt $tag:tt $body:ty => $wish:expr;)*) => {
        pub(super) fn routes() -> OpenApiRouter<App> {
            OpenApiRouter::new()$(.routes(routes!($handler)))*
        }
        $(
            $(#[$title])*
            #[utoipa::path(
                post, path = $path, tag = $tag, operation_id = $id,
                params(
                    $($within,)? DryRun,
                    ("Idempotency-Key" = Option<String>, Header, pattern = "^[!-~]{1,128}$", description = "The mutation's id"),
                    ("Prefer" = Option<String>, Header, description = "`respond-async`: answer at once"),
                ),
                request_body(content = Option<$body>, content_type = "application/json"),
                responses(
                    (status = 200, description = "It is done; with `dryRun`: what would be done", body = MovedOrPlan),
                    (status = 202, description = "It is under way, and the caller does not wait", body = Moved, headers(("Preference-Applied" = String))),
                    (status = 502, description = "A step failed, and what was done before is undone (`step-failed`)", body = ProblemBody, content_type = "application/problem+json"),
                    (status = 504, description = "A step ran past its deadline, and what was done before is undone (`step-timeout`)", body = ProblemBody, content_type = "application/problem+json"),
                    Changed,
                ),
            )]
            async fn $handler(
                on: On<Operator>,
                manner: Manner,
                OptionalBody(told): OptionalBody<Value>,
            ) -> Result<Response, Failure> {
                carry_out(&on, &manner, $wish, told).await
            }
        )*
    };
}

actions! {
    /// Makes the services ready
    initialize "/v1/productions/{production}/initialize" (OfProduction) "initialize" "operation" Nothing => Wish::Act(ActionName::Initialize);
    /// Goes on air
    start "/v1/productions/{production}/start" (OfProduction) "start" "operation" Start => Wish::Act(ActionName::Start);
    /// Goes off air, and comes back to `ready`
    stop "/v1/productions/{production}/stop" (OfProduction) "stop" "operation" Nothing => Wish::Act(ActionName::Stop);
    /// Holds the show
    pause "/v1/productions/{production}/pause" (OfProduction) "pause" "operation" Nothing => Wish::Act(ActionName::Pause);
    /// Goes on with the show
    resume "/v1/productions/{production}/resume" (OfProduction) "resume" "operation" Nothing => Wish::Act(ActionName::Resume);
    /// Turns everything off at once, from any phase
    emergency_stop "/v1/productions/{production}/emergency-stop" (OfProduction) "emergencyStop" "operation" Nothing => Wish::Act(ActionName::EmergencyStop);
    /// Turns off what failed, and begins again
    recover "/v1/productions/{production}/recover" (OfProduction) "recover" "operation" Nothing => Wish::Act(ActionName::Recover);
    /// Goes on air
    stream_start "/stream/start" () "startStream" "stream" Start => Wish::Act(ActionName::Start);
    /// Goes off air
    stream_stop "/stream/stop" () "stopStream" "stream" Nothing => Wish::Act(ActionName::Stop);
    /// Holds the show, or goes on with one that is held
    stream_pause "/stream/pause" () "pauseStream" "stream" Nothing => Wish::Hold;
}
