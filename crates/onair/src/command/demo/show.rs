//! The show as it is run from the demo's own process: it listens, tells, and does what the plot says.
//!
//! It is a user of onair like any other. What it knows comes over the event stream, what it wants goes over HTTP.

use std::time::Duration;

use onair_core::{Phase, lifecycle::Transition, sequence::StepStatus};
use onair_wire::Commit;
use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    agent::Role,
    cast::{Cast, Happened},
    narrator::Narrator,
    page::Places,
    plot::{Act, Moment, Plot},
    record::Record,
    signals::Signals,
    tale::{self, Line, Mark},
    world::{Follow, News, World},
};
use crate::command::{Context, text};

/// How often is looked who is gone and what comes next.
const TICK: Duration = Duration::from_millis(100);
/// How often figures are told where no line moves.
const FIGURES: Duration = Duration::from_secs(10);
/// How long a show may take to end that was told to.
const ENDING: Duration = Duration::from_secs(6);

/// The show.
pub(super) struct Show {
    pub(super) context: Context,
    pub(super) cast: Cast,
    pub(super) plot: Plot,
    pub(super) narrator: Narrator,
    pub(super) places: Places,
    pub(super) follow: Follow,
    world: World,
    record: Option<Record>,
    /// When the phase became what it is.
    moved: Instant,
    /// When the question was opened.
    opened: Instant,
    /// When figures were last told.
    figures: Instant,
    /// Whether the demo is about to end.
    leaving: bool,
}

impl Show {
    pub(super) fn new(
        context: Context,
        cast: Cast,
        plot: Plot,
        narrator: Narrator,
        places: Places,
        follow: Follow,
    ) -> Self {
        let (world, now) = (World::default(), Instant::now());
        let (moved, opened, figures) = (now, now, now);
        let (record, leaving) = (None, false);
        Self { context, cast, plot, narrator, places, follow, world, record, moved, opened, figures, leaving }
    }

