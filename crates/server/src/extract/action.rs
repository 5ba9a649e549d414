//! What belongs to an action: whether it is only tried, under which id it is remembered, and whether to wait.

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use onair_wire::MutationId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Query, conditions::mutation};
use crate::{App, problem::Failure};

/// RFC 7240.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// RFC 7240, section 3.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// RFC 7240, section 4.1.
pub(crate) const RESPOND_ASYNC: HeaderValue = HeaderValue::from_static("respond-async");

/// Whether an action is only tried.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DryRun {
    /// Answers what would be done, and changes nothing.
    #[serde(default)]
    #[param(default = false)]
    dry_run: bool,
}

/// How an action is asked for.
#[derive(Debug, Default)]
pub(crate) struct Manner {
    /// What would be done is to be answered, and nothing changed.
    pub(crate) dry: bool,
    /// The mutation's id.
    pub(crate) mutation: Option<MutationId>,
    /// Whether the caller waits for the end.
    pub(crate) wait: bool,
}

impl FromRequestParts<App> for Manner {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Query(DryRun { dry_run }) = Query::from_request_parts(parts, app).await?;
        Ok(Self { dry: dry_run, mutation: mutation(&parts.headers)?, wait: !prefers_async(&parts.headers) })
    }
}

/// A preference that is not known is no mistake (RFC 7240, section 2).
fn prefers_async(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split(',')).map(|preference| {
        preference.split([';', '=']).next().unwrap_or_default().trim().to_ascii_lowercase()
    });
    preferences.any(|name| name == "respond-async")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l4_a_preference_is_read_as_rfc_7240_writes_it() {
        let table = [
            ("respond-async", true),
            ("Respond-Async; x=1", true),
            ("wait=10, respond-async", true),
            ("return=minimal", false),
            ("x-respond-async", false),
            ("", false),
        ];
        for (text, expected) in table {
            let headers = HeaderMap::from_iter([(PREFER, HeaderValue::from_static(text))]);
            assert_eq!(prefers_async(&headers), expected, "{text}");
        }
        assert!(!prefers_async(&HeaderMap::new()));
    }
}
