//! From a request to values that are checked: every extractor refuses with a problem that names the place.
//!
//! A handler's arguments are read from left to right, and stand in the order in which refusals are to come: who asks
//! ([`On`], [`Holds`]), then what is asked ([`Query`], [`InCollection`], [`Conditions`]), the body last. What
//! exists is looked at by the handler.

mod action;
mod body;
mod conditions;
mod ids;
mod on;
mod query;

use onair_wire::{Code, Problem};

use crate::problem::Failure;

pub use body::BODY_BYTES_MAX;
pub use query::PAGE_MAX;

pub(crate) use action::{DryRun, Manner, PREFERENCE_APPLIED, RESPOND_ASYNC};
pub(crate) use body::{Body, Document, MergePatch, OptionalBody, frames, has_length_over, media_type};
pub(crate) use conditions::{Conditions, IfNoneMatch, Tags, etag};
pub(crate) use ids::{CodeName, InCollection, Named, OfBackend, OfDocument};
pub(crate) use on::{Admin, Agent, Holds, On, Operator, Viewer};
pub(crate) use query::{NoQuery, Page, Query, text, within};

/// `invalid`, at a header, a parameter or a place in the body.
pub(crate) fn invalid(place: &str, detail: impl Into<String>) -> Failure {
    at(Code::Invalid, place, detail)
}

/// `bad-request`: what HTTP itself does not allow.
pub(crate) fn bad_request(place: &str, detail: impl Into<String>) -> Failure {
    at(Code::BadRequest, place, detail)
}

fn at(code: Code, place: &str, detail: impl Into<String>) -> Failure {
    let detail = detail.into();
    Problem::new(code, format!("{place}: {detail}")).at(place, detail).into()
}
