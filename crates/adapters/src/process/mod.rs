//! `process`: a service that is a child of the server (rows S2, S3, L12).
//!
//! `{"type":"process","name":"encoder"}` names a command of the server's configuration file; nobody who speaks HTTP can
//! say one. A service has one child at most. Starting what is on is done at once, whatever the key: a running process
//! is what a start wants. A start that nobody waits for any more, and that nobody was told of, is taken back. Each child
//! stands under a [`guard`], so that none outlives the server.

mod child;
pub mod guard;
mod lines;
mod options;
mod run;
mod supervisor;

pub use options::{Host, OUTPUT_LINES_MAX, Options, SignOfLife, StopSignal};

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use onair_core::service::Seen;
use onair_runtime::{
    Clock, TaskKind, Tasks,
    adapter::{Adapter, BoxFuture, Call, CallError, Class, Misfit, Reports},
};
use onair_wire::{ProductionId, TaskAction};
use serde_json::{Value, json};

use child::{Child, Event};
use lines::Output;
use run::{Claim, Order, Run, Stage, error};
use supervisor::{Supervisor, ended_early, not_started};

/// The adapter. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Processes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: BTreeMap<String, Arc<Options>>,
    host: Arc<Host>,
    tasks: Tasks,
    reports: Reports,
    clock: Clock,
    spawned: AtomicU64,
    /// The last run of each service. Held for a few lines, never while anything is waited for.
    runs: Mutex<BTreeMap<(ProductionId, Arc<str>), Arc<Run>>>,
}

impl Processes {
    /// The processes of a configuration by their names, each option as [`Options`] wants it.
    #[must_use]
    pub fn new(
        options: BTreeMap<String, Options>,
        host: Host,
        tasks: Tasks,
        reports: Reports,
        clock: Clock,
    ) -> Self {
        let options = options.into_iter().map(|(name, options)| (name, Arc::new(options))).collect();
        let (spawned, runs) = (AtomicU64::new(0), Mutex::default());
        Self(Arc::new(Shared { options, host: Arc::new(host), tasks, reports, clock, spawned, runs }))
    }
}

impl Adapter for Processes {
    fn check(&self, adapter: &Value) -> Result<(), Misfit> {
        self.0.options_of(adapter).map(drop)
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, CallError>> {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            match call.action {
                TaskAction::Initialize => shared.initialize(&call).await,
                TaskAction::Start => shared.start(call).await,
                TaskAction::Stop => shared.stop(call).await,
                TaskAction::Health => shared.health(call),
            }
        })
    }

    fn seen(&self, production: &ProductionId, service: &str, on: bool) -> Option<Seen> {
        // One that is off is as it should be: it is there once it was started.
        if !on {
            return None;
        }
        let run = self.0.run_of(&(production.clone(), service.into()));
        Some(run.map_or_else(|| Seen::Away { reason: "is not running".into() }, |run| run.seen()))
    }

    fn polled(&self) -> bool {
        false
    }
}

impl Shared {
    /// The options that a manifest's `adapter` names.
    fn options_of(&self, adapter: &Value) -> Result<&Arc<Options>, Misfit> {
        let misfit = |member: &str, detail: String| Misfit {
            pointer: format!("/{}", onair_wire::json::escape(member)),
            detail,
        };
        let foreign = adapter
            .as_object()
            .and_then(|members| members.keys().find(|member| !["type", "name"].contains(&member.as_str())));
        if let Some(member) = foreign {
            return Err(misfit(member, "a command stands only in the server's configuration file".into()));
        }
        let known = match self.options.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>() {
            names if names.is_empty() => "and has none".to_owned(),
            names => format!("which has {}", names.join(", ")),
        };
        match adapter.get("name") {
            Some(Value::String(name)) => self.options.get(name).ok_or_else(|| {
                misfit("name", format!("is no process of the server's configuration file, {known}"))
            }),
            _ => Err(misfit("name", format!("names a process of the server's configuration file, {known}"))),
        }
    }

    fn options_for(&self, call: &Call) -> Result<&Arc<Options>, CallError> {
        self.options_of(&call.adapter).map_err(|misfit| {
            error(Class::Validation, format!("{} {}", misfit.pointer, misfit.detail), false)
        })
    }

