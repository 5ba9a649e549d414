//! The course of a run: what befalls it, and how it is brought to an end.

use std::sync::Arc;

use onair_core::Production;
use onair_wire::{Epoch, Revision};

use crate::{
    disk::Torn,
    fault::Fault,
    judgement,
    scene::{Request, Scene},
    server::Server,
    shape::WORLD,
    world::{Ended, Event, LIVENESS_MS, World},
};

/// How often it is looked whether all is at rest.
const LOOK_MS: u64 = 500;
/// Looks in a row at which all must be at rest: an agent that died half-open is noticed after three heartbeats, and what is
/// said at its return is written down a moment later.
const RESTED_LOOKS: u64 = 16;
/// How often somebody recovers a show that does not come back by itself.
const RECOVER_EVERY: u64 = 4;

impl World {
    /// A fault befalls whoever is there; one that finds nobody is none.
    pub(crate) fn befall(&mut self, fault: Fault) {
        if !self.busy {
            return;
        }
        self.note("fault", 0, fault.name().as_bytes());
        let now = self.now();
        let living = self.living();
        let line = (!living.is_empty()).then(|| *self.dice.pick(&living));
        match (fault, line) {
            (Fault::Cut, Some(line)) => {
                self.books.fired(fault);
                self.dropped(line);
            }
            (Fault::HalfOpen, Some(line)) => {
                self.books.fired(fault);
                self.vanish(line);
            }
            (Fault::Stall | Fault::SlowReader, Some(line)) => {
                self.books.fired(fault);
                let long = now + self.dice.between(200, 6_000);
                let wire = self.wires.get_mut(&line).expect("it lives");
                if fault == Fault::Stall { wire.stalled_until = long } else { wire.deaf_until = long }
            }
            (Fault::Unreachable, _) => self.unreachable_until = now + self.dice.between(500, 3_000),
            (Fault::ClientKilled, _) => self.kill_client(),
            (Fault::AgentDied, _) if !self.agents.is_empty() => {
                let place = self.dice.place(self.agents.len());
                let scene = self.scene();
                let wants = self.agents[place].die(&scene);
                self.carry_out(crate::shape::AGENTS + place as u64, wants);
            }
            (Fault::Crash, _) => self.crash(Torn::Lost),
            (Fault::CrashUnderWrite, _) => self.armed(Torn::Lost, 400),
            (Fault::CrashBehindWrite, _) => self.armed(Torn::Kept, 400),
            (Fault::Restart, _) if self.server.is_some() && !self.is_stopping() => {
                self.books.fired(fault);
                self.stop();
            }
            // Deadlines of a show are times of the machine's clock: they come later by as much as it goes back.
            (Fault::ClockBack, _) if self.server.is_some() && self.behind_ms == 0 => {
                self.books.fired(fault);
                self.behind_ms = i64::try_from(self.dice.between(100, 5_000)).expect("seconds");
                self.crash(Torn::Lost);
            }
            (Fault::Replaced, _) => self.replace(),
            (Fault::Trimmed, _) => self.trim(),
            _ => {}
        }
    }

    fn kill_client(&mut self) {
        let place = self.dice.place(self.users.len());
        let who = self.users[place].who;
        self.books.fired(Fault::ClientKilled);
        let scene = self.scene();
        for line in self.lines_of(who) {
            self.vanish_quietly(line);
        }
        let wants = self.users[place].kill(&scene);
        self.carry_out(who, wants);
    }

    fn replace(&mut self) {
        if let Some(server) = self.server.as_ref().filter(|_| !self.is_stopping()) {
            let (productions, id) = (server.app.productions.clone(), self.production.clone());
            let books = self.books.clone();
            server.app.tasks.spawn(onair_runtime::TaskKind::Export, async move {
                // What fails now may have failed because the disk did.
                if Server::replace(productions, id).await.is_ok() {
                    books.fired(Fault::Replaced);
                }
            });
        }
    }

    /// An image of what was shown, the log trimmed behind it, and another server that begins there.
    fn trim(&mut self) {
        if self.server.is_none() {
            return;
        }
        let settled = self.books.lock().settled();
        let Some((epoch, last, commits)) = settled.filter(|(_, last, _)| *last > Revision::ZERO) else {
            return;
        };
        // Where a mutation may still be said again its commit is kept, as it is for a month in a real log.
        let last = Revision(self.dice.between(1, last.0));
        let mut state = Production::begin(self.production.clone(), epoch.clone());
        for commit in commits.iter().take_while(|commit| commit.revision <= last) {
            if let Err(broken) = state.apply(commit) {
                return self.books.wrong(format!("the log does not fold: {broken}"));
            }
        }
        let image = onair_engine::Image { revision: last, body: state.image().encode().into() };
        self.books.fired(Fault::Trimmed);
        self.disk.trim(&self.production, &epoch, image);
        self.crash(Torn::Lost);
    }

    /// The power goes now, if it is on.
    fn crash(&mut self, torn: Torn) {
        if self.server.is_some() && self.end.is_none() {
            let silent = self.dice.percent(30);
            self.end = Some(Ended::Crashed { torn, silent });
        }
    }

    pub(crate) fn armed(&mut self, torn: Torn, patience: u32) {
        if !self.busy {
            return;
        }
        if patience == 0 || self.disk.is_writing() {
            return self.crash(torn);
        }
        self.after(1, WORLD, Event::Armed { torn, patience: patience - 1 });
    }

