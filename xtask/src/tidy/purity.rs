//! The pure crates reach no runtime, socket, clock or chance through what they depend on.
//!
//! Their own code is held to that by the lints of `crates/core/clippy.toml`; this is about everybody else's. Macros
//! run before there is a program and do not count.

use anyhow::Result;

use super::Finding;
use crate::process::{cargo, output};
use crate::repository::Repository;

/// The crates that are functions of their arguments.
const PURE: [&str; 2] = ["onair-wire", "onair-core"];

/// What they must not reach: whole names, or with `*` behind it every name that begins so.
const IMPURE: [&str; 14] = [
    "tokio*",
    "async-std",
    "async-io",
    "smol",
    "mio",
    "socket2",
    "hyper*",
    "axum*",
    "tower*",
    "reqwest",
    "rand*",
    "getrandom",
    "fastrand",
    "ahash",
];

/// What they may reach all the same: the name, through whom alone, and the reason.
const ALLOWED: [(&str, &str, &str); 4] = [
    (
        "ahash",
        "jsonschema",
        "seeds its tables by chance; jsonschema looks up in them and walks the document in order",
    ),
    ("getrandom", "jsonschema", "the seed of ahash, and nothing else"),
    ("rand_core", "imbl", "traits alone, without a source"),
    ("rand_xoshiro", "imbl", "a generator that imbl seeds with a constant, to sort its vectors"),
];

/// Asks cargo what the pure crates depend on: with everything, and without what is below those of [`ALLOWED`].
pub(super) fn check(repository: &Repository) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in PURE {
        let whole = tree(repository, package, &[])?;
        let mut through: Vec<&str> = ALLOWED.iter().map(|(_, through, _)| *through).collect();
        through.dedup();
        through.retain(|through| whole.iter().any(|name| name == through));
        let pruned = tree(repository, package, &through)?;
        findings.extend(judge(package, &whole, &pruned));
    }
    Ok(findings)
}

/// The names of what `package` depends on, in order, without what only `pruned` depend on.
fn tree(repository: &Repository, package: &str, pruned: &[&str]) -> Result<Vec<String>> {
    let arguments = ["tree", "--package", package, "--all-features", "--edges", "normal,no-proc-macro"];
    let mut command = cargo(repository, &arguments);
    command.args(["--prefix", "none", "--format", "{p}"]);
    command.args(pruned.iter().flat_map(|name| ["--prune", name]));
    let lines = output(&mut command)?;
    let mut names: Vec<String> =
        lines.lines().filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// What is impure in `whole` and not allowed, or allowed and in `pruned` all the same: reached some other way.
fn judge(package: &str, whole: &[String], pruned: &[String]) -> Vec<Finding> {
    let allowed =
        |name: &String| ALLOWED.iter().any(|(allowed, ..)| allowed == name) && !pruned.contains(name);
    let text =
        |name| format!("depends on `{name}`; find the way there with `cargo tree -p {package} -i {name}`");
    let impure = whole.iter().filter(|name| is_impure(name) && !allowed(name));
    impure.map(|name| Finding::failure(package, text(name))).collect()
}

fn is_impure(name: &str) -> bool {
    IMPURE.iter().any(|impure| match impure.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *impure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn found(whole: &[&str], pruned: &[&str]) -> Vec<String> {
        let findings = judge("onair-core", &names(whole), &names(pruned));
        findings.into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn plain_data_and_the_allowed_are_pure() {
        let whole = ["imbl", "onair-core", "rand_core", "rand_xoshiro", "serde"];
        assert_eq!(found(&whole, &["onair-core", "serde"]), Vec::<String>::new());
    }

    #[test]
    fn a_runtime_a_socket_or_chance_is_found() {
        let found = found(&["axum-core", "onair-core", "rand", "serde", "tokio-util"], &[]);
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("depends on `axum-core`;"), "{found:?}");
        assert!(found[1].starts_with("depends on `rand`;"), "{found:?}");
        assert!(found[2].starts_with("depends on `tokio-util`;"), "{found:?}");
    }

    #[test]
    fn what_is_allowed_through_one_is_not_through_another() {
        let found = found(&["imbl", "proptest", "rand_core"], &["proptest", "rand_core"]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("depends on `rand_core`;"), "{found:?}");
    }
}
