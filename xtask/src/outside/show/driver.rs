//! What is said to the server over HTTP: what operators press, what it says of itself, and how a show is mended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::plan::Press;
use super::scene::Scene;
use super::world::ENCODER;
use super::{super::http::Site, PRODUCTION, check};

/// For what comes by itself: many times what it takes on a slow machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// A server as a client knows it.
#[derive(Clone, Debug)]
pub(super) struct Driver {
    site: Site,
}

impl Driver {
    pub(super) fn new(api: &str, token: &str) -> Self {
        Self { site: Site::new(api, token) }
    }

    /// One request: the status and the body.
    fn ask(&self, method: &str, path: &str, body: &str) -> Result<(u16, Value)> {
        let (status, body) = self.site.ask(
            method,
            &format!("/v1/productions/{PRODUCTION}{path}"),
            "application/json",
            body,
        )?;
        let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body)? };
        Ok((status, body))
    }

    /// Begins the production.
    pub(super) fn create(&self, manifest: &Value) -> Result<()> {
        let (status, body) = self.ask("PUT", "", &manifest.to_string())?;
        ensure!(status == 201, "the production was not begun: {status} {body}");
        Ok(())
    }

    /// Presses a button and waits for what comes of it.
    pub(super) fn press(&self, action: &str) -> Result<(u16, Value)> {
        self.ask("POST", &format!("/{action}"), "{}")
    }

    /// What the server says of the show.
    pub(super) fn snapshot(&self) -> Result<Value> {
        let (status, body) = self.ask("GET", "", "")?;
        ensure!(status == 200, "no snapshot: {status} {body}");
        Ok(body)
    }

    /// The commits behind a revision.
    pub(super) fn commits(&self, after: u64) -> Result<Vec<Value>> {
        let (mut all, mut after) = (Vec::new(), after);
        loop {
            let (status, body) = self.ask("GET", &format!("/changes?after={after}&limit=500"), "")?;
            ensure!(status == 200, "no changes: {status} {body}");
            let Some(page) = body["commits"].as_array().filter(|page| !page.is_empty()) else {
                return Ok(all);
            };
            after = page.last().and_then(|commit| commit["revision"].as_u64()).context("a revision")?;
            all.extend(page.iter().cloned());
        }
    }

    /// Waits until nothing is under way, here or there, and nothing comes by itself; what the server says then.
    ///
    /// # Errors
    /// It did not come to rest, with what it says and what the world says.
    pub(super) fn rest(&self, scene: &Scene) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.snapshot()?;
            let why = {
                let world = scene.world();
                ensure!(world.wrongs.is_empty(), "{}", world.wrongs.join("; "));
                check::unrest(&said, &world)
            };
            let Some(why) = why else {
                // What is on was looked at behind what was said; if the same is still said, both are of one moment.
                if self.snapshot()?["revision"] == said["revision"] && scene.world().is_quiet() {
                    return Ok(said);
                }
                continue;
            };
            if Instant::now() > until {
                bail!("it does not come to rest: {why}; {}", check::both(&said, &scene.world()));
            }
            thread::sleep(LOOK);
        }
    }

    /// Brings the show to `ready` by what an operator would press, while nothing goes wrong any more.
    ///
    /// # Errors
    /// It does not come there.
    pub(super) fn mend(&self, scene: &Scene) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let said = self.rest(scene)?;
            let action = match said["lifecycle"]["phase"].as_str().unwrap_or_default() {
                "ready" => return Ok(said),
                "live" => "stop",
                "error" => "recover",
                _ => "initialize",
            };
            let (status, body) = self.press(action)?;
            if Instant::now() > until {
                bail!("{action} comes to {status} {body}; {}", check::both(&said, &scene.world()));
            }
        }
    }

    /// Operators press what a round says, each in a thread of its own, until `dead`.
    pub(super) fn operate(
        &self,
        scene: &Arc<Scene>,
        from: u64,
        operators: Vec<Vec<Press>>,
        dead: &Arc<AtomicBool>,
    ) -> Vec<JoinHandle<()>> {
        let operate = |presses: Vec<Press>| {
            let (driver, scene, dead) = (self.clone(), Arc::clone(scene), Arc::clone(dead));
            thread::spawn(move || {
                let is_dead = || dead.load(Ordering::Relaxed);
                for Press { calls, action } in presses {
                    scene.wait_for(from + calls, PATIENCE, is_dead);
                    // What is refused is refused, and a server that is dead answers nobody.
                    if is_dead() || driver.press(action).is_err() {
                        return;
                    }
                }
            })
        };
        operators.into_iter().map(operate).collect()
    }
}

/// The production of this show. `feed` and `encoder` say where they are.
pub(super) fn manifest(feed: &str) -> Value {
    json!({
        "services": [
            { "name": "feed", "adapter": { "type": "http", "url": format!("http://{feed}/"), "secret": "env:SHOW_SECRET" } },
            { "name": "session" },
            { "name": "host", "adapter": { "type": "agent" } },
            { "name": "producer", "adapter": { "type": "agent" } },
            { "name": ENCODER, "adapter": { "type": "process", "name": ENCODER } },
        ],
        "start": ["feed", "session", "host", "producer", ENCODER],
        "requires": [],
        "settings": {
            "initializationTimeout": 2_000, "startupTimeout": 5_000, "shutdownTimeout": 2_000,
            "healthTimeout": 3_000, "retryDelay": 20, "maxRetries": 3,
        },
    })
}
