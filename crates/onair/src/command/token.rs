//! `onair token`: who may do what. A token is shown once, when it is made; the server keeps its hash.

use std::{process::ExitCode, time::Duration};

use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use onair_server::auth::Role;
use onair_wire::ProductionId;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Context, text};
use crate::cli;

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a token; it is shown once
    Create(Create),
    /// All tokens, without their secrets
    List,
    /// Make a token worthless, on open connections too
    Revoke(Revoke),
}

/// What the token is.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What commits call its bearer
    #[arg(long)]
    pub(crate) name: String,
    /// What its bearer may do
    #[arg(long, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str)).map(|text| role(&text)))]
    pub(crate) role: Role,
    /// A production it reaches, said for each; left out, all of them
    // Of the same name as the global flag, which would be one production, and `main` where nothing is said.
    #[arg(id = "production", long = "production", value_name = "NAME")]
    pub(crate) productions: Vec<ProductionId>,
    /// When it ends: 12h, 30d; left out, never
    #[arg(long, value_name = "TIME", value_parser = cli::duration)]
    pub(crate) expires: Option<Duration>,
}

/// Which token.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Its id, as `token list` shows it
    pub(crate) id: String,
}

fn role(text: &str) -> Role {
    text.parse().unwrap_or_else(|error| unreachable!("clap let in what is no role: {error}"))
}

pub(crate) async fn run(context: &Context, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create(options) => create(context, options).await?,
        Command::List => list(context).await?,
        Command::Revoke(Revoke { id }) => {
            context.remote.ask(Method::DELETE, &["tokens", id]).send().await?;
            if context.report.wants_json() {
                context.report.json(&json!({ "revoked": id }))?;
            } else {
                context.report.line(&format!("{id}  revoked"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The token alone goes to stdout: `TOKEN=$(onair token create …)`.
async fn create(context: &Context, options: &Create) -> anyhow::Result<()> {
    let answer = context.remote.ask(Method::POST, &["tokens"]).json(&body(options)).value().await?;
    if context.report.wants_json() {
        return Ok(context.report.json(&answer)?);
    }
    context.report.line(&text(&answer, "token"))?;
    context.report.note(&format!(
        "{} of {}, id {}: it is shown this once",
        options.role,
        options.name,
        text(&answer, "id")
    ));
    Ok(())
}

fn body(options: &Create) -> Value {
    let Create { name, role, productions, expires } = options;
    let mut body = json!({ "name": name, "role": role });
    if !productions.is_empty() {
        body["productions"] = json!(productions);
    }
    if let Some(expires) = expires {
        body["expiresInMs"] = u64::try_from(expires.as_millis()).unwrap_or(u64::MAX).into();
    }
    body
}

async fn list(context: &Context) -> anyhow::Result<()> {
    let answer = context.remote.ask(Method::GET, &["tokens"]).value().await?;
    if context.report.wants_json() {
        return Ok(context.report.json(&answer)?);
    }
    let row = |token: &Value| row(token).to_vec();
    let rows: Vec<_> = answer["tokens"].as_array().into_iter().flatten().map(row).collect();
    Ok(context.report.table(&["ID", "NAME", "ROLE", "PRODUCTIONS", "EXPIRES", "REVOKED"], &rows)?)
}

fn row(token: &Value) -> [String; 6] {
    let reach = match token["productions"].as_array() {
        None => "all".to_owned(),
        Some(named) if named.is_empty() => "none".to_owned(),
        Some(named) => named.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
    };
    let [id, name, role, expires, revoked] =
        ["id", "name", "role", "expiresAt", "revokedAt"].map(|member| text(token, member));
    [id, name, role, reach, expires, revoked]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_what_is_left_out_is_not_sent() {
        let mut options =
            Create { name: "kim".into(), role: Role::Operator, productions: Vec::new(), expires: None };
        assert_eq!(body(&options), json!({ "name": "kim", "role": "operator" }));
        options.productions = vec!["main".parse().unwrap()];
        options.expires = Some(Duration::from_secs(1));
        let expected =
            json!({ "name": "kim", "role": "operator", "productions": ["main"], "expiresInMs": 1000 });
        assert_eq!(body(&options), expected);
    }

    #[test]
    fn x1_a_token_that_reaches_nothing_is_not_shown_as_one_that_reaches_all() {
        for (productions, expected) in
            [(json!(null), "all"), (json!([]), "none"), (json!(["main", "studio"]), "main, studio")]
        {
            let token = json!({ "id": "t", "productions": productions, "revokedAt": "then" });
            let row = row(&token);
            assert_eq!((row[3].as_str(), row[5].as_str()), (expected, "then"));
        }
    }
}