    fn run_of(&self, place: &(ProductionId, Arc<str>)) -> Option<Arc<Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    /// Runs the command that makes ready, where there is one. Dropped, it is ended by its guard.
    async fn initialize(&self, call: &Call) -> Result<Value, CallError> {
        let options = self.options_for(call)?;
        let program = options.command.first().map(String::as_str).unwrap_or_default();
        self.host.find(options, program).map_err(|missing| error(Class::Server, missing, false))?;
        let Some(command) = &options.initialize else { return Ok(json!({})) };
        let failed = |reason: &str| not_started(&self.host, options, command, reason);
        let mut child =
            Child::spawn(&self.host, options, command).map_err(|error| failed(&error.to_string()))?;
        let (mut output, mut exit) = (Output::new(options.output_lines), None);
        loop {
            match child.next().await {
                Event::Running => {}
                Event::Line { text, .. } => output.push(text),
                Event::Failed(reason) => return Err(failed(&reason)),
                Event::Ended(ended) => exit = Some(ended),
                Event::Gone if exit == Some(child::Exit::Status(0)) => return Ok(json!({})),
                Event::Gone => {
                    return Err(error(
                        Class::Server,
                        ended_early(exit, "while it made ready", &output),
                        true,
                    ));
                }
            }
        }
    }

    async fn start(self: Arc<Self>, call: Call) -> Result<Value, CallError> {
        let options = Arc::clone(self.options_for(&call)?);
        let place = (call.production.clone(), Arc::clone(&call.service));
        loop {
            let (run, claim) = self.claim(&call, &options, &place);
            match claim {
                Some(claim) => return claim.on().await.map(|instance| json!({ "instance": instance })),
                // One that is on its way off makes room first.
                None => run.gone().await,
            }
        }
    }

    /// The run of a service, a new one where there is none; no claim on one that is on its way off.
    fn claim(
        &self,
        call: &Call,
        options: &Arc<Options>,
        place: &(ProductionId, Arc<str>),
    ) -> (Arc<Run>, Option<Claim>) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        match runs.get(place) {
            Some(run) if !run.is_gone() => (Arc::clone(run), run.claim()),
            _ => {
                let run = Run::new(self.instance());
                // Before anything happens to it: whoever began it hears how it went.
                let claim = run.claim();
                runs.insert(place.clone(), Arc::clone(&run));
                self.supervise(call, options, &run);
                (run, claim)
            }
        }
    }

    /// What tells a run from all others, those before the server was started too.
    fn instance(&self) -> String {
        let count = self.spawned.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{count}", self.clock.now().as_millis())
    }

    fn supervise(&self, call: &Call, options: &Arc<Options>, run: &Arc<Run>) {
        let supervisor = Supervisor {
            host: Arc::clone(&self.host),
            options: Arc::clone(options),
            production: call.production.clone(),
            service: Arc::clone(&call.service),
            reports: self.reports.clone(),
            cancelled: self.tasks.cancelled(),
            run: Arc::clone(run),
        };
        self.tasks.spawn(TaskKind::Child, supervisor.run());
    }

    async fn stop(self: Arc<Self>, call: Call) -> Result<Value, CallError> {
        if let Some(run) = self.run_of(&(call.production.clone(), Arc::clone(&call.service))) {
            run.tell(if call.is_forced() { Order::Kill } else { Order::Stop });
            run.gone().await;
        }
        Ok(json!({}))
    }

    fn health(&self, call: Call) -> Result<Value, CallError> {
        let run = self.run_of(&(call.production, call.service));
        match run.as_ref().map(|run| run.stage()) {
            Some(Stage::On { healthy: true }) => {
                Ok(json!({ "instance": run.map(|run| run.instance.clone()) }))
            }
            Some(Stage::On { healthy: false }) => Err(error(Class::Server, "gives no sign of life", true)),
            Some(Stage::Starting) => Err(error(Class::Conflict, "is not on yet", true)),
            Some(Stage::Ending(reason) | Stage::Gone(reason, _)) => Err(error(Class::Network, reason, true)),
            None => Err(error(Class::Network, "is not running", true)),
        }
    }
}
