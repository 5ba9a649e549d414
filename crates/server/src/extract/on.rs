//! Who asks, about which production, with which role: decided before anything else of a request is read.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::request::Parts;
use onair_runtime::Handle;
use onair_wire::{Actor, MutationId, ProductionId, Receipt};

use super::ids;
use crate::{
    App,
    auth::{Caller, Identity, Role},
    problem::Failure,
};

/// A role as a type, so that a handler's signature says what it takes.
pub(crate) trait Needs: Send + Sync {
    /// The role.
    const ROLE: Role;
}

macro_rules! roles {
    ($($name:ident),*) => {$(
        #[doc = concat!("See [`Role::", stringify!($name), "`].")]
        pub(crate) enum $name {}
        impl Needs for $name {
            const ROLE: Role = Role::$name;
        }
    )*};
}
roles!(Viewer, Agent, Operator, Admin);

/// A caller who has the role `R` in the production that the path names; where it names none, in the default one.
pub(crate) struct On<R> {
    pub(crate) app: App,
    pub(crate) production: ProductionId,
    pub(crate) caller: Identity,
    role: PhantomData<R>,
}

impl<R: Needs> FromRequestParts<App> for On<R> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let named = ids::production(parts, app).await?;
        let production = named.unwrap_or_else(|| app.default_production.clone());
        caller.may(R::ROLE, Some(&production))?;
        Ok(Self { app: app.clone(), production, caller: caller.0, role: PhantomData })
    }
}

impl<R> On<R> {
    /// The production, read from its log if it is not in memory.
    pub(crate) async fn open(&self) -> Result<Handle, Failure> {
        Ok(self.app.productions.open(&self.production).await?)
    }

    /// As whom the caller is named in commits.
    pub(crate) fn actor(&self) -> Actor {
        self.caller.actor()
    }
}

/// A caller who has the role `R`, whatever production is meant: for what belongs to none.
pub(crate) struct Holds<R> {
    pub(crate) caller: Identity,
    role: PhantomData<R>,
}

impl<R: Needs> FromRequestParts<App> for Holds<R> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.may(R::ROLE, None)?;
        Ok(Self { caller: caller.0, role: PhantomData })
    }
}

impl On<Operator> {
    /// Carries a command out in the caller's name.
    pub(crate) async fn execute(
        &self,
        handle: &Handle,
        mutation: Option<MutationId>,
        intent: onair_core::Intent,
    ) -> Result<Receipt, onair_runtime::Error> {
        handle.execute(self.actor(), mutation, intent).await
    }
}