    /// Until somebody ends it, or it has been long enough.
    pub(super) async fn run(&mut self, signals: &mut Signals, end: Option<Instant>) -> anyhow::Result<()> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                news = self.follow.next(&self.context) => self.take(news?)?,
                _ = tick.tick() => self.look().await?,
                () = signals.recv() => return Ok(()),
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => return Ok(()),
            }
        }
    }

    /// Ends the show as a user would: a stop where there is one, and force where there is not.
    pub(super) async fn end(&mut self, signals: &mut Signals) -> anyhow::Result<()> {
        self.narrator.status("")?;
        let lifecycle = self.world.lifecycle();
        let action = match (lifecycle.phase, lifecycle.sequence) {
            (Phase::Live, None) => "stop",
            (Phase::Idle | Phase::Ready | Phase::Error, None) => return Ok(()),
            _ => "emergency-stop",
        };
        self.leaving = true;
        self.demo(&format!("{action}, and good night"))?;
        self.ask(action).await?;
        let end = Instant::now() + ENDING;
        while !self.rests() {
            tokio::select! {
                news = self.follow.next(&self.context) => self.take(news?)?,
                () = signals.recv() => break,
                () = sleep_until(end) => break,
            }
        }
        self.narrator.status("")?;
        Ok(())
    }

    fn rests(&self) -> bool {
        let lifecycle = self.world.lifecycle();
        let phase = std::matches!(lifecycle.phase, Phase::Idle | Phase::Ready | Phase::Error);
        phase && lifecycle.sequence.is_none()
    }

    fn take(&mut self, news: Option<News>) -> anyhow::Result<()> {
        match news {
            Some(News::Snapshot(world)) => self.world = world,
            Some(News::Commit(commit)) => self.commit(&commit)?,
            Some(News::Figures(figures)) => self.world.figures = figures,
            None => anyhow::bail!("the server has ended the event stream"),
        }
        Ok(self.narrator.status(&self.status())?)
    }

    fn commit(&mut self, commit: &Commit) -> anyhow::Result<()> {
        let before = self.world.clone();
        self.world.take(commit)?;
        self.narrator.commit(commit)?;
        for line in tale::tell(&before, commit, &self.world) {
            self.narrator.say(Some(commit.revision), &line)?;
        }
        let moved = commit.changes.iter().filter(|change| change.collection.as_str() == "_transitions");
        for change in moved {
            if let Some(moved) = self.world.read::<Transition>("_transitions", change.id.as_str()) {
                self.plot.moved(&moved);
                self.moved = Instant::now();
                if !self.leaving {
                    self.hint(&moved)?;
                }
            }
        }
        if !before.quiz().open && self.world.quiz().open {
            self.opened = Instant::now();
        }
        if let Some(record) = &mut self.record {
            record.take(&before, commit, &self.world);
        }
        Ok(())
    }

    /// Says how to go on, where the demo does not.
    fn hint(&mut self, moved: &Transition) -> anyhow::Result<()> {
        match self.plot.waits_for(moved) {
            Some(calls) => self.demo(&format!("the demo leaves it at that, until somebody says: {calls}")),
            None => Ok(()),
        }
    }

    /// Looks who is gone, and what the plot wants.
    async fn look(&mut self) -> anyhow::Result<()> {
        for happened in self.cast.look(self.plot.has_fallen())? {
            self.demo(&told(&happened))?;
        }
        if !self.narrator.moves() && self.figures.elapsed() > FIGURES && self.is_live() {
            self.figures = Instant::now();
            self.narrator.say(None, &Line::new(Mark::Note, self.status()))?;
        }
        self.narrator.status(&self.status())?;
        match self.plot.next(&self.moment()) {
            Some(Act::Initialize) => self.begin("initialize").await,
            Some(Act::Start) => self.begin("start").await,
            Some(Act::Kill) => self.kill(),
            Some(Act::Explain) => self.explain(),
            None => Ok(()),
        }
    }

    fn moment(&self) -> Moment {
        let lifecycle = self.world.lifecycle();
        let moment = Moment {
            phase: lifecycle.phase,
            lasted: self.moved.elapsed(),
            paused: lifecycle.paused,
            busy: lifecycle.sequence.is_some(),
            host_is_well: self.world.service("host").healthy,
            round: 0,
            open_for: None,
        };
        moment.with_quiz(&self.world.quiz(), self.opened.elapsed())
    }

    fn is_live(&self) -> bool {
        self.world.lifecycle().phase == Phase::Live
    }

    async fn begin(&mut self, action: &str) -> anyhow::Result<()> {
        self.demo(&format!("POST /v1/productions/main/{action}"))?;
        self.ask(action).await
    }

    /// Asks for an action and does not wait for it. A no is told: somebody else may have been quicker.
    async fn ask(&mut self, action: &str) -> anyhow::Result<()> {
        let Context { remote, production, .. } = &self.context;
        let mut ask = remote.of(production, Method::POST, &[action]).header("prefer", "respond-async");
        if action == "start" {
            ask = ask.json(&json!({ "kind": "quiz" }));
        }
        match ask.send().await {
            Ok(_) => Ok(()),
            Err(error) => self.demo(&format!("{action}: {error}")),
        }
    }

    fn kill(&mut self) -> anyhow::Result<()> {
        let Some(pid) = self.cast.pid(Role::Host) else { return Ok(()) };
        self.record = Some(Record::default());
        self.demo(&format!("kill -9 {pid}: the host, in the middle of a question"))?;
        self.cast.kill(Role::Host)
    }

    fn explain(&mut self) -> anyhow::Result<()> {
        let happened = self.record.as_ref().and_then(|record| self.places.happened(record));
        let (revision, host) = (self.world.revision(), self.cast.pid(Role::Host));
        let try_it = self.places.try_it(revision, host, happened.is_none());
        Ok(self.narrator.page(&happened.into_iter().chain([try_it]).collect::<Vec<_>>().join("\n"))?)
    }

    fn demo(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.narrator.say(None, &Line::new(Mark::Demo, text))?)
    }

    /// The line that moves.
    fn status(&self) -> String {
        let lifecycle = self.world.lifecycle();
        let revision = self.world.revision();
        let running = lifecycle.sequence.as_deref().and_then(|id| self.world.sequence(id));
        if let Some(sequence) = running {
            let running = sequence.steps.iter().filter(|step| step.status == StepStatus::Running);
            let names: Vec<&str> = running.map(|step| step.name.as_str()).collect();
            return format!("{}  {}  {} …", lifecycle.phase.as_str(), sequence.id, names.join(", "));
        }
        if lifecycle.phase != Phase::Live {
            return format!("{}  revision {revision}", lifecycle.phase.as_str());
        }
        let figures = &self.world.figures;
        let seconds = self.moved.elapsed().as_secs();
        let audience = self.world.value("interactions", "audience");
        format!(
            "{} {}:{:02}  {:.1} fps  {} dropped  {} ms a frame  {} watching  revision {revision}",
            if lifecycle.paused { "PAUSED" } else { "ON AIR" },
            seconds / 60,
            seconds % 60,
            figures.fps.unwrap_or_default(),
            figures.dropped_frames.unwrap_or_default(),
            figures.average_render_time.map(|time| format!("{time:.1}")).unwrap_or_default(),
            audience.map(|audience| text(audience, "watching")).unwrap_or_default(),
        )
    }
}

/// What happened to a process, in words.
fn told(happened: &Happened) -> String {
    match happened {
        Happened::Ended(role, status, wait) => {
            let wait = wait.as_secs_f64();
            format!("the {}’s process is gone ({status}); another comes in {wait:.1} s", role.as_str())
        }
        Happened::Back(role, pid) => format!("another {}: process {pid}", role.as_str()),
    }
}
