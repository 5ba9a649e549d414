//! Findings of the validation agent (rows A2, A3): what stands, what stood, how often, and looking now.

use std::{collections::BTreeMap, sync::Arc};

use onair_core::{
    production::server,
    rules::{self, Finding, OfCode, Severity},
};
use onair_runtime::Handle;
use onair_wire::{Code, DocumentId, Problem, Revision, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{answer::Json, newest};
use crate::{
    App,
    action::Nothing,
    extract::{NoQuery, On, Operator, OptionalBody, Page, Query, Viewer, text},
    openapi::{Changed, OfProduction, Read},
    problem::Failure,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(findings))
        .routes(routes!(history))
        .routes(routes!(stats))
        .routes(routes!(check))
}

/// Which findings.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Only those of this severity.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<String>, pattern = "^(error|warning|info)$")]
    severity: Option<Severity>,
    /// Only those of this rule.
    #[param(pattern = "^[A-Z]{2}[0-9]{3}$")]
    code: Option<String>,
    /// What `cursor` said at the end of the page before.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9._~-]{1,128}$")]
    cursor: Option<DocumentId>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
}

/// A page of findings.
#[derive(Serialize, ToSchema)]
struct FindingPage {
    /// Newest first.
    #[schema(value_type = Vec<Shown>)]
    findings: Vec<Finding>,
    /// What to ask for the next page with, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    cursor: Option<DocumentId>,
}

/// What a rule found.
#[derive(ToSchema)]
#[schema(as = Finding, rename_all = "camelCase")]
#[expect(dead_code, reason = "only described here")]
struct Shown {
    /// The rule: `onair explain CODE`.
    #[schema(pattern = "^[A-Z]{2}[0-9]{3}$")]
    code: String,
    /// `stateMachine`, `dependency`, `synchronization`, `performance`, `configuration` or `integrity`.
    category: String,
    /// How bad it is.
    #[schema(pattern = "^(error|warning|info)$")]
    severity: String,
    /// What is wrong, with the values.
    message: String,
    /// How to mend it.
    fix: String,
    /// When it was first seen.
    #[schema(format = DateTime)]
    first_seen: String,
    /// When it was last seen.
    #[schema(format = DateTime)]
    last_seen: String,
    /// When it was not seen any more; `null` while it stands.
    #[schema(format = DateTime, required = true)]
    cleared_at: Option<String>,
    /// How often it was seen.
    count: u64,
    /// What it is about: services, backends, documents.
    subjects: Vec<String>,
}

async fn page(on: On<Viewer>, which: Which, standing: bool) -> Result<Json<FindingPage>, Failure> {
    let Which { severity, code, cursor, limit } = which;
    let page = Page::new(cursor, limit);
    page.limit()?;
    let handle = on.open().await?;
    let (found, cursor) = newest::page(&handle.state(), server::FINDINGS, &page, |document| {
        let Ok(finding) = Finding::deserialize(&**document.value()) else { return false };
        let wanted = severity.is_none_or(|severity| finding.severity == severity);
        wanted && code.as_ref().is_none_or(|code| finding.code == *code) && finding.stands() == standing
    })?;
    let read = |(_, value): (DocumentId, Arc<Value>)| Finding::deserialize(&*value).ok();
    let findings = found.into_iter().filter_map(read).map(|finding| handle.as_of_now(finding));
    Ok(Json(FindingPage { findings: findings.collect(), cursor }))
}

/// What the rules find
#[utoipa::path(
    get, path = "/v1/productions/{production}/findings", tag = "operation", operation_id = "listFindings",
    params(OfProduction, Which),
    responses((status = 200, description = "Those that stand, newest first", body = FindingPage), Read),
)]
async fn findings(on: On<Viewer>, Query(which): Query<Which>) -> Result<Json<FindingPage>, Failure> {
    page(on, which, true).await
}

/// What the rules found before
#[utoipa::path(
    get, path = "/v1/productions/{production}/findings/history", tag = "operation", operation_id = "listPastFindings",
    params(OfProduction, Which),
    responses((status = 200, description = "Those that were cleared, newest first", body = FindingPage), Read),
)]
async fn history(on: On<Viewer>, Query(which): Query<Which>) -> Result<Json<FindingPage>, Failure> {
    page(on, which, false).await
}

