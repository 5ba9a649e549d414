//! Names in the path, decoded and checked once.

use std::{fmt::Display, str::FromStr};

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use onair_core::rules::{self, Rule};
use onair_wire::{Code, Collection, DocumentId, ProductionId};
use utoipa::IntoParams;

use super::invalid;
use crate::{App, problem::Failure};

/// A collection of the production.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct InCollection {
    /// The collection. Those that begin with `_` are written by the server alone.
    #[param(value_type = String, pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "layers")]
    pub(crate) collection: Collection,
}

/// A document of the production.
#[derive(Clone, Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfDocument {
    /// The collection. Those that begin with `_` are written by the server alone.
    #[param(value_type = String, pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "layers")]
    pub(crate) collection: Collection,
    /// The document.
    #[param(value_type = String, pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "logo")]
    pub(crate) id: DocumentId,
}

/// Something that is called by its id alone: a sequence, a conflict, a layer.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Named {
    /// Its id.
    #[param(value_type = String, pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "logo")]
    pub(crate) id: DocumentId,
}

/// A backend of the production.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfBackend {
    /// The backend.
    #[param(value_type = String, pattern = "^[A-Za-z0-9._~-]{1,128}$", example = "hook")]
    pub(crate) name: DocumentId,
}

impl FromRequestParts<App> for InCollection {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let names = Names::of(parts, app).await?;
        Ok(Self { collection: names.required("collection")? })
    }
}

impl FromRequestParts<App> for OfDocument {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let names = Names::of(parts, app).await?;
        Ok(Self { collection: names.required("collection")?, id: names.required("id")? })
    }
}

impl FromRequestParts<App> for Named {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        Ok(Self { id: Names::of(parts, app).await?.required("id")? })
    }
}

impl FromRequestParts<App> for OfBackend {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        Ok(Self { name: Names::of(parts, app).await?.required("name")? })
    }
}

/// The production the path names, if it names one.
pub(super) async fn production(parts: &mut Parts, app: &App) -> Result<Option<ProductionId>, Failure> {
    Names::of(parts, app).await?.get("production")
}

/// The parameters of the path, percent-decoded.
struct Names(RawPathParams);

impl Names {
    async fn of(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        params.map(Self).map_err(|rejection| invalid("path", rejection.body_text()))
    }

    fn get<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Failure> {
        let text = self.0.iter().find(|(known, _)| *known == name).map(|(_, text)| text);
        text.map(|text| text.parse().map_err(|error: T::Err| invalid(name, error.to_string()))).transpose()
    }

    fn required<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Failure> {
        self.get(name)?.ok_or_else(|| invalid(name, "the path does not name one"))
    }
}

/// The code of a problem or of a rule, and its page.
pub(crate) struct CodeName {
    pub(crate) code: &'static str,
    pub(crate) page: &'static str,
}

impl FromRequestParts<App> for CodeName {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let name: String = Names::of(parts, app).await?.required("code")?;
        let missing = || Failure::new(Code::NotFound, format!("there is no problem {}", name.escape_debug()));
        if let Some(Rule { code, page, .. }) = rules::all().find(|rule| rule.code == name) {
            return Ok(Self { code, page });
        }
        let code: Code = name.parse().map_err(|()| missing())?;
        Ok(Self { code: code.as_str(), page: code.page() })
    }
}
