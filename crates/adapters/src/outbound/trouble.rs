//! Why there was no answer, and whether what was sent may have arrived all the same.

use std::{error::Error, io, net::IpAddr};

use onair_runtime::adapter::Class;
use thiserror::Error;

use super::ANSWER_BYTES_MAX;

/// Why there was no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Trouble {
    /// The address may not be called. Nothing was sent.
    #[error("{0}")]
    Forbidden(String),
    /// There was no connection. Nothing was sent.
    #[error("cannot be reached: {0}")]
    Unreached(String),
    /// It did not answer in time.
    #[error("did not answer in time")]
    Late,
    /// The connection was lost after something was sent.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// It answered with more than is read.
    #[error("answered {status} with more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge {
        /// The status of the answer.
        status: u16,
    },
}

impl Trouble {
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if let Some(forbidden) = sources(error).find_map(|cause| cause.downcast_ref::<Forbidden>()) {
            return Self::Forbidden(forbidden.to_string());
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Self::Unreached("no connection in time".into()),
            (true, false) => Self::Unreached(innermost(error)),
            (false, true) => Self::Late,
            (false, false) => Self::Lost(innermost(error)),
        }
    }

    /// Of which kind it is (row E1).
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Forbidden(_) => Class::Permission,
            Self::Unreached(_) | Self::Lost(_) => Class::Network,
            Self::Late => Class::Timeout,
            Self::TooLarge { .. } => Class::Validation,
        }
    }

    /// Whether another attempt may work.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Unreached(_) | Self::Late | Self::Lost(_) => true,
            Self::Forbidden(_) | Self::TooLarge { .. } => false,
        }
    }

    /// Whether what was sent may have arrived.
    #[must_use]
    pub const fn unknown(&self) -> bool {
        match self {
            Self::Late | Self::Lost(_) | Self::TooLarge { .. } => true,
            Self::Forbidden(_) | Self::Unreached(_) => false,
        }
    }
}

/// What a resolver of ours says.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Forbidden(String);

impl Forbidden {
    pub(super) fn resolved(name: &str, found: &[IpAddr]) -> Self {
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        Self(format!(
            "{name} is at {}, which is not called: private addresses, and any address without TLS, must be named by \
             `outbound.allow` of the server's configuration",
            if found.is_empty() { "no address".to_owned() } else { found.join(", ") }
        ))
    }
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| <dyn Error>::source(*error))
}

/// What is at the bottom of an error: the system's own words, where it has some. The top has the URL in it.
pub(super) fn innermost(error: &reqwest::Error) -> String {
    let system = sources(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .find(|error| error.raw_os_error().is_some());
    match (system, sources(error).last()) {
        (Some(error), _) => error.to_string(),
        (None, Some(last)) if !last.is::<reqwest::Error>() => last.to_string(),
        (None, _) => "no more is known".into(),
    }
}
