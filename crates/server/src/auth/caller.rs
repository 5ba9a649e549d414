//! Who calls a handler: an extractor.

use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use http::{HeaderMap, Method, header::AUTHORIZATION, request::Parts};
use onair_wire::{Code, Problem, ProductionId};

use super::{Identity, Role};
use crate::{App, Failure, net::Peer};

/// Whoever sent a request: by `Authorization: Bearer`, or by `?ticket=` of a GET, which is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Identity);

impl Caller {
    /// That they have the role, in the production if one is meant.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn may(&self, needed: Role, production: Option<&ProductionId>) -> Result<(), Failure> {
        self.0.may(needed, production).map_err(Failure::from)
    }
}

/// What the guard found out by the token, in the extensions of a request.
#[derive(Clone, Debug)]
pub(super) struct Identified(pub(super) Result<Identity, Problem>);

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        identify(parts, app).map(Self).map_err(Failure::from)
    }
}

fn identify(parts: &Parts, app: &App) -> Result<Identity, Problem> {
    let peer = peer(parts);
    let token = bearer(&parts.headers)?;
    match (token, ticket(parts)) {
        (Some(_), Some(_)) => Err(Problem::new(Code::BadRequest, "a token or a ticket, not both")),
        (None, Some(ticket)) => app.access.redeem(ticket, peer),
        (token, None) => match parts.extensions.get::<Identified>() {
            Some(Identified(identified)) => identified.clone(),
            None => app.access.identify(token, peer),
        },
    }
}

/// Where it came from. Without a listener of ours nothing is known, so it is not this machine.
pub(super) fn peer(parts: &Parts) -> SocketAddr {
    parts.extensions.get::<Peer>().map_or(SocketAddr::from(([0, 0, 0, 0], 0)), |peer| peer.0)
}

/// The token of a request; the scheme in any case, the header once.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let unauthenticated = |detail: &str| Problem::new(Code::Unauthenticated, detail);
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(unauthenticated("there is more than one `Authorization`"));
    }
    let credentials = line.to_str().ok().and_then(|line| line.split_once(' '));
    match credentials {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(token.trim()))
        }
        _ => Err(unauthenticated("`Authorization` is `Bearer` and a token")),
    }
}

/// The ticket of a request that cannot say a header.
fn ticket(parts: &Parts) -> Option<&str> {
    if parts.method != Method::GET {
        return None;
    }
    parts.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("ticket="))
}
