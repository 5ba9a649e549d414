//! schemathesis against `/openapi.json`: requests made from the description, good and bad; no answer may be
//! undocumented and none a 500.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::build_onair;
use super::server::Server;
use crate::needs::ensure_pip_venv;
use crate::process::watched;
use crate::repository::Repository;
use crate::steps::{Outcome, Tally};

/// Pinned, because a newer one checks more, and then a commit fails that has changed nothing.
const REQUIREMENT: &str = "schemathesis==4.32.5";
/// Requests per operation and phase: a few minutes in all.
const EXAMPLES_MAX: &str = "30";
/// The longest a single answer may take, in seconds: even a start on a busy machine, but no hang.
const REQUEST_SECONDS_MAX: &str = "40";
/// How long every long poll waits, in milliseconds: when nothing happens, it would be waited out each time. And 502 and
/// 504 are what a service did or did not do within the millisecond that a setting made up left it.
const CONFIGURATION: &str = r#"
[parameters]
"query.wait" = 50
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "502", "504"]
"#;
/// What a schema cannot say. Of requests that fit it: that a revision is not in the future, that a tag is the current
/// one, that a position is of this log; the server refuses these with 412 and 422, which are documented and checked as
/// any other answer. Of a deletion: that with `?base=` it asks for a merge, and against a later edit the document stays
/// (K2); that what is deleted is gone, our own tests say.
const UNCHECKED: &str = "positive_data_acceptance,use_after_free";
/// What it cannot follow: an event stream has no end, a WebSocket is no HTTP answer.
const EXCLUDED: &str = "/(events|sync)$";

/// Builds `onair`, serves an empty data directory, lets schemathesis at it as `admin`, and ends the server.
pub(crate) fn schemathesis(repository: &Repository) -> Result<Outcome> {
    let target = repository.target()?;
    let programs = ensure_pip_venv(&target.join("tools/schemathesis"), REQUIREMENT)?;
    let dir = target.join("outside/schemathesis");
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    fs::write(dir.join("schemathesis.toml"), CONFIGURATION).context("cannot write schemathesis.toml")?;
    let server = Server::start(&mut Command::new(build_onair(repository)?), &dir)?;
    let mut operations = 0;
    let held = watched(&mut command(&programs, &dir, &server), |line| {
        operations = tested(line).unwrap_or(operations);
    })?;
    server.end()?;
    let log = dir.join("server.log");
    // Its cases are requests, not tests, so they are not counted.
    let tally = Tally::default();
    Ok(match (held, operations) {
        (true, 1..) => Outcome::Passed(tally),
        (true, 0) => Outcome::Failed(tally, "it tested no operation at all".to_owned()),
        (false, _) => Outcome::Failed(tally, format!("see above; the server's log is {}", log.display())),
    })
}

/// The number in its line `Tested: 41`.
fn tested(line: &str) -> Option<usize> {
    line.trim().strip_prefix("Tested: ")?.parse().ok()
}

fn command(programs: &Path, dir: &Path, server: &Server) -> Command {
    let mut command = Command::new(programs.join("schemathesis"));
    command
        .current_dir(dir)
        .args([
            "run",
            "--no-color",
            "--checks",
            "all",
            "--exclude-checks",
            UNCHECKED,
            "--max-examples",
            EXAMPLES_MAX,
        ])
        .arg("--generation-deterministic")
        .args(["--request-timeout", REQUEST_SECONDS_MAX, "--exclude-path-regex", EXCLUDED])
        .args(["--header", &format!("Authorization: Bearer {}", server.admin_token())])
        .arg(format!("{}/openapi.json", server.api()));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_tested_are_read_from_its_summary() {
        assert_eq!(tested("  Tested: 41"), Some(41));
        assert_eq!(tested("  Selected: 41/43"), None);
    }
}
