//! Who asks: the identity behind a request's token.

use axum::extract::FromRequestParts;
use http::{header, request::Parts};
use onair_wire::{Code, ProductionId};

use crate::{
    App,
    auth::{Identity, Role},
    net::Peer,
    problem::Failure,
};

/// A caller who was told apart, by a token or by the lack of one.
pub(crate) struct Caller(pub(crate) Identity);

impl Caller {
    /// That they have the role, in the production if one is meant.
    pub(crate) fn may(&self, needed: Role, production: Option<&ProductionId>) -> Result<(), Failure> {
        Ok(self.0.may(needed, production)?)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Peer(peer) = *parts
            .extensions
            .get::<Peer>()
            .ok_or_else(|| Failure::new(Code::Internal, "the connection's address is not known"))?;
        let token = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.map(|text| text.strip_prefix("Bearer ").unwrap_or_default());
        Ok(Self(app.access.identify(token, peer)?))
    }
}