/// What was found so far, as far as it is kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stats {
    /// How many rules there are.
    rules: usize,
    /// How often they looked since the production came into memory.
    checks: u64,
    /// When they last did.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    checked_at: Option<Timestamp>,
    /// How many findings stand.
    standing: u64,
    /// How many were cleared and are kept.
    cleared: u64,
    /// Those that stand, by severity.
    by_severity: BTreeMap<&'static str, u64>,
    /// Those that stand, by category.
    by_category: BTreeMap<&'static str, u64>,
    /// Those of each rule that fired: whether one stands, how often it was opened and seen, when first and last, and how
    /// many milliseconds they stood together.
    #[schema(value_type = BTreeMap<String, Value>)]
    by_code: BTreeMap<String, OfCode>,
}

/// How often the rules found something
#[utoipa::path(
    get, path = "/v1/productions/{production}/findings/stats", tag = "operation", operation_id = "getFindingStats",
    params(OfProduction), responses((status = 200, description = "As far as findings are kept", body = Stats), Read),
)]
async fn stats(on: On<Viewer>, _: NoQuery) -> Result<Json<Stats>, Failure> {
    let handle = on.open().await?;
    let (state, looked) = (handle.state(), handle.looked());
    let findings = state.findings().map(|finding| handle.as_of_now(finding));
    let counted = rules::statistics(findings, on.app.productions.clock().now());
    Ok(Json(Stats {
        rules: rules::all().count(),
        checks: looked.checks,
        checked_at: looked.at,
        standing: counted.standing,
        cleared: counted.cleared,
        by_severity: counted.by_severity,
        by_category: counted.by_category,
        by_code: counted.by_code,
    }))
}

/// When a check is a refusal.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Fail {
    /// While a finding stands that is at least so bad the answer is 409.
    #[serde(default, deserialize_with = "text")]
    #[param(value_type = Option<String>, pattern = "^(error|warning|info)$")]
    fail: Option<Severity>,
}

/// What a check found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Where the log is by then.
    #[schema(value_type = u64)]
    revision: Revision,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Whether no error stands.
    ok: bool,
    /// How many rules looked.
    rules: usize,
    /// How many findings stand, by severity.
    counts: BTreeMap<&'static str, u64>,
    /// What stands, the worst first.
    #[schema(value_type = Vec<Shown>)]
    findings: Vec<Finding>,
}

impl Report {
    fn new(handle: &Handle, report: rules::Report) -> Self {
        let rules::Report { at, ok, rules, counts, findings } = report;
        Self { revision: handle.state().revision(), at, ok, rules, counts, findings }
    }
}

/// Has the rules look now
///
/// Those too that go through the whole state, which the checks of every five seconds leave out.
#[utoipa::path(
    post, path = "/v1/productions/{production}/check", tag = "operation", operation_id = "check",
    params(OfProduction, Fail),
    request_body(content = Option<Nothing>, content_type = "application/json"),
    responses((status = 200, description = "The report", body = Report), Changed),
)]
async fn check(
    on: On<Operator>,
    Query(Fail { fail }): Query<Fail>,
    OptionalBody(_): OptionalBody<Nothing>,
) -> Result<Json<Report>, Failure> {
    let handle = on.open().await?;
    let report = handle.check().await?;
    if let Some(refused) = fail.and_then(|least| refused(&report, least)) {
        return Err(refused.into());
    }
    Ok(Json(Report::new(&handle, report)))
}

/// The report as a refusal, if something stands that is at least so bad.
fn refused(report: &rules::Report, least: Severity) -> Option<Problem> {
    let standing: Vec<&Finding> = report.at_least(least).collect();
    if standing.is_empty() {
        return None;
    }
    let codes: Vec<&str> = standing.iter().map(|finding| finding.code.as_str()).collect();
    let reason = match codes.as_slice() {
        [code] => format!("{code} stands"),
        codes => format!("{} findings of severity {least} or worse stand: {}", codes.len(), codes.join(", ")),
    };
    let problem = Problem::new(Code::NotAllowed, reason.clone()).with("reason", reason);
    Some(
        problem
            .with("missingDependencies", json!([]))
            .with("findings", json!(standing))
            .with("counts", json!(report.counts)),
    )
}
