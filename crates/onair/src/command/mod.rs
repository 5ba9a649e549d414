//! The subcommands, a file each, and what they have at hand.

pub(crate) mod action;
pub(crate) mod backends;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod check;
mod commit;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod conflicts;
pub(crate) mod create;
pub(crate) mod demo;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod guard;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod productions;
pub(crate) mod remove;
pub(crate) mod replay;
pub(crate) mod resolve;
pub(crate) mod sequences;
pub(crate) mod serve;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod top;
pub(crate) mod watch;
pub(crate) mod why;
pub(crate) mod write;

use std::process::ExitCode;

use onair_wire::{Code, ProductionId};
use reqwest::Method;
use serde_json::Value;

use action::Action;

use crate::{
    cli::{Cli, Command},
    remote::{Error, Remote},
    report::{Report, one_line},
};

/// How much of a value a table shows, in characters.
const VALUE_CHARS_MAX: usize = 80;
/// How many things are asked for at once.
const PAGE: usize = 500;

/// What a command that talks to a server has at hand.
pub(crate) struct Context {
    pub(crate) remote: Remote,
    pub(crate) production: ProductionId,
    pub(crate) report: Report,
}

/// Does what was asked.
///
/// # Errors
/// Why it did not work; [`crate::cli::Usage`] when it cannot be meant.
pub(crate) async fn run(cli: Cli, report: Report) -> anyhow::Result<ExitCode> {
    let Cli { global, command } = cli;
    // What needs no server works without one, whatever the flags say.
    match &command {
        Command::Serve(options) => return Box::pin(serve::run(options)).await,
        Command::Demo(options) => return Box::pin(demo::run(options, &global, report)).await,
        Command::Explain(options) => return explain::run(options, report),
        Command::Completions(options) => return completions::run(options),
        Command::Config(command) => return config::run(command, report),
        Command::Guard(options) => return guard::run(options).await,
        Command::Backup(options) if options.check => return backup::check(options, report),
        Command::Replay(options) if options.file.is_some() => {
            return replay::from_file(options, report).await;
        }
        _ => {}
    }
    let remote = Remote::new(&global, report)?;
    let context = Context { remote, production: global.production(), report };
    match command {
        Command::Status(options) => status::run(&context, &options).await,
        Command::Initialize(options) => action::plain(&context, Action::Initialize, &options).await,
        Command::Start(options) => action::start(&context, &options).await,
        Command::Stop(options) => action::plain(&context, Action::Stop, &options).await,
        Command::Pause(options) => action::brief(&context, Action::Pause, &options).await,
        Command::Resume(options) => action::brief(&context, Action::Resume, &options).await,
        Command::Recover(options) => action::plain(&context, Action::Recover, &options).await,
        Command::EmergencyStop(options) => action::emergency_stop(&context, &options).await,
        Command::Why(options) => why::run(&context, &options).await,
        Command::Sequences(options) => sequences::run(&context, &options).await,
        Command::Settings(options) => settings::run(&context, &options).await,
        Command::Check(options) => check::run(&context, &options).await,
        Command::Backends(options) => backends::run(&context, &options).await,
        Command::Get(options) => get::run(&context, &options).await,
        Command::Put(options) => write::put(&context, &options).await,
        Command::Patch(options) => write::patch(&context, &options).await,
        Command::Delete(options) => write::delete(&context, &options).await,
        Command::Restore(options) => write::restore(&context, &options).await,
        Command::History(options) => history::run(&context, &options).await,
        Command::Watch(options) => watch::run(&context, &options).await,
        Command::Top(options) => Box::pin(top::run(&context, &options)).await,
        Command::Replay(options) => replay::from_server(&context, &options).await,
        Command::Conflicts(options) => conflicts::run(&context, &options).await,
        Command::Resolve(options) => resolve::run(&context, &options).await,
        Command::Productions(options) => productions::run(&context, &options).await,
        Command::Create(options) => create::run(&context, &options).await,
        Command::Remove(options) => remove::run(&context, &options).await,
        Command::Export(options) => export::run(&context, &options).await,
        Command::Import(options) => import::run(&context, &options).await,
        Command::Backup(options) => backup::run(&context, &options).await,
        Command::Token(command) => token::run(&context, &command).await,
        Command::Bench(command) => Box::pin(bench::run(&context, &command)).await,
        Command::DemoAgent(options) => demo::agent::run(context, options).await,
        Command::Serve(_)
        | Command::Demo(_)
        | Command::Explain(_)
        | Command::Completions(_)
        | Command::Config(_)
        | Command::Guard(_) => {
            unreachable!("what needs no server was done above")
        }
    }
}

impl Context {
    /// Whether the server has a production of this name.
    pub(crate) async fn has(&self, production: &ProductionId) -> Result<bool, Error> {
        let changes = self.remote.of(production, Method::GET, &["changes"]);
        match changes.query("after", &0).query("limit", &1).value().await {
            Err(error) if error.is(Code::NotFound) => Ok(false),
            Err(error) if !error.is(Code::Compacted) => Err(error),
            _ => Ok(true),
        }
    }

    /// All of a list of the production, page by page.
    pub(crate) async fn list(&self, segments: &[&str], field: &str) -> Result<Vec<Value>, Error> {
        let path = [&["productions", self.production.as_str()], segments].concat();
        list(&self.remote, &path, field, &[]).await
    }
}

/// All of a list, page by page. `field` is the plural that the list comes under.
pub(crate) async fn list(
    remote: &Remote,
    path: &[&str],
    field: &str,
    query: &[(&str, &str)],
) -> Result<Vec<Value>, Error> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let ask = remote.ask(Method::GET, path).query("limit", &PAGE).query_some("cursor", cursor.as_ref());
        let mut page = query.iter().fold(ask, |ask, (name, value)| ask.query(name, &value)).value().await?;
        if let Some(Value::Array(more)) = page.get_mut(field).map(Value::take) {
            items.extend(more);
        }
        let next = page.get("cursor").and_then(Value::as_str).map(str::to_owned);
        if next.is_none() || next == cursor {
            return Ok(items);
        }
        cursor = next;
    }
}

/// A member as text; nothing where there is none.
pub(crate) fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// What a list names: texts, or things with a name. Nothing where there is no list.
pub(crate) fn words(list: &Value) -> Vec<String> {
    let word = |item: &Value| match item {
        Value::String(text) => text.clone(),
        Value::Object(_) => {
            let names = ["name", "service", "collection"].map(|member| text(item, member));
            names.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| item.to_string())
        }
        other => other.to_string(),
    };
    list.as_array().into_iter().flatten().map(word).collect()
}

/// A value in one line, cut where it is long.
pub(crate) fn short(value: Option<&Value>) -> String {
    let line = value.and_then(|value| one_line(value).ok()).unwrap_or_default();
    match line.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
