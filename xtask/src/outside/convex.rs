//! The mutation that we ship for Convex, and the connector that calls it. A deployment cannot be had here: its programs
//! are not in any package registry. So a double speaks its HTTP API and lets convex-test run the mutation; the official
//! client witnesses that the double is right, and then onair's connector is held to it (row B1).

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::{
    built,
    node::{copied, prepared, tested},
};
use crate::repository::Repository;
use crate::steps::Outcome;

/// The double, its tests, and the versions of what they need.
const WITNESS: &str = "xtask/convex";
/// What we ship.
const FUNCTIONS: &str = "examples/convex/convex";

/// Installs client and convex-test, builds the connector's program, and runs the tests.
pub(crate) fn convex(repository: &Repository) -> Result<Outcome> {
    let dir = prepared(repository, WITNESS, "convex")?;
    let deliver = built(repository, "deliver", &["--package", "onair-adapters", "--example", "deliver"])?;
    let functions = dir.join("functions");
    if functions.exists() {
        fs::remove_dir_all(&functions).with_context(|| format!("cannot remove {}", functions.display()))?;
    }
    copied(repository, FUNCTIONS, &functions)?;
    let mut node = Command::new("node");
    node.env("CONVEX_FUNCTIONS", &functions).env("DELIVER", deliver);
    tested(&mut node, &dir, "convex.test.mjs")
}
