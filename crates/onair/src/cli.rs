//! The command line as it is written: global flags, subcommands, and what is wrong usage beyond what clap sees.

use std::{ffi::OsStr, path::PathBuf, time::Duration};

use clap::{
    Args, Parser, Subcommand,
    builder::Styles,
    error::{ContextKind, ContextValue},
};
use onair_wire::ProductionId;
use thiserror::Error;

use crate::command;

/// The state authority for live productions.
#[derive(Debug, Parser)]
#[command(name = "onair", version, styles = Styles::styled(), arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage.")]
pub(crate) struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command understands, before or behind its name.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// The server to talk to
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "ONAIR_SERVER",
        default_value = "http://127.0.0.1:4200"
    )]
    pub(crate) server: String,
    /// Who to be; left out, DIR/admin.token is used on the same machine
    #[arg(long, global = true, env = "ONAIR_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The data directory of a server on this machine [env: ONAIR_DATA=] [default: onair-data]
    // Neither for clap: `serve --data` is said or not, and would find `onair-data` said.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The production to act on [default: main]
    // No default for clap: `token create --production` is a list, and would find `main` in it.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) production: Option<ProductionId>,
    /// Print JSON, one value per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Global {
    /// The data directory of a server on this machine.
    pub(crate) fn data(&self) -> PathBuf {
        let named = || std::env::var_os("ONAIR_DATA").filter(|name| !name.is_empty()).map(PathBuf::from);
        self.data.clone().or_else(named).unwrap_or_else(|| PathBuf::from("onair-data"))
    }

    /// The production to act on.
    pub(crate) fn production(&self) -> ProductionId {
        let main = || ProductionId::new("main").expect("a production's name");
        self.production.clone().unwrap_or_else(main)
    }
}

/// The subcommands, in the order of a first day: run it, look, change, keep, administer, learn.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch a show go live, break and come back; nothing is needed and nothing stays behind
    Demo(command::demo::Options),
    /// Run the server
    Serve(command::serve::Options),
    /// How a production is
    Status(command::status::Options),
    /// Make the services of a production ready
    Initialize(command::action::Options),
    /// Go live
    Start(command::action::Start),
    /// End the show
    Stop(command::action::Options),
    /// Interrupt the show
    Pause(command::action::Brief),
    /// Go on after a pause
    Resume(command::action::Brief),
    /// Come back from an error
    Recover(command::action::Options),
    /// End everything at once
    EmergencyStop(command::action::EmergencyStop),
    /// What stands in the way, and what to do next
    Why(command::why::Options),
    /// What was begun, and how far it came
    Sequences(command::sequences::Options),
    /// The settings, and how to change them
    Settings(command::settings::Options),
    /// What the rules of the validation agent find now
    Check(command::check::Options),
    /// Who is told through the outbox, and what they did not take
    Backends(command::backends::Options),
    /// Show a document, or a collection
    Get(command::get::Options),
    /// Create or replace a document
    Put(command::write::Put),
    /// Change a document by a JSON merge patch
    Patch(command::write::Patch),
    /// Delete a document
    Delete(command::write::Delete),
    /// Bring a deleted document back, or an earlier version
    Restore(command::write::Restore),
    /// The versions of a document, newest first
    History(command::history::Options),
    /// Print commits as they come
    Watch(command::watch::Options),
    /// Look at a production as it goes, and act on it by keys
    Top(command::top::Options),
    /// Walk through the log, of a server or of an export
    Replay(command::replay::Options),
    /// The conflicts of a production
    Conflicts(command::conflicts::Options),
    /// Choose a value in a conflict
    Resolve(command::resolve::Options),
    /// The productions of the server
    Productions(command::productions::Options),
    /// Create a production, or change its manifest
    Create(command::create::Options),
    /// Remove a production and its log
    Remove(command::remove::Options),
    /// Write a production into one file
    Export(command::export::Options),
    /// Make a production of an exported file
    Import(command::import::Options),
    /// Write every production into a directory, or check such a directory
    Backup(command::backup::Options),
    /// Tokens: who may do what
    #[command(subcommand)]
    Token(command::token::Command),
    /// What a running server does, measured; on productions made for it
    #[command(subcommand)]
    Bench(command::bench::Command),
    /// The configuration file of a server
    #[command(subcommand)]
    Config(command::config::Command),
    /// What a problem code or a rule means, and what to do
    Explain(command::explain::Options),
    /// Completions for a shell
    Completions(command::completions::Options),
    /// Stand between the server and a process that it runs; for the server alone
    #[command(hide = true)]
    Guard(command::guard::Options),
    /// Be an agent of the demo; for the demo alone
    #[command(hide = true)]
    DemoAgent(command::demo::agent::Options),
}

