//! Secrets, by reference (row X3): a manifest says `env:NAME`, the environment of the server has the value. No value is
//! shown, logged, or repeated in an error.

use std::{fmt, sync::Arc};

use thiserror::Error;

/// Shorter values are not looked for in texts: they would be found everywhere.
const HIDDEN_LENGTH_MIN: usize = 4;

/// A value that nobody is shown. Cheap to clone.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The value, for whom it is meant.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without the value: somebody who is called may send back what we have sent.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        if self.0.len() < HIDDEN_LENGTH_MIN { text.to_owned() } else { text.replace(&*self.0, "…") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why there is no secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecretError {
    /// It is not of the form `env:NAME`. The text is not repeated: it may be the secret itself.
    #[error("a secret is named, not told: `env:NAME` of a variable of the server")]
    NoReference,
    /// There is no such variable, or it is empty.
    #[error("the variable {0} is not set where the server runs")]
    Unset(String),
}

/// Where values come from. Cheap to clone.
#[derive(Clone)]
pub struct Secrets(Arc<dyn Fn(&str) -> Option<String> + Send + Sync>);

impl Secrets {
    /// From a function of the variable's name.
    pub fn new(variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(variable))
    }

    /// The value that a reference stands for.
    ///
    /// # Errors
    /// It is no reference, or nothing is behind it.
    pub fn get(&self, reference: &str) -> Result<Secret, SecretError> {
        let name = reference.strip_prefix("env:").unwrap_or_default();
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(good) {
            return Err(SecretError::NoReference);
        }
        let value = (self.0)(name).filter(|value| !value.trim().is_empty());
        let value = value.ok_or_else(|| SecretError::Unset(name.to_owned()))?;
        Ok(Secret(value.trim().into()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x3_a_secret_is_found_by_its_name_and_not_shown() {
        let secrets = Secrets::new(|name| match name {
            "HOOK" => Some("hunter2\n".into()),
            "EMPTY" => Some(" ".into()),
            _ => None,
        });
        let secret = secrets.get("env:HOOK").expect("set");
        assert_eq!(secret.reveal(), "hunter2");
        assert_eq!(format!("{secret:?} {secrets:?}"), "Secret(…) Secrets(…)");
        assert_eq!(secret.hidden_in("you sent hunter2!"), "you sent …!");
        for reference in ["hunter2", "env:", "env:a b", "env:a=hunter2", ""] {
            let error = secrets.get(reference).expect_err(reference);
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert_eq!(error, SecretError::NoReference);
        }
        for name in ["EMPTY", "NONE"] {
            assert_eq!(secrets.get(&format!("env:{name}")).expect_err(name), SecretError::Unset(name.into()));
        }
    }
}
