//! `onair settings`: what can be changed while it runs (row L11).

use std::process::ExitCode;

use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{Context, text};
use crate::manifest::camel;

/// What to change.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to change, as JSON or as a bare word; left out, they are shown
    #[arg(value_name = "KEY=VALUE", value_parser = change)]
    pub(crate) changes: Vec<(String, Value)>,
}

/// Reads `startupTimeout=20000`. Keys may be written as in a manifest, `startup_timeout`.
fn change(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("a setting is KEY=VALUE, `autoRecovery=false` say")?;
    if key.is_empty() {
        return Err("a setting has a name before the `=`".to_owned());
    }
    let value = onair_wire::json::parse(value.as_bytes()).unwrap_or_else(|_| value.into());
    Ok((camel(key), value))
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let of = |method| context.remote.of(&context.production, method, &["settings"]);
    let settings = match options.changes.is_empty() {
        true => of(Method::GET).value().await?,
        false => {
            let patch = Value::Object(options.changes.iter().cloned().collect::<Map<_, _>>());
            let patch = patch.to_string().into();
            of(Method::PATCH).once().body("application/merge-patch+json", patch).value().await?
        }
    };
    if context.report.wants_json() {
        context.report.json(&settings)?;
        return Ok(ExitCode::SUCCESS);
    }
    let members = settings.as_object().into_iter().flatten();
    let pairs: Vec<(&str, String)> =
        members.map(|(name, _)| (name.as_str(), text(&settings, name))).collect();
    context.report.pairs(&pairs)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn l11_settings_are_json_or_bare_words() {
        let table = [
            ("startupTimeout=20000", Some(("startupTimeout", json!(20_000)))),
            ("startup_timeout=20000", Some(("startupTimeout", json!(20_000)))),
            ("autoRecovery=false", Some(("autoRecovery", json!(false)))),
            ("verbose=yes", Some(("verbose", json!("yes")))),
            ("verbose=a=b", Some(("verbose", json!("a=b")))),
            ("verbose=", Some(("verbose", json!("")))),
            ("verbose", None),
            ("=1", None),
        ];
        for (written, expected) in table {
            let expected = expected.map(|(key, value)| (key.to_owned(), value));
            assert_eq!(change(written).ok(), expected, "{written}");
        }
    }
}
