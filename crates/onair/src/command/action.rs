//! `onair initialize`, `start`, `stop`, `pause`, `resume`, `recover` and `emergency-stop`: what moves a production.
//!
//! The server answers when it is done, which may take minutes, or at once with `--no-wait`. What goes on meanwhile is
//! shown by [`progress`]; what a refusal or a failure leaves behind is told by [`failed`]; `start --dry-run` is
//! [`plan`].

mod failed;
pub(super) mod plan;
pub(super) mod progress;

use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, ValueEnum};
use onair_wire::ProductionId;
use reqwest::Method;
use serde_json::{Map, Value};

use super::{Context, text};

/// How long an action may take until its answer. Settings allow an hour for each attempt of each step; a server that
/// is gone is noticed sooner, by the connection.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// What can be done to a production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Action {
    /// Make the services ready
    Initialize,
    /// Go live
    Start,
    /// End the show
    Stop,
    /// Interrupt the show
    Pause,
    /// Go on after a pause
    Resume,
    /// Come back from an error
    Recover,
    /// End everything at once
    EmergencyStop,
}

impl Action {
    pub(crate) const ALL: [Self; 7] = [
        Self::Initialize,
        Self::Start,
        Self::Stop,
        Self::Pause,
        Self::Resume,
        Self::Recover,
        Self::EmergencyStop,
    ];

    /// The word of the contract.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Recover => "recover",
            Self::EmergencyStop => "emergency-stop",
        }
    }
}

/// Which production, for actions that are one step.
#[derive(Debug, Args)]
pub(crate) struct Brief {
    /// The production; left out, the one of --production
    pub(crate) name: Option<ProductionId>,
}

/// Which production, and whether to wait, for actions that run a sequence.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The production; left out, the one of --production
    pub(crate) name: Option<ProductionId>,
    /// Do not wait until it is done
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Say each step on stderr, a line each, also without a terminal
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) steps: bool,
}

/// What to start.
#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) options: Options,
    /// The session to begin; left out, the server makes an id
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// What kind of session
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Start in spite of findings that the manifest wants mended first; the history keeps the reason
    #[arg(long, value_name = "REASON")]
    pub(crate) break_glass: Option<String>,
    /// Show what would be done, and change nothing
    #[arg(long, conflicts_with_all = ["no_wait", "steps"])]
    pub(crate) dry_run: bool,
}

/// What to end at once.
#[derive(Debug, Args)]
pub(crate) struct EmergencyStop {
    #[command(flatten)]
    pub(crate) options: Options,
    /// Do not ask; without a terminal nobody is asked anyway
    #[arg(long)]
    pub(crate) yes: bool,
}

pub(crate) async fn brief(context: &Context, action: Action, options: &Brief) -> anyhow::Result<ExitCode> {
    let Brief { name } = options;
    let options = Options { name: name.clone(), no_wait: false, steps: false };
    run(context, action, &options, None).await
}

pub(crate) async fn plain(context: &Context, action: Action, options: &Options) -> anyhow::Result<ExitCode> {
    run(context, action, options, None).await
}

pub(crate) async fn start(context: &Context, start: &Start) -> anyhow::Result<ExitCode> {
    let Start { options, session, kind, break_glass, dry_run } = start;
    let said = [("sessionId", session), ("kind", kind), ("breakGlass", break_glass)];
    let said = said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
    let body = Value::Object(said.collect::<Map<_, _>>());
    if *dry_run {
        let production = options.name.as_ref().unwrap_or(&context.production);
        return plan::run(context, production, &body).await;
    }
    run(context, Action::Start, options, Some(body)).await
}

pub(crate) async fn emergency_stop(context: &Context, stop: &EmergencyStop) -> anyhow::Result<ExitCode> {
    let EmergencyStop { options, yes } = stop;
    let production = options.name.as_ref().unwrap_or(&context.production);
    if !yes && !is_confirmed(context, production)? {
        anyhow::bail!("nothing was stopped");
    }
    run(context, Action::EmergencyStop, options, None).await
}

/// Asks whoever sits at the terminal; a script has nobody to ask, and its emergency does not wait.
fn is_confirmed(context: &Context, production: &ProductionId) -> io::Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(true);
    }
    context.report.note(&format!("end everything of {production} at once, and tell no backend? [y/N]"));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

async fn run(
    context: &Context,
    action: Action,
    options: &Options,
    body: Option<Value>,
) -> anyhow::Result<ExitCode> {
    let Options { name, no_wait, steps } = options;
    let production = name.as_ref().unwrap_or(&context.production);
    let mut ask = context.remote.of(production, Method::POST, &[action.as_str()]).patient(PATIENCE);
    if *no_wait {
        ask = ask.header("prefer", "respond-async");
    }
    if let Some(body) = &body {
        ask = ask.json(body);
    }
    // To end everything twice is to end it; the others might be refused the second time for having worked the first.
    if action == Action::EmergencyStop {
        ask = ask.once();
    }
    let answering = async { ask.send().await?.json_or_null() };
    let answer = match (no_wait, action) {
        (true, _) | (_, Action::Pause | Action::Resume) => answering.await,
        _ => progress::alongside(context, production, *steps, answering).await,
    };
    match answer {
        Ok(answer) => tell(context, production, action, *no_wait, &answer)?,
        Err(error) => return Err(failed::explained(context, production, action, error).await),
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(
    context: &Context,
    production: &ProductionId,
    action: Action,
    no_wait: bool,
    answer: &Value,
) -> anyhow::Result<()> {
    if context.report.wants_json() {
        return Ok(context.report.json(answer)?);
    }
    context.report.line(&result(action, answer))?;
    let sequence = text(answer, "sequence");
    if no_wait && !sequence.is_empty() {
        let see = aimed(&format!("onair sequences {sequence} --wait"), production);
        context.report.note(&format!("under way; wait for it with: {see}"));
    }
    Ok(())
}

/// The answer in a line: `live  sequence start-43  revision 51`.
fn result(action: Action, answer: &Value) -> String {
    let paused = match answer["paused"].as_bool() {
        Some(paused) => paused,
        None => action == Action::Pause,
    };
    let phase = match text(answer, "phase") {
        phase if phase.is_empty() => format!("{} done", action.as_str()),
        phase if paused => format!("{phase}, paused"),
        phase => phase,
    };
    let more = ["sequence", "revision"].into_iter().map(|name| (name, text(answer, name)));
    let more = more.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("  {name} {value}"));
    std::iter::once(phase).chain(more).collect()
}

/// A command to type, with the production where it is not the one that is meant without a word.
pub(super) fn aimed(command: &str, production: &ProductionId) -> String {
    match production.as_str() {
        "main" => command.to_owned(),
        name => format!("{command} --production {name}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_in_one_line() {
        let table = [
            (
                Action::Start,
                json!({ "sequence": "start-43", "phase": "live", "revision": 51 }),
                "live  sequence start-43  revision 51",
            ),
            (
                Action::Pause,
                json!({ "sequence": null, "phase": "live", "revision": 52 }),
                "live, paused  revision 52",
            ),
            (
                Action::Resume,
                json!({ "phase": "live", "paused": false, "revision": 53 }),
                "live  revision 53",
            ),
            (Action::Stop, Value::Null, "stop done"),
        ];
        for (action, answer, expected) in table {
            assert_eq!(result(action, &answer), expected);
        }
    }

    #[test]
    fn an_action_is_written_as_it_is_sent() {
        for action in Action::ALL {
            let written = action.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(written.as_deref(), Some(action.as_str()));
        }
        assert_eq!(Action::ALL.len(), Action::value_variants().len());
    }
}
