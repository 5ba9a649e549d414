//! The lifecycle's actions as clients ask for them, over HTTP and over a socket: read, tried or carried out.

use onair_core::{Act, ActionName, plan, sequence::Plan};
use onair_runtime::{Acted, Acting, Error, Handle};
use onair_wire::{
    Actor, MutationId, Problem, Revision,
    json::{self, JsonError},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::App;

/// What a start is told.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Start {
    /// What the session is called; the server names it otherwise.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        example = "s-1"
    )]
    session_id: Option<String>,
    /// Of which kind it is.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        example = "analysis"
    )]
    kind: Option<String>,
    /// Why it goes on in spite of findings that the manifest wants mended first.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$",
        example = "the audience is waiting"
    )]
    break_glass: Option<String>,
}

/// What the others are told: nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// The action of that name with what it is told; what is told wrongly is refused with its place.
pub(crate) fn read(name: ActionName, told: Map<String, Value>) -> Result<Act, Problem> {
    let told = Value::Object(told);
    let act = if name == ActionName::Start {
        let Start { session_id, kind, break_glass } = json::from_value(told)?;
        Act::Start { session_id, kind, break_glass }
    } else {
        let Nothing {} = json::from_value(told)?;
        bare(name)
    };
    act.check().map_err(|refusal| refusal.problem())?;
    Ok(act)
}

/// The action of that name, which is told nothing.
fn bare(name: ActionName) -> Act {
    match name {
        ActionName::Initialize => Act::Initialize,
        ActionName::Start => Act::Start { session_id: None, kind: None, break_glass: None },
        ActionName::Stop => Act::Stop,
        ActionName::Pause => Act::Pause,
        ActionName::Resume => Act::Resume,
        ActionName::EmergencyStop => Act::EmergencyStop,
        ActionName::Recover => Act::Recover,
    }
}

/// The action that a text names.
pub(crate) fn named(text: &str) -> Result<ActionName, Problem> {
    ActionName::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| {
        let known = ActionName::ALL.map(ActionName::as_str).join("`, `");
        let detail = format!("there is no action `{}`, only `{known}`", text.escape_debug());
        JsonError::Invalid { pointer: "/action".into(), detail }.into()
    })
}

/// What `act` would do now, and the revision that was looked at.
pub(crate) fn tried(app: &App, handle: &Handle, act: &Act, actor: &Actor) -> (Revision, Plan) {
    let state = handle.state();
    (state.revision(), plan(&state, act, actor, app.productions.clock().now()))
}

/// Hands the action over, behind whatever was asked for before.
pub(crate) fn ask(
    handle: &Handle,
    actor: Actor,
    mutation: Option<MutationId>,
    act: Act,
) -> Result<Acting, Problem> {
    handle.ask(actor, mutation, act).map_err(|error| error.problem())
}

/// Waits for what comes of it. Whoever waits is let go when the server stops; the action goes on behind its next start.
pub(crate) async fn came(app: &App, acting: Acting, wait: bool) -> Result<Acted, Problem> {
    let acted = match app.tasks.cancelled().run_until_cancelled(acting.ended(wait)).await {
        Some(acted) => acted.map_err(|error| error.problem())?,
        None => return Err(Error::Closing.problem()),
    };
    match acted.problem().filter(|_| wait) {
        Some(problem) => Err(problem),
        None => Ok(acted),
    }
}
