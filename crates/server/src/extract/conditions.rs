//! Preconditions and the mutation id, from headers: RFC 9110, sections 8.8 and 13, and contract section 2.

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use onair_wire::{MutationId, Revision};
use utoipa::IntoParams;

use super::{bad_request, invalid};
use crate::{App, problem::Failure};

/// The header that names a mutation.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What a write depends on, and what it is remembered by.
#[derive(Clone, Debug, Default, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Conditions {
    /// The revision without which nothing is done, as in `ETag`: `"41"`; `*`: any, but there must be a document.
    #[param(rename = "If-Match", value_type = Option<String>, pattern = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#)]
    pub(crate) if_match: Option<Tags>,
    /// `*`: only if there is no such document.
    #[param(rename = "If-None-Match", value_type = Option<String>, pattern = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#)]
    pub(crate) if_none_match: Option<Tags>,
    /// The mutation's id: a retry under the same id is answered like the first.
    #[param(rename = "Idempotency-Key", value_type = Option<String>, pattern = "^[!-~]{1,128}$")]
    pub(crate) mutation: Option<MutationId>,
}

impl FromRequestParts<App> for Conditions {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        let headers = &parts.headers;
        let conditions = Self {
            if_match: Tags::of(headers, &header::IF_MATCH)?,
            if_none_match: Tags::of(headers, &header::IF_NONE_MATCH)?,
            mutation: mutation(headers)?,
        };
        if conditions.if_match.is_some() && conditions.if_none_match.is_some() {
            let detail = "it does not stand beside If-Match: one of the two is never met";
            return Err(bad_request("If-None-Match", detail));
        }
        Ok(conditions)
    }
}

/// What a reader has already.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfNoneMatch {
    /// The `ETag` that the reader has: while it is the current one, the answer is 304 without a body.
    #[param(rename = "If-None-Match", value_type = Option<String>, pattern = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)$"#)]
    tags: Option<Tags>,
}

impl IfNoneMatch {
    /// Whether the reader has this revision.
    pub(crate) fn has(&self, revision: Revision) -> bool {
        self.tags.as_ref().is_some_and(|tags| tags.weakly(revision))
    }
}

impl FromRequestParts<App> for IfNoneMatch {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Failure> {
        Ok(Self { tags: Tags::of(&parts.headers, &header::IF_NONE_MATCH)? })
    }
}

/// The mutation id, from its header.
pub(super) fn mutation(headers: &HeaderMap) -> Result<Option<MutationId>, Failure> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    if keys.next().is_some() {
        return Err(invalid("Idempotency-Key", "it stands twice"));
    }
    let text = String::from_utf8_lossy(key.as_bytes());
    text.parse().map(Some).map_err(|error: onair_wire::IdError| invalid("Idempotency-Key", error.to_string()))
}

/// The `ETag` of a revision.
pub(crate) fn etag(revision: Revision) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).expect("digits between quotes")
}

/// The entity tags of a precondition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tags {
    /// `*`.
    Any,
    /// These.
    These(Vec<Tag>),
}

/// One entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    weak: bool,
    /// The revision it stands for; a tag that was never given out stands for none.
    revision: Option<Revision>,
}

impl Tags {
    fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Failure> {
        let mut lines = Vec::new();
        for line in headers.get_all(name) {
            lines.push(String::from_utf8_lossy(line.as_bytes()));
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let named = if name == header::IF_MATCH { "If-Match" } else { "If-None-Match" };
        let detail = "it is `*`, or entity tags in double quotes like \"41\", with commas between";
        Self::parse(&lines.join(",")).map(Some).ok_or_else(|| bad_request(named, detail))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim_matches([' ', '\t']);
        if rest == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix(',') {
                rest = behind.trim_start_matches([' ', '\t']);
                continue;
            }
            let (weak, quoted) = rest.strip_prefix("W/").map_or((false, rest), |behind| (true, behind));
            let (opaque, behind) = quoted.strip_prefix('"')?.split_once('"')?;
            if opaque.chars().any(|c| c.is_ascii_control() || c == ' ') {
                return None;
            }
            let revision = opaque
                .parse()
                .ok()
                .filter(|revision: &Revision| *revision > Revision::ZERO && revision.to_string() == opaque);
            tags.push(Tag { weak, revision });
            rest = behind.trim_start_matches([' ', '\t']);
            if !(rest.is_empty() || rest.starts_with(',')) {
                return None;
            }
        }
        (!tags.is_empty()).then_some(Self::These(tags))
    }

    /// The one revision that is meant, when it is one.
    pub(crate) fn only(&self) -> Option<Revision> {
        match self {
            Self::These(tags) => match tags[..] {
                [Tag { weak: false, revision }] => revision,
                _ => None,
            },
            Self::Any => None,
        }
    }

    /// Whether `revision` is meant, by the strong comparison.
    pub(crate) fn strongly(&self, revision: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| !tag.weak && tag.revision == Some(revision)),
        }
    }

    /// Whether `revision` is meant, by the weak comparison.
    pub(crate) fn weakly(&self, revision: Revision) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| tag.revision == Some(revision)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b11_entity_tags_are_read_as_rfc_9110_writes_them() {
        let strong = |revision| Tag { weak: false, revision: Some(Revision(revision)) };
        let table = [
            ("*", Some(Tags::Any)),
            ("\"41\"", Some(Tags::These(vec![strong(41)]))),
            (" \"41\" , \"42\"", Some(Tags::These(vec![strong(41), strong(42)]))),
            (",\"41\",,", Some(Tags::These(vec![strong(41)]))),
            ("W/\"41\"", Some(Tags::These(vec![Tag { weak: true, revision: Some(Revision(41)) }]))),
            ("\"abc\"", Some(Tags::These(vec![Tag { weak: false, revision: None }]))),
            ("\"041\"", Some(Tags::These(vec![Tag { weak: false, revision: None }]))),
            ("\"0\"", Some(Tags::These(vec![Tag { weak: false, revision: None }]))),
            ("41", None),
            ("\"41", None),
            ("w/\"41\"", None),
            ("\"41\" \"42\"", None),
            ("\"41\", *", None),
            ("\"4 1\"", None),
            ("", None),
            (",", None),
        ];
        for (text, tags) in table {
            assert_eq!(Tags::parse(text), tags, "{text:?}");
        }
    }
}
