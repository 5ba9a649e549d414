//! The steps that look at the program from outside: a built `onair`, a real socket, somebody else's client.

mod chance;
mod client;
mod convex;
mod crash;
mod figures;
mod fuzz;
mod http;
mod node;
mod overload;
mod packages;
mod receivers;
mod schemathesis;
mod server;
mod show;
mod simulation;
mod soak;
mod syscalls;

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

pub(crate) use convex::convex;
pub(crate) use crash::{Wanted as Crash, crash, run as crash_rounds};
pub(crate) use fuzz::{Fuzz, fuzz};
pub(crate) use overload::{Wanted as Overload, overload, run as overload_rounds};
pub(crate) use packages::packages;
pub(crate) use receivers::receivers;
pub(crate) use schemathesis::schemathesis;
pub(crate) use show::{Wanted, run as show_rounds, show, stand_in};
pub(crate) use simulation::{planted, sim};
pub(crate) use soak::{Wanted as Soak, run as soak};
pub(crate) use syscalls::{run as syscalls_points, syscalls};

use crate::process::{cargo, output};
use crate::repository::Repository;

/// Builds `onair` as `cargo test` does and says where it is.
fn build_onair(repository: &Repository) -> Result<PathBuf> {
    built(repository, "onair", &["--package", "onair"])
}

/// Builds a program as `cargo test` does and says where it is.
fn built(repository: &Repository, name: &str, chosen: &[&str]) -> Result<PathBuf> {
    let arguments = [&["build", "--message-format", "json-render-diagnostics", "--quiet"], chosen].concat();
    let messages = output(&mut cargo(repository, &arguments))?;
    let program = messages.lines().filter_map(|message| program_built(message, name)).next_back();
    program.with_context(|| format!("cargo built no program `{name}`"))
}

/// The program that a message of cargo is about, if it is the one of that name.
fn program_built(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_what_cargo_says() {
        let built =
            r#"{"reason":"compiler-artifact","target":{"name":"onair"},"executable":"/t/debug/onair"}"#;
        assert_eq!(program_built(built, "onair"), Some(PathBuf::from("/t/debug/onair")));
        let library = r#"{"reason":"compiler-artifact","target":{"name":"onair"},"executable":null}"#;
        assert_eq!(program_built(library, "onair"), None);
        let other =
            r#"{"reason":"compiler-artifact","target":{"name":"xtask"},"executable":"/t/debug/xtask"}"#;
        assert_eq!(program_built(other, "onair"), None);
        assert_eq!(program_built("not json", "onair"), None);
    }
}