    /// What an end of the machine brings about for the world.
    pub(crate) fn ended(&mut self, ended: Ended) {
        match ended {
            Ended::Crashed { torn, silent } => {
                let written = self.disk.crash(torn);
                self.books.fired(match (written, torn) {
                    (false, _) => Fault::Crash,
                    (true, Torn::Lost) => Fault::CrashUnderWrite,
                    (true, Torn::Kept) => Fault::CrashBehindWrite,
                });
                self.note("crash", 0, &[u8::from(silent), u8::from(written)]);
                self.orphan(silent);
            }
            Ended::Stopped => {
                self.note("stopped", 0, &[]);
                self.disk.crash(Torn::Lost);
                self.orphan(false);
            }
            Ended::Over => return,
        }
        let ms = self.dice.between(20, 1_200);
        self.after(ms, WORLD, Event::Boot);
    }

    pub(crate) async fn boot(&mut self) {
        if self.server.is_some() {
            return;
        }
        self.boots += 1;
        let begun = Server::begin(&self.disk, &self.backend, self.machine_time()).await;
        let server = match begun {
            Ok(server) => server,
            Err(what) if self.disk.has_failed() => {
                self.note("no-boot", 0, what.as_bytes());
                self.disk.crash(Torn::Lost);
                self.after(200, WORLD, Event::Boot);
                return;
            }
            Err(what) => return self.books.wrong(format!("the server does not begin: {what}")),
        };
        if !self.configured {
            match server.configure(&self.production, self.shape.manifest()).await {
                Ok(()) => self.configured = true,
                Err(what) if !self.disk.has_failed() => return self.books.wrong(what),
                Err(_) => {}
            }
        }
        if let Ok(handle) = server.open(&self.production).await {
            judgement::opened(&handle, &self.books);
        }
        self.server = Some(server);
        self.note("boot", self.boots, &[]);
    }

    /// Faults end; whoever hung goes on.
    pub(crate) fn calm(&mut self) {
        self.busy = false;
        self.note("calm", 0, &[]);
        self.disk.mend();
        self.backend.mend();
        self.mend_network();
        let scene = self.scene();
        for place in 0..self.users.len() {
            let wants = self.users[place].retry(&scene);
            self.carry_out(self.users[place].who, wants);
        }
    }

    /// Sees to what an operator sees to: a server whose disk failed, and in the end that all comes to rest.
    pub(crate) async fn look(&mut self, tries: u64) {
        let failed = self.server.is_some() && self.disk.has_failed();
        if failed && !self.is_stopping() {
            self.stop();
        }
        if self.busy || failed || self.server.is_none() || self.is_stopping() {
            let late = self.now() > self.shape.busy_ms + LIVENESS_MS;
            if late {
                return self.books.wrong("there is no server that works long after all faults have ended");
            }
            return self.after(LOOK_MS, WORLD, Event::Look { tries: 0 });
        }
        if tries == 0 {
            let scene = self.scene();
            for place in 0..self.users.len() {
                let wants = self.users[place].retry(&scene);
                self.carry_out(self.users[place].who, wants);
            }
        }
        match self.at_rest().await {
            Ok(state) if self.rested >= RESTED_LOOKS => {
                judgement::at_the_end(&state, &self.agents, &self.books);
                self.end = Some(Ended::Over);
            }
            Ok(_) => {
                self.rested += 1;
                self.after(LOOK_MS, WORLD, Event::Look { tries: tries + 1 });
            }
            Err(what) if self.now() > self.shape.busy_ms + LIVENESS_MS => {
                self.books.wrong(format!("not at rest {LIVENESS_MS} ms after the last fault: {what}"));
            }
            Err(what) => {
                self.rested = 0;
                self.note("unrest", 0, what.as_bytes());
                if tries % RECOVER_EVERY == 1 {
                    self.recover().await;
                }
                self.after(LOOK_MS, WORLD, Event::Look { tries: tries + 1 });
            }
        }
    }

    /// Somebody presses the button, if the show has failed.
    async fn recover(&mut self) {
        let Some(server) = &self.server else { return };
        let Ok(handle) = server.open(&self.production).await else { return };
        if handle.state().phase() == onair_core::Phase::Error {
            let headers = vec![("host", "127.0.0.1:4200".to_owned())];
            let path = "/v1/productions/main/recover".to_owned();
            let request = Request { number: 0, method: "POST", path, headers, body: String::new() };
            server.answer(&request, &self.books, drop);
        }
    }

    /// The state, when nothing goes on.
    async fn at_rest(&mut self) -> Result<Arc<Production>, String> {
        let server = self.server.as_ref().ok_or("there is no server")?;
        let handle = server.open(&self.production).await?;
        let state = handle.state();
        let scene: Scene = self.scene();
        judgement::show_rests(&state, &self.agents)?;
        for agent in &self.agents {
            agent.rests()?;
        }
        for caller in &self.callers {
            caller.rests()?;
        }
        let position: (&Epoch, Revision) = (state.epoch(), state.revision());
        for user in &self.users {
            user.rests(&scene, position)?;
        }
        judgement::backend_rests(&state, &self.backend, &self.books)?;
        judgement::opened(&handle, &self.books);
        Ok(state)
    }
}