/// A command line that parses and still asks for something that cannot be. Exit code 2.
#[derive(Debug, Error)]
#[error("{message}")]
pub(crate) struct Usage {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl Usage {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What clap has to say, in one line and a hint.
    pub(crate) fn from_clap(error: &clap::Error) -> Self {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let message = match first.strip_prefix("error: ").unwrap_or(first) {
            // A list follows, which belongs to the sentence.
            line if line.ends_with(':') => {
                let listed = text.lines().skip(1).map(str::trim).take_while(|line| !line.is_empty());
                format!("{line} {}", listed.collect::<Vec<_>>().join(", "))
            }
            line => line.to_owned(),
        };
        let suggested =
            [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
                .into_iter()
                .find_map(|kind| error.get(kind))
                .and_then(|value| match value {
                    ContextValue::String(one) => Some(one.clone()),
                    // The nearest of them is the last.
                    ContextValue::Strings(several) => several.last().cloned(),
                    _ => None,
                });
        let hint =
            suggested.map_or_else(|| "see: onair help".to_owned(), |it| format!("did you mean `{it}`?"));
        Self { message, hint: Some(hint) }
    }
}

/// Reads a length of time: a number and `ms`, `s`, `m`, `h`, `d` or `w`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("a length of time is a number and ms, s, m, h, d or w, `30d` say, not {text:?}");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| bad())?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(bad()),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(bad)
}

/// Whether a path stands for stdin or stdout.
pub(crate) fn is_dash(path: &(impl AsRef<OsStr> + ?Sized)) -> bool {
    path.as_ref() == "-"
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_declaration_holds_together() {
        Cli::command().debug_assert();
    }

    /// The names of all commands that do something, `token create` say.
    fn names(command: &clap::Command, before: &str) -> Vec<String> {
        let name = format!("{before} {}", command.get_name()).trim().to_owned();
        // What is hidden is for programs.
        let itself = !command.is_subcommand_required_set() && !command.is_hide_set();
        let inner = command.get_subcommands().flat_map(|inner| names(inner, &name));
        itself.then(|| name.clone()).into_iter().chain(inner).collect()
    }

    #[test]
    fn every_command_has_its_heading_in_docs_and_no_other() {
        let page = include_str!("../../../docs/cli.md");
        let headings = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
        let (mut headings, mut names): (Vec<_>, _) = (headings.collect(), names(&Cli::command(), ""));
        headings.sort_unstable();
        names.sort_unstable();
        assert_eq!(headings, names);
    }

    #[test]
    fn b32_what_parses_and_what_does_not() {
        let table = [
            ("demo", true),
            ("demo --port 0 --data there --no-fault --for 30 --pace 2", true),
            ("demo --for 500ms", true),
            ("demo --for ever", false),
            ("demo --pace 0", false),
            ("demo somewhere", false),
            ("demo-agent host --take 2", true),
            ("demo-agent cook", false),
            ("status", true),
            ("status studio --json", true),
            ("--json --production studio status", true),
            ("get layers", true),
            ("get layers/logo --at 40", true),
            ("get layers --at 40", true),
            ("get lay/ers/logo", false),
            ("get", false),
            ("put layers/logo {} --if-revision 41", true),
            ("put layers/logo {} --create --base 4", false),
            ("put layers/logo {} --if-revision -1", false),
            ("put layers/logo {} --if-revision 9007199254740992", false),
            ("put layers {}", false),
            ("put layers/a%2f {}", false),
            ("patch layers/logo {} --create", false),
            ("delete layers/logo --if-revision 4", true),
            ("restore layers/logo --revision 40", true),
            ("watch --collections layers,chat --after k3f9:43", true),
            ("watch --after K3", false),
            ("top studio", true),
            ("top --once --json", true),
            ("top studio live", false),
            ("replay --from 3 --to 9 --speed 2 --state", true),
            ("replay show.jsonl --at 4", true),
            ("replay --at 4 --from 2", false),
            ("replay --speed 0", false),
            ("replay --speed inf", false),
            ("export -", true),
            ("import show.jsonl --as studio", true),
            ("import", false),
            ("backup there", true),
            ("backup --check there", true),
            ("resolve c-1 --choose server", true),
            ("resolve c-1 --choose best", false),
            ("resolve c-1", false),
            ("token create --name kim --role operator --expires 30d", true),
            ("token create --name kim --role king", false),
            ("token create --name kim --role viewer --expires soon", false),
            ("token revoke t-1", true),
            ("explain not-found", true),
            ("completions fish", true),
            ("completions klingon", false),
            ("create studio", true),
            ("create a/b", false),
            ("remove studio", true),
            ("serve --host studio.local --host b --log json", true),
            ("serve --listen nowhere", false),
            ("statsu", false),
            ("start", true),
            ("start studio --session s-1 --kind analysis --no-wait", true),
            ("start --dry-run", true),
            ("start --dry-run --no-wait", false),
            ("stop studio --no-wait", true),
            ("stop --no-wait --steps", false),
            ("pause --no-wait", false),
            ("emergency-stop --yes", true),
            ("why", true),
            ("why start studio", true),
            ("why studio", false),
            ("sequences start-43 --wait --steps", true),
            ("sequences --wait", false),
            ("sequences --limit 0", false),
            ("backends", true),
            ("backends replay hook --from 41", true),
            ("backends replay", false),
            ("settings", true),
            ("settings startupTimeout=20000 verbose=true", true),
            ("settings verbose", false),
            ("check", true),
            ("check studio --fail error", true),
            ("check --fail fatal", false),
            ("start --break-glass why", true),
            ("start --break-glass", false),
            ("explain SM001", true),
            ("bench commits --clients 2 --in-flight 16 --bytes 64 --seconds 1 --json", true),
            ("bench commits --clients 0", false),
            ("bench commits --rate 5", false),
            ("bench fanout --transport events --rate 0.5", true),
            ("bench fanout --rate 10 --window 4", false),
            ("bench fanout --rate fast", false),
            ("bench fanout --transport pigeon", false),
            ("bench", false),
        ];
        for (line, good) in table {
            let parsed = Cli::try_parse_from(std::iter::once("onair").chain(line.split(' ')));
            assert_eq!(
                parsed.is_ok(),
                good,
                "`onair {line}`: {:?}",
                parsed.err().map(|error| error.to_string())
            );
        }
    }

    #[test]
    fn global_flags_stand_before_or_behind_the_command() {
        for line in ["onair --data there --json serve", "onair serve --data there --json"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Serve(serve) = cli.command else { panic!("{line}") };
            assert_eq!((serve.data, serve.json), (Some(PathBuf::from("there")), true), "{line}");
            assert!(cli.global.json, "{line}");
        }
    }

    #[test]
    fn a_data_directory_that_nobody_said_is_left_to_the_configuration() {
        // The default of the global flag was taken for what `serve` was told, and won over `data` of a file.
        let cli = Cli::try_parse_from(["onair", "serve"]).unwrap();
        let Command::Serve(serve) = cli.command else { panic!("serve") };
        assert_eq!((serve.data, cli.global.data), (None, None));
    }

    #[test]
    fn a_token_reaches_the_productions_that_are_said_and_no_other() {
        let line = "onair token create --name kim --role viewer";
        for (more, expected) in
            [("", vec![]), (" --production a", vec!["a"]), (" --production a --production b", vec!["a", "b"])]
        {
            let cli = Cli::try_parse_from(format!("{line}{more}").split(' ')).unwrap();
            let Command::Token(command::token::Command::Create(create)) = cli.command else {
                panic!("{more}")
            };
            assert_eq!(
                create.productions.iter().map(ProductionId::as_str).collect::<Vec<_>>(),
                expected,
                "{more}"
            );
        }
        let cli = Cli::try_parse_from(["onair", "status"]).unwrap();
        assert_eq!(cli.global.production().as_str(), "main");
    }

    #[test]
    fn b32_a_typo_is_told_with_what_was_meant() {
        let table = [
            ("onair statsu", "did you mean `status`?"),
            ("onair status --jsn", "did you mean `--json`?"),
            ("onair resolve c --choose serverr", "did you mean `server`?"),
            ("onair get", "see: onair help"),
        ];
        for (line, hint) in table {
            let usage = Usage::from_clap(&Cli::try_parse_from(line.split(' ')).unwrap_err());
            assert_eq!(usage.hint.as_deref(), Some(hint), "{line}: {usage}");
            assert!(!usage.message.is_empty() && !usage.message.contains('\n'), "{usage:?}");
        }
    }

    #[test]
    fn lengths_of_time() {
        for (text, ms) in [("250ms", 250), ("30s", 30_000), ("2h", 7_200_000), ("30d", 2_592_000_000)] {
            assert_eq!(duration(text).unwrap().as_millis(), ms, "{text}");
        }
        for text in ["", "30", "d", "-1d", "1.5h", "1 d", "99999999999999999999d", "18446744073709551615w"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
