//! From a refusal to a response: `application/problem+json`, and the headers that belong to a code.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use onair_wire::{Code, Problem, json::JsonError};

/// A problem on its way out of a handler.
#[derive(Clone, Debug)]
pub struct Failure(pub Box<Problem>);

impl Failure {
    /// A problem with its sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<onair_runtime::Error> for Failure {
    fn from(error: onair_runtime::Error) -> Self {
        error.problem().into()
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&*self.0).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.0.code {
            Code::TooManyRequests | Code::Closing => {
                let seconds = self.0.more.get("retryAfter").and_then(serde_json::Value::as_u64).unwrap_or(1);
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            Code::Unauthenticated => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        // The metrics count refusals by code, wherever they were made.
        response.extensions_mut().insert(self.0.code);
        response
    }
}
