//! The log as it is: commits behind a revision, and waiting for the next one.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use onair_core::Refusal;
use onair_runtime::{Error, Handle, archive::READ};
use onair_wire::{After, Code, Epoch, Problem, Revision};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App,
    extract::{On, Query, Viewer, invalid, text, within},
    openapi::{OfProduction, ProblemBody, Read},
    problem::Failure,
};

/// Commits in one answer where nothing is said.
const COMMITS: usize = 500;
/// Commits in one answer at most. The bytes of an answer are bounded besides.
pub const COMMITS_MAX: usize = 5_000;
/// The longest a caller may wait, in milliseconds: proxies give up soon after.
pub const WAIT_MAX: u64 = 60_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(changes))
}

/// Which commits.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The last revision the caller has, or its position `epoch:revision`; nothing: from the first commit on.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<String>, pattern = "^([a-z0-9]{1,32}:)?[0-9]{1,16}$", example = "k3f9:40")]
    after: Option<After>,
    /// How many commits at most.
    #[param(minimum = 1, maximum = 5_000, default = 500)]
    limit: Option<usize>,
    /// Milliseconds to wait for a commit when there is none yet.
    #[param(minimum = 0, maximum = 60_000, default = 0)]
    wait: Option<u64>,
}

/// Commits.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the answer is put together from bytes of the log")]
struct Commits {
    /// In order, without a gap.
    commits: Vec<Value>,
    /// The log they are of.
    epoch: String,
    /// Where the production is.
    revision: u64,
}

/// The commits behind a revision
#[utoipa::path(
    get, path = "/v1/productions/{production}/changes", tag = "log", operation_id = "getChanges",
    params(OfProduction, Wanted),
    responses(
        (status = 200, description = "What was asked for, or nothing when the wait is over", body = Commits),
        (status = 410, description = "They are no longer kept, or of another log; see `oldest` and `epoch` (`compacted`)", body = ProblemBody, content_type = "application/problem+json"),
        Read,
    ),
)]
async fn changes(on: On<Viewer>, Query(wanted): Query<Wanted>) -> Result<Response, Failure> {
    // The bytes of an answer are those of a read.
    let mut limit = READ;
    limit.records = within("limit", wanted.limit, COMMITS, COMMITS_MAX)?;
    let wait = wanted.wait.unwrap_or_default();
    if wait > WAIT_MAX {
        return Err(invalid("wait", format!("{wait} is not from 0 to {WAIT_MAX}")));
    }
    let handle = on.open().await?;
    let after = check(&handle, wanted.after.as_ref())?;
    let kept = |error| compacted(&handle, error);
    let (mut commits, mut revision) = handle.commits(after, limit).await.map_err(kept)?;
    if commits.is_empty() && wait > 0 {
        // Whoever waits is answered when the server stops: what there is, which is nothing.
        let next = handle.wait_beyond(after, Duration::from_millis(wait));
        on.app.tasks.cancelled().run_until_cancelled(next).await;
        (commits, revision) = handle.commits(after, limit).await.map_err(kept)?;
    }
    let body = encode(&commits, handle.epoch(), revision);
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}

/// The revision behind which commits are wanted, when they are of this log and not of the future.
fn check(handle: &Handle, after: Option<&After>) -> Result<Revision, Failure> {
    let Some(After { epoch, revision }) = after else { return Ok(Revision::ZERO) };
    let state = handle.state();
    if let Some(epoch) = epoch
        && epoch != state.epoch()
    {
        let detail = format!("the log is {}, position {epoch}:{revision} is of another", state.epoch());
        return Err(gone(handle, detail, state.oldest()));
    }
    if *revision > state.revision() {
        let detail =
            format!("revision {revision} is in the future, the production is at {}", state.revision());
        return Err(invalid("after", detail));
    }
    Ok(*revision)
}

fn compacted(handle: &Handle, error: Error) -> Failure {
    match error {
        Error::Refused(Refusal::Compacted { oldest, .. }) => gone(handle, error.to_string(), oldest),
        other => other.into(),
    }
}

fn gone(handle: &Handle, detail: String, oldest: Revision) -> Failure {
    let problem = Problem::new(Code::Compacted, detail).with("oldest", oldest.0);
    problem.with("epoch", handle.epoch().as_str()).into()
}

/// The answer, from the bytes of the log.
fn encode(commits: &[Bytes], epoch: &Epoch, revision: Revision) -> Vec<u8> {
    let length: usize = commits.iter().map(|commit| commit.len() + 1).sum();
    let mut body = Vec::with_capacity(length + 96);
    body.extend_from_slice(b"{\"commits\":[");
    for (place, commit) in commits.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        body.extend_from_slice(commit);
    }
    // An epoch has no character that JSON escapes.
    body.extend_from_slice(format!("],\"epoch\":\"{epoch}\",\"revision\":{revision}}}").as_bytes());
    body
}
