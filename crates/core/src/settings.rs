//! What an operator can change at run time (row L11): one struct, its defaults, its limits.

use onair_wire::{Millis, json::JsonError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The longest any single wait may be set to: an hour. A show has ended before a longer one has.
pub(crate) const WAIT_MAX: Millis = Millis(3_600_000);
/// The most retries that may be set.
pub(crate) const RETRIES_MAX: u32 = 100;

/// The document `_system/settings`. Durations are milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "types", derive(ts_rs::TS))]
pub struct Settings {
    /// How long `initialize` may take, per attempt.
    pub initialization_timeout: Millis,
    /// How long `start` may take, all steps together.
    pub startup_timeout: Millis,
    /// How long a step may take that turns something off, all attempts together.
    pub shutdown_timeout: Millis,
    /// How long a service that is needed may be away or unwell before the show is not whole any more (row S3).
    pub health_timeout: Millis,
    /// How often something is tried again.
    pub max_retries: u32,
    /// How long before the first retry.
    pub retry_delay: Millis,
    /// By how much each further delay is longer, 1 to 10.
    pub backoff_multiplier: f64,
    /// Whether `recover` initializes again, and failures recover by themselves.
    pub auto_recovery: bool,
    /// Whether backends are told.
    pub backend_sync: bool,
    /// Whether the validation agent runs.
    pub state_validation: bool,
    /// Whether more is logged.
    pub verbose: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            initialization_timeout: Millis(10_000),
            startup_timeout: Millis(15_000),
            shutdown_timeout: Millis(10_000),
            health_timeout: Millis(5_000),
            max_retries: 3,
            retry_delay: Millis(1_000),
            backoff_multiplier: 2.0,
            auto_recovery: true,
            backend_sync: true,
            state_validation: true,
            verbose: false,
        }
    }
}

impl Settings {
    /// These settings with some members changed.
    ///
    /// # Errors
    /// The first member that is unknown, of the wrong type or out of range, by its pointer.
    pub fn patched(&self, patch: &Map<String, Value>) -> Result<Self, JsonError> {
        let mut members = match serde_json::to_value(self).expect("settings are plain data") {
            Value::Object(members) => members,
            other => unreachable!("settings are an object, not {other}"),
        };
        members.extend(patch.iter().map(|(name, value)| (name.clone(), value.clone())));
        let settings: Self = onair_wire::json::from_value(Value::Object(members))?;
        settings.check()?;
        Ok(settings)
    }

    /// The document's value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("settings are plain data")
    }

    fn check(&self) -> Result<(), JsonError> {
        let waits = [
            ("initializationTimeout", self.initialization_timeout),
            ("startupTimeout", self.startup_timeout),
            ("shutdownTimeout", self.shutdown_timeout),
            ("healthTimeout", self.health_timeout),
            ("retryDelay", self.retry_delay),
        ];
        for (name, wait) in waits {
            if wait.0 == 0 || wait > WAIT_MAX {
                return Err(out_of_range(
                    name,
                    format!("{} is not from 1 to {} milliseconds", wait.0, WAIT_MAX.0),
                ));
            }
        }
        if self.max_retries > RETRIES_MAX {
            return Err(out_of_range("maxRetries", format!("{} is over {RETRIES_MAX}", self.max_retries)));
        }
        if !(1.0..=10.0).contains(&self.backoff_multiplier) {
            return Err(out_of_range(
                "backoffMultiplier",
                format!("{} is not from 1 to 10", self.backoff_multiplier),
            ));
        }
        Ok(())
    }
}

fn out_of_range(name: &str, detail: String) -> JsonError {
    JsonError::Invalid { pointer: format!("/{name}"), detail }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn l11_settings_are_checked_and_the_field_is_named() {
        let table = [
            (json!({"startupTimeout": 0}), "/startupTimeout"),
            (json!({"startupTimeout": 3_600_001}), "/startupTimeout"),
            (json!({"retryDelay": "1s"}), "/retryDelay"),
            (json!({"maxRetries": 101}), "/maxRetries"),
            (json!({"maxRetries": -1}), "/maxRetries"),
            (json!({"backoffMultiplier": 0.5}), "/backoffMultiplier"),
            (json!({"verbos": true}), "/verbos"),
        ];
        for (patch, place) in table {
            let error =
                Settings::default().patched(patch.as_object().expect("an object")).expect_err("out of range");
            assert!(
                matches!(&error, JsonError::Invalid { pointer, .. } if pointer == place),
                "{patch}: {error:?}"
            );
        }
    }

    #[test]
    fn l11_what_a_patch_leaves_out_stays() {
        let patch = json!({"startupTimeout": 20_000});
        let settings = Settings::default().patched(patch.as_object().expect("an object")).expect("valid");
        assert_eq!(settings, Settings { startup_timeout: Millis(20_000), ..Settings::default() });
    }
}
