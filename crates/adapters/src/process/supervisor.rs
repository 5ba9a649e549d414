//! The supervisor of one run: starts the command, watches what it prints, ends it, and tells what became of it.

use std::{collections::VecDeque, future::pending, sync::Arc, time::Duration};

use onair_core::service::Seen;
use onair_runtime::adapter::{CallError, Class, Report, Reports};
use onair_wire::ProductionId;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    Host, Options,
    child::{Child, Event, Exit},
    lines::Output,
    run::{Order, Run, Stage, error},
};

/// Lines of output that an error carries.
const LAST_LINES: usize = 5;

/// How long last words are waited for once a command has ended and what it started has not.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// What a supervisor knows of its run from the beginning.
pub(super) struct Supervisor {
    pub(super) host: Arc<Host>,
    pub(super) options: Arc<Options>,
    pub(super) production: ProductionId,
    pub(super) service: Arc<str>,
    pub(super) reports: Reports,
    pub(super) cancelled: CancellationToken,
    pub(super) run: Arc<Run>,
}

impl Supervisor {
    /// Sees a run through from its beginning to its end.
    pub(super) async fn run(self) {
        let (production, service) = (&self.production, &self.service);
        let child = match Child::spawn(&self.host, &self.options, &self.options.command) {
            Ok(child) => child,
            Err(reason) => {
                let error =
                    not_started(&self.host, &self.options, &self.options.command, &reason.to_string());
                self.run.is(Stage::Gone(error.message.clone(), error));
                return;
            }
        };
        tracing::info!(%production, %service, instance = self.run.instance, "a process is started");
        let mut watch = Watch::of(&self, child);
        watch.until_gone().await;
        let Watch { reports, .. } = watch;
        for seen in reports {
            tokio::select! {
                // Without a reader there is nobody to tell.
                _ = self.reports.send(self.report(seen)) => {}
                () = self.cancelled.cancelled() => return,
            }
        }
    }

    fn report(&self, seen: Seen) -> Report {
        let (production, service) = (self.production.clone(), Arc::clone(&self.service));
        Report { production, service, adapter: "process", seen }
    }
}

/// A run under way.
struct Watch<'a> {
    supervisor: &'a Supervisor,
    child: Child,
    output: Output,
    /// When it counts as on, where it does not say so.
    settled: Option<Instant>,
    /// The last sign of life, from the moment it was on.
    sign: Option<Instant>,
    exit: Option<Exit>,
    failed: Option<String>,
    /// Whether it was told to end before it did.
    by_order: bool,
    /// When its end is told at last.
    told: Option<Instant>,
    reports: VecDeque<Seen>,
}

impl<'a> Watch<'a> {
    fn of(supervisor: &'a Supervisor, child: Child) -> Self {
        let output = Output::new(supervisor.options.output_lines);
        let reports = VecDeque::new();
        let (settled, sign, exit, failed, by_order, told) = (None, None, None, None, false, None);
        Self { supervisor, child, output, settled, sign, exit, failed, by_order, told, reports }
    }

