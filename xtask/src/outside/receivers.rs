//! Whoever receives what we send, by the docs: the JavaScript of `docs/backends.md` and `docs/http-services.md` answers a
//! real server, set up by the manifests that stand there, and standardwebhooks verifies beside it (rows B2, B3, S2).

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::node::{copied, prepared, tested};
use super::{build_onair, server::Server};
use crate::repository::Repository;
use crate::steps::Outcome;

/// The tests, and the versions of what they need.
const WITNESS: &str = "xtask/receivers";
/// The variables that the manifests of the docs name, and values for them.
const SECRETS: [(&str, &str); 3] = [
    ("HOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("CAMERA_SECRET", "a secret of services"),
    ("CONVEX_DEPLOY_KEY", "prod:nobody|0123456789abcdef"),
];

/// Serves an empty data directory that may call this machine, and lets the tests set it up and answer it.
pub(crate) fn receivers(repository: &Repository) -> Result<Outcome> {
    let witness = prepared(repository, WITNESS, "receivers")?;
    copied(repository, "docs", &witness.join("docs"))?;
    let dir = repository.target()?.join("outside/receivers");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut onair = Command::new(build_onair(repository)?);
    onair.env("ONAIR_OUTBOUND_ALLOW", "127.0.0.1").envs(SECRETS);
    let server = Server::start(&mut onair, &dir)?;
    let mut node = Command::new("node");
    node.envs(SECRETS).env("ONAIR_URL", server.api()).env("ONAIR_TOKEN", server.admin_token());
    let outcome = tested(&mut node, &witness, "receivers.test.mjs")?;
    server.end()?;
    Ok(outcome)
}
