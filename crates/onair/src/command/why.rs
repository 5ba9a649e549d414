//! `onair why`: what stands in the way, in words, and what to do next. It only looks.

mod next;
pub(super) mod words;

use std::process::ExitCode;

use clap::Args;
use onair_wire::ProductionId;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Context,
    action::{Action, aimed, plan},
    backends, text,
};
use next::next;

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The action in question; left out, why the show cannot go live now
    #[arg(value_enum)]
    pub(crate) action: Option<Action>,
    /// The production; left out, the one of --production
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<ProductionId>,
}

/// Everything that is looked at.
struct Facts {
    production: ProductionId,
    snapshot: Value,
    can: Value,
    /// The sequence under way, if any.
    sequence: Option<Value>,
    /// Those that are told through the outbox.
    backends: Vec<Value>,
}

impl Facts {
    async fn ask(context: &Context, production: &ProductionId) -> anyhow::Result<Self> {
        let get = |segments: &[&str]| context.remote.of(production, Method::GET, segments);
        let snapshot = get(&[]).value().await?;
        let can = get(&["can"]).value().await?;
        let running = text(&snapshot["lifecycle"], "sequence");
        let sequence = match running.is_empty() {
            true => None,
            // It may have ended since, and then nothing runs that could be in the way.
            false => get(&["sequences", &running]).value().await.ok(),
        };
        let backends = backends::all(context, production).await?;
        Ok(Self { production: production.clone(), snapshot, can, sequence, backends })
    }

    fn lifecycle(&self) -> &Value {
        &self.snapshot["lifecycle"]
    }

    fn phase(&self) -> String {
        text(self.lifecycle(), "phase")
    }

    /// Whether an action is allowed now, and if not why.
    fn can(&self, action: Action) -> &Value {
        let word = action.as_str();
        match (action, self.can.get(word)) {
            // The wire has camelCase for the names of members, which this one is as well.
            (Action::EmergencyStop, None) => &self.can["emergencyStop"],
            (_, found) => found.unwrap_or(&Value::Null),
        }
    }

    fn allows(&self, action: Action) -> bool {
        self.can(action)["allowed"] == true
    }

    /// A command with the production where it has to be said.
    fn aimed(&self, command: &str) -> String {
        aimed(command, &self.production)
    }
}

pub(crate) async fn run(context: &Context, options: &Options) -> anyhow::Result<ExitCode> {
    let production = options.name.as_ref().unwrap_or(&context.production);
    let facts = Facts::ask(context, production).await?;
    match options.action {
        Some(action) => about(context, &facts, action).await?,
        None => show(context, &facts)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// One action.
async fn about(context: &Context, facts: &Facts, action: Action) -> anyhow::Result<()> {
    let plan = match action {
        // Who may look but not act gets no plan, and the rest all the same.
        Action::Start => plan::ask(context, &facts.production, &json!({})).await.ok(),
        _ => None,
    };
    let next = next(facts, action);
    if context.report.wants_json() {
        let mut value = facts.can(action).clone();
        value["action"] = action.as_str().into();
        value["next"] = next.into();
        if let Some(plan) = plan {
            value["plan"] = plan;
        }
        return Ok(context.report.json(&value)?);
    }
    let paragraphs = [vec![words::verdict(facts, action)], words::missing(facts, facts.can(action))];
    print(context, paragraphs)?;
    if let Some(plan) = plan.filter(|plan| plan["steps"].as_array().is_some_and(|steps| !steps.is_empty())) {
        context.report.line("")?;
        plan::table(context.report, &plan)?;
    }
    print_next(context, next)
}

/// Why the show cannot go live now.
fn show(context: &Context, facts: &Facts) -> anyhow::Result<()> {
    let next = next(facts, Action::Start);
    if context.report.wants_json() {
        let value = json!({
            "production": facts.production, "phase": facts.phase(), "paused": facts.lifecycle()["paused"],
            "can": facts.can, "services": facts.snapshot["services"], "sequence": facts.sequence,
            "error": facts.lifecycle()["error"], "backends": facts.backends, "next": next,
        });
        return Ok(context.report.json(&value)?);
    }
    // What is on already misses nothing.
    let missing = match facts.phase().as_str() {
        "live" => Vec::new(),
        _ => words::missing(facts, facts.can(Action::Start)),
    };
    let paragraphs = [
        vec![words::headline(facts)],
        words::services(facts),
        missing,
        words::running(facts),
        words::error(facts),
        words::parked(facts),
        words::allowed(facts),
    ];
    print(context, paragraphs)?;
    print_next(context, next)
}

/// Paragraphs with a line between them; those without a word are left out.
fn print<const N: usize>(context: &Context, paragraphs: [Vec<String>; N]) -> anyhow::Result<()> {
    let said = paragraphs.into_iter().filter(|lines| !lines.is_empty());
    for (number, lines) in said.enumerate() {
        if number > 0 {
            context.report.line("")?;
        }
        lines.iter().try_for_each(|line| context.report.line(line))?;
    }
    Ok(())
}

fn print_next(context: &Context, next: Option<String>) -> anyhow::Result<()> {
    if let Some(next) = next {
        context.report.line("")?;
        context.report.line(&format!("Next: {next}"))?;
    }
    Ok(())
}