    async fn until_gone(&mut self) {
        let Supervisor { run, reports, cancelled, .. } = self.supervisor;
        let mut orders = run.orders();
        // What was said before we listened.
        orders.mark_changed();
        loop {
            let unwell = self.unwell_at();
            tokio::select! {
                Ok(()) = orders.changed() => {
                    let order = *orders.borrow_and_update();
                    self.obey(order);
                }
                () = cancelled.cancelled(), if *run.orders().borrow() == Order::Go => run.tell(Order::Stop),
                () = at(self.settled) => self.on(),
                () = at(unwell) => self.healthy(false),
                () = at(self.told) => self.tell_end(),
                permit = reports.reserve(), if !self.reports.is_empty() => match (permit, self.reports.pop_front()) {
                    (Ok(permit), Some(seen)) => permit.send(self.supervisor.report(seen)),
                    // Nobody reads what is seen; the run goes on.
                    _ => self.reports.clear(),
                },
                event = self.child.next() => match event {
                    Event::Gone => break,
                    event => self.happened(event),
                },
            }
        }
        self.tell_end();
        // Before whoever waits goes on, where there is room: then what is seen and what is answered come in order.
        while let Some(seen) = self.reports.pop_front() {
            if reports.try_send(self.supervisor.report(seen.clone())).is_err() {
                self.reports.push_front(seen);
                break;
            }
        }
        run.is(Stage::Gone(self.reason(), self.error()));
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Go => return,
            Order::Stop => self.child.stop(),
            Order::Kill => self.child.kill(),
        }
        self.settled = None;
        if self.exit.is_none() && self.failed.is_none() {
            self.supervisor.run.is(Stage::Ending("was told to stop".into()));
        }
    }

    fn happened(&mut self, event: Event) {
        let Supervisor { options, run, .. } = self.supervisor;
        match event {
            Event::Running if options.ready.is_none() && run.stage() == Stage::Starting => {
                self.settled = Some(Instant::now() + millis(options.settle));
            }
            Event::Running | Event::Gone => {}
            Event::Line { stdout, text } => self.printed(stdout, text),
            Event::Failed(reason) => {
                self.failed = Some(reason);
                self.ended();
            }
            Event::Ended(exit) => {
                self.exit = Some(exit);
                self.ended();
            }
        }
    }

    fn printed(&mut self, stdout: bool, text: String) {
        let Supervisor { options, run, production, service, .. } = self.supervisor;
        tracing::debug!(%production, %service, stdout, line = text.escape_debug().to_string(), "a process says");
        let starting = run.stage() == Stage::Starting;
        if starting && options.ready.as_ref().is_some_and(|ready| text.contains(ready)) {
            self.on();
        }
        let alive = stdout && options.health.as_ref().is_some_and(|health| text.contains(&health.text));
        if alive && self.sign.is_some() {
            self.sign = Some(Instant::now());
            self.healthy(true);
        }
        self.output.push(text);
    }

    fn on(&mut self) {
        let run = &self.supervisor.run;
        self.settled = None;
        self.sign = Some(Instant::now());
        run.is(Stage::On { healthy: true });
        self.reports.push_back(run.here(true));
    }

    /// When it is unwell without a sign of life; not while it is so already.
    fn unwell_at(&self) -> Option<Instant> {
        let health = self.supervisor.options.health.as_ref()?;
        let well = self.supervisor.run.stage() == Stage::On { healthy: true };
        Some(self.sign.filter(|_| well)? + millis(health.within))
    }

    fn healthy(&mut self, healthy: bool) {
        let run = &self.supervisor.run;
        if run.stage() == (Stage::On { healthy: !healthy }) {
            run.is(Stage::On { healthy });
            self.reports.push_back(run.here(healthy));
        }
    }

    fn ended(&mut self) {
        self.settled = None;
        self.by_order = *self.supervisor.run.orders().borrow() > Order::Go;
        let was_on = self.sign.is_some();
        self.told = was_on.then(|| Instant::now() + LAST_WORDS);
        self.supervisor.run.is(Stage::Ending(self.reason()));
    }

    /// Tells, once, that what was on is not any more.
    fn tell_end(&mut self) {
        self.told = None;
        if self.sign.take().is_some() {
            let Supervisor { production, service, run, .. } = self.supervisor;
            let reason = self.reason();
            tracing::info!(%production, %service, instance = run.instance, reason = reason.escape_debug().to_string(), "a process has ended");
            run.is(Stage::Ending(reason.clone()));
            // Whoever stopped it knows.
            if !self.by_order {
                self.reports.push_back(Seen::Away { reason });
            }
        }
    }

    /// Why it is not on, as a sentence without its subject.
    fn reason(&self) -> String {
        match (&self.failed, self.exit) {
            (Some(failed), _) => format!("cannot be run: {failed}"),
            _ if self.by_order => "was stopped".into(),
            (None, Some(exit)) => match self.output.last(1) {
                Some(line) => format!("{exit}: {line}"),
                None => exit.to_string(),
            },
            (None, None) => "is gone".into(),
        }
    }

    /// What whoever waited for it to be on is told.
    fn error(&self) -> CallError {
        let Supervisor { host, options, .. } = self.supervisor;
        if let Some(failed) = &self.failed {
            return not_started(host, options, &options.command, failed);
        }
        if self.by_order {
            return error(Class::Conflict, "was stopped before it was on", true);
        }
        error(Class::Server, ended_early(self.exit, "before it was on", &self.output), true)
    }
}

/// How a command ended that was to do something else, and what it said last.
pub(super) fn ended_early(exit: Option<Exit>, instead: &str, output: &Output) -> String {
    let exit = exit.map_or_else(|| "is gone".to_owned(), |exit| exit.to_string());
    let said =
        output.last(LAST_LINES).map_or_else(|| "it said nothing".into(), |said| format!("it said: {said}"));
    format!("{exit} {instead}; {said}")
}

/// Why a command did not even begin: what is found missing, else what the system says.
pub(super) fn not_started(host: &Host, options: &Options, command: &[String], reason: &str) -> CallError {
    let program = command.first().map(String::as_str).unwrap_or_default();
    match host.find(options, program) {
        Err(missing) => error(Class::Server, missing, false),
        Ok(_) => error(Class::Server, format!("the program {program} cannot be run: {reason}"), true),
    }
}

fn millis(length: onair_wire::Millis) -> Duration {
    Duration::from_millis(length.0)
}

/// At that moment; never without one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}
